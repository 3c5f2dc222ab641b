//! Tables of a real server of PostgreSQL with pgvector.

use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use linprobe_core::{
    Embedding, Excluded, Hit, Point, Precision, Query, RecordId, StoreError, Survey, VectorStore,
};
use linprobe_store::{
    Access, ApproximatePgvectorStore, MemoryStore, PgvectorStore, RemoteStore, Variables,
    test_server::PostgresServer,
};
use pollster::block_on;

use crate::{moving::assert_copies, support::DIMENSION};

mod vectors {
    linprobe_store::conformance_tests!(
        super::fresh,
        ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"
    );
}

mod halves {
    linprobe_store::conformance_tests!(
        super::fresh_of_halves,
        ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"
    );
}

/// One server for all tests of a process.
pub(crate) fn server() -> &'static PostgresServer {
    static SERVER: OnceLock<PostgresServer> = OnceLock::new();
    SERVER.get_or_init(PostgresServer::start)
}

/// The name of a table that nobody else has.
pub(crate) fn new_table() -> String {
    static N_TABLES: AtomicUsize = AtomicUsize::new(0);
    format!("points_{}", N_TABLES.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn nothing_set() -> Variables {
    Variables::from_lookup(|_| None)
}

pub(crate) fn read(address: &str) -> Result<PgvectorStore, StoreError> {
    block_on(PgvectorStore::open(address, Access::Read, &nothing_set()))
}

pub(crate) fn write(address: &str, dimension: usize) -> Result<PgvectorStore, StoreError> {
    block_on(PgvectorStore::open(address, Access::Write { dimension }, &nothing_set()))
}

fn fresh(dimension: usize) -> PgvectorStore {
    write(&server().address(&new_table()), dimension).unwrap()
}

fn fresh_of_halves(dimension: usize) -> PgvectorStore {
    let table = new_table();
    server().sql(&format!("CREATE TABLE {table} (id text PRIMARY KEY, e halfvec({dimension}))"));
    write(&server().address(&table), dimension).unwrap()
}

fn id(name: &str) -> RecordId {
    RecordId::new(name).unwrap()
}

fn names(hits: &[Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.id.as_str()).collect()
}

fn search(store: &PgvectorStore, weights: &[f32], exclude: &[&str]) -> Vec<Hit> {
    let exclude: Excluded = exclude.iter().map(|name| id(name)).collect();
    block_on(store.search(Query { weights, top_k: 10, exclude: &exclude })).unwrap()
}

/// A table that a team may have: other columns, ids of some type, vectors of any length, gaps.
fn table_of(id_type: &str, ids: [&str; 4]) -> String {
    let table = new_table();
    let [a, b, c, d] = ids;
    server().sql(&format!(
        "CREATE TABLE {table} (title text NOT NULL, sku {id_type} PRIMARY KEY, price real, v vector(2)); \
         INSERT INTO {table} VALUES ('one', '{a}', 1, '[3,0]'), ('two', '{b}', 2, '[0.6,0.8]'), \
         ('none', '{c}', 3, NULL), ('zero', '{d}', 4, '[0,0]')"
    ));
    server().address(&format!("{table}&text=title"))
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn ids_of_any_type_are_found_excluded_and_fetched() {
    let uuids = ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"];
    for (id_type, first, second) in [
        ("bigint", "7", "-12"),
        ("smallint", "7", "12"),
        ("uuid", uuids[0], uuids[1]),
        ("varchar(9)", "a/b", "A/B"),
        ("numeric", "1.50", "2"),
        ("date", "2026-01-01", "2026-01-02"),
    ] {
        let others = match id_type {
            "uuid" => {
                ["c0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "d0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]
            }
            "date" => ["2026-01-03", "2026-01-04"],
            _ => ["30", "31"],
        };
        let store = read(&table_of(id_type, [first, second, others[0], others[1]])).unwrap();
        assert_eq!(names(&search(&store, &[1.0, 0.0], &[])), [first, second], "{id_type}");
        assert_eq!(names(&search(&store, &[1.0, 0.0], &[first, "x y"])), [second], "{id_type}");
        let asked = [second, "x y", "007", others[1], others[0], first].map(id);
        let points = block_on(store.fetch(&asked)).unwrap();
        assert_eq!(points.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(), [second, first]);
        let scanned = block_on(store.scan(Some(&id(first)), 9)).unwrap();
        assert!(scanned.iter().all(|point| point.id.as_str() == second), "{id_type}: {scanned:?}");
        let unknown = block_on(store.scan(Some(&id("x y")), 9));
        assert!(matches!(unknown, Err(StoreError::UnknownPoint { .. })), "{id_type}");
        assert_eq!(block_on(store.sample(9, 1)).unwrap().len(), 2);
        let texts = block_on(store.texts(&asked)).unwrap();
        assert_eq!(texts.get(&id(first)).map(String::as_str), Some("one"), "{id_type}");
    }
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn vectors_of_any_length_are_scored_by_their_direction_and_gaps_are_no_points() {
    let store = read(&table_of("bigint", ["1", "2", "3", "4"])).unwrap();
    let hits = search(&store, &[2.0, 0.0], &[]);
    let scores: Vec<f32> = hits.iter().map(|hit| hit.score).collect();
    assert_eq!(names(&hits), ["1", "2"]);
    assert!((scores[0] - 2.0).abs() < 1e-6 && (scores[1] - 1.2).abs() < 1e-6, "{scores:?}");
    // A vector of zeros is counted, and in no list; a row without a vector is neither.
    assert_eq!(block_on(store.count()).unwrap(), 3);
    let nothing = Excluded::new();
    let survey = Survey {
        weights: &[2.0, 0.0],
        bias: -1.5,
        top_k: 9,
        n_boundary: 9,
        threshold: 0.0,
        n_bins: 2,
        exclude: &nothing,
    };
    let report = block_on(store.survey(survey)).unwrap();
    assert_eq!((report.n_above, report.n_points, report.estimated), (1, 3, false));
    assert_eq!((names(&report.top), names(&report.boundary)), (vec!["1", "2"], vec!["2", "1"]));
    assert_eq!(report.histogram.counts, [1, 1]);
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_store_that_is_read_is_never_written() {
    let address = table_of("text", ["1", "2", "3", "4"]);
    let store = read(&address).unwrap();
    let point = Point { id: id("9"), embedding: Embedding::normalize(vec![1.0, 0.0]).unwrap() };
    let refused = [
        block_on(store.upsert(&[point])).unwrap_err(),
        block_on(store.delete(&[id("1")])).unwrap_err(),
    ];
    assert!(refused.iter().all(|e| matches!(e, StoreError::ReadOnly { .. })), "{refused:?}");
    assert_eq!(block_on(store.count()).unwrap(), 3);
}

/// Five rows, of which the first two cost more than 10.
fn table_with_prices() -> String {
    let table = new_table();
    server().sql(&format!(
        "CREATE TABLE {table} (id int PRIMARY KEY, title text, price real, v vector(2)); \
         INSERT INTO {table} VALUES (1, 'one', 11, '[3,0]'), (2, 'two', 12, '[0.6,0.8]'), \
         (3, 'three', 3, '[1,0]'), (4, 'four', NULL, '[0,1]'), (5, 'five', 13, NULL)"
    ));
    table
}

/// The address of a table of which only some rows are records; more of it comes behind.
fn address_where(table: &str, condition: &str) -> String {
    let condition =
        percent_encoding::utf8_percent_encode(condition, percent_encoding::NON_ALPHANUMERIC);
    server().address(&format!("{table}&text=title&where={condition}"))
}

/// Of rows 1 to 5 only the first two are records.
#[track_caller]
fn assert_sees_the_first_two(store: &dyn RemoteStore) {
    let all = ["1", "2", "3", "4", "5"].map(id);
    let ids = |points: Vec<Point>| -> Vec<String> {
        points.into_iter().map(|point| point.id.as_str().to_owned()).collect()
    };
    let (none, exclude) = (Excluded::new(), Excluded::from([id("1"), id("3")]));
    let search = |exclude| {
        let query = Query { weights: &[1.0, 0.0], top_k: 9, exclude };
        names(&block_on(store.search(query)).unwrap()).join(" ")
    };
    assert_eq!((search(&none).as_str(), search(&exclude).as_str()), ("1 2", "2"));
    assert_eq!(block_on(store.count()).unwrap(), 2);
    assert_eq!(ids(block_on(store.fetch(&all)).unwrap()), ["1", "2"]);
    assert_eq!(ids(block_on(store.scan(None, 9)).unwrap()), ["1", "2"]);
    assert_eq!(ids(block_on(store.scan(Some(&id("1")), 9)).unwrap()), ["2"]);
    let outside = block_on(store.scan(Some(&id("3")), 9));
    assert!(matches!(outside, Err(StoreError::UnknownPoint { .. })), "{outside:?}");
    assert_eq!(block_on(store.sample(9, 1)).unwrap().len(), 2);
    let texts = block_on(store.texts(&all)).unwrap();
    assert_eq!(texts.into_values().collect::<Vec<_>>(), ["one", "two"]);
    let survey = Survey {
        weights: &[1.0, 0.0],
        bias: -0.7,
        top_k: 9,
        n_boundary: 9,
        threshold: 0.0,
        n_bins: 2,
        exclude: &none,
    };
    let report = block_on(store.survey(survey)).unwrap();
    assert_eq!((report.n_points, report.n_above, report.histogram.counts), (2, 1, vec![1, 1]));
    assert_eq!(names(&report.top), ["1", "2"]);
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_condition_in_the_address_leaves_rows_out_of_every_answer() {
    let table = table_with_prices();
    for condition in
        ["price > 10", "price > 100 OR price > 10", "price > 10 -- dear", "t.price > 10"]
    {
        assert_sees_the_first_two(&read(&address_where(&table, condition)).unwrap());
    }
    server().sql(&format!("CREATE INDEX ON {table} USING hnsw (v vector_cosine_ops)"));
    let by_index = format!("{}&search=approximate", address_where(&table, "price > 10"));
    let store = block_on(ApproximatePgvectorStore::open(&by_index, Access::Read, &nothing_set()));
    assert_sees_the_first_two(&store.unwrap());
    let store = read(&address_where(&table, "price > 10")).unwrap();
    let version = block_on(store.version()).unwrap();
    server().sql(&format!("UPDATE {table} SET price = 11 WHERE id = 3"));
    assert_ne!(block_on(store.version()).unwrap(), version);
    assert_eq!(block_on(store.count()).unwrap(), 3);
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_condition_that_is_none_is_told_when_the_table_is_opened_and_nothing_is_written_through_one() {
    let table = table_with_prices();
    for (condition, words) in [
        ("prise > 10", "column \"prise\" does not exist"),
        ("price >", "syntax error"),
        ("title", "must be type boolean"),
        ("true) --", "syntax error"),
        ("true; DELETE FROM pg_class", "syntax error"),
    ] {
        let refused = read(&address_where(&table, condition)).unwrap_err();
        assert!(matches!(refused, StoreError::Unfit { .. }), "{refused:?}");
        let said = refused.to_string();
        assert!(said.contains(words) && said.contains("hint: where= takes"), "{condition}: {said}");
    }
    let address = address_where(&table, "price > 10");
    let refused = write(&address, 2).unwrap_err().to_string();
    assert!(refused.contains("must be seen") && refused.contains("leave where out"), "{refused}");
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn columns_with_no_dimension_views_and_other_schemas_will_do() {
    let table = new_table();
    server().sql(&format!(
        "CREATE SCHEMA \"the {table}\"; CREATE TABLE \"the {table}\".\"Rows\" (\"the \"\"id\" int PRIMARY KEY, e vector); \
         INSERT INTO \"the {table}\".\"Rows\" VALUES (1, '[1,2,3]'); \
         CREATE VIEW {table} AS SELECT \"the \"\"id\" AS id, e AS vec FROM \"the {table}\".\"Rows\""
    ));
    let named = server().address(&format!("the%20{table}.Rows&id=the%20%22id&embedding=e"));
    for address in [named, server().address(&table)] {
        let store = read(&address).unwrap();
        assert_eq!((store.spec().dimension, store.spec().precision), (3, Precision::F32));
        assert_eq!(names(&search(&store, &[1.0, 0.0, 0.0], &[])), ["1"]);
        block_on(store.version()).unwrap();
    }
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn points_are_copied_to_tables_of_both_precisions_and_back() {
    assert_copies(&fresh(DIMENSION));
    assert_copies(&fresh_of_halves(DIMENSION));
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn what_a_hundred_thousand_rows_answer_is_what_the_oracle_answers() {
    let store = fresh(16);
    let oracle = MemoryStore::new(16);
    let point = |n: usize| {
        let values =
            (0..16).map(|i| ((n * 31 + i * 7919) as f32 * 0.618).sin()).collect::<Vec<_>>();
        Point { id: id(&format!("r{n}")), embedding: Embedding::normalize(values).unwrap() }
    };
    let points: Vec<Point> = (0..100_000).map(point).collect();
    for store in [&store as &dyn VectorStore, &oracle] {
        block_on(store.upsert(&points)).unwrap();
    }
    let exclude: Excluded = points.iter().step_by(7).map(|point| point.id.clone()).collect();
    let weights: Vec<f32> = (0..16_u8).map(|i| f32::from(i) - 7.0).collect();
    let query = Query { weights: &weights, top_k: 200, exclude: &exclude };
    let [found, expected] = [&store as &dyn VectorStore, &oracle]
        .map(|store| names(&block_on(store.search(query)).unwrap()).join(" "));
    assert_eq!(found, expected);
}
