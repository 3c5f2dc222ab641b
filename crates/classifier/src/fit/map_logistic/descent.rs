//! The way to the most probable weights: descent by L-BFGS, in units of the prior's deviation.

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
    let objective = |parameters: &[f64], gradient: &mut [f64]| {
        loss(terms, background, (parameters, gradient), freedom)
    };
    let mut found = minimize(vec![0.0; background.dimension() + 1], &objective, TOLERANCE);
    let bias = BIAS_UNIT * found.pop().unwrap_or(0.0);
    for weight in &mut found {
        *weight *= freedom.sqrt();
    }
    Taught { weights: found, bias }
}

/// Negative log posterior, and its gradient. Weights are in units of the prior's deviation.
fn loss(
    terms: &[Term<'_>],
    background: &Background,
    (parameters, gradient): (&[f64], &mut [f64]),
    freedom: f64,
) -> f64 {
    let (scaled, bias) = split(parameters);
    let taught = BIAS_UNIT * bias;
    let weights: Vec<f64> = scaled.iter().map(|w| w * freedom.sqrt()).collect();
    let bias = taught - dot(&weights, background.mean());
    let (mut pull, mut total, mut sum) = (vec![0.0; weights.len()], 0.0, 0.0);
    for term in terms {
        let (value, slope) = cross_entropy(term.offset + dot(&weights, term.x) + bias, term.target);
        sum += term.weight * value;
        let slope = term.weight * slope;
        total += slope;
        pull.iter_mut().zip(term.x).for_each(|(pull, &x)| *pull += slope * f64::from(x));
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
