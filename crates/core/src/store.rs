//! A store keeps points and finds those that a classifier scores highest.

use std::{collections::BTreeSet, error::Error, io, path::PathBuf};

use async_trait::async_trait;

use crate::{Embedding, RecordId};

/// An embedding with the id of its record: one value, so that the two can never drift apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The record.
    pub id: RecordId,
    /// Its embedding.
    pub embedding: Embedding,
}

/// The ids that a search leaves out of its lists.
pub type Excluded = BTreeSet<RecordId>;

/// Asks for the points with the highest dot product with the weights.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The direction to search in; any length.
    pub weights: &'a [f32],
    /// How many hits at most.
    pub top_k: usize,
    /// Points that must not be among them.
    pub exclude: &'a Excluded,
}

/// A point that was found, and its score.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The record.
    pub id: RecordId,
    /// `weights . embedding` for a [`Query`], `weights . embedding + bias` for a [`Survey`].
    pub score: f32,
}

/// Asks what a linear classifier makes of the whole store, in one pass.
#[derive(Clone, Copy, Debug)]
pub struct Survey<'a> {
    /// The classifier's weights.
    pub weights: &'a [f32],
    /// The classifier's bias.
    pub bias: f32,
    /// How many of the highest scores to list.
    pub top_k: usize,
    /// How many of the scores nearest to zero, the decision boundary, to list.
    pub n_boundary: usize,
    /// Scores at or above this one are counted.
    pub threshold: f32,
    /// How many bins the histogram has.
    pub n_bins: usize,
    /// Points left out of both lists. They count in the histogram and above the threshold.
    pub exclude: &'a Excluded,
}

/// What a classifier makes of the whole store.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveyReport {
    /// The highest scores, best first; ties by id.
    pub top: Vec<Hit>,
    /// The scores nearest to zero, nearest first; ties by id.
    pub boundary: Vec<Hit>,
    /// All scores.
    pub histogram: Histogram,
    /// The number of points at or above the threshold.
    pub n_above: u64,
    /// The number of points.
    pub n_points: u64,
    /// True where histogram and count are not exact: of a sample, or of scores that were rounded.
    pub estimated: bool,
}

/// Counts of scores in bins of equal width from the lowest score to the highest, both included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// The lowest score.
    pub low: f32,
    /// The highest score.
    pub high: f32,
    /// Scores in each bin.
    pub counts: Vec<u64>,
}

/// What a store is and promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSpec {
    /// The kind of store: `memory`, `embedded`, ...
    pub kind: &'static str,
    /// The number of coordinates of its embeddings.
    pub dimension: usize,
    /// How it keeps a coordinate.
    pub precision: Precision,
    /// Whether it looks at every point in a search.
    pub exact: bool,
}

/// How a store keeps a coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// IEEE half precision: scores are within 1e-3 of those of the embeddings given.
    F16,
    /// IEEE single precision.
    F32,
}

/// Keeps points and finds the highest scores.
///
/// Every store promises what the conformance suite of `linprobe-store` checks: an upsert replaces,
/// and the same points given twice are kept once; lists are sorted by score, then by id; what a
/// search is told to leave out does not appear; after a flush all that was written is found, and
/// survives the end of the process.
#[async_trait]
pub trait VectorStore: Send + Sync {
    /// What this store is.
    fn spec(&self) -> &StoreSpec;

    /// Writes points, replacing those with the same id. All of them or, on error, none.
    ///
    /// # Errors
    /// [`StoreError::Dimension`], or a failure of the store.
    async fn upsert(&self, points: &[Point]) -> Result<(), StoreError>;

    /// Removes points. Unknown ids are no error. Returns how many there were.
    ///
    /// # Errors
    /// A failure of the store.
    async fn delete(&self, ids: &[RecordId]) -> Result<u64, StoreError>;

    /// Finds the highest scores, best first; ties by id.
    ///
    /// # Errors
    /// [`StoreError::Dimension`], or a failure of the store.
    async fn search(&self, query: Query<'_>) -> Result<Vec<Hit>, StoreError>;

    /// Scores every point in one pass.
    ///
    /// # Errors
    /// [`StoreError::Dimension`], or a failure of the store.
    async fn survey(&self, survey: Survey<'_>) -> Result<SurveyReport, StoreError>;

    /// Answers several surveys, each as if it were alone. A store that can look at each point once for
    /// all of them does.
    ///
    /// # Errors
    /// As [`Self::survey`].
    async fn survey_all(&self, surveys: &[Survey<'_>]) -> Result<Vec<SurveyReport>, StoreError> {
        let mut reports = Vec::with_capacity(surveys.len());
        for survey in surveys {
            reports.push(self.survey(*survey).await?);
        }
        Ok(reports)
    }

    /// Reads points; those that are not there are left out. In the order of the ids given.
    ///
    /// # Errors
    /// A failure of the store.
    async fn fetch(&self, ids: &[RecordId]) -> Result<Vec<Point>, StoreError>;

    /// Those of some points that searches and surveys look at: all, but for a store that stands for a part of what it
    /// holds. One that is not there may be among them.
    ///
    /// # Errors
    /// A failure of the store.
    async fn in_scope(&self, ids: &[RecordId]) -> Result<BTreeSet<RecordId>, StoreError> {
        Ok(ids.iter().cloned().collect())
    }

    /// Reads at most `limit` points that come after one, in an order that the store keeps.
    ///
    /// # Errors
    /// [`StoreError::UnknownPoint`] when `after` is not there, or a failure of the store.
    async fn scan(&self, after: Option<&RecordId>, limit: usize) -> Result<Vec<Point>, StoreError>;

    /// Draws points without replacement, the same ones for the same seed and contents. An engine that is left to draw from
    /// very many may draw others each time.
    ///
    /// # Errors
    /// A failure of the store.
    async fn sample(&self, n_points: usize, seed: u64) -> Result<Vec<Point>, StoreError>;

    /// Counts the points.
    ///
    /// # Errors
    /// A failure of the store.
    async fn count(&self) -> Result<u64, StoreError>;

    /// Names the present state of the points: while it stays the same, so do they, as far as the store can
    /// tell. One that cannot tell a replaced point from what it was goes by their number.
    ///
    /// # Errors
    /// A failure of the store.
    async fn version(&self) -> Result<u64, StoreError> {
        self.count().await
    }

    /// Makes all that was written visible and durable.
    ///
    /// # Errors
    /// A failure of the store.
    async fn flush(&self) -> Result<(), StoreError>;
}

/// Why a store cannot do what it was asked, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Ask with vectors of the right length.
    #[error("the vector has {found} dimensions, the store holds {expected}")]
    Dimension {
        /// The store's dimension.
        expected: usize,
        /// The vector's.
        found: usize,
    },
    /// Ask for a point that is there.
    #[error("no point {id:?} in the store", id = id.as_str())]
    UnknownPoint {
        /// The id asked for.
        id: RecordId,
    },
    /// Wait for the other process, or stop it.
    #[error(
        "{path} is being written by another process\nhint: wait until it has ended, or stop it",
        path = path.display()
    )]
    Locked {
        /// The store's folder.
        path: PathBuf,
    },
    /// Free some space, mend the permissions.
    #[error("cannot read or write {path}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Restore it, or index again.
    #[error("{path} is damaged: {reason}", path = path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The promise of the format that it breaks.
        reason: String,
    },
    /// Try again later, or mend the address or the network.
    #[error(
        "cannot reach {store}\n\
         hint: see whether the server runs and the address is right; what was written before stays"
    )]
    Unreachable {
        /// The store's address, without a password.
        store: String,
        /// What its client said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Give an address that there is.
    #[error("{address} is no address of a store: {reason}\nhint: {hint}")]
    Address {
        /// The address, without a password.
        address: String,
        /// What is wrong with it.
        reason: String,
        /// What would be right.
        hint: String,
    },
    /// Ask who keeps the store for what is missing: a password, a permission.
    #[error("{store} refuses: {reason}\nhint: {hint}")]
    Refused {
        /// The store's address, without a password.
        store: String,
        /// What it said.
        reason: String,
        /// What lets it agree.
        hint: String,
    },
    /// Name another table, or change it.
    #[error("{store} cannot be used: {reason}\nhint: {hint}")]
    Unfit {
        /// The store's address, without a password.
        store: String,
        /// What is missing or other than it should be.
        reason: String,
        /// What would do.
        hint: String,
    },
    /// Open it for writing, if it is meant to be written.
    #[error(
        "{store} is open for reading only\nhint: say so where it is to be written: \"linprobe index --write\""
    )]
    ReadOnly {
        /// The store's address, without a password.
        store: String,
    },
    /// See what its server said.
    #[error("{store} failed")]
    Failed {
        /// The store's address, without a password.
        store: String,
        /// What it said.
        source: Box<dyn Error + Send + Sync>,
    },
}
