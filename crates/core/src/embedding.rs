//! An embedding is a vector of unit length.
//!
//! [`Embedding::normalize`] is the only way to make one, and takes one vector at a time, so that no
//! code can normalize over the wrong axis and no store needs to check a norm again.

/// How far rounding to f32 takes a norm from 1, at most: each coordinate by 2^-24 of itself.
const UNIT_TOLERANCE: f64 = 1.2e-7;

/// A finite vector of unit length: the place of a record or a prompt in the space of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding(Box<[f32]>);

impl Embedding {
    /// Scales one vector to unit length. Sums in f64. One that has unit length already is kept bit for
    /// bit, so that an embedding which was written down and read again is the same embedding.
    ///
    /// # Errors
    /// [`NotAnEmbedding`] when the vector is empty, zero, or holds a NaN or an infinity.
    pub fn normalize(values: impl Into<Box<[f32]>>) -> Result<Self, NotAnEmbedding> {
        let mut values = values.into();
        if values.is_empty() {
            return Err(NotAnEmbedding::Empty);
        }
        let norm = squared_length(&values).sqrt();
        // The squares of all that single precision holds are far from the ends of double precision.
        if !norm.is_finite() {
            let position = values.iter().position(|v| !v.is_finite()).unwrap_or_default();
            return Err(NotAnEmbedding::NotFinite { position });
        }
        if norm == 0.0 {
            return Err(NotAnEmbedding::Zero);
        }
        if (norm - 1.0).abs() <= UNIT_TOLERANCE {
            return Ok(Self(values));
        }
        for value in &mut values {
            #[expect(clippy::cast_possible_truncation, reason = "at most 1 in size")]
            let scaled = (f64::from(*value) / norm) as f32;
            *value = scaled;
        }
        Ok(Self(values))
    }

    /// The coordinates.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// The number of coordinates.
    pub fn dimension(&self) -> usize {
        self.0.len()
    }

    /// The dot product with weights of the same dimension; with another embedding, their cosine.
    pub fn dot(&self, weights: &[f32]) -> f32 {
        debug_assert_eq!(self.dimension(), weights.len());
        #[expect(clippy::cast_possible_truncation, reason = "the sum is wider than its result")]
        let sum =
            self.0.iter().zip(weights).map(|(&x, &w)| f64::from(x) * f64::from(w)).sum::<f64>()
                as f32;
        sum
    }
}

/// Sums side by side, which a processor adds up at once.
const LANES: usize = 8;

fn squared_length(values: &[f32]) -> f64 {
    let (groups, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for group in groups {
        for (sum, &v) in sums.iter_mut().zip(group) {
            *sum += f64::from(v) * f64::from(v);
        }
    }
    let rest: f64 = rest.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
    sums.iter().sum::<f64>() + rest
}

/// Why a vector has no direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEmbedding {
    /// It has no coordinates.
    #[error("the vector is empty")]
    Empty,
    /// All its coordinates are zero.
    #[error("the vector is zero, it has no direction")]
    Zero,
    /// A coordinate is NaN or infinite.
    #[error("the vector is not finite at position {position}")]
    NotFinite {
        /// The place of the first such coordinate, from 0.
        position: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_vector_without_direction_is_refused() {
        assert_eq!(Embedding::normalize(vec![]), Err(NotAnEmbedding::Empty));
        assert_eq!(Embedding::normalize(vec![0.0, -0.0]), Err(NotAnEmbedding::Zero));
        assert_eq!(
            Embedding::normalize(vec![1.0, f32::NAN]),
            Err(NotAnEmbedding::NotFinite { position: 1 })
        );
    }

    /// Dot products before and after normalization, as the usual lesson on the subject gives them:
    /// of a, b and c, the longest vector wins until all have unit length.
    #[test]
    fn after_normalizing_the_closest_direction_wins_and_not_the_longest_vector() {
        let [short, along, long] = [[0.6_f32, 0.8], [1.2, 1.6], [4.0, -1.0]];
        let raw = |a: [f32; 2], b: [f32; 2]| a[0] * b[0] + a[1] * b[1];
        assert!(raw(along, long) > raw(along, short));
        let unit = |v: [f32; 2]| Embedding::normalize(v.to_vec()).unwrap();
        assert!(unit(along).dot(unit(short).as_slice()) > unit(along).dot(unit(long).as_slice()));
    }

    proptest! {
        #[test]
        fn an_embedding_has_unit_length(values in prop::collection::vec(-1e30_f32..1e30, 1..64)) {
            prop_assume!(values.iter().any(|&v| v != 0.0));
            let embedding = Embedding::normalize(values).unwrap();
            let norm = embedding.dot(embedding.as_slice()).sqrt();
            prop_assert!((norm - 1.0).abs() < 1e-6, "norm {norm}");
        }

        #[test]
        fn normalizing_an_embedding_changes_no_bit(values in prop::collection::vec(-1.0_f32..1.0, 1..6)) {
            prop_assume!(values.iter().any(|&v| v != 0.0));
            let once = Embedding::normalize(values).unwrap();
            let twice = Embedding::normalize(once.as_slice()).unwrap();
            prop_assert_eq!(once, twice);
        }
    }
}
