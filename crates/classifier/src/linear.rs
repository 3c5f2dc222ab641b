//! A linear classifier is a hyperplane: weights and a bias, and nothing that needs this library.

use linprobe_core::Embedding;

/// Weights and a bias. The score of an embedding is a logit: 0 is the decision boundary.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearClassifier {
    weights: Box<[f32]>,
    bias: f32,
}

impl LinearClassifier {
    /// Checks weights and bias. Zero weights are allowed: they say that nothing is known.
    ///
    /// # Errors
    /// [`BadClassifier`] when there are no weights, or a number is NaN or infinite.
    pub fn new(weights: impl Into<Box<[f32]>>, bias: f32) -> Result<Self, BadClassifier> {
        let weights = weights.into();
        if weights.is_empty() {
            return Err(BadClassifier::Empty);
        }
        if let Some(position) = weights.iter().position(|w| !w.is_finite()) {
            return Err(BadClassifier::Weight { position });
        }
        if bias.is_finite() {
            Ok(Self { weights, bias })
        } else {
            Err(BadClassifier::Bias { bias })
        }
    }

    /// The score `weights . embedding + bias`, a logit, summed in f64.
    ///
    /// The embedding must have the classifier's [dimension](Self::dimension).
    pub fn score(&self, embedding: &Embedding) -> f32 {
        debug_assert_eq!(self.dimension(), embedding.dimension());
        to_f32(dot(&self.weights, embedding.as_slice()) + f64::from(self.bias))
    }

    /// The score of a vector of any length, as of the embedding that it normalizes to; of one without a direction, the
    /// bias.
    ///
    /// The vector must have the classifier's [dimension](Self::dimension), and be finite.
    pub fn score_vector(&self, values: &[f32]) -> f32 {
        debug_assert_eq!(self.dimension(), values.len());
        let length = dot(values, values).sqrt();
        let along = if length > 0.0 { dot(&self.weights, values) / length } else { 0.0 };
        to_f32(along + f64::from(self.bias))
    }

    /// The logistic function of the score.
    pub fn probability(&self, embedding: &Embedding) -> f32 {
        to_f32(sigmoid(f64::from(self.score(embedding))))
    }

    /// The cosine of the weights of two classifiers of the same dimension; none where one of them has
    /// no direction.
    pub fn cosine(&self, other: &Self) -> Option<f64> {
        let (a, b) = (&self.weights, &other.weights);
        let lengths = (dot(a, a) * dot(b, b)).sqrt();
        (lengths > 0.0).then(|| (dot(a, b) / lengths).clamp(-1.0, 1.0))
    }

    /// The weights; their direction is the next query.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The bias.
    pub fn bias(&self) -> f32 {
        self.bias
    }

    /// The number of weights.
    pub fn dimension(&self) -> usize {
        self.weights.len()
    }
}

/// Why numbers are no classifier.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum BadClassifier {
    /// It has no weights.
    #[error("the classifier has no weights")]
    Empty,
    /// A weight is NaN or infinite.
    #[error("weight {position} of the classifier is not finite")]
    Weight {
        /// The place of the first such weight, from 0.
        position: usize,
    },
    /// The bias is NaN or infinite.
    #[error("the bias of the classifier is {bias}, not finite")]
    Bias {
        /// The bias.
        bias: f32,
    },
}

/// The dot product in f64, in eight sums side by side so that it runs at the width of the processor, if its
/// caller is compiled for that.
#[expect(clippy::inline_always, reason = "else it keeps the instructions of an old processor")]
#[inline(always)]
pub(crate) fn dot<A: Copy + Into<f64>, B: Copy + Into<f64>>(a: &[A], b: &[B]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for (sum, (&x, &y)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += x.into() * y.into();
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(&x, &y)| x.into() * y.into());
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

/// What a score, a logit, promises: the logistic function of it, in the precision of scores.
pub fn probability(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// The logistic function, without overflow on either side.
pub(crate) fn sigmoid(logit: f64) -> f64 {
    if logit >= 0.0 {
        1.0 / (1.0 + (-logit).exp())
    } else {
        let exp = logit.exp();
        exp / (1.0 + exp)
    }
}

/// Rounds to the precision in which weights and scores are kept; stays finite.
#[expect(clippy::cast_possible_truncation, reason = "rounding is the purpose")]
pub(crate) fn to_f32(value: f64) -> f32 {
    value.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these are exact")]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_the_dot_product_and_the_bias() {
        let classifier = LinearClassifier::new(vec![2.0, -1.0], 0.5).unwrap();
        let embedding = Embedding::normalize(vec![3.0, 4.0]).unwrap();
        assert!((classifier.score(&embedding) - 0.9).abs() < 1e-6);
        assert!((classifier.probability(&embedding) - 0.710_949_5).abs() < 1e-6);
    }

    #[test]
    fn a_vector_scores_as_the_embedding_that_it_normalizes_to() {
        let classifier = LinearClassifier::new(vec![2.0, -1.0], 0.5).unwrap();
        assert!((classifier.score_vector(&[30.0, 40.0]) - 0.9).abs() < 1e-6);
        assert_eq!(classifier.score_vector(&[0.0, 0.0]), 0.5);
    }

    #[test]
    fn a_score_takes_in_every_coordinate() {
        for dimension in 1_u8..20 {
            let weights: Vec<f32> = (1..=dimension).map(f32::from).collect();
            let classifier = LinearClassifier::new(weights, 0.0).unwrap();
            let embedding = Embedding::normalize(vec![1.0; dimension.into()]).unwrap();
            let n = f32::from(dimension);
            let expected = n * (n + 1.0) / 2.0 / n.sqrt();
            assert!((classifier.score(&embedding) - expected).abs() < 1e-4, "{dimension}");
        }
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        assert_eq!(LinearClassifier::new(vec![], 0.0), Err(BadClassifier::Empty));
        assert_eq!(
            LinearClassifier::new(vec![0.0, f32::NAN], 0.0),
            Err(BadClassifier::Weight { position: 1 })
        );
        assert!(LinearClassifier::new(vec![1.0], f32::INFINITY).is_err());
    }

    #[test]
    fn the_logistic_function_does_not_overflow() {
        assert_eq!(sigmoid(-1e9), 0.0);
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!(sigmoid(1e9), 1.0);
    }
}
