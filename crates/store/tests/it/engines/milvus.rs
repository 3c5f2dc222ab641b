//! Collections of Milvus, over a server in this process.

use std::{error::Error, sync::OnceLock};

use linprobe_core::{Embedding, Excluded, Hit, Point, Query, StoreError, VectorStore};
use linprobe_store::{
    Access, MilvusStore, RemoteStore, Variables,
    fake::{FakeMilvus, MilvusFault},
};
use pollster::block_on;

use super::qdrant::{id, new_name};
use crate::{moving::assert_copies, support::DIMENSION};

mod fake {
    linprobe_store::conformance_tests!(super::fresh);
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

fn names(hits: &[Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.id.as_str()).collect()
}

fn search(store: &MilvusStore, weights: &[f32], exclude: &[&str]) -> Vec<Hit> {
    let exclude: Excluded = exclude.iter().map(|name| id(name)).collect();
    block_on(store.search(Query { weights, top_k: 10, exclude: &exclude })).unwrap()
}

/// A collection that a team may have: numbers for keys, other fields, vectors of any length.
fn theirs(metric: Option<&str>, token: Option<&'static str>) -> (FakeMilvus, String) {
    let server = FakeMilvus::start(token);
    server.make("theirs", metric, &[(-3, [3.0, 0.0], "one"), (7, [0.6, 0.8], "two")]);
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
    let (_server, address) = theirs(Some("COSINE"), None);
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
fn what_is_replaced_keeps_the_other_fields_and_rows_that_cannot_be_are_refused() {
    let (server, address) = theirs(Some("COSINE"), None);
    let store = write(&address, 2).unwrap();
    let embedding = Embedding::normalize(vec![0.0, 1.0]).unwrap();
    let point = |name: &str| Point { id: id(name), embedding: embedding.clone() };
    block_on(store.upsert(&[point("7")])).unwrap();
    assert_eq!(block_on(store.fetch(&[id("7")])).unwrap(), [point("7")]);
    assert_eq!(server.title("theirs", 7).unwrap(), "two");
    let upsert = |name: &str| block_on(store.upsert(&[point("7"), point(name)])).unwrap_err();
    said(&upsert("a"), &["no room for the id \"a\"", "VarChar"]);
    said(&upsert("8"), &["8 is not there", "needs values for title"]);
    assert_eq!(block_on(store.count()).unwrap(), 2);
}

#[test]
fn points_are_copied_there_and_back() {
    assert_copies(&fresh(DIMENSION));
}

#[test]
fn what_passes_by_itself_is_asked_again() {
    let (server, address) = theirs(Some("COSINE"), None);
    server.fail(&[MilvusFault::Away, MilvusFault::Cut]);
    let store = read(&address).unwrap();
    for fault in [MilvusFault::Busy, MilvusFault::Away, MilvusFault::Cut] {
        server.fail(&[fault]);
        assert_eq!(search(&store, &[1.0, 0.0], &[]).len(), 2, "{fault:?}");
    }
    assert_eq!(server.n_faults(), 0);
    let store = write(&server.address(&new_name()), 2).unwrap();
    server.fail(&[MilvusFault::Cut, MilvusFault::Busy, MilvusFault::Cut]);
    let point = |name: &str| Point {
        id: id(name),
        embedding: Embedding::normalize(vec![1.0, 0.0]).unwrap(),
    };
    block_on(store.upsert(&[point("1"), point("3")])).unwrap();
    assert_eq!(block_on(store.count()).unwrap(), 2);
}

#[test]
fn a_collection_that_is_being_loaded_is_waited_for_while_it_gets_on() {
    let (server, address) = theirs(Some("COSINE"), None);
    server.reload("theirs", 3);
    let store = read(&address).unwrap();
    server.reload("theirs", 3);
    assert_eq!(search(&store, &[1.0, 0.0], &[]).len(), 2);
    server.release("theirs");
    said(&block_on(store.count()).unwrap_err(), &["not loaded", "load_collection"]);

    let (server, address) = theirs(Some("COSINE"), None);
    let store = read(&format!("{address}&timeout=1")).unwrap();
    server.reload("theirs", u32::MAX);
    let stuck = block_on(store.count()).unwrap_err();
    assert!(matches!(stuck, StoreError::Unreachable { .. }), "{stuck}");
    let said = stuck.source().unwrap().to_string();
    assert!(said.contains("being loaded, 0 % of it is, and no more since 1 s"), "{said}");
}

#[test]
fn what_cannot_be_used_is_refused() {
    let (server, address) = theirs(Some("HAMMING"), None);
    said(&read(&address).unwrap_err(), &["compared by HAMMING", "COSINE"]);
    for metric in ["IP", "L2"] {
        let (_server, address) = theirs(Some(metric), None);
        let refused = read(&address).unwrap_err();
        said(&refused, &[metric, "that of -3 has not unit length", "COSINE"]);
    }
    let (_bare, address_of_bare) = theirs(None, None);
    said(&read(&address_of_bare).unwrap_err(), &["compared by no index", "COSINE"]);
    said(&read(&server.address("three")).unwrap_err(), &["no collection \"three\"", "theirs"]);
    let other = read(&server.address("theirs?vector=image")).unwrap_err();
    said(&other, &["no vectors \"image\"", "&vector=name: vector"]);
    let (server, address) = theirs(Some("COSINE"), None);
    let refused = write(&address, 3).unwrap_err();
    assert!(matches!(refused, StoreError::Dimension { expected: 2, found: 3 }), "{refused}");
    server.release("theirs");
    said(&read(&address).unwrap_err(), &["not loaded", "load_collection"]);
    let filtered = write(&server.address("theirs?filter=id%20%3E%200"), 2).unwrap_err();
    said(&filtered, &["what is written must be seen", "filter"]);
}

#[test]
fn a_collection_half_made_is_finished_by_whoever_may_write() {
    let (server, address) = theirs(None, None);
    server.release("theirs");
    let store = write(&address, 2).unwrap();
    assert_eq!(names(&search(&store, &[1.0, 0.0], &[])), ["-3", "7"]);
}

#[test]
fn vectors_of_unit_length_may_be_compared_by_products_and_distances() {
    let server = FakeMilvus::start(None);
    for metric in ["IP", "L2"] {
        server.make(metric, Some(metric), &[(1, [1.0, 0.0], "one"), (2, [0.6, 0.8], "two")]);
        let store = read(&server.address(metric)).unwrap();
        let hits = search(&store, &[0.0, 2.0], &[]);
        assert_eq!(names(&hits), ["2", "1"], "{metric}");
        assert!((hits[0].score - 1.6).abs() < 1e-6 && hits[1].score.abs() < 1e-6, "{hits:?}");
    }
}

#[test]
fn a_wrong_token_is_told_and_no_token_is_shown() {
    let (_server, address) = theirs(Some("COSINE"), Some("root:right"));
    said(&read(&address).unwrap_err(), &["refuses", "auth", "give the key in MILVUS_TOKEN"]);
    // This server repeats the token that it was sent.
    let wrong = open(&address, Access::Read, Some("root:wr0ng")).unwrap_err();
    said(&wrong, &["refuses", "whether the key in MILVUS_TOKEN is right"]);
    let shown = format!("{wrong} {wrong:?}");
    assert!(!shown.contains("wr0ng") && !shown.contains("cm9vdDp3cjBuZw"), "{shown}");
    let store = open(&address, Access::Read, Some("root:right")).unwrap();
    assert_eq!(search(&store, &[1.0, 0.0], &[]).len(), 2);
    assert!(!format!("{store:?}").contains("right"), "{store:?}");
}

#[test]
fn a_store_that_is_read_is_never_written() {
    let (server, address) = theirs(Some("COSINE"), None);
    let store = read(&address).unwrap();
    let embedding = Embedding::normalize(vec![0.0, 1.0]).unwrap();
    let refused = [
        block_on(store.upsert(&[Point { id: id("9"), embedding }])).unwrap_err(),
        block_on(store.delete(&[id("7")])).unwrap_err(),
    ];
    assert!(refused.iter().all(|e| matches!(e, StoreError::ReadOnly { .. })), "{refused:?}");
    assert_eq!(block_on(store.count()).unwrap(), 2);
    let writes = ["Create", "Load", "Upsert", "Delete"];
    assert!(!server.asked().iter().any(|method| writes.iter().any(|w| method.starts_with(w))));
}

#[test]
fn what_is_no_address_of_a_collection_says_what_one_is() {
    for (address, words) in [
        ("milvus://db", "names no collection"),
        ("milvus://db/a/b", "names no collection"),
        ("milvus://db/a?vectors=x", "no parameter \"vectors\""),
        ("milvus://db/a?consistency=weak", "neither strong nor bounded"),
        ("milvus://db/a?tls=true&ca=/no/such/file", "ca=/no/such/file"),
    ] {
        let refused = read(address).unwrap_err().to_string();
        assert!(refused.contains(words) && refused.contains("hint: milvus://"), "{refused}");
    }
}
