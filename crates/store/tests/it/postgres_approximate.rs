//! Tables of a real server of PostgreSQL that are asked through an index of pgvector.

use std::collections::BTreeSet;

use linprobe_core::{
    Embedding, Excluded, Hit, Point, Query, RecordId, StoreError, Survey, SurveyReport, VectorStore,
};
use linprobe_store::{Access, ApproximatePgvectorStore, RemoteStore};
use pollster::block_on;

use crate::postgres::{new_table, nothing_set, read, server, write};

mod hnsw {
    linprobe_store::conformance_tests!(
        super::fresh_hnsw,
        ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"
    );
}

mod ivfflat {
    linprobe_store::conformance_tests!(
        super::fresh_ivfflat,
        ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"
    );
}

const DIMENSION: usize = 24;

fn open(address: &str, access: Access) -> Result<ApproximatePgvectorStore, StoreError> {
    block_on(ApproximatePgvectorStore::open(address, access, &nothing_set()))
}

fn fresh(dimension: usize, index: &str) -> ApproximatePgvectorStore {
    let table = new_table();
    server().sql(&format!(
        "CREATE TABLE {table} (id text PRIMARY KEY, e vector({dimension})); CREATE INDEX ON {table} USING {index}"
    ));
    let address = server().address(&format!("{table}&search=approximate"));
    open(&address, Access::Write { dimension }).unwrap()
}

fn fresh_hnsw(dimension: usize) -> ApproximatePgvectorStore {
    fresh(dimension, "hnsw (e vector_cosine_ops)")
}

/// As many lists are looked at as there are, since they were made of no rows.
fn fresh_ivfflat(dimension: usize) -> ApproximatePgvectorStore {
    fresh(dimension, "ivfflat (e vector_cosine_ops) WITH (lists = 1)")
}

fn id(n: usize) -> RecordId {
    RecordId::new(format!("r{n}")).unwrap()
}

/// One in fifty is near one direction.
fn point(n: usize) -> Point {
    let value = |i: usize| {
        let mixed = ((n * DIMENSION + i + 1) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let noise = (mixed >> 40) as f32 / (1 << 23) as f32 - 1.0;
        noise + if n.is_multiple_of(50) && i < 4 { 3.0 } else { 0.0 }
    };
    let embedding = Embedding::normalize((0..DIMENSION).map(value).collect::<Vec<_>>()).unwrap();
    Point { id: id(n), embedding }
}

fn weights() -> Vec<f32> {
    (0..DIMENSION).map(|i| if i < 4 { 2.0 } else { 0.1 }).collect()
}

/// More rows than surveys read whole, and an index on them.
fn table_of_many(index: &str) -> String {
    let table = new_table();
    let address = server().address(&table);
    let store = write(&address, DIMENSION).unwrap();
    let points: Vec<Point> = (0..30_000).map(point).collect();
    block_on(store.upsert(&points)).unwrap();
    server().sql(&format!("CREATE INDEX ON {table} USING {index}; ANALYZE {table}"));
    address
}

fn survey(store: &dyn VectorStore, exclude: &Excluded) -> SurveyReport {
    let weights = weights();
    let survey = Survey {
        weights: &weights,
        bias: -1.0,
        top_k: 100,
        n_boundary: 50,
        threshold: 0.0,
        n_bins: 20,
        exclude,
    };
    block_on(store.survey(survey)).unwrap()
}

fn ids(hits: &[Hit]) -> BTreeSet<&str> {
    hits.iter().map(|hit| hit.id.as_str()).collect()
}

fn assert_near(exact: &SurveyReport, found: &SurveyReport, n_common: usize) {
    assert!(found.estimated && !exact.estimated);
    let common = ids(&found.top).intersection(&ids(&exact.top)).count();
    assert!(found.top.len() == 100 && common >= n_common, "{common} of the first hundred");
    for (better, worse) in found.top.iter().zip(&found.top[1..]) {
        assert!(better.score >= worse.score);
    }
    for hit in &found.top {
        let same = exact.top.iter().find(|exact| exact.id == hit.id);
        assert!(same.is_none_or(|same| (same.score - hit.score).abs() < 1e-5), "{hit:?}, {same:?}");
    }
    let (about, n_above) = (found.n_above as f64, exact.n_above as f64);
    assert!((about - n_above).abs() < 0.2 * n_above, "{about} of {n_above}");
    assert_eq!(found.n_points, 30_000);
    assert_eq!(found.histogram.counts.iter().sum::<u64>(), 30_000);
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn an_index_gives_most_of_the_top_and_a_sample_what_no_index_knows() {
    for index in [
        "hnsw (embedding vector_cosine_ops)",
        "ivfflat (embedding vector_ip_ops) WITH (lists = 100)",
    ] {
        let address = table_of_many(index);
        let (exact, approximate) = (
            read(&address).unwrap(),
            open(&format!("{address}&search=approximate"), Access::Read).unwrap(),
        );
        assert!(exact.spec().exact && !approximate.spec().exact);
        let none = Excluded::new();
        let expected = survey(&exact, &none);
        assert_near(&expected, &survey(&approximate, &none), 80);
        // All that was at the top was seen, and nothing of it comes again.
        let seen: Excluded = expected.top.iter().map(|hit| hit.id.clone()).collect();
        let (expected, found) = (survey(&exact, &seen), survey(&approximate, &seen));
        assert_near(&expected, &found, 60);
        assert!(
            found.top.iter().chain(&found.boundary).all(|hit| !seen.contains(&hit.id)),
            "{index}"
        );
        drop(approximate);
        wait_for(|| {
            let table = address.split("table=").nth(1).unwrap();
            let used = "SELECT sum(idx_scan) > 1 FROM pg_stat_user_indexes WHERE indexrelname LIKE";
            server().sql(&format!("{used} '%embedding%' AND relname = '{table}'")) == "t"
        });
    }
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn thousands_of_seen_records_at_the_top_are_passed_over() {
    let address = table_of_many("hnsw (embedding vector_cosine_ops)");
    let store = open(&format!("{address}&search=approximate"), Access::Read).unwrap();
    let (weights, none) = (weights(), Excluded::new());
    let search = |exclude: &Excluded| {
        block_on(store.search(Query { weights: &weights, top_k: 20, exclude })).unwrap()
    };
    let mut seen = Excluded::new();
    for _round in 0..100 {
        let shown = search(&seen);
        assert_eq!(shown.len(), 20);
        for hit in shown {
            assert!(seen.insert(hit.id));
        }
    }
    assert_eq!((seen.len(), search(&none).len()), (2_000, 20));
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_large_table_is_believed_to_be_what_the_server_has_counted() {
    let table = new_table();
    server().sql(&format!(
        "CREATE TABLE {table} (id int PRIMARY KEY, e vector(3)); SELECT setseed(.5); \
         INSERT INTO {table} SELECT i, ARRAY[random(), random() - .5, i / 120000.]::real[]::vector \
           FROM generate_series(1, 120000) i; \
         CREATE INDEX ON {table} USING ivfflat (e vector_cosine_ops) WITH (lists = 20)"
    ));
    server().sql(&format!("VACUUM ANALYZE {table}"));
    let address = server().address(&format!("{table}&search=approximate"));
    let store = open(&address, Access::Read).unwrap();
    let report = survey_of_three(&store);
    assert!(report.estimated && report.n_points.abs_diff(120_000) < 1_200, "{}", report.n_points);
    // Blocks are chosen, and rows among them: they are spread over the whole table.
    let drawn = block_on(store.sample(5_000, 7)).unwrap();
    assert_eq!(drawn, block_on(store.sample(5_000, 7)).unwrap());
    assert_ne!(drawn, block_on(store.sample(5_000, 8)).unwrap());
    let number = |point: &Point| point.id.as_str().parse::<usize>().unwrap();
    let n_in_first_half = drawn.iter().filter(|point| number(point) <= 60_000).count();
    assert!(drawn.len() == 5_000 && (2_000..3_000).contains(&n_in_first_half), "{n_in_first_half}");
    let version = block_on(store.version()).unwrap();
    assert_eq!(block_on(store.version()).unwrap(), version);
    server().sql(&format!("UPDATE {table} SET e = '[1,2,3]' WHERE id = 7"));
    wait_for(|| block_on(store.version()).unwrap() != version);
}

/// What a server has counted is told when a connection ends, or some seconds later.
fn wait_for(mut happens: impl FnMut() -> bool) {
    let mut n_looks = 0;
    while !happens() {
        n_looks += 1;
        assert!(n_looks < 1_000);
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
}

fn survey_of_three(store: &dyn VectorStore) -> SurveyReport {
    let none = Excluded::new();
    let survey = Survey {
        weights: &[1.0, 0.5, -1.0],
        bias: 0.0,
        top_k: 10,
        n_boundary: 10,
        threshold: 0.0,
        n_bins: 5,
        exclude: &none,
    };
    block_on(store.survey(survey)).unwrap()
}

#[test]
#[ignore = "needs LINPROBE_TEST_POSTGRES, the programs of PostgreSQL"]
fn a_table_without_an_index_or_with_one_of_lengths_says_what_would_do() {
    let table = new_table();
    server().sql(&format!("CREATE TABLE {table} (id int PRIMARY KEY, e halfvec(2)); INSERT INTO {table} VALUES (1, '[3,4]')"));
    let address = server().address(&format!("{table}&search=approximate"));
    let said = open(&address, Access::Read).unwrap_err().to_string();
    let hint = "USING hnsw (\"e\" public.halfvec_cosine_ops)";
    assert!(said.contains("no index of pgvector") && said.contains(hint), "{said}");
    server().sql(&format!("CREATE INDEX ON {table} USING hnsw (e halfvec_l2_ops)"));
    let said = open(&address, Access::Read).unwrap_err().to_string();
    assert!(
        said.contains("not all of unit length") && said.contains("halfvec_cosine_ops"),
        "{said}"
    );
    server().sql(&format!("UPDATE {table} SET e = '[0.6,0.8]'"));
    let store = open(&address, Access::Read).unwrap();
    assert_eq!(store.address(), address);
    let none = Excluded::new();
    let hits =
        block_on(store.search(Query { weights: &[2.0, 0.0], top_k: 3, exclude: &none })).unwrap();
    assert!(hits.len() == 1 && (hits[0].score - 1.2).abs() < 1e-3, "{hits:?}");
}
