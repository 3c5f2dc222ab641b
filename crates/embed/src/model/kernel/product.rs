//! Matrix products over slices.

use gemm::{Parallelism, gemm};

/// Values seen as a matrix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    n_rows: usize,
    n_columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows that begin so many values after each other.
    pub(super) fn new(
        values: &'a [f32],
        [n_rows, n_columns]: [usize; 2],
        row_stride: usize,
    ) -> Self {
        check(values.len(), [n_rows, n_columns], row_stride);
        Self { values, n_rows, n_columns, row_stride, column_stride: 1 }
    }

    /// The same with rows for columns.
    pub(super) fn transposed(self) -> Self {
        let Self { values, n_rows, n_columns, row_stride, column_stride } = self;
        Self {
            values,
            n_rows: n_columns,
            n_columns: n_rows,
            row_stride: column_stride,
            column_stride: row_stride,
        }
    }
}

/// Values that become a matrix.
#[derive(Debug)]
pub(super) struct MatrixMut<'a> {
    values: &'a mut [f32],
    n_rows: usize,
    n_columns: usize,
    row_stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// Rows that begin so many values after each other.
    pub(super) fn new(
        values: &'a mut [f32],
        [n_rows, n_columns]: [usize; 2],
        row_stride: usize,
    ) -> Self {
        check(values.len(), [n_rows, n_columns], row_stride);
        Self { values, n_rows, n_columns, row_stride }
    }
}

/// What becomes of the values that stand where a product goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// They are replaced.
    Replaced,
    /// The product is added to them.
    Kept,
}

/// `out = left * right`, or `out += left * right`.
#[expect(unsafe_code, reason = "the products of gemm take pointers")]
pub(super) fn multiply(
    left: Matrix<'_>,
    right: Matrix<'_>,
    out: &mut MatrixMut<'_>,
    standing: Standing,
) {
    assert_eq!(left.n_columns, right.n_rows, "the inner sizes of a product agree");
    assert_eq!([left.n_rows, right.n_columns], [out.n_rows, out.n_columns]);
    // SAFETY: every matrix lies within its values, as `check` has made sure of, rows of `out` do not
    // overlap, and `out` is borrowed for writing while the others are only read.
    unsafe {
        gemm(
            out.n_rows,
            out.n_columns,
            left.n_columns,
            out.values.as_mut_ptr(),
            1,
            out.row_stride.cast_signed(),
            standing == Standing::Kept,
            left.values.as_ptr(),
            left.column_stride.cast_signed(),
            left.row_stride.cast_signed(),
            right.values.as_ptr(),
            right.column_stride.cast_signed(),
            right.row_stride.cast_signed(),
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// Makes sure that a matrix lies within its values and that its rows do not overlap.
fn check(n_values: usize, [n_rows, n_columns]: [usize; 2], row_stride: usize) {
    assert!(row_stride >= n_columns, "rows overlap");
    let needed = n_rows.checked_sub(1).map_or(0, |last| last * row_stride + n_columns);
    assert!(needed <= n_values, "the matrix is larger than its values");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "small whole numbers are exact")]
    fn a_product_is_written_between_what_does_not_belong_to_it() {
        let (left, right) = ([1.0, 2.0, 3.0, 4.0], [1.0, 0.0, 1.0, 1.0]);
        let (left, right) = (Matrix::new(&left, [2, 2], 2), Matrix::new(&right, [2, 2], 2));
        let mut values = [9.0; 6];
        multiply(left, right, &mut MatrixMut::new(&mut values, [2, 2], 3), Standing::Replaced);
        assert_eq!(values, [3.0, 2.0, 9.0, 7.0, 4.0, 9.0]);
        let mut out = MatrixMut::new(&mut values, [2, 2], 3);
        multiply(left, right.transposed(), &mut out, Standing::Kept);
        assert_eq!(values, [4.0, 5.0, 9.0, 10.0, 11.0, 9.0]);
    }

    #[test]
    #[should_panic(expected = "larger than its values")]
    fn a_matrix_beyond_its_values_is_refused() {
        let _matrix = Matrix::new(&[0.0; 5], [2, 3], 3);
    }
}
