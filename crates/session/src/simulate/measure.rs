//! How a classifier stands: what the columns of a learning curve mean.
//!
//! A concept is rare, so most records score below all that is relevant. They change neither average
//! precision nor the best F1, and are not sorted.

use linprobe_classifier::{
    Confusion, LEAST_PROBABLE, Scored, average_precision, brier_score, probability,
};

/// Bins of equal width for the calibration error.
const N_BINS: usize = 10;

/// How good scores are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// Average precision.
    pub ap: f64,
    /// F1 of the decisions at the classifier's own boundary.
    pub f1: f64,
    /// F1 at the threshold that is best in hindsight.
    pub best_f1: f64,
    /// Mean squared difference of probability and truth.
    pub brier: f64,
    /// Expected calibration error: the mean difference of probability and share, over ten bins.
    pub ece: f64,
}

impl Quality {
    /// Measures scores that are logits.
    pub fn of(scored: &[Scored]) -> Self {
        let ranking = down_to_the_last_relevant(scored);
        let probabilities: Vec<Scored> =
            scored.iter().map(|s| Scored { score: probability(s.score), ..*s }).collect();
        Self {
            ap: average_precision(&ranking),
            f1: Confusion::at(0.0, scored).f1(),
            best_f1: best_threshold(&ranking).f1,
            brier: brier_score(&probabilities),
            ece: calibration_error(&probabilities),
        }
    }
}

/// Average precision of a rare concept, and the threshold of the best F1.
pub(crate) fn rare_ranking(scored: &[Scored]) -> (f64, f32) {
    let ranking = down_to_the_last_relevant(scored);
    (average_precision(&ranking), best_threshold(&ranking).score)
}

/// What scores at least as high as the lowest relevant record, best first.
fn down_to_the_last_relevant(scored: &[Scored]) -> Vec<Scored> {
    let relevant = scored.iter().filter(|s| s.relevant).map(|s| s.score);
    let lowest = relevant.fold(f32::INFINITY, f32::min);
    let mut ranking: Vec<Scored> = scored.iter().filter(|s| s.score >= lowest).copied().collect();
    ranking.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
    ranking
}

struct BestThreshold {
    score: f32,
    f1: f64,
}

/// The threshold of the highest F1; above everything when nothing is relevant.
fn best_threshold(ranking: &[Scored]) -> BestThreshold {
    let n_relevant = ranking.iter().filter(|s| s.relevant).count();
    let (mut n_seen, mut n_found) = (0, 0);
    let mut best = BestThreshold { score: f32::INFINITY, f1: 0.0 };
    for step in ranking.chunk_by(|above, below| above.score <= below.score) {
        n_seen += step.len();
        n_found += step.iter().filter(|s| s.relevant).count();
        let f1 = 2.0 * n_found as f64 / (n_seen + n_relevant) as f64;
        if f1 > best.f1 {
            best = BestThreshold { score: step[0].score, f1 };
        }
    }
    best
}

/// Relevant records to expect among those whose scores, logits, these are.
pub(crate) fn n_expected(scores: impl Iterator<Item = f32>) -> f64 {
    scores.map(|score| f64::from(probability(score))).filter(|&p| p >= LEAST_PROBABLE).sum()
}

fn calibration_error(probabilities: &[Scored]) -> f64 {
    let mut excess = [0.0; N_BINS];
    for &Scored { score, relevant } in probabilities {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1")]
        let bin = (score * N_BINS as f32) as usize;
        excess[bin.min(N_BINS - 1)] += f64::from(score) - f64::from(u8::from(relevant));
    }
    excess.iter().map(|sum| sum.abs()).sum::<f64>() / probabilities.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(pairs: &[(f32, bool)]) -> Vec<Scored> {
        pairs.iter().map(|&(score, relevant)| Scored { score, relevant }).collect()
    }

    #[test]
    fn records_below_all_that_is_relevant_change_no_average_precision() {
        let ranking = scored(&[(1.0, true), (3.0, false), (2.0, true), (0.5, false), (1.0, false)]);
        let whole = average_precision(&ranking);
        assert!((rare_ranking(&ranking).0 - whole).abs() < 1e-12);
        assert_eq!(down_to_the_last_relevant(&ranking).len(), 4);
    }

    #[test]
    fn the_best_threshold_is_at_least_as_good_as_the_own_one() {
        let shifted = scored(&[(-1.0, true), (-2.0, true), (-3.0, false), (-4.0, false)]);
        let quality = Quality::of(&shifted);
        assert!(quality.f1.abs() < 1e-12 && (quality.best_f1 - 1.0).abs() < 1e-12);
        let (_, threshold) = rare_ranking(&shifted);
        assert!((Confusion::at(threshold, &shifted).f1() - 1.0).abs() < 1e-12);
        let tied = scored(&[(1.0, true), (1.0, false)]);
        assert!((Quality::of(&tied).best_f1 - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn calibration_errors_of_one_bin_cancel_and_those_of_two_do_not() {
        let even = scored(&[(0.0, true), (0.0, false)]);
        assert!(Quality::of(&even).ece < 1e-6);
        let sure = scored(&[(50.0, false), (-50.0, true)]);
        assert!((Quality::of(&sure).ece - 1.0).abs() < 1e-6);
        assert!((Quality::of(&sure).brier - 1.0).abs() < 1e-6);
    }

    #[test]
    fn nothing_relevant_gives_zero_and_not_nan() {
        let quality = Quality::of(&scored(&[(-9.0, false)]));
        assert!(quality.ap == 0.0 && quality.best_f1 == 0.0 && quality.ece < 1e-3);
        assert_eq!(Quality::of(&[]), Quality::default());
    }
}
