//! Panels multiplied with AVX-512, and in bfloat16 with its instruction that multiplies two pairs and adds both
//! products to a sum.
//!
//! The sums of six rows fill 24 registers. So each vector of weights that is loaded is used six times, and each value
//! four times.

use std::{
    arch::x86_64::{
        __m512, __m512bh, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512,
        _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    },
    mem, ptr,
};

use super::{
    Format, WIDTH,
    abreast::{ROWS, abreast},
    pairs::{self, Pair},
};

/// Sums in a vector.
const LANES: usize = 16;

/// Proof that this machine has AVX-512F.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model::kernel) struct Avx512(());

/// Proof that this machine has AVX-512F and AVX-512 BF16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model::kernel) struct Avx512Bf16(());

impl Avx512 {
    pub(in crate::model::kernel) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }
}

impl Avx512Bf16 {
    pub(in crate::model::kernel) fn detect() -> Option<Self> {
        Avx512::detect()?;
        is_x86_feature_detected!("avx512bf16").then_some(Self(()))
    }
}

/// Makes a function multiply rows with a panel, with the instructions named: one that spreads a unit over a
/// vector, one that loads a vector of units, and one that adds the products of two vectors to a third.
macro_rules! multiply_with {
    ($function:ident, $unit:ty, $features:literal, [$spread:ident, $load:ident, $add:ident]) => {
        #[target_feature(enable = $features)]
        fn $function(
            rows: &[$unit],
            panel: &[[$unit; WIDTH]],
            start: &[f32; WIDTH],
            products: &mut [[f32; WIDTH]],
        ) {
            let mut first = [_mm512_setzero_ps(); WIDTH / LANES];
            let (vectors, _) = start.as_chunks();
            for (first, vector) in first.iter_mut().zip(vectors) {
                *first = load(vector);
            }
            let mut sums = [first; ROWS];
            for (step, values) in panel.iter().zip(abreast(rows, panel.len())) {
                let (vectors, _) = step.as_chunks();
                let mut weights = [$spread(<$unit>::default()); WIDTH / LANES];
                for (weights, vector) in weights.iter_mut().zip(vectors) {
                    *weights = $load(vector);
                }
                for (sums, value) in sums.iter_mut().zip(values) {
                    let values = $spread(value);
                    for (sum, weights) in sums.iter_mut().zip(weights) {
                        *sum = $add(*sum, values, weights);
                    }
                }
            }
            for (products, sums) in products.iter_mut().zip(sums) {
                let (vectors, _) = products.as_chunks_mut();
                for (place, sum) in vectors.iter_mut().zip(sums) {
                    store(place, sum);
                }
            }
        }
    };
}

multiply_with!(multiply, f32, "avx512f", [_mm512_set1_ps, load, add_products]);
multiply_with!(
    multiply_pairs,
    Pair,
    "avx512f,avx512bf16",
    [spread_pair, load_pairs, _mm512_dpbf16_ps]
);

impl Format for Avx512 {
    type Unit = f32;

    const ROWS: usize = ROWS;

    fn units(rows: &[f32], _row_len: usize) -> impl AsRef<[f32]> {
        rows
    }

    #[expect(unsafe_code, reason = "these instructions are not on every machine")]
    fn multiply(
        self,
        rows: &[f32],
        panel: &[[f32; WIDTH]],
        start: &[f32; WIDTH],
        products: &mut [[f32; WIDTH]],
    ) {
        // SAFETY: a value of this type is only made where the instructions are there.
        unsafe { multiply(rows, panel, start, products) }
    }
}

impl Format for Avx512Bf16 {
    type Unit = Pair;

    const ROWS: usize = ROWS;

    fn units(rows: &[f32], row_len: usize) -> impl AsRef<[Pair]> {
        pairs::rounded(rows, row_len, Self::n_units(row_len))
    }

    #[expect(unsafe_code, reason = "these instructions are not on every machine")]
    fn multiply(
        self,
        rows: &[Pair],
        panel: &[[Pair; WIDTH]],
        start: &[f32; WIDTH],
        products: &mut [[f32; WIDTH]],
    ) {
        // SAFETY: a value of this type is only made where the instructions are there.
        unsafe { multiply_pairs(rows, panel, start, products) }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add_products(sum: __m512, values: __m512, weights: __m512) -> __m512 {
    _mm512_fmadd_ps(values, weights, sum)
}

#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load(weights: &[f32; LANES]) -> __m512 {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    unsafe { _mm512_loadu_ps(weights.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "the store takes a pointer")]
fn store(place: &mut [f32; LANES], sum: __m512) {
    // SAFETY: the array is as long as the vector, and the store needs no alignment.
    unsafe { _mm512_storeu_ps(place.as_mut_ptr(), sum) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(unsafe_code, reason = "a vector of pairs is made of one of integers")]
fn spread_pair(pair: Pair) -> __m512bh {
    let integers = _mm512_set1_epi32(pair.cast_signed());
    // SAFETY: both are 512 bits, and any bits are either.
    unsafe { mem::transmute(integers) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load_pairs(weights: &[Pair; LANES]) -> __m512bh {
    // SAFETY: the array is as long as the vector, and the load needs no alignment.
    let integers = unsafe { _mm512_loadu_si512(ptr::from_ref(weights).cast()) };
    // SAFETY: both are 512 bits, and any bits are either.
    unsafe { mem::transmute(integers) }
}
