//! `linprobe demo`: the whole loop on a dataset that comes inside the binary, the packages of
//! Debian, each with a line about it, its section, and the team that looks after it.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use linprobe::{
    Classes, IndexOptions, Method, Project, ProjectError, RecordId, Simulated, SimulatedStart,
    Simulation, SourceOptions, StartFrom,
    laboratory::{Budget, Oracle},
    write_atomic,
};

use super::{Door, Outcome, is_terminal, label, program_for, serve, simulate};
use crate::{
    args::{DemoArgs, LabelArgs},
    progress::Progress,
    report,
};

/// The dataset: id, text, section and team of 20,000 packages, gzipped.
const DATASET: &[u8] = include_bytes!("../../assets/debian-packages.csv.gz");
const DATASET_NAME: &str = "debian-packages.csv.gz";

/// What the session looks for, and the team whose packages play the user.
const PHRASE: &str = "software for astronomy";
const TEAM: &str = "astronomy";
const LABEL_COLUMN: &str = "team";

/// Finds that are shown after a simulation.
const SHOWN_FINDS: usize = 10;

pub(crate) fn run(door: &Door, args: &DemoArgs) -> Result<Outcome> {
    let folder = args.folder.clone().unwrap_or_else(|| env::temp_dir().join("linprobe-demo"));
    let project = prepare(door, &folder)?;
    if args.web {
        return serve::folder(door, &folder);
    }
    if args.simulate || !is_terminal() {
        play(door, &project)?;
    } else {
        label(door, &project)?;
    }
    let linprobe = program_for(&folder);
    let folder = folder.display();
    door.say(&format!(
        "\nthe demo's project is in {folder}\nhint: {linprobe} search \"chess\", \
         or linprobe demo --web to label in the browser"
    ))?;
    Ok(Outcome::Done)
}

/// Makes the project the first time, and indexes what is not indexed yet.
fn prepare(door: &Door, folder: &Path) -> Result<Project> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let dataset: PathBuf = folder.join(DATASET_NAME);
    write_atomic(&dataset, DATASET)?;
    let project = match Project::open(folder, door.surroundings()) {
        Err(ProjectError::NotAProject { .. }) => Project::create(folder, door.surroundings())?,
        opened => opened?,
    };
    let shown = Progress::new(door.json);
    let started = std::time::Instant::now();
    let indexed = project.index(&dataset, &options(), &mut |progress| shown.show(progress));
    shown.finish();
    let (n_embedded, seconds) = (indexed?.progress.n_embedded, started.elapsed().as_secs_f64());
    if n_embedded > 0 {
        let model = project.model()?.map_or_else(String::new, |model| model.id);
        door.say(&format!(
            "embedded {n_embedded} Debian packages with {model} in {seconds:.1} s\n"
        ))?;
    }
    Ok(project)
}

fn options() -> IndexOptions {
    let source = SourceOptions { label: Some(LABEL_COLUMN.to_owned()), ..SourceOptions::default() };
    IndexOptions { source, ..IndexOptions::default() }
}

/// The session of a person: a new one, or the one of the last time.
fn label(door: &Door, project: &Project) -> Result<()> {
    let args = LabelArgs::for_session(PHRASE);
    let session = if let Some(session) = project.latest_session()? {
        pollster::block_on(project.resume_session(&session.name))?
    } else {
        let name = project.name_for(PHRASE)?;
        pollster::block_on(project.start_session(&name, &start(), Method::default()))?
    };
    label::run_session(door, project, session, &args)?;
    Ok(())
}

fn start() -> StartFrom {
    StartFrom { phrases: vec![PHRASE.to_owned()], ..StartFrom::default() }
}

/// The team plays the user: the learning curve, and what the labels have found.
fn play(door: &Door, project: &Project) -> Result<()> {
    let simulation = Simulation {
        filter: None,
        classes: Classes::Named(vec![TEAM.to_owned()]),
        starts: vec![SimulatedStart::From(Box::new(start()))],
        players: simulate::usual_players()?,
        oracles: vec![Oracle::Exact],
        related: Vec::new(),
        seeds: vec![0],
        budget: Budget { n_rounds: 10, per_round: 10 },
        out: None,
    };
    let simulated = simulate::play(door, project, &simulation)?;
    simulate::show(door, &simulated)?;
    show_finds(door, project, &simulated)
}

/// The finds that the phrase alone ranks furthest down: what a search would never have shown.
fn show_finds(door: &Door, project: &Project, simulated: &Simulated) -> Result<()> {
    let Some(curve) = simulated.curves.first() else { return Ok(()) };
    let n_records = simulated.n_pool + simulated.n_held_out;
    let by_phrase = pollster::block_on(project.search(&start(), n_records))?;
    let ranks: BTreeMap<&RecordId, usize> =
        by_phrase.iter().map(|found| &found.record.id).zip(1..).collect();
    let mut finds: Vec<(usize, &RecordId)> =
        curve.found.iter().filter_map(|id| Some((*ranks.get(id)?, id))).collect();
    finds.sort_unstable_by(|a, b| b.cmp(a));
    door.say("\nTen best finds, with their rank in a search for the phrase alone:")?;
    for (rank, id) in finds.into_iter().take(SHOWN_FINDS) {
        let record = project.record(id)?;
        let mut object = report::record_json(&record);
        object.insert("rank_by_phrase".into(), rank.into());
        let text = format!("{rank:>6}  {}", report::record_line(&record));
        door.answer(&object.into(), &text)?;
    }
    Ok(())
}
