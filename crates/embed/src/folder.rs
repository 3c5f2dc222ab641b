//! A model's folder, of which every file that is read leaves its trace in the fingerprint.
//!
//! So equal fingerprints mean equal weights, equal tokens and equal pixels, and no list of files has
//! to be kept in step with what is read.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use crate::{model::kernel::Precision, open::OpenError};

/// Changes whenever this crate computes other embeddings from the same files.
const PROCESSING_VERSION: &str = "linprobe-2";

/// A folder in the layout of Hugging Face.
#[derive(Debug)]
pub(crate) struct ModelFolder {
    path: PathBuf,
    model_id: String,
    digest: blake3::Hasher,
    precision: Precision,
}

impl ModelFolder {
    /// The folder of a model that is called so.
    pub(crate) fn new(path: impl Into<PathBuf>, model_id: impl Into<String>) -> Self {
        let mut digest = blake3::Hasher::new();
        digest.update(PROCESSING_VERSION.as_bytes());
        Self { path: path.into(), model_id: model_id.into(), digest, precision: Precision::Single }
    }

    /// The same, to make linear layers of that multiply in that precision.
    pub(crate) fn in_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    pub(crate) fn precision(&self) -> Precision {
        self.precision
    }

    pub(crate) fn model_id(&self) -> &str {
        &self.model_id
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a file.
    pub(crate) fn bytes(&mut self, file: &str) -> Result<Vec<u8>, OpenError> {
        self.bytes_if_there(file)?.ok_or_else(|| self.missing(file))
    }

    /// Reads a file that not every model has.
    pub(crate) fn bytes_if_there(&mut self, file: &str) -> Result<Option<Vec<u8>>, OpenError> {
        let path = self.path.join(file);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(OpenError::Io { path, source }),
        };
        self.trace(file, bytes.len() as u64);
        self.digest.update(&bytes);
        Ok(Some(bytes))
    }

    /// Reads a configuration.
    pub(crate) fn json<T: DeserializeOwned>(&mut self, file: &str) -> Result<T, OpenError> {
        self.json_if_there(file)?.ok_or_else(|| self.missing(file))
    }

    /// Reads a configuration that not every model has.
    pub(crate) fn json_if_there<T: DeserializeOwned>(
        &mut self,
        file: &str,
    ) -> Result<Option<T>, OpenError> {
        let Some(bytes) = self.bytes_if_there(file)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|e| self.bad(file, e.to_string()))
    }

    /// Takes note of a large file without keeping it.
    pub(crate) fn trace_contents(&mut self, file: &str) -> Result<(), OpenError> {
        let path = self.path.join(file);
        let hash = |folder: &mut Self| {
            let opened = fs::File::open(&path)?;
            folder.trace(file, opened.metadata()?.len());
            folder.digest.update_reader(opened).map(drop)
        };
        hash(self).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => self.missing(file),
            _ => OpenError::Io { path, source },
        })
    }

    /// Takes note of what bears on embeddings and stands in no file.
    pub(crate) fn trace_setting(&mut self, name: &str, value: &str) {
        self.trace(name, value.len() as u64);
        self.digest.update(value.as_bytes());
    }

    /// The digest of all that was read.
    pub(crate) fn fingerprint(&self) -> String {
        self.digest.finalize().to_hex().to_string()
    }

    /// An error about one of its files.
    pub(crate) fn bad(&self, file: &str, reason: impl Into<String>) -> OpenError {
        OpenError::BadFile { path: self.path.join(file), reason: reason.into() }
    }

    fn missing(&self, file: &str) -> OpenError {
        OpenError::MissingFile { folder: self.path.clone(), file: file.to_owned() }
    }

    fn trace(&mut self, file: &str, n_bytes: u64) {
        self.digest.update(&(file.len() as u64).to_le_bytes());
        self.digest.update(file.as_bytes());
        self.digest.update(&n_bytes.to_le_bytes());
    }
}
