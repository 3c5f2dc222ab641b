//! The threshold decides which records count as relevant, and it is chosen by what is wanted of them.
//!
//! Calibrated scores say how many relevant records to expect above any threshold, so the expected
//! precision, recall and F1 of every one of them are known before anything is checked. That is an
//! expectation, and as good as the calibration: an audit measures.
//! A corpus of any size comes as its highest scores, one by one, and a histogram of all.

use std::{fmt, str::FromStr};

use linprobe_core::{Histogram, Hit};

use crate::{Scored, linear::sigmoid};

/// The least probability that is counted when relevant records are expected. Fits of few labels are unsure of the
/// bulk, and thousands of records that are improbable each would add up to more than there is of a rare concept.
pub const LEAST_PROBABLE: f64 = 0.1;

/// What is wanted of the records that count as relevant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ThresholdPolicy {
    /// The best F1.
    #[default]
    F1,
    /// As many as can be, of which at least this share is relevant.
    Precision(f64),
    /// As few as can be, among which is at least this share of all that is relevant.
    Recall(f64),
    /// This many.
    Count(u64),
    /// All that score this or more.
    Score(f32),
}

/// A threshold and what to expect of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// Scores (logits) at or above it count as relevant.
    pub score: f32,
    /// How many records score so.
    pub n_above: u64,
    /// The expected share of the relevant among them; 0 of none.
    pub precision: f64,
    /// The expected share of all the relevant that is among them; 0 of none.
    pub recall: f64,
    /// Their harmonic mean, `2 tp / (n_above + relevant)`.
    pub f1: f64,
}

/// The scores of a corpus, highest first, in groups of one for the highest and of a bin for the rest.
#[derive(Clone, Debug, Default)]
pub struct CorpusScores {
    groups: Vec<ScoreGroup>,
}

/// Scores that are told apart no further.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreGroup {
    /// The lowest score that belongs to it.
    pub low: f32,
    /// Where its scores are.
    pub middle: f32,
    /// Its records.
    pub n_points: u64,
    /// Those whose label is known.
    pub n_known: u64,
    /// The relevant ones among these.
    pub n_known_relevant: u64,
}

impl CorpusScores {
    /// Takes the highest scores, best first, and the histogram of all, those included.
    pub fn new(top: &[Hit], histogram: &Histogram) -> Self {
        let Self { mut groups } = Self::listed(top.iter().map(|hit| hit.score));
        let mut n_listed = top.len() as u64;
        for (bin_idx, &count) in histogram.counts.iter().enumerate().rev() {
            let listed = count.min(n_listed);
            n_listed -= listed;
            if count > listed {
                let (low, high) = (edge(histogram, bin_idx), edge(histogram, bin_idx + 1));
                let high = groups.last().map_or(high, |above| above.low.min(high));
                let low = low.min(high);
                groups.push(ScoreGroup::new(low, f32::midpoint(low, high), count - listed));
            }
        }
        Self { groups }
    }

    /// Takes all scores, one by one, best first.
    pub fn listed(scores: impl Iterator<Item = f32>) -> Self {
        Self { groups: scores.map(|score| ScoreGroup::new(score, score, 1)).collect() }
    }

    /// Counts a record whose label is known as what it is.
    pub fn know(&mut self, known: Scored) {
        let position = self.groups.partition_point(|group| group.low > known.score);
        let position = position.min(self.groups.len().saturating_sub(1));
        // A score that was rounded otherwise may fall to a neighbour that is full.
        let mut groups = self.groups.iter_mut().skip(position);
        if let Some(group) = groups.find(|group| group.n_known < group.n_points) {
            group.n_known += 1;
            group.n_known_relevant += u64::from(known.relevant);
        }
    }

    /// Puts a border between groups at a score that this many are known to reach.
    pub fn split_at(&mut self, score: f32, n_above: u64) {
        let position = self.groups.partition_point(|group| group.low >= score);
        let before: u64 = self.groups.iter().take(position).map(|group| group.n_points).sum();
        let Some(group) = self.groups.get_mut(position) else { return };
        let n_upper = n_above.saturating_sub(before).min(group.n_points);
        let (upper, lower) = group.split(score, n_upper);
        let parts = [upper, lower].into_iter().filter(|part| part.n_points > 0);
        self.groups.splice(position..=position, parts);
    }

    /// All groups, highest first.
    pub fn groups(&self) -> &[ScoreGroup] {
        &self.groups
    }

    /// The number of relevant records that there should be: the sum of the probabilities that are not less than
    /// [`LEAST_PROBABLE`], and the relevant labels.
    pub fn n_relevant(&self) -> f64 {
        self.groups.iter().map(ScoreGroup::n_relevant).sum()
    }

    /// Relevant records to expect among those without a label, of which only those count that are at least this
    /// probable.
    pub fn n_left(&self, least: f64) -> f64 {
        self.groups.iter().map(|group| group.n_left(least)).sum()
    }

    /// Chooses the threshold that a policy asks for.
    ///
    /// # Errors
    /// [`OutOfReach`] when no threshold is expected to give the precision asked for.
    pub fn choose(&self, policy: ThresholdPolicy) -> Result<Threshold, OutOfReach> {
        let mut all = self.thresholds();
        let chosen = match policy {
            ThresholdPolicy::F1 => {
                all.reduce(|best, next| if next.f1 > best.f1 { next } else { best })
            }
            ThresholdPolicy::Precision(wanted) => return self.lowest_of_precision(wanted),
            ThresholdPolicy::Recall(wanted) => all.find(|threshold| threshold.recall >= wanted),
            ThresholdPolicy::Count(n) => all.find(|threshold| threshold.n_above >= n),
            ThresholdPolicy::Score(score) => Some(self.at(score)),
        };
        Ok(chosen.or_else(|| self.thresholds().last()).unwrap_or_else(|| self.at(0.0)))
    }

    /// What to expect of a threshold.
    pub fn at(&self, score: f32) -> Threshold {
        let above = self.groups.iter().take_while(|group| group.middle >= score);
        let (n_above, found) = above
            .fold((0, 0.0), |(n, found), group| (n + group.n_points, found + group.n_relevant()));
        Threshold::expect(score, n_above, found, self.n_relevant())
    }

    fn lowest_of_precision(&self, wanted: f64) -> Result<Threshold, OutOfReach> {
        let enough = self.thresholds().filter(|threshold| threshold.precision >= wanted);
        enough.last().ok_or_else(|| {
            let best = self.thresholds().map(|threshold| threshold.precision);
            OutOfReach { measure: "precision", wanted, best: best.fold(0.0, f64::max) }
        })
    }

    /// Below each group, highest first. Between two scores halfway, so that a score that is rounded
    /// otherwise elsewhere falls on the same side.
    fn thresholds(&self) -> impl Iterator<Item = Threshold> {
        let n_relevant = self.n_relevant();
        let next = self.groups.iter().skip(1).map(Some).chain([None]);
        let counted = self.groups.iter().zip(next).scan((0, 0.0), |(n, found), (group, next)| {
            *n += group.n_points;
            *found += group.n_relevant();
            Some((group, next, *n, *found))
        });
        // Of equal scores, only the last one can have a threshold below it.
        let apart =
            counted.filter(|(group, next, ..)| next.is_none_or(|next| next.low < group.low));
        apart.map(move |(group, next, n_above, found)| {
            let next = next.filter(|next| next.is_single() && group.is_single());
            let score = next.map_or(group.low, |next| f32::midpoint(group.low, next.low));
            Threshold::expect(score, n_above, found, n_relevant)
        })
    }
}

impl ScoreGroup {
    fn new(low: f32, middle: f32, n_points: u64) -> Self {
        Self { low, middle, n_points, n_known: 0, n_known_relevant: 0 }
    }

    /// Whether it is one score and no bin.
    fn is_single(&self) -> bool {
        self.low >= self.middle
    }

    /// Its records without a label.
    pub fn n_unlabelled(&self) -> u64 {
        self.n_points - self.n_known
    }

    /// Relevant records: counted where labelled, expected where not.
    pub fn n_relevant(&self) -> f64 {
        self.n_known_relevant as f64 + self.n_left(LEAST_PROBABLE)
    }

    fn n_left(&self, least: f64) -> f64 {
        let probability = sigmoid(f64::from(self.middle));
        if probability >= least { self.n_unlabelled() as f64 * probability } else { 0.0 }
    }

    /// The part from a score on and the part below it. What is known goes where there is room.
    fn split(self, score: f32, n_upper: u64) -> (Self, Self) {
        let n_lower = self.n_points - n_upper;
        let n_known = self.n_known.min(n_lower);
        let n_known_relevant = self.n_known_relevant.min(n_known);
        let lower = Self { n_points: n_lower, n_known, n_known_relevant, ..self };
        let upper = Self {
            low: score,
            middle: self.middle.max(score),
            n_points: n_upper,
            n_known: self.n_known - n_known,
            n_known_relevant: self.n_known_relevant - n_known_relevant,
        };
        (upper, Self { middle: self.middle.min(score.next_down()), ..lower })
    }
}

/// The lower edge of a bin; that of the one behind the last is the highest score.
fn edge(histogram: &Histogram, bin_idx: usize) -> f32 {
    let share = bin_idx as f32 / histogram.counts.len().max(1) as f32;
    histogram.low + share * (histogram.high - histogram.low)
}

impl Threshold {
    fn expect(score: f32, n_above: u64, found: f64, n_relevant: f64) -> Self {
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let (precision, recall) = (share(found, n_above as f64), share(found, n_relevant));
        let f1 = share(2.0 * found, n_above as f64 + n_relevant);
        Self { score, n_above, precision, recall, f1 }
    }
}

/// No threshold gives the precision or recall asked for, by what is expected or by what an audit measured.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "no threshold surely gives a {measure} of {wanted}, the best gives {best:.3}\n\
     hint: ask for less, or label more"
)]
pub struct OutOfReach {
    /// `precision` or `recall`.
    pub measure: &'static str,
    /// How much of it was asked for.
    pub wanted: f64,
    /// The best that there is.
    pub best: f64,
}

impl fmt::Display for ThresholdPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::F1 => write!(f, "f1"),
            Self::Precision(share) => write!(f, "precision>={share}"),
            Self::Recall(share) => write!(f, "recall>={share}"),
            Self::Count(n) => write!(f, "count={n}"),
            Self::Score(score) => write!(f, "score={score}"),
        }
    }
}

impl FromStr for ThresholdPolicy {
    type Err = UnknownPolicy;

    /// Reads `f1`, `precision>=0.9`, `recall>=0.8`, `count=500`, `score=0.3`, or a score alone.
    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        let unknown = || UnknownPolicy { text: text.to_owned() };
        let policy = if text == "f1" {
            Some(Self::F1)
        } else if let Some(share) = text.strip_prefix("precision>=") {
            parse_share(share).map(Self::Precision)
        } else if let Some(share) = text.strip_prefix("recall>=") {
            parse_share(share).map(Self::Recall)
        } else if let Some(n) = text.strip_prefix("count=") {
            n.parse().ok().filter(|&n| n > 0).map(Self::Count)
        } else {
            let score = text.strip_prefix("score=").unwrap_or(text);
            score.parse().ok().filter(|score: &f32| score.is_finite()).map(Self::Score)
        };
        policy.ok_or_else(unknown)
    }
}

/// A number above 0 and at most 1.
fn parse_share(text: &str) -> Option<f64> {
    text.parse().ok().filter(|&share| share > 0.0 && share <= 1.0)
}

/// A text that is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no threshold\n\
     hint: f1, precision>=0.9, recall>=0.8, count=500, score=0.3, or a score alone"
)]
pub struct UnknownPolicy {
    /// The text given.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use linprobe_core::RecordId;

    use super::*;

    /// A corpus of eight with scores 3, 2, 1, ... -4, of which the first three are listed.
    fn corpus() -> CorpusScores {
        let scores = [3.0, 2.0, 1.0];
        let top: Vec<Hit> = (0..)
            .zip(scores)
            .map(|(row, score)| Hit { id: RecordId::from_row(row), score })
            .collect();
        let histogram = Histogram { low: -4.0, high: 3.0, counts: vec![1; 8] };
        CorpusScores::new(&top, &histogram)
    }

    #[test]
    fn the_threshold_of_best_f1_is_the_best_of_all() {
        let corpus = corpus();
        let best = corpus.choose(ThresholdPolicy::F1).unwrap();
        let others = (-40..40).map(|tenth| corpus.at(tenth as f32 / 10.0).f1);
        assert!(others.fold(0.0, f64::max) <= best.f1);
        assert_eq!(best.n_above, 4, "{best:?}");
    }

    #[test]
    fn a_bin_that_a_threshold_divides_counts_as_its_records_are() {
        let histogram = Histogram { low: -4.0, high: 4.0, counts: vec![100; 8] };
        let mut corpus = CorpusScores::new(&[], &histogram);
        for (score, n_above) in [(0.3, 370), (0.7, 330), (-2.5, 650)] {
            corpus.split_at(score, n_above);
            assert_eq!(corpus.at(score).n_above, n_above);
        }
    }

    #[test]
    fn a_precision_is_kept_with_as_many_records_as_can_be() {
        let corpus = corpus();
        let chosen = corpus.choose(ThresholdPolicy::Precision(0.85)).unwrap();
        assert!(chosen.precision >= 0.85 && chosen.n_above == 3, "{chosen:?}");
        assert!(corpus.at(chosen.score - 2.0).precision < 0.85);
        let error = corpus.choose(ThresholdPolicy::Precision(0.999)).unwrap_err();
        assert!((error.best - 0.953).abs() < 1e-3);
    }

    #[test]
    fn a_recall_is_kept_with_as_few_records_as_can_be() {
        let corpus = corpus();
        let chosen = corpus.choose(ThresholdPolicy::Recall(0.7)).unwrap();
        assert!(chosen.recall >= 0.7, "{chosen:?}");
        assert!(corpus.at(chosen.score + 1.0).recall < 0.7);
        let all = corpus.choose(ThresholdPolicy::Recall(1.0)).unwrap();
        assert_eq!(all.n_above, 6, "the last two are less probable than one in ten");
    }

    #[test]
    fn a_count_lies_between_two_scores() {
        let chosen = corpus().choose(ThresholdPolicy::Count(2)).unwrap();
        assert!((chosen.score - 1.5).abs() < 1e-6, "{chosen:?}");
        assert_eq!(corpus().choose(ThresholdPolicy::Count(99)).unwrap().n_above, 8);
    }

    #[test]
    fn what_is_known_replaces_what_is_expected() {
        let mut corpus = corpus();
        let expected = corpus.n_relevant();
        corpus.know(Scored { score: 3.0, relevant: false });
        assert!((expected - corpus.n_relevant() - sigmoid(3.0)).abs() < 1e-9);
        corpus.know(Scored { score: -3.9, relevant: true });
        assert!(corpus.n_relevant() > expected - sigmoid(3.0) + 0.9);
    }

    #[test]
    fn equal_scores_stay_together() {
        let hit = |row| Hit { id: RecordId::from_row(row), score: 1.0 };
        let top: Vec<Hit> = (0..4).map(hit).collect();
        let histogram = Histogram { low: 1.0, high: 1.0, counts: vec![4] };
        let chosen = CorpusScores::new(&top, &histogram).choose(ThresholdPolicy::Count(2)).unwrap();
        assert_eq!(chosen.n_above, 4);
    }

    #[test]
    fn an_empty_corpus_has_a_threshold() {
        let empty = CorpusScores::default();
        let chosen = empty.choose(ThresholdPolicy::F1).unwrap();
        assert_eq!((chosen.n_above, chosen.score), (0, 0.0));
    }

    #[test]
    fn a_policy_is_read_as_it_is_written() {
        for text in ["f1", "precision>=0.9", "recall>=0.8", "count=500", "score=-0.3"] {
            assert_eq!(text.parse::<ThresholdPolicy>().unwrap().to_string(), text);
        }
        assert_eq!("-1.5".parse(), Ok(ThresholdPolicy::Score(-1.5)));
        for text in ["", "f2", "precision>=1.1", "recall>=0", "count=-1", "score=nan"] {
            assert!(text.parse::<ThresholdPolicy>().is_err(), "{text}");
        }
    }
}
