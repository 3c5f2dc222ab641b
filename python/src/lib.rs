//! The notebook door of linprobe, its native half: what Python gives becomes calls of the library, and what the library says
//! becomes arrays, dicts and exceptions.
//!
//! The package `linprobe`, beside this, gives it names, types and documentation; `linprobe._native` is its own affair.

#![expect(clippy::needless_pass_by_value, reason = "what Python hands over is ours")]
#![expect(clippy::same_name_method, reason = "so the classes are that `import_exception!` makes")]

mod classifier;
mod clock;
mod door;
mod encoder;
mod error;
mod given;
mod long;
mod project;
mod rows;
mod session;
mod surroundings;
mod wire;

use std::ffi::OsString;

use pyo3::prelude::*;

/// The native half of the package.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::{
        classifier::{
            fit_labelled, read_classifier, repository_page, score_rows, write_classifier,
        },
        door::Door,
        encoder::Encoder,
        project::Project,
        run_command,
        session::Session,
    };

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "it is a name of Python's")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}

/// Runs the command `linprobe`, and gives its exit code.
#[pyfunction]
fn run_command(py: Python<'_>, line: Vec<OsString>) -> u8 {
    py.detach(|| linprobe_cli::run(line))
}
