//! Errors sorted by what would have to be otherwise, for doors that answer with a number.

use linprobe_core::{SourceError, StoreError};
use linprobe_session::{JournalError, SessionError};
use linprobe_source::FetchError;

use crate::error::ProjectError;

/// What an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// There is no such record.
    Record,
    /// There is no such session.
    Session,
    /// There is no such classifier.
    Classifier,
    /// The name is taken.
    Name,
    /// What was given to start from.
    Start,
    /// The threshold that was asked for.
    Threshold,
    /// A file or dataset that was given.
    File,
    /// A record that cannot be shown as a picture.
    Picture,
    /// The model is missing, or another one.
    Model,
    /// The project has no records yet.
    Empty,
    /// The project, or its store, is none or damaged.
    Broken,
    /// The audit, or that there is none.
    Audit,
    /// Somebody has ended it.
    Cancelled,
    /// Somebody else writes.
    OtherWriter,
    /// The disk, the network or the system.
    Surroundings,
}

impl ProjectError {
    /// What the error is about.
    pub fn blame(&self) -> Blame {
        match self {
            Self::UnknownRecord { .. } | Self::UnknownExemplar { .. } | Self::BadId { .. } => {
                Blame::Record
            }
            Self::Unknown { kind, .. } if *kind == "session" => Blame::Session,
            Self::Unknown { .. } | Self::UnknownClassifier { .. } => Blame::Classifier,
            Self::AlreadyAProject { .. } | Self::NameTaken { .. } => Blame::Name,
            Self::NoStart
            | Self::BadName { .. }
            | Self::ClassifierBeside
            | Self::Filter(_)
            | Self::FilterElsewhere { .. }
            | Self::DuplicatesElsewhere { .. }
            | Self::NothingLetThrough { .. }
            | Self::Start(_)
            | Self::ZeroClassifier { .. }
            | Self::ForeignClassifier { .. }
            | Self::NoCard
            | Self::StrangeServer { .. }
            | Self::NoSuchRow { .. }
            | Self::Modality { .. }
            | Self::NoEmbedding { .. }
            | Self::Fit(_) => Blame::Start,
            Self::OutOfReach(_) => Blame::Threshold,
            Self::Import { .. }
            | Self::BadLog { .. }
            | Self::CurvesForm { .. }
            | Self::NothingToFind { .. } => Blame::File,
            Self::NoPicture { .. } => Blame::Picture,
            Self::NoModel | Self::OtherModel { .. } | Self::OpenModel(_) => Blame::Model,
            Self::Cancelled => Blame::Cancelled,
            Self::Empty => Blame::Empty,
            Self::NotAProject { .. } | Self::FormatVersion { .. } | Self::Damaged { .. } => {
                Blame::Broken
            }
            Self::Source(error) | Self::Fetch(FetchError::Source(error)) => of_source(error),
            Self::Store(error) => of_store(error),
            Self::Session(error) => of_session(error),
            Self::Journal(error) => of_journal(error),
            _ => Blame::Surroundings,
        }
    }
}

fn of_source(error: &SourceError) -> Blame {
    if matches!(error, SourceError::NotFound { .. }) { Blame::Record } else { Blame::File }
}

fn of_store(error: &StoreError) -> Blame {
    match error {
        StoreError::UnknownPoint { .. } => Blame::Record,
        StoreError::Dimension { .. } => Blame::Start,
        StoreError::Locked { .. } => Blame::OtherWriter,
        StoreError::Corrupt { .. }
        | StoreError::Address { .. }
        | StoreError::Refused { .. }
        | StoreError::Unfit { .. }
        | StoreError::ReadOnly { .. } => Blame::Broken,
        StoreError::Io { .. } | StoreError::Unreachable { .. } | StoreError::Failed { .. } => {
            Blame::Surroundings
        }
    }
}

fn of_session(error: &SessionError) -> Blame {
    match error {
        SessionError::UnknownRecord { .. } => Blame::Record,
        SessionError::NotInAudit { .. } => Blame::Audit,
        SessionError::OutOfReach(_) => Blame::Threshold,
        SessionError::Fit(_) => Blame::Start,
        SessionError::Store(error) => of_store(error),
        SessionError::Journal(error) => of_journal(error),
        SessionError::History(_) => Blame::OtherWriter,
    }
}

fn of_journal(error: &JournalError) -> Blame {
    match error {
        JournalError::NameTaken { .. } => Blame::Name,
        JournalError::Conflict => Blame::OtherWriter,
        JournalError::Database { .. } => Blame::Surroundings,
        JournalError::Corrupt { .. } | JournalError::NewerSchema { .. } => Blame::Broken,
    }
}
