//! The layouts of weights, one for each set of instructions that multiplies them.

use std::{fmt::Debug, iter, sync::Arc};

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use super::panels::Amx;
#[cfg(target_arch = "x86_64")]
use super::panels::{Avx2, Avx512, Avx512Bf16, Format, Panels};
use super::{
    product::{Matrix, MatrixMut, Standing, multiply},
    simd,
    weights::{Precision, bf16_bits},
};
use crate::model::activation::Activation;

/// Weights, laid out for how values are multiplied with them.
pub(super) trait Layout: Debug + Send + Sync {
    /// Weights `inputs x outputs`, row by row.
    fn to_rows(&self) -> Vec<f32>;

    /// From values `rows x inputs` to `rows x outputs`.
    fn apply(&self, values: &[f32], out: &mut [f32], finish: Finish<'_>);
}

/// What becomes of the products of values and weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finish<'a> {
    /// Added, one for each output.
    pub(super) bias: Option<&'a [f32]>,
    /// Through which the sums go.
    pub(super) activation: Option<Activation>,
    /// Of what stands where the result goes.
    pub(super) standing: Standing,
}

impl Finish<'_> {
    pub(super) fn activate(&self, sums: &mut [f32]) {
        if let Some(activation) = self.activation {
            activation.apply(sums);
        }
    }
}

/// The layouts for which this machine has the instructions, the fastest first, of weights `inputs x outputs`, row by
/// row, that are rounded already. Each is made when it is asked for.
pub(super) fn layouts(
    weights: &[f32],
    size: [usize; 2],
    precision: Precision,
) -> Box<dyn Iterator<Item = Arc<dyn Layout>> + '_> {
    match precision {
        Precision::Single => Box::new(layouts_of_single(weights, size)),
        Precision::Bf16 => {
            let rounding = layouts_of_single(weights, size)
                .map(|layout| Arc::new(Rounding(layout)) as Arc<dyn Layout>);
            Box::new(layouts_of_pairs(weights, size).chain(rounding))
        }
    }
}

fn layouts_of_single(
    weights: &[f32],
    size: [usize; 2],
) -> impl Iterator<Item = Arc<dyn Layout>> + '_ {
    #[cfg(target_arch = "x86_64")]
    let panels =
        panels(Avx512::detect(), weights, size).chain(panels(Avx2::detect(), weights, size));
    #[cfg(not(target_arch = "x86_64"))]
    let panels = iter::empty();
    let rows = move || Arc::new(Rows { weights: weights.to_vec(), size }) as Arc<dyn Layout>;
    panels.chain(iter::once_with(rows))
}

/// Those that multiply numbers in bfloat16 two by two.
#[cfg(target_arch = "x86_64")]
fn layouts_of_pairs(
    weights: &[f32],
    size: [usize; 2],
) -> impl Iterator<Item = Arc<dyn Layout>> + '_ {
    #[cfg(target_os = "linux")]
    let tiles = panels(Amx::detect(), weights, size);
    #[cfg(not(target_os = "linux"))]
    let tiles = iter::empty();
    tiles.chain(panels(Avx512Bf16::detect(), weights, size))
}

/// There are none.
#[cfg(not(target_arch = "x86_64"))]
fn layouts_of_pairs(_weights: &[f32], _size: [usize; 2]) -> iter::Empty<Arc<dyn Layout>> {
    iter::empty()
}

#[cfg(target_arch = "x86_64")]
fn panels<F: Format>(
    proof: Option<F>,
    weights: &[f32],
    size: [usize; 2],
) -> impl Iterator<Item = Arc<dyn Layout>> + '_ {
    proof.into_iter().map(move |format| Arc::new(Panels::new(format, weights, size)) as _)
}

/// The weights of an input to all outputs side by side, as they are given.
#[derive(Debug)]
struct Rows {
    weights: Vec<f32>,
    /// Inputs and outputs.
    size: [usize; 2],
}

impl Layout for Rows {
    fn to_rows(&self) -> Vec<f32> {
        self.weights.clone()
    }

    fn apply(&self, values: &[f32], out: &mut [f32], finish: Finish<'_>) {
        let [n_inputs, n_outputs] = self.size;
        let n_rows = out.len() / n_outputs;
        let values = Matrix::new(values, [n_rows, n_inputs], n_inputs);
        let weights = Matrix::new(&self.weights, self.size, n_outputs);
        let mut products = MatrixMut::new(out, [n_rows, n_outputs], n_outputs);
        multiply(values, weights, &mut products, finish.standing);
        for out in out.chunks_exact_mut(n_outputs) {
            let bias = finish.bias.unwrap_or_default();
            out.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += bias);
        }
        finish.activate(out);
    }
}

/// Rounds values to bfloat16 before they are multiplied in single precision.
#[derive(Debug)]
struct Rounding(Arc<dyn Layout>);

impl Layout for Rounding {
    fn to_rows(&self) -> Vec<f32> {
        self.0.to_rows()
    }

    fn apply(&self, values: &[f32], out: &mut [f32], finish: Finish<'_>) {
        let mut rounded = values.to_vec();
        round(&mut rounded);
        self.0.apply(&rounded, out, finish);
    }
}

/// Takes the nearest numbers that bfloat16 has.
pub(super) fn round(values: &mut [f32]) {
    simd::map(values, |value| f32::from_bits(u32::from(bf16_bits(value)) << 16));
}
