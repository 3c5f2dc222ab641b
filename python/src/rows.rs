//! Arrays of NumPy as rows of numbers, without a copy, and rows of numbers as arrays.

use linprobe::Embedding;
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray2, PyUntypedArrayMethods, ndarray::Array2};
use pyo3::prelude::*;

use crate::error::{InputError, or_input};

/// The rows of a matrix.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    values: &'a [f32],
    pub(crate) dimension: usize,
}

impl<'a> Rows<'a> {
    /// Looks at an array whose rows lie one after the other.
    pub(crate) fn of(array: &'a PyReadonlyArray2<'_, f32>) -> PyResult<Self> {
        Ok(Self { values: or_input(array.as_slice())?, dimension: array.shape()[1].max(1) })
    }

    pub(crate) fn iter(self) -> impl ExactSizeIterator<Item = &'a [f32]> {
        self.values.chunks_exact(self.dimension)
    }

    /// Each row at unit length, in a copy.
    ///
    /// # Errors
    /// Names the first row that has no direction.
    pub(crate) fn embeddings(self) -> PyResult<Vec<Embedding>> {
        let normalize = |(row, values): (usize, &[f32])| {
            Embedding::normalize(values)
                .map_err(|reason| InputError::new_err(format!("row {row} of X: {reason}")))
        };
        self.iter().enumerate().map(normalize).collect()
    }
}

/// A matrix of values that come row after row, without a copy.
pub(crate) fn matrix(
    py: Python<'_>,
    values: Vec<f32>,
    dimension: usize,
) -> PyResult<Bound<'_, PyArray2<f32>>> {
    let n_rows = values.len().checked_div(dimension).unwrap_or(0);
    Ok(or_input(Array2::from_shape_vec((n_rows, dimension), values))?.into_pyarray(py))
}
