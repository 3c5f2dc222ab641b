//! Samples of collections that are too large for a list of their ids, which are sorted by what they are of: a tenth, the last ones, are
//! of a concept that no other record has anything of. The first in the order of ids would be of none of it.

use std::collections::BTreeSet;

use linprobe_core::{Embedding, Excluded, Point, Survey, VectorStore};
use linprobe_store::{
    Access, MilvusStore, Variables,
    fake::{FakeMilvus, FakeQdrant, Id},
};
use pollster::block_on;
use serde_json::json;

use super::qdrant::{id, read};

/// More than are listed.
const N_POINTS: u64 = 110_000;

fn is_of_concept(n: u64) -> bool {
    n >= N_POINTS / 10 * 9
}

/// The concept lies around one axis, all else around the other.
fn vector(n: u64) -> [f32; 2] {
    let (sin, cos) = (0.2 * (n as f32).sin()).sin_cos();
    if is_of_concept(n) { [sin, cos] } else { [cos, sin] }
}

/// How much of a sample is of the concept, and that the sample has as many as were asked for, each once.
#[track_caller]
fn share(store: &dyn VectorStore, seed: u64) -> f64 {
    let drawn = block_on(store.sample(4_000, seed)).unwrap();
    let distinct: BTreeSet<_> = drawn.iter().map(|point| &point.id).collect();
    assert_eq!((drawn.len(), distinct.len()), (4_000, 4_000));
    share_of(&drawn)
}

fn share_of(points: &[Point]) -> f64 {
    let of_concept = |point: &&Point| point.embedding.as_slice()[1] > 0.5;
    points.iter().filter(of_concept).count() as f64 / points.len() as f64
}

#[track_caller]
fn assert_a_tenth(store: &dyn VectorStore) {
    for seed in 0..3 {
        let share = share(store, seed);
        assert!((share - 0.1).abs() < 0.02, "{share} with the seed {seed}");
    }
    assert_surveyed(store);
}

/// The histogram and the count of a survey have the concept's tenth at its end, and next to nothing before.
#[track_caller]
fn assert_surveyed(store: &dyn VectorStore) {
    let survey = Survey {
        weights: &[0.0, 1.0],
        bias: 0.0,
        top_k: 10,
        n_boundary: 0,
        threshold: 0.5,
        n_bins: 4,
        exclude: &Excluded::new(),
    };
    let report = block_on(store.survey(survey)).unwrap();
    let is_a_tenth = |n: u64| n.abs_diff(N_POINTS / 10) < N_POINTS / 50;
    let counts = &report.histogram.counts;
    assert!(report.estimated && is_a_tenth(report.n_above), "{report:?}");
    assert!(is_a_tenth(counts[3]) && counts[2] == 0, "{counts:?}");
}

/// A sample of those that come first would be told from one of all.
#[track_caller]
fn assert_sorted(store: &dyn VectorStore) {
    assert!(share_of(&block_on(store.scan(None, 20_000)).unwrap()) == 0.0);
}

#[test]
fn qdrant_draws_by_itself_and_an_older_one_is_listed() {
    let server = FakeQdrant::start(None);
    let vectors: Vec<[f32; 2]> = (0..N_POINTS).map(vector).collect();
    let points: Vec<(Id, &[f32], _)> =
        (0..).zip(&vectors).map(|(n, vector)| (Id::Number(n), &vector[..], json!({}))).collect();
    server.make("sorted", json!({ "size": 2, "distance": "Cosine" }), &points);
    let store = read(&server.address("sorted")).unwrap();
    assert_a_tenth(&store);
    let n_lists = || server.http.paths().iter().filter(|path| path.ends_with("/scroll")).count();
    assert_eq!(n_lists(), 0);
    assert_sorted(&store);
    let n_before = n_lists();
    server.collections.lock().unwrap().get_mut("sorted").unwrap().is_before_samples = true;
    assert_a_tenth(&store);
    assert!(n_lists() > n_before);
    // What is listed is drawn by the seed.
    let drawn = |seed| block_on(store.sample(100, seed)).unwrap();
    assert!(drawn(1) == drawn(1) && drawn(1) != drawn(2));
}

fn of_milvus(server: &FakeMilvus, name: &str) -> MilvusStore {
    block_on(MilvusStore::open(&server.address(name), Access::Read, &Variables::default())).unwrap()
}

#[test]
fn numbers_of_milvus_are_drawn_by_their_remainders() {
    let server = FakeMilvus::start(None);
    // Some are negative, and all are multiples of six.
    let rows: Vec<(i64, [f32; 2], &str)> =
        (0..N_POINTS).map(|n| (6 * (n.cast_signed() - 30_000), vector(n), "")).collect();
    server.make("sorted", Some("COSINE"), &rows);
    let store = of_milvus(&server, "sorted");
    let n_before = server.asked().len();
    assert_a_tenth(&store);
    // Five questions a sample for ids and counts, and a few for vectors.
    assert!(server.asked().len() - n_before < 80, "{}", server.asked().len() - n_before);
    assert_sorted(&store);
    let drawn = |seed| block_on(store.sample(100, seed)).unwrap();
    assert!(drawn(1) == drawn(1) && drawn(1) != drawn(2));
}

#[test]
fn texts_of_milvus_are_drawn_from_parts_that_weigh_as_much_as_they_have() {
    let server = FakeMilvus::start(None);
    let address = server.address("sorted");
    let access = Access::Write { dimension: 2 };
    let store = block_on(MilvusStore::open(&address, access, &Variables::default())).unwrap();
    let point = |n: u64| Point {
        id: id(&format!(
            "photos/of \"{}\"/{n:06}.jpg",
            if is_of_concept(n) { "zebras" } else { "all" }
        )),
        embedding: Embedding::normalize(vector(n)).unwrap(),
    };
    for start in (0..N_POINTS).step_by(10_000) {
        let points: Vec<Point> = (start..start + 10_000).map(point).collect();
        block_on(store.upsert(&points)).unwrap();
    }
    let share = share(&store, 1);
    assert!((share - 0.1).abs() < 0.02, "{share}");
    assert_surveyed(&store);
    assert_sorted(&store);
}
