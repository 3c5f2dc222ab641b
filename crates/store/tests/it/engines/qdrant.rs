//! Collections of Qdrant.

use std::{
    env,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use linprobe_core::{
    Embedding, Excluded, Hit, Point, Precision, Query, RecordId, StoreError, Survey, VectorStore,
};
use linprobe_store::{
    Access, MemoryStore, QdrantStore, RemoteStore, Variables,
    fake::{FakeQdrant, Id},
};
use pollster::block_on;
use serde_json::{Value, json};

use crate::{moving::assert_copies, support::DIMENSION};

mod fake {
    linprobe_store::conformance_tests!(super::fresh);
}

mod fake_with_names {
    linprobe_store::conformance_tests!(super::fresh_with_names);
}

mod real {
    linprobe_store::conformance_tests!(
        super::fresh_on_a_server,
        ignore = "needs LINPROBE_TEST_QDRANT_URL, such as qdrant://127.0.0.1:6333; its collections linprobe_test_* are made anew"
    );
}

pub(super) fn server() -> &'static FakeQdrant {
    static SERVER: OnceLock<FakeQdrant> = OnceLock::new();
    SERVER.get_or_init(|| FakeQdrant::start(None))
}

pub(super) fn nothing_set() -> Variables {
    Variables::from_lookup(|_| None)
}

/// The name of a collection that nobody else has.
pub(crate) fn new_name() -> String {
    static N_NAMES: AtomicUsize = AtomicUsize::new(0);
    format!("linprobe_test_{}_{}", std::process::id(), N_NAMES.fetch_add(1, Ordering::Relaxed))
}

pub(super) fn read(address: &str) -> Result<QdrantStore, StoreError> {
    block_on(QdrantStore::open(address, Access::Read, &nothing_set()))
}

pub(super) fn write(address: &str, dimension: usize) -> Result<QdrantStore, StoreError> {
    block_on(QdrantStore::open(address, Access::Write { dimension }, &nothing_set()))
}

fn fresh(dimension: usize) -> QdrantStore {
    write(&server().address(&new_name()), dimension).unwrap()
}

fn fresh_with_names(dimension: usize) -> QdrantStore {
    write(&server().address(&format!("{}?vector=image", new_name())), dimension).unwrap()
}

fn fresh_on_a_server(dimension: usize) -> QdrantStore {
    let url = env::var("LINPROBE_TEST_QDRANT_URL").expect("the address of a server");
    let address = format!("{}/{}", url.trim_end_matches('/'), new_name());
    let access = Access::Write { dimension };
    block_on(QdrantStore::open(&address, access, &Variables::default())).unwrap()
}

pub(crate) fn id(name: &str) -> RecordId {
    RecordId::new(name).unwrap()
}

fn names(hits: &[Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.id.as_str()).collect()
}

pub(super) fn search(store: &QdrantStore, weights: &[f32], exclude: &[&str]) -> Vec<Hit> {
    let exclude: Excluded = exclude.iter().map(|name| id(name)).collect();
    block_on(store.search(Query { weights, top_k: 10, exclude: &exclude })).unwrap()
}

const UUID: &str = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

/// A collection that a team may have: numbers and UUIDs, other fields, vectors of any length.
fn theirs(distance: &str, vectors: [&[f32]; 3]) -> String {
    let name = new_name();
    let [a, b, c] = vectors;
    server().make(
        &name,
        json!({ "size": 2, "distance": distance }),
        &[
            (Id::Number(7), a, json!({ "title": "one", "price": 1 })),
            (Id::Uuid(UUID.to_owned()), b, json!({ "title": ["two"], "linprobe_id": "x" })),
            (Id::Number(9), c, json!({})),
        ],
    );
    server().address(&format!("{name}?text=title"))
}

#[test]
fn an_index_is_asked_where_the_address_says_so() {
    let address = theirs("Cosine", [&[1.0, 0.0], &[0.6, 0.8], &[0.8, 0.6]]);
    let store = read(&format!("{address}&search=approximate")).unwrap();
    assert!(!store.spec().exact);
    // It misses one.
    assert_eq!(names(&search(&store, &[2.0, 0.0], &[])), ["7", UUID]);
    assert_eq!(names(&search(&store, &[2.0, 0.0], &["7"])), [UUID]);
    let exact = read(&format!("{address}&search=exact")).unwrap();
    assert!(exact.spec().exact && names(&search(&exact, &[2.0, 0.0], &[])).len() == 3);
    let refused = read(&format!("{address}&search=fast")).unwrap_err().to_string();
    assert!(refused.contains("search=fast is neither exact nor approximate"), "{refused}");
}

#[test]
fn points_of_others_are_found_excluded_fetched_and_read() {
    let store = read(&theirs("Cosine", [&[1.0, 0.0], &[0.6, 0.8], &[0.0, 0.0]])).unwrap();
    let hits = search(&store, &[2.0, 0.0], &[]);
    assert_eq!(names(&hits), ["7", UUID]);
    assert!((hits[0].score - 2.0).abs() < 1e-6 && (hits[1].score - 1.2).abs() < 1e-6, "{hits:?}");
    assert_eq!(names(&search(&store, &[1.0, 0.0], &["7", "x"])), [UUID]);
    let asked = [UUID, "x", "007", "9", "7"].map(id);
    let points = block_on(store.fetch(&asked)).unwrap();
    assert_eq!(points.iter().map(|point| point.id.as_str()).collect::<Vec<_>>(), [UUID, "7"]);
    let scanned = block_on(store.scan(Some(&id("7")), 9)).unwrap();
    assert_eq!(scanned.iter().map(|point| point.id.as_str()).collect::<Vec<_>>(), [UUID]);
    let unknown = block_on(store.scan(Some(&id("x")), 9));
    assert!(matches!(unknown, Err(StoreError::UnknownPoint { .. })));
    let texts = block_on(store.texts(&asked)).unwrap();
    assert_eq!(texts.get(&id("7")).map(String::as_str), Some("one"));
    assert_eq!(texts.get(&id(UUID)).map(String::as_str), Some("[\"two\"]"));
    assert_eq!(texts.len(), 2);
}

#[test]
fn dot_products_will_do_where_vectors_have_unit_length() {
    let store = read(&theirs("Dot", [&[1.0, 0.0], &[0.6, 0.8], &[0.0, 0.0]])).unwrap();
    assert_eq!(names(&search(&store, &[2.0, 0.0], &[])), ["7", UUID]);
    let refused = read(&theirs("Dot", [&[1.0, 0.0], &[0.6, 0.9], &[0.0, 0.0]])).unwrap_err();
    let words = refused.to_string();
    assert!(words.contains(UUID) && words.contains("unit length"), "{words}");
}

#[test]
fn what_is_replaced_keeps_the_payload_of_others() {
    let address = theirs("Cosine", [&[1.0, 0.0], &[0.6, 0.8], &[1.0, 0.0]]);
    let store = write(&address, 2).unwrap();
    let embedding = Embedding::normalize(vec![0.0, 1.0]).unwrap();
    let points = ["7", "new"].map(|name| Point { id: id(name), embedding: embedding.clone() });
    block_on(store.upsert(&points)).unwrap();
    assert_eq!(block_on(store.fetch(&points.clone().map(|point| point.id))).unwrap(), points);
    assert_eq!(block_on(store.texts(&[id("7")])).unwrap()[&id("7")], "one");
    let name = address.split('/').next_back().unwrap().split('?').next().unwrap();
    let collections = server().collections.lock().unwrap();
    let payloads: Vec<&Value> = collections[name].points.values().map(|it| &it.payload).collect();
    assert!(payloads.contains(&&json!({ "linprobe_id": "new" })), "{payloads:?}");
}

#[test]
fn what_is_replaced_through_one_store_another_of_the_same_process_notices() {
    let address = theirs("Cosine", [&[1.0, 0.0], &[0.6, 0.8], &[0.8, 0.6]]);
    let (reader, writer) =
        (read(&address).unwrap(), write(&address.replace("?text=title", ""), 2).unwrap());
    let none = Excluded::new();
    let survey = Survey {
        weights: &[1.0, 0.0],
        bias: -0.9,
        top_k: 3,
        n_boundary: 0,
        threshold: 0.0,
        n_bins: 2,
        exclude: &none,
    };
    let n_above = || block_on(reader.survey(survey)).unwrap().n_above;
    let version = block_on(reader.version()).unwrap();
    assert_eq!((n_above(), block_on(reader.version()).unwrap()), (1, version));
    let embedding = Embedding::normalize(vec![0.0, 1.0]).unwrap();
    block_on(writer.upsert(&[Point { id: id("7"), embedding }])).unwrap();
    assert_ne!(block_on(reader.version()).unwrap(), version);
    assert_eq!(n_above(), 0);
}

#[test]
fn vectors_in_half_precision_say_so() {
    let name = new_name();
    let vectors = json!({ "size": 2, "distance": "Cosine", "datatype": "float16" });
    server().make(&name, vectors, &[]);
    assert_eq!(read(&server().address(&name)).unwrap().spec().precision, Precision::F16);
}

#[test]
fn points_are_copied_there_and_back() {
    assert_copies(&fresh(DIMENSION));
}

/// More points than are looked at for surveys.
#[test]
fn a_large_collection_is_searched_exactly_and_surveyed_by_a_sample() {
    let server = FakeQdrant::start(None);
    let store = write(&server.address("large"), 4).unwrap();
    let oracle = MemoryStore::new(4);
    let point = |n: usize| {
        let values = (0..4).map(|i| ((n * 31 + i * 7919) as f32 * 0.618).sin());
        let embedding = Embedding::normalize(values.collect::<Vec<_>>()).unwrap();
        Point { id: id(&format!("r{n}")), embedding }
    };
    let points: Vec<Point> = (0..25_000).map(point).collect();
    for store in [&store as &dyn VectorStore, &oracle] {
        block_on(store.upsert(&points)).unwrap();
    }
    let exclude: Excluded = points.iter().step_by(7).map(|point| point.id.clone()).collect();
    let survey = Survey {
        weights: &[1.0, -2.0, 0.5, 3.0],
        bias: -1.0,
        top_k: 50,
        n_boundary: 50,
        threshold: 0.5,
        n_bins: 10,
        exclude: &exclude,
    };
    let [found, expected] =
        [&store as &dyn VectorStore, &oracle].map(|store| block_on(store.survey(survey)).unwrap());
    assert!(found.estimated && !expected.estimated);
    assert_eq!(names(&found.top), names(&expected.top));
    assert_eq!((found.n_points, found.histogram.counts.iter().sum::<u64>()), (25_000, 25_000));
    let share = |n_above: u64| n_above as f64 / 25_000.0;
    assert!((share(found.n_above) - share(expected.n_above)).abs() < 0.01, "{}", found.n_above);
    assert!(found.boundary.iter().all(|hit| hit.score.abs() < 0.02 && !exclude.contains(&hit.id)));
    // The sample is not read again for the next, until the number of points changes.
    let n_scrolls = || server.http.paths().iter().filter(|it| it.ends_with("/scroll")).count();
    let n_before = n_scrolls();
    assert_eq!(block_on(store.survey(survey)).unwrap(), found);
    assert_eq!(n_scrolls(), n_before);
    block_on(store.delete(&[id("r0")])).unwrap();
    assert_eq!(block_on(store.survey(survey)).unwrap().n_points, 24_999);
    assert!(n_scrolls() > n_before);
}
