//! The promises of every store, as checks that any store can be put to.
//!
//! Each check states its promise, takes an empty store of [`DIMENSION`] and panics where the promise
//! is broken. [`conformance_tests!`](crate::conformance_tests) makes one test of each:
//!
//! ```no_run
//! fn fresh(dimension: usize) -> linprobe_store::MemoryStore {
//!     linprobe_store::MemoryStore::new(dimension)
//! }
//! mod memory {
//!     linprobe_store::conformance_tests!(super::fresh);
//! }
//! ```
//! Scores are compared with those of [`MemoryStore`], within what the store's precision allows.

use std::{collections::BTreeSet, thread};

use linprobe_core::{Excluded, Point, Query, RecordId, StoreError, Survey, VectorStore};
pub use pollster::block_on;

use crate::MemoryStore;

mod compare;
mod fixture;

use compare::{Ranking, assert_same_points, assert_same_ranking, assert_same_report};
use fixture::{id, ids_of, point, points, unit, weights};

/// The dimension of the stores that are checked: neither a power of two nor a multiple of 8.
pub const DIMENSION: usize = 43;

/// Makes one test of each check, over the stores that a function `fn(dimension) -> impl VectorStore`
/// makes. Attributes may follow, such as `ignore = "needs a server"`.
#[macro_export]
macro_rules! conformance_tests {
    ($fresh:expr $(, $attribute:meta)*) => {
        $crate::conformance_tests! { @each $fresh, [$($attribute)*];
            every_change_gives_another_version,
            an_empty_store_answers_with_nothing,
            points_are_read_back_in_the_order_asked_for,
            an_upsert_replaces,
            the_same_points_twice_are_kept_once,
            the_last_of_one_id_in_a_batch_is_kept,
            a_wrong_dimension_is_refused_and_nothing_is_written,
            a_batch_may_be_empty_or_large,
            hits_are_those_of_the_oracle,
            a_survey_is_that_of_the_oracle,
            surveys_at_once_are_those_of_each_alone,
            ties_break_by_id,
            lists_may_be_longer_than_the_store_or_empty,
            excluded_points_are_in_no_list,
            excluded_points_count_in_the_histogram,
            deleted_points_are_gone,
            unknown_ids_are_no_error,
            a_scan_yields_every_point_once_and_resumes,
            a_scan_after_an_unknown_point_is_refused,
            a_sample_is_drawn_without_replacement_from_seed_and_contents,
            ids_may_be_any_text,
            a_flush_keeps_everything,
            changes_and_searches_may_run_at_once,
            any_sequence_of_changes_ends_as_the_oracle_does,
        }
    };
    (@each $fresh:expr, $attributes:tt; $($check:ident,)*) => {
        $($crate::conformance_tests! { @one $fresh, $attributes; $check })*
    };
    (@one $fresh:expr, [$($attribute:meta)*]; $check:ident) => {
        $(#[$attribute])*
        #[test]
        fn $check() {
            let store = $fresh($crate::conformance::DIMENSION);
            $crate::conformance::block_on($crate::conformance::$check(&store));
        }
    };
}

/// An empty store finds nothing and counts nothing, without an error.
pub async fn an_empty_store_answers_with_nothing(store: &dyn VectorStore) {
    assert_eq!(store.count().await.expect("count"), 0);
    assert_eq!(store.spec().dimension, DIMENSION);
    let report = store.survey(survey(&weights(1), &Excluded::new())).await.expect("survey");
    assert!(report.top.is_empty() && report.boundary.is_empty());
    assert_eq!((report.n_above, report.n_points), (0, 0));
    assert_eq!(report.histogram.counts, vec![0; report.histogram.counts.len()]);
    assert_eq!(search(store, &weights(1), 3).await, []);
    assert_eq!(store.scan(None, 10).await.expect("scan"), []);
    assert_eq!(store.sample(10, 1).await.expect("sample"), []);
}

/// Points come back by id, in the order of the ids, those that are not there left out.
pub async fn points_are_read_back_in_the_order_asked_for(store: &dyn VectorStore) {
    store.upsert(&points(0..20)).await.expect("upsert");
    let found = store.fetch(&[id(17), id(99), id(3)]).await.expect("fetch");
    assert_same_points(store, &found, &[point(17), point(3)]);
}

/// A point takes the place of the one with the same id.
pub async fn an_upsert_replaces(store: &dyn VectorStore) {
    store.upsert(&points(0..20)).await.expect("upsert");
    let replaced = Point { id: id(7), embedding: unit(1007) };
    store.upsert(std::slice::from_ref(&replaced)).await.expect("upsert again");
    assert_eq!(store.count().await.expect("count"), 20);
    assert_same_points(store, &store.fetch(&[id(7)]).await.expect("fetch"), &[replaced]);
    let hits = search(store, unit(7).as_slice(), 1).await;
    assert_ne!(hits[0].id, id(7), "the old embedding is still found");
    assert_eq!(search(store, unit(1007).as_slice(), 1).await[0].id, id(7));
}

/// Writing the same points again changes nothing.
pub async fn the_same_points_twice_are_kept_once(store: &dyn VectorStore) {
    store.upsert(&points(0..20)).await.expect("upsert");
    let before = store.scan(None, 100).await.expect("scan");
    store.upsert(&points(5..20)).await.expect("upsert again");
    assert_eq!(store.count().await.expect("count"), 20);
    assert_eq!(store.scan(None, 100).await.expect("scan"), before);
}

/// Where a batch has one id several times, the last point of it is kept.
pub async fn the_last_of_one_id_in_a_batch_is_kept(store: &dyn VectorStore) {
    let twice = [1001, 1002].map(|seed| Point { id: id(1), embedding: unit(seed) });
    store.upsert(&[twice[0].clone(), point(2), twice[1].clone()]).await.expect("upsert");
    assert_eq!(store.count().await.expect("count"), 2);
    assert_same_points(store, &store.fetch(&[id(1)]).await.expect("fetch"), &twice[1..]);
}

/// Each state that the store itself has made of the points has a version of its own, also where their number is the same;
/// reading makes none.
pub async fn every_change_gives_another_version(store: &dyn VectorStore) {
    let version = async || store.version().await.expect("version");
    let mut versions = vec![version().await];
    store.upsert(&points(0..20)).await.expect("upsert");
    versions.push(version().await);
    let replaced = Point { id: id(7), embedding: unit(1007) };
    store.upsert(&[replaced]).await.expect("upsert again");
    versions.push(version().await);
    store.delete(&[id(3)]).await.expect("delete");
    versions.push(version().await);
    store.upsert(&[point(3)]).await.expect("upsert what was deleted");
    versions.push(version().await);
    search(store, &weights(1), 3).await;
    assert_eq!(version().await, versions[4]);
    assert_eq!(versions.iter().collect::<BTreeSet<_>>().len(), 5, "{versions:?}");
}

/// Vectors of another dimension are refused, and a batch with one of them leaves no trace.
pub async fn a_wrong_dimension_is_refused_and_nothing_is_written(store: &dyn VectorStore) {
    let short = Point { id: id(9), embedding: fixture::unit_of(9, DIMENSION - 1) };
    let refused = |error: StoreError| {
        matches!(error, StoreError::Dimension { expected, found }
            if expected == DIMENSION && found == DIMENSION - 1)
    };
    let weights = short.embedding.as_slice().to_owned();
    let none = Excluded::new();
    assert!(store.upsert(&[point(1), short]).await.is_err_and(refused));
    assert_eq!(store.count().await.expect("count"), 0);
    let query = Query { weights: &weights, top_k: 1, exclude: &none };
    assert!(store.search(query).await.is_err_and(refused));
    assert!(store.survey(survey(&weights, &none)).await.is_err_and(refused));
}

/// A batch of nothing is no error, and one of ten thousand points arrives whole.
pub async fn a_batch_may_be_empty_or_large(store: &dyn VectorStore) {
    store.upsert(&[]).await.expect("upsert nothing");
    assert_eq!(store.count().await.expect("count"), 0);
    store.upsert(&points(0..10_000)).await.expect("upsert");
    assert_eq!(store.count().await.expect("count"), 10_000);
    assert_same_points(store, &store.fetch(&[id(9_999)]).await.expect("fetch"), &[point(9_999)]);
}

/// A search finds the points with the highest scores, best first.
pub async fn hits_are_those_of_the_oracle(store: &dyn VectorStore) {
    let oracle = filled(store, &points(0..2_000)).await;
    let none = Excluded::new();
    for (seed, top_k) in [(1, 1), (2, 10), (3, 500)] {
        let weights = weights(seed);
        let query = Query { weights: &weights, top_k, exclude: &none };
        let found = store.search(query).await.expect("search");
        let ranking = Ranking::new(&oracle, &weights, 0.0, &none).await;
        assert_same_ranking(store, &found, &ranking, top_k, |score| score);
    }
}

/// A survey finds the highest scores, those nearest to zero, their histogram and how many are above
/// a threshold.
pub async fn a_survey_is_that_of_the_oracle(store: &dyn VectorStore) {
    let oracle = filled(store, &points(0..2_000)).await;
    let none = Excluded::new();
    for (seed, bias, threshold) in [(1, 0.0, 0.0), (2, -0.2, 0.1), (3, 5.0, 0.0), (4, -5.0, 0.0)] {
        let weights = weights(seed);
        let survey = Survey { bias, threshold, ..survey(&weights, &none) };
        let report = store.survey(survey).await.expect("survey");
        assert_same_report(store, &oracle, survey, &report).await;
    }
}

/// Surveys that are asked at once are answered as each would be alone; none, with nothing.
pub async fn surveys_at_once_are_those_of_each_alone(store: &dyn VectorStore) {
    store.upsert(&points(0..700)).await.expect("upsert");
    let excluded: Excluded = ids_of(0..90).into_iter().collect();
    let none = Excluded::new();
    let all: Vec<Vec<f32>> = (0..11).map(weights).collect();
    let surveys: Vec<Survey<'_>> = all
        .iter()
        .zip([&none, &excluded].into_iter().cycle())
        .map(|(weights, exclude)| survey(weights, exclude))
        .collect();
    let reports = store.survey_all(&surveys).await.expect("surveys");
    assert_eq!(reports.len(), surveys.len());
    for (report, survey) in reports.iter().zip(&surveys) {
        assert_eq!(*report, store.survey(*survey).await.expect("survey"));
    }
    assert!(store.survey_all(&[]).await.expect("no surveys").is_empty());
}

/// Among equal scores the ids that come first are listed, in their order, whatever the order in
/// which they were written; at the end of a list as well, and where every score is equal.
pub async fn ties_break_by_id(store: &dyn VectorStore) {
    let mut crowd: Vec<Point> = (0..500).rev().map(|n| same_as(1, 3 * n % 500)).collect();
    crowd.push(Point { id: id(900), embedding: unit(2) });
    store.upsert(&crowd).await.expect("upsert");
    let first = |n| ids_of(0..500).into_iter().take(n).collect::<Vec<_>>();
    let best = search(store, unit(1).as_slice(), 20).await;
    assert_eq!(best.into_iter().map(|hit| hit.id).collect::<Vec<_>>(), first(20));

    let nothing = vec![0.0; DIMENSION];
    let none = Excluded::new();
    let report = store.survey(survey(&nothing, &none)).await.expect("survey");
    for list in [report.top, report.boundary] {
        let ids: Vec<_> = list.iter().map(|hit| hit.id.clone()).collect();
        assert_eq!(ids, first(ids.len()));
        assert!(list.iter().all(|hit| hit.score.to_bits() == 0), "{list:?}");
    }
}

/// A list has at most as many hits as there are points, and none where none are asked for.
pub async fn lists_may_be_longer_than_the_store_or_empty(store: &dyn VectorStore) {
    store.upsert(&points(0..70)).await.expect("upsert");
    let none = Excluded::new();
    let weights = weights(1);
    let all = Survey { top_k: 1_000, n_boundary: 1_000, ..survey(&weights, &none) };
    let report = store.survey(all).await.expect("survey");
    assert_eq!((report.top.len(), report.boundary.len()), (70, 70));
    let nothing = Survey { top_k: 0, n_boundary: 0, n_bins: 0, ..all };
    let report = store.survey(nothing).await.expect("survey");
    assert!(report.top.is_empty() && report.boundary.is_empty());
    assert!(report.histogram.counts.is_empty());
}

/// Excluded points are in no list, be they none, one, all or thousands, and others take their place.
pub async fn excluded_points_are_in_no_list(store: &dyn VectorStore) {
    let oracle = filled(store, &points(0..6_000)).await;
    let weights = weights(1);
    let best = search(store, &weights, 1).await.remove(0).id;
    let sets: [Excluded; 4] = [
        [best].into(),
        (0..5_000).map(id).collect(),
        (0..6_000).map(id).collect(),
        [RecordId::new("not there").expect("an id")].into(),
    ];
    for exclude in sets {
        let survey = survey(&weights, &exclude);
        let report = store.survey(survey).await.expect("survey");
        assert_same_report(store, &oracle, survey, &report).await;
        let query = Query { weights: &weights, top_k: 20, exclude: &exclude };
        let found = store.search(query).await.expect("search");
        let ranking = Ranking::new(&oracle, &weights, 0.0, &exclude).await;
        assert_same_ranking(store, &found, &ranking, 20, |score| score);
    }
}

/// Excluding points changes lists, and neither histogram nor counts.
pub async fn excluded_points_count_in_the_histogram(store: &dyn VectorStore) {
    store.upsert(&points(0..100)).await.expect("upsert");
    let weights = weights(1);
    let (none, many) = (Excluded::new(), (0..90).map(id).collect());
    let whole = store.survey(survey(&weights, &none)).await.expect("survey");
    let part = store.survey(survey(&weights, &many)).await.expect("survey");
    assert_eq!(part.histogram, whole.histogram);
    assert_eq!((part.n_above, part.n_points), (whole.n_above, 100));
}

/// A deleted point is not searched, fetched, scanned, drawn or counted, and may come back.
pub async fn deleted_points_are_gone(store: &dyn VectorStore) {
    store.upsert(&points(0..100)).await.expect("upsert");
    let gone = ids_of(20..90);
    assert_eq!(store.delete(&gone).await.expect("delete"), 70);
    let oracle = MemoryStore::new(DIMENSION);
    oracle.upsert(&[points(0..20), points(90..100)].concat()).await.expect("upsert to the oracle");

    let (weights, none) = (weights(1), Excluded::new());
    let survey = Survey { top_k: 100, n_boundary: 100, ..survey(&weights, &none) };
    let report = store.survey(survey).await.expect("survey");
    assert_same_report(store, &oracle, survey, &report).await;
    assert_eq!(store.count().await.expect("count"), 30);
    assert_eq!(store.fetch(&gone).await.expect("fetch"), []);
    assert_eq!(store.scan(None, 1_000).await.expect("scan").len(), 30);
    assert_eq!(store.sample(1_000, 1).await.expect("sample").len(), 30);

    store.upsert(&points(20..21)).await.expect("upsert again");
    assert_eq!(store.count().await.expect("count"), 31);
}

/// Deleting what is not there, or one thing twice, is no error and counts nothing.
pub async fn unknown_ids_are_no_error(store: &dyn VectorStore) {
    store.upsert(&points(0..3)).await.expect("upsert");
    assert_eq!(store.delete(&[]).await.expect("delete"), 0);
    assert_eq!(store.delete(&[id(1), id(77), id(1)]).await.expect("delete"), 1);
    assert_eq!(store.delete(&[id(1)]).await.expect("delete"), 0);
    assert_eq!(store.fetch(&[id(77), id(1)]).await.expect("fetch"), []);
    assert_eq!(store.count().await.expect("count"), 2);
}

/// A scan gives every point once, page by page, and always in the same order.
pub async fn a_scan_yields_every_point_once_and_resumes(store: &dyn VectorStore) {
    store.upsert(&points(0..100)).await.expect("upsert");
    store.delete(&ids_of(40..50)).await.expect("delete");
    let whole = store.scan(None, usize::MAX).await.expect("scan");
    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let page = store.scan(after.as_ref(), 7).await.expect("scan a page");
        assert!(page.len() <= 7);
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        paged.extend(page);
    }
    assert_eq!(paged, whole);
    let distinct: BTreeSet<_> = whole.iter().map(|point| point.id.clone()).collect();
    assert_eq!((whole.len(), distinct.len()), (90, 90));
}

/// A scan cannot start after a point that is not there.
pub async fn a_scan_after_an_unknown_point_is_refused(store: &dyn VectorStore) {
    store.upsert(&points(0..3)).await.expect("upsert");
    let refused = store.scan(Some(&id(77)), 1).await;
    assert!(matches!(refused, Err(StoreError::UnknownPoint { id: unknown }) if unknown == id(77)));
}

/// A sample holds no point twice, is the same for the same seed and points, however they were
/// written, and another for another seed.
pub async fn a_sample_is_drawn_without_replacement_from_seed_and_contents(store: &dyn VectorStore) {
    store.upsert(&points(0..500)).await.expect("upsert");
    let drawn = store.sample(100, 1).await.expect("sample");
    let distinct: BTreeSet<_> = drawn.iter().map(|point| point.id.clone()).collect();
    assert_eq!((drawn.len(), distinct.len()), (100, 100));
    assert_ne!(store.sample(100, 2).await.expect("sample"), drawn);
    assert_eq!(store.sample(1_000, 1).await.expect("sample").len(), 500);

    store.delete(&ids_of(0..250)).await.expect("delete");
    assert_ne!(store.sample(100, 1).await.expect("sample"), drawn);
    store.upsert(&points(0..250)).await.expect("upsert again");
    assert_eq!(store.sample(100, 1).await.expect("sample"), drawn);
}

/// Ids may hold slashes, spaces, quotes and any script, and take up to 512 bytes; letters differ from
/// capitals.
pub async fn ids_may_be_any_text(store: &dyn VectorStore) {
    let long = "x".repeat(RecordId::MAX_BYTES);
    let names =
        ["a/b.jpg", "A/b.jpg", "two words", "it's \"it\"; --", "🐕 собака", "0", "00", &long];
    let new = |name: &str| RecordId::new(name).expect("an id");
    let written: Vec<Point> = names
        .iter()
        .zip(1..)
        .map(|(name, seed)| Point { id: new(name), embedding: unit(seed) })
        .collect();
    store.upsert(&written).await.expect("upsert");
    let found = store.fetch(&names.map(new)).await.expect("fetch");
    assert_same_points(store, &found, &written);
    for point in &written {
        let hits = search(store, point.embedding.as_slice(), 1).await;
        assert_eq!(hits[0].id, point.id);
    }
}

/// After a flush all that was written is found.
pub async fn a_flush_keeps_everything(store: &dyn VectorStore) {
    store.flush().await.expect("flush nothing");
    let oracle = filled(store, &points(0..50)).await;
    store.flush().await.expect("flush");
    let (weights, none) = (weights(1), Excluded::new());
    let report = store.survey(survey(&weights, &none)).await.expect("survey");
    assert_same_report(store, &oracle, survey(&weights, &none), &report).await;
}

/// Searches see every point that was there before, while others are written and replaced.
pub async fn changes_and_searches_may_run_at_once(store: &dyn VectorStore) {
    store.upsert(&points(0..100)).await.expect("upsert");
    thread::scope(|scope| {
        for writer in 1..3 {
            scope.spawn(move || {
                for batch in 0..10 {
                    let start = writer * 1_000 + batch * 10;
                    let replaced = (0..50).map(|n| same_as(start, n)).collect();
                    let batch = [points(start..start + 10), replaced].concat();
                    block_on(store.upsert(&batch)).expect("upsert beside searches");
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..20 {
                let found = block_on(search(store, &weights(1), 1_000));
                let distinct: BTreeSet<_> = found.iter().map(|hit| hit.id.clone()).collect();
                assert_eq!(distinct.len(), found.len());
                assert!(ids_of(0..100).iter().all(|id| distinct.contains(id)));
            }
        });
    });
    assert_eq!(store.count().await.expect("count"), 300);
}

/// Whatever is written, replaced and deleted, the store ends with the points of the oracle.
pub async fn any_sequence_of_changes_ends_as_the_oracle_does(store: &dyn VectorStore) {
    let oracle = MemoryStore::new(DIMENSION);
    for step in 0..60_u64 {
        let start = step * 37 % 50;
        let embedding_of = |n| unit(n + 1_000 * (step * 13 % 7));
        let batch: Vec<Point> = (start..start + step % 9)
            .map(|n| Point { id: id(n), embedding: embedding_of(n) })
            .collect();
        let gone = ids_of(step * 11 % 50..step * 11 % 50 + step % 4);
        for store in [store, &oracle] {
            store.upsert(&batch).await.expect("upsert");
        }
        let n_gone = [store.delete(&gone).await, oracle.delete(&gone).await];
        let [found, expected] = n_gone.map(|n_gone| n_gone.expect("delete"));
        assert_eq!(found, expected, "step {step}");
    }
    let ids = ids_of(0..70);
    let expected = oracle.fetch(&ids).await.expect("fetch from the oracle");
    assert_same_points(store, &store.fetch(&ids).await.expect("fetch"), &expected);
    assert_eq!(store.count().await.expect("count"), expected.len() as u64);
}

/// Writes points to a store and to an oracle.
async fn filled(store: &dyn VectorStore, points: &[Point]) -> MemoryStore {
    let oracle = MemoryStore::new(DIMENSION);
    for store in [store, &oracle] {
        store.upsert(points).await.expect("upsert");
    }
    oracle
}

async fn search(store: &dyn VectorStore, weights: &[f32], top_k: usize) -> Vec<linprobe_core::Hit> {
    let exclude = Excluded::new();
    store.search(Query { weights, top_k, exclude: &exclude }).await.expect("search")
}

fn survey<'a>(weights: &'a [f32], exclude: &'a Excluded) -> Survey<'a> {
    Survey { weights, bias: 0.0, top_k: 20, n_boundary: 20, threshold: 0.1, n_bins: 12, exclude }
}

/// A point with the embedding of another.
fn same_as(seed: u64, n: u64) -> Point {
    Point { id: id(n), embedding: unit(seed) }
}
