//! Compaction, format 1, and what checksums find.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use linprobe_core::{Point, StoreError, VectorStore};
use linprobe_store::{Compaction, Damaged, EmbeddedStore, Violation, check, compact};
use pollster::block_on;
use rusqlite::Connection;

use crate::support::{HEADER, ROW, assert_sound, contents, filled, id, point, points};

/// Three blocks of checksums and a bit.
const N_POINTS: u64 = 3_500;

/// A store in which every other row is dead, closed; and what is left in it.
fn sparse() -> (tempfile::TempDir, Vec<Point>) {
    let folder = filled(N_POINTS);
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let given_up: Vec<_> = (0..N_POINTS).step_by(2).map(id).collect();
    block_on(store.delete(&given_up)).unwrap();
    let replaced = Point { id: id(1), ..point(99_999) };
    block_on(store.upsert(std::slice::from_ref(&replaced))).unwrap();
    let left = contents(&store);
    (folder, left)
}

fn vectors(folder: &Path) -> PathBuf {
    folder.join("vectors.npy")
}

fn flip_a_bit(folder: &Path, row_idx: u64) {
    let mut file = OpenOptions::new().read(true).write(true).open(vectors(folder)).unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(HEADER + row_idx * ROW)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(HEADER + row_idx * ROW)).unwrap();
    file.write_all(&[byte[0] ^ 1]).unwrap();
}

#[test]
fn space_comes_back_and_ids_vectors_and_their_order_stay() {
    let (folder, left) = sparse();
    let database = || fs::metadata(folder.path().join("points.db")).unwrap().len();
    let before = database();
    let compaction = compact(folder.path(), Damaged::Refuse).unwrap();
    let n_rows = left.len() as u64;
    let expected = Compaction { n_rows_before: N_POINTS + 1, n_rows, n_damaged: 0 };
    assert_eq!(compaction, expected);
    assert_sound(folder.path());
    assert_eq!(fs::metadata(vectors(folder.path())).unwrap().len(), HEADER + n_rows * ROW);
    assert!(database() < before, "{} is not less than {before}", database());
    assert_eq!(contents(&EmbeddedStore::open(folder.path()).unwrap()), left);
}

#[test]
fn readers_and_their_tombstones_go_over_to_the_compacted_store() {
    let (folder, left) = sparse();
    let reader = EmbeddedStore::open_read_only(folder.path()).unwrap();
    assert_eq!(contents(&reader), left);
    for round in 0..3 {
        compact(folder.path(), Damaged::Refuse).unwrap();
        assert_eq!(contents(&reader), left, "{round}");
        let writer = EmbeddedStore::open(folder.path()).unwrap();
        block_on(writer.upsert(&points(0..1))).unwrap();
        block_on(writer.delete(&[id(0)])).unwrap();
        assert_eq!(contents(&reader), left, "{round}");
    }
}

#[test]
fn a_writer_keeps_compaction_out() {
    let (folder, _) = sparse();
    let writer = EmbeddedStore::open(folder.path()).unwrap();
    let refused = compact(folder.path(), Damaged::Refuse);
    assert!(matches!(refused, Err(StoreError::Locked { .. })), "{refused:?}");
    drop(writer);
    compact(folder.path(), Damaged::Refuse).unwrap();
}

/// Killed before the commit: the new file is whole or not, and belongs to nothing.
#[test]
fn a_file_of_a_compaction_that_was_not_committed_is_removed() {
    let (folder, left) = sparse();
    let stray = folder.path().join("vectors.1.npy");
    fs::copy(vectors(folder.path()), &stray).unwrap();
    assert_eq!(contents(&EmbeddedStore::open_read_only(folder.path()).unwrap()), left);
    assert!(stray.exists());
    assert_eq!(contents(&EmbeddedStore::open(folder.path()).unwrap()), left);
    assert!(!stray.exists());
    assert_sound(folder.path());
}

/// Killed after the commit: the old file still has the name.
#[test]
fn a_compaction_that_was_committed_and_not_settled_is_read_and_settled() {
    let (folder, left) = sparse();
    let old = fs::read(vectors(folder.path())).unwrap();
    compact(folder.path(), Damaged::Refuse).unwrap();
    let numbered = folder.path().join("vectors.1.npy");
    fs::copy(vectors(folder.path()), &numbered).unwrap();
    fs::remove_file(vectors(folder.path())).unwrap();
    File::create(vectors(folder.path())).unwrap().write_all(&old).unwrap();

    assert_eq!(contents(&EmbeddedStore::open_read_only(folder.path()).unwrap()), left);
    assert_sound(folder.path());
    assert_eq!(contents(&EmbeddedStore::open(folder.path()).unwrap()), left);
    assert!(!numbered.exists());
    assert_sound(folder.path());
}

#[test]
fn a_flipped_bit_is_found_named_refused_and_given_up_on_request() {
    let folder = filled(N_POINTS);
    flip_a_bit(folder.path(), 1_500);
    let found = check(folder.path()).unwrap().violations;
    assert_eq!(found, [Violation::Checksum { first_row: 1_024, last_row: 2_047 }]);
    // The rest is read as if nothing had happened.
    let store = EmbeddedStore::open(folder.path()).unwrap();
    assert_eq!(block_on(store.fetch(&[id(3)])).unwrap().len(), 1);
    drop(store);

    let refused = compact(folder.path(), Damaged::Refuse).unwrap_err().to_string();
    assert!(refused.contains("rows 1024 to 2047"), "{refused}");
    assert_eq!(check(folder.path()).unwrap().violations, found);
    let compaction = compact(folder.path(), Damaged::GiveUp).unwrap();
    assert_eq!(compaction.n_damaged, 1_024);
    assert_sound(folder.path());
    let left = contents(&EmbeddedStore::open(folder.path()).unwrap());
    let whole = filled(N_POINTS);
    let mut expected = contents(&EmbeddedStore::open(whole.path()).unwrap());
    expected.drain(1_024..2_048);
    assert_eq!(left, expected);
}

#[test]
fn what_is_left_of_a_truncated_file_can_be_kept() {
    let folder = filled(N_POINTS);
    let file = OpenOptions::new().write(true).open(vectors(folder.path())).unwrap();
    file.set_len(HEADER + 2_500 * ROW + 3).unwrap();
    assert!(EmbeddedStore::open(folder.path()).is_err());
    let compaction = compact(folder.path(), Damaged::GiveUp).unwrap();
    // The block that the cut goes through does not match its checksum.
    assert_eq!((compaction.n_rows, compaction.n_damaged), (2_048, N_POINTS - 2_048));
    assert_sound(folder.path());
    let store = EmbeddedStore::open(folder.path()).unwrap();
    block_on(store.upsert(&points(0..N_POINTS))).unwrap();
    assert_eq!(block_on(store.count()).unwrap(), N_POINTS);
}

/// What a version that wrote format 1 would have left.
fn of_format_1() -> (tempfile::TempDir, Vec<Point>) {
    let (folder, left) = sparse();
    let downgrade = "
        ALTER TABLE store DROP COLUMN generation;
        DROP TABLE checksums;
        PRAGMA user_version = 1;
    ";
    let database = Connection::open(folder.path().join("points.db")).unwrap();
    database.execute_batch(downgrade).unwrap();
    (folder, left)
}

#[test]
fn a_store_of_format_1_is_read_as_it_is_and_gets_checksums_when_it_is_written() {
    let (folder, left) = of_format_1();
    assert_sound(folder.path());
    let reader = EmbeddedStore::open_read_only(folder.path()).unwrap();
    assert_eq!(contents(&reader), left);
    drop(EmbeddedStore::open(folder.path()).unwrap());
    flip_a_bit(folder.path(), 3_500);
    let found = check(folder.path()).unwrap().violations;
    assert_eq!(found, [Violation::Checksum { first_row: 3_072, last_row: 3_500 }]);
    flip_a_bit(folder.path(), 3_500);
    compact(folder.path(), Damaged::Refuse).unwrap();
    assert_eq!(contents(&reader), left);
}

#[test]
fn a_store_of_format_1_can_be_compacted_at_once() {
    let (folder, left) = of_format_1();
    let reader = EmbeddedStore::open_read_only(folder.path()).unwrap();
    compact(folder.path(), Damaged::Refuse).unwrap();
    assert_eq!(contents(&reader), left);
    assert_sound(folder.path());
}
