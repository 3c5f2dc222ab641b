//! Addresses with a filter: all that is asked for sees the records that it lets through, and nothing else.

use linprobe_core::{Excluded, Hit, Query, RecordId, StoreError, Survey, VectorStore};
use linprobe_store::{
    Access, PineconeStore, RemoteStore, Variables,
    fake::{FakeQdrant, Id},
};
use pollster::block_on;
use serde_json::{Value, json};

use super::{
    fake_pinecone::FakePinecone,
    qdrant::{id, read, write},
};

const KEY: &str = "right-key";

/// Four records, of which the last two were seen; the nearest to the axis is one of these.
const VECTORS: [[f32; 2]; 4] = [[0.6, 0.8], [0.8, 0.6], [1.0, 0.0], [0.0, 1.0]];

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn names(ids: impl IntoIterator<Item = RecordId>) -> Vec<String> {
    ids.into_iter().map(|id| id.as_str().to_owned()).collect()
}

fn found(hits: Vec<Hit>) -> Vec<String> {
    names(hits.into_iter().map(|hit| hit.id))
}

fn points(points: Vec<linprobe_core::Point>) -> Vec<String> {
    names(points.into_iter().map(|point| point.id))
}

/// Of "0" to "3" only the first two are records.
#[track_caller]
fn assert_sees_the_first_two(store: &dyn RemoteStore) {
    let all = ["0", "1", "2", "3"].map(id);
    let search = |exclude: &[&str]| {
        let exclude: Excluded = exclude.iter().map(|name| id(name)).collect();
        found(
            block_on(store.search(Query { weights: &[1.0, 0.0], top_k: 9, exclude: &exclude }))
                .unwrap(),
        )
    };
    assert_eq!(search(&[]), ["1", "0"]);
    assert_eq!(search(&["1", "2"]), ["0"]);
    assert_eq!(block_on(store.count()).unwrap(), 2);
    assert_eq!(points(block_on(store.fetch(&all)).unwrap()), ["0", "1"]);
    assert_eq!(points(block_on(store.scan(None, 9)).unwrap()), ["0", "1"]);
    assert_eq!(points(block_on(store.scan(None, 1)).unwrap()), ["0"]);
    assert_eq!(points(block_on(store.scan(Some(&id("0")), 9)).unwrap()), ["1"]);
    let outside = block_on(store.scan(Some(&id("2")), 9));
    assert!(matches!(outside, Err(StoreError::UnknownPoint { .. })), "{outside:?}");
    let mut drawn = points(block_on(store.sample(9, 1)).unwrap());
    drawn.sort();
    assert_eq!(drawn, ["0", "1"]);
    let texts = block_on(store.texts(&all)).unwrap();
    assert_eq!(texts.into_values().collect::<Vec<_>>(), ["text 0", "text 1"]);
    assert_surveyed(store);
}

#[track_caller]
fn assert_surveyed(store: &dyn RemoteStore) {
    let survey = Survey {
        weights: &[1.0, 0.0],
        bias: -0.7,
        top_k: 9,
        n_boundary: 9,
        threshold: 0.0,
        n_bins: 2,
        exclude: &Excluded::new(),
    };
    let report = block_on(store.survey(survey)).unwrap();
    assert_eq!((report.n_points, report.n_above, report.histogram.counts), (2, 1, vec![1, 1]));
    assert_eq!(found(report.top), ["1", "0"]);
}

/// With no field `seen` where there is nothing to be in it.
fn payload(n: usize, seen: &Value) -> Value {
    let mut payload = json!({ "title": format!("text {n}") });
    if !seen.is_null() {
        payload["seen"] = seen.clone();
    }
    payload
}

fn qdrant(distance: &str) -> FakeQdrant {
    let server = FakeQdrant::start(None);
    let points: Vec<(Id, &[f32], Value)> = (0..4)
        .map(|n| (Id::Number(n as u64), &VECTORS[n][..], payload(n, &json!(n > 1))))
        .collect();
    server.make("shop", json!({ "size": 2, "distance": distance }), &points);
    server
}

const UNSEEN: &str = r#"{"must_not":[{"key":"seen","match":{"value":true}}]}"#;

#[test]
fn qdrant_shows_what_a_filter_lets_through() {
    let server = qdrant("Cosine");
    let address = server.address(&format!("shop?text=title&filter={}", encoded(UNSEEN)));
    for more in ["", "&search=approximate"] {
        assert_sees_the_first_two(&read(&format!("{address}{more}")).unwrap());
    }
    let refused = write(&address, 2).unwrap_err().to_string();
    assert!(refused.contains("must be seen") && refused.contains("leave filter out"), "{refused}");
    let store = read(&address).unwrap();
    block_on(store.check_score_column("score")).unwrap();
    // Only records must have unit length.
    let server = qdrant("Dot");
    let long = vec![2.0, 0.0];
    server
        .collections
        .lock()
        .unwrap()
        .get_mut("shop")
        .unwrap()
        .points
        .get_mut(&Id::Number(2))
        .unwrap()
        .vectors
        .insert(String::new(), long);
    read(&server.address("shop")).unwrap_err();
    read(&server.address(&format!("shop?filter={}", encoded(UNSEEN)))).unwrap();
}

#[test]
fn a_large_filtered_collection_of_qdrant_is_sampled_among_what_the_filter_lets_through() {
    let server = FakeQdrant::start(None);
    let points: Vec<(Id, &[f32], Value)> = (0..240_000)
        .map(|n| (Id::Number(n), &VECTORS[2][..], json!({ "seen": n % 2 == 1 })))
        .collect();
    server.make("large", json!({ "size": 2, "distance": "Cosine" }), &points);
    let store = read(&server.address(&format!("large?filter={}", encoded(UNSEEN)))).unwrap();
    let drawn = block_on(store.sample(1_000, 1)).unwrap();
    assert_eq!(drawn.len(), 1_000);
    let is_even =
        |point: &linprobe_core::Point| point.id.as_str().parse::<u64>().unwrap().is_multiple_of(2);
    assert!(drawn.iter().all(is_even));
}

fn open_pinecone(address: &str, access: Access) -> Result<PineconeStore, StoreError> {
    let variables =
        Variables::from_lookup(|name| (name == "PINECONE_API_KEY").then(|| KEY.to_owned()));
    block_on(PineconeStore::open(address, access, &variables))
}

/// An index as the notebooks of the article leave it: what was shown has another value in `seen`.
fn pinecone(unseen: &Value, seen: &Value) -> FakePinecone {
    let server = FakePinecone::start(2, "cosine", KEY);
    let ids = ["0", "1", "2", "3"];
    let points: Vec<(&str, &[f32], Value)> = (0..4)
        .map(|n| (ids[n], &VECTORS[n][..], payload(n, if n > 1 { seen } else { unseen })))
        .collect();
    server.fill("", &points);
    server
}

#[test]
fn pinecone_shows_what_a_filter_lets_through() {
    for (filter, unseen, seen) in [
        (r#"{"seen":{"$ne":true}}"#, json!(null), json!(true)),
        (r#"{"seen":{"$ne":true}}"#, json!(false), json!(true)),
        (r#"{"seen":0}"#, json!(0), json!(1)),
    ] {
        let server = pinecone(&unseen, &seen);
        let address = format!("{}?text=title&filter={}", server.address(), encoded(filter));
        let store = open_pinecone(&address, Access::Read).unwrap();
        assert_sees_the_first_two(&store);
        // What the filter lets through is listed once, until the number of points changes.
        let n_lists = || {
            server.http.paths().iter().filter(|path| path.ends_with("/fetch_by_metadata")).count()
        };
        let n_before = n_lists();
        assert_eq!(block_on(store.count()).unwrap(), 2);
        assert_eq!(n_lists(), n_before);
        server.fill("", &[("4", &VECTORS[0], payload(4, &unseen))]);
        assert_eq!(block_on(store.count()).unwrap(), 3);
        let refused =
            open_pinecone(&address, Access::Write { dimension: 2 }).unwrap_err().to_string();
        assert!(
            refused.contains("must be seen") && refused.contains("leave filter out"),
            "{refused}"
        );
    }
}

#[test]
fn pages_of_what_a_filter_of_pinecone_lets_through_are_all_read() {
    let server = FakePinecone::start(2, "dotproduct", KEY);
    let ids: Vec<String> = (0..1_000).map(|n| format!("r{n:04}")).collect();
    let points: Vec<(&str, &[f32], Value)> = (0..1_000)
        .map(|n| (ids[n].as_str(), &VECTORS[n % 4][..], payload(n, &json!(n % 3 == 0))))
        .collect();
    server.fill("shop", &points);
    let address =
        format!("{}?namespace=shop&filter={}", server.address(), encoded(r#"{"seen":true}"#));
    let store = open_pinecone(&address, Access::Read).unwrap();
    let scanned = points_of(&store);
    let expected: Vec<&String> = ids.iter().step_by(3).collect();
    assert_eq!(scanned.iter().collect::<Vec<_>>(), expected);
}

/// All, page by page.
fn points_of(store: &dyn VectorStore) -> Vec<String> {
    let mut all: Vec<RecordId> = Vec::new();
    loop {
        let page = block_on(store.scan(all.last(), 70)).unwrap();
        if page.is_empty() {
            return names(all);
        }
        all.extend(page.into_iter().map(|point| point.id));
    }
}

#[test]
fn filters_that_are_none_are_refused_with_what_is_right() {
    let (qdrant, pinecone) = (qdrant("Cosine"), pinecone(&json!(0), &json!(1)));
    for (filter, words) in [("[1]", "no object of JSON"), ("seen=0", "no JSON")] {
        let filter = encoded(filter);
        let refused = [
            read(&qdrant.address(&format!("shop?filter={filter}"))).unwrap_err(),
            open_pinecone(&format!("{}?filter={filter}", pinecone.address()), Access::Read)
                .unwrap_err(),
        ];
        for error in refused {
            let said = error.to_string();
            assert!(said.contains(words) && said.contains("&filter=object of JSON"), "{said}");
        }
    }
    // Such as the engine does not know are told when the store is opened.
    let [other, unknown] = [r#"{"never":[]}"#, r#"{"seen":{"$like":"x"}}"#].map(encoded);
    read(&qdrant.address(&format!("shop?filter={other}"))).unwrap_err();
    let address = format!("{}?filter={unknown}", pinecone.address());
    let error = open_pinecone(&address, Access::Read).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("not a valid operator"), "{error:?}");
}
