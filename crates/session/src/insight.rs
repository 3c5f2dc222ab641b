//! All that a person wants to see of a session after a fit, from one survey of the store and arithmetic.
//!
//! Where records were audited, precision, recall and what is left are measured; elsewhere they are what
//! the classifier's own probabilities promise. The table of thresholds is always the promise: it is
//! there for dragging a threshold over the histogram without asking again.

mod plot;
mod rounds;
mod trajectory;

use linprobe_classifier::{CorpusScores, Threshold, ThresholdPolicy};
use linprobe_core::Histogram;

use crate::{Advice, AuditReport, SessionError, View};

pub use rounds::RoundReport;
pub use trajectory::{Landmark, Step, Trajectory};

/// Bins of the histogram that is shown: a fraction of those of the survey.
const N_BINS: usize = 64;

/// Thresholds of the table, at the edges of the bins that are shown.
const N_THRESHOLDS: usize = N_BINS + 1;

/// What a session has come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Insight {
    /// How many events there were.
    pub n_events: u64,
    /// Records in the store.
    pub n_points: u64,
    /// Whether counts of the store come from a sample.
    pub estimated: bool,
    /// All scores.
    pub histogram: Histogram,
    /// The threshold that was asked for, and what is expected of it.
    pub expected: Threshold,
    /// What the audits measured of the same; none without an audit.
    pub measured: Option<AuditReport>,
    /// What to expect of other thresholds, from the lowest score to the highest.
    pub thresholds: Vec<Threshold>,
    /// What to do next.
    pub advice: Advice,
    /// What each round has brought, in order.
    pub rounds: Vec<RoundReport>,
    /// How the classifier has turned.
    pub trajectory: Trajectory,
}

impl Insight {
    /// Draws it, in SVG: how many relevant records each round has found, where the classifier has turned, and all scores
    /// with the threshold that was asked for.
    pub fn plot(&self, name: &str) -> String {
        plot::draw(name, self)
    }
}

impl View {
    /// Surveys the store with the last classifier and says what the session has come to.
    ///
    /// # Errors
    /// [`SessionError::OutOfReach`] when the threshold cannot be had, or the store fails.
    pub async fn insight(&self, policy: ThresholdPolicy) -> Result<Insight, SessionError> {
        let corpus = self.corpus(policy).await?;
        let audit = self.audited_at_boundary(&corpus).await?;
        let measured = match policy {
            ThresholdPolicy::Score(0.0) => audit.clone(),
            _ if audit.is_some() => self.report_on(corpus.clone(), policy).await?,
            _ => None,
        };
        let scores = &corpus.scores;
        let (histogram, thresholds) = shown(scores, corpus.histogram());
        Ok(Insight {
            n_events: self.state().n_events(),
            n_points: corpus.n_points(),
            estimated: corpus.is_estimated(),
            expected: scores.choose(policy)?,
            measured,
            thresholds,
            advice: self.advise_on(&corpus, audit).await?,
            rounds: self.round_reports(),
            trajectory: trajectory::follow(self).await?,
            histogram,
        })
    }

    /// What each round has brought, in order.
    pub fn round_reports(&self) -> Vec<RoundReport> {
        rounds::reports(self.state())
    }
}

/// All scores in as many bins as are shown, and what to expect of thresholds at their edges, the lowest first.
pub fn shown(scores: &CorpusScores, histogram: &Histogram) -> (Histogram, Vec<Threshold>) {
    let histogram = coarser(histogram);
    let thresholds = table(scores, &histogram);
    (histogram, thresholds)
}

/// The same counts in as many bins as are shown.
pub(crate) fn coarser(histogram: &Histogram) -> Histogram {
    let per_bin = histogram.counts.len().div_ceil(N_BINS).max(1);
    let counts = histogram.counts.chunks(per_bin).map(|bins| bins.iter().sum()).collect();
    Histogram { counts, ..*histogram }
}

/// What to expect of thresholds at equal distances, the lowest first.
fn table(scores: &CorpusScores, histogram: &Histogram) -> Vec<Threshold> {
    let width = histogram.high - histogram.low;
    let at = |i: usize| histogram.low + width * i as f32 / (N_THRESHOLDS - 1) as f32;
    let n_relevant = scores.n_relevant();
    let mut groups = scores.groups().iter().peekable();
    let (mut n_above, mut found) = (0, 0.0);
    let mut table: Vec<Threshold> = Vec::with_capacity(N_THRESHOLDS);
    for score in (0..N_THRESHOLDS).rev().map(at) {
        while let Some(group) = groups.next_if(|group| group.middle >= score) {
            n_above += group.n_points;
            found += group.n_relevant();
        }
        table.push(expect(score, n_above, found, n_relevant));
    }
    table.reverse();
    table
}

fn expect(score: f32, n_above: u64, found: f64, n_relevant: f64) -> Threshold {
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    Threshold {
        score,
        n_above,
        precision: share(found, n_above as f64),
        recall: share(found, n_relevant),
        f1: share(2.0 * found, n_above as f64 + n_relevant),
    }
}

#[cfg(test)]
mod tests {
    use linprobe_core::{Hit, RecordId};

    use super::*;

    #[test]
    fn the_table_says_what_each_threshold_by_itself_says() {
        let scores = [3.0, 2.5, 1.0, 0.0, -2.0];
        let hits = (0..).zip(scores).map(|(row, score)| Hit { id: RecordId::from_row(row), score });
        let histogram = Histogram { low: -2.0, high: 3.0, counts: vec![1, 0, 1, 1, 2] };
        let corpus = CorpusScores::new(&hits.collect::<Vec<_>>(), &histogram);
        let table = table(&corpus, &histogram);
        assert_eq!(table.len(), N_THRESHOLDS);
        for row in table {
            let alone = corpus.at(row.score);
            assert_eq!(row.n_above, alone.n_above);
            assert!((row.precision - alone.precision).abs() < 1e-9, "{row:?} {alone:?}");
            assert!((row.recall - alone.recall).abs() < 1e-9, "{row:?} {alone:?}");
        }
    }

    #[test]
    fn fewer_bins_count_the_same() {
        let histogram = Histogram { low: 0.0, high: 1.0, counts: (0..4096).collect() };
        let shown = coarser(&histogram);
        assert_eq!(shown.counts.len(), N_BINS);
        assert_eq!(shown.counts.iter().sum::<u64>(), (0..4096).sum::<u64>());
    }
}
