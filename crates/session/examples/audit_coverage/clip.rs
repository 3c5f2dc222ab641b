//! Sessions over real CLIP vectors, as a person would have them: audited after thirty labels, and
//! measured again by the same judgements after thirty more.

use std::{path::Path, sync::Arc};

use linprobe_core::{Point, RecordId};
use linprobe_session::{
    Session, Strategy,
    simulate::{Concept, Corpus, Origin},
};
use pollster::FutureExt;
use rayon::prelude::*;

use crate::{
    BUDGETS,
    classes::{self, Outcome},
    world::{Audited, Ground, World},
};

/// Rounds before the audit, and after it.
const N_ROUNDS: usize = 3;

/// Records of a round.
pub(crate) const PER_ROUND: usize = 10;

/// Of the concepts that start from a broader word, one in so many.
const COARSE_STEP: usize = 10;

/// An audit of the classifier of thirty labels, and what it says of the one of sixty.
pub(crate) struct Played {
    pub(crate) drawn: Audited,
    pub(crate) reweighted: Audited,
}

/// Audits one in `step` concepts, with each budget and so many draws.
pub(crate) fn audits(folder: &Path, step: usize, n_draws: u64) -> Outcome<Vec<Played>> {
    let (corpus, classes) = classes::read(folder)?;
    let concepts = classes.named(&corpus).into_iter();
    let concepts = concepts.chain(classes.coarse(&corpus)?.into_iter().step_by(COARSE_STEP));
    let concepts: Vec<Concept> = concepts.step_by(step).collect();
    let ground = Arc::new(ground(&corpus));
    let played = concepts.par_iter().flat_map_iter(|concept| {
        let world = world(&ground, concept, &corpus);
        let games = BUDGETS.into_iter().flat_map(|budget| (0..n_draws).map(move |i| (budget, i)));
        games.map(move |(budget, draw)| play(&world, budget, draw)).collect::<Vec<_>>()
    });
    Ok(played.collect())
}

/// All records, by their rows.
pub(crate) fn ground(corpus: &Corpus) -> Ground {
    let point = |row| Point { id: id(row), embedding: corpus.embedding(row) };
    Ground::new((0..corpus.len()).map(point).collect())
}

/// A concept that starts from a phrase.
pub(crate) fn world(ground: &Arc<Ground>, concept: &Concept, corpus: &Corpus) -> World {
    let relevant = (0..corpus.len()).filter(|&row| concept.is_relevant(row)).map(id).collect();
    let start = concept.starts().iter().find_map(|start| match &start.from {
        Origin::Given { start, .. } => Some(start.as_ref().clone()),
        Origin::Examples(_) => None,
    });
    World { ground: Arc::clone(ground), relevant, start: start.expect("starts from a phrase") }
}

fn id(row: usize) -> RecordId {
    RecordId::from_row(row as u64)
}

fn play(world: &World, budget: usize, draw: u64) -> Played {
    let mut session = world.session();
    teach(world, &mut session);
    let drawn = world.audit_session(&mut session, budget, draw);
    teach(world, &mut session);
    Played { drawn, reweighted: world.report(&session) }
}

fn teach(world: &World, session: &mut Session) {
    (0..N_ROUNDS).for_each(|_| play_round(world, session));
}

/// Labels a round by the truth, and fits.
pub(crate) fn play_round(world: &World, session: &mut Session) {
    let round = session.next_round(PER_ROUND, Strategy::Auto).block_on().expect("a round");
    for record in &round.records {
        session.label(&record.id, world.label(&record.id)).block_on().expect("it is there");
    }
    session.fit().block_on().expect("a fit");
}
