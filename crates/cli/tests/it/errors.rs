//! Every refusal says what is wrong, names the thing, and what would help.

use serde_json::{Value, json};

use crate::{
    journey::label_rounds,
    support::{Bench, write_npy},
};

#[test]
fn a_folder_without_a_project_is_told_apart() {
    let bench = Bench::new();
    insta::assert_snapshot!(bench.fails(&["search", "x"]).1, @r#"
    error: project is not a linprobe project
    hint: make one with "linprobe init", or name its folder with --project
    "#);
}

#[test]
fn an_empty_project_asks_for_a_dataset() {
    let bench = Bench::new();
    bench.ok(&["init"]);
    insta::assert_snapshot!(bench.fails(&["search", "x"]).1, @r#"
    error: the project has no records yet
    hint: run "linprobe index DATASET" first
    "#);
    insta::assert_snapshot!(bench.fails(&["init"]).1, @"error: project is a linprobe project already");
}

#[test]
fn what_is_no_shard_is_refused_with_those_that_there_are() {
    let bench = Bench::new();
    let (code, said) = bench.fails(&["index", "texts.csv", "--shard", "0/4"]);
    assert!(code == 2 && said.contains("of 4 there are 1/4 to 4/4"), "{said}");
    let (code, said) = bench.fails(&["index", "texts.csv", "--shard", "3"]);
    assert!(code == 2 && said.contains("the second of eight is 2/8"), "{said}");
}

#[test]
fn another_model_is_refused() {
    let bench = Bench::with_texts();
    let other = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/embed/bert-mean");
    let (code, said) = bench.fails(&["index", "texts.csv", "--model", other]);
    assert_eq!(code, 1);
    assert!(said.starts_with("error: the project is embedded with builtin/"), "{said}");
    assert!(said.contains("bert-mean") && said.contains("\nhint: leave out --model"), "{said}");
}

#[test]
fn vectors_of_another_dimension_are_refused() {
    let bench = Bench::with_texts();
    write_npy(&bench.path("vectors.npy"), &[[1., 0., 0.]]);
    insta::assert_snapshot!(bench.fails(&["index", "vectors.npy"]).1, @r"
    error: builtin/minilm-static-256 (256 dimensions) takes no vector of 3 dimensions
    hint: index vectors of the dimension that the project has, made with its model
    ");
    assert_eq!(bench.json(&["inspect"])[0]["n_records"], 80, "nothing is written");
}

#[test]
fn a_model_that_is_nowhere_is_named() {
    let bench = Bench::with_texts();
    let (_, said) = bench.fails(&["index", "texts.csv", "--model", "nowhere/nothing"]);
    assert!(said.contains("nowhere/nothing") && said.contains("\nhint: "), "{said}");
}

#[test]
fn a_project_for_a_model_that_cannot_be_opened_is_not_made() {
    let bench = Bench::new();
    bench.fails(&["init", "--model", "./nowhere"]);
    assert!(!bench.path("project").exists());
    bench.ok(&["init", "--model", "builtin"]);
    let (_, said) = bench.fails(&["init", "--model", "./nowhere"]);
    assert_eq!(said, "error: project is a linprobe project already");
}

#[test]
fn a_phrase_of_no_words_is_shown_as_what_it_is() {
    let bench = Bench::with_texts();
    let said = bench.fails(&["search", ""]).1;
    insta::assert_snapshot!(said, @r#"error: the phrase "" has no embedding: the text holds no word that the model knows"#);
}

#[test]
fn an_engine_that_cannot_run_the_model_is_refused() {
    let bench = Bench::new();
    let show = ["model", "show", "builtin", "--engine", "onnxruntime"];
    insta::assert_snapshot!(bench.fails(&show).1, @r"
    error: builtin cannot be run by onnxruntime
    hint: leave out --engine
    ");
}

#[test]
fn pictures_without_a_model_say_what_would_do() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("pictures")).unwrap();
    bench.write("pictures/a.png", "not a picture, but a file");
    bench.ok(&["init"]);
    insta::assert_snapshot!(bench.fails(&["index", "pictures"]).1, @r#"
    error: pictures need a model, and none is built in
    hint: give --model with a folder or hub name of a CLIP model, such as "laion/CLIP-ViT-B-32-laion2B-s34B-b79K", or index vectors that you have made elsewhere
    "#);
}

#[test]
fn a_model_of_pictures_alone_finds_by_examples_and_takes_no_phrase() {
    const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/embed");
    let bench = Bench::new();
    std::fs::create_dir(bench.path("pictures")).unwrap();
    for name in ["odd.png", "grey.jpg", "alpha.png"] {
        let to = bench.path("pictures").join(name);
        std::fs::copy(format!("{FIXTURES}/images/{name}"), to).unwrap();
    }
    bench.ok(&["init", "--model", &format!("{FIXTURES}/resnet-basic")]);
    bench.ok(&["index", "pictures"]);
    let hits = bench.json(&["search", "--like", "odd.png"]);
    assert!(!hits.is_empty());
    let (code, said) = bench.fails(&["search", "a dog"]);
    assert_eq!(code, 1);
    assert!(said.contains("takes no text\nhint: start from examples (--like)"), "{said}");
}

#[test]
fn labelling_without_a_terminal_points_to_the_script_form() {
    let bench = Bench::with_texts();
    insta::assert_snapshot!(bench.fails(&["label", "stars"]).1, @r"
    error: labelling needs a terminal
    hint: with --json it reads answers from standard input, one JSON object a line
    ");
}

#[test]
fn unknown_names_come_with_those_that_there_are() {
    let bench = Bench::with_texts();
    insta::assert_snapshot!(bench.fails(&["predict", "-c", "nothing"]).1, @r#"
    error: no classifier "nothing" in the project, and no such file
    hint: there is none yet
    "#);
    insta::assert_snapshot!(bench.fails(&["search", "--like", "a.png"]).1, @r#"error: there is no record "a.png" in the project, and no such file"#);
    insta::assert_snapshot!(bench.fails(&["simulate", "--positive", "sports"]).1, @r#"
    error: no label "sports" in the project
    hint: there is astronomy, baking
    "#);
    insta::assert_snapshot!(bench.fails(&["session", "show", "nothing"]).1, @r#"
    error: no session "nothing" in the project
    hint: there is none yet
    "#);
}

#[test]
fn a_file_whose_ending_names_no_form_is_not_written() {
    let bench = Bench::with_texts();
    bench.ok(&["label", "stars", "--session", "stars", "--json"]);
    insta::assert_snapshot!(bench.fails(&["classifier", "export", "stars", "stars.pth"]).1, @r"
    error: the form of stars.pth is not told by its name
    hint: end it with one of .safetensors, .json, .onnx, .npz, .pt
    ");
    bench.fails(&["classifier", "head", "stars", "stars"]);
    assert!(!bench.path("stars").exists() && !bench.path("stars.pth").exists());
}

#[test]
fn a_wrong_command_line_ends_with_code_2() {
    assert_eq!(Bench::new().run(&["label", "--method", "magic"]).status.code(), Some(2));
}

#[test]
fn a_classifier_of_another_model_is_refused() {
    let bench = Bench::with_texts();
    bench.write("head.json", "{\"weights\": [1.0, 2.0], \"bias\": 0.0}");
    let (_, said) = bench.fails(&["classifier", "import", "head.json"]);
    assert!(said.contains("2 dimensions") && said.contains("\nhint: "), "{said}");
}

/// Of the same dimension, it would score without meaning.
#[test]
fn a_classifier_of_another_model_is_refused_by_its_card_whoever_asks() {
    let bench = Bench::with_texts();
    label_rounds(&bench, "stars", 1);
    bench.ok(&["classifier", "export", "stars", "head.json"]);
    let head = std::fs::read_to_string(bench.path("head.json")).unwrap();
    let mut head: Value = serde_json::from_str(&head).unwrap();
    head["card"]["model"] = json!({ "id": "another", "revision": null, "fingerprint": "0" });
    bench.write("other.json", &head.to_string());
    for args in [
        &["predict", "-c", "other.json"][..],
        &["predict", "-c", "other.json", "-o", "out.csv"],
        &["predict", "-c", "other.json", "--unranked", "-o", "out.parquet"],
        &["search", "--classifier", "other.json"],
        &["label", "--classifier", "other.json", "--json"],
        &["classifier", "import", "other.json"],
    ] {
        let (_, said) = bench.fails(args);
        assert!(said.contains("another (256 dimensions)") && said.contains("\nhint: "), "{said}");
    }
    assert!(!bench.path("out.csv").exists() && !bench.path("out.parquet").exists());
    // Nor is a server asked that a file of strangers names.
    head["card"]["model"]["id"] = json!("http://127.0.0.1:9/v1#model");
    bench.write("other.json", &head.to_string());
    let (_, said) = bench.fails(&["predict", "-c", "other.json", "texts.csv"]);
    assert!(said.contains("which was not chosen here\nhint: "), "{said}");
}

#[test]
fn predictions_are_not_written_over_the_dataset_that_is_read() {
    let bench = Bench::with_texts();
    label_rounds(&bench, "stars", 1);
    let before = std::fs::read(bench.path("texts.csv")).unwrap();
    let (_, said) = bench.fails(&["predict", "-c", "stars", "texts.csv", "-o", "./texts.csv"]);
    assert!(said.contains("is the dataset itself\nhint: "), "{said}");
    assert_eq!(std::fs::read(bench.path("texts.csv")).unwrap(), before);
}

#[test]
fn a_classifier_is_no_start_beside_words() {
    let bench = Bench::with_texts();
    label_rounds(&bench, "stars", 1);
    let (_, said) = bench.fails(&["search", "bread", "--classifier", "stars"]);
    assert!(said.contains("not with words or a vector\nhint: "), "{said}");
    assert_eq!(bench.run(&["search", "bread", "-k", "0"]).status.code(), Some(2));
}

#[test]
fn a_hostile_classifier_file_is_refused_with_a_reason() {
    let bench = Bench::with_texts();
    bench.write("pickle.safetensors", "\u{80}\u{2}ctorch.nn.modules.linear\nLinear\n");
    let (_, said) = bench.fails(&["classifier", "import", "pickle.safetensors"]);
    assert!(said.contains("pickle.safetensors"), "{said}");
}
