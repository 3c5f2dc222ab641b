//! Numbers in bfloat16, two by two.

#![expect(clippy::inline_always, reason = "else it keeps the instructions of an old processor")]

use pulp::Arch;

use super::{super::weights::bf16_bits, Unit};

/// Two numbers in bfloat16, the first in the lower half.
pub(super) type Pair = u32;

impl Unit for Pair {
    const N: usize = 2;

    /// Rounds them.
    fn of(mut numbers: impl Iterator<Item = f32>) -> Self {
        let [low, high] = [(); 2].map(|()| bf16_bits(numbers.next().unwrap_or_default()));
        Self::from(low) | Self::from(high) << 16
    }

    fn numbers(self) -> impl Iterator<Item = f32> {
        [self << 16, self & 0xffff_0000].into_iter().map(f32::from_bits)
    }
}

/// Rounds rows of so many values, filled up with zeros to a number of pairs.
pub(super) fn rounded(rows: &[f32], row_len: usize, n_pairs: usize) -> Vec<Pair> {
    let mut pairs = vec![0; rows.len() / row_len * n_pairs];
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (pairs, row) in pairs.chunks_exact_mut(n_pairs).zip(rows.chunks_exact(row_len)) {
                round_into(row, pairs);
            }
        },
    );
    pairs
}

/// Rounds each value to bfloat16, into its place.
#[inline(always)]
pub(super) fn round_into(values: &[f32], pairs: &mut [Pair]) {
    let places: &mut [u16] = bytemuck::cast_slice_mut(pairs);
    for (place, &value) in places.iter_mut().zip(values) {
        *place = bf16_bits(value);
    }
}
