//! Measures one area beside its peers. Each measurement is a small program of the crate that it
//! measures (`crates/*/examples/*_bench.rs`) or of a peer (`scripts/`), and prints one JSON object
//! a line; this file runs them, completes the ratios and shows the lines.

mod data;
mod embed;
mod engines;
mod plot;
mod store;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::{shell, web};

#[derive(Args)]
pub(crate) struct BenchArgs {
    /// What to measure.
    area: Area,
    /// Prints one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Settings of the laboratory, for the area "learn": see its --help.
    #[arg(last = true)]
    settings: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Area {
    Store,
    Embed,
    Learn,
    Serve,
    Data,
    Engines,
}

/// One measurement. A ratio above 1 says that linprobe is better than its peer.
#[derive(Serialize, Deserialize)]
struct Line {
    bench: String,
    value: f64,
    unit: String,
    peer: Option<String>,
    peer_value: Option<f64>,
    ratio: Option<f64>,
}

pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    let lines = measure(args)?;
    for line in &lines {
        if args.json { print_json(line)? } else { print_row(line) }
    }
    Ok(())
}

fn measure(args: &BenchArgs) -> Result<Vec<Line>> {
    match args.area {
        Area::Store => store::measure(),
        Area::Learn => learn(&args.settings),
        Area::Data => data::measure(),
        Area::Embed => embed::measure(),
        Area::Serve => serve(),
        Area::Engines => engines::measure(),
    }
}

fn example(package: &str, name: &str, settings: &[String]) -> Result<Vec<Line>> {
    parse(&shell::output(program(package, name).args(settings))?)
}

/// An example, to be run with arguments.
fn program(package: &str, name: &str) -> Command {
    let args = ["run", "--quiet", "--release", "--package", package, "--example", name, "--"];
    shell::command("cargo", &args)
}

/// What labelling costs when many do, and how soon the page can be used, which Chromium tells.
fn serve() -> Result<Vec<Line>> {
    web::install()?;
    let script = shell::root().join("web/e2e/interactive.mjs");
    let mut bench = program("linprobe-server", "serve_bench");
    parse(&shell::output(bench.arg(script).env("CHROMIUM", web::chromium()?))?)
}

fn parse(text: &str) -> Result<Vec<Line>> {
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("no measurement: {line}")))
        .collect()
}

/// What a fit costs, how often the intervals of audits hold the truth, and how many labels a good
/// classifier takes beside every baseline. With `XTASK_BENCH_QUICK` set, fewer corpora, concepts
/// and seeds.
fn learn(settings: &[String]) -> Result<Vec<Line>> {
    let mut lines = example("linprobe-classifier", "fit_bench", &[])?;
    lines.extend(example("linprobe-session", "audit_coverage", &[])?);
    lines.extend(example("linprobe-session", "learn_bench", settings)?);
    Ok(lines)
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().context("the path of the workspace is not UTF-8")
}

#[expect(clippy::print_stdout, reason = "measurements are the output")]
fn print_json(line: &Line) -> Result<()> {
    println!("{}", serde_json::to_string(line)?);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "measurements are the output")]
fn print_row(line: &Line) {
    let peer = match (&line.peer, line.peer_value, line.ratio) {
        (Some(peer), Some(value), Some(ratio)) => format!("{peer} {value:.2}, ratio {ratio:.2}"),
        _ => String::new(),
    };
    println!("{:<44} {:>12.3} {:<12} {peer}", line.bench, line.value, line.unit);
}

/// A folder for what is measured, which goes when the measurement ends, well or not.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("linprobe-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder for temporary files is emptied by the system, too.
        drop(fs::remove_dir_all(&self.0));
    }
}
