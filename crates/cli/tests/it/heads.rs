//! Many concepts on one dataset: in one file, scored in one pass, and where their labels contradict each other.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use crate::{
    exchange::with_heads,
    journey::label_rounds,
    support::{Bench, text},
};

/// A session that knows both topics, from one side.
fn with_two_concepts() -> Bench {
    let bench = Bench::with_texts();
    label_rounds(&bench, "stars", 1);
    let answers = [("baking-00", 1.0), ("baking-31", 0.5), ("astronomy-00", -1.0)];
    let answers = answers.map(|(id, label)| json!({ "id": id, "label": label }));
    bench.script(
        &["bread", "--session", "bread"],
        &[&answers[..], &[json!({ "fit": true })]].concat(),
    );
    bench
}

fn scores(bench: &Bench, classifier: &str) -> BTreeMap<String, f64> {
    let rows = bench.json(&["predict", "-c", classifier]);
    rows.iter()
        .map(|row| (row["id"].as_str().unwrap().to_owned(), row["score"].as_f64().unwrap()))
        .collect()
}

#[test]
fn sessions_become_classes_of_one_file_whose_rows_score_as_the_sessions_do() {
    let bench = with_two_concepts();
    for ending in ["safetensors", "json", "onnx", "npz", "pt"] {
        let file = format!("topics.{ending}");
        let args = ["classifier", "head", &file, "space=stars", "bread", "--threshold", "count=7"];
        let made = &bench.json(&args)[0];
        assert_eq!(made["classes"][0]["class"], "space", "{made}");
        assert_eq!(made["classes"][1]["classifier"], "bread", "{made}");
        let classes = if ending == "pt" { ["0", "1"] } else { ["space", "bread"] };
        for (class, session) in classes.iter().zip(["stars", "bread"]) {
            let by_file = format!("{file}:{class}");
            assert_eq!(scores(&bench, &by_file), scores(&bench, session), "{by_file}");
            bench.ok(&["classifier", "import", &file, "--class", class, "--name", &by_file]);
            assert_eq!(scores(&bench, &by_file), scores(&bench, session), "{by_file}");
        }
    }
    let shown = bench.json(&["classifier", "show", "topics.npz"]);
    assert_eq!(shown[0]["class"], "space");
    assert_eq!(shown[1]["card"]["name"], "bread");
    assert_eq!(shown[0]["card"]["model"]["id"], "builtin/minilm-static-256");
    let threshold = shown[0]["card"]["threshold"].as_f64().unwrap();
    assert!(threshold != 0.0, "the one that was asked for");
    for row in bench.json(&["predict", "-c", "topics.onnx:space"]) {
        let is_positive = row["score"].as_f64().unwrap() >= threshold;
        assert_eq!(row["positive"], is_positive, "{row}");
    }
}

#[test]
fn all_classes_of_a_file_score_in_one_pass() {
    let bench = with_two_concepts();
    bench.ok(&["classifier", "head", "topics.safetensors", "stars", "bread"]);
    let done = bench.json(&["predict", "-c", "topics.safetensors", "-o", "wide.parquet"]);
    assert_eq!((&done[0]["n_classifiers"], &done[0]["n_records"]), (&json!(2), &json!(80)));
    let wide = fs::read(bench.path("wide.parquet")).unwrap();
    let has = |name: &str| wide.windows(name.len()).any(|window| window == name.as_bytes());
    assert!(has("stars") && has("bread_positive"));
    let (_, said) =
        bench.fails(&["predict", "-c", "topics.safetensors", "-c", "bread", "-o", "x.parquet"]);
    assert!(said.contains("two columns would be called \"bread\"\nhint: "), "{said}");
}

#[test]
fn a_row_of_a_head_of_another_tool_is_refined_and_put_back_and_no_other_changes() {
    let bench = with_heads();
    let answers: Vec<Value> = (0..10_u8)
        .map(|n| json!({ "id": n.to_string(), "label": if n % 2 == 0 { 1.0 } else { -1.0 } }))
        .chain([json!({ "fit": true })])
        .collect();
    bench.script(&["--classifier", "heads/three.npz:dog", "--session", "better dogs"], &answers);
    let said = bench.ok(&[
        "classifier",
        "head",
        "refined.npz",
        "dog=better dogs",
        "--of",
        "heads/three.npz",
    ]);
    assert!(said.starts_with("wrote refined.npz (3 classes of 4 weights)\n"), "{said}");
    assert!(said.contains("cat  threshold +0.000, 0 labels, not audited, as it was"), "{said}");
    assert!(
        said.contains("dog  threshold +0.000, 10 labels, not audited, now better dogs"),
        "{said}"
    );
    let weights = |classifier: &str| {
        bench.ok(&["classifier", "import", classifier, "--name", "x"]);
        bench.ok(&["classifier", "export", "x", "x.json"]);
        let written: Value =
            serde_json::from_slice(&fs::read(bench.path("x.json")).unwrap()).unwrap();
        (written["weights"].clone(), written["bias"].clone())
    };
    let row = |file: &str, class: &str| {
        bench.ok(&["classifier", "import", file, "--class", class, "--name", "row"]);
        bench.ok(&["classifier", "export", "row", "row.json"]);
        weights("row.json")
    };
    for class in ["cat", "elk"] {
        assert_eq!(row("refined.npz", class), row("heads/three.npz", class), "{class}");
    }
    assert_ne!(row("refined.npz", "dog"), row("heads/three.npz", "dog"));
    assert_eq!(scores(&bench, "refined.npz:dog"), scores(&bench, "better dogs"));
    let (_, said) =
        bench.fails(&["classifier", "head", "y.npz", "gnu=better dogs", "--of", "heads/three.npz"]);
    assert!(
        said.contains("has no class \"gnu\"\nhint: it has \"cat\", \"dog\", \"elk\""),
        "{said}"
    );
}

/// A record that is relevant twice, and two that are the same but for a capital letter.
#[test]
fn labels_that_contradict_each_other_are_listed_and_the_exit_code_says_so() {
    let bench = Bench::new();
    bench.write(
        "texts.csv",
        "id,text\na,the comet and the orbit\nb,The comet and the orbit\nc,the yeast and the dough\nd,the crust of a baguette",
    );
    bench.ok(&["init"]);
    bench.ok(&["index", "texts.csv"]);
    let label = |session: &str, answers: &[(&str, f32)]| {
        let lines = answers.iter().map(|(id, label)| json!({ "id": id, "label": label }));
        bench.script(&[session, "--session", session], &lines.collect::<Vec<_>>());
    };
    label("stars", &[("a", 1.0), ("b", -0.5), ("c", 0.25)]);
    label("bread", &[("c", 1.0), ("d", 1.0), ("a", -1.0)]);
    let output = bench.run(&["session", "conflicts", "stars", "bread"]);
    assert_eq!(output.status.code(), Some(3));
    insta::assert_snapshot!(text(&output.stdout));
    let lines = text(&bench.run(&["session", "conflicts", "stars", "bread", "--json"]).stdout);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["conflict"], "shared");
    assert_eq!(lines[0]["labels"][1]["session"], "bread");
    assert_eq!(
        (&lines[1]["conflict"], &lines[1]["labels"][1]["id"]),
        (&json!("opposite"), &json!("b"))
    );
    assert!(lines[1]["cosine"].as_f64().unwrap() >= 0.98);
    assert!(bench.ok(&["session", "conflicts", "bread"]).starts_with("no labels of bread"));
    let (_, said) = bench.fails(&["session", "conflicts", "moon"]);
    assert!(said.contains("no session \"moon\" in the project\nhint: there is"), "{said}");
}
