//! Index jobs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;

/// A dataset to index.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct NewJob {
    /// A folder or file below one of the server's data roots.
    pub(crate) source: String,
    /// The model to embed with; the project's, or one for the kind of dataset, when not given.
    pub(crate) model: Option<String>,
    /// Columns of a table; found by their names when not given.
    pub(crate) text_column: Option<String>,
    pub(crate) id_column: Option<String>,
    pub(crate) label_column: Option<String>,
    /// Removes the records that the dataset no longer has, once all of it is read; those that a session
    /// has shown stay.
    pub(crate) prune: Option<bool>,
}

/// All jobs since the server started.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobList {
    pub(crate) jobs: Vec<Job>,
}

/// An index job.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) state: JobState,
    /// Records dealt with, one way or another.
    pub(crate) n_done: u64,
    pub(crate) n_embedded: u64,
    pub(crate) n_skipped: u64,
    /// Records that were removed since the dataset has them no longer.
    pub(crate) n_pruned: u64,
    /// Where that is known.
    pub(crate) n_total: Option<u64>,
    pub(crate) records_per_second: f64,
    /// What a person should know of the dataset that concerns no skipped record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) notes: Vec<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<Problem>,
}

/// How a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum JobState {
    Running,
    Done,
    Failed,
    /// What was indexed until then stays.
    Cancelled,
}
