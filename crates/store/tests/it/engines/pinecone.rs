//! Indexes of Pinecone.

use std::env;

use linprobe_core::{
    Embedding, Excluded, Hit, Point, Query, RecordId, StoreError, Survey, VectorStore,
};
use linprobe_store::{Access, PineconeStore, RemoteStore, Variables, fake::Fault};
use pollster::block_on;
use serde_json::json;

use super::{
    fake_pinecone::FakePinecone,
    qdrant::{id, new_name},
    settled::Settled,
};
use crate::{moving::assert_copies, support::DIMENSION};

const KEY: &str = "right-key";

mod fake {
    linprobe_store::conformance_tests!(super::fresh);
}

mod fake_with_namespace {
    linprobe_store::conformance_tests!(super::fresh_with_namespace);
}

mod real {
    linprobe_store::conformance_tests!(
        super::fresh_on_a_server,
        ignore = "needs PINECONE_API_KEY and LINPROBE_TEST_PINECONE_HOST, such as items-1a2b3c4.svc.aped-4627-b74a.pinecone.io, the host of a serverless index of 43 dimensions with the metric cosine; its namespaces linprobe_test_* are made anew"
    );
}

fn open(address: &str, access: Access, key: &'static str) -> Result<PineconeStore, StoreError> {
    let variables =
        Variables::from_lookup(move |name| (name == "PINECONE_API_KEY").then(|| key.to_owned()));
    block_on(PineconeStore::open(address, access, &variables))
}

fn read(address: &str) -> Result<PineconeStore, StoreError> {
    open(address, Access::Read, KEY)
}

fn fresh(dimension: usize) -> PineconeStore {
    let server = FakePinecone::start(dimension, "cosine", KEY);
    open(&server.address(), Access::Write { dimension }, KEY).unwrap()
}

/// Two to an index, so that what one has must not be seen in the other.
fn fresh_with_namespace(dimension: usize) -> Settled {
    let server = FakePinecone::start(dimension, "cosine", KEY);
    let values = vec![1.0; dimension];
    server.fill("", &[("r0001", &values, json!({}))]);
    let address = format!("{}?namespace=new%20one", server.address());
    Settled::new(open(&address, Access::Write { dimension }, KEY).unwrap())
}

fn fresh_on_a_server(dimension: usize) -> Settled {
    let host = env::var("LINPROBE_TEST_PINECONE_HOST").expect("the host of an index");
    let address = format!("pinecone://{host}?namespace={}", new_name());
    let access = Access::Write { dimension };
    Settled::new(block_on(PineconeStore::open(&address, access, &Variables::default())).unwrap())
}

fn names(hits: &[Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.id.as_str()).collect()
}

fn search(
    store: &PineconeStore,
    weights: &[f32],
    exclude: &[&str],
) -> Result<Vec<Hit>, StoreError> {
    let exclude: Excluded = exclude.iter().map(|name| id(name)).collect();
    block_on(store.search(Query { weights, top_k: 10, exclude: &exclude }))
}

/// An index that a team may have.
fn theirs(metric: &'static str) -> FakePinecone {
    let server = FakePinecone::start(2, metric, KEY);
    server.fill("", &[("other", &[1.0, 0.0], json!({}))]);
    server.fill(
        "shop",
        &[
            ("a", &[3.0, 0.0], json!({ "title": "one", "price": 1 })),
            ("b/c", &[0.6, 0.8], json!({ "title": "two" })),
            ("linprobe:x", &[0.0, 2.0], json!({})),
        ],
    );
    server
}

#[test]
fn points_of_others_are_found_excluded_fetched_and_read() {
    let server = theirs("cosine");
    let store = read(&format!("{}?namespace=shop&text=title", server.address())).unwrap();
    let hits = search(&store, &[2.0, 0.0], &["linprobe:x"]).unwrap();
    assert_eq!(names(&hits), ["a", "b/c"]);
    assert!((hits[0].score - 2.0).abs() < 1e-6 && (hits[1].score - 1.2).abs() < 1e-6, "{hits:?}");
    assert_eq!(names(&search(&store, &[0.0, 1.0], &["b/c"]).unwrap()), ["linprobe:x", "a"]);
    let texts = block_on(store.texts(&["b/c", "a", "x"].map(id))).unwrap();
    assert_eq!(texts.into_values().collect::<Vec<_>>(), ["one", "two"]);
    let scanned: Vec<RecordId> =
        block_on(store.scan(None, 9)).unwrap().into_iter().map(|point| point.id).collect();
    assert_eq!(scanned, ["a", "b/c", "linprobe:x"].map(id));
    let resumed = block_on(store.scan(Some(&id("a")), 1)).unwrap();
    assert_eq!(resumed[0].id, id("b/c"));
    assert_eq!(block_on(store.count()).unwrap(), 3);
}

#[test]
fn what_is_replaced_keeps_the_metadata_of_others() {
    let server = theirs("cosine");
    let address = format!("{}?namespace=shop&text=title", server.address());
    let store = open(&address, Access::Write { dimension: 2 }, KEY).unwrap();
    let embedding = Embedding::normalize(vec![0.0, 1.0]).unwrap();
    let points = ["a", "ä"].map(|name| Point { id: id(name), embedding: embedding.clone() });
    block_on(store.upsert(&points)).unwrap();
    assert_eq!(block_on(store.fetch(&points.clone().map(|point| point.id))).unwrap(), points);
    let index = server.index.lock().unwrap();
    assert_eq!(index.namespaces["shop"]["a"].metadata.as_ref().unwrap()["price"], 1);
    let names =
        index.namespaces["shop"].values().filter_map(|it| it.metadata.as_ref()?.get("linprobe_id"));
    assert_eq!(names.collect::<Vec<_>>(), ["ä"]);
}

#[test]
fn a_flush_waits_until_what_was_written_is_counted() {
    let server = theirs("cosine");
    let store = open(&server.address(), Access::Write { dimension: 2 }, KEY).unwrap();
    let embedding = Embedding::normalize(vec![0.0, 1.0]).unwrap();
    block_on(store.upsert(&[Point { id: id("new"), embedding }])).unwrap();
    server.index.lock().unwrap().n_late = 1;
    block_on(store.flush()).unwrap();
    assert_eq!(server.index.lock().unwrap().n_late, 0);
    assert_eq!(block_on(store.count()).unwrap(), 2);
}

#[test]
fn a_flush_does_not_wait_for_what_was_refused() {
    let server = theirs("cosine");
    let store = open(&server.address(), Access::Write { dimension: 2 }, KEY).unwrap();
    let embedding = Embedding::normalize(vec![0.0, 1.0]).unwrap();
    // As if somebody had made the index anew.
    server.index.lock().unwrap().dimension = 3;
    block_on(store.upsert(&[Point { id: id("new"), embedding }])).unwrap_err();
    let n_counts = || {
        server.http.paths().iter().filter(|path| path.ends_with("/describe_index_stats")).count()
    };
    let n_before = n_counts();
    block_on(store.flush()).unwrap();
    assert_eq!(n_counts(), n_before);
}

#[test]
fn points_are_copied_there_and_back() {
    assert_copies(&fresh(DIMENSION));
}

#[test]
fn a_large_index_is_surveyed_by_a_sample() {
    let store = fresh(2);
    let point = |n: usize| {
        let (sin, cos) = (n as f32).sin_cos();
        Point { id: id(&format!("r{n}")), embedding: Embedding::normalize(vec![cos, sin]).unwrap() }
    };
    let points: Vec<Point> = (0..20_500).map(point).collect();
    block_on(store.upsert(&points)).unwrap();
    let none = Excluded::new();
    let survey = Survey {
        weights: &[1.0, 0.0],
        bias: 0.0,
        top_k: 5,
        n_boundary: 5,
        threshold: 0.0,
        n_bins: 4,
        exclude: &none,
    };
    let report = block_on(store.survey(survey)).unwrap();
    assert!(report.estimated && report.top[0].score > 0.999_999, "{:?}", report.top);
    assert_eq!((report.n_points, report.histogram.counts.iter().sum::<u64>()), (20_500, 20_500));
    assert!((10_100..10_400).contains(&report.n_above), "{}", report.n_above);
}

#[track_caller]
fn said(error: &StoreError, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
    assert!(text.contains("\nhint: ") && text.contains("127.0.0.1"), "{text}");
}

#[test]
fn what_passes_by_itself_is_asked_again() {
    let server = theirs("cosine");
    server.http.fail(&[Fault::Status(503, None), Fault::Gone]);
    let store = read(&server.address()).unwrap();
    for fault in [Fault::Status(429, Some(0)), Fault::Cut] {
        server.http.fail(&[fault]);
        assert_eq!(names(&search(&store, &[1.0, 0.0], &[]).unwrap()), ["other"], "{fault:?}");
    }
}

#[test]
fn a_wrong_key_is_told_and_no_key_is_shown() {
    let server = theirs("cosine");
    // This server repeats the key that it was sent.
    let wrong = open(&server.address(), Access::Read, "wr0ng-key").unwrap_err();
    said(&wrong, &["refuses", "401", "whether the key in PINECONE_API_KEY is right"]);
    assert!(!format!("{wrong} {wrong:?}").contains("wr0ng"), "{wrong:?}");
    let nothing = Variables::from_lookup(|_| None);
    let missing = block_on(PineconeStore::open(&server.address(), Access::Read, &nothing));
    said(&missing.unwrap_err(), &["refuses", "give the key in PINECONE_API_KEY"]);
}

#[test]
fn indexes_that_no_classifier_can_score_are_refused() {
    said(&read(&theirs("euclidean").address()).unwrap_err(), &["compared by euclidean", "cosine"]);
    let dots = theirs("dotproduct");
    assert_eq!(
        names(&search(&read(&dots.address()).unwrap(), &[1.0, 0.0], &[]).unwrap()),
        ["other"]
    );
    let long = read(&format!("{}?namespace=shop", dots.address())).unwrap_err();
    said(&long, &["that of a has not unit length", "cosine"]);
}

#[test]
fn an_index_is_found_by_its_name() {
    let server = theirs("cosine");
    let control = server.control("items-2", KEY);
    let open = |address: &str, host: String, key: &'static str| {
        let variables = Variables::from_lookup(move |name| match name {
            "PINECONE_API_KEY" => Some(key.to_owned()),
            "PINECONE_CONTROLLER_HOST" => Some(host.clone()),
            _ => None,
        });
        block_on(PineconeStore::open(address, Access::Read, &variables))
    };
    let host = || format!("http://{}", control.host);
    let store = open("pinecone://items-2?namespace=shop", format!("{}/", host()), KEY).unwrap();
    assert_eq!(store.address(), "pinecone://items-2?namespace=shop");
    assert_eq!(names(&search(&store, &[1.0, 0.0], &[]).unwrap()), ["a", "b/c", "linprobe:x"]);
    let missing = open("pinecone://items", host(), KEY).unwrap_err().to_string();
    assert!(
        missing.contains("no index \"items\"") && missing.contains("one of: items-2"),
        "{missing}"
    );
    let wrong = open("pinecone://items-2", host(), "wr0ng-key").unwrap_err();
    assert!(wrong.to_string().contains("whether the key in PINECONE_API_KEY is right"), "{wrong}");
    assert!(!format!("{wrong} {wrong:?}").contains("wr0ng"), "{wrong:?}");
}

#[test]
fn a_missing_namespace_is_named_with_those_that_there_are() {
    let server = theirs("cosine");
    let missing = read(&format!("{}?namespace=shops", server.address())).unwrap_err();
    said(&missing, &["no namespace \"shops\"", "shop"]);
    let refused = open(&server.address(), Access::Write { dimension: 3 }, KEY).unwrap_err();
    assert!(matches!(refused, StoreError::Dimension { expected: 2, found: 3 }), "{refused}");
}

#[test]
fn a_store_that_is_read_is_never_written() {
    let server = theirs("cosine");
    let store = read(&server.address()).unwrap();
    let embedding = Embedding::normalize(vec![0.0, 1.0]).unwrap();
    let refused = block_on(store.upsert(&[Point { id: id("new"), embedding }])).unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused:?}");
    let refused = block_on(store.delete(&[id("other")])).unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused:?}");
    assert_eq!(block_on(store.count()).unwrap(), 1);
}
