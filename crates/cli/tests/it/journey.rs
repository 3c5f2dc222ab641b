//! From a dataset on disk to predictions on unseen records.

use std::io::Write;

use serde_json::{Value, json};

use crate::support::{Bench, write_npy};

#[test]
fn a_table_becomes_a_classifier_that_predicts_unseen_records() {
    let bench = Bench::with_texts();
    let found = bench.json(&["search", "astronomy", "-k", "3"]);
    assert!(found.iter().all(|hit| hit["label"] == "astronomy"), "{found:?}");

    label_rounds(&bench, "stars", 4);
    bench.ok(&["classifier", "export", "stars", "stars.safetensors"]);
    let new = ["the yeast and the orbit of dough", "the planet and the orbit"];
    bench.write("new.jsonl", &new.map(|text| json!({ "text": text }).to_string()).join("\n"));
    let unseen = bench.json(&["predict", "new.jsonl", "--classifier", "stars.safetensors"]);
    let ids: Vec<_> =
        unseen.iter().map(|row| (row["id"].clone(), row["positive"].clone())).collect();
    assert_eq!(ids, [(json!("1"), json!(true)), (json!("0"), json!(false))]);
}

/// Labels by the class, k = 10, so that every label is right.
pub(crate) fn label_rounds(bench: &Bench, session: &str, n_rounds: usize) {
    for round in 0..n_rounds {
        let start: &[&str] = if round == 0 { &["astronomy"] } else { &[] };
        let args = [start, &["--session", session]].concat();
        let shown = bench.script(&args, &[]);
        let mut lines: Vec<Value> = shown[0]["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| {
                let label = if record["label"] == "astronomy" { 1.0 } else { -1.0 };
                json!({ "id": record["id"], "label": label })
            })
            .collect();
        lines.push(json!({ "fit": true }));
        bench.script(&["--session", session], &lines);
    }
}

#[test]
fn every_record_says_why_it_is_shown_and_how_likely_that_was() {
    let bench = Bench::with_texts();
    let events = bench.script(&["astronomy", "--strategy", "random"], &[]);
    for record in events[0]["records"].as_array().unwrap() {
        assert_eq!(record["reason"], "random");
        assert_eq!(record["why"], "drawn at random");
        let probability = record["probability"].as_f64().unwrap();
        assert!((probability - 10.0 / 80.0).abs() < 1e-6, "10 of 80");
    }
}

#[test]
fn no_record_is_shown_twice_across_restarts_until_seen_is_reset() {
    let bench = Bench::with_texts();
    let mut seen = Vec::new();
    for round in 0..8 {
        let start: &[&str] = if round == 0 { &["astronomy"] } else { &[] };
        let shown = bench.script(&[start, &["--session", "s"]].concat(), &[]);
        let ids = shown[0]["records"].as_array().unwrap();
        assert_eq!(ids.len(), 10);
        seen.extend(ids.iter().map(|record| record["id"].to_string()));
        bench.script(&["--session", "s"], &[json!({ "fit": true })]);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 80, "every record once");
    let events = bench.script(&["--session", "s"], &[]);
    assert_eq!(events[0]["records"], json!([]));
    bench.ok(&["session", "reset-seen", "s"]);
    let events = bench.script(&["--session", "s"], &[]);
    assert_eq!(events[0]["records"].as_array().unwrap().len(), 10);
}

#[test]
fn a_line_that_is_no_text_is_answered_and_changes_nothing() {
    let bench = Bench::new();
    bench.write("texts.csv", "text\na moon\na cake\n");
    bench.ok(&["init"]);
    bench.ok(&["index", "texts.csv"]);
    let mut child = bench.spawn_script(&["moon", "--session", "s"]);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"{\"id\": \"\xff\"}\n{\"id\": 1, \"label\": 1}\n").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let events = crate::support::objects(&crate::support::text(&output.stdout));
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["round", "error", "ack", "done"]);
    assert_eq!((&events[2]["id"], &events[3]["n_labels"]), (&json!("1"), &json!(1)));
}

#[test]
fn an_undo_takes_the_last_answer_back_even_after_a_restart() {
    let bench = Bench::with_texts();
    let shown = bench.script(&["astronomy", "--session", "s"], &[]);
    let id = &shown[0]["records"][0]["id"];
    let relabel = [json!({ "id": id, "label": 0.5 }), json!({ "id": id, "label": -1.0 })];
    bench.script(&["--session", "s"], &relabel);
    let events = bench.script(&["--session", "s"], &[json!({ "undo": true })]);
    assert_eq!(&events[1]["id"], id);
    let session = &bench.json(&["session", "show", "s"])[0];
    assert_eq!(session["labels"][0]["score"], json!(0.5));
    let events = bench.script(&["--session", "s"], &[json!({ "undo": true })]);
    assert_eq!(events.last().unwrap()["n_labels"], 0);
    let events = bench.script(&["--session", "s"], &[json!({ "undo": true })]);
    assert_eq!(events[1]["id"], Value::Null, "nothing is left to undo");
}

#[test]
fn a_label_outside_the_scale_is_refused_and_changes_nothing() {
    let bench = Bench::with_texts();
    let lines = [
        json!({ "id": "astronomy-00", "label": 1.5 }),
        json!({ "id": "astronomy-00" }),
        json!({ "id": "no such record", "label": 1 }),
        json!({ "unknown": true }),
    ];
    let events = bench.script(&["astronomy", "--session", "s"], &lines);
    let errors = events.iter().filter(|event| event["event"] == "error");
    let errors: Vec<_> = errors.map(|event| event["error"].as_str().unwrap()).collect();
    assert_eq!(errors.len(), 4, "{events:?}");
    assert!(errors[0].starts_with("1.5 is no label\nhint: "), "{errors:?}");
    assert_eq!(events.last().unwrap()["n_labels"], 0);
}

#[test]
fn unchanged_records_are_not_embedded_again_and_changed_ones_are() {
    let bench = Bench::with_texts();
    let again = &bench.json(&["index", "texts.csv"])[0];
    assert_eq!((&again["n_embedded"], &again["n_unchanged"]), (&json!(0), &json!(80)));
    let table = crate::support::texts().replace("the galaxy and the galaxy", "a galaxy of cheese");
    bench.write("texts.csv", &table);
    let changed = &bench.json(&["index", "texts.csv"])[0];
    assert_eq!((&changed["n_embedded"], &changed["n_unchanged"]), (&json!(1), &json!(79)));
    let found = bench.json(&["search", "cheese", "-k", "1"]);
    assert_eq!(found[0]["text"], "a galaxy of cheese");
    assert_eq!(bench.json(&["inspect", "--check"])[0]["damage"], json!([]));
}

#[test]
fn a_bad_row_is_named_counted_and_skipped_with_exit_code_3() {
    let bench = Bench::new();
    bench.write("texts.csv", "text,label\ngood,a\n,b\ntoo,many,fields\nbetter,a\n");
    bench.ok(&["init"]);
    let output = bench.run(&["index", "texts.csv", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let report = &crate::support::objects(&crate::support::text(&output.stdout))[0];
    assert_eq!((&report["n_embedded"], &report["n_skipped"]), (&json!(2), &json!(2)));
    let rows: Vec<_> = report["skipped"].as_array().unwrap().iter().map(|s| &s["row"]).collect();
    assert_eq!(rows, [&json!(3), &json!(4)]);
    let found = bench.json(&["search", "better", "-k", "1"]);
    assert_eq!(found[0]["id"], "3", "ids do not shift");
    bench.write("others.csv", "id,text\nother,another\n");
    assert_eq!(bench.json(&["index", "others.csv"])[0]["skipped"], json!([]), "of this dataset");
    assert_eq!(bench.json(&["inspect"])[0]["skipped"], report["skipped"], "of all");
}

#[test]
fn a_dataset_without_records_is_said_to_have_none() {
    let bench = Bench::new();
    bench.write("texts.csv", "id,text\n");
    bench.ok(&["init"]);
    let report = &bench.json(&["index", "texts.csv"])[0];
    assert_eq!(report["notes"], json!(["the dataset has no records"]));
}

/// Else the first wrong file or model would decide for ever.
#[test]
fn a_run_that_embeds_nothing_leaves_the_model_open() {
    const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/embed/images");
    let bench = Bench::new();
    bench.write("texts.csv", "id,text\n");
    bench.ok(&["init"]);
    bench.ok(&["index", "texts.csv"]);
    write_npy(&bench.path("bad.npy"), &[[f32::NAN, 0.0, 0.0]]);
    assert_eq!(bench.run(&["index", "bad.npy"]).status.code(), Some(3));
    let (_, said) = bench.fails(&["index", PICTURES, "--model", "builtin"]);
    assert!(said.contains("another project"), "{said}");
    write_npy(&bench.path("good.npy"), &[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
    assert_eq!(bench.json(&["index", "good.npy"])[0]["n_embedded"], 2);
}

#[test]
fn negative_phrases_and_examples_steer_a_search() {
    let bench = Bench::with_texts();
    let top = |args: &[&str]| bench.json(&[&["search", "-k", "5"], args].concat());
    let baking = |hits: &[Value]| hits.iter().filter(|hit| hit["label"] == "baking").count();
    assert_eq!(baking(&top(&["--like", "baking-00", "--unlike", "astronomy-00"])), 5);
    assert_eq!(baking(&top(&["planet", "--not", "dough", "--not", "oven"])), 0);
    // Nothing that is said beside something else is lost.
    assert_eq!(top(&["planet", "--like", "baking-00"])[0]["id"], "baking-00");
    let alone = top(&["--like", "baking-00"]);
    assert_ne!(alone, top(&["--like", "baking-00", "--not", "dough"]));
}

#[test]
fn predictions_come_in_every_form_with_the_same_rows() {
    let bench = Bench::with_texts();
    label_rounds(&bench, "stars", 1);
    let rows = bench.json(&["predict", "--classifier", "stars"]);
    assert_eq!(rows.len(), 80);
    let scores: Vec<f64> = rows.iter().map(|row| row["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "sorted by score");
    bench.ok(&["predict", "--classifier", "stars", "--output", "all.csv"]);
    let csv = std::fs::read_to_string(bench.path("all.csv")).unwrap();
    assert_eq!(csv.lines().count(), 81);
    bench.ok(&["predict", "--classifier", "stars", "--output", "all.parquet"]);
    let parquet = std::fs::read(bench.path("all.parquet")).unwrap();
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    let positive = bench.json(&["predict", "-c", "stars", "--threshold", "-99", "--positive-only"]);
    assert_eq!(positive.len(), 80, "a threshold below all scores takes all");
}

#[test]
fn a_classifier_travels_through_a_file_into_another_session() {
    let bench = Bench::with_texts();
    label_rounds(&bench, "stars", 1);
    bench.ok(&["classifier", "export", "stars", "stars.json"]);
    bench.ok(&["classifier", "import", "stars.json", "--name", "imported"]);
    let shown = &bench.json(&["classifier", "show", "imported"])[0];
    assert_eq!(shown["card"]["n_labels"], 10);
    let ours = bench.json(&["predict", "-c", "stars"]);
    let theirs = bench.json(&["predict", "-c", "imported"]);
    assert_eq!(ours, theirs);
    let from_head = ["--classifier", "imported", "--session", "from a head", "--strategy", "top"];
    let events = bench.script(&from_head, &[]);
    assert_eq!(events[0]["records"][0]["id"], ours[0]["id"], "the head is the first query");
}

#[test]
fn vectors_made_elsewhere_need_no_model() {
    let bench = Bench::new();
    let rows: [[f32; 3]; 4] = [[1., 0., 0.], [0., 2., 0.], [0., 0., 0.], [0.9, 0.1, 0.]];
    write_npy(&bench.path("vectors.npy"), &rows);
    bench.ok(&["init"]);
    let output = bench.run(&["index", "vectors.npy"]);
    assert_eq!(output.status.code(), Some(3), "the zero vector is skipped");
    let hits = bench.json(&["search", "--like", "0", "-k", "2"]);
    let ids: Vec<_> = hits.iter().map(|hit| hit["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["0", "3"]);
    let hits = bench.json(&["search", "--vector", "vectors.npy:1", "-k", "1"]);
    assert_eq!(hits[0]["id"], "1");
}

#[test]
fn a_label_column_plays_the_user_in_a_simulation() {
    let bench = Bench::with_texts();
    let args = ["simulate", "--positive", "astronomy", "--rounds", "2", "-k", "5"];
    let lines = bench.json(&args);
    assert_eq!(lines.len(), 4 * 3, "four players, before and after two rounds");
    let last = lines.iter().rfind(|line| line["player"] == "linprobe").unwrap();
    assert!(last["held_out_ap"].as_f64().unwrap() > 0.9, "{last}");
    assert!(bench.ok(&args).contains("article"), "people see a table");
}

#[test]
fn a_background_of_fewer_records_is_made_again() {
    let bench = Bench::with_texts();
    let background = bench.path("project/background.safetensors");
    let before = std::fs::read(&background).unwrap();
    bench.write("more.csv", "id,text\nx1,a comet of flour\nx2,an oven in orbit\n");
    bench.ok(&["index", "more.csv"]);
    let found = bench.json(&["search", "--like", "x1", "-k", "5"]);
    let whole = std::fs::read(&background).unwrap();
    assert_ne!(before, whole);
    #[expect(clippy::disallowed_methods, reason = "the test plays a run that was killed")]
    std::fs::write(&background, before).unwrap();
    assert_eq!(bench.json(&["search", "--like", "x1", "-k", "5"]), found);
    assert_eq!(std::fs::read(&background).unwrap(), whole);
}

#[test]
fn labels_travel_to_other_tools_and_back_into_another_session() {
    let bench = Bench::with_texts();
    label_rounds(&bench, "stars", 1);
    let labels = |session: &str| bench.json(&["session", "show", session])[0]["labels"].clone();
    for (file, format) in [
        ("labels.csv", "csv"),
        ("labels.jsonl", "jsonl"),
        ("prodigy.jsonl", "prodigy"),
        ("tasks.json", "label-studio"),
        ("fiftyone.json", "fiftyone"),
    ] {
        bench.ok(&["session", "export", "stars", file, "--format", format]);
        bench.script(&["the galaxy", "--session", format], &[]);
        let imported = &bench.json(&["session", "import", format, file, "--format", format])[0];
        assert_eq!(imported["n_labels"], labels("stars").as_array().unwrap().len(), "{imported}");
        assert_eq!(labels(format), labels("stars"), "{format}");
    }
    bench.write("some.csv", "id,label\nastronomy-00,1\nnobody,-1\n");
    let imported = &bench.json(&["session", "import", "csv", "some.csv"])[0];
    assert_eq!((&imported["n_imported"], &imported["unknown"][0]), (&json!(1), &json!("nobody")));
    let (_, said) = bench.fails(&["session", "export", "stars", "labels.xlsx"]);
    assert!(
        said.contains("is not told by its name\nhint: name it .csv, .jsonl or .parquet"),
        "{said}"
    );
}
