//! Integer rows multiplied with NEON.

use std::arch::{
    aarch64::{
        int32x4x2_t, vaddq_s32, vaddvq_s32, vdupq_n_s32, vget_low_s8, vget_low_s16, vld1q_s8,
        vld1q_s16_x2, vmlal_high_s16, vmlal_s16, vmovl_high_s8, vmovl_s8, vreinterpretq_s16_s32,
        vreinterpretq_s32_s16,
    },
    is_aarch64_feature_detected,
};

use super::{super::fetch_ahead, CodeWeights, TRAILER, steps::multiply_with};

/// Coordinates in a vector: two registers of sixteen bits.
const LANES: usize = 16;

/// Proof that this machine has NEON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Neon(());

impl Neon {
    pub(crate) fn detect() -> Option<Self> {
        is_aarch64_feature_detected!("neon").then_some(Self(()))
    }
}

multiply_with!(Neon, "neon", multiply, add_products);

/// Adds the products of coordinates of sixteen bits, which these vectors are but for their type.
#[inline]
#[target_feature(enable = "neon")]
fn add_products(sum: int32x4x2_t, x: int32x4x2_t, w: int32x4x2_t) -> int32x4x2_t {
    let (x0, x1) = (vreinterpretq_s16_s32(x.0), vreinterpretq_s16_s32(x.1));
    let (w0, w1) = (vreinterpretq_s16_s32(w.0), vreinterpretq_s16_s32(w.1));
    let low = vmlal_s16(sum.0, vget_low_s16(x0), vget_low_s16(w0));
    let high = vmlal_s16(sum.1, vget_low_s16(x1), vget_low_s16(w1));
    int32x4x2_t(vmlal_high_s16(low, x0, w0), vmlal_high_s16(high, x1, w1))
}

#[inline]
#[target_feature(enable = "neon")]
fn zero() -> int32x4x2_t {
    int32x4x2_t(vdupq_n_s32(0), vdupq_n_s32(0))
}

/// The sum of all lanes.
#[inline]
#[target_feature(enable = "neon")]
fn total(sum: int32x4x2_t) -> i32 {
    vaddvq_s32(vaddq_s32(sum.0, sum.1))
}

/// The same of four vectors.
#[inline]
#[target_feature(enable = "neon")]
fn totals_of_four(sums: [int32x4x2_t; 4]) -> [i32; 4] {
    let mut totals = [0; 4];
    for (total_of_one, sum) in totals.iter_mut().zip(sums) {
        *total_of_one = total(sum);
    }
    totals
}

#[inline]
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load_codes(x: &[u8; LANES]) -> int32x4x2_t {
    // SAFETY: the array is as long as the register.
    let codes = unsafe { vld1q_s8(x.as_ptr().cast()) };
    let (low, high) = (vmovl_s8(vget_low_s8(codes)), vmovl_high_s8(codes));
    int32x4x2_t(vreinterpretq_s32_s16(low), vreinterpretq_s32_s16(high))
}

#[inline]
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load_weights(w: &[i16; LANES]) -> int32x4x2_t {
    // SAFETY: the array is as long as both registers.
    let weights = unsafe { vld1q_s16_x2(w.as_ptr()) };
    int32x4x2_t(vreinterpretq_s32_s16(weights.0), vreinterpretq_s32_s16(weights.1))
}
