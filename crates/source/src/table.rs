//! A table is a file of rows: csv, tsv, JSON lines, a JSON array, or lines of text.
//!
//! Each format gives its rows as fields by name, or as the reason why one cannot be read; what
//! makes a record of them is the same for all. A row keeps its number whatever becomes of it, so
//! ids never shift: without an id column the id is the index of the row from 0, where a blank line
//! and a bad row count like any other.

mod array;
mod columns;
mod delimited;
mod json;
mod lines;

use std::path::{Path, PathBuf};

use linprobe_core::{BadRecord, Content, Metadata, Record, RecordId, Records, Source, SourceError};

use self::delimited::Delimited;
use crate::{
    Kind, SourceOptions,
    failure::unsupported,
    place::{self, Place},
    seen::Seen,
    splits::SPLIT,
};

pub(crate) use self::{
    columns::{Columns, Sample, is_known_text},
    json::{fields_of, text_of_line},
    lines::{Line, Lines, not_utf8, open_lines},
};

/// The longest row that is read, in bytes.
pub const MAX_ROW_BYTES: usize = 64 << 20;

/// A file of rows, or several that are read as one.
#[derive(Debug)]
pub(crate) struct Table {
    fingerprint: String,
    parts: Vec<Part>,
    columns: Columns,
}

/// A file of rows, and what its place tells.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    format: Format,
    split: Option<String>,
}

impl Table {
    /// Looks at the first rows of the first file to learn the columns.
    pub(crate) fn open(
        place: &Place,
        kind: Kind,
        options: &SourceOptions,
        fingerprint: String,
    ) -> Result<Self, SourceError> {
        let is_folder = place.root().is_dir();
        let part = |path: PathBuf| {
            refuse_without_text(&path)?;
            let format = Format::of(&path, kind, options)?;
            let split = if is_folder { place.split_of(&path) } else { None };
            Ok(Part { path, format, split })
        };
        let is_part = |file: &Path| {
            Kind::of_file(file).is_ok_and(|found| found == kind) && !place::is_note(file)
        };
        let parts: Vec<Part> =
            place.files(is_part)?.into_iter().map(part).collect::<Result<_, SourceError>>()?;
        let Some(Part { path, format, .. }) = parts.first() else {
            let reason = format!("there is no file of the kind {kind}");
            return Err(unsupported(place.root(), reason, "name another kind, or the file"));
        };
        let columns = if matches!(format, Format::Lines) {
            Columns::text_alone()
        } else {
            let sample = Sample::of(format.column_names(), format.rows(path)?)?;
            Columns::choose(path, &sample, options)?
        };
        Ok(Self { fingerprint, parts, columns })
    }
}

impl Source for Table {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn records(&self) -> Records<'_> {
        Box::new(TableRecords {
            columns: &self.columns,
            parts: self.parts.iter(),
            reading: None,
            n_before: 0,
            n_rows: 0,
            seen: Seen::default(),
        })
    }

    /// The number of lines below the names, which is read in a fraction of the time that records take.
    fn n_records_hint(&self) -> Option<u64> {
        let n_lines = |part: &Part| {
            let n_named = match &part.format {
                Format::JsonArray => return None,
                Format::Delimited(delimited) => u64::from(delimited.has_header()),
                Format::JsonLines | Format::Lines => 0,
            };
            Some((open_lines(&part.path).ok()?.count() as u64).saturating_sub(n_named))
        };
        self.parts.iter().map(n_lines).sum()
    }
}

/// How the rows are written.
#[derive(Debug)]
pub(crate) enum Format {
    Delimited(Delimited),
    JsonLines,
    JsonArray,
    Lines,
}

impl Format {
    pub(crate) fn of(
        path: &Path,
        kind: Kind,
        options: &SourceOptions,
    ) -> Result<Self, SourceError> {
        match kind {
            Kind::Csv => Ok(Self::Delimited(Delimited::csv(path, options)?)),
            Kind::Tsv => Ok(Self::Delimited(Delimited::tsv(path, options)?)),
            Kind::JsonLines => Ok(Self::JsonLines),
            Kind::Json if json::is_lines(path)? => Ok(Self::JsonLines),
            Kind::Json => Ok(Self::JsonArray),
            _ => Ok(Self::Lines),
        }
    }

    /// The columns, where the file names them before its rows.
    pub(crate) fn column_names(&self) -> &[String] {
        match self {
            Self::Delimited(delimited) => delimited.names(),
            _ => &[],
        }
    }

    pub(crate) fn rows(&self, path: &Path) -> Result<Rows<'static>, SourceError> {
        Ok(match self {
            Self::Delimited(delimited) => Box::new(delimited.rows(path)?),
            Self::JsonLines => Box::new(json::rows(path)?),
            Self::JsonArray => Box::new(array::rows(path)?),
            Self::Lines => Box::new(text_rows(path)?),
        })
    }
}

/// Rows in the order of the file; after an error there are none.
pub(crate) type Rows<'a> = Box<dyn Iterator<Item = Result<Row, SourceError>> + Send + 'a>;

/// What stands in one row.
pub(crate) struct Row {
    /// The line that it starts in, from 1.
    pub(crate) line: u64,
    /// Its place among the rows, from 0.
    pub(crate) idx: u64,
    /// Its values by column, or why it has none.
    pub(crate) fields: Result<Metadata, String>,
}

/// Makes records of rows. Rows are numbered through all files.
struct TableRecords<'a> {
    columns: &'a Columns,
    parts: std::slice::Iter<'a, Part>,
    reading: Option<(&'a Part, Rows<'static>)>,
    /// Rows of the files before this one, and of this one so far.
    n_before: u64,
    n_rows: u64,
    seen: Seen,
}

impl<'a> TableRecords<'a> {
    /// The next row, and the file that it stands in; after an error there is none.
    fn next_row(&mut self) -> Option<Result<(&'a Part, Row), SourceError>> {
        loop {
            if let Some((part, rows)) = &mut self.reading {
                match rows.next() {
                    Some(Ok(row)) => {
                        self.n_rows = row.idx + 1;
                        return Some(Ok((*part, row)));
                    }
                    Some(Err(error)) => return Some(Err(self.end_with(error))),
                    None => self.reading = None,
                }
            }
            self.n_before += std::mem::take(&mut self.n_rows);
            let part = self.parts.next()?;
            match part.format.rows(&part.path) {
                Ok(rows) => self.reading = Some((part, rows)),
                Err(error) => return Some(Err(self.end_with(error))),
            }
        }
    }

    fn end_with(&mut self, error: SourceError) -> SourceError {
        self.reading = None;
        self.parts = [].iter();
        error
    }

    fn record(&mut self, part: &Part, row: Row) -> Result<Record, BadRecord> {
        let place = self.n_before + row.idx;
        let mut known = self.columns.id.is_none().then(|| RecordId::from_row(place));
        let fields = row.fields.map(|mut fields| {
            if let Some(split) = &part.split {
                fields.entry(SPLIT.to_owned()).or_insert_with(|| split.clone());
            }
            fields
        });
        self.try_record(fields, &mut known).map_err(|reason| BadRecord {
            file: part.path.clone(),
            row: Some(row.line),
            id: known,
            reason,
        })
    }

    /// Makes a record whose id may be known by its place; tells the id as soon as it is known.
    fn try_record(
        &mut self,
        fields: Result<Metadata, String>,
        known: &mut Option<RecordId>,
    ) -> Result<Record, String> {
        let mut fields = fields?;
        let id = self.columns.take_new_id(&mut fields, &mut self.seen, known)?;
        let text = self.columns.take_text(&mut fields)?;
        let label = self.columns.take_label(&mut fields);
        self.columns.keep(&mut fields);
        Ok(Record { id, content: Content::Text(text), label, metadata: fields })
    }
}

impl Iterator for TableRecords<'_> {
    type Item = Result<Record, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.next_row()?;
        Some(row.and_then(|(part, row)| Ok(self.record(part, row)?)))
    }
}

/// The rows of a plain text file.
fn text_rows(
    path: &Path,
) -> Result<impl Iterator<Item = Result<Row, SourceError>> + use<>, SourceError> {
    let rows = open_lines(path)?.map(|line| {
        let line = line?;
        let text = line.text().map(|text| {
            (!text.trim().is_empty())
                .then(|| Metadata::from([(columns::TEXT.to_owned(), text.to_owned())]))
        });
        Ok(text.transpose().map(|fields| Row { line: line.number, idx: line.number - 1, fields }))
    });
    Ok(rows.filter_map(Result::transpose))
}

/// A file of no bytes, or of UTF-16 as spreadsheets write it, says so at once.
fn refuse_without_text(path: &Path) -> Result<(), SourceError> {
    let start = Lines::peek(path)?;
    match start.as_slice() {
        [] => Err(unsupported(path, "the file is empty", "is it the right file?")),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            let hint = "save it as UTF-8, for example: iconv -f UTF-16 -t UTF-8";
            Err(unsupported(path, "the file is UTF-16", hint))
        }
        _ => Ok(()),
    }
}
