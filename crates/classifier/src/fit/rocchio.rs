//! Rocchio: the direction that one started from, plus the way to the mean of the relevant records,
//! less the way to the mean of the irrelevant ones.
//!
//! In closed form, so a fit takes no steps and cannot diverge; and the start keeps its weight
//! however many labels there are, which is what makes it safe when they are few. A side counts in
//! full from one full label on; a lone timid label, less.
//!
//! How it stands beside the default is measured in `docs/learning.md`.

use linprobe_core::Embedding;

use crate::{Background, Example, Label, LinearClassifier, Start, calibrate};

/// How far relevant records pull, and irrelevant ones push, against a start of length 1.
#[derive(Clone, Copy)]
pub(super) struct Forces {
    pub(super) relevant: f64,
    pub(super) irrelevant: f64,
}

/// The classic weights 1, 0.5, 0.25.
pub(super) const CLASSIC: Forces = Forces { relevant: 0.5, irrelevant: 0.25 };

/// The weights 1, 0.75, 0.25 of textbooks (Manning, Raghavan and Schuetze, 2008, section 9.1.1).
pub(super) const EAGER: Forces = Forces { relevant: 0.75, irrelevant: 0.25 };

/// In the whitened metric, of few labels: three times the classic weights.
const FEW: Forces = Forces { relevant: 1.5, irrelevant: 0.75 };

/// In the whitened metric, of many labels.
const MANY: Forces = Forces { relevant: 6.0, irrelevant: 6.0 };

/// The number of labels at which the forces are halfway from few to many.
const HALFWAY: f64 = 100.0;

impl Forces {
    /// Gentle while labels are few and the start knows more than they do, firm once they are many.
    /// Grows with the square of their number, so that the first rounds are left as they are.
    fn of(examples: &[&Example]) -> Self {
        let n: f64 = examples.iter().map(|example| f64::from(example.label.value().abs())).sum();
        let firm = n * n / (n * n + HALFWAY * HALFWAY);
        let between = |few: f64, many: f64| few + firm * (many - few);
        Self {
            relevant: between(FEW.relevant, MANY.relevant),
            irrelevant: between(FEW.irrelevant, MANY.irrelevant),
        }
    }
}

/// `q + r W (m+ - mu) - i W (m- - mu)`, normalized and calibrated; W whitens.
pub(super) fn whitened(
    start: &Start,
    examples: &[&Example],
    background: &Background,
) -> LinearClassifier {
    let direction = |examples: &[&Example]| {
        let update = update(examples, background.mean(), Forces::of(examples));
        toward(start.direction(), &background.whiten(&update))
    };
    calibrate::calibrate(start, examples, background, &direction)
}

/// `q + r m+ - i m-`, normalized and calibrated.
pub(super) fn plain(
    start: &Start,
    examples: &[&Example],
    background: &Background,
    forces: Forces,
) -> LinearClassifier {
    let origin = vec![0.0; background.dimension()];
    let direction =
        |examples: &[&Example]| toward(start.direction(), &update(examples, &origin, forces));
    calibrate::calibrate(start, examples, background, &direction)
}

/// The sum of both sides' ways from the origin.
pub(super) fn update(examples: &[&Example], origin: &[f64], forces: Forces) -> Vec<f64> {
    let mut update = vec![0.0; origin.len()];
    add_side(&mut update, examples, origin, forces.relevant, Label::is_positive);
    add_side(&mut update, examples, origin, -forces.irrelevant, Label::is_negative);
    update
}

/// Adds `force` times the way from the origin to the mean of one side's embeddings, weighted by the
/// size of their labels. Adds nothing where the side has no label.
fn add_side(
    update: &mut [f64],
    examples: &[&Example],
    origin: &[f64],
    force: f64,
    belongs: fn(Label) -> bool,
) {
    let side = || examples.iter().filter(|example| belongs(example.label));
    let weight = |example: &Example| f64::from(example.label.value().abs());
    let mass: f64 = side().map(|example| weight(example)).sum();
    // The mean divides by the mass; a mass below one full label counts for less than one.
    let force = force / mass.max(1.0);
    for example in side() {
        let pull = force * weight(example);
        for ((sum, &x), mu) in update.iter_mut().zip(example.embedding.as_slice()).zip(origin) {
            *sum += pull * (f64::from(x) - mu);
        }
    }
}

/// The unit vector along the start and the update; the start, where the two cancel out.
pub(super) fn toward(start: &Embedding, update: &[f64]) -> Vec<f64> {
    let sum: Vec<f64> =
        start.as_slice().iter().zip(update).map(|(&q, u)| f64::from(q) + u).collect();
    let norm = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
    if norm > f64::EPSILON {
        sum.into_iter().map(|x| x / norm).collect()
    } else {
        start.as_slice().iter().map(|&q| f64::from(q)).collect()
    }
}
