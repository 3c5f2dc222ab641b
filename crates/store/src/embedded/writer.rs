//! The one writer of a store: vectors first, then their ids.

use std::{
    collections::{BTreeSet, HashSet},
    fs::File,
    path::Path,
};

use half::{f16, slice::HalfFloatSliceExt};
use linprobe_core::{Point, RecordId, StoreError};

use super::{
    checksum,
    codes::Codes,
    points::{Extent, Points},
    segment::{self, Access, Segment},
};

/// Appends rows and commits them. There is one for a store, in one process.
#[derive(Debug)]
pub(crate) struct Writer {
    points: Points,
    segment: Segment,
    /// The int8 copy, if the store has one.
    codes: Option<Codes>,
    dimension: usize,
    n_rows: usize,
    /// Held for as long as this value lives.
    _lock: File,
}

impl Writer {
    /// Goes on where the last writer stopped, once what it left undone is cut off.
    pub(crate) fn open(folder: &Path, points: Points, lock: File) -> Result<Self, StoreError> {
        let dimension = points.dimension()?;
        let Extent { n_rows, generation, .. } = points.extent()?;
        segment::settle(folder, generation)?;
        let segment = Segment::open(folder, generation, (dimension, Access::Write))?;
        segment.recover(n_rows)?;
        let codes = Codes::recover(folder, &points, &segment.rows(n_rows)?)?;
        let writer = Self { points, segment, codes, dimension, n_rows, _lock: lock };
        writer.bring_to_present_format()?;
        Ok(writer)
    }

    /// Makes an int8 copy of all rows, unless there is one.
    pub(crate) fn make_codes(&mut self, folder: &Path) -> Result<(), StoreError> {
        if self.codes.is_none() && self.n_rows > 0 {
            let rows = self.segment.rows(self.n_rows)?;
            self.codes = Some(Codes::make(folder, &self.points, &rows)?);
        }
        Ok(())
    }

    /// Gives a store of format 1 checksums, for which all of it is read once.
    fn bring_to_present_format(&self) -> Result<(), StoreError> {
        if !self.points.is_of_format_1()? {
            return Ok(());
        }
        self.points.change(|| {
            self.points.bring_to_present_format()?;
            self.keep_checksums(0, self.segment.rows(self.n_rows)?.as_slice())
        })
    }

    /// Writes points, the last one of each id. Those that are there already, bit for bit, stay.
    pub(crate) fn upsert(&mut self, points: &[Point]) -> Result<(), StoreError> {
        let points = last_of_each_id(points);
        let n_added = self.points.change(|| {
            let new = self.new_rows(&points)?;
            if !new.rows.is_empty() {
                self.segment.append(self.n_rows, &new.values)?;
                self.segment.sync()?;
                if let Some(codes) = &self.codes {
                    codes.append(&self.points, self.n_rows, &new.values)?;
                }
                self.points.bury(new.rows.iter().filter_map(|row| row.replaces))?;
                self.points.add(self.n_rows, new.rows.iter().map(|row| row.id))?;
                self.keep_checksums(self.n_rows, &new.values)?;
            }
            Ok(new.rows.len())
        })?;
        self.n_rows += n_added;
        self.segment.write_header(self.n_rows)
    }

    /// Removes points and tells how many there were.
    pub(crate) fn delete(&mut self, ids: &[RecordId]) -> Result<u64, StoreError> {
        let distinct: BTreeSet<&RecordId> = ids.iter().collect();
        self.points.change(|| {
            let rows = self.points.rows_of(distinct)?;
            let rows: Vec<usize> = rows.into_iter().flatten().collect();
            self.points.bury(rows.iter().copied())?;
            Ok(rows.len() as u64)
        })
    }

    /// Waits until all that was written is on the disk.
    pub(crate) fn flush(&mut self) -> Result<(), StoreError> {
        self.points.sync()?;
        self.segment.sync()
    }

    /// Extends the checksums to rows from `first_row` on.
    fn keep_checksums(&self, first_row: usize, rows: &[f16]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let begun = self.points.checksums_from(checksum::block_of(first_row))?.pop();
        let checksums = checksum::extended(begun, first_row, rows, self.dimension);
        self.points.keep_checksums(&checksums)
    }

    /// What must be written for points of distinct ids.
    fn new_rows<'a>(&self, points: &[&'a Point]) -> Result<NewRows<'a>, StoreError> {
        let mut new = NewRows::default();
        new.values.reserve(points.len() * self.dimension);
        for point in points {
            let start = new.values.len();
            new.values.resize(start + self.dimension, f16::ZERO);
            new.values[start..].convert_from_f32_slice(point.embedding.as_slice());
            let replaces = self.points.row_of(&point.id)?;
            if let Some(row_idx) = replaces
                && self.holds(row_idx, &new.values[start..])?
            {
                new.values.truncate(start);
            } else {
                new.rows.push(NewRow { id: &point.id, replaces });
            }
        }
        Ok(new)
    }

    fn holds(&self, row_idx: usize, row: &[f16]) -> Result<bool, StoreError> {
        let rows = self.segment.rows(self.n_rows)?;
        Ok(rows.row(row_idx).map(HalfFloatSliceExt::reinterpret_cast)
            == Some(row.reinterpret_cast()))
    }
}

/// Rows to be appended, in their order.
#[derive(Debug, Default)]
struct NewRows<'a> {
    /// Of all of them, one behind the other.
    values: Vec<f16>,
    rows: Vec<NewRow<'a>>,
}

#[derive(Debug)]
struct NewRow<'a> {
    /// Whose it is.
    id: &'a RecordId,
    /// The row that it takes the place of.
    replaces: Option<usize>,
}

fn last_of_each_id(points: &[Point]) -> Vec<&Point> {
    let mut met = HashSet::with_capacity(points.len());
    let mut last: Vec<&Point> = points.iter().rev().filter(|point| met.insert(&point.id)).collect();
    last.reverse();
    last
}
