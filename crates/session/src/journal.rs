//! The journal keeps every event of every session in the project's database.
//!
//! An event is written before it counts: when a call returns, what it wrote survives a kill and a
//! power failure. The price is one fsync (WAL, `synchronous=FULL`) for each. Events are numbered
//! within their session, and a number is taken once: two processes on one session cannot both write.

mod codec;
mod log;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use crate::{
    Annotator, BadHistory, Deed, Event, LabelCounts, Opening, RequestId, SessionLog, State,
    open_or_frozen,
};

/// The version of the tables of this module.
const SCHEMA: i64 = 1;

const TABLES: &str = "
    CREATE TABLE journal_schema (version INTEGER NOT NULL);
    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    );
    CREATE TABLE events (
        session INTEGER NOT NULL REFERENCES sessions (id),
        seq INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        payload TEXT NOT NULL,
        vectors BLOB,
        PRIMARY KEY (session, seq)
    );
";

/// How long a write waits for another process to finish its own.
const PATIENCE: Duration = Duration::from_secs(5);

/// The sessions of a project, as their events.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    connection: Connection,
    clock: Clock,
}

/// Tells the time, in milliseconds since 1970 (UTC).
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// A clock that is read by calling a function.
    pub fn new(now_ms: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    /// The time, in milliseconds since 1970 (UTC).
    pub fn now_ms(&self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Names a session within its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(i64);

/// An event, its number and its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number within the session, from 0.
    pub seq: u64,
    /// When it happened, in milliseconds since 1970 (UTC).
    pub at_ms: u64,
    /// What happened.
    pub event: Event,
    /// Whose doing it is; none where nobody said.
    pub by: Option<Annotator>,
    /// The request that asked for it, where it had a name.
    pub request: Option<RequestId>,
}

impl From<Entry> for Deed {
    fn from(Entry { event, by, request, at_ms, .. }: Entry) -> Self {
        Self { event, by, request, at_ms }
    }
}

/// What is known of a session without reading its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionHead {
    /// Which one.
    pub id: SessionId,
    /// How many events it has.
    pub n_events: u64,
    /// When it was opened, in milliseconds since 1970 (UTC).
    pub created_ms: u64,
    /// When something last happened in it, in milliseconds since 1970 (UTC).
    pub updated_ms: u64,
}

/// A session in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionSummary {
    /// Which one.
    pub id: SessionId,
    /// How many events it has.
    pub n_events: u64,
    /// What it is called.
    pub name: String,
    /// What it looks for, in words.
    pub description: String,
    /// Which records it is about; all when not given.
    pub filter: Option<String>,
    /// When it was opened, in milliseconds since 1970 (UTC).
    pub created_ms: u64,
    /// When something last happened in it, in milliseconds since 1970 (UTC).
    pub updated_ms: u64,
    /// How many rounds were shown.
    pub n_rounds: u32,
    /// How many labels it has.
    pub counts: LabelCounts,
}

impl Journal {
    /// Opens the journal of a project's database, and makes its tables if they are not there.
    ///
    /// # Errors
    /// [`JournalError::Database`], or [`JournalError::NewerSchema`].
    pub fn open(path: &Path, clock: Clock) -> Result<Self, JournalError> {
        let database = |source| JournalError::Database { path: path.into(), source };
        let connection = connect(path).map_err(database)?;
        match schema(&connection).map_err(database)? {
            found if found > SCHEMA => Err(JournalError::NewerSchema { path: path.into(), found }),
            _ => Ok(Self { path: path.into(), connection, clock }),
        }
    }

    /// Writes the first event of a new session.
    ///
    /// # Errors
    /// [`JournalError::NameTaken`], or [`JournalError::Database`].
    pub fn create(&mut self, opening: &Opening) -> Result<SessionId, JournalError> {
        let (at_ms, path) = (self.clock.now_ms(), self.path.clone());
        let transaction = begin(&mut self.connection, &path)?;
        let session = enter(&transaction, opening, (&path, at_ms))?;
        database(&path, transaction.commit())?;
        Ok(session)
    }

    /// Writes a new session with the events of another, until the round after one was shown. Its start
    /// is of now.
    ///
    /// # Errors
    /// [`JournalError::NameTaken`], [`JournalError::Corrupt`], or [`JournalError::Database`].
    pub fn branch(
        &mut self,
        from: SessionId,
        round: u32,
        name: &str,
    ) -> Result<SessionId, JournalError> {
        let entries = self.events(from)?;
        let is_later = |entry: &Entry| matches!(entry.event, Event::Shown { round: shown, .. } if shown > round);
        let n_events = entries.iter().position(is_later).unwrap_or(entries.len()) as u64;
        let opening = Opening { name: name.to_owned(), ..self.opening(from)? };
        let (at_ms, path) = (self.clock.now_ms(), self.path.clone());
        let transaction = begin(&mut self.connection, &path)?;
        let session = enter(&transaction, &opening, (&path, at_ms))?;
        let copy = "INSERT INTO events (session, seq, at_ms, payload, vectors)
                    SELECT ?1, seq, at_ms, payload, vectors FROM events
                    WHERE session = ?2 AND seq > 0 AND seq < ?3";
        database(&path, transaction.execute(copy, params![session.0, from.0, n_events]))?;
        database(&path, transaction.commit())?;
        Ok(session)
    }

    /// Writes a new session with all events of another one's log, all or none, at the times when they happened.
    ///
    /// # Errors
    /// [`JournalError::NameTaken`], or [`JournalError::Database`].
    pub fn restore(&mut self, name: &str, log: SessionLog) -> Result<SessionId, JournalError> {
        let opening = Opening { name: name.to_owned(), ..log.opening };
        let path = self.path.clone();
        let transaction = begin(&mut self.connection, &path)?;
        let session = enter(&transaction, &opening, (&path, log.opened_ms))?;
        for Entry { seq, at_ms, event, by, request } in log.later {
            let deed = Deed { event, by, request, at_ms };
            database(&path, insert_event(&transaction, (session, seq, at_ms), &deed))?;
        }
        database(&path, transaction.commit())?;
        Ok(session)
    }

    /// Writes the next events of a session, all or none; they are durable when this returns, and it
    /// says when they happened.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when another event has one of these numbers already, or
    /// [`JournalError::Database`].
    pub fn append(
        &mut self,
        session: SessionId,
        first_seq: u64,
        deeds: &[Deed],
    ) -> Result<u64, JournalError> {
        let at_ms = self.clock.now_ms();
        let path = self.path.clone();
        let transaction = begin(&mut self.connection, &path)?;
        let mut numbered = (first_seq..).zip(deeds);
        numbered
            .try_for_each(|(seq, deed)| insert_event(&transaction, (session, seq, at_ms), deed))
            .and_then(|()| transaction.commit())
            .map(|()| at_ms)
            .map_err(|source| match source.sqlite_error_code() {
                Some(rusqlite::ErrorCode::ConstraintViolation) => JournalError::Conflict,
                _ => JournalError::Database { path, source },
            })
    }

    /// The time of the events that are written now, in milliseconds since 1970 (UTC).
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Every event of a session, in order.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`], or [`JournalError::Database`].
    pub fn events(&self, session: SessionId) -> Result<Vec<Entry>, JournalError> {
        let select =
            "SELECT seq, at_ms, payload, vectors FROM events WHERE session = ?1 ORDER BY seq";
        let rows = self.query(select, [session.0], WrittenEvent::read)?;
        rows.into_iter()
            .enumerate()
            .map(|(expected, row)| row.decode(expected as u64))
            .collect::<Result<_, _>>()
            .map_err(|reason| self.corrupt(session, reason))
    }

    /// What a session was opened with.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`], or [`JournalError::Database`].
    pub fn opening(&self, session: SessionId) -> Result<Opening, JournalError> {
        let select =
            "SELECT seq, at_ms, payload, vectors FROM events WHERE session = ?1 AND seq = 0";
        let row = self.query(select, [session.0], WrittenEvent::read)?.pop();
        let entry = row.map(|row| row.decode(0)).transpose();
        match entry.map_err(|reason| self.corrupt(session, reason))?.map(|entry| entry.event) {
            Some(Event::Started(opening)) => Ok(*opening),
            _ => Err(self.corrupt(session, BadHistory::NotStarted.to_string())),
        }
    }

    /// The state that a session's events have left.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`], or [`JournalError::Database`].
    pub fn replay(&self, session: SessionId) -> Result<State, JournalError> {
        let entries = self.events(session)?;
        State::replay(entries).map_err(|bad: BadHistory| self.corrupt(session, bad.to_string()))
    }

    /// Finds a session by its name.
    ///
    /// # Errors
    /// [`JournalError::Database`].
    pub fn find(&self, name: &str) -> Result<Option<SessionId>, JournalError> {
        let select = "SELECT id FROM sessions WHERE name = ?1";
        let found = self.connection.query_row(select, [name], |row| row.get(0)).optional();
        Ok(database(&self.path, found)?.map(SessionId))
    }

    /// Every session, the first one opened first.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`], or [`JournalError::Database`].
    pub fn sessions(&self) -> Result<Vec<SessionSummary>, JournalError> {
        self.heads()?.into_iter().map(|head| self.summary(head)).collect()
    }

    /// The same, without reading what happened in them.
    ///
    /// # Errors
    /// [`JournalError::Database`].
    pub fn heads(&self) -> Result<Vec<SessionHead>, JournalError> {
        let select = "SELECT session, count(*), max(iif(seq = 0, at_ms, 0)), max(at_ms) FROM events
                      GROUP BY session ORDER BY session";
        self.query(select, [], |row| {
            let (created_ms, updated_ms) = (row.get(2)?, row.get(3)?);
            let id = SessionId(row.get(0)?);
            Ok(SessionHead { id, n_events: row.get(1)?, created_ms, updated_ms })
        })
    }

    /// What has come of a session.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`], or [`JournalError::Database`].
    pub fn summary(&self, head: SessionHead) -> Result<SessionSummary, JournalError> {
        let SessionHead { id, n_events, created_ms, updated_ms } = head;
        let state = self.replay(id)?;
        Ok(SessionSummary {
            id,
            n_events,
            name: state.name().to_owned(),
            description: state.query().description.clone(),
            filter: state.query().filter.clone(),
            created_ms,
            updated_ms,
            n_rounds: state.round(),
            counts: state.counts(),
        })
    }

    fn query<T>(
        &self,
        select: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, JournalError> {
        let rows = || self.connection.prepare_cached(select)?.query_map(params, read)?.collect();
        database(&self.path, rows())
    }

    fn corrupt(&self, session: SessionId, reason: String) -> JournalError {
        JournalError::Corrupt { path: self.path.clone(), session: session.0, reason }
    }
}

/// A database that cannot be written is read, and holds no sessions where nothing made tables for them.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open_or_frozen(path, connect_to_write)?;
    if connection.table_exists(None, "journal_schema")? {
        return Ok(connection);
    }
    let mut without_sessions = Connection::open_in_memory()?;
    create_tables(&mut without_sessions)?;
    without_sessions.pragma_update(None, "query_only", true)?;
    Ok(without_sessions)
}

fn connect_to_write(path: &Path) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    if !connection.table_exists(None, "journal_schema")? {
        create_tables(&mut connection)?;
    }
    Ok(connection)
}

/// In one transaction, which waits for another process that may be doing the same.
fn create_tables(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !transaction.table_exists(None, "journal_schema")? {
        transaction.execute_batch(TABLES)?;
        transaction.execute("INSERT INTO journal_schema (version) VALUES (?1)", [SCHEMA])?;
    }
    transaction.commit()
}

fn schema(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT version FROM journal_schema", [], |row| row.get(0))
}

/// Takes a name and writes the first event.
fn enter(
    transaction: &Transaction<'_>,
    opening: &Opening,
    (path, at_ms): (&Path, u64),
) -> Result<SessionId, JournalError> {
    let name = &opening.name;
    let insert = "INSERT INTO sessions (name) VALUES (?1) ON CONFLICT DO NOTHING";
    if database(path, transaction.execute(insert, [name]))? == 0 {
        return Err(JournalError::NameTaken { name: name.clone() });
    }
    let session = SessionId(transaction.last_insert_rowid());
    let event = Event::Started(Box::new(opening.clone()));
    database(path, insert_event(transaction, (session, 0, at_ms), &event.into()))?;
    Ok(session)
}

fn begin<'a>(connection: &'a mut Connection, path: &Path) -> Result<Transaction<'a>, JournalError> {
    database(path, connection.transaction_with_behavior(TransactionBehavior::Immediate))
}

fn database<T>(path: &Path, result: rusqlite::Result<T>) -> Result<T, JournalError> {
    result.map_err(|source| JournalError::Database { path: path.into(), source })
}

fn insert_event(
    connection: &Connection,
    (session, seq, at_ms): (SessionId, u64, u64),
    deed: &Deed,
) -> rusqlite::Result<()> {
    let insert = "INSERT INTO events (session, seq, at_ms, payload, vectors)
                  VALUES (?1, ?2, ?3, ?4, ?5)";
    let (payload, vectors) = codec::encode(deed)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let mut statement = connection.prepare_cached(insert)?;
    statement.execute(params![session.0, seq, at_ms, payload, vectors])?;
    Ok(())
}

/// A row of the table of events.
struct WrittenEvent {
    seq: u64,
    at_ms: u64,
    payload: String,
    vectors: Option<Vec<u8>>,
}

impl WrittenEvent {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (payload, vectors) = (row.get(2)?, row.get(3)?);
        Ok(Self { seq: row.get(0)?, at_ms: row.get(1)?, payload, vectors })
    }

    /// Checks the number and reads the event, or says what is wrong.
    fn decode(self, expected: u64) -> Result<Entry, String> {
        let Self { seq, at_ms, payload, vectors } = self;
        if seq != expected {
            return Err(format!("event {expected} is missing"));
        }
        let Deed { event, by, request, .. } =
            codec::decode(&payload, vectors.as_deref().unwrap_or_default())
                .map_err(|bad| format!("event {seq}: {bad}"))?;
        Ok(Entry { seq, at_ms, event, by, request })
    }
}

/// Why the journal cannot do what it was asked, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Take another name.
    #[error("there is a session {name:?} already\nhint: take another name, or resume it")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// Resume the session again.
    #[error("another process has written to this session\nhint: end it there, then resume it here")]
    Conflict,
    /// Free some space, mend the permissions, wait for another process.
    #[error("cannot read or write {path}", path = path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Restore it.
    #[error("session {session} of {path} is damaged: {reason}", path = path.display())]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// The session.
        session: i64,
        /// What is wrong.
        reason: String,
    },
    /// Update.
    #[error(
        "the sessions of {path} have format {found}, this version reads up to {SCHEMA}\nhint: update linprobe",
        path = path.display()
    )]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: i64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_is_synced_and_the_version_of_the_project_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("project.db"), Clock::new(|| 0)).unwrap();
        let pragma = |name: &str| -> String {
            let value = |row: &Row<'_>| row.get::<_, rusqlite::types::Value>(0);
            let value = journal.connection.pragma_query_value(None, name, value).unwrap();
            format!("{value:?}")
        };
        assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
        assert_eq!(pragma("synchronous"), "Integer(2)", "2 is FULL");
        assert_eq!(pragma("user_version"), "Integer(0)");
    }
}
