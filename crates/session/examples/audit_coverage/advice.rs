//! What it costs to follow the advice to stop, over real CLIP vectors.
//!
//! Sessions are played to 200 labels by the truth. The first round after which somebody is told that labels
//! change little is where they would audit and stop; what they lose is what F1 over the whole corpus would still
//! have gained.

use std::{path::Path, sync::Arc};

use linprobe_session::{Advice, Verdict, simulate::Concept};
use pollster::FutureExt;
use rayon::prelude::*;

use crate::{
    classes::{self, Outcome},
    clip::{PER_ROUND, ground, play_round, world},
    print_line,
    world::World,
};

const N_ROUNDS: usize = 20;

/// A session whose F1 would have risen by more was stopped too early.
const MUCH: f64 = 0.05;

/// How a session stands after a round.
struct Mark {
    n_labels: usize,
    advice: Advice,
    f1: f64,
    /// The share of the relevant records that is above the boundary.
    share_found: f64,
}

/// Plays one in `step` concepts, and prints what stopping costs.
pub(crate) fn measure(folder: &Path, step: usize) -> Outcome<()> {
    let (corpus, classes) = classes::read(folder)?;
    let ground = Arc::new(ground(&corpus));
    for (start, concepts) in
        [(classes::NAMED, classes.named(&corpus)), (classes::COARSE, classes.coarse(&corpus)?)]
    {
        let concepts: Vec<Concept> = concepts.into_iter().step_by(step).collect();
        let games = concepts.par_iter().map(|concept| play(&world(&ground, concept, &corpus)));
        let games: Vec<Vec<Mark>> = games.collect();
        print_costs(start, &games);
    }
    Ok(())
}

fn play(world: &World) -> Vec<Mark> {
    let mut session = world.session();
    let mark = |round: usize| {
        play_round(world, &mut session);
        let truth = world.confusion(session.classifier(), 0.0);
        let advice = session.view().advise().block_on().expect("advice");
        Mark { n_labels: round * PER_ROUND, advice, f1: truth.f1(), share_found: truth.recall() }
    };
    (1..=N_ROUNDS).map(mark).collect()
}

fn print_costs(start: &str, games: &[Vec<Mark>]) {
    let stops: Vec<(&Mark, f64)> = games
        .iter()
        .filter_map(|game| {
            let stop = game.iter().find(|mark| mark.advice.verdict != Verdict::KeepGoing)?;
            Some((stop, game.last()?.f1 - stop.f1))
        })
        .collect();
    let mean =
        |of: &dyn Fn(&(&Mark, f64)) -> f64| stops.iter().map(of).sum::<f64>() / stops.len() as f64;
    let print = |name: &str, value: f64, unit| {
        print_line(&format!("learn/advice/{start}/{name}"), value, unit);
    };
    print("share-stopped", stops.len() as f64 / games.len() as f64, "share");
    print("labels-at-stop", mean(&|(stop, _)| stop.n_labels as f64), "labels");
    print("f1-at-stop", mean(&|(stop, _)| stop.f1), "F1");
    print("f1-lost", mean(&|(_, lost)| *lost), "F1");
    print("share-too-early", mean(&|(_, lost)| f64::from(u8::from(*lost > MUCH))), "share");
    print("share-found", mean(&|(stop, _)| stop.share_found), "share");
}
