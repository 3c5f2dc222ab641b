//! Where records lie as seen from the middle of the corpus: what tells records apart, and how far.

use faer::{Accum, Mat, MatRef, Par, linalg::matmul};

use super::Background;

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
    /// The directions of some embeddings, each of [`dimension`](Self::dimension) coordinates.
    pub fn directions(&self, embeddings: &[&[f32]]) -> Directions {
        let whitened = self.whitened_columns(embeddings);
        let mut columns = Mat::zeros(whitened.nrows(), whitened.ncols());
        for j in 0..whitened.ncols() {
            let (column, into) = (whitened.col_as_slice(j), columns.col_as_slice_mut(j));
            let norm = column.iter().map(|y| y * y).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
            into.iter_mut()
                .zip(column)
                .for_each(|(unit, y)| *unit = crate::linear::to_f32(y / norm));
        }
        Directions { columns }
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
