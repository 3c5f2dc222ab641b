//! What is no longer there: records that left their dataset, and points that left the store.
//!
//! A record is removed from the store first and from the catalogue second. A kill between the two
//! leaves a record without a point, which the next run finds, and embeds again should its dataset have
//! it again.

use linprobe_core::{RecordId, VectorStore};

use crate::{
    catalogue::{Catalogue, RecordKey, SourceKey},
    error::ProjectError,
};

/// Records that are looked at at a time.
const PAGE: usize = 4096;

/// Which records of the catalogue a run has met in the dataset, by their numbers. Those that a session
/// knows are met in advance: a label without its record would teach nothing.
#[derive(Debug)]
pub(crate) struct Roll {
    met: Vec<bool>,
}

impl Roll {
    /// Begins with nobody met.
    pub(crate) fn new(catalogue: &Catalogue) -> Result<Self, ProjectError> {
        Ok(Self { met: vec![false; catalogue.last_key()? + 1] })
    }

    /// Notes that a record is in the dataset. One that is new needs no note.
    pub(crate) fn meet(
        &mut self,
        catalogue: &Catalogue,
        id: &RecordId,
    ) -> Result<(), ProjectError> {
        let key = catalogue.key_of(id)?;
        if let Some(met) = key.and_then(|key| self.met.get_mut(key)) {
            *met = true;
        }
        Ok(())
    }

    fn lacks(&self, key: RecordKey) -> bool {
        self.met.get(key).is_some_and(|met| !met)
    }
}

/// The records of a source that were not met, of those that the run was about.
#[derive(Clone, Copy)]
pub(crate) struct Vanished<'a> {
    pub(crate) source: SourceKey,
    pub(crate) roll: &'a Roll,
    pub(crate) is_ours: &'a dyn Fn(&RecordId) -> bool,
}

/// Removes what has vanished; tells how many records.
pub(crate) fn prune(
    catalogue: &Catalogue,
    store: &dyn VectorStore,
    Vanished { source, roll, is_ours }: Vanished<'_>,
) -> Result<u64, ProjectError> {
    let mut n_pruned = 0;
    let mut after = 0;
    loop {
        let page = catalogue.keys_after(source, after, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(n_pruned) };
        after = *last;
        let vanished = page.into_iter().filter(|(key, id)| roll.lacks(*key) && is_ours(id));
        let vanished: Vec<RecordId> = vanished.map(|(_, id)| id).collect();
        pollster::block_on(store.delete(&vanished))?;
        catalogue.delete(&vanished)?;
        n_pruned += vanished.len() as u64;
    }
}

/// Lets records whose points are gone be embedded again: the store was lost, or damaged rows of it
/// were given up.
pub(crate) fn expect_lost_points(
    catalogue: &Catalogue,
    store: &dyn VectorStore,
) -> Result<(), ProjectError> {
    if pollster::block_on(store.count())? >= catalogue.n_records()? {
        return Ok(());
    }
    let mut after: Option<RecordId> = None;
    loop {
        let page = catalogue.records(after.as_ref(), PAGE)?;
        let ids: Vec<RecordId> = page.into_iter().map(|record| record.id).collect();
        let Some(last) = ids.last() else { return Ok(()) };
        after = Some(last.clone());
        catalogue.expect_again(&missing(ids, store)?)?;
    }
}

/// Those of the ids that have no point. Points come in the order of the ids asked for.
fn missing(mut ids: Vec<RecordId>, store: &dyn VectorStore) -> Result<Vec<RecordId>, ProjectError> {
    let points = pollster::block_on(store.fetch(&ids))?;
    let mut found = points.iter().map(|point| &point.id).peekable();
    ids.retain(|id| found.next_if(|found| *found == id).is_none());
    Ok(ids)
}
