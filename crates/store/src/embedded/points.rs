//! The database of a store: which row is whose.
//!
//! A row exists once its number is committed here. Ids are looked up, never held in memory, so that
//! a store of any size opens at once. A tombstone is written when a row is given up and never
//! removed, and rows are never given out again, so a reader that knows the first tombstones needs to
//! read only those that came later. Compaction alone starts anew, with a vector file of the next
//! generation.

use std::{
    fs, io,
    ops::{ControlFlow, Range},
    path::{Path, PathBuf},
    time::Duration,
};

use linprobe_core::{RecordId, StoreError};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row};

use super::{bitmap::Bitmap, checksum::Checksum, segment::Access};

mod codes;

pub(crate) use codes::CodeExtent;

/// The version of the format that this code writes. It reads all versions from 1 on.
const FORMAT: i64 = 2;

/// Ids that can be walked past in the time that it takes to look one up.
pub(crate) const STEPS_PER_LOOKUP: usize = 32;

/// The log is written back to the database after so many pages, 64 MB: ids in random order touch most
/// pages of their index again and again, and are written back once for many times.
const WAL_PAGES: i64 = 16_000;

const SCHEMA: &str = "
    CREATE TABLE store (
        dimension INTEGER NOT NULL, n_rows INTEGER NOT NULL, generation INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE points (row_idx INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
    CREATE TABLE tombstones (number INTEGER PRIMARY KEY, row_idx INTEGER NOT NULL UNIQUE);
    CREATE TABLE checksums (block_idx INTEGER PRIMARY KEY, crc INTEGER NOT NULL);
";

/// What format 2 has more than format 1: a number for the vector file, which compaction replaces, and
/// checksums of its rows.
const SINCE_FORMAT_1: &str = "
    ALTER TABLE store ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE checksums (block_idx INTEGER PRIMARY KEY, crc INTEGER NOT NULL);
    PRAGMA user_version = 2;
";

/// A connection to `points.db`.
#[derive(Debug)]
pub(crate) struct Points {
    path: PathBuf,
    connection: Connection,
}

/// How much has been committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Extent {
    pub(crate) n_rows: usize,
    pub(crate) n_tombstones: usize,
    /// How often the vector file was replaced.
    pub(crate) generation: u64,
}

impl Points {
    /// The file's path in a store's folder.
    pub(crate) fn path_in(folder: &Path) -> PathBuf {
        folder.join("points.db")
    }

    /// Whether a store was made in this folder. One whose making was interrupted does not count.
    pub(crate) fn exist_in(folder: &Path) -> Result<bool, StoreError> {
        if !Self::path_in(folder).exists() {
            return Ok(false);
        }
        Self::connect_to_read(folder)?.format().map(|format| format != 0)
    }

    /// Makes the database. The store exists when this returns, and not before.
    pub(crate) fn create(folder: &Path, dimension: usize) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut points = Self::connect(folder, flags)?;
        points.write_schema(dimension).map_err(points.error())?;
        points.prepare_to_write()
    }

    /// Opens the database of a store that exists.
    pub(crate) fn open(folder: &Path, access: Access) -> Result<Self, StoreError> {
        let points = match access {
            Access::Read => Self::connect_to_read(folder)?,
            Access::Write => {
                Self::connect(folder, OpenFlags::SQLITE_OPEN_READ_WRITE)?.prepare_to_write()?
            }
        };
        match points.format()? {
            1..=FORMAT => Ok(points),
            0 => Err(points.corrupt("it holds no store")),
            other => Err(points.corrupt(format!(
                "it has format {other}, this version of linprobe reads formats 1 to {FORMAT}"
            ))),
        }
    }

    /// SQLite writes beside a database that has a log even to read it. Where the folder does not allow
    /// that, a database whose log was written back is read as a file that nobody changes.
    fn connect_to_read(folder: &Path) -> Result<Self, StoreError> {
        let path = Self::path_in(folder);
        let points = Self::connect(folder, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        match points.ask_format() {
            Err(error) if is_forbidden(&error) && !has_log(&path) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
                Self::connect_as(uri_of_frozen(&path).as_ref(), path, flags)
            }
            _ => Ok(points),
        }
    }

    fn connect(folder: &Path, flags: OpenFlags) -> Result<Self, StoreError> {
        let path = Self::path_in(folder);
        if !flags.contains(OpenFlags::SQLITE_OPEN_CREATE) && !path.exists() {
            return Err(StoreError::Io { path, source: io::ErrorKind::NotFound.into() });
        }
        Self::connect_as(&path.clone(), path, flags)
    }

    fn connect_as(name: &Path, path: PathBuf, flags: OpenFlags) -> Result<Self, StoreError> {
        let opened = Connection::open_with_flags(name, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
        let connection = opened.map_err(|error| error_of(&path, error))?;
        let points = Self { path, connection };
        points.connection.busy_timeout(Duration::from_secs(10)).map_err(points.error())?;
        points.connection.pragma_update(None, "mmap_size", 1_i64 << 30).map_err(points.error())?;
        Ok(points)
    }

    fn write_schema(&mut self, dimension: usize) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "journal_mode", "WAL")?;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let transaction = self.connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        transaction.execute("INSERT INTO store VALUES (?1, 0, 0)", [dimension])?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
        transaction.commit()
    }

    /// Commits without waiting for the disk: when the power fails the last rows may be lost, but
    /// since the vectors were synced before, what is left is whole. [`Self::sync`] waits.
    fn prepare_to_write(self) -> Result<Self, StoreError> {
        let set = |name, value: i64| self.connection.pragma_update(None, name, value);
        set("synchronous", 1).map_err(self.error())?;
        set("cache_size", -32_000).map_err(self.error())?;
        set("wal_autocheckpoint", WAL_PAGES).map_err(self.error())?;
        Ok(self)
    }

    /// The format of the store, 0 where there is none.
    fn format(&self) -> Result<i64, StoreError> {
        self.ask_format().map_err(self.error())
    }

    fn ask_format(&self) -> rusqlite::Result<i64> {
        self.connection.pragma_query_value(None, "user_version", |row| row.get(0))
    }

    pub(crate) fn dimension(&self) -> Result<usize, StoreError> {
        let dimension = "SELECT dimension FROM store";
        self.connection.query_one(dimension, [], |row| row.get(0)).map_err(self.error())
    }

    /// Starts to read one state of the database, which lasts until [`Self::end`].
    pub(crate) fn begin(&self) -> Result<Extent, StoreError> {
        self.connection.execute_batch("BEGIN").map_err(self.error())?;
        self.extent()
    }

    pub(crate) fn end(&self) -> Result<(), StoreError> {
        self.connection.execute_batch("ROLLBACK").map_err(self.error())
    }

    /// How much is committed.
    pub(crate) fn extent(&self) -> Result<Extent, StoreError> {
        // A writer may have brought the store to the present format since this connection was made.
        let generation = if self.is_of_format_1()? { "0" } else { "generation" };
        let extent = format!(
            "SELECT n_rows, (SELECT coalesce(max(number), 0) FROM tombstones), {generation} \
             FROM store"
        );
        let read = || {
            self.connection.prepare_cached(&extent)?.query_one([], |row| {
                let (n_rows, n_tombstones) = (row.get(0)?, row.get(1)?);
                Ok(Extent { n_rows, n_tombstones, generation: row.get(2)? })
            })
        };
        read().map_err(self.error())
    }

    /// Whether the store was written by a version that knew neither checksums nor compaction.
    pub(crate) fn is_of_format_1(&self) -> Result<bool, StoreError> {
        self.format().map(|format| format == 1)
    }

    /// The rows given up since the first `n_known`.
    pub(crate) fn tombstones_after(&self, n_known: usize) -> Result<Vec<usize>, StoreError> {
        let rows = "SELECT row_idx FROM tombstones WHERE number > ?1";
        let read = || -> rusqlite::Result<Vec<usize>> {
            let mut statement = self.connection.prepare_cached(rows)?;
            statement.query_map([n_known], |row| row.get(0))?.collect()
        };
        read().map_err(self.error())
    }

    /// The row of a point.
    pub(crate) fn row_of(&self, id: &RecordId) -> Result<Option<usize>, StoreError> {
        Ok(self.rows_of([id])?.pop().flatten())
    }

    /// The row of each of some points; none of one that there is not.
    pub(crate) fn rows_of<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a RecordId>,
    ) -> Result<Vec<Option<usize>>, StoreError> {
        let row = "SELECT row_idx FROM points WHERE id = ?1";
        let read = || -> rusqlite::Result<_> {
            let mut statement = self.connection.prepare_cached(row)?;
            let mut find =
                |id: &RecordId| statement.query_one([id.as_str()], |row| row.get(0)).optional();
            ids.into_iter().map(&mut find).collect()
        };
        read().map_err(self.error())
    }

    /// Whose each of some rows is.
    pub(crate) fn ids_of(&self, rows: &[usize]) -> Result<Vec<RecordId>, StoreError> {
        let id = "SELECT id FROM points WHERE row_idx = ?1";
        let read = || -> rusqlite::Result<Vec<Option<String>>> {
            let mut statement = self.connection.prepare_cached(id)?;
            let mut find = |row_idx: &usize| {
                statement.query_one([row_idx], |row| row.get::<_, String>(0)).optional()
            };
            rows.iter().map(&mut find).collect()
        };
        let ids = read().map_err(self.error())?.into_iter().zip(rows);
        let named = ids.map(|(id, row_idx)| match id {
            Some(id) => self.id(&id),
            None => Err(self.corrupt(format!("row {row_idx} has no id"))),
        });
        named.collect()
    }

    /// At most `limit` points from a row on, with their rows.
    pub(crate) fn page(
        &self,
        first_row: usize,
        limit: usize,
    ) -> Result<Vec<(usize, RecordId)>, StoreError> {
        let sql = "SELECT row_idx, id FROM points WHERE row_idx >= ?1 ORDER BY row_idx LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = || -> rusqlite::Result<Vec<(usize, String)>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let start = i64::try_from(first_row).unwrap_or(i64::MAX);
            statement.query_map([start, limit], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        let page = read().map_err(self.error())?;
        page.into_iter().map(|(row_idx, id)| Ok((row_idx, self.id(&id)?))).collect()
    }

    /// Shows every point's id and row, in the order of the ids, until told to stop.
    pub(crate) fn each_by_id(
        &self,
        mut visit: impl FnMut(&str, usize) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut walk = || -> rusqlite::Result<()> {
            let all = "SELECT id, row_idx FROM points ORDER BY id";
            let mut statement = self.connection.prepare_cached(all)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if visit(row.get_ref(0)?.as_str()?, row.get(1)?).is_break() {
                    break;
                }
            }
            Ok(())
        };
        walk().map_err(self.error())
    }

    /// The rows that are points', whether there are such rows or not.
    pub(crate) fn owned_rows(&self) -> Result<Bitmap, StoreError> {
        let mut rows = Bitmap::default();
        self.each_by_row(|row_idx| rows.insert(row_idx))?;
        Ok(rows)
    }

    fn each_by_row(&self, mut visit: impl FnMut(usize)) -> Result<(), StoreError> {
        let mut walk = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare_cached("SELECT row_idx FROM points")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                visit(row.get(0)?);
            }
            Ok(())
        };
        walk().map_err(self.error())
    }

    /// The checksums of all blocks, or of those from one on; none in a store of format 1.
    pub(crate) fn checksums_from(&self, block_idx: usize) -> Result<Vec<Checksum>, StoreError> {
        if self.is_of_format_1()? {
            return Ok(Vec::new());
        }
        self.checksums_in("checksums", block_idx)
    }

    /// The checksums that a table has of the blocks from one on.
    fn checksums_in(&self, table: &str, block_idx: usize) -> Result<Vec<Checksum>, StoreError> {
        let from =
            format!("SELECT block_idx, crc FROM {table} WHERE block_idx >= ?1 ORDER BY block_idx");
        let read = || -> rusqlite::Result<Vec<Checksum>> {
            let mut statement = self.connection.prepare_cached(&from)?;
            let checksum =
                |row: &Row<'_>| Ok(Checksum { block_idx: row.get(0)?, crc: row.get(1)? });
            statement.query_map([block_idx], checksum)?.collect()
        };
        read().map_err(self.error())
    }

    /// What SQLite finds wrong with its own file.
    pub(crate) fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let read = || {
            let mut statement = self.connection.prepare("PRAGMA integrity_check")?;
            statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()
        };
        let mut findings = read().map_err(self.error())?;
        findings.retain(|finding| finding != "ok");
        Ok(findings)
    }

    /// Makes a change that happens whole or, on error, not at all.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let transaction = self.connection.unchecked_transaction().map_err(self.error())?;
        let outcome = change()?;
        transaction.commit().map_err(self.error())?;
        Ok(outcome)
    }

    /// Gives up rows, within a [`Self::change`].
    pub(crate) fn bury(&self, rows: impl IntoIterator<Item = usize>) -> Result<(), StoreError> {
        let bury = || -> rusqlite::Result<()> {
            let forget = "DELETE FROM points WHERE row_idx = ?1";
            let mut forget = self.connection.prepare_cached(forget)?;
            let bury = "INSERT INTO tombstones (row_idx) VALUES (?1)";
            let mut bury = self.connection.prepare_cached(bury)?;
            for row_idx in rows {
                forget.execute([row_idx])?;
                bury.execute([row_idx])?;
            }
            Ok(())
        };
        bury().map_err(self.error())
    }

    /// Says whose the rows from `first_row` on are, within a [`Self::change`].
    pub(crate) fn add<'a>(
        &self,
        first_row: usize,
        ids: impl ExactSizeIterator<Item = &'a RecordId>,
    ) -> Result<(), StoreError> {
        let n_rows = first_row + ids.len();
        let add = || -> rusqlite::Result<()> {
            let insert = "INSERT INTO points (row_idx, id) VALUES (?1, ?2)";
            let mut insert = self.connection.prepare_cached(insert)?;
            for (row_idx, id) in (first_row..).zip(ids) {
                insert.execute((row_idx, id.as_str()))?;
            }
            let mut extend = self.connection.prepare_cached("UPDATE store SET n_rows = ?1")?;
            extend.execute([n_rows]).map(drop)
        };
        add().map_err(self.error())
    }

    /// Keeps the checksums of blocks in the place of older ones, within a [`Self::change`].
    pub(crate) fn keep_checksums(&self, checksums: &[Checksum]) -> Result<(), StoreError> {
        self.keep_checksums_in("checksums", checksums)
    }

    fn keep_checksums_in(&self, table: &str, checksums: &[Checksum]) -> Result<(), StoreError> {
        let insert = format!("INSERT OR REPLACE INTO {table} VALUES (?1, ?2)");
        let keep = || -> rusqlite::Result<()> {
            let mut insert = self.connection.prepare_cached(&insert)?;
            for Checksum { block_idx, crc } in checksums {
                insert.execute((block_idx, crc))?;
            }
            Ok(())
        };
        keep().map_err(self.error())
    }

    /// Gives a store of format 1 the tables of the present format, within a [`Self::change`].
    pub(crate) fn bring_to_present_format(&self) -> Result<(), StoreError> {
        self.connection.execute_batch(SINCE_FORMAT_1).map_err(self.error())
    }

    /// Numbers the points anew, from 0 in the order of their rows, in a vector file of the next
    /// generation; within a [`Self::change`]. Rows without a point are forgotten.
    pub(crate) fn renumber(&self, n_rows: usize) -> Result<(), StoreError> {
        let renumber = "
            CREATE TABLE kept (row_idx INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
            INSERT INTO kept SELECT row_number() OVER (ORDER BY row_idx) - 1, id FROM points;
            DROP TABLE points;
            ALTER TABLE kept RENAME TO points;
            DELETE FROM tombstones;
            DELETE FROM checksums;
            UPDATE store SET generation = generation + 1;
        ";
        let renumber = || {
            self.connection.execute_batch(renumber)?;
            self.connection.execute("UPDATE store SET n_rows = ?1", [n_rows]).map(drop)
        };
        renumber().map_err(self.error())
    }

    /// Forgets points, within a [`Self::change`], of which no tombstone is left.
    pub(crate) fn forget(&self, rows: Range<usize>) -> Result<usize, StoreError> {
        let forget = "DELETE FROM points WHERE row_idx >= ?1 AND row_idx < ?2";
        self.connection.execute(forget, (rows.start, rows.end)).map_err(self.error())
    }

    /// Gives back the space of what was deleted.
    pub(crate) fn vacuum(&self) -> Result<(), StoreError> {
        let shrink = "VACUUM; PRAGMA wal_checkpoint(TRUNCATE);";
        self.connection.execute_batch(shrink).map_err(self.error())
    }

    /// Waits until all that was committed is on the disk.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        let commit_and_wait = "
            PRAGMA synchronous = FULL;
            UPDATE store SET n_rows = n_rows;
            PRAGMA synchronous = NORMAL;
        ";
        self.connection.execute_batch(commit_and_wait).map_err(self.error())
    }

    fn id(&self, text: &str) -> Result<RecordId, StoreError> {
        RecordId::new(text).map_err(|bad| self.corrupt(format!("{text:?}: {bad}")))
    }

    pub(crate) fn corrupt(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Corrupt { path: self.path.clone(), reason: reason.into() }
    }

    fn error(&self) -> impl FnOnce(rusqlite::Error) -> StoreError {
        |error| error_of(&self.path, error)
    }
}

fn is_forbidden(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied))
}

fn has_log(path: &Path) -> bool {
    fs::metadata(path.with_extension("db-wal")).is_ok_and(|log| log.len() > 0)
}

/// A database that is not changed while it is open; some characters mean something else in a URI.
fn uri_of_frozen(path: &Path) -> String {
    let path = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let path = if cfg!(windows) { path.replace('\\', "/") } else { path };
    format!("file:{path}?immutable=1")
}

fn error_of(path: &Path, error: rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        None | Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Corrupt { path, reason: error.to_string() }
        }
        Some(_) => StoreError::Io { path, source: io::Error::other(error) },
    }
}
