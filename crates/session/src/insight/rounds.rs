//! What each round has brought: labels, relevant ones among them, and how far the weights turned.

use std::collections::BTreeMap;

use linprobe_classifier::probability;

use crate::{Round, State, session::angle};

/// What a round has brought.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundReport {
    /// Its number.
    pub round: u32,
    /// Its records that have a label from this round.
    pub n_labels: u64,
    /// The relevant ones among them.
    pub n_positive: u64,
    /// All relevant labels up to and with this round, those of the start included.
    pub n_positive_total: u64,
    /// How far the first fit after it turned the weights, in radians; 0 before there was one.
    pub angle: f64,
    /// How likely its records were to be relevant, on average, by the classifier that chose them.
    pub mean_probability: f64,
}

/// A report for every round, in order.
pub(super) fn reports(state: &State) -> Vec<RoundReport> {
    let angles = angles(state);
    let mut positive = BTreeMap::<u32, u64>::new();
    for given in state.given_labels().values().filter(|given| given.label.is_positive()) {
        *positive.entry(given.round).or_default() += 1;
    }
    let foreign = state.query().examples.iter().filter(|example| example.id.is_none());
    let mut n_positive_total = foreign.filter(|example| example.label.is_positive()).count() as u64;
    n_positive_total += positive.get(&0).copied().unwrap_or_default();
    let report = |round: &Round| {
        let labels = round.records.iter().filter_map(|record| record.answer?.label());
        let n_positive = labels.clone().filter(|label| label.is_positive()).count() as u64;
        n_positive_total += positive.get(&round.number).copied().unwrap_or_default();
        RoundReport {
            round: round.number,
            n_labels: labels.count() as u64,
            n_positive,
            n_positive_total,
            angle: angles.get(&round.number).copied().unwrap_or_default(),
            mean_probability: mean_probability(round),
        }
    };
    state.rounds().iter().map(report).collect()
}

/// By the last round before it, how far the first fit after it turned the weights.
fn angles(state: &State) -> BTreeMap<u32, f64> {
    let mut angles = BTreeMap::new();
    for pair in state.fits().windows(2) {
        let [before, after] = [&pair[0], &pair[1]].map(|fit| &fit.classifier);
        angles.entry(pair[1].round).or_insert_with(|| angle(before, after));
    }
    angles
}

fn mean_probability(round: &Round) -> f64 {
    let probabilities = round.records.iter().map(|record| f64::from(probability(record.score)));
    let sum: f64 = probabilities.sum();
    sum / round.records.len().max(1) as f64
}
