//! The int8 copy of the vectors: half the bytes, for surveys to read first.
//!
//! ```text
//! row: d codes, padded to a multiple of 32 | scale, f32
//! ```
//! It is made on request, and kept up by the writer from then on. All in it follows from the vector
//! file, so nothing is lost with it: a copy that is missing, short or of another generation is not
//! read, and the next writer makes it again. Where it has fewer rows than the vector file, the rest is
//! read there. Its file has a number of its own, and no number is used twice: who reads one goes on
//! with the file that it has mapped.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use half::f16;
use linprobe_core::StoreError;
use memmap2::Mmap;
use rayon::prelude::*;

use super::{
    checksum,
    grid::{self, Grid},
    points::{CodeExtent, Extent, Points},
    segment::{Access, Rows, map_file},
};

/// Rows that are encoded before they are written.
const BATCH_ROWS: usize = 1 << 14;

/// The copy as its writer has it.
#[derive(Debug)]
pub(crate) struct Codes {
    file: CodeFile,
    grid: Grid,
}

impl Codes {
    /// Brings the copy of a store up to its rows, if it has one, and removes what is left of others.
    pub(crate) fn recover(
        folder: &Path,
        points: &Points,
        rows: &Rows,
    ) -> Result<Option<Self>, StoreError> {
        let Some(extent) = points.codes()? else {
            remove_all_but(folder, None)?;
            return Ok(None);
        };
        let Some(codes) = Self::open(folder, points, extent, rows.dimension())? else {
            return Self::make(folder, points, rows).map(Some);
        };
        remove_all_but(folder, Some(extent.number))?;
        let rest = rows.as_slice().get(extent.n_rows * rows.dimension()..).unwrap_or_default();
        if !rest.is_empty() {
            points.change(|| codes.append(points, extent.n_rows, rest))?;
        }
        Ok(Some(codes))
    }

    /// The copy that is committed, if it is of the present vector file and all there.
    fn open(
        folder: &Path,
        points: &Points,
        extent: CodeExtent,
        dimension: usize,
    ) -> Result<Option<Self>, StoreError> {
        let Some(grid) = points.grid()? else { return Ok(None) };
        let Extent { n_rows, generation, .. } = points.extent()?;
        if extent.generation != generation || extent.n_rows > n_rows {
            return Ok(None);
        }
        let file = CodeFile::open(folder, extent.number, (dimension, Access::Write))?;
        let whole = file.filter(|file| file.has(extent.n_rows));
        Ok(whole.map(|file| Self { file, grid }))
    }

    /// Makes a copy of all rows in the place of the one that there was.
    pub(crate) fn make(folder: &Path, points: &Points, rows: &Rows) -> Result<Self, StoreError> {
        let dimension = rows.dimension();
        let grid = Grid::of(rows.as_slice(), dimension);
        let number = points.codes()?.map_or(0, |extent| extent.number) + 1;
        let codes = Self { file: CodeFile::create(folder, number, dimension)?, grid };
        let Extent { generation, .. } = points.extent()?;
        points.change(|| {
            let none = CodeExtent { number, generation, n_rows: 0, worst: 0.0 };
            points.begin_codes(none, &codes.grid)?;
            codes.append(points, 0, rows.as_slice())?;
            super::sync_folder(folder)
        })?;
        points.sync()?;
        remove_all_but(folder, Some(number))?;
        Ok(codes)
    }

    /// Writes the codes of rows from `first_row` on and syncs them, within a change of the points.
    pub(crate) fn append(
        &self,
        points: &Points,
        first_row: usize,
        rows: &[f16],
    ) -> Result<(), StoreError> {
        let Some(mut extent) = points.codes()? else { return Ok(()) };
        let (dimension, row_bytes) = (self.file.dimension, self.grid.row_bytes());
        extent.n_rows = first_row;
        for rows in rows.chunks(BATCH_ROWS * dimension) {
            let (bytes, worst) = self.encode(rows);
            self.file.append(extent.n_rows, &bytes)?;
            let begun = points.code_checksums_from(checksum::block_of(extent.n_rows))?;
            let begun = begun.first().filter(|_| extent.n_rows % checksum::BLOCK_ROWS > 0);
            let checksums = checksum::extended(begun.copied(), extent.n_rows, &bytes, row_bytes);
            extent.n_rows += rows.len() / dimension;
            extent.worst = extent.worst.max(worst);
            points.extend_codes(extent, &checksums)?;
        }
        self.file.sync()
    }

    /// The bytes of rows, and the longest of their rests.
    fn encode(&self, rows: &[f16]) -> (Vec<u8>, f64) {
        let (dimension, row_bytes) = (self.file.dimension, self.grid.row_bytes());
        let mut bytes = vec![0; rows.len() / dimension * row_bytes];
        let rows = rows.par_chunks_exact(dimension).zip(bytes.par_chunks_exact_mut(row_bytes));
        let rests = rows.with_min_len(64).map(|(row, bytes)| self.grid.encode(row, bytes));
        let worst = rests.reduce(|| 0.0, f64::max);
        (bytes, worst)
    }
}

/// The copy as a reader has it.
#[derive(Debug)]
pub(crate) struct CodeReader {
    pub(crate) number: u64,
    pub(crate) grid: Grid,
    file: CodeFile,
}

impl CodeReader {
    /// Opens the copy with this number. None where it is gone, or has no grid.
    pub(crate) fn open(
        folder: &Path,
        points: &Points,
        (number, dimension): (u64, usize),
    ) -> Result<Option<Self>, StoreError> {
        let file = CodeFile::open(folder, number, (dimension, Access::Read))?;
        let grid = points.grid()?;
        Ok(file.zip(grid).map(|(file, grid)| Self { number, grid, file }))
    }

    /// The first rows; none where the file has fewer.
    pub(crate) fn rows(&self, n_rows: usize) -> Option<CodeRows> {
        self.file.rows(n_rows)
    }
}

/// The rows of the copy's damaged blocks: all of them where there is none to be read.
pub(crate) fn damaged(
    folder: &Path,
    points: &Points,
    (extent, dimension): (CodeExtent, usize),
) -> Result<Vec<Range<usize>>, StoreError> {
    let reader = CodeReader::open(folder, points, (extent.number, dimension))?;
    let Some(rows) = reader.and_then(|reader| reader.rows(extent.n_rows)) else {
        return Ok(std::iter::once(0..extent.n_rows).collect());
    };
    let expected = points.code_checksums_from(0)?;
    let blocks = checksum::damaged(rows.as_bytes(), rows.row_bytes(), &expected);
    let blocks = blocks.into_iter().map(|block| block.rows(extent.n_rows));
    Ok(blocks.filter(|rows| !rows.is_empty()).collect())
}

/// A file `codes.N.i8`.
#[derive(Debug)]
struct CodeFile {
    path: PathBuf,
    file: File,
    dimension: usize,
    map: Mutex<Option<Arc<Mmap>>>,
}

impl CodeFile {
    fn create(folder: &Path, number: u64, dimension: usize) -> Result<Self, StoreError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let path = path_of(folder, number);
        match options.open(&path) {
            Ok(file) => Ok(Self { path, file, dimension, map: Mutex::default() }),
            Err(source) => Err(StoreError::Io { path, source }),
        }
    }

    fn open(
        folder: &Path,
        number: u64,
        (dimension, access): (usize, Access),
    ) -> Result<Option<Self>, StoreError> {
        let path = path_of(folder, number);
        match OpenOptions::new().read(true).write(access == Access::Write).open(&path) {
            Ok(file) => Ok(Some(Self { path, file, dimension, map: Mutex::default() })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::Io { path, source }),
        }
    }

    fn append(&self, first_row: usize, bytes: &[u8]) -> Result<(), StoreError> {
        let start = (first_row * grid::row_bytes(self.dimension)) as u64;
        let mut file = &self.file;
        let mut write = || {
            file.seek(SeekFrom::Start(start))?;
            file.write_all(bytes)
        };
        write().map_err(|source| StoreError::Io { path: self.path.clone(), source })
    }

    fn sync(&self) -> Result<(), StoreError> {
        let synced = self.file.sync_data();
        synced.map_err(|source| StoreError::Io { path: self.path.clone(), source })
    }

    fn n_bytes(&self) -> Option<u64> {
        self.file.metadata().ok().map(|metadata| metadata.len())
    }

    fn has(&self, n_rows: usize) -> bool {
        let needed = (n_rows * grid::row_bytes(self.dimension)) as u64;
        self.n_bytes().is_some_and(|found| found >= needed)
    }

    fn rows(&self, n_rows: usize) -> Option<CodeRows> {
        let row_bytes = grid::row_bytes(self.dimension);
        let n_bytes = n_rows.checked_mul(row_bytes)?;
        let mut current = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        let map = match current.as_ref().filter(|map| map.len() >= n_bytes) {
            Some(map) => Arc::clone(map),
            None if self.has(n_rows) => {
                let map = Arc::new(map_file(&self.file, n_bytes).ok()?);
                Arc::clone(current.insert(map))
            }
            None => return None,
        };
        Some(CodeRows { map, n_bytes, row_bytes })
    }
}

/// Rows of the copy that were committed, mapped into memory.
#[derive(Clone, Debug)]
pub(crate) struct CodeRows {
    map: Arc<Mmap>,
    n_bytes: usize,
    row_bytes: usize,
}

impl CodeRows {
    /// All bytes, row after row.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.map.get(..self.n_bytes).unwrap_or_default()
    }

    pub(crate) fn row_bytes(&self) -> usize {
        self.row_bytes
    }
}

fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("codes.{number}.i8"))
}

/// Removes the files of copies that are not committed, or no longer.
fn remove_all_but(folder: &Path, number: Option<u64>) -> Result<(), StoreError> {
    let kept = number.map(|number| path_of(folder, number));
    let remove = || -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let is_copy = name.starts_with("codes.") && name.ends_with(".i8");
            if is_copy && Some(&path) != kept.as_ref() {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    };
    remove().map_err(super::io_error(folder))
}
