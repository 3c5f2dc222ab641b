//! Rows scored with AVX-512.

use std::{
    arch::x86_64::{
        __m512, _mm_add_ps, _mm256_add_ps, _mm256_castpd_ps, _mm256_castps256_ps128,
        _mm256_extractf128_ps, _mm256_loadu_si256, _mm512_add_ps, _mm512_castps_pd,
        _mm512_castps512_ps256, _mm512_cvtph_ps, _mm512_extractf64x4_pd, _mm512_fmadd_ps,
        _mm512_loadu_ps, _mm512_setzero_ps,
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
const LANES: usize = 16;

/// Proof that this machine has AVX-512F.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }
}

score_with!(Avx512, "avx512f", __m512, _mm512_setzero_ps, _mm512_fmadd_ps);

/// All lanes, added up to four.
#[inline]
#[target_feature(enable = "avx512f")]
fn four_lanes(sums: &Sums) -> Quad {
    let [s0, s1] = *sums;
    let sum = _mm512_add_ps(s0, s1);
    let high = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(sum)));
    let sum = _mm256_add_ps(_mm512_castps512_ps256(sum), high);
    _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum))
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
fn load(w: &[f32; LANES]) -> __m512 {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    unsafe { _mm512_loadu_ps(ptr::from_ref(w).cast()) }
}
