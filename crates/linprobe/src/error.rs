//! Why a project cannot do what it was asked, by what the caller can do about it.

use std::{convert::Infallible, io, path::PathBuf};

use linprobe_classifier::{
    BadBackground, BadHead, ExportError, FitError, ImportError, NoStart, OutOfReach,
};
use linprobe_core::{BadContent, BadId, EmbedError, RecordId, SourceError, StoreError};
use linprobe_embed::{OpenError, StreamError};
use linprobe_session::{JournalError, SessionError, simulate::ExperimentError};
use linprobe_source::FetchError;
use rusqlite::ErrorCode;

use crate::filter::BadFilter;

/// An error of a [`Project`](crate::Project).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// Give the folder of a project, or make one.
    #[error(
        "{path} is not a linprobe project\n\
         hint: make one with \"linprobe init\", or name its folder with --project",
        path = path.display()
    )]
    NotAProject {
        /// The folder.
        path: PathBuf,
    },
    /// Give another name.
    #[error("there is a {kind} {name:?} already\nhint: give another name")]
    NameTaken {
        /// `session` or `classifier`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// Give a name of one line.
    #[error(
        "{name:?} is no name\n\
         hint: at most 100 characters, without line breaks, and no blanks at the ends"
    )]
    BadName {
        /// What was given.
        name: String,
    },
    /// Give another folder.
    #[error("{path} is a linprobe project already", path = path.display())]
    AlreadyAProject {
        /// The folder.
        path: PathBuf,
    },
    /// Use a later version of linprobe.
    #[error(
        "{path} has format version {found}, which this linprobe does not know\n\
         hint: use the version of linprobe that made it, or a later one",
        path = path.display()
    )]
    FormatVersion {
        /// The database.
        path: PathBuf,
        /// The version that it says it has.
        found: i64,
    },
    /// Index something.
    #[error("the project has no records yet\nhint: run \"linprobe index DATASET\" first")]
    Empty,
    /// Name a model.
    #[error(
        "pictures need a model, and none is built in\n\
         hint: give --model with a folder or hub name of a CLIP model, such as \
         \"laion/CLIP-ViT-B-32-laion2B-s34B-b79K\", or index vectors that you have made elsewhere"
    )]
    NoModel,
    /// Use the model that the project has, or another project.
    #[error(
        "the project is embedded with {project}, not with {given}\n\
         hint: leave out --model, or make another project for the other model"
    )]
    OtherModel {
        /// The project's model.
        project: String,
        /// The one asked for.
        given: String,
    },
    /// Use a classifier of this model.
    #[error(
        "the classifier {name} was made with {classifier}, the records are embedded with {project}\n\
         hint: weights mean nothing in the space of another model; label again, or predict with \
         the model that the classifier names"
    )]
    ForeignClassifier {
        /// Its name.
        name: String,
        /// The classifier's model.
        classifier: String,
        /// The project's.
        project: String,
    },
    /// Index the dataset with a model of your choice, and label again.
    #[error(
        "the classifier file does not say which model it was made with\n\
         hint: give vectors of that model, or score the records of a project that has it"
    )]
    NoCard,
    /// Make a project with this server first.
    #[error(
        "the classifier's card names the server {address}, which was not chosen here\n\
         hint: where you trust it, make a project with it by \"linprobe init --model {address}\", and predict from there"
    )]
    StrangeServer {
        /// Its address.
        address: String,
    },
    /// Give a classifier that distinguishes something.
    #[error("the weights of the classifier {name} are zero")]
    ZeroClassifier {
        /// Its name.
        name: String,
    },
    /// Give a row that there is.
    #[error("{path} has no vector in row {row_idx}, counted from 0", path = path.display())]
    NoSuchRow {
        /// The file.
        path: PathBuf,
        /// The row asked for.
        row_idx: usize,
    },
    /// Start from something that the model takes.
    #[error("{model} takes no {kind}\nhint: {hint}")]
    Modality {
        /// The model.
        model: String,
        /// What it was given.
        kind: String,
        /// What would do.
        hint: &'static str,
    },
    /// Say it in other words, give another file.
    #[error("{what} has no embedding: {reason}")]
    NoEmbedding {
        /// The phrase, file or record.
        what: String,
        /// Why not.
        reason: BadContent,
    },
    /// Mend the filter.
    #[error(transparent)]
    Filter(#[from] BadFilter),
    /// Filter where the records are.
    #[error(
        "a filter cannot be asked of the records of {store}\n\
         hint: let the database filter: make a view of the table there, or a collection of such points, and name it in the address of another project"
    )]
    FilterElsewhere {
        /// The store's address.
        store: String,
    },
    /// Look for them in a copy.
    #[error(
        "near-duplicates are found in a store of the project's own, not in {store}\n\
         hint: \"linprobe copy\" brings its points to a project that has one"
    )]
    DuplicatesElsewhere {
        /// The store's address.
        store: String,
    },
    /// Write where the project's points are, or make another project.
    #[error(
        "the points of the project are in {project}, not in {given}\n\
         hint: leave out --store, or make another project for the other store"
    )]
    OtherStore {
        /// Where they are.
        project: String,
        /// Where they were to be written.
        given: String,
    },
    /// Write predictions to a file.
    #[error(
        "the vectors of the project are in its own folder, which has no columns for scores\n\
         hint: write them to a file: --output"
    )]
    NoStoreElsewhere,
    /// Copy to somewhere else.
    #[error(
        "{path} is a project, which knows the records of its vectors\n\
         hint: copy to the address of a store, or to a folder of its own; \"linprobe index\" fills a project",
        path = path.display()
    )]
    NotWritten {
        /// The folder.
        path: PathBuf,
    },
    /// Let more through.
    #[error(
        "the filter lets no record through: {filter}\nhint: \"linprobe inspect\" counts records and classes"
    )]
    NothingLetThrough {
        /// The filter.
        filter: String,
    },
    /// Name something to start from.
    #[error("nothing to start from\nhint: give a phrase, an example, a vector or a classifier")]
    NoStart,
    /// Leave out the words and the vector, or the classifier.
    #[error(
        "a classifier is a start by itself, or with examples; not with words or a vector\n\
         hint: start from the classifier, and label what you see, or leave it out"
    )]
    ClassifierBeside,
    /// Name a record that there is.
    #[error("no record {id:?} in the project", id = id.as_str())]
    UnknownRecord {
        /// The id asked for.
        id: RecordId,
    },
    /// Name a record or a file that there is.
    #[error("there is no record {name:?} in the project, and no such file")]
    UnknownExemplar {
        /// What was named.
        name: String,
    },
    /// Run it again: it goes on where it was.
    #[error("the run was cancelled\nhint: run it again to go on")]
    Cancelled,
    /// Delete the file, or write elsewhere.
    #[error(
        "{path} should hold the scores of an earlier run, and holds {holds}\n\
         hint: delete it to begin anew, or give another --output",
        path = path.display()
    )]
    OtherScores {
        /// The file.
        path: PathBuf,
        /// What it holds.
        holds: String,
    },
    /// Leave out one of the classifiers.
    #[error(
        "two columns would be called {name:?}\n\
         hint: give each classifier once, under a name of its own: \"linprobe classifier import FILE --name NAME\""
    )]
    SameColumn {
        /// The name.
        name: String,
    },
    /// Give a file of labels, and its form.
    #[error(
        "cannot read labels from {path}: {reason}\n\
         hint: name the form with --format: csv, jsonl, parquet, prodigy, label-studio or fiftyone",
        path = path.display()
    )]
    BadLabels {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Give the log of a session over the same records.
    #[error("cannot take up the log {path}: {reason}", path = path.display())]
    BadLog {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what helps.
        reason: String,
    },
    /// Wait for the other run.
    #[error(
        "another run is writing {path}\nhint: wait for it, or give another --output",
        path = path.display()
    )]
    ScoresInUse {
        /// The file.
        path: PathBuf,
    },
    /// Ask for another record.
    #[error("the record {id:?} cannot be shown as a picture: {reason}", id = id.as_str())]
    NoPicture {
        /// The record.
        id: RecordId,
        /// Why not.
        reason: String,
    },
    /// Name a session or classifier that there is.
    #[error("no {kind} {name:?} in the project\nhint: there is {there}")]
    Unknown {
        /// What was looked for.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Those that there are.
        there: String,
    },
    /// Name a classifier or a file that there is.
    #[error("no classifier {name:?} in the project, and no such file\nhint: there is {there}")]
    UnknownClassifier {
        /// Its name.
        name: String,
        /// Those of the project.
        there: String,
    },
    /// Simulate a class of more records, or with another seed.
    #[error(
        "too few records of {classes}: no split leaves some to find and some held out\n\
         hint: one record in five is held out by chance; find a larger class, or give another --seed"
    )]
    NothingToFind {
        /// The classes that were to be found.
        classes: String,
    },
    /// Name the file so that its form is told.
    #[error(
        "the form of {path} is not told by its name\nhint: name it .csv or .parquet",
        path = path.display()
    )]
    CurvesForm {
        /// The file.
        path: PathBuf,
    },
    /// A simulation failed.
    #[error(transparent)]
    Simulate(#[from] ExperimentError),
    /// Give a name that a record may have.
    #[error("{name:?} is no id: {reason}")]
    BadId {
        /// The name.
        name: String,
        /// Why not.
        reason: BadId,
    },
    /// The dataset cannot be brought here.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The dataset cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The model cannot be opened.
    #[error(transparent)]
    OpenModel(#[from] OpenError),
    /// The model failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The session failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The journal of the sessions failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The classifier cannot be fitted.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// No threshold gives what is asked for.
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
    /// The phrases or examples give no direction.
    #[error(transparent)]
    Start(#[from] NoStart),
    /// Give a classifier file.
    #[error("cannot read the classifier {name}")]
    Import {
        /// The file, or the classifier's name.
        name: String,
        /// What is wrong with it.
        source: ImportError,
    },
    /// Name other classes, or classifiers of one model.
    #[error(transparent)]
    Head(#[from] BadHead),
    /// A classifier cannot be written down; not known to happen.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// Mean and covariance cannot be written down; not known to happen.
    #[error(transparent)]
    Background(#[from] BadBackground),
    /// The project's database failed.
    #[error("the database {path} failed{}", remedy(source), path = path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The project's database holds something that linprobe did not write.
    #[error("the database {path} is damaged: {reason}", path = path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// Mend permissions, free some space.
    #[error("cannot read or write {path}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system gives no thread.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

impl ProjectError {
    /// Whether a file has many classes, and none was chosen.
    pub fn is_many_classes(&self) -> bool {
        matches!(self, Self::Import { source: ImportError::ManyClasses { .. }, .. })
    }

    /// Nothing of a kind has this name; names those that there are.
    pub(crate) fn unknown(
        kind: &'static str,
        name: &str,
        there: impl IntoIterator<Item = String>,
    ) -> Self {
        let there = there.into_iter().collect::<Vec<_>>().join(", ");
        let there = if there.is_empty() { "none yet".to_owned() } else { there };
        Self::Unknown { kind, name: name.to_owned(), there }
    }
}

/// What helps when a database fails, where anything is known to.
fn remedy(failure: &rusqlite::Error) -> &'static str {
    match failure.sqlite_error_code() {
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "\nhint: the folder of the project cannot be written, so it can only be read, and that only \
             after the last process that wrote to it has closed it; mend its permissions"
        }
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => {
            "\nhint: nothing that was written before is lost; see whether the disk is full"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "\nhint: another process writes to it; wait until it has ended"
        }
        _ => "",
    }
}

/// Why a stream of embeddings ended early, as an error of the project.
pub(crate) fn from_stream<E: Into<ProjectError>>(error: StreamError<E>) -> ProjectError {
    match error {
        StreamError::Embed(error) => error.into(),
        StreamError::Sink(error) => error.into(),
        StreamError::Thread(error) => ProjectError::Thread(error),
    }
}

impl From<Infallible> for ProjectError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
