//! The file that learning curves are written to, by its ending.

use std::path::{Path, PathBuf};

use crate::error::ProjectError;

/// Where curves go.
pub(super) enum CurvesFile {
    /// Game by game, so that a run that was cut short can go on.
    Csv(PathBuf),
    /// When all games have ended.
    Parquet(PathBuf),
}

impl CurvesFile {
    /// The form that a file's ending means.
    pub(super) fn named(path: &Path) -> Result<Self, ProjectError> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("csv") => Ok(Self::Csv(path.into())),
            Some("parquet") => Ok(Self::Parquet(path.into())),
            _ => Err(ProjectError::CurvesForm { path: path.into() }),
        }
    }
}
