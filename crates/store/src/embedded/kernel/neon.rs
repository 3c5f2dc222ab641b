//! Rows scored with NEON.

use std::arch::{
    aarch64::{
        float32x4_t, float32x4x2_t, vaddq_f32, vcvt_f32_f16, vcvt_high_f32_f16, vdupq_n_f32,
        vfmaq_f32, vget_low_f16, vgetq_lane_f32, vld1q_f32_x2, vld1q_u16, vpaddq_f32,
        vreinterpretq_f16_u16, vst1q_f32,
    },
    is_aarch64_feature_detected,
};

use half::f16;

use super::{
    PAIR, Rows, STRETCH, STRIP, Stretch, Weights, fetch, fetch_ahead, padded, rows::score_with,
};

/// Coordinates in a vector: two registers, as many as half a register of half precision makes two of.
const LANES: usize = 8;

/// Four sums.
type Quad = float32x4_t;

/// Proof that this machine has NEON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Neon(());

impl Neon {
    pub(crate) fn detect() -> Option<Self> {
        is_aarch64_feature_detected!("neon").then_some(Self(()))
    }
}

score_with!(Neon, "neon", float32x4x2_t, zero, add_products_of);

#[inline]
#[target_feature(enable = "neon")]
fn zero() -> float32x4x2_t {
    float32x4x2_t(vdupq_n_f32(0.0), vdupq_n_f32(0.0))
}

#[inline]
#[target_feature(enable = "neon")]
fn add_products_of(x: float32x4x2_t, w: float32x4x2_t, sum: float32x4x2_t) -> float32x4x2_t {
    float32x4x2_t(vfmaq_f32(sum.0, x.0, w.0), vfmaq_f32(sum.1, x.1, w.1))
}

/// All lanes, added up to four.
#[inline]
#[target_feature(enable = "neon")]
fn four_lanes(sums: &Sums) -> Quad {
    let [s0, s1] = *sums;
    vaddq_f32(vaddq_f32(s0.0, s1.0), vaddq_f32(s0.1, s1.1))
}

#[inline]
#[target_feature(enable = "neon")]
fn zero_quad() -> Quad {
    vdupq_n_f32(0.0)
}

/// The sum of four lanes.
#[inline]
#[target_feature(enable = "neon")]
fn total_of(lanes: Quad) -> f32 {
    let pairs = vpaddq_f32(lanes, lanes);
    vgetq_lane_f32::<0>(vpaddq_f32(pairs, pairs))
}

/// The sums of four lanes each, as [`total_of`] adds them up.
#[inline]
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "the store takes a pointer")]
fn totals_of_four([a, b, c, d]: [Quad; 4]) -> [f32; 4] {
    let mut totals = [0.0; 4];
    let sums = vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d));
    // SAFETY: the array is as long as the vector.
    unsafe { vst1q_f32(totals.as_mut_ptr(), sums) };
    totals
}

#[inline]
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load_halves(x: &[f16; LANES]) -> float32x4x2_t {
    // SAFETY: the array is as long as the register, and a number of half precision is as wide as a `u16`.
    let halves = vreinterpretq_f16_u16(unsafe { vld1q_u16(x.as_ptr().cast()) });
    float32x4x2_t(vcvt_f32_f16(vget_low_f16(halves)), vcvt_high_f32_f16(halves))
}

#[inline]
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load(w: &[f32; LANES]) -> float32x4x2_t {
    // SAFETY: the array is as long as both registers.
    unsafe { vld1q_f32_x2(w.as_ptr()) }
}
