//! The loss of a linear model over examples: what the methods that descend have in common.

use crate::{
    Example, Label, LinearClassifier,
    linear::{dot, sigmoid, to_f32},
};

/// An example as a loss sees it.
pub(super) struct Term<'a> {
    pub(super) x: &'a [f32],
    /// What the loss compares the logit with.
    pub(super) target: f64,
    /// How many examples it counts for.
    pub(super) weight: f64,
}

impl<'a> Term<'a> {
    /// A label as its grade, counted once.
    pub(super) fn graded(example: &'a Example) -> Self {
        let target = f64::from(example.label.grade());
        Self { x: example.embedding.as_slice(), target, weight: 1.0 }
    }
}

/// A loss of a logit and a target, and its derivative by the logit.
pub(super) type Loss = fn(f64, f64) -> (f64, f64);

/// Binary cross-entropy with a target in [0, 1].
pub(super) fn cross_entropy(logit: f64, target: f64) -> (f64, f64) {
    let softplus = logit.max(0.0) + (-logit.abs()).exp().ln_1p();
    (softplus - target * logit, sigmoid(logit) - target)
}

/// The squared hinge with a target of -1 or 1.
pub(super) fn squared_hinge(logit: f64, target: f64) -> (f64, f64) {
    let short = (1.0 - target * logit).max(0.0);
    (short * short, -2.0 * target * short)
}

/// The sum of the losses of a linear model, whose parameters are d weights and a bias. Overwrites
/// their gradient.
pub(super) fn risk(
    terms: &[Term<'_>],
    loss: Loss,
    parameters: &[f64],
    gradient: &mut [f64],
) -> f64 {
    let (weights, bias) = split(parameters);
    gradient.fill(0.0);
    let Some((bias_gradient, gradient)) = gradient.split_last_mut() else { return 0.0 };
    let mut sum = 0.0;
    for term in terms {
        let (value, slope) = loss(dot(weights, term.x) + bias, term.target);
        sum += term.weight * value;
        let slope = term.weight * slope;
        gradient.iter_mut().zip(term.x).for_each(|(g, &x)| *g += slope * f64::from(x));
        *bias_gradient += slope;
    }
    sum
}

/// The terms of labels that take a side, with one target for each side; none where all take the
/// same side, or none takes any.
pub(super) fn two_sided<'a>(
    examples: &[&'a Example],
    (irrelevant, relevant): (f64, f64),
) -> Option<Vec<Term<'a>>> {
    let is_any = |belongs: fn(Label) -> bool| examples.iter().any(|e| belongs(e.label));
    if !is_any(Label::is_positive) || !is_any(Label::is_negative) {
        return None;
    }
    let decided = examples.iter().filter(|e| e.label.is_positive() || e.label.is_negative());
    let terms = decided.map(|example| {
        let target = if example.label.is_positive() { relevant } else { irrelevant };
        Term { x: example.embedding.as_slice(), target, weight: 1.0 }
    });
    Some(terms.collect())
}

/// The mean of what the terms speak of; zeros of none.
pub(super) fn mean(terms: &[Term<'_>], dimension: usize) -> Vec<f64> {
    let share = 1.0 / terms.len().max(1) as f64;
    let mut mean = vec![0.0; dimension];
    for term in terms {
        mean.iter_mut().zip(term.x).for_each(|(sum, &x)| *sum += share * f64::from(x));
    }
    mean
}

/// [`risk`] of a model that sees `x - center`: a linear model with another bias.
pub(super) fn centered_risk(
    (terms, center): (&[Term<'_>], &[f64]),
    loss: Loss,
    parameters: &[f64],
    gradient: &mut [f64],
) -> f64 {
    let value = risk(terms, loss, &uncentered(parameters, center), gradient);
    let (_, slope) = split(gradient);
    gradient.iter_mut().zip(center).for_each(|(g, mu)| *g -= slope * mu);
    value
}

/// The parameters by which a model sees `x`, given those by which it sees `x - center`.
pub(super) fn uncentered(parameters: &[f64], center: &[f64]) -> Vec<f64> {
    let mut parameters = parameters.to_vec();
    if let Some((bias, weights)) = parameters.split_last_mut() {
        *bias -= weights.iter().zip(center).map(|(w, mu)| w * mu).sum::<f64>();
    }
    parameters
}

/// The classifier of d weights and a bias.
pub(super) fn classifier(parameters: &[f64]) -> LinearClassifier {
    let (weights, bias) = split(parameters);
    let weights: Vec<f32> = weights.iter().map(|&w| to_f32(w)).collect();
    LinearClassifier::new(weights, to_f32(bias))
        .expect("as many weights as the start has, clamped to finite ones")
}

/// Weights and bias.
pub(super) fn split(parameters: &[f64]) -> (&[f64], f64) {
    match parameters {
        [weights @ .., bias] => (weights, *bias),
        [] => (&[], 0.0),
    }
}
