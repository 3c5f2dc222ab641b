//! What the database knows of the int8 copy. A store may have none: then it has none of these tables,
//! which say nothing that is not in the vector file, too, so that a version of linprobe that does not
//! know them may open the store and even write to it.

use linprobe_core::StoreError;
use rusqlite::{OptionalExtension, Row};

use super::{Checksum, Points};
use crate::embedded::grid::Grid;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS codes (
        number INTEGER NOT NULL, generation INTEGER NOT NULL, n_rows INTEGER NOT NULL,
        worst REAL NOT NULL, mean BLOB NOT NULL, spread BLOB NOT NULL
    );
    CREATE TABLE IF NOT EXISTS code_checksums (block_idx INTEGER PRIMARY KEY, crc INTEGER NOT NULL);
    DELETE FROM codes;
    DELETE FROM code_checksums;
";

/// The table of the checksums of its blocks.
const CHECKSUMS: &str = "code_checksums";

/// How much of an int8 copy has been committed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CodeExtent {
    /// Counts the copies that were made, of which the last is this one.
    pub(crate) number: u64,
    /// The generation of the vector file that it is a copy of.
    pub(crate) generation: u64,
    /// How many of its first rows it has.
    pub(crate) n_rows: usize,
    /// The longest rest of a row, in units of its scale.
    pub(crate) worst: f64,
}

impl Points {
    /// The extent of the int8 copy, if there is one.
    pub(crate) fn codes(&self) -> Result<Option<CodeExtent>, StoreError> {
        if !self.have_codes()? {
            return Ok(None);
        }
        let read = || {
            let extent = "SELECT number, generation, n_rows, worst FROM codes";
            let extent_of = |row: &Row<'_>| {
                let (number, generation) = (row.get(0)?, row.get(1)?);
                Ok(CodeExtent { number, generation, n_rows: row.get(2)?, worst: row.get(3)? })
            };
            self.connection.prepare_cached(extent)?.query_one([], extent_of).optional()
        };
        read().map_err(self.error())
    }

    fn have_codes(&self) -> Result<bool, StoreError> {
        let table = "SELECT 1 FROM sqlite_master WHERE name = 'codes'";
        let read = || self.connection.prepare_cached(table)?.exists([]);
        read().map_err(self.error())
    }

    /// The grid of the int8 copy, where it has one that is a grid.
    pub(crate) fn grid(&self) -> Result<Option<Grid>, StoreError> {
        let read = || {
            let grid = "SELECT mean, spread FROM codes";
            let parts = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            self.connection.prepare_cached(grid)?.query_one([], parts).optional()
        };
        let parts: Option<(Vec<u8>, Vec<u8>)> = read().map_err(self.error())?;
        Ok(parts.and_then(|(mean, spread)| Grid::from_parts(numbers(&mean), numbers(&spread))))
    }

    /// Begins a copy in the place of another one, within a [`Self::change`].
    pub(crate) fn begin_codes(&self, extent: CodeExtent, grid: &Grid) -> Result<(), StoreError> {
        let (mean, spread) = grid.parts();
        let begin = || {
            self.connection.execute_batch(TABLES)?;
            let CodeExtent { number, generation, n_rows, worst } = extent;
            let row = (number, generation, n_rows, worst, bytes(mean), bytes(spread));
            let insert = "INSERT INTO codes VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            self.connection.execute(insert, row).map(drop)
        };
        begin().map_err(self.error())
    }

    /// Extends the copy, within a [`Self::change`].
    pub(crate) fn extend_codes(
        &self,
        extent: CodeExtent,
        checksums: &[Checksum],
    ) -> Result<(), StoreError> {
        let extend = || {
            let CodeExtent { n_rows, worst, .. } = extent;
            let update = "UPDATE codes SET n_rows = ?1, worst = ?2";
            self.connection.prepare_cached(update)?.execute((n_rows, worst)).map(drop)
        };
        extend().map_err(self.error())?;
        self.keep_checksums_in(CHECKSUMS, checksums)
    }

    /// The checksums of the copy's blocks, from one on.
    pub(crate) fn code_checksums_from(
        &self,
        block_idx: usize,
    ) -> Result<Vec<Checksum>, StoreError> {
        self.checksums_in(CHECKSUMS, block_idx)
    }
}

fn bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn numbers(bytes: &[u8]) -> Vec<f32> {
    let (numbers, _) = bytes.as_chunks();
    numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
