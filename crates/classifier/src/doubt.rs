//! Doubt finds labels that the other labels speak against, so that a person looks again.
//!
//! A slip of the finger moves a classifier of few labels far. Each label is judged by a classifier
//! that was fitted without it: one that says the opposite with confidence, or a near-duplicate that
//! was labelled the other way, is worth a second look. It is a suggestion: hard cases look the same.

use linprobe_core::Embedding;

use crate::{Background, Example, FitError, Label, Method, Start, fit, linear::sigmoid};

/// A label this far from the probability that the others give is in doubt.
const MAX_SURPRISE: f64 = 0.8;

/// Records with a cosine above this one are taken for the same.
const SAME: f64 = 0.95;

/// Labels of each side that are needed before the others can speak against one.
const MIN_SIDE: usize = 3;

/// Parts that the labels are split into; each is judged by the others.
const N_FOLDS: usize = 10;

/// A label that the other labels speak against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Doubt {
    /// The index of the example.
    pub example_idx: usize,
    /// What speaks against it.
    pub reason: DoubtReason,
}

/// What speaks against a label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DoubtReason {
    /// A classifier fitted without it gives its record another probability of being relevant.
    Unexpected {
        /// The probability, in [0, 1].
        probability: f64,
    },
    /// A record that is nearly the same has the opposite label.
    Contradicted {
        /// The index of the other example.
        by_idx: usize,
        /// How alike they are.
        cosine: f64,
    },
}

/// Every label in doubt, the most doubtful first.
///
/// # Errors
/// [`FitError`] when the dimensions differ.
pub fn doubts(
    start: &Start,
    examples: &[Example],
    background: &Background,
    method: &Method,
) -> Result<Vec<Doubt>, FitError> {
    let mut found = contradicted(examples);
    if has_two_sides(examples) {
        for (example_idx, probability) in left_out(start, examples, background, method)? {
            let grade = f64::from(examples[example_idx].label.grade());
            let surprise = (probability - grade).abs();
            if surprise > MAX_SURPRISE {
                let reason = DoubtReason::Unexpected { probability };
                found.push((surprise, Doubt { example_idx, reason }));
            }
        }
    }
    found.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.example_idx.cmp(&y.example_idx)));
    let mut named = std::collections::BTreeSet::new();
    found.retain(|(_, doubt)| named.insert(doubt.example_idx));
    Ok(found.into_iter().map(|(_, doubt)| doubt).collect())
}

fn has_two_sides(examples: &[Example]) -> bool {
    let count = |belongs: fn(Label) -> bool| {
        examples.iter().filter(|example| belongs(example.label)).count()
    };
    count(Label::is_positive) >= MIN_SIDE && count(Label::is_negative) >= MIN_SIDE
}

/// Pairs that are nearly the same and have opposite labels, both of each, with their cosine.
fn contradicted(examples: &[Example]) -> Vec<(f64, Doubt)> {
    let mut found = Vec::new();
    for (example_idx, example) in examples.iter().enumerate() {
        let opposite = |other: &Example| example.label.value() * other.label.value() < 0.0;
        let others = examples.iter().enumerate().filter(|(_, other)| opposite(other));
        let cosines = others.map(|(i, other)| (i, cosine(&example.embedding, &other.embedding)));
        let nearest = cosines.max_by(|(_, a), (_, b)| a.total_cmp(b));
        if let Some((by_idx, cosine)) = nearest.filter(|(_, cosine)| *cosine > SAME) {
            let reason = DoubtReason::Contradicted { by_idx, cosine };
            found.push((cosine, Doubt { example_idx, reason }));
        }
    }
    found
}

/// The probability of each example by a classifier that was fitted without it and its fold.
fn left_out(
    start: &Start,
    examples: &[Example],
    background: &Background,
    method: &Method,
) -> Result<Vec<(usize, f64)>, FitError> {
    let n_folds = examples.len().min(N_FOLDS);
    let mut found = Vec::with_capacity(examples.len());
    for fold in 0..n_folds {
        let numbered = || examples.iter().enumerate();
        let others = numbered().filter(|(i, _)| i % n_folds != fold).map(|(_, e)| e.clone());
        let classifier = fit(start, &others.collect::<Vec<_>>(), background, method)?;
        let own = numbered().skip(fold).step_by(n_folds);
        found.extend(
            own.map(|(i, example)| (i, sigmoid(f64::from(classifier.score(&example.embedding))))),
        );
    }
    Ok(found)
}

fn cosine(a: &Embedding, b: &Embedding) -> f64 {
    a.as_slice().iter().zip(b.as_slice()).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
}
