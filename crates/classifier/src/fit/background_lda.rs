//! Linear discriminant analysis against the background: the way from the middle of the corpus to the
//! relevant records, in the metric in which the corpus is a ball, and half of the way back from
//! the irrelevant ones.
//!
//! With one covariance for all concepts, learned without labels, one positive example is enough
//! (Hariharan, Malik and Ramanan, ECCV 2012; for CLIP, Wang et al., ICLR 2024). What it finds is added
//! to the start with a weight that grows to 1 with the number of positive labels, since it knows
//! less than words when they are few: `q + n / (n + 4) unit(W ((m+ - mu) - 0.5 (m- - mu)))`,
//! normalized and calibrated. Without a positive label the start stays.

use crate::{Background, Example, LinearClassifier, Start, calibrate};

use super::rocchio::{self, Forces};

const FORCES: Forces = Forces { relevant: 1.0, irrelevant: 0.5 };

/// The number of positive labels that the start is worth.
const HALFWAY: f64 = 4.0;

pub(super) fn fit(
    start: &Start,
    examples: &[&Example],
    background: &Background,
) -> LinearClassifier {
    let direction = |examples: &[&Example]| direction(start, examples, background);
    calibrate::calibrate(start, examples, background, &direction)
}

fn direction(start: &Start, examples: &[&Example], background: &Background) -> Vec<f64> {
    let positive = examples.iter().filter(|example| example.label.is_positive());
    let mass: f64 = positive.map(|example| f64::from(example.label.value())).sum();
    let discriminant = background.whiten(&rocchio::update(examples, background.mean(), FORCES));
    let length = discriminant.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::EPSILON);
    let share = mass / (mass + HALFWAY) / length;
    let update: Vec<f64> = discriminant.into_iter().map(|x| share * x).collect();
    rocchio::toward(start.direction(), &update)
}
