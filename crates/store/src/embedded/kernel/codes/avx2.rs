//! Integer rows multiplied with AVX2.

use std::{
    arch::x86_64::{
        __m256i, _mm_add_epi32, _mm_cvtsi128_si32, _mm_loadu_si128, _mm_shuffle_epi32,
        _mm_storeu_si128, _mm256_add_epi32, _mm256_castsi256_si128, _mm256_cvtepi8_epi16,
        _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_setzero_si256,
        _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
    },
    ptr,
};

use super::{super::fetch_ahead, CodeWeights, TRAILER, steps::multiply_with};

/// Coordinates in a vector.
const LANES: usize = 16;

/// Proof that this machine has AVX2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }
}

multiply_with!(Avx2, "avx2", multiply, add_products);

#[inline]
#[target_feature(enable = "avx2")]
fn add_products(sum: __m256i, x: __m256i, w: __m256i) -> __m256i {
    _mm256_add_epi32(sum, _mm256_madd_epi16(x, w))
}

#[inline]
#[target_feature(enable = "avx2")]
fn zero() -> __m256i {
    _mm256_setzero_si256()
}

/// The sum of all lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn total(sum: __m256i) -> i32 {
    let sum = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
    let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b_01_00_11_10>(sum));
    _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32::<0b_10_11_00_01>(sum)))
}

/// The same of four vectors.
#[inline]
#[target_feature(enable = "avx2")]
fn totals_of_four([a, b, c, d]: [__m256i; 4]) -> [i32; 4] {
    let ab = _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let cd = _mm256_add_epi32(_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
    halved(_mm256_add_epi32(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd)))
}

/// The sums of lower and upper lanes.
#[inline]
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "the store takes a pointer")]
pub(super) fn halved(sums: __m256i) -> [i32; 4] {
    let sums = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
    let mut halved = [0; 4];
    // SAFETY: the array is as long as the vector, and the store needs no alignment.
    unsafe { _mm_storeu_si128(halved.as_mut_ptr().cast(), sums) };
    halved
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
