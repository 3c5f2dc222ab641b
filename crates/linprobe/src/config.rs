//! How a source was opened, kept so that its records can be read again.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use linprobe_source::{FilePattern, Kind, SourceOptions};
use serde::{Deserialize, Serialize};

use crate::error::ProjectError;

/// The place of a dataset and how it is read, in the form in which the database keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SourceConfig {
    pub(crate) location: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    texts: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tensor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    files: Option<Vec<FileConfig>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    split: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    /// In milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every: Option<u64>,
}

/// Files of a folder that are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FileConfig {
    pattern: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    split: Option<String>,
}

impl SourceConfig {
    /// Notes how a source was opened. File options are made absolute, as the location is.
    pub(crate) fn new(location: &Path, options: &SourceOptions) -> Self {
        // A configuration and a revision have been resolved: the location is of these.
        let SourceOptions {
            kind,
            id,
            text,
            label,
            metadata,
            texts,
            ids,
            labels,
            tensor,
            files,
            split,
            origin,
            every,
            config: _,
            revision: _,
        } = options.clone();
        let file = |FilePattern { pattern, split }| FileConfig { pattern, split };
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        Self {
            location: location.into(),
            kind: kind.map(|kind| kind.to_string()),
            id,
            text,
            label,
            metadata,
            ids: ids.map(absolute),
            texts: texts.map(absolute),
            labels: labels.map(absolute),
            tensor,
            files: files.map(|files| files.into_iter().map(file).collect()),
            split,
            origin,
            every: every.and_then(|every| u64::try_from(every.as_millis()).ok()),
        }
    }

    /// What a person calls the dataset.
    pub(crate) fn name(&self) -> String {
        let place = || self.location.display().to_string();
        self.origin.clone().unwrap_or_else(place)
    }

    /// The options that the source was opened with.
    pub(crate) fn options(&self) -> SourceOptions {
        let config = self.clone();
        let file = |FileConfig { pattern, split }| FilePattern { pattern, split };
        SourceOptions {
            kind: config.kind.and_then(|kind| kind.parse::<Kind>().ok()),
            id: config.id,
            text: config.text,
            label: config.label,
            metadata: config.metadata,
            texts: config.texts,
            ids: config.ids,
            labels: config.labels,
            tensor: config.tensor,
            files: config.files.map(|files| files.into_iter().map(file).collect()),
            split: config.split,
            origin: config.origin,
            every: config.every.map(Duration::from_millis),
            config: None,
            revision: None,
        }
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("paths that came in as UTF-8 are JSON")
    }

    pub(crate) fn from_json(database: &Path, json: &str) -> Result<Self, ProjectError> {
        serde_json::from_str(json).map_err(|reason| ProjectError::Damaged {
            path: database.into(),
            reason: reason.to_string(),
        })
    }
}
