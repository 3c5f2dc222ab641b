//! Numbers that say how good a classifier is, by the definitions of scikit-learn.

/// A score or probability, and whether the record is relevant in truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The score; never NaN.
    pub score: f32,
    /// The truth.
    pub relevant: bool,
}

/// The mean of the precision at each relevant record, down the ranking; equal scores are one step,
/// as in `sklearn.metrics.average_precision_score`. 0 when nothing is relevant.
pub fn average_precision(scored: &[Scored]) -> f64 {
    let mut ranking = scored.to_vec();
    ranking.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
    let n_relevant = ranking.iter().filter(|s| s.relevant).count();
    let (mut n_seen, mut n_found, mut sum) = (0_usize, 0_usize, 0.0);
    // Down the ranking a score that is not below is equal; 0 and -0 are.
    for step in ranking.chunk_by(|above, below| above.score <= below.score) {
        let found = step.iter().filter(|s| s.relevant).count();
        n_seen += step.len();
        n_found += found;
        sum += found as f64 * n_found as f64 / n_seen as f64;
    }
    if n_relevant == 0 { 0.0 } else { sum / n_relevant as f64 }
}

/// The mean squared difference of probability and truth; 0 of none.
pub fn brier_score(predictions: &[Scored]) -> f64 {
    let squares = predictions.iter().map(|p| {
        let truth = if p.relevant { 1.0 } else { 0.0 };
        (f64::from(p.score) - truth).powi(2)
    });
    squares.sum::<f64>() / predictions.len().max(1) as f64
}

/// How decisions and truth agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confusion {
    /// Relevant, and said to be.
    pub true_positives: u64,
    /// Said to be relevant, wrongly.
    pub false_positives: u64,
    /// Relevant, and missed.
    pub false_negatives: u64,
    /// Irrelevant, and said to be.
    pub true_negatives: u64,
}

impl Confusion {
    /// Counts decisions: relevant is what scores the threshold or more.
    pub fn at(threshold: f32, scored: &[Scored]) -> Self {
        let mut counts = Self::default();
        for record in scored {
            *match (record.score >= threshold, record.relevant) {
                (true, true) => &mut counts.true_positives,
                (true, false) => &mut counts.false_positives,
                (false, true) => &mut counts.false_negatives,
                (false, false) => &mut counts.true_negatives,
            } += 1;
        }
        counts
    }

    /// The relevant share of what is said to be relevant; 0 of none.
    pub fn precision(self) -> f64 {
        share(self.true_positives, self.false_positives)
    }

    /// The share of the relevant that is found; 0 of none.
    pub fn recall(self) -> f64 {
        share(self.true_positives, self.false_negatives)
    }

    /// The harmonic mean of precision and recall; 0 of none.
    pub fn f1(self) -> f64 {
        share(2 * self.true_positives, self.false_positives + self.false_negatives)
    }
}

fn share(part: u64, rest: u64) -> f64 {
    if part == 0 { 0.0 } else { part as f64 / (part + rest) as f64 }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these are exact")]
mod tests {
    use super::*;

    fn scored(pairs: &[(f32, bool)]) -> Vec<Scored> {
        pairs.iter().map(|&(score, relevant)| Scored { score, relevant }).collect()
    }

    #[test]
    fn equal_scores_are_one_step_of_the_ranking() {
        let ranking = scored(&[(2.0, true), (1.0, false), (1.0, true), (0.0, false)]);
        assert!((average_precision(&ranking) - 5.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_gives_zero_and_not_nan() {
        assert_eq!(average_precision(&[]), 0.0);
        assert_eq!(brier_score(&[]), 0.0);
        assert_eq!(Confusion::at(0.0, &[]).f1(), 0.0);
        assert_eq!(Confusion::at(0.0, &scored(&[(-1.0, true)])).precision(), 0.0);
    }
}
