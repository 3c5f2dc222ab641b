//! A file by its address: fetched once, and read from the cache from then on.
//!
//! ```text
//! downloads/<digest of the address>/<name>      the file, once it is whole
//! ```
//!
//! A file that is here is read without a request: who wants it anew deletes it. What was cut short is gone on
//! with, as long as the server says that it still has the same file.

use std::path::PathBuf;

use sha2::{Digest, Sha256};
use ureq::{Agent, Body, http::Response};

use crate::{
    HubConfig, HubError, Progress, Transfer,
    blob::{PartialBlob, hex},
    cache,
    line::{Head, agent, ranged, refusal, transfer, unreachable},
    patience::patiently,
};

/// Digits of a digest that tell addresses apart.
const DIGITS: usize = 16;

/// No server of files says what their digests are.
const NO_DIGEST: &str = "";

/// The longest name that is kept, in bytes.
const MAX_NAME: usize = 120;

/// Whether it is an address that files are fetched from.
pub fn is_address(location: &str) -> bool {
    location.starts_with("https://") || location.starts_with("http://")
}

/// Brings a file here, unless it is, and says where it is.
///
/// # Errors
/// [`HubError`], when the server cannot be reached or does not give it.
pub fn fetch_address(
    url: &str,
    config: &HubConfig,
    progress: &Progress,
) -> Result<PathBuf, HubError> {
    let name = name_of(url);
    let folder = config.downloads.join(digest(url));
    let file = folder.join(&name);
    if file.is_file() {
        return Ok(file);
    }
    if config.offline {
        return Err(HubError::OfflineAddress {
            url: url.to_owned(),
            folder: config.downloads.clone(),
        });
    }
    let agent = agent();
    let head = patiently(|| head(&agent, url))?;
    let lock = cache::lock(&folder.join("lock"))?;
    if !file.is_file() {
        // Named after what the server has, so that two halves of different files never meet.
        let blob = folder.join(digest(&format!("{} {}", head.n_bytes, head.version)));
        let mut partial = PartialBlob::open(&blob, head.n_bytes)?;
        let get = |range| get(&agent, url, range);
        let tell = |n_bytes, n_total| progress.tell(&Transfer { file: &name, n_bytes, n_total });
        transfer(url, &mut partial, &get, &tell)?;
        partial.finish(&file, NO_DIGEST, &name)?;
    }
    drop(lock);
    Ok(file)
}

fn head(agent: &Agent, url: &str) -> Result<Head, HubError> {
    let response = agent.head(url).call().map_err(|error| unreachable(url, error))?;
    if !response.status().is_success() {
        return Err(refusal(url, &response));
    }
    Head::read(url, &response)
}

fn get(agent: &Agent, url: &str, range: Option<String>) -> Result<Response<Body>, HubError> {
    let request = ranged(agent.get(url), range);
    let response = request.call().map_err(|error| unreachable(url, error))?;
    if response.status().is_success() { Ok(response) } else { Err(refusal(url, &response)) }
}

/// The name of the file, as its address ends.
fn name_of(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    let last = path.split_once('/').and_then(|(_, path)| path.rsplit('/').next());
    let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let plain = |c: char| if is_plain(c) { c } else { '_' };
    let name: String = last.unwrap_or_default().chars().map(plain).collect();
    let name = name.trim_start_matches('.');
    let start = name.len().saturating_sub(MAX_NAME);
    let start = (start..name.len()).find(|&start| name.is_char_boundary(start)).unwrap_or(0);
    let name = name.get(start..).unwrap_or_default();
    if name.is_empty() { "file".to_owned() } else { name.to_owned() }
}

fn digest(text: &str) -> String {
    hex(Sha256::digest(text)).take(DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_as_its_address_ends() {
        assert_eq!(name_of("https://host/a/train.parquet?download=1#x"), "train.parquet");
        assert_eq!(name_of("https://host/a%20b.csv"), "a_20b.csv");
        assert_eq!(name_of("https://host/.."), "file");
        assert_eq!(name_of("https://host"), "file");
        assert_eq!(name_of("https://host/a/"), "file");
        assert!(name_of(&format!("https://host/{}.csv", "é".repeat(200))).ends_with("é.csv"));
    }

    #[test]
    fn addresses_have_digests_of_their_own() {
        assert_eq!(digest("https://a/x").len(), DIGITS);
        assert_ne!(digest("https://a/x"), digest("https://a/y"));
    }
}
