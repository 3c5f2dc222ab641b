//! A matrix of floats, read row by row as f32.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use half::{bf16, f16, slice::HalfFloatSliceExt};
use linprobe_core::SourceError;
use linprobe_tensors::{Element, Endian, Order};

use super::array::{Array, Packing};
use crate::failure::io;

/// The largest number of coordinates of a vector.
pub const MAX_DIMENSION: u64 = 1 << 20;

/// How much of a matrix that stands column by column is in memory at a time.
const BLOCK_BYTES: u64 = 32 << 20;

/// An array that holds a vector in each row.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    array: Array,
    pub(crate) n_rows: u64,
    pub(crate) dimension: usize,
}

impl Matrix {
    /// Checks shape, element, order and size.
    pub(crate) fn new(array: Array) -> Result<Self, SourceError> {
        match &array.element {
            Element::Object => {
                let hint = "objects need pickle, which is never read: \
                            save np.stack(array).astype(\"float32\")";
                return Err(array.unsupported("holds Python objects", hint));
            }
            element if !element.is_float() => {
                let hint = "save array.astype(\"float32\")";
                return Err(array.unsupported("holds no f16, bf16, f32 or f64", hint));
            }
            _ => {}
        }
        let [n_rows, dimension] = array.shape[..] else {
            let hint = "save array.reshape(n_records, dimension)";
            return Err(array.unsupported("is no matrix", hint));
        };
        if dimension == 0 || dimension > MAX_DIMENSION {
            let hint = format!("a row is a vector of 1 to {MAX_DIMENSION} numbers");
            return Err(array.unsupported("holds no vectors", &hint));
        }
        if array.order == Order::Fortran && array.place.packing != Packing::Plain {
            let hint = "save np.ascontiguousarray(array), or without compression";
            return Err(array.unsupported("is compressed column by column", hint));
        }
        array.check_size()?;
        Ok(Self { n_rows, dimension: usize::try_from(dimension).unwrap_or(usize::MAX), array })
    }

    /// The file that it stands in.
    pub(crate) fn file(&self) -> &Path {
        &self.array.place.file
    }

    /// The rows from one on.
    pub(crate) fn rows_from(&self, row_idx: u64) -> Result<MatrixRows, SourceError> {
        let layout = match self.array.order {
            Order::C => {
                let skip = row_idx.saturating_mul(self.row_bytes() as u64);
                let reader = self.array.place.open_at(skip).map_err(io(self.file()))?;
                Layout::Rows { reader, bytes: vec![0; self.row_bytes()] }
            }
            Order::Fortran => {
                let file = File::open(self.file()).map_err(io(self.file()))?;
                Layout::Columns { file, block: Block::default() }
            }
        };
        Ok(MatrixRows { matrix: self.clone(), next: row_idx, layout })
    }

    fn row_bytes(&self) -> usize {
        self.dimension * self.element_bytes()
    }

    fn element_bytes(&self) -> usize {
        // At most eight: a matrix holds floats.
        usize::try_from(self.array.element.n_bytes()).unwrap_or(8)
    }

    /// Reads some rows of every column.
    fn read_block(&self, file: &mut File, first_row: u64, n_rows: u64) -> io::Result<Block> {
        let size = self.array.element.n_bytes();
        let mut bytes = vec![0; usize::try_from(n_rows * size).unwrap_or(usize::MAX)];
        let mut columns = Vec::with_capacity(self.dimension);
        for column in 0..self.dimension as u64 {
            let skip = (column * self.n_rows + first_row) * size;
            file.seek(SeekFrom::Start(self.array.place.plain_offset(skip)))?;
            file.read_exact(&mut bytes)?;
            columns.push(self.decode(&bytes));
        }
        Ok(Block { columns, n_rows, next: 0 })
    }

    fn decode(&self, bytes: &[u8]) -> Vec<f32> {
        match (&self.array.element, self.array.endian) {
            (Element::F16, Endian::Little) => halves(bytes, f16::from_le_bytes),
            (Element::F16, Endian::Big) => halves(bytes, f16::from_be_bytes),
            (Element::Bf16, Endian::Little) => numbers(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            (Element::Bf16, Endian::Big) => numbers(bytes, |b| bf16::from_be_bytes(b).to_f32()),
            (Element::F64, Endian::Little) => numbers(bytes, |b| narrow(f64::from_le_bytes(b))),
            (Element::F64, Endian::Big) => numbers(bytes, |b| narrow(f64::from_be_bytes(b))),
            (_, Endian::Little) => numbers(bytes, f32::from_le_bytes),
            (_, Endian::Big) => numbers(bytes, f32::from_be_bytes),
        }
    }
}

/// Rows of a matrix, in order.
pub(crate) struct MatrixRows {
    matrix: Matrix,
    next: u64,
    layout: Layout,
}

/// How the rows are come by.
enum Layout {
    Rows { reader: Box<dyn Read + Send>, bytes: Vec<u8> },
    Columns { file: File, block: Block },
}

/// Some rows of a matrix that stands column by column.
#[derive(Default)]
struct Block {
    columns: Vec<Vec<f32>>,
    n_rows: u64,
    /// The next row within the block.
    next: usize,
}

impl Block {
    fn next_row(&mut self) -> Option<Vec<f32>> {
        let row: Option<Vec<f32>> =
            self.columns.iter().map(|column| column.get(self.next).copied()).collect();
        self.next += 1;
        row.filter(|row| !row.is_empty())
    }
}

impl MatrixRows {
    fn next_row(&mut self) -> io::Result<Vec<f32>> {
        match &mut self.layout {
            Layout::Rows { reader, bytes } => {
                reader.read_exact(bytes)?;
                Ok(self.matrix.decode(bytes))
            }
            Layout::Columns { file, block } => {
                if let Some(row) = block.next_row() {
                    return Ok(row);
                }
                // Blocks grow, so that a single row is read at the price of one.
                let most = (BLOCK_BYTES / (self.matrix.dimension as u64 * 4)).max(1);
                let n_rows = (block.n_rows * 2).clamp(1, most).min(self.matrix.n_rows - self.next);
                *block = self.matrix.read_block(file, self.next, n_rows)?;
                block.next_row().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
            }
        }
    }
}

impl Iterator for MatrixRows {
    type Item = io::Result<Vec<f32>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.matrix.n_rows {
            return None;
        }
        let row = self.next_row();
        self.next = if row.is_ok() { self.next + 1 } else { self.matrix.n_rows };
        Some(row)
    }
}

fn numbers<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&chunk| number(chunk)).collect()
}

fn halves(bytes: &[u8], half: impl Fn([u8; 2]) -> f16) -> Vec<f32> {
    let halves: Vec<f16> = bytes.as_chunks().0.iter().map(|&chunk| half(chunk)).collect();
    halves.to_f32_vec()
}

/// What is too large for f32 becomes infinite, and is refused as that.
#[expect(clippy::cast_possible_truncation, reason = "rounding is what is wanted")]
fn narrow(value: f64) -> f32 {
    value as f32
}
