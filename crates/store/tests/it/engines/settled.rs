//! A store whose changes are seen a little later, as one whose changes are seen at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    thread,
    time::Duration,
};

use async_trait::async_trait;
use linprobe_core::{
    Embedding, Hit, Point, Query, RecordId, StoreError, StoreSpec, Survey, SurveyReport,
    VectorStore,
};
use linprobe_store::PineconeStore;
use pollster::block_on;

/// How often it is looked whether a change is seen, and how long it is waited between.
const N_LOOKS: usize = 300;
const PAUSE: Duration = Duration::from_millis(200);

/// Waits after each change until it is seen, before it lets another one through.
pub(super) struct Settled {
    store: PineconeStore,
    changing: Mutex<()>,
}

impl Settled {
    pub(super) fn new(store: PineconeStore) -> Self {
        Self { store, changing: Mutex::default() }
    }

    /// Until these have these embeddings, or none.
    async fn settle(
        &self,
        expected: &BTreeMap<RecordId, Option<&Embedding>>,
    ) -> Result<(), StoreError> {
        self.store.flush().await?;
        let ids: Vec<RecordId> = expected.keys().cloned().collect();
        for _look in 0..N_LOOKS {
            let found = self.store.fetch(&ids).await?;
            let found: BTreeMap<RecordId, Embedding> =
                found.into_iter().map(|point| (point.id, point.embedding)).collect();
            if expected.iter().all(|(id, embedding)| is_same(found.get(id), *embedding)) {
                return Ok(());
            }
            thread::park_timeout(PAUSE);
        }
        panic!("what was written is not seen");
    }
}

fn is_same(found: Option<&Embedding>, expected: Option<&Embedding>) -> bool {
    match (found, expected) {
        (Some(found), Some(expected)) => found.dot(expected.as_slice()) > 0.999_99,
        (None, None) => true,
        _ => false,
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl VectorStore for Settled {
    fn spec(&self) -> &StoreSpec {
        self.store.spec()
    }

    async fn upsert(&self, points: &[Point]) -> Result<(), StoreError> {
        let _only = self.changing.lock().unwrap();
        block_on(self.store.upsert(points))?;
        let written = points.iter().map(|point| (point.id.clone(), Some(&point.embedding)));
        block_on(self.settle(&written.collect()))
    }

    async fn delete(&self, ids: &[RecordId]) -> Result<u64, StoreError> {
        let _only = self.changing.lock().unwrap();
        let n_gone = block_on(self.store.delete(ids))?;
        block_on(self.settle(&ids.iter().map(|id| (id.clone(), None)).collect()))?;
        Ok(n_gone)
    }

    async fn search(&self, query: Query<'_>) -> Result<Vec<Hit>, StoreError> {
        self.store.search(query).await
    }

    async fn survey(&self, survey: Survey<'_>) -> Result<SurveyReport, StoreError> {
        self.store.survey(survey).await
    }

    async fn survey_all(&self, surveys: &[Survey<'_>]) -> Result<Vec<SurveyReport>, StoreError> {
        self.store.survey_all(surveys).await
    }

    async fn fetch(&self, ids: &[RecordId]) -> Result<Vec<Point>, StoreError> {
        self.store.fetch(ids).await
    }

    async fn in_scope(&self, ids: &[RecordId]) -> Result<BTreeSet<RecordId>, StoreError> {
        self.store.in_scope(ids).await
    }

    async fn scan(&self, after: Option<&RecordId>, limit: usize) -> Result<Vec<Point>, StoreError> {
        self.store.scan(after, limit).await
    }

    async fn sample(&self, n_points: usize, seed: u64) -> Result<Vec<Point>, StoreError> {
        self.store.sample(n_points, seed).await
    }

    async fn count(&self) -> Result<u64, StoreError> {
        self.store.count().await
    }

    async fn version(&self) -> Result<u64, StoreError> {
        self.store.version().await
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.store.flush().await
    }
}
