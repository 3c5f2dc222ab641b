//! How a source was opened, kept so that its records can be read again.

use std::path::{Path, PathBuf};

use linprobe_source::{Kind, SourceOptions};
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
}

impl SourceConfig {
    /// Notes how a source was opened. File options are made absolute, as the location is.
    pub(crate) fn new(location: &Path, options: &SourceOptions) -> Self {
        let SourceOptions { kind, id, text, label, metadata, texts, ids, labels, tensor } =
            options.clone();
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
        }
    }

    /// The options that the source was opened with.
    pub(crate) fn options(&self) -> SourceOptions {
        let Self { location: _, kind, id, text, label, metadata, ids, texts, labels, tensor } =
            self.clone();
        let kind = kind.and_then(|kind| kind.parse::<Kind>().ok());
        SourceOptions { kind, id, text, label, metadata, texts, ids, labels, tensor }
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
