//! Files that were cut, changed or lost: mended where nothing committed is missing, refused by name
//! where something is, and listed by `check`.

use std::{
    fs::{self, File, OpenOptions},
    io::{Seek, SeekFrom, Write},
    path::Path,
};

use linprobe_core::{StoreError, VectorStore};
use linprobe_store::{EmbeddedStore, Violation, check};
use pollster::block_on;
use rusqlite::Connection;

use crate::support::{DIMENSION, HEADER, ROW, assert_sound, contents, filled, id, points};

fn vectors(folder: &Path) -> File {
    OpenOptions::new().read(true).write(true).open(folder.join("vectors.npy")).unwrap()
}

fn write_at(folder: &Path, start: u64, bytes: &[u8]) {
    let mut file = vectors(folder);
    file.seek(SeekFrom::Start(start)).unwrap();
    file.write_all(bytes).unwrap();
}

fn sql(folder: &Path, statement: &str) {
    Connection::open(folder.join("points.db")).unwrap().execute_batch(statement).unwrap();
}

fn violations(folder: &Path) -> Vec<Violation> {
    check(folder).unwrap().violations
}

#[test]
fn a_torn_tail_of_any_length_is_cut_off() {
    let folder = filled(20);
    let expected = contents(&EmbeddedStore::open(folder.path()).unwrap());
    for n_bytes in 1..=3 * ROW {
        let torn = vec![0x7c; usize::try_from(n_bytes).unwrap()];
        write_at(folder.path(), HEADER + 20 * ROW, &torn);
        let found = HEADER + 20 * ROW + n_bytes;
        assert_eq!(
            violations(folder.path()),
            [Violation::Length { expected: HEADER + 20 * ROW, found }]
        );
        let store = EmbeddedStore::open(folder.path()).unwrap();
        assert_eq!(contents(&store), expected);
        assert_sound(folder.path());
    }
}

#[test]
fn rows_go_on_after_a_torn_tail_as_if_it_had_never_been() {
    let folder = filled(20);
    write_at(folder.path(), HEADER + 20 * ROW, &[0x7c; 25]);
    let store = EmbeddedStore::open(folder.path()).unwrap();
    block_on(store.upsert(&points(20..40))).unwrap();
    assert_sound(folder.path());
    assert_eq!(
        contents(&store),
        contents(&EmbeddedStore::open_read_only(filled(40).path()).unwrap())
    );
}

#[test]
fn a_file_shorter_than_its_rows_is_refused_by_name() {
    for n_bytes in 0..HEADER + 20 * ROW {
        if n_bytes % 7 != 0 && n_bytes + 2 * ROW < HEADER + 20 * ROW {
            continue;
        }
        let folder = filled(20);
        vectors(folder.path()).set_len(n_bytes).unwrap();
        let opened =
            [EmbeddedStore::open(folder.path()), EmbeddedStore::open_read_only(folder.path())];
        for refused in opened {
            assert!(
                matches!(&refused, Err(StoreError::Corrupt { path, .. }) if path.ends_with("vectors.npy")),
                "{n_bytes} bytes: {refused:?}"
            );
        }
        let length = Violation::Length { expected: HEADER + 20 * ROW, found: n_bytes };
        assert!(violations(folder.path()).contains(&length), "{n_bytes} bytes");
    }
}

#[test]
fn a_header_that_was_not_rewritten_in_time_is_mended() {
    let folder = filled(20);
    let fewer = filled(10);
    let old = fs::read(fewer.path().join("vectors.npy")).unwrap();
    for header in [&old[..128], &[0; 128], b"\x93NUMPX"] {
        write_at(folder.path(), 0, header);
        assert_eq!(violations(folder.path()), [Violation::Header { n_rows: 20 }]);
        drop(EmbeddedStore::open(folder.path()).unwrap());
        assert_sound(folder.path());
    }
}

#[test]
fn a_reader_takes_no_notice_of_header_or_tail() {
    let folder = filled(20);
    write_at(folder.path(), 0, &[0; 128]);
    write_at(folder.path(), HEADER + 20 * ROW, &[0x7c; 25]);
    let store = EmbeddedStore::open_read_only(folder.path()).unwrap();
    assert_eq!(
        contents(&store),
        contents(&EmbeddedStore::open_read_only(filled(20).path()).unwrap())
    );
}

#[test]
fn a_missing_store_is_an_error_that_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    for opened in [EmbeddedStore::open(folder.path()), EmbeddedStore::open_read_only(folder.path())]
    {
        assert!(opened.unwrap_err().to_string().contains("points.db"));
    }
    assert!(matches!(
        EmbeddedStore::open(folder.path().join("nowhere")),
        Err(StoreError::Io { .. })
    ));
}

#[test]
fn a_store_is_never_made_over_another() {
    let folder = filled(3);
    assert!(EmbeddedStore::create(folder.path(), DIMENSION).is_err());
    assert_eq!(contents(&EmbeddedStore::open(folder.path()).unwrap()).len(), 3);
}

#[test]
fn a_store_of_another_dimension_is_refused_and_the_same_one_opened() {
    let folder = filled(3);
    let other = EmbeddedStore::open_or_create(folder.path(), DIMENSION + 1);
    assert!(matches!(other, Err(StoreError::Dimension { expected: DIMENSION, .. })));
    assert_eq!(
        contents(&EmbeddedStore::open_or_create(folder.path(), DIMENSION).unwrap()).len(),
        3
    );
}

#[test]
fn making_a_store_starts_over_where_it_was_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    File::create(folder.path().join("vectors.npy")).unwrap().write_all(b"half a hea").unwrap();
    drop(Connection::open(folder.path().join("points.db")).unwrap());
    let store = EmbeddedStore::open_or_create(folder.path(), DIMENSION).unwrap();
    assert_eq!(block_on(store.count()).unwrap(), 0);
    assert_sound(folder.path());
}

#[test]
fn a_file_that_is_no_database_is_refused_by_name() {
    let folder = filled(3);
    File::create(folder.path().join("points.db")).unwrap().write_all(&[b'x'; 5_000]).unwrap();
    let refused = EmbeddedStore::open(folder.path());
    assert!(
        matches!(&refused, Err(StoreError::Corrupt { path, .. }) if path.ends_with("points.db")),
        "{refused:?}"
    );
}

#[test]
fn a_store_of_a_later_version_is_refused_with_both_numbers() {
    let folder = filled(3);
    sql(folder.path(), "PRAGMA user_version = 7");
    let refused = EmbeddedStore::open(folder.path()).unwrap_err().to_string();
    assert!(refused.contains("format 7") && refused.contains("formats 1 to 2"), "{refused}");
}

#[test]
fn check_lists_everything_that_is_wrong_and_where() {
    let folder = filled(10);
    sql(
        folder.path(),
        "INSERT INTO tombstones (row_idx) VALUES (2);
         DELETE FROM points WHERE row_idx = 3;
         INSERT INTO points VALUES (30, 'thirty');
         UPDATE points SET id = 'four' || char(7) WHERE row_idx = 4;",
    );
    write_at(folder.path(), HEADER + 5 * ROW, &[0; 10]);
    write_at(folder.path(), HEADER + 6 * ROW, &[0x00, 0x7e]);
    let found = violations(folder.path());
    assert_eq!(found.len(), 7, "{found:?}");
    for expected in [
        Violation::DeadWithId { row_idx: 2 },
        Violation::Unclaimed { row_idx: 3 },
        Violation::Beyond { row_idx: 30 },
        Violation::NotUnit { row_idx: 5, norm: 0.0 },
        Violation::Checksum { first_row: 0, last_row: 9 },
    ] {
        assert!(found.contains(&expected), "{expected} is not in {found:?}");
    }
    assert!(found.iter().any(|v| matches!(v, Violation::BadId { row_idx: 4, .. })), "{found:?}");
    let not_a_number =
        |v: &Violation| matches!(v, Violation::NotUnit { row_idx: 6, norm } if norm.is_nan());
    assert!(found.iter().any(not_a_number), "{found:?}");
}

#[test]
fn a_vector_that_is_none_is_an_error_when_it_is_read() {
    let folder = filled(10);
    write_at(folder.path(), HEADER + 5 * ROW, &[0; 10]);
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let refused = block_on(store.fetch(&[id(5)]));
    assert!(
        matches!(refused, Err(StoreError::Corrupt { path, .. }) if path.ends_with("vectors.npy"))
    );
    assert_eq!(block_on(store.fetch(&[id(4)])).unwrap().len(), 1);
}
