//! Records of stores elsewhere, of which one in ten is wanted, as its title says.

use std::io::{BufRead, BufReader, Write};

use serde_json::{Value, json};

use crate::support::Bench;

pub(crate) const DIMENSION: usize = 24;

/// The vector of a number: those that are wanted point in another direction. Lengths differ.
pub(crate) fn vector(n: u64) -> Vec<f32> {
    let is_wanted = n.is_multiple_of(10);
    let value = |position: usize| {
        let mixed = (n * 24 + position as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let noise = (mixed >> 40) as f32 / (1 << 24) as f32 - 0.5;
        (noise + if is_wanted && position < 4 { 1.0 } else { 0.0 }) * (1 + n % 3) as f32
    };
    (0..DIMENSION).map(value).collect()
}

/// The title of a number.
pub(crate) fn title(n: u64) -> String {
    let word = if n.is_multiple_of(10) { "wanted" } else { "other" };
    format!("{word} {n}")
}

pub(crate) fn is_wanted(record: &Value) -> bool {
    record["text"].as_str().unwrap().starts_with("wanted")
}

/// What the titles say of shown records.
fn labels(records: &Value) -> Vec<Value> {
    let label = |record: &Value| {
        let label = if is_wanted(record) { 1.0 } else { -1.0 };
        json!({ "id": record["id"], "label": label })
    };
    records.as_array().unwrap().iter().map(label).collect()
}

/// Labels what the session "s" shows, and fits; tells how many these were.
pub(crate) fn label_round(bench: &Bench, args: &[&str]) -> usize {
    let shown = bench.script(&[args, &["--session", "s"]].concat(), &[]);
    let mut lines = labels(&shown[0]["records"]);
    let n_shown = lines.len();
    lines.push(json!({ "fit": true }));
    bench.script(&["--session", "s"], &lines);
    n_shown
}

/// Labels ten records that are like the tenth one, one by one, and fits. Before each label, and before the fit, something may
/// happen, told how many were given.
#[track_caller]
pub(crate) fn assert_no_label_is_lost(bench: &Bench, mut happens: impl FnMut(usize)) {
    let mut child = bench.spawn_script(&["--like", "10", "--session", "s"]);
    let mut input = child.stdin.take().unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&events.next().unwrap().unwrap()).unwrap() };
    let shown = next();
    let labels = labels(&shown["records"]);
    for (n_given, label) in labels.iter().enumerate() {
        happens(n_given);
        writeln!(input, "{label}").unwrap();
        assert_eq!(next()["event"], "ack");
    }
    happens(labels.len());
    writeln!(input, "{}", json!({ "fit": true })).unwrap();
    // The start is an example, too.
    assert_eq!(next()["n_labels"], 11);
    drop(input);
    assert!(child.wait().unwrap().success());
    let session = &bench.json(&["session", "show", "s"])[0];
    assert_eq!(session["labels"].as_array().unwrap().len(), 11);
}
