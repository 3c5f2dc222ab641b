//! The models of `fixtures/embed`, and what the reference libraries made of texts and pictures with
//! them.

use std::{
    collections::HashMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use candle_core::{Device, Tensor};
use linprobe_core::{Content, Embedder, Embedding, Input};
use linprobe_embed::{LibraryConfig, OpenOptions, open};
use linprobe_hub::HubConfig;

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/embed")
}

/// Nothing of the caller's environment, no request.
pub(crate) fn offline() -> OpenOptions {
    let hub = HubConfig { offline: true, ..HubConfig::from_variables(|_| None) };
    let libraries = LibraryConfig::from_variables(|_| None);
    OpenOptions { hub, libraries, ..OpenOptions::default() }
}

pub(crate) fn open_folder(folder: &Path) -> Arc<dyn Embedder> {
    open(folder.to_str().unwrap(), &offline()).unwrap()
}

pub(crate) fn texts() -> Vec<Content> {
    read_texts("texts.json").map(Content::Text).collect()
}

pub(crate) fn read_texts(file: &str) -> impl Iterator<Item = String> {
    let texts = fs::read(fixtures().join(file)).unwrap();
    let texts: Vec<String> = serde_json::from_slice(&texts).unwrap();
    texts.into_iter()
}

pub(crate) fn picture(name: &str) -> Content {
    Content::Image(fs::read(fixtures().join("images").join(name)).unwrap())
}

pub(crate) fn pixels(embedder: &dyn Embedder, name: &str) -> Vec<f32> {
    match embedder.process(&picture(name)) {
        Ok(Input::Pixels(pixels)) => pixels,
        other => panic!("{name}: {other:?}"),
    }
}

pub(crate) fn embed(embedder: &dyn Embedder, contents: &[Content]) -> Vec<Embedding> {
    let inputs: Vec<_> = contents.iter().map(|c| embedder.process(c).unwrap()).collect();
    embed_inputs(embedder, &inputs)
}

pub(crate) fn embed_inputs(embedder: &dyn Embedder, inputs: &[Input]) -> Vec<Embedding> {
    embedder.embed(inputs).unwrap().into_iter().map(Result::unwrap).collect()
}

pub(crate) fn assert_close(found: &[Embedding], expected: &[Vec<f32>], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len());
    for (idx, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.dimension(), expected.len());
        let difference = max_difference(found.as_slice(), expected);
        assert!(difference <= tolerance, "{what}, {idx}: {difference}");
    }
}

pub(crate) fn max_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// A copy of a model, to change.
pub(crate) fn copy_of(model: &str) -> tempfile::TempDir {
    let from = fixtures().join(model);
    let to = tempfile::tempdir().unwrap();
    copy_files(&from, to.path());
    to
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(file.file_name());
        if file.path().is_dir() {
            copy_files(&file.path(), &target);
        } else {
            fs::copy(file.path(), target).unwrap();
        }
    }
}

pub(crate) fn replace(folder: &Path, file: &str, contents: &[u8]) {
    fs::File::create(folder.join(file)).unwrap().write_all(contents).unwrap();
}

/// The models that have weights.
pub(crate) fn all_names() -> impl Iterator<Item = String> {
    let folders = fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path());
    folders
        .filter(|folder| folder.join("golden.safetensors").is_file())
        .map(|folder| folder.file_name().unwrap().to_str().unwrap().to_owned())
}

/// A tiny model, and what the reference libraries computed with it.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) embedder: Arc<dyn Embedder>,
    golden: HashMap<String, Tensor>,
}

impl Fixture {
    pub(crate) fn named(name: &str) -> Self {
        Self::opened(name, &offline())
    }

    pub(crate) fn opened(name: &str, options: &OpenOptions) -> Self {
        Self::opened_at(&fixtures().join(name), name, options)
    }

    /// One that was copied elsewhere.
    pub(crate) fn opened_at(folder: &Path, name: &str, options: &OpenOptions) -> Self {
        let golden =
            candle_core::safetensors::load(folder.join("golden.safetensors"), &Device::Cpu);
        let embedder = open(folder.to_str().unwrap(), options).unwrap();
        Self { name: name.to_owned(), embedder, golden: golden.unwrap() }
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        all_names().map(|name| Self::named(&name))
    }

    pub(crate) fn of_texts() -> impl Iterator<Item = Self> {
        Self::all().filter(|fixture| fixture.embedder.model().modalities.text)
    }

    pub(crate) fn of_pictures() -> impl Iterator<Item = Self> {
        Self::all().filter(|fixture| fixture.embedder.model().modalities.image)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.golden.contains_key(name)
    }

    pub(crate) fn values(&self, name: &str) -> Vec<f32> {
        let tensor = self.golden[name].to_dtype(candle_core::DType::F32).unwrap();
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    pub(crate) fn rows(&self, name: &str) -> Vec<Vec<f32>> {
        self.golden[name].to_vec2().unwrap()
    }

    /// The texts that have tokens, with their embeddings: what has none has no direction.
    pub(crate) fn texts_with_a_direction(&self) -> (Vec<Content>, Vec<Vec<f32>>) {
        let pairs = texts().into_iter().zip(self.rows("text_embeddings")).enumerate();
        pairs.filter(|(idx, _)| self.has(&format!("ids.{idx}"))).map(|(_, pair)| pair).unzip()
    }

    pub(crate) fn names(&self, prefix: &str) -> Vec<String> {
        let keys = self.golden.keys();
        let mut names: Vec<_> =
            keys.filter_map(|key| key.strip_prefix(prefix)).map(str::to_owned).collect();
        names.sort_unstable();
        assert!(!names.is_empty());
        names
    }
}
