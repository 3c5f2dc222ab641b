//! Classifiers that come from other tools and go to others: heads, pages, queries.

use std::fs;

use serde_json::{Value, json};

use crate::{
    audit::audited_session,
    journey::label_rounds,
    support::{Bench, copy, text},
};

/// A project of vectors of four coordinates, and the heads of other tools beside it.
pub(crate) fn with_heads() -> Bench {
    let bench = Bench::new();
    copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/classifier/heads").as_ref(),
        &bench.path("heads"),
    );
    let bytes: Vec<u8> = (0..40_u8)
        .flat_map(|row| {
            let at = f32::from(row);
            [at.sin(), at.cos(), (2.0 * at).sin(), 0.1].into_iter().flat_map(f32::to_le_bytes)
        })
        .collect();
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (40, 4), }";
    let npy =
        [b"\x93NUMPY\x01\x00\x76\x00", format!("{header:<117}\n").as_bytes(), &bytes].concat();
    #[expect(clippy::disallowed_methods, reason = "a test's input need not be atomic")]
    fs::write(bench.path("vectors.npy"), npy).unwrap();
    bench.ok(&["init"]);
    bench.ok(&["index", "vectors.npy"]);
    bench
}

/// The weights of a head in the fixtures, as they were written down there.
fn expected(head: &str, class: &str) -> Vec<f64> {
    let said = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/classifier/heads.json");
    let said: Value = serde_json::from_slice(&fs::read(said).unwrap()).unwrap();
    let weights = said[head][class]["weights"].as_array().unwrap().iter();
    weights.map(|weight| weight.as_f64().unwrap()).collect()
}

#[test]
fn a_class_of_a_head_of_another_tool_is_imported_started_from_and_predicted_with() {
    let bench = with_heads();
    let (_, said) = bench.fails(&["classifier", "import", "heads/three.npz"]);
    let classes =
        "the file has 3 classes: \"cat\", \"dog\", \"elk\"\nhint: choose one, with --class or";
    assert!(said.contains(classes), "{said}");
    bench.ok(&["classifier", "import", "heads/three.npz", "--class", "dog"]);
    bench.ok(&["classifier", "export", "three dog", "dog.json"]);
    let written: Value =
        serde_json::from_slice(&fs::read(bench.path("dog.json")).unwrap()).unwrap();
    let weights = written["weights"].as_array().unwrap().iter().map(|w| w.as_f64().unwrap());
    for (found, expected) in weights.zip(expected("three.npz", "dog")) {
        assert!((found - expected).abs() < 1e-6);
    }
    let best = |args: &[&str]| bench.json(args)[0]["id"].clone();
    let by_name = best(&["predict", "-c", "three dog"]);
    assert_eq!(by_name, best(&["predict", "-c", "heads/three.npz:dog"]));
    assert_eq!(by_name, best(&["search", "--classifier", "heads/three.npz:1", "-k", "1"]));
    let shown = bench.script(&["--classifier", "heads/probe.pth", "--session", "probe"], &[]);
    assert_eq!(shown[0]["records"].as_array().unwrap().len(), 10);
    assert!(bench.ok(&["classifier", "show", "heads/many.pt:2"]).contains("weights    4, bias"));
}

#[test]
fn a_head_that_would_run_code_or_does_not_fit_is_refused_with_a_hint() {
    let bench = with_heads();
    let (_, said) = bench.fails(&["classifier", "import", "heads/command.pth"]);
    assert!(said.contains("it would call posix.system, which makes no tensor"), "{said}");
    assert!(!std::path::Path::new("/tmp/linprobe-was-here").exists());
    bench.write("wide.json", "{\"weights\": [1, 2, 3, 4, 5], \"bias\": 0}");
    let (_, said) = bench.fails(&["classifier", "import", "wide.json"]);
    assert!(said.contains("5 dimensions") && said.contains("\nhint: "), "{said}");
    let (_, said) = bench.fails(&["search", "--classifier", "heads/three.npz:gnu"]);
    assert!(said.contains("no class \"gnu\"\nhint: it has \"cat\""), "{said}");
}

#[test]
fn every_form_of_an_export_is_imported_again() {
    let bench = Bench::with_texts();
    label_rounds(&bench, "stars", 1);
    let scores = |classifier: &str| -> Vec<Value> {
        let rows = bench.json(&["predict", "-c", classifier]);
        rows.into_iter().map(|row| row["score"].clone()).collect()
    };
    let own = scores("stars");
    for ending in ["safetensors", "json", "onnx", "npz", "pt"] {
        let file = format!("head.{ending}");
        bench.ok(&["classifier", "export", "stars", &file]);
        bench.ok(&["classifier", "import", &file, "--name", ending]);
        assert_eq!(scores(ending), own, "{ending}");
        assert_eq!(scores(&file), own, "{ending}");
    }
}

/// The parts of a page that do not depend on the day or on rounding.
fn shape_of(page: &str) -> String {
    let is_steady = |line: &&str| !line.starts_with("| made |") && !line.starts_with("WITH head");
    page.lines().filter(is_steady).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_folder_gets_the_classifier_and_its_page_for_a_hub() {
    let bench = Bench::with_texts();
    bench.script(&["astronomy", "--not", "<script>*bread*</script>", "--session", "a|b"], &[]);
    bench.ok(&["classifier", "export", "a|b", "hub/"]);
    let mut names: Vec<String> = fs::read_dir(bench.path("hub"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["README.md", "README.svg", "classifier.safetensors"]);
    let page = text(&fs::read(bench.path("hub/README.md")).unwrap());
    insta::with_settings!({ filters => vec![
        (r"[0-9a-f]{32,}", "[digest]"), (r"-?\d+\.\d{2,}(e-\d+)?", "[number]"),
        (r"\d+ of 80 records", "[n] of 80 records"),
    ] }, { insta::assert_snapshot!(shape_of(&page)) });
    let plot = text(&fs::read(bench.path("hub/README.svg")).unwrap());
    assert!(plot.starts_with("<svg xmlns=") && plot.trim_end().ends_with("</svg>"), "{plot}");
    assert!(!plot.contains("<script"), "{plot}");
}

#[test]
fn the_page_of_an_audited_session_carries_its_intervals() {
    let bench = audited_session("30");
    bench.ok(&[
        "classifier",
        "export",
        "stars",
        "stars.onnx",
        "--card",
        "stars.md",
        "--threshold",
        "f1",
    ]);
    let page = text(&fs::read(bench.path("stars.md")).unwrap());
    for part in [
        "model-index:",
        "- type: precision",
        "| recall | ",
        "It was chosen by `f1`",
        "(<stars.svg>)",
        "InferenceSession(\"stars.onnx\")",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (_, said) = bench.fails(&["classifier", "export", "stars", "x.json", "--card", "x.svg"]);
    assert!(said.contains("hint: give --card a name that ends in .md"), "{said}");
}

/// Each query, asked of the vectors that the classifier was fitted over, finds what predict finds.
#[test]
fn queries_for_databases_ask_for_what_predict_calls_positive() {
    let bench = with_heads();
    bench.ok(&["classifier", "import", "heads/module.pth", "--name", "head"]);
    let threshold = "-0.2";
    let positive = |row: &&Value| row["positive"] == true;
    let rows = bench.json(&["predict", "-c", "head", "--threshold", threshold]);
    let wanted = rows.iter().filter(positive).count();
    assert!(wanted > 0 && wanted < rows.len());
    let query = |database: &str| {
        bench.ok(&["classifier", "export", "head", "--query", database, "--threshold", threshold])
    };
    let qdrant: Value = serde_json::from_str(&query("qdrant")).unwrap();
    let milvus: Value = serde_json::from_str(&query("milvus")).unwrap();
    let scored = |vector: &Value, reach: &Value| -> usize {
        let vector: Vec<f64> =
            vector.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
        let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
        assert!((length - 1.0).abs() < 1e-6);
        let scores = (0..40).map(|row| {
            let at = f64::from(row);
            let x = [at.sin(), at.cos(), (2.0 * at).sin(), 0.1];
            let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
            x.iter().zip(&vector).map(|(x, w)| x * w).sum::<f64>() / norm
        });
        scores.filter(|score| *score > reach.as_f64().unwrap()).count()
    };
    assert_eq!(scored(&qdrant["query"], &qdrant["score_threshold"]), wanted);
    assert_eq!(scored(&milvus["data"][0], &milvus["searchParams"]["params"]["radius"]), wanted);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&qdrant), ["limit", "params", "query", "score_threshold", "with_payload"]);
    assert_eq!(
        keys(&milvus),
        ["annsField", "collectionName", "data", "limit", "outputFields", "searchParams"]
    );
    assert!(query("pgvector").contains(">= -0.2\nORDER BY embedding <#> weights;"));
    assert!(query("pinecone").contains("index.query(vector=weights, top_k=1000"));
    bench.ok(&["classifier", "export", "head", "query.sql", "--query", "pgvector"]);
    assert!(fs::read_to_string(bench.path("query.sql")).unwrap().contains("::vector AS weights"));
}

#[test]
fn labels_without_a_fit_behind_them_are_in_the_classifier() {
    let bench = Bench::with_texts();
    let answers = [("astronomy-00", 1.0), ("astronomy-01", 1.0), ("baking-00", -1.0)];
    let answers = answers.map(|(id, label)| json!({ "id": id, "label": label }));
    let events = bench.script(&["stars and planets"], &answers);
    assert_eq!(events.last().unwrap()["n_labels"], 3, "{events:?}");
    bench.ok(&["classifier", "export", "stars and planets", "stars.json"]);
    let written: Value =
        serde_json::from_slice(&fs::read(bench.path("stars.json")).unwrap()).unwrap();
    assert_eq!(written["card"]["n_labels"], 3, "{}", written["card"]);
}

/// Asked for by its name, a session's classifier would else be the one that was exported long ago.
#[test]
fn a_classifier_is_not_imported_under_the_name_of_a_session() {
    let bench = Bench::with_texts();
    label_rounds(&bench, "stars", 1);
    bench.ok(&["classifier", "export", "stars", "stars.safetensors"]);
    let (_, said) = bench.fails(&["classifier", "import", "stars.safetensors"]);
    assert!(said.contains("there is a session \"stars\" already\nhint: "), "{said}");
    bench.ok(&["classifier", "import", "stars.safetensors", "--name", "old"]);
    let (_, said) = bench.fails(&["label", "planets", "--session", "old", "--json"]);
    assert!(said.contains("there is a classifier \"old\" already\nhint: "), "{said}");
    let (_, said) = bench.fails(&["label", "planets", "--session", "..", "--json"]);
    assert!(said.contains("\"..\" is no name\nhint: "), "{said}");
    let events = bench.script(&["old", "-k", "1000000000000"], &[]);
    assert_eq!(events[0]["session"], "old 2");
    assert_eq!(events[0]["records"].as_array().unwrap().len(), 80);
}
