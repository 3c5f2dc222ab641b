//! How many labels a good classifier takes, beside every baseline, over real CLIP vectors and texts.
//!
//! `named` concepts are classes that start from their own name, `coarse` ones start from a broader
//! word; `packages` are of the demo's dataset, so that something is measured everywhere. Concepts are split in two halves for good, by their place in the order of their names: the
//! even ones to tune with, the odd ones to report. `--help` lists the settings. Standard output
//! gets one JSON object a line, or with `--table` a table for people.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod classes;
mod lines;
mod packages;
mod settings;

use std::sync::atomic::{AtomicUsize, Ordering};

use linprobe_session::simulate::{
    Concept, Corpus, Curve, Experiment, ExperimentError, Ledger, Oracle, Summary, Watch,
};

use crate::{
    classes::{COARSE, NAMED, Outcome},
    settings::Settings,
};

const PACKAGES: &str = "packages";

fn main() -> Outcome<()> {
    let Some(settings) = Settings::from_arguments()? else {
        println!("{}", settings::HELP);
        return Ok(());
    };
    let mut curves = play_packages(&settings)?;
    curves.extend(play_clip(&settings)?);
    let summary = Summary::new(&curves);
    if let Some(path) = &settings.report {
        #[expect(clippy::disallowed_methods, reason = "a report that is cut short is made again")]
        std::fs::write(path, summary.to_html("Learning curves", &settings.about()))?;
    }
    if settings.table {
        lines::print_tables(&summary);
    } else {
        lines::print_json(&summary);
    }
    Ok(())
}

fn play_packages(settings: &Settings) -> Outcome<Vec<Curve>> {
    if !settings.plays(PACKAGES) {
        return Ok(Vec::new());
    }
    let (corpus, concepts) = packages::read()?;
    let concepts = settings.chosen(concepts);
    run(settings, &corpus, (PACKAGES, concepts), vec![Oracle::Exact])
}

/// Named concepts under every oracle, coarse ones under the exact one; none where the vectors are not.
fn play_clip(settings: &Settings) -> Outcome<Vec<Curve>> {
    let mut curves = Vec::new();
    if !settings.plays(NAMED) && !settings.plays(COARSE) {
        return Ok(curves);
    }
    if !settings.folder.is_dir() {
        let folder = settings.folder.display();
        eprintln!("{folder} is not here: it should hold clip_vitb32 and clip_text_vitb32");
        return Ok(curves);
    }
    let (corpus, classes) = classes::read(&settings.folder)?;
    if settings.plays(NAMED) {
        let concepts = settings.chosen(classes.named(&corpus));
        curves.extend(run(settings, &corpus, (NAMED, concepts), settings.oracles.clone())?);
    }
    if settings.plays(COARSE) {
        let concepts = settings.chosen(classes.coarse(&corpus)?);
        curves.extend(run(settings, &corpus, (COARSE, concepts), vec![Oracle::Exact])?);
    }
    Ok(curves)
}

fn run(
    settings: &Settings,
    corpus: &Corpus,
    (start, concepts): (&str, Vec<Concept>),
    oracles: Vec<Oracle>,
) -> Outcome<Vec<Curve>> {
    let experiment = Experiment {
        concepts,
        players: settings.players.clone(),
        oracles,
        seeds: (0..settings.n_seeds).collect(),
        budget: settings.budget,
    };
    let (ledger, known) = match settings.out(start) {
        Some(path) => {
            let (ledger, known) = Ledger::open(&path, settings.budget)?;
            (Some(ledger), known)
        }
        None => (None, Vec::new()),
    };
    let n_games = experiment.n_games();
    let watch = Talk { start, ledger, n_games, n_done: AtomicUsize::new(0) };
    Ok(experiment.run(corpus, known, &watch)?)
}

/// Says now and then how far the games have come, and keeps them.
struct Talk<'a> {
    start: &'a str,
    ledger: Option<Ledger>,
    n_games: usize,
    n_done: AtomicUsize,
}

/// Games between two lines.
const SAID_EVERY: usize = 200;

impl Talk<'_> {
    fn count(&self) {
        let n_done = self.n_done.fetch_add(1, Ordering::Relaxed) + 1;
        if n_done.is_multiple_of(SAID_EVERY) || n_done == self.n_games {
            eprintln!("{}: {n_done} of {} games", self.start, self.n_games);
        }
    }
}

impl Watch for Talk<'_> {
    fn ended(&self, curve: &Curve) -> Result<(), ExperimentError> {
        self.count();
        self.ledger.as_ref().map_or(Ok(()), |ledger| Ok(ledger.append(curve)?))
    }

    fn skipped(&self) {
        self.count();
    }
}
