//! Making files and reading sources, for all other modules.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use linprobe_core::{BadRecord, Record, Source, SourceError};
use linprobe_source::{SourceOptions, open};
use tempfile::TempDir;

/// A folder that goes away with the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        File::create(&path).unwrap().write_all(content.as_ref()).unwrap();
        path
    }
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn open_plainly(path: &Path) -> Box<dyn Source> {
    open(path, &SourceOptions::default()).unwrap()
}

/// The error of a place that cannot be opened, as a person reads it.
pub(crate) fn refusal(path: &Path, options: &SourceOptions) -> String {
    match open(path, options) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error.to_string().replace(&path.display().to_string(), "FILE"),
    }
}

/// Reads all records, none of which may be bad.
pub(crate) fn read(source: &dyn Source) -> Vec<Record> {
    source.records().map(Result::unwrap).collect()
}

/// What a source yields, sorted by what became of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) records: Vec<Record>,
    pub(crate) bad: Vec<BadRecord>,
    /// The error that ended it.
    pub(crate) end: Option<SourceError>,
}

impl Outcome {
    pub(crate) fn of(source: &dyn Source) -> Self {
        let mut outcome = Self::default();
        for record in source.records() {
            assert!(outcome.end.is_none(), "goes on after {:?}", outcome.end);
            match record {
                Ok(record) => outcome.records.push(record),
                Err(SourceError::Record(bad)) => outcome.bad.push(bad),
                Err(error) => outcome.end = Some(error),
            }
        }
        outcome
    }

    pub(crate) fn ids(&self) -> Vec<&str> {
        self.records.iter().map(|record| record.id.as_str()).collect()
    }

    pub(crate) fn texts(&self) -> Vec<&str> {
        self.records.iter().map(|record| record.content.text().unwrap()).collect()
    }

    /// Row, id and reason of every bad record.
    pub(crate) fn faults(&self) -> Vec<(u64, Option<&str>, &str)> {
        let fault = |bad: &'_ BadRecord| bad.row.unwrap_or_default();
        self.bad
            .iter()
            .map(|bad| (fault(bad), bad.id.as_ref().map(AsRef::as_ref), bad.reason.as_str()))
            .collect()
    }
}

/// An npy file.
pub(crate) fn npy(descr: &str, order: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let dict = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    let n_padding = 63 - (10 + dict.len()) % 64;
    let header = format!("{dict}{}\n", " ".repeat(n_padding));
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), values].concat()
}

/// An npy file of f32 rows.
pub(crate) fn npy_f32(rows: &[&[f32]]) -> Vec<u8> {
    let values: Vec<u8> = rows.iter().copied().flatten().flat_map(|v| v.to_le_bytes()).collect();
    let dimension = rows.first().map_or(0, |row| row.len());
    npy("<f4", "False", &format!("({}, {dimension})", rows.len()), &values)
}

/// An npy file of strings.
pub(crate) fn npy_strings(strings: &[&str]) -> Vec<u8> {
    let width = strings.iter().map(|s| s.chars().count()).max().unwrap_or(0);
    let units = |s: &&str| {
        let mut units: Vec<u32> = s.chars().map(u32::from).collect();
        units.resize(width, 0);
        units
    };
    let values: Vec<u8> = strings.iter().flat_map(units).flat_map(u32::to_le_bytes).collect();
    npy(&format!("<U{width}"), "False", &format!("({},)", strings.len()), &values)
}

/// A safetensors file of tensors: name, dtype, shape and values.
pub(crate) fn safetensors(tensors: &[(&str, &str, &[u64], &[u8])]) -> Vec<u8> {
    let mut start = 0;
    let mut members = Vec::new();
    for (name, dtype, shape, values) in tensors {
        let end = start + values.len();
        members.push(format!(
            r#""{name}": {{"dtype": "{dtype}", "shape": {shape:?}, "data_offsets": [{start}, {end}]}}"#
        ));
        start = end;
    }
    let header = format!("{{{}}}", members.join(", "));
    let length = (header.len() as u64).to_le_bytes();
    let values: Vec<u8> = tensors.iter().flat_map(|(.., values)| *values).copied().collect();
    [&length[..], header.as_bytes(), &values].concat()
}

/// Zip files.
pub(crate) mod zip {
    use std::io::{Cursor, Write};

    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

    pub(crate) fn stored(members: &[(&str, &[u8])]) -> Vec<u8> {
        write(members, CompressionMethod::Stored)
    }

    pub(crate) fn deflated(members: &[(&str, &[u8])]) -> Vec<u8> {
        write(members, CompressionMethod::Deflated)
    }

    fn write(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        for (name, content) in members {
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }
}
