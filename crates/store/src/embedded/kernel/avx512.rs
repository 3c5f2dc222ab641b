//! Rows scored with AVX-512.

use std::{
    arch::x86_64::{
        __m512, _mm256_loadu_si256, _mm512_add_ps, _mm512_cvtph_ps, _mm512_fmadd_ps,
        _mm512_loadu_ps, _mm512_reduce_add_ps, _mm512_setzero_ps,
    },
    ptr,
};

use half::f16;

use super::{STRETCH, Weights, padded};

/// Coordinates in a vector.
const LANES: usize = 16;

/// Sums under way, one for each vector of a stretch.
type Sums = [__m512; STRETCH / LANES];

/// Proof that this machine has AVX-512F.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }

    #[expect(unsafe_code, reason = "these instructions are not on every machine")]
    pub(crate) fn score<const N: usize>(
        _proof: Self,
        rows: &[f16],
        weights: [&Weights; N],
        scores: [&mut [f32]; N],
    ) {
        // SAFETY: a value of this type is only made where the instructions are there.
        unsafe { score_rows(rows, weights, scores) }
    }
}

#[target_feature(enable = "avx512f")]
fn score_rows<const N: usize>(rows: &[f16], weights: [&Weights; N], mut scores: [&mut [f32]; N]) {
    let dimension = weights.first().map_or(1, |weights| weights.dimension.max(1));
    for (row_idx, row) in rows.chunks_exact(dimension).enumerate() {
        let (stretches, rest) = row.as_chunks();
        let mut sums = [[_mm512_setzero_ps(); STRETCH / LANES]; N];
        for (stretch_idx, stretch) in stretches.iter().enumerate() {
            add_products(
                &mut sums,
                stretch,
                weights.map(|weights| &weights.stretches[stretch_idx]),
            );
        }
        if !rest.is_empty() {
            let weights = weights.map(|weights| &weights.stretches[stretches.len()]);
            add_products(&mut sums, &padded(rest, f16::ZERO), weights);
        }
        for (scores, sums) in scores.iter_mut().zip(&sums) {
            scores[row_idx] = _mm512_reduce_add_ps(total(sums));
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add_products<const N: usize>(
    sums: &mut [Sums; N],
    stretch: &[f16; STRETCH],
    weights: [&[f32; STRETCH]; N],
) {
    let (halves, _) = stretch.as_chunks();
    let mut wide = [_mm512_setzero_ps(); STRETCH / LANES];
    for (x, half) in wide.iter_mut().zip(halves) {
        *x = load_halves(half);
    }
    for (sums, weights) in sums.iter_mut().zip(weights) {
        let (weights, _) = weights.as_chunks();
        for ((sum, x), w) in sums.iter_mut().zip(wide).zip(weights) {
            *sum = _mm512_fmadd_ps(x, load_weights(w), *sum);
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn total(sums: &Sums) -> __m512 {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = *sums;
    let left = _mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3));
    let right = _mm512_add_ps(_mm512_add_ps(s4, s5), _mm512_add_ps(s6, s7));
    _mm512_add_ps(left, right)
}

#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load_halves(x: &[f16; LANES]) -> __m512 {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(ptr::from_ref(x).cast()) })
}

#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load_weights(w: &[f32; LANES]) -> __m512 {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    unsafe { _mm512_loadu_ps(ptr::from_ref(w).cast()) }
}
