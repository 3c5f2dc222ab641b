//! Objects in the buckets of S3, of what speaks like it, and of Google Cloud Storage: one, or all below a prefix.
//!
//! ```text
//! downloads/<digest of the address>/blobs/<digest of key and version>    an object, once it is whole
//! downloads/<digest of the address>/<digest of the listing>/<key>        a link to it
//! downloads/<digest of the address>/latest                               the listing that was whole last
//! ```
//!
//! A listing is asked for each time, so objects that were added or replaced are seen; those that are here are not fetched
//! again. Offline the last listing counts. The crate `rusty-s3` signs requests; the line is that of every other file.

mod account;
mod client;

use std::{fs, path::PathBuf};

use sha2::{Digest, Sha256};

pub use self::account::{AccessKey, Account};
use self::client::{Client, Object};
use crate::{
    HubConfig, HubError, Progress, Transfer,
    blob::{PartialBlob, hex},
    cache::{self, create_parent},
    line::transfer,
    together,
};

/// Digits of a digest that tell things apart.
const DIGITS: usize = 32;

/// No service says what the SHA-256 of an object is.
const NO_DIGEST: &str = "";

/// What opens buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketConfig {
    /// Those of `s3://`.
    pub s3: Account,
    /// Those of `gs://`.
    pub gcs: Account,
}

impl BucketConfig {
    /// As environment variables say, looked up by name: those of the command lines of AWS and of Google, and the
    /// files that the former keeps.
    pub(crate) fn from_variables(lookup: &dyn Fn(&str) -> Option<String>) -> Self {
        Self { s3: Account::s3(lookup), gcs: Account::gcs(lookup) }
    }
}

/// Whether it is the address of an object or of a prefix: `s3://bucket/key`, `gs://bucket/key`.
pub fn is_bucket(location: &str) -> bool {
    location.starts_with("s3://") || location.starts_with("gs://")
}

/// Brings an object here, or all that stand below a prefix, unless they are, and says where the file or the folder is.
///
/// # Errors
/// [`HubError`], when the service cannot be reached, does not give it, or has nothing there.
pub fn fetch_bucket(
    address: &str,
    config: &HubConfig,
    progress: &Progress,
) -> Result<PathBuf, HubError> {
    let place = Place { root: config.downloads.join(digest(&[address])) };
    if config.offline {
        let not_here = || HubError::OfflineAddress {
            url: address.to_owned(),
            folder: config.downloads.clone(),
        };
        return place.latest().ok_or_else(not_here);
    }
    let client = Client::open(address, &config.buckets)?;
    let found = client.find()?;
    let lock = cache::lock(&place.root.join("lock"))?;
    let snapshot = digest(&found.objects.iter().map(Object::identity).collect::<Vec<_>>());
    let bring = |object: &Object| place.bring(&client, object, (&snapshot, progress));
    together::each(&found.objects, bring)?;
    let entry = match (found.is_one, found.objects.as_slice()) {
        (true, [object]) => format!("{snapshot}/{}", object.path),
        _ => snapshot,
    };
    cache::write(&place.root.join(LATEST), entry.as_bytes())?;
    drop(lock);
    Ok(place.root.join(entry))
}

/// Names what was whole last.
const LATEST: &str = "latest";

/// Where the objects of an address are kept.
struct Place {
    root: PathBuf,
}

impl Place {
    fn latest(&self) -> Option<PathBuf> {
        let entry = fs::read_to_string(self.root.join(LATEST)).ok()?;
        Some(self.root.join(entry)).filter(|path| path.exists())
    }

    /// Brings an object, unless it is here, and lets it appear in a snapshot.
    fn bring(
        &self,
        client: &Client,
        object: &Object,
        (snapshot, progress): (&str, &Progress),
    ) -> Result<(), HubError> {
        let name = digest(&[&object.identity()]);
        let (blob, path) =
            (self.root.join("blobs").join(&name), self.root.join(snapshot).join(&object.path));
        if !blob.is_file() {
            let mut partial = PartialBlob::open(&blob, object.n_bytes)?;
            let shown = client.shown(&object.key);
            let get = |range| client.get(&object.key, range);
            let file = object.path.as_str();
            let tell = |n_bytes, n_total| progress.tell(&Transfer { file, n_bytes, n_total });
            transfer(&shown, &mut partial, &get, &tell)?;
            partial.finish(&blob, NO_DIGEST, file)?;
        }
        if path.is_file() {
            return Ok(());
        }
        create_parent(&path)?;
        let up = "../".repeat(1 + object.path.matches('/').count());
        let linked = cache::link(&format!("{up}blobs/{name}"), &blob, &path);
        linked.map_err(|source| HubError::Io { path, source })
    }
}

/// One name for several texts.
fn digest(texts: &[impl AsRef<str>]) -> String {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update((text.as_ref().len() as u64).to_le_bytes());
        digest.update(text.as_ref());
    }
    hex(digest.finalize()).take(DIGITS).collect()
}
