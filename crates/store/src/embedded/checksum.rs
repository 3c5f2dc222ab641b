//! Checksums of a file of rows, one for each block of them.
//!
//! A disk that gives back other bits than it was given does not say so. The checksum of a block is
//! committed with its rows, and goes on where it was when rows are added to a block that is begun, so
//! that nothing is read to write it. It is a CRC-32, which finds every burst of up to 32 bits, and all
//! but one in four thousand million other changes; against an adversary it is worth nothing.

use std::ops::Range;

use bytemuck::NoUninit;
use crc32fast::Hasher;
use rayon::prelude::*;

/// Rows to a block: damage is told, and given up, by as many.
pub(crate) const BLOCK_ROWS: usize = 1024;

/// The checksum of the rows of a block, as many as there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checksum {
    pub(crate) block_idx: usize,
    pub(crate) crc: u32,
}

impl Checksum {
    /// The rows of its block in a file of so many.
    pub(crate) fn rows(self, n_rows: usize) -> Range<usize> {
        let first_row = self.block_idx * BLOCK_ROWS;
        first_row..(first_row + BLOCK_ROWS).min(n_rows)
    }
}

/// The block of a row.
pub(crate) fn block_of(row_idx: usize) -> usize {
    row_idx / BLOCK_ROWS
}

/// The checksums of the blocks that rows from `first_row` on come to lie in; `begun` is that of the
/// rows of the first block that are there before them. A row has `row_len` elements.
pub(crate) fn extended<T: NoUninit>(
    begun: Option<Checksum>,
    first_row: usize,
    rows: &[T],
    row_len: usize,
) -> Vec<Checksum> {
    let n_in_first = (BLOCK_ROWS - first_row % BLOCK_ROWS) * row_len;
    let (first, rest) = rows.split_at(n_in_first.min(rows.len()));
    let begun = begun.map_or(0, |begun| begun.crc);
    let blocks = std::iter::once(crc(begun, first)).chain(whole_blocks(rest, row_len));
    let blocks = (block_of(first_row)..).zip(blocks);
    blocks.map(|(block_idx, crc)| Checksum { block_idx, crc }).collect()
}

fn whole_blocks<T: NoUninit>(rows: &[T], row_len: usize) -> impl Iterator<Item = u32> {
    rows.chunks(BLOCK_ROWS * row_len.max(1)).map(|block| crc(0, block))
}

/// The checksum of bytes that were seen before and these.
fn crc<T: NoUninit>(begun: u32, rows: &[T]) -> u32 {
    let mut hasher = Hasher::new_with_initial(begun);
    hasher.update(bytemuck::cast_slice(rows));
    hasher.finalize()
}

/// Those blocks whose rows are not what they were when they were written, or not there.
pub(crate) fn damaged<T: NoUninit + Sync>(
    rows: &[T],
    row_len: usize,
    expected: &[Checksum],
) -> Vec<Checksum> {
    let block_len = BLOCK_ROWS * row_len;
    let is_damaged = |checksum: &&Checksum| {
        let start = (checksum.block_idx * block_len).min(rows.len());
        let block = rows.get(start..).unwrap_or_default();
        crc(0, block.get(..block_len).unwrap_or(block)) != checksum.crc
    };
    expected.par_iter().filter(is_damaged).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::f16;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn checksums_do_not_depend_on_the_batches_that_rows_came_in(
            batches in prop::collection::vec(1_usize..1500, 1..8),
            dimension in 1_usize..4,
        ) {
            let n_rows: usize = batches.iter().sum();
            let rows: Vec<f16> = (0..n_rows * dimension).map(|i| f16::from_f32(i as f32)).collect();
            let at_once = extended(None, 0, &rows, dimension);
            let mut checksums: Vec<Checksum> = Vec::new();
            let mut first_row = 0;
            for n in batches {
                let begun = checksums.pop_if(|last| last.block_idx == block_of(first_row));
                let batch = &rows[first_row * dimension..(first_row + n) * dimension];
                checksums.extend(extended(begun, first_row, batch, dimension));
                first_row += n;
            }
            prop_assert_eq!(at_once, checksums);
        }
    }
}
