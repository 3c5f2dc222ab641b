//! From records that were judged to numbers with intervals.
//!
//! Each draw from the belief gives a share of relevant records to every part, and a binomial number of
//! them among its unseen records; those that were judged or labelled are counted as what they
//! are. Precision, recall, F1 and the total follow from each draw, and the interval holds nine
//! tenths of the draws.

use linprobe_classifier::{OutOfReach, ThresholdPolicy};
use linprobe_core::SplitMix;

use super::{
    belief::{Belief, Evidence},
    binomial::binomial,
    strata::{Part, part_of},
};

/// How many draws make an interval.
const N_DRAWS: usize = 2000;

/// The share of draws on each side of an interval: it holds 90 %.
const TAIL: f64 = 0.05;

/// A number that was estimated: the truth lies within in nine of ten audits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end: the truth lies above it in 95 % of audits.
    pub low: f64,
    /// The middle of what is likely.
    pub estimate: f64,
    /// The upper end.
    pub high: f64,
}

/// A record that was judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    /// What the classifier now makes of it.
    pub(super) score: f32,
    pub(super) relevant: bool,
    /// How many records it stands for: one by the odds of its having been judged.
    pub(super) weight: f64,
}

/// How good the decisions at a threshold are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quality {
    pub(super) threshold: f32,
    pub(super) n_above: u64,
    pub(super) precision: Interval,
    pub(super) recall: Interval,
    pub(super) f1: Interval,
}

/// What is known of the relevant records in each part.
pub(super) struct Estimate<'a> {
    parts: &'a [Part],
    /// For each draw, the relevant records of each part.
    draws: Vec<Vec<f64>>,
}

/// What was seen of each part.
pub(super) fn evidence(parts: &[Part], judged: &[Judged]) -> Vec<Evidence> {
    let mut sums = vec![Sums::default(); parts.len()];
    for record in judged {
        let position = part_of(parts.iter().map(Part::low), record.score);
        if let Some(sum) = sums.get_mut(position.min(parts.len().saturating_sub(1))) {
            sum.add(record);
        }
    }
    parts.iter().zip(sums).map(|(part, sum)| sum.evidence(part)).collect()
}

/// Of the judged records of one part.
#[derive(Clone, Copy, Default)]
struct Sums {
    n: f64,
    n_relevant: f64,
    weight: f64,
    weight_squared: f64,
    weight_relevant: f64,
}

impl Sums {
    fn add(&mut self, record: &Judged) {
        let relevant = f64::from(u8::from(record.relevant));
        self.n += 1.0;
        self.n_relevant += relevant;
        self.weight += record.weight;
        self.weight_squared += record.weight * record.weight;
        self.weight_relevant += record.weight * relevant;
    }

    /// Unequal odds make records worth fewer: Kish's effective number, `(sum w)^2 / sum w^2`.
    fn evidence(self, part: &Part) -> Evidence {
        let worth = if self.n > 0.0 { self.weight.powi(2) / self.weight_squared } else { 0.0 };
        let share = if self.n > 0.0 { self.weight_relevant / self.weight } else { 0.0 };
        Evidence {
            scores: part.scores(),
            n_seen: worth,
            n_relevant: worth * share,
            n_counted: self.n,
            n_counted_relevant: self.n_relevant,
            n_unlabelled: part.n_unlabelled as f64,
        }
    }
}

impl<'a> Estimate<'a> {
    pub(super) fn new(parts: &'a [Part], judged: &[Judged], seed: u64) -> Self {
        let evidence = evidence(parts, judged);
        let belief = Belief::new(&evidence);
        let mut random = SplitMix::new(seed);
        let mut draw = || {
            let shares = belief.draw(&mut random);
            let parts = parts.iter().zip(&evidence).zip(shares);
            parts
                .map(|((part, seen), share)| {
                    let n_unseen = (seen.n_unlabelled - seen.n_counted).max(0.0);
                    let n_counted = part.n_known_relevant as f64 + seen.n_counted_relevant;
                    n_counted + binomial(&mut random, n_unseen, share)
                })
                .collect()
        };
        Self { parts, draws: (0..N_DRAWS).map(|_| draw()).collect() }
    }

    /// The number of relevant records in the corpus.
    pub(super) fn n_relevant(&self) -> Interval {
        self.interval(|counts| counts.iter().sum())
    }

    /// How good the decisions are at the border that lies at a threshold.
    pub(super) fn at(&self, threshold: f32) -> Quality {
        let above = self.parts.iter().take_while(|part| part.low() >= threshold);
        self.above(above.count(), threshold)
    }

    /// The border whose lower end keeps the precision or recall that a policy asks for, with as many
    /// records as can be, or as few; none for other policies.
    pub(super) fn choose(&self, policy: ThresholdPolicy) -> Result<Option<Quality>, OutOfReach> {
        match policy {
            ThresholdPolicy::Precision(wanted) => {
                let kept = self.borders().filter(|border| border.precision.low >= wanted).last();
                let low = |border: Quality| border.precision.low;
                kept.ok_or_else(|| self.out_of_reach("precision", wanted, low)).map(Some)
            }
            ThresholdPolicy::Recall(wanted) => {
                let kept = self.borders().find(|border| border.recall.low >= wanted);
                let low = |border: Quality| border.recall.low;
                kept.ok_or_else(|| self.out_of_reach("recall", wanted, low)).map(Some)
            }
            ThresholdPolicy::F1 | ThresholdPolicy::Count(_) | ThresholdPolicy::Score(_) => Ok(None),
        }
    }

    fn out_of_reach(
        &self,
        measure: &'static str,
        wanted: f64,
        low: impl Fn(Quality) -> f64,
    ) -> OutOfReach {
        OutOfReach { measure, wanted, best: self.borders().map(low).fold(0.0, f64::max) }
    }

    /// How good the decisions are at every border between parts, highest first.
    fn borders(&self) -> impl Iterator<Item = Quality> {
        let numbered = (1..).zip(self.parts);
        numbered.map(|(n_parts, part)| self.above(n_parts, part.low()))
    }

    fn above(&self, n_parts: usize, threshold: f32) -> Quality {
        let n_above: u64 = self.parts.iter().take(n_parts).map(|part| part.n_points).sum();
        let found = |counts: &[f64]| counts.iter().take(n_parts).sum::<f64>();
        let all = |counts: &[f64]| counts.iter().sum::<f64>();
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        Quality {
            threshold,
            n_above,
            precision: self.interval(|counts| share(found(counts), n_above as f64)),
            recall: self.interval(|counts| share(found(counts), all(counts))),
            f1: self.interval(|counts| share(2.0 * found(counts), n_above as f64 + all(counts))),
        }
    }

    fn interval(&self, value: impl Fn(&[f64]) -> f64) -> Interval {
        let mut values: Vec<f64> = self.draws.iter().map(|counts| value(counts)).collect();
        values.sort_unstable_by(f64::total_cmp);
        Interval {
            low: quantile(&values, TAIL),
            estimate: quantile(&values, 0.5),
            high: quantile(&values, 1.0 - TAIL),
        }
    }
}

impl Interval {
    /// Whether a number lies within.
    pub fn holds(self, number: f64) -> bool {
        // A share of two counts is not exact.
        const ROUNDING: f64 = 1e-9;
        self.low - ROUNDING <= number && number <= self.high + ROUNDING
    }

    /// How wide it is.
    pub fn width(self) -> f64 {
        self.high - self.low
    }

    /// The same in other units.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self { low: self.low * factor, estimate: self.estimate * factor, high: self.high * factor }
    }
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let position = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(position).copied().unwrap_or_default()
}
