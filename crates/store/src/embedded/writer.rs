//! The one writer of a store: vectors first, then their ids.

use std::{collections::HashSet, fs::File, path::Path};

use half::{f16, slice::HalfFloatSliceExt};
use linprobe_core::{Point, RecordId, StoreError};

use super::{
    points::{Change, Points},
    segment::{Access, Segment},
};

/// Appends rows and commits them. There is one for a store, in one process.
#[derive(Debug)]
pub(crate) struct Writer {
    points: Points,
    segment: Segment,
    dimension: usize,
    n_rows: usize,
    /// Held for as long as this value lives.
    _lock: File,
}

impl Writer {
    /// Goes on where the last writer stopped, once what it left undone is cut off.
    pub(crate) fn open(folder: &Path, points: Points, lock: File) -> Result<Self, StoreError> {
        let dimension = points.dimension()?;
        let n_rows = points.extent()?.n_rows;
        let segment = Segment::open(folder, dimension, Access::Write)?;
        segment.recover(n_rows)?;
        Ok(Self { points, segment, dimension, n_rows, _lock: lock })
    }

    /// Writes points, the last one of each id. Those that are there already, bit for bit, stay.
    pub(crate) fn upsert(&mut self, points: &[Point]) -> Result<(), StoreError> {
        let (mut rows, mut buried, mut added) = (Vec::new(), Vec::new(), Vec::new());
        rows.reserve(points.len() * self.dimension);
        for point in last_of_each_id(points) {
            let start = rows.len();
            rows.resize(start + self.dimension, f16::ZERO);
            rows[start..].convert_from_f32_slice(point.embedding.as_slice());
            let old_row = self.points.row_of(&point.id)?;
            if let Some(row_idx) = old_row
                && self.holds(row_idx, &rows[start..])?
            {
                rows.truncate(start);
            } else {
                buried.extend(old_row);
                added.push(&point.id);
            }
        }
        if added.is_empty() {
            return Ok(());
        }
        self.segment.append(self.n_rows, &rows)?;
        self.commit(&buried, &added)
    }

    /// Removes points and tells how many there were.
    pub(crate) fn delete(&mut self, ids: &[RecordId]) -> Result<u64, StoreError> {
        let distinct: HashSet<&RecordId> = ids.iter().collect();
        let mut buried = Vec::new();
        for id in distinct {
            buried.extend(self.points.row_of(id)?);
        }
        buried.sort_unstable();
        self.commit(&buried, &[])?;
        Ok(buried.len() as u64)
    }

    /// Waits until all that was written is on the disk.
    pub(crate) fn flush(&mut self) -> Result<(), StoreError> {
        self.points.sync()?;
        self.segment.sync()
    }

    fn commit(&mut self, buried: &[usize], added: &[&RecordId]) -> Result<(), StoreError> {
        self.points.commit(&Change { buried, first_row: self.n_rows, added })?;
        self.n_rows += added.len();
        self.segment.write_header(self.n_rows)
    }

    fn holds(&self, row_idx: usize, row: &[f16]) -> Result<bool, StoreError> {
        let rows = self.segment.rows(self.n_rows)?;
        Ok(rows.row(row_idx).map(HalfFloatSliceExt::reinterpret_cast)
            == Some(row.reinterpret_cast()))
    }
}

fn last_of_each_id(points: &[Point]) -> Vec<&Point> {
    let mut met = HashSet::with_capacity(points.len());
    let mut last: Vec<&Point> = points.iter().rev().filter(|point| met.insert(&point.id)).collect();
    last.reverse();
    last
}
