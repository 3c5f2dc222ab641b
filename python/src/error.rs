//! Errors of the library become exceptions of `linprobe.errors`, sorted by what the caller can do, with their causes.

use std::{error::Error, fmt::Display, io};

use linprobe::{ProjectError, SessionError};
use pyo3::{exceptions::PyOSError, prelude::*};

pyo3::import_exception!(linprobe.errors, ClassifierError);
pyo3::import_exception!(linprobe.errors, DatasetError);
pyo3::import_exception!(linprobe.errors, EmptyProjectError);
pyo3::import_exception!(linprobe.errors, InputError);
pyo3::import_exception!(linprobe.errors, LinprobeError);
pyo3::import_exception!(linprobe.errors, ModelError);
pyo3::import_exception!(linprobe.errors, NotAProjectError);
pyo3::import_exception!(linprobe.errors, StorageError);
pyo3::import_exception!(linprobe.errors, UnknownNameError);

/// Gives what a result of the library holds, or raises its error.
pub(crate) trait OrRaise<T> {
    fn or_raise(self) -> PyResult<T>;
}

impl<T, E: Into<ProjectError>> OrRaise<T> for Result<T, E> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(|error| raised(&error.into()))
    }
}

/// Gives what was parsed, or raises that it cannot be used.
pub(crate) fn or_input<T, E: Display>(parsed: Result<T, E>) -> PyResult<T> {
    parsed.map_err(|bad| InputError::new_err(bad.to_string()))
}

fn raised(error: &ProjectError) -> PyErr {
    let exception = exception(error, message(error));
    if let Some(cause) = error.source() {
        Python::attach(|py| exception.set_cause(py, Some(caused(py, cause))));
    }
    exception
}

/// A cause, and what caused it.
fn caused(py: Python<'_>, error: &(dyn Error + 'static)) -> PyErr {
    let of_system = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error);
    let exception = match of_system {
        Some(number) => PyOSError::new_err((number, error.to_string())),
        None => LinprobeError::new_err(error.to_string()),
    };
    if let Some(cause) = error.source() {
        exception.set_cause(py, Some(caused(py, cause)));
    }
    exception
}

/// What went wrong, with the remedy as it is in Python where that at the terminal is another.
fn message(error: &ProjectError) -> String {
    use ProjectError as E;
    let said = error.to_string();
    let hint = match error {
        E::NotAProject { .. } => "create one with linprobe.Project(path)",
        E::Empty => "index something first: project.index(source)",
        E::NoModel => {
            "give model=..., a folder or a name on the hub of a CLIP model, such as \
             \"laion/CLIP-ViT-B-32-laion2B-s34B-b79K\", or index vectors that you have made elsewhere"
        }
        E::OtherModel { .. } => "leave out model=..., or make another project for the other model",
        E::NothingLetThrough { .. } => "project.n_records and project.classes count what there is",
        E::OtherScores { .. } => "delete it to begin anew, or give another working=...",
        E::ScoresInUse { .. } => "wait for it, or give another working=...",
        _ => return said,
    };
    let (what, _) = said.split_once("\nhint: ").unwrap_or((&said, ""));
    format!("{what}\nhint: {hint}")
}

fn exception(error: &ProjectError, said: String) -> PyErr {
    use ProjectError as E;
    match error {
        E::NotAProject { .. } | E::AlreadyAProject { .. } | E::FormatVersion { .. } => {
            NotAProjectError::new_err(said)
        }
        E::Empty => EmptyProjectError::new_err(said),
        E::UnknownRecord { .. }
        | E::UnknownExemplar { .. }
        | E::Unknown { .. }
        | E::UnknownClassifier { .. }
        | E::NoSuchRow { .. } => UnknownNameError::new_err(said),
        E::NoModel | E::OtherModel { .. } | E::Modality { .. } | E::OpenModel(_) | E::Embed(_) => {
            ModelError::new_err(said)
        }
        E::ForeignClassifier { .. }
        | E::NoCard
        | E::ZeroClassifier { .. }
        | E::Import { .. }
        | E::Export(_) => ClassifierError::new_err(said),
        E::Fetch(_) | E::Source(_) => DatasetError::new_err(said),
        E::Session(session) => of_session(session, said),
        E::Journal(linprobe::JournalError::NameTaken { .. }) => InputError::new_err(said),
        E::Store(_)
        | E::Journal(_)
        | E::Background(_)
        | E::Database { .. }
        | E::Damaged { .. }
        | E::Io { .. }
        | E::ScoresInUse { .. }
        | E::Thread(_) => StorageError::new_err(said),
        _ => InputError::new_err(said),
    }
}

fn of_session(error: &SessionError, said: String) -> PyErr {
    use SessionError as E;
    match error {
        E::UnknownRecord { .. } | E::NotInAudit { .. } => UnknownNameError::new_err(said),
        E::OutOfReach(_) | E::Journal(linprobe::JournalError::NameTaken { .. }) => {
            InputError::new_err(said)
        }
        E::Fit(_) => ModelError::new_err(said),
        E::Store(_) | E::Journal(_) | E::History(_) => StorageError::new_err(said),
    }
}
