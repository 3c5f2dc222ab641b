//! A stage for sessions: a store of made-up points, a project database, and a clock that counts.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use linprobe_classifier::{Background, Label, Method, Start};
use linprobe_core::{Embedding, Point, RecordId, VectorStore};
use linprobe_session::{
    Clock, Entry, Journal, Opening, Round, Session, SessionId, StartQuery, Strategy,
};
use linprobe_store::MemoryStore;
use pollster::FutureExt;

pub(crate) const DIMENSION: usize = 4;

pub(crate) struct Stage {
    pub(crate) store: Arc<dyn VectorStore>,
    background: Arc<Background>,
    folder: tempfile::TempDir,
    clock: Clock,
}

impl Stage {
    pub(crate) fn new(n_points: u64) -> Self {
        Self::over(Arc::new(MemoryStore::new(DIMENSION)), n_points)
    }

    /// Over a store that is still empty.
    pub(crate) fn over(store: Arc<dyn VectorStore>, n_points: u64) -> Self {
        let points: Vec<Point> = (0..n_points).map(point).collect();
        store.upsert(&points).block_on().unwrap();
        let embeddings = points.iter().map(|point| &point.embedding);
        let background = Background::estimate(DIMENSION, embeddings);
        let now_ms = AtomicU64::new(0);
        Self {
            store,
            background: Arc::new(background),
            folder: tempfile::tempdir().unwrap(),
            clock: Clock::new(move || now_ms.fetch_add(1, Ordering::Relaxed)),
        }
    }

    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("project.db")
    }

    pub(crate) fn journal(&self) -> Journal {
        Journal::open(&self.database(), self.clock.clone()).unwrap()
    }

    pub(crate) fn start(&self, name: &str) -> Session {
        self.open(opening(name))
    }

    pub(crate) fn open(&self, opening: Opening) -> Session {
        let (store, background) = (Arc::clone(&self.store), Arc::clone(&self.background));
        Session::start(store, background, self.journal(), opening).block_on().unwrap()
    }

    pub(crate) fn resume(&self, id: SessionId) -> Session {
        let (store, background) = (Arc::clone(&self.store), Arc::clone(&self.background));
        Session::resume(store, background, self.journal(), id).block_on().unwrap()
    }

    pub(crate) fn entries(&self, id: SessionId) -> Vec<Entry> {
        self.journal().events(id).unwrap()
    }
}

/// The point of a row: spread over the sphere by irrational turns.
pub(crate) fn point(row: u64) -> Point {
    let turn = |j: usize| ((row as f32 + 1.0) * (0.7 + j as f32 * 0.618)).sin();
    let values: Vec<f32> = (0..DIMENSION).map(turn).collect();
    Point { id: RecordId::from_row(row), embedding: Embedding::normalize(values).unwrap() }
}

pub(crate) fn opening(name: &str) -> Opening {
    let direction = Embedding::normalize(vec![0.9, -0.2, 0.3, 0.1]).unwrap();
    let query = StartQuery {
        description: "a dog".to_owned(),
        start: Start::from_direction(direction),
        examples: Vec::new(),
        filter: None,
    };
    Opening { name: name.to_owned(), query, method: Method::default() }
}

pub(crate) fn id(row: u64) -> RecordId {
    RecordId::from_row(row)
}

pub(crate) fn label(value: f32) -> Label {
    Label::new(value).unwrap()
}

pub(crate) fn ids(round: &Round) -> Vec<RecordId> {
    round.records.iter().map(|record| record.id.clone()).collect()
}

/// What a test does to a session, without the futures.
pub(crate) trait Act {
    fn round(&mut self, k: usize) -> Round;
    fn say(&mut self, id: &RecordId, value: f32);
    fn pass(&mut self, id: &RecordId);
}

impl Act for Session {
    fn round(&mut self, k: usize) -> Round {
        self.next_round(k, Strategy::Top).block_on().unwrap()
    }

    fn say(&mut self, id: &RecordId, value: f32) {
        self.label(id, label(value)).block_on().unwrap();
    }

    fn pass(&mut self, id: &RecordId) {
        self.skip(id).block_on().unwrap();
    }
}
