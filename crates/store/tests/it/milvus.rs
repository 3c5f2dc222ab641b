//! Collections of a real server of Milvus.

use std::{env, sync::OnceLock};

use linprobe_core::{
    Embedding, Excluded, Hit, Point, Query, RecordId, StoreError, Survey, VectorStore,
};
use linprobe_store::{
    Access, MemoryStore, MilvusStore, RemoteStore, Variables,
    test_server::{Admin, MilvusServer, TheirRow, Theirs},
};
use pollster::block_on;

use crate::{
    engines::{id, new_name},
    faults,
    moving::assert_copies,
    support::DIMENSION,
};

mod texts {
    linprobe_store::conformance_tests!(
        super::fresh,
        ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus, or LINPROBE_TEST_MILVUS_URL, a server"
    );
}

/// The address of a collection on one server for all tests of a process, or on that which `LINPROBE_TEST_MILVUS_URL` names,
/// such as `milvus://127.0.0.1:19530`.
pub(crate) fn address(collection: &str) -> String {
    static SERVER: OnceLock<MilvusServer> = OnceLock::new();
    match env::var("LINPROBE_TEST_MILVUS_URL") {
        Ok(url) => format!("{}/{collection}", url.trim_end_matches('/')),
        Err(_) => SERVER.get_or_init(|| MilvusServer::start(&[])).address(collection),
    }
}

pub(crate) fn admin() -> Admin {
    Admin::of(&address("any"), &Variables::default())
}

pub(crate) fn read(address: &str) -> Result<MilvusStore, StoreError> {
    block_on(MilvusStore::open(address, Access::Read, &Variables::default()))
}

pub(crate) fn write(address: &str, dimension: usize) -> Result<MilvusStore, StoreError> {
    block_on(MilvusStore::open(address, Access::Write { dimension }, &Variables::default()))
}

fn fresh(dimension: usize) -> MilvusStore {
    write(&address(&new_name()), dimension).unwrap()
}

fn names(hits: &[Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.id.as_str()).collect()
}

fn search(store: &MilvusStore, weights: &[f32], exclude: &[&str]) -> Vec<Hit> {
    let exclude: Excluded = exclude.iter().map(|name| id(name)).collect();
    block_on(store.search(Query { weights, top_k: 10, exclude: &exclude })).unwrap()
}

fn row(id: &str, vector: &[f32], title: &str) -> TheirRow {
    let note = format!("note of {title}");
    TheirRow { id: id.to_owned(), vector: vector.to_vec(), title: title.to_owned(), note }
}

/// A collection that a team may have, of three rows.
pub(crate) fn theirs(has_numbers: bool, index: Option<(&str, &str)>, ids: [&str; 3]) -> String {
    let name = new_name();
    let theirs = Theirs { name: &name, has_numbers, index, is_loaded: index.is_some() };
    let vectors = [[1.0, 0.0], [0.6, 0.8], [-0.8, 0.6]];
    let titles = ["one", "two", "three"];
    let rows = ids.iter().zip(vectors).zip(titles);
    let rows: Vec<TheirRow> = rows.map(|((id, vector), title)| row(id, &vector, title)).collect();
    admin().make(&theirs, &rows);
    name
}

#[track_caller]
pub(crate) fn said(error: &StoreError, words: &[&str]) {
    faults::said(error, words, "milvus://");
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus, or LINPROBE_TEST_MILVUS_URL, a server"]
fn rows_of_others_are_found_excluded_fetched_and_read_by_any_metric_and_index() {
    for (has_numbers, ids, index) in [
        (true, ["-3", "7", "8"], ("COSINE", "FLAT")),
        (true, ["-3", "7", "8"], ("L2", "HNSW")),
        (false, ["a \"b\"", "7", "zß"], ("IP", "IVF_FLAT")),
        (false, ["a \"b\"", "7", "zß"], ("COSINE", "AUTOINDEX")),
    ] {
        let name = theirs(has_numbers, Some(index), ids);
        let store = read(&address(&format!("{name}?text=title"))).unwrap();
        let hits = search(&store, &[2.0, 0.0], &["x"]);
        assert_eq!(names(&hits), ids, "{index:?}");
        for (hit, expected) in hits.iter().zip([2.0, 1.2, -1.6]) {
            assert!((hit.score - expected).abs() < 1e-6, "{index:?}: {hits:?}");
        }
        assert_eq!(names(&search(&store, &[2.0, 0.0], &[ids[0], "x"])), ids[1..], "{index:?}");
        let asked = [ids[2], "x", "007", ids[0]].map(id);
        let points = block_on(store.fetch(&asked)).unwrap();
        assert_eq!(points.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(), [ids[2], ids[0]]);
        let unknown = block_on(store.scan(Some(&id("x y")), 9));
        assert!(matches!(unknown, Err(StoreError::UnknownPoint { .. })), "{index:?}");
        let texts = block_on(store.texts(&asked)).unwrap();
        assert_eq!((texts.len(), texts[&id(ids[2])].as_str()), (2, "three"), "{index:?}");
        let noted = read(&address(&format!("{name}?text=note&consistency=bounded"))).unwrap();
        let notes = block_on(noted.texts(&asked)).unwrap();
        assert_eq!(notes[&id(ids[0])], "note of one", "{index:?}");
    }
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus, or LINPROBE_TEST_MILVUS_URL, a server"]
fn what_is_replaced_keeps_all_other_fields() {
    let name = theirs(true, Some(("COSINE", "FLAT")), ["1", "2", "3"]);
    let store = write(&address(&format!("{name}?text=title")), 2).unwrap();
    let embedding = Embedding::normalize(vec![0.0, -1.0]).unwrap();
    let point = |name: &str| Point { id: id(name), embedding: embedding.clone() };
    block_on(store.upsert(&[point("2"), point("1")])).unwrap();
    let asked = ["1", "2"].map(id);
    assert_eq!(block_on(store.fetch(&asked)).unwrap(), [point("1"), point("2")]);
    let titles = block_on(store.texts(&asked)).unwrap();
    assert_eq!(titles.values().map(String::as_str).collect::<Vec<_>>(), ["one", "two"]);
    let noted = read(&address(&format!("{name}?text=note"))).unwrap();
    let notes = block_on(noted.texts(&asked)).unwrap();
    assert_eq!(
        notes.values().map(String::as_str).collect::<Vec<_>>(),
        ["note of one", "note of two"]
    );
    let refused = block_on(store.upsert(&[point("2"), point("4")])).unwrap_err();
    said(&refused, &["4 is not there", "needs values for title"]);
    assert_eq!(block_on(store.count()).unwrap(), 3);
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus, or LINPROBE_TEST_MILVUS_URL, a server"]
fn filters_partitions_and_databases_of_the_address_say_which_rows_are_records() {
    let name = theirs(true, Some(("COSINE", "FLAT")), ["1", "2", "3"]);
    let filtered = format!("{name}?filter=title%20like%20%22t%25%22%20or%20note%20==%20%22x%22");
    let store = read(&address(&filtered)).unwrap();
    assert_eq!(block_on(store.count()).unwrap(), 2);
    assert_eq!(names(&search(&store, &[1.0, 0.0], &[])), ["2", "3"]);
    assert_eq!(names(&search(&store, &[1.0, 0.0], &["2"])), ["3"]);
    assert_eq!(block_on(store.fetch(&["1", "2"].map(id))).unwrap().len(), 1);
    assert_eq!(block_on(store.sample(9, 1)).unwrap().len(), 2);
    let admin = admin();
    admin.release(&name);
    admin.make_partition(&name, "new");
    let store = write(&address(&format!("{name}?partition=new")), 2).unwrap();
    assert_eq!(block_on(store.count()).unwrap(), 0);
    admin.write(&name, "new", &[row("9", &[0.0, 1.0], "nine")]);
    assert_eq!(names(&search(&store, &[1.0, 0.0], &[])), ["9"]);
    assert_eq!(block_on(read(&address(&name)).unwrap().count()).unwrap(), 4);
    let missing = read(&address(&format!("{name}?partition=none"))).unwrap_err();
    assert!(missing.to_string().contains("hint: "), "{missing}");

    let database = new_name();
    admin.make_database(&database);
    let elsewhere = |name: &str| address(&format!("{name}?database={database}"));
    said(&read(&elsewhere(&name)).unwrap_err(), &["no collection", "the database has none"]);
    let store = write(&elsewhere(&name), 3).unwrap();
    assert_eq!(block_on(store.count()).unwrap(), 0);
    said(&read(&address(&format!("{name}?database=no_such"))).unwrap_err(), &["no_such"]);
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus, or LINPROBE_TEST_MILVUS_URL, a server"]
fn what_cannot_be_used_is_refused_with_what_can_be_done() {
    let ids = ["1", "2", "3"];
    let name = theirs(true, Some(("COSINE", "FLAT")), ids);
    let missing = read(&address("linprobe_test_nowhere")).unwrap_err();
    said(&missing, &["no collection \"linprobe_test_nowhere\"", &name]);
    said(
        &read(&address(&format!("{name}?vector=v"))).unwrap_err(),
        &["no vectors \"v\"", "vector"],
    );
    let refused = write(&address(&name), 3).unwrap_err();
    assert!(matches!(refused, StoreError::Dimension { expected: 2, found: 3 }), "{refused}");
    let bare = theirs(true, None, ids);
    said(&read(&address(&bare)).unwrap_err(), &["by no index", "COSINE"]);
    let store = write(&address(&bare), 2).unwrap();
    assert_eq!(search(&store, &[1.0, 0.0], &[]).len(), 3);
    let admin = admin();
    admin.release(&name);
    said(&read(&address(&name)).unwrap_err(), &["not loaded", "load_collection"]);
    let long = new_name();
    let theirs =
        Theirs { name: &long, has_numbers: true, index: Some(("IP", "FLAT")), is_loaded: true };
    admin.make(&theirs, &[row("5", &[3.0, 0.0], "long")]);
    said(&read(&address(&long)).unwrap_err(), &["IP", "that of 5 has not unit length"]);
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus, or LINPROBE_TEST_MILVUS_URL, a server"]
fn points_are_copied_there_and_back() {
    assert_copies(&fresh(DIMENSION));
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus, or LINPROBE_TEST_MILVUS_URL, a server"]
fn what_forty_thousand_rows_answer_is_what_the_oracle_answers() {
    let store = fresh(16);
    let oracle = MemoryStore::new(16);
    let point = |n: usize| {
        let values =
            (0..16).map(|i| ((n * 31 + i * 7919) as f32 * 0.618).sin()).collect::<Vec<_>>();
        let id = RecordId::new(format!("folder/of \"many\"/r{n}.jpg")).unwrap();
        Point { id, embedding: Embedding::normalize(values).unwrap() }
    };
    let points: Vec<Point> = (0..40_000).map(point).collect();
    for store in [&store as &dyn VectorStore, &oracle] {
        block_on(store.upsert(&points)).unwrap();
    }
    let weights: Vec<f32> = (0..16_u8).map(|i| f32::from(i) - 7.0).collect();
    for step in [50, 7, 2] {
        let exclude: Excluded = points.iter().step_by(step).map(|point| point.id.clone()).collect();
        let query = Query { weights: &weights, top_k: 200, exclude: &exclude };
        let [found, expected] = [&store as &dyn VectorStore, &oracle]
            .map(|store| names(&block_on(store.search(query)).unwrap()).join(" "));
        assert_eq!(found, expected, "every {step}th is left out");
    }
    let none = Excluded::new();
    let (top_k, n_boundary, n_bins) = (20, 20, 10);
    let survey = Survey {
        weights: &weights,
        bias: 0.0,
        top_k,
        n_boundary,
        threshold: 0.0,
        n_bins,
        exclude: &none,
    };
    let report = block_on(store.survey(survey)).unwrap();
    assert!(report.estimated && report.n_points == 40_000, "{report:?}");
    assert_eq!(block_on(store.scan(None, usize::MAX)).unwrap().len(), 40_000);
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus, or LINPROBE_TEST_MILVUS_URL, a server"]
fn samples_of_many_rows_are_of_all_of_them_where_keys_are_numbers() {
    samples_of_many_rows_are_of_all_of_them(true, |n| (3 * n.cast_signed() - 90_000).to_string());
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus, or LINPROBE_TEST_MILVUS_URL, a server"]
fn samples_of_many_rows_are_of_all_of_them_where_keys_are_texts() {
    samples_of_many_rows_are_of_all_of_them(false, |n| format!("all/of \"{n:06}.jpg"));
}

fn samples_of_many_rows_are_of_all_of_them(has_numbers: bool, id: impl Fn(usize) -> String) {
    let n_rows = 110_000;
    let is_of_concept = |n: usize| n >= n_rows / 10 * 9;
    // Sorted by what they are of, and a tenth is of a concept.
    let vector = |n: usize| {
        let (sin, cos) = (0.2 * (n as f32).sin()).sin_cos();
        if is_of_concept(n) { [sin, cos] } else { [cos, sin] }
    };
    let name = new_name();
    let theirs =
        Theirs { name: &name, has_numbers, index: Some(("COSINE", "FLAT")), is_loaded: true };
    let rows: Vec<TheirRow> = (0..n_rows).map(|n| row(&id(n), &vector(n), "")).collect();
    admin().make(&theirs, &rows);
    let store = read(&address(&name)).unwrap();
    let drawn = block_on(store.sample(4_000, 1)).unwrap();
    let n_of_concept = drawn.iter().filter(|it| it.embedding.as_slice()[1] > 0.5).count();
    assert!(drawn.len() == 4_000 && (320..480).contains(&n_of_concept), "{n_of_concept}");
    assert!(drawn == block_on(store.sample(4_000, 1)).unwrap());
}

#[test]
#[ignore = "needs LINPROBE_TEST_MILVUS, a Python with the package milvus, or LINPROBE_TEST_MILVUS_URL, a server"]
fn scores_are_not_written_where_a_row_would_leave_its_partition() {
    let name = theirs(true, Some(("COSINE", "FLAT")), ["1", "2", "3"]);
    let store = write(&address(&name), 2).unwrap();
    block_on(store.check_score_column("score")).unwrap();
    said(&block_on(store.check_score_column("note")).unwrap_err(), &["something else than scores"]);
    said(&block_on(store.check_score_column("title")).unwrap_err(), &["holds no scores", "FLOAT"]);
    let before = block_on(store.scan(None, 9)).unwrap();
    let hit = |name: &str, score| Hit { id: id(name), score };
    let scores = [hit("1", 0.1), hit("9", 1.0), hit("3", -2.5)];
    assert_eq!(block_on(store.write_scores("score", &scores)).unwrap(), 2);
    assert_eq!(block_on(store.scan(None, 9)).unwrap(), before);
    for (field, expected) in [
        ("score", vec!["0.1", "-2.5"]),
        ("note", vec!["note of one", "note of two", "note of three"]),
        ("title", vec!["one", "two", "three"]),
    ] {
        let store = read(&address(&format!("{name}?text={field}"))).unwrap();
        let texts = block_on(store.texts(&["1", "2", "3"].map(id))).unwrap();
        assert_eq!(texts.values().map(String::as_str).collect::<Vec<_>>(), expected);
    }
    admin().make_partition(&name, "other");
    said(&block_on(store.check_score_column("score")).unwrap_err(), &["partitions", "&partition="]);
    let named = read(&address(&format!("{name}?partition=_default"))).unwrap();
    block_on(named.check_score_column("score")).unwrap();
}
