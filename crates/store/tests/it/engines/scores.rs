//! Scores, written to a field of the records of somebody else: that field is written, and nothing else.

use linprobe_core::{Hit, StoreError};
use linprobe_store::{
    Access, MilvusStore, PineconeStore, RemoteStore, Variables,
    fake::{FakeMilvus, FakeQdrant, Id},
};
use pollster::block_on;
use serde_json::json;

use super::{
    fake_pinecone::FakePinecone,
    qdrant::{id, read, write},
};

fn scores(names: &[&str]) -> Vec<Hit> {
    names.iter().zip([0.25, -1.5]).map(|(name, score)| Hit { id: id(name), score }).collect()
}

#[track_caller]
fn refuses(store: &dyn RemoteStore, column: &str, words: &str) {
    let refused = block_on(store.check_score_column(column)).unwrap_err();
    assert!(matches!(refused, StoreError::Unfit { .. }), "{refused:?}");
    assert!(refused.to_string().contains(words), "{refused}");
}

/// What holds of every engine: what is read is not written, what is unknown is left out.
#[track_caller]
fn assert_writes(reader: &dyn RemoteStore, writer: &dyn RemoteStore, names: [&str; 2]) {
    for column in ["", "a.b", "$score", "linprobe_id"] {
        refuses(reader, column, "letters, digits and _");
    }
    refuses(reader, "title", "title");
    block_on(reader.check_score_column("score")).unwrap();
    let refused = block_on(reader.write_scores("score", &scores(&names))).unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused:?}");
    block_on(writer.check_score_column("score")).unwrap();
    assert_eq!(block_on(writer.write_scores("score", &[])).unwrap(), 0);
    assert_eq!(block_on(writer.write_scores("score", &scores(&["99", names[1]]))).unwrap(), 1);
    assert_eq!(block_on(writer.write_scores("score", &scores(&names))).unwrap(), 2);
    block_on(reader.check_score_column("score")).unwrap();
}

#[test]
fn qdrant_gets_a_field_of_the_payload() {
    let server = FakeQdrant::start(None);
    let vector: &[f32] = &[1.0, 0.0];
    let payload = json!({ "title": "one", "price": 1 });
    let points = [(Id::Number(7), vector, payload), (Id::Number(8), vector, json!({}))];
    server.make("shop", json!({ "size": 2, "distance": "Cosine" }), &points);
    let address = server.address("shop");
    assert_writes(&read(&address).unwrap(), &write(&address, 2).unwrap(), ["7", "8"]);
    let collections = server.collections.lock().unwrap();
    let payload = |n| &collections["shop"].points[&Id::Number(n)].payload;
    assert_eq!(*payload(7), json!({ "title": "one", "price": 1, "score": 0.25 }));
    assert_eq!(*payload(8), json!({ "score": -1.5 }));
}

#[test]
fn pinecone_gets_a_field_of_the_metadata() {
    let server = FakePinecone::start(2, "cosine", "key");
    server.fill(
        "shop",
        &[("a", &[3.0, 0.0], json!({ "title": "one" })), ("b/c", &[0.6, 0.8], json!({}))],
    );
    let open = |access| {
        let variables =
            Variables::from_lookup(|name| (name == "PINECONE_API_KEY").then(|| "key".to_owned()));
        let address = format!("{}?namespace=shop", server.address());
        block_on(PineconeStore::open(&address, access, &variables)).unwrap()
    };
    assert_writes(&open(Access::Read), &open(Access::Write { dimension: 2 }), ["a", "b/c"]);
    let index = server.index.lock().unwrap();
    let stored = |id| &index.namespaces["shop"][id];
    let kept = json!({ "title": "one", "score": 0.25 });
    assert_eq!(stored("a").metadata, kept.as_object().cloned());
    assert_eq!(
        (stored("a").values.as_slice(), index.namespaces["shop"].len()),
        (&[3.0, 0.0][..], 2)
    );
}

#[test]
fn milvus_gets_a_field_of_the_schema_and_keeps_all_others() {
    let server = FakeMilvus::start(None);
    server.make("shop", Some("COSINE"), &[(7, [3.0, 0.0], "one"), (8, [0.6, 0.8], "two")]);
    let open = |access| {
        let address = server.address("shop");
        block_on(MilvusStore::open(&address, access, &Variables::default())).unwrap()
    };
    let reader = open(Access::Read);
    refuses(&reader, "rank", "no field \"rank\"");
    refuses(&reader, "vector", "holds no scores");
    assert_writes(&reader, &open(Access::Write { dimension: 2 }), ["7", "8"]);
    assert_eq!((server.score("shop", 7), server.score("shop", 8)), (Some(0.25), Some(-1.5)));
    assert_eq!(server.title("shop", 8).unwrap(), "two");
    // The vector has the length that it had.
    assert_eq!(server.vector("shop", 7).unwrap(), [3.0, 0.0]);
}
