//! Models and datasets by name from the Hugging Face hub, through the cache that every tool of that family shares.
//!
//! What `huggingface_hub` has downloaded is found here and the other way round: the layout of the
//! cache is its own, and so are the environment variables. Files come resumed where they were cut short,
//! and are checked by their SHA-256; offline there is no request at all.
//!
//! A [`RepoName`] says what is meant, a [`HubConfig`] where the hub and its cache are. What the cache holds is a
//! [`Snapshot`], a folder with the files of one commit; what it lacks is listed, and fetched file by file:
//!
//! ```no_run
//! use linprobe_hub::{HubConfig, Progress, Repo, RepoName};
//!
//! let name = RepoName::model("sentence-transformers/all-MiniLM-L6-v2").ok_or("no name of a model")?;
//! let config = HubConfig::default();
//! let repo = Repo::new(&name, &config);
//! let snapshot = match repo.cached() {
//!     Some(snapshot) => snapshot,
//!     None => {
//!         let download = repo.list(&Progress::default())?;
//!         download.fetch("config.json")?;
//!         download.finish()?
//!     }
//! };
//! println!("{} at {}", snapshot.folder.join("config.json").display(), snapshot.commit);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`fetch_address`] does the same for a file by its web address, [`fetch_bucket`] for objects of S3 and Google Cloud Storage.

mod address;
mod blob;
mod bucket;
mod cache;
mod client;
mod config;
mod error;
#[cfg(feature = "fake")]
pub mod fake;
mod line;
mod listing;
mod name;
mod patience;
mod progress;
mod together;

use std::path::PathBuf;

use self::{cache::RepoCache, client::Client};

pub use self::{
    address::{fetch_address, is_address},
    bucket::{AccessKey, Account, BucketConfig, fetch_bucket, is_bucket},
    cache::{cached_snapshots, damaged_files},
    config::HubConfig,
    error::HubError,
    listing::Listing,
    name::{RepoKind, RepoName},
    progress::{Progress, Transfer},
};

/// A folder of the cache that holds files of one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Where it is.
    pub folder: PathBuf,
    /// The commit, which names its contents for ever.
    pub commit: String,
}

/// A repository on the hub and in the cache.
#[derive(Debug)]
pub struct Repo<'a> {
    name: &'a RepoName,
    config: &'a HubConfig,
    cache: RepoCache,
}

impl<'a> Repo<'a> {
    /// Of that name; nothing is looked at yet.
    pub fn new(name: &'a RepoName, config: &'a HubConfig) -> Self {
        Self { name, config, cache: RepoCache::new(&config.cache, name) }
    }

    /// What the cache holds, however much that is.
    pub fn cached(&self) -> Option<Snapshot> {
        self.cache.snapshot(&self.name.revision)
    }

    /// What the cache knows that a commit consists of.
    pub fn cached_listing(&self, commit: &str) -> Option<Listing> {
        self.cache.listing(commit)
    }

    /// Whether the cache knows that a commit has no such file.
    pub fn is_absent(&self, commit: &str, file: &str) -> bool {
        self.cache.is_absent(commit, file)
    }

    /// The error for what the cache lacks when no requests may be made.
    pub fn not_cached(&self) -> HubError {
        HubError::Offline { name: self.name.clone(), cache: self.config.cache.clone() }
    }

    /// Asks the hub what the repository consists of.
    ///
    /// # Errors
    /// [`HubError`], when the hub cannot be reached or has none of that name.
    pub fn list(&self, progress: &Progress) -> Result<Download<'_>, HubError> {
        if self.config.offline {
            return Err(self.not_cached());
        }
        let client = Client::new(self.config, self.name, progress.clone());
        let listing = client.list()?;
        Ok(Download { repo: self, client, listing })
    }
}

/// A commit that is being brought from the hub into the cache.
#[derive(Debug)]
pub struct Download<'a> {
    repo: &'a Repo<'a>,
    client: Client<'a>,
    listing: Listing,
}

impl Download<'_> {
    /// What the commit consists of.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// Brings a file into the cache, unless it is there.
    ///
    /// # Errors
    /// [`HubError`], when it cannot be brought here.
    pub fn fetch(&self, file: &str) -> Result<(), HubError> {
        self.client.fetch(&self.repo.cache, &self.listing.sha, file)
    }

    /// Brings files into the cache, some at a time. What has come before one fails stays.
    ///
    /// # Errors
    /// [`HubError`] of the first that cannot be brought here.
    pub fn fetch_all(&self, files: &[String]) -> Result<(), HubError> {
        together::each(files, |file| self.fetch(file))
    }

    /// Remembers that the commit has no such file, so that nobody asks again.
    ///
    /// # Errors
    /// The cache cannot be written.
    pub fn mark_absent(&self, file: &str) -> Result<(), HubError> {
        self.repo.cache.mark_absent(&self.listing.sha, file)
    }

    /// Remembers what the commit consists of, for those who may make no request.
    ///
    /// # Errors
    /// The cache cannot be written.
    pub fn keep_listing(&self) -> Result<(), HubError> {
        self.repo.cache.write_listing(&self.listing)
    }

    /// Remembers that the revision stands for this commit, once what is needed of it is here.
    ///
    /// # Errors
    /// The cache cannot be written.
    pub fn finish(&self) -> Result<Snapshot, HubError> {
        let commit = &self.listing.sha;
        self.repo.cache.write_revision(&self.repo.name.revision, commit)?;
        Ok(Snapshot { folder: self.repo.cache.folder(commit), commit: commit.clone() })
    }
}
