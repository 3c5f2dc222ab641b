//! Gives back the space of rows that were replaced or deleted.
//!
//! The rows that are left are written to a new vector file, in their order, and synced; then one
//! transaction gives every point its new row and commits the file's generation. Before it, the store
//! is the old one, and after it the new one, at whatever moment the process ends; a file that belongs
//! to neither is removed by the next writer. Readers that are at work keep the old file mapped until
//! they are done. While it lasts, both files take their space.

use std::{ops::Range, path::Path};

use half::f16;
use linprobe_core::StoreError;

use super::{
    bitmap::Bitmap,
    checksum::{self, BLOCK_ROWS, Checksum},
    codes::{self, Codes},
    points::{Extent, Points},
    segment::{self, Access, Rows, Segment},
};

/// What a compaction has done.
#[expect(clippy::struct_field_names, reason = "they are counts, and said to be")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// Rows of the vector file before it, those given up included.
    pub n_rows_before: u64,
    /// Rows of the vector file after it, each a point's.
    pub n_rows: u64,
    /// Points that were given up because their rows are damaged.
    pub n_damaged: u64,
}

/// What becomes of points in blocks that do not match their checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damaged {
    /// Nothing is done to the store.
    Refuse,
    /// They are given up; the records can be embedded again.
    GiveUp,
}

/// Compacts the store of a folder, and gives up damaged rows where that is asked for, missing ones
/// included. What is not damaged keeps its id, its vector and its place among the others.
///
/// # Errors
/// [`StoreError::Locked`] while another process has it open for writing, [`StoreError::Corrupt`]
/// where rows are damaged and must not be given up, [`StoreError::Io`] where there is no store or no
/// space: the store is then as it was.
pub fn compact(folder: impl AsRef<Path>, damaged: Damaged) -> Result<Compaction, StoreError> {
    let folder = folder.as_ref();
    let _lock = super::lock(folder)?;
    let points = Points::open(folder, Access::Write)?;
    let old = Old::open(folder, &points)?;
    let ruins = old.damaged(&points)?;
    if damaged == Damaged::Refuse
        && let Some(rows) = ruins.first()
    {
        return Err(old.refusal(rows));
    }
    let mut n_damaged = 0;
    if old.extent.n_tombstones > 0 || !ruins.is_empty() {
        n_damaged = replace(folder, &points, &old, &ruins)?;
    }
    renew_codes(folder, &points)?;
    points.vacuum()?;
    Ok(Compaction {
        n_rows_before: old.extent.n_rows as u64,
        n_rows: points.extent()?.n_rows as u64,
        n_damaged: n_damaged as u64,
    })
}

/// Makes the int8 copy again, if there is one and it is of the file before, or damaged.
fn renew_codes(folder: &Path, points: &Points) -> Result<(), StoreError> {
    let Some(codes) = points.codes()? else { return Ok(()) };
    let (dimension, Extent { n_rows, generation, .. }) = (points.dimension()?, points.extent()?);
    let is_whole = codes.generation == generation
        && codes::damaged(folder, points, (codes, dimension))?.is_empty();
    if !is_whole {
        let segment = Segment::open(folder, generation, (dimension, Access::Read))?;
        Codes::make(folder, points, &segment.rows(n_rows)?)?;
    }
    Ok(())
}

/// The store before.
struct Old {
    dimension: usize,
    extent: Extent,
    segment: Segment,
    rows: Rows,
}

impl Old {
    fn open(folder: &Path, points: &Points) -> Result<Self, StoreError> {
        let dimension = points.dimension()?;
        let extent = points.extent()?;
        segment::settle(folder, extent.generation)?;
        let segment = Segment::open(folder, extent.generation, (dimension, Access::Write))?;
        let rows = segment.rows_at_hand(extent.n_rows)?;
        Ok(Self { dimension, extent, segment, rows })
    }

    /// The rows of damaged blocks, and those that are missing.
    fn damaged(&self, points: &Points) -> Result<Vec<Range<usize>>, StoreError> {
        let blocks =
            checksum::damaged(self.rows.as_slice(), self.dimension, &points.checksums_from(0)?);
        let blocks = blocks.into_iter().map(|block| block.rows(self.extent.n_rows));
        // A store of format 1 has no checksums: what is missing is all that is known to be damaged.
        let n_at_hand = self.rows.as_slice().len() / self.dimension.max(1);
        Ok(blocks
            .chain(std::iter::once(n_at_hand..self.extent.n_rows))
            .filter(|rows| !rows.is_empty())
            .collect())
    }

    fn refusal(&self, rows: &Range<usize>) -> StoreError {
        self.segment.corrupt(format!(
            "rows {} to {} are not what was written\nhint: \"linprobe compact --give-up-damaged\" \
             keeps the rest, and \"linprobe index\" then embeds their records again",
            rows.start,
            rows.end - 1
        ))
    }
}

/// Puts the next generation in the place of this one; tells how many points were given up.
fn replace(
    folder: &Path,
    points: &Points,
    old: &Old,
    ruins: &[Range<usize>],
) -> Result<usize, StoreError> {
    let Extent { generation, .. } = old.extent;
    let committed = commit(folder, points, old, ruins);
    if committed.is_err() {
        // The first error is the one to report, and the next writer tries to remove it again.
        drop(segment::settle(folder, generation));
        return committed;
    }
    // The old file goes once the new one is sure to stay.
    points.sync()?;
    segment::settle(folder, generation + 1)?;
    super::sync_folder(folder)?;
    committed
}

/// Writes the next generation and commits it.
fn commit(
    folder: &Path,
    points: &Points,
    old: &Old,
    ruins: &[Range<usize>],
) -> Result<usize, StoreError> {
    let new = New::create(folder, old.extent.generation + 1, old.dimension)?;
    points.change(|| {
        if points.is_of_format_1()? {
            points.bring_to_present_format()?;
        }
        let mut n_damaged = 0;
        for rows in ruins {
            n_damaged += points.forget(rows.clone())?;
        }
        let new = new.filled(&old.rows, &points.owned_rows()?)?;
        super::sync_folder(folder)?;
        points.renumber(new.n_rows)?;
        points.keep_checksums(&new.checksums)?;
        Ok(n_damaged)
    })
}

/// The store after.
struct New {
    dimension: usize,
    segment: Segment,
    n_rows: usize,
    checksums: Vec<Checksum>,
}

impl New {
    fn create(folder: &Path, generation: u64, dimension: usize) -> Result<Self, StoreError> {
        let segment = Segment::create_generation(folder, generation, dimension)?;
        Ok(Self { dimension, segment, n_rows: 0, checksums: Vec::new() })
    }

    /// Takes over the rows that are points'.
    fn filled(mut self, rows: &Rows, owned: &Bitmap) -> Result<Self, StoreError> {
        let mut block = Vec::with_capacity(BLOCK_ROWS * self.dimension);
        for row_idx in owned.rows() {
            block.extend_from_slice(rows.row(row_idx).unwrap_or_default());
            if block.len() >= BLOCK_ROWS * self.dimension {
                self.append(&block)?;
                block.clear();
            }
        }
        self.append(&block)?;
        self.segment.write_header(self.n_rows)?;
        self.segment.sync()?;
        Ok(self)
    }

    /// Appends a whole block, or the last one.
    fn append(&mut self, block: &[f16]) -> Result<(), StoreError> {
        if !block.is_empty() {
            self.segment.append(self.n_rows, block)?;
            let checksums = checksum::extended(None, self.n_rows, block, self.dimension);
            self.checksums.extend(checksums);
            self.n_rows += block.len() / self.dimension;
        }
        Ok(())
    }
}
