//! The most probable weights by Newton's method in the span of the terms.
//!
//! The weights are `t Y a`, a combination of the terms' whitened embeddings, so the unknowns are as many as
//! the terms, and dimensions count only once, in their Gram matrix. Source: Rasmussen and Williams,
//! "Gaussian Processes for Machine Learning", algorithm 3.1, with a step that is halved until it goes down.

use faer::{
    Accum, Mat, MatRef, Par, Side,
    linalg::{
        matmul::{self, triangular::BlockStructure},
        solvers::Solve,
    },
};

use super::{BIAS_DEVIATION, Taught, Term, whitened};
use crate::{Background, linear::sigmoid};

/// Steps after which the search is given up; it takes about six.
const MAX_STEPS: usize = 50;

/// A step that brings a smaller share of the loss than this is the last.
const TOLERANCE: f64 = 1e-9;

/// Steps are halved until they are this short.
const MIN_LENGTH: f64 = 1e-4;

/// Curvature stays above this where a term is certain.
const MIN_CURVATURE: f64 = 1e-10;

pub(super) fn most_probable(terms: &[Term<'_>], background: &Background, freedom: f64) -> Taught {
    let columns = whitened(terms, background);
    let kernel = kernel(columns.as_ref(), freedom);
    let duals = Posterior { terms, kernel: kernel.as_ref() }.maximum();
    let mut weights = Mat::zeros(columns.nrows(), 1);
    matmul::matmul(weights.as_mut(), Accum::Replace, &columns, &duals, freedom, Par::Seq);
    let bias = BIAS_DEVIATION * BIAS_DEVIATION * duals.col_as_slice(0).iter().sum::<f64>();
    Taught { weights: weights.col_as_slice(0).to_vec(), bias }
}

/// The prior covariance of the terms' logits: `t Y'Y` and that of the bias.
fn kernel(columns: MatRef<'_, f64>, freedom: f64) -> Mat<f64> {
    let n = columns.ncols();
    let mut lower = Mat::zeros(n, n);
    matmul::triangular::matmul(
        lower.as_mut(),
        BlockStructure::TriangularLower,
        Accum::Replace,
        columns.transpose(),
        BlockStructure::Rectangular,
        columns,
        BlockStructure::Rectangular,
        freedom,
        Par::Seq,
    );
    let of_bias = BIAS_DEVIATION * BIAS_DEVIATION;
    Mat::from_fn(n, n, |i, j| lower[(i.max(j), i.min(j))] + of_bias)
}

/// Over duals `a`, the terms' logits being `offset + K a`.
struct Posterior<'a> {
    terms: &'a [Term<'a>],
    kernel: MatRef<'a, f64>,
}

/// Duals, what they add to the logits, and their negative log posterior.
struct Place {
    duals: Mat<f64>,
    shift: Mat<f64>,
    loss: f64,
}

impl Posterior<'_> {
    fn maximum(&self) -> Mat<f64> {
        let mut place = self.place(Mat::zeros(self.terms.len(), 1));
        for _ in 0..MAX_STEPS {
            let Some(next) = self.step(&place) else { break };
            let gain = place.loss - next.loss;
            place = next;
            if gain <= TOLERANCE * place.loss {
                break;
            }
        }
        place.duals
    }

    fn place(&self, duals: Mat<f64>) -> Place {
        let shift = self.kernel * &duals;
        let of_term = |(i, term): (usize, &Term<'_>)| {
            let logit = term.offset + shift[(i, 0)];
            let softplus = logit.max(0.0) + (-logit.abs()).exp().ln_1p();
            term.weight * (softplus - term.target * logit) + 0.5 * duals[(i, 0)] * shift[(i, 0)]
        };
        let loss = self.terms.iter().enumerate().map(of_term).sum();
        Place { duals, shift, loss }
    }

    /// The first of the Newton step, its half, its quarter, ... that goes down.
    fn step(&self, from: &Place) -> Option<Place> {
        let goal = self.newton_goal(from)?;
        let mut length = 1.0;
        while length > MIN_LENGTH {
            let between =
                |i: usize, _| from.duals[(i, 0)] + length * (goal[(i, 0)] - from.duals[(i, 0)]);
            let next = self.place(Mat::from_fn(self.terms.len(), 1, between));
            if next.loss < from.loss {
                return Some(next);
            }
            length /= 2.0;
        }
        None
    }

    /// Where the loss would be lowest if it were the parabola that it is like here:
    /// `b - W^1/2 B^-1 W^1/2 K b`, with `B = I + W^1/2 K W^1/2` and `b = W (K a) + gradient`.
    fn newton_goal(&self, from: &Place) -> Option<Mat<f64>> {
        let n = self.terms.len();
        let (mut roots, mut right) = (Vec::with_capacity(n), Mat::zeros(n, 1));
        for (i, term) in self.terms.iter().enumerate() {
            let p = sigmoid(term.offset + from.shift[(i, 0)]);
            let curvature = (term.weight * p * (1.0 - p)).max(MIN_CURVATURE);
            right[(i, 0)] = curvature * from.shift[(i, 0)] + term.weight * (term.target - p);
            roots.push(curvature.sqrt());
        }
        let unit = |i, j| if i == j { 1.0 } else { 0.0 };
        let b = Mat::from_fn(n, n, |i, j| unit(i, j) + roots[i] * self.kernel[(i, j)] * roots[j]);
        let product = self.kernel * &right;
        let mut solved = Mat::from_fn(n, 1, |i, _| roots[i] * product[(i, 0)]);
        b.llt(Side::Lower).ok()?.solve_in_place(solved.as_mut());
        Some(Mat::from_fn(n, 1, |i, _| right[(i, 0)] - roots[i] * solved[(i, 0)]))
    }
}
