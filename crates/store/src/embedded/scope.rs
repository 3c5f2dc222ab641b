//! Some of the points of a store, as if there were no others.
//!
//! A search scores every row in any case, and strikes out the dead; the rows outside of a scope are struck out
//! with them, so that a scope costs a search nothing. Which rows these are is worked out when it is asked
//! first, and again after the store was written to: by one walk over all ids, or by a look for each of few.

use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
};

use linprobe_core::{RecordId, StoreError};

use super::{
    bitmap::Bitmap,
    points::{Extent, Points, STEPS_PER_LOOKUP},
};

/// The points that are there.
#[derive(Debug)]
pub(crate) struct Scope {
    /// Sorted, each once.
    ids: Vec<RecordId>,
    known: Mutex<Option<Known>>,
}

/// What is outside of a scope in one state of the store.
#[derive(Clone, Debug)]
struct Known {
    extent: Extent,
    outside: Arc<Bitmap>,
}

impl Scope {
    pub(crate) fn new(ids: impl IntoIterator<Item = RecordId>) -> Self {
        let mut ids: Vec<RecordId> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Self { ids, known: Mutex::default() }
    }

    pub(crate) fn holds(&self, id: &RecordId) -> bool {
        self.ids.binary_search(id).is_ok()
    }

    /// The rows outside of it, the dead included.
    pub(crate) fn outside(
        &self,
        points: &Points,
        extent: Extent,
    ) -> Result<Arc<Bitmap>, StoreError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_ref().filter(|known| known.extent == extent) {
            return Ok(Arc::clone(&known.outside));
        }
        let outside = Arc::new(self.work_out(points, extent.n_rows)?);
        *known = Some(Known { extent, outside: Arc::clone(&outside) });
        Ok(outside)
    }

    fn work_out(&self, points: &Points, n_rows: usize) -> Result<Bitmap, StoreError> {
        let mut outside = Bitmap::first(n_rows);
        if self.ids.len() < n_rows / STEPS_PER_LOOKUP {
            points.rows_of(&self.ids)?.into_iter().flatten().for_each(|row| outside.remove(row));
            return Ok(outside);
        }
        let mut left = self.ids.as_slice();
        points.each_by_id(|id, row_idx| {
            while let Some((first, rest)) = left.split_first()
                && first.as_str() <= id
            {
                left = rest;
                if first.as_str() == id {
                    outside.remove(row_idx);
                }
            }
            if left.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(outside)
    }
}
