//! Which models are on this machine, and what they are.
//!
//! Listing reads configurations alone; describing one model opens it, because its fingerprint is
//! that of everything it is read from.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use linprobe_core::ModelSpec;
use serde::Deserialize;

use crate::{
    HubConfig, OpenError, OpenOptions,
    hub::{Repo, RepoName, cached_snapshots},
    model::{self, CONFIG, static_},
    open::open,
};

/// A model in the hub's cache, as far as its configuration tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedModel {
    /// What to call it by: `org/name`, with the commit where it is not the newest that was fetched.
    pub name: String,
    /// The type of its configuration; none where it has no configuration that says so.
    pub architecture: Option<String>,
    /// Whether it can be opened.
    pub is_supported: bool,
    /// The size of all its files in bytes.
    pub n_bytes: u64,
    /// Where they are.
    pub folder: PathBuf,
}

/// The models of the hub's cache, by name. Makes no request.
///
/// # Errors
/// Those of reading folders; a cache that is not there is an empty one.
pub fn cached_models(hub: &HubConfig) -> io::Result<Vec<CachedModel>> {
    let mut models = Vec::new();
    for (name, snapshot) in cached_snapshots(&hub.cache)? {
        let architecture = architecture(&snapshot.folder);
        models.push(CachedModel {
            name,
            is_supported: architecture.as_deref().is_some_and(model::is_supported),
            architecture,
            n_bytes: size_of_folder(&snapshot.folder)?,
            folder: snapshot.folder,
        });
    }
    models.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(models)
}

/// What a model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// What it is as far as its embeddings are concerned.
    pub spec: ModelSpec,
    /// The type of its configuration.
    pub architecture: String,
    /// Where its files are; none for the one inside the binary.
    pub folder: Option<PathBuf>,
    /// The size of all its files in bytes.
    pub n_bytes: u64,
}

/// Opens a model and says what it is.
///
/// # Errors
/// As [`open`]; and where its folder cannot be read.
pub fn describe(name: &str, options: &OpenOptions) -> Result<Description, OpenError> {
    let spec = open(name, options)?.model().clone();
    let folder = folder_of(&spec, &options.hub);
    let n_bytes = match &folder {
        Some(path) => {
            size_of_folder(path).map_err(|source| OpenError::Io { path: path.clone(), source })?
        }
        None => static_::n_bytes(),
    };
    let found = folder.as_deref().and_then(architecture);
    let architecture = found.unwrap_or_else(|| static_::ARCHITECTURE.to_owned());
    Ok(Description { spec, architecture, folder, n_bytes })
}

/// Where an open model has its files.
pub(crate) fn folder_of(spec: &ModelSpec, hub: &HubConfig) -> Option<PathBuf> {
    if spec.id == static_::MODEL_ID {
        return None;
    }
    let Some(commit) = &spec.revision else { return Some(PathBuf::from(&spec.id)) };
    let repo = RepoName { id: spec.id.clone(), revision: commit.clone() };
    Repo::new(&repo, hub).cached().map(|snapshot| snapshot.folder)
}

/// The type that a folder's configuration states.
fn architecture(folder: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Config {
        model_type: Option<String>,
    }
    let config = fs::read(folder.join(CONFIG)).ok()?;
    serde_json::from_slice::<Config>(&config).ok()?.model_type
}

/// The size of a folder's files, links followed.
fn size_of_folder(folder: &Path) -> io::Result<u64> {
    let mut n_bytes = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        n_bytes += match fs::metadata(&path)? {
            inner if inner.is_dir() => size_of_folder(&path)?,
            file => file.len(),
        };
    }
    Ok(n_bytes)
}
