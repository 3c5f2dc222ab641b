//! Comparing what a store finds with what the oracle finds, within the store's precision.

use std::collections::BTreeMap;

use linprobe_core::{
    Excluded, Histogram, Hit, Point, Precision, Query, RecordId, Survey, SurveyReport, VectorStore,
};

use crate::MemoryStore;

/// How far the scores of unit weights may be from the oracle's.
fn tolerance(store: &dyn VectorStore) -> f32 {
    match store.spec().precision {
        Precision::F16 => 1e-3,
        Precision::F32 => 1e-6,
    }
}

/// All scores of an oracle, excluded points left out, by id.
pub(super) struct Ranking(BTreeMap<RecordId, f32>);

impl Ranking {
    pub(super) async fn new(
        oracle: &MemoryStore,
        weights: &[f32],
        bias: f32,
        exclude: &Excluded,
    ) -> Self {
        let all = Query { weights, top_k: usize::MAX, exclude };
        let hits = oracle.search(all).await.expect("search the oracle");
        Self(hits.into_iter().map(|hit| (hit.id, hit.score + bias)).collect())
    }

    fn keys(&self, key: impl Fn(f32) -> f32) -> Vec<f32> {
        let mut keys: Vec<f32> = self.0.values().map(|&score| key(score)).collect();
        keys.sort_by(|a, b| b.total_cmp(a));
        keys
    }

    fn n_scores(&self, counts: impl Fn(f32) -> bool) -> u64 {
        self.0.values().filter(|&&score| counts(score)).count() as u64
    }
}

/// A list is right when it is in order, has the scores that its points have, and the keys at each
/// place that the best points have.
pub(super) fn assert_same_ranking(
    store: &dyn VectorStore,
    found: &[Hit],
    ranking: &Ranking,
    n_wanted: usize,
    key: impl Fn(f32) -> f32,
) {
    let tolerance = tolerance(store);
    assert_in_order(found, &key);
    for hit in found {
        let expected = ranking.0.get(&hit.id).expect("a point that must not be found was found");
        assert!((hit.score - expected).abs() <= tolerance, "{hit:?}, not {expected}");
    }
    let keys = ranking.keys(&key);
    assert_eq!(found.len(), n_wanted.min(keys.len()));
    for (place, (hit, expected)) in found.iter().zip(keys).enumerate() {
        let found = key(hit.score);
        assert!((found - expected).abs() <= tolerance, "place {place}: {found}, not {expected}");
    }
}

fn assert_in_order(found: &[Hit], key: impl Fn(f32) -> f32) {
    for pair in found.windows(2) {
        let [a, b] = pair else { continue };
        let order = key(b.score).total_cmp(&key(a.score)).then_with(|| a.id.cmp(&b.id));
        assert!(order.is_lt(), "{a:?} stands before {b:?}");
    }
}

pub(super) async fn assert_same_report(
    store: &dyn VectorStore,
    oracle: &MemoryStore,
    survey: Survey<'_>,
    report: &SurveyReport,
) {
    let listed = Ranking::new(oracle, survey.weights, survey.bias, survey.exclude).await;
    assert_same_ranking(store, &report.top, &listed, survey.top_k, |score| score);
    assert_same_ranking(store, &report.boundary, &listed, survey.n_boundary, |score| -score.abs());
    if !report.estimated {
        let all = Ranking::new(oracle, survey.weights, survey.bias, &Excluded::new()).await;
        assert_eq!(report.n_points, all.0.len() as u64);
        assert_same_counts(report, &all, survey, tolerance(store));
    }
}

/// A count is right when some score within the tolerance of each true one gives it.
fn assert_same_counts(report: &SurveyReport, all: &Ranking, survey: Survey<'_>, tolerance: f32) {
    let at_least = |bound: f32| all.n_scores(|score| score >= bound);
    let possible = at_least(survey.threshold + tolerance)..=at_least(survey.threshold - tolerance);
    assert!(possible.contains(&report.n_above), "{} above, not {possible:?}", report.n_above);

    let histogram = &report.histogram;
    assert_eq!(histogram.counts.len(), survey.n_bins);
    assert_eq!(histogram.counts.iter().sum::<u64>(), report.n_points);
    let keys = all.keys(|score| score);
    let (high, low) = (keys.first().expect("scores"), keys.last().expect("scores"));
    assert!((histogram.low - low).abs() <= tolerance && (histogram.high - high).abs() <= tolerance);
    assert_same_bins(histogram, all, tolerance);
}

fn assert_same_bins(histogram: &Histogram, all: &Ranking, tolerance: f32) {
    let width = (histogram.high - histogram.low) / histogram.counts.len() as f32;
    let mut below = 0;
    for (bin_idx, count) in histogram.counts.iter().enumerate() {
        below += count;
        let edge = histogram.low + width * (bin_idx + 1) as f32;
        let under = |bound: f32| all.n_scores(|score| score < bound);
        let possible = under(edge - tolerance)..=under(edge + 2.0 * tolerance);
        assert!(possible.contains(&below), "{below} below {edge}, not {possible:?}");
    }
}

/// Points are the same when their ids are, and their embeddings within the store's precision.
pub(super) fn assert_same_points(store: &dyn VectorStore, found: &[Point], expected: &[Point]) {
    let ids = |points: &[Point]| points.iter().map(|point| point.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(found), ids(expected));
    for (found, expected) in found.iter().zip(expected) {
        let pairs = found.embedding.as_slice().iter().zip(expected.embedding.as_slice());
        let farthest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(farthest <= tolerance(store), "{:?} is off by {farthest}", found.id);
    }
}
