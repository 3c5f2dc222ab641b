//! The background is what unlabelled records say: their mean and covariance.
//!
//! Directions in which all records differ anyway say little of one concept. Knowing them, from
//! vectors that nobody labelled, is worth more than any choice of loss, and costs one pass over a
//! sample: a d x d product in f64. The covariance is shrunk toward a ball, further the fewer
//! records there are, so that it can be solved with from the first record on.

mod file;

use faer::{
    Accum, Mat, Par, Side,
    linalg::{
        matmul::triangular::{self, BlockStructure},
        solvers::{Llt, Solve},
    },
};
use linprobe_core::Embedding;

pub use file::BadBackground;

/// The weight of the ball in the shrunk covariance of many records.
const SHRINKAGE: f64 = 0.3;

/// Rows that are gathered before they are multiplied: 4 MB at 512 dimensions.
const BLOCK: usize = 1024;

/// A mean variance below this is rounding: the records are one and the same.
const NO_VARIANCE: f64 = 1e-14;

/// Mean and covariance of a corpus.
#[derive(Clone, Debug)]
pub struct Background {
    n_points: u64,
    mean: Vec<f64>,
    /// d x d, symmetric.
    covariance: Mat<f64>,
    /// Of the shrunk covariance over its mean variance; none where records do not differ.
    whitener: Option<Llt<f64>>,
}

impl Background {
    /// Estimates mean and covariance from a sample of the corpus, in one pass.
    ///
    /// Embeddings of another dimension are not counted. Any number will do: with none at all the
    /// background is a ball around zero, and whitening does nothing.
    pub fn estimate<'a>(
        dimension: usize,
        embeddings: impl IntoIterator<Item = &'a Embedding>,
    ) -> Self {
        let mut moments = Moments::new(dimension);
        embeddings.into_iter().for_each(|embedding| moments.add(embedding));
        let (n_points, mean, covariance) = moments.finish();
        Self::new(n_points, mean, covariance)
    }

    fn new(n_points: u64, mean: Vec<f64>, covariance: Mat<f64>) -> Self {
        let whitener = whitener(n_points, &covariance);
        Self { n_points, mean, covariance, whitener }
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

    /// `(tr(S) / d) S_g^-1 v`: stretches the directions in which records seldom differ. Leaves a
    /// vector as long as it would be in a ball.
    pub fn whiten(&self, vector: &[f64]) -> Vec<f64> {
        debug_assert_eq!(self.dimension(), vector.len());
        let Some(whitener) = &self.whitener else { return vector.to_vec() };
        let mut column = Mat::from_fn(vector.len(), 1, |i, _| vector[i]);
        whitener.solve_in_place(column.as_mut());
        column.col_as_slice(0).to_vec()
    }

    /// How the scores `weights . x` of the corpus are spread.
    pub fn project(&self, weights: &[f64]) -> Projection {
        debug_assert_eq!(self.dimension(), weights.len());
        let mean = self.mean.iter().zip(weights).map(|(m, w)| m * w).sum();
        let column = Mat::from_fn(weights.len(), 1, |i, _| weights[i]);
        let product = &self.covariance * &column;
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

/// Cholesky factor of the shrunk covariance over its mean variance.
///
/// The sample is joined by d imagined records of a ball: of little weight among many records, and
/// most of all there is where records are fewer than dimensions.
fn whitener(n_points: u64, covariance: &Mat<f64>) -> Option<Llt<f64>> {
    let d = covariance.nrows();
    let trace: f64 = (0..d).map(|i| covariance[(i, i)]).sum();
    let mean_variance = trace / d as f64;
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

/// Sums of x and of x x', gathered block by block.
struct Moments {
    n_points: u64,
    sum: Vec<f64>,
    /// Lower triangle only.
    products: Mat<f64>,
    /// One embedding a column, so that each is contiguous: d x `BLOCK`.
    block: Mat<f64>,
    filled: usize,
}

impl Moments {
    fn new(d: usize) -> Self {
        let (products, block) = (Mat::zeros(d, d), Mat::zeros(d, BLOCK));
        Self { n_points: 0, sum: vec![0.0; d], products, block, filled: 0 }
    }

    fn add(&mut self, embedding: &Embedding) {
        if embedding.dimension() != self.sum.len() {
            return;
        }
        let column = self.block.col_as_slice_mut(self.filled);
        for ((cell, sum), &x) in column.iter_mut().zip(&mut self.sum).zip(embedding.as_slice()) {
            *cell = f64::from(x);
            *sum += f64::from(x);
        }
        self.n_points += 1;
        self.filled += 1;
        if self.filled == BLOCK {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let block = self.block.as_ref().subcols(0, self.filled);
        triangular::matmul(
            self.products.as_mut(),
            BlockStructure::TriangularLower,
            Accum::Add,
            block,
            BlockStructure::Rectangular,
            block.transpose(),
            BlockStructure::Rectangular,
            1.0,
            Par::rayon(0),
        );
        self.filled = 0;
    }

    /// The number of embeddings, their mean and covariance.
    fn finish(mut self) -> (u64, Vec<f64>, Mat<f64>) {
        self.flush();
        let (d, n) = (self.sum.len(), self.n_points.max(1) as f64);
        let mean: Vec<f64> = self.sum.iter().map(|sum| sum / n).collect();
        let covariance = Mat::from_fn(d, d, |i, j| {
            let product = self.products[(i.max(j), i.min(j))];
            product / n - mean[i] * mean[j]
        });
        (self.n_points, mean, covariance)
    }
}
