//! What `open` says of names and folders that are no models.

use std::fs;

use linprobe_embed::{BUILTIN, OpenError, open};
use serde_json::json;

use crate::fixture::{Fixture, assert_close, copy_of, embed, fixtures, offline, replace};

#[test]
fn the_built_in_encoder_needs_no_file() {
    let encoder = open(BUILTIN, &offline()).unwrap();
    assert!(encoder.model().modalities.text);
    let again = open(&encoder.model().id, &offline()).unwrap();
    assert_eq!(again.model(), encoder.model());
}

#[test]
fn a_name_that_stands_for_nothing_is_answered_with_what_can_be_given() {
    let error = error_of("clip");
    assert!(matches!(error, OpenError::NoSuchModel { .. }));
    assert!(error.to_string().contains("hint: give \"builtin\", a folder"), "{error}");
}

#[test]
fn a_folder_that_lacks_a_file_names_it() {
    for file in ["config.json", "tokenizer.json", "model.safetensors", "1_Pooling/config.json"] {
        let folder = copy_of("modernbert-cls");
        fs::remove_file(folder.path().join(file)).unwrap();
        match error_of(folder.path().to_str().unwrap()) {
            OpenError::MissingFile { file: missing, .. } => assert_eq!(missing, file),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_file_of_weights_that_is_no_archive_is_refused_and_the_way_out_is_named() {
    let folder = copy_of("bert-mean");
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    replace(folder.path(), "pytorch_model.bin", b"\x80\x02");
    let error = error_of(folder.path().to_str().unwrap());
    assert!(matches!(error, OpenError::Pickle { .. }), "{error}");
    assert!(error.to_string().contains("hint: load it with transformers"), "{error}");
}

#[test]
fn a_pickle_that_would_run_code_is_refused_and_says_which() {
    let folder = copy_of("bert-mean");
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    fs::copy(fixtures().join("hostile-pytorch.bin"), folder.path().join("pytorch_model.bin"))
        .unwrap();
    let error = error_of(folder.path().to_str().unwrap()).to_string();
    assert!(error.contains("it would call posix.system, which makes no tensor"), "{error}");
}

/// Of a file that is cut or damaged anywhere, nothing panics and little is allocated.
#[test]
fn a_pickle_that_is_damaged_is_refused() {
    let folder = copy_of("bert-pickled");
    let weights = fs::read(folder.path().join("pytorch_model.bin")).unwrap();
    for n_bytes in (0..weights.len()).step_by(weights.len() / 40) {
        replace(folder.path(), "pytorch_model.bin", &weights[..n_bytes]);
        let error = error_of(folder.path().to_str().unwrap());
        assert!(matches!(error, OpenError::Pickle { .. }), "{n_bytes}: {error}");
    }
    for at in (0..weights.len()).step_by(97) {
        let mut damaged = weights.clone();
        damaged[at] ^= 0xFF;
        replace(folder.path(), "pytorch_model.bin", &damaged);
        let _refused_or_not = open(folder.path().to_str().unwrap(), &offline());
    }
}

/// Large models of before safetensors are in several pickles; each may hold more than the index says.
#[test]
fn pickles_in_shards_are_one_model_and_a_missing_shard_is_named() {
    let folder = copy_of("bert-pickled");
    let (whole, shards) = (folder.path().join("pytorch_model.bin"), [1, 2].map(shard));
    fs::copy(&whole, folder.path().join(&shards[0])).unwrap();
    fs::copy(&whole, folder.path().join(&shards[1])).unwrap();
    fs::remove_file(whole).unwrap();
    let index = json!({ "weight_map": { "embeddings.LayerNorm.bias": shards[0], "pooler.dense.bias": shards[1] } });
    replace(folder.path(), "pytorch_model.bin.index.json", index.to_string().as_bytes());
    let sharded = open(folder.path().to_str().unwrap(), &offline()).unwrap();
    let fixture = Fixture::opened("bert-pickled", &offline());
    let (texts, rows) = fixture.texts_with_a_direction();
    assert_close(&embed(&*sharded, &texts), &rows, 1e-5, "shards");
    fs::remove_file(folder.path().join(&shards[1])).unwrap();
    let error = error_of(folder.path().to_str().unwrap());
    assert!(matches!(&error, OpenError::MissingFile { file, .. } if *file == shards[1]), "{error}");
}

fn shard(number: usize) -> String {
    format!("pytorch_model-{number:05}-of-00002.bin")
}

#[test]
fn an_architecture_that_is_not_known_is_named_beside_those_that_are() {
    let folder = copy_of("modernbert-cls");
    replace(folder.path(), "config.json", br#"{"model_type": "mamba"}"#);
    let error = error_of(folder.path().to_str().unwrap()).to_string();
    let expected = "models of type \"mamba\" are not supported\nhint: these are: bert, ";
    assert!(error.contains(expected), "{error}");
}

#[test]
fn weights_that_do_not_fit_their_configuration_are_refused() {
    let folder = copy_of("bert-mean");
    let config = fs::read_to_string(folder.path().join("config.json")).unwrap();
    let wider = config.replace("\"intermediate_size\": 48", "\"intermediate_size\": 50");
    assert_ne!(wider, config);
    replace(folder.path(), "config.json", wider.as_bytes());
    let error = error_of(folder.path().to_str().unwrap());
    assert!(matches!(error, OpenError::Weights { .. }), "{error}");
}

#[test]
fn weights_that_are_cut_short_are_refused() {
    let folder = copy_of("bert-mean");
    let weights = fs::read(folder.path().join("model.safetensors")).unwrap();
    for n_bytes in [0, 4, 100, weights.len() / 2] {
        replace(folder.path(), "model.safetensors", &weights[..n_bytes]);
        let error = error_of(folder.path().to_str().unwrap());
        assert!(matches!(error, OpenError::Weights { .. }), "{n_bytes}: {error}");
    }
}

#[test]
fn a_configuration_that_is_no_json_is_named() {
    for file in ["config.json", "tokenizer.json", "modules.json", "1_Pooling/config.json"] {
        let folder = copy_of("bert-mean");
        replace(folder.path(), file, b"{");
        let error = error_of(folder.path().to_str().unwrap());
        assert!(
            matches!(&error, OpenError::BadFile { path, .. } if path.ends_with(file)),
            "{error}"
        );
    }
}

#[test]
fn a_shard_outside_of_the_folder_is_not_read() {
    let folder = copy_of("bert-cls-dense");
    let index = br#"{"weight_map": {"embeddings.LayerNorm.bias": "../../secret.safetensors"}}"#;
    replace(folder.path(), "model.safetensors.index.json", index);
    let error = error_of(folder.path().to_str().unwrap()).to_string();
    assert!(error.contains("is not the name of a shard"), "{error}");
}

#[test]
fn pictures_that_come_out_in_another_size_than_the_model_takes_are_refused() {
    let folder = copy_of("clip-quick-gelu");
    let config = fs::read_to_string(folder.path().join("preprocessor_config.json")).unwrap();
    replace(folder.path(), "preprocessor_config.json", config.replace("30", "40").as_bytes());
    let error = error_of(folder.path().to_str().unwrap()).to_string();
    assert!(error.contains("come out as 40 x 40, not as 30 x 30"), "{error}");
}

fn error_of(name: &str) -> OpenError {
    open(name, &offline()).err().unwrap()
}
