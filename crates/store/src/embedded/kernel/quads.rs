//! Four lanes added up, with instructions that every kernel for x86 may use.

use std::arch::x86_64::{
    __m128, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_movehdup_ps, _mm_movehl_ps, _mm_setzero_ps,
    _mm_storeu_ps, _mm_unpackhi_ps, _mm_unpacklo_ps,
};

/// Four sums.
pub(super) type Quad = __m128;

#[inline]
#[target_feature(enable = "sse3")]
pub(super) fn zero_quad() -> Quad {
    _mm_setzero_ps()
}

/// The sum of four lanes.
#[inline]
#[target_feature(enable = "sse3")]
pub(super) fn total_of(lanes: Quad) -> f32 {
    let sum = _mm_add_ps(lanes, _mm_movehl_ps(lanes, lanes));
    _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)))
}

/// The sums of four lanes each, as [`total_of`] adds them up.
#[inline]
#[target_feature(enable = "sse3")]
#[expect(unsafe_code, reason = "the store takes a pointer")]
pub(super) fn totals_of_four([a, b, c, d]: [Quad; 4]) -> [f32; 4] {
    let ac = _mm_add_ps(_mm_unpacklo_ps(a, c), _mm_unpackhi_ps(a, c));
    let bd = _mm_add_ps(_mm_unpacklo_ps(b, d), _mm_unpackhi_ps(b, d));
    let sums = _mm_add_ps(_mm_unpacklo_ps(ac, bd), _mm_unpackhi_ps(ac, bd));
    let mut totals = [0.0; 4];
    // SAFETY: the array is as long as the vector, and the store needs no alignment.
    unsafe { _mm_storeu_ps(totals.as_mut_ptr(), sums) };
    totals
}
