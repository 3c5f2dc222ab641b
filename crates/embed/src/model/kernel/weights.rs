//! The weights of a linear layer, laid out as this machine multiplies them best.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor};

use super::layout::{Finish, Layout, layouts, round};

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
    size: [usize; 2],
    precision: Precision,
    layout: Arc<dyn Layout>,
}

impl Weights {
    /// Takes a tensor `outputs x inputs`.
    pub(super) fn new(weight: &Tensor, precision: Precision) -> Result<Self> {
        let (n_outputs, n_inputs) = weight.dims2()?;
        let size = [n_inputs, n_outputs];
        let rows = rounded(weight, precision)?;
        let Some(layout) = layouts(&rows, size, precision).next() else {
            candle_core::bail!("no layout is for weights in {precision:?}")
        };
        Ok(Self { size, precision, layout })
    }

    /// A tensor `outputs x inputs`.
    pub(super) fn to_tensor(&self) -> Result<Tensor> {
        self.to_rows()?.t()?.contiguous()
    }

    /// A tensor `inputs x outputs`.
    pub(super) fn to_rows(&self) -> Result<Tensor> {
        Tensor::from_vec(self.layout.to_rows(), &self.size, &Device::Cpu)
    }

    pub(super) fn n_inputs(&self) -> usize {
        self.size[0]
    }

    pub(super) fn n_outputs(&self) -> usize {
        self.size[1]
    }

    pub(super) fn precision(&self) -> Precision {
        self.precision
    }

    /// From values `rows x inputs` to `rows x outputs`.
    pub(super) fn apply(&self, values: &[f32], out: &mut [f32], finish: Finish<'_>) {
        self.layout.apply(values, out, finish);
    }
}

/// Weights `inputs x outputs`, row by row, of a tensor `outputs x inputs`.
fn rounded(weight: &Tensor, precision: Precision) -> Result<Vec<f32>> {
    let mut rows = weight.t()?.flatten_all()?.to_vec1::<f32>()?;
    if precision == Precision::Bf16 {
        round(&mut rows);
    }
    Ok(rows)
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
    use crate::model::kernel::product::Standing;

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

    /// The weights in every layout that this machine has instructions for.
    fn in_all_layouts(weight: &Tensor, precision: Precision) -> Vec<Weights> {
        let fastest = Weights::new(weight, precision).unwrap();
        let rows = rounded(weight, precision).unwrap();
        let layouts = layouts(&rows, fastest.size, precision);
        layouts.map(|layout| Weights { layout, ..fastest.clone() }).collect()
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
                for weights in in_all_layouts(&tensor, precision) {
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
                let expected = rounded(&tensor.t().unwrap(), precision).unwrap();
                for weights in in_all_layouts(&tensor, precision) {
                    let found = weights.to_tensor().unwrap().flatten_all().unwrap();
                    prop_assert_eq!(found.to_vec1::<f32>().unwrap(), expected.clone());
                }
            }
        }
    }
}
