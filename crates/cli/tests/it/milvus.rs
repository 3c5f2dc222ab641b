//! Projects over a collection of a real server of Milvus, through the binary.

use std::env;

use linprobe_store::{
    Variables,
    test_server::{Admin, MilvusServer, TheirRow, Theirs},
};
use serde_json::{Value, json};

use crate::support::{Bench, texts};

const DIMENSION: usize = 24;

/// The vector of a number: one in ten is wanted, and points in another direction. Lengths differ.
fn vector(n: u64) -> Vec<f32> {
    let is_wanted = n.is_multiple_of(10);
    let value = |position: usize| {
        let mixed = (n * 24 + position as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let noise = (mixed >> 40) as f32 / (1 << 24) as f32 - 0.5;
        (noise + if is_wanted && position < 4 { 1.0 } else { 0.0 }) * (1 + n % 3) as f32
    };
    (0..DIMENSION).map(value).collect()
}

/// The server of `cargo xtask ci`, or one of this test alone, and the address of a collection.
fn server(collection: &str) -> (Option<MilvusServer>, String) {
    let name = format!("linprobe_test_{}_{collection}", std::process::id());
    if let Ok(url) = env::var("LINPROBE_TEST_MILVUS_URL") {
        return (None, format!("{}/{name}", url.trim_end_matches('/')));
    }
    let server = MilvusServer::start(&[]);
    let address = server.address(&name);
    (Some(server), address)
}

fn is_wanted(record: &Value) -> bool {
    record["text"].as_str().unwrap().starts_with("wanted")
}

fn label_round(bench: &Bench, args: &[&str]) -> usize {
    let shown = bench.script(&[args, &["--session", "s"]].concat(), &[]);
    let label = |record: &Value| {
        let label = if is_wanted(record) { 1.0 } else { -1.0 };
        json!({ "id": record["id"], "label": label })
    };
    let mut lines: Vec<Value> = shown[0]["records"].as_array().unwrap().iter().map(label).collect();
    lines.push(json!({ "fit": true }));
    bench.script(&["--session", "s"], &lines);
    lines.len() - 1
}

/// The points of a collection; none where it is not there yet.
fn count(address: &str) -> u64 {
    let (_, name) = address.rsplit_once('/').unwrap();
    Admin::of(address, &Variables::default()).count(name)
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus, or LINPROBE_TEST_MILVUS_URL, a server"]
fn the_whole_loop_runs_over_a_collection_that_is_there() {
    let (_server, address) = server("items");
    let name = address.rsplit_once('/').unwrap().1;
    let row = |n: u64| {
        let word = if n.is_multiple_of(10) { "wanted" } else { "other" };
        let title = format!("{word} {n}");
        TheirRow { id: n.to_string(), vector: vector(n), title, note: String::new() }
    };
    let theirs =
        Theirs { name, has_numbers: true, index: Some(("COSINE", "HNSW")), is_loaded: true };
    let rows: Vec<TheirRow> = (0..1_500).map(row).collect();
    Admin::of(&address, &Variables::default()).make(&theirs, &rows);
    let bench = Bench::new();
    // A strong read waits until all that was written before is seen, a fifth of a second each time.
    let address = format!("{address}?text=title&consistency=bounded");
    let made = bench.json(&["init", "project", "--store", &address]);
    assert_eq!(made[0]["store"], address);
    let found = bench.json(&["search", "--like", "10", "--like", "20", "--like", "30", "-k", "20"]);
    assert!(found.iter().filter(|hit| is_wanted(hit)).count() >= 15, "{found:?}");
    let mut n_shown = label_round(&bench, &["--like", "10", "--like", "20"]);
    for _ in 0..2 {
        n_shown += label_round(&bench, &[]);
    }
    assert_eq!(n_shown, 30);
    let predicted = bench.json(&["predict", "--classifier", "s"]);
    assert_eq!(predicted.len(), 1_500);
    let right = predicted.iter().filter(|row| is_wanted(row) == row["positive"].as_bool().unwrap());
    assert!(right.count() > 1_425);
    let inspected = &bench.json(&["inspect", "--check"])[0];
    assert_eq!((&inspected["n_points"], &inspected["damage"]), (&json!(1_500), &json!([])));
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus, or LINPROBE_TEST_MILVUS_URL, a server"]
fn a_dataset_is_indexed_into_a_collection_when_that_is_said_and_never_else() {
    let (_server, address) = server("points");
    let bench = Bench::new();
    bench.write("texts.csv", &texts());
    bench.ok(&["init"]);
    let indexed = bench.json(&["index", "texts.csv", "--store", &address, "--write"]);
    assert_eq!(indexed[0]["n_embedded"], 80);
    assert_eq!(count(&address), 80);
    let found = bench.json(&["search", "astronomy", "-k", "3"]);
    assert!(found.iter().all(|hit| hit["label"] == "astronomy"), "{found:?}");
    let (_, said) = bench.fails(&["index", "texts.csv"]);
    assert!(said.contains("open for reading only") && said.contains("--write"), "{said}");
    let again = bench.json(&["index", "texts.csv", "--write"]);
    assert_eq!((&again[0]["n_embedded"], &again[0]["n_unchanged"]), (&json!(0), &json!(80)));
}
