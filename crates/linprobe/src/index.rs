//! Where records, embeddings and points meet.
//!
//! A record is embedded once: what the catalogue knows with the same digest is passed over, so that
//! a run that was killed at any moment goes on where it was when it is run again. A batch goes to
//! the store first and to the catalogue second, each durable before the next step: what the
//! catalogue knows is in the store. A kill between the two costs embedding that batch again, and
//! the store keeps equal points once.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use linprobe_core::{
    Content, Embedder, Point, Record, RecordId, Records, Source, SourceError, VectorStore,
};
use linprobe_embed::{Embedded, StreamOptions, embed_stream};

use crate::{
    catalogue::{Catalogue, Change, Entry, SkippedRecord, SourceKey},
    error::{ProjectError, from_stream},
    shard::Shard,
};

mod vanished;

pub(crate) use vanished::{Roll, expect_lost_points};
use vanished::{Vanished, prune};

/// A batch is written when it has this many records,
const BATCH_RECORDS: usize = 4096;
/// or this long after the last one.
const BATCH_TIME: Duration = Duration::from_secs(2);

/// Ends a run from elsewhere. What was written stays, and the next run goes on from there.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Lets the run end before its next record.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How far indexing has come.
#[expect(clippy::struct_field_names, reason = "they are counts, and said to be")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexProgress {
    /// Records that the source has, where that is known.
    pub n_records_hint: Option<u64>,
    /// Records embedded and written in this run.
    pub n_embedded: u64,
    /// Records that were there already, the same.
    pub n_unchanged: u64,
    /// Records that could not be read or embedded.
    pub n_skipped: u64,
    /// Records that were removed because their dataset no longer has them.
    pub n_pruned: u64,
}

/// What an index run has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// How many records it dealt with.
    pub progress: IndexProgress,
    /// What a person should know of the dataset that concerns no skipped record.
    pub notes: Vec<String>,
    /// Records of the dataset that could not be read or embedded, and why.
    pub skipped: Vec<SkippedRecord>,
}

impl IndexProgress {
    /// Records dealt with, one way or another.
    pub fn n_done(&self) -> u64 {
        self.n_embedded + self.n_unchanged + self.n_skipped
    }
}

/// Embeds what is new in a source and writes it down.
pub(crate) fn index(
    source: &dyn Source,
    embedder: &dyn Embedder,
    (options, cancel): (&StreamOptions, &Cancel),
    ledger: Ledger<'_>,
) -> Result<IndexProgress, ProjectError> {
    expect_lost_points(ledger.catalogue, ledger.store)?;
    let shard = ledger.shard;
    let is_ours = |id: &RecordId| shard.is_none_or(|shard| shard.has(id));
    let ledger = Mutex::new(ledger);
    let failure = Mutex::new(None);
    let records = source.records_among(&is_ours);
    let admission = Admission { records, cancel, ledger: &ledger, failure: &failure };
    embed_stream(embedder, admission, options, |batch| lock(&ledger).land(batch))
        .map_err(from_stream)?;
    let mut ledger = ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
    ledger.write()?;
    let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or_else(|| ledger.prune(), Err)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads records ahead of the model, and lets through those that are to be embedded.
struct Admission<'a, 'l> {
    records: Records<'a>,
    cancel: &'a Cancel,
    ledger: &'a Mutex<Ledger<'l>>,
    failure: &'a Mutex<Option<ProjectError>>,
}

impl Iterator for Admission<'_, '_> {
    type Item = (Entry, Content);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.cancel.is_cancelled() {
                *lock(self.failure) = Some(ProjectError::Cancelled);
                return None;
            }
            // The lock is not held while a record is read.
            let record = self.records.next()?;
            match lock(self.ledger).admit(record) {
                Ok(Some(admitted)) => return Some(admitted),
                Ok(None) => {}
                Err(error) => {
                    *lock(self.failure) = Some(error);
                    return None;
                }
            }
        }
    }
}

/// Knows what is indexed already, and writes what is new.
pub(crate) struct Ledger<'a> {
    catalogue: &'a Catalogue,
    store: &'a dyn VectorStore,
    source: SourceKey,
    location: &'a Path,
    report: &'a mut (dyn FnMut(IndexProgress) + Send),
    progress: IndexProgress,
    pending: Pending,
    /// Where records that the dataset no longer has are to be removed.
    roll: Option<Roll>,
    /// Whose records these are; none for all.
    shard: Option<Shard>,
    written: Instant,
    batch_records: usize,
}

/// What is to be written next.
#[derive(Default)]
struct Pending {
    points: Vec<Point>,
    entries: Vec<Entry>,
    skipped: Vec<SkippedRecord>,
}

impl Pending {
    fn n_records(&self) -> usize {
        self.entries.len() + self.skipped.len()
    }
}

impl<'a> Ledger<'a> {
    /// Starts a run over the source at a location.
    pub(crate) fn new(
        catalogue: &'a Catalogue,
        store: &'a dyn VectorStore,
        (source, location): (SourceKey, &'a Path),
        n_records_hint: Option<u64>,
        report: &'a mut (dyn FnMut(IndexProgress) + Send),
    ) -> Self {
        Self {
            catalogue,
            store,
            source,
            location,
            report,
            progress: IndexProgress { n_records_hint, ..IndexProgress::default() },
            pending: Pending::default(),
            roll: None,
            shard: None,
            written: Instant::now(),
            batch_records: BATCH_RECORDS,
        }
    }

    /// Leaves the records of all other shards alone.
    pub(crate) fn of_shard(mut self, shard: Option<Shard>) -> Self {
        let hint = self.progress.n_records_hint;
        self.progress.n_records_hint =
            hint.map(|n_records| shard.map_or(n_records, |shard| shard.share_of(n_records)));
        Self { shard, ..self }
    }

    /// Removes what the dataset no longer has, but for some records, when the run has ended well.
    pub(crate) fn pruning(self, all_but: &BTreeSet<RecordId>) -> Result<Self, ProjectError> {
        let mut roll = Roll::new(self.catalogue)?;
        all_but.iter().try_for_each(|id| roll.meet(self.catalogue, id))?;
        Ok(Self { roll: Some(roll), ..self })
    }

    /// Lets a record through if it is to be embedded; notes it if not.
    fn admit(
        &mut self,
        record: Result<Record, SourceError>,
    ) -> Result<Option<(Entry, Content)>, ProjectError> {
        let record = match record {
            Ok(record) => record,
            Err(SourceError::Record(bad))
                if self.shard.is_some_and(|shard| !shard.tells_of(&bad)) =>
            {
                return Ok(None);
            }
            Err(SourceError::Record(bad)) => {
                bad.id.iter().try_for_each(|id| self.meet(id))?;
                self.skip(bad.into());
                return self.write_if_due().map(|()| None);
            }
            Err(error) => return Err(error.into()),
        };
        let (entry, content) = Entry::split(self.source, record);
        self.meet(&entry.record.id)?;
        match self.catalogue.change(&entry)? {
            Change::Content => return Ok(Some((entry, content))),
            Change::None => self.progress.n_unchanged += 1,
            Change::Description => {
                self.progress.n_unchanged += 1;
                self.pending.entries.push(entry);
            }
            Change::Taken => {
                let reason = "another source of the project has a record of this name; give each dataset ids of its own";
                self.skip(SkippedRecord::of_content(self.location, entry.record.id, &reason));
            }
        }
        self.write_if_due().map(|()| None)
    }

    /// Takes what the model made of a batch.
    fn land(&mut self, batch: Vec<Embedded<Entry>>) -> Result<(), ProjectError> {
        for Embedded { tag: entry, embedding } in batch {
            match embedding {
                Ok(embedding) => {
                    self.progress.n_embedded += 1;
                    self.pending.points.push(Point { id: entry.record.id.clone(), embedding });
                    self.pending.entries.push(entry);
                }
                Err(bad) => {
                    self.skip(SkippedRecord::of_content(self.location, entry.record.id, &bad));
                }
            }
        }
        self.write_if_due()
    }

    /// Notes that a record is in the dataset, be it good or bad.
    fn meet(&mut self, id: &RecordId) -> Result<(), ProjectError> {
        match &mut self.roll {
            Some(roll) => roll.meet(self.catalogue, id),
            None => Ok(()),
        }
    }

    /// A dataset in which nothing is found has most likely gone as a whole, and nothing is removed.
    fn prune(mut self) -> Result<IndexProgress, ProjectError> {
        if let Some(roll) = self.roll.filter(|_| self.progress.n_done() > 0) {
            let is_ours = |id: &RecordId| self.shard.is_none_or(|shard| shard.has(id));
            let vanished = Vanished { source: self.source, roll: &roll, is_ours: &is_ours };
            self.progress.n_pruned = prune(self.catalogue, self.store, vanished)?;
            (self.report)(self.progress);
        }
        Ok(self.progress)
    }

    fn skip(&mut self, skipped: SkippedRecord) {
        self.progress.n_skipped += 1;
        self.pending.skipped.push(skipped);
    }

    fn write_if_due(&mut self) -> Result<(), ProjectError> {
        let due =
            self.pending.n_records() >= self.batch_records || self.written.elapsed() >= BATCH_TIME;
        if due { self.write() } else { Ok(()) }
    }

    /// Writes what is pending and tells how far the run has come.
    fn write(&mut self) -> Result<(), ProjectError> {
        let Pending { points, entries, skipped } = std::mem::take(&mut self.pending);
        if !points.is_empty() {
            pollster::block_on(self.store.upsert(&points))?;
        }
        self.catalogue.write(&entries, self.source, &skipped)?;
        self.written = Instant::now();
        (self.report)(self.progress);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    //! The ledger over a source, a fake model and a store that can fail.

    use std::sync::atomic::AtomicUsize;

    use async_trait::async_trait;
    use linprobe_core::{
        BadRecord, Hit, Metadata, Query, StoreError, StoreSpec, Survey, SurveyReport,
    };
    use linprobe_embed::fake::FakeEmbedder;
    use linprobe_store::MemoryStore;
    use proptest::prelude::*;

    use super::*;
    use crate::config::SourceConfig;

    const DIMENSION: usize = 8;

    /// Texts by id; a text of `!` is a bad record.
    struct Texts(Vec<String>);

    impl Source for Texts {
        fn fingerprint(&self) -> &'static str {
            "texts"
        }

        fn records(&self) -> Records<'_> {
            Box::new((0..).zip(&self.0).map(|(row_idx, text)| {
                let id = RecordId::from_row(row_idx);
                if text == "!" {
                    let (file, reason) = ("texts".into(), "bad".to_owned());
                    return Err(BadRecord { file, row: Some(row_idx), id: Some(id), reason }.into());
                }
                let content = Content::Text(text.clone());
                Ok(Record { id, content, label: None, metadata: Metadata::new() })
            }))
        }
    }

    /// A store that is killed at the n-th write: before it, or after it.
    struct Mortal<'a> {
        store: &'a MemoryStore,
        writes_left: AtomicUsize,
        after: bool,
    }

    #[async_trait]
    impl VectorStore for Mortal<'_> {
        fn spec(&self) -> &StoreSpec {
            self.store.spec()
        }

        async fn upsert(&self, points: &[Point]) -> Result<(), StoreError> {
            if self.writes_left.fetch_sub(1, Ordering::Relaxed) > 0 {
                return self.store.upsert(points).await;
            }
            if self.after {
                self.store.upsert(points).await?;
            }
            Err(StoreError::Locked { path: "killed".into() })
        }

        async fn delete(&self, ids: &[RecordId]) -> Result<u64, StoreError> {
            self.store.delete(ids).await
        }

        async fn search(&self, query: Query<'_>) -> Result<Vec<Hit>, StoreError> {
            self.store.search(query).await
        }

        async fn survey(&self, survey: Survey<'_>) -> Result<SurveyReport, StoreError> {
            self.store.survey(survey).await
        }

        async fn fetch(&self, ids: &[RecordId]) -> Result<Vec<Point>, StoreError> {
            self.store.fetch(ids).await
        }

        async fn scan(
            &self,
            after: Option<&RecordId>,
            limit: usize,
        ) -> Result<Vec<Point>, StoreError> {
            self.store.scan(after, limit).await
        }

        async fn sample(&self, n_points: usize, seed: u64) -> Result<Vec<Point>, StoreError> {
            self.store.sample(n_points, seed).await
        }

        async fn count(&self) -> Result<u64, StoreError> {
            self.store.count().await
        }

        async fn flush(&self) -> Result<(), StoreError> {
            self.store.flush().await
        }
    }

    /// A catalogue and a store, as a process leaves them behind.
    struct Remains {
        _folder: tempfile::TempDir,
        catalogue: Catalogue,
        store: MemoryStore,
    }

    impl Remains {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("project.db");
            Catalogue::create(&path).unwrap();
            let catalogue = Catalogue::open(&path).unwrap();
            Self { _folder: folder, catalogue, store: MemoryStore::new(DIMENSION) }
        }

        fn index(
            &self,
            texts: &Texts,
            store: &dyn VectorStore,
        ) -> Result<IndexProgress, ProjectError> {
            let location = Path::new("texts");
            let config = SourceConfig::new(location, &linprobe_source::SourceOptions::default());
            let key = self.catalogue.enter_source(texts.fingerprint(), &config)?;
            let embedder = FakeEmbedder::new(DIMENSION);
            let mut report = |_| ();
            let ledger = Ledger::new(&self.catalogue, store, (key, location), None, &mut report);
            // A batch to a write, so that there are many moments to be killed in.
            let ledger = Ledger { batch_records: 3, ..ledger };
            let options = (&StreamOptions::default(), &Cancel::default());
            index(texts, &embedder, options, ledger)
        }

        fn points(&self) -> Vec<Point> {
            pollster::block_on(self.store.scan(None, usize::MAX)).unwrap()
        }
    }

    proptest! {
        #[test]
        fn a_run_killed_at_any_write_and_run_again_gives_what_one_run_gives(
            texts in prop::collection::vec("[abc]{1,3}|!", 0..40),
            kill_at in 0_usize..12,
            after in any::<bool>(),
        ) {
            let texts = Texts(texts);
            let whole = Remains::new();
            let killed = Remains::new();
            let once = whole.index(&texts, &whole.store).unwrap();
            let writes_left = AtomicUsize::new(kill_at);
            let mortal = Mortal { store: &killed.store, writes_left, after };
            drop(killed.index(&texts, &mortal));
            let again = killed.index(&texts, &killed.store).unwrap();
            prop_assert_eq!(whole.points(), killed.points());
            prop_assert_eq!(once.n_skipped, again.n_skipped);
            prop_assert_eq!(once.n_done(), again.n_done());
            let skipped = killed.catalogue.skipped().unwrap();
            prop_assert_eq!(whole.catalogue.skipped().unwrap(), skipped);
            prop_assert_eq!(whole.catalogue.n_records().unwrap(), killed.catalogue.n_records().unwrap());
        }

        #[test]
        fn no_bad_record_shifts_another(texts in prop::collection::vec("[abc]{1,2}|!", 0..30)) {
            let remains = Remains::new();
            remains.index(&Texts(texts.clone()), &remains.store).unwrap();
            for (row_idx, text) in (0..).zip(&texts) {
                let id = RecordId::from_row(row_idx);
                let record = remains.catalogue.record(&id).unwrap();
                prop_assert_eq!(record.and_then(|record| record.text), (text != "!").then(|| text.clone()));
            }
        }
    }
}
