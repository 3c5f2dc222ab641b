//! What goes wrong with a server of Qdrant: it is said clearly, or it passes.

use std::time::{Duration, Instant};

use linprobe_core::{Embedding, Point, StoreError, VectorStore};
use linprobe_store::{
    Access, QdrantStore, Variables,
    fake::{FakeQdrant, Fault, Id},
};
use pollster::block_on;
use serde_json::json;

use super::qdrant::{id, new_name, nothing_set, read, search, write};

/// A server with a collection of two points.
fn server_of_two(key: Option<&'static str>) -> (FakeQdrant, String) {
    let server = FakeQdrant::start(key);
    let points: [(Id, &[f32], _); 2] =
        [(Id::Number(1), &[1.0, 0.0], json!({})), (Id::Number(2), &[0.0, 1.0], json!({}))];
    server.make("two", json!({ "size": 2, "distance": "Cosine" }), &points);
    let address = server.address("two");
    (server, address)
}

fn point(name: &str) -> Point {
    Point { id: id(name), embedding: Embedding::normalize(vec![1.0, 0.0]).unwrap() }
}

#[track_caller]
fn said(error: &StoreError, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
    assert!(text.contains("\nhint: ") && text.contains("127.0.0.1"), "{text}");
}

fn opened(address: &str, key: &'static str) -> Result<QdrantStore, StoreError> {
    let variables =
        Variables::from_lookup(move |name| (name == "QDRANT_API_KEY").then(|| key.to_owned()));
    block_on(QdrantStore::open(address, Access::Read, &variables))
}

#[test]
fn what_passes_by_itself_is_asked_again() {
    let (server, address) = server_of_two(None);
    server.http.fail(&[Fault::Status(503, None), Fault::Gone]);
    let store = read(&address).unwrap();
    for fault in [Fault::Status(503, None), Fault::Status(502, None), Fault::Cut, Fault::Gone] {
        server.http.fail(&[fault]);
        assert_eq!(search(&store, &[1.0, 0.0], &[]).len(), 2, "{fault:?}");
    }
    let store = write(&address, 2).unwrap();
    server.http.fail(&[Fault::Cut, Fault::Cut, Fault::Gone]);
    block_on(store.upsert(&[point("1"), point("3")])).unwrap();
    assert_eq!(block_on(store.count()).unwrap(), 3);
}

#[test]
fn a_server_that_has_too_much_to_do_is_left_alone_for_as_long_as_it_says() {
    let (server, address) = server_of_two(None);
    let store = read(&address).unwrap();
    let start = Instant::now();
    server.http.fail(&[Fault::Status(429, Some(1))]);
    assert_eq!(search(&store, &[1.0, 0.0], &[]).len(), 2);
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("qdrant://{}/two", listener.local_addr().unwrap());
    drop(listener);
    let error = read(&address).unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    said(&error, &["cannot reach"]);
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("qdrant://{}/two?timeout=1", listener.local_addr().unwrap());
    let error = read(&address).unwrap_err();
    let StoreError::Unreachable { source, .. } = &error else { panic!("{error:?}") };
    assert!(source.to_string().contains("no answer within 1 s"), "{source}");
}

#[test]
fn a_wrong_key_is_told_and_no_key_is_shown() {
    let (_server, address) = server_of_two(Some("right-key"));
    let missing = read(&address).unwrap_err();
    said(&missing, &["refuses", "401", "give the key in QDRANT_API_KEY"]);
    // This server repeats the key that it was sent.
    let wrong = opened(&address, "wr0ng-key").unwrap_err();
    said(&wrong, &["refuses", "401", "whether the key in QDRANT_API_KEY is right"]);
    assert!(!format!("{wrong} {wrong:?}").contains("wr0ng"), "{wrong:?}");
    let store = opened(&address, "right-key").unwrap();
    assert_eq!(search(&store, &[1.0, 0.0], &[]).len(), 2);
    assert!(!format!("{store:?}").contains("right-key"), "{store:?}");
}

#[test]
fn a_missing_collection_is_named_with_those_that_there_are() {
    let (server, address) = server_of_two(None);
    said(&read(&address.replace("two", "three")).unwrap_err(), &["no collection \"three\"", "two"]);
    assert!(!server.collections.lock().unwrap().contains_key("three"));
}

#[test]
fn collections_that_no_classifier_can_score_are_refused() {
    let (server, _) = server_of_two(None);
    let vectors = |distance: &str| json!({ "size": 2, "distance": distance });
    for (vectors, words) in [
        (vectors("Euclid"), ["compared by Euclid", "distance Cosine"]),
        (vectors("Manhattan"), ["compared by Manhattan", "distance Cosine"]),
        (json!({ "image": vectors("Cosine") }), ["have names", "&vector=name: image"]),
        (
            json!({ "size": 2, "distance": "Cosine", "multivector_config": { "comparator": "max_sim" } }),
            ["many vectors", "single vector"],
        ),
        (
            json!({ "size": 2, "distance": "Cosine", "datatype": "uint8" }),
            ["kept as uint8", "float32"],
        ),
    ] {
        let name = new_name();
        server.make(&name, vectors, &[]);
        let refused = read(&server.address(&name)).unwrap_err();
        assert!(matches!(refused, StoreError::Unfit { .. }), "{refused:?}");
        said(&refused, &words);
    }
}

#[test]
fn another_dimension_is_refused_before_anything_is_written() {
    let (_server, address) = server_of_two(None);
    let refused = write(&address, 3).unwrap_err();
    assert!(matches!(refused, StoreError::Dimension { expected: 2, found: 3 }), "{refused}");
}

#[test]
fn a_store_that_is_read_is_never_written() {
    let (server, address) = server_of_two(None);
    let store = read(&address).unwrap();
    let refused = [
        block_on(store.upsert(&[point("9")])).unwrap_err(),
        block_on(store.delete(&[id("1")])).unwrap_err(),
    ];
    assert!(refused.iter().all(|e| matches!(e, StoreError::ReadOnly { .. })), "{refused:?}");
    assert_eq!(block_on(store.count()).unwrap(), 2);
    let paths = server.http.paths();
    assert!(!paths.iter().any(|path| path.starts_with("PUT") || path.ends_with("delete")));
}

#[test]
fn what_is_no_address_of_a_collection_says_what_one_is() {
    for (address, words) in [
        ("qdrant://db", "names no collection"),
        ("qdrant://db/a/b", "names no collection"),
        ("qdrant://db/a?vectors=x", "no parameter \"vectors\""),
    ] {
        let refused = block_on(QdrantStore::open(address, Access::Read, &nothing_set()));
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(words) && refused.contains("hint: qdrant://"), "{refused}");
    }
}
