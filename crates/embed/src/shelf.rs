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
    remote,
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

/// Where a model is, which decides what runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Inside this program.
    Binary,
    /// In a folder, from which this program runs it.
    Folder(PathBuf),
    /// On a server, which runs it.
    Server(String),
}

/// What a model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// What it is as far as its embeddings are concerned.
    pub spec: ModelSpec,
    /// The type of its configuration; none where that is not to be seen.
    pub architecture: Option<String>,
    /// Where it is.
    pub place: Place,
    /// The size of all its files in bytes; 0 where they are elsewhere.
    pub n_bytes: u64,
}

/// Opens a model and says what it is.
///
/// # Errors
/// As [`open`]; and where its folder cannot be read.
pub fn describe(name: &str, options: &OpenOptions) -> Result<Description, OpenError> {
    let spec = open(name, options)?.model().clone();
    let place = place_of(&spec, &options.hub);
    let (architecture, n_bytes) = match &place {
        Place::Binary => (Some(static_::ARCHITECTURE.to_owned()), static_::n_bytes()),
        Place::Server(_) => (None, 0),
        Place::Folder(path) => {
            let n_bytes = size_of_folder(path)
                .map_err(|source| OpenError::Io { path: path.clone(), source })?;
            (architecture(path), n_bytes)
        }
    };
    Ok(Description { spec, architecture, place, n_bytes })
}

/// Where an open model is.
pub(crate) fn place_of(spec: &ModelSpec, hub: &HubConfig) -> Place {
    if spec.id == static_::MODEL_ID {
        return Place::Binary;
    }
    if remote::is_address(&spec.id) {
        return Place::Server(spec.id.clone());
    }
    let revision = spec.revision.clone().unwrap_or_default();
    let repo = RepoName { id: spec.id.clone(), revision };
    let snapshot = Repo::new(&repo, hub).cached();
    Place::Folder(snapshot.map_or_else(|| PathBuf::from(&spec.id), |snapshot| snapshot.folder))
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
