//! The conformance suite over every store of this crate. The embedded store goes through it three
//! times: checked after each change, the same with an int8 copy, and closed and opened again after each
//! change as well.

use std::{collections::BTreeSet, sync::Mutex};

use async_trait::async_trait;
use linprobe_core::{
    Hit, Point, Query, RecordId, StoreError, StoreSpec, Survey, SurveyReport, VectorStore,
};
use linprobe_store::{EmbeddedStore, MemoryStore, check};
use pollster::block_on;
use tempfile::TempDir;

mod memory {
    linprobe_store::conformance_tests!(super::MemoryStore::new);
}

mod embedded {
    linprobe_store::conformance_tests!(super::Checked::new);
}

mod embedded_with_int8_copy {
    linprobe_store::conformance_tests!(super::Checked::with_int8_copy);
}

mod embedded_reopened {
    linprobe_store::conformance_tests!(super::Reopened::new);
}

/// No check can be written and then forgotten in the list that makes tests of them.
#[test]
fn every_check_is_a_test() {
    let source = include_str!("../../src/conformance.rs");
    let (list, checks) = source.split_once("/// An empty store").unwrap();
    let names = checks.lines().filter_map(|line| line.strip_prefix("pub async fn "));
    let names: Vec<&str> = names.filter_map(|line| line.split('(').next()).collect();
    assert!(names.len() > 20);
    for name in names {
        let is_listed = list.contains(&format!("            {name},\n"));
        let is_of_some = list.contains(&format!("[$($attribute)*], {name} }}"));
        assert!(is_listed || is_of_some, "{name} is not in the list");
    }
}

/// An embedded store whose format is verified after each change.
struct Checked {
    store: EmbeddedStore,
    has_copy: bool,
    /// Held while a change is made and verified.
    changing: Mutex<()>,
    folder: TempDir,
}

impl Checked {
    fn new(dimension: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::create(folder.path(), dimension).unwrap();
        Self { store, has_copy: false, changing: Mutex::default(), folder }
    }

    /// One that surveys the int8 copy first.
    fn with_int8_copy(dimension: usize) -> Self {
        Self { has_copy: true, ..Self::new(dimension) }
    }

    fn change<T>(&self, change: impl AsyncFnOnce(&EmbeddedStore) -> T) -> T {
        let _one_at_a_time = self.changing.lock();
        let outcome = block_on(change(&self.store));
        if self.has_copy {
            self.store.keep_int8_copy().unwrap();
        }
        assert_eq!(check(self.folder.path()).unwrap().violations, []);
        outcome
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl VectorStore for Checked {
    fn spec(&self) -> &StoreSpec {
        self.store.spec()
    }

    async fn upsert(&self, points: &[Point]) -> Result<(), StoreError> {
        self.change(async |store| store.upsert(points).await)
    }

    async fn delete(&self, ids: &[RecordId]) -> Result<u64, StoreError> {
        self.change(async |store| store.delete(ids).await)
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
        self.change(async |store| store.flush().await)
    }
}

/// An embedded store that is closed after each change, and opened again for the next call.
struct Reopened {
    spec: StoreSpec,
    store: Mutex<Option<EmbeddedStore>>,
    folder: TempDir,
}

impl Reopened {
    fn new(dimension: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::create(folder.path(), dimension).unwrap();
        Self { spec: store.spec().clone(), store: Mutex::new(None), folder }
    }

    fn read<T>(&self, read: impl AsyncFnOnce(&EmbeddedStore) -> T) -> T {
        let mut store = self.store.lock().unwrap();
        block_on(read(store.get_or_insert_with(|| self.open())))
    }

    fn change<T>(&self, change: impl AsyncFnOnce(&EmbeddedStore) -> T) -> T {
        let mut store = self.store.lock().unwrap();
        let outcome = block_on(change(store.get_or_insert_with(|| self.open())));
        drop(store.take());
        assert_eq!(check(self.folder.path()).unwrap().violations, []);
        outcome
    }

    fn open(&self) -> EmbeddedStore {
        EmbeddedStore::open(self.folder.path()).unwrap()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl VectorStore for Reopened {
    fn spec(&self) -> &StoreSpec {
        &self.spec
    }

    async fn upsert(&self, points: &[Point]) -> Result<(), StoreError> {
        self.change(async |store| store.upsert(points).await)
    }

    async fn delete(&self, ids: &[RecordId]) -> Result<u64, StoreError> {
        self.change(async |store| store.delete(ids).await)
    }

    async fn search(&self, query: Query<'_>) -> Result<Vec<Hit>, StoreError> {
        self.read(async |store| store.search(query).await)
    }

    async fn survey(&self, survey: Survey<'_>) -> Result<SurveyReport, StoreError> {
        self.read(async |store| store.survey(survey).await)
    }

    async fn survey_all(&self, surveys: &[Survey<'_>]) -> Result<Vec<SurveyReport>, StoreError> {
        self.read(async |store| store.survey_all(surveys).await)
    }

    async fn fetch(&self, ids: &[RecordId]) -> Result<Vec<Point>, StoreError> {
        self.read(async |store| store.fetch(ids).await)
    }

    async fn in_scope(&self, ids: &[RecordId]) -> Result<BTreeSet<RecordId>, StoreError> {
        self.read(async |store| store.in_scope(ids).await)
    }

    async fn scan(&self, after: Option<&RecordId>, limit: usize) -> Result<Vec<Point>, StoreError> {
        self.read(async |store| store.scan(after, limit).await)
    }

    async fn sample(&self, n_points: usize, seed: u64) -> Result<Vec<Point>, StoreError> {
        self.read(async |store| store.sample(n_points, seed).await)
    }

    async fn count(&self) -> Result<u64, StoreError> {
        self.read(async |store| store.count().await)
    }

    async fn version(&self) -> Result<u64, StoreError> {
        self.read(async |store| store.version().await)
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.change(async |store| store.flush().await)
    }
}
