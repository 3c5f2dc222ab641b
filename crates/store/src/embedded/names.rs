//! Ids of rows that were asked for lately. Surveys that follow each other list much the same points, and a lookup
//! in the database takes longer than to score a hundred rows.
//!
//! A row belongs to one id for good, as long as the vector file is not replaced: a point that is replaced gets
//! another row, and its old one is dead.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use linprobe_core::{RecordId, StoreError};

use super::points::Points;

/// Rows that are remembered at most; with more than these all are forgotten.
const MOST_KNOWN: usize = 1 << 16;

/// What is remembered of one generation of a store.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    ids: HashMap<usize, RecordId>,
    rows: HashMap<RecordId, usize>,
}

impl Names {
    /// Whose each of some rows is.
    pub(crate) fn ids_of(
        &self,
        rows: &[usize],
        points: &Points,
    ) -> Result<Vec<RecordId>, StoreError> {
        let known = self.lock();
        let mut ids: Vec<Option<RecordId>> =
            rows.iter().map(|row_idx| known.ids.get(row_idx).cloned()).collect();
        drop(known);
        let missing = ids.iter_mut().zip(rows).filter(|(id, _)| id.is_none());
        let (places, rows): (Vec<_>, Vec<usize>) =
            missing.map(|(place, row_idx)| (place, *row_idx)).unzip();
        let found = points.ids_of(&rows)?;
        let mut known = self.lock();
        for ((place, row_idx), id) in places.into_iter().zip(rows).zip(found) {
            known.keep(&id, row_idx);
            *place = Some(id);
        }
        Ok(ids.into_iter().flatten().collect())
    }

    /// The row of each of some points; none of one that there is not. A row that is not alive may be that of a
    /// point which has another one in the state that is asked of.
    pub(crate) fn rows_of<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a RecordId>,
        points: &Points,
        is_alive: impl Fn(usize) -> bool,
    ) -> Result<Vec<Option<usize>>, StoreError> {
        let ids: Vec<&RecordId> = ids.into_iter().collect();
        let known = self.lock();
        let row =
            |id: &&RecordId| known.rows.get(*id).copied().filter(|&row_idx| is_alive(row_idx));
        let mut rows: Vec<Option<usize>> = ids.iter().map(row).collect();
        drop(known);
        let missing = rows.iter_mut().zip(ids).filter(|(row_idx, _)| row_idx.is_none());
        let (places, ids): (Vec<_>, Vec<&RecordId>) = missing.unzip();
        let found = points.rows_of(ids.iter().copied())?;
        let mut known = self.lock();
        for ((place, id), row_idx) in places.into_iter().zip(ids).zip(found) {
            if let Some(row_idx) = row_idx {
                known.keep(id, row_idx);
            }
            *place = row_idx;
        }
        Ok(rows)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn keep(&mut self, id: &RecordId, row_idx: usize) {
        if self.ids.len() >= MOST_KNOWN {
            *self = Self::default();
        }
        self.ids.insert(row_idx, id.clone());
        self.rows.insert(id.clone(), row_idx);
    }
}
