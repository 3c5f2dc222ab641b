//! What a project is made of, and whether it is whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use linprobe_core::{ModelSpec, Point, StoreError};
use linprobe_store::{CheckReport, EmbeddedStore, Norms};

use crate::{error::ProjectError, project::Project};

/// Counts and sizes of a project.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The model, once one is chosen.
    pub model: Option<ModelSpec>,
    /// Where records come from.
    pub sources: Vec<PathBuf>,
    /// Records in the catalogue; of a store elsewhere, its points.
    pub n_records: u64,
    /// Points in the store.
    pub n_points: u64,
    /// Records that were skipped when they were last indexed.
    pub n_skipped: u64,
    /// The address of the store, where the points are elsewhere.
    pub store: Option<String>,
    /// Sessions.
    pub n_sessions: u64,
    /// Lengths of the vectors as they are stored; none in an empty store or one elsewhere.
    pub norms: Option<Norms>,
    /// Bytes of all files of the project.
    pub disk_bytes: u64,
}

impl Project {
    /// Counts and measures.
    ///
    /// # Errors
    /// The database or the store fails.
    pub async fn inspect(&self) -> Result<Inspection, ProjectError> {
        let points = match self.store() {
            Ok(store) => store.count().await?,
            Err(ProjectError::Empty) => 0,
            Err(error) => return Err(error),
        };
        let store = self.store_address()?;
        let norms = match points {
            0 => None,
            _ if store.is_some() => None,
            _ => Some(EmbeddedStore::open_read_only(self.store_folder())?.norms()?),
        };
        let sources = self.catalogue().sources()?;
        Ok(Inspection {
            model: self.model()?,
            sources: sources.iter().map(|source| source.name().into()).collect(),
            n_records: self.n_records()?,
            n_points: points,
            n_skipped: self.catalogue().n_skipped()?,
            store,
            n_sessions: self.sessions()?.len() as u64,
            norms,
            disk_bytes: bytes_below(self.folder())?,
        })
    }

    /// Reads everything and lists what breaks a promise of the formats; nothing, in a whole project.
    ///
    /// # Errors
    /// A file cannot be read at all.
    pub async fn check(&self) -> Result<Vec<String>, ProjectError> {
        let mut violations = self.catalogue().check()?;
        if self.store_folder().is_dir() {
            let CheckReport { violations: found, .. } = linprobe_store::check(self.store_folder())?;
            violations.extend(found.iter().map(ToString::to_string));
            match self.compare_with_store().await {
                // It cannot be opened, and the walk through it has said why.
                Err(ProjectError::Store(StoreError::Corrupt { .. })) if !violations.is_empty() => {}
                compared => violations.extend(compared?),
            }
        }
        Ok(violations)
    }

    /// Every record must have its point, and every point its record.
    async fn compare_with_store(&self) -> Result<Vec<String>, ProjectError> {
        let store = self.store()?;
        let mut violations = Vec::new();
        let mut after = None;
        let mut n_matched = 0;
        loop {
            let points = store.scan(after.as_ref(), PAGE).await?;
            let Some(last) = points.last() else { break };
            for Point { id, .. } in &points {
                match self.catalogue().record(id)? {
                    Some(_) => n_matched += 1,
                    None => violations.push(format!("the point {id} has no record: index again")),
                }
            }
            after = Some(last.id.clone());
        }
        let n_records = self.catalogue().n_records()?;
        if n_matched < n_records {
            let n_lost = n_records - n_matched;
            violations.push(format!("{n_lost} records have no point in the store: index again"));
        }
        Ok(violations)
    }
}

/// Points that are compared at a time.
const PAGE: usize = 10_000;

/// The bytes of all files in a folder and those in it.
pub(crate) fn bytes_below(folder: &Path) -> Result<u64, ProjectError> {
    let sum = || -> io::Result<u64> {
        fs::read_dir(folder)?
            .map(|entry| {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    bytes_below(&entry.path()).map_err(io::Error::other)
                } else {
                    Ok(entry.metadata()?.len())
                }
            })
            .sum()
    };
    sum().map_err(|source| ProjectError::Io { path: folder.into(), source })
}
