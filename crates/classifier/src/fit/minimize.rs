//! Minimizes a smooth function: L-BFGS with a line search for the weak Wolfe conditions.
//!
//! Sources: Nocedal and Wright, "Numerical Optimization", algorithm 7.4; the line search by
//! bisection is that of Lewis and Overton (2013), which needs no interpolation and ends with a step
//! that keeps the curvature positive.

use std::collections::VecDeque;

use crate::linear::dot;

/// A function of parameters: returns its value and overwrites its gradient.
pub(super) type Objective<'a> = dyn Fn(&[f64], &mut [f64]) -> f64 + 'a;

/// How much shorter than where the search began, and one, the gradient is at a minimum to the last
/// digits that a classifier is kept in.
pub(super) const EXACT: f64 = 1e-7;

/// Steps after which the search is given up; the fits here take some dozens.
const MAX_STEPS: usize = 300;

/// Steps that are remembered to tell the curvature from. With half as many, a fit of a thousand labels takes a third
/// more of them.
const MEMORY: usize = 20;

/// Lengths that are tried for one step.
const MAX_TRIALS: usize = 40;

/// A step must bring this share of what the slope promises.
const DECREASE: f64 = 1e-4;

/// A step must flatten the slope to this share.
const FLATTENING: f64 = 0.9;

/// The parameters at the lowest place that is reached from `from`, where the gradient is `tolerance`
/// times as long as at `from`, and one.
pub(super) fn minimize(from: Vec<f64>, objective: &Objective<'_>, tolerance: f64) -> Vec<f64> {
    let mut place = Place::new(from, objective);
    let small = tolerance * (1.0 + norm(&place.gradient));
    let mut memory = Memory::default();
    for _ in 0..MAX_STEPS {
        if norm(&place.gradient) <= small {
            break;
        }
        let direction = memory.direction(&place.gradient);
        let Some(next) = place.step(&direction, objective) else { break };
        memory.remember(&place, &next);
        place = next;
    }
    place.at
}

/// Parameters, and the function there.
struct Place {
    at: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

impl Place {
    fn new(at: Vec<f64>, objective: &Objective<'_>) -> Self {
        let mut gradient = vec![0.0; at.len()];
        let value = objective(&at, &mut gradient);
        Self { at, value, gradient }
    }

    /// The end of a step along a direction that is neither too long nor too short; none where the
    /// direction leads no further down, as at a minimum to the last bit.
    fn step(&self, direction: &[f64], objective: &Objective<'_>) -> Option<Self> {
        let slope = dot(direction, &self.gradient);
        let (mut low, mut high, mut length) = (0.0, f64::INFINITY, 1.0);
        for _ in 0..MAX_TRIALS {
            let next = Self::new(self.along(direction, length), objective);
            let enough = self.value + DECREASE * length * slope;
            if next.value.is_nan() || next.value > enough {
                high = length;
            } else if dot(direction, &next.gradient) < FLATTENING * slope {
                low = length;
            } else {
                return (next.value < self.value).then_some(next);
            }
            length = if high.is_finite() { f64::midpoint(low, high) } else { 2.0 * length };
        }
        None
    }

    fn along(&self, direction: &[f64], length: f64) -> Vec<f64> {
        self.at.iter().zip(direction).map(|(x, d)| x + length * d).collect()
    }
}

/// The latest steps, oldest first.
#[derive(Default)]
struct Memory {
    steps: VecDeque<Step>,
}

/// How far the parameters went, and how the gradient changed over it.
struct Step {
    moved: Vec<f64>,
    turned: Vec<f64>,
    /// `1 / (moved . turned)`, above 0.
    inverse: f64,
}

impl Memory {
    fn remember(&mut self, from: &Place, to: &Place) {
        let (moved, turned) =
            (difference(&to.at, &from.at), difference(&to.gradient, &from.gradient));
        let curvature = dot(&moved, &turned);
        if curvature <= 0.0 {
            return;
        }
        if self.steps.len() == MEMORY {
            self.steps.pop_front();
        }
        self.steps.push_back(Step { moved, turned, inverse: 1.0 / curvature });
    }

    /// Down the gradient, as far as the remembered curvature says; at first, no further than 1.
    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut shares = Vec::with_capacity(self.steps.len());
        for step in self.steps.iter().rev() {
            let share = step.inverse * dot(&step.moved, &direction);
            add(&mut direction, -share, &step.turned);
            shares.push(share);
        }
        let scale = self.scale(gradient);
        direction = direction.into_iter().map(|d| scale * d).collect();
        for (step, share) in self.steps.iter().zip(shares.into_iter().rev()) {
            let back = step.inverse * dot(&step.turned, &direction);
            add(&mut direction, share - back, &step.moved);
        }
        direction
    }

    fn scale(&self, gradient: &[f64]) -> f64 {
        match self.steps.back() {
            Some(step) => 1.0 / (step.inverse * dot(&step.turned, &step.turned)),
            None => 1.0 / norm(gradient).max(1.0),
        }
    }
}

fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(x, y)| x - y).collect()
}

fn add(sum: &mut [f64], factor: f64, vector: &[f64]) {
    sum.iter_mut().zip(vector).for_each(|(s, v)| *s += factor * v);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bowl_that_is_narrow_is_walked_to_its_bottom() {
        let widths: Vec<f64> = (0..20).map(|i| 10_f64.powi(i % 5)).collect();
        let bowl = |x: &[f64], gradient: &mut [f64]| {
            let mut value = 0.0;
            for ((&x, g), width) in x.iter().zip(gradient).zip(&widths) {
                value += 0.5 * width * (x - 3.0).powi(2);
                *g = width * (x - 3.0);
            }
            value
        };
        let found = minimize(vec![0.0; 20], &bowl, EXACT);
        assert!(found.iter().all(|x| (x - 3.0).abs() < 1e-2), "{found:?}");
    }

    #[test]
    fn a_bent_valley_is_followed() {
        let valley = |x: &[f64], gradient: &mut [f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            gradient.copy_from_slice(&[-2.0 * a - 400.0 * x[0] * b, 200.0 * b]);
            a * a + 100.0 * b * b
        };
        let found = minimize(vec![-1.2, 1.0], &valley, EXACT);
        assert!(found.iter().all(|x| (x - 1.0).abs() < 1e-4), "{found:?}");
    }

    #[test]
    fn a_function_without_a_minimum_ends_somewhere_finite() {
        let slope = |x: &[f64], gradient: &mut [f64]| {
            gradient[0] = -1.0;
            -x[0]
        };
        assert!(minimize(vec![0.0], &slope, EXACT)[0].is_finite());
    }

    #[test]
    fn a_minimum_is_not_left() {
        let bowl = |x: &[f64], gradient: &mut [f64]| {
            gradient[0] = 2.0 * x[0];
            x[0] * x[0]
        };
        assert_eq!(minimize(vec![0.0], &bowl, EXACT), [0.0]);
    }
}
