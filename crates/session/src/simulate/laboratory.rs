//! One split of a corpus: a pool to label from, and a part held out that no player sees.

use linprobe_classifier::{Background, FitError, NoStart};
use linprobe_core::{Embedding, SplitMix};

use super::{
    concept::{Concept, NamedStart},
    corpus::Corpus,
    curve::Curve,
    game,
    oracle::Oracle,
    player::Player,
};

/// One point in five is held out.
const HELD_OUT: usize = 5;

/// A corpus, split by a seed.
#[derive(Debug)]
pub struct Laboratory<'a> {
    corpus: &'a Corpus,
    pool: Vec<usize>,
    held_out: Vec<usize>,
    background: Background,
    seed: u64,
}

/// How many records are labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How many rounds are played.
    pub n_rounds: usize,
    /// How many records are labelled in each.
    pub per_round: usize,
}

/// A session to simulate.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// What is to be found.
    pub concept: &'a Concept,
    /// Where the search for it starts.
    pub start: &'a NamedStart,
    /// Who searches.
    pub player: &'a Player,
    /// Who answers.
    pub oracle: Oracle,
    /// For how long.
    pub budget: Budget,
}

impl<'a> Laboratory<'a> {
    /// Splits a corpus, and learns the background of the pool.
    pub fn new(corpus: &'a Corpus, seed: u64) -> Self {
        let mut pool = SplitMix::named(seed, &[]).shuffled(0..corpus.len());
        let mut held_out = pool.split_off(pool.len() - Self::n_held_out(pool.len()));
        pool.sort_unstable();
        held_out.sort_unstable();
        let embeddings: Vec<Embedding> = pool.iter().map(|&row| corpus.embedding(row)).collect();
        let background = Background::estimate(corpus.dimension(), &embeddings);
        Self { corpus, pool, held_out, background, seed }
    }

    /// How many of so many points are held out.
    pub fn n_held_out(n_points: usize) -> usize {
        n_points / HELD_OUT
    }

    /// The corpus that it splits.
    pub fn corpus(&self) -> &'a Corpus {
        self.corpus
    }

    /// Mean and covariance of the pool.
    pub fn background(&self) -> &Background {
        &self.background
    }

    /// The rows to label from, in order.
    pub fn pool(&self) -> &[usize] {
        &self.pool
    }

    /// The rows that no player sees, in order.
    pub fn held_out(&self) -> &[usize] {
        &self.held_out
    }

    /// What split it.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether the split leaves something of a concept on both sides, beyond the examples that a
    /// trial starts from. Rare concepts may have all their records on one.
    pub fn can_play(&self, trial: &Trial<'_>) -> bool {
        let concept = trial.concept;
        let n_relevant = |rows: &[usize]| rows.iter().filter(|&&r| concept.is_relevant(r)).count();
        n_relevant(&self.held_out) > 0 && n_relevant(&self.pool) > trial.start.from.n_drawn()
    }

    /// Plays one trial. Where it [cannot be played](Self::can_play), average precision is 0.
    ///
    /// # Errors
    /// [`TrialError`] when the start has another dimension than the corpus, or no direction.
    pub fn play(&self, trial: &Trial<'_>) -> Result<Curve, TrialError> {
        game::play(self, trial)
    }
}

/// Why a trial cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// Vectors of another model were given.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// The examples give no direction.
    #[error(transparent)]
    NoStart(#[from] NoStart),
}
