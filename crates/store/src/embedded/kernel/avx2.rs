//! Rows scored with AVX2, FMA and F16C.

use std::{
    arch::x86_64::{
        __m256, _mm_add_ps, _mm_loadu_si128, _mm256_add_ps, _mm256_castps256_ps128,
        _mm256_cvtph_ps, _mm256_extractf128_ps, _mm256_fmadd_ps, _mm256_loadu_ps,
        _mm256_setzero_ps,
    },
    ptr,
};

use half::f16;

use super::{
    PAIR, Rows, STRETCH, STRIP, Stretch, Weights, fetch, fetch_ahead, padded,
    quads::{Quad, total_of, totals_of_four, zero_quad},
    rows::score_with,
};

/// Coordinates in a vector.
const LANES: usize = 8;

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
}

score_with!(Avx2, "avx2,fma,f16c", __m256, _mm256_setzero_ps, _mm256_fmadd_ps);

/// All lanes, added up to four.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn four_lanes(sums: &Sums) -> Quad {
    let [s0, s1] = *sums;
    let sum = _mm256_add_ps(s0, s1);
    _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum))
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
fn load(w: &[f32; LANES]) -> __m256 {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    unsafe { _mm256_loadu_ps(ptr::from_ref(w).cast()) }
}
