//! The activation functions, under the names that configurations give them.
//!
//! Written for speed: an exact `erf` in double precision, as the engine has it, would take longer
//! than the matrix products. These are within 6e-7 of it between -3 and 3, and beyond within 3e-7 of what goes in.

#![expect(clippy::inline_always, reason = "else they keep the instructions of an old processor")]

use serde::Deserialize;

use super::{
    emit::{Edge, Emitter},
    kernel::simd::{self, add_product, exp, polynomial},
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
            Self::Gelu => simd::map_either(values, gelu::<true>, gelu::<false>),
            Self::GeluNew => simd::map_either(values, gelu_new::<true>, gelu_new::<false>),
            Self::QuickGelu => simd::map_either(values, quick_gelu::<true>, quick_gelu::<false>),
            Self::Silu => simd::map_either(values, silu::<true>, silu::<false>),
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

/// Phi(x) is 1/2 and an odd function, here a quotient of polynomials in the square of x, which were fitted so that it is
/// nowhere off by more than 1e-8. Beyond 5.6 it is 0 or 1 in single precision.
#[inline(always)]
fn gelu<const FUSED: bool>(x: f32) -> f32 {
    const ABOVE: [f32; 6] = [
        0.398_942_23,
        0.034_376_122,
        0.004_707_259_6,
        1.738_507_4e-4,
        6.356_520_8e-6,
        2.214_524e-8,
    ];
    const BELOW: [f32; 6] =
        [1.0, 0.252_833_87, 0.028_940_095, 0.001_912_978_4, 7.510_187e-5, 1.180_209e-6];
    let near = x.clamp(-5.6, 5.6);
    let square = near * near;
    let quotient =
        near * polynomial::<FUSED, _>(ABOVE, square) / polynomial::<FUSED, _>(BELOW, square);
    x * (0.5 + quotient).clamp(0.0, 1.0)
}

#[inline(always)]
fn gelu_new<const FUSED: bool>(x: f32) -> f32 {
    let bent = add_product::<FUSED>(0.044_715 * x * x, x, x);
    x * sigmoid::<FUSED>(SQRT_8_OVER_PI * bent)
}

#[inline(always)]
fn quick_gelu<const FUSED: bool>(x: f32) -> f32 {
    x * sigmoid::<FUSED>(1.702 * x)
}

#[inline(always)]
fn silu<const FUSED: bool>(x: f32) -> f32 {
    x * sigmoid::<FUSED>(x)
}

#[inline(always)]
fn relu(x: f32) -> f32 {
    x.max(0.0)
}

#[inline(always)]
fn sigmoid<const FUSED: bool>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<FUSED>(-x))
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

    /// By the sum of its Taylor series, in double precision.
    fn exact_gelu(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= -x * x / 2.0 / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        x * (0.5 + sum / (2.0 * std::f64::consts::PI).sqrt())
    }

    #[test]
    fn both_forms_of_gelu_are_as_near_to_it_as_is_said() {
        for step in -600..=600 {
            let x = step as f32 / 100.0;
            let bound = if x.abs() <= 3.0 { 6e-7 } else { f64::from(x.abs()) * 3e-7 };
            for found in [gelu::<true>(x), gelu::<false>(x)] {
                let difference = (f64::from(found) - exact_gelu(f64::from(x))).abs();
                assert!(difference <= bound, "{x}: {difference}");
            }
        }
    }

    #[test]
    fn large_values_neither_overflow_nor_vanish() {
        assert!((apply(Activation::Gelu, 1e4) - 1e4).abs() < 1e-2);
        assert!((apply(Activation::QuickGelu, 1e4) - 1e4).abs() < 1e-2);
        assert!(apply(Activation::QuickGelu, -1e4).abs() < 1e-30);
        assert!(apply(Activation::Gelu, -1e4).abs() < 1e-30);
        assert!(apply(Activation::Gelu, f32::NAN).is_nan());
    }
}
