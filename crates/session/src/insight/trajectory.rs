//! How the classifier has turned from fit to fit, drawn in the plane in which it turned most.
//!
//! The plane is that of the first two principal components of the unit weight vectors of all fits.
//! A component has no sign of its own: the first is drawn so that the last fit lies to the right of the
//! first one, the second so that the fit furthest from the middle lies above it.

use faer::{Mat, Side};
use linprobe_classifier::Label;
use linprobe_core::{Point, RecordId, StoreError};

use crate::View;

/// At most so many fits are drawn: the first, the last, and others at equal distances.
const MAX_STEPS: usize = 60;

/// At most so many labelled records are drawn.
const MAX_LANDMARKS: usize = 200;

/// Where the classifiers and the labelled records lie.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trajectory {
    /// The classifiers, in the order in which they were fitted.
    pub steps: Vec<Step>,
    /// Labelled records, by the direction in which they lie from the middle of the corpus. None while
    /// there is only one classifier.
    pub landmarks: Vec<Landmark>,
}

/// Where a classifier lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The last round before it.
    pub round: u32,
    /// To the right.
    pub x: f64,
    /// Up.
    pub y: f64,
}

/// Where a labelled record lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Landmark {
    /// The record.
    pub id: RecordId,
    /// Its label.
    pub label: Label,
    /// To the right.
    pub x: f64,
    /// Up.
    pub y: f64,
}

/// The plane: its middle and its two axes, of unit length; an axis is zero where nothing turned.
struct Plane {
    middle: Vec<f64>,
    axes: [Vec<f64>; 2],
}

/// Draws all fits of a session, and its labelled records.
pub(super) async fn follow(view: &View) -> Result<Trajectory, StoreError> {
    let labelled: Vec<&RecordId> = view.state().labels().map(|(id, _)| id).collect();
    let drawn = spread(labelled.len(), MAX_LANDMARKS).map(|i| labelled[i].clone());
    let points = view.store().fetch(&drawn.collect::<Vec<_>>()).await?;
    Ok(draw(view, &points))
}

fn draw(view: &View, labelled: &[Point]) -> Trajectory {
    let fits = view.state().fits();
    let directions: Vec<Vec<f64>> = spread(fits.len(), MAX_STEPS)
        .map(|i| unit(fits[i].classifier.weights().iter().map(|&weight| f64::from(weight))))
        .collect();
    let plane = Plane::through(&directions.iter().collect::<Vec<_>>());
    let steps = spread(fits.len(), MAX_STEPS).zip(&directions).map(|(i, direction)| {
        let [x, y] = plane.place(direction);
        Step { round: fits[i].round, x, y }
    });
    let steps: Vec<Step> = steps.collect();
    let landmarks = if steps.len() > 1 { landmarks(view, labelled, &plane) } else { Vec::new() };
    Trajectory { steps, landmarks }
}

fn landmarks(view: &View, labelled: &[Point], plane: &Plane) -> Vec<Landmark> {
    let mean = view.background().mean();
    let landmark = |point: &Point| {
        let values = point.embedding.as_slice().iter().zip(mean);
        let [x, y] = plane.place(&unit(values.map(|(&value, mean)| f64::from(value) - mean)));
        Some(Landmark { id: point.id.clone(), label: view.state().label(&point.id)?, x, y })
    };
    labelled.iter().filter_map(landmark).collect()
}

impl Plane {
    /// Through unit vectors, all of one length.
    fn through(vectors: &[&Vec<f64>]) -> Self {
        let dimension = vectors.first().map_or(0, |vector| vector.len());
        let mean = |j: usize| vectors.iter().map(|vector| vector[j]).sum::<f64>();
        let middle: Vec<f64> =
            (0..dimension).map(|j| mean(j) / vectors.len().max(1) as f64).collect();
        let away = Mat::from_fn(vectors.len(), dimension, |i, j| vectors[i][j] - middle[j]);
        let components = components(&away);
        let axes = components.map(|shares| {
            let axis: Vec<f64> = (0..dimension)
                .map(|j| shares.iter().enumerate().map(|(i, share)| share * away[(i, j)]).sum())
                .collect();
            unit(axis.into_iter())
        });
        let mut plane = Self { middle, axes };
        plane.settle_signs(vectors);
        plane
    }

    /// How far along the axes a vector lies from the middle.
    fn place(&self, vector: &[f64]) -> [f64; 2] {
        let away = vector.iter().zip(&self.middle).map(|(value, middle)| value - middle);
        [0, 1].map(|k| away.clone().zip(&self.axes[k]).map(|(a, b)| a * b).sum())
    }

    fn settle_signs(&mut self, vectors: &[&Vec<f64>]) {
        let (Some(first), Some(last)) = (vectors.first(), vectors.last()) else { return };
        let to_the_right = self.place(last)[0] - self.place(first)[0];
        let heights = vectors.iter().map(|vector| self.place(vector)[1]);
        let furthest = heights.max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or_default();
        for (axis, sign) in self.axes.iter_mut().zip([to_the_right, furthest]) {
            if sign < 0.0 {
                for value in axis.iter_mut() {
                    *value = -*value;
                }
            }
        }
    }
}

/// The shares of each row in the first two principal components; zeros where rows do not differ.
fn components(away: &Mat<f64>) -> [Vec<f64>; 2] {
    let n_rows = away.nrows();
    let none = || vec![0.0; n_rows];
    let products = away * away.transpose();
    let Ok(eigen) = products.self_adjoint_eigen(Side::Lower) else { return [none(), none()] };
    [1, 2].map(|nth| match n_rows.checked_sub(nth) {
        Some(column) if eigen.S()[column] > 1e-12 => {
            (0..n_rows).map(|i| eigen.U()[(i, column)]).collect()
        }
        _ => none(),
    })
}

/// At most `n` of so many indices, the first and the last among them.
fn spread(n_all: usize, n: usize) -> impl Iterator<Item = usize> {
    let n = n.min(n_all);
    (0..n).map(move |i| if n > 1 { i * (n_all - 1) / (n - 1) } else { 0 })
}

/// Of unit length; zero stays zero.
fn unit(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let values: Vec<f64> = values.collect();
    let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
    values.into_iter().map(|value| value * scale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned(degrees: f64) -> Vec<f64> {
        let (sin, cos) = degrees.to_radians().sin_cos();
        vec![cos, sin, 0.0, 0.0]
    }

    #[test]
    fn a_plane_keeps_the_distances_of_what_lies_in_it() {
        let vectors = [0.0, 20.0, 50.0, 90.0].map(turned);
        let plane = Plane::through(&vectors.iter().collect::<Vec<_>>());
        let distance = |a: &[f64], b: &[f64]| -> f64 {
            a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
        };
        for pair in vectors.windows(2) {
            let drawn = distance(&plane.place(&pair[0]), &plane.place(&pair[1]));
            assert!((drawn - distance(&pair[0], &pair[1])).abs() < 1e-9);
        }
    }

    #[test]
    fn the_last_fit_lies_to_the_right_of_the_first() {
        let there = [0.0, 30.0, 80.0].map(turned);
        let back = [80.0, 30.0, 0.0].map(turned);
        for vectors in [there, back] {
            let plane = Plane::through(&vectors.iter().collect::<Vec<_>>());
            assert!(plane.place(&vectors[2])[0] > plane.place(&vectors[0])[0]);
            let heights = vectors.iter().map(|vector| plane.place(vector)[1]);
            let furthest = heights.max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap();
            assert!(furthest >= 0.0);
        }
    }

    #[test]
    fn one_fit_or_equal_fits_lie_in_the_middle() {
        for n in 1..4 {
            let vectors = vec![turned(40.0); n];
            let plane = Plane::through(&vectors.iter().collect::<Vec<_>>());
            assert!(plane.place(&vectors[0]).iter().all(|place| place.abs() < 1e-9));
        }
    }

    #[test]
    fn the_first_and_the_last_are_among_those_drawn() {
        assert_eq!(spread(1000, 3).collect::<Vec<_>>(), [0, 499, 999]);
        assert_eq!(spread(2, 9).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(spread(1, 9).collect::<Vec<_>>(), [0]);
        assert_eq!(spread(0, 9).count(), 0);
    }
}
