//! Points on a circle, and what is asked of stores over them while something goes wrong.

use linprobe_core::{Embedding, Excluded, Point, Query, RecordId, StoreError, VectorStore};
use pollster::block_on;

pub(crate) fn point(n: usize) -> Point {
    let (sin, cos) = (n as f32).sin_cos();
    let id = RecordId::new(format!("r{n}")).unwrap();
    Point { id, embedding: Embedding::normalize(vec![sin, cos]).unwrap() }
}

pub(crate) fn points(n: usize) -> Vec<Point> {
    (0..n).map(point).collect()
}

pub(crate) fn best(store: &dyn VectorStore) -> Result<usize, StoreError> {
    let query = Query { weights: &[0.0, 1.0], top_k: 3, exclude: &Excluded::new() };
    Ok(block_on(store.search(query))?.len())
}

/// An error has all of the words, a hint, and the place that it is about.
#[track_caller]
pub(crate) fn said(error: &StoreError, words: &[&str], place: &str) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
    assert!(text.contains("\nhint: ") && text.contains(place), "{text}");
}
