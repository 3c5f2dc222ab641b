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

use std::{
    iter,
    path::{Path, PathBuf},
};

use linprobe_core::{BadRecord, Content, Metadata, Record, RecordId, Records, Source, SourceError};

use self::delimited::Delimited;
use crate::{Kind, SourceOptions, failure::unsupported, seen::Seen};

pub(crate) use self::{
    columns::{Columns, Sample, is_known_text},
    json::{fields_of, text_of_line},
    lines::{Line, Lines, not_utf8, open_lines},
};

/// The longest row that is read, in bytes.
pub const MAX_ROW_BYTES: usize = 64 << 20;

/// A file of rows.
#[derive(Debug)]
pub(crate) struct Table {
    path: PathBuf,
    fingerprint: String,
    format: Format,
    columns: Columns,
}

impl Table {
    /// Looks at the first rows to learn the columns.
    pub(crate) fn open(
        path: &Path,
        kind: Kind,
        options: &SourceOptions,
        fingerprint: String,
    ) -> Result<Self, SourceError> {
        refuse_without_text(path)?;
        let format = Format::of(path, kind, options)?;
        let columns = if matches!(format, Format::Lines) {
            Columns::text_alone()
        } else {
            let sample = Sample::of(format.column_names(), format.rows(path)?)?;
            Columns::choose(path, &sample, options)?
        };
        Ok(Self { path: path.to_owned(), fingerprint, format, columns })
    }
}

impl Source for Table {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn records(&self) -> Records<'_> {
        match self.format.rows(&self.path) {
            Ok(rows) => Box::new(TableRecords {
                path: &self.path,
                columns: &self.columns,
                rows,
                seen: Seen::default(),
                ended: false,
            }),
            Err(error) => Box::new(iter::once(Err(error))),
        }
    }

    /// The number of lines, which is read in a fraction of the time that records take.
    fn n_records_hint(&self) -> Option<u64> {
        match self.format {
            Format::JsonArray => None,
            _ => Some(open_lines(&self.path).ok()?.count() as u64),
        }
    }
}

/// How the rows are written.
#[derive(Debug)]
enum Format {
    Delimited(Delimited),
    JsonLines,
    JsonArray,
    Lines,
}

impl Format {
    fn of(path: &Path, kind: Kind, options: &SourceOptions) -> Result<Self, SourceError> {
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
    fn column_names(&self) -> &[String] {
        match self {
            Self::Delimited(delimited) => delimited.names(),
            _ => &[],
        }
    }

    fn rows(&self, path: &Path) -> Result<Rows, SourceError> {
        Ok(match self {
            Self::Delimited(delimited) => Box::new(delimited.rows(path)?),
            Self::JsonLines => Box::new(json::rows(path)?),
            Self::JsonArray => Box::new(array::rows(path)?),
            Self::Lines => Box::new(text_rows(path)?),
        })
    }
}

/// Rows in the order of the file; after an error there are none.
pub(crate) type Rows = Box<dyn Iterator<Item = Result<Row, SourceError>> + Send>;

/// What stands in one row.
pub(crate) struct Row {
    /// The line that it starts in, from 1.
    pub(crate) line: u64,
    /// Its place among the rows, from 0.
    pub(crate) idx: u64,
    /// Its values by column, or why it has none.
    pub(crate) fields: Result<Metadata, String>,
}

/// Makes records of rows.
struct TableRecords<'a> {
    path: &'a Path,
    columns: &'a Columns,
    rows: Rows,
    seen: Seen,
    ended: bool,
}

impl TableRecords<'_> {
    fn record(&mut self, row: Row) -> Result<Record, BadRecord> {
        let mut known = self.columns.id.is_none().then(|| RecordId::from_row(row.idx));
        self.try_record(row.fields, &mut known).map_err(|reason| BadRecord {
            file: self.path.to_owned(),
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
        if self.ended {
            return None;
        }
        let row = self.rows.next()?;
        self.ended = row.is_err();
        Some(row.and_then(|row| Ok(self.record(row)?)))
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
