//! Perch's agile classifier (Google, 2025; `perch-hoplite`, `agile/classifier.py`): a linear layer on
//! the labels, and on unlabelled records as weak negatives of weight 0.05.
//!
//! As published: 128 steps of Adam at rate 0.001, each on a batch of labels and one of as many
//! unlabelled records, with binary cross-entropy. Adam does not see the scale of a loss, so each step
//! takes the mean over all labels in the place of a batch of 128. Departures, so that a fit is the
//! same each time: the layer starts at zero, which is the mean of the random numbers that it starts
//! with there, and the weak negatives come in turn from the sample of the corpus, in which a
//! labelled record is not looked for. Targets are grades. Without a positive label there is nothing to
//! train, there or here, and the start is what is left. Its score is its own logit.

use crate::{Background, Example, LinearClassifier, Sample, Start};

use super::{
    risk::{self, Term, cross_entropy, risk},
    start_alone,
};

const N_STEPS: usize = 128;
const LEARNING_RATE: f64 = 1e-3;

/// What a batch of weak negatives weighs against a batch of labels.
const WEAK: f64 = 0.05;

/// Weak negatives a step.
const BATCH: usize = 128;

pub(super) fn fit(
    start: &Start,
    examples: &[&Example],
    background: &Background,
) -> LinearClassifier {
    if !examples.iter().any(|example| example.label.is_positive()) {
        return start_alone(start, examples, background);
    }
    let weight = 1.0 / examples.len() as f64;
    let labels: Vec<Term<'_>> =
        examples.iter().map(|example| Term { weight, ..Term::graded(example) }).collect();
    let mut layer = Layer::new(background.dimension() + 1);
    let (mut gradient, mut weak_gradient) = (layer.parameters.clone(), layer.parameters.clone());
    for step in 0..N_STEPS {
        risk(&labels, cross_entropy, &layer.parameters, &mut gradient);
        let weak = batch(background.sample(), step);
        risk(&weak, cross_entropy, &layer.parameters, &mut weak_gradient);
        gradient.iter_mut().zip(&weak_gradient).for_each(|(g, weak)| *g += weak);
        layer.step(&gradient);
    }
    risk::classifier(&layer.parameters)
}

/// Records spread over the sample, which may hold a corpus in its order; the next ones each step.
fn batch(sample: &Sample, step: usize) -> Vec<Term<'_>> {
    let stride = sample.n_rows().div_ceil(BATCH).max(1);
    let rows = sample.rows().skip(step % stride).step_by(stride);
    let weight = WEAK / rows.len().max(1) as f64;
    rows.map(|x| Term { x, target: 0.0, weight }).collect()
}

/// Parameters under Adam (Kingma and Ba, 2015), with the constants that Keras sets.
struct Layer {
    parameters: Vec<f64>,
    first_moments: Vec<f64>,
    second_moments: Vec<f64>,
    n_steps: i32,
}

impl Layer {
    const FIRST_DECAY: f64 = 0.9;
    const SECOND_DECAY: f64 = 0.999;
    const EPSILON: f64 = 1e-7;

    fn new(n_parameters: usize) -> Self {
        let zeros = vec![0.0; n_parameters];
        Self {
            parameters: zeros.clone(),
            first_moments: zeros.clone(),
            second_moments: zeros,
            n_steps: 0,
        }
    }

    fn step(&mut self, gradient: &[f64]) {
        self.n_steps += 1;
        let first_share = 1.0 - Self::FIRST_DECAY.powi(self.n_steps);
        let second_share = 1.0 - Self::SECOND_DECAY.powi(self.n_steps);
        let moments = self.first_moments.iter_mut().zip(&mut self.second_moments);
        for ((parameter, (first, second)), g) in
            self.parameters.iter_mut().zip(moments).zip(gradient)
        {
            *first += (1.0 - Self::FIRST_DECAY) * (g - *first);
            *second += (1.0 - Self::SECOND_DECAY) * (g * g - *second);
            let size = (*second / second_share).sqrt() + Self::EPSILON;
            *parameter -= LEARNING_RATE * (*first / first_share) / size;
        }
    }
}
