//! Datasets by name from the Hugging Face hub: the files that are wanted are brought into the cache, and read as any
//! others.
//!
//! With the network there is one request to learn whether the dataset has changed, and those for files that
//! the cache lacks. Without it, or when the hub cannot be reached, what the cache holds is read.

mod card;
mod selection;

use std::path::{Path, PathBuf};

use linprobe_core::SourceError;
use linprobe_hub::{Download, HubConfig, HubError, Listing, Progress, Repo, RepoName, Snapshot};

use self::selection::{Selection, Wish};
use crate::{Kind, SourceOptions, failure::unsupported, folder};

/// How a dataset of the hub is told from a path.
const SCHEME: &str = "hf://datasets/";

/// The branch to which the hub itself converts datasets that are in another form, or made by a script.
const CONVERTED: &str = "refs/convert/parquet";

/// Beginnings of revisions that have slashes in them, and how many parts they have.
const LONG_REVISIONS: [(&str, usize); 2] = [("refs/convert/", 3), ("refs/pr/", 3)];

/// The name of a dataset on the hub, and what is wanted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubDataset {
    name: RepoName,
    /// Its files, where not all are meant.
    path: Option<String>,
    /// Whether it could have been a file or folder.
    is_bare: bool,
}

/// A dataset that is at hand.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Where it is.
    pub location: PathBuf,
    /// How it is read.
    pub options: SourceOptions,
    /// What a person should know of how it came.
    pub notes: Vec<String>,
}

/// Why a dataset cannot be brought here.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The hub does not give it.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// It is no file or folder, and the hub does not give it.
    #[error("there is no file or folder {name}, and {hub}")]
    Nowhere {
        /// What was asked for.
        name: String,
        /// What became of it on the hub.
        hub: HubError,
    },
    /// Nothing in it can be read, or not what was asked for.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl HubDataset {
    /// What a location names: `hf://datasets/org/name@revision/path`, or `org/name`, where no such file or
    /// folder is here. None for all others.
    pub fn named(location: &Path, options: &SourceOptions) -> Option<Self> {
        let text = location.to_str()?;
        if let Some(rest) = text.strip_prefix(SCHEME) {
            return Self::of_address(rest);
        }
        let is_asked_for = options.config.is_some() || options.revision.is_some();
        let looks_like_one = text.contains('/') && Kind::of_file(location).is_err();
        if location.exists() || !(is_asked_for || looks_like_one) {
            return None;
        }
        Some(Self { name: RepoName::dataset(text)?, path: None, is_bare: true })
    }

    /// The rest of an address, which may go on behind the name.
    fn of_address(rest: &str) -> Option<Self> {
        let (name, path) = if let Some((id, rest)) = rest.split_once('@') {
            let n_parts = LONG_REVISIONS.iter().find(|(start, _)| rest.starts_with(start));
            let (revision, path) = split_behind(rest, n_parts.map_or(1, |(_, n)| *n));
            (format!("{id}@{revision}"), path)
        } else {
            let (id, path) = split_behind(rest, 2);
            (id.to_owned(), path)
        };
        let path = path.filter(|path| !path.is_empty()).map(str::to_owned);
        Some(Self { name: RepoName::dataset(&name)?, path, is_bare: false })
    }

    /// Brings what the options want of it into the cache, and says how it is read there.
    ///
    /// # Errors
    /// [`FetchError`], when the hub does not give it, or nothing in it can be read.
    pub fn fetch(
        &self,
        options: &SourceOptions,
        hub: &HubConfig,
        progress: &Progress,
    ) -> Result<Fetched, FetchError> {
        let is_missing = |error: &HubError| {
            error.is_out_of_reach() || matches!(error, HubError::NotFound { .. })
        };
        self.fetch_named(options, hub, progress).map_err(|error| match error {
            FetchError::Hub(hub) if self.is_bare && is_missing(&hub) => {
                FetchError::Nowhere { name: self.name.id.clone(), hub }
            }
            error => error,
        })
    }

    fn fetch_named(
        &self,
        options: &SourceOptions,
        hub: &HubConfig,
        progress: &Progress,
    ) -> Result<Fetched, FetchError> {
        let name = match &options.revision {
            Some(revision) => self.name.at(revision).ok_or_else(|| bad_revision(revision))?,
            None => self.name.clone(),
        };
        let wish = Wish { path: self.path.clone(), ..Wish::of(&name, options) };
        let own = fetch_from(&name, &wish, (hub, progress));
        let is_plain = self.path.is_none() && name.revision == "main";
        let Some(converted) = name.at(CONVERTED).filter(|_| is_plain) else {
            return own?.ok_or_else(|| wish.nothing_to_read().into());
        };
        let failure = match own {
            Ok(Some(fetched)) => return Ok(fetched),
            Ok(None) => wish.nothing_to_read().into(),
            // Of a dataset that was converted, the cache holds nothing else.
            Err(FetchError::Hub(error)) if error.is_out_of_reach() => error.into(),
            Err(error) => return Err(error),
        };
        let of_converted = Wish { is_converted: true, ..wish };
        match fetch_from(&converted, &of_converted, (hub, progress)) {
            Ok(Some(fetched)) => Ok(fetched),
            Ok(None) | Err(FetchError::Hub(HubError::NotFound { .. })) => Err(failure),
            Err(FetchError::Hub(error)) if error.is_out_of_reach() => Err(failure),
            Err(error) => Err(error),
        }
    }
}

/// Brings what is wanted of a revision here; none where nothing in it can be read.
fn fetch_from(
    name: &RepoName,
    wish: &Wish,
    (hub, progress): (&HubConfig, &Progress),
) -> Result<Option<Fetched>, FetchError> {
    let repo = Repo::new(name, hub);
    let error = match repo.list(progress) {
        Ok(download) => return fetch_with(&download, wish),
        Err(error) => error,
    };
    let cached = if error.is_out_of_reach() { read_cached(&repo, wish)? } else { None };
    let Some(mut fetched) = cached else { return Err(error.into()) };
    if !hub.offline {
        let said = error.to_string();
        let said = said.lines().next().unwrap_or_default();
        fetched.notes.push(format!("the cache is read: {said}"));
    }
    Ok(Some(fetched))
}

fn fetch_with(download: &Download<'_>, wish: &Wish) -> Result<Option<Fetched>, FetchError> {
    let Some(selection) = Selection::of(download.listing(), wish)? else { return Ok(None) };
    download.fetch_all(&selection.files)?;
    download.keep_listing()?;
    Ok(Some(wish.fetched(selection, download.finish()?)))
}

/// What is wanted, where the cache has all of it.
fn read_cached(repo: &Repo<'_>, wish: &Wish) -> Result<Option<Fetched>, FetchError> {
    let Some(snapshot) = repo.cached() else { return Ok(None) };
    let listing = match repo.cached_listing(&snapshot.commit) {
        Some(listing) => listing,
        None => walked(&snapshot)?,
    };
    let Some(selection) = Selection::of(&listing, wish)? else { return Ok(None) };
    let is_here = |file: &String| snapshot.folder.join(file).is_file();
    let is_whole = selection.files.iter().all(is_here);
    Ok(is_whole.then(|| wish.fetched(selection, snapshot)))
}

/// What another tool has left of a commit.
fn walked(snapshot: &Snapshot) -> Result<Listing, SourceError> {
    let Snapshot { folder, commit } = snapshot;
    let files = folder::files_below(folder, |_| true)?;
    let below = files.iter().filter_map(|file| file.strip_prefix(folder).ok()?.to_str());
    Ok(Listing::of_files(commit, below))
}

impl Wish {
    /// How what was selected is read where it is.
    fn fetched(&self, selection: Selection, Snapshot { folder, .. }: Snapshot) -> Fetched {
        let Selection { kind, patterns, split, .. } = selection;
        let options = SourceOptions {
            kind: Some(kind),
            files: patterns,
            split,
            origin: Some(self.origin()),
            config: None,
            revision: None,
            ..self.options.clone()
        };
        Fetched { location: folder, options, notes: Vec::new() }
    }
}

fn bad_revision(revision: &str) -> SourceError {
    let reason = format!("{revision:?} is no revision");
    unsupported(Path::new(revision), reason, "give a branch, a tag or a commit")
}

/// The first parts of a path, and what follows them.
fn split_behind(path: &str, n_parts: usize) -> (&str, Option<&str>) {
    match path.match_indices('/').nth(n_parts - 1) {
        Some((slash, _)) => (path.get(..slash).unwrap_or_default(), path.get(slash + 1..)),
        None => (path, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(location: &str) -> Option<(String, Option<String>)> {
        let named = HubDataset::named(Path::new(location), &SourceOptions::default())?;
        Some((named.name.to_string(), named.path))
    }

    fn plain(name: &str) -> (String, Option<String>) {
        (name.to_owned(), None)
    }

    #[test]
    fn a_name_of_the_hub_is_told_from_a_path() {
        assert_eq!(named("frgfm/imagenette"), Some(plain("frgfm/imagenette@main")));
        assert_eq!(named("frgfm/imagenette@v1"), Some(plain("frgfm/imagenette@v1")));
        for path in
            ["data/train.csv", "x/y.parquet", "imagenette", "/a/b", "../a/b", "a/b/c", "src"]
        {
            assert_eq!(named(path), None, "{path}");
        }
        let options = SourceOptions { revision: Some("v1".into()), ..SourceOptions::default() };
        assert!(HubDataset::named(Path::new("squad"), &options).is_some());
        assert!(HubDataset::named(Path::new("src"), &options).is_none(), "there is such a folder");
    }

    #[test]
    fn an_address_names_a_dataset_and_may_go_on() {
        assert_eq!(named("hf://datasets/squad"), Some(plain("squad@main")));
        assert_eq!(named("hf://datasets/a/b"), Some(plain("a/b@main")));
        assert_eq!(named("hf://datasets/a/b@v1/"), Some(plain("a/b@v1")));
        let converted = Some(plain("a/b@refs/convert/parquet"));
        assert_eq!(named("hf://datasets/a/b@refs/convert/parquet"), converted);
        let train = Some("data/train-*.parquet".to_owned());
        let at = |name: &str| Some((name.to_owned(), train.clone()));
        assert_eq!(named("hf://datasets/a/b/data/train-*.parquet"), at("a/b@main"));
        assert_eq!(named("hf://datasets/a/b@refs/pr/3/data/train-*.parquet"), at("a/b@refs/pr/3"));
        assert_eq!(named("hf://models/a/b"), None);
    }
}
