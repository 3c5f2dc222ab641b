//! Models by name from the Hugging Face hub, through the cache that every tool of that family shares.
//!
//! What `huggingface_hub` has downloaded is found here and the other way round: the layout of the
//! cache is its own, and so are the environment variables. A model that is in the cache is opened
//! without a single request; offline there is none in any case.

mod blob;
mod cache;
mod client;
mod config;
mod error;

use std::{fmt, path::PathBuf, sync::Arc};

pub(crate) use self::cache::{cached_snapshots, damaged_files};
use self::{
    cache::RepoCache,
    client::{Client, Listing},
};
pub use self::{config::HubConfig, error::HubError};
use crate::onnx::GraphFiles;

/// The files of a model that stand beside its weights: small, and read before these.
const FILES: [&str; 9] = [
    "config.json",
    "config_sentence_transformers.json",
    "model.safetensors.index.json",
    "modules.json",
    "preprocessor_config.json",
    "processor_config.json",
    "sentence_bert_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
];

/// Says what a model of OpenCLIP is. Few have it, so nobody asks after it who has the others.
const OPEN_CLIP: &str = "open_clip_config.json";

/// The name of a model on the hub: `org/name`, or `org/name@revision`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RepoName {
    /// Whose model it is, and its name.
    pub(crate) id: String,
    /// A branch, a tag or a commit.
    pub(crate) revision: String,
}

impl RepoName {
    /// None where the hub could have no model of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (id, revision) = name.split_once('@').unwrap_or((name, "main"));
        let (owner, model) = id.split_once('/')?;
        let is_name = |part: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            (1..=96).contains(&part.len()) && part.chars().all(allowed) && !part.starts_with('.')
        };
        let is_revision = !revision.is_empty()
            && revision.split('/').all(|part| is_name(part) && !part.contains(".."));
        (is_name(owner) && is_name(model) && is_revision)
            .then(|| Self { id: id.to_owned(), revision: revision.to_owned() })
    }
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.revision)
    }
}

/// A model's folder in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) folder: PathBuf,
    /// The commit, which names its contents for ever.
    pub(crate) commit: String,
}

/// A model on the hub and in the cache.
#[derive(Debug)]
pub(crate) struct Repo<'a> {
    name: &'a RepoName,
    config: &'a HubConfig,
    cache: RepoCache,
}

impl<'a> Repo<'a> {
    pub(crate) fn new(name: &'a RepoName, config: &'a HubConfig) -> Self {
        Self { name, config, cache: RepoCache::new(&config.cache, &name.id) }
    }

    /// What the cache holds, however much that is.
    pub(crate) fn cached(&self) -> Option<Snapshot> {
        self.cache.snapshot(&self.name.revision)
    }

    /// Whether every file that matters is there, or is known not to exist. A tool that reads fewer
    /// files leaves a snapshot without those that say how to pool, say.
    pub(crate) fn is_complete(&self, snapshot: &Snapshot) -> bool {
        FILES.iter().all(|file| {
            snapshot.folder.join(file).is_file() || self.cache.is_absent(&snapshot.commit, file)
        })
    }

    /// The error for a model that the cache lacks when no requests may be made.
    pub(crate) fn not_cached(&self) -> HubError {
        HubError::Offline { name: self.name.to_string(), cache: self.config.cache.clone() }
    }

    /// Asks the hub what the model consists of.
    ///
    /// # Errors
    /// [`HubError`], when the hub cannot be reached or has no such model.
    pub(crate) fn list(&self, progress: &Progress) -> Result<Download<'_>, HubError> {
        if self.config.offline {
            return Err(self.not_cached());
        }
        let client = Client::new(self.config, self.name, progress.clone());
        let listing = client.list()?;
        Ok(Download { repo: self, client, listing })
    }
}

/// A model that is being brought from the hub into the cache, configuration first.
#[derive(Debug)]
pub(crate) struct Download<'a> {
    repo: &'a Repo<'a>,
    client: Client<'a>,
    listing: Listing,
}

impl Download<'_> {
    /// Fetches the files that say what the model is.
    ///
    /// # Errors
    /// [`HubError`], when a file cannot be brought here.
    pub(crate) fn fetch_configuration(&self) -> Result<Snapshot, HubError> {
        let commit = &self.listing.sha;
        for file in FILES {
            if self.listing.has(file) {
                self.fetch(file)?;
            } else {
                self.repo.cache.mark_absent(commit, file)?;
            }
        }
        let is_wanted =
            |file: &&str| *file == OPEN_CLIP || module_file(file) == Some("config.json");
        self.listing.files().filter(is_wanted).try_for_each(|file| self.fetch(file))?;
        self.repo.cache.write_revision(&self.repo.name.revision, commit)?;
        Ok(Snapshot { folder: self.repo.cache.folder(commit), commit: commit.clone() })
    }

    /// Whether there are weights in one of these files.
    pub(crate) fn has_weights(&self, files: [&str; 2]) -> bool {
        self.main_weights(files).is_some()
    }

    /// Whether there are exported graphs.
    pub(crate) fn has_graphs(&self) -> bool {
        self.graphs().is_some()
    }

    /// Fetches the exported graphs, and the weights that stand beside them.
    ///
    /// # Errors
    /// [`HubError::NoGraph`], or why a file cannot be brought here.
    pub(crate) fn fetch_graphs(&self) -> Result<(), HubError> {
        let Some(graphs) = self.graphs() else {
            return Err(HubError::NoGraph { name: self.repo.name.to_string() });
        };
        let files = self.listing.files().filter(|file| graphs.include(file));
        self.module_weights().into_iter().chain(files).try_for_each(|file| self.fetch(file))
    }

    fn graphs(&self) -> Option<GraphFiles> {
        GraphFiles::find(|file| self.listing.has(file))
    }

    /// Fetches the weights, from the first of these files that there is.
    ///
    /// # Errors
    /// [`HubError::NoWeights`], or why a file cannot be brought here.
    pub(crate) fn fetch_weights(&self, files: [&str; 2]) -> Result<(), HubError> {
        let Some(main) = self.main_weights(files) else {
            return Err(HubError::NoWeights { name: self.repo.name.to_string() });
        };
        let modules = self.module_weights();
        modules.into_iter().chain(main).try_for_each(|file| self.fetch(file))
    }

    fn main_weights(&self, files: [&str; 2]) -> Option<Vec<&str>> {
        files.into_iter().find_map(|file| self.weights(file))
    }

    /// The file of that name, or its shards and their index; none where there is neither.
    fn weights(&self, single: &str) -> Option<Vec<&str>> {
        let index = format!("{single}.index.json");
        let is_whole = self.listing.has(single);
        let is_part = |file: &str| file == index || is_shard(file, single);
        let is_wanted = |file: &&str| if is_whole { *file == single } else { is_part(file) };
        let files: Vec<_> = self.listing.files().filter(is_wanted).collect();
        (!files.is_empty()).then_some(files)
    }

    /// Those of the modules that have some, in one format each.
    fn module_weights(&self) -> Vec<&str> {
        let named = |file: &str, name| module_file(file) == Some(name);
        let older = |file: &&str| {
            let newer = file.replace("pytorch_model.bin", "model.safetensors");
            named(file, "pytorch_model.bin") && !self.listing.has(&newer)
        };
        let is_wanted = |file: &&str| named(file, "model.safetensors") || older(file);
        self.listing.files().filter(is_wanted).collect()
    }

    fn fetch(&self, file: &str) -> Result<(), HubError> {
        self.client.fetch(&self.repo.cache, &self.listing.sha, file)
    }
}

/// The file's name where it belongs to a module of a sentence encoder: `1_Pooling/config.json`.
fn module_file(path: &str) -> Option<&str> {
    let (folder, file) = path.split_once('/')?;
    let number = folder.split('_').next()?;
    let is_module = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (is_module && folder.chars().all(is_name)).then_some(file)
}

/// Whether it is `model-00001-of-00002.safetensors` where `model.safetensors` is the whole.
fn is_shard(file: &str, single: &str) -> bool {
    let Some((stem, extension)) = single.split_once('.') else { return false };
    let number = file.strip_prefix(stem).and_then(|rest| rest.strip_prefix('-'));
    let number = number.and_then(|rest| rest.strip_suffix(extension)?.strip_suffix('.'));
    number.is_some_and(|numbers| {
        numbers.chars().all(|c| c.is_ascii_digit() || c == '-' || c.is_ascii_lowercase())
    })
}

/// Is told how downloads get on.
#[derive(Clone, Default)]
pub struct Progress(Option<Callback>);

type Callback = Arc<dyn Fn(&Transfer<'_>) + Send + Sync>;

/// A file on its way from the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer<'a> {
    /// The file's name in its repository.
    pub file: &'a str,
    /// Bytes that are here.
    pub n_bytes: u64,
    /// Bytes of the whole file.
    pub n_total: u64,
}

impl Progress {
    /// Calls back now and then during a transfer, and at its end.
    pub fn new(callback: impl Fn(&Transfer<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(callback)))
    }

    fn tell(&self, transfer: &Transfer<'_>) {
        if let Some(callback) = &self.0 {
            callback(transfer);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Progress").field(&self.0.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_on_the_hub_has_an_owner_and_may_have_a_revision() {
        let repo = RepoName::parse("sentence-transformers/all-MiniLM-L6-v2").unwrap();
        assert_eq!(repo.to_string(), "sentence-transformers/all-MiniLM-L6-v2@main");
        let repo = RepoName::parse("openai/clip-vit-base-patch32@refs/pr/15").unwrap();
        assert_eq!(repo.revision, "refs/pr/15");
    }

    #[test]
    fn what_cannot_be_a_name_on_the_hub_is_none() {
        for name in
            ["", "bert", "/etc", "../x", "a/b/c", "a/..", "a/b@", "a/b@../c", "a b/c", "./m"]
        {
            assert_eq!(RepoName::parse(name), None, "{name:?}");
        }
    }

    #[test]
    fn only_the_files_of_modules_and_shards_are_taken_for_them() {
        assert_eq!(module_file("1_Pooling/config.json"), Some("config.json"));
        assert_eq!(module_file("onnx/config.json"), None);
        assert_eq!(module_file("1_../config.json"), None);
        let is_safe = |file| is_shard(file, "model.safetensors");
        assert!(is_safe("model-00001-of-00002.safetensors"));
        assert!(!is_safe("model-00001/of.safetensors"));
        assert!(!is_safe("model.fp16.safetensors"));
        assert!(is_shard("pytorch_model-00001-of-00002.bin", "pytorch_model.bin"));
    }
}
