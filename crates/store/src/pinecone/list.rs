//! The engine's list of its ids, a page behind the other.

use std::{
    collections::BTreeMap,
    sync::{MutexGuard, PoisonError},
};

use linprobe_core::{RecordId, StoreError};

use super::{
    IDS_PER_LIST, Pinecone,
    api::Listed,
    key::{self, Key},
};
use crate::remote::{Request, encoded};

/// Where a page of the list ended.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    last: RecordId,
    /// The engine's name for what comes next.
    token: String,
}

impl Pinecone {
    /// Ids of the engine's list, and the name of what comes next.
    pub(super) async fn list(
        &self,
        token: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<String>, Option<String>), StoreError> {
        let namespace = encoded(self.namespace.as_deref().unwrap_or_default());
        let mut path = format!("/vectors/list?limit={limit}&namespace={namespace}");
        if let Some(token) = token {
            path = format!("{path}&paginationToken={}", encoded(token));
        }
        let listed: Listed = self.http.tell(Request::get(path)).await?;
        let ids = listed.vectors.into_iter().map(|item| item.id).collect();
        Ok((ids, listed.pagination.and_then(|pagination| pagination.next)))
    }

    /// The name of what comes after an id: kept, or found by going through the list once more.
    async fn token_after(&self, id: &RecordId) -> Result<Option<String>, StoreError> {
        let kept = self.cursor().clone().filter(|cursor| cursor.last == *id);
        if let Some(cursor) = kept {
            return Ok(Some(cursor.token));
        }
        let key = Key::of(id).0;
        let (mut token, mut limit) = (None, IDS_PER_LIST);
        loop {
            let (ids, next) = self.list(token.as_deref(), limit).await?;
            match ids.iter().position(|listed| *listed == key) {
                Some(place) if place + 1 == ids.len() => return Ok(next),
                // The same page again, so that it ends with the id.
                Some(place) => limit = place + 1,
                None if next.is_none() => {
                    return Err(StoreError::UnknownPoint { id: id.clone() });
                }
                None => token = next,
            }
        }
    }

    /// The ids that come after one, in the engine's order; and the last of them, where others may follow.
    pub(super) async fn listed(
        &self,
        after: Option<&RecordId>,
        limit: usize,
    ) -> Result<(Vec<RecordId>, Option<RecordId>), StoreError> {
        let mut token = match after {
            None => None,
            Some(id) => match self.token_after(id).await? {
                None => return Ok((Vec::new(), None)),
                token => token,
            },
        };
        let mut keys = Vec::new();
        loop {
            let n_wanted = IDS_PER_LIST.min(limit - keys.len());
            let (listed, next) = self.list(token.as_deref(), n_wanted).await?;
            keys.extend(listed);
            token = next;
            if token.is_none() || keys.len() >= limit {
                break;
            }
        }
        let ids = self.record_ids(&keys).await?;
        let last = ids.last().cloned().filter(|_| token.is_some());
        *self.cursor() = last.clone().zip(token).map(|(last, token)| Cursor { last, token });
        Ok((ids, last))
    }

    /// The ids of records. Of those that are hashes the vectors say what they are of.
    pub(super) async fn record_ids(&self, keys: &[String]) -> Result<Vec<RecordId>, StoreError> {
        let hashed = keys.iter().map(String::as_str).filter(|key| key::is_hash(key));
        let named: BTreeMap<String, RecordId> = self
            .stored(hashed)
            .await?
            .into_iter()
            .filter_map(|vector| Some((vector.id.clone(), vector.record_id()?)))
            .collect();
        let id = |key: &String| {
            if key::is_hash(key) { named.get(key).cloned() } else { RecordId::new(key).ok() }
        };
        Ok(keys.iter().filter_map(id).collect())
    }

    fn cursor(&self) -> MutexGuard<'_, Option<Cursor>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
