//! Projects.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{RecordKind, SessionSummary};
use crate::problem::Problem;

/// What the server is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Its version.
    pub(crate) version: String,
}

/// The projects that are served.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the contract names them so")]
pub(crate) struct Projects {
    pub(crate) projects: Vec<ProjectSummary>,
    /// Whether new ones can be made.
    pub(crate) can_create: bool,
    /// Folders that datasets may be indexed from.
    pub(crate) data_roots: Vec<String>,
}

/// A project to make.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewProject {
    pub(crate) name: String,
}

/// A project.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectSummary {
    /// Its name in addresses.
    pub(crate) slug: String,
    /// Its name for people.
    pub(crate) name: String,
    pub(crate) status: Status,
    /// Why it is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<Problem>,
    pub(crate) n_records: u64,
    pub(crate) n_skipped: u64,
    /// The kind that most records are of.
    pub(crate) kind: Option<RecordKind>,
    pub(crate) model: Option<Model>,
    pub(crate) sessions: Vec<SessionSummary>,
    /// Classes of the dataset's label column, most frequent first, 50 at most.
    pub(crate) labels: Vec<DatasetLabel>,
}

/// How a project is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Status {
    /// It has records.
    Ready,
    /// It has none yet.
    Empty,
    /// It cannot be opened.
    Broken,
}

/// The model of a project.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) dimension: usize,
    pub(crate) takes_text: bool,
    pub(crate) takes_images: bool,
}

/// A class of the dataset.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DatasetLabel {
    pub(crate) name: String,
    pub(crate) n_records: u64,
}

/// Records that could not be read or embedded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Skipped {
    pub(crate) skipped: Vec<SkippedRecord>,
}

/// A record that could not be read or embedded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SkippedRecord {
    /// Its id, or else the file and row where it stands.
    pub(crate) id: String,
    pub(crate) reason: String,
}

impl From<linprobe::SkippedRecord> for SkippedRecord {
    fn from(skipped: linprobe::SkippedRecord) -> Self {
        let place = || match skipped.row {
            Some(row) => format!("{}, row {row}", skipped.file.display()),
            None => skipped.file.display().to_string(),
        };
        let id = skipped.id.as_ref().map_or_else(place, ToString::to_string);
        Self { id, reason: skipped.reason }
    }
}

impl From<linprobe::ModelSpec> for Model {
    fn from(model: linprobe::ModelSpec) -> Self {
        let linprobe::ModelSpec { id, dimension, modalities, .. } = model;
        let (takes_text, takes_images) = (modalities.text, modalities.image);
        Self { name: id, dimension, takes_text, takes_images }
    }
}

/// The token that the server printed.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Login {
    pub(crate) token: String,
}
