//! Numbers in bfloat16, two by two.

use pulp::Arch;

use super::super::weights::bf16_bits;

/// Two numbers in bfloat16, the first in the lower half.
pub(super) type Pair = u32;

/// Rounds two numbers; one that is missing is zero.
pub(super) fn pair(mut numbers: impl Iterator<Item = f32>) -> Pair {
    let [low, high] = [(); 2].map(|()| bf16_bits(numbers.next().unwrap_or_default()));
    Pair::from(low) | Pair::from(high) << 16
}

/// The numbers of a pair.
pub(super) fn numbers(pair: Pair) -> impl Iterator<Item = f32> {
    [pair << 16, pair & 0xffff_0000].into_iter().map(f32::from_bits)
}

/// Rounds rows of so many values, filled up with zeros to a number of pairs, and to a multiple of a number of rows.
pub(super) fn rounded(
    rows: &[f32],
    row_len: usize,
    [rows_multiple, n_pairs]: [usize; 2],
) -> Vec<Pair> {
    let n_rows = (rows.len() / row_len).next_multiple_of(rows_multiple);
    let mut pairs = vec![0; n_rows * n_pairs];
    let places = pairs.chunks_exact_mut(n_pairs).zip(rows.chunks_exact(row_len));
    places.for_each(|(pairs, row)| round_into(row, bytemuck::cast_slice_mut(pairs)));
    pairs
}

/// Rounds each value to bfloat16, into its place.
fn round_into(values: &[f32], places: &mut [u16]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (place, &value) in places.iter_mut().zip(values) {
                *place = bf16_bits(value);
            }
        },
    );
}
