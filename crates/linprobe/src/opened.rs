//! What is slow to open stays open: the store, the background, the model and the datasets.
//!
//! A session's place in a list is kept too: to know it, all of its events are read.
//!
//! A command needs each of them once; a server asks for them with every request. They belong to one
//! [`Project`](crate::Project) and go with it. Points that are written later are seen by a store that
//! is open; a dataset is opened again when it does not know a record.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use linprobe_classifier::Background;
use linprobe_core::{Content, Embedder, RecordId, Source, SourceError};
use linprobe_session::{SessionHead, SessionId, SessionSummary};
use linprobe_store::{EmbeddedStore, RemoteStore};

use crate::{catalogue::CatalogueRecord, config::SourceConfig, error::ProjectError};

/// Records of a store elsewhere that are remembered; then all are forgotten.
const MAX_DESCRIBED: usize = 20_000;

/// Opened at the first need.
#[derive(Default)]
pub(crate) struct Opened {
    store: Mutex<Option<Arc<EmbeddedStore>>>,
    remote: Mutex<Option<Arc<dyn RemoteStore>>>,
    described: Mutex<BTreeMap<RecordId, CatalogueRecord>>,
    background: Mutex<Option<Arc<Background>>>,
    embedder: Mutex<Option<Arc<dyn Embedder>>>,
    sources: Mutex<Vec<OpenSource>>,
    summaries: Mutex<BTreeMap<SessionId, SessionSummary>>,
}

#[derive(Clone)]
struct OpenSource {
    config: SourceConfig,
    source: Arc<dyn Source>,
}

impl Opened {
    /// The store, opened if it is not.
    pub(crate) fn store(
        &self,
        open: impl FnOnce() -> Result<EmbeddedStore, ProjectError>,
    ) -> Result<Arc<EmbeddedStore>, ProjectError> {
        kept(&self.store, || open().map(Arc::new))
    }

    /// The store elsewhere, opened if it is not.
    pub(crate) fn remote(
        &self,
        open: impl FnOnce() -> Result<Arc<dyn RemoteStore>, ProjectError>,
    ) -> Result<Arc<dyn RemoteStore>, ProjectError> {
        kept(&self.remote, open)
    }

    /// What a store elsewhere has told of a record.
    pub(crate) fn described(&self, id: &RecordId) -> Option<CatalogueRecord> {
        lock(&self.described).get(id).cloned()
    }

    /// Keeps what it has told.
    pub(crate) fn keep_described(&self, records: impl Iterator<Item = CatalogueRecord>) {
        let mut described = lock(&self.described);
        if described.len() >= MAX_DESCRIBED {
            described.clear();
        }
        described.extend(records.map(|record| (record.id.clone(), record)));
    }

    /// The model, opened if it is not.
    pub(crate) fn embedder(
        &self,
        open: impl FnOnce() -> Result<Arc<dyn Embedder>, ProjectError>,
    ) -> Result<Arc<dyn Embedder>, ProjectError> {
        kept(&self.embedder, open)
    }

    /// The background that was kept last.
    pub(crate) fn background(&self) -> Option<Arc<Background>> {
        lock(&self.background).clone()
    }

    /// Keeps a background in the place of an older one.
    pub(crate) fn keep_background(&self, background: Background) -> Arc<Background> {
        let background = Arc::new(background);
        *lock(&self.background) = Some(Arc::clone(&background));
        background
    }

    /// What was last known of a session, if nothing has happened in it since.
    pub(crate) fn summary(&self, head: SessionHead) -> Option<SessionSummary> {
        let summaries = lock(&self.summaries);
        summaries.get(&head.id).filter(|kept| kept.n_events == head.n_events).cloned()
    }

    /// Keeps what is known of a session.
    pub(crate) fn keep_summary(&self, summary: SessionSummary) -> SessionSummary {
        lock(&self.summaries).insert(summary.id, summary.clone());
        summary
    }

    /// Reads the content of a record from its dataset.
    pub(crate) fn content(
        &self,
        config: &SourceConfig,
        id: &RecordId,
    ) -> Result<Content, ProjectError> {
        let found = self.source(config)?.record(id);
        let found = match found {
            Err(SourceError::NotFound { .. }) => {
                self.close_sources();
                self.source(config)?.record(id)
            }
            found => found,
        };
        Ok(found?.content)
    }

    /// Forgets the datasets: they may have changed.
    pub(crate) fn close_sources(&self) {
        lock(&self.sources).clear();
    }

    fn source(&self, config: &SourceConfig) -> Result<Arc<dyn Source>, ProjectError> {
        let open = lock(&self.sources).iter().find(|open| open.config == *config).cloned();
        if let Some(open) = open {
            return Ok(open.source);
        }
        let source = linprobe_source::open(&config.location, &config.options())?;
        let source: Arc<dyn Source> = Arc::from(source);
        let open = OpenSource { config: config.clone(), source: Arc::clone(&source) };
        lock(&self.sources).push(open);
        Ok(source)
    }
}

/// What is kept, or what is made now and kept. Who comes meanwhile waits and makes nothing.
fn kept<T: Clone>(
    place: &Mutex<Option<T>>,
    make: impl FnOnce() -> Result<T, ProjectError>,
) -> Result<T, ProjectError> {
    let mut place = lock(place);
    match &*place {
        Some(kept) => Ok(kept.clone()),
        None => Ok(place.insert(make()?).clone()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened")
    }
}
