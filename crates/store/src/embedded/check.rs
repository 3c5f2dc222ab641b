//! Walks a store and verifies every promise of its format.

use std::{ops::Range, path::Path};

use half::{f16, slice::HalfFloatSliceExt};
use linprobe_core::StoreError;
use rayon::prelude::*;

use super::{
    bitmap::Bitmap,
    checksum::{self, Checksum},
    codes,
    points::{Extent, Points},
    segment::{Access, HEADER_BYTES, Rows, Segment},
    snapshot::Snapshot,
};

/// How far from 1 the length of a stored vector may be: rounding to half precision moves it by less.
const NORM_TOLERANCE: f64 = 2e-3;

/// What a walk through a store found.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckReport {
    /// Rows committed to the vector file, those given up included.
    pub n_rows: u64,
    /// Points in the database.
    pub n_points: u64,
    /// Rows given up.
    pub n_tombstones: u64,
    /// The lengths of the vectors of all points.
    pub norms: Norms,
    /// The broken promises: none in a sound store.
    pub violations: Vec<Violation>,
}

/// A promise of the format that a store breaks. Rows are counted from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Violation {
    /// The database itself is damaged.
    #[error("points.db: {0}")]
    Database(String),
    /// The header of the vector file does not say what is committed.
    #[error(
        "vectors.npy: the header does not give the {n_rows} rows that are committed\n\
         hint: the next run that writes to the store mends it"
    )]
    Header {
        /// The committed rows.
        n_rows: usize,
    },
    /// The file does not end where the last row does.
    #[error(
        "vectors.npy: the file has {found} bytes, its rows take {expected}{remedy}",
        remedy = if found > expected { ": the next run that writes to the store cuts it" } else { "" }
    )]
    Length {
        /// The length for the committed rows.
        expected: u64,
        /// The length of the file.
        found: u64,
    },
    /// Rows are not what was written, or not there.
    #[error("vectors.npy: rows {first_row} to {last_row} are not what was written")]
    Checksum {
        /// The first row of the block.
        first_row: usize,
        /// The last one.
        last_row: usize,
    },
    /// Rows of the int8 copy are not what was written, or not there.
    #[error(
        "codes.i8: rows {first_row} to {last_row} of the int8 copy are not what was written\n\
         hint: \"linprobe compact\" makes it again; nothing is lost"
    )]
    CodeChecksum {
        /// The first row of the block.
        first_row: usize,
        /// The last one.
        last_row: usize,
    },
    /// A vector is not finite, or not of unit length.
    #[error("vectors.npy: row {row_idx} has length {norm}, not 1")]
    NotUnit {
        /// The row.
        row_idx: usize,
        /// Its length.
        norm: f64,
    },
    /// A row is no point's, and has no tombstone.
    #[error("points.db: row {row_idx} has neither an id nor a tombstone")]
    Unclaimed {
        /// The row.
        row_idx: usize,
    },
    /// A row is a point's although it was given up.
    #[error("points.db: row {row_idx} has an id and a tombstone")]
    DeadWithId {
        /// The row.
        row_idx: usize,
    },
    /// A row has an id or a tombstone, and there is no such row.
    #[error("points.db: row {row_idx} is beyond the last one")]
    Beyond {
        /// The row.
        row_idx: usize,
    },
    /// An id is none that a record could have.
    #[error("points.db: the id of row {row_idx} is none: {reason}")]
    BadId {
        /// The row.
        row_idx: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// Verifies a store, which it opens to be read. Lists everything that is wrong with it. Beside a
/// writer that is at work, header and length of the vector file may be ahead of the database or
/// behind it for a moment.
///
/// # Errors
/// [`StoreError`] only where there is nothing to walk through: no store, or one that cannot be read.
pub fn check(folder: impl AsRef<Path>) -> Result<CheckReport, StoreError> {
    let points = Points::open(folder.as_ref(), Access::Read)?;
    let extent = points.begin()?;
    let shape = (points.dimension()?, Access::Read);
    let segment = Segment::open(folder.as_ref(), extent.generation, shape)?;
    let owned = Claims::of_points(&points)?;
    let buried: Bitmap = points.tombstones_after(0)?.into_iter().collect();
    let rows = segment.rows_at_hand(extent.n_rows)?;

    let mut violations: Vec<Violation> =
        points.integrity()?.into_iter().map(Violation::Database).collect();
    violations.extend(check_file(&segment, extent.n_rows)?);
    violations.extend(check_checksums(&rows, &points.checksums_from(0)?, extent.n_rows));
    violations.extend(check_codes(folder.as_ref(), &points, extent)?);
    violations.extend(owned.bad_ids);
    violations.extend(check_claims(&owned.rows, &buried, extent.n_rows));
    violations.extend(check_lengths(&rows));
    Ok(CheckReport {
        n_rows: extent.n_rows as u64,
        n_points: owned.rows.count() as u64,
        n_tombstones: buried.count() as u64,
        norms: Norms::over(&rows, &buried),
        violations,
    })
}

/// Which rows are points', and which of these have an id that is none.
#[derive(Debug, Default)]
struct Claims {
    rows: Bitmap,
    bad_ids: Vec<Violation>,
}

impl Claims {
    fn of_points(points: &Points) -> Result<Self, StoreError> {
        let mut claims = Self::default();
        points.each_by_id(|id, row_idx| {
            claims.rows.insert(row_idx);
            if let Err(bad) = linprobe_core::RecordId::new(id) {
                claims.bad_ids.push(Violation::BadId { row_idx, reason: bad.to_string() });
            }
            std::ops::ControlFlow::Continue(())
        })?;
        Ok(claims)
    }
}

fn check_file(segment: &Segment, n_rows: usize) -> Result<Vec<Violation>, StoreError> {
    let mut violations = Vec::new();
    let (expected, found) = (segment.n_bytes_for(n_rows)?, segment.n_bytes()?);
    if found < HEADER_BYTES as u64 || !segment.header_is_right(n_rows)? {
        violations.push(Violation::Header { n_rows });
    }
    if expected != found {
        violations.push(Violation::Length { expected, found });
    }
    Ok(violations)
}

fn check_checksums(rows: &Rows, expected: &[Checksum], n_rows: usize) -> Vec<Violation> {
    let blocks = checksum::damaged(rows.as_slice(), rows.dimension(), expected);
    let blocks = blocks.into_iter().map(|block| block.rows(n_rows));
    let violation =
        |rows: Range<usize>| Violation::Checksum { first_row: rows.start, last_row: rows.end - 1 };
    blocks.filter(|rows| !rows.is_empty()).map(violation).collect()
}

/// A copy of another generation is none, and says nothing.
fn check_codes(
    folder: &Path,
    points: &Points,
    extent: Extent,
) -> Result<Vec<Violation>, StoreError> {
    let codes = points.codes()?.filter(|codes| codes.generation == extent.generation);
    let Some(codes) = codes else { return Ok(Vec::new()) };
    let damaged = codes::damaged(folder, points, (codes, points.dimension()?))?.into_iter();
    let violation = |rows: Range<usize>| Violation::CodeChecksum {
        first_row: rows.start,
        last_row: rows.end - 1,
    };
    Ok(damaged.filter(|rows| !rows.is_empty()).map(violation).collect())
}

fn check_claims(owned: &Bitmap, buried: &Bitmap, n_rows: usize) -> Vec<Violation> {
    let claim = |row_idx| match (owned.contains(row_idx), buried.contains(row_idx)) {
        (true, true) => Some(Violation::DeadWithId { row_idx }),
        (false, false) => Some(Violation::Unclaimed { row_idx }),
        _ => None,
    };
    let beyond = owned.rows().chain(buried.rows()).filter(|&row_idx| row_idx >= n_rows);
    let beyond = beyond.map(|row_idx| Violation::Beyond { row_idx });
    (0..n_rows).filter_map(claim).chain(beyond).collect()
}

fn check_lengths(rows: &Rows) -> Vec<Violation> {
    let unit = |norm: f64| (norm - 1.0).abs() <= NORM_TOLERANCE;
    let lengths = lengths(rows).filter(|&(_, norm)| !unit(norm));
    lengths.map(|(row_idx, norm)| Violation::NotUnit { row_idx, norm }).collect()
}

/// The lengths of the vectors of a store's points, as they are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Norms {
    /// The shortest; 0 where there is no point.
    pub min: f64,
    /// Their mean; 0 where there is no point.
    pub mean: f64,
    /// The longest; 0 where there is no point.
    pub max: f64,
}

impl Norms {
    pub(crate) fn of(snapshot: &Snapshot<'_>) -> Self {
        Self::over(&snapshot.rows, &snapshot.dead)
    }

    fn over(rows: &Rows, dead: &Bitmap) -> Self {
        let alive = lengths(rows).filter(|&(row_idx, _)| !dead.contains(row_idx));
        let (n_alive, sum, min, max) = alive
            .map(|(_, norm)| (1_u64, norm, norm, norm))
            .reduce_with(|a, b| (a.0 + b.0, a.1 + b.1, a.2.min(b.2), a.3.max(b.3)))
            .unwrap_or_default();
        Self { min, mean: sum / n_alive.max(1) as f64, max }
    }
}

/// The length of each row; not finite where a coordinate is not.
fn lengths(rows: &Rows) -> impl ParallelIterator<Item = (usize, f64)> {
    let rows = rows.as_slice().par_chunks_exact(rows.dimension().max(1));
    rows.enumerate().map(|(row_idx, row)| (row_idx, length(row)))
}

fn length(row: &[f16]) -> f64 {
    let squares = row.to_f32_vec().into_iter().map(|x| f64::from(x) * f64::from(x));
    squares.sum::<f64>().sqrt()
}
