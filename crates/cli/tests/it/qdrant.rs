//! Projects over a collection of Qdrant, through the binary.

use linprobe_store::fake::{FakeQdrant, Id};
use serde_json::{Value, json};

use crate::{
    support::{Bench, text, texts},
    wanted::{DIMENSION, is_wanted, label_round, title, vector},
};

/// The vector of a number, in unit length.
fn unit(n: u64) -> Vec<f32> {
    let values = vector(n);
    let norm = values.iter().map(|x| x * x).sum::<f32>().sqrt();
    values.iter().map(|x| x / norm).collect()
}

/// A server with the points of a team, and a project over them.
fn over_items() -> (FakeQdrant, Bench) {
    let server = FakeQdrant::start(None);
    let vectors: Vec<Vec<f32>> = (0..1_500).map(unit).collect();
    let points: Vec<(Id, &[f32], Value)> = (0..)
        .zip(&vectors)
        .map(|(n, vector)| (Id::Number(n), vector.as_slice(), json!({ "title": title(n) })))
        .collect();
    server.make("items", json!({ "size": DIMENSION, "distance": "Cosine" }), &points);
    let bench = Bench::new();
    let address = server.address("items?text=title");
    let made = bench.json(&["init", "project", "--store", &address]);
    assert_eq!(made[0]["store"], address);
    (server, bench)
}

#[test]
fn the_whole_loop_runs_over_a_collection_that_is_there_and_writes_nothing_to_it() {
    let (server, bench) = over_items();
    let found = bench.json(&["search", "--like", "10", "--like", "20", "--like", "30", "-k", "20"]);
    assert!(found.iter().filter(|hit| is_wanted(hit)).count() >= 15, "{found:?}");
    label_round(&bench, &["--like", "10", "--like", "20"]);
    for _ in 0..4 {
        label_round(&bench, &[]);
    }
    let predicted = bench.json(&["predict", "--classifier", "s"]);
    assert_eq!(predicted.len(), 1_500);
    let right = predicted.iter().filter(|row| is_wanted(row) == row["positive"].as_bool().unwrap());
    assert!(right.count() > 1_425);
    let inspected = &bench.json(&["inspect", "--check"])[0];
    assert_eq!((&inspected["n_points"], &inspected["damage"]), (&json!(1_500), &json!([])));
    let is_write = |path: &String| path.starts_with("PUT") || path.ends_with("/delete");
    assert!(!server.http.paths().iter().any(is_write));
}

/// What came of four shards of the texts, indexed at once, each in a project of its own.
fn index_shards(bench: &Bench, address: &str) -> Vec<Value> {
    let start = |n: usize| {
        let (project, shard) = (format!("shard-{n}"), format!("{n}/4"));
        if !bench.path(&project).exists() {
            bench.ok(&["--project", &project, "init"]);
        }
        let index = ["index", "texts.csv", "--shard", &shard, "--store", address, "--write"];
        let mut command = bench.command(&[&["--project", &project, "--json"], &index[..]].concat());
        command.stdout(std::process::Stdio::piped()).spawn().unwrap()
    };
    let started: Vec<_> = (1..=4).map(start).collect();
    let ended = started.into_iter().map(|child| child.wait_with_output().unwrap());
    ended.flat_map(|output| crate::support::objects(&text(&output.stdout))).collect()
}

fn sum(runs: &[Value], of: &str) -> u64 {
    runs.iter().map(|run| run[of].as_u64().unwrap()).sum()
}

#[test]
fn shards_that_are_indexed_at_once_are_together_the_dataset_and_no_record_is_in_two() {
    let server = FakeQdrant::start(None);
    let bench = Bench::new();
    bench.write("texts.csv", &texts());
    let address = server.address("points");
    let runs = index_shards(&bench, &address);
    let shards: Vec<&str> = runs.iter().map(|run| run["shard"].as_str().unwrap()).collect();
    assert_eq!(shards, ["1/4", "2/4", "3/4", "4/4"]);
    assert!(runs.iter().all(|run| run["n_embedded"].as_u64() < Some(40)), "{runs:?}");
    assert_eq!((sum(&runs, "n_embedded"), sum(&runs, "n_skipped")), (80, 0));
    assert_eq!(server.collections.lock().unwrap()["points"].points.len(), 80);
    // Run again, nothing is embedded; where a machine has lost its folder, its shard alone.
    let again = index_shards(&bench, &address);
    assert_eq!((sum(&again, "n_embedded"), sum(&again, "n_unchanged")), (0, 80));
    std::fs::remove_dir_all(bench.path("shard-2")).unwrap();
    let mended = index_shards(&bench, &address);
    assert_eq!(mended[1]["n_embedded"], runs[1]["n_embedded"]);
    assert_eq!(
        (sum(&mended, "n_embedded"), sum(&again, "n_skipped")),
        (sum(&runs[1..2], "n_embedded"), 0)
    );
    assert_eq!(server.collections.lock().unwrap()["points"].points.len(), 80);
    // A record that is gone from the dataset is removed by its own shard, by no other.
    let fewer: Vec<String> = texts().lines().take(41).map(str::to_owned).collect();
    bench.write("texts.csv", &fewer.join("\n"));
    for n in 1..=4 {
        let (project, shard) = (format!("shard-{n}"), format!("{n}/4"));
        let prune = ["--project", &project, "index", "texts.csv", "--shard", &shard, "--write"];
        let pruned = bench.json(&[&prune[..], &["--prune"]].concat());
        assert!(pruned[0]["n_pruned"].as_u64() < Some(30), "{pruned:?}");
    }
    assert_eq!(server.collections.lock().unwrap()["points"].points.len(), 40);
    let made = bench.json(&["init", "--store", &address, "--model", "builtin"]);
    assert_eq!(made[0]["store"], address);
    let found = bench.json(&["search", "the galaxy", "-k", "3"]);
    assert!(
        found.iter().all(|hit| hit["id"].as_str().unwrap().starts_with("astronomy")),
        "{found:?}"
    );
}

#[test]
fn a_project_of_several_shards_prunes_those_alone_that_a_run_is_about() {
    let bench = Bench::new();
    bench.write("texts.csv", &texts());
    bench.ok(&["init"]);
    let index = |shard: &str| bench.json(&["index", "texts.csv", "--shard", shard, "--prune"]);
    let runs: Vec<Value> = ["1/2", "2/2"].into_iter().flat_map(index).collect();
    assert_eq!((sum(&runs, "n_embedded"), sum(&runs, "n_pruned")), (80, 0));
    let whole = bench.json(&["index", "texts.csv", "--prune"]);
    assert_eq!((&whole[0]["n_unchanged"], &whole[0]["shard"]), (&json!(80), &Value::Null));
}

#[test]
fn a_dataset_is_indexed_into_a_collection_when_that_is_said_and_never_else() {
    let server = FakeQdrant::start(None);
    let bench = Bench::new();
    bench.write("texts.csv", &texts());
    bench.ok(&["init"]);
    let address = server.address("points");
    let indexed = bench.json(&["index", "texts.csv", "--store", &address, "--write"]);
    assert_eq!(indexed[0]["n_embedded"], 80);
    assert_eq!(server.collections.lock().unwrap()["points"].points.len(), 80);
    let found = bench.json(&["search", "astronomy", "-k", "3"]);
    assert!(found.iter().all(|hit| hit["label"] == "astronomy"), "{found:?}");
    let (_, said) = bench.fails(&["index", "texts.csv"]);
    assert!(said.contains("open for reading only") && said.contains("--write"), "{said}");
    let again = bench.json(&["index", "texts.csv", "--write"]);
    assert_eq!((&again[0]["n_embedded"], &again[0]["n_unchanged"]), (&json!(0), &json!(80)));
}

#[test]
fn what_a_person_reads_of_a_round_is_asked_for_at_once() {
    let (server, bench) = over_items();
    let n_read = || {
        let paths = server.http.paths();
        paths.iter().filter(|path| *path == "POST /collections/items/points").count()
    };
    let n_before = n_read();
    let shown = bench.script(&["--session", "s", "--like", "10"], &[]);
    assert_eq!(shown[0]["records"].as_array().unwrap().len(), 10);
    // The record to start from and the sample are read as well.
    assert!(n_read() - n_before < 10, "{}", n_read() - n_before);
}
