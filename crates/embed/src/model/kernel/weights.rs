//! The weights of a linear layer, laid out as this machine multiplies them best.

use candle_core::{Device, Result, Tensor};

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use super::panels::Amx;
#[cfg(target_arch = "x86_64")]
use super::panels::{Avx512, Avx512Bf16, Panels};
use super::{
    product::{Matrix, MatrixMut, Standing, multiply},
    simd,
};
use crate::model::activation::Activation;

/// In what values and weights are multiplied; sums are always in single precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Precision {
    #[default]
    Single,
    /// Both are rounded to bfloat16, which is half as wide and has as large a range. Where the processor has
    /// instructions for that a product takes half the time; elsewhere the roundings are the same, so that a model
    /// gives the same embeddings everywhere but for the order of sums.
    Bf16,
}

/// `inputs x outputs`.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    n_inputs: usize,
    n_outputs: usize,
    precision: Precision,
    layout: Layout,
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

#[derive(Clone, Debug)]
enum Layout {
    #[cfg(target_arch = "x86_64")]
    Panels(Panels<Avx512>),
    #[cfg(target_arch = "x86_64")]
    Bf16Panels(Panels<Avx512Bf16>),
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    AmxPanels(Panels<Amx>),
    /// The weights of an input to all outputs side by side, rounded.
    Rows(Vec<f32>),
}

impl Weights {
    /// Takes a tensor `outputs x inputs`.
    pub(super) fn new(weight: &Tensor, precision: Precision) -> Result<Self> {
        let (n_outputs, n_inputs) = weight.dims2()?;
        let rows = weight.t()?.flatten_all()?.to_vec1::<f32>()?;
        let size = [n_inputs, n_outputs];
        Ok(Self { n_inputs, n_outputs, precision, layout: Layout::new(rows, size, precision) })
    }

    /// A tensor `outputs x inputs`.
    pub(super) fn to_tensor(&self) -> Result<Tensor> {
        self.to_rows()?.t()?.contiguous()
    }

    /// A tensor `inputs x outputs`.
    pub(super) fn to_rows(&self) -> Result<Tensor> {
        let rows = match &self.layout {
            #[cfg(target_arch = "x86_64")]
            Layout::Panels(panels) => panels.to_rows(),
            #[cfg(target_arch = "x86_64")]
            Layout::Bf16Panels(panels) => panels.to_rows(),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Layout::AmxPanels(panels) => panels.to_rows(),
            Layout::Rows(rows) => rows.clone(),
        };
        Tensor::from_vec(rows, (self.n_inputs, self.n_outputs), &Device::Cpu)
    }

    pub(super) fn n_inputs(&self) -> usize {
        self.n_inputs
    }

    pub(super) fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    pub(super) fn precision(&self) -> Precision {
        self.precision
    }

    /// From values `rows x inputs` to `rows x outputs`.
    pub(super) fn apply(&self, values: &[f32], out: &mut [f32], finish: Finish<'_>) {
        match &self.layout {
            #[cfg(target_arch = "x86_64")]
            Layout::Panels(panels) => panels.apply(values, out, finish),
            #[cfg(target_arch = "x86_64")]
            Layout::Bf16Panels(panels) => panels.apply(values, out, finish),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Layout::AmxPanels(panels) => panels.apply(values, out, finish),
            Layout::Rows(rows) => {
                match self.precision {
                    Precision::Single => self.multiply(values, rows, (out, finish.standing)),
                    Precision::Bf16 => {
                        self.multiply(&rounded(values), rows, (out, finish.standing));
                    }
                }
                for out in out.chunks_exact_mut(self.n_outputs) {
                    let bias = finish.bias.unwrap_or_default();
                    out.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += bias);
                }
                finish.activate(out);
            }
        }
    }

    fn multiply(&self, values: &[f32], rows: &[f32], (out, standing): (&mut [f32], Standing)) {
        let Self { n_inputs, n_outputs, .. } = *self;
        let n_rows = out.len() / n_outputs;
        let values = Matrix::new(values, [n_rows, n_inputs], n_inputs);
        let weights = Matrix::new(rows, [n_inputs, n_outputs], n_outputs);
        multiply(
            values,
            weights,
            &mut MatrixMut::new(out, [n_rows, n_outputs], n_outputs),
            standing,
        );
    }
}

impl Layout {
    fn new(rows: Vec<f32>, size: [usize; 2], precision: Precision) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let (Precision::Single, Some(proof)) = (precision, Avx512::detect()) {
            return Self::Panels(Panels::new(proof, &rows, size));
        }
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        if let (Precision::Bf16, Some(proof)) = (precision, Amx::detect()) {
            return Self::AmxPanels(Panels::new(proof, &rows, size));
        }
        #[cfg(target_arch = "x86_64")]
        if let (Precision::Bf16, Some(proof)) = (precision, Avx512Bf16::detect()) {
            return Self::Bf16Panels(Panels::new(proof, &rows, size));
        }
        Self::in_rows(rows, precision)
    }

    fn in_rows(rows: Vec<f32>, precision: Precision) -> Self {
        Self::Rows(if precision == Precision::Bf16 { rounded(&rows) } else { rows })
    }
}

/// The nearest numbers that bfloat16 has.
fn rounded(values: &[f32]) -> Vec<f32> {
    let mut rounded = values.to_vec();
    simd::map(&mut rounded, |value| f32::from_bits(u32::from(bf16_bits(value)) << 16));
    rounded
}

/// The nearest bfloat16, of two equally near ones the even, without a branch.
#[inline(always)]
pub(super) fn bf16_bits(value: f32) -> u16 {
    const NAN: u16 = 0x7fc0;
    let bits = value.to_bits();
    let is_odd = (bits >> 16) & 1;
    let nearest = (bits.wrapping_add(0x7fff + is_odd) >> 16) as u16;
    if value.is_nan() { NAN } else { nearest }
}

#[cfg(test)]
mod tests {
    use half::bf16;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rounding_is_that_of_the_standard() {
        let hard = [
            0.0,
            -0.0,
            1.0,
            1.0 + 1.0 / 256.0,
            1.0 + 3.0 / 256.0,
            f32::MAX,
            1e-45,
            -1e-40,
            3.39e38,
        ];
        let more = [f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE];
        for value in hard.into_iter().chain(more) {
            assert_eq!(bf16_bits(value), bf16::from_f32(value).to_bits(), "{value}");
        }
        assert!(bf16::from_bits(bf16_bits(f32::NAN)).is_nan());
    }

    /// The weights in every layout that this machine has instructions for, the fastest first.
    fn layouts(weight: &Tensor, precision: Precision) -> Vec<Weights> {
        let fastest = Weights::new(weight, precision).unwrap();
        let rows = weight.t().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let mut others = vec![Layout::in_rows(rows.clone(), precision)];
        #[cfg(target_arch = "x86_64")]
        if let (Precision::Bf16, Some(proof)) = (precision, Avx512Bf16::detect()) {
            let size = [fastest.n_inputs, fastest.n_outputs];
            others.push(Layout::Bf16Panels(Panels::new(proof, &rows, size)));
        }
        let others = others.into_iter().map(|layout| Weights { layout, ..fastest.clone() });
        [fastest.clone()].into_iter().chain(others).collect()
    }

    fn rounded_in(precision: Precision, value: f32) -> f64 {
        match precision {
            Precision::Single => f64::from(value),
            Precision::Bf16 => bf16::from_f32(value).to_f64(),
        }
    }

    proptest! {
        #[test]
        fn every_layout_gives_the_sums_of_products(
            n_rows in 0_usize..20,
            n_inputs in 1_usize..70,
            n_outputs in 1_usize..200,
            seed: u16,
        ) {
            let value = |i: usize| (i as f32 * 0.7 + f32::from(seed)).sin();
            let values: Vec<f32> = (0..n_rows * n_inputs).map(value).collect();
            let weights: Vec<f32> = (0..n_inputs * n_outputs).map(|i| value(i + 9)).collect();
            let bias: Vec<f32> = (0..n_outputs).map(|i| value(i + 5)).collect();
            let tensor = Tensor::from_slice(&weights, (n_outputs, n_inputs), &Device::Cpu).unwrap();
            for precision in [Precision::Single, Precision::Bf16] {
                let exact = |row: usize, output: usize| {
                    let value = |input| rounded_in(precision, values[row * n_inputs + input]);
                    let weight = |input| rounded_in(precision, weights[output * n_inputs + input]);
                    let sum = (0..n_inputs).map(|input| value(input) * weight(input)).sum::<f64>();
                    sum + f64::from(bias[output])
                };
                for weights in layouts(&tensor, precision) {
                    for (standing, before) in [(Standing::Replaced, 0.0), (Standing::Kept, 0.5)] {
                        let finish = Finish { bias: Some(&bias), activation: None, standing };
                        let mut out = vec![0.5; n_rows * n_outputs];
                        weights.apply(&values, &mut out, finish);
                        for (place, found) in out.into_iter().enumerate() {
                            let exact = before + exact(place / n_outputs, place % n_outputs);
                            prop_assert!((f64::from(found) - exact).abs() < 1e-4, "{found} {exact}");
                        }
                    }
                }
            }
        }

        #[test]
        fn weights_come_back_as_they_were_given(n_inputs in 1_usize..9, n_outputs in 1_usize..140) {
            let shape = (n_outputs, n_inputs);
            let tensor = Tensor::randn(0_f32, 1.0, shape, &Device::Cpu).unwrap();
            for precision in [Precision::Single, Precision::Bf16] {
                let expected = Layout::in_rows(tensor.flatten_all().unwrap().to_vec1().unwrap(), precision);
                let Layout::Rows(expected) = expected else { panic!("rows are rows") };
                for weights in layouts(&tensor, precision) {
                    let found = weights.to_tensor().unwrap().flatten_all().unwrap();
                    prop_assert_eq!(found.to_vec1::<f32>().unwrap(), expected.clone());
                }
            }
        }
    }
}
