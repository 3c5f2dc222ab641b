//! The cache as `huggingface_hub` lays it out.
//!
//! ```text
//! models--org--name/              or datasets--org--name
//!   blobs/<etag>                  every content once
//!   snapshots/<commit>/<file>     a link to a blob
//!   refs/<revision>               the commit that a branch or tag stood for when last asked
//!   .no_exist/<commit>/<file>     a file that is known not to be there
//!   .listings/<commit>.json       what the commit consists of: of linprobe alone
//! ```

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::{HubError, Listing, RepoKind, RepoName, Snapshot, blob};

/// All models that a cache holds, with the name of each: the newest of a model without its commit.
///
/// # Errors
/// Those of reading folders; a cache that is not there is an empty one.
pub fn cached_snapshots(cache: &Path) -> io::Result<Vec<(String, Snapshot)>> {
    let mut found = Vec::new();
    let prefix = format!("{}--", RepoKind::Model.plural());
    for folder in folders(cache)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let Some(id) = name.strip_prefix(&prefix).map(|id| id.replacen("--", "/", 1)) else {
            continue;
        };
        let newest = RepoCache { root: folder.clone() }.snapshot("main");
        for folder in folders(&folder.join("snapshots"))? {
            let commit = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let snapshot = Snapshot { folder, commit };
            let is_newest = newest.as_ref() == Some(&snapshot);
            let name = if is_newest { id.clone() } else { format!("{id}@{}", snapshot.commit) };
            found.push((name, snapshot));
        }
    }
    Ok(found)
}

/// The folders in a folder; none where it is not there.
fn folders(path: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.map(|entry| Ok(entry?.path()));
    Ok(paths.collect::<io::Result<Vec<_>>>()?.into_iter().filter(|path| path.is_dir()).collect())
}

/// The files of a snapshot whose contents are not those that their blob is named after.
///
/// # Errors
/// Those of reading files.
pub fn damaged_files(place: &Path) -> io::Result<Vec<PathBuf>> {
    if !place.is_dir() {
        return Ok(if is_intact(place)? { Vec::new() } else { vec![place.to_owned()] });
    }
    let mut damaged = Vec::new();
    for entry in fs::read_dir(place)? {
        damaged.extend(damaged_files(&entry?.path())?);
    }
    Ok(damaged)
}

fn is_intact(path: &Path) -> io::Result<bool> {
    let target = fs::canonicalize(path)?;
    let etag = target.file_name().unwrap_or_default().to_string_lossy();
    blob::has_digest(File::open(path)?, &etag)
}

/// The part of the cache that belongs to one repository.
#[derive(Debug)]
pub(super) struct RepoCache {
    root: PathBuf,
}

impl RepoCache {
    pub(super) fn new(cache: &Path, name: &RepoName) -> Self {
        let id = name.id.replace('/', "--");
        Self { root: cache.join(format!("{}--{id}", name.kind.plural())) }
    }

    /// The snapshot of a branch, a tag or a commit.
    pub(super) fn snapshot(&self, revision: &str) -> Option<Snapshot> {
        let commit = match fs::read_to_string(self.root.join("refs").join(revision)) {
            Ok(commit) => commit.trim().to_owned(),
            Err(_) => revision.to_owned(),
        };
        let folder = self.folder(&commit);
        folder.is_dir().then_some(Snapshot { folder, commit })
    }

    pub(super) fn folder(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.root.join("blobs").join(etag)
    }

    pub(super) fn is_absent(&self, commit: &str, file: &str) -> bool {
        self.absence(commit, file).is_file()
    }

    /// Remembers that there is no such file, so that nobody asks again.
    pub(super) fn mark_absent(&self, commit: &str, file: &str) -> Result<(), HubError> {
        let path = self.absence(commit, file);
        create_parent(&path)?;
        File::create(&path).map(drop).map_err(|source| HubError::Io { path, source })
    }

    /// Remembers which commit a branch or a tag stands for.
    pub(super) fn write_revision(&self, revision: &str, commit: &str) -> Result<(), HubError> {
        if revision == commit {
            return Ok(());
        }
        write(&self.root.join("refs").join(revision), commit.as_bytes())
    }

    /// What a commit consists of, if that was kept.
    pub(super) fn listing(&self, commit: &str) -> Option<Listing> {
        serde_json::from_slice(&fs::read(self.listing_path(commit)).ok()?).ok()
    }

    /// Keeps what a commit consists of.
    pub(super) fn write_listing(&self, listing: &Listing) -> Result<(), HubError> {
        let json = serde_json::to_vec(listing).expect("names and JSON are JSON");
        write(&self.listing_path(&listing.sha), &json)
    }

    fn listing_path(&self, commit: &str) -> PathBuf {
        self.root.join(".listings").join(format!("{commit}.json"))
    }

    /// Makes a blob appear as a file of a snapshot.
    pub(super) fn link(&self, commit: &str, file: &str, etag: &str) -> Result<(), HubError> {
        let path = self.folder(commit).join(file);
        if path.is_file() {
            return Ok(());
        }
        create_parent(&path)?;
        // From snapshots/<commit>/ it is two steps up, and one more for every folder of the file.
        let up = "../".repeat(2 + file.matches('/').count());
        let target = format!("{up}blobs/{etag}");
        link(&target, &self.blob(etag), &path).map_err(|source| HubError::Io { path, source })
    }

    /// Keeps other processes from fetching the same blob, for as long as the file is open.
    pub(super) fn lock(&self, etag: &str) -> Result<File, HubError> {
        let name = self.root.file_name().unwrap_or_default();
        let locks = self.root.with_file_name(".locks").join(name);
        lock(&locks.join(format!("{etag}.lock")))
    }

    fn absence(&self, commit: &str, file: &str) -> PathBuf {
        self.root.join(".no_exist").join(commit).join(file)
    }
}

/// Writes a small file whole or not at all.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), HubError> {
    let parent = create_parent(path)?;
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(&parent)?;
        file.write_all(content)?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|source: io::Error| HubError::Io { path: path.to_owned(), source })
}

/// Makes a whole file take its final name, for good.
#[expect(clippy::disallowed_methods, reason = "file and folder are synced before and after")]
pub(super) fn place(file: &File, from: &Path, to: &Path) -> io::Result<()> {
    file.sync_all()?;
    fs::rename(from, to)?;
    match to.parent() {
        // Windows has no way to sync a folder, and no need.
        Some(parent) if cfg!(unix) => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

/// Waits for a lock, which is held for as long as the file is open.
pub(super) fn lock(path: &Path) -> Result<File, HubError> {
    create_parent(path)?;
    let lock = || {
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        file.lock()?;
        Ok(file)
    };
    lock().map_err(|source: io::Error| HubError::Io { path: path.to_owned(), source })
}

/// Creates the folder in which a file is to stand.
pub(super) fn create_parent(path: &Path) -> Result<PathBuf, HubError> {
    let parent = path.parent().unwrap_or(path).to_owned();
    fs::create_dir_all(&parent).map_err(|source| HubError::Io { path: parent.clone(), source })?;
    Ok(parent)
}

#[cfg(unix)]
pub(super) fn link(target: &str, _blob: &Path, path: &Path) -> io::Result<()> {
    match std::os::unix::fs::symlink(target, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

/// Windows gives links to administrators only.
#[cfg(not(unix))]
pub(super) fn link(_target: &str, blob: &Path, path: &Path) -> io::Result<()> {
    fs::hard_link(blob, path).or_else(|_| fs::copy(blob, path).map(drop))
}
