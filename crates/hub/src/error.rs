//! What can go wrong between here and the hub.

use std::{error::Error, io, path::PathBuf, time::Duration};

use crate::RepoName;

/// Why something cannot be brought from the hub, by what the reader can do about it.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Requests are switched off.
    #[error(
        "{name} is not in the cache {cache}, and requests are switched off\n\
         hint: unset HF_HUB_OFFLINE, HF_DATASETS_OFFLINE and TRANSFORMERS_OFFLINE, or give the {noun}'s folder",
        cache = cache.display(), noun = name.kind.noun()
    )]
    Offline {
        /// What was asked for.
        name: RepoName,
        /// The cache.
        cache: PathBuf,
    },
    /// Requests are switched off.
    #[error(
        "{url} was not fetched before, and requests are switched off\n\
         hint: unset HF_HUB_OFFLINE, HF_DATASETS_OFFLINE and TRANSFORMERS_OFFLINE, or give a file; \
         what was fetched is in {folder}",
        folder = folder.display()
    )]
    OfflineAddress {
        /// The address.
        url: String,
        /// Where files are that were fetched.
        folder: PathBuf,
    },
    /// The hub does not know it, or does not say so to strangers.
    #[error(
        "the hub {endpoint} has no {noun} {name}\n\
         hint: check the name; for a private {noun} set HF_TOKEN",
        noun = name.kind.noun()
    )]
    NotFound {
        /// What was asked for.
        name: RepoName,
        /// The hub.
        endpoint: String,
    },
    /// The hub knows it, but not for everyone.
    #[error(
        "the hub does not give {name} to everyone\n\
         hint: accept its terms on its page, then set HF_TOKEN to a token that may read it"
    )]
    Gated {
        /// What was asked for.
        name: RepoName,
    },
    /// The hub, or the way to it, is down.
    #[error(
        "cannot reach {url}\n\
         hint: try again later; what is in the cache needs no network"
    )]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What the client said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The server has too much to do, and has been asked often enough.
    #[error(
        "{url} is busy: it answers {status}\nhint: try again later; what has come so far stays"
    )]
    Busy {
        /// What was asked for.
        url: String,
        /// What it answers.
        status: u16,
        /// How long it asks to be left alone for.
        asked: Option<Duration>,
    },
    /// A bucket is not for everyone, or not for who asks.
    #[error("{address} is not given to whoever asks\nhint: {hint}")]
    NotGiven {
        /// What was asked for.
        address: String,
        /// What lets a person in.
        hint: &'static str,
    },
    /// A bucket has no such object, and nothing below such a prefix.
    #[error(
        "there is nothing at {address}\nhint: check the name of the bucket and what stands behind it"
    )]
    Nothing {
        /// What was asked for.
        address: String,
    },
    /// The answer is not what was asked for.
    #[error("{url} gives nothing that can be used: {reason}")]
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

impl HubError {
    /// Whether the hub was not asked, or did not answer, so that the cache is all that there is.
    pub fn is_out_of_reach(&self) -> bool {
        matches!(self, Self::Offline { .. } | Self::Unreachable { .. } | Self::Busy { .. })
    }
}
