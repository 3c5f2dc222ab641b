//! What a round costs from one answer to the next, through the library: the next round is chosen, its
//! ten records are labelled one by one, the classifier is fitted, and the store is surveyed with it.
//! Prints one JSON object for the whole and one for each part.
//!
//! Vectors lie in clusters, of which a few are relevant. `XTASK_BENCH_QUICK=1` takes a tenth of the
//! records under the same name, and the units say so. `LINPROBE_BENCH_INT8=1` keeps the int8 copy.

mod rounds;

use std::{env, fs, io::Write};

use linprobe::{IndexOptions, Project};

use crate::rounds::{Outcome, Parts, play, share, surroundings, whole, write_vectors};

const N_ROUNDS: usize = 60;

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| value == "1")
}

fn main() -> Outcome<()> {
    let quick = is_set("XTASK_BENCH_QUICK");
    let (n_rows, note) = if quick { (100_000, ", only 100,000 rows") } else { (1_000_000, "") };
    let folder = tempfile::tempdir()?;
    let vectors = folder.path().join("vectors.npy");
    write_vectors(&vectors, n_rows)?;
    let project = Project::create(&folder.path().join("project"), surroundings())?;
    let options = IndexOptions { int8_copy: is_set("LINPROBE_BENCH_INT8"), ..Default::default() };
    project.index(&vectors, &options, &mut |_| ())?;
    fs::remove_file(vectors)?;

    let rounds = play(&project, N_ROUNDS)?;
    let name = if options.int8_copy { "round-1m-i8" } else { "round-1m" };
    print(&format!("{name}/p95-ms"), share(&rounds, 0.95, whole), note)?;
    print(&format!("{name}/median-ms"), share(&rounds, 0.5, whole), note)?;
    for (part, what) in ["next-round", "ten-labels", "fit"].into_iter().enumerate() {
        let of_part = |round: &Parts| round[part];
        print(&format!("{name}/{what}-median-ms"), share(&rounds, 0.5, of_part), note)?;
    }
    Ok(())
}

fn print(name: &str, value: f64, note: &str) -> Outcome<()> {
    let line = serde_json::json!({
        "bench": format!("store/{name}"),
        "value": value,
        "unit": format!("ms{note}"),
        "peer": null,
        "peer_value": null,
        "ratio": null,
    });
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
