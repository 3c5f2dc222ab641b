//! What a round asks of an engine: several lists, by as few questions as they can be asked by.

use linprobe_core::{Embedding, Excluded, Hit, Point, Survey, VectorStore};
use linprobe_store::{
    Access, MemoryStore, MilvusStore, PineconeStore, Variables,
    fake::{FakeMilvus, FakeQdrant},
};
use pollster::block_on;

use super::{
    fake_pinecone::FakePinecone,
    qdrant::{id, write},
};

/// More points than are looked at whole.
const N_POINTS: usize = 21_000;
const DIMENSION: usize = 4;

fn point(n: usize) -> Point {
    let values = (0..DIMENSION).map(|i| ((n * 31 + i * 7919) as f32 * 0.618).sin());
    let embedding = Embedding::normalize(values.collect::<Vec<_>>()).unwrap();
    Point { id: id(&format!("r{n}")), embedding }
}

fn fill(store: &dyn VectorStore) {
    let points: Vec<Point> = (0..N_POINTS).map(point).collect();
    block_on(store.upsert(&points)).unwrap();
}

/// Two lists of what is unseen and one of all, as a round asks; and one of weights that tell nothing.
#[track_caller]
fn assert_answers_a_round(store: &dyn VectorStore, n_questions: impl Fn() -> usize) -> usize {
    let oracle = MemoryStore::new(DIMENSION);
    fill(&oracle);
    let seen: Excluded = (0..N_POINTS).step_by(70).map(|n| point(n).id).collect();
    let none = Excluded::new();
    let survey = |weights, top_k, exclude| Survey {
        weights,
        bias: -0.5,
        top_k,
        n_boundary: 5,
        threshold: 0.0,
        n_bins: 8,
        exclude,
    };
    let surveys = [
        survey(&[1.0, -2.0, 0.5, 3.0], 40, &seen),
        survey(&[0.2, 1.0, -1.0, 0.0], 50, &seen),
        survey(&[1.0, -2.0, 0.5, 3.0], 400, &none),
        survey(&[0.0; DIMENSION], 0, &seen),
    ];
    // The sample is read.
    block_on(store.survey(surveys[0])).unwrap();
    let n_before = n_questions();
    let found = block_on(store.survey_all(&surveys)).unwrap();
    let n_asked = n_questions() - n_before;
    let expected = block_on(oracle.survey_all(&surveys)).unwrap();
    let names = |hits: &[Hit]| hits.iter().map(|hit| hit.id.clone()).collect::<Vec<_>>();
    for (n, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!(found.estimated && found.n_points == N_POINTS as u64);
        assert_eq!(names(&found.top), names(&expected.top), "list {n}");
        assert_eq!(*found, block_on(store.survey(surveys[n])).unwrap());
    }
    n_asked
}

#[test]
fn qdrant_is_asked_once() {
    let server = FakeQdrant::start(None);
    let store = write(&server.address("large"), DIMENSION).unwrap();
    fill(&store);
    let n_questions =
        || server.http.paths().iter().filter(|path| path.contains("/points/query")).count();
    assert_eq!(assert_answers_a_round(&store, n_questions), 1);
}

#[test]
fn milvus_is_asked_once_for_each_filter() {
    let server = FakeMilvus::start(None);
    let access = Access::Write { dimension: DIMENSION };
    let address = server.address("large");
    let store = block_on(MilvusStore::open(&address, access, &Variables::default())).unwrap();
    fill(&store);
    let n_questions = || server.asked().iter().filter(|method| *method == "Search").count();
    assert_eq!(assert_answers_a_round(&store, n_questions), 2);
}

#[test]
fn pinecone_is_asked_for_each_list() {
    let server = FakePinecone::start(DIMENSION, "cosine", "key");
    let variables =
        Variables::from_lookup(|name| (name == "PINECONE_API_KEY").then(|| "key".to_owned()));
    let access = Access::Write { dimension: DIMENSION };
    let store = block_on(PineconeStore::open(&server.address(), access, &variables)).unwrap();
    fill(&store);
    let n_questions = || server.http.paths().iter().filter(|path| path.ends_with("/query")).count();
    // One of the three ends among scores that Pinecone may not tell apart, and is asked for again, longer.
    assert_eq!(assert_answers_a_round(&store, n_questions), 4);
}
