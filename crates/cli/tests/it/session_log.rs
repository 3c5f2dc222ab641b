//! A session leaves its project as a log, and its labels as files, and comes back.

use std::fs;

use serde_json::Value;

use crate::{
    audit::audited_session,
    journey::label_rounds,
    support::{Bench, text},
};

fn shown(bench: &Bench, session: &str) -> Value {
    let mut shown = bench.json(&["session", "show", session]).remove(0);
    shown["session"] = Value::Null;
    shown
}

/// The first one wanders over to a fresh project over the same records.
#[test]
fn a_log_makes_the_same_session_and_classifier_in_a_fresh_project() {
    let old = audited_session("20");
    old.ok(&["session", "export", "stars", "stars.log", "--format", "log"]);
    let log = fs::read_to_string(old.path("stars.log")).unwrap();
    assert_eq!(log, old.ok(&["session", "log", "stars"]));
    let new = Bench::with_texts();
    new.write("stars.log", &log);
    new.ok(&["session", "import", "again", "stars.log", "--format", "log"]);
    assert_eq!(shown(&old, "stars"), shown(&new, "again"));
    for (bench, session) in [(&old, "stars"), (&new, "again")] {
        bench.ok(&["classifier", "export", session, "head.npz"]);
        bench.ok(&["classifier", "export", session, "head.pt"]);
    }
    assert_eq!(fs::read(old.path("head.pt")).unwrap(), fs::read(new.path("head.pt")).unwrap());
    assert_eq!(old.ok(&["audit", "stars", "--report"]), new.ok(&["audit", "again", "--report"]));
    // All but the name is in the log again, to the bit.
    let second = new.ok(&["session", "log", "again"]);
    assert_eq!(second.replacen("\"name\":\"again\"", "\"name\":\"stars\"", 1), log);
    let next = new.script(&["--session", "again"], &[]);
    assert_eq!(next[0]["records"].as_array().unwrap().len(), 10);
    let (_, said) = new.fails(&["session", "import", "again", "stars.log", "--format", "log"]);
    assert!(said.contains("there is a session \"again\" already"), "{said}");
}

#[test]
fn a_log_of_something_else_is_taken_up_whole_or_not_at_all() {
    let bench = Bench::with_texts();
    label_rounds(&bench, "stars", 1);
    let log = bench.ok(&["session", "log", "stars"]);
    let refused = |log: &str| {
        bench.write("bad.log", log);
        bench.fails(&["session", "import", "new", "bad.log", "--format", "log"]).1
    };
    let lines: Vec<&str> = log.lines().collect();
    let without = |place: usize| [&lines[..place], &lines[place + 1..]].concat().join("\n");
    assert!(refused(&without(0)).contains("its first line is not that of a log"));
    assert!(refused(&without(1)).contains("log"), "no start");
    assert!(refused(&without(3)).starts_with("error: "), "an event is missing");
    assert!(refused(&lines[..1].join("\n")).contains("log"));
    assert!(
        refused(&log.replace("astronomy-0", "botany-0"))
            .contains("of its records are not in the project")
    );
    assert!(
        refused(&log.replacen("\"fingerprint\":\"", "\"fingerprint\":\"0", 1))
            .contains("hint: a session goes on only over")
    );
    assert!(refused(&format!("{log}{{\"seq\":")).contains(&format!("line {}: ", lines.len() + 1)));
    assert!(refused("").contains("its first line is not that of a log"));
    assert_eq!(bench.json(&["session", "list"]).len(), 1);
}

#[test]
fn labels_go_out_and_come_back_as_parquet() {
    let bench = Bench::with_texts();
    label_rounds(&bench, "stars", 2);
    bench.ok(&["session", "export", "stars", "labels.parquet"]);
    bench.script(&["astronomy", "--session", "new"], &[]);
    let imported = &bench.json(&["session", "import", "new", "labels.parquet"])[0];
    assert_eq!((&imported["n_imported"], &imported["n_labels"]), (&20.into(), &20.into()));
    let labels = |session: &str| shown(&bench, session)["labels"].clone();
    assert_eq!(labels("stars"), labels("new"));
    bench.write("not.parquet", "PAR1, or so");
    let (_, said) = bench.fails(&["session", "import", "new", "not.parquet"]);
    assert!(text(said.as_bytes()).contains("cannot read labels from not.parquet"), "{said}");
}
