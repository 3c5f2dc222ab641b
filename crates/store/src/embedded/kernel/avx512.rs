//! Rows scored with AVX-512.

use std::{
    arch::x86_64::{
        __m512, _mm256_loadu_si256, _mm512_add_ps, _mm512_cvtph_ps, _mm512_fmadd_ps,
        _mm512_loadu_ps, _mm512_reduce_add_ps, _mm512_setzero_ps,
    },
    ptr,
};

use half::f16;

use super::{GROUP, LINE, Weights, ask_ahead, padded};

/// Proof that this machine has AVX-512F.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }

    #[expect(unsafe_code, reason = "these instructions are not on every machine")]
    pub(crate) fn score(_proof: Self, rows: &[f16], weights: &Weights, scores: &mut [f32]) {
        // SAFETY: a value of this type is only made where the instructions are there.
        unsafe { score_rows(rows, weights, scores) }
    }
}

#[target_feature(enable = "avx512f")]
fn score_rows(rows: &[f16], weights: &Weights, scores: &mut [f32]) {
    let dimension = weights.dimension.max(1);
    let (groups, rest) = scores.as_chunks_mut::<GROUP>();
    let (grouped_rows, rest_rows) = rows.split_at(groups.len() * GROUP * dimension);
    for (rows, scores) in grouped_rows.chunks_exact(GROUP * dimension).zip(groups) {
        let (ab, cd) = rows.split_at(2 * dimension);
        let ((a, b), (c, d)) = (ab.split_at(dimension), cd.split_at(dimension));
        *scores = dots([a, b, c, d], weights);
    }
    for (row, score) in rest_rows.chunks_exact(dimension).zip(rest) {
        [*score] = dots([row], weights);
    }
}

/// The sums over the lower and the upper half of each line of a row.
type Sums = [__m512; 2];

#[inline]
#[target_feature(enable = "avx512f")]
fn dots<const R: usize>(rows: [&[f16]; R], weights: &Weights) -> [f32; R] {
    let lines = rows.map(|row| row.as_chunks::<LINE>());
    let mut sums: [Sums; R] = [[_mm512_setzero_ps(); 2]; R];
    for (line_idx, weights) in weights.lines.iter().enumerate() {
        let weights = load_weights(weights);
        for (sums, (full, rest)) in sums.iter_mut().zip(&lines) {
            if let Some(line) = full.get(line_idx) {
                ask_ahead(line);
                add_products(sums, line, weights);
            } else {
                add_products(sums, &padded(rest, f16::ZERO), weights);
            }
        }
    }
    let mut dots = [0.0; R];
    for (dot, [low, high]) in dots.iter_mut().zip(sums) {
        *dot = _mm512_reduce_add_ps(_mm512_add_ps(low, high));
    }
    dots
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add_products(sums: &mut Sums, line: &[f16; LINE], weights: [__m512; 2]) {
    let (halves, _) = line.as_chunks::<{ LINE / 2 }>();
    for ((sum, half), weights) in sums.iter_mut().zip(halves).zip(weights) {
        *sum = _mm512_fmadd_ps(load_half(half), weights, *sum);
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load_half(half: &[f16; LINE / 2]) -> __m512 {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(ptr::from_ref(half).cast()) })
}

#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load_weights(line: &[f32; LINE]) -> [__m512; 2] {
    let (halves, _) = line.as_chunks::<{ LINE / 2 }>();
    let mut loaded = [_mm512_setzero_ps(); 2];
    for (vector, half) in loaded.iter_mut().zip(halves) {
        // SAFETY: the array is as long as the vector, and the load needs no alignment.
        *vector = unsafe { _mm512_loadu_ps(ptr::from_ref(half).cast()) };
    }
    loaded
}
