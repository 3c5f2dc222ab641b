//! One name, one model: how a person says which encoder they mean.

use std::{fs, io, path::PathBuf, sync::Arc};

use linprobe_core::Embedder;

use crate::{
    folder::ModelFolder,
    hub::{HubConfig, HubError, Progress, Repo, RepoName, Snapshot},
    model::{
        self,
        encoder::Encoder,
        precomputed::Precomputed,
        static_::{MODEL_ID, StaticEncoder},
    },
    remote::{self, RemoteConfig, RemoteEncoder, RemoteError},
};

/// The name of the text encoder inside the binary.
pub const BUILTIN: &str = "builtin";

/// What opening a model depends on beside its name. The default is as the environment says.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Where the hub and its cache are.
    pub hub: HubConfig,
    /// How servers that run models are asked.
    pub remote: RemoteConfig,
    /// Is told of every download.
    pub progress: Progress,
}

/// Opens a model: [`BUILTIN`], or the id that it gives itself; a folder; a name on the hub
/// (`org/name`, `org/name@revision`); or the address of a server that runs it
/// (`http://host/v1#model` as OpenAI has it, `http://host` for text-embeddings-inference).
///
/// A model from the hub is taken from the cache when it is there, without a request.
///
/// # Errors
/// [`OpenError`] says what is wrong with the name or the files, and what would help.
pub fn open(name: &str, options: &OpenOptions) -> Result<Arc<dyn Embedder>, OpenError> {
    if name == BUILTIN || name == MODEL_ID {
        let encoder =
            StaticEncoder::builtin().map_err(|source| OpenError::Builtin(source.into()))?;
        return Ok(Arc::new(encoder));
    }
    if remote::is_address(name) {
        return Ok(Arc::new(RemoteEncoder::open(name, options)?));
    }
    if let Ok(folder) = fs::canonicalize(name) {
        return open_folder(folder);
    }
    match RepoName::parse(name) {
        Some(repo) => open_from_hub(&repo, options),
        None => Err(OpenError::NoSuchModel { name: name.to_owned() }),
    }
}

/// Takes vectors that were made elsewhere, by the model of that id.
pub fn precomputed(model_id: &str, dimension: usize) -> Arc<dyn Embedder> {
    Arc::new(Precomputed::new(model_id, dimension))
}

fn open_folder(path: PathBuf) -> Result<Arc<dyn Embedder>, OpenError> {
    let id = path.display().to_string();
    load(ModelFolder::new(path, id), None)
}

fn load(mut folder: ModelFolder, revision: Option<String>) -> Result<Arc<dyn Embedder>, OpenError> {
    let towers = model::architecture(&mut folder)?(&mut folder)?;
    let encoder =
        Encoder::new(folder.model_id().to_owned(), revision, folder.fingerprint(), towers);
    Ok(Arc::new(encoder))
}

fn open_from_hub(name: &RepoName, options: &OpenOptions) -> Result<Arc<dyn Embedder>, OpenError> {
    let repo = Repo::new(name, &options.hub);
    let opened = match repo.cached() {
        Some(snapshot) if options.hub.offline || repo.is_complete(&snapshot) => {
            open_snapshot(name, snapshot)
        }
        _ => return download(name, &repo, options),
    };
    match opened {
        // A download that was cut short.
        Err(OpenError::MissingFile { .. }) => download(name, &repo, options),
        opened => opened,
    }
}

fn open_snapshot(name: &RepoName, snapshot: Snapshot) -> Result<Arc<dyn Embedder>, OpenError> {
    load(ModelFolder::new(snapshot.folder, &name.id), Some(snapshot.commit))
}

fn download(
    name: &RepoName,
    repo: &Repo<'_>,
    options: &OpenOptions,
) -> Result<Arc<dyn Embedder>, OpenError> {
    let download = repo.list(&options.progress)?;
    let snapshot = download.fetch_configuration()?;
    // Gigabytes of weights that nothing here can read are better left where they are.
    model::architecture(&mut ModelFolder::new(&snapshot.folder, &name.id))?;
    download.fetch_weights()?;
    open_snapshot(name, snapshot)
}

/// Why a model cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The name stands for nothing.
    #[error(
        "no such model: {name:?}\n\
         hint: give \"builtin\", a folder with config.json and model.safetensors, or a name on the \
         hub such as \"sentence-transformers/all-MiniLM-L6-v2\"; a server's address is \
         \"http://host/v1#model\""
    )]
    NoSuchModel {
        /// What was asked for.
        name: String,
    },
    /// The folder lacks a file.
    #[error(
        "{folder} has no {file}\n\
         hint: a model's folder is what save_pretrained of transformers or sentence-transformers \
         writes, tokenizer or image processor included",
        folder = folder.display()
    )]
    MissingFile {
        /// The model's folder.
        folder: PathBuf,
        /// What is missing.
        file: String,
    },
    /// The weights are in a pickle that is not that of a state dict, or could run code.
    #[error(
        "{path}: {reason}\n\
         hint: load it with transformers where you trust it, and save_pretrained it again, which \
         writes model.safetensors",
        path = path.display()
    )]
    Pickle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing here can compute the model.
    #[error(
        "{path}: models of type {model_type:?} are not supported\nhint: these are: {supported}",
        path = path.display(),
        supported = model::architectures()
    )]
    UnknownArchitecture {
        /// Its configuration.
        path: PathBuf,
        /// What it says.
        model_type: String,
    },
    /// A file is not what its name says, or asks for what is not supported.
    #[error("{path}: {reason}", path = path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The weights are damaged, or not those of the model that the configuration describes.
    #[error("the weights in {folder} do not fit its config.json", folder = folder.display())]
    Weights {
        /// The model's folder.
        folder: PathBuf,
        /// What the engine said.
        source: Box<candle_core::Error>,
    },
    /// A file cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The model cannot be brought from the hub.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The server that runs the model gives no embeddings.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The encoder inside the binary is damaged.
    #[error("the built-in encoder cannot be read")]
    Builtin(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl OpenError {
    pub(crate) fn weights(folder: &std::path::Path, source: candle_core::Error) -> Self {
        Self::Weights { folder: folder.to_owned(), source: Box::new(source) }
    }
}
