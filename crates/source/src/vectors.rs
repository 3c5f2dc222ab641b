//! Vectors that somebody else made: rows of a matrix in an npy, npz or safetensors file.
//!
//! Rows are streamed, and ids, texts and labels that stand beside them are streamed along, so that
//! what belongs together is one record from the moment it is read. That the counts agree is checked
//! when the source is opened. No header is believed: its sizes are held against the file's before
//! anything is allocated, and arrays of Python objects, which only pickle reads, are refused.

mod array;
mod beside;
mod matrix;
mod npy;
mod npz;
mod safetensors;

use std::{
    iter,
    path::{Path, PathBuf},
};

use linprobe_core::{
    BadId, BadRecord, Content, Metadata, NotAnEmbedding, Record, RecordId, Records, Source,
    SourceError,
};

use self::{
    array::Array,
    beside::{Beside, Values},
    matrix::{Matrix, MatrixRows},
};
use crate::{
    Kind, SourceOptions,
    failure::{io, listed, unsupported},
    natural,
    seen::Seen,
};

pub use self::matrix::MAX_DIMENSION;

/// Names of arrays that hold the vectors, where there are several matrices.
const VECTORS: [&str; 3] = ["embeddings", "vectors", "x"];

/// Matrices and what stands beside them.
#[derive(Debug)]
pub(crate) struct Vectors {
    fingerprint: String,
    parts: Vec<Matrix>,
    n_rows: u64,
    ids: Option<Beside>,
    texts: Option<Beside>,
    labels: Option<Beside>,
}

impl Vectors {
    /// Reads headers, finds what stands beside, and checks that all counts agree.
    pub(crate) fn open(
        location: &Path,
        kind: Kind,
        options: &SourceOptions,
        fingerprint: String,
    ) -> Result<Self, SourceError> {
        let (parts, members) = match kind {
            Kind::Npz => choose(location, npz::arrays(location)?, options)?,
            Kind::Safetensors => choose(location, safetensors::arrays(location)?, options)?,
            _ => (read_shards(location)?, Vec::new()),
        };
        let n_rows = parts.iter().map(|part| part.n_rows).sum();
        let find = |what, asked: &Option<PathBuf>| -> Result<Option<Beside>, SourceError> {
            let found = beside::find(what, asked.as_deref(), &members, &parts)?;
            found.map(|found| found.check(n_rows)).transpose()
        };
        Ok(Self {
            fingerprint,
            ids: find("ids", &options.ids)?,
            texts: find("texts", &options.texts)?,
            labels: find("labels", &options.labels)?,
            n_rows,
            parts,
        })
    }

    /// The part that holds a row, and the row's place in it.
    fn part_of(&self, row_idx: u64) -> Option<(&Matrix, u64)> {
        let mut place = row_idx;
        for part in &self.parts {
            match place.checked_sub(part.n_rows) {
                Some(further) => place = further,
                None => return Some((part, place)),
            }
        }
        None
    }

    /// The place of an id among the rows.
    fn place_of(&self, id: &RecordId) -> Result<Option<u64>, SourceError> {
        let Some(ids) = &self.ids else {
            let place = id.as_str().parse().ok();
            return Ok(place.filter(|&place| RecordId::from_row(place) == *id));
        };
        for (place, found) in (0..).zip(ids.values()?) {
            if found?.is_ok_and(|found| found.as_deref() == Some(id.as_str())) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    fn walk(&self) -> Result<Walk<'_>, SourceError> {
        let values = |beside: &Option<Beside>| beside.as_ref().map(Beside::values).transpose();
        Ok(Walk {
            parts: self.parts.iter(),
            reading: None,
            row_idx: 0,
            ids: values(&self.ids)?,
            texts: values(&self.texts)?,
            labels: values(&self.labels)?,
            seen: Seen::default(),
            ended: false,
        })
    }
}

impl Source for Vectors {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn records(&self) -> Records<'_> {
        match self.walk() {
            Ok(walk) => Box::new(walk),
            Err(error) => Box::new(iter::once(Err(error))),
        }
    }

    fn n_records_hint(&self) -> Option<u64> {
        Some(self.n_rows)
    }

    /// Reads one row where it stands, without those before it unless the file is compressed.
    fn record(&self, id: &RecordId) -> Result<Record, SourceError> {
        let not_found = || SourceError::NotFound { id: id.clone() };
        let row_idx = self.place_of(id)?.ok_or_else(not_found)?;
        let (part, place) = self.part_of(row_idx).ok_or_else(not_found)?;
        let mut walk = self.walk()?;
        walk.reading = Some((part, part.rows_from(place)?, place));
        walk.row_idx = row_idx;
        for values in [&mut walk.ids, &mut walk.texts, &mut walk.labels].into_iter().flatten() {
            values.skip_rows(row_idx)?;
        }
        walk.next().unwrap_or_else(|| Err(not_found()))
    }
}

/// Goes through the rows, and whatever is beside them.
struct Walk<'a> {
    parts: std::slice::Iter<'a, Matrix>,
    /// A part, its rows, and the place of the next one in it.
    reading: Option<(&'a Matrix, MatrixRows, u64)>,
    row_idx: u64,
    ids: Option<Values>,
    texts: Option<Values>,
    labels: Option<Values>,
    seen: Seen,
    ended: bool,
}

impl<'a> Walk<'a> {
    fn next_record(&mut self) -> Result<Option<Record>, SourceError> {
        let Some(row) = self.next_row()? else {
            return Ok(None);
        };
        let row_idx = self.row_idx;
        self.row_idx += 1;
        let next = |values: &mut Option<Values>| -> Result<Option<beside::Value>, SourceError> {
            values.as_mut().map(Values::next_value).transpose()
        };
        let beside = ValuesOfRow {
            id: next(&mut self.ids)?,
            text: next(&mut self.texts)?,
            label: next(&mut self.labels)?,
        };
        let mut known = self.ids.is_none().then(|| RecordId::from_row(row_idx));
        let record = self.record(row.vector, beside, &mut known).map_err(|reason| BadRecord {
            file: row.part.file().to_owned(),
            row: Some(row.place + 1),
            id: known,
            reason,
        });
        Ok(Some(record?))
    }

    /// Makes a record whose id may be known by its place; tells the id as soon as it is known.
    fn record(
        &mut self,
        vector: Vec<f32>,
        beside: ValuesOfRow,
        known: &mut Option<RecordId>,
    ) -> Result<Record, String> {
        if let Some(id) = beside.id {
            let id = id.map_err(|reason| format!("the id beside it is {reason}"))?;
            self.take_new_id(&id.unwrap_or_default(), known)?;
        }
        let id = known.clone().ok_or_else(|| BadId::Empty.to_string())?;
        refuse_directionless(&vector).map_err(|reason| reason.to_string())?;
        let text = beside.text.transpose();
        let text = text.map_err(|reason| format!("the text beside it is {reason}"))?.flatten();
        let label = beside.label.transpose();
        let label = label.map_err(|reason| format!("the label beside it is {reason}"))?.flatten();
        let content = Content::Vector { values: vector, text };
        Ok(Record { id, content, label, metadata: Metadata::new() })
    }

    fn take_new_id(&mut self, id: &str, known: &mut Option<RecordId>) -> Result<(), String> {
        let id = RecordId::new(id).map_err(|reason| reason.to_string())?;
        *known = Some(id.clone());
        self.seen.insert_new(&id)
    }

    fn next_row(&mut self) -> Result<Option<Row<'a>>, SourceError> {
        loop {
            if let Some((part, rows, next)) = &mut self.reading
                && let Some(vector) = rows.next()
            {
                let place = *next;
                *next += 1;
                return Ok(Some(Row { part, place, vector: vector.map_err(io(part.file()))? }));
            }
            let Some(part) = self.parts.next() else {
                return Ok(None);
            };
            self.reading = Some((part, part.rows_from(0)?, 0));
        }
    }
}

/// A row of a matrix.
struct Row<'a> {
    part: &'a Matrix,
    /// Its place in the part, from 0.
    place: u64,
    vector: Vec<f32>,
}

/// What stands beside a row, where there are ids, texts and labels.
struct ValuesOfRow {
    id: Option<beside::Value>,
    text: Option<beside::Value>,
    label: Option<beside::Value>,
}

impl Iterator for Walk<'_> {
    type Item = Result<Record, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = self.next_record();
        self.ended = !matches!(record, Ok(Some(_)) | Err(SourceError::Record(_)));
        record.transpose()
    }
}

/// A vector that has no direction is no use to anyone: it is refused where its row is known.
fn refuse_directionless(vector: &[f32]) -> Result<(), NotAnEmbedding> {
    if let Some(position) = vector.iter().position(|value| !value.is_finite()) {
        return Err(NotAnEmbedding::NotFinite { position });
    }
    if vector.iter().all(|&value| value == 0.0) {
        return Err(NotAnEmbedding::Zero);
    }
    Ok(())
}

/// The npy files of a folder that hold vectors, in natural order.
pub(crate) fn shards(root: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let mut files = Vec::new();
    for entry in root.read_dir().map_err(io(root))? {
        let path = entry.map_err(io(root))?.path();
        let is_npy = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy"));
        if is_npy && path.is_file() && !beside::is_beside(&path) {
            files.push(path);
        }
    }
    natural::sort(&mut files);
    Ok(files)
}

/// The matrix of an npy file, or of each in a folder of them.
fn read_shards(location: &Path) -> Result<Vec<Matrix>, SourceError> {
    let files = if location.is_dir() { shards(location)? } else { vec![location.to_owned()] };
    let parts: Vec<Matrix> =
        files.iter().map(|file| npy::array(file)?.into_matrix()).collect::<Result<_, _>>()?;
    let Some(first) = parts.first() else {
        let hint = "name a folder that holds .npy files, or a single file";
        return Err(unsupported(location, "the folder holds no .npy files", hint));
    };
    for part in &parts {
        if part.dimension != first.dimension {
            let (this, that) = (part.dimension, first.dimension);
            let reason = format!("{this} columns, {} has {that}", first.file().display());
            return Err(unsupported(part.file(), reason, "open the files one by one"));
        }
    }
    Ok(parts)
}

/// Chooses the matrix among the arrays of a file, and leaves the others.
fn choose(
    location: &Path,
    mut arrays: Vec<Array>,
    options: &SourceOptions,
) -> Result<(Vec<Matrix>, Vec<Array>), SourceError> {
    let shapes: Vec<String> = arrays.iter().map(Array::describe).collect();
    let refused = |reason: String| {
        Err(unsupported(location, reason, format!("it holds {}", listed(&shapes))))
    };
    let matrices: Vec<usize> =
        (0..arrays.len()).filter(|&place| arrays[place].is_matrix()).collect();
    let called = |name: &str| arrays.iter().position(|array| array.name.eq_ignore_ascii_case(name));
    let place = match (&options.tensor, matrices.as_slice()) {
        (Some(name), _) => match arrays.iter().position(|array| array.name == *name) {
            Some(place) => place,
            None => return refused(format!("there is no array {name:?}")),
        },
        (None, [only]) => *only,
        (None, []) => return refused("there is no matrix of floats".to_owned()),
        (None, _) => match VECTORS.into_iter().find_map(called) {
            Some(place) => place,
            None => return refused("which matrix holds the vectors is not told".to_owned()),
        },
    };
    let matrix = arrays.swap_remove(place).into_matrix()?;
    Ok((vec![matrix], arrays))
}
