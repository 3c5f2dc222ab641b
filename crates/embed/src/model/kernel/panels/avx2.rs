//! Panels multiplied with AVX2 and its fused products.
//!
//! Of sixteen registers the sums of six rows and 16 outputs fill twelve, so a panel is gone down four times, a quarter
//! after the other. Each vector of weights that is loaded is used six times, and each value twice.

use std::arch::x86_64::{
    __m256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
};

use super::{
    Format, WIDTH,
    abreast::{ROWS, abreast},
};

/// Sums in a vector.
const LANES: usize = 8;

/// Outputs whose sums are in registers together.
const OUTPUTS: usize = 2 * LANES;

/// Proof that this machine has AVX2 and FMA.
#[derive(Clone, Copy, Debug)]
pub(in crate::model::kernel) struct Avx2(());

impl Avx2 {
    pub(in crate::model::kernel) fn detect() -> Option<Self> {
        let is_there = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        is_there.then_some(Self(()))
    }
}

impl Format for Avx2 {
    type Unit = f32;

    const ROWS: usize = ROWS;

    fn units(rows: &[f32], _row_len: usize) -> impl AsRef<[f32]> {
        rows
    }

    /// Quarter after quarter.
    fn place(n_steps: usize, [step, output]: [usize; 2]) -> usize {
        (output / OUTPUTS * n_steps + step) * OUTPUTS + output % OUTPUTS
    }

    #[expect(unsafe_code, reason = "these instructions are not on every machine")]
    fn multiply(
        self,
        rows: &[f32],
        panel: &[[f32; WIDTH]],
        start: &[f32; WIDTH],
        products: &mut [[f32; WIDTH]],
    ) {
        let (steps, _) = panel.as_flattened().as_chunks();
        let (starts, _) = start.as_chunks();
        for (quarter, (steps, start)) in steps.chunks_exact(panel.len()).zip(starts).enumerate() {
            // SAFETY: a value of this type is only made where the instructions are there.
            let sums = unsafe { multiply(rows, steps, start) };
            for (products, sums) in products.iter_mut().zip(sums) {
                products.as_chunks_mut().0[quarter] = sums;
            }
        }
    }
}

/// The products of a block of rows with a quarter of a panel.
#[target_feature(enable = "avx2,fma")]
fn multiply(
    rows: &[f32],
    steps: &[[f32; OUTPUTS]],
    start: &[f32; OUTPUTS],
) -> [[f32; OUTPUTS]; ROWS] {
    let mut sums = [load(start); ROWS];
    for (step, values) in steps.iter().zip(abreast(rows, steps.len())) {
        let weights = load(step);
        for (sums, value) in sums.iter_mut().zip(values) {
            let values = _mm256_set1_ps(value);
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = _mm256_fmadd_ps(values, weights, *sum);
            }
        }
    }
    let mut products = [[0.0; OUTPUTS]; ROWS];
    for (products, sums) in products.iter_mut().zip(sums) {
        store(products, sums);
    }
    products
}

#[inline]
#[target_feature(enable = "avx2,fma")]
#[expect(unsafe_code, reason = "the load takes a pointer")]
fn load(numbers: &[f32; OUTPUTS]) -> [__m256; OUTPUTS / LANES] {
    let mut loaded = [_mm256_setzero_ps(); OUTPUTS / LANES];
    for (vector, numbers) in loaded.iter_mut().zip(numbers.as_chunks::<LANES>().0) {
        // SAFETY: the array is as long as the vector, and the load needs no alignment.
        *vector = unsafe { _mm256_loadu_ps(numbers.as_ptr()) };
    }
    loaded
}

#[inline]
#[target_feature(enable = "avx2,fma")]
#[expect(unsafe_code, reason = "the store takes a pointer")]
fn store(place: &mut [f32; OUTPUTS], sums: [__m256; OUTPUTS / LANES]) {
    for (place, sum) in place.as_chunks_mut::<LANES>().0.iter_mut().zip(sums) {
        // SAFETY: the array is as long as the vector, and the store needs no alignment.
        unsafe { _mm256_storeu_ps(place.as_mut_ptr(), sum) };
    }
}
