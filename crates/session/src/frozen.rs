//! Reading a database that cannot be written.
//!
//! SQLite writes beside a database that has a log even to read it. Where the folder does not allow that,
//! a database whose log was written back, as the last process to close it does, can still be read as a
//! file that nobody changes. Changes are refused by SQLite.

use std::{ffi::OsString, fs, path::Path};

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// Opens a database with `open`, or as one that cannot be written where that is why it fails.
///
/// # Errors
/// What `open` fails with; for want of permissions only where there is a log that was not written back.
pub fn open_or_frozen(
    path: &Path,
    open: impl FnOnce(&Path) -> rusqlite::Result<Connection>,
) -> rusqlite::Result<Connection> {
    match open(path) {
        Err(error) if is_forbidden(&error) && path.is_file() && !has_log(path) => frozen(path),
        opened => opened,
    }
}

fn is_forbidden(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied))
}

fn has_log(path: &Path) -> bool {
    let mut log = OsString::from(path);
    log.push("-wal");
    fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

fn frozen(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(uri(path), flags)
}

/// The path as SQLite reads it in a URI, in which some characters mean something else.
fn uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for character in path.to_string_lossy().chars() {
        match character {
            '%' => uri.push_str("%25"),
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            '\\' if cfg!(windows) => uri.push('/'),
            other => uri.push(other),
        }
    }
    uri.push_str("?immutable=1");
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database at a path that means something else in a URI, closed.
    fn database(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("a b%20?#.db");
        let made = Connection::open(&path).unwrap();
        made.execute_batch(
            "PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (7)",
        )
        .unwrap();
        path
    }

    /// As SQLite refuses where it may not write; root may everywhere.
    fn forbidden(_: &Path) -> rusqlite::Result<Connection> {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
        Err(rusqlite::Error::SqliteFailure(code, None))
    }

    #[test]
    fn what_cannot_be_written_is_read_and_changes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let opened = open_or_frozen(&database(folder.path()), forbidden).unwrap();
        let x: i64 = opened.query_row("SELECT x FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(x, 7);
        let refused = opened.execute("INSERT INTO t VALUES (8)", []).unwrap_err();
        assert_eq!(refused.sqlite_error_code(), Some(ErrorCode::ReadOnly));
    }

    #[test]
    fn a_log_that_was_not_written_back_is_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = database(folder.path());
        let mut log = OsString::from(&path);
        log.push("-wal");
        fs::copy(&path, log).unwrap();
        assert!(open_or_frozen(&path, forbidden).is_err());
    }
}
