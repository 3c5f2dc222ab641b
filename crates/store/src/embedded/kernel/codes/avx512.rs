//! Integer rows multiplied with AVX-512, and with its instructions for neural networks where these
//! are there: one of them multiplies and adds.

use std::{
    arch::x86_64::{
        __m512i, _mm256_loadu_si256, _mm512_add_epi32, _mm512_cvtepi8_epi16, _mm512_dpwssd_epi32,
        _mm512_loadu_si512, _mm512_madd_epi16, _mm512_reduce_add_epi32, _mm512_setzero_si512,
    },
    ptr,
};

use super::{CodeWeights, STEP, Step};

/// Steps that do not wait for each other.
const N_SUMS: usize = 2;

/// Proof that this machine has AVX-512F and AVX-512BW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        let complete = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
        complete.then_some(Self(()))
    }

    #[expect(unsafe_code, reason = "these instructions are not on every machine")]
    pub(crate) fn multiply(_proof: Self, rows: &[u8], weights: &CodeWeights, dots: &mut [i32]) {
        // SAFETY: a value of this type is only made where the instructions are there.
        unsafe { multiply(rows, weights, dots) }
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

    #[expect(unsafe_code, reason = "these instructions are not on every machine")]
    pub(crate) fn multiply(_proof: Self, rows: &[u8], weights: &CodeWeights, dots: &mut [i32]) {
        // SAFETY: a value of this type is only made where the instructions are there.
        unsafe { multiply_with_vnni(rows, weights, dots) }
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn multiply(rows: &[u8], weights: &CodeWeights, dots: &mut [i32]) {
    for (row, dot) in rows.chunks_exact(weights.row_bytes()).zip(dots) {
        let (row, _) = row.as_chunks::<STEP>();
        let mut sums = [_mm512_setzero_si512(); N_SUMS];
        for (row, weights) in row.chunks(N_SUMS).zip(weights.steps.chunks(N_SUMS)) {
            for ((sum, x), w) in sums.iter_mut().zip(row).zip(weights) {
                let products = _mm512_madd_epi16(load_codes(x), load_weights(w));
                *sum = _mm512_add_epi32(*sum, products);
            }
        }
        let [even, odd] = sums;
        *dot = _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd));
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn multiply_with_vnni(rows: &[u8], weights: &CodeWeights, dots: &mut [i32]) {
    for (row, dot) in rows.chunks_exact(weights.row_bytes()).zip(dots) {
        let (row, _) = row.as_chunks::<STEP>();
        let mut sums = [_mm512_setzero_si512(); N_SUMS];
        for (row, weights) in row.chunks(N_SUMS).zip(weights.steps.chunks(N_SUMS)) {
            for ((sum, x), w) in sums.iter_mut().zip(row).zip(weights) {
                *sum = _mm512_dpwssd_epi32(*sum, load_codes(x), load_weights(w));
            }
        }
        let [even, odd] = sums;
        *dot = _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd));
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load_codes(x: &[u8; STEP]) -> __m512i {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    _mm512_cvtepi8_epi16(unsafe { _mm256_loadu_si256(ptr::from_ref(x).cast()) })
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load_weights(w: &Step) -> __m512i {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(ptr::from_ref(w).cast()) }
}
