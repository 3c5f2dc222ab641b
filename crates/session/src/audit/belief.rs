//! What is believed of the share of relevant records in each stratum, given those looked at.
//!
//! Of most strata only a few records are seen, and of the lowest, which holds most of the corpus, a
//! handful with nothing relevant among them. That bounds it far too loosely to say anything of recall,
//! and a prior that trusts the classifier's own probabilities says far too much: its intervals
//! miss the truth every third time. So the classifier is believed as far as the records seen
//! agree with it. The log odds of a stratum are those of a curve `shift + slope score`, which may be
//! off for all of them, plus some `strays` that lie anywhere, plus a departure of its own; how large all
//! of these are is learned from all strata together. Each has a few values on a grid, which are
//! weighed by the records seen; no step can fail to converge, and a seed gives the same numbers.

use linprobe_core::SplitMix;

/// A stratum and what was seen of it.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    /// Scores (logits) that stand for those of its records, equally many each.
    pub(super) scores: Vec<f64>,
    /// The records that were judged, in as many equally likely draws as they are worth.
    pub(super) n_seen: f64,
    /// The relevant ones among these.
    pub(super) n_relevant: f64,
    /// The records that were judged, each as one.
    pub(super) n_counted: f64,
    /// The relevant ones among these.
    pub(super) n_counted_relevant: f64,
    /// Records without a label, the judged ones included.
    pub(super) n_unlabelled: f64,
}

/// Shares of the relevant records in each stratum, as likely as the records seen make them.
pub(super) struct Belief<'a> {
    evidence: &'a [Evidence],
    cells: Vec<Cell>,
    /// Running sum of the cells' probabilities.
    cumulative: Vec<f64>,
    nodes: Vec<Node>,
}

/// One value of each parameter.
struct Cell {
    /// The log odds that they give each stratum.
    log_odds: Vec<f64>,
    /// How far strata depart from them: the scale of the departures.
    scale: f64,
    log_weight: f64,
}

/// A departure in units of its scale, and its weight.
#[derive(Clone, Copy)]
struct Node {
    x: f64,
    log_weight: f64,
}

/// The curve's shift: a Gaussian around 0, of this deviation. A classifier of few labels promises up to ten times
/// as many relevant records as there are: with a narrower prior, intervals over real vectors miss the truth
/// every other time.
const SHIFT_DEVIATION: f64 = 2.5;
const N_SHIFTS: usize = 25;

/// The logarithm of the curve's slope: a Gaussian around 0, of this deviation.
const LOG_SLOPE_DEVIATION: f64 = 0.8;
const N_SLOPES: usize = 11;

/// Strays for each relevant record that the curve promises, and how likely that is.
const STRAYS: [(f64, f64); 4] = [(0.0, 0.4), (0.2, 0.3), (1.0, 0.18), (6.0, 0.12)];

/// Scales of the departures, and how likely each is.
const SCALES: [(f64, f64); 2] = [(0.15, 0.6), (0.5, 0.4)];

const N_NODES: usize = 11;

/// How far the grids reach, in deviations.
const REACH: f64 = 2.75;

/// Log odds stay within this.
const MAX_LOG_ODDS: f64 = 30.0;

impl<'a> Belief<'a> {
    /// Weighs every value of the parameters by what was seen.
    pub(super) fn new(evidence: &'a [Evidence]) -> Self {
        let nodes: Vec<Node> = gaussian(N_NODES, 1.0).collect();
        let mut cells = Vec::new();
        for shift in gaussian(N_SHIFTS, SHIFT_DEVIATION) {
            for log_slope in gaussian(N_SLOPES, LOG_SLOPE_DEVIATION) {
                let shares: Vec<f64> = evidence
                    .iter()
                    .map(|stratum| stratum.share(shift.x, log_slope.x.exp()))
                    .collect();
                for (strays, of_strays) in STRAYS {
                    let log_odds = with_strays(evidence, &shares, strays);
                    for (scale, of_scale) in SCALES {
                        let prior = shift.log_weight + log_slope.log_weight;
                        let prior = prior + f64::ln(of_strays) + f64::ln(of_scale);
                        cells.push(Cell { log_odds: log_odds.clone(), scale, log_weight: prior });
                    }
                }
            }
        }
        let mut belief = Self { evidence, cells, cumulative: Vec::new(), nodes };
        belief.weigh();
        belief
    }

    fn weigh(&mut self) {
        for cell in &mut self.cells {
            let strata = self.evidence.iter().zip(&cell.log_odds);
            let seen = strata.map(|(stratum, &log_odds)| {
                let terms = self.nodes.iter().map(|node| {
                    node.log_weight + stratum.log_likelihood(log_odds + cell.scale * node.x)
                });
                log_sum_exp(terms)
            });
            cell.log_weight += seen.sum::<f64>();
        }
        let most = self.cells.iter().map(|cell| cell.log_weight).fold(f64::MIN, f64::max);
        let weights = self.cells.iter().map(|cell| (cell.log_weight - most).exp());
        let running = weights.scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        self.cumulative = running.collect();
    }

    /// Draws a share for each stratum.
    pub(super) fn draw(&self, random: &mut SplitMix) -> Vec<f64> {
        let total = self.cumulative.last().copied().unwrap_or_default();
        let at = random.open_unit() * total;
        let position = self.cumulative.partition_point(|&sum| sum < at);
        let cell = &self.cells[position.min(self.cells.len() - 1)];
        let strata = self.evidence.iter().zip(&cell.log_odds);
        let share = |(stratum, &log_odds): (&Evidence, &f64)| {
            sigmoid(log_odds + cell.scale * self.draw_departure(stratum, log_odds, cell, random))
        };
        strata.map(share).collect()
    }

    fn draw_departure(
        &self,
        stratum: &Evidence,
        log_odds: f64,
        cell: &Cell,
        random: &mut SplitMix,
    ) -> f64 {
        let log_weight =
            |node: &Node| node.log_weight + stratum.log_likelihood(log_odds + cell.scale * node.x);
        let weights: Vec<f64> = self.nodes.iter().map(log_weight).collect();
        let most = weights.iter().copied().fold(f64::MIN, f64::max);
        let weights: Vec<f64> = weights.iter().map(|weight| (weight - most).exp()).collect();
        let mut at = random.open_unit() * weights.iter().sum::<f64>();
        let chosen = self.nodes.iter().zip(&weights).find(|(_, weight)| {
            at -= *weight;
            at <= 0.0
        });
        let node = chosen.map_or(0.0, |(node, _)| node.x);
        // Between the nodes, too.
        node + (random.open_unit() - 0.5) * 2.0 * REACH / (N_NODES - 1) as f64
    }

    /// The standard deviation of one record's relevance in each stratum.
    pub(super) fn deviations(&self) -> Vec<f64> {
        let total = self.cumulative.last().copied().unwrap_or(1.0);
        let mut variances = vec![0.0; self.evidence.len()];
        let mut before = 0.0;
        for (cell, &sum) in self.cells.iter().zip(&self.cumulative) {
            let weight = (sum - before) / total;
            before = sum;
            for (variance, &log_odds) in variances.iter_mut().zip(&cell.log_odds) {
                for node in &self.nodes {
                    let share = sigmoid(log_odds + cell.scale * node.x);
                    *variance += weight * node.log_weight.exp() * share * (1.0 - share);
                }
            }
        }
        variances.into_iter().map(f64::sqrt).collect()
    }
}

impl Evidence {
    /// The share of relevant records that a curve gives.
    fn share(&self, shift: f64, slope: f64) -> f64 {
        let shares = self.scores.iter().map(|score| sigmoid(shift + slope * score));
        shares.sum::<f64>() / self.scores.len().max(1) as f64
    }

    /// Of what was seen, at these log odds.
    fn log_likelihood(&self, log_odds: f64) -> f64 {
        self.n_relevant * log_odds - self.n_seen * softplus(log_odds)
    }
}

/// The log odds of each stratum when strays, some for each relevant record that the curve
/// promises, lie anywhere.
fn with_strays(evidence: &[Evidence], shares: &[f64], strays: f64) -> Vec<f64> {
    let n_all: f64 = evidence.iter().map(|stratum| stratum.n_unlabelled).sum();
    let promised = evidence.iter().zip(shares).map(|(stratum, share)| stratum.n_unlabelled * share);
    let everywhere = strays * promised.sum::<f64>() / n_all.max(1.0);
    let log_odds = shares.iter().map(|share| {
        let share = (share + everywhere).min(1.0 - 1e-12);
        (share / (1.0 - share)).ln().clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS)
    });
    log_odds.collect()
}

/// Evenly spaced values with the weights of a Gaussian around 0.
fn gaussian(n: usize, deviation: f64) -> impl Iterator<Item = Node> {
    let unit = move |i: usize| REACH * (2.0 * i as f64 / (n - 1) as f64 - 1.0);
    let total: f64 = (0..n).map(|i| (-0.5 * unit(i).powi(2)).exp()).sum();
    (0..n).map(move |i| Node {
        x: deviation * unit(i),
        log_weight: -0.5 * unit(i).powi(2) - total.ln(),
    })
}

fn log_sum_exp(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = terms.clone().fold(f64::MIN, f64::max);
    most + terms.map(|term| (term - most).exp()).sum::<f64>().ln()
}

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

fn softplus(logit: f64) -> f64 {
    logit.max(0.0) + (-logit.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Their likelihood is smaller than any number.
    #[test]
    fn thousands_of_judgements_in_a_stratum_leave_no_doubt() {
        let evidence = [Evidence {
            scores: vec![0.0],
            n_seen: 4000.0,
            n_relevant: 2000.0,
            n_counted: 4000.0,
            n_counted_relevant: 2000.0,
            n_unlabelled: 6000.0,
        }];
        let belief = Belief::new(&evidence);
        let mut random = SplitMix::new(1);
        let shares: Vec<f64> = (0..200).map(|_| belief.draw(&mut random)[0]).collect();
        let mean = shares.iter().sum::<f64>() / 200.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
    }
}
