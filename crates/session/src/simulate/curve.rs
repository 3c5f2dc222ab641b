//! Learning curves: what a laboratory measures.

use linprobe_core::RecordId;

use super::{measure::Quality, oracle::Oracle};

/// Which game a curve is of. No two games of an experiment share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GameKey {
    /// The concept's name.
    pub concept: String,
    /// The start's name.
    pub start: String,
    /// The player's name.
    pub player: String,
    /// The oracle, as it is shown.
    pub oracle: String,
    /// The seed of the split.
    pub seed: u64,
}

/// How a player does, round by round.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Which game.
    pub key: GameKey,
    /// Before the first round, and after each. Of full supervision, one point.
    pub points: Vec<CurvePoint>,
    /// The relevant records that were labelled, in the order in which they were found.
    pub found: Vec<RecordId>,
}

/// How a player stands after a round.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CurvePoint {
    /// Labels given so far, without those of the start.
    pub n_labels: usize,
    /// Relevant records among them.
    pub n_found: usize,
    /// Relevant records that can be found.
    pub n_relevant: usize,
    /// Records that can be labelled.
    pub n_pool: usize,
    /// How good the classifier is on the part held out.
    pub held_out: Quality,
    /// Average precision over the pool, labelled records included.
    pub pool_ap: f64,
    /// F1 over the part held out, at the threshold that is best over the pool: what the truth of
    /// every other record would make of the scores.
    pub informed_f1: f64,
    /// Average precision of the records in the order in which they were shown, up to the tenth relevant one.
    pub shown_ap: f64,
    /// Relevant records that are expected among those not labelled yet, by the classifier's probabilities.
    pub n_expected: f64,
    /// Milliseconds of the last fit.
    pub fit_ms: f64,
    /// Milliseconds to score the corpus and choose the round.
    pub query_ms: f64,
}

impl Curve {
    /// Whether the game was played to its end: all rounds, or all records.
    pub(crate) fn is_finished(&self, n_rounds: usize) -> bool {
        let all_labelled = self.points.last().is_some_and(|last| last.n_labels == last.n_pool);
        all_labelled || self.points.len() == n_rounds + 1
    }

    /// The point at a budget; the last one, where there was less to label.
    pub fn at(&self, n_labels: usize) -> Option<&CurvePoint> {
        self.points.iter().find(|point| point.n_labels >= n_labels).or(self.points.last())
    }
}

impl GameKey {
    /// The key of a trial under a seed.
    pub(crate) fn new(trial: &super::Trial<'_>, seed: u64) -> Self {
        let oracle: Oracle = trial.oracle;
        Self {
            concept: trial.concept.name().to_owned(),
            start: trial.start.name.clone(),
            player: trial.player.name().to_owned(),
            oracle: oracle.to_string(),
            seed,
        }
    }
}
