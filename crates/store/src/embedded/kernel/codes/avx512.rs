//! Integer rows multiplied with AVX-512, and with its instructions for neural networks where these
//! are there: one of them multiplies and adds.

use std::{
    arch::x86_64::{
        __m512i, _mm256_add_epi32, _mm256_loadu_si256, _mm512_add_epi32, _mm512_castsi512_si256,
        _mm512_cvtepi8_epi16, _mm512_dpwssd_epi32, _mm512_extracti64x4_epi64, _mm512_loadu_si512,
        _mm512_madd_epi16, _mm512_reduce_add_epi32, _mm512_setzero_si512, _mm512_unpackhi_epi32,
        _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
    },
    ptr,
};

use super::{super::fetch_ahead, CodeWeights, TRAILER, avx2::halved, steps::multiply_with};

/// Coordinates in a vector.
const LANES: usize = 32;

/// Proof that this machine has AVX-512F and AVX-512BW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        let complete = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
        complete.then_some(Self(()))
    }
}

/// Proof that this machine has AVX-512F, AVX-512BW and AVX-512 VNNI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vnni(());

impl Vnni {
    pub(crate) fn detect() -> Option<Self> {
        Avx512::detect()?;
        is_x86_feature_detected!("avx512vnni").then_some(Self(()))
    }
}

multiply_with!(Avx512, "avx512f,avx512bw", multiply, add_products);
multiply_with!(Vnni, "avx512f,avx512bw,avx512vnni", multiply_with_vnni, add_products_with_vnni);

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn add_products(sum: __m512i, x: __m512i, w: __m512i) -> __m512i {
    _mm512_add_epi32(sum, _mm512_madd_epi16(x, w))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn add_products_with_vnni(sum: __m512i, x: __m512i, w: __m512i) -> __m512i {
    _mm512_dpwssd_epi32(sum, x, w)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn zero() -> __m512i {
    _mm512_setzero_si512()
}

/// The sum of all lanes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn total(sum: __m512i) -> i32 {
    _mm512_reduce_add_epi32(sum)
}

/// The same of four vectors.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn totals_of_four([a, b, c, d]: [__m512i; 4]) -> [i32; 4] {
    let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    let sums = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    let high = _mm512_extracti64x4_epi64::<1>(sums);
    halved(_mm256_add_epi32(_mm512_castsi512_si256(sums), high))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load_codes(x: &[u8; LANES]) -> __m512i {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    _mm512_cvtepi8_epi16(unsafe { _mm256_loadu_si256(ptr::from_ref(x).cast()) })
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load_weights(w: &[i16; LANES]) -> __m512i {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(ptr::from_ref(w).cast()) }
}
