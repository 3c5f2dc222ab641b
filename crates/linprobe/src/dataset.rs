//! A dataset by whatever a person calls it: a path, a name on the hub, or an address.

use std::path::{Path, PathBuf};

use linprobe_embed::OpenOptions;
use linprobe_hub::{
    HubConfig, HubError, Progress, fetch_address, fetch_bucket, is_address, is_bucket,
};
use linprobe_source::{FetchError, Fetched, HubDataset, SourceOptions};

use crate::error::ProjectError;

/// Brings what an address stands for.
type Fetch = fn(&str, &HubConfig, &Progress) -> Result<PathBuf, HubError>;

/// Brings a dataset here that is elsewhere, and says where it is and how it is read. One on the disk stays where it is.
///
/// # Errors
/// The hub does not give it, or nothing in it can be read.
pub(crate) fn at_hand(
    location: &Path,
    options: &SourceOptions,
    models: &OpenOptions,
) -> Result<Fetched, ProjectError> {
    let fetch = match location.to_str() {
        Some(text) if is_address(text) => Some((text, fetch_address as Fetch)),
        Some(text) if is_bucket(text) => Some((text, fetch_bucket as Fetch)),
        _ => None,
    };
    if let Some((url, fetch)) = fetch {
        let fetched = fetch(url, &models.hub, &models.progress).map_err(FetchError::from)?;
        let options = SourceOptions { origin: Some(url.to_owned()), ..options.clone() };
        return Ok(Fetched { location: fetched, options, notes: Vec::new() });
    }
    if let Some(dataset) = HubDataset::named(location, options) {
        return Ok(dataset.fetch(options, &models.hub, &models.progress)?);
    }
    let location: PathBuf = std::path::absolute(location)
        .map_err(|source| ProjectError::Io { path: location.into(), source })?;
    Ok(Fetched { location, options: options.clone(), notes: Vec::new() })
}
