//! Stores and points for the tests of this folder.

use std::{ops::Range, path::Path};

use linprobe_core::{Embedding, Point, RecordId, VectorStore};
use linprobe_store::{EmbeddedStore, check};
use pollster::block_on;
use tempfile::TempDir;

/// The dimension of the stores that [`filled`] makes: rows of 10 bytes, so that every cut of a file
/// can be tried.
pub(crate) const DIMENSION: usize = 5;

/// The bytes of a row.
pub(crate) const ROW: u64 = 2 * DIMENSION as u64;

/// The bytes of the header.
pub(crate) const HEADER: u64 = 128;

pub(crate) fn id(n: u64) -> RecordId {
    RecordId::from_row(n)
}

/// A point that only this number has.
pub(crate) fn point(n: u64) -> Point {
    let values: Vec<f32> =
        (0..DIMENSION).map(|position| ((n * n + 3) as f32 * (position + 1) as f32).sin()).collect();
    Point { id: id(n), embedding: Embedding::normalize(values).unwrap() }
}

pub(crate) fn points(range: Range<u64>) -> Vec<Point> {
    range.map(point).collect()
}

/// A folder with a store of the first `n_points` points, closed again.
pub(crate) fn filled(n_points: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::create(folder.path(), DIMENSION).unwrap();
    block_on(store.upsert(&points(0..n_points))).unwrap();
    block_on(store.flush()).unwrap();
    folder
}

/// Everything in a store, in the order it is kept.
pub(crate) fn contents(store: &EmbeddedStore) -> Vec<Point> {
    block_on(store.scan(None, usize::MAX)).unwrap()
}

#[track_caller]
pub(crate) fn assert_sound(folder: &Path) {
    assert_eq!(check(folder).unwrap().violations, []);
}
