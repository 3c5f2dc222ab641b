//! The dataset's own labels play the user, to see how many labels a concept takes.

use std::collections::BTreeSet;

use linprobe_classifier::{ArticleParams, Method};
use linprobe_core::{Point, RecordId, VectorStore};
use linprobe_session::{Curve, Laboratory, Player, Trial};

use crate::{error::ProjectError, project::Project, start::StartFrom};

/// Points that are read at a time.
const PAGE: usize = 10_000;

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The class to find: a value of the dataset's labels.
    pub label: String,
    /// What the session starts from; when nothing is given, the class's own name.
    pub from: StartFrom,
    /// Records to a round.
    pub per_round: usize,
    /// Rounds.
    pub n_rounds: usize,
    /// Seeds the split and the random order.
    pub seed: u64,
}

/// How the players did.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// What the session started from, in words.
    pub description: String,
    /// Relevant records that could be found.
    pub n_relevant: usize,
    /// Records to label from.
    pub n_pool: usize,
    /// Records held out, over which average precision is taken.
    pub n_held_out: usize,
    /// linprobe's method, the published article's loop, random order, and no feedback.
    pub curves: Vec<Curve>,
}

/// Who plays, the default method first.
pub const PLAYERS: [(&str, Player); 4] = [
    ("linprobe", Player::Method(Method::WhitenedRocchio)),
    ("article", Player::Method(Method::Article(ArticleParams::PUBLISHED))),
    ("random order", Player::RandomOrder(Method::WhitenedRocchio)),
    ("no feedback", Player::NoFeedback),
];

impl Project {
    /// Plays the loop with the dataset's labels in the place of the person.
    ///
    /// # Errors
    /// [`ProjectError::Unknown`] when no record has the label, with the labels that there are.
    pub async fn simulate(&self, simulation: &Simulation) -> Result<Simulated, ProjectError> {
        let relevant: BTreeSet<RecordId> =
            self.catalogue().ids_labelled(&simulation.label)?.into_iter().collect();
        if relevant.is_empty() {
            let labels = self.dataset_labels()?.into_iter().map(|(label, _)| label);
            return Err(ProjectError::unknown("label", &simulation.label, labels));
        }
        let mut from = simulation.from.clone();
        if from.is_empty() {
            from.phrases.push(simulation.label.clone());
        }
        let store = self.store()?;
        let origin = self.origin(&from, store.as_ref(), self.background()?.as_ref()).await?;
        let points = all_points(store.as_ref()).await?;
        let laboratory = Laboratory::new(store.spec().dimension, points, simulation.seed);
        let trial = Trial {
            start: &origin.start,
            relevant: &relevant,
            n_rounds: simulation.n_rounds,
            per_round: simulation.per_round,
        };
        let curves = laboratory.compare(&trial, &PLAYERS.map(|(_, player)| player))?;
        let in_pool = |point: &&Point| relevant.contains(&point.id);
        Ok(Simulated {
            description: origin.description,
            n_relevant: laboratory.pool().iter().filter(in_pool).count(),
            n_pool: laboratory.pool().len(),
            n_held_out: laboratory.held_out().len(),
            curves,
        })
    }
}

async fn all_points(store: &dyn VectorStore) -> Result<Vec<Point>, ProjectError> {
    let mut points: Vec<Point> = Vec::new();
    loop {
        let after = points.last().map(|point| point.id.clone());
        let page = store.scan(after.as_ref(), PAGE).await?;
        if page.is_empty() {
            return Ok(points);
        }
        points.extend(page);
    }
}
