//! Scores of another dataset while they are being made.
//!
//! They are written as they come, in the order of the dataset, a line of JSON for each record that could
//! be read. In memory stay a score and a place for each, sixteen bytes, so that a dataset may have any number
//! of records, and what was embedded before a run was stopped is not embedded again: the next run passes over
//! as many records as there are lines.

use std::{
    collections::BTreeSet,
    fmt,
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use linprobe_core::{Metadata, RecordId};
use serde::{Deserialize, Serialize};

use crate::{
    catalogue::{CatalogueRecord, SkippedRecord},
    error::ProjectError,
    predictions::{Place, Records},
};

/// What the scores are of: two runs go together that have the same.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// The dataset.
    pub(super) dataset: PathBuf,
    /// A hash of the classifier.
    pub(super) classifier: String,
    /// The fingerprint of the model.
    pub(super) model: String,
    /// Which records are scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) filter: Option<String>,
}

/// What became of a record that could be read.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The model took it.
    Scored(Scored),
    /// The model did not.
    Unusable { id: String, reason: String },
}

/// A record and its score, a logit.
#[derive(Serialize, Deserialize)]
pub(super) struct Scored {
    score: f32,
    id: String,
    kind: String,
    text: Option<String>,
    label: Option<String>,
    metadata: Metadata,
}

impl Line {
    pub(super) fn unusable(id: &RecordId, reason: &dyn fmt::Display) -> Self {
        Self::Unusable { id: id.as_str().to_owned(), reason: reason.to_string() }
    }
}

impl Scored {
    pub(super) fn new(score: f32, record: CatalogueRecord) -> Self {
        let CatalogueRecord { id, kind, text, label, metadata } = record;
        Self { score, id: id.as_str().to_owned(), kind, text, label, metadata }
    }

    fn into_record(self) -> Result<CatalogueRecord, String> {
        let Self { id, kind, text, label, metadata, .. } = self;
        let id = RecordId::new(id).map_err(|bad| bad.to_string())?;
        Ok(CatalogueRecord { id, kind, text, label, metadata })
    }
}

/// The file, and what is known of its lines.
#[derive(Debug)]
pub(super) struct Working {
    file: File,
    path: PathBuf,
    /// Where the next line goes.
    end: u64,
    n_lines: usize,
    last_id: Option<String>,
    places: Vec<Place>,
    columns: BTreeSet<String>,
    unusable: Vec<(String, String)>,
}

impl Working {
    /// Opens the file of an earlier run, without the line that it was stopped in, or makes a new one;
    /// without a path, one that nobody else sees.
    pub(super) fn open(path: Option<&Path>, head: &Head) -> Result<Self, ProjectError> {
        let shown = path.unwrap_or(Path::new("a file of the system's folder for temporary ones"));
        let failed = |source| ProjectError::Io { path: shown.into(), source };
        let file = match path {
            Some(path) => locked(path)?,
            None => tempfile::tempfile().map_err(failed)?,
        };
        let mut working = Self {
            file,
            path: shown.into(),
            end: 0,
            n_lines: 0,
            last_id: None,
            places: Vec::new(),
            columns: BTreeSet::new(),
            unusable: Vec::new(),
        };
        working.read(head)?;
        working.file.set_len(working.end).map_err(failed)?;
        working.file.seek(SeekFrom::Start(working.end)).map_err(failed)?;
        if working.end == 0 {
            let line = json_line(head);
            working.file.write_all(&line).map_err(failed)?;
            working.end = line.len() as u64;
        }
        Ok(working)
    }

    /// Takes in what an earlier run has left.
    fn read(&mut self, head: &Head) -> Result<(), ProjectError> {
        let file = self.file.try_clone().map_err(|source| self.failed(source))?;
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let n_bytes = reader.read_until(b'\n', &mut line).map_err(|e| self.failed(e))?;
            if !line.ends_with(b"\n") {
                return Ok(());
            }
            if self.end == 0 {
                match serde_json::from_slice::<Head>(&line) {
                    Ok(own) if own == *head => self.end = n_bytes as u64,
                    Ok(_) => return Err(self.other("another classifier, model or dataset")),
                    Err(_) => return Err(self.other("something else than scores")),
                }
                continue;
            }
            match serde_json::from_slice(&line) {
                Ok(known) => self.note(known, n_bytes),
                Err(_) => return Err(self.other("a line that is damaged")),
            }
        }
    }

    /// How many records are done.
    pub(super) fn n_lines(&self) -> usize {
        self.n_lines
    }

    /// Makes sure that the last record that is done is the one that the dataset has in its place.
    pub(super) fn expect_last(&self, id: Option<&RecordId>) -> Result<(), ProjectError> {
        if self.last_id.as_deref() == id.map(RecordId::as_str) {
            return Ok(());
        }
        Err(self.other("scores of the dataset as it was before it was changed"))
    }

    /// Adds lines; they are with the system when this returns.
    pub(super) fn append(&mut self, lines: Vec<Line>) -> Result<(), ProjectError> {
        let mut bytes = Vec::new();
        let mut lengths = Vec::with_capacity(lines.len());
        for line in &lines {
            let line = json_line(line);
            lengths.push(line.len());
            bytes.extend(line);
        }
        self.file.write_all(&bytes).map_err(|source| self.failed(source))?;
        lines.into_iter().zip(lengths).for_each(|(line, n_bytes)| self.note(line, n_bytes));
        Ok(())
    }

    /// Remembers a line that ends the file.
    fn note(&mut self, line: Line, n_bytes: usize) {
        let id = match line {
            Line::Scored(Scored { score, id, metadata, .. }) => {
                self.places.push(Place { score, key: self.end });
                for (column, _) in metadata {
                    self.columns.insert(column);
                }
                id
            }
            Line::Unusable { id, reason } => {
                self.unusable.push((id.clone(), reason));
                id
            }
        };
        self.last_id = Some(id);
        self.n_lines += 1;
        self.end += n_bytes as u64;
    }

    /// Takes the scores, in the order of the dataset, and the records that have none.
    pub(super) fn take(&mut self, dataset: &Path) -> (Vec<Place>, Vec<SkippedRecord>) {
        let unusable = std::mem::take(&mut self.unusable);
        let skipped = |(id, reason): (String, String)| SkippedRecord {
            file: dataset.into(),
            row: None,
            id: RecordId::new(id).ok(),
            reason,
        };
        (std::mem::take(&mut self.places), unusable.into_iter().map(skipped).collect())
    }

    fn failed(&self, source: io::Error) -> ProjectError {
        ProjectError::Io { path: self.path.clone(), source }
    }

    fn other(&self, holds: &str) -> ProjectError {
        ProjectError::OtherScores { path: self.path.clone(), holds: holds.to_owned() }
    }
}

impl Records for Working {
    fn record(&self, key: u64) -> Result<CatalogueRecord, ProjectError> {
        let mut line = Vec::new();
        let mut reader = BufReader::new(&self.file);
        let read =
            reader.seek(SeekFrom::Start(key)).and_then(|_| reader.read_until(b'\n', &mut line));
        read.map_err(|source| self.failed(source))?;
        match serde_json::from_slice(&line) {
            Ok(Line::Scored(scored)) => scored.into_record().map_err(|bad| self.other(&bad)),
            _ => Err(self.other("a line that is damaged")),
        }
    }

    fn columns(&self) -> Result<BTreeSet<String>, ProjectError> {
        Ok(self.columns.clone())
    }
}

/// Opens a file that only one run may write.
fn locked(path: &Path) -> Result<File, ProjectError> {
    let failed = |source| ProjectError::Io { path: path.into(), source };
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).open(path);
    let file = file.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ProjectError::ScoresInUse { path: path.into() }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn json_line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("strings and finite numbers are always JSON");
    line.push(b'\n');
    line
}
