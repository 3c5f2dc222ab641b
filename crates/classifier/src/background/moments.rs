//! Mean and covariance in one pass: sums of x and of x x', gathered block by block, since one
//! product of a block costs a tenth of as many products of single rows.

use faer::{
    Accum, Mat, Par,
    linalg::matmul::triangular::{self, BlockStructure},
};
use linprobe_core::Embedding;

/// Rows that are gathered before they are multiplied: 4 MB at 512 dimensions.
const BLOCK: usize = 1024;

/// Sums of x and of x x', gathered block by block.
pub(super) struct Moments {
    n_points: f64,
    sum: Vec<f64>,
    /// Lower triangle only.
    products: Mat<f64>,
    /// One embedding a column, so that each is contiguous: d x `BLOCK`.
    block: Mat<f64>,
    filled: usize,
}

impl Moments {
    pub(super) fn new(d: usize) -> Self {
        let (products, block) = (Mat::zeros(d, d), Mat::zeros(d, BLOCK));
        Self { n_points: 0.0, sum: vec![0.0; d], products, block, filled: 0 }
    }

    /// Adds an embedding of as many dimensions, which counts for so many.
    pub(super) fn add(&mut self, embedding: &Embedding, count: f64) {
        let column = self.block.col_as_slice_mut(self.filled);
        let root = count.sqrt();
        for ((cell, sum), &x) in column.iter_mut().zip(&mut self.sum).zip(embedding.as_slice()) {
            *cell = root * f64::from(x);
            *sum += count * f64::from(x);
        }
        self.n_points += count;
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
    pub(super) fn finish(mut self) -> (u64, Vec<f64>, Mat<f64>) {
        self.flush();
        let d = self.sum.len();
        let n = if self.n_points > 0.0 { self.n_points } else { 1.0 };
        let mean: Vec<f64> = self.sum.iter().map(|sum| sum / n).collect();
        let covariance = Mat::from_fn(d, d, |i, j| {
            let product = self.products[(i.max(j), i.min(j))];
            product / n - mean[i] * mean[j]
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count, above 0"
        )]
        let n_points = self.n_points.round() as u64;
        (n_points, mean, covariance)
    }
}
