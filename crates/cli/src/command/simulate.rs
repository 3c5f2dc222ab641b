//! `linprobe simulate`.

use anyhow::Result;
use comfy_table::{Table, presets};
use linprobe::{Curve, CurvePoint, PLAYERS, Simulated, Simulation};
use serde_json::{Value, json};

use super::{Door, Outcome, print, start};
use crate::args::SimulateArgs;

pub(crate) fn run(door: &Door, args: &SimulateArgs) -> Result<Outcome> {
    let project = door.project()?;
    let simulation = Simulation {
        label: args.positive.clone(),
        from: start::from_args(&project, &args.start)?,
        per_round: args.round_size,
        n_rounds: args.rounds,
        seed: args.seed,
    };
    let simulated = pollster::block_on(project.simulate(&simulation))?;
    show(door, &simulation, &simulated)?;
    Ok(Outcome::Done)
}

/// Shows the learning curves side by side.
pub(crate) fn show(door: &Door, simulation: &Simulation, simulated: &Simulated) -> Result<()> {
    if door.json {
        return named(simulated)
            .flat_map(|(name, curve)| lines(name, curve))
            .try_for_each(|line| print(&line.to_string()));
    }
    let Simulated { description, n_relevant, n_pool, n_held_out, .. } = simulated;
    print(&format!(
        "{:?} plays the user, starting from {description:?}: {n_relevant} of {n_pool} records are to be found.\n\
         Average precision over {n_held_out} records held out, and how many were found:",
        simulation.label
    ))?;
    print(&table(simulated).to_string())
}

fn named(simulated: &Simulated) -> impl Iterator<Item = (&'static str, &Curve)> {
    PLAYERS.iter().map(|(name, _)| *name).zip(&simulated.curves)
}

fn lines<'a>(name: &'a str, curve: &'a Curve) -> impl Iterator<Item = Value> + 'a {
    curve.points.iter().enumerate().map(move |(round, point)| {
        let CurvePoint { n_labels, n_found, held_out_ap, pool_ap, .. } = point;
        json!({
            "player": name,
            "round": round,
            "n_labels": n_labels,
            "n_found": n_found,
            "held_out_ap": held_out_ap,
            "pool_ap": pool_ap,
        })
    })
}

fn table(simulated: &Simulated) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let names = named(simulated).map(|(name, _)| name.to_owned());
    table.set_header(["labels".to_owned()].into_iter().chain(names));
    let n_rows = simulated.curves.iter().map(|curve| curve.points.len()).max().unwrap_or(0);
    for round in 0..n_rows {
        let mut points = simulated.curves.iter().map(|curve| curve.points.get(round));
        let n_labels = points.clone().flatten().next().map_or(0, |point| point.n_labels);
        let row = points.by_ref().map(|point| point.map_or_else(String::new, cell));
        table.add_row([n_labels.to_string()].into_iter().chain(row));
    }
    table
}

fn cell(point: &CurvePoint) -> String {
    format!("{:.3}  {:>4}", point.held_out_ap, point.n_found)
}
