//! Collections of Milvus.

use std::{env, sync::OnceLock};

use linprobe_core::{Embedding, Excluded, Hit, Point, Query, StoreError, VectorStore};
use linprobe_store::{Access, MilvusStore, RemoteStore, Variables, fake::Fault};
use pollster::block_on;
use serde_json::json;

use super::{
    fake_milvus::{Collection, FakeMilvus, Key},
    qdrant::{id, new_name},
};
use crate::{moving::assert_copies, support::DIMENSION};

mod fake {
    linprobe_store::conformance_tests!(by_count: super::fresh);
}

mod real {
    linprobe_store::conformance_tests!(
        by_count: super::fresh_on_a_server,
        ignore = "needs LINPROBE_TEST_MILVUS_URL, such as milvus://127.0.0.1:19530; its collections linprobe_test_* are made anew"
    );
}

fn open(
    address: &str,
    access: Access,
    token: Option<&'static str>,
) -> Result<MilvusStore, StoreError> {
    let variables = Variables::from_lookup(move |name| {
        token.filter(|_| name == "MILVUS_TOKEN").map(str::to_owned)
    });
    block_on(MilvusStore::open(address, access, &variables))
}

fn read(address: &str) -> Result<MilvusStore, StoreError> {
    open(address, Access::Read, None)
}

fn write(address: &str, dimension: usize) -> Result<MilvusStore, StoreError> {
    open(address, Access::Write { dimension }, None)
}

fn fresh(dimension: usize) -> MilvusStore {
    static SERVER: OnceLock<FakeMilvus> = OnceLock::new();
    let server = SERVER.get_or_init(|| FakeMilvus::start(None));
    write(&server.address(&new_name()), dimension).unwrap()
}

fn fresh_on_a_server(dimension: usize) -> MilvusStore {
    let url = env::var("LINPROBE_TEST_MILVUS_URL").expect("the address of a server");
    let address = format!("{}/{}", url.trim_end_matches('/'), new_name());
    let access = Access::Write { dimension };
    block_on(MilvusStore::open(&address, access, &Variables::default())).unwrap()
}

fn names(hits: &[Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.id.as_str()).collect()
}

fn search(store: &MilvusStore, weights: &[f32], exclude: &[&str]) -> Vec<Hit> {
    let exclude: Excluded = exclude.iter().map(|name| id(name)).collect();
    block_on(store.search(Query { weights, top_k: 10, exclude: &exclude })).unwrap()
}

/// A collection that a team may have: numbers for keys, other fields, vectors of any length.
fn theirs(metric: &str, token: Option<&'static str>) -> (FakeMilvus, String) {
    let server = FakeMilvus::start(token);
    let row = |number: i64, vector: [f32; 2], title: &str| {
        let row = json!({ "id": number, "vector": vector, "title": title });
        (Key::Number(number), row.as_object().unwrap().clone())
    };
    let rows = [row(-3, [3.0, 0.0], "one"), row(7, [0.6, 0.8], "two")].into();
    let metric = metric.to_owned();
    let collection = Collection { dimension: 2, metric, has_numbers: true, rows };
    server.collections.lock().unwrap().insert("theirs".to_owned(), collection);
    let address = server.address("theirs?text=title");
    (server, address)
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
fn rows_of_others_are_found_excluded_fetched_and_read() {
    let (_server, address) = theirs("COSINE", None);
    let store = read(&address).unwrap();
    let hits = search(&store, &[2.0, 0.0], &["x"]);
    assert_eq!(names(&hits), ["-3", "7"]);
    assert!((hits[0].score - 2.0).abs() < 1e-6 && (hits[1].score - 1.2).abs() < 1e-6, "{hits:?}");
    assert_eq!(names(&search(&store, &[2.0, 0.0], &["-3", "x"])), ["7"]);
    let asked = ["7", "x", "007", "-3"].map(id);
    let points = block_on(store.fetch(&asked)).unwrap();
    assert_eq!(points.iter().map(|point| point.id.as_str()).collect::<Vec<_>>(), ["7", "-3"]);
    let scanned = block_on(store.scan(Some(&id("-3")), 9)).unwrap();
    assert_eq!(scanned.iter().map(|point| point.id.as_str()).collect::<Vec<_>>(), ["7"]);
    let texts = block_on(store.texts(&asked)).unwrap();
    assert_eq!((texts.len(), texts[&id("7")].as_str()), (2, "two"));
}

#[test]
fn what_is_replaced_keeps_the_other_fields_and_keys_that_cannot_be_are_refused() {
    let (server, address) = theirs("COSINE", None);
    let store = write(&address, 2).unwrap();
    let embedding = Embedding::normalize(vec![0.0, 1.0]).unwrap();
    let point = |name: &str| Point { id: id(name), embedding: embedding.clone() };
    block_on(store.upsert(&[point("7")])).unwrap();
    assert_eq!(block_on(store.fetch(&[id("7")])).unwrap(), [point("7")]);
    assert_eq!(server.collections.lock().unwrap()["theirs"].rows[&Key::Number(7)]["title"], "two");
    said(
        &block_on(store.upsert(&[point("a")])).unwrap_err(),
        &["no room for the id \"a\"", "VarChar"],
    );
}

#[test]
fn points_are_copied_there_and_back() {
    assert_copies(&fresh(DIMENSION));
}

#[test]
fn what_passes_by_itself_is_asked_again() {
    let (server, address) = theirs("COSINE", None);
    let store = read(&address).unwrap();
    server.http.fail(&[Fault::Status(503, None), Fault::Cut]);
    assert_eq!(search(&store, &[1.0, 0.0], &[]).len(), 2);
    *server.n_busy.lock().unwrap() = 2;
    assert_eq!(search(&store, &[1.0, 0.0], &[]).len(), 2);
    assert_eq!(*server.n_busy.lock().unwrap(), 0);
}

#[test]
fn what_cannot_be_used_is_refused() {
    let (server, address) = theirs("L2", None);
    said(&read(&address).unwrap_err(), &["compared by L2", "COSINE"]);
    let (_dots, address_of_dots) = theirs("IP", None);
    said(&read(&address_of_dots).unwrap_err(), &["that of -3 has not unit length", "COSINE"]);
    said(&read(&server.address("three")).unwrap_err(), &["no collection \"three\"", "theirs"]);
    let other = read(&server.address("theirs?vector=image")).unwrap_err();
    said(&other, &["no vectors \"image\"", "&vector=name: vector"]);
    let (_server, address) = theirs("COSINE", None);
    let refused = write(&address, 3).unwrap_err();
    assert!(matches!(refused, StoreError::Dimension { expected: 2, found: 3 }), "{refused}");
}

#[test]
fn a_wrong_token_is_told_and_no_token_is_shown() {
    let (_server, address) = theirs("COSINE", Some("root:right"));
    said(&read(&address).unwrap_err(), &["refuses", "401", "give the key in MILVUS_TOKEN"]);
    // This server repeats the token that it was sent.
    let wrong = open(&address, Access::Read, Some("root:wr0ng")).unwrap_err();
    said(&wrong, &["refuses", "whether the key in MILVUS_TOKEN is right"]);
    assert!(!format!("{wrong} {wrong:?}").contains("wr0ng"), "{wrong:?}");
    let store = open(&address, Access::Read, Some("root:right")).unwrap();
    assert_eq!(search(&store, &[1.0, 0.0], &[]).len(), 2);
}

#[test]
fn a_store_that_is_read_is_never_written() {
    let (_server, address) = theirs("COSINE", None);
    let store = read(&address).unwrap();
    let embedding = Embedding::normalize(vec![0.0, 1.0]).unwrap();
    let refused = block_on(store.upsert(&[Point { id: id("9"), embedding }])).unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused:?}");
    assert_eq!(block_on(store.count()).unwrap(), 2);
}
