//! The vector file: rows of IEEE half precision behind a NumPy header.
//!
//! ```text
//! 0         128                  128 + 2 d         128 + 2 d n
//! | header  | row 0: d x <f2     | ...   row n - 1 | torn tail, if a writer was killed
//! ```
//! The header is padded to a fixed size, so that its shape can be rewritten in place after rows have
//! been committed, and `numpy.load(.., mmap_mode="r")` opens the file at any time. How many rows
//! there are is not for this file to say: the database knows, and whatever lies beyond is cut off by
//! the next writer. Rows that were committed never change, which is what makes mapping them sound.
//!
//! Compaction writes a file of the next generation beside this one, under a name with its number,
//! commits the number, and then gives it this one's name. Whoever reads goes on with the file that it
//! has mapped. A file with the number of the generation that is committed is the current one; if there
//! is none, the file without a number is.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use half::{f16, slice::HalfFloatSliceExt};
use linprobe_core::{Embedding, NotAnEmbedding, StoreError};
use memmap2::{Mmap, MmapOptions};

/// The size of the header, so that rows of a multiple of 32 coordinates start on a cache line.
pub(crate) const HEADER_BYTES: usize = 128;

/// What precedes the description of an array: magic, version 1.0, length of the description.
const PREFIX: [u8; 10] = *b"\x93NUMPY\x01\x00\x76\x00";

#[cfg(target_endian = "big")]
compile_error!(
    "rows are little endian and used in place: this store needs a little-endian machine"
);

/// The file `vectors.npy` of a store.
#[derive(Debug)]
pub(crate) struct Segment {
    path: PathBuf,
    dimension: usize,
    file: File,
    /// The last mapping made; one that is too short is replaced when more is needed.
    map: Mutex<Option<Arc<Mmap>>>,
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

impl Segment {
    /// Makes an empty file, in place of one that nothing was ever committed to.
    pub(crate) fn create(folder: &Path, dimension: usize) -> Result<Self, StoreError> {
        Self::create_at(settled_path(folder), dimension)
    }

    /// Makes an empty file of a generation that is not committed yet.
    pub(crate) fn create_generation(
        folder: &Path,
        generation: u64,
        dimension: usize,
    ) -> Result<Self, StoreError> {
        Self::create_at(numbered_path(folder, generation), dimension)
    }

    fn create_at(path: PathBuf, dimension: usize) -> Result<Self, StoreError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let segment = Self::open_at(&options, path, dimension)?;
        segment.write_header(0)?;
        segment.sync()?;
        Ok(segment)
    }

    /// Opens the file of a generation to read it, or to append to it as well.
    pub(crate) fn open(
        folder: &Path,
        generation: u64,
        (dimension, access): (usize, Access),
    ) -> Result<Self, StoreError> {
        let mut options = OpenOptions::new();
        options.read(true).write(access == Access::Write);
        match Self::open_at(&options, numbered_path(folder, generation), dimension) {
            Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Self::open_at(&options, settled_path(folder), dimension)
            }
            opened => opened,
        }
    }

    fn open_at(options: &OpenOptions, path: PathBuf, dimension: usize) -> Result<Self, StoreError> {
        match options.open(&path) {
            Ok(file) => Ok(Self { path, dimension, file, map: Mutex::default() }),
            Err(source) => Err(StoreError::Io { path, source }),
        }
    }

    /// Cuts off what a killed writer left beyond the committed rows, and mends the header.
    pub(crate) fn recover(&self, n_rows: usize) -> Result<(), StoreError> {
        let committed = self.checked_bytes(n_rows)?;
        if self.read_header()? != header(n_rows, self.dimension) {
            self.write_header(n_rows)?;
        }
        if self.n_bytes()? > committed {
            self.file.set_len(committed).map_err(self.io())?;
        }
        self.sync()
    }

    /// Writes rows from `first_row` on. They are on the disk after [`Self::sync`]. Where there is no
    /// room for all, none of them keeps any.
    pub(crate) fn append(&self, first_row: usize, rows: &[f16]) -> Result<(), StoreError> {
        let start = self.n_bytes_for(first_row)?;
        let written = self.write_at(start, bytemuck::cast_slice(rows));
        if written.is_err() {
            // The first error is the one to report; what is left is cut by the next writer.
            drop(self.file.set_len(start));
        }
        written.map_err(self.io())
    }

    /// Waits until all that was written is on the disk.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(self.io())
    }

    /// Tells readers of the file alone, such as NumPy, how many rows there are.
    pub(crate) fn write_header(&self, n_rows: usize) -> Result<(), StoreError> {
        self.write_at(0, &header(n_rows, self.dimension)).map_err(self.io())
    }

    /// Whether the header says that there are so many rows.
    pub(crate) fn header_is_right(&self, n_rows: usize) -> Result<bool, StoreError> {
        Ok(self.read_header()? == header(n_rows, self.dimension))
    }

    /// The length of the file.
    pub(crate) fn n_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.file.metadata().map_err(self.io())?.len())
    }

    /// The first `n_rows` rows.
    pub(crate) fn rows(&self, n_rows: usize) -> Result<Rows, StoreError> {
        let n_bytes = self.checked_bytes(n_rows)?;
        self.map_rows(n_bytes)
    }

    /// As many of the first `n_rows` rows as the file has.
    pub(crate) fn rows_at_hand(&self, n_rows: usize) -> Result<Rows, StoreError> {
        let row_bytes = (self.dimension * size_of::<f16>()).max(1) as u64;
        let found = self.n_bytes()?.min(self.n_bytes_for(n_rows)?);
        let torn = found.saturating_sub(HEADER_BYTES as u64) % row_bytes;
        self.map_rows(found - torn)
    }

    fn map_rows(&self, n_bytes: u64) -> Result<Rows, StoreError> {
        let n_bytes = usize::try_from(n_bytes).unwrap_or(usize::MAX);
        let map = self.map_at_least(n_bytes).map_err(self.io())?;
        Ok(Rows { map, dimension: self.dimension, n_bytes })
    }

    /// The length of a file of so many rows, which is where the next row starts.
    pub(crate) fn n_bytes_for(&self, n_rows: usize) -> Result<u64, StoreError> {
        let n_bytes = n_rows
            .checked_mul(self.dimension)
            .and_then(|n| n.checked_mul(size_of::<f16>()))
            .and_then(|n| n.checked_add(HEADER_BYTES));
        n_bytes.map(|n| n as u64).ok_or_else(|| self.too_long(n_rows))
    }

    /// The length of a file of so many rows, where it is at least that long.
    fn checked_bytes(&self, n_rows: usize) -> Result<u64, StoreError> {
        let needed = self.n_bytes_for(n_rows)?;
        let found = self.n_bytes()?;
        if found >= needed {
            return Ok(needed);
        }
        Err(self.corrupt(format!("{n_rows} rows take {needed} bytes, the file has {found}")))
    }

    fn map_at_least(&self, n_bytes: usize) -> io::Result<Arc<Mmap>> {
        let mut current = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(map) = current.as_ref().filter(|map| map.len() >= n_bytes) {
            return Ok(Arc::clone(map));
        }
        let map = Arc::new(map_file(&self.file, n_bytes)?);
        *current = Some(Arc::clone(&map));
        Ok(map)
    }

    fn read_header(&self) -> Result<[u8; HEADER_BYTES], StoreError> {
        let mut bytes = [0; HEADER_BYTES];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(self.io())?;
        Ok(bytes)
    }

    fn write_at(&self, start: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(start))?;
        file.write_all(bytes)
    }

    fn io(&self) -> impl FnOnce(io::Error) -> StoreError {
        |source| StoreError::Io { path: self.path.clone(), source }
    }

    fn too_long(&self, n_rows: usize) -> StoreError {
        self.corrupt(format!("{n_rows} rows are more than a file can hold"))
    }

    pub(crate) fn corrupt(&self, reason: String) -> StoreError {
        StoreError::Corrupt { path: self.path.clone(), reason }
    }
}

/// Rows that were committed, mapped into memory.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    map: Arc<Mmap>,
    dimension: usize,
    n_bytes: usize,
}

impl Rows {
    /// All coordinates, row after row.
    pub(crate) fn as_slice(&self) -> &[f16] {
        // Never unaligned: a mapping starts on a page.
        self.map.get(HEADER_BYTES..self.n_bytes).map_or(&[], bytemuck::cast_slice)
    }

    /// The number of coordinates of a row.
    pub(crate) fn dimension(&self) -> usize {
        self.dimension
    }

    /// The coordinates of one row.
    pub(crate) fn row(&self, row_idx: usize) -> Option<&[f16]> {
        let start = row_idx.checked_mul(self.dimension)?;
        self.as_slice().get(start..start.checked_add(self.dimension)?)
    }

    /// The embedding in one row, where there is such a row.
    pub(crate) fn embedding(&self, row_idx: usize) -> Option<Result<Embedding, NotAnEmbedding>> {
        Some(Embedding::normalize(self.row(row_idx)?.to_f32_vec()))
    }
}

/// Gives the file of the committed generation the settled name, which it lacks when a compaction was
/// killed, and removes files of generations that were never committed.
pub(crate) fn settle(folder: &Path, generation: u64) -> Result<(), StoreError> {
    let settle = || -> io::Result<()> {
        let numbered = numbered_path(folder, generation);
        if numbered.exists() {
            #[expect(clippy::disallowed_methods, reason = "the caller syncs the folder")]
            fs::rename(numbered, settled_path(folder))?;
        }
        match fs::remove_file(numbered_path(folder, generation + 1)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    };
    settle().map_err(super::io_error(folder))
}

/// The name of the file outside of a compaction.
fn settled_path(folder: &Path) -> PathBuf {
    folder.join("vectors.npy")
}

/// The name of a file that a compaction has written.
fn numbered_path(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("vectors.{generation}.npy"))
}

/// The header of a file of so many rows, as NumPy's format version 1.0 has it.
fn header(n_rows: usize, dimension: usize) -> [u8; HEADER_BYTES] {
    let description =
        format!("{{'descr': '<f2', 'fortran_order': False, 'shape': ({n_rows}, {dimension}), }}");
    let mut bytes = [b' '; HEADER_BYTES];
    let text = PREFIX.iter().copied().chain(description.bytes());
    bytes.iter_mut().zip(text).for_each(|(byte, of_text)| *byte = of_text);
    bytes[HEADER_BYTES - 1] = b'\n';
    bytes
}

#[expect(unsafe_code, reason = "mapping a file is unsafe: another process could cut it short")]
pub(super) fn map_file(file: &File, n_bytes: usize) -> io::Result<Mmap> {
    // SAFETY: the file has these bytes, and no process changes or cuts committed rows: writers
    // append, hold a lock that keeps others out, and cut only what lies beyond.
    unsafe { MmapOptions::new().len(n_bytes).map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_how_long_it_is() {
        let [.., low, high] = PREFIX;
        assert_eq!(PREFIX.len() + usize::from(u16::from_le_bytes([low, high])), HEADER_BYTES);
    }

    #[test]
    fn the_largest_shape_fits_the_header() {
        let header = header(usize::MAX, usize::MAX);
        assert!(header.ends_with(b"\n") && header.windows(4).any(|window| window == b"), }"));
    }
}
