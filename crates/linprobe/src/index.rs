//! Where records, embeddings and points meet.
//!
//! A record is embedded once: what the catalogue knows with the same digest is passed over, so that
//! a run that was killed at any moment goes on where it was when it is run again. A batch goes to
//! the store first and to the catalogue second, each durable before the next step: what the
//! catalogue knows is in the store. A kill between the two costs embedding that batch again, and
//! the store keeps equal points once.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use linprobe_core::{Content, Embedder, Point, Record, Records, Source, SourceError, VectorStore};
use linprobe_embed::{Embedded, StreamOptions, embed_stream};

use crate::{
    catalogue::{Catalogue, Change, Entry, SkippedRecord, SourceKey},
    error::{ProjectError, from_stream},
};

/// A batch is written when it has this many records,
const BATCH_RECORDS: usize = 4096;
/// or this long after the last one.
const BATCH_TIME: Duration = Duration::from_secs(2);

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
    options: &StreamOptions,
    ledger: Ledger<'_>,
) -> Result<IndexProgress, ProjectError> {
    let ledger = Mutex::new(ledger);
    let failure = Mutex::new(None);
    let admission = Admission { records: source.records(), ledger: &ledger, failure: &failure };
    embed_stream(embedder, admission, options, |batch| lock(&ledger).land(batch))
        .map_err(from_stream)?;
    let mut ledger = ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
    ledger.write()?;
    let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(ledger.progress), Err)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads records ahead of the model, and lets through those that are to be embedded.
struct Admission<'a, 'l> {
    records: Records<'a>,
    ledger: &'a Mutex<Ledger<'l>>,
    failure: &'a Mutex<Option<ProjectError>>,
}

impl Iterator for Admission<'_, '_> {
    type Item = (Entry, Content);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
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
    written: Instant,
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
            written: Instant::now(),
        }
    }

    /// Lets a record through if it is to be embedded; notes it if not.
    fn admit(
        &mut self,
        record: Result<Record, SourceError>,
    ) -> Result<Option<(Entry, Content)>, ProjectError> {
        let record = match record {
            Ok(record) => record,
            Err(SourceError::Record(bad)) => {
                self.skip(bad.into());
                return self.write_if_due().map(|()| None);
            }
            Err(error) => return Err(error.into()),
        };
        let (entry, content) = Entry::split(self.source, record);
        match self.catalogue.change(&entry)? {
            Change::Content => return Ok(Some((entry, content))),
            Change::None => self.progress.n_unchanged += 1,
            Change::Description => {
                self.progress.n_unchanged += 1;
                self.pending.entries.push(entry);
            }
            Change::Taken => {
                let reason = "another source of the project has a record of this name";
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

    fn skip(&mut self, skipped: SkippedRecord) {
        self.progress.n_skipped += 1;
        self.pending.skipped.push(skipped);
    }

    fn write_if_due(&mut self) -> Result<(), ProjectError> {
        let due = self.pending.n_records() >= BATCH_RECORDS || self.written.elapsed() >= BATCH_TIME;
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
