//! Logistic regression as scikit-learn's `LogisticRegression()` has it: the usual learner of active
//! learning by uncertainty.
//!
//! Minimizes `|w|^2 / 2 + C sum log(1 + exp(-y (w . x + b)))` with C = 1 and a free bias. Labels
//! count by their side alone, those on the boundary not at all. It knows nothing of the start; where
//! all labels take the same side it has no fit, and the start is what is left. Its score is its
//! own logit.

use crate::{Background, Example, LinearClassifier, Start};

use super::{
    minimize::{EXACT, minimize},
    risk::{self, cross_entropy},
    start_alone,
};

/// How much a label weighs against the length of the weights.
const C: f64 = 1.0;

pub(super) fn fit(
    start: &Start,
    examples: &[&Example],
    background: &Background,
) -> LinearClassifier {
    let Some(terms) = risk::two_sided(examples, (0.0, 1.0)) else {
        return start_alone(start, examples, background);
    };
    // The bias is free, so centering changes the path to the minimum alone: embeddings lie in a
    // cone, and around zero their common direction and the bias would pull at each other.
    let center = risk::mean(&terms, background.dimension());
    let objective = |parameters: &[f64], gradient: &mut [f64]| {
        let loss = risk::centered_risk((&terms, &center), cross_entropy, parameters, gradient);
        let (weights, _) = risk::split(parameters);
        // The bias, which is not held, comes after all weights.
        let pulls = weights.iter().copied().chain([0.0]);
        gradient.iter_mut().zip(pulls).for_each(|(g, w)| *g = C * *g + w);
        C * loss + 0.5 * weights.iter().map(|w| w * w).sum::<f64>()
    };
    let found = minimize(vec![0.0; center.len() + 1], &objective, EXACT);
    risk::classifier(&risk::uncentered(&found, &center))
}
