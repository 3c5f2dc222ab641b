//! Projects over a collection of a real server of Milvus, through the binary.

use std::env;

use linprobe_store::{
    Variables,
    test_server::{Admin, MilvusServer, TheirRow, Theirs},
};
use serde_json::{Value, json};

use crate::{
    support::{Bench, texts},
    wanted::{assert_no_label_is_lost, is_wanted, label_round, title, vector},
};

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

/// The points of a collection; none where it is not there yet.
fn count(address: &str) -> u64 {
    let (_, name) = address.rsplit_once('/').unwrap();
    Admin::of(address, &Variables::default()).count(name)
}

/// Makes a collection that a team may have, of so many rows.
fn fill(address: &str, kind: &str, n_rows: u64) {
    let (_, name) = address.rsplit_once('/').unwrap();
    let row = |n: u64| TheirRow {
        id: n.to_string(),
        vector: vector(n),
        title: title(n),
        note: format!("note of {n}"),
    };
    let theirs = Theirs { name, has_numbers: true, index: Some(("COSINE", kind)), is_loaded: true };
    let rows: Vec<TheirRow> = (0..n_rows).map(row).collect();
    Admin::of(address, &Variables::default()).make(&theirs, &rows);
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus, or LINPROBE_TEST_MILVUS_URL, a server"]
fn the_whole_loop_runs_over_a_collection_that_is_there() {
    let (_server, address) = server("items");
    fill(&address, "HNSW", 1_500);
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

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus, or LINPROBE_TEST_MILVUS_URL, a server"]
fn scores_are_written_to_a_field_that_is_in_no_schema() {
    let (_server, address) = server("scored");
    fill(&address, "FLAT", 300);
    let bench = Bench::new();
    bench.ok(&["init", "project", "--store", &format!("{address}?text=title")]);
    label_round(&bench, &["--like", "10", "--like", "20"]);
    let write = ["predict", "-c", "s", "--to-column", "score", "--write"];
    assert_eq!(bench.json(&write[..5])[0]["n_written"], Value::Null);
    let (_, no_number) = bench.fails(&["predict", "-c", "s", "--to-column", "note"]);
    assert!(no_number.contains("something else than scores"), "{no_number}");
    assert_eq!(bench.json(&write)[0]["n_written"], 300);
    let predicted = bench.json(&["predict", "-c", "s"]);
    let scored = format!("{address}?text=score");
    bench.ok(&["init", "scored", "--store", &scored]);
    let id = predicted[0]["id"].as_str().unwrap();
    let shown = bench.json(&["--project", "scored", "search", "--like", id, "-k", "1"]);
    assert!(shown[0]["text"].as_str().unwrap().parse::<f32>().is_ok(), "{shown:?}");
    // All else is as it was.
    bench.ok(&["init", "noted", "--store", &format!("{address}?text=note")]);
    let noted = bench.json(&["--project", "noted", "search", "--like", "7", "-k", "5"]);
    for hit in &noted {
        assert_eq!(hit["text"], json!(format!("note of {}", hit["id"].as_str().unwrap())));
    }
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus"]
fn an_index_run_that_is_killed_and_whose_server_crashes_ends_with_every_record_once() {
    let server = MilvusServer::start(&[]);
    let address = server.address("points");
    let bench = Bench::new();
    let rows: Vec<String> =
        (0..60_000).map(|n| format!("r{n},a text of number {n} and {}", n % 977)).collect();
    bench.write("many.csv", &format!("id,text\n{}", rows.join("\n")));
    bench.ok(&["init"]);
    let index = ["index", "many.csv", "--store", &address, "--write"];
    let more_than = |n_before| while count(&address) <= n_before {};
    for _ in 0..2 {
        let n_before = count(&address);
        let mut run = bench.command(&index).spawn().unwrap();
        more_than(n_before);
        run.kill().unwrap();
        run.wait().unwrap();
    }
    let n_before = count(&address);
    assert!(n_before < 60_000, "a run that came to its end cannot be killed");
    let mut run = bench.command(&index).spawn().unwrap();
    more_than(n_before);
    server.crash();
    server.up();
    assert!(run.wait().unwrap().success());
    assert_eq!(count(&address), 60_000);
    let inspected = &bench.json(&["inspect", "--check"])[0];
    assert_eq!((&inspected["n_records"], &inspected["damage"]), (&json!(60_000), &json!([])));
    let again = bench.json(&["index", "many.csv", "--write"]);
    assert_eq!(again[0]["n_embedded"], 0);
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus"]
fn a_server_that_crashes_and_starts_again_amid_a_session_costs_no_label() {
    let server = MilvusServer::start(&[]);
    let address = server.address("items");
    fill(&address, "HNSW", 1_500);
    let bench = Bench::new();
    bench.ok(&["init", "project", "--store", &format!("{address}?text=title")]);
    assert_no_label_is_lost(&bench, |n_given| {
        if n_given == 5 {
            server.crash();
            server.up();
        }
    });
}
