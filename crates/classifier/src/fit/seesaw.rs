//! `SeeSaw` (Moll, Favela, Madden, Gadepally, Cafarella; VLDB 2023): labels pull against two priors,
//! one toward the query and one toward directions in which neighbours do not differ.
//!
//! Minimizes over w, from the query q on, with x centered on the mean of the labelled records:
//!
//! ```text
//!   sum c BCE(w . (x - mean), y)      labels, the classes balanced
//! + Q (1 - cos(w, q)) / 2             the query
//! + L (cosh(log(w . w)) - 1)          the length of w stays about 1
//! + N w' M w / 2                      the neighbours, M their covariance
//! ```
//!
//! with c proportional to `(n_negative + 1) / (n_positive + 1)` for positive labels and to 1 for
//! others, their sum being the number of labels. Formula and constants are those of the authors' code
//! (`orm011/seesaw`, `multi_reg_neg.py`); Q = 10 and N = 1000 are among their best, and between
//! L = 30 and 300 there is no difference. A record counts as positive above 0 and its target is
//! its grade. They rank by w and draw no boundary: here, the mean of the labelled records has
//! logit 0, as in their loss. Without labels, the query is what is left.

use crate::{Background, Example, LinearClassifier, Start, linear::dot};

use super::{
    minimize::{EXACT, minimize},
    risk::{self, Term, cross_entropy},
    start_alone,
};

/// The weight of the query.
const QUERY: f64 = 10.0;

/// The weight of the length.
const LENGTH: f64 = 30.0;

/// The weight of the neighbours.
const NEIGHBOURS: f64 = 1000.0;

/// Which priors hold the weights.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Prior {
    /// The query alone.
    Query,
    /// The query, and the neighbours in the sample of the corpus.
    QueryAndNeighbours,
}

pub(super) fn fit(
    start: &Start,
    examples: &[&Example],
    background: &Background,
    prior: Prior,
) -> LinearClassifier {
    if examples.is_empty() {
        return start_alone(start, examples, background);
    }
    let query: Vec<f64> = start.direction().as_slice().iter().map(|&q| f64::from(q)).collect();
    let terms = balanced(examples);
    let center = risk::mean(&terms, query.len());
    let objective = |weights: &[f64], gradient: &mut [f64]| {
        let mut loss = of_labels(&terms, &center, weights, gradient);
        loss += of_query(&query, weights, gradient) + of_length(weights, gradient);
        if prior == Prior::QueryAndNeighbours {
            loss += of_neighbours(background, weights, gradient);
        }
        loss
    };
    let mut found = minimize(query.clone(), &objective, EXACT);
    found.push(0.0);
    risk::classifier(&risk::uncentered(&found, &center))
}

fn balanced<'a>(examples: &[&'a Example]) -> Vec<Term<'a>> {
    let n = examples.len() as f64;
    let n_positive = examples.iter().filter(|e| e.label.is_positive()).count() as f64;
    let n_negative = n - n_positive;
    let ratio = (n_negative + 1.0) / (n_positive + 1.0);
    let scale = n / (ratio * n_positive + n_negative);
    let term = |example: &&'a Example| {
        let weight = if example.label.is_positive() { ratio * scale } else { scale };
        Term { weight, ..Term::graded(example) }
    };
    examples.iter().map(term).collect()
}

/// Overwrites the gradient; the others add to it.
fn of_labels(terms: &[Term<'_>], center: &[f64], weights: &[f64], gradient: &mut [f64]) -> f64 {
    let parameters: Vec<f64> = weights.iter().copied().chain([0.0]).collect();
    let mut with_bias = vec![0.0; parameters.len()];
    let loss = risk::centered_risk((terms, center), cross_entropy, &parameters, &mut with_bias);
    gradient.iter_mut().zip(with_bias).for_each(|(g, slope)| *g = slope);
    loss
}

fn of_query(query: &[f64], weights: &[f64], gradient: &mut [f64]) -> f64 {
    let length = dot(weights, weights).sqrt();
    let cosine = dot(weights, query) / length;
    for ((g, w), q) in gradient.iter_mut().zip(weights).zip(query) {
        *g -= 0.5 * QUERY * (q - cosine * w / length) / length;
    }
    0.5 * QUERY * (1.0 - cosine)
}

/// cosh(log(s)) is (s + 1/s) / 2.
fn of_length(weights: &[f64], gradient: &mut [f64]) -> f64 {
    let square = dot(weights, weights);
    let slope = LENGTH * (1.0 - square.powi(-2));
    gradient.iter_mut().zip(weights).for_each(|(g, w)| *g += slope * w);
    LENGTH * (f64::midpoint(square, 1.0 / square) - 1.0)
}

fn of_neighbours(background: &Background, weights: &[f64], gradient: &mut [f64]) -> f64 {
    let covariance = background.neighbour_covariance();
    // M is symmetric, so that its columns are its rows.
    let product: Vec<f64> =
        (0..weights.len()).map(|i| dot(covariance.col_as_slice(i), weights)).collect();
    gradient.iter_mut().zip(&product).for_each(|(g, p)| *g += NEIGHBOURS * p);
    0.5 * NEIGHBOURS * dot(weights, &product)
}
