//! How often a session looks at every point of its store, and reads those that were labelled.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use linprobe_classifier::ThresholdPolicy;
use linprobe_core::{
    Embedding, Hit, Point, Query, RecordId, StoreError, StoreSpec, Survey, SurveyReport,
    VectorStore,
};
use linprobe_session::{Session, Strategy};
use linprobe_store::MemoryStore;
use pollster::FutureExt;

use crate::stage::{Act, DIMENSION, Stage, ids, opening};

/// Counts the looks at every point, and the points that are read.
struct Counted {
    store: MemoryStore,
    n_looks: AtomicU64,
    n_read: AtomicU64,
}

impl Counted {
    fn new() -> Arc<Self> {
        let (n_looks, n_read) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self { store: MemoryStore::new(DIMENSION), n_looks, n_read })
    }

    /// Those since it was asked last.
    fn n_looks(&self) -> u64 {
        self.n_looks.swap(0, Ordering::Relaxed)
    }

    /// The points read since it was asked last.
    fn n_read(&self) -> u64 {
        self.n_read.swap(0, Ordering::Relaxed)
    }

    fn look(&self) -> &MemoryStore {
        self.n_looks.fetch_add(1, Ordering::Relaxed);
        &self.store
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl VectorStore for Counted {
    fn spec(&self) -> &StoreSpec {
        self.store.spec()
    }

    async fn upsert(&self, points: &[Point]) -> Result<(), StoreError> {
        self.store.upsert(points).await
    }

    async fn delete(&self, ids: &[RecordId]) -> Result<u64, StoreError> {
        self.store.delete(ids).await
    }

    async fn search(&self, query: Query<'_>) -> Result<Vec<Hit>, StoreError> {
        self.look().search(query).await
    }

    async fn survey(&self, survey: Survey<'_>) -> Result<SurveyReport, StoreError> {
        self.look().survey(survey).await
    }

    async fn survey_all(&self, surveys: &[Survey<'_>]) -> Result<Vec<SurveyReport>, StoreError> {
        self.look().survey_all(surveys).await
    }

    async fn fetch(&self, ids: &[RecordId]) -> Result<Vec<Point>, StoreError> {
        self.n_read.fetch_add(ids.len() as u64, Ordering::Relaxed);
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

fn answer(session: &mut Session, records: &[RecordId]) {
    for (record, value) in records.iter().zip([1.0, -1.0, 0.3].into_iter().cycle()) {
        session.say(record, value);
    }
}

fn next(session: &mut Session) -> Vec<RecordId> {
    ids(&session.next_round(5, Strategy::Auto).block_on().unwrap())
}

#[test]
fn a_fit_and_the_round_after_it_take_one_look_whichever_comes_first() {
    let store = Counted::new();
    let stage = Stage::over(Arc::<Counted>::clone(&store), 200);
    let mut session = stage.open(opening("dogs"));
    let mut records = next(&mut session);
    assert_eq!(store.n_looks(), 1);
    for fits_first in [true, false, true] {
        answer(&mut session, &records);
        if fits_first {
            session.fit().block_on().unwrap();
            records = next(&mut session);
        } else {
            session.refit().block_on().unwrap();
            records = next(&mut session);
            session.fit().block_on().unwrap();
        }
        assert_eq!(store.n_looks(), 1, "fits first: {fits_first}");
    }
}

#[test]
fn a_round_is_the_same_whatever_was_asked_before() {
    let stage = Stage::new(200);
    let (mut curious, mut terse) = (stage.start("dogs"), stage.start("cats"));
    for _ in 0..4 {
        let records = next(&mut curious);
        assert_eq!(records, next(&mut terse));
        answer(&mut curious, &records);
        answer(&mut terse, &records);
        curious.fit().block_on().unwrap();
        terse.refit().block_on().unwrap();
    }
}

#[test]
fn what_happens_between_a_fit_and_a_round_counts() {
    let stage = Stage::new(200);
    let mut session = stage.start("dogs");
    let records = next(&mut session);
    answer(&mut session, &records);
    session.fit().block_on().unwrap();
    let would_come = session.view().choose(5, Strategy::Auto).block_on().unwrap();
    session.say(&would_come[0].id, 1.0);
    assert!(!next(&mut session).contains(&would_come[0].id));
}

#[test]
fn what_was_labelled_is_read_once_until_the_store_changes() {
    let store = Counted::new();
    let stage = Stage::over(Arc::<Counted>::clone(&store), 200);
    let mut session = stage.open(opening("dogs"));
    for _ in 0..3 {
        let records = next(&mut session);
        answer(&mut session, &records);
        store.n_read();
        session.refit().block_on().unwrap();
        session.refit().block_on().unwrap();
        session.view().look_again(10).block_on().unwrap();
        session.view().threshold(ThresholdPolicy::Score(0.5)).block_on().unwrap();
        assert_eq!(store.n_read(), records.len() as u64);
    }
    let labelled = session.state().counts().n_labels;
    let one = session.state().labels().next().unwrap().0.clone();
    let mut point = store.fetch(&[one]).block_on().unwrap().remove(0);
    point.embedding = Embedding::normalize(vec![1.0; DIMENSION]).unwrap();
    store.upsert(&[point]).block_on().unwrap();
    store.n_read();
    session.refit().block_on().unwrap();
    assert_eq!(store.n_read(), labelled);
}
