//! What can go wrong between here and the hub.

use std::{error::Error, io, path::PathBuf};

/// Why a model cannot be brought from the hub, by what the reader can do about it.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Requests are switched off.
    #[error(
        "{name} is not in the cache {cache}, and requests are switched off\n\
         hint: unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE, or give the model's folder",
        cache = cache.display()
    )]
    Offline {
        /// The model.
        name: String,
        /// The cache.
        cache: PathBuf,
    },
    /// The hub does not know it, or does not say so to strangers.
    #[error(
        "the hub {endpoint} has no model {name}\n\
         hint: check the name; for a private model set HF_TOKEN"
    )]
    NotFound {
        /// The model.
        name: String,
        /// The hub.
        endpoint: String,
    },
    /// The hub knows it, but not for everyone.
    #[error(
        "the hub does not give {name} to everyone\n\
         hint: accept its terms on its page, then set HF_TOKEN to a token that may read it"
    )]
    Gated {
        /// The model.
        name: String,
    },
    /// There are no weights that can be read.
    #[error(
        "{name} has no model.safetensors, no pytorch_model.bin and no onnx/model.onnx\n\
         hint: give a revision that has one (\"org/name@refs/pr/1\"), or a folder into which \
         transformers' save_pretrained has written it"
    )]
    NoWeights {
        /// The model.
        name: String,
    },
    /// There is no exported graph.
    #[error(
        "{name} has no onnx/model.onnx\n\
         hint: leave out --engine, or export one: optimum-cli export onnx --model {name} FOLDER"
    )]
    NoGraph {
        /// The model.
        name: String,
    },
    /// The hub, or the way to it, is down.
    #[error(
        "cannot reach {url}\n\
         hint: try again later; a model that is in the cache needs no network"
    )]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What the client said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The answer is not one of the hub's.
    #[error("{url} answered in a way that no hub does: {reason}")]
    Protocol {
        /// What was asked for.
        url: String,
        /// What was wrong with the answer.
        reason: String,
    },
    /// What came is not what was promised.
    #[error("{file} arrived damaged: {reason}\nhint: try again")]
    Damaged {
        /// The file.
        file: String,
        /// How that was seen.
        reason: String,
    },
    /// The cache cannot be written.
    #[error("cannot write {path}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
