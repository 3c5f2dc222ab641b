//! The numbers of transformers, sentence-transformers and Pillow, stage by stage.
//!
//! Each stage has its own tolerance, so that a failure says which one differs. Hidden states are
//! compared beside the models, where they can be seen. How the fixtures came about is in
//! `fixtures/embed/generate.py`.

use std::{fs, path::Path};

use candle_core::Device;
use linprobe_core::{BadContent, Content, Input};
use linprobe_embed::{Engine, OpenOptions, Resizing, open};
use serde::Deserialize;
use serde_json::json;

use crate::fixture::{
    Fixture, assert_close, copy_of, embed, embed_inputs, fixtures, max_difference, offline,
    open_folder, picture, pixels, read_texts, replace, texts,
};

#[test]
fn token_ids_are_those_of_the_reference() {
    for fixture in Fixture::of_texts() {
        for (idx, text) in texts().into_iter().enumerate() {
            let Ok(input) = fixture.embedder.process(&text) else {
                assert!(!fixture.has(&format!("ids.{idx}")), "{}, text {idx}", fixture.name);
                continue;
            };
            let Input::Tokens(found) = input else { panic!() };
            let expected = fixture.values(&format!("ids.{idx}"));
            let found: Vec<f32> = found.into_iter().map(|id| id as f32).collect();
            assert_eq!(found, expected, "{}, text {idx}", fixture.name);
        }
    }
}

#[test]
fn texts_have_the_embeddings_of_the_reference() {
    for fixture in Fixture::of_texts() {
        let (texts, rows) = fixture.texts_with_a_direction();
        assert_close(&embed(&*fixture.embedder, &texts), &rows, 1e-5, &fixture.name);
    }
}

#[test]
fn a_query_has_another_prompt_than_a_record() {
    let fixture = Fixture::named("xlm-roberta-prompts");
    let query = |text: String| fixture.embedder.process_query(&text).unwrap();
    let queries: Vec<_> = read_texts("texts.json").map(query).collect();
    let found = embed_inputs(&*fixture.embedder, &queries);
    assert_close(&found, &fixture.rows("query_embeddings"), 1e-5, "queries");
}

/// The pixels come out normalized; the bytes from which they were made are found again exactly.
#[test]
fn pictures_are_resized_and_cropped_as_by_pillow() {
    for model in ["clip-quick-gelu", "clip-gelu-padded"] {
        let fixture = Fixture::named(model);
        for picture in fixture.names("resized.") {
            let expected = fixture.values(&format!("resized.{picture}"));
            let found = bytes_of(&pixels(&*fixture.embedder, &picture));
            let differences: Vec<f32> = found
                .iter()
                .zip(&expected)
                .map(|(a, b)| (a - b).abs())
                .filter(|d| *d > 0.0)
                .collect();
            assert_eq!(found.len(), expected.len());
            assert!(differences.iter().all(|d| *d <= 1.0), "{model}, {picture}: {differences:?}");
            let share = differences.len() as f32 / found.len() as f32;
            assert!(share < 0.001, "{model}, {picture}: {share} of the bytes differ");
        }
    }
}

#[test]
fn pictures_are_resized_as_by_torchvision_where_that_is_asked_for() {
    let options = OpenOptions { resizing: Resizing::Torchvision, ..offline() };
    let golden = fixtures().join("torchvision.safetensors");
    let golden = candle_core::safetensors::load(golden, &Device::Cpu).unwrap();
    for (name, expected) in golden {
        let (model, picture) = name.split_once('/').unwrap();
        let path = fixtures().join(model).display().to_string();
        let embedder = open(&path, &options).unwrap();
        let fingerprint = &embedder.model().fingerprint;
        assert!(fingerprint.starts_with("torchvision-"), "{fingerprint}");
        assert_eq!(OpenOptions::default().to_reopen(fingerprint).resizing, Resizing::Torchvision);
        let expected = expected.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let difference = max_difference(&pixels(&*embedder, picture), &expected);
        assert!(difference < 1e-5, "{name}: {difference}");
    }
}

#[test]
fn pixels_are_normalized_as_by_numpy() {
    for fixture in Fixture::of_pictures() {
        for picture in fixture.names("pixels.") {
            let expected = fixture.values(&format!("pixels.{picture}"));
            let found = pixels(&*fixture.embedder, &picture);
            let largest = expected.iter().copied().map(f32::abs).fold(1.0, f32::max);
            let difference = max_difference(&found, &expected) / largest;
            assert!(difference <= 1e-6, "{}, {picture}: {difference}", fixture.name);
        }
    }
}

#[test]
fn pictures_have_the_embeddings_of_the_reference() {
    for fixture in Fixture::of_pictures() {
        let names = fixture.names("embedding.");
        let pictures: Vec<_> = names.iter().map(|name| picture(name)).collect();
        for (name, found) in names.iter().zip(embed(&*fixture.embedder, &pictures)) {
            let expected = fixture.values(&format!("embedding.{name}"));
            assert_close(&[found], &[expected], 1e-5, &format!("{}, {name}", fixture.name));
        }
    }
}

/// Tiny random models are the hardest case: in a wide layer roundings average out.
#[test]
fn embeddings_in_bfloat16_are_nearly_those_in_single_precision() {
    let bf16 = OpenOptions { engine: Engine::Bf16, ..offline() };
    for fixture in Fixture::all() {
        let reduced = Fixture::opened(&fixture.name, &bf16).embedder;
        let contents = texts().into_iter().chain(["odd.png", "grey.png"].map(picture));
        let inputs: Vec<_> =
            contents.filter_map(|content| fixture.embedder.process(&content).ok()).collect();
        let exact = embed_inputs(&*fixture.embedder, &inputs);
        for (found, exact) in embed_inputs(&*reduced, &inputs).iter().zip(&exact) {
            let pairs = found.as_slice().iter().zip(exact.as_slice());
            let cosine: f32 = pairs.map(|(a, b)| a * b).sum();
            assert!(cosine > 0.999, "{}: {cosine}", fixture.name);
        }
    }
}

#[test]
fn a_project_is_gone_on_with_in_the_precision_that_it_was_made_in() {
    let folder = fixtures().join("bert-mean");
    let opened = |options: &OpenOptions| open(folder.to_str().unwrap(), options).unwrap();
    let exact = opened(&offline()).model().fingerprint.clone();
    let reduced = opened(&OpenOptions { engine: Engine::Bf16, ..offline() });
    let reduced = reduced.model().fingerprint.clone();
    assert_ne!(reduced, exact);
    for fingerprint in [exact, reduced] {
        let again = opened(&offline().to_reopen(&fingerprint));
        assert_eq!(again.model().fingerprint, fingerprint);
    }
}

#[test]
fn a_text_of_ten_thousand_words_is_cut_to_what_the_model_reads() {
    for fixture in Fixture::of_texts() {
        let text = Content::Text("snow ".repeat(10_000));
        let Input::Tokens(tokens) = fixture.embedder.process(&text).unwrap() else { panic!() };
        assert!(tokens.len() <= 64, "{}: {} tokens", fixture.name, tokens.len());
        embed(&*fixture.embedder, &[text]);
    }
}

/// One of the cases that the generator has tried.
#[derive(Debug, Deserialize)]
struct Limit {
    model: String,
    max_seq_length: Option<f64>,
    model_max_length: Option<f64>,
    n_tokens: usize,
    can_be_read: bool,
}

/// Where sentence-transformers gives a model more than it has positions for, it is given as much as it has.
#[test]
fn a_text_is_cut_where_sentence_transformers_cuts_it() {
    let limits = fs::read(fixtures().join("limits.json")).unwrap();
    let limits: Vec<Limit> = serde_json::from_slice(&limits).unwrap();
    assert!(limits.len() > 30);
    for limit in limits {
        let folder = copy_of(&limit.model);
        set(folder.path(), "sentence_bert_config.json", "max_seq_length", limit.max_seq_length);
        set(folder.path(), "tokenizer_config.json", "model_max_length", limit.model_max_length);
        let embedder = open_folder(folder.path());
        let Ok(Input::Tokens(tokens)) = embedder.process_query(&"snow ".repeat(1000)) else {
            panic!()
        };
        let n_positions = if limit.model == "bert-mean" { 64 } else { 62 };
        let expected = if limit.can_be_read { limit.n_tokens } else { n_positions };
        assert_eq!(tokens.len(), expected, "{limit:?}");
    }
}

/// Sets a number in a file of a model's, or takes it out.
fn set(folder: &Path, file: &str, name: &str, number: Option<f64>) {
    let config = fs::read(folder.join(file)).unwrap();
    let mut config: serde_json::Map<_, _> = serde_json::from_slice(&config).unwrap();
    config.remove(name);
    #[expect(clippy::cast_possible_truncation, reason = "small ones are whole")]
    let value =
        number.map(|number| if number < 1e9 { json!(number as i64) } else { json!(number) });
    config.extend(value.map(|value| (name.to_owned(), value)));
    replace(folder, file, json!(config).to_string().as_bytes());
}

#[test]
fn a_batch_of_texts_and_pictures_is_answered_in_its_order() {
    let fixture = Fixture::named("clip-quick-gelu");
    let text = fixture.rows("text_embeddings").remove(0);
    let image = fixture.values("embedding.odd.png");
    let contents = [picture("odd.png"), texts().remove(0), picture("odd.png")];
    let found = embed(&*fixture.embedder, &contents);
    assert_close(&found, &[image.clone(), text, image], 1e-5, "mixed");
}

#[test]
fn a_picture_that_cannot_be_read_is_an_error_of_its_own() {
    let embedder = Fixture::named("clip-quick-gelu").embedder;
    let files = fs::read_dir(fixtures().join("images")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let bad: Vec<_> = names.filter(|name| name.starts_with("bad-")).collect();
    assert_eq!(bad.len(), 10);
    for name in bad {
        let found = embedder.process(&picture(&name));
        assert!(matches!(found, Err(BadContent::Undecodable(_))), "{name}");
    }
}

#[test]
fn a_picture_that_claims_to_be_huge_is_refused_by_its_header() {
    let embedder = Fixture::named("clip-quick-gelu").embedder;
    for name in ["bad-huge.png", "bad-huge.jpg"] {
        let refused = embedder.process(&picture(name)).unwrap_err().to_string();
        assert!(refused.contains("30000 x 30000 pixels are too many"), "{name}: {refused}");
    }
}

#[test]
fn the_fingerprint_tells_models_apart_and_not_their_places() {
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(fixtures().join("bert-mean")).unwrap() {
        let file = file.unwrap();
        if file.path().is_file() {
            fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
    }
    let pooling = folder.path().join("1_Pooling");
    fs::create_dir(&pooling).unwrap();
    fs::copy(fixtures().join("bert-mean/1_Pooling/config.json"), pooling.join("config.json"))
        .unwrap();
    let fingerprint = |path: &Path| open_folder(path).model().fingerprint.clone();
    let original = fingerprint(&fixtures().join("bert-mean"));
    assert_eq!(fingerprint(folder.path()), original);
    fs::copy(fixtures().join("bert-cls-dense/1_Pooling/config.json"), pooling.join("config.json"))
        .unwrap();
    assert_ne!(fingerprint(folder.path()), original);
}

/// The real MiniLM over 1,000 real sentences.
#[test]
#[ignore = "needs LINPROBE_TEST_MINILM (folder of the MiniLM weights)"]
fn minilm_real() {
    let folder = std::env::var_os("LINPROBE_TEST_MINILM").expect("LINPROBE_TEST_MINILM is set");
    let embedder = open_folder(Path::new(&folder));
    let reference = fixtures().join("minilm-reference.safetensors");
    let golden = candle_core::safetensors::load(reference, &Device::Cpu).unwrap();
    let texts: Vec<_> = read_texts("minilm-texts.json").map(Content::Text).collect();
    assert_eq!(texts.len(), 1000);
    let found = embed(&*embedder, &texts);
    let expected: Vec<Vec<f32>> = golden["embeddings"].to_vec2().unwrap();
    let pairs = found.iter().zip(&expected);
    let worst = pairs.map(|(a, b)| max_difference(a.as_slice(), b)).fold(0.0, f32::max);
    println!("largest difference {worst:e}");
    assert_close(&found, &expected, 1e-4, "MiniLM");
}

/// Undoes the normalization of CLIP.
fn bytes_of(pixels: &[f32]) -> Vec<f32> {
    let means = [0.481_454_66_f32, 0.457_827_5, 0.408_210_73];
    let stds = [0.268_629_54_f32, 0.261_302_6, 0.275_777_1];
    let channels = pixels.chunks_exact(pixels.len() / 3).zip(means.into_iter().zip(stds));
    channels
        .flat_map(|(channel, (mean, std))| {
            channel.iter().map(move |value| ((value * std + mean) * 255.0).round())
        })
        .collect()
}
