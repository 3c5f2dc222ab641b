//! A Parquet or Arrow file as pieces that are read one by one: row groups, or record batches.
//!
//! A piece that is damaged is lost alone. Where the file says how many rows it has, those behind it keep
//! their numbers.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, SchemaRef};
use linprobe_core::SourceError;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};

use super::bounds;
use crate::failure::{damaged, io};

/// What an Arrow file begins with, where it has an index of its batches: Feather, too.
const ARROW_FILE: &[u8] = b"ARROW1";

/// What a Parquet file begins with.
const PARQUET_FILE: &[u8] = b"PAR1";

/// A file whose columns are known.
#[derive(Debug)]
pub(super) struct ColumnarFile {
    pub(super) path: PathBuf,
    pub(super) schema: SchemaRef,
    form: Form,
    /// Where that can be told without reading all of it.
    pub(super) n_rows: Option<u64>,
}

#[derive(Debug)]
enum Form {
    Parquet(ArrowReaderMetadata),
    ArrowFile,
    ArrowStream,
}

/// Rows that could be read, or not.
pub(super) enum Piece {
    Batch(RecordBatch),
    /// So many rows are lost.
    Lost {
        n_rows: u64,
        reason: String,
    },
}

impl Piece {
    pub(super) fn n_rows(&self) -> u64 {
        match self {
            Self::Batch(batch) => batch.num_rows() as u64,
            Self::Lost { n_rows, .. } => *n_rows,
        }
    }
}

/// Pieces in their order. Nothing comes after an error.
pub(super) type Pieces = Box<dyn Iterator<Item = Result<Piece, SourceError>> + Send>;

impl ColumnarFile {
    /// Reads what the file says of itself.
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let mut file = File::open(path).map_err(io(path))?;
        let mut start = [0; ARROW_FILE.len()];
        let n_bytes = file.read(&mut start).map_err(io(path))?;
        file.seek(SeekFrom::Start(0)).map_err(io(path))?;
        let start = &start[..n_bytes];
        let opened = || {
            if start.starts_with(PARQUET_FILE) {
                open_parquet(&file)
            } else if start.starts_with(ARROW_FILE) {
                bounds::check_file(&file).map_err(ArrowError::IpcError)?;
                let reader = FileReader::try_new_buffered(&file, None)?;
                Ok((reader.schema(), Form::ArrowFile, None))
            } else {
                bounds::check_stream(&file).map_err(ArrowError::IpcError)?;
                let reader = StreamReader::try_new_buffered(&file, None)?;
                Ok((reader.schema(), Form::ArrowStream, None))
            }
        };
        let (schema, form, n_rows) = caught(opened).map_err(|reason| {
            damaged(path, format!("this is no Parquet or Arrow file: {reason}"))
        })?;
        Ok(Self { path: path.to_owned(), schema, form, n_rows })
    }

    /// Reads the rows, at most so many at a time where the file leaves a choice.
    pub(super) fn pieces(&self, batch_rows: usize) -> Result<Pieces, SourceError> {
        let file = File::open(&self.path).map_err(io(&self.path))?;
        Ok(match &self.form {
            Form::Parquet(metadata) => Box::new(RowGroups {
                path: self.path.clone(),
                file,
                metadata: metadata.clone(),
                next_group: 0,
                reading: None,
                batch_rows,
            }),
            Form::ArrowFile => {
                let reader = caught(|| FileReader::try_new_buffered(file, None));
                Box::new(whole(&self.path, reader)?)
            }
            Form::ArrowStream => {
                let reader = caught(|| StreamReader::try_new_buffered(file, None));
                Box::new(whole(&self.path, reader)?)
            }
        })
    }
}

fn open_parquet(file: &File) -> Result<(SchemaRef, Form, Option<u64>), ArrowError> {
    let metadata = ArrowReaderMetadata::load(file, ArrowReaderOptions::new())?;
    let n_rows = u64::try_from(metadata.metadata().file_metadata().num_rows()).ok();
    Ok((Arc::clone(metadata.schema()), Form::Parquet(metadata), n_rows))
}

/// Batches one after the other. What a damaged one held is not known, so it ends the file.
fn whole<R>(
    path: &Path,
    reader: Result<R, String>,
) -> Result<impl Iterator<Item = Result<Piece, SourceError>> + Send + use<R>, SourceError>
where
    R: RecordBatchReader + Send,
{
    let mut reader = reader.map_err(|reason| damaged(path, reason))?;
    let (path, mut ended) = (path.to_owned(), false);
    Ok(std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let batch = caught(|| reader.next().transpose()).transpose()?;
        ended = batch.is_err();
        let failed = |reason| damaged(&path, format!("the rows end early: {reason}"));
        Some(batch.map(Piece::Batch).map_err(failed))
    }))
}

/// The row groups of a Parquet file.
struct RowGroups {
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
    next_group: usize,
    reading: Option<Reading>,
    batch_rows: usize,
}

/// A row group that is being read.
struct Reading {
    reader: ParquetRecordBatchReader,
    n_left: u64,
}

impl RowGroups {
    fn next_piece(&mut self) -> Result<Option<Piece>, SourceError> {
        loop {
            if let Some(mut reading) = self.reading.take() {
                let n_left = reading.n_left;
                match caught(|| reading.reader.next().transpose()) {
                    Ok(Some(batch)) => {
                        reading.n_left = n_left.saturating_sub(batch.num_rows() as u64);
                        self.reading = Some(reading);
                        return Ok(Some(Piece::Batch(batch)));
                    }
                    Ok(None) if n_left == 0 => {}
                    Ok(None) => return Ok(Some(lost(n_left, "there are fewer rows than it says"))),
                    Err(reason) => return Ok(Some(lost(n_left, &reason))),
                }
            }
            let groups = self.metadata.metadata().row_groups();
            let Some(group) = groups.get(self.next_group) else { return Ok(None) };
            let n_rows = u64::try_from(group.num_rows()).unwrap_or(0);
            match self.open_group(self.next_group)? {
                Ok(reader) => self.reading = Some(Reading { reader, n_left: n_rows }),
                Err(reason) => {
                    self.next_group += 1;
                    return Ok(Some(lost(n_rows, &reason)));
                }
            }
            self.next_group += 1;
        }
    }

    fn open_group(
        &self,
        group_idx: usize,
    ) -> Result<Result<ParquetRecordBatchReader, String>, SourceError> {
        let file = self.file.try_clone().map_err(io(&self.path))?;
        let metadata = self.metadata.clone();
        Ok(caught(|| {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
            let builder = builder.with_row_groups(vec![group_idx]);
            Ok(builder.with_batch_size(self.batch_rows).build()?)
        }))
    }
}

impl Iterator for RowGroups {
    type Item = Result<Piece, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_piece().transpose()
    }
}

fn lost(n_rows: u64, reason: &str) -> Piece {
    Piece::Lost { n_rows, reason: reason.to_owned() }
}

/// What a reader gives, or why it gives nothing. The readers panic on some files that no writer made.
fn caught<T>(read: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(|error| error.to_string()),
        Err(_) => Err("its numbers contradict each other".to_owned()),
    }
}
