//! The most probable weights by descent over the weights themselves: for more terms than a Gram matrix
//! pays for. The whitening is done to the weights and to the gradient, once a step, not to the terms.

use super::{BIAS_DEVIATION, Taught, Term};
use crate::{
    Background,
    fit::{
        minimize::minimize,
        risk::{cross_entropy, split},
    },
    linear::dot,
};

pub(super) fn most_probable(terms: &[Term<'_>], background: &Background, freedom: f64) -> Taught {
    let objective = |parameters: &[f64], gradient: &mut [f64]| {
        loss(terms, background, (parameters, gradient), freedom)
    };
    // In units of the prior's deviation all directions are alike, the bias too.
    let mut found = minimize(vec![0.0; background.dimension() + 1], &objective);
    let bias = BIAS_DEVIATION * found.pop().unwrap_or(0.0);
    for weight in &mut found {
        *weight *= freedom.sqrt();
    }
    Taught { weights: found, bias }
}

/// Negative log posterior, and its gradient, in units of the prior's deviation.
fn loss(
    terms: &[Term<'_>],
    background: &Background,
    (parameters, gradient): (&[f64], &mut [f64]),
    freedom: f64,
) -> f64 {
    let (scaled, bias) = split(parameters);
    let mut weights = background.unwhitened_weights(scaled);
    for weight in &mut weights {
        *weight *= freedom.sqrt();
    }
    let bias = BIAS_DEVIATION * bias - dot(&weights, background.mean());
    let (mut pull, mut total, mut sum) = (vec![0.0; weights.len()], 0.0, 0.0);
    for term in terms {
        let (value, slope) = cross_entropy(term.offset + dot(&weights, term.x) + bias, term.target);
        sum += term.weight * value;
        let slope = term.weight * slope;
        total += slope;
        pull.iter_mut().zip(term.x).for_each(|(pull, &x)| *pull += slope * f64::from(x));
    }
    pull.iter_mut().zip(background.mean()).for_each(|(pull, mu)| *pull -= total * mu);
    let pulls = background.whitened_gradient(&pull).into_iter().map(|g| g * freedom.sqrt());
    let pulls = pulls.chain([BIAS_DEVIATION * total]);
    gradient.iter_mut().zip(parameters).zip(pulls).for_each(|((g, p), pull)| *g = p + pull);
    sum + 0.5 * dot(parameters, parameters)
}
