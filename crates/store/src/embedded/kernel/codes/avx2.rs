//! Integer rows multiplied with AVX2.

use std::{
    arch::x86_64::{
        __m256i, _mm_add_epi32, _mm_cvtsi128_si32, _mm_loadu_si128, _mm_shuffle_epi32,
        _mm256_add_epi32, _mm256_castsi256_si128, _mm256_cvtepi8_epi16, _mm256_extracti128_si256,
        _mm256_loadu_si256, _mm256_madd_epi16, _mm256_setzero_si256,
    },
    ptr,
};

use super::{CodeWeights, STEP, Step};

/// Coordinates in a vector of weights.
const LANES: usize = 16;

/// Sums under way, one for each vector of a step.
type Sums = [__m256i; STEP / LANES];

/// Proof that this machine has AVX2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    #[expect(unsafe_code, reason = "these instructions are not on every machine")]
    pub(crate) fn multiply(_proof: Self, rows: &[u8], weights: &CodeWeights, dots: &mut [i32]) {
        // SAFETY: a value of this type is only made where the instructions are there.
        unsafe { multiply(rows, weights, dots) }
    }
}

#[target_feature(enable = "avx2")]
fn multiply(rows: &[u8], weights: &CodeWeights, dots: &mut [i32]) {
    for (row, dot) in rows.chunks_exact(weights.row_bytes()).zip(dots) {
        let (row, _) = row.as_chunks::<STEP>();
        let mut sums: Sums = [_mm256_setzero_si256(); STEP / LANES];
        for (row, weights) in row.iter().zip(&weights.steps) {
            add_products(&mut sums, row, weights);
        }
        let [even, odd] = sums;
        *dot = total(_mm256_add_epi32(even, odd));
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn add_products(sums: &mut Sums, row: &[u8; STEP], weights: &Step) {
    let (row, _) = row.as_chunks();
    let (weights, _) = weights.as_chunks();
    for ((sum, x), w) in sums.iter_mut().zip(row).zip(weights) {
        *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(load_codes(x), load_weights(w)));
    }
}

/// The sum of all lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn total(sum: __m256i) -> i32 {
    let sum = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
    let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b_01_00_11_10>(sum));
    _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32::<0b_10_11_00_01>(sum)))
}

#[inline]
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load_codes(x: &[u8; LANES]) -> __m256i {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(ptr::from_ref(x).cast()) })
}

#[inline]
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load_weights(w: &[i16; LANES]) -> __m256i {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    unsafe { _mm256_loadu_si256(ptr::from_ref(w).cast()) }
}
