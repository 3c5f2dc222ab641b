//! A small world of made-up embeddings: a corpus with one rare concept, the same each time.

use linprobe_classifier::{Example, Label};
use linprobe_core::Embedding;

pub(crate) const DIMENSION: usize = 24;

/// A corpus in a cone, as real ones are, of which the first `n_relevant` share a direction.
pub(crate) struct World {
    pub(crate) corpus: Vec<Embedding>,
    pub(crate) n_relevant: usize,
    /// Where the concept lies from the middle of the corpus, blurred as words are.
    pub(crate) query: Embedding,
}

impl World {
    pub(crate) fn new(n_points: usize, n_relevant: usize) -> Self {
        let mut noise = Noise(7);
        let cone = noise.vector(1.0);
        let concept = noise.vector(1.0);
        let corpus = (0..n_points)
            .map(|i| {
                let pull = if i < n_relevant { 1.2 } else { 0.0 };
                let own = noise.vector(0.7);
                let sum = |j: usize| 1.5 * cone[j] + pull * concept[j] + own[j];
                Embedding::normalize((0..DIMENSION).map(sum).collect::<Vec<_>>()).unwrap()
            })
            .collect();
        let blur = noise.vector(0.8);
        let query: Vec<f32> = concept.iter().zip(&blur).map(|(c, b)| c + b).collect();
        Self { corpus, n_relevant, query: Embedding::normalize(query).unwrap() }
    }

    pub(crate) fn is_relevant(&self, i: usize) -> bool {
        i < self.n_relevant
    }

    /// What a truthful person says of a record in a round.
    pub(crate) fn example(&self, i: usize, round: u32) -> Example {
        let label = if self.is_relevant(i) { Label::RELEVANT } else { Label::IRRELEVANT };
        Example { embedding: self.corpus[i].clone(), label, round }
    }
}

/// Reproducible noise: a linear congruential generator and the sum of twelve.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    fn uniform(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u64 << 24) as f32
    }

    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.uniform()).sum::<f32>() - 6.0
    }

    /// A vector of about this length.
    pub(crate) fn vector(&mut self, length: f32) -> Vec<f32> {
        let scale = length / (DIMENSION as f32).sqrt();
        (0..DIMENSION).map(|_| scale * self.normal()).collect()
    }
}
