//! What is said of exported graphs before anything runs them, and of engines that are not there. That
//! they compute what they should is in `python.rs`.

use std::{fs, io::Write as _};

use linprobe_embed::{
    BUILTIN, Engine, LibraryConfig, NoOnnxRuntime, NoOpenVino, OpenError, OpenOptions, describe,
    open,
};

use crate::fixture::{copy_of, fixtures, offline, replace};

#[test]
fn a_graph_without_its_engine_is_answered_with_how_to_install_it() {
    let error = error_of("graphs/tower", Engine::Auto);
    assert!(matches!(error, OpenError::NoOnnxRuntime(NoOnnxRuntime::NotFound)), "{error}");
    assert!(error.to_string().contains("hint: pip install onnxruntime, or set ORT_DYLIB_PATH"));
}

#[test]
fn an_engine_that_is_asked_for_and_not_there_is_answered_with_how_to_install_it() {
    let error = error_of("graphs/tower", Engine::OpenVino);
    assert!(matches!(error, OpenError::NoOpenVino(NoOpenVino::NotFound)), "{error}");
    assert!(error.to_string().contains("hint: pip install openvino, or set OPENVINO_DYLIB_PATH"));
}

#[test]
fn a_library_that_is_none_is_named_with_what_is_wrong() {
    let mut library = tempfile::NamedTempFile::new().unwrap();
    library.write_all(b"no library").unwrap();
    let path = library.path().to_str().unwrap();
    let libraries =
        LibraryConfig::from_variables(|name| (name == "ORT_DYLIB_PATH").then(|| path.to_owned()));
    let folder = fixtures().join("graphs/tower");
    let options = OpenOptions { libraries, ..offline() };
    let error = open(folder.to_str().unwrap(), &options).err().unwrap().to_string();
    assert!(error.contains("ONNX Runtime cannot be used") && error.contains(path), "{error}");
}

#[test]
fn weights_that_are_known_are_run_by_what_is_built_in_beside_a_graph() {
    let folder = fixtures().join("bert-mean");
    assert!(folder.join("onnx/model.onnx").is_file());
    let described = describe(folder.to_str().unwrap(), &offline()).unwrap();
    assert_eq!(described.engine, "built in");
}

#[test]
fn weights_without_a_graph_are_a_model_for_engines_of_graphs() {
    let error = error_of("bert-cls-dense", Engine::OnnxRuntime);
    assert!(matches!(error, OpenError::NoOnnxRuntime(NoOnnxRuntime::NotFound)), "{error}");
}

#[test]
fn an_engine_for_graphs_needs_one_where_none_can_be_made_and_the_way_to_it_is_named() {
    let folder = copy_of("bert-cls-dense");
    replace(folder.path(), "config.json", br#"{"model_type": "mamba"}"#);
    let error = error_of(folder.path().to_str().unwrap(), Engine::OnnxRuntime);
    assert!(matches!(error, OpenError::NoGraph { .. }), "{error}");
    let error = error.to_string();
    assert!(error.contains("hint: leave out --engine, or export one: optimum-cli"), "{error}");
}

/// What was made with an exported graph is not gone on with by another.
#[test]
fn a_project_of_an_exported_graph_is_given_no_other() {
    let options = offline().to_reopen("onnx/0123");
    let folder = fixtures().join("bert-cls-dense");
    let error = open(folder.to_str().unwrap(), &options).err().unwrap();
    assert!(matches!(error, OpenError::NoGraph { engine: Engine::OnnxRuntime, .. }), "{error}");
}

#[test]
fn a_project_is_gone_on_with_in_the_engine_that_rounds_as_it_was_made() {
    let engines = [
        ("onnx/0123", Engine::OnnxRuntime),
        ("onnx-bf16/0123", Engine::OpenVinoBf16),
        ("openvino-bf16-0123", Engine::OpenVinoBf16),
        ("bf16-0123", Engine::Bf16),
        ("0123", Engine::Auto),
    ];
    for (fingerprint, engine) in engines {
        assert_eq!(offline().to_reopen(fingerprint).engine, engine, "{fingerprint}");
        let asked = on(Engine::OpenVino).to_reopen(fingerprint);
        assert_eq!(asked.engine, Engine::OpenVino, "{fingerprint}");
    }
}

#[test]
fn what_is_built_in_runs_no_graph_alone() {
    let error = error_of("graphs/sentences", Engine::BuiltIn);
    assert!(matches!(error, OpenError::MissingFile { .. }), "{error}");
}

#[test]
fn the_encoder_in_the_binary_and_servers_have_one_engine() {
    for model in [BUILTIN, "http://127.0.0.1:9/v1#model"] {
        let error = open(model, &on(Engine::OnnxRuntime)).err().unwrap();
        assert!(matches!(error, OpenError::OtherEngine { .. }), "{model}: {error}");
    }
}

#[test]
fn a_graph_that_is_cut_short_is_refused() {
    let folder = copy_of("graphs/sentences");
    let graph = fs::read(folder.path().join("model.onnx")).unwrap();
    for n_bytes in [0, 1, 100, graph.len() - 1] {
        replace(folder.path(), "model.onnx", &graph[..n_bytes]);
        let error = error_of(folder.path().to_str().unwrap(), Engine::Auto);
        assert!(matches!(error, OpenError::BadFile { .. }), "{n_bytes}: {error}");
    }
}

#[test]
fn a_graph_reads_no_weights_outside_of_its_folder() {
    let folder = copy_of("graphs/tower");
    let graph = fs::read(folder.path().join("model.onnx")).unwrap();
    // As long as before, so that the file is damaged nowhere else.
    replace(folder.path(), "model.onnx", &replaced(&graph, b"weights.bin", b"../../a.bin"));
    let error = error_of(folder.path().to_str().unwrap(), Engine::Auto).to_string();
    assert!(error.contains(r#"its weights are in "../../a.bin""#), "{error}");
}

#[test]
fn weights_that_a_graph_lacks_are_named() {
    let folder = copy_of("graphs/tower");
    fs::remove_file(folder.path().join("weights.bin")).unwrap();
    match error_of(folder.path().to_str().unwrap(), Engine::Auto) {
        OpenError::MissingFile { file, .. } => assert_eq!(file, "weights.bin"),
        other => panic!("{other}"),
    }
}

#[test]
fn an_input_that_nothing_can_feed_is_named() {
    let folder = copy_of("graphs/sentences");
    let graph = fs::read(folder.path().join("model.onnx")).unwrap();
    replace(folder.path(), "model.onnx", &replaced(&graph, b"attention_mask", b"attention_bias"));
    let error = error_of(folder.path().to_str().unwrap(), Engine::Auto).to_string();
    assert!(error.contains(r#"can feed its input "attention_bias"; these can be: input_ids"#));
}

fn on(engine: Engine) -> OpenOptions {
    OpenOptions { engine, ..offline() }
}

/// Of a fixture, or of a folder anywhere.
fn error_of(model: &str, engine: Engine) -> OpenError {
    open(fixtures().join(model).to_str().unwrap(), &on(engine)).err().unwrap()
}

fn replaced(file: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let mut file = file.to_vec();
    let places: Vec<_> =
        (0..=file.len() - old.len()).filter(|&at| file[at..].starts_with(old)).collect();
    assert!(!places.is_empty());
    for at in places {
        file[at..at + old.len()].copy_from_slice(new);
    }
    file
}
