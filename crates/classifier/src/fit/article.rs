//! The published article's loop, exactly, as the baseline to compare with.
//!
//! `torch.nn.Linear(d, 1)` starts with the query as its weight. Each round takes five full-batch
//! steps of SGD at rate 0.2 on `BCEWithLogitsLoss` with the raw labels in [-1, 1] as targets and the
//! labels of that round alone; its weight, not normalized and without the bias, is the next query.
//! Targets below 0 leave that loss without a minimum, and each round overwrites the ones before,
//! so the loop loses the query it started from: kept as published.
//! The one departure: torch draws the first bias from U(-1/sqrt(d), 1/sqrt(d)); here it is 0, the
//! mean of that, so that a fit is the same each time. Each of its defects can be repaired alone, to
//! see what it costs: [`ArticleRepair`].

use crate::{
    Example, Label, LinearClassifier, Start,
    linear::{sigmoid, to_f32},
};

/// The optimizer's settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArticleParams {
    learning_rate: f64,
    iterations: u32,
}

impl Default for ArticleParams {
    /// As published.
    fn default() -> Self {
        Self::PUBLISHED
    }
}

impl ArticleParams {
    /// As published.
    pub const PUBLISHED: Self = Self { learning_rate: 0.2, iterations: 5 };
    /// The largest learning rate.
    pub const MAX_LEARNING_RATE: f64 = 1000.0;
    /// The most steps a round.
    pub const MAX_ITERATIONS: u32 = 100_000;

    /// Checks a learning rate and a number of steps a round.
    ///
    /// # Errors
    /// [`BadArticleParams`] when one of them is out of range.
    pub fn new(learning_rate: f64, iterations: u32) -> Result<Self, BadArticleParams> {
        if !(learning_rate > 0.0 && learning_rate <= Self::MAX_LEARNING_RATE) {
            return Err(BadArticleParams::LearningRate { learning_rate });
        }
        if iterations == 0 || iterations > Self::MAX_ITERATIONS {
            return Err(BadArticleParams::Iterations { iterations });
        }
        Ok(Self { learning_rate, iterations })
    }

    /// The learning rate.
    pub fn learning_rate(self) -> f64 {
        self.learning_rate
    }

    /// Steps a round.
    pub fn iterations(self) -> u32 {
        self.iterations
    }
}

/// What is repaired of the published loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArticleRepair {
    /// Each round's steps are taken on all labels so far, not on the latest ones alone.
    Cumulative,
    /// Targets are grades in [0, 1], for which the loss has a minimum, not labels in [-1, 1].
    Targets,
    /// The weights are scaled back to unit length after each round.
    Normalized,
    /// All three.
    All,
}

/// Settings that are out of range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum BadArticleParams {
    /// The learning rate is.
    #[error(
        "{learning_rate} is no learning rate\nhint: above 0 and at most {}",
        ArticleParams::MAX_LEARNING_RATE
    )]
    LearningRate {
        /// The number given.
        learning_rate: f64,
    },
    /// The number of steps is.
    #[error("{iterations} iterations\nhint: from 1 to {}", ArticleParams::MAX_ITERATIONS)]
    Iterations {
        /// The number given.
        iterations: u32,
    },
}

/// The loop with its parameters, and what is repaired of it.
#[derive(Clone, Copy)]
pub(super) struct Article {
    pub(super) params: ArticleParams,
    pub(super) repair: Option<ArticleRepair>,
}

impl Article {
    /// Examples come in the order of their rounds.
    pub(super) fn fit(self, start: &Start, examples: &[&Example]) -> LinearClassifier {
        let target = if self.repairs(ArticleRepair::Targets) { Label::grade } else { Label::value };
        let mut layer = Layer::new(start);
        let mut n_seen = 0;
        for round in examples.chunk_by(|a, b| a.round == b.round) {
            n_seen += round.len();
            let is_cumulative = self.repairs(ArticleRepair::Cumulative);
            let batch = if is_cumulative { &examples[..n_seen] } else { round };
            for _ in 0..self.params.iterations {
                layer.step(batch, target, self.params.learning_rate);
            }
            if self.repairs(ArticleRepair::Normalized) {
                layer.normalize();
            }
        }
        layer.into_classifier()
    }

    fn repairs(self, defect: ArticleRepair) -> bool {
        self.repair.is_some_and(|repair| repair == defect || repair == ArticleRepair::All)
    }
}

/// A linear layer of one output.
struct Layer {
    weights: Vec<f64>,
    bias: f64,
}

impl Layer {
    fn new(start: &Start) -> Self {
        let weights = start.head().map_or(start.direction().as_slice(), LinearClassifier::weights);
        let bias = start.head().map_or(0.0, LinearClassifier::bias);
        Self { weights: weights.iter().map(|&w| f64::from(w)).collect(), bias: f64::from(bias) }
    }

    /// One step down the gradient of the mean loss: mean of (sigmoid(logit) - target) x.
    fn step(&mut self, batch: &[&Example], target: fn(Label) -> f32, learning_rate: f64) {
        let rate = learning_rate / batch.len() as f64;
        let error =
            |example: &&Example| self.probability(example) - f64::from(target(example.label));
        let errors: Vec<f64> = batch.iter().map(error).collect();
        for (example, error) in batch.iter().zip(errors) {
            for (weight, &x) in self.weights.iter_mut().zip(example.embedding.as_slice()) {
                *weight -= rate * error * f64::from(x);
            }
            self.bias -= rate * error;
        }
    }

    fn probability(&self, example: &Example) -> f64 {
        let products = self.weights.iter().zip(example.embedding.as_slice());
        sigmoid(products.map(|(w, &x)| w * f64::from(x)).sum::<f64>() + self.bias)
    }

    /// To unit length, where there is any length.
    fn normalize(&mut self) {
        let length = self.weights.iter().map(|w| w * w).sum::<f64>().sqrt();
        if length > f64::EPSILON {
            self.weights.iter_mut().for_each(|w| *w /= length);
        }
    }

    fn into_classifier(self) -> LinearClassifier {
        let weights: Vec<f32> = self.weights.into_iter().map(to_f32).collect();
        LinearClassifier::new(weights, to_f32(self.bias))
            .expect("as many weights as the start has, clamped to finite ones")
    }
}
