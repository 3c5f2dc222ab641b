//! What it feels like to label when many do: 32 people on one session of 100,000 records of 512
//! dimensions, over HTTP and a real socket, each a second to a label. Prints how long a round takes for
//! one who labels alone, how long the slowest of a hundred requests takes when all do, how many acknowledged labels are not in the journal afterwards, and how many
//! bytes the page is before it shows. Where a script is given that opens an address in a browser and
//! prints how long it took until the page could be used, that too.
//!
//! The vectors are random, in clusters; everybody looks for the same four of two hundred. A labeller
//! asks for ten records, thinks half a second to one and a half about each, answers, and asks again.

mod labeller;
mod page;
mod world;

use std::{error::Error, io::Write, thread};

use linprobe_server::{Server, Settings};
use serde_json::json;

use labeller::{Labeller, Seen};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const N_LABELLERS: u64 = 32;
const N_ROUNDS: usize = 4;
const PER_ROUND: usize = 10;

/// Rounds of one who labels without thinking: what is felt of a fit.
const N_ROUNDS_ALONE: usize = 21;

/// Sessions.
const ALONE: &str = "alone";
const TOGETHER: &str = "together";

/// Runs the benchmark and prints one JSON object a line.
fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let project = folder.path().join("world");
    world::make(&project)?;
    let server = Server::bind(&Settings {
        projects: vec![project.clone()],
        host: "127.0.0.1".to_owned(),
        port: 0,
        token: None,
        allowed_hosts: Vec::new(),
        data_roots: Vec::new(),
        patience: linprobe_server::PATIENCE,
        surroundings: world::surroundings(),
    })?;
    let url = server.url();
    // It runs as long as this process.
    thread::spawn(|| server.run());
    labeller::open_session(&url, ALONE)?;
    let mut alone = Labeller::new(&url, ALONE, 0).label_at_once(N_ROUNDS_ALONE, PER_ROUND)?.rounds;
    alone.sort_by(f64::total_cmp);
    line("serve/1-labeller/round-median-ms", alone[N_ROUNDS_ALONE / 2], "ms")?;
    if let Some(script) = std::env::args_os().nth(1) {
        let view = format!("{url}#/p/world/s/{ALONE}");
        line("serve/interactive-ms", page::interactive_ms(&script, &view)?, "ms")?;
    }
    labeller::open_session(&url, TOGETHER)?;
    let seen = label_together(&url)?;
    let n_lost = world::count_lost(&project, TOGETHER, &seen)?;
    let (rounds, answers) =
        (slowest(&seen, |seen| &seen.rounds), slowest(&seen, |seen| &seen.answers));
    line("serve/32-labellers/p99-ms", rounds.max(answers), "ms")?;
    line("serve/32-labellers/round-p99-ms", rounds, "ms")?;
    line("serve/32-labellers/label-p99-ms", answers, "ms")?;
    line("serve/32-labellers/lost", n_lost as f64, "labels")?;
    line("serve/first-load-kb", page::first_load_bytes(&url)? as f64 / 1000.0, "kB")
}

fn label_together(url: &str) -> Result<Vec<Seen>> {
    let start = |number| {
        let labeller = Labeller::new(url, TOGETHER, number);
        let n_rounds = if is_quick() { 1 } else { N_ROUNDS };
        thread::spawn(move || labeller.label(n_rounds, PER_ROUND))
    };
    let labellers: Vec<_> = (0..N_LABELLERS).map(start).collect();
    let ended = labellers.into_iter().map(|labeller| match labeller.join() {
        Ok(seen) => seen,
        Err(_) => Err("a labeller has panicked".into()),
    });
    ended.collect()
}

/// Whether to measure less, as all benchmarks do then: fewer records, one round.
fn is_quick() -> bool {
    std::env::var_os("XTASK_BENCH_QUICK").is_some()
}

/// The 99th percentile of what everybody has waited for, in milliseconds.
fn slowest(seen: &[Seen], times: impl Fn(&Seen) -> &Vec<f64>) -> f64 {
    let mut all: Vec<f64> = seen.iter().flat_map(|seen| times(seen).iter().copied()).collect();
    all.sort_by(f64::total_cmp);
    let place = (all.len() * 99).div_ceil(100).saturating_sub(1);
    all.get(place).copied().unwrap_or(f64::NAN)
}

fn line(bench: &str, value: f64, unit: &str) -> Result<()> {
    let line = json!({
        "bench": bench, "value": value, "unit": unit,
        "peer": null, "peer_value": null, "ratio": null,
    });
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
