//! Advice on when to stop, with its reasons in numbers. It is advice: nothing is locked by it.
//!
//! Four things are looked at. Whether decisions still change from fit to fit, on the shortlist of highest
//! scores, since over a whole corpus nearly nothing ever changes. Whether rounds still find relevant
//! records. How many are expected to be left. And, since a loop can go blind without noticing, what
//! an audit has measured: nobody is told to stop before one.

use std::collections::{BTreeMap, BTreeSet};

use linprobe_classifier::{LEAST_PROBABLE, LinearClassifier, ThresholdPolicy};
use linprobe_core::{Excluded, Hit, Query, RecordId};

use crate::{AuditReport, Interval, Round, SessionError, View, audit::Corpus};

/// Records of the shortlist.
const SHORTLIST: usize = 1000;

/// Rounds that are looked back on.
const N_ROUNDS: usize = 3;

/// Below so many relevant labels, nothing is settled.
const MIN_POSITIVE: u64 = 5;

/// Decisions agree from fit to fit when their kappa reaches this.
const SETTLED_KAPPA: f64 = 0.99;

/// Rounds are dry when at most this share of what they show is relevant.
const DRY_SHARE: f64 = 0.05;

/// Nearly all is found when at most this share of the relevant is expected to be left.
const LEFT_SHARE: f64 = 0.05;

/// An audit is firm when its interval of F1 is no wider.
const FIRM_WIDTH: f64 = 0.2;

/// Nobody stops while an audit does not tell that at least this share of the relevant is above the boundary.
const LEAST_RECALL: f64 = 0.5;

/// What to do next, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// What to do next.
    pub verdict: Verdict,
    /// How the decisions have changed with the last fit that saw other labels.
    pub flips: Option<Flips>,
    /// What the last rounds have found.
    pub hits: Hits,
    /// Relevant records that no label has found yet.
    pub n_left: Left,
    /// What the audits measured of F1; none without an audit.
    pub f1: Option<Interval>,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Labels still change something.
    KeepGoing,
    /// Labels change little: measure whether that is because it is good.
    AuditNow,
    /// Labels change little, and an audit has measured how good it is.
    CouldStop,
}

/// Decisions on the shortlist that differ between two fits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flips {
    /// Records on the shortlist of one of them of which both decisions are known.
    pub n_compared: u64,
    /// Those decided otherwise.
    pub n_flipped: u64,
    /// Cohen's kappa of the two.
    pub kappa: f64,
}

/// What rounds have found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// Records that were labelled in them.
    pub n_labelled: u64,
    /// The relevant ones among them.
    pub n_relevant: u64,
}

/// Relevant records that are expected to be left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Left {
    /// By the classifier's own probabilities: those of the records that it accepts, those that are not
    /// negligible, and those of all records.
    Expected(Interval),
    /// By the audits.
    Audited(Interval),
}

impl Left {
    /// The number, or the middle of its interval.
    pub fn estimate(self) -> f64 {
        match self {
            Self::Expected(interval) | Self::Audited(interval) => interval.estimate,
        }
    }
}

impl Advice {
    /// The reasons in words, the most telling first.
    pub fn reasons(&self) -> Vec<String> {
        let flips = self
            .flips
            .map(|flips| format!("{} of {} decisions flipped", flips.n_flipped, flips.n_compared));
        let Hits { n_labelled, n_relevant } = self.hits;
        let hits =
            (n_labelled > 0).then(|| format!("{n_relevant} of the last {n_labelled} relevant"));
        let left = match self.n_left {
            Left::Expected(Interval { low, estimate, high }) => {
                format!("about {estimate:.0} expected to be left ({low:.0} to {high:.0})")
            }
            Left::Audited(n) => format!("{:.0} to {:.0} left by the audit", n.low, n.high),
        };
        let audit = match self.f1 {
            Some(f1) => format!("audited F1 {:.2} to {:.2}", f1.low, f1.high),
            None => "not audited".to_owned(),
        };
        [flips, hits, Some(left), Some(audit)].into_iter().flatten().collect()
    }
}

impl View {
    /// Weighs the last fits, rounds and audits.
    ///
    /// # Errors
    /// [`SessionError`] when the store fails.
    pub async fn advise(&self) -> Result<Advice, SessionError> {
        let corpus = self.corpus(ThresholdPolicy::Score(0.0)).await?;
        let audit = self.audited_at_boundary(&corpus).await?;
        self.advise_on(&corpus, audit).await
    }

    /// The same, over a corpus that was surveyed and audited at the boundary.
    pub(crate) async fn advise_on(
        &self,
        corpus: &Corpus,
        audit: Option<AuditReport>,
    ) -> Result<Advice, SessionError> {
        let n_left = n_left(corpus, audit.as_ref());
        let flips = self.flips(corpus).await?;
        let hits = self.hits();
        let f1 = audit.as_ref().map(|audit| audit.f1);
        let verdict = self.verdict(flips, hits, n_left, audit.as_ref());
        Ok(Advice { verdict, flips, hits, n_left, f1 })
    }

    fn verdict(
        &self,
        flips: Option<Flips>,
        hits: Hits,
        left: Left,
        audit: Option<&AuditReport>,
    ) -> Verdict {
        let n_positive = self.state().counts().n_positive;
        let settled = flips.is_some_and(|flips| flips.kappa >= SETTLED_KAPPA);
        let dry =
            hits.n_labelled > 0 && hits.n_relevant as f64 <= DRY_SHARE * hits.n_labelled as f64;
        let all_found = left.estimate() <= LEFT_SHARE * (left.estimate() + n_positive as f64);
        let n_signs = u8::from(settled) + u8::from(dry) + u8::from(all_found);
        if n_positive < MIN_POSITIVE || n_signs < 2 {
            return Verdict::KeepGoing;
        }
        audit.map_or(Verdict::AuditNow, |audit| verdict_of(audit.f1, audit.recall))
    }

    /// Compares the last classifier with the last one that was fitted to fewer labels.
    async fn flips(&self, corpus: &Corpus) -> Result<Option<Flips>, SessionError> {
        let fits = self.state().fits();
        let Some(last) = fits.last() else { return Ok(None) };
        let earlier = fits.iter().rfind(|fit| fit.counts.n_labels < last.counts.n_labels);
        let Some(earlier) = earlier.map(|fit| fit.classifier.clone()) else { return Ok(None) };
        let (before, now) = (self.shortlist_of(&earlier).await?, Shortlist::new(corpus.top(), 0.0));
        Ok(Some(before.flips(&now)))
    }

    /// The shortlist of an earlier classifier, which was most likely looked at when it was new.
    async fn shortlist_of(&self, earlier: &LinearClassifier) -> Result<Shortlist, SessionError> {
        if let Some(kept) = self.surveys.find(earlier, self.store().version().await?) {
            return Ok(Shortlist::new(&kept.top, 0.0));
        }
        let (weights, nothing) = (earlier.weights(), Excluded::new());
        let query = Query { weights, top_k: SHORTLIST, exclude: &nothing };
        Ok(Shortlist::new(&self.store().search(query).await?, earlier.bias()))
    }

    /// Over the last rounds that were answered.
    fn hits(&self) -> Hits {
        let labels = |round: &Round| -> Vec<_> {
            round.records.iter().filter_map(|record| record.answer?.label()).collect()
        };
        let rounds = self.state().rounds().iter().rev().map(labels);
        let answered = rounds.filter(|labels| !labels.is_empty()).take(N_ROUNDS).flatten();
        answered.fold(Hits::default(), |hits, label| Hits {
            n_labelled: hits.n_labelled + 1,
            n_relevant: hits.n_relevant + u64::from(label.is_positive()),
        })
    }
}

/// The audits' number where there is one, less those that labels have found.
fn n_left(corpus: &Corpus, audit: Option<&AuditReport>) -> Left {
    let Some(audit) = audit else {
        let [low, estimate, high] =
            [0.5, LEAST_PROBABLE, 0.0].map(|least| corpus.scores.n_left(least));
        return Left::Expected(Interval { low, estimate, high });
    };
    let n_found = corpus.n_known_relevant() as f64;
    let Interval { low, estimate, high } = audit.n_relevant;
    let [low, estimate, high] = [low, estimate, high].map(|n| (n - n_found).max(0.0));
    Left::Audited(Interval { low, estimate, high })
}

/// The records of the highest scores, and whether each is above the boundary.
struct Shortlist {
    decisions: BTreeMap<RecordId, bool>,
    /// Whether all others are known to be below.
    is_rest_below: bool,
}

impl Shortlist {
    /// Of hits, best first, to whose scores the bias is added.
    fn new(hits: &[Hit], bias: f32) -> Self {
        let is_above = |hit: &Hit| hit.score + bias >= 0.0;
        let listed = hits.iter().take(SHORTLIST);
        let is_rest_below =
            hits.len() < SHORTLIST || !listed.clone().next_back().is_some_and(is_above);
        let decisions = listed.map(|hit| (hit.id.clone(), is_above(hit))).collect();
        Self { decisions, is_rest_below }
    }

    /// Whether a record is above the boundary; none where that is not known.
    fn decide(&self, id: &RecordId) -> Option<bool> {
        self.decisions.get(id).copied().or(self.is_rest_below.then_some(false))
    }

    /// Compares the decisions that are known of both.
    fn flips(&self, now: &Self) -> Flips {
        let ids: BTreeSet<&RecordId> = self.decisions.keys().chain(now.decisions.keys()).collect();
        let both = ids.into_iter().filter_map(|id| Some((self.decide(id)?, now.decide(id)?)));
        let (mut n_compared, mut n_flipped, mut n_above) = (0, 0, [0_u64; 2]);
        for (before, now) in both {
            n_compared += 1;
            n_flipped += u64::from(before != now);
            n_above[0] += u64::from(before);
            n_above[1] += u64::from(now);
        }
        let share = |n: u64| n as f64 / n_compared.max(1) as f64;
        let kappa = kappa(share(n_flipped), share(n_above[0]), share(n_above[1]));
        Flips { n_compared, n_flipped, kappa }
    }
}

/// Where labels change little: whether that is because it is good.
fn verdict_of(f1: Interval, recall: Interval) -> Verdict {
    if recall.high < LEAST_RECALL {
        // The loop has gone blind for most of what is relevant.
        Verdict::KeepGoing
    } else if f1.width() <= FIRM_WIDTH && recall.low >= LEAST_RECALL {
        Verdict::CouldStop
    } else {
        Verdict::AuditNow
    }
}

/// Cohen's kappa of two decisions that differ on one share of the records, and of which each accepts
/// a share. 1 where neither could differ by chance.
fn kappa(share_flipped: f64, a: f64, b: f64) -> f64 {
    let by_chance = a * b + (1.0 - a) * (1.0 - b);
    if by_chance < 1.0 { (1.0 - share_flipped - by_chance) / (1.0 - by_chance) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kappa_is_one_for_the_same_decisions_and_zero_for_chance() {
        assert!((kappa(0.0, 0.3, 0.3) - 1.0).abs() < 1e-12);
        assert!(kappa(0.42, 0.3, 0.3).abs() < 1e-12);
        assert!((kappa(0.0, 0.0, 0.0) - 1.0).abs() < 1e-12);
    }

    /// Narrow as an interval may be, one that is low is no reason to stop.
    #[test]
    fn nobody_stops_while_an_audit_says_that_most_is_missing() {
        let interval = |low, high| Interval { low, estimate: f64::midpoint(low, high), high };
        let [f1, blind] = [interval(0.24, 0.29), interval(0.14, 0.17)];
        assert_eq!(verdict_of(f1, blind), Verdict::KeepGoing);
        assert_eq!(verdict_of(interval(0.0, 0.0), interval(0.0, 0.0)), Verdict::KeepGoing);
        assert_eq!(verdict_of(interval(0.5, 0.65), interval(0.4, 0.6)), Verdict::AuditNow);
        assert_eq!(verdict_of(interval(0.5, 0.9), interval(0.6, 0.9)), Verdict::AuditNow);
        assert_eq!(verdict_of(interval(0.8, 0.9), interval(0.7, 0.9)), Verdict::CouldStop);
    }

    fn hits(rows: std::ops::Range<u64>, score: impl Fn(u64) -> f32) -> Vec<Hit> {
        rows.map(|row| Hit { id: RecordId::from_row(row), score: score(row) }).collect()
    }

    /// Of a common concept the shortlist ends above the boundary: what has left it need not have been decided otherwise.
    #[test]
    fn what_has_left_a_list_that_ends_above_the_boundary_has_not_flipped() {
        let before = Shortlist::new(&hits(0..4000, |_| 1.0), 0.0);
        let now = Shortlist::new(&hits(600..4600, |_| 1.0), 0.0);
        assert_eq!(before.flips(&now), Flips { n_compared: 400, n_flipped: 0, kappa: 1.0 });
    }

    #[test]
    fn what_a_list_leaves_out_below_the_boundary_is_below() {
        let before = Shortlist::new(&hits(0..2000, |row| 10.0 - row as f32), 0.5);
        let now = Shortlist::new(&hits(5..2000, |row| 10.0 - row as f32), 0.0);
        let flips = before.flips(&now);
        assert_eq!((flips.n_compared, flips.n_flipped), (1005, 5));
    }
}
