//! Folders that clip-retrieval has written: vectors in `img_emb` or `text_emb`, and in `metadata` what is known of
//! each, a row for a row.

use std::path::{Path, PathBuf};

use linprobe_core::{BadRecord, Content, Record, RecordId, Records, Source, SourceError};

use crate::{
    Kind, SourceOptions,
    columnar::{Told, Words},
    failure::unsupported,
    table::Columns,
    vectors::Vectors,
};

/// Folders of vectors: pictures before texts.
const VECTORS: [&str; 2] = ["img_emb", "text_emb"];

const METADATA: &str = "metadata";

/// Vectors, and what is known of them.
#[derive(Debug)]
pub(crate) struct ClipRetrieval {
    fingerprint: String,
    vectors: Vectors,
    words: Words,
    columns: Columns,
    metadata: PathBuf,
}

/// Whether a folder is laid out so.
pub(crate) fn is_one(root: &Path) -> bool {
    root.join(METADATA).is_dir() && folder_of_vectors(root).is_some()
}

fn folder_of_vectors(root: &Path) -> Option<PathBuf> {
    VECTORS.iter().map(|name| root.join(name)).find(|folder| folder.is_dir())
}

impl ClipRetrieval {
    pub(crate) fn open(
        root: &Path,
        options: &SourceOptions,
        fingerprint: String,
    ) -> Result<Self, SourceError> {
        let Some(folder) = folder_of_vectors(root) else {
            let hint = "clip-retrieval writes vectors to img_emb or text_emb";
            return Err(unsupported(root, "the folder holds no vectors of clip-retrieval", hint));
        };
        let plain = SourceOptions::default();
        let vectors = Vectors::open(&folder, Kind::Npy, &plain, String::new())?;
        let metadata = root.join(METADATA);
        let (words, sample) = Words::open(&metadata)?;
        let columns = Columns::beside_content(&metadata, &sample, options)?;
        let (n_told, n_vectors) = (words.n_rows(), vectors.n_records_hint());
        if n_told != n_vectors {
            let [n_told, n_vectors] = [n_told, n_vectors].map(Option::unwrap_or_default);
            let reason = format!("it tells of {n_told} rows, and there are {n_vectors} vectors");
            return Err(unsupported(&metadata, reason, "is a file missing, or from another run?"));
        }
        Ok(Self { fingerprint, vectors, words, columns, metadata })
    }

    /// Joins a vector and what is told of it.
    fn join(
        &self,
        record: Result<Record, SourceError>,
        told: Result<Told, SourceError>,
    ) -> Result<Record, SourceError> {
        let (mut record, columns) = (record?, &self.columns);
        let mut words = told?.map_err(|reason| BadRecord {
            file: self.metadata.clone(),
            row: None,
            id: Some(record.id.clone()),
            reason,
        })?;
        if let Content::Vector { text, .. } = &mut record.content {
            *text = columns.take_text(&mut words).ok();
        }
        record.label = columns.take_label(&mut words);
        columns.keep(&mut words);
        record.metadata = words;
        Ok(record)
    }
}

impl Source for ClipRetrieval {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn records(&self) -> Records<'_> {
        let rows = self.vectors.records().zip(self.words.rows_from(0));
        Box::new(rows.map(|(record, told)| self.join(record, told)))
    }

    fn n_records_hint(&self) -> Option<u64> {
        self.vectors.n_records_hint()
    }

    fn record(&self, id: &RecordId) -> Result<Record, SourceError> {
        let record = self.vectors.record(id)?;
        // Ids are places: no other vector was found by one.
        let place = id.as_str().parse().unwrap_or_default();
        let not_told = || SourceError::NotFound { id: id.clone() };
        let told = self.words.rows_from(place).next().ok_or_else(not_told)?;
        self.join(Ok(record), told)
    }
}
