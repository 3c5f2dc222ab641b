//! The way to the most probable weights: descent by L-BFGS, in units of the prior's deviation.

#![expect(clippy::inline_always, reason = "else it keeps the instructions of an old processor")]

use pulp::{Arch, Simd, WithSimd};

use super::{BIAS_DEVIATION, Taught, Term};
use crate::{
    Background,
    fit::{
        minimize::minimize,
        risk::{cross_entropy, split},
    },
    linear::dot,
};

/// Where the gradient is this much shorter than at the start. Average precision is then that of the
/// exact minimum to .001.
const TOLERANCE: f64 = 5e-4;

/// The unit of the bias. In the prior's deviation, all terms would bend the loss along it a hundred
/// times as much as along any weight, and the descent would zigzag.
const BIAS_UNIT: f64 = 0.3;

pub(super) fn most_probable(terms: &[Term<'_>], background: &Background, freedom: f64) -> Taught {
    let processor = Arch::new();
    let objective = |parameters: &[f64], gradient: &mut [f64]| {
        processor.dispatch(Loss { terms, background, freedom, parameters, gradient })
    };
    let mut found = minimize(vec![0.0; background.dimension() + 1], &objective, TOLERANCE);
    let bias = BIAS_UNIT * found.pop().unwrap_or(0.0);
    for weight in &mut found {
        *weight *= freedom.sqrt();
    }
    Taught { weights: found, bias }
}

/// The negative log posterior at some parameters. Weights are in units of the prior's deviation.
struct Loss<'a> {
    terms: &'a [Term<'a>],
    background: &'a Background,
    freedom: f64,
    parameters: &'a [f64],
    /// Is overwritten.
    gradient: &'a mut [f64],
}

impl WithSimd for Loss<'_> {
    type Output = f64;

    /// Is compiled for every instruction set, with what it calls.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let Self { terms, background, freedom, parameters, gradient } = self;
        let (scaled, bias) = split(parameters);
        let taught = BIAS_UNIT * bias;
        let weights: Vec<f64> = scaled.iter().map(|w| w * freedom.sqrt()).collect();
        let bias = taught - dot(&weights, background.mean());
        let mut risk = Risk { pull: vec![0.0; weights.len()], sum: 0.0, slope: 0.0 };
        let (groups, rest) = terms.as_chunks::<GROUP>();
        groups.iter().for_each(|terms| risk.add(terms.each_ref(), &weights, bias));
        rest.iter().for_each(|term| risk.add([term], &weights, bias));
        let Risk { mut pull, sum, slope } = risk;
        pull.iter_mut().zip(background.mean()).for_each(|(pull, mu)| *pull -= slope * mu);
        let pulls = pull.into_iter().map(|g| g * freedom.sqrt());
        gradient.iter_mut().zip(scaled).zip(pulls).for_each(|((g, p), pull)| *g = p + pull);
        let of_bias = taught / (BIAS_DEVIATION * BIAS_DEVIATION);
        if let Some(gradient) = gradient.last_mut() {
            *gradient = BIAS_UNIT * (slope + of_bias);
        }
        sum + 0.5 * (dot(scaled, scaled) + taught * of_bias)
    }
}

/// Terms that are worked on together: weights and pull are read once for all of them.
const GROUP: usize = 4;

/// Coordinates that are worked on together.
const LANES: usize = 8;

/// What terms ask for, summed.
struct Risk {
    /// The derivative by the weights of embeddings that are not centred.
    pull: Vec<f64>,
    sum: f64,
    /// The derivative by the bias.
    slope: f64,
}

impl Risk {
    #[inline(always)]
    fn add<const N: usize>(&mut self, terms: [&Term<'_>; N], weights: &[f64], bias: f64) {
        let rows = terms.map(|term| term.x);
        let mut slopes = dots(rows, weights);
        for (slope, term) in slopes.iter_mut().zip(terms) {
            let (value, derivative) = cross_entropy(term.offset + *slope + bias, term.target);
            self.sum += term.weight * value;
            *slope = term.weight * derivative;
            self.slope += *slope;
        }
        add_products(&mut self.pull, slopes, rows);
    }
}

/// The products of rows with weights.
#[inline(always)]
fn dots<const N: usize>(rows: [&[f32]; N], weights: &[f64]) -> [f64; N] {
    let (weights, last_weights) = weights.as_chunks::<LANES>();
    let chunked = rows.map(|row| row.as_chunks::<LANES>());
    let bodies = chunked.map(|(body, _)| &body[..weights.len()]);
    let mut sums = [[0.0; LANES]; N];
    for (i, weights) in weights.iter().enumerate() {
        for (sums, body) in sums.iter_mut().zip(bodies) {
            for ((sum, w), &x) in sums.iter_mut().zip(weights).zip(&body[i]) {
                *sum += w * f64::from(x);
            }
        }
    }
    let mut dots = sums.map(|sums| sums.iter().sum());
    for (dot, (_, last)) in dots.iter_mut().zip(chunked) {
        *dot += super::dot(last_weights, last);
    }
    dots
}

/// Adds rows, each so many times.
#[inline(always)]
fn add_products<const N: usize>(sum: &mut [f64], factors: [f64; N], rows: [&[f32]; N]) {
    let (sum, last_sum) = sum.as_chunks_mut::<LANES>();
    let chunked = rows.map(|row| row.as_chunks::<LANES>());
    let bodies = chunked.map(|(body, _)| &body[..sum.len()]);
    for (i, sum) in sum.iter_mut().enumerate() {
        for (factor, body) in factors.iter().zip(bodies) {
            sum.iter_mut().zip(&body[i]).for_each(|(sum, &x)| *sum += factor * f64::from(x));
        }
    }
    for (factor, (_, last)) in factors.iter().zip(chunked) {
        last_sum.iter_mut().zip(last).for_each(|(sum, &x)| *sum += factor * f64::from(x));
    }
}
