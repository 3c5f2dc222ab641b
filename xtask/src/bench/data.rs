//! The readers of datasets beside what a Python program would read the same files with.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Line, Scratch, example, path};
use crate::{shell, tools};

/// A peer's rate, as its script prints it.
#[derive(Deserialize)]
struct Rate {
    bench: String,
    peer: String,
    value: f64,
}

/// Measures every reader.
pub(super) fn measure() -> Result<Vec<Line>> {
    let folder = Scratch::new()?;
    let mut lines = example("linprobe-source", "read_bench", &[path(&folder.0)?.to_owned()])?;
    let python = tools::python(&["pyarrow"])?;
    let script = shell::root().join("scripts/bench_data_peers.py");
    let output = shell::output(&mut shell::command(python, &[path(&script)?, path(&folder.0)?]))?;
    for line in output.lines() {
        let Rate { bench, peer, value } =
            serde_json::from_str(line).with_context(|| format!("no measurement: {line}"))?;
        if let Some(ours) = lines.iter_mut().find(|ours| ours.bench == bench) {
            ours.ratio = Some(ours.value / value);
            ours.peer = Some(peer);
            ours.peer_value = Some(value);
        }
    }
    Ok(lines)
}
