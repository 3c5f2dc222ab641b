//! The audit through the binary: blind, resumed where it was left, and on the card in the end.

use serde_json::{Value, json};

use crate::{
    journey::label_rounds,
    support::{Bench, objects, text},
};

/// Runs an audit: lines in, objects out.
fn audit(bench: &Bench, args: &[&str], lines: &[Value]) -> Vec<Value> {
    let input: Vec<String> = lines.iter().map(Value::to_string).collect();
    bench.write("answers.jsonl", &input.join("\n"));
    let mut command = bench.command(&[&["audit", "stars", "--json"], args].concat());
    command.stdin(std::fs::File::open(bench.path("answers.jsonl")).unwrap());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    objects(&text(&output.stdout))
}

/// What the dataset's own class says of the records of an audit.
fn answers(event: &Value) -> Vec<Value> {
    let records = event["records"].as_array().unwrap().iter();
    let answer = |record: &Value| {
        let label = if record["label"] == "astronomy" { 1.0 } else { -1.0 };
        json!({ "id": record["id"], "label": label })
    };
    records.map(answer).collect()
}

/// A session of two rounds.
fn session() -> Bench {
    let bench = Bench::with_texts();
    label_rounds(&bench, "stars", 2);
    bench
}

/// A session of two rounds, and an audit of it that is done.
pub(crate) fn audited_session(budget: &str) -> Bench {
    let bench = session();
    let shown = audit(&bench, &["--budget", budget], &[]);
    audit(&bench, &[], &answers(&shown[0]));
    bench
}

#[test]
fn an_audit_shows_neither_score_nor_reason_and_goes_on_where_it_was_left() {
    let bench = session();
    let shown = audit(&bench, &["--budget", "30"], &[]);
    assert_eq!((&shown[0]["n_drawn"], &shown[0]["n_answered"]), (&json!(30), &json!(0)));
    let record = shown[0]["records"][0].as_object().unwrap();
    assert!(!record.contains_key("score") && !record.contains_key("reason"), "{record:?}");
    let answers = answers(&shown[0]);
    let first = audit(&bench, &[], &answers[..10]);
    assert!(first[1..=10].iter().all(|event| event["event"] == "ack"), "{first:?}");
    let rest = audit(&bench, &[], &[json!({ "undo": true })]);
    assert_eq!(
        rest[0]["records"].as_array().unwrap()[..],
        shown[0]["records"].as_array().unwrap()[10..]
    );
    assert_eq!(rest[1]["id"], answers[9]["id"]);
    let done = audit(&bench, &[], &answers[9..]);
    let report = done.last().unwrap();
    assert_eq!((&report["event"], &report["n_judged"]), (&json!("report"), &json!(30)));
    assert_eq!(report["n_known"], 20);
    // One interval in ten misses the truth, but none what is known.
    let labels = bench.json(&["session", "show", "stars"])[0]["labels"].clone();
    let labels = labels.as_array().unwrap().iter().map(|label| &label["score"]);
    let said: Vec<&Value> = labels.chain(answers.iter().map(|answer| &answer["label"])).collect();
    let n_relevant = said.iter().filter(|label| label.as_f64() > Some(0.0)).count() as f64;
    let at_most = n_relevant + (80 - said.len()) as f64;
    assert!(report["n_relevant"]["low"].as_f64() >= Some(n_relevant), "{report}");
    assert!(report["n_relevant"]["high"].as_f64() <= Some(at_most), "{report}");
}

#[test]
fn the_card_says_what_was_measured_and_that_nothing_was() {
    let bench = session();
    let said = bench.ok(&["classifier", "export", "stars", "before.json"]);
    assert!(said.contains("not audited"), "{said}");
    assert!(bench.ok(&["classifier", "show", "before.json"]).contains("audit      not audited"));
    let shown = audit(&bench, &["--budget", "60"], &[]);
    audit(&bench, &[], &answers(&shown[0]));
    bench.ok(&["classifier", "export", "stars", "after.json", "--threshold", "f1"]);
    let card = &bench.json(&["classifier", "show", "after.json"])[0]["card"];
    assert_eq!(card["audit"]["n_judged"], 60, "{card}");
    let positive = bench.json(&["predict", "-c", "after.json", "--positive-only"]);
    let right = positive.iter().filter(|row| row["label"] == "astronomy").count() as f64;
    let precision = right / positive.len() as f64;
    assert!(card["audit"]["precision"]["low"].as_f64() <= Some(precision));
    assert!(card["audit"]["precision"]["high"].as_f64() >= Some(precision), "{card}");
}

#[test]
fn people_see_a_table() {
    let bench = session();
    let shown = audit(&bench, &["--budget", "60"], &[]);
    audit(&bench, &[], &answers(&shown[0]));
    let table = bench.ok(&["audit", "stars", "--report"]);
    let filters = [(r"[+-]?\d+\.\d+", "[share]"), (r": \d+ of", ": [n] of")];
    insta::with_settings!({ filters => filters }, {
        insta::assert_snapshot!("people_see_a_table", table);
    });
}

#[test]
fn predictions_count_as_positive_by_policy() {
    let bench = session();
    let count = |policy: &str| {
        bench.json(&["predict", "-c", "stars", "--threshold", policy, "--positive-only"]).len()
    };
    // Equal scores stay together: these texts come in pairs of the same words.
    assert!((17..=18).contains(&count("count=17")));
    assert!(count("recall>=0.9") >= count("recall>=0.2"));
    assert!(count("precision>=0.2") >= count("precision>=0.6"));
    let output = bench.run(&["predict", "-c", "stars", "--threshold", "f1"]);
    assert!(text(&output.stderr).contains("not audited"), "{}", text(&output.stderr));
    let (code, said) = bench.fails(&["predict", "-c", "stars", "--threshold", "best"]);
    assert_eq!(code, 2);
    assert!(said.contains("precision>=0.9"), "{said}");
}

#[test]
fn a_slip_is_named_by_the_session_and_a_fit_gives_advice() {
    let bench = session();
    let others = ["baking-11", "baking-12", "baking-21", "baking-33", "baking-44", "baking-52"];
    let mut lines = others.map(|id| json!({ "id": id, "label": -1.0 })).to_vec();
    lines.extend([json!({ "id": "baking-01", "label": 1.0 }), json!({ "fit": true })]);
    let events = bench.script(&["--session", "stars"], &lines);
    let fit = events.iter().find(|event| event["event"] == "fit").unwrap();
    assert_eq!(fit["advice"]["verdict"], "keep going", "{fit}");
    let session = &bench.json(&["session", "show", "stars"])[0];
    assert_eq!(session["look_again"][0]["id"], "baking-01", "{session}");
    assert!(bench.ok(&["session", "show", "stars"]).contains("look again at"));
}

#[test]
fn an_audit_teaches_when_it_is_asked_to() {
    let bench = session();
    let shown = audit(&bench, &["--budget", "30"], &[]);
    let events = audit(&bench, &["--learn"], &answers(&shown[0]));
    let fit = events.last().unwrap();
    assert_eq!((&fit["n_learned"], &fit["n_labels"]), (&json!(30), &json!(50)), "{fit}");
}
