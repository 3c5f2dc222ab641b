//! The store beside exact searches by others, over the same vectors in one run, and what a survey
//! costs against the number of rows as a plot.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Line, Scratch, example, path, plot};
use crate::{shell, tools};

/// What the peers are installed as.
const PEERS: [&str; 5] = ["numpy", "faiss-cpu", "usearch", "pgserver", "psycopg2-binary"];

/// A peer's median, as its script prints it.
#[derive(Deserialize)]
struct Peer {
    peer: String,
    ms: f64,
}

/// Measures everything. With `XTASK_BENCH_QUICK=1` with a tenth of the rows, and without a plot.
pub(super) fn measure() -> Result<Vec<Line>> {
    let folder = Scratch::new()?;
    let mut lines = example("linprobe-store", "survey_bench", &[path(&folder.0)?.to_owned()])?;
    let peers = compare(&folder, &lines)?;
    lines.extend(peers);
    drop(folder);
    lines.extend(example("linprobe", "index_bench", &[])?);
    lines.extend(example("linprobe", "round_bench", &[])?);
    if std::env::var_os("XTASK_BENCH_QUICK").is_none_or(|quick| quick != "1") {
        plot::write(&lines)?;
    }
    Ok(lines)
}

/// A line for each peer: the survey that does more, beside the peer's top 100.
fn compare(folder: &Scratch, lines: &[Line]) -> Result<Vec<Line>> {
    let is_survey =
        |line: &&Line| line.bench.starts_with("store/survey-") && line.bench.ends_with("-f16");
    let ours = lines.iter().find(is_survey).context("no survey was measured")?;
    let python = tools::python(&PEERS)?;
    let script = shell::root().join("scripts/bench_store_peers.py");
    let output = shell::output(&mut shell::command(python, &[path(&script)?, path(&folder.0)?]))?;
    let peers = output.lines().map(|line| {
        let Peer { peer, ms } =
            serde_json::from_str(line).with_context(|| format!("no measurement: {line}"))?;
        Ok(Line {
            bench: ours.bench.clone(),
            value: ours.value,
            unit: ours.unit.clone(),
            ratio: Some(ms / ours.value),
            peer: Some(peer),
            peer_value: Some(ms),
        })
    });
    peers.collect()
}
