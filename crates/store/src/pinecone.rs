//! An index of Pinecone, or a namespace of it, asked where it is.
//!
//! The engine looks at some of its vectors only, so what it finds are not always the highest scores; those that it finds
//! are scored exactly. What is written is seen a little later. Ids of Pinecone are ASCII: a record whose id is not is
//! written under its hash, with the id in the metadata.

mod api;
mod control;
mod filter;
mod key;
mod list;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use linprobe_core::{Embedding, Hit, Point, Precision, RecordId, StoreError, StoreSpec};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use self::{
    api::{Done, Fetched, Found, Match, NewVector, Stats, Upsert, Vector},
    filter::Filter,
    key::Key,
    list::Cursor,
};
use crate::{
    collection::{
        CollectionStore, DOT_SLACK, Engine, Limits, Near, Page, Part, Sought, check_field,
        check_numbers, is_unit, not_unit,
    },
    remote::{Access, Form, Http, Place, Request, Variables, at_once, encoded, not_seen, sleep},
};

const FORM: Form = Form {
    scheme: "pinecone",
    port: None,
    parameters: &["ca", "filter", "namespace", "text"],
    variable: "PINECONE_API_KEY",
    key: ["Api-Key", ""],
    headers: &[("X-Pinecone-API-Version", API_VERSION)],
    hint: "pinecone://name of an index, or pinecone://host with the host that Pinecone shows for it; also &namespace=name, \
           &text=field of the metadata, &filter=object of JSON, &ca=file and &timeout=seconds",
};

/// The version of the API that is spoken.
const API_VERSION: &str = "2025-10";

/// Bytes of ids in the address of a request.
const IDS_BYTES: usize = 4_000;

/// Ids to a page of the engine's list.
const IDS_PER_LIST: usize = 100;

/// Requests that are made at a time.
const N_AT_ONCE: usize = 8;

/// Coordinates that come along with hits: an answer may have 4 MB.
const COORDINATES_OF_HITS: usize = 200_000;

/// Points that are looked at to see whether their vectors have unit length.
const N_LOOKED_AT: usize = 100;

/// How long what was written may take to be seen.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(500);

/// An index of Pinecone.
pub type PineconeStore = CollectionStore<Pinecone>;

impl PineconeStore {
    /// Opens the index of an address. Its namespace is made by the first points that are written to it.
    ///
    /// # Errors
    /// [`StoreError::Address`], [`StoreError::Unreachable`], [`StoreError::Refused`] or [`StoreError::Unfit`];
    /// [`StoreError::Dimension`] where it is to be written and has another dimension.
    pub async fn open(
        address: &str,
        access: Access,
        variables: &Variables,
    ) -> Result<Self, StoreError> {
        let mut place = Place::parse(address, &FORM)?;
        if !place.path.is_empty() {
            return Err(FORM.bad(&place.host, "nothing stands behind the host of an index"));
        }
        if control::is_name(&place.host) {
            place.host = control::host_of(&place, variables).await?;
        }
        let mut engine = Pinecone::new(&place, variables)?;
        if access != Access::Read && engine.filter.is_some() {
            return Err(not_seen(&place.shown, "filter"));
        }
        let stats: Stats = engine.http.tell(stats().first()).await?;
        engine.check(&stats, access)?;
        engine.dimension = stats.dimension.unwrap_or_default();
        engine.is_dot = stats.metric.as_deref() == Some("dotproduct");
        let dimension = engine.dimension;
        access.check_dimension(dimension)?;
        engine.check_filter().await?;
        if engine.is_dot {
            engine.page(None, N_LOOKED_AT, Part::Points).await?;
        }
        let precision = Precision::F32;
        let spec = StoreSpec { kind: "pinecone", dimension, precision, exact: false };
        Ok(Self::new(spec, engine, access))
    }
}

fn stats() -> Request {
    Request::post("/describe_index_stats", &json!({}))
}

/// The index, and how it is asked.
#[derive(Debug)]
pub struct Pinecone {
    http: Http,
    namespace: Option<String>,
    /// The field of the metadata that a person reads.
    text: Option<String>,
    /// What points must be for there to be a record.
    filter: Option<Filter>,
    dimension: usize,
    /// Whether scores are dot products, not cosines.
    is_dot: bool,
    /// Where the last page of the list ended.
    place: Mutex<Option<Cursor>>,
    /// How many points there are to be when all that was written is seen.
    expected: Mutex<Option<u64>>,
}

impl Pinecone {
    fn new(place: &Place, variables: &Variables) -> Result<Self, StoreError> {
        Ok(Self {
            http: Http::of(place, &FORM, variables)?,
            namespace: place.text("namespace").map(str::to_owned),
            text: place.text("text").map(str::to_owned),
            filter: place.object("filter", &FORM)?.map(Filter::new),
            dimension: 0,
            is_dot: false,
            place: Mutex::default(),
            expected: Mutex::default(),
        })
    }

    fn check(&self, stats: &Stats, access: Access) -> Result<(), StoreError> {
        if stats.vector_type.as_deref() == Some("sparse") || stats.dimension.is_none() {
            return Err(self
                .http
                .unfit("its vectors are sparse", "name an index of dense vectors"));
        }
        match stats.metric.as_deref() {
            Some("cosine" | "dotproduct") => {}
            other => {
                let reason = format!("its vectors are compared by {}", other.unwrap_or("what?"));
                let hint = "a classifier scores directions: make the index with the metric cosine";
                return Err(self.http.unfit(reason, hint));
            }
        }
        match &self.namespace {
            Some(name) if access == Access::Read && !stats.namespaces.contains_key(name) => {
                let there: Vec<&str> = stats.namespaces.keys().map(String::as_str).collect();
                let reason = format!("there is no namespace {name:?}");
                Err(self.http.unfit(reason, format!("name one of: {}", there.join(", "))))
            }
            _ => Ok(()),
        }
    }

    /// The embedding of a vector, where it has a direction.
    fn embedding(&self, id: &RecordId, values: Vec<f32>) -> Result<Option<Embedding>, StoreError> {
        if self.is_dot && !is_unit(&values) {
            let remedy = "make the index with the metric cosine";
            return Err(not_unit(self.address(), "dot products", id.as_str(), remedy));
        }
        Ok(Embedding::normalize(values).ok())
    }

    /// Vectors by their ids, with their metadata; ids that no record has are left out.
    async fn vectors<'a>(
        &self,
        ids: impl Iterator<Item = &'a RecordId> + Send,
    ) -> Result<BTreeMap<RecordId, Vector>, StoreError> {
        let passing = self.passing().await?;
        let ids = ids.filter(|id| passing.as_ref().is_none_or(|passing| passing.contains(*id)));
        let keys: BTreeMap<String, &RecordId> = ids.map(|id| (Key::of(id).0, id)).collect();
        let mut found = BTreeMap::new();
        for vector in self.stored(keys.keys().map(String::as_str)).await? {
            if let Some(id) = keys.get(&vector.id)
                && vector.record_id().as_ref() == Some(*id)
            {
                found.insert((*id).clone(), vector);
            }
        }
        Ok(found)
    }

    /// Vectors by the ids of the engine, as many to a request as an address has room for.
    async fn stored<'a>(
        &self,
        keys: impl Iterator<Item = &'a str> + Send,
    ) -> Result<Vec<Vector>, StoreError> {
        let requests = lists_of_ids(keys).into_iter().map(|ids| self.fetched(ids)).collect();
        Ok(at_once(N_AT_ONCE, requests).await?.into_iter().flatten().collect())
    }

    async fn fetched(&self, ids: String) -> Result<Vec<Vector>, StoreError> {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        let path = format!("/vectors/fetch?{ids}namespace={}", encoded(namespace));
        let answer: Fetched = self.http.tell(Request::get(path)).await?;
        Ok(answer.vectors.into_values().collect())
    }

    async fn found(&self, sought: Sought<'_>) -> Result<Vec<Near>, StoreError> {
        let Sought { direction, limit, .. } = sought;
        let has_values = limit * self.dimension <= COORDINATES_OF_HITS;
        let mut body = json!({
            "namespace": self.namespace.as_deref().unwrap_or_default(),
            "vector": direction.as_slice(),
            "topK": limit,
            "includeValues": has_values,
            "includeMetadata": has_values,
        });
        if let Some(filter) = &self.filter {
            body["filter"] = filter.own.clone();
        }
        let found: Found = self.http.tell(Request::post("/query", &body)).await?;
        let is_hash = |found: &&Match| !has_values && key::is_hash(&found.vector.id);
        let hashed: Vec<String> =
            found.matches.iter().filter(is_hash).map(|found| found.vector.id.clone()).collect();
        let named = self.record_ids(&hashed).await?;
        let mut named: BTreeMap<String, RecordId> =
            named.into_iter().map(|id| (Key::of(&id).0, id)).collect();
        let near = |Match { score, mut vector }: Match| {
            let id = named.remove(&vector.id).or_else(|| vector.record_id())?;
            let values = std::mem::take(&mut vector.values);
            let embedding = if values.is_empty() { Ok(None) } else { self.embedding(&id, values) };
            Some(embedding.map(|embedding| Near { id, score, embedding }))
        };
        found.matches.into_iter().filter_map(near).collect()
    }

    /// How many points there are, records or not.
    async fn n_points(&self) -> Result<u64, StoreError> {
        let stats: Stats = self.http.tell(stats()).await?;
        Ok(stats.n_vectors(self.namespace.as_deref()))
    }

    fn expected(&self) -> MutexGuard<'_, Option<u64>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many points there are to be before more is written.
    async fn n_before(&self) -> Result<u64, StoreError> {
        let expected = *self.expected();
        match expected {
            Some(n_points) => Ok(n_points),
            None => self.count().await,
        }
    }

    /// Keeps in mind how many points there are to be, now that some were written.
    fn expect(&self, n_before: u64, n_more: u64, n_fewer: u64) {
        let mut expected = self.expected();
        let n_points = expected.unwrap_or(n_before) + n_more;
        *expected = Some(n_points.saturating_sub(n_fewer));
    }
}

/// Ids as they stand in addresses, for as many of these as it takes.
fn lists_of_ids<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut lists = Vec::new();
    let (mut ids, mut n_ids) = (String::new(), 0);
    for key in keys {
        let id = format!("ids={}&", encoded(key));
        if n_ids == IDS_PER_LIST || (n_ids > 0 && ids.len() + id.len() > IDS_BYTES) {
            lists.push(std::mem::take(&mut ids));
            n_ids = 0;
        }
        ids.push_str(&id);
        n_ids += 1;
    }
    lists.extend((n_ids > 0).then_some(ids));
    lists
}

#[async_trait]
impl Engine for Pinecone {
    fn address(&self) -> &str {
        &self.http.server().shown
    }

    fn limits(&self) -> Limits {
        Limits {
            max_hits: 10_000,
            excludes: false,
            slack: if self.is_dot { DOT_SLACK } else { 1e-3 },
            ids_per_page: 10 * IDS_PER_LIST,
            points_per_request: 1_000,
            coordinates_per_request: 120_000,
            max_listed: 100_000,
        }
    }

    /// Each is a request of its own, some of them at a time.
    async fn nearest(&self, sought: &[Sought<'_>]) -> Result<Vec<Vec<Near>>, StoreError> {
        at_once(N_AT_ONCE, sought.iter().map(|sought| self.found(*sought)).collect()).await
    }

    async fn page(
        &self,
        after: Option<&RecordId>,
        limit: usize,
        part: Part,
    ) -> Result<Page, StoreError> {
        let (ids, last) = match self.passing().await? {
            Some(passing) => filter::after(&passing, after, limit),
            None => self.listed(after, limit).await?,
        };
        let mut points = Vec::with_capacity(ids.len());
        let mut vectors = match part {
            Part::Ids => BTreeMap::new(),
            Part::Points => self.vectors(ids.iter()).await?,
        };
        for id in ids {
            let vector = vectors.remove(&id);
            let values = vector.map(|vector| vector.values).unwrap_or_default();
            let embedding = if values.is_empty() { None } else { self.embedding(&id, values)? };
            points.push((id, embedding));
        }
        Ok(Page { points, last })
    }

    async fn fetch(&self, ids: &[RecordId]) -> Result<Vec<Point>, StoreError> {
        let mut points = Vec::new();
        for (id, vector) in self.vectors(ids.iter()).await? {
            if let Some(embedding) = self.embedding(&id, vector.values)? {
                points.push(Point { id, embedding });
            }
        }
        Ok(points)
    }

    async fn contained(&self, ids: &[RecordId]) -> Result<BTreeSet<RecordId>, StoreError> {
        Ok(self.vectors(ids.iter()).await?.into_keys().collect())
    }

    /// What stands beside the vector of a point that is there is written again with it: it belongs to somebody else.
    async fn upsert(&self, points: &[(&RecordId, &Embedding)]) -> Result<(), StoreError> {
        let mut there = self.vectors(points.iter().map(|(id, _)| *id)).await?;
        let (n_before, n_new) = (self.n_before().await?, points.len() - there.len());
        let new = |(id, embedding): &(&RecordId, &Embedding)| {
            let old = there.remove(*id);
            let (metadata, sparse_values) =
                old.map_or((None, None), |old| (old.metadata, old.sparse_values));
            let key = Key::of(id);
            let metadata = metadata.or_else(|| key.metadata(id));
            NewVector { id: key.0, values: embedding.as_slice().to_vec(), sparse_values, metadata }
        };
        let body = Upsert {
            vectors: points.iter().map(new).collect(),
            namespace: self.namespace.clone().unwrap_or_default(),
        };
        self.http.tell::<Done>(Request::post("/vectors/upsert", &body)).await?;
        self.expect(n_before, n_new as u64, 0);
        Ok(())
    }

    async fn delete(&self, ids: &[RecordId]) -> Result<(), StoreError> {
        let n_before = self.n_before().await?;
        let keys: Vec<String> = ids.iter().map(|id| Key::of(id).0).collect();
        let namespace = self.namespace.as_deref().unwrap_or_default();
        let body = json!({ "ids": keys, "namespace": namespace });
        self.http.tell::<Done>(Request::post("/vectors/delete", &body)).await?;
        self.expect(n_before, 0, ids.len() as u64);
        Ok(())
    }

    async fn count(&self) -> Result<u64, StoreError> {
        match self.passing().await? {
            Some(passing) => Ok(passing.len() as u64),
            None => self.n_points().await,
        }
    }

    /// Waits until there are as many points as there have to be. Where somebody else writes, too, that may never be,
    /// so it goes on after a minute.
    async fn flush(&self) -> Result<(), StoreError> {
        let expected = self.expected().take();
        let Some(expected) = expected else { return Ok(()) };
        let start = Instant::now();
        while self.count().await? != expected && start.elapsed() < PATIENCE {
            sleep(PAUSE).await.map_err(|error| StoreError::Failed {
                store: self.address().to_owned(),
                source: error.into(),
            })?;
        }
        Ok(())
    }

    async fn texts(&self, ids: &[RecordId]) -> Result<BTreeMap<RecordId, String>, StoreError> {
        let Some(field) = &self.text else { return Ok(BTreeMap::new()) };
        let vectors = self.vectors(ids.iter()).await?;
        Ok(vectors.into_iter().filter_map(|(id, vector)| Some((id, vector.text(field)?))).collect())
    }

    /// The first points tell whether the field is one of numbers.
    async fn check_score_column(&self, column: &str) -> Result<(), StoreError> {
        check_field(self.address(), column)?;
        let (keys, _) = self.list(None, IDS_PER_LIST).await?;
        let vectors = self.stored(keys.iter().map(String::as_str)).await?;
        let values = vectors.iter().filter_map(|vector| vector.metadata.as_ref()?.get(column));
        check_numbers(self.address(), column, values.map(Value::is_number))
    }

    /// The rest of the metadata stays as it is. Each point takes a request.
    async fn write_scores(&self, column: &str, scores: &[Hit]) -> Result<u64, StoreError> {
        let ids: Vec<RecordId> = scores.iter().map(|hit| hit.id.clone()).collect();
        let there = self.contained(&ids).await?;
        let scores = scores.iter().filter(|hit| there.contains(&hit.id));
        let namespace = self.namespace.as_deref().unwrap_or_default();
        let update = |hit: &Hit| {
            let (id, metadata) = (Key::of(&hit.id).0, json!({ column: hit.score }));
            let body = json!({ "id": id, "setMetadata": metadata, "namespace": namespace });
            self.http.tell::<IgnoredAny>(Request::post("/vectors/update", &body))
        };
        at_once(N_AT_ONCE, scores.map(update).collect()).await?;
        Ok(there.len() as u64)
    }
}
