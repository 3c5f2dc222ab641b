//! What keeps the catalogue in step with the store and the datasets, and small.

use linprobe_core::RecordId;
use rusqlite::params;

use super::{Catalogue, SourceKey, id_at};
use crate::error::ProjectError;

/// The number of a record, which it keeps for as long as the catalogue has it.
pub(crate) type RecordKey = usize;

impl Catalogue {
    /// The number of a record, if it is known.
    pub(crate) fn key_of(&self, id: &RecordId) -> Result<Option<RecordKey>, ProjectError> {
        self.one("SELECT record FROM records WHERE id = ?1", [id.as_str()], |row| row.get(0))
    }

    /// The highest number of a record, 0 where there is none.
    pub(crate) fn last_key(&self) -> Result<RecordKey, ProjectError> {
        self.ask(|database| {
            database.query_row("SELECT ifnull(max(record), 0) FROM records", [], |row| row.get(0))
        })
    }

    /// At most `limit` records of a source whose numbers come after one, with their numbers.
    pub(crate) fn keys_after(
        &self,
        source: SourceKey,
        after: RecordKey,
        limit: usize,
    ) -> Result<Vec<(RecordKey, RecordId)>, ProjectError> {
        let sql = "SELECT record, id FROM records WHERE record > ?1 AND source = ?2 \
             ORDER BY record LIMIT ?3";
        self.all(sql, params![after, source, limit], |row| Ok((row.get(0)?, id_at(row, 1)?)))
    }

    /// Lets records be embedded again when their source is indexed next.
    pub(crate) fn expect_again(&self, ids: &[RecordId]) -> Result<(), ProjectError> {
        self.for_each("UPDATE records SET digest = x'' WHERE id = ?1", ids)
    }

    /// Removes records.
    pub(crate) fn delete(&self, ids: &[RecordId]) -> Result<(), ProjectError> {
        self.for_each("DELETE FROM records WHERE id = ?1", ids)
    }

    /// Gives back the space of what was deleted.
    pub(crate) fn vacuum(&self) -> Result<(), ProjectError> {
        self.ask(|database| database.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);"))
    }

    /// Does the same to each record, all or none.
    fn for_each(&self, sql: &str, ids: &[RecordId]) -> Result<(), ProjectError> {
        self.ask(|database| {
            let transaction = database.transaction()?;
            for id in ids {
                transaction.prepare_cached(sql)?.execute([id.as_str()])?;
            }
            transaction.commit()
        })
    }
}
