//! Points to check stores with, made from numbers.

use std::ops::Range;

use linprobe_core::{Embedding, Point, RecordId};

use super::DIMENSION;
use crate::sample::rank;

/// The id of a number; four digits, so that ids sort as numbers do.
pub(super) fn id(n: u64) -> RecordId {
    RecordId::new(format!("r{n:04}")).expect("digits are an id")
}

pub(super) fn ids_of(range: Range<u64>) -> Vec<RecordId> {
    range.map(id).collect()
}

pub(super) fn point(n: u64) -> Point {
    Point { id: id(n), embedding: unit(n) }
}

pub(super) fn points(range: Range<u64>) -> Vec<Point> {
    range.map(point).collect()
}

/// Weights of unit length that lie near no point.
pub(super) fn weights(seed: u64) -> Vec<f32> {
    unit(seed + 1_000_000).as_slice().to_owned()
}

/// A pseudo-random embedding.
pub(super) fn unit(seed: u64) -> Embedding {
    unit_of(seed, DIMENSION)
}

pub(super) fn unit_of(seed: u64, dimension: usize) -> Embedding {
    let value = |position: usize| rank(&position.to_string(), seed) as f32 / u64::MAX as f32 - 0.5;
    let values: Vec<f32> = (0..dimension).map(value).collect();
    Embedding::normalize(values).expect("random values have a direction")
}
