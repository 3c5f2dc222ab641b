//! The dot products of many half-precision rows with one vector of weights, as fast as memory gives
//! the rows, or with several.
//!
//! For one vector rows are read one after the other, each from its start to its end, into sums that do
//! not wait for each other. That is what the memory likes best: taking several rows at a time, which
//! saves loads of the weights, halved the rate on the machine it was measured on. Asking for memory ahead of
//! time gained nothing there, and a third on another one. Which instructions do it is chosen at run time.
//!
//! Several vectors of weights share what a row costs. Up to four are multiplied with each row as it comes, for it waits
//! for memory anyway: two cost what one does, four half as much again. Where there are more, multiplying takes longer than
//! reading: a strip of rows stays in the nearest cache while it is multiplied with all of them, two rows with four
//! vectors at a time, so that a number that is loaded is used more than once. The sums are those of each vector alone,
//! bit for bit.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

use std::{ops::Range, sync::LazyLock};

use half::{f16, slice::HalfFloatSliceExt};

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod codes;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod quads;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod rows;

/// Coordinates that are multiplied between two steps of a loop.
const STRETCH: usize = 128;

/// Rows that are multiplied with all weights before the next ones are read: 16 KB of 512 coordinates.
const STRIP: usize = 16;

/// Vectors of weights that a row is loaded once for, and rows that these are loaded once for: as many
/// as registers hold the sums of.
const GROUP: usize = 4;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const PAIR: usize = 2;

/// The bytes that come from memory at once.
#[cfg(target_arch = "x86_64")]
const CACHE_LINE: usize = 64;

/// How far ahead of what is multiplied the memory is asked for what comes next, in bytes.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 8192;

/// Asks the memory for what stands ahead of a piece of the rows, as long as it.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[inline]
fn fetch_ahead<T>(piece: &[T]) {
    #[cfg(target_arch = "x86_64")]
    fetch_from(piece.as_ptr().wrapping_byte_add(AHEAD), size_of_val(piece));
    #[cfg(not(target_arch = "x86_64"))]
    let _ = piece;
}

/// Asks the memory for some rows.
#[inline]
pub(crate) fn fetch<T>(rows: &[T]) {
    #[cfg(target_arch = "x86_64")]
    fetch_from(rows.as_ptr(), size_of_val(rows));
    #[cfg(not(target_arch = "x86_64"))]
    let _ = rows;
}

/// Asks the memory for so many bytes. Elsewhere than on x86 it is left to find out by itself.
#[cfg(target_arch = "x86_64")]
#[inline]
#[expect(unsafe_code, reason = "the instruction takes a pointer")]
fn fetch_from<T>(start: *const T, n_bytes: usize) {
    for line in (0..n_bytes).step_by(CACHE_LINE) {
        // SAFETY: it is a hint, for which no address is wrong.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.cast::<i8>().wrapping_add(line)) };
    }
}

/// Coordinates of weights; zeros after the last one.
type Stretch = [f32; STRETCH];

/// The instructions that score rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Neon),
    /// Whatever the compiler makes of a plain loop.
    Portable,
}

impl Kernel {
    /// All that this machine can run, fastest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            kernels.extend(avx512::Avx512::detect().map(Self::Avx512));
            kernels.extend(avx2::Avx2::detect().map(Self::Avx2));
        }
        #[cfg(target_arch = "aarch64")]
        kernels.extend(neon::Neon::detect().map(Self::Neon));
        kernels.push(Self::Portable);
        kernels
    }

    /// The fastest that this machine can run, which is looked for once.
    pub(crate) fn detect() -> Self {
        static FASTEST: LazyLock<Kernel> =
            LazyLock::new(|| Kernel::available().first().copied().unwrap_or(Kernel::Portable));
        *FASTEST
    }

    /// Fills the scores of each vector of weights with its dot products with each row.
    pub(crate) fn score(self, rows: &[f16], weights: &[Weights], scores: &mut [&mut [f32]]) {
        assert_eq!(weights.len(), scores.len(), "weights and scores go together");
        for (weights, scores) in weights.iter().zip(&*scores) {
            let n_coordinates = scores.len() * weights.dimension;
            assert_eq!(rows.len(), n_coordinates, "rows and scores go together");
        }
        let dimension = weights.first().map_or(1, |weights| weights.dimension.max(1));
        if weights.len() <= GROUP {
            let places = 0..rows.len() / dimension;
            return self.score_group(Rows::Stream(rows), weights, scores, places);
        }
        let strips: Vec<&[f16]> = rows.chunks(STRIP * dimension).collect();
        for (strip_idx, &rows) in strips.iter().enumerate() {
            let next = strips.get(strip_idx + 1).copied().unwrap_or_default();
            let mut ahead = next.chunks(next.len().div_ceil(weights.len().div_ceil(GROUP)).max(1));
            let start = strip_idx * STRIP;
            let places = start..start + rows.len() / dimension;
            for (weights, scores) in weights.chunks(GROUP).zip(scores.chunks_mut(GROUP)) {
                let ahead = ahead.next().unwrap_or_default();
                self.score_group(Rows::Strip { rows, ahead }, weights, scores, places.clone());
            }
        }
    }

    /// Scores rows, whose scores have these places, with up to [`GROUP`] vectors of weights.
    fn score_group(
        self,
        rows: Rows<'_>,
        weights: &[Weights],
        scores: &mut [&mut [f32]],
        places: Range<usize>,
    ) {
        match (weights, scores) {
            ([w0], [s0]) => self.score_rows(rows, [w0], [&mut s0[places]]),
            ([w0, w1], [s0, s1]) => {
                let scores = [s0, s1].map(|scores| &mut scores[places.clone()]);
                self.score_rows(rows, [w0, w1], scores);
            }
            ([w0, w1, w2], [s0, s1, s2]) => {
                let scores = [s0, s1, s2].map(|scores| &mut scores[places.clone()]);
                self.score_rows(rows, [w0, w1, w2], scores);
            }
            ([w0, w1, w2, w3], [s0, s1, s2, s3]) => {
                let scores = [s0, s1, s2, s3].map(|scores| &mut scores[places.clone()]);
                self.score_rows(rows, [w0, w1, w2, w3], scores);
            }
            // A group is neither empty nor longer.
            _ => {}
        }
    }

    fn score_rows<const N: usize>(
        self,
        rows: Rows<'_>,
        weights: [&Weights; N],
        scores: [&mut [f32]; N],
    ) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => avx512::Avx512::score(proof, rows, weights, scores),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(proof) => avx2::Avx2::score(proof, rows, weights, scores),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(proof) => neon::Neon::score(proof, rows, weights, scores),
            Self::Portable => {
                let (Rows::Stream(rows) | Rows::Strip { rows, .. }) = rows;
                for (weights, scores) in weights.into_iter().zip(scores) {
                    score_portably(rows, weights, scores);
                }
            }
        }
    }
}

/// Rows that are multiplied.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rows<'a> {
    /// One after the other, as they come from memory.
    Stream(&'a [f16]),
    /// A few that stay in the nearest cache, and what the memory is asked for meanwhile.
    Strip {
        rows: &'a [f16],
        #[cfg_attr(
            not(any(target_arch = "x86_64", target_arch = "aarch64")),
            expect(dead_code, reason = "nothing asks ahead")
        )]
        ahead: &'a [f16],
    },
}

/// Weights, cut into stretches and padded with zeros.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    dimension: usize,
    stretches: Vec<Stretch>,
}

impl Weights {
    pub(crate) fn new(weights: &[f32]) -> Self {
        let (stretches, rest) = weights.as_chunks();
        let last = (!rest.is_empty()).then(|| padded(rest, 0.0));
        Self {
            dimension: weights.len(),
            stretches: stretches.iter().copied().chain(last).collect(),
        }
    }
}

/// The end of a row or of the weights that does not fill a stretch.
fn padded<T: Copy>(rest: &[T], zero: T) -> [T; STRETCH] {
    let mut stretch = [zero; STRETCH];
    stretch[..rest.len()].copy_from_slice(rest);
    stretch
}

fn score_portably(rows: &[f16], weights: &Weights, scores: &mut [f32]) {
    for (row, score) in rows.chunks_exact(weights.dimension.max(1)).zip(scores) {
        let mut sums = [0.0; STRETCH];
        for (piece, weights) in row.chunks(STRETCH).zip(&weights.stretches) {
            let mut wide = [0.0; STRETCH];
            piece.convert_to_f32_slice(&mut wide[..piece.len()]);
            for ((sum, x), w) in sums.iter_mut().zip(wide).zip(weights) {
                *sum += x * w;
            }
        }
        *score = sums.iter().sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scores(kernel: Kernel, rows: &[f16], weights: &[f32]) -> Vec<f32> {
        let mut scores = vec![f32::NAN; rows.len() / weights.len()];
        kernel.score(rows, &[Weights::new(weights)], &mut [&mut scores]);
        scores
    }

    proptest! {
        #[test]
        fn weights_score_among_others_what_they_score_alone(
            n_rows in 0_usize..40,
            all in (1_usize..300).prop_flat_map(|dimension| {
                let weights = prop::collection::vec(-2.0_f32..2.0, dimension);
                prop::collection::vec(weights, 2..8)
            }),
        ) {
            let dimension = all[0].len();
            let value = |i: usize| (i as f32 * 0.7).sin();
            let rows: Vec<f16> =
                (0..n_rows * dimension).map(|i| f16::from_f32(value(i))).collect();
            let weights: Vec<Weights> = all.iter().map(|weights| Weights::new(weights)).collect();
            for kernel in Kernel::available() {
                let mut together = vec![vec![f32::NAN; n_rows]; all.len()];
                let mut places: Vec<&mut [f32]> =
                    together.iter_mut().map(Vec::as_mut_slice).collect();
                kernel.score(&rows, &weights, &mut places);
                for (together, weights) in together.iter().zip(&all) {
                    prop_assert_eq!(together, &scores(kernel, &rows, weights), "{:?}", kernel);
                }
            }
        }

        #[test]
        fn every_kernel_agrees_with_a_sum_in_double_precision(
            n_rows in 0_usize..11,
            weights in prop::collection::vec(-2.0_f32..2.0, 1..400),
            seed: u32,
        ) {
            let value = |i: usize| (i as f32 * 0.7 + seed as f32 * 1e-3).sin();
            let rows: Vec<f16> =
                (0..n_rows * weights.len()).map(|i| f16::from_f32(value(i))).collect();
            let exact: Vec<f64> = rows
                .chunks_exact(weights.len())
                .map(|row| row.iter().zip(&weights).map(|(x, &w)| x.to_f64() * f64::from(w)).sum())
                .collect();
            for kernel in Kernel::available() {
                for (score, exact) in scores(kernel, &rows, &weights).iter().zip(&exact) {
                    prop_assert!((f64::from(*score) - exact).abs() < 2e-4, "{kernel:?}: {score} {exact}");
                }
            }
        }

        #[test]
        fn equal_rows_have_equal_scores_wherever_they_stand(
            row in prop::collection::vec(-1.0_f32..1.0, 1..400),
            n_rows in 2_usize..13,
        ) {
            let half: Vec<f16> = row.iter().map(|&x| f16::from_f32(x)).collect();
            for kernel in Kernel::available() {
                let scores = scores(kernel, &half.repeat(n_rows), &row);
                prop_assert!(scores.iter().all(|score| score.total_cmp(&scores[0]).is_eq()), "{kernel:?}: {scores:?}");
            }
        }
    }

    #[test]
    fn the_numbers_that_half_precision_finds_hard_are_read_right() {
        let hard = [0x0001, 0x03ff, 0x0400, 0x7bff, 0x8001, 0x3c00, 0xbc00, 0x0000];
        let rows: Vec<f16> = hard.map(f16::from_bits).into();
        for kernel in Kernel::available() {
            let expected: Vec<f32> = rows.iter().map(|x| x.to_f32()).collect();
            assert_eq!(scores(kernel, &rows, &[1.0]), expected, "{kernel:?}");
        }
    }
}
