//! `linprobe simulate`.

use anyhow::{Context, Result, bail};
use comfy_table::{Table, presets};
use linprobe::{
    Classes, Project, Simulated, SimulatedStart, Simulation, StartFrom,
    laboratory::{Budget, Harm, Panel, Player, Standing, Step, Summary},
    write_atomic,
};
use serde_json::{Value, json};

use super::{Door, Outcome, print, start};
use crate::{args::SimulateArgs, progress::Progress};

/// Who plays when nobody is named: the product, where it comes from, chance, and the phrase alone.
const USUAL_PLAYERS: [&str; 4] = ["linprobe", "article", "random", "no-feedback"];

pub(crate) fn run(door: &Door, args: &SimulateArgs) -> Result<Outcome> {
    let project = door.project()?;
    let simulation = simulation(&project, args)?;
    let simulated = play(door, &project, &simulation)?;
    let summary = show(door, &simulated)?;
    if let Some(path) = &args.report {
        let page = summary.to_html("Simulated learning curves", &about(&simulated, &simulation));
        write_atomic(path, page.as_bytes())?;
        door.say(&format!("\nwrote {}", path.display()))?;
    }
    if let Some(path) = &args.out {
        door.say(&format!("\nwrote {}", path.display()))?;
    }
    Ok(Outcome::Done)
}

/// The players that the overview compares.
pub(crate) fn usual_players() -> Result<Vec<Player>> {
    Ok(USUAL_PLAYERS.iter().map(|name| name.parse()).collect::<Result<_, _>>()?)
}

/// Plays, with a bar.
pub(crate) fn play(door: &Door, project: &Project, simulation: &Simulation) -> Result<Simulated> {
    let shown = Progress::new(door.json);
    let report = |n_ended, n_games| shown.show_games(n_ended, n_games);
    let simulated = pollster::block_on(project.simulate(simulation, &report));
    shown.finish();
    Ok(simulated?)
}

fn simulation(project: &Project, args: &SimulateArgs) -> Result<Simulation> {
    let classes = if args.all_labels {
        Classes::All { min_records: args.min_records }
    } else {
        Classes::Named(args.positive.clone())
    };
    let players = match (&args.players, args.all_players) {
        (_, true) => Player::names().map(str::parse).collect::<Result<_, _>>()?,
        (named, _) if named.is_empty() => usual_players()?,
        (named, _) => named.clone(),
    };
    Ok(Simulation {
        filter: start::filter(project, &args.only)?,
        classes,
        starts: starts(project, args)?,
        players,
        oracles: args.oracles.clone(),
        related: args.related.clone(),
        seeds: (args.seed..).take(usize::try_from(args.seeds).context("too many seeds")?).collect(),
        budget: Budget { n_rounds: args.rounds, per_round: args.round_size.get() },
        out: args.out.clone(),
    })
}

/// What is given as for a session, then each `--start`; the class's own name, where there is none.
fn starts(project: &Project, args: &SimulateArgs) -> Result<Vec<SimulatedStart>> {
    let from = start::from_args(project, &args.start)?;
    let given = (!from.is_empty()).then(|| SimulatedStart::From(Box::new(from)));
    let named = args.starts.iter().map(|start| named_start(project, start));
    let mut starts = given.into_iter().map(Ok).chain(named).collect::<Result<Vec<_>>>()?;
    if starts.is_empty() {
        starts.push(SimulatedStart::OwnName);
    }
    Ok(starts)
}

const OWN_NAME: &str = "name";
const EXAMPLES: &str = "examples:";
const HEAD: &str = "head:";

fn named_start(project: &Project, start: &str) -> Result<SimulatedStart> {
    if start == OWN_NAME {
        return Ok(SimulatedStart::OwnName);
    }
    if let Some(n) = start.strip_prefix(EXAMPLES) {
        return match n.parse() {
            Ok(n) if n > 0 => Ok(SimulatedStart::Examples(n)),
            _ => bail!("{n:?} is no number of examples\nhint: such as --start examples:3"),
        };
    }
    let mut from = StartFrom::default();
    match start.strip_prefix(HEAD) {
        Some(name) => {
            from.classifier = Some((name.to_owned(), project.find_classifier(name)?.classifier));
        }
        None => from.phrases.push(start.to_owned()),
    }
    Ok(SimulatedStart::From(Box::new(from)))
}

/// Shows the learning curves side by side: all points for scripts, the means for people.
pub(crate) fn show(door: &Door, simulated: &Simulated) -> Result<Summary> {
    let summary = Summary::new(&simulated.curves);
    if door.json {
        lines(simulated)?.iter().try_for_each(|line| print(&line.to_string()))?;
        return Ok(summary);
    }
    for panel in &summary.panels {
        print(&heading(simulated, panel))?;
        print(&curves_table(panel).to_string())?;
        if panel.n_concepts > 1 {
            print(&format!("\n{}", standings_table(panel)))?;
        }
    }
    Ok(summary)
}

fn lines(simulated: &Simulated) -> Result<Vec<Value>> {
    let mut lines = Vec::new();
    for curve in &simulated.curves {
        for (round, row) in curve.rows().enumerate() {
            let mut line = serde_json::to_value(row)?;
            line["round"] = json!(round);
            lines.push(line);
        }
    }
    Ok(lines)
}

fn heading(simulated: &Simulated, panel: &Panel) -> String {
    let Simulated { classes, n_pool, n_held_out, curves } = simulated;
    let start = match panel.start.as_str() {
        OWN_NAME => "its own name".to_owned(),
        other => format!("{other:?}"),
    };
    let oracle = match panel.oracle.as_str() {
        "exact" => String::new(),
        other => format!(", oracle {other}"),
    };
    match classes.as_slice() {
        [class] if panel.n_seeds == 1 => {
            let points = curves.first().and_then(|curve| curve.points.first());
            let n_relevant = points.map_or(0, |point| point.n_relevant);
            format!(
                "{class:?} plays the user, starting from {start}{oracle}: {n_relevant} of {n_pool} records \
                 are to be found.\nAverage precision over {n_held_out} records held out, and how many were \
                 found:"
            )
        }
        _ => format!(
            "{} classes play the user, each from {start}{oracle}, {} seeds: means of average precision \
             over {n_held_out} records held out, and of how many of {n_pool} were found:",
            panel.n_concepts, panel.n_seeds
        ),
    }
}

/// Budgets down, players across.
fn curves_table(panel: &Panel) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let names = panel.standings.iter().map(|standing| standing.player.clone());
    table.set_header(["labels".to_owned()].into_iter().chain(names));
    let n_rows = panel.standings.iter().map(|standing| standing.steps.len()).max().unwrap_or(0);
    for round in 0..n_rows {
        let steps = panel.standings.iter().map(|standing| standing.steps.get(round));
        let n_labels = steps.clone().flatten().next().map_or(0, |step| step.mean.n_labels);
        let cells = steps.map(|step| step.map_or_else(String::new, cell));
        table.add_row([n_labels.to_string()].into_iter().chain(cells));
    }
    table
}

fn cell(Step { mean, ap, .. }: &Step) -> String {
    format!("{:.3}  {:>4.0}", ap.mean, mean.n_found)
}

/// Players down; what is said of many concepts across.
fn standings_table(panel: &Panel) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "player",
        "linprobe's lead",
        "95 % interval",
        "won/tied/lost",
        "harmed > .01",
        "> .1",
        "found",
        "ms a round",
    ]);
    for standing in &panel.standings {
        table.add_row(standing_row(standing));
    }
    table
}

fn standing_row(standing: &Standing) -> [String; 8] {
    let last = standing.last();
    let lead = last.and_then(|step| step.lead.as_ref());
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let harm = |of: fn(Harm) -> f64| standing.harm.map_or_else(String::new, |h| percent(of(h)));
    [
        standing.player.clone(),
        lead.map_or_else(String::new, |lead| format!("{:+.3}", lead.ap.mean)),
        lead.map_or_else(String::new, |lead| {
            format!("{:+.3} to {:+.3}", lead.ap.low, lead.ap.high)
        }),
        lead.map_or_else(String::new, |lead| {
            lead.wins_ties_losses().map(|n| n.to_string()).join("/")
        }),
        harm(|harm| harm.some),
        harm(|harm| harm.great),
        last.map_or_else(String::new, |step| percent(step.mean.share_found)),
        format!("{:.1}", standing.fit_ms + standing.query_ms),
    ]
}

/// What was played, for the report.
fn about(simulated: &Simulated, simulation: &Simulation) -> String {
    let Budget { n_rounds, per_round } = simulation.budget;
    let Simulated { classes, n_pool, n_held_out, .. } = simulated;
    let named = match classes.as_slice() {
        [class] => format!("the class {class:?}"),
        classes => format!("{} classes, each by itself", classes.len()),
    };
    format!(
        "The dataset's labels play the user and look for {named}: {n_rounds} rounds of {per_round} labels \
         among {n_pool} records, measured on {n_held_out} held out."
    )
}
