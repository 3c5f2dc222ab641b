//! Comma- and tab-separated values, read so that a broken row takes no other with it.
//!
//! A reader of whole records cannot promise that: a stray quote opens a field that runs to the next
//! quote, or the end of the file. Here a record grows line by line; when its quotes turn out to be
//! wrong, its first line alone is bad and reading goes on with the second. A quote is wrong when
//! nothing closes it, when text follows the one that closes it, or when the row that it makes of
//! several lines has more or fewer fields than the table.
//!
//! Tab-separated values know no quotes in one tradition and those of csv in another. Here a quote
//! counts when the one that closes it ends a field on the same line; else it is a letter.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use linprobe_core::{Metadata, SourceError};

use super::{
    Row,
    columns::{self, MAX_COLUMNS},
    lines::{Line, Lines, TooLong, not_utf8, open_lines, without_end},
};
use crate::{MAX_ROW_BYTES, SourceOptions, failure::unsupported};

/// How many bytes a file may cause to be read twice by quotes that are wrong: a hostile one could
/// otherwise have each of its lines read to the end of the file.
const MAX_REREAD_BYTES: usize = 16 * MAX_ROW_BYTES;

/// A csv or tsv file.
#[derive(Debug)]
pub(crate) struct Delimited {
    dialect: Dialect,
    header: Header,
    names: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Csv,
    Semicolons,
    Tsv,
}

impl Dialect {
    fn delimiter(self) -> u8 {
        match self {
            Self::Csv => b',',
            Self::Semicolons => b';',
            Self::Tsv => b'\t',
        }
    }
}

/// What the first row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    Names,
    Absent,
}

impl Delimited {
    /// Reads the first row of a csv file.
    pub(crate) fn csv(path: &Path, options: &SourceOptions) -> Result<Self, SourceError> {
        let dialect = if has_semicolons(path)? { Dialect::Semicolons } else { Dialect::Csv };
        Self::of(path, dialect, options)
    }

    /// Reads the first row of a tsv file.
    pub(crate) fn tsv(path: &Path, options: &SourceOptions) -> Result<Self, SourceError> {
        Self::of(path, Dialect::Tsv, options)
    }

    fn of(path: &Path, dialect: Dialect, options: &SourceOptions) -> Result<Self, SourceError> {
        let first = match RawRows::open(path, dialect)?.next() {
            Some(first) => first?,
            None => return Err(unsupported(path, "the file is blank", "is it the right file?")),
        };
        let cells = first.cells.map_err(|reason| first_row_is_bad(path, &reason))?;
        let cells: Result<Vec<String>, _> = cells.into_iter().map(String::from_utf8).collect();
        let cells = cells.map_err(|e| first_row_is_bad(path, &not_utf8(&e.utf8_error())))?;
        let cells: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
        let header = header_of(&cells, dialect, options);
        let names = match header {
            Header::Names => distinct(cells),
            Header::Absent => (1..=cells.len()).map(|place| place.to_string()).collect(),
        };
        Ok(Self { dialect, header, names })
    }

    /// The names of the columns.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the first row names the columns.
    pub(crate) fn has_header(&self) -> bool {
        self.header == Header::Names
    }

    /// The rows below the header.
    pub(crate) fn rows(
        &self,
        path: &Path,
    ) -> Result<impl Iterator<Item = Result<Row, SourceError>> + use<>, SourceError> {
        let mut raw = RawRows::open(path, self.dialect)?;
        raw.n_columns = Some(self.names.len());
        if self.has_header() {
            raw.next().transpose()?;
            raw.n_rows = 0;
        }
        let names = self.names.clone();
        Ok(raw.map(move |row| {
            let RawRow { line, idx, cells } = row?;
            Ok(Row { line, idx, fields: cells.and_then(|cells| named(&names, cells)) })
        }))
    }
}

/// Whether semicolons separate the columns, as spreadsheets write csv where the comma is for decimals: the first row has
/// some and no comma, and the second has as many.
fn has_semicolons(path: &Path) -> Result<bool, SourceError> {
    let count = |line: &[u8], byte| memchr::memchr_iter(byte, line).count();
    let rows = open_lines(path)?.filter(|line| !line.as_ref().is_ok_and(Line::is_empty)).take(2);
    let rows = rows.map(|line| Ok(line?.content.unwrap_or_default()));
    let rows: Vec<Vec<u8>> = rows.collect::<Result<_, SourceError>>()?;
    let Some((first, others)) = rows.split_first() else { return Ok(false) };
    let n_columns = count(first, b';');
    let is_alike = others.iter().all(|other| count(other, b';') >= n_columns);
    Ok(n_columns > 0 && count(first, b',') == 0 && is_alike)
}

/// Puts the names of the columns to the cells of a row.
fn named(names: &[String], cells: Vec<Vec<u8>>) -> Result<Metadata, String> {
    if cells.len() != names.len() {
        return Err(format!("{} fields, {} are expected", cells.len(), names.len()));
    }
    let pairs = names.iter().zip(cells).map(|(name, cell)| match String::from_utf8(cell) {
        Ok(cell) => Ok((name.clone(), cell)),
        Err(e) => Err(format!("the field {name:?} is {}", not_utf8(&e.utf8_error()))),
    });
    pairs.collect()
}

/// Decides whether the first row names the columns.
fn header_of(cells: &[String], dialect: Dialect, options: &SourceOptions) -> Header {
    let asked: Vec<&str> = [&options.id, &options.text, &options.label]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let names_what_is_asked = cells.iter().any(|cell| asked.contains(&cell.as_str()));
    let asked_by_place = asked.iter().any(|name| name.parse::<usize>().is_ok());
    if names_what_is_asked {
        Header::Names
    } else if asked_by_place {
        Header::Absent
    } else if cells.iter().any(|cell| columns::is_known(cell)) {
        Header::Names
    } else if dialect == Dialect::Tsv || cells.iter().any(|cell| columns::is_number(cell)) {
        Header::Absent
    } else {
        Header::Names
    }
}

/// Gives every column a name of its own: its place where it has none, `name.1` for the second
/// `name`.
fn distinct(cells: Vec<String>) -> Vec<String> {
    let mut taken = HashMap::<String, usize>::new();
    let named = cells.into_iter().enumerate().map(|(place, cell)| {
        let cell = if cell.is_empty() { (place + 1).to_string() } else { cell };
        let mut name = cell.clone();
        while taken.contains_key(&name) {
            let n_copies = taken.entry(cell.clone()).or_default();
            *n_copies += 1;
            name = format!("{cell}.{n_copies}");
        }
        taken.insert(name.clone(), 0);
        name
    });
    named.collect()
}

fn first_row_is_bad(path: &Path, reason: &str) -> SourceError {
    let hint = "a csv or tsv file starts with the names of its columns, in UTF-8";
    unsupported(path, format!("the first row cannot be read: {reason}"), hint)
}

/// A row as it stands in the file.
struct RawRow {
    line: u64,
    idx: u64,
    cells: Cells,
}

/// The fields of a row, or why they cannot be told.
type Cells = Result<Vec<Vec<u8>>, String>;

/// Puts lines together into rows.
struct RawRows {
    path: PathBuf,
    lines: Lines,
    dialect: Dialect,
    /// How many fields a row has, once the first row told.
    n_columns: Option<usize>,
    /// Rows so far, blank lines included.
    n_rows: u64,
    n_reread_bytes: usize,
    ended: bool,
}

impl RawRows {
    fn open(path: &Path, dialect: Dialect) -> Result<Self, SourceError> {
        let lines = open_lines(path)?;
        Ok(Self {
            path: path.to_owned(),
            lines,
            dialect,
            n_columns: None,
            n_rows: 0,
            n_reread_bytes: 0,
            ended: false,
        })
    }

    fn next_row(&mut self) -> Option<Result<RawRow, SourceError>> {
        let first = loop {
            match self.lines.next()? {
                Ok(line) if line.is_empty() => self.n_rows += 1,
                line => break line,
            }
        };
        Some(first.and_then(|first| {
            let (line, idx) = (first.number, self.n_rows);
            self.n_rows += 1;
            Ok(RawRow { line, idx, cells: self.cells(first)? })
        }))
    }

    /// The cells of the row that starts with a line, which takes as many lines as its quotes say.
    fn cells(&mut self, first: Line) -> Result<Cells, SourceError> {
        let Ok(bytes) = first.content else {
            return Ok(Err(TooLong.to_string()));
        };
        if memchr::memchr(b'"', &bytes).is_none() {
            return Ok(plain_cells(&bytes, self.dialect.delimiter()));
        }
        match self.dialect {
            Dialect::Csv | Dialect::Semicolons => self.quoted_cells(first.number, &bytes),
            Dialect::Tsv => Ok(tsv_cells(&bytes)),
        }
    }

    fn quoted_cells(&mut self, number: u64, first: &[u8]) -> Result<Cells, SourceError> {
        let mut cells = CsvCells::of(self.dialect);
        let mut state = cells.take_line(first);
        let mut further = Vec::new();
        while state == Quotes::Open {
            let line = match self.lines.next().transpose()? {
                Some(Line { content: Ok(line), .. }) => line,
                Some(_) => return Ok(Err(TooLong.to_string())),
                None => break,
            };
            state = cells.take_line(&line);
            further.extend_from_slice(&line);
            if further.len() > MAX_ROW_BYTES {
                break;
            }
        }
        let n_cells = cells.cells.len();
        let fits = further.is_empty() || self.n_columns.is_none_or(|n| n == n_cells);
        if state == Quotes::Closed && fits {
            return Ok(Ok(cells.cells));
        }
        self.give_back(further, number)?;
        Ok(Err(match state {
            Quotes::Open => "a quote is opened and never closed".to_owned(),
            Quotes::TooMany => too_many_fields(),
            Quotes::Closed => format!("a quote joins it with later rows into {n_cells} fields"),
            Quotes::Wrong => "a quoted field goes on after the quote that closes it".to_owned(),
        }))
    }

    /// Lets all lines but the first be read again, while that does not get out of hand.
    fn give_back(&mut self, further: Vec<u8>, number: u64) -> Result<(), SourceError> {
        self.n_reread_bytes = self.n_reread_bytes.saturating_add(further.len());
        if self.n_reread_bytes > MAX_REREAD_BYTES {
            let reason = format!("row {number} is the last of too many whose quotes are wrong");
            let hint = "a field that holds quotes stands in quotes, and those inside are doubled";
            return Err(unsupported(&self.path, reason, hint));
        }
        self.lines.unread(further, number);
        Ok(())
    }
}

impl Iterator for RawRows {
    type Item = Result<RawRow, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let row = self.next_row();
        self.ended = !matches!(row, Some(Ok(_)));
        row
    }
}

/// How the quotes of a row stand at the end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    /// The row is complete.
    Closed,
    /// The row goes on in the next line.
    Open,
    /// The row cannot be csv.
    Wrong,
    /// The row has more fields than any table.
    TooMany,
}

/// The cells of a row, taken line by line.
struct CsvCells {
    delimiter: u8,
    cells: Vec<Vec<u8>>,
    /// The quoted field that the last line left open.
    open: Option<Vec<u8>>,
}

impl CsvCells {
    fn of(dialect: Dialect) -> Self {
        Self { delimiter: dialect.delimiter(), cells: Vec::new(), open: None }
    }

    fn take_line(&mut self, line: &[u8]) -> Quotes {
        let mut rest = line;
        loop {
            if self.cells.len() >= MAX_COLUMNS {
                return Quotes::TooMany;
            }
            let (state, after) = self.take_field(rest);
            match after {
                Some(after) => rest = after,
                None => return state,
            }
        }
    }

    /// Takes one field, and gives what follows the delimiter after it.
    fn take_field<'a>(&mut self, rest: &'a [u8]) -> (Quotes, Option<&'a [u8]>) {
        let quoted = match (self.open.take(), rest) {
            (Some(cell), rest) => Some((cell, rest)),
            (None, [b'"', rest @ ..]) => Some((Vec::new(), rest)),
            _ => None,
        };
        let Some((mut cell, rest)) = quoted else {
            let (cell, after) = split_at_delimiter(rest, self.delimiter);
            self.cells.push(cell.to_vec());
            return (Quotes::Closed, after);
        };
        let Some(rest) = take_quoted(&mut cell, rest) else {
            self.open = Some(cell);
            return (Quotes::Open, None);
        };
        self.cells.push(cell);
        match without_end(rest) {
            [] => (Quotes::Closed, None),
            [delimiter, after @ ..] if *delimiter == self.delimiter => {
                (Quotes::Closed, Some(after))
            }
            _ => (Quotes::Wrong, None),
        }
    }
}

/// Takes a quoted field up to the quote that closes it, and gives what follows; none when the line
/// ends first.
fn take_quoted<'a>(cell: &mut Vec<u8>, mut rest: &'a [u8]) -> Option<&'a [u8]> {
    loop {
        let Some(quote) = memchr::memchr(b'"', rest) else {
            cell.extend_from_slice(rest);
            return None;
        };
        let (text, after) = rest.split_at(quote);
        cell.extend_from_slice(text);
        match after {
            [b'"', b'"', after @ ..] => {
                cell.push(b'"');
                rest = after;
            }
            _ => return after.get(1..),
        }
    }
}

/// Takes a plain field, and gives what follows the delimiter after it.
fn split_at_delimiter(line: &[u8], delimiter: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(delimiter, line) {
        Some(end) => (line.get(..end).unwrap_or_default(), line.get(end + 1..)),
        None => (without_end(line), None),
    }
}

/// The cells of a line without quotes.
fn plain_cells(line: &[u8], delimiter: u8) -> Cells {
    let cells = without_end(line).split(|&byte| byte == delimiter).take(MAX_COLUMNS + 1);
    let cells: Vec<Vec<u8>> = cells.map(<[u8]>::to_vec).collect();
    if cells.len() > MAX_COLUMNS { Err(too_many_fields()) } else { Ok(cells) }
}

/// The cells of a line of tab-separated values.
fn tsv_cells(line: &[u8]) -> Cells {
    let mut cells = Vec::new();
    let mut rest = Some(without_end(line));
    while let Some(line) = rest {
        if cells.len() >= MAX_COLUMNS {
            return Err(too_many_fields());
        }
        let mut cell = Vec::new();
        let quoted = line.strip_prefix(b"\"").and_then(|inner| take_quoted(&mut cell, inner));
        rest = match quoted {
            Some([]) => None,
            Some([b'\t', after @ ..]) => Some(after),
            _ => {
                let (text, after) = split_at_delimiter(line, b'\t');
                cell = text.to_vec();
                after
            }
        };
        cells.push(cell);
    }
    Ok(cells)
}

fn too_many_fields() -> String {
    format!("more than {MAX_COLUMNS} fields")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(lines: &[&str]) -> (Quotes, Vec<String>) {
        let mut cells = CsvCells::of(Dialect::Csv);
        let states: Vec<Quotes> =
            lines.iter().map(|line| cells.take_line(line.as_bytes())).collect();
        let cells = cells.cells.into_iter().map(|cell| String::from_utf8(cell).unwrap());
        (*states.last().unwrap(), cells.collect())
    }

    fn texts(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|&cell| cell.to_owned()).collect()
    }

    #[test]
    fn quotes_hold_commas_line_ends_and_doubled_quotes() {
        let (state, cells) = csv(&["a,\"b,\r\n", "\"\"c\"\"\",\r\n"]);
        assert_eq!((state, cells), (Quotes::Closed, texts(&["a", "b,\r\n\"c\"", ""])));
    }

    #[test]
    fn a_quote_inside_a_plain_field_is_a_letter() {
        assert_eq!(csv(&["5\" disk,x\n"]), (Quotes::Closed, texts(&["5\" disk", "x"])));
    }

    #[test]
    fn wrong_quotes_are_told() {
        assert_eq!(csv(&["a,\"b\n"]).0, Quotes::Open);
        assert_eq!(csv(&["a,\"b\"c\n"]).0, Quotes::Wrong);
    }

    #[test]
    fn in_tsv_a_quote_counts_only_when_it_closes_before_the_tab() {
        let cells = |line: &str| {
            let cells = tsv_cells(line.as_bytes()).unwrap();
            cells.into_iter().map(|cell| String::from_utf8(cell).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(cells("\"a\tb\"\t\"c\"\"d\"\n"), ["a\tb", "c\"d"]);
        assert_eq!(cells("\"a\" b\t\"c\r\n"), ["\"a\" b", "\"c"]);
    }

    #[test]
    fn columns_get_names_of_their_own() {
        let names = distinct(texts(&["", "a", "a", "a.1", "a"]));
        assert_eq!(names, ["1", "a", "a.1", "a.1.1", "a.2"]);
    }

    #[test]
    fn a_row_of_too_many_fields_is_refused() {
        let plain = ",".repeat(MAX_COLUMNS);
        assert_eq!(plain_cells(plain.as_bytes(), b',').unwrap_err(), "more than 16384 fields");
        assert_eq!(csv(&[&format!("\"\"{plain}")]).0, Quotes::TooMany);
        let tabs = format!("\"\"{}", "\t".repeat(MAX_COLUMNS));
        assert_eq!(tsv_cells(tabs.as_bytes()).unwrap_err(), "more than 16384 fields");
    }

    #[test]
    fn a_file_is_not_read_over_and_over_for_its_wrong_quotes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file.as_file(), b"a,\"b\nc,d\n").unwrap();
        let mut rows = RawRows::open(file.path(), Dialect::Csv).unwrap();
        rows.n_reread_bytes = MAX_REREAD_BYTES;
        let error = rows.next().unwrap().map(|row| row.line).unwrap_err().to_string();
        assert!(error.contains("row 1 is the last of too many whose quotes are wrong"), "{error}");
        assert!(rows.next().is_none());
    }
}
