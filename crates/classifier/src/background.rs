//! The background is what unlabelled records say: their mean and covariance.
//!
//! Directions in which all records differ anyway say little of one concept. Knowing them, from
//! vectors that nobody labelled, is worth more than any choice of loss, and costs one pass over a
//! sample: a d x d product in f64. The covariance is shrunk toward a ball, further the fewer
//! records there are, so that it can be solved with from the first record on. A few thousand of the
//! records are kept as they are, for what moments do not tell: which of them lie side by side, and
//! what the bulk of the corpus looks like under a classifier.

mod directions;
mod file;
mod moments;
mod neighbours;
mod sample;

use std::sync::OnceLock;

use faer::{
    Mat, Side,
    linalg::solvers::{Llt, Solve},
};
use linprobe_core::Embedding;

use self::{moments::Moments, sample::Reservoir};

pub use directions::Directions;
pub use file::BadBackground;
pub use sample::Sample;

/// The weight of the ball in the shrunk covariance of many records.
const SHRINKAGE: f64 = 0.3;

/// A mean variance below this is rounding: the records are one and the same.
const NO_VARIANCE: f64 = 1e-14;

/// Mean and covariance of a corpus, and a sample of it.
#[derive(Clone, Debug)]
pub struct Background {
    n_points: u64,
    mean: Vec<f64>,
    /// d x d, symmetric.
    covariance: Mat<f64>,
    /// Of the shrunk covariance over its mean variance; none where records do not differ.
    whitener: Option<Llt<f64>>,
    /// The lower factor of the same, as precise as embeddings are.
    factor: Option<Mat<f32>>,
    sample: Sample,
    neighbour_covariance: OnceLock<Mat<f64>>,
}

impl Background {
    /// Estimates mean and covariance from embeddings of the corpus, in one pass, and draws a
    /// [`Sample`] of them: the same one from the same sequence.
    ///
    /// Embeddings of another dimension are not counted. Any number will do: with none at all the
    /// background is a ball around zero, and whitening does nothing.
    pub fn estimate<'a>(
        dimension: usize,
        embeddings: impl IntoIterator<Item = &'a Embedding>,
    ) -> Self {
        let (mut moments, mut reservoir) = (Moments::new(dimension), Reservoir::new(dimension));
        for embedding in embeddings.into_iter().filter(|e| e.dimension() == dimension) {
            moments.add(embedding, 1.0);
            reservoir.offer(embedding);
        }
        let (n_points, mean, covariance) = moments.finish();
        Self::new(n_points, mean, covariance, reservoir.into_sample())
    }

    /// The same of embeddings that count for more or less than one, each above 0. It has no sample: what it is
    /// estimated from is labelled.
    pub(crate) fn of_counted<'a>(
        dimension: usize,
        embeddings: impl IntoIterator<Item = (&'a Embedding, f64)>,
    ) -> Self {
        let mut moments = Moments::new(dimension);
        for (embedding, count) in embeddings {
            moments.add(embedding, count);
        }
        let (n_points, mean, covariance) = moments.finish();
        Self::new(n_points, mean, covariance, Reservoir::new(dimension).into_sample())
    }

    fn new(n_points: u64, mean: Vec<f64>, covariance: Mat<f64>, sample: Sample) -> Self {
        let whitener = whitener(n_points, &covariance);
        let factor = whitener.as_ref().map(directions::factor);
        let neighbour_covariance = OnceLock::new();
        Self { n_points, mean, covariance, whitener, factor, sample, neighbour_covariance }
    }

    /// The number of coordinates.
    pub fn dimension(&self) -> usize {
        self.mean.len()
    }

    /// The number of embeddings that it was estimated from.
    pub fn n_points(&self) -> u64 {
        self.n_points
    }

    /// The mean embedding.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Unlabelled embeddings of the corpus: all, or [`Sample::CAPACITY`] drawn at random.
    pub fn sample(&self) -> &Sample {
        &self.sample
    }

    /// How neighbours of the sample differ, d x d: `sum a d d' / sum a` over pairs of which one is
    /// among the other's ten nearest, with `d = x - y` and `a = exp(-(1 - cos(x, y)) / 0.03)`.
    ///
    /// A direction in which neighbours differ tells records apart that should be judged alike.
    /// Computed when it is first asked for: at 512 dimensions, a second. Zeros of less than two records.
    /// Source: the data prior of `SeeSaw` (Moll et al., <https://arxiv.org/abs/2208.06497>).
    pub fn neighbour_covariance(&self) -> &Mat<f64> {
        self.neighbour_covariance.get_or_init(|| neighbours::covariance(&self.sample))
    }

    /// `(tr(S) / d) S_g^-1 v`: stretches the directions in which records seldom differ. Leaves a
    /// vector as long as it would be in a ball.
    pub fn whiten(&self, vector: &[f64]) -> Vec<f64> {
        debug_assert_eq!(self.dimension(), vector.len());
        match &self.whitener {
            Some(whitener) => whitener.solve(column(vector)).col_as_slice(0).to_vec(),
            None => vector.to_vec(),
        }
    }

    /// The mean variance of a coordinate; that of random unit vectors where records do not differ.
    pub(crate) fn variance(&self) -> f64 {
        match self.whitener {
            Some(_) => mean_variance(&self.covariance),
            None => 1.0 / self.dimension() as f64,
        }
    }

    /// How the scores `weights . x` of the corpus are spread.
    pub fn project(&self, weights: &[f64]) -> Projection {
        debug_assert_eq!(self.dimension(), weights.len());
        let mean = self.mean.iter().zip(weights).map(|(m, w)| m * w).sum();
        let product = &self.covariance * &column(weights);
        let variance: f64 = product.col_as_slice(0).iter().zip(weights).map(|(p, w)| p * w).sum();
        let length: f64 = weights.iter().map(|w| w * w).sum();
        // Where the corpus does not vary, random unit vectors stand for it: variance 1/d.
        let floor = length
            * if self.whitener.is_some() { NO_VARIANCE } else { 1.0 / self.mean.len() as f64 };
        Projection { mean, deviation: variance.max(floor).sqrt() }
    }
}

/// Mean and standard deviation of the scores of a corpus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projection {
    /// The mean.
    pub mean: f64,
    /// The standard deviation, above 0 unless the weights are zero.
    pub deviation: f64,
}

fn column(vector: &[f64]) -> Mat<f64> {
    Mat::from_fn(vector.len(), 1, |i, _| vector[i])
}

fn mean_variance(covariance: &Mat<f64>) -> f64 {
    let d = covariance.nrows();
    (0..d).map(|i| covariance[(i, i)]).sum::<f64>() / d as f64
}

/// Cholesky factor of the shrunk covariance over its mean variance.
///
/// The sample is joined by d imagined records of a ball: of little weight among many records, and
/// most of all there is where records are fewer than dimensions.
fn whitener(n_points: u64, covariance: &Mat<f64>) -> Option<Llt<f64>> {
    let d = covariance.nrows();
    let mean_variance = mean_variance(covariance);
    if n_points < 2 || mean_variance < NO_VARIANCE {
        return None;
    }
    let own = (1.0 - SHRINKAGE) * n_points as f64 / (n_points as f64 + d as f64);
    let shrunk = Mat::from_fn(d, d, |i, j| {
        let ball = if i == j { 1.0 - own } else { 0.0 };
        own * covariance[(i, j)] / mean_variance + ball
    });
    shrunk.llt(Side::Lower).ok()
}
