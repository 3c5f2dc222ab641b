//! A project that an earlier version made must open for ever. `fixtures/project-v1` was made by
//! `linprobe` 0.1.0: the texts of `support.rs`, and a session "stars" with one round of labels.

use std::{fs, path::Path};

use serde_json::json;

use crate::support::Bench;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_project_of_format_1_opens_is_whole_and_goes_on() {
    let bench = Bench::new();
    let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/project-v1");
    copy(&frozen, &bench.path("project"));
    let inspected = &bench.json(&["inspect", "--check"])[0];
    assert_eq!((&inspected["n_records"], &inspected["damage"]), (&json!(80), &json!([])));
    let session = &bench.json(&["session", "show", "stars"])[0];
    assert_eq!(session["labels"].as_array().unwrap().len(), 10);
    let shown = bench.script(&["--session", "stars"], &[]);
    assert_eq!(shown[0]["round"], 2);
    assert_eq!(bench.json(&["search", "--like", "baking-00", "-k", "1"])[0]["id"], "baking-00");
}
