//! A sample of the corpus, kept as it is: what stands for "any record" where moments do not do.

use linprobe_core::{Embedding, SplitMix};

use crate::linear::dot;

/// Unlabelled embeddings of a corpus, in one piece of memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    dimension: usize,
    /// One row after the other.
    values: Vec<f32>,
}

impl Sample {
    /// The most embeddings that are kept: 8 MB at 512 dimensions.
    pub const CAPACITY: usize = 4096;

    /// `values` holds whole rows of `dimension`.
    pub(super) fn new(dimension: usize, values: Vec<f32>) -> Self {
        debug_assert_eq!(values.len() % dimension.max(1), 0);
        Self { dimension, values }
    }

    /// The number of coordinates.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The number of embeddings.
    pub fn n_rows(&self) -> usize {
        self.values.len() / self.dimension.max(1)
    }

    /// The embeddings, each of unit length.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.dimension.max(1))
    }

    /// The score `weights . x` of each embedding, summed in f64.
    pub fn project(&self, weights: &[f64]) -> Vec<f64> {
        debug_assert_eq!(self.dimension, weights.len());
        self.rows().map(|x| dot(weights, x)).collect()
    }

    /// All rows, one after the other.
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }
}

/// Draws a sample from a sequence of unknown length, each of its members being as likely to stay
/// (Vitter's algorithm R).
pub(super) struct Reservoir {
    sample: Sample,
    n_offered: u64,
    random: SplitMix,
}

impl Reservoir {
    pub(super) fn new(dimension: usize) -> Self {
        Self { sample: Sample::new(dimension, Vec::new()), n_offered: 0, random: SplitMix::new(0) }
    }

    /// Takes an embedding of as many dimensions, perhaps in the place of another.
    pub(super) fn offer(&mut self, embedding: &Embedding) {
        self.n_offered += 1;
        let Sample { dimension, values } = &mut self.sample;
        if self.n_offered <= Sample::CAPACITY as u64 {
            values.extend(embedding.as_slice());
            return;
        }
        let place = usize::try_from(self.random.next_u64() % self.n_offered).unwrap_or(usize::MAX);
        if let Some(row) = values.chunks_exact_mut(*dimension).nth(place) {
            row.copy_from_slice(embedding.as_slice());
        }
    }

    pub(super) fn into_sample(self) -> Sample {
        self.sample
    }
}
