//! Exported graphs in ONNX Runtime and OpenVINO, of which Python's packages bring the libraries: they give what
//! the weights give from which they were exported.

use std::{
    env,
    fs::{self, File},
    io::Write as _,
    path::Path,
    process::Command,
};

use linprobe_core::Input;
use linprobe_embed::{
    Engine, GraphInput, LibraryConfig, OpenOptions, describe, encoder_graph, open,
};
use serde_json::json;

use crate::fixture::{
    Fixture, all_names, assert_close, copy_of, embed, fixtures, offline, picture, pixels, replace,
    texts,
};

/// With the ONNX Runtime of the interpreter that the tests are given.
pub(crate) fn with_onnx_runtime() -> OpenOptions {
    with(Engine::OnnxRuntime)
}

/// With an engine of that interpreter.
fn with(engine: Engine) -> OpenOptions {
    let python = env::var("LINPROBE_TEST_PYTHON").unwrap();
    let environment = Path::new(&python).ancestors().nth(2).unwrap().to_str().unwrap().to_owned();
    let libraries =
        LibraryConfig::from_variables(|name| (name == "VIRTUAL_ENV").then(|| environment.clone()));
    OpenOptions { engine, libraries, ..offline() }
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnxruntime and openvino"]
fn texts_have_the_embeddings_of_the_weights_that_a_graph_was_exported_from() {
    for name in
        ["bert-mean", "roberta-sqrt-len", "clip-quick-gelu", "clip-gelu-padded", "graphs/sentences"]
    {
        for engine in [Engine::OnnxRuntime, Engine::OpenVino] {
            let fixture = Fixture::opened(name, &with(engine));
            let found = embed(&*fixture.embedder, &texts());
            let expected = fixture.rows("text_embeddings");
            assert_close(&found, &expected, 1e-5, &format!("{name} in {engine}"));
        }
    }
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnxruntime and openvino"]
fn pictures_have_the_embeddings_of_the_weights_that_a_graph_was_exported_from() {
    for name in ["clip-quick-gelu", "clip-gelu-padded", "vit", "graphs/tower"] {
        for engine in [Engine::OnnxRuntime, Engine::OpenVino] {
            let fixture = Fixture::opened(name, &with(engine));
            let names = fixture.names("embedding.");
            let pictures: Vec<_> = names.iter().map(|name| picture(name)).collect();
            for (picture, found) in names.iter().zip(embed(&*fixture.embedder, &pictures)) {
                let expected = fixture.values(&format!("embedding.{picture}"));
                assert_close(&[found], &[expected], 1e-5, &format!("{name}, {picture}, {engine}"));
            }
        }
    }
}

/// A graph is made of the weights where nobody has exported one, for every architecture.
#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnxruntime and openvino"]
fn weights_alone_have_the_embeddings_of_the_reference_in_engines_for_graphs() {
    for name in all_names() {
        let folder = without_graphs(&name);
        let built_in = Fixture::opened_at(folder.path(), &name, &offline());
        for engine in [Engine::OnnxRuntime, Engine::OpenVino] {
            let fixture = Fixture::opened_at(folder.path(), &name, &with(engine));
            assert_eq!(fixture.embedder.model(), built_in.embedder.model());
            assert_like_the_reference(&fixture, engine);
        }
    }
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with openvino"]
fn a_graph_made_of_weights_is_another_model_in_bfloat16_and_opened_again_as_that() {
    let folder = without_graphs("clip-quick-gelu");
    let opened = |options: &OpenOptions| open(folder.path().to_str().unwrap(), options).unwrap();
    let (exact, reduced) = (opened(&offline()), opened(&with(Engine::OpenVinoBf16)));
    let fingerprint = &reduced.model().fingerprint;
    assert!(fingerprint.ends_with(&exact.model().fingerprint) && reduced.model() != exact.model());
    let unasked = OpenOptions { engine: Engine::Auto, ..with(Engine::OpenVinoBf16) };
    assert_eq!(opened(&unasked.to_reopen(fingerprint)).model(), reduced.model());
    for (reduced, exact) in embed(&*reduced, &texts()).iter().zip(embed(&*exact, &texts())) {
        assert!(reduced.dot(exact.as_slice()) > 0.999);
    }
}

/// Runs each graph over what the reference was given, padded, and compares what it gives with the reference.
const RUN_ENCODERS: &str = "
import json, pathlib, sys
import numpy as np, onnx, onnxruntime
cases = sorted(pathlib.Path(sys.argv[1]).glob('*.json'))
for case in cases:
    given, path = json.loads(case.read_text()), str(case.with_suffix('.onnx'))
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path)
    if 'ids' in given:
        length = max(map(len, given['ids']))
        padded = lambda rows: np.array([row + [0] * (length - len(row)) for row in rows], np.int64)
        inputs = {'input_ids': padded(given['ids'])}
        inputs['attention_mask'] = padded([[1] * len(row) for row in given['ids']])
    else:
        [port] = session.get_inputs()
        pixels = np.array(given['pixels'], np.float32).reshape(-1, *port.shape[1:])
        inputs = {'pixel_values': pixels}
    taken = {port.name for port in session.get_inputs()}
    inputs = {name: value for name, value in inputs.items() if name in taken}
    found = session.run(['embedding'], inputs)[0]
    worst = np.abs(found - np.array(given['embeddings'])).max()
    assert worst < 1e-5, (case, worst)
assert len(cases) > 30, cases
";

/// An encoder with all that stands after it, as it is exported in front of a classifier.
#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnx and onnxruntime"]
fn a_graph_of_an_encoder_gives_the_embeddings_of_the_reference() {
    let folder = tempfile::tempdir().unwrap();
    for name in all_names() {
        let fixture = Fixture::named(&name);
        if fixture.embedder.model().modalities.text {
            let (texts, rows) = fixture.texts_with_a_direction();
            let process = |text| match fixture.embedder.process(text) {
                Ok(Input::Tokens(tokens)) => tokens,
                other => panic!("{name}: {other:?}"),
            };
            let ids: Vec<_> = texts.iter().map(process).collect();
            let case = json!({ "ids": ids, "embeddings": rows });
            write_case(folder.path(), (&name, GraphInput::Texts), &case);
        }
        if fixture.embedder.model().modalities.image {
            let pictures = fixture.names("embedding.");
            let pixels: Vec<_> =
                pictures.iter().map(|picture| pixels(&*fixture.embedder, picture)).collect();
            let of = |picture: &String| fixture.values(&format!("embedding.{picture}"));
            let rows: Vec<_> = pictures.iter().map(of).collect();
            let case = json!({ "pixels": pixels, "embeddings": rows });
            write_case(folder.path(), (&name, GraphInput::Pictures), &case);
        }
    }
    let python = env::var("LINPROBE_TEST_PYTHON").unwrap();
    let run = Command::new(python).args(["-c", RUN_ENCODERS]).arg(folder.path()).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

fn write_case(folder: &Path, (model, input): (&str, GraphInput), case: &serde_json::Value) {
    let path = fixtures().join(model).display().to_string();
    let graph = encoder_graph(&path, input, &offline()).unwrap();
    let case_path = folder.join(format!("{model}-{input:?}.json"));
    let write = |path: &Path, bytes: &[u8]| File::create(path).unwrap().write_all(bytes).unwrap();
    write(&case_path.with_extension("onnx"), &graph.into_model(&[]));
    write(&case_path, case.to_string().as_bytes());
}

/// A copy of a model whose exported graphs are gone.
fn without_graphs(model: &str) -> tempfile::TempDir {
    let folder = copy_of(model);
    for graph in ["model.onnx", "onnx/model.onnx", "onnx/text_model.onnx"] {
        let graph = folder.path().join(graph);
        if graph.is_file() {
            fs::remove_file(graph).unwrap();
        }
    }
    folder
}

fn assert_like_the_reference(fixture: &Fixture, engine: Engine) {
    let modalities = fixture.embedder.model().modalities;
    if modalities.text {
        let (texts, rows) = fixture.texts_with_a_direction();
        let what = format!("{}, {engine}", fixture.name);
        assert_close(&embed(&*fixture.embedder, &texts), &rows, 1e-5, &what);
    }
    if modalities.image {
        for name in fixture.names("embedding.") {
            let expected = fixture.values(&format!("embedding.{name}"));
            let what = format!("{}, {name}, {engine}", fixture.name);
            assert_close(&embed(&*fixture.embedder, &[picture(&name)]), &[expected], 1e-5, &what);
        }
    }
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnxruntime and openvino"]
fn a_graph_is_opened_by_its_folder_and_by_its_file_as_the_same_model() {
    for (folder, file) in [("bert-mean", "onnx/model.onnx"), ("graphs/tower", "model.onnx")] {
        let folder = fixtures().join(folder);
        let described =
            |path: &Path| describe(path.to_str().unwrap(), &with_onnx_runtime()).unwrap();
        let (by_folder, by_file) = (described(&folder), described(&folder.join(file)));
        assert!(by_folder.engine.starts_with("ONNX Runtime"), "{}", by_folder.engine);
        let openvino = describe(folder.to_str().unwrap(), &with(Engine::OpenVino)).unwrap();
        assert!(openvino.engine.starts_with("OpenVINO"), "{}", openvino.engine);
        assert_eq!(openvino.spec.fingerprint, by_file.spec.fingerprint);
        assert_eq!(by_folder.spec.fingerprint, by_file.spec.fingerprint);
        assert!(by_file.spec.id.ends_with(file), "{}", by_file.spec.id);
    }
}

/// Where the processor has no bfloat16 it computes in single precision.
#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with openvino"]
fn a_graph_in_bfloat16_is_another_model_that_gives_nearly_the_same() {
    let [exact, reduced] = [Engine::OpenVino, Engine::OpenVinoBf16]
        .map(|engine| Fixture::opened("bert-mean", &with(engine)).embedder);
    assert_ne!(reduced.model().fingerprint, exact.model().fingerprint);
    for (reduced, exact) in embed(&*reduced, &texts()).iter().zip(embed(&*exact, &texts())) {
        let pairs = reduced.as_slice().iter().zip(exact.as_slice());
        assert!(pairs.map(|(a, b)| a * b).sum::<f32>() > 0.999);
    }
}

/// Whatever is asked for when it is opened again.
#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnxruntime"]
fn what_was_made_with_a_graph_is_opened_again_with_the_graph() {
    let folder = fixtures().join("bert-mean");
    let folder = folder.to_str().unwrap();
    let chosen = open(folder, &with_onnx_runtime()).unwrap();
    let unasked = OpenOptions { engine: Engine::Auto, ..with_onnx_runtime() };
    assert_ne!(open(folder, &unasked).unwrap().model(), chosen.model());
    let reopened = open(folder, &unasked.to_reopen(&chosen.model().fingerprint)).unwrap();
    assert_eq!(reopened.model(), chosen.model());
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnxruntime"]
fn the_fingerprint_is_that_of_the_weights_beside_the_graph_too() {
    let folder = copy_of("graphs/tower");
    let path = folder.path().to_str().unwrap();
    let fingerprint = || open(path, &with_onnx_runtime()).unwrap().model().fingerprint.clone();
    let original = fingerprint();
    let mut weights = fs::read(folder.path().join("weights.bin")).unwrap();
    weights[0] ^= 1;
    replace(folder.path(), "weights.bin", &weights);
    assert_ne!(fingerprint(), original);
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnxruntime"]
fn weights_that_are_shorter_than_the_graph_says_are_refused() {
    let folder = copy_of("graphs/tower");
    let weights = fs::read(folder.path().join("weights.bin")).unwrap();
    replace(folder.path(), "weights.bin", &weights[..weights.len() / 2]);
    let refused = open(folder.path().to_str().unwrap(), &with_onnx_runtime()).err().unwrap();
    let refused = refused.to_string();
    assert!(refused.starts_with("ONNX Runtime (") && refused.contains("cannot run"), "{refused}");
}
