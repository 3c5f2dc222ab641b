//! Points that are copied from store to store.

use linprobe_core::{Embedding, Point, RecordId, StoreError, VectorStore};
use linprobe_store::{Copied, CopyProgress, EmbeddedStore, MemoryStore, copy};
use pollster::block_on;

use crate::support::{DIMENSION, id, point, points};

fn run(from: &dyn VectorStore, to: &dyn VectorStore) -> Copied {
    block_on(copy(from, to, &mut |_| ())).unwrap()
}

fn filled(n_points: u64) -> MemoryStore {
    let store = MemoryStore::new(DIMENSION);
    block_on(store.upsert(&points(0..n_points))).unwrap();
    store
}

/// Copies there and back, through a store, and again; all of it has to arrive.
pub(crate) fn assert_copies(to: &dyn VectorStore) {
    let from = filled(9_000);
    let first = run(&from, to);
    let CopyProgress { n_points, n_written, n_unchanged, n_verified } = first.progress;
    assert_eq!((n_points, n_written, n_unchanged, n_verified), (9_000, 9_000, 0, 9_000));
    assert_eq!((block_on(to.count()).unwrap(), first.n_others), (9_000, 0));
    let again = run(&from, to);
    assert_eq!((again.progress.n_written, again.progress.n_unchanged), (0, 9_000));
    assert_eq!(again.digest, first.digest);
    let back = MemoryStore::new(DIMENSION);
    assert_eq!(run(to, &back).progress.n_written, 9_000);
}

#[test]
fn every_point_arrives_and_a_second_run_writes_nothing() {
    assert_copies(&MemoryStore::new(DIMENSION));
    let folder = tempfile::tempdir().unwrap();
    assert_copies(&EmbeddedStore::create(folder.path(), DIMENSION).unwrap());
}

#[test]
fn what_is_missing_or_differs_is_written_and_what_the_source_has_not_is_left_alone() {
    let (from, to) = (filled(100), filled(40));
    let other = Point { id: id(7), embedding: point(1007).embedding };
    let foreign = Point { id: RecordId::new("theirs").unwrap(), ..point(0) };
    block_on(to.upsert(&[other, foreign.clone()])).unwrap();
    let copied = run(&from, &to);
    assert_eq!((copied.progress.n_written, copied.progress.n_unchanged), (61, 39));
    assert_eq!(copied.n_others, 1);
    assert_eq!(block_on(to.fetch(&[id(7), foreign.id])).unwrap()[0], point(7));
}

#[test]
fn the_digest_tells_other_points_and_not_another_order() {
    let digest = |points: &[Point]| {
        let from = MemoryStore::new(DIMENSION);
        block_on(from.upsert(points)).unwrap();
        run(&from, &MemoryStore::new(DIMENSION)).digest
    };
    let mut some = points(0..10);
    let first = digest(&some);
    some.reverse();
    assert_eq!(digest(&some), first);
    some[3].embedding = Embedding::normalize(vec![1.0; DIMENSION]).unwrap();
    assert_ne!(digest(&some), first);
    assert_ne!(digest(&points(0..9)), first);
}

#[test]
fn a_store_of_another_dimension_is_refused() {
    let refused = block_on(copy(&filled(3), &MemoryStore::new(DIMENSION + 1), &mut |_| ()));
    assert!(matches!(refused, Err(StoreError::Dimension { .. })), "{refused:?}");
}
