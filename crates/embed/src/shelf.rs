//! Which models are on this machine, and what they are.
//!
//! Listing reads configurations alone; describing one model opens it, because its fingerprint is
//! that of everything it is read from.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use linprobe_core::ModelSpec;
use linprobe_hub::{HubConfig, Repo, RepoKind, RepoName, cached_snapshots};

use crate::{
    OpenError, OpenOptions,
    model::{self, static_},
    open::{Opened, open_on_engine},
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
        let architecture = model::type_of(&snapshot.folder);
        models.push(CachedModel {
            name,
            is_supported: architecture.as_deref().is_some_and(model::is_supported),
            architecture,
            n_bytes: size_of(&snapshot.folder)?,
            folder: snapshot.folder,
        });
    }
    models.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(models)
}

/// Where a model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Inside this program.
    Binary,
    /// In a folder, or a graph in it, from which it is run in this program.
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
    /// What runs it.
    pub engine: String,
    /// Where it is.
    pub place: Place,
    /// The size of all its files in bytes; 0 where they are elsewhere.
    pub n_bytes: u64,
}

/// Opens a model and says what it is.
///
/// # Errors
/// As [`open`](crate::open()); and where its folder cannot be read.
pub fn describe(name: &str, options: &OpenOptions) -> Result<Description, OpenError> {
    let Opened { embedder, engine, .. } = open_on_engine(name, options)?;
    let spec = embedder.model().clone();
    let place = place_of(&spec, &options.hub);
    let (architecture, n_bytes) = match &place {
        Place::Binary => (Some(static_::ARCHITECTURE.to_owned()), static_::n_bytes()),
        Place::Server(_) => (None, 0),
        Place::Folder(path) => {
            let n_bytes =
                size_of(path).map_err(|source| OpenError::Io { path: path.clone(), source })?;
            (model::type_of(path), n_bytes)
        }
    };
    Ok(Description { spec, architecture, engine, place, n_bytes })
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
    let repo = RepoName { kind: RepoKind::Model, id: spec.id.clone(), revision };
    let snapshot = Repo::new(&repo, hub).cached();
    Place::Folder(snapshot.map_or_else(|| PathBuf::from(&spec.id), |snapshot| snapshot.folder))
}

/// The size of a file, or of all in a folder, links followed.
fn size_of(path: &Path) -> io::Result<u64> {
    let found = fs::metadata(path)?;
    if !found.is_dir() {
        return Ok(found.len());
    }
    fs::read_dir(path)?.map(|entry| size_of(&entry?.path())).sum()
}
