//! A project that an earlier version made must open for ever. `fixtures/project-v1` and
//! `fixtures/project-v2`, whose store has checksums, were made by `linprobe` 0.1.0: the texts of `support.rs`, and a session "stars" with one round of labels.

use std::path::Path;

use serde_json::json;

use crate::support::{Bench, copy};

/// A project that was frozen, thawed.
fn thawed(name: &str) -> Bench {
    let bench = Bench::new();
    let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name);
    copy(&frozen, &bench.path("project"));
    bench
}

#[test]
fn a_project_of_format_1_opens_is_whole_and_goes_on() {
    goes_on(&thawed("project-v1"));
}

#[test]
fn a_project_of_format_2_opens_is_whole_and_goes_on() {
    goes_on(&thawed("project-v2"));
}

#[test]
fn a_project_of_format_1_is_indexed_and_compacted_by_this_version() {
    let bench = thawed("project-v1");
    bench.write("more.csv", "id,text\nnew,the rye and the oven\n");
    bench.ok(&["index", "more.csv"]);
    bench.ok(&["compact"]);
    let inspected = &bench.json(&["inspect", "--check"])[0];
    assert_eq!((&inspected["n_records"], &inspected["damage"]), (&json!(81), &json!([])));
    let session = &bench.json(&["session", "show", "stars"])[0];
    assert_eq!(session["labels"].as_array().unwrap().len(), 10);
}

fn goes_on(bench: &Bench) {
    let inspected = &bench.json(&["inspect", "--check"])[0];
    assert_eq!((&inspected["n_records"], &inspected["damage"]), (&json!(80), &json!([])));
    let session = &bench.json(&["session", "show", "stars"])[0];
    assert_eq!(session["labels"].as_array().unwrap().len(), 10);
    let shown = bench.script(&["--session", "stars"], &[]);
    assert_eq!(shown[0]["round"], 2);
    assert_eq!(bench.json(&["search", "--like", "baking-00", "-k", "1"])[0]["id"], "baking-00");
}
