//! Rows scored with AVX2, FMA and F16C.

use std::{
    arch::x86_64::{
        __m256, _mm_loadu_si128, _mm256_add_ps, _mm256_cvtph_ps, _mm256_fmadd_ps, _mm256_loadu_ps,
        _mm256_setzero_ps, _mm256_storeu_ps,
    },
    ptr,
};

use half::f16;

use super::{STRETCH, Weights, padded};

/// Coordinates in a vector.
const LANES: usize = 8;

/// Sums under way: as many as the registers leave room for.
type Sums = [__m256; 8];

/// Proof that this machine has AVX2, FMA and F16C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        let complete = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        complete.then_some(Self(()))
    }

    #[expect(unsafe_code, reason = "these instructions are not on every machine")]
    pub(crate) fn score(_proof: Self, rows: &[f16], weights: &Weights, scores: &mut [f32]) {
        // SAFETY: a value of this type is only made where the instructions are there.
        unsafe { score_rows(rows, weights, scores) }
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn score_rows(rows: &[f16], weights: &Weights, scores: &mut [f32]) {
    for (row, score) in rows.chunks_exact(weights.dimension.max(1)).zip(scores) {
        let (stretches, rest) = row.as_chunks();
        let mut sums: Sums = [_mm256_setzero_ps(); 8];
        for (stretch, weights) in stretches.iter().zip(&weights.stretches) {
            add_products(&mut sums, stretch, weights);
        }
        if let Some(weights) = weights.stretches.get(stretches.len()) {
            add_products(&mut sums, &padded(rest, f16::ZERO), weights);
        }
        *score = sum_of(total(&sums));
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn add_products(sums: &mut Sums, stretch: &[f16; STRETCH], weights: &[f32; STRETCH]) {
    let (halves, _) = stretch.as_chunks::<{ STRETCH / 2 }>();
    let (weights, _) = weights.as_chunks::<{ STRETCH / 2 }>();
    for (half, weights) in halves.iter().zip(weights) {
        let (half, _) = half.as_chunks();
        let (weights, _) = weights.as_chunks();
        for ((sum, x), w) in sums.iter_mut().zip(half).zip(weights) {
            *sum = _mm256_fmadd_ps(load_halves(x), load_weights(w), *sum);
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn total(sums: &Sums) -> __m256 {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = *sums;
    let left = _mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3));
    let right = _mm256_add_ps(_mm256_add_ps(s4, s5), _mm256_add_ps(s6, s7));
    _mm256_add_ps(left, right)
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load_halves(x: &[f16; LANES]) -> __m256 {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(ptr::from_ref(x).cast()) })
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load_weights(w: &[f32; LANES]) -> __m256 {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    unsafe { _mm256_loadu_ps(ptr::from_ref(w).cast()) }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
#[expect(unsafe_code, reason = "the store takes a pointer")]
fn sum_of(vector: __m256) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    // SAFETY: the array is as long as the vector, and the store needs no alignment.
    unsafe { _mm256_storeu_ps(ptr::from_mut(&mut lanes).cast(), vector) };
    lanes.iter().sum()
}
