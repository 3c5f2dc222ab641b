//! Where records lie as seen from the middle of the corpus: what tells records apart, and how far.

use faer::{
    Accum, ColMut, Mat, MatMut, MatRef, Par,
    linalg::{matmul, solvers::Llt, triangular_solve},
};
use linprobe_core::dot;
use rayon::prelude::*;

use super::Background;
use crate::linear::to_f32;

/// Directions that one thread works out at a time.
const BLOCK: usize = 32;

/// Unit vectors in the coordinates in which the corpus is a ball.
///
/// Their cosine is near zero for two records that have no more in common than any two of the
/// corpus, whatever the encoder: in plain embeddings, that all lie in one cone, it is not.
#[derive(Clone, Debug)]
pub struct Directions {
    /// One a column: d x n.
    columns: Mat<f32>,
}

impl Background {
    /// The directions of some embeddings, each of [`dimension`](Self::dimension) coordinates:
    /// `L^-1 (x - mu)`, of unit length, `L L'` being the shrunk covariance.
    pub fn directions(&self, embeddings: &[&[f32]]) -> Directions {
        debug_assert!(embeddings.iter().all(|x| x.len() == self.dimension()));
        let mut columns = Mat::zeros(self.dimension(), embeddings.len());
        let blocks = columns.par_col_chunks_mut(BLOCK).zip(embeddings.par_chunks(BLOCK));
        blocks.for_each(|(block, embeddings)| self.direct(block, embeddings));
        Directions { columns }
    }

    /// Fills in the directions of some embeddings, one a column.
    fn direct(&self, mut columns: MatMut<'_, f32>, embeddings: &[&[f32]]) {
        for (column, embedding) in columns.as_mut().col_iter_mut().zip(embeddings) {
            let coordinates = contiguous(column).iter_mut().zip(*embedding).zip(&self.mean);
            coordinates.for_each(|((y, x), &mean)| *y = x - to_f32(mean));
        }
        if let Some(factor) = &self.factor {
            let columns = columns.as_mut();
            triangular_solve::solve_lower_triangular_in_place(factor.as_ref(), columns, Par::Seq);
        }
        columns.col_iter_mut().map(contiguous).for_each(normalize);
    }
}

/// `L` of a Cholesky factorization, for directions: these need no more digits than embeddings have.
pub(super) fn factor(whitener: &Llt<f64>) -> Mat<f32> {
    let lower = whitener.L();
    Mat::from_fn(lower.nrows(), lower.ncols(), |i, j| to_f32(lower[(i, j)]))
}

/// The coordinates of a column of a matrix that is stored by columns.
fn contiguous(column: ColMut<'_, f32>) -> &mut [f32] {
    column.try_as_col_major_mut().map_or(&mut [], |column| column.as_slice_mut())
}

fn normalize(column: &mut [f32]) {
    let norm = dot(column, column).sqrt().max(f32::MIN_POSITIVE);
    for y in column {
        *y /= norm;
    }
}

impl Directions {
    /// The number of directions.
    pub fn len(&self) -> usize {
        self.columns.ncols()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cosines of these with each of others: for each of the others, one for each of these.
    pub fn cosines(&self, others: &Self) -> Vec<Vec<f32>> {
        self.products(others.columns.as_ref())
    }

    /// The cosines of these with each of the first `n` of them, or with all if they are fewer: for each of
    /// those, one for each of these.
    pub fn cosines_with_first(&self, n: usize) -> Vec<Vec<f32>> {
        let columns = self.columns.as_ref().subcols(0, n.min(self.len()));
        self.products(columns)
    }

    fn products(&self, others: MatRef<'_, f32>) -> Vec<Vec<f32>> {
        let mut products = Mat::zeros(self.len(), others.ncols());
        let ours = self.columns.transpose();
        matmul::matmul(products.as_mut(), Accum::Replace, ours, others, 1.0, Par::Seq);
        (0..others.ncols()).map(|j| products.col_as_slice(j).to_vec()).collect()
    }
}
