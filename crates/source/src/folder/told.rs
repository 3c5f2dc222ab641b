//! What files beside the pictures tell of them: `metadata.csv`, `metadata.jsonl` and `metadata.parquet`, as the
//! `ImageFolder` of Hugging Face's `datasets` has them.
//!
//! Each row names a picture in its column `file_name`, by a path from the folder that the file stands in.
//! Its other columns are kept in memory as JSON, which takes about what they take in the file. Rows that
//! tell of no picture take none: they are read again when they are to be named.

use std::path::{Component, Path, PathBuf};

use linprobe_core::{BadRecord, Metadata, SourceError};

use crate::{
    Kind, SourceOptions,
    columnar::Words,
    table::{Columns, Format, Row, Rows, Sample},
};

/// The column that names the picture.
const FILE_NAME: &str = "file_name";

/// The kind of a file that may tell of pictures; none for all others.
pub(super) fn kind_of(file: &Path) -> Option<Kind> {
    match file.file_name()?.to_str()? {
        "metadata.csv" => Some(Kind::Csv),
        "metadata.jsonl" => Some(Kind::JsonLines),
        "metadata.parquet" => Some(Kind::Columnar),
        _ => None,
    }
}

/// A file that tells of pictures.
#[derive(Debug)]
pub(super) struct MetadataFile {
    path: PathBuf,
    /// The folder that its rows begin at, below the root.
    folder: PathBuf,
    form: Form,
    columns: Columns,
}

#[derive(Debug)]
enum Form {
    Table(Format),
    Columnar(Words),
}

/// A row that tells of a picture.
pub(super) struct Telling {
    pub(super) line: u64,
    /// Below the root.
    pub(super) picture: PathBuf,
    pub(super) words: Metadata,
}

impl MetadataFile {
    /// Looks at the first rows. A file of that name that tells of no pictures is none, with the reason.
    ///
    /// # Errors
    /// It cannot be read, or lacks a column that was asked for.
    pub(super) fn open(
        root: &Path,
        path: &Path,
        options: &SourceOptions,
    ) -> Result<Result<Self, String>, SourceError> {
        let (form, sample) = match Form::open(path, options) {
            Ok(opened) => opened,
            Err(SourceError::Unsupported { reason, .. }) => return Ok(Err(reason)),
            Err(error) => return Err(error),
        };
        if !sample.has(FILE_NAME) {
            return Ok(Err(format!("it has no column {FILE_NAME:?}")));
        }
        let columns = Columns::beside_content(path, &sample, options)?;
        let folder = path.parent().and_then(|folder| folder.strip_prefix(root).ok());
        let folder = folder.unwrap_or(Path::new("")).to_owned();
        Ok(Ok(Self { path: path.to_owned(), folder, form, columns }))
    }

    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// What each row tells, or why it tells nothing.
    pub(super) fn tellings(&self) -> impl Iterator<Item = Result<Telling, BadRecord>> + Send {
        let rows: Rows<'_> = match self.form.rows(&self.path) {
            Ok(rows) => rows,
            Err(error) => Box::new(std::iter::once(Err(error))),
        };
        rows.map(move |row| match row {
            Ok(row) => {
                let line = row.line;
                self.telling(row).map_err(|reason| self.bad(Some(line), reason))
            }
            Err(error) => Err(self.bad(None, format!("its rows end early: {error}"))),
        })
    }

    fn telling(&self, row: Row) -> Result<Telling, String> {
        let mut words = row.fields?;
        let named = words.remove(FILE_NAME).filter(|name| !name.is_empty());
        let named = named.ok_or_else(|| format!("it names no picture in {FILE_NAME:?}"))?;
        let picture = below(&self.folder, Path::new(&named))
            .ok_or_else(|| format!("{named:?} leaves the folder of the dataset"))?;
        Ok(Telling { line: row.line, picture, words })
    }

    /// A row that tells of nothing. It has no id: none of the dataset's records is bad.
    pub(super) fn bad(&self, row: Option<u64>, reason: String) -> BadRecord {
        BadRecord { file: self.path.clone(), row, id: None, reason }
    }
}

impl Form {
    fn open(path: &Path, options: &SourceOptions) -> Result<(Self, Sample), SourceError> {
        let kind = kind_of(path).unwrap_or(Kind::Csv);
        if kind == Kind::Columnar {
            let (words, sample) = Words::open(path)?;
            return Ok((Self::Columnar(words), sample));
        }
        let format = Format::of(path, kind, options)?;
        let sample = Sample::of(format.column_names(), format.rows(path)?)?;
        Ok((Self::Table(format), sample))
    }

    fn rows(&self, path: &Path) -> Result<Rows<'_>, SourceError> {
        Ok(match self {
            Self::Table(format) => format.rows(path)?,
            Self::Columnar(words) => Box::new(
                words
                    .rows_from(0)
                    .zip(0..)
                    .map(|(told, idx)| told.map(|fields| Row { line: idx + 1, idx, fields })),
            ),
        })
    }
}

/// A path from a folder below the root, without `.` and `..`; none where it leaves the root.
fn below(folder: &Path, name: &Path) -> Option<PathBuf> {
    let mut path = folder.to_owned();
    for part in name.components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir if path.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_a_picture_below_the_root_or_none() {
        let below = |folder: &str, name: &str| below(Path::new(folder), Path::new(name));
        assert_eq!(below("train", "a/./x.jpg"), Some(PathBuf::from("train/a/x.jpg")));
        assert_eq!(below("train", "../images/x.jpg"), Some(PathBuf::from("images/x.jpg")));
        assert_eq!(below("train", "../../x.jpg"), None);
        assert_eq!(below("", "/etc/passwd"), None);
    }
}
