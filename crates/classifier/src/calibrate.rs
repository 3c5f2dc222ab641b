//! Calibration turns a direction into a logit.
//!
//! The score of a direction, in standard deviations of the corpus, goes through a logistic curve of
//! two parameters, slope and offset, fitted to the labels. A prior stands for what is known without
//! any: a concept is rare, and lies some deviations above the mean. Labels come from the top of
//! the corpus, so they tell where the boundary lies between what was found and what was not; for
//! the bulk of the corpus, which nobody labels, imagined labels say that it is irrelevant. Without
//! them, labels that contradict each other can put the whole corpus above the boundary.

use crate::{
    Background, Example, LinearClassifier, Projection, Start,
    linear::{sigmoid, to_f32},
};

/// The share of the corpus that is thought to be relevant, before any label.
const PRIOR_SHARE: f64 = 0.01;

/// How far above the mean, in deviations, relevant records are thought to lie.
const SEPARATION: f64 = 3.0;

/// How sure the prior is of its slope: a standard deviation.
const SLOPE_DEVIATION: f64 = 1.0;

/// How sure the prior is of the logit at its boundary: a standard deviation.
const LOGIT_DEVIATION: f64 = 4.5;

/// The slope stays above this share of the prior's: a higher score is never less relevant.
const MIN_SLOPE_SHARE: f64 = 0.1;

/// Targets stay within this and one less this: no label is certain.
const MIN_TARGET: f64 = 0.02;

/// Where the bulk of the corpus lies, in deviations.
const BULK: [f64; 3] = [-1.0, 0.0, 1.0];

/// How much the imagined labels of the bulk weigh, for each label that was given.
const BULK_WEIGHT: f64 = 0.5;

/// Parts that the labels are split into, to score each by a direction that did not see it.
const N_FOLDS: usize = 10;

/// Fits the curve to the labels under the direction that `fit_direction` makes of them.
pub(crate) fn calibrate(
    start: &Start,
    examples: &[&Example],
    background: &Background,
    fit_direction: &dyn Fn(&[&Example]) -> Vec<f64>,
) -> LinearClassifier {
    if let (Some(head), []) = (start.head(), examples) {
        return head.clone();
    }
    let direction = fit_direction(examples);
    let projection = background.project(&direction);
    let prior = Prior::new(start, background);
    let mut observations = observe_across_folds(examples, background, fit_direction);
    observations.extend(observe_bulk(examples.len()));
    let curve = prior.fit(&observations);
    curve.classifier(&direction, projection)
}

/// A label as the curve sees it.
struct Observation {
    /// The score in deviations above the mean.
    z: f64,
    /// The probability asked for.
    target: f64,
    /// How many labels it counts for.
    weight: f64,
}

/// Scores each label by a direction fitted without it and its fold: a record that helped to fit
/// the direction lies further along it than its like.
fn observe_across_folds(
    examples: &[&Example],
    background: &Background,
    fit_direction: &dyn Fn(&[&Example]) -> Vec<f64>,
) -> Vec<Observation> {
    let n_folds = examples.len().min(N_FOLDS);
    let folds = (0..n_folds).flat_map(|fold| {
        let own = examples.iter().skip(fold).step_by(n_folds);
        let others: Vec<&Example> = examples
            .iter()
            .enumerate()
            .filter(|(i, _)| i % n_folds != fold)
            .map(|(_, example)| *example)
            .collect();
        let direction = fit_direction(&others);
        let projection = background.project(&direction);
        own.map(move |example| observe(example, &direction, projection))
    });
    folds.collect()
}

fn observe(example: &Example, direction: &[f64], projection: Projection) -> Observation {
    let products = example.embedding.as_slice().iter().zip(direction);
    let score: f64 = products.map(|(&x, w)| f64::from(x) * w).sum();
    let target = f64::from(example.label.grade()).clamp(MIN_TARGET, 1.0 - MIN_TARGET);
    Observation { z: (score - projection.mean) / projection.deviation, target, weight: 1.0 }
}

fn observe_bulk(n_labels: usize) -> impl Iterator<Item = Observation> {
    let weight = BULK_WEIGHT * n_labels as f64 / BULK.len() as f64;
    BULK.into_iter().map(move |z| Observation { z, target: 0.0, weight })
}

/// logit = slope z + offset.
#[derive(Clone, Copy)]
struct Curve {
    slope: f64,
    offset: f64,
}

impl Curve {
    fn logit(self, z: f64) -> f64 {
        self.slope * z + self.offset
    }

    /// Folds mean and deviation into weights and bias.
    fn classifier(self, direction: &[f64], projection: Projection) -> LinearClassifier {
        let scale = self.slope / projection.deviation;
        let weights: Vec<f32> = direction.iter().map(|w| to_f32(w * scale)).collect();
        let bias = to_f32(self.offset - scale * projection.mean);
        LinearClassifier::new(weights, bias)
            .expect("as many weights as the start has, clamped to finite ones")
    }
}

/// What is thought of the curve before any label: a Gaussian of its slope and of its logit at the
/// boundary, so that slope and offset move together when the boundary moves.
struct Prior {
    curve: Curve,
    boundary: f64,
}

impl Prior {
    /// An existing classifier is its own prior. Else two equal Gaussians are thought of, the
    /// corpus and the concept.
    fn new(start: &Start, background: &Background) -> Self {
        let curve = match start.head() {
            Some(head) => Self::of_head(head, background),
            None => Curve {
                slope: SEPARATION,
                offset: (PRIOR_SHARE / (1.0 - PRIOR_SHARE)).ln() - SEPARATION * SEPARATION / 2.0,
            },
        };
        Self { curve, boundary: -curve.offset / curve.slope }
    }

    fn of_head(head: &LinearClassifier, background: &Background) -> Curve {
        let weights: Vec<f64> = head.weights().iter().map(|&w| f64::from(w)).collect();
        let projection = background.project(&weights);
        Curve { slope: projection.deviation, offset: f64::from(head.bias()) + projection.mean }
    }

    /// The most probable curve, by Newton's method on a convex loss of two parameters.
    fn fit(&self, observations: &[Observation]) -> Curve {
        let free = self.descend(observations, None);
        let min_slope = MIN_SLOPE_SHARE * self.curve.slope;
        if free.slope >= min_slope { free } else { self.descend(observations, Some(min_slope)) }
    }

    /// Walks to the minimum, with the slope free or held.
    fn descend(&self, observations: &[Observation], held_slope: Option<f64>) -> Curve {
        const MAX_STEPS: usize = 100;
        let mut curve = Curve { slope: held_slope.unwrap_or(self.curve.slope), ..self.curve };
        let mut loss = self.loss(curve, observations);
        for _ in 0..MAX_STEPS {
            let step = self.gradient(curve, observations).newton_step(held_slope.is_some());
            let Some((next, next_loss)) = self.shorten(curve, loss, step, observations) else {
                break;
            };
            (curve, loss) = (next, next_loss);
        }
        curve
    }

    /// The first of a step, its half, its quarter, ... that goes down.
    fn shorten(
        &self,
        from: Curve,
        loss: f64,
        step: Curve,
        observations: &[Observation],
    ) -> Option<(Curve, f64)> {
        const MAX_HALVINGS: i32 = 40;
        (0..MAX_HALVINGS).find_map(|halvings| {
            let share = 0.5_f64.powi(halvings);
            let next = Curve {
                slope: from.slope - share * step.slope,
                offset: from.offset - share * step.offset,
            };
            let next_loss = self.loss(next, observations);
            (next_loss < loss).then_some((next, next_loss))
        })
    }

    /// Negative log posterior, up to a constant: softplus(logit) - target logit, and the prior.
    fn loss(&self, curve: Curve, observations: &[Observation]) -> f64 {
        let of_labels: f64 = observations
            .iter()
            .map(|o| {
                let logit = curve.logit(o.z);
                o.weight * (logit.max(0.0) + (-logit.abs()).exp().ln_1p() - o.target * logit)
            })
            .sum();
        let (slope, logit) = self.deviations(curve);
        of_labels + 0.5 * (slope * slope + logit * logit)
    }

    /// How far slope and boundary logit lie from the prior's, in its standard deviations.
    fn deviations(&self, curve: Curve) -> (f64, f64) {
        let slope = (curve.slope - self.curve.slope) / self.slope_deviation();
        (slope, curve.logit(self.boundary) / LOGIT_DEVIATION)
    }

    fn slope_deviation(&self) -> f64 {
        SLOPE_DEVIATION * self.curve.slope / SEPARATION
    }

    fn gradient(&self, curve: Curve, observations: &[Observation]) -> Derivatives {
        let (slope, logit) = self.deviations(curve);
        let mut sum = Derivatives::default();
        sum.add(self.boundary, logit / LOGIT_DEVIATION, LOGIT_DEVIATION.powi(-2));
        sum.slope += slope / self.slope_deviation();
        sum.slope_slope += self.slope_deviation().powi(-2);
        for o in observations {
            let p = sigmoid(curve.logit(o.z));
            sum.add(o.z, o.weight * (p - o.target), o.weight * p * (1.0 - p));
        }
        sum
    }
}

/// First and second derivatives of the loss by slope and offset.
#[derive(Default)]
struct Derivatives {
    slope: f64,
    offset: f64,
    slope_slope: f64,
    slope_offset: f64,
    offset_offset: f64,
}

impl Derivatives {
    /// Adds a term of the logit at `z` with this first and second derivative by the logit.
    fn add(&mut self, z: f64, first: f64, second: f64) {
        self.slope += first * z;
        self.offset += first;
        self.slope_slope += second * z * z;
        self.slope_offset += second * z;
        self.offset_offset += second;
    }

    /// Hessian^-1 gradient. The prior keeps the Hessian positive definite.
    fn newton_step(&self, holds_slope: bool) -> Curve {
        if holds_slope {
            return Curve { slope: 0.0, offset: self.offset / self.offset_offset };
        }
        let determinant =
            self.slope_slope * self.offset_offset - self.slope_offset * self.slope_offset;
        let slope = self.offset_offset * self.slope - self.slope_offset * self.offset;
        let offset = self.slope_slope * self.offset - self.slope_offset * self.slope;
        Curve { slope: slope / determinant, offset: offset / determinant }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linprobe_core::Embedding;

    fn prior() -> Prior {
        let direction = Embedding::normalize(vec![1.0, 0.0]).unwrap();
        Prior::new(&Start::from_direction(direction), &Background::estimate(2, []))
    }

    fn observations(pairs: &[(f64, f64)]) -> Vec<Observation> {
        let observation = |&(z, target): &(f64, f64)| Observation { z, target, weight: 1.0 };
        pairs.iter().map(observation).collect()
    }

    #[test]
    fn without_labels_the_curve_is_the_prior() {
        let curve = prior().fit(&[]);
        assert!((curve.slope - SEPARATION).abs() < 1e-12);
        assert!((curve.logit(0.0) - (-9.095_119_85)).abs() < 1e-6);
    }

    #[test]
    fn the_boundary_moves_between_what_was_found_and_what_was_not() {
        let labels = [(4.0, 0.02), (4.5, 0.02), (5.0, 0.02), (6.0, 0.98), (6.5, 0.98), (7.0, 0.98)];
        let curve = prior().fit(&observations(&labels));
        let boundary = -curve.offset / curve.slope;
        assert!((5.0..6.0).contains(&boundary), "{boundary}");
    }

    #[test]
    fn labels_that_are_upside_down_do_not_turn_the_curve() {
        let labels = [(2.0, 0.98), (3.0, 0.98), (4.0, 0.02), (6.0, 0.02)].repeat(50);
        let curve = prior().fit(&observations(&labels));
        assert!((curve.slope - MIN_SLOPE_SHARE * SEPARATION).abs() < 1e-12, "{}", curve.slope);
    }

    #[test]
    fn labels_that_are_upside_down_leave_the_bulk_below_the_boundary() {
        let labels = [(2.0, 0.98), (2.5, 0.98), (3.0, 0.98), (6.0, 0.02)].repeat(10);
        let alone = prior().fit(&observations(&labels));
        assert!(alone.logit(0.0) > 0.0, "else there is nothing to guard against");
        let with_bulk: Vec<Observation> =
            observations(&labels).into_iter().chain(observe_bulk(labels.len())).collect();
        assert!(prior().fit(&with_bulk).logit(1.0) < 0.0);
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let mut labels = observations(&[(4.0, 0.02), (5.0, 0.7), (7.0, 0.98)]);
        labels.extend(observe_bulk(3));
        let prior = prior();
        let at = Curve { slope: 1.3, offset: -6.0 };
        let loss = |slope: f64, offset: f64| {
            prior.loss(Curve { slope: at.slope + slope, offset: at.offset + offset }, &labels)
        };
        let gradient = prior.gradient(at, &labels);
        let h = 1e-5;
        let by_slope = (loss(h, 0.0) - loss(-h, 0.0)) / (2.0 * h);
        let by_offset = (loss(0.0, h) - loss(0.0, -h)) / (2.0 * h);
        assert!((gradient.slope - by_slope).abs() < 1e-6);
        assert!((gradient.offset - by_offset).abs() < 1e-6);
    }
}
