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
    sample::{Draw, rank},
    version::version_of,
};

/// Points that surveys are estimated from, at most.
const MAX_SEEN: usize = 20_000;

/// Coordinates of these, at most: 64 MiB.
const MAX_SEEN_COORDINATES: usize = 1 << 24;

/// How far the length of a vector may be from 1 where an engine compares by dot products.
const UNIT: f64 = 1e-3;

/// How far such a dot product may be from the score of the direction, and another from its own.
pub(crate) const DOT_SLACK: f32 = 3e-3;

/// Up to so many points, a sample is drawn from all of their ids, so it is the same each time.
#[cfg(feature = "rest")]
pub(crate) const MAX_LISTED: u64 = 100_000;

/// The sample is drawn by this seed.
const SEED: u64 = 0x6c69_6e70_726f_6265;

/// A vector engine's collection, as far as engines differ.
#[async_trait]
pub trait Engine: fmt::Debug + Send + Sync {
    /// The collection's address, as it is kept.
    fn address(&self) -> &str;

    /// What it takes and gives.
    fn limits(&self) -> Limits;

    /// The points that lie nearest to each of some directions, the nearest first. Of those to be excluded it may give
    /// some.
    async fn nearest(&self, sought: &[Sought<'_>]) -> Result<Vec<Vec<Near>>, StoreError>;

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

    /// Draws so many ids at random, or some more, without listing them all; none where the engine cannot, or has so few
    /// that they can be listed.
    async fn draw(
        &self,
        _n_points: usize,
        _seed: u64,
    ) -> Result<Option<Vec<RecordId>>, StoreError> {
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

    /// Writes the score of each record that is there, of so many as a request has; tells how many are.
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

/// Points that are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// They lie near it.
    pub direction: &'a Embedding,
    /// So many of them.
    pub limit: usize,
    /// None of these.
    pub exclude: &'a Excluded,
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
    /// How often this process wrote to it, or waited for what it had written.
    n_writes: Arc<AtomicU64>,
}

impl<E: Engine> CollectionStore<E> {
    pub(crate) fn new(spec: StoreSpec, engine: E, access: Access) -> Self {
        let n_writes = writes_to(engine.address());
        Self { spec, engine, access, seen: Mutex::default(), n_writes }
    }

    fn check_dimension(&self, found: usize) -> Result<(), StoreError> {
        check_dimension(self.spec.dimension, found)
    }

    /// Points to a request.
    fn page_size(&self) -> usize {
        let Limits { points_per_request, coordinates_per_request, .. } = self.engine.limits();
        (coordinates_per_request / self.spec.dimension.max(1)).clamp(1, points_per_request)
    }

    /// The highest scores, by the engine's lists: longer than asked for, and ever longer while the end of what was
    /// asked for stands among equals.
    async fn best(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Vec<Hit>>, StoreError> {
        let limits = self.engine.limits();
        let mut lists: Vec<List<'_>> =
            wanted.iter().map(|wanted| List::new(*wanted, limits)).collect();
        loop {
            let mut open: Vec<&mut List<'_>> = lists.iter_mut().filter(|it| it.is_open()).collect();
            let sought: Vec<Sought<'_>> = open.iter().filter_map(|list| list.sought()).collect();
            if sought.is_empty() {
                return self.rescored(lists).await;
            }
            let found = self.engine.nearest(&sought).await?;
            if found.len() != open.len() {
                let source = format!("{} answers to {} questions", found.len(), open.len()).into();
                return Err(StoreError::Failed { store: self.address().to_owned(), source });
            }
            open.iter_mut().zip(found).for_each(|(list, near)| list.take(near, limits));
        }
    }

    /// Scores what the engine has found by its embeddings. Of those that did not come along, each is read once.
    async fn rescored(&self, lists: Vec<List<'_>>) -> Result<Vec<Vec<Hit>>, StoreError> {
        let found = lists.iter().flat_map(|list| &list.found);
        let missing = found.filter(|near| near.embedding.is_none()).map(|near| &near.id);
        let missing: Vec<RecordId> =
            missing.collect::<BTreeSet<_>>().into_iter().cloned().collect();
        let read: BTreeMap<RecordId, Embedding> =
            self.fetch(&missing).await?.into_iter().map(|it| (it.id, it.embedding)).collect();
        let mut rescored = Vec::with_capacity(lists.len());
        for list in lists {
            rescored.push(if list.direction.is_some() {
                list.hits(&read)
            } else {
                // Such weights tell no point from another.
                let Wanted { weights, bias, top_k, exclude } = list.wanted;
                let mut hits = self.look().await?.scores(weights, bias);
                hits.retain(|hit| !exclude.contains(&hit.id));
                sorted(hits, top_k)
            });
        }
        Ok(rescored)
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

/// How often this process wrote to the collection of an address: who reads it has opened it by itself, and has to hear of
/// what was written. Parameters of the address do not matter here.
fn writes_to(address: &str) -> Arc<AtomicU64> {
    static WRITES: Mutex<BTreeMap<String, Arc<AtomicU64>>> = Mutex::new(BTreeMap::new());
    let place = address.split('?').next().unwrap_or_default().to_owned();
    let mut writes = WRITES.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(writes.entry(place).or_default())
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
    fn hit(&self, id: RecordId, embedding: &Embedding) -> Hit {
        // A score of minus zero is one of zero.
        Hit { id, score: embedding.dot(self.weights) + self.bias + 0.0 }
    }
}

/// A list of the highest scores in the making.
#[derive(Debug)]
struct List<'a> {
    wanted: Wanted<'a>,
    /// None where the weights have none.
    direction: Option<Embedding>,
    /// How many the engine is asked for.
    limit: usize,
    is_found: bool,
    /// What the engine has found that may be among the wanted.
    found: Vec<Near>,
}

impl<'a> List<'a> {
    fn new(wanted: Wanted<'a>, limits: Limits) -> Self {
        let n_passed_over = if limits.excludes { 0 } else { wanted.exclude.len() };
        let limit = wanted.top_k.saturating_add(wanted.top_k / 4 + 16);
        Self {
            wanted,
            direction: Embedding::normalize(wanted.weights).ok(),
            limit: limit.saturating_add(n_passed_over).min(limits.max_hits),
            is_found: wanted.top_k == 0,
            found: Vec::new(),
        }
    }

    /// Whether the engine has to be asked.
    fn is_open(&self) -> bool {
        !self.is_found && self.direction.is_some()
    }

    fn sought(&self) -> Option<Sought<'_>> {
        let (limit, exclude) = (self.limit, self.wanted.exclude);
        self.direction.as_ref().map(|direction| Sought { direction, limit, exclude })
    }

    /// Takes what the engine has found, or will ask for more.
    fn take(&mut self, mut near: Vec<Near>, limits: Limits) {
        let Limits { max_hits, slack, .. } = limits;
        let Wanted { top_k, exclude, .. } = self.wanted;
        let is_all = near.len() < self.limit || self.limit == max_hits;
        let lowest = near.last().map(|near| near.score);
        near.retain(|near| !exclude.contains(&near.id));
        let last = near.get(top_k - 1).map(|near| near.score);
        let is_clear = last.zip(lowest).is_some_and(|(last, lowest)| last - lowest > slack);
        if is_all || is_clear {
            near.retain(|near| last.is_none_or(|last| near.score >= last - slack));
            (self.found, self.is_found) = (near, true);
        } else {
            self.limit = max_hits.min(2 * self.limit);
        }
    }

    /// The hits, with those embeddings that had to be read.
    fn hits(self, read: &BTreeMap<RecordId, Embedding>) -> Vec<Hit> {
        let (wanted, mut found) = (self.wanted, self.found);
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found.dedup_by(|a, b| a.id == b.id);
        let hit = |Near { id, embedding, .. }: Near| {
            let embedding = embedding.as_ref().or_else(|| read.get(&id))?;
            Some(wanted.hit(id.clone(), embedding))
        };
        let hits = found.into_iter().filter_map(hit);
        sorted(hits.filter(|hit| !hit.score.is_nan()).collect(), wanted.top_k)
    }
}

/// What is sought, in portions that have so many hits at most, or are one.
#[cfg(feature = "rest")]
pub(crate) fn portions<'a, 'b>(
    sought: &'a [Sought<'b>],
    max_hits: usize,
) -> impl Iterator<Item = &'a [Sought<'b>]> {
    let mut n_hits = sought.first().map_or(0, |first| first.limit);
    sought.chunk_by(move |_, next| {
        let has_room = n_hits.saturating_add(next.limit) <= max_hits;
        n_hits = if has_room { n_hits + next.limit } else { next.limit };
        has_room
    })
}

/// Refuses to write scores to a field that could not be asked for by its name, or is ours.
#[cfg(feature = "rest")]
pub(crate) fn check_field(store: &str, field: &str) -> Result<(), StoreError> {
    let is_plain = field.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_plain && !field.is_empty() && !field.starts_with("linprobe_") {
        return Ok(());
    }
    Err(StoreError::Unfit {
        store: store.to_owned(),
        reason: format!("scores are not written to a field {field:?}"),
        hint: "name one of letters, digits and _, such as score".to_owned(),
    })
}

/// Refuses to write scores over what is none: what some records have in the field, each a number or not.
#[cfg(feature = "rest")]
pub(crate) fn check_numbers(
    store: &str,
    field: &str,
    are_numbers: impl IntoIterator<Item = bool>,
) -> Result<(), StoreError> {
    if are_numbers.into_iter().all(|is_number| is_number) {
        return Ok(());
    }
    Err(StoreError::Unfit {
        store: store.to_owned(),
        reason: format!("its field {field:?} holds something else than scores"),
        hint: "name another field; one that is not there yet will do".to_owned(),
    })
}

/// Whether a vector has unit length, or none at all.
pub(crate) fn is_unit(values: &[f32]) -> bool {
    let norm = values.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    norm == 0.0 || (norm - 1.0).abs() <= UNIT
}

/// Refuses a vector of another length, where an engine compares by more than directions.
#[cfg(feature = "rest")]
pub(crate) fn not_unit(store: &str, compares_by: &str, id: &str, remedy: &str) -> StoreError {
    StoreError::Unfit {
        store: store.to_owned(),
        reason: format!(
            "it compares vectors by {compares_by}, and that of {id} has not unit length"
        ),
        hint: format!("a classifier scores directions: {remedy}"),
    }
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
                let deleted = self.engine.delete(&there).await;
                self.wrote();
                deleted?;
            }
            n_gone += there.len() as u64;
        }
        Ok(n_gone)
    }

    async fn search(&self, query: Query<'_>) -> Result<Vec<Hit>, StoreError> {
        self.check_dimension(query.weights.len())?;
        let Query { weights, top_k, exclude } = query;
        let mut lists = self.best(&[Wanted { weights, bias: 0.0, top_k, exclude }]).await?;
        Ok(lists.pop().unwrap_or_default())
    }

    async fn survey(&self, survey: Survey<'_>) -> Result<SurveyReport, StoreError> {
        let mut reports = self.survey_all(&[survey]).await?;
        Ok(reports.pop().expect("each survey has a report"))
    }

    /// The engine is asked for all lists at once, as far as it can be.
    async fn survey_all(&self, surveys: &[Survey<'_>]) -> Result<Vec<SurveyReport>, StoreError> {
        surveys.iter().try_for_each(|survey| self.check_dimension(survey.weights.len()))?;
        if surveys.is_empty() {
            return Ok(Vec::new());
        }
        let seen = self.look().await?;
        if seen.is_whole {
            return Ok(surveys.iter().map(|survey| seen.whole_report(survey)).collect());
        }
        let wanted: Vec<Wanted<'_>> = surveys
            .iter()
            .map(|&Survey { weights, bias, top_k, exclude, .. }| Wanted {
                weights,
                bias,
                top_k,
                exclude,
            })
            .collect();
        let lists = self.best(&wanted).await?;
        Ok(surveys.iter().zip(lists).map(|(survey, top)| seen.estimate(survey, top)).collect())
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
        if let Some(mut drawn) = self.engine.draw(n_points, seed).await? {
            drawn.sort_by_cached_key(|id| (rank(id.as_str(), seed), id.clone()));
            drawn.dedup();
            let mut points = self.fetch(&drawn).await?;
            points.truncate(n_points);
            return Ok(points);
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

    /// What the engine can tell of its state, and how often this process wrote to it: an engine that goes by the number of
    /// its points does not know a replaced one from what it was.
    async fn version(&self) -> Result<u64, StoreError> {
        let n_writes = self.n_writes.load(Ordering::Acquire);
        Ok(version_of([self.engine.version().await?, n_writes]))
    }

    /// An engine may show only now what was written before.
    async fn flush(&self) -> Result<(), StoreError> {
        self.engine.flush().await?;
        if self.n_writes.load(Ordering::Acquire) > 0 {
            self.wrote();
        }
        Ok(())
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
        let mut n_written = 0;
        for page in scores.chunks(self.page_size()) {
            n_written += self.engine.write_scores(column, page).await?;
        }
        Ok(n_written)
    }
}
