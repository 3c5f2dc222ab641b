//! Exported graphs in ONNX Runtime and OpenVINO, of which Python's packages bring the libraries: they give what
//! the weights give from which they were exported.

use std::{
    env,
    fs::{self, File},
    io::Write as _,
    path::Path,
    process::Command,
};

use linprobe_core::{Content, Embedder, Input};
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
    with_engine_of("LINPROBE_TEST_PYTHON", engine)
}

fn with_engine_of(variable: &str, engine: Engine) -> OpenOptions {
    let python = env::var(variable).unwrap();
    let environment = Path::new(&python).ancestors().nth(2).unwrap().to_str().unwrap().to_owned();
    let libraries =
        LibraryConfig::from_variables(|name| (name == "VIRTUAL_ENV").then(|| environment.clone()));
    OpenOptions { engine, libraries, ..offline() }
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnxruntime and openvino"]
fn texts_have_the_embeddings_of_the_weights_that_a_graph_was_exported_from() {
    for name in [
        "bert-mean",
        "roberta-sqrt-len",
        "clip-quick-gelu",
        "clip-gelu-padded",
        "graphs/fixed-clip",
        "graphs/fixed-sentences",
        "graphs/sentences",
    ] {
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
    for name in ["clip-quick-gelu", "clip-gelu-padded", "vit", "graphs/fixed-clip", "graphs/tower"]
    {
        for engine in [Engine::OnnxRuntime, Engine::OpenVino] {
            assert_pictures_are_close(&Fixture::opened(name, &with(engine)), 1e-5, engine);
        }
    }
}

/// Numbers of eleven bits go in and come out.
#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnxruntime and openvino"]
fn a_graph_in_half_precision_nearly_has_the_embeddings_of_its_weights() {
    for engine in [Engine::OnnxRuntime, Engine::OpenVino] {
        let fixture = Fixture::opened("graphs/halves", &with(engine));
        let found = embed(&*fixture.embedder, &texts());
        assert_close(&found, &fixture.rows("text_embeddings"), 3e-3, &engine.to_string());
        assert_pictures_are_close(&fixture, 3e-3, engine);
    }
}

fn assert_pictures_are_close(fixture: &Fixture, tolerance: f32, engine: Engine) {
    let names = fixture.names("embedding.");
    let pictures: Vec<_> = names.iter().map(|name| picture(name)).collect();
    for (picture, found) in names.iter().zip(embed(&*fixture.embedder, &pictures)) {
        let expected = fixture.values(&format!("embedding.{picture}"));
        let what = format!("{}, {picture}, {engine}", fixture.name);
        assert_close(&[found], &[expected], tolerance, &what);
    }
}

/// A graph is made of the weights where nobody has exported one, for every architecture.
#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnxruntime and openvino"]
fn weights_alone_have_the_embeddings_of_the_reference_in_engines_for_graphs() {
    assert_weights_run_in(&[Engine::OnnxRuntime, Engine::OpenVino].map(with));
}

mod cuda {
    use super::*;

    #[test]
    #[ignore = "needs LINPROBE_TEST_CUDA, a Python with onnxruntime-gpu on a machine with a GPU"]
    fn weights_alone_have_the_embeddings_of_the_reference_on_a_gpu() {
        assert_weights_run_in(&[with_engine_of("LINPROBE_TEST_CUDA", Engine::Cuda)]);
    }
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with an onnxruntime that knows no CUDA"]
fn a_gpu_is_not_gone_without_in_silence() {
    let folder = fixtures().join("bert-cls-dense");
    let error = open(folder.to_str().unwrap(), &with(Engine::Cuda)).err().unwrap().to_string();
    assert!(error.contains("knows no CUDA\nhint: pip install onnxruntime-gpu"), "{error}");
}

fn assert_weights_run_in(engines: &[OpenOptions]) {
    for name in all_names() {
        let folder = without_graphs(&name);
        let built_in = Fixture::opened_at(folder.path(), &name, &offline());
        for options in engines {
            let fixture = Fixture::opened_at(folder.path(), &name, options);
            assert_eq!(fixture.embedder.model(), built_in.embedder.model());
            assert_like_the_reference(&fixture, options.engine);
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
    taken = {port.name: port.type for port in session.get_inputs()}
    if 'ids' in given:
        length = session.get_inputs()[0].shape[1]
        length = length if isinstance(length, int) else max(map(len, given['ids']))
        padded = lambda rows: np.array([row + [0] * (length - len(row)) for row in rows], np.int64)
        inputs = {'input_ids': padded(given['ids'])}
        inputs['attention_mask'] = padded([[1] * len(row) for row in given['ids']])
        inputs['token_type_ids'] = inputs['input_ids'] * 0
        types = {'tensor(int64)': np.int64, 'tensor(int32)': np.int32}
        inputs = {name: inputs[name].astype(types[kind]) for name, kind in taken.items()}
    else:
        square = round((len(given['pixels'][0]) / 3) ** 0.5)
        [port] = session.get_inputs()
        sides = [side if isinstance(side, int) else square for side in port.shape[2:]]
        inputs = {'pixel_values': np.array(given['pixels'], np.float32).reshape(-1, 3, *sides)}
    assert inputs.keys() == taken.keys(), (case, taken)
    count, size = len(given['embeddings']), session.get_inputs()[0].shape[0]
    size = size if isinstance(size, int) else count
    batches = [[min(row, count - 1) for row in range(i, i + size)] for i in range(0, count, size)]
    found = [
        session.run(['embedding'], {name: rows[batch] for name, rows in inputs.items()})[0]
        for batch in batches
    ]
    worst = np.abs(np.concatenate(found)[:count] - np.array(given['embeddings'])).max()
    assert worst < given.get('tolerance', 1e-5), (case, worst)
assert len(cases) == int(sys.argv[2]), cases
";

/// Writes a model without weights into a folder, for the modes of pooling that sentence encoders have: a graph of old
/// operators, with a branch in which names from outside are read, and an output that nobody needs.
const WRITE_BRANCHED: &str = "
import json, pathlib, sys
import numpy as np, onnx
from onnx import TensorProto, helper, numpy_helper
folder = pathlib.Path(sys.argv[1])
info = helper.make_tensor_value_info
state = lambda name: info(name, TensorProto.FLOAT, ['n', 'm', 16])
half = numpy_helper.from_array(np.array(0.5, np.float32), 'half')
then = helper.make_graph([helper.make_node('Mul', ['embedding', 'half'], ['weight'])], 'then', [], [state('weight')], [half])
other = helper.make_graph([helper.make_node('Neg', ['embedding'], ['bias'])], 'else', [], [state('bias')])
nodes = [
    helper.make_node('Gather', ['table', 'input_ids'], ['embedding']),
    helper.make_node('If', ['choice'], ['last_hidden_state'], then_branch=then, else_branch=other),
    helper.make_node('Relu', ['unneeded'], ['e1']),
]
values = np.random.default_rng(3).normal(size=(int(sys.argv[2]), 16)).astype(np.float32)
weights = {'table': values, 'choice': np.array(True), 'unneeded': values}
weights = [numpy_helper.from_array(value, name) for name, value in weights.items()]
ids = info('input_ids', TensorProto.INT64, ['n', 'm'])
graph = helper.make_graph(nodes, 'branched', [ids], [info('e1', TensorProto.FLOAT, ['k', 16]), state('last_hidden_state')], weights)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', int(sys.argv[3]))], ir_version=6)
onnx.checker.check_model(model)
onnx.save(model, folder / 'model.onnx', save_as_external_data=True, location='weights.bin', size_threshold=1000)
";

/// An encoder with all that stands after it, as it is exported in front of a classifier.
#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnx and onnxruntime"]
fn a_graph_of_an_encoder_gives_the_embeddings_of_the_reference() {
    let folder = tempfile::tempdir().unwrap();
    let cases: Vec<_> = all_names()
        .map(|name| {
            write_cases(folder.path(), &name, &Fixture::opened(&name, &offline()), &offline())
        })
        .collect();
    assert!(cases.len() > 20);
    run_encoders(folder.path(), cases.iter().sum());
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnx and onnxruntime"]
fn an_exported_graph_is_the_beginning_of_what_gives_the_embeddings_of_the_reference() {
    let folder = tempfile::tempdir().unwrap();
    let options = with_onnx_runtime();
    let names = [
        "bert-mean",
        "roberta-sqrt-len",
        "clip-quick-gelu",
        "clip-gelu-padded",
        "vit",
        "graphs/fixed-clip",
        "graphs/fixed-sentences",
        "graphs/tower",
    ];
    let write = |name| write_cases(folder.path(), name, &Fixture::opened(name, &options), &options);
    let n_cases: usize = names.into_iter().map(write).sum();
    // In half precision it matters with which others a text goes through a model.
    for (name, tolerance) in [("sentences", 1e-5), ("halves", 1e-3)] {
        write_as_embedded(folder.path(), name, &fixtures().join("graphs").join(name), tolerance);
    }
    run_encoders(folder.path(), n_cases + 2);
}

/// What each graph computes is compared with what the same engine gives without what was added.
#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnx and onnxruntime"]
fn a_graph_of_old_operators_and_of_branches_is_gone_on_with_by_every_pooling() {
    let folder = tempfile::tempdir().unwrap();
    let modes = ["cls", "lasttoken", "max", "mean", "mean_sqrt_len_tokens"];
    for mode in modes {
        write_as_embedded(folder.path(), mode, branched(mode, 11).path(), 1e-5);
    }
    run_encoders(folder.path(), modes.len());
}

#[test]
#[ignore = "needs LINPROBE_TEST_PYTHON, a Python with onnx and onnxruntime"]
fn a_graph_of_older_operators_is_not_gone_on_with() {
    let model = branched("mean", 9);
    let path = model.path().to_str().unwrap();
    let error = encoder_graph(path, GraphInput::Texts, &with_onnx_runtime()).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("its operators are of version 9"), "{error}");
}

/// What the model of [`WRITE_BRANCHED`] makes of tokens, pooled in a way.
fn branched(mode: &str, version: u32) -> tempfile::TempDir {
    let folder = copy_of("bert-mean");
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    fs::remove_dir_all(folder.path().join("onnx")).unwrap();
    let pooling = json!({ "embedding_dimension": 16, "pooling_mode": mode });
    replace(folder.path(), "1_Pooling/config.json", pooling.to_string().as_bytes());
    let tokenizer = fs::read(folder.path().join("tokenizer.json")).unwrap();
    let tokenizer: serde_json::Value = serde_json::from_slice(&tokenizer).unwrap();
    let n_tokens = tokenizer["model"]["vocab"].as_object().unwrap().len();
    run_python(WRITE_BRANCHED, folder.path(), &[&n_tokens.to_string(), &version.to_string()]);
    folder
}

/// Writes an encoder for each kind of input that a model takes, beside what it should give; says how many.
fn write_cases(folder: &Path, name: &str, fixture: &Fixture, options: &OpenOptions) -> usize {
    let path = fixtures().join(name).display().to_string();
    let modalities = fixture.embedder.model().modalities;
    if modalities.text {
        let (texts, rows) = fixture.texts_with_a_direction();
        let case = case_of_texts(&*fixture.embedder, &texts, &rows);
        write_case(folder, name, &case, (&path, GraphInput::Texts, options));
    }
    if modalities.image {
        let pictures = fixture.names("embedding.");
        let pixels: Vec<_> = pictures.iter().map(|name| pixels(&*fixture.embedder, name)).collect();
        let of = |picture: &String| fixture.values(&format!("embedding.{picture}"));
        let rows: Vec<_> = pictures.iter().map(of).collect();
        let case = json!({ "pixels": pixels, "embeddings": rows });
        write_case(folder, name, &case, (&path, GraphInput::Pictures, options));
    }
    usize::from(modalities.text) + usize::from(modalities.image)
}

/// Writes an exported encoder of texts beside what the same engine gives without what is added.
fn write_as_embedded(folder: &Path, name: &str, model: &Path, tolerance: f64) {
    let (path, options) = (model.to_str().unwrap(), with_onnx_runtime());
    let embedder = open(path, &options).unwrap();
    let rows: Vec<_> =
        embed(&*embedder, &texts()).iter().map(|row| row.as_slice().to_vec()).collect();
    let mut case = case_of_texts(&*embedder, &texts(), &rows);
    case["tolerance"] = json!(tolerance);
    write_case(folder, name, &case, (path, GraphInput::Texts, &options));
}

fn case_of_texts(
    embedder: &dyn Embedder,
    texts: &[Content],
    rows: &[Vec<f32>],
) -> serde_json::Value {
    let process = |text| match embedder.process(text) {
        Ok(Input::Tokens(tokens)) => tokens,
        other => panic!("{other:?}"),
    };
    let ids: Vec<_> = texts.iter().map(process).collect();
    json!({ "ids": ids, "embeddings": rows })
}

fn write_case(
    folder: &Path,
    name: &str,
    case: &serde_json::Value,
    (model, input, options): (&str, GraphInput, &OpenOptions),
) {
    let (_, graph) = encoder_graph(model, input, options).unwrap();
    let path = folder.join(format!("{}-{input}.json", name.replace('/', "-")));
    let write = |path: &Path, bytes: &[u8]| File::create(path).unwrap().write_all(bytes).unwrap();
    write(&path.with_extension("onnx"), &graph.into_model(&[]));
    write(&path, case.to_string().as_bytes());
}

fn run_encoders(folder: &Path, n_cases: usize) {
    run_python(RUN_ENCODERS, folder, &[&n_cases.to_string()]);
}

fn run_python(script: &str, folder: &Path, args: &[&str]) {
    let python = env::var("LINPROBE_TEST_PYTHON").unwrap();
    let run = Command::new(python).args(["-c", script]).arg(folder).args(args).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
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
