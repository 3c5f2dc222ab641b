//! Columns in files of Parquet or Arrow, one or a folder of them, as Hugging Face's datasets lie on disk.
//!
//! A row is a text, a picture or a vector. Which column holds it is told by what is asked for, then by
//! types, which these files have, and for texts by names as in other tables. Rows are read a batch at
//! a time, and are numbered through all files in the natural order of their names.

mod bounds;
mod cells;
mod features;
mod file;
mod words;

use std::{
    collections::{HashMap, VecDeque},
    path::Path,
    sync::OnceLock,
};

use arrow_array::RecordBatch;
use linprobe_core::{BadRecord, Content, Metadata, Record, RecordId, Records, Source, SourceError};

pub(crate) use self::words::{Told, Words};
use self::{
    features::Features,
    file::{ColumnarFile, Piece, Pieces},
};
use crate::{
    SourceOptions,
    failure::{listed, unsupported},
    place::Place,
    seen::Seen,
    splits::SPLIT,
    table::{Columns, Row, Rows, Sample, is_known_text},
    vectors::MAX_DIMENSION,
};

/// Rows to a batch: of pictures few, since a batch is in memory as a whole.
const BATCH_ROWS: usize = 1024;
const BATCH_PICTURES: usize = 32;

/// Rows that tell what columns there are.
const N_SAMPLED: usize = 1000;

/// Endings of the files.
const ENDINGS: [&str; 4] = ["parquet", "arrow", "feather", "ipc"];

/// Names that columns of vectors have.
const VECTORS: [&str; 6] = ["embedding", "embeddings", "vector", "vectors", "emb", "x"];

/// Files of columns.
#[derive(Debug)]
pub(crate) struct Columnar {
    fingerprint: String,
    parts: Vec<Part>,
    columns: Columns,
    holds: Holds,
    /// The places of ids that a column gives, once somebody asks for a record by its id.
    places: OnceLock<HashMap<RecordId, u64>>,
}

/// A file, and what its place tells.
#[derive(Debug)]
struct Part {
    file: ColumnarFile,
    features: Features,
    split: Option<String>,
}

/// Where the content of a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Holds {
    Text,
    Picture(String),
    Vector(String),
}

impl Columnar {
    /// Opens the file, or every such file of a folder, and chooses the columns.
    pub(crate) fn open(
        place: &Place,
        options: &SourceOptions,
        fingerprint: String,
    ) -> Result<Self, SourceError> {
        let location = place.root();
        let parts = Part::all(place)?;
        let holds = Holds::choose(location, &parts, options)?;
        let sample = sample(&parts, &holds)?;
        let columns = match holds {
            Holds::Text => Columns::choose(location, &sample, options)?,
            Holds::Picture(_) | Holds::Vector(_) => {
                Columns::beside_content(location, &sample, options)?
            }
        };
        Ok(Self { fingerprint, parts, columns, holds, places: OnceLock::new() })
    }

    /// The rows of a batch as records.
    fn records_of(&self, part: &Part, start: Position, batch: &RecordBatch) -> Vec<Reading> {
        let words = cells::words(batch, self.holds.column(), &part.features);
        let rows = words.into_iter().enumerate().map(|(row, mut words)| {
            if let Some(split) = &part.split {
                words.entry(SPLIT.to_owned()).or_insert_with(|| split.clone());
            }
            let content = self.holds.read(&part.file.path, batch, row);
            Reading { place: start.after(row as u64), words, content }
        });
        rows.collect()
    }

    /// The place of an id among the rows.
    fn place_of(&self, id: &RecordId) -> Option<u64> {
        if self.columns.id.is_none() {
            let place = id.as_str().parse().ok();
            return place.filter(|&place| RecordId::from_row(place) == *id);
        }
        let places = self.places.get_or_init(|| {
            let named = Batches::new(&self.parts, BATCH_ROWS).filter_map(Result::ok);
            let mut places = HashMap::new();
            for (part, start, piece) in named {
                let Piece::Batch(batch) = piece else { continue };
                let words = cells::words(&batch, self.holds.column(), &part.features);
                for (idx, mut words) in (start.idx..).zip(words) {
                    if let Ok(id) = self.columns.take_id(&mut words) {
                        places.entry(id).or_insert(idx);
                    }
                }
            }
            places
        });
        places.get(id).copied()
    }
}

impl Source for Columnar {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn records(&self) -> Records<'_> {
        Box::new(ColumnarRecords {
            source: self,
            batches: Batches::new(&self.parts, self.holds.batch_rows()),
            ready: VecDeque::new(),
            seen: Seen::default(),
        })
    }

    fn n_records_hint(&self) -> Option<u64> {
        self.parts.iter().map(|part| part.file.n_rows).sum()
    }

    /// Reads the batch that holds the row, and not those before it where files tell how many rows they have.
    fn record(&self, id: &RecordId) -> Result<Record, SourceError> {
        let not_found = || SourceError::NotFound { id: id.clone() };
        let idx = self.place_of(id).ok_or_else(not_found)?;
        for piece in Batches::from(&self.parts, idx, self.holds.batch_rows()) {
            let (part, start, piece) = piece?;
            let Some(row) = idx.checked_sub(start.idx) else { break };
            let Piece::Batch(batch) = piece else { continue };
            let Ok(row) = usize::try_from(row) else { continue };
            if row < batch.num_rows() {
                let reading = self.records_of(part, start.after(row as u64), &batch.slice(row, 1));
                let mut seen = Seen::default();
                let reading = reading.into_iter().next().ok_or_else(not_found)?;
                return Ok(reading.record(self, &part.file.path, &mut seen)?);
            }
        }
        Err(not_found())
    }
}

impl Part {
    /// The file, or those of a folder in natural order.
    fn all(place: &Place) -> Result<Vec<Self>, SourceError> {
        place.files(is_part)?.into_iter().map(|path| Self::open(place, &path)).collect()
    }

    fn open(place: &Place, path: &Path) -> Result<Self, SourceError> {
        let file = ColumnarFile::open(path)?;
        let features = Features::of(&file.schema);
        Ok(Self { file, features, split: place.split_of(path) })
    }
}

impl Holds {
    fn choose(
        location: &Path,
        parts: &[Part],
        options: &SourceOptions,
    ) -> Result<Self, SourceError> {
        let Some(first) = parts.first() else { return Ok(Self::Text) };
        let schema = &first.file.schema;
        let (pictures, vectors) = (cells::pictures(schema), cells::vectors(schema));
        if let Some(asked) = &options.tensor {
            if vectors.contains(asked) {
                return Ok(Self::Vector(asked.clone()));
            }
            let reason = format!("no column {asked:?} holds vectors");
            let hint = format!("columns of vectors: {}", listed(&vectors));
            return Err(unsupported(location, reason, hint));
        }
        if options.text.is_some() {
            return Ok(Self::Text);
        }
        if let Some(picture) = pictures.first() {
            return Ok(Self::Picture(picture.clone()));
        }
        let has_text = schema.fields().iter().any(|field| is_known_text(field.name()));
        let known = VECTORS
            .iter()
            .find_map(|name| vectors.iter().find(|vector| vector.eq_ignore_ascii_case(name)));
        let vector = known.or(if let [only] = vectors.as_slice() { Some(only) } else { None });
        Ok(match vector {
            Some(vector) if !has_text => Self::Vector(vector.clone()),
            _ => Self::Text,
        })
    }

    /// The column that is not words.
    fn column(&self) -> Option<&str> {
        match self {
            Self::Text => None,
            Self::Picture(column) | Self::Vector(column) => Some(column),
        }
    }

    fn batch_rows(&self) -> usize {
        if matches!(self, Self::Picture(_)) { BATCH_PICTURES } else { BATCH_ROWS }
    }

    /// What the column of a row holds.
    fn read(&self, file: &Path, batch: &RecordBatch, row: usize) -> Found {
        let column = |name: &str| {
            batch.column_by_name(name).ok_or_else(|| format!("there is no column {name:?}"))
        };
        match self {
            Self::Text => Ok(Cell::Words),
            Self::Picture(name) => {
                let root = file.parent().unwrap_or(Path::new(""));
                Ok(Cell::Picture(cells::picture(column(name)?, row, root)?))
            }
            Self::Vector(name) => Ok(Cell::Vector(cells::vector(column(name)?, row)?)),
        }
    }
}

/// What a row holds, or why it holds nothing.
type Found = Result<Cell, String>;

enum Cell {
    /// It is among the words.
    Words,
    Picture(Vec<u8>),
    Vector(Vec<f32>),
}

/// Where a row is.
#[derive(Clone, Copy, Debug)]
struct Position {
    /// In its file, from 1.
    row: u64,
    /// Among the rows of all files, from 0.
    idx: u64,
}

impl Position {
    fn after(self, n_rows: u64) -> Self {
        Self { row: self.row + n_rows, idx: self.idx + n_rows }
    }
}

/// The pieces of all files, and where each begins.
struct Batches<'a> {
    parts: std::slice::Iter<'a, Part>,
    reading: Option<(&'a Part, Pieces)>,
    place: Position,
    batch_rows: usize,
}

impl<'a> Batches<'a> {
    fn new(parts: &'a [Part], batch_rows: usize) -> Self {
        Self { parts: parts.iter(), reading: None, place: Position { row: 1, idx: 0 }, batch_rows }
    }

    /// Without the files that end before a row.
    fn from(parts: &'a [Part], idx: u64, batch_rows: usize) -> Self {
        let mut batches = Self::new(parts, batch_rows);
        while let Some(n_rows) = batches.parts.as_slice().first().and_then(|part| part.file.n_rows)
        {
            if batches.place.idx + n_rows > idx {
                break;
            }
            batches.place.idx += n_rows;
            batches.parts.next();
        }
        batches
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<(&'a Part, Position, Piece), SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((part, pieces)) = &mut self.reading {
                let (part, start) = (*part, self.place);
                match pieces.next() {
                    Some(Ok(piece)) => {
                        self.place = start.after(piece.n_rows());
                        return Some(Ok((part, start, piece)));
                    }
                    Some(Err(error)) => return Some(Err(error)),
                    None => self.reading = None,
                }
            }
            let part = self.parts.next()?;
            self.place.row = 1;
            match part.file.pieces(self.batch_rows) {
                Ok(pieces) => self.reading = Some((part, pieces)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// A row that is to become a record.
struct Reading {
    place: Position,
    words: Metadata,
    content: Found,
}

impl Reading {
    fn record(self, source: &Columnar, file: &Path, seen: &mut Seen) -> Result<Record, BadRecord> {
        let row = Some(self.place.row);
        let mut known = source.columns.id.is_none().then(|| RecordId::from_row(self.place.idx));
        self.try_record(&source.columns, seen, &mut known).map_err(|reason| BadRecord {
            file: file.to_owned(),
            row,
            id: known,
            reason,
        })
    }

    /// Makes a record whose id may be known by its place; tells the id as soon as it is known.
    fn try_record(
        self,
        columns: &Columns,
        seen: &mut Seen,
        known: &mut Option<RecordId>,
    ) -> Result<Record, String> {
        let Self { mut words, content, .. } = self;
        let id = columns.take_new_id(&mut words, seen, known)?;
        let content = match content? {
            Cell::Words => Content::Text(columns.take_text(&mut words)?),
            Cell::Picture(bytes) => Content::Image(bytes),
            Cell::Vector(values) if values.is_empty() || values.len() as u64 > MAX_DIMENSION => {
                return Err(format!(
                    "the vector has {} numbers, 1 to {MAX_DIMENSION} are allowed",
                    values.len()
                ));
            }
            Cell::Vector(values) => {
                Content::Vector { values, text: columns.take_text(&mut words).ok() }
            }
        };
        let label = columns.take_label(&mut words);
        columns.keep(&mut words);
        Ok(Record { id, content, label, metadata: words })
    }
}

/// Makes records of batches.
struct ColumnarRecords<'a> {
    source: &'a Columnar,
    batches: Batches<'a>,
    /// Of the batch that was read last.
    ready: VecDeque<(&'a Part, Reading)>,
    seen: Seen,
}

impl Iterator for ColumnarRecords<'_> {
    type Item = Result<Record, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((part, reading)) = self.ready.pop_front() {
                let record = reading.record(self.source, &part.file.path, &mut self.seen);
                return Some(record.map_err(SourceError::from));
            }
            match self.batches.next()? {
                Ok((part, start, Piece::Batch(batch))) => {
                    let readings = self.source.records_of(part, start, &batch);
                    self.ready.extend(readings.into_iter().map(|reading| (part, reading)));
                }
                Ok((part, start, Piece::Lost { n_rows, reason })) => {
                    return Some(Err(lost(&part.file.path, start, n_rows, &reason).into()));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// One error for all rows of a piece: it names the first.
fn lost(file: &Path, start: Position, n_rows: u64, reason: &str) -> BadRecord {
    let last = start.row + n_rows.saturating_sub(1);
    let reason = format!("rows {} to {last} are damaged: {reason}", start.row);
    BadRecord { file: file.to_owned(), row: Some(start.row), id: None, reason }
}

/// What the first rows tell of the columns that are words.
fn sample(parts: &[Part], holds: &Holds) -> Result<Sample, SourceError> {
    let mut rows = Vec::new();
    for piece in Batches::new(parts, holds.batch_rows()) {
        match piece {
            Ok((part, start, Piece::Batch(batch))) => {
                let words = cells::words(&batch, holds.column(), &part.features);
                let numbered = (start.row..).zip(start.idx..).zip(words);
                rows.extend(
                    numbered.map(|((line, idx), words)| Ok(Row { line, idx, fields: Ok(words) })),
                );
            }
            Ok((_, start, Piece::Lost { reason, .. })) => {
                rows.push(Ok(Row { line: start.row, idx: start.idx, fields: Err(reason) }));
            }
            Err(error) => rows.push(Err(error)),
        }
        if rows.len() >= N_SAMPLED || rows.last().is_some_and(Result::is_err) {
            break;
        }
    }
    let rows: Rows<'_> = Box::new(rows.into_iter());
    Sample::of(&[], rows)
}

/// Whether a file holds columns of a dataset, and is not what the `datasets` library leaves of its own work.
pub(crate) fn is_part(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().as_encoded_bytes();
    is_columnar(file) && !name.starts_with(b"cache-")
}

/// Whether the name of a file says that it holds columns.
pub(crate) fn is_columnar(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    ENDINGS.contains(&ending.as_str())
}
