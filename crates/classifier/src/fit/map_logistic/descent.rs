//! The way to the most probable weights: descent by L-BFGS, in units of the prior's deviation.

#![expect(clippy::inline_always, reason = "else it keeps the instructions of an old processor")]

use pulp::{Arch, Simd, WithSimd};

use super::{
    BIAS_DEVIATION, Taught, Term,
    rows::{self, FEW},
};
use crate::{
    Background,
    fit::{
        minimize::minimize,
        risk::{cross_entropy, split},
    },
    linear::{dot, to_f32},
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
        let narrow: Vec<f32> = weights.iter().map(|&w| to_f32(w)).collect();
        let (mut pull, mut total, mut sum) = (vec![0.0; weights.len()], 0.0, 0.0);
        for few in terms.chunks(FEW) {
            let (mut rows, mut slopes) = ([few[0].x; FEW], [0.0; FEW]);
            for (term, (row, slope)) in few.iter().zip(rows.iter_mut().zip(&mut slopes)) {
                let logit = term.offset + rows::dot(&narrow, term.x) + bias;
                let (value, of_logit) = cross_entropy(logit, term.target);
                sum += term.weight * value;
                total += term.weight * of_logit;
                (*row, *slope) = (term.x, to_f32(term.weight * of_logit));
            }
            rows::add_rows(&mut pull, rows, slopes);
        }
        pull.iter_mut().zip(background.mean()).for_each(|(pull, mu)| *pull -= total * mu);
        let pulls = pull.into_iter().map(|g| g * freedom.sqrt());
        gradient.iter_mut().zip(scaled).zip(pulls).for_each(|((g, p), pull)| *g = p + pull);
        let of_bias = taught / (BIAS_DEVIATION * BIAS_DEVIATION);
        if let Some(gradient) = gradient.last_mut() {
            *gradient = BIAS_UNIT * (total + of_bias);
        }
        sum + 0.5 * (dot(scaled, scaled) + taught * of_bias)
    }
}
