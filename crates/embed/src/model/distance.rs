//! Biases for how far apart two tokens are, as T5 and MPNet have them.
//!
//! Near distances have a bias each, far ones share one by logarithmic steps: Raffel et al.,
//! *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer*, 2020, 2.1.

use candle_core::{Device, Result, Tensor};

use super::{
    batch::TextBatch,
    emit::{Edge, Emitter},
};

/// A bias for every distance and head.
#[derive(Debug)]
pub(super) struct Distances {
    /// `buckets x heads`.
    biases: Tensor,
    /// In each direction.
    n_buckets: usize,
    max_distance: usize,
}

impl Distances {
    /// Half of the buckets are for what stands before a token, half for what stands after.
    pub(super) fn new(biases: Tensor, n_buckets: usize, max_distance: usize) -> Self {
        Self { biases, n_buckets: n_buckets / 2, max_distance }
    }

    /// What is added to the scores of a batch, padding included: `texts x heads x tokens x tokens`,
    /// or 1 for texts where there is no padding.
    pub(super) fn bias(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        let n_tokens = batch.n_tokens();
        let buckets = self.buckets(n_tokens).collect();
        let buckets = Tensor::from_vec(buckets, n_tokens * n_tokens, &Device::Cpu)?;
        let biases = self.biases.index_select(&buckets, 0)?.t()?;
        let biases = biases.reshape((1, (), n_tokens, n_tokens))?;
        match batch.bias()? {
            Some(padding) => biases.broadcast_add(&padding),
            None => Ok(biases),
        }
    }

    /// What is added to the scores of texts in a graph: `1 x heads x tokens x tokens`.
    pub(super) fn emit(
        &self,
        emitter: &mut Emitter,
        n_tokens: &Edge,
        n_positions: usize,
    ) -> Result<Edge> {
        let buckets: Vec<_> = self.buckets(n_positions).map(i64::from).collect();
        let buckets = emitter.integers(&buckets);
        let n_positions = i64::try_from(n_positions).map_err(candle_core::Error::wrap)?;
        let buckets = emitter.reshape(&buckets, &[n_positions, n_positions]);
        let buckets = emitter.first(&buckets, n_tokens, &[0, 1]);
        let biases = emitter.weights(&self.biases)?;
        let biases = emitter.rows(&biases, &buckets);
        let biases = emitter.transpose(&biases, &[2, 0, 1]);
        Ok(emitter.unsqueeze(&biases, &[0]))
    }

    /// The bias of each pair of tokens, the second running fastest.
    fn buckets(&self, n_tokens: usize) -> impl Iterator<Item = u32> {
        (0..n_tokens).flat_map(move |from| (0..n_tokens).map(move |to| self.bucket(from, to)))
    }

    #[expect(clippy::cast_possible_truncation, reason = "as many buckets as there are weights")]
    fn bucket(&self, from: usize, to: usize) -> u32 {
        let direction = if to > from { self.n_buckets } else { 0 };
        (direction + self.step(from.abs_diff(to))) as u32
    }

    /// The logarithm in single precision, as torch has it: a distance on the border of two buckets
    /// must fall into the same one.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as torch's long")]
    fn step(&self, distance: usize) -> usize {
        let n_exact = self.n_buckets / 2;
        if distance < n_exact {
            return distance;
        }
        let exact = n_exact as f64;
        let share = (distance as f32 / n_exact as f32).ln()
            / (self.max_distance as f64 / exact).ln() as f32;
        let far = n_exact + (share * (self.n_buckets - n_exact) as f32) as usize;
        far.min(self.n_buckets - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `MPNetEncoder.relative_position_bucket`.
    #[test]
    fn distances_fall_into_the_buckets_of_torch() {
        let biases = Tensor::zeros((32, 1), candle_core::DType::F32, &Device::Cpu).unwrap();
        let distances = Distances::new(biases, 32, 128);
        let expected = [
            (0, 0),
            (7, 7),
            (8, 8),
            (11, 8),
            (12, 9),
            (15, 9),
            (16, 10),
            (22, 10),
            (23, 11),
            (31, 11),
            (32, 12),
            (45, 12),
            (46, 13),
            (63, 13),
            (64, 14),
            (90, 14),
            (91, 15),
            (500, 15),
        ];
        for (distance, bucket) in expected {
            assert_eq!(distances.bucket(distance, 0), bucket, "{distance}");
        }
        assert_eq!(distances.bucket(0, 1), 17);
    }
}
