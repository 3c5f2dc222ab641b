//! The vector file as others read it.

use std::{fs::File, io::BufReader};

use linprobe_core::{Point, VectorStore};
use linprobe_store::EmbeddedStore;
use npyz::{NpyFile, Order};
use pollster::block_on;

use crate::support::{DIMENSION, HEADER, ROW, assert_sound, filled, id, point, points};

/// Reads `vectors.npy` with an implementation of the format that is not ours.
fn read_npy(folder: &tempfile::TempDir) -> Vec<Vec<f32>> {
    let file = File::open(folder.path().join("vectors.npy")).unwrap();
    let npy = NpyFile::new(BufReader::new(file)).unwrap();
    assert_eq!((npy.order(), npy.shape()[1]), (Order::C, DIMENSION as u64));
    assert_eq!(npy.dtype().descr(), "'<f2'");
    let n_rows = usize::try_from(npy.shape()[0]).unwrap();
    let values: Vec<half::f16> = npy.into_vec().unwrap();
    assert_eq!(values.len(), n_rows * DIMENSION);
    values.chunks(DIMENSION).map(|row| row.iter().map(|x| x.to_f32()).collect()).collect()
}

fn assert_rows(rows: &[Vec<f32>], expected: &[Point]) {
    assert_eq!(rows.len(), expected.len());
    for (row, point) in rows.iter().zip(expected) {
        assert!(row.iter().zip(point.embedding.as_slice()).all(|(a, b)| (a - b).abs() < 1e-3));
    }
}

#[test]
fn any_reader_of_npy_reads_the_rows_after_each_batch() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::create(folder.path(), DIMENSION).unwrap();
    assert_rows(&read_npy(&folder), &[]);
    for n_rows in [1, 9, 10, 200] {
        block_on(store.upsert(&points(0..n_rows))).unwrap();
        assert_rows(&read_npy(&folder), &points(0..n_rows));
    }
}

#[test]
fn a_replaced_or_deleted_row_stays_in_its_place() {
    let folder = filled(4);
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let replaced = Point { id: id(1), ..point(9) };
    block_on(store.upsert(std::slice::from_ref(&replaced))).unwrap();
    block_on(store.delete(&[id(3)])).unwrap();
    assert_rows(&read_npy(&folder), &[point(0), point(1), point(2), point(3), replaced]);
}

#[test]
fn writing_what_is_there_takes_no_room() {
    let folder = filled(50);
    let length = || folder.path().join("vectors.npy").metadata().unwrap().len();
    assert_eq!(length(), HEADER + 50 * ROW);
    let store = EmbeddedStore::open(folder.path()).unwrap();
    block_on(store.upsert(&points(10..50))).unwrap();
    assert_eq!(length(), HEADER + 50 * ROW);
    assert_sound(folder.path());
}

#[test]
fn the_lengths_of_the_vectors_are_near_one_and_cover_points_alone() {
    let folder = filled(50);
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let norms = store.norms().unwrap();
    assert!(0.998 < norms.min && norms.min < norms.mean && norms.mean < norms.max);
    assert!(norms.max < 1.002);
    block_on(store.delete(&(1..50).map(id).collect::<Vec<_>>())).unwrap();
    let one = store.norms().unwrap();
    assert_eq!([one.min.to_bits(), one.max.to_bits()], [one.mean.to_bits(); 2]);
}

#[test]
fn the_bytes_on_the_disk_are_those_of_its_files() {
    let folder = filled(50);
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let before = store.disk_bytes().unwrap();
    assert!(before > HEADER + 50 * ROW);
    block_on(store.upsert(&points(50..5_000))).unwrap();
    assert!(store.disk_bytes().unwrap() >= before + 4_950 * ROW);
}
