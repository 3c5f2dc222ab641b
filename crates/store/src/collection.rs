//! A collection of a vector engine as a store: what all engines have in common.
//!
//! An engine finds the highest scores, by its own arithmetic and in any order among equals; here they are computed
//! again from the vectors, and sorted. It knows nothing of decision boundaries and histograms: those come of the whole
//! collection where it is small, and else of a sample, which is kept.

mod seen;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use linprobe_core::{
    Embedding, Excluded, Hit, Point, Query, RecordId, StoreError, StoreSpec, Survey, SurveyReport,
    VectorStore,
};

use self::seen::Seen;
use crate::{
    dimension::check_dimension,
    remote::{Access, RemoteStore, takes_no_scores},
    sample::Draw,
};

/// Points that surveys are estimated from, at most.
const MAX_SEEN: usize = 20_000;

/// Coordinates of these, at most: 64 MiB.
const MAX_SEEN_COORDINATES: usize = 1 << 24;

/// How far the length of a vector may be from 1 where an engine compares by dot products.
const UNIT: f64 = 1e-3;

/// How far such a dot product may be from the score of the direction, and another from its own.
pub(crate) const DOT_SLACK: f32 = 3e-3;

/// The sample is drawn by this seed.
const SEED: u64 = 0x6c69_6e70_726f_6265;

/// A vector engine's collection, as far as engines differ.
#[async_trait]
pub trait Engine: fmt::Debug + Send + Sync {
    /// The collection's address, as it is kept.
    fn address(&self) -> &str;

    /// What it takes and gives.
    fn limits(&self) -> Limits;

    /// The points that lie nearest to a direction, the nearest first. Of those to be excluded it may give some.
    async fn nearest(
        &self,
        direction: &Embedding,
        limit: usize,
        exclude: &Excluded,
    ) -> Result<Vec<Near>, StoreError>;

    /// What comes after an id, in the engine's order.
    async fn page(
        &self,
        after: Option<&RecordId>,
        limit: usize,
        part: Part,
    ) -> Result<Page, StoreError>;

    /// Reads points, in any order.
    async fn fetch(&self, ids: &[RecordId]) -> Result<Vec<Point>, StoreError>;

    /// Those of the ids that are there, in any order.
    async fn contained(&self, ids: &[RecordId]) -> Result<BTreeSet<RecordId>, StoreError>;

    /// Writes points, each id once.
    async fn upsert(&self, points: &[(&RecordId, &Embedding)]) -> Result<(), StoreError>;

    /// Removes points that are there.
    async fn delete(&self, ids: &[RecordId]) -> Result<(), StoreError>;

    /// Counts the points.
    async fn count(&self) -> Result<u64, StoreError>;

    /// How many points there are, told soon; about, where they are many.
    async fn about(&self) -> Result<u64, StoreError> {
        self.count().await
    }

    /// Names the state of the points, as far as it can be told.
    async fn version(&self) -> Result<u64, StoreError> {
        self.count().await
    }

    /// Draws points at random, the same ones for the same seed and contents; none where the engine cannot, and ids
    /// have to be listed for it.
    async fn draw(&self, _n_points: usize, _seed: u64) -> Result<Option<Vec<Point>>, StoreError> {
        Ok(None)
    }

    /// Waits until what was written is visible.
    async fn flush(&self) -> Result<(), StoreError>;

    /// What a person can read of records.
    async fn texts(&self, ids: &[RecordId]) -> Result<BTreeMap<RecordId, String>, StoreError>;

    /// Makes sure that scores can be written to a field of that name.
    async fn check_score_column(&self, column: &str) -> Result<(), StoreError> {
        Err(takes_no_scores(self.address(), column))
    }

    /// Writes the score of each record that is there; tells how many are.
    async fn write_scores(&self, column: &str, _scores: &[Hit]) -> Result<u64, StoreError> {
        Err(takes_no_scores(self.address(), column))
    }
}

/// What an engine takes and gives.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest list of the nearest.
    pub max_hits: usize,
    /// Whether it leaves out of that list what it is told to.
    pub excludes: bool,
    /// How far its scores may be from those of the directions of its vectors.
    pub slack: f32,
    /// Ids to a page.
    pub ids_per_page: usize,
    /// Points to a request, at most.
    pub points_per_request: usize,
    /// Coordinates to a request, at most; each is some 12 bytes of JSON, or 4 of gRPC.
    pub coordinates_per_request: usize,
    /// Ids that a sample is drawn from, at most.
    pub max_listed: usize,
}

/// A point that an engine has found.
#[derive(Clone, Debug)]
pub struct Near {
    /// The record.
    pub id: RecordId,
    /// The cosine, as the engine computes it.
    pub score: f32,
    /// The embedding, where it came along.
    pub embedding: Option<Embedding>,
}

/// What is wanted of the points of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Their ids.
    Ids,
    /// Their embeddings, too.
    Points,
}

/// Points in the order of the engine.
#[derive(Debug, Default)]
pub struct Page {
    /// The points, without their embeddings where these are not wanted, or have no direction.
    pub points: Vec<(RecordId, Option<Embedding>)>,
    /// The last one, where others may follow.
    pub last: Option<RecordId>,
}

/// A collection of a vector engine.
#[derive(Debug)]
pub struct CollectionStore<E> {
    spec: StoreSpec,
    engine: E,
    access: Access,
    seen: Mutex<Option<Arc<Seen>>>,
    /// How often this store wrote to it.
    n_writes: AtomicU64,
}

impl<E: Engine> CollectionStore<E> {
    pub(crate) fn new(spec: StoreSpec, engine: E, access: Access) -> Self {
        Self { spec, engine, access, seen: Mutex::default(), n_writes: AtomicU64::default() }
    }

    fn check_dimension(&self, found: usize) -> Result<(), StoreError> {
        check_dimension(self.spec.dimension, found)
    }

    /// Points to a request.
    fn page_size(&self) -> usize {
        let Limits { points_per_request, coordinates_per_request, .. } = self.engine.limits();
        (coordinates_per_request / self.spec.dimension.max(1)).clamp(1, points_per_request)
    }

    /// The highest scores, by the engine's list: longer than asked for, and ever longer while the end of what was
    /// asked for stands among equals.
    async fn best(&self, wanted: Wanted<'_>) -> Result<Vec<Hit>, StoreError> {
        let Limits { max_hits, excludes, slack, .. } = self.engine.limits();
        let Wanted { weights, top_k, exclude, .. } = wanted;
        if top_k == 0 {
            return Ok(Vec::new());
        }
        let Ok(direction) = Embedding::normalize(weights) else {
            // Such weights tell no point from another.
            let mut hits = self.look().await?.scores(weights, wanted.bias);
            hits.retain(|hit| !exclude.contains(&hit.id));
            return Ok(sorted(hits, top_k));
        };
        let n_passed_over = if excludes { 0 } else { exclude.len() };
        let mut limit = top_k.saturating_add(top_k / 4 + 16).saturating_add(n_passed_over);
        loop {
            limit = limit.min(max_hits);
            let mut near = self.engine.nearest(&direction, limit, exclude).await?;
            let is_all = near.len() < limit || limit == max_hits;
            let lowest = near.last().map(|near| near.score);
            near.retain(|near| !exclude.contains(&near.id));
            let last = near.get(top_k - 1).map(|near| near.score);
            let is_clear = last.zip(lowest).is_some_and(|(last, lowest)| last - lowest > slack);
            if is_all || is_clear {
                near.retain(|near| last.is_none_or(|last| near.score >= last - slack));
                return self.rescored(near, wanted).await;
            }
            limit *= 2;
        }
    }

    /// Scores what the engine has found by its embeddings.
    async fn rescored(&self, near: Vec<Near>, wanted: Wanted<'_>) -> Result<Vec<Hit>, StoreError> {
        let missing: Vec<RecordId> = near
            .iter()
            .filter(|near| near.embedding.is_none())
            .map(|near| near.id.clone())
            .collect();
        let there = near.into_iter().filter_map(|near| Some((near.id, near.embedding?)));
        let mut points: BTreeMap<RecordId, Embedding> = there.collect();
        let fetched = self.fetch(&missing).await?;
        points.extend(fetched.into_iter().map(|point| (point.id, point.embedding)));
        let hits = points.iter().map(|(id, embedding)| wanted.hit(id, embedding));
        Ok(sorted(hits.filter(|hit| !hit.score.is_nan()).collect(), wanted.top_k))
    }

    /// The collection, or a sample of it, as it was at this number of points.
    async fn look(&self) -> Result<Arc<Seen>, StoreError> {
        let n_writes = self.n_writes.load(Ordering::Acquire);
        let n_points = self.engine.about().await?;
        let kept = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(seen) =
            kept.filter(|seen| (seen.n_points, seen.n_writes) == (n_points, n_writes))
        {
            return Ok(seen);
        }
        let size = MAX_SEEN.min(MAX_SEEN_COORDINATES / self.spec.dimension.max(1)).max(1);
        let is_whole = n_points <= size as u64;
        let points =
            if is_whole { self.pages(None, size).await? } else { self.sample(size, SEED).await? };
        let seen = Arc::new(Seen::new(points, is_whole, n_points, n_writes));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&seen));
        Ok(seen)
    }

    /// Reads at most `limit` points.
    async fn pages(
        &self,
        after: Option<&RecordId>,
        limit: usize,
    ) -> Result<Vec<Point>, StoreError> {
        let mut points = Vec::new();
        let mut after = after.cloned();
        while points.len() < limit {
            let size = self.page_size().min(limit - points.len());
            let page = self.engine.page(after.as_ref(), size, Part::Points).await?;
            let found = page.points.into_iter();
            points.extend(
                found.filter_map(|(id, embedding)| Some(Point { id, embedding: embedding? })),
            );
            after = page.last;
            if after.is_none() {
                break;
            }
        }
        Ok(points)
    }

    fn wrote(&self) {
        self.n_writes.fetch_add(1, Ordering::AcqRel);
    }
}

/// What a list of the highest scores is made by.
#[derive(Clone, Copy, Debug)]
struct Wanted<'a> {
    weights: &'a [f32],
    bias: f32,
    top_k: usize,
    exclude: &'a Excluded,
}

impl Wanted<'_> {
    fn hit(&self, id: &RecordId, embedding: &Embedding) -> Hit {
        // A score of minus zero is one of zero.
        Hit { id: id.clone(), score: embedding.dot(self.weights) + self.bias + 0.0 }
    }
}

/// Whether a vector has unit length, or none at all.
pub(crate) fn is_unit(values: &[f32]) -> bool {
    let norm = values.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    norm == 0.0 || (norm - 1.0).abs() <= UNIT
}

/// The highest scores first; ties by id.
fn sorted(mut hits: Vec<Hit>, n_hits: usize) -> Vec<Hit> {
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
    hits.truncate(n_hits);
    hits
}

#[async_trait]
impl<E: Engine> VectorStore for CollectionStore<E> {
    fn spec(&self) -> &StoreSpec {
        &self.spec
    }

    /// Those of one request are written all or not at all; of a larger batch that fails, the first are there.
    async fn upsert(&self, points: &[Point]) -> Result<(), StoreError> {
        self.access.check_writable(self.address())?;
        points.iter().try_for_each(|point| self.check_dimension(point.embedding.dimension()))?;
        let last_of_each: BTreeMap<&RecordId, &Embedding> =
            points.iter().map(|point| (&point.id, &point.embedding)).collect();
        let points: Vec<(&RecordId, &Embedding)> = last_of_each.into_iter().collect();
        let mut written = Ok(());
        for page in points.chunks(self.page_size()) {
            written = self.engine.upsert(page).await;
            if written.is_err() {
                break;
            }
        }
        self.wrote();
        written
    }

    /// Others who delete the same at the same time may count it, too.
    async fn delete(&self, ids: &[RecordId]) -> Result<u64, StoreError> {
        self.access.check_writable(self.address())?;
        let distinct: BTreeSet<&RecordId> = ids.iter().collect();
        let ids: Vec<RecordId> = distinct.into_iter().cloned().collect();
        let mut n_gone = 0;
        for page in ids.chunks(self.engine.limits().points_per_request) {
            let there: Vec<RecordId> = self.engine.contained(page).await?.into_iter().collect();
            if !there.is_empty() {
                self.engine.delete(&there).await?;
                self.wrote();
            }
            n_gone += there.len() as u64;
        }
        Ok(n_gone)
    }

    async fn search(&self, query: Query<'_>) -> Result<Vec<Hit>, StoreError> {
        self.check_dimension(query.weights.len())?;
        let Query { weights, top_k, exclude } = query;
        self.best(Wanted { weights, bias: 0.0, top_k, exclude }).await
    }

    async fn survey(&self, survey: Survey<'_>) -> Result<SurveyReport, StoreError> {
        self.check_dimension(survey.weights.len())?;
        let seen = self.look().await?;
        if seen.is_whole {
            return Ok(seen.whole_report(&survey));
        }
        let Survey { weights, bias, top_k, exclude, .. } = survey;
        let top = self.best(Wanted { weights, bias, top_k, exclude }).await?;
        Ok(seen.estimate(&survey, top))
    }

    async fn fetch(&self, ids: &[RecordId]) -> Result<Vec<Point>, StoreError> {
        let mut found = BTreeMap::new();
        for page in ids.chunks(self.page_size()) {
            let points = self.engine.fetch(page).await?;
            found.extend(points.into_iter().map(|point| (point.id, point.embedding)));
        }
        let point = |(id, embedding): (&RecordId, &Embedding)| Point {
            id: id.clone(),
            embedding: embedding.clone(),
        };
        Ok(ids.iter().filter_map(|id| found.get_key_value(id)).map(point).collect())
    }

    async fn scan(&self, after: Option<&RecordId>, limit: usize) -> Result<Vec<Point>, StoreError> {
        if let Some(id) = after
            && self.engine.contained(std::slice::from_ref(id)).await?.is_empty()
        {
            return Err(StoreError::UnknownPoint { id: id.clone() });
        }
        self.pages(after, limit).await
    }

    async fn sample(&self, n_points: usize, seed: u64) -> Result<Vec<Point>, StoreError> {
        if let Some(drawn) = self.engine.draw(n_points, seed).await? {
            return Ok(drawn);
        }
        let Limits { ids_per_page, max_listed, .. } = self.engine.limits();
        let mut draw = Draw::new(n_points, seed);
        let (mut after, mut n_listed) = (None, 0);
        while n_listed < max_listed {
            let page = self.engine.page(after.as_ref(), ids_per_page, Part::Ids).await?;
            n_listed += page.points.len();
            page.points.iter().for_each(|(id, _)| draw.offer(id.as_str(), id.clone()));
            after = page.last;
            if after.is_none() {
                break;
            }
        }
        self.fetch(&draw.finish()).await
    }

    async fn count(&self) -> Result<u64, StoreError> {
        self.engine.count().await
    }

    async fn version(&self) -> Result<u64, StoreError> {
        self.engine.version().await
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.engine.flush().await
    }
}

#[async_trait]
impl<E: Engine> RemoteStore for CollectionStore<E> {
    fn address(&self) -> &str {
        self.engine.address()
    }

    async fn texts(&self, ids: &[RecordId]) -> Result<BTreeMap<RecordId, String>, StoreError> {
        let mut texts = BTreeMap::new();
        for page in ids.chunks(self.engine.limits().points_per_request) {
            texts.extend(self.engine.texts(page).await?);
        }
        Ok(texts)
    }

    async fn check_score_column(&self, column: &str) -> Result<(), StoreError> {
        self.engine.check_score_column(column).await
    }

    async fn write_scores(&self, column: &str, scores: &[Hit]) -> Result<u64, StoreError> {
        self.access.check_writable(self.address())?;
        self.engine.write_scores(column, scores).await
    }
}
