//! The embedded store beside the oracle, on contents that nobody thought of.

use std::collections::BTreeSet;

use linprobe_core::{Embedding, Excluded, Point, Query, RecordId, Survey, VectorStore};
use linprobe_store::{Damaged, EmbeddedStore, MemoryStore, compact};
use pollster::block_on;
use proptest::prelude::*;

use crate::support::assert_sound;

const DIMENSION: usize = 3;

/// One of few embeddings, so that many scores tie.
fn embedding() -> impl Strategy<Value = Embedding> {
    let coordinate = -2_i8..=2;
    let values = prop::array::uniform3(coordinate).prop_filter("no direction", |v| *v != [0; 3]);
    values.prop_map(|v| Embedding::normalize(v.map(f32::from).to_vec()).unwrap())
}

fn point() -> impl Strategy<Value = Point> {
    let id = (0_u64..60).prop_map(RecordId::from_row);
    (id, embedding()).prop_map(|(id, embedding)| Point { id, embedding })
}

#[derive(Clone, Debug)]
enum Change {
    Upsert(Vec<Point>),
    Delete(Vec<RecordId>),
    Reopen,
    Compact,
}

fn change() -> impl Strategy<Value = Change> {
    let ids = prop::collection::vec((0_u64..60).prop_map(RecordId::from_row), 0..20);
    prop_oneof![
        4 => prop::collection::vec(point(), 0..40).prop_map(Change::Upsert),
        2 => ids.prop_map(Change::Delete),
        1 => Just(Change::Reopen),
        1 => Just(Change::Compact),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_changes_leave_the_points_of_the_oracle(
        changes in prop::collection::vec(change(), 1..8),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = EmbeddedStore::create(folder.path(), DIMENSION).unwrap();
        let oracle = MemoryStore::new(DIMENSION);
        for change in changes {
            match change {
                Change::Upsert(points) => {
                    block_on(store.upsert(&points)).unwrap();
                    block_on(oracle.upsert(&points)).unwrap();
                }
                Change::Delete(ids) => {
                    let expected = block_on(oracle.delete(&ids)).unwrap();
                    prop_assert_eq!(block_on(store.delete(&ids)).unwrap(), expected);
                }
                Change::Reopen => {
                    drop(store);
                    store = EmbeddedStore::open(folder.path()).unwrap();
                }
                Change::Compact => {
                    drop(store);
                    let compaction = compact(folder.path(), Damaged::Refuse).unwrap();
                    prop_assert_eq!(compaction.n_rows, block_on(oracle.count()).unwrap());
                    store = EmbeddedStore::open(folder.path()).unwrap();
                }
            }
            assert_sound(folder.path());
        }
        let all: Vec<RecordId> = (0..60).map(RecordId::from_row).collect();
        let expected = block_on(oracle.fetch(&all)).unwrap();
        let found = block_on(store.fetch(&all)).unwrap();
        prop_assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert_eq!(&found.id, &expected.id);
            prop_assert!(found.embedding.dot(expected.embedding.as_slice()) > 0.9999);
        }
    }

    /// The lists of a survey are those of sorting all scores by key, then by id: where embeddings
    /// are few, most places are decided by id.
    #[test]
    fn lists_are_all_scores_sorted(
        points in prop::collection::btree_map(0_u64..1_000, embedding(), 0..300),
        weights in embedding(),
        excluded in prop::collection::btree_set((0_u64..1_000).prop_map(RecordId::from_row), 0..200),
        n_hits in 0_usize..40,
        bias in prop_oneof![Just(0.0_f32), -1.0_f32..1.0],
    ) {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::create(folder.path(), DIMENSION).unwrap();
        let points = points.into_iter().map(|(n, embedding)| Point { id: RecordId::from_row(n), embedding });
        let points: Vec<Point> = points.collect();
        block_on(store.upsert(&points)).unwrap();

        let survey = Survey {
            weights: weights.as_slice(), bias, top_k: n_hits, n_boundary: n_hits,
            threshold: 0.0, n_bins: 5, exclude: &excluded,
        };
        let report = block_on(store.survey(survey)).unwrap();
        let scored = scores(&store, weights.as_slice(), bias);
        let listed: Vec<_> =
            scored.iter().filter(|(id, _)| !excluded.contains(id)).cloned().collect();
        let found = |hits: &[linprobe_core::Hit]| {
            hits.iter().map(|hit| (hit.id.clone(), hit.score)).collect::<Vec<_>>()
        };
        prop_assert_eq!(found(&report.top), sorted(&listed, n_hits, |score| -score));
        prop_assert_eq!(found(&report.boundary), sorted(&listed, n_hits, f32::abs));
        let n_above = scored.iter().filter(|(_, score)| *score >= 0.0).count();
        prop_assert_eq!(report.n_above, n_above as u64);
        prop_assert_eq!(report.histogram.counts.iter().sum::<u64>(), scored.len() as u64);
    }

    /// A store that is narrowed to some points answers as one that has no others, also after it was
    /// written to and compacted.
    #[test]
    fn a_narrowed_store_is_one_of_its_points_alone(
        points in prop::collection::btree_map(0_u64..400, embedding(), 0..200),
        later in prop::collection::btree_map(0_u64..400, embedding(), 0..20),
        gone in prop::collection::vec((0_u64..400).prop_map(RecordId::from_row), 0..20),
        scope in prop::collection::btree_set((0_u64..400).prop_map(RecordId::from_row), 0..200),
        has_copy in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::create(folder.path(), DIMENSION).unwrap();
        let alone = MemoryStore::new(DIMENSION);
        let readable = EmbeddedStore::open_read_only(folder.path()).unwrap();
        let narrowed = readable.narrowed(scope.iter().cloned());
        let all: Vec<RecordId> = (0..400).map(RecordId::from_row).collect();
        prop_assert_eq!(&block_on(narrowed.in_scope(&all)).unwrap(), &scope);
        prop_assert_eq!(block_on(readable.in_scope(&all)).unwrap().len(), all.len());
        for batch in [points, later] {
            let batch = batch.into_iter();
            let batch = batch.map(|(n, embedding)| Point { id: RecordId::from_row(n), embedding });
            let batch: Vec<Point> = batch.collect();
            block_on(store.upsert(&batch)).unwrap();
            let inside = batch.into_iter().filter(|point| scope.contains(&point.id));
            block_on(alone.upsert(&inside.collect::<Vec<_>>())).unwrap();
            assert_same(&narrowed, &alone)?;
        }
        block_on(store.delete(&gone)).unwrap();
        block_on(alone.delete(&gone)).unwrap();
        if has_copy {
            store.keep_int8_copy().unwrap();
        }
        assert_same(&narrowed, &alone)?;
        drop(store);
        compact(folder.path(), Damaged::Refuse).unwrap();
        assert_same(&narrowed, &alone)?;
    }
}

/// Compares what can be asked of two stores but for the rounding of scores.
fn assert_same(found: &EmbeddedStore, expected: &MemoryStore) -> Result<(), TestCaseError> {
    let ids = |points: Vec<Point>| points.into_iter().map(|point| point.id).collect::<Vec<_>>();
    let sorted = |mut ids: Vec<RecordId>| {
        ids.sort_unstable();
        ids
    };
    prop_assert_eq!(block_on(found.count()).unwrap(), block_on(expected.count()).unwrap());
    let sample = |store: &dyn VectorStore| ids(block_on(store.sample(7, 3)).unwrap());
    prop_assert_eq!(sample(found), sample(expected));
    let [all, known] = [found as &dyn VectorStore, expected]
        .map(|store| sorted(ids(block_on(store.scan(None, usize::MAX)).unwrap())));
    prop_assert_eq!(&all, &known);
    let page = ids(block_on(found.scan(None, 5)).unwrap());
    prop_assert_eq!(page.len(), all.len().min(5));
    let exclude: Excluded = known.iter().take(3).cloned().collect();
    let survey = Survey {
        weights: &[1.0, 0.25, -0.5],
        bias: 0.1,
        top_k: usize::MAX / 4,
        n_boundary: 0,
        threshold: f32::NEG_INFINITY,
        n_bins: 5,
        exclude: &exclude,
    };
    let [report, right] =
        [found as &dyn VectorStore, expected].map(|store| block_on(store.survey(survey)).unwrap());
    let listed = |report: &linprobe_core::SurveyReport| {
        sorted(report.top.iter().map(|hit| hit.id.clone()).collect())
    };
    prop_assert_eq!(listed(&report), listed(&right));
    prop_assert_eq!((report.n_points, report.n_above), (right.n_points, right.n_above));
    let mut scored = Vec::new();
    found
        .score(&[(&[1.0, 0.0, 0.0], 0.0)], |page| {
            scored.extend(page.into_iter().map(|point| point.id));
            Ok::<(), linprobe_core::StoreError>(())
        })
        .unwrap();
    prop_assert_eq!(sorted(scored), known);
    Ok(())
}

/// Every id with its score, as a search for everything gives them.
fn scores(store: &EmbeddedStore, weights: &[f32], bias: f32) -> Vec<(RecordId, f32)> {
    let exclude = Excluded::new();
    let all = Query { weights, top_k: usize::MAX / 4, exclude: &exclude };
    let hits = block_on(store.search(all)).unwrap();
    let distinct: BTreeSet<_> = hits.iter().map(|hit| hit.id.clone()).collect();
    assert_eq!(distinct.len() as u64, block_on(store.count()).unwrap());
    hits.into_iter().map(|hit| (hit.id, hit.score + bias)).collect()
}

fn sorted(
    hits: &[(RecordId, f32)],
    n_hits: usize,
    key: impl Fn(f32) -> f32,
) -> Vec<(RecordId, f32)> {
    let mut hits = hits.to_vec();
    hits.sort_by(|a, b| key(a.1).total_cmp(&key(b.1)).then_with(|| a.0.cmp(&b.0)));
    hits.truncate(n_hits);
    hits
}
