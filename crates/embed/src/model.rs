//! The models, one file each, and what they share.

pub(crate) mod activation;
pub(crate) mod attention;
pub(crate) mod batch;
pub(crate) mod bert;
pub(crate) mod clip;
pub(crate) mod precomputed;
pub(crate) mod static_;

use std::sync::Arc;

use batch::{Placed, TextBatch};
use candle_core::Tensor;
use linprobe_core::{BadContent, EmbedError, Embedder, Embedding, Modalities, ModelSpec};
use rayon::prelude::*;
use serde::Deserialize;

use crate::{folder::ModelFolder, open::OpenError};

/// The name of the file that says what a model is.
pub(crate) const CONFIG: &str = "config.json";

/// What an embedder answers to a batch.
type Answers = Vec<Answer>;

/// What it answers to one input.
type Answer = Result<Embedding, BadContent>;

/// What a model is called, before anything of it is read.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) id: String,
    pub(crate) revision: Option<String>,
}

impl Name {
    fn spec(self, fingerprint: String, dimension: usize, modalities: Modalities) -> ModelSpec {
        let Self { id, revision } = self;
        ModelSpec { id, revision, fingerprint, dimension, modalities }
    }
}

/// Reads a model of one architecture.
type Loader = fn(ModelFolder, Name) -> Result<Arc<dyn Embedder>, OpenError>;

/// The architectures that can be read, by the `model_type` of their `config.json`.
const ARCHITECTURES: [(&str, Loader); 2] = [
    ("bert", |folder, name| Ok(Arc::new(bert::SentenceEncoder::open(folder, name)?))),
    ("clip", |folder, name| Ok(Arc::new(clip::ClipEncoder::open(folder, name)?))),
];

/// The names of the architectures that can be read, for messages.
pub(crate) fn architectures() -> String {
    ARCHITECTURES.map(|(name, _)| name).join(", ")
}

/// Finds out how a model is read, from its configuration alone.
pub(crate) fn loader(folder: &mut ModelFolder) -> Result<Loader, OpenError> {
    let Architecture { model_type } = folder.json(CONFIG)?;
    ARCHITECTURES
        .iter()
        .find(|(name, _)| *name == model_type)
        .map(|(_, loader)| *loader)
        .ok_or_else(|| OpenError::UnknownArchitecture {
            path: folder.path().join(CONFIG),
            model_type,
        })
}

#[derive(Debug, Deserialize)]
struct Architecture {
    #[serde(default)]
    model_type: String,
}

/// Runs a model over texts, several batches at a time.
fn embed_texts(
    texts: Vec<Placed<&[u32]>>,
    forward: impl Fn(&TextBatch<'_>) -> candle_core::Result<Tensor> + Sync,
) -> candle_core::Result<Vec<Placed<Answer>>> {
    let batches: Vec<_> = TextBatch::by_length(texts)
        .into_par_iter()
        .map(|batch| answers(batch.texts().iter().map(|text| text.idx), &forward(&batch)?))
        .collect::<candle_core::Result<_>>()?;
    Ok(batches.into_iter().flatten().collect())
}

/// Normalizes vectors `inputs x dimension` and gives each to its input.
fn answers(
    idxs: impl Iterator<Item = usize>,
    vectors: &Tensor,
) -> candle_core::Result<Vec<Placed<Answer>>> {
    let vectors = vectors.to_vec2::<f32>()?;
    let answer = |(idx, vector): (usize, Vec<f32>)| {
        let value = Embedding::normalize(vector).map_err(BadContent::from);
        Placed { idx, value }
    };
    Ok(idxs.zip(vectors).map(answer).collect())
}

fn engine_error(spec: &ModelSpec, source: candle_core::Error) -> EmbedError {
    EmbedError::Engine { model: spec.id.clone(), source: source.into() }
}

/// What the tests of the models share: hidden states are compared where they can be seen.
#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        fs,
        path::{Path, PathBuf},
    };

    use candle_core::{Device, Tensor};
    use linprobe_core::{Content, Input};

    use super::batch::{Placed, TextBatch};
    use crate::folder::ModelFolder;

    fn fixtures() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/embed")
    }

    pub(super) fn fixture(model: &str) -> ModelFolder {
        ModelFolder::new(fixtures().join(model))
    }

    pub(super) fn texts() -> impl Iterator<Item = Content> {
        let texts = fs::read(fixtures().join("texts.json")).unwrap();
        let texts: Vec<String> = serde_json::from_slice(&texts).unwrap();
        texts.into_iter().map(Content::Text)
    }

    pub(super) fn picture(name: &str) -> Vec<u8> {
        fs::read(fixtures().join("images").join(name)).unwrap()
    }

    /// What the reference libraries computed.
    pub(super) struct Golden(HashMap<String, Tensor>);

    impl Golden {
        pub(super) fn read(model: &str) -> Self {
            let path = fixtures().join(model).join("golden.safetensors");
            Self(candle_core::safetensors::load(path, &Device::Cpu).unwrap())
        }

        /// Runs a model over all texts in padded batches, and takes the padding away again.
        pub(super) fn hidden(
            inputs: &[Input],
            forward: impl Fn(&TextBatch<'_>) -> candle_core::Result<Tensor>,
        ) -> Vec<(usize, Tensor)> {
            let texts = inputs.iter().enumerate().map(|(idx, input)| match input {
                Input::Tokens(tokens) => Placed { idx, value: tokens.as_slice() },
                _ => panic!("text {idx} is no tokens"),
            });
            let batches = TextBatch::by_length(texts.collect());
            let rows = batches.iter().flat_map(|batch| {
                let hidden = forward(batch).unwrap();
                let row = move |(row, text): (usize, &Placed<&[u32]>)| {
                    let hidden = hidden.get(row).unwrap();
                    (text.idx, hidden.narrow(0, 0, text.value.len()).unwrap())
                };
                batch.texts().iter().enumerate().map(row)
            });
            rows.collect()
        }

        pub(super) fn assert_close(&self, name: &str, found: &Tensor, tolerance: f32) {
            let expected = &self.0[name];
            assert_eq!(found.dims(), expected.dims(), "{name}");
            let difference = (found - expected).unwrap().abs().unwrap().flatten_all().unwrap();
            let difference = difference.max(0).unwrap().to_scalar::<f32>().unwrap();
            assert!(difference <= tolerance, "{name}: {difference}");
        }
    }
}
