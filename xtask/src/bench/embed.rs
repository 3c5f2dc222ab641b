//! Encoders beside their peers: the static one beside model2vec, the others beside PyTorch with
//! transformers and sentence-transformers, over the same weights and contents.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{Line, example, parse, path, program};
use crate::{shell, tools};

/// Names a Python that has the peers already: from PyPI, PyTorch brings gigabytes of libraries for
/// accelerators along.
const PYTHON: &str = "LINPROBE_BENCH_PYTHON";

/// Of one picture through CLIP ViT-B/32.
const GFLOP_PER_PICTURE: f64 = 8.82;

pub(super) fn measure() -> Result<Vec<Line>> {
    let mut lines = static_encoder()?;
    lines.extend(models()?);
    Ok(lines)
}

/// The built-in encoder beside model2vec over the same texts.
fn static_encoder() -> Result<Vec<Line>> {
    let mut lines = example("linprobe-embed", "static_bench", &[])?;
    let python = tools::python(&["model2vec==0.10.0"])?;
    let script = script("bench_static_peer.py");
    let peers = parse(&shell::output(&mut shell::command(python, &[path(&script)?]))?)?;
    beside(&mut lines, &peers);
    Ok(lines)
}

/// CLIP ViT-B/32 with random weights over generated pictures, MiniLM over real sentences.
fn models() -> Result<Vec<Line>> {
    let python = peers()?;
    let folder = shell::root().join("target/bench-embed");
    let (n_pictures, n_texts) = if is_quick() { ("64", "400") } else { ("256", "1000") };
    run(&python, &["make", path(&folder)?, n_pictures, n_texts])?;
    let (clip, pictures) = (folder.join("clip-b32"), folder.join(format!("pictures-{n_pictures}")));
    let texts = folder.join(format!("texts-{n_texts}.json"));
    let minilm = tools::minilm(&python)?;
    let mut lines = beside_peer(&python, "clip", &CLIP, [&clip, &pictures])?;
    lines.extend(share_of_floor(&lines));
    lines.extend(beside_peer(&python, "minilm", &MINILM, [&minilm, &texts])?);
    Ok(with_highest_memory(lines))
}

/// One line for the memory beyond the weights, that of the model which takes most in an engine of our own.
fn with_highest_memory(lines: Vec<Line>) -> Vec<Line> {
    const MEMORY: &str = "/rss-over-weights-mib";
    let (memory, mut lines): (Vec<_>, Vec<_>) =
        lines.into_iter().partition(|line| line.bench.ends_with(MEMORY));
    let is_our_own = |line: &Line| {
        let mut own = [CLIP, MINILM].into_iter().flatten().filter(|ours| ours.is_built_in());
        own.any(|ours| line.bench == format!("{}{MEMORY}", ours.bench))
    };
    let highest = memory.into_iter().filter(is_our_own).max_by(|a, b| a.value.total_cmp(&b.value));
    lines.extend(highest.map(|line| Line { bench: format!("embed{MEMORY}"), ..line }));
    lines
}

/// What is measured of an engine that our program runs.
#[derive(Clone, Copy)]
struct Ours {
    bench: &'static str,
    engine: &'static str,
}

/// Engines for graphs are given the graph that is made of the weights.
const CLIP: [Ours; 5] = [
    Ours { bench: "embed/clip-b32-f32", engine: "builtin" },
    Ours { bench: "embed/clip-b32-reduced", engine: "bf16" },
    Ours { bench: "embed/clip-b32-onnxruntime", engine: "onnxruntime" },
    Ours { bench: "embed/clip-b32-openvino", engine: "openvino" },
    Ours { bench: "embed/clip-b32-openvino-bf16", engine: "openvino-bf16" },
];

const MINILM: [Ours; 5] = [
    Ours { bench: "embed/minilm", engine: "builtin" },
    Ours { bench: "embed/minilm-reduced", engine: "bf16" },
    Ours { bench: "embed/minilm-onnxruntime", engine: "onnxruntime" },
    Ours { bench: "embed/minilm-openvino", engine: "openvino" },
    Ours { bench: "embed/minilm-openvino-bf16", engine: "openvino-bf16" },
];

impl Ours {
    fn is_built_in(self) -> bool {
        ["builtin", "bf16"].contains(&self.engine)
    }

    fn measure(self, python: &Path, contents: &[&str]) -> Result<Vec<Line>> {
        let environment = python.ancestors().nth(2).context("the Python is in no environment")?;
        let mut program = program("linprobe-embed", "model_bench");
        program.arg(self.bench).args(contents).arg(self.engine).env("VIRTUAL_ENV", environment);
        parse(&shell::output(&mut program)?)
    }
}

fn is_quick() -> bool {
    env::var_os("XTASK_BENCH_QUICK").is_some()
}

/// Our measurements of a model, with those of the peer beside them.
fn beside_peer(
    python: &Path,
    command: &str,
    ours: &[Ours],
    [model, contents]: [&Path; 2],
) -> Result<Vec<Line>> {
    let n_passes = if is_quick() { "3" } else { "5" };
    let (model, contents) = (path(model)?, path(contents)?);
    let mut lines = Vec::new();
    for ours in ours {
        lines.extend(ours.measure(python, &[model, contents, n_passes])?);
    }
    let peers = run(python, &[command, model, contents, n_passes])?;
    beside(&mut lines, &parse(&peers)?);
    Ok(lines)
}

/// How much of the time goes into products of matrices, if these ran as fast as large ones do.
fn share_of_floor(lines: &[Line]) -> Option<Line> {
    let value = |bench: &str| Some(lines.iter().find(|line| line.bench == bench)?.value);
    let rate = value("embed/clip-b32-f32")?;
    let floor = value("embed/clip-b32-f32/matrix-products")? / GFLOP_PER_PICTURE;
    Some(Line {
        bench: "embed/clip-b32-f32/share-of-floor".to_owned(),
        value: rate / floor,
        unit: "share".to_owned(),
        peer: None,
        peer_value: None,
        ratio: None,
    })
}

const PEERS: [&str; 7] =
    ["torch", "transformers", "sentence-transformers", "pillow", "onnx", "onnxruntime", "openvino"];

/// A Python with PyTorch, what runs on it, and the engines for graphs.
fn peers() -> Result<PathBuf> {
    match env::var_os(PYTHON) {
        Some(python) => Ok(PathBuf::from(python)),
        None => tools::python(&PEERS).context("the peers cannot be installed"),
    }
}

fn run(python: &Path, arguments: &[&str]) -> Result<String> {
    let script = script("bench_embed_peer.py");
    shell::output(shell::command(python, &[path(&script)?]).args(arguments))
}

fn script(name: &str) -> PathBuf {
    shell::root().join("scripts").join(name)
}

fn beside(lines: &mut [Line], peers: &[Line]) {
    for line in lines {
        if let Some(peer) = peers.iter().find(|peer| peer.bench == line.bench) {
            line.peer.clone_from(&peer.peer);
            line.peer_value = Some(peer.value);
            line.ratio = Some(line.value / peer.value);
        }
    }
}
