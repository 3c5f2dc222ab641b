//! Which points are records: those that the filter of the address lets through, which is one of the engine's own.
//!
//! The engine filters what a query finds, and lists points by a filter in an order of its own; it counts none by it, and
//! gives any that is asked for by its id. So the ids of all that a filter lets through are listed once, and again when
//! the number of points has changed.

use std::{
    collections::BTreeSet,
    ops::Bound,
    sync::{Arc, Mutex, PoisonError},
};

use linprobe_core::{RecordId, StoreError};
use serde_json::{Value, json};

use super::{
    Pinecone,
    api::{Fetched, Vector},
};
use crate::{collection::MAX_LISTED, remote::Request};

/// Points to a page, as many as the engine gives.
const POINTS_PER_PAGE: usize = 100;

/// A filter, and what it lets through.
#[derive(Debug)]
pub(super) struct Filter {
    /// As requests have it.
    pub(super) own: Value,
    known: Mutex<Option<Known>>,
}

#[derive(Clone, Debug)]
struct Known {
    /// The number of points, records or not, when it was looked.
    n_points: u64,
    passing: Arc<BTreeSet<RecordId>>,
}

impl Filter {
    pub(super) fn new(own: Value) -> Self {
        Self { own, known: Mutex::default() }
    }
}

impl Pinecone {
    /// A filter that is not understood is told at once.
    pub(super) async fn check_filter(&self) -> Result<(), StoreError> {
        if let Some(filter) = &self.filter {
            self.let_through(filter, None, 1).await?;
        }
        Ok(())
    }

    /// The ids of the points that the filter lets through; none without a filter.
    pub(super) async fn passing(&self) -> Result<Option<Arc<BTreeSet<RecordId>>>, StoreError> {
        let Some(filter) = &self.filter else { return Ok(None) };
        let n_points = self.n_points().await?;
        let known = filter.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known.n_points == n_points) {
            return Ok(Some(known.passing));
        }
        let passing = Arc::new(self.list_passing(filter).await?);
        let known = Known { n_points, passing: Arc::clone(&passing) };
        *filter.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(Some(passing))
    }

    async fn list_passing(&self, filter: &Filter) -> Result<BTreeSet<RecordId>, StoreError> {
        let (mut ids, mut token) = (BTreeSet::new(), None);
        loop {
            let page = self.let_through(filter, token.as_deref(), POINTS_PER_PAGE).await?;
            ids.extend(page.vectors.values().filter_map(Vector::record_id));
            if ids.len() as u64 > MAX_LISTED {
                let reason = format!("its filter lets more than {MAX_LISTED} points through");
                return Err(self.http.unfit(reason, "keep them in a namespace of their own"));
            }
            token = page.pagination.and_then(|pagination| pagination.next);
            if token.is_none() {
                return Ok(ids);
            }
        }
    }

    async fn let_through(
        &self,
        filter: &Filter,
        token: Option<&str>,
        limit: usize,
    ) -> Result<Fetched, StoreError> {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        let mut body = json!({ "namespace": namespace, "filter": filter.own, "limit": limit });
        if let Some(token) = token {
            body["paginationToken"] = json!(token);
        }
        self.http.tell(Request::post("/vectors/fetch_by_metadata", &body)).await
    }
}

/// The ids that come after one, of so many at most; and the last of them, where others may follow.
pub(super) fn after(
    passing: &BTreeSet<RecordId>,
    after: Option<&RecordId>,
    limit: usize,
) -> (Vec<RecordId>, Option<RecordId>) {
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    let behind = passing.range::<RecordId, _>((start, Bound::Unbounded));
    let ids: Vec<RecordId> = behind.take(limit).cloned().collect();
    let last = ids.last().cloned().filter(|_| ids.len() == limit);
    (ids, last)
}
