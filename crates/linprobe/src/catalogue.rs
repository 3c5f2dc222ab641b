//! The catalogue: what is known of every record but its vector.
//!
//! It lives in the project's database beside the sessions, so that a person sees the text of a hit,
//! and a label its record, without the dataset being at hand; a store can be lost and rebuilt
//! without it. Texts are therefore kept twice, here and in the dataset: that is the price. Pictures
//! are not: a record of a folder keeps its path.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use linprobe_core::{BadRecord, Content, Metadata, Modalities, ModelSpec, Record, RecordId};
use linprobe_session::open_or_frozen;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use crate::{config::SourceConfig, error::ProjectError};

mod upkeep;

/// The version of the tables below; a project of a later one is refused.
const FORMAT_VERSION: i64 = 1;

/// That of a project whose points are elsewhere: a linprobe that does not know of such would take it for an empty one.
const ELSEWHERE_VERSION: i64 = 2;

const STORE_TABLE: &str = "
    CREATE TABLE IF NOT EXISTS store(
        only INTEGER PRIMARY KEY CHECK (only = 1), address TEXT NOT NULL
    ) STRICT;
";

const TABLES: &str = "
    CREATE TABLE model(
        only INTEGER PRIMARY KEY CHECK (only = 1),
        id TEXT NOT NULL, revision TEXT, fingerprint TEXT NOT NULL,
        dimension INTEGER NOT NULL, takes_text INTEGER NOT NULL, takes_image INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE sources(
        source INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, config TEXT NOT NULL
    ) STRICT;
    CREATE TABLE records(
        record INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, source INTEGER NOT NULL,
        digest BLOB NOT NULL, kind TEXT NOT NULL, text TEXT, label TEXT, metadata TEXT
    ) STRICT;
    CREATE INDEX records_by_label ON records(label);
    CREATE TABLE skipped(
        source INTEGER NOT NULL, file TEXT NOT NULL, row INTEGER, id TEXT, reason TEXT NOT NULL
    ) STRICT;
    CREATE TABLE classifiers(
        name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, file BLOB NOT NULL
    ) STRICT;
";

/// The log is written back after so many pages, 64 MB, and as many kilobytes of pages are kept at
/// hand: names in random order touch most pages of their index again and again.
const WAL_PAGES: u32 = 16_000;
const CACHE_KB: u32 = 64_000;

/// Records that are read at a time where all are.
const PAGE_RECORDS: usize = 10_000;

/// The tables of the project's database that hold records, their sources and the model.
#[derive(Debug)]
pub(crate) struct Catalogue {
    database: Mutex<Connection>,
    path: PathBuf,
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let database = Connection::open(path)?;
    database.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
         PRAGMA busy_timeout = 5000; PRAGMA cache_size = -{CACHE_KB}; \
         PRAGMA wal_autocheckpoint = {WAL_PAGES}"
    ))?;
    Ok(database)
}

/// Names a source within its project.
pub(crate) type SourceKey = i64;

pub(crate) use upkeep::RecordKey;

/// A record as the catalogue keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogueRecord {
    /// The record's name.
    pub id: RecordId,
    /// `text`, `image` or `vector`.
    pub kind: String,
    /// What a person can read of it.
    pub text: Option<String>,
    /// The class that the dataset gives it.
    pub label: Option<String>,
    /// The other columns.
    pub metadata: Metadata,
}

/// A record with what tells whether it has changed.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) source: SourceKey,
    pub(crate) digest: [u8; 16],
    pub(crate) record: CatalogueRecord,
}

/// What a record of a source is to the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is there, the same.
    None,
    /// Its label or metadata differ; its embedding stands.
    Description,
    /// It must be embedded.
    Content,
    /// Another source has a record of this name.
    Taken,
}

/// A record that was skipped when its source was last indexed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedRecord {
    /// The file it stands in.
    pub file: PathBuf,
    /// Its place there from 1.
    pub row: Option<u64>,
    /// Its id, where it has one.
    pub id: Option<RecordId>,
    /// What is wrong with it.
    pub reason: String,
}

impl Catalogue {
    /// Makes the tables in a new database.
    pub(crate) fn create(path: &Path) -> Result<(), ProjectError> {
        let make = format!("BEGIN; {TABLES} PRAGMA user_version = {FORMAT_VERSION}; COMMIT");
        Self::connect(path)?.ask(|database| database.execute_batch(&make))
    }

    /// Opens the database of a project.
    pub(crate) fn open(path: &Path) -> Result<Self, ProjectError> {
        let catalogue = Self::connect(path)?;
        let version: i64 = catalogue
            .ask(|database| database.query_row("PRAGMA user_version", [], |row| row.get(0)))?;
        if [FORMAT_VERSION, ELSEWHERE_VERSION].contains(&version) {
            Ok(catalogue)
        } else {
            Err(ProjectError::FormatVersion { path: path.into(), found: version })
        }
    }

    fn connect(path: &Path) -> Result<Self, ProjectError> {
        let database = open_or_frozen(path, connect)
            .map_err(|source| ProjectError::Database { path: path.into(), source })?;
        Ok(Self { database: Mutex::new(database), path: path.into() })
    }

    /// Asks the database; a failure names it.
    fn ask<T>(
        &self,
        ask: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, ProjectError> {
        let mut database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        ask(&mut database)
            .map_err(|source| ProjectError::Database { path: self.path.clone(), source })
    }

    /// All rows of a query.
    fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, ProjectError> {
        self.ask(|database| database.prepare_cached(sql)?.query_map(params, read)?.collect())
    }

    /// The row of a query, if there is one.
    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, ProjectError> {
        self.ask(|database| database.prepare_cached(sql)?.query_row(params, read).optional())
    }

    /// The model that the records are embedded with, once one is chosen.
    pub(crate) fn model(&self) -> Result<Option<ModelSpec>, ProjectError> {
        let sql = "SELECT id, revision, fingerprint, dimension, takes_text, takes_image FROM model";
        self.one(sql, [], |row| {
            Ok(ModelSpec {
                id: row.get(0)?,
                revision: row.get(1)?,
                fingerprint: row.get(2)?,
                dimension: row.get(3)?,
                modalities: Modalities { text: row.get(4)?, image: row.get(5)? },
            })
        })
    }

    /// Chooses the model, once and for ever.
    pub(crate) fn set_model(&self, model: &ModelSpec) -> Result<(), ProjectError> {
        let ModelSpec { id, revision, fingerprint, dimension, modalities } = model;
        let (text, image) = (modalities.text, modalities.image);
        let values = params![id, revision, fingerprint, dimension, text, image];
        self.ask(|database| {
            database.execute("INSERT INTO model VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)", values)
        })?;
        Ok(())
    }

    /// The address of the store that the points are in, where they are elsewhere.
    pub(crate) fn store_address(&self) -> Result<Option<String>, ProjectError> {
        let version: i64 =
            self.ask(|database| database.query_row("PRAGMA user_version", [], |row| row.get(0)))?;
        if version == FORMAT_VERSION {
            return Ok(None);
        }
        self.one("SELECT address FROM store", [], |row| row.get(0))
    }

    /// Notes that the points are elsewhere.
    pub(crate) fn set_store(&self, address: &str) -> Result<(), ProjectError> {
        self.ask(|database| {
            let transaction = database.transaction()?;
            transaction.execute_batch(STORE_TABLE)?;
            transaction.execute("INSERT OR REPLACE INTO store VALUES (1, ?1)", [address])?;
            transaction.pragma_update(None, "user_version", ELSEWHERE_VERSION)?;
            transaction.commit()
        })
    }

    /// The key of a source, new or known; forgets what was skipped of it the last time.
    pub(crate) fn enter_source(
        &self,
        fingerprint: &str,
        config: &SourceConfig,
    ) -> Result<SourceKey, ProjectError> {
        let insert = "INSERT INTO sources(fingerprint, config) VALUES (?1, ?2) \
             ON CONFLICT(fingerprint) DO UPDATE SET config = excluded.config RETURNING source";
        self.ask(|database| {
            let transaction = database.transaction()?;
            let values = params![fingerprint, config.to_json()];
            let key: SourceKey = transaction.query_row(insert, values, |row| row.get(0))?;
            transaction.execute("DELETE FROM skipped WHERE source = ?1", [key])?;
            transaction.commit()?;
            Ok(key)
        })
    }

    /// Where the records of a source are read.
    pub(crate) fn sources(&self) -> Result<Vec<SourceConfig>, ProjectError> {
        let configs: Vec<String> =
            self.all("SELECT config FROM sources ORDER BY source", [], |row| row.get(0))?;
        configs.iter().map(|json| SourceConfig::from_json(&self.path, json)).collect()
    }

    /// The source that a record came from.
    pub(crate) fn source_of(&self, id: &RecordId) -> Result<Option<SourceConfig>, ProjectError> {
        let sql = "SELECT config FROM sources JOIN records USING (source) WHERE id = ?1";
        let config: Option<String> = self.one(sql, [id.as_str()], |row| row.get(0))?;
        config.map(|json| SourceConfig::from_json(&self.path, &json)).transpose()
    }

    /// What this entry is to the catalogue.
    pub(crate) fn change(&self, entry: &Entry) -> Result<Change, ProjectError> {
        let sql = "SELECT source, digest, label, metadata FROM records WHERE id = ?1";
        let known = self.one(sql, [entry.record.id.as_str()], |row| entry.compare(row))?;
        Ok(known.unwrap_or(Change::Content))
    }

    /// Writes entries and skipped records, all or none.
    pub(crate) fn write(
        &self,
        entries: &[Entry],
        source: SourceKey,
        skipped: &[SkippedRecord],
    ) -> Result<(), ProjectError> {
        self.ask(|database| write(database, entries, source, skipped))
    }

    /// Reads one record.
    pub(crate) fn record(&self, id: &RecordId) -> Result<Option<CatalogueRecord>, ProjectError> {
        let sql = "SELECT id, kind, text, label, metadata FROM records WHERE id = ?1";
        self.one(sql, [id.as_str()], record_of)
    }

    /// Reads at most `limit` records that were entered after one, in the order of entry.
    pub(crate) fn records(
        &self,
        after: Option<&RecordId>,
        limit: usize,
    ) -> Result<Vec<CatalogueRecord>, ProjectError> {
        let sql = "SELECT id, kind, text, label, metadata FROM records WHERE record > \
             ifnull((SELECT record FROM records WHERE id = ?1), -1) ORDER BY record LIMIT ?2";
        self.all(sql, params![after.map(RecordId::as_str), limit], record_of)
    }

    /// Shows every record, in the order of entry. Others may ask the database meanwhile.
    pub(crate) fn each_record(
        &self,
        mut visit: impl FnMut(CatalogueRecord),
    ) -> Result<(), ProjectError> {
        let sql = "SELECT id, kind, text, label, metadata, record FROM records WHERE record > ?1 \
             ORDER BY record LIMIT ?2";
        let mut last: i64 = -1;
        loop {
            let read = |row: &Row<'_>| Ok((row.get(5)?, record_of(row)?));
            let page = self.all(sql, params![last, PAGE_RECORDS], read)?;
            let Some(&(key, _)) = page.last() else { return Ok(()) };
            last = key;
            for (_, record) in page {
                visit(record);
            }
        }
    }

    /// The names of all columns that are neither text nor label, in order.
    pub(crate) fn columns(&self) -> Result<BTreeSet<String>, ProjectError> {
        let sql = "SELECT DISTINCT key FROM records, json_each(records.metadata)";
        Ok(self.all(sql, [], |row| row.get(0))?.into_iter().collect())
    }

    /// The kind that most records are of; none in an empty project.
    pub(crate) fn kind(&self) -> Result<Option<String>, ProjectError> {
        let sql = "SELECT kind FROM records GROUP BY kind ORDER BY count(*) DESC LIMIT 1";
        self.one(sql, [], |row| row.get(0))
    }

    /// The names of all records of a class, in the order in which they were indexed.
    pub(crate) fn ids_labelled(&self, label: &str) -> Result<Vec<RecordId>, ProjectError> {
        let sql = "SELECT id FROM records WHERE label = ?1 ORDER BY record";
        self.all(sql, [label], |row| id_at(row, 0))
    }

    /// The classes of the dataset and how many records each has, largest first.
    pub(crate) fn labels(&self) -> Result<Vec<(String, u64)>, ProjectError> {
        let sql = "SELECT label, count(*) AS n FROM records WHERE label IS NOT NULL \
             GROUP BY label ORDER BY n DESC, label";
        self.all(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Counts the records.
    pub(crate) fn n_records(&self) -> Result<u64, ProjectError> {
        self.count("SELECT count(*) FROM records")
    }

    /// Counts the records that were skipped, as each source was last indexed.
    pub(crate) fn n_skipped(&self) -> Result<u64, ProjectError> {
        self.count("SELECT count(*) FROM skipped")
    }

    fn count(&self, sql: &str) -> Result<u64, ProjectError> {
        self.ask(|database| database.query_row(sql, [], |row| row.get(0)))
    }

    /// What SQLite finds wrong with the database.
    pub(crate) fn check(&self) -> Result<Vec<String>, ProjectError> {
        let mut found: Vec<String> = self.all("PRAGMA integrity_check", [], |row| row.get(0))?;
        found.retain(|line| line != "ok");
        Ok(found)
    }

    /// Records that are not in the dataset's embeddings, and why, as each source was last indexed.
    pub(crate) fn skipped(&self) -> Result<Vec<SkippedRecord>, ProjectError> {
        self.all("SELECT file, row, id, reason FROM skipped ORDER BY rowid", [], skipped_from)
    }

    /// The same of one source.
    pub(crate) fn skipped_of(&self, source: SourceKey) -> Result<Vec<SkippedRecord>, ProjectError> {
        let sql = "SELECT file, row, id, reason FROM skipped WHERE source = ?1 ORDER BY rowid";
        self.all(sql, [source], skipped_from)
    }

    /// Keeps a classifier file under a name; an older one of the same name is replaced.
    pub(crate) fn save_classifier(
        &self,
        name: &str,
        created_ms: u64,
        file: &[u8],
    ) -> Result<(), ProjectError> {
        let values = params![name, created_ms.cast_signed(), file];
        self.ask(|database| {
            database.execute("INSERT OR REPLACE INTO classifiers VALUES (?1, ?2, ?3)", values)
        })?;
        Ok(())
    }

    /// A classifier file that was kept under a name.
    pub(crate) fn classifier(&self, name: &str) -> Result<Option<Vec<u8>>, ProjectError> {
        self.one("SELECT file FROM classifiers WHERE name = ?1", [name], |row| row.get(0))
    }

    /// The names of the classifiers that were kept.
    pub(crate) fn classifier_names(&self) -> Result<Vec<String>, ProjectError> {
        self.all("SELECT name FROM classifiers ORDER BY name", [], |row| row.get(0))
    }
}

fn write(
    database: &mut Connection,
    entries: &[Entry],
    source: SourceKey,
    skipped: &[SkippedRecord],
) -> rusqlite::Result<()> {
    let transaction = database.transaction()?;
    {
        let sql = "INSERT INTO records(id, source, digest, kind, text, label, metadata) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(id) DO UPDATE SET \
             digest = excluded.digest, kind = excluded.kind, text = excluded.text, \
             label = excluded.label, metadata = excluded.metadata";
        let mut insert = transaction.prepare_cached(sql)?;
        for Entry { source, digest, record } in entries {
            let metadata = metadata_json(&record.metadata);
            let id = record.id.as_str();
            let CatalogueRecord { kind, text, label, .. } = record;
            insert.execute(params![id, source, digest, kind, text, label, metadata])?;
        }
        let sql = "INSERT INTO skipped VALUES (?1, ?2, ?3, ?4, ?5)";
        let mut insert = transaction.prepare_cached(sql)?;
        for SkippedRecord { file, row, id, reason } in skipped {
            let row = row.map(u64::cast_signed);
            let id = id.as_ref().map(RecordId::as_str);
            insert.execute(params![source, file.to_string_lossy(), row, id, reason])?;
        }
    }
    transaction.commit()
}

fn record_of(row: &Row<'_>) -> rusqlite::Result<CatalogueRecord> {
    let metadata: Option<String> = row.get(4)?;
    Ok(CatalogueRecord {
        id: id_at(row, 0)?,
        kind: row.get(1)?,
        text: row.get(2)?,
        label: row.get(3)?,
        metadata: metadata.map_or_else(|| Ok(Metadata::new()), |json| parsed(&json, 4))?,
    })
}

fn skipped_from(row: &Row<'_>) -> rusqlite::Result<SkippedRecord> {
    let id: Option<String> = row.get(2)?;
    Ok(SkippedRecord {
        file: PathBuf::from(row.get::<_, String>(0)?),
        row: row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned),
        id: id.map(|_| id_at(row, 2)).transpose()?,
        reason: row.get(3)?,
    })
}

fn id_at(row: &Row<'_>, column_idx: usize) -> rusqlite::Result<RecordId> {
    let name: String = row.get(column_idx)?;
    RecordId::new(name).map_err(|bad| malformed(column_idx, bad))
}

fn parsed(json: &str, column_idx: usize) -> rusqlite::Result<Metadata> {
    serde_json::from_str(json).map_err(|bad| malformed(column_idx, bad))
}

fn malformed(
    column_idx: usize,
    reason: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    let kind = rusqlite::types::Type::Text;
    rusqlite::Error::FromSqlConversionFailure(column_idx, kind, Box::new(reason))
}

/// The columns as JSON; none for none, so that a record without any costs nothing.
fn metadata_json(metadata: &Metadata) -> Option<String> {
    (!metadata.is_empty())
        .then(|| serde_json::to_string(metadata).expect("a map of strings is always JSON"))
}

impl SkippedRecord {
    /// A record whose content could be read, but not used.
    pub(crate) fn of_content(location: &Path, id: RecordId, reason: &dyn fmt::Display) -> Self {
        Self { file: location.into(), row: None, id: Some(id), reason: reason.to_string() }
    }
}

impl From<BadRecord> for SkippedRecord {
    fn from(bad: BadRecord) -> Self {
        let BadRecord { file, row, id, reason } = bad;
        Self { file, row, id, reason }
    }
}

impl fmt::Display for SkippedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        match (self.row, &self.id) {
            (Some(row), _) => write!(f, ", row {row}")?,
            (None, Some(id)) if !self.file.ends_with(id.as_str()) => write!(f, ", record {id}")?,
            (None, _) => {}
        }
        write!(f, ": {}", self.reason)
    }
}

impl Entry {
    /// What it is to the row of its name: source, digest, label and metadata.
    fn compare(&self, row: &Row<'_>) -> rusqlite::Result<Change> {
        let same_label = self.record.label.as_deref() == row.get_ref(2)?.as_str_or_null()?;
        let metadata = metadata_json(&self.record.metadata);
        let same_metadata = metadata.as_deref() == row.get_ref(3)?.as_str_or_null()?;
        Ok(if row.get::<_, SourceKey>(0)? != self.source {
            Change::Taken
        } else if row.get_ref(1)?.as_blob()? != self.digest {
            Change::Content
        } else if same_label && same_metadata {
            Change::None
        } else {
            Change::Description
        })
    }

    /// Takes a record of a source apart: what the catalogue keeps, and what is embedded.
    pub(crate) fn split(source: SourceKey, record: Record) -> (Self, Content) {
        let Record { id, content, label, metadata } = record;
        let kind = content.kind().to_owned();
        let text = content.text().map(str::to_owned);
        let record = CatalogueRecord { id, kind, text, label, metadata };
        (Self { source, digest: digest(&content), record }, content)
    }
}

/// Tells a content from every other one, all but certainly: the first half of a BLAKE3 hash.
fn digest(content: &Content) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(content.kind().as_bytes()).update(&[0]);
    match content {
        Content::Text(text) => hasher.update(text.as_bytes()),
        Content::Image(bytes) => hasher.update(bytes),
        Content::Vector { values, text } => hasher
            .update(bytemuck::cast_slice(values))
            .update(text.as_deref().unwrap_or_default().as_bytes()),
    };
    let mut half = [0; 16];
    hasher.finalize_xof().fill(&mut half);
    half
}
