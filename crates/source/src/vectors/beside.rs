//! Ids, texts and labels that stand beside a matrix: a value for each row.
//!
//! They are looked for where people leave them, in this order: the file that the options name, a
//! member of the same file (`ids`), files named after the matrix (`NAME.ids.txt`, also without the
//! `.f16` that a name may end in), and files without its name (`ids.txt`). A file found with
//! another count than the matrix has rows is an error: to overlook it could give records the ids
//! of others.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use linprobe_core::SourceError;
use linprobe_tensors::{Element, Endian};

use super::{array::Array, matrix::Matrix, npy};
use crate::{
    MAX_ROW_BYTES,
    failure::{io, unsupported},
    table::{Line, Lines, not_utf8, open_lines, text_of_line},
};

/// What can stand beside a matrix.
const WHAT: [&str; 3] = ["ids", "texts", "labels"];

/// The endings of files beside a matrix.
const ENDINGS: [&str; 3] = ["txt", "jsonl", "npy"];

/// Endings of the names of matrices that tell how they are kept.
const PRECISIONS: [&str; 5] = [".f16", ".f32", ".f64", ".bf16", ".fp16"];

/// Whether an npy file is named as one that stands beside a matrix.
pub(crate) fn is_beside(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let last = stem.rsplit('.').next().unwrap_or_default();
    WHAT.contains(&last)
}

/// Finds the values of one kind.
pub(crate) fn find(
    what: &str,
    asked: Option<&Path>,
    members: &[Array],
    parts: &[Matrix],
) -> Result<Option<Beside>, SourceError> {
    if let Some(path) = asked {
        return Ok(Some(Beside { columns: vec![Column::open(path)?] }));
    }
    if let Some(member) = members.iter().find(|member| member.name.eq_ignore_ascii_case(what)) {
        return Ok(Some(Beside { columns: vec![Column::of_array(member.clone())?] }));
    }
    let files = files_beside(what, parts);
    let columns = files.iter().map(|path| Column::open(path)).collect::<Result<Vec<_>, _>>()?;
    Ok((!columns.is_empty()).then_some(Beside { columns }))
}

/// Files named after the parts, or else one for all.
fn files_beside(what: &str, parts: &[Matrix]) -> Vec<PathBuf> {
    let named = |part: &Matrix| {
        let stem = part.file().file_stem()?.to_string_lossy().into_owned();
        let without = PRECISIONS.into_iter().find_map(|precision| stem.strip_suffix(precision));
        let mut names = [Some(stem.as_str()), without].into_iter().flatten();
        names.find_map(|name| existing(part.file(), &format!("{name}.{what}")))
    };
    let by_name: Vec<PathBuf> = parts.iter().filter_map(named).collect();
    if by_name.is_empty() {
        parts.first().and_then(|part| existing(part.file(), what)).into_iter().collect()
    } else {
        by_name
    }
}

/// The file of a name, with any ending, in the folder of another.
fn existing(beside: &Path, name: &str) -> Option<PathBuf> {
    let mut paths = ENDINGS.iter().map(|ending| beside.with_file_name(format!("{name}.{ending}")));
    paths.find(|path| path != beside && path.is_file())
}

/// A value for each row, in one file or several.
#[derive(Debug)]
pub(crate) struct Beside {
    columns: Vec<Column>,
}

impl Beside {
    /// Checks that there are as many values as rows.
    pub(crate) fn check(self, n_rows: u64) -> Result<Self, SourceError> {
        let mut n_values = 0;
        for column in &self.columns {
            n_values += column.n_values()?;
        }
        match self.columns.last() {
            Some(column) if n_values != n_rows => {
                let reason = format!("{n_values} {} for {n_rows} rows of vectors", column.name());
                let hint = "each row needs one; rename the file if it belongs to other vectors";
                Err(unsupported(column.file(), reason, hint))
            }
            _ => Ok(self),
        }
    }

    /// The values from the first on.
    pub(crate) fn values(&self) -> Result<Values, SourceError> {
        let mut readers = self.columns.iter().map(Column::reader).collect::<Result<Vec<_>, _>>()?;
        readers.reverse();
        let last = self.columns.last().map(|column| column.file().to_owned()).unwrap_or_default();
        Ok(Values { readers, last })
    }
}

/// What stands beside one row: nothing where it is blank, or why it cannot be read.
pub(crate) type Value = Result<Option<String>, String>;

/// Values in the order of the rows.
pub(crate) struct Values {
    /// Those still to read, the next one last.
    readers: Vec<Reader>,
    last: PathBuf,
}

impl Values {
    /// The value of the next row.
    pub(crate) fn next_value(&mut self) -> Result<Value, SourceError> {
        self.next().unwrap_or_else(|| {
            let hint = "open the dataset again";
            Err(unsupported(&self.last, "it has become shorter since it was opened", hint))
        })
    }

    /// Passes over so many rows.
    pub(crate) fn skip_rows(&mut self, n_rows: u64) -> Result<(), SourceError> {
        (0..n_rows).try_for_each(|_| self.next_value().map(drop))
    }
}

impl Iterator for Values {
    type Item = Result<Value, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(reader) = self.readers.last_mut() {
            if let Some(value) = reader.next_value() {
                return Some(value);
            }
            self.readers.pop();
        }
        None
    }
}

/// Values of one file.
#[derive(Debug)]
enum Column {
    /// One a line.
    Lines(PathBuf),
    /// One a line, as a JSON string or an object with a text.
    JsonLines(PathBuf),
    /// Strings or integers.
    Array(Array),
}

impl Column {
    fn open(path: &Path) -> Result<Self, SourceError> {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        match ending.as_str() {
            "npy" => Self::of_array(npy::array(path)?),
            "jsonl" | "ndjson" => Ok(Self::JsonLines(path.to_owned())),
            _ => Ok(Self::Lines(path.to_owned())),
        }
    }

    fn of_array(array: Array) -> Result<Self, SourceError> {
        if !matches!(array.shape[..], [_] | [_, 1]) {
            return Err(array.unsupported("is not one value for each row", "save array.ravel()"));
        }
        match array.element {
            Element::Signed(_) | Element::Unsigned(_) => {}
            Element::Bytes(_) | Element::Unicode(_)
                if array.element.n_bytes() <= MAX_ROW_BYTES as u64 => {}
            Element::Bytes(_) | Element::Unicode(_) => {
                return Err(array.unsupported("holds strings that are too long", "shorten them"));
            }
            _ => {
                let hint = "save array.astype(str); objects need pickle, which is never read";
                return Err(array.unsupported("holds neither strings nor integers", hint));
            }
        }
        array.check_size()?;
        Ok(Self::Array(array))
    }

    fn file(&self) -> &Path {
        match self {
            Self::Lines(path) | Self::JsonLines(path) => path,
            Self::Array(array) => &array.place.file,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Lines(_) | Self::JsonLines(_) => "lines",
            Self::Array(array) => &array.name,
        }
    }

    fn n_values(&self) -> Result<u64, SourceError> {
        match self {
            Self::Lines(path) | Self::JsonLines(path) => {
                open_lines(path)?.try_fold(0, |n_values, line| line.map(|_| n_values + 1))
            }
            Self::Array(array) => Ok(array.shape.first().copied().unwrap_or_default()),
        }
    }

    fn reader(&self) -> Result<Reader, SourceError> {
        Ok(match self {
            Self::Lines(path) => Reader::Lines(open_lines(path)?),
            Self::JsonLines(path) => Reader::JsonLines(open_lines(path)?),
            Self::Array(array) => Reader::Array {
                values: array.place.open_at(0).map_err(io(&array.place.file))?,
                n_left: array.shape.first().copied().unwrap_or_default(),
                array: array.clone(),
            },
        })
    }
}

/// Reads the values of one file.
enum Reader {
    Lines(Lines),
    JsonLines(Lines),
    Array { array: Array, values: Box<dyn Read + Send>, n_left: u64 },
}

impl Reader {
    fn next_value(&mut self) -> Option<Result<Value, SourceError>> {
        match self {
            Self::Lines(lines) => Some(lines.next()?.map(|line| value_of_line(&line, Ok))),
            Self::JsonLines(lines) => {
                Some(lines.next()?.map(|line| value_of_line(&line, |text| text_of_line(&text))))
            }
            Self::Array { array, values, n_left } => {
                *n_left = n_left.checked_sub(1)?;
                Some(value_of_array(array, values).map_err(io(&array.place.file)))
            }
        }
    }
}

fn value_of_line(line: &Line, value: impl Fn(String) -> Result<String, String>) -> Value {
    if line.is_blank() {
        return Ok(None);
    }
    value(line.text()?.to_owned()).map(Some)
}

fn value_of_array(array: &Array, values: &mut impl Read) -> std::io::Result<Value> {
    let mut bytes = vec![0; usize::try_from(array.element.n_bytes()).unwrap_or(MAX_ROW_BYTES)];
    values.read_exact(&mut bytes)?;
    let value = match array.element {
        Element::Signed(_) => Ok(signed(&bytes, array.endian).to_string()),
        Element::Unicode(_) => unicode(&bytes, array.endian),
        Element::Bytes(_) => {
            let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            bytes.truncate(end);
            String::from_utf8(bytes).map_err(|e| not_utf8(&e.utf8_error()))
        }
        _ => Ok(unsigned(&bytes, array.endian).to_string()),
    };
    Ok(value.map(|value| (!value.is_empty()).then_some(value)))
}

const NOT_A_STRING: &str = "not Unicode";

fn unsigned(bytes: &[u8], endian: Endian) -> u64 {
    let add = |sum: u64, &byte: &u8| (sum << 8) | u64::from(byte);
    match endian {
        Endian::Little => bytes.iter().rev().fold(0, add),
        Endian::Big => bytes.iter().fold(0, add),
    }
}

/// Fills the bits above with the sign.
fn signed(bytes: &[u8], endian: Endian) -> i64 {
    let n_above = 64 - 8 * bytes.len().clamp(1, 8);
    (unsigned(bytes, endian) << n_above).cast_signed() >> n_above
}

fn unicode(bytes: &[u8], endian: Endian) -> Result<String, String> {
    let units = bytes.as_chunks().0.iter().map(|&unit| match endian {
        Endian::Little => u32::from_le_bytes(unit),
        Endian::Big => u32::from_be_bytes(unit),
    });
    let text: Option<String> = units.map(char::from_u32).collect();
    let text = text.ok_or_else(|| NOT_A_STRING.to_owned())?;
    Ok(text.trim_end_matches('\0').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_any_width_and_byte_order_are_read() {
        assert_eq!(signed(&[0xfe, 0xff], Endian::Little), -2);
        assert_eq!(signed(&[0xff, 0xfe], Endian::Big), -2);
        assert_eq!(signed(&i64::MIN.to_le_bytes(), Endian::Little), i64::MIN);
        assert_eq!(unsigned(&u64::MAX.to_be_bytes(), Endian::Big), u64::MAX);
        assert_eq!(unsigned(&[7], Endian::Little), 7);
    }

    #[test]
    fn strings_lose_their_padding_and_nothing_else() {
        let units: Vec<u8> = "é\0x\0\0".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        assert_eq!(unicode(&units, Endian::Little).unwrap(), "é\0x");
        assert_eq!(unicode(&[0xff; 4], Endian::Little).unwrap_err(), NOT_A_STRING);
    }

    #[test]
    fn files_beside_are_told_by_their_last_name() {
        assert!(is_beside(Path::new("a/train.labels.npy")));
        assert!(is_beside(Path::new("ids.npy")));
        assert!(!is_beside(Path::new("kids.npy")));
        assert!(!is_beside(Path::new("labels.val.npy")));
    }
}
