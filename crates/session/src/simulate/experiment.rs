//! An experiment plays every combination of concept, start, player, oracle and seed.
//!
//! Seeds come one after the other, since each has a split and a background of its own; the games of
//! a seed run side by side. A game is the same whichever thread plays it and whatever is played
//! beside it, so an experiment that was cut short goes on with the games that are missing.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{
    concept::Concept,
    corpus::Corpus,
    curve::{Curve, GameKey},
    laboratory::{Budget, Laboratory, Trial, TrialError},
    oracle::Oracle,
    player::Player,
};

/// What to play.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// What is to be found, and from where.
    pub concepts: Vec<Concept>,
    /// Who plays; no two of the same name.
    pub players: Vec<Player>,
    /// Who answers.
    pub oracles: Vec<Oracle>,
    /// How the corpus is split.
    pub seeds: Vec<u64>,
    /// How long a game lasts.
    pub budget: Budget,
}

/// Is shown every game that has ended, from several threads at once.
pub trait Watch: Sync {
    /// A game has ended. An error ends the experiment.
    ///
    /// # Errors
    /// Whatever keeps the experiment from going on.
    fn ended(&self, curve: &Curve) -> Result<(), ExperimentError>;

    /// A game is not played: it was played before, or its split leaves nothing to find.
    fn skipped(&self);
}

impl Experiment {
    /// The number of games, those included that the split leaves nothing to find in.
    pub fn n_games(&self) -> usize {
        let n_starts: usize = self.concepts.iter().map(|concept| concept.starts().len()).sum();
        n_starts * self.players.len() * self.oracles.len() * self.seeds.len()
    }

    /// Plays the games that `known` does not hold. Gives all curves, in the order of the lists.
    ///
    /// # Errors
    /// [`ExperimentError::OtherCorpus`], or the first error that a game or the watch has.
    pub fn run(
        &self,
        corpus: &Corpus,
        known: Vec<Curve>,
        watch: &dyn Watch,
    ) -> Result<Vec<Curve>, ExperimentError> {
        let mut known: BTreeMap<GameKey, Curve> =
            known.into_iter().map(|curve| (curve.key.clone(), curve)).collect();
        let mut curves = Vec::new();
        for &seed in &self.seeds {
            let trials = self.trials().map(|trial| {
                let known = known.remove(&GameKey::new(&trial, seed));
                known.as_ref().map_or(Ok(()), |known| check_corpus(known, &trial, corpus))?;
                Ok((trial, known))
            });
            let trials: Vec<_> = trials.collect::<Result<_, ExperimentError>>()?;
            if trials.iter().any(|(_, known)| known.is_none()) {
                let laboratory = Laboratory::new(corpus, seed);
                curves.extend(play_all(&laboratory, trials, watch)?);
            } else {
                for (_, known) in trials {
                    watch.skipped();
                    curves.extend(known);
                }
            }
        }
        Ok(curves)
    }

    fn trials(&self) -> impl Iterator<Item = Trial<'_>> {
        self.concepts.iter().flat_map(move |concept| {
            concept.starts().iter().flat_map(move |start| {
                self.oracles.iter().flat_map(move |&oracle| {
                    self.players.iter().map(move |player| Trial {
                        concept,
                        start,
                        player,
                        oracle,
                        budget: self.budget,
                    })
                })
            })
        })
    }
}

/// A curve of another corpus has mostly another number of records to label.
fn check_corpus(known: &Curve, trial: &Trial<'_>, corpus: &Corpus) -> Result<(), ExperimentError> {
    let n_pool = corpus.len() - Laboratory::n_held_out(corpus.len());
    let possible = n_pool.saturating_sub(trial.start.from.n_known())..=n_pool;
    if known.points.first().is_some_and(|point| !possible.contains(&point.n_pool)) {
        return Err(ExperimentError::OtherCorpus { concept: known.key.concept.clone() });
    }
    Ok(())
}

fn play_all(
    laboratory: &Laboratory<'_>,
    trials: Vec<(Trial<'_>, Option<Curve>)>,
    watch: &dyn Watch,
) -> Result<Vec<Curve>, ExperimentError> {
    let curves = trials.into_par_iter().map(|(trial, known)| {
        if known.is_some() || !laboratory.can_play(&trial) {
            watch.skipped();
            return Ok(known);
        }
        let curve = laboratory.play(&trial)?;
        watch.ended(&curve)?;
        Ok(Some(curve))
    });
    let curves: Result<Vec<Option<Curve>>, ExperimentError> = curves.collect();
    Ok(curves?.into_iter().flatten().collect())
}

/// Why an experiment cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// A game cannot be played.
    #[error(transparent)]
    Trial(#[from] TrialError),
    /// Games that were played before are of another corpus.
    #[error(
        "the games of {concept:?} that were played before are of another dataset\n\
         hint: name another file for the curves, or delete the one that there is"
    )]
    OtherCorpus {
        /// The concept of the first such game.
        concept: String,
    },
    /// The file of curves fails.
    #[error(transparent)]
    Ledger(#[from] super::LedgerError),
}
