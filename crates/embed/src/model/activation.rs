//! The activation functions, under the names that configurations give them.
//!
//! Written for speed: an exact `erf` in double precision, as the engine has it, would take longer
//! than the matrix products. These are within 5e-7 of it.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;
use serde::Deserialize;

/// A function that stands between two linear layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Activation {
    /// `x * Phi(x)`, Phi being the normal distribution function.
    Gelu,
    /// The approximation of the same by tanh.
    #[serde(alias = "gelu_pytorch_tanh")]
    GeluNew,
    /// `x * sigmoid(1.702 x)`, which CLIP was trained with.
    QuickGelu,
    /// `max(x, 0)`.
    Relu,
    /// `x * sigmoid(x)`.
    #[serde(alias = "swish", alias = "swiglu")]
    Silu,
}

impl Activation {
    /// Applies it to every value.
    pub(crate) fn forward(self, values: &Tensor) -> Result<Tensor> {
        values.apply_op1_no_bwd(&self)
    }

    fn map(self, values: &[f32], mapped: &mut [f32]) {
        let pairs = mapped.iter_mut().zip(values);
        match self {
            Self::Gelu => pairs.for_each(|(y, &x)| *y = gelu(x)),
            Self::GeluNew => pairs.for_each(|(y, &x)| *y = gelu_new(x)),
            Self::QuickGelu => pairs.for_each(|(y, &x)| *y = x * sigmoid(1.702 * x)),
            Self::Silu => pairs.for_each(|(y, &x)| *y = x * sigmoid(x)),
            Self::Relu => pairs.for_each(|(y, &x)| *y = x.max(0.0)),
        }
    }
}

impl CustomOp1 for Activation {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        const CHUNK: usize = 16 * 1024;
        let values = storage.as_slice::<f32>()?;
        let Some((start, end)) = layout.contiguous_offsets() else {
            candle_core::bail!("an activation takes contiguous values")
        };
        let mut mapped = vec![0.0; end - start];
        mapped
            .par_chunks_mut(CHUNK)
            .zip(values[start..end].par_chunks(CHUNK))
            .for_each(|(mapped, values)| self.map(values, mapped));
        Ok((CpuStorage::F32(mapped), layout.shape().clone()))
    }
}

fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

fn gelu_new(x: f32) -> f32 {
    const SQRT_8_OVER_PI: f32 = 1.595_769;
    x * sigmoid(SQRT_8_OVER_PI * (x + 0.044_715 * x * x * x))
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Abramowitz and Stegun, *Handbook of Mathematical Functions*, 7.1.26: error below 1.5e-7.
fn erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let polynomial = t
        * (0.254_829_6
            + t * (-0.284_496_74 + t * (1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4))));
    (1.0 - polynomial * exp(-x * x)).copysign(x)
}

/// `e^x` without a branch or a call, so that the compiler can do eight at a time: 2 to the whole
/// part of `x / ln 2` through the exponent's bits, times a polynomial for the rest.
fn exp(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    /// 1.5 * 2^23: added and taken away again it rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let r = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    let p = 1.0
        + r * (1.0
            + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r / 720.0)))));
    let exponent = shifted.to_bits().wrapping_add(127) << 23;
    p * f32::from_bits(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(activation: Activation, x: f32) -> f32 {
        let mut mapped = [0.0];
        activation.map(&[x], &mut mapped);
        mapped[0]
    }

    /// Values of `torch.nn.functional` in double precision.
    #[test]
    fn activations_have_the_values_of_torch() {
        let expected = [
            (Activation::Gelu, -3.0, -0.004_049_694),
            (Activation::Gelu, -0.5, -0.154_268_77),
            (Activation::Gelu, 1.0, 0.841_344_7),
            (Activation::GeluNew, -0.5, -0.154_286),
            (Activation::GeluNew, 2.0, 1.954_597_7),
            (Activation::QuickGelu, -1.0, -0.154_204_23),
            (Activation::QuickGelu, 2.0, 1.935_658_6),
            (Activation::Relu, -1.0, 0.0),
            (Activation::Silu, -1.0, -0.268_941_42),
            (Activation::Silu, 2.0, 1.761_594_2),
        ];
        for (activation, x, y) in expected {
            let found = apply(activation, x);
            assert!((found - y).abs() < 5e-7, "{activation:?}({x}) is {found}, not {y}");
        }
    }

    #[test]
    fn the_exponential_is_within_single_precision() {
        for step in -870..880 {
            let x = step as f32 / 10.0;
            let (found, exact) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((found / exact - 1.0).abs() < 4e-7, "exp({x}) is {found}, not {exact}");
        }
    }

    #[test]
    fn large_values_neither_overflow_nor_vanish() {
        assert!((apply(Activation::Gelu, 1e4) - 1e4).abs() < 1e-2);
        assert!((apply(Activation::QuickGelu, 1e4) - 1e4).abs() < 1e-2);
        assert!(apply(Activation::QuickGelu, -1e4).abs() < 1e-30);
    }
}
