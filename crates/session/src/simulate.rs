//! The laboratory: the loop with a truth in the place of the person, to see what a method is worth.
//!
//! Points are split at random into a pool to label from and a part held out; the truth answers +1
//! or -1; after each round the whole of both parts is scored. Everything is in memory and every
//! player sees the same split, so curves differ by the players alone.

use std::collections::BTreeSet;

use linprobe_classifier::{
    Background, Confusion, Example, FitError, Label, LinearClassifier, Method, Scored, Start,
    average_precision, fit,
};
use linprobe_core::{Point, RecordId};
use rayon::prelude::*;

/// One point in five is held out.
const HELD_OUT: usize = 5;

/// Points to simulate sessions over.
#[derive(Debug)]
pub struct Laboratory {
    pool: Vec<Point>,
    held_out: Vec<Point>,
    background: Background,
    seed: u64,
}

/// A session to simulate.
#[derive(Clone, Debug)]
pub struct Trial<'a> {
    /// Where it starts.
    pub start: &'a Start,
    /// The truth: ids of the relevant points; all others are irrelevant.
    pub relevant: &'a BTreeSet<RecordId>,
    /// How many rounds are played.
    pub n_rounds: usize,
    /// How many records are labelled in each.
    pub per_round: usize,
}

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Player {
    /// Labels the highest scores, and fits after each round.
    Method(Method),
    /// Labels records drawn at random, and fits after each round.
    RandomOrder(Method),
    /// Labels the highest scores of the start, and never fits.
    NoFeedback,
}

/// How a player does, round by round.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Who played.
    pub player: Player,
    /// Before the first round, and after each.
    pub points: Vec<CurvePoint>,
    /// The relevant points of the pool that were labelled, in the order in which they were found.
    pub found: Vec<RecordId>,
}

/// How a player stands after a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Labels given so far.
    pub n_labels: usize,
    /// Relevant points of the pool among them.
    pub n_found: usize,
    /// Average precision over the part held out.
    pub held_out_ap: f64,
    /// Average precision over the pool.
    pub pool_ap: f64,
    /// Decisions at the boundary over the part held out.
    pub held_out: Confusion,
    /// Points of the pool above the boundary.
    pub n_above: u64,
}

impl Laboratory {
    /// Splits points, and learns the background of the pool.
    pub fn new(dimension: usize, points: Vec<Point>, seed: u64) -> Self {
        let mut rng = SplitMix(seed);
        let n_held_out = points.len() / HELD_OUT;
        let mut points: Vec<Point> = rng.shuffled(points);
        let held_out = points.split_off(points.len() - n_held_out);
        let background =
            Background::estimate(dimension, points.iter().map(|point| &point.embedding));
        Self { pool: points, held_out, background, seed }
    }

    /// Mean and covariance of the pool.
    pub fn background(&self) -> &Background {
        &self.background
    }

    /// The points to label from.
    pub fn pool(&self) -> &[Point] {
        &self.pool
    }

    /// The points that no player sees.
    pub fn held_out(&self) -> &[Point] {
        &self.held_out
    }

    /// Lets each player play the trial, side by side.
    ///
    /// # Errors
    /// [`FitError`] when the start has another dimension than the points.
    pub fn compare(&self, trial: &Trial<'_>, players: &[Player]) -> Result<Vec<Curve>, FitError> {
        players.par_iter().map(|&player| self.play(trial, player)).collect()
    }

    /// Plays one trial.
    ///
    /// # Errors
    /// [`FitError`] when the start has another dimension than the points.
    pub fn play(&self, trial: &Trial<'_>, player: Player) -> Result<Curve, FitError> {
        let mut game = Game::new(self, trial, player)?;
        let mut points = vec![game.point()];
        for round in 1..=trial.n_rounds {
            if !game.round(round)? {
                break;
            }
            points.push(game.point());
        }
        Ok(Curve { player, points, found: game.found })
    }
}

/// A trial as it is being played.
struct Game<'a> {
    laboratory: &'a Laboratory,
    trial: &'a Trial<'a>,
    player: Player,
    classifier: LinearClassifier,
    /// The pool under the classifier.
    scores: Vec<Candidate<'a>>,
    examples: Vec<Example>,
    found: Vec<RecordId>,
    rng: SplitMix,
}

/// A point of the pool.
struct Candidate<'a> {
    point: &'a Point,
    relevant: bool,
    score: f32,
    labelled: bool,
}

impl<'a> Game<'a> {
    fn new(
        laboratory: &'a Laboratory,
        trial: &'a Trial<'a>,
        player: Player,
    ) -> Result<Self, FitError> {
        let classifier = fit(trial.start, &[], &laboratory.background, &player.method())?;
        let scores = laboratory.pool.iter().map(|point| Candidate {
            point,
            relevant: trial.relevant.contains(&point.id),
            score: classifier.score(&point.embedding),
            labelled: false,
        });
        let (scores, rng) = (scores.collect(), SplitMix(laboratory.seed));
        let (examples, found) = (Vec::new(), Vec::new());
        Ok(Self { laboratory, trial, player, classifier, scores, examples, found, rng })
    }

    /// Labels a round of records and fits. False when no record is left.
    fn round(&mut self, round: usize) -> Result<bool, FitError> {
        let chosen = self.choose();
        for &position in &chosen {
            self.label(position, round);
        }
        if chosen.is_empty() || self.player == Player::NoFeedback {
            return Ok(!chosen.is_empty());
        }
        let (start, background) = (self.trial.start, &self.laboratory.background);
        self.classifier = fit(start, &self.examples, background, &self.player.method())?;
        for candidate in &mut self.scores {
            candidate.score = self.classifier.score(&candidate.point.embedding);
        }
        Ok(true)
    }

    fn label(&mut self, position: usize, round: usize) {
        let candidate = &mut self.scores[position];
        candidate.labelled = true;
        let label = if candidate.relevant { Label::RELEVANT } else { Label::IRRELEVANT };
        if candidate.relevant {
            self.found.push(candidate.point.id.clone());
        }
        let embedding = candidate.point.embedding.clone();
        let round = u32::try_from(round).unwrap_or(u32::MAX);
        self.examples.push(Example { embedding, label, round });
    }

    /// Positions of the next records to label.
    fn choose(&mut self) -> Vec<usize> {
        let k = self.trial.per_round;
        let unseen = (0..self.scores.len()).filter(|&i| !self.scores[i].labelled);
        let mut unseen: Vec<usize> = unseen.collect();
        if let Player::RandomOrder(_) = self.player {
            return self.rng.shuffled(unseen).into_iter().take(k).collect();
        }
        let rank = |&a: &usize, &b: &usize| {
            let (a, b) = (&self.scores[a], &self.scores[b]);
            b.score.total_cmp(&a.score).then_with(|| a.point.id.cmp(&b.point.id))
        };
        if unseen.len() > k && k > 0 {
            unseen.select_nth_unstable_by(k - 1, rank);
        }
        unseen.truncate(k);
        unseen.sort_unstable_by(rank);
        unseen
    }

    fn point(&self) -> CurvePoint {
        let pool: Vec<Scored> = self
            .scores
            .iter()
            .map(|candidate| Scored { score: candidate.score, relevant: candidate.relevant })
            .collect();
        let held_out = self.laboratory.held_out.iter().map(|point| Scored {
            score: self.classifier.score(&point.embedding),
            relevant: self.trial.relevant.contains(&point.id),
        });
        let held_out: Vec<Scored> = held_out.collect();
        CurvePoint {
            n_labels: self.examples.len(),
            n_found: self.found.len(),
            held_out_ap: average_precision(&held_out),
            pool_ap: average_precision(&pool),
            held_out: Confusion::at(0.0, &held_out),
            n_above: pool.iter().filter(|scored| scored.score >= 0.0).count() as u64,
        }
    }
}

impl Player {
    /// The method that it fits with; of no feedback, the one that calibrates the start.
    fn method(self) -> Method {
        match self {
            Self::Method(method) | Self::RandomOrder(method) => method,
            Self::NoFeedback => Method::default(),
        }
    }
}

/// The splitmix64 generator: the same numbers on every machine and in every version, so that a seed
/// names a split for ever. Source: <https://prng.di.unimi.it/splitmix64.c>.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In random order: sorted by random keys.
    fn shuffled<T>(&mut self, values: Vec<T>) -> Vec<T> {
        let mut keyed: Vec<(u64, T)> =
            values.into_iter().map(|value| (self.next(), value)).collect();
        keyed.sort_by_key(|(key, _)| *key);
        keyed.into_iter().map(|(_, value)| value).collect()
    }
}
