//! One writer and any number of readers.

use std::slice;

use linprobe_core::{Excluded, Hit, Point, Query, StoreError, VectorStore};
use linprobe_store::{Damaged, EmbeddedStore, compact};
use pollster::block_on;

use crate::support::{DIMENSION, contents, filled, id, point, points};

#[test]
fn a_second_writer_is_refused_until_the_first_is_gone() {
    let folder = filled(3);
    let writer = EmbeddedStore::open(folder.path()).unwrap();
    for refused in [
        EmbeddedStore::open(folder.path()),
        EmbeddedStore::create(folder.path(), DIMENSION),
        EmbeddedStore::open_or_create(folder.path(), DIMENSION),
    ] {
        assert!(
            matches!(&refused, Err(StoreError::Locked { path }) if path == folder.path()),
            "{refused:?}"
        );
    }
    drop(writer);
    assert!(EmbeddedStore::open(folder.path()).is_ok());
}

#[test]
fn a_reader_sees_what_a_writer_has_written_since() {
    let folder = filled(3);
    let reader = EmbeddedStore::open_read_only(folder.path()).unwrap();
    assert_eq!(block_on(reader.count()).unwrap(), 3);
    let writer = EmbeddedStore::open(folder.path()).unwrap();
    block_on(writer.upsert(&points(3..2_000))).unwrap();
    let replaced = Point { id: id(1), ..point(5_000) };
    block_on(writer.upsert(slice::from_ref(&replaced))).unwrap();
    block_on(writer.delete(&[id(0)])).unwrap();

    assert_eq!(contents(&reader), contents(&writer));
    let exclude = Excluded::new();
    let weights = replaced.embedding.as_slice();
    let query = Query { weights, top_k: 5_000, exclude: &exclude };
    let hits = block_on(reader.search(query)).unwrap();
    assert_eq!((hits.len(), &hits[0].id), (1_999, &id(1)));
}

/// A store remembers where points are that were asked for.
#[test]
fn a_point_that_moves_is_found_where_it_is() {
    let folder = filled(300);
    let reader = EmbeddedStore::open_read_only(folder.path()).unwrap();
    let ids: Vec<_> = (0..300).map(id).collect();
    assert_eq!(block_on(reader.fetch(&ids)).unwrap(), contents(&reader));
    for change in 1..4 {
        let writer = EmbeddedStore::open(folder.path()).unwrap();
        let moved: Vec<Point> =
            (0..150).map(|n| Point { id: id(n), ..point(1_000 * change + n) }).collect();
        block_on(writer.delete(&[id(0), id(299)])).unwrap();
        block_on(writer.upsert(&moved)).unwrap();
        drop(writer);
        if change == 2 {
            compact(folder.path(), Damaged::Refuse).unwrap();
        }
        let mut left = contents(&reader);
        left.sort_by(|a, b| a.id.cmp(&b.id));
        let mut fetched = block_on(reader.fetch(&ids)).unwrap();
        fetched.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(fetched, left, "{change}");
        let weights = point(7).embedding;
        let exclude = Excluded::from([id(7), id(149)]);
        let query = Query { weights: weights.as_slice(), top_k: 300, exclude: &exclude };
        let hits = block_on(reader.search(query)).unwrap();
        assert_eq!(hits.len() + exclude.len(), left.len(), "{change}");
        for Hit { id, score } in hits {
            let place = left.binary_search_by(|point| point.id.cmp(&id)).unwrap();
            let pairs = left[place].embedding.as_slice().iter().zip(weights.as_slice());
            let exact: f32 = pairs.map(|(a, b)| a * b).sum();
            assert!((score - exact).abs() < 1e-3, "{change}: {id:?} {score} {exact}");
        }
    }
}

#[test]
fn a_reader_cannot_write() {
    let folder = filled(3);
    let reader = EmbeddedStore::open_read_only(folder.path()).unwrap();
    let refused = block_on(reader.upsert(&points(3..4))).unwrap_err();
    assert!(matches!(refused, StoreError::Io { .. }));
    assert!(block_on(reader.delete(&[id(1)])).is_err());
    assert_eq!(block_on(reader.count()).unwrap(), 3);
}

#[test]
fn a_survey_uses_the_threads_of_the_pool_that_it_is_called_in() {
    let folder = filled(2_000);
    let store = EmbeddedStore::open_read_only(folder.path()).unwrap();
    let exclude = Excluded::new();
    let weights = point(9_999).embedding;
    let query = Query { weights: weights.as_slice(), top_k: 50, exclude: &exclude };
    let hits = [1, 2, 7].map(|n_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| block_on(store.search(query))).unwrap()
    });
    assert_eq!(hits[0], hits[1]);
    assert_eq!(hits[0], hits[2]);
}
