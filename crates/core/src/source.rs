//! A source is a dataset at rest, read from its beginning as often as needed.

use std::{error::Error, fmt, io, path::PathBuf};

use crate::{BadId, Record, RecordId};

/// The records of a source in their order, each read or refused by itself.
pub type Records<'a> = Box<dyn Iterator<Item = Result<Record, SourceError>> + Send + 'a>;

/// Where records come from.
///
/// A source promises the same ids in the same order for the same files, whatever can be read of
/// them: a record that cannot be read takes its number with it.
pub trait Source: Send + Sync {
    /// Tells this dataset, as it is opened, from every other: its kind, place and columns.
    fn fingerprint(&self) -> &str;

    /// Yields every record in order. An error of kind [`SourceError::Record`] concerns one record
    /// and iteration goes on; after any other the iterator ends.
    fn records(&self) -> Records<'_>;

    /// Yields, in the same order, the records whose ids are wanted, and what is wrong with those that have none. What
    /// others consist of is read only where the form of the dataset asks for it.
    fn records_among<'a>(
        &'a self,
        is_wanted: &'a (dyn Fn(&RecordId) -> bool + Sync),
    ) -> Records<'a> {
        Box::new(self.records().filter(move |record| match record {
            Ok(record) => is_wanted(&record.id),
            Err(SourceError::Record(bad)) => bad.id.as_ref().is_none_or(is_wanted),
            Err(_) => true,
        }))
    }

    /// About how many records there are, where that can be told sooner than by reading them: to show
    /// how far a run has come, and for nothing else.
    fn n_records_hint(&self) -> Option<u64> {
        None
    }

    /// What a person should know of the dataset that concerns no record which is refused: a file that was passed
    /// over, say.
    fn notes(&self) -> &[String] {
        &[]
    }

    /// Reads one record again. Looks through all of them unless the source knows better.
    ///
    /// # Errors
    /// [`SourceError::NotFound`] when there is no such record, or why it cannot be read.
    fn record(&self, id: &RecordId) -> Result<Record, SourceError> {
        self.records()
            .find(|record| match record {
                Ok(record) => record.id == *id,
                Err(SourceError::Record(bad)) => bad.id.as_ref() == Some(id),
                Err(_) => true,
            })
            .unwrap_or_else(|| Err(SourceError::NotFound { id: id.clone() }))
    }
}

/// A record that cannot be read: named, counted and skipped.
#[derive(Debug)]
pub struct BadRecord {
    /// The file it stands in.
    pub file: PathBuf,
    /// Its place there from 1, as an editor or a spreadsheet counts lines; none for a whole file.
    pub row: Option<u64>,
    /// Its id, where that much could be read.
    pub id: Option<RecordId>,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl Error for BadRecord {}

/// Why a source cannot give what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// One record is bad; the others are not concerned.
    #[error(transparent)]
    Record(#[from] BadRecord),
    /// There is no record of this name.
    #[error("no record {id:?} in this dataset", id = id.as_str())]
    NotFound {
        /// The name asked for.
        id: RecordId,
    },
    /// A file or folder cannot be read at all.
    #[error("cannot read {path}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The dataset is in a form that this source cannot take, or lacks a column that was asked for.
    #[error("{path}: {reason}\nhint: {hint}", path = path.display())]
    Unsupported {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What would help.
        hint: String,
    },
}

impl BadRecord {
    /// A record whose id column holds no id.
    pub fn bad_id(file: impl Into<PathBuf>, row: u64, reason: &BadId) -> Self {
        Self { file: file.into(), row: Some(row), id: None, reason: reason.to_string() }
    }
}
