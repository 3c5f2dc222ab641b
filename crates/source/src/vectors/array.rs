//! An array as its header tells it, and the bytes where its values stand.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use flate2::read::DeflateDecoder;
use linprobe_core::SourceError;
use linprobe_tensors::{Element, Endian, Order};

use crate::failure::{damaged, unsupported};

use super::matrix::Matrix;

/// The size of a read from the system.
const BUFFER_BYTES: usize = 1 << 20;

/// No stream of deflate grows more than this, so what claims to is a lie.
const MAX_DEFLATE_RATIO: u64 = 1032;

/// An array of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Array {
    /// Its name in the file; the file's own, for one that holds a single array.
    pub(crate) name: String,
    pub(crate) element: Element,
    pub(crate) endian: Endian,
    pub(crate) order: Order,
    pub(crate) shape: Vec<u64>,
    pub(crate) place: Place,
}

impl Array {
    /// Its name, element and shape, for a person to choose by.
    pub(crate) fn describe(&self) -> String {
        let shape: Vec<String> = self.shape.iter().map(ToString::to_string).collect();
        format!("{} ({} {})", self.name, self.element, shape.join(" x "))
    }

    /// Whether it is two-dimensional and of floats.
    pub(crate) fn is_matrix(&self) -> bool {
        self.shape.len() == 2 && self.element.is_float()
    }

    /// Checks that it holds vectors.
    pub(crate) fn into_matrix(self) -> Result<Matrix, SourceError> {
        Matrix::new(self)
    }

    /// Checks that as many values are there as the shape promises.
    pub(crate) fn check_size(&self) -> Result<(), SourceError> {
        let promised = self
            .shape
            .iter()
            .try_fold(self.element.n_bytes(), |bytes, &n| bytes.checked_mul(n))
            .ok_or_else(|| damaged(&self.place.file, "the shape is larger than any file"))?;
        let there = self.place.n_bytes_at_most();
        if promised > there {
            let name = &self.name;
            let reason = format!("{name} promises {promised} bytes of values, {there} are there");
            return Err(damaged(&self.place.file, reason));
        }
        Ok(())
    }

    /// Something wrong with this array.
    pub(crate) fn unsupported(&self, reason: &str, hint: &str) -> SourceError {
        unsupported(&self.place.file, format!("{} {reason}", self.describe()), hint)
    }
}

/// Where the values of an array stand in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    /// Where the stream that holds them starts in the file.
    pub(crate) offset: u64,
    /// How many bytes of the file that stream takes.
    pub(crate) n_bytes: u64,
    /// How many unpacked bytes of that stream come before the values.
    pub(crate) n_header_bytes: u64,
    pub(crate) packing: Packing,
}

/// How a stream is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    /// Deflated, and of so many bytes when unpacked, by its own account.
    Deflated {
        n_unpacked: u64,
    },
}

impl Place {
    /// Opens the values, so many bytes after the first.
    pub(crate) fn open_at(&self, skip: u64) -> io::Result<Box<dyn Read + Send>> {
        let skip = self.n_header_bytes.saturating_add(skip);
        match self.packing {
            Packing::Plain => Ok(Box::new(self.stream(skip)?)),
            Packing::Deflated { n_unpacked } => {
                let mut values = DeflateDecoder::new(self.stream(0)?).take(n_unpacked);
                io::copy(&mut values.by_ref().take(skip), &mut io::sink())?;
                Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, values)))
            }
        }
    }

    /// Where a byte of plain values stands in the file.
    pub(crate) fn plain_offset(&self, skip: u64) -> u64 {
        self.offset.saturating_add(self.n_header_bytes).saturating_add(skip)
    }

    fn stream(&self, skip: u64) -> io::Result<BufReader<io::Take<File>>> {
        let mut file = File::open(&self.file)?;
        file.seek(SeekFrom::Start(self.offset.saturating_add(skip)))?;
        let stream = file.take(self.n_bytes.saturating_sub(skip));
        Ok(BufReader::with_capacity(BUFFER_BYTES, stream))
    }

    /// How many bytes of values can be there.
    fn n_bytes_at_most(&self) -> u64 {
        let unpacked = match self.packing {
            Packing::Plain => self.n_bytes,
            Packing::Deflated { n_unpacked } => {
                n_unpacked.min(self.n_bytes.saturating_mul(MAX_DEFLATE_RATIO))
            }
        };
        unpacked.saturating_sub(self.n_header_bytes)
    }
}

/// The number of bytes in a file.
pub(crate) fn file_len(path: &Path) -> io::Result<u64> {
    Ok(File::open(path)?.metadata()?.len())
}
