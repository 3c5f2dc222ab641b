//! The activation functions, under the names that configurations give them.
//!
//! Written for speed: an exact `erf` in double precision, as the engine has it, would take longer
//! than the matrix products. These are within 5e-7 of it.

#![expect(clippy::inline_always, reason = "else they keep the instructions of an old processor")]

use serde::Deserialize;

use super::{
    emit::{Edge, Emitter},
    kernel::simd::{self, exp},
};

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
    /// Applies it to every value, in its place.
    pub(super) fn apply(self, values: &mut [f32]) {
        match self {
            Self::Gelu => simd::map(values, gelu),
            Self::GeluNew => simd::map(values, gelu_new),
            Self::QuickGelu => simd::map(values, quick_gelu),
            Self::Silu => simd::map(values, silu),
            Self::Relu => simd::map(values, relu),
        }
    }
}

impl Activation {
    /// The same in a graph, in the forms that engines know for one function.
    pub(super) fn emit(self, emitter: &mut Emitter, x: &Edge) -> Edge {
        match self {
            Self::Gelu => {
                let scaled = emitter.scaled(x, std::f32::consts::FRAC_1_SQRT_2);
                let erf = emitter.apply("Erf", &[&scaled], &[]);
                half_of_one_more(emitter, x, &erf)
            }
            Self::GeluNew => {
                let square = emitter.apply("Mul", &[x, x], &[]);
                let cube = emitter.apply("Mul", &[&square, x], &[]);
                let bent = emitter.scaled(&cube, 0.044_715);
                let bent = emitter.apply("Add", &[x, &bent], &[]);
                let scaled = emitter.scaled(&bent, SQRT_8_OVER_PI / 2.0);
                let tanh = emitter.apply("Tanh", &[&scaled], &[]);
                half_of_one_more(emitter, x, &tanh)
            }
            Self::QuickGelu => {
                let scaled = emitter.scaled(x, 1.702);
                let sigmoid = emitter.apply("Sigmoid", &[&scaled], &[]);
                emitter.apply("Mul", &[x, &sigmoid], &[])
            }
            Self::Relu => emitter.apply("Relu", &[x], &[]),
            Self::Silu => {
                let sigmoid = emitter.apply("Sigmoid", &[x], &[]);
                emitter.apply("Mul", &[x, &sigmoid], &[])
            }
        }
    }
}

/// `x (1 + y) / 2`.
fn half_of_one_more(emitter: &mut Emitter, x: &Edge, y: &Edge) -> Edge {
    let one = emitter.number(1.0);
    let more = emitter.apply("Add", &[y, &one], &[]);
    let product = emitter.apply("Mul", &[x, &more], &[]);
    emitter.scaled(&product, 0.5)
}

const SQRT_8_OVER_PI: f32 = 1.595_769;

#[inline(always)]
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

#[inline(always)]
fn gelu_new(x: f32) -> f32 {
    x * sigmoid(SQRT_8_OVER_PI * (x + 0.044_715 * x * x * x))
}

#[inline(always)]
fn quick_gelu(x: f32) -> f32 {
    x * sigmoid(1.702 * x)
}

#[inline(always)]
fn silu(x: f32) -> f32 {
    x * sigmoid(x)
}

#[inline(always)]
fn relu(x: f32) -> f32 {
    x.max(0.0)
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Abramowitz and Stegun, *Handbook of Mathematical Functions*, 7.1.26: error below 1.5e-7.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let polynomial = t
        * (0.254_829_6
            + t * (-0.284_496_74 + t * (1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4))));
    (1.0 - polynomial * exp(-x * x)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(activation: Activation, x: f32) -> f32 {
        let mut values = [x];
        activation.apply(&mut values);
        values[0]
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
    fn large_values_neither_overflow_nor_vanish() {
        assert!((apply(Activation::Gelu, 1e4) - 1e4).abs() < 1e-2);
        assert!((apply(Activation::QuickGelu, 1e4) - 1e4).abs() < 1e-2);
        assert!(apply(Activation::QuickGelu, -1e4).abs() < 1e-30);
    }
}
