//! The oracle: points in a map, and every answer worked out in the plainest way.

use std::{
    collections::BTreeMap,
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use linprobe_core::{
    Embedding, Hit, Point, Precision, Query, RecordId, StoreError, StoreSpec, Survey, SurveyReport,
    VectorStore,
};

use crate::{dimension::check_dimension, histogram::histogram, sample::Draw};

/// Keeps points in memory and sorts all of them in each search: slow, and right.
#[derive(Debug)]
pub struct MemoryStore {
    spec: StoreSpec,
    points: RwLock<Points>,
    /// How often they were written to.
    n_changes: AtomicU64,
}

type Points = BTreeMap<RecordId, Embedding>;

impl MemoryStore {
    /// An empty store of embeddings with `dimension` coordinates.
    pub fn new(dimension: usize) -> Self {
        let spec = StoreSpec { kind: "memory", dimension, precision: Precision::F32, exact: true };
        Self { spec, points: RwLock::default(), n_changes: AtomicU64::default() }
    }

    fn read(&self) -> RwLockReadGuard<'_, Points> {
        self.points.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Points> {
        self.n_changes.fetch_add(1, Ordering::Relaxed);
        self.points.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_dimension(&self, found: usize) -> Result<(), StoreError> {
        check_dimension(self.spec.dimension, found)
    }

    /// The score of every point, in the order of ids. A score that is not a number counts for
    /// nothing, so its point is left out.
    fn scores(&self, weights: &[f32], bias: f32) -> Vec<Hit> {
        let score = |embedding: &Embedding| embedding.dot(weights) + bias + 0.0;
        self.read()
            .iter()
            .map(|(id, embedding)| Hit { id: id.clone(), score: score(embedding) })
            .filter(|hit| !hit.score.is_nan())
            .collect()
    }
}

#[async_trait]
impl VectorStore for MemoryStore {
    fn spec(&self) -> &StoreSpec {
        &self.spec
    }

    async fn upsert(&self, points: &[Point]) -> Result<(), StoreError> {
        points.iter().try_for_each(|point| self.check_dimension(point.embedding.dimension()))?;
        let copies = points.iter().map(|point| (point.id.clone(), point.embedding.clone()));
        self.write().extend(copies);
        Ok(())
    }

    async fn delete(&self, ids: &[RecordId]) -> Result<u64, StoreError> {
        let mut points = self.write();
        Ok(ids.iter().filter(|id| points.remove(id).is_some()).count() as u64)
    }

    async fn search(&self, query: Query<'_>) -> Result<Vec<Hit>, StoreError> {
        self.check_dimension(query.weights.len())?;
        let mut hits = self.scores(query.weights, 0.0);
        hits.retain(|hit| !query.exclude.contains(&hit.id));
        Ok(first(hits, query.top_k, |score| -score))
    }

    async fn survey(&self, survey: Survey<'_>) -> Result<SurveyReport, StoreError> {
        self.check_dimension(survey.weights.len())?;
        let all = self.scores(survey.weights, survey.bias);
        let mut open = all.clone();
        open.retain(|hit| !survey.exclude.contains(&hit.id));
        Ok(SurveyReport {
            histogram: histogram(&all, survey.n_bins),
            n_above: all.iter().filter(|hit| hit.score >= survey.threshold).count() as u64,
            n_points: self.read().len() as u64,
            top: first(open.clone(), survey.top_k, |score| -score),
            boundary: first(open, survey.n_boundary, f32::abs),
            estimated: false,
        })
    }

    async fn fetch(&self, ids: &[RecordId]) -> Result<Vec<Point>, StoreError> {
        let points = self.read();
        Ok(ids.iter().filter_map(|id| points.get_key_value(id)).map(point).collect())
    }

    async fn scan(&self, after: Option<&RecordId>, limit: usize) -> Result<Vec<Point>, StoreError> {
        let points = self.read();
        if let Some(id) = after.filter(|id| !points.contains_key(id)) {
            return Err(StoreError::UnknownPoint { id: id.clone() });
        }
        let comes_after = |id: &RecordId| after.is_none_or(|after| id > after);
        Ok(points.iter().filter(|(id, _)| comes_after(id)).take(limit).map(point).collect())
    }

    async fn sample(&self, n_points: usize, seed: u64) -> Result<Vec<Point>, StoreError> {
        let mut draw = Draw::new(n_points, seed);
        self.read().keys().for_each(|id| draw.offer(id.as_str(), id.clone()));
        self.fetch(&draw.finish()).await
    }

    async fn count(&self) -> Result<u64, StoreError> {
        Ok(self.read().len() as u64)
    }

    async fn version(&self) -> Result<u64, StoreError> {
        Ok(self.n_changes.load(Ordering::Relaxed))
    }

    async fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn point((id, embedding): (&RecordId, &Embedding)) -> Point {
    Point { id: id.clone(), embedding: embedding.clone() }
}

/// The first `n_hits` by a key of the score. The hits come in the order of their ids, and the sort
/// is stable, so ties stay in that order.
fn first(mut hits: Vec<Hit>, n_hits: usize, key: impl Fn(f32) -> f32) -> Vec<Hit> {
    hits.sort_by(|a, b| key(a.score).total_cmp(&key(b.score)));
    hits.truncate(n_hits);
    hits
}
