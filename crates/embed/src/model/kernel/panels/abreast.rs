//! Rows that go down a panel together, where each has its own pointer.

/// As many as there are. Their sums fill most of the registers of AVX-512 with all outputs of a panel, and of AVX2 with
/// a quarter of them.
pub(super) const ROWS: usize = 6;

/// The units of rows of so many, step by step. Where a row is missing, the first one takes its place.
///
/// Rows are zipped, not looked up by the number of a step: so nothing is checked from step to step.
#[inline]
pub(super) fn abreast<T: Copy>(rows: &[T], row_len: usize) -> impl Iterator<Item = [T; ROWS]> {
    let mut all = rows.chunks_exact(row_len);
    let mut next = || all.next().unwrap_or(&rows[..row_len]).iter().copied();
    let [first, second, third] = [(); ROWS / 2].map(|()| next().zip(next()));
    first
        .zip(second)
        .zip(third)
        .map(|((first, second), third)| [first.0, first.1, second.0, second.1, third.0, third.1])
}
