//! The support vector machine of Forager (Stanford, 2021): scikit-learn's `LinearSVC(C=0.1)`.
//!
//! Minimizes `(|w|^2 + b^2) / 2 + C sum max(0, 1 - y (w . x + b))^2`; liblinear holds the bias as it
//! holds a weight. Labels count by their side alone, those on the boundary not at all. While no
//! label is negative, records of the sample are presumed to be, as in Forager's "augment
//! negatives" and in continuous active learning (Cormack and Grossman, 2014); while none is
//! positive, the start is what is left. Its score is the distance from the hyperplane in margins.

use crate::{Background, Example, LinearClassifier, Start};

use super::{
    minimize::{EXACT, minimize},
    risk::{self, Term, risk, squared_hinge},
    start_alone,
};

/// How much a label weighs against the length of the weights.
const C: f64 = 0.1;

/// Records that are presumed to be irrelevant, where no label says that any is.
const N_PRESUMED: usize = 100;

pub(super) fn fit(
    start: &Start,
    examples: &[&Example],
    background: &Background,
) -> LinearClassifier {
    let Some(terms) = terms(examples, background) else {
        return start_alone(start, examples, background);
    };
    let objective = |parameters: &[f64], gradient: &mut [f64]| {
        let loss = risk(&terms, squared_hinge, parameters, gradient);
        gradient.iter_mut().zip(parameters).for_each(|(g, w)| *g = C * *g + w);
        C * loss + 0.5 * parameters.iter().map(|w| w * w).sum::<f64>()
    };
    risk::classifier(&minimize(vec![0.0; background.dimension() + 1], &objective, EXACT))
}

fn terms<'a>(examples: &[&'a Example], background: &'a Background) -> Option<Vec<Term<'a>>> {
    if let Some(terms) = risk::two_sided(examples, (-1.0, 1.0)) {
        return Some(terms);
    }
    let positive = examples.iter().filter(|example| example.label.is_positive());
    let term = |example: &&'a Example| Term { target: 1.0, ..Term::graded(example) };
    let mut terms: Vec<Term<'_>> = positive.map(term).collect();
    let sample = background.sample();
    let presumed = sample.rows().step_by(sample.n_rows().div_ceil(N_PRESUMED).max(1));
    let is_any = !terms.is_empty() && presumed.len() > 0;
    terms.extend(presumed.map(|x| Term { x, target: -1.0, weight: 1.0 }));
    is_any.then_some(terms)
}
