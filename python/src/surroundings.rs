//! What the library needs of the world around it: models as the environment says, the wall clock, and somebody to tell of
//! downloads.

use linprobe::{Clock, DownloadProgress, OpenOptions, Surroundings, Transfer};
use pyo3::prelude::*;

use crate::{clock, error::or_input};

/// Surroundings with an engine and a way of resizing by name.
pub(crate) fn surroundings(engine: &str, resize: &str) -> PyResult<Surroundings> {
    Ok(Surroundings { models: models(engine, resize)?, clock: Clock::new(clock::now_ms) })
}

/// Where models come from.
pub(crate) fn models(engine: &str, resize: &str) -> PyResult<OpenOptions> {
    let progress = DownloadProgress::new(show);
    let (engine, resizing) = (or_input(engine.parse())?, or_input(resize.parse())?);
    Ok(OpenOptions { engine, resizing, progress, ..OpenOptions::default() })
}

/// Downloads are told from whatever thread they run on. A bar that cannot be drawn stops none.
fn show(transfer: &Transfer<'_>) {
    let Transfer { file, n_bytes, n_total } = *transfer;
    Python::attach(|py| {
        let shown = py.import("linprobe._progress").and_then(|module| {
            module.call_method1("show_download", (file, n_bytes, n_total)).map(drop)
        });
        if let Err(error) = shown {
            error.write_unraisable(py, None);
        }
    });
}
