//! `--where`: some of the records, in every command that looks at records.

use std::{collections::BTreeSet, io::Write, process::Stdio};

use serde_json::{Value, json};

use crate::support::{Bench, objects, text, texts};

/// A project of texts with a year and, for most, a split.
fn bench() -> Bench {
    let bench = Bench::new();
    let rows: Vec<String> = (0..).zip(texts().lines()).map(row).collect();
    bench.write("texts.csv", &rows.join("\n"));
    bench.ok(&["init"]);
    bench.ok(&["index", "texts.csv"]);
    bench
}

fn row((n, line): (u32, &str)) -> String {
    if n == 0 {
        return format!("{line},year,split");
    }
    let split = ["train", "test", ""][n as usize % 3];
    format!("{line},{},{split}", 2000 + n % 40)
}

fn year(record: &Value) -> u32 {
    record["metadata"]["year"].as_str().unwrap().parse().unwrap()
}

fn ids(records: &[Value]) -> BTreeSet<String> {
    records.iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_search_finds_what_the_filter_lets_through_and_all_of_it() {
    let bench = bench();
    let all = bench.json(&["search", "galaxy", "-k", "100"]);
    let filter = "split = 'train' and year > 2020";
    let some = bench.json(&["search", "galaxy", "-k", "100", "--where", filter]);
    let expected = all.iter().filter(|r| r["metadata"]["split"] == "train" && year(r) > 2020);
    let expected: Vec<Value> = expected.cloned().collect();
    assert!((5..40).contains(&expected.len()));
    assert_eq!(ids(&some), ids(&expected));
    assert_eq!(some[0]["id"], expected[0]["id"], "the best of them comes first");
    let none = bench.ok(&["search", "galaxy", "--json", "--where", "year > 3000"]);
    assert_eq!(none, "");
}

#[test]
fn every_round_of_a_session_keeps_to_the_filter_that_it_was_opened_with() {
    let bench = bench();
    let args = ["the planet and the comet", "--session", "s", "-k", "5"];
    let narrowed = [&args[..], &["--where", "label = 'astronomy' and year <= 2020"]].concat();
    let first = bench.script(&narrowed, &[json!({ "fit": true })]);
    let again = ["--session", "s", "-k", "5"];
    let later = bench.script(&again, &[json!({ "fit": true }), json!({ "fit": true })]);
    let shown: Vec<Value> = first
        .iter()
        .chain(&later)
        .filter(|event| event["event"] == "round")
        .flat_map(|round| round["records"].as_array().unwrap().clone())
        .collect();
    assert!(shown.len() >= 15, "{shown:?}");
    assert!(shown.iter().all(|r| r["label"] == "astronomy" && year(r) <= 2020), "{shown:?}");
    let fits = first.iter().chain(&later).filter(|event| event["event"] == "fit");
    let counted: BTreeSet<u64> = fits.map(|fit| fit["n_points"].as_u64().unwrap()).collect();
    let there = bench.json(&[
        "search",
        "x",
        "-k",
        "100",
        "--where",
        "label = 'astronomy' and year <= 2020",
    ]);
    assert_eq!(counted, BTreeSet::from([there.len() as u64]));
    let session = &bench.json(&["session", "show", "s"])[0];
    assert_eq!(session["where"], "label = 'astronomy' and year <= 2020");
    assert!(bench.ok(&["session", "list"]).contains("among label = 'astronomy' and year <= 2020"));
}

#[test]
fn predictions_are_of_what_the_filter_lets_through() {
    let bench = bench();
    bench.script(&["the galaxy", "--session", "s"], &[json!({ "fit": true })]);
    let filter = "year in (2001, 2002)";
    let predict = ["predict", "-c", "s", "--where", filter, "-o"];
    let predicted = |args: &[&str], file: &str| -> BTreeSet<String> {
        bench.ok(&[&predict[..], &[file], args].concat());
        let text = std::fs::read_to_string(bench.path(file)).unwrap();
        text.lines()
            .map(|line| {
                serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned()
            })
            .collect()
    };
    let of_project = predicted(&[], "project.jsonl");
    let found = bench.json(&["search", "x", "-k", "100", "--where", filter]);
    assert_eq!(of_project, ids(&found));
    assert_eq!(of_project.len(), 4);
    let of_dataset = predicted(&["texts.csv"], "dataset.jsonl");
    assert_eq!(of_dataset, of_project);
    let wide = [&predict[..], &["wide.parquet", "--unranked"]].concat();
    assert!(bench.ok(&wide).contains("wide.parquet: 4 records"), "{}", bench.ok(&wide));
}

#[test]
fn a_mistake_in_a_filter_is_shown_with_the_fields_that_there_are() {
    let bench = bench();
    let refused = |args: &[&str]| bench.fails(args).1;
    assert_eq!(
        refused(&["search", "x", "--where", "split = train"]),
        "error: the filter is wrong at column 9: train is no value: a text stands in quotes, as in \
         'train'\n  split = train\n          ^\n\
         hint: the fields are id, kind, label, split, text, year"
    );
    assert_eq!(
        refused(&["search", "x", "--where", "year > 1 and yaer < 3"]),
        "error: the filter is wrong at column 14: no record has a field \"yaer\"\n  \
         year > 1 and yaer < 3\n               ^\n\
         hint: the fields are id, kind, label, split, text, year"
    );
    let nothing = refused(&["label", "x", "--json", "--where", "year > 3000"]);
    assert!(nothing.contains("lets no record through: year > 3000\nhint: "), "{nothing}");
    let late = refused(&["label", "--json", "--where", "year > 2000"]);
    assert!(late.contains("--where belongs to the start of a session\nhint: "), "{late}");
    bench.script(&["the galaxy", "--session", "s"], &[json!({ "fit": true })]);
    let (_, said) = bench.fails(&["predict", "texts.csv", "-c", "s", "--where", "yaer = 1"]);
    assert!(
        said.contains("no record has a field \"yaer\"") && said.contains("split, text, year"),
        "{said}"
    );
}

#[test]
fn a_session_is_resumed_though_its_columns_have_left_the_dataset() {
    let bench = bench();
    let args = ["the galaxy", "--session", "s", "--where", "year > 2010"];
    bench.script(&args, &[json!({ "id": "baking-00", "label": -1 })]);
    bench.write("texts.csv", &texts());
    bench.ok(&["index", "texts.csv"]);
    assert_eq!(bench.json(&["session", "show", "s"])[0]["labels"][0]["id"], "baking-00");
}

/// Labels of records that a filter leaves out teach, and are no relevant records among those that it lets through.
#[test]
fn an_audit_of_a_filtered_session_counts_what_the_filter_lets_through() {
    let bench = Bench::with_texts();
    let only = "label = 'baking'";
    bench.script(&["bread", "--where", only, "--session", "s", "-k", "3"], &[]);
    let labels: Vec<_> =
        (0..8).map(|n| json!({ "id": format!("astronomy-{n}0"), "label": 1 })).collect();
    bench.script(&["--session", "s"], &labels);
    let drawn = bench.json(&["audit", "s", "--budget", "40"]);
    let records = drawn[0]["records"].as_array().unwrap().iter();
    let lines: Vec<String> =
        records.map(|r| json!({ "id": r["id"], "label": -1 }).to_string()).collect();
    let mut audit = bench.command(&["audit", "s", "--budget", "40", "--json"]);
    let mut child = audit.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", lines.join("\n")).unwrap();
    let events = objects(&text(&child.wait_with_output().unwrap().stdout));
    let report = events.last().unwrap();
    assert_eq!(report["event"], "report");
    assert_eq!(report["n_known"], 0, "{report}");
    assert!(report["n_relevant"]["high"].as_f64().unwrap() < 1.0, "{report}");
}
