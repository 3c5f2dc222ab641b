//! A collection of Qdrant, asked where it is.
//!
//! Lists of the highest scores are exact: the engine is told to look at every vector, as it was written, unless the
//! address lets it ask its index. Points of
//! Qdrant are numbered, or have UUIDs. A record whose id is neither is written as the UUID of its hash, with the id in
//! the payload.

mod api;
mod filter;
mod key;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use linprobe_core::{Embedding, Hit, Point, Precision, RecordId, StoreError, StoreSpec};
use serde_json::json;

use self::{
    api::{
        Answer, Collections, Counted, Described, Found, NewPoint, NewPoints, NewVector, Record,
        Scrolled, VectorParams, Written,
    },
    filter::Filter,
    key::{ID_FIELD, Key},
};
use crate::{
    collection::{
        CollectionStore, DOT_SLACK, Engine, Limits, MAX_LISTED, Near, Page, Part, Sought,
        check_field, check_numbers, is_unit, not_unit, portions,
    },
    remote::{Access, Form, Http, Place, Request, Variables, encoded, not_seen},
};

const FORM: Form = Form {
    scheme: "qdrant",
    port: Some(6333),
    parameters: &["ca", "filter", "search", "text", "tls", "vector"],
    variable: "QDRANT_API_KEY",
    key: ["api-key", ""],
    headers: &[],
    hint: "qdrant://host:6333/collection, with &vector=name where vectors have names; also &text=field of the payload, \
           &filter=object of JSON, &search=approximate, &tls=true, &ca=file and &timeout=seconds",
};

/// Ids that a search is told to leave out, at most; more are passed over when they come.
const MAX_EXCLUDED: usize = 50_000;

/// Coordinates that come along with hits, to a request: some 200 MB of JSON.
const COORDINATES_OF_HITS: usize = 1 << 24;

/// How many candidates an index keeps while it looks, at least.
const MIN_EF: usize = 256;

/// Points that are looked at to see whether their vectors have unit length.
const N_LOOKED_AT: usize = 256;

/// A collection of Qdrant.
pub type QdrantStore = CollectionStore<Qdrant>;

impl QdrantStore {
    /// Opens the collection of an address.
    ///
    /// # Errors
    /// [`StoreError::Address`], [`StoreError::Unreachable`], [`StoreError::Refused`] or [`StoreError::Unfit`];
    /// [`StoreError::Dimension`] where it is to be written and has another dimension.
    pub async fn open(
        address: &str,
        access: Access,
        variables: &Variables,
    ) -> Result<Self, StoreError> {
        let place = Place::parse(address, &FORM)?;
        let mut engine = Qdrant::new(&place, variables)?;
        if access != Access::Read && !engine.filter.is_empty() {
            return Err(not_seen(&place.shown, "filter"));
        }
        let params = engine.find(access).await?;
        let (precision, is_dot) = engine.check(&params)?;
        (engine.is_dot, engine.dimension) = (is_dot, params.size);
        access.check_dimension(params.size)?;
        engine.check_points().await?;
        let dimension = params.size;
        let spec = StoreSpec { kind: "qdrant", dimension, precision, exact: engine.is_exact };
        Ok(Self::new(spec, engine, access))
    }
}

/// The collection, and how it is asked.
#[derive(Debug)]
pub struct Qdrant {
    http: Http,
    collection: String,
    /// `/collections/name`.
    path: String,
    /// The name of the vectors, where they have names.
    vector: Option<String>,
    /// The field of the payload that a person reads.
    text: Option<String>,
    /// What points must be for there to be a record.
    filter: Filter,
    dimension: usize,
    /// Whether scores are dot products, not cosines.
    is_dot: bool,
    /// Whether it is told to look at every vector.
    is_exact: bool,
}

impl Qdrant {
    fn new(place: &Place, variables: &Variables) -> Result<Self, StoreError> {
        let collection = place.collection(&FORM)?.to_owned();
        let is_exact = match place.text("search") {
            None | Some("exact") => true,
            Some("approximate") => false,
            Some(other) => {
                let reason = format!("search={other} is neither exact nor approximate");
                return Err(FORM.bad(&place.host, reason));
            }
        };
        Ok(Self {
            is_exact,
            http: Http::of(place, &FORM, variables)?,
            path: format!("/collections/{}", encoded(&collection)),
            collection,
            vector: place.text("vector").map(str::to_owned),
            text: place.text("text").map(str::to_owned),
            filter: Filter::new(place.object("filter", &FORM)?),
            dimension: 0,
            is_dot: false,
        })
    }

    /// What the collection's vectors are. One that is to be written is made where it is missing.
    async fn find(&self, access: Access) -> Result<VectorParams, StoreError> {
        match (self.describe().await?, access) {
            (Some(described), _) => self.params(described),
            (None, Access::Write { dimension }) => {
                let made = self.create(dimension).await;
                // Of two who make it at once one is refused, and it is there all the same.
                let Some(described) = self.describe().await? else {
                    made?;
                    return Err(self.http.unfit("it was not made", "try again"));
                };
                self.params(described)
            }
            (None, Access::Read) => {
                let there: Answer<Collections> =
                    self.http.tell(Request::get("/collections").first()).await?;
                let names: Vec<&str> =
                    there.result.collections.iter().map(|it| it.name.as_str()).collect();
                let reason = format!("there is no collection {:?}", self.collection);
                Err(self.http.unfit(reason, format!("name one of: {}", names.join(", "))))
            }
        }
    }

    async fn describe(&self) -> Result<Option<Described>, StoreError> {
        match self.http.ask::<Answer<Described>>(Request::get(&self.path).first()).await {
            Ok(answer) => Ok(Some(answer.result)),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(failure.into_error(self.http.server())),
        }
    }

    async fn create(&self, dimension: usize) -> Result<(), StoreError> {
        let params = json!({ "size": dimension, "distance": "Cosine" });
        let vectors = match &self.vector {
            Some(name) => json!({ name: params }),
            None => params,
        };
        let request = Request::put(&self.path, &json!({ "vectors": vectors }));
        self.http.tell::<Answer<bool>>(request).await.map(drop)
    }

    /// Those vectors that the address names, or the only ones.
    fn params(&self, described: Described) -> Result<VectorParams, StoreError> {
        let mut there = described.vectors();
        let names: Vec<&str> = there.keys().map(String::as_str).collect();
        let names = names.join(", ");
        let hint = format!("name the vectors with &vector=name: {names}");
        let found = there.remove(self.vector.as_deref().unwrap_or_default());
        found.ok_or_else(|| {
            let reason = match &self.vector {
                Some(name) => format!("its points have no vectors {name:?}"),
                None => "its vectors have names".to_owned(),
            };
            self.http.unfit(reason, hint)
        })
    }

    /// How precise the vectors are, and whether they are compared by dot products.
    fn check(&self, params: &VectorParams) -> Result<(Precision, bool), StoreError> {
        if params.multivector_config.is_some() {
            return Err(self
                .http
                .unfit("each of its points has many vectors", "name a single vector"));
        }
        let precision = match params.datatype.as_deref() {
            None | Some("float32") => Precision::F32,
            Some("float16") => Precision::F16,
            Some(other) => {
                let reason = format!("its vectors are kept as {other}");
                return Err(self.http.unfit(reason, "vectors are read as float32 or float16"));
            }
        };
        match params.distance.as_str() {
            "Cosine" => Ok((precision, false)),
            "Dot" => Ok((precision, true)),
            other => Err(self.http.unfit(
                format!("its vectors are compared by {other}"),
                "a classifier scores directions: make the collection with the distance Cosine",
            )),
        }
    }

    /// A dot product is that of directions only where vectors have unit length; and a filter that is not understood is told
    /// at once.
    async fn check_points(&self) -> Result<(), StoreError> {
        let part = if self.is_dot { Part::Points } else { Part::Ids };
        if self.is_dot || !self.filter.is_empty() {
            self.scroll(None, N_LOOKED_AT, part).await?;
        }
        Ok(())
    }

    /// Records as points, each with its id and, where it has a direction, its embedding.
    fn read(&self, record: &mut Record) -> Result<(RecordId, Option<Embedding>), StoreError> {
        let id = record.id.record_id(record.payload.as_ref());
        let Some(values) = record.vector.take() else { return Ok((id, None)) };
        if self.is_dot && !is_unit(&values.0) {
            let remedy = "make the collection with the distance Cosine";
            return Err(not_unit(self.address(), "dot products", id.as_str(), remedy));
        }
        Ok((id, Embedding::normalize(values.0).ok()))
    }

    /// How the vectors are asked for.
    fn with_vector(&self, part: Part) -> serde_json::Value {
        match (part, &self.vector) {
            (Part::Ids, _) => json!(false),
            (Part::Points, None) => json!(true),
            (Part::Points, Some(name)) => json!([name]),
        }
    }

    fn vector_of<'a>(&'a self, embedding: &'a Embedding) -> NewVector<'a> {
        let values = embedding.as_slice();
        match &self.vector {
            None => NewVector::One(values),
            Some(name) => NewVector::Named(BTreeMap::from([(name.as_str(), values)])),
        }
    }

    /// How hard to look: at every vector as it was written, or as the index has them, quantized or not. Those that a
    /// quantized index finds are scored again by the engine, from twice as many.
    fn effort(&self, limit: usize) -> serde_json::Value {
        if self.is_exact {
            return json!({ "exact": true, "quantization": { "ignore": true } });
        }
        json!({
            "exact": false,
            "hnsw_ef": MIN_EF.max(2 * limit),
            "quantization": { "ignore": false, "rescore": true, "oversampling": 2.0 },
        })
    }

    fn to(&self, what: &str) -> String {
        format!("{}/points{what}", self.path)
    }

    async fn scroll(
        &self,
        offset: Option<Key>,
        limit: usize,
        part: Part,
    ) -> Result<Vec<(RecordId, Option<Embedding>)>, StoreError> {
        let body = json!({
            "filter": self.filter.alone(),
            "offset": offset,
            "limit": limit,
            "with_payload": [ID_FIELD],
            "with_vector": self.with_vector(part),
        });
        let request = Request::post(self.to("/scroll"), &body);
        let answer: Answer<Scrolled> = self.http.tell(request).await?;
        let records = answer.result.points.into_iter();
        records.map(|mut record| self.read(&mut record)).collect()
    }

    /// Records by their ids, with some of their payload.
    async fn records(
        &self,
        ids: &[RecordId],
        part: Part,
        fields: &[&str],
    ) -> Result<Vec<Record>, StoreError> {
        let keys: Vec<Key> = ids.iter().map(Key::of).collect();
        let mut body = json!({ "with_payload": fields, "with_vector": self.with_vector(part) });
        if self.filter.is_empty() || keys.is_empty() {
            body["ids"] = json!(keys);
            let request = Request::post(self.to(""), &body);
            return Ok(self.http.tell::<Answer<Vec<Record>>>(request).await?.result);
        }
        // Points that are asked for by their ids are filtered by nothing.
        body["limit"] = json!(keys.len());
        body["filter"] = self.filter.and("must", &json!({ "has_id": keys }));
        let request = Request::post(self.to("/scroll"), &body);
        Ok(self.http.tell::<Answer<Scrolled>>(request).await?.result.points)
    }

    fn question(&self, sought: &Sought<'_>) -> serde_json::Value {
        let excluded: Vec<Key> = sought.exclude.iter().take(MAX_EXCLUDED).map(Key::of).collect();
        let mut question = json!({
            "query": sought.direction.as_slice(),
            "params": self.effort(sought.limit),
            "limit": sought.limit,
            "with_payload": [ID_FIELD],
            "with_vector": self.with_vector(Part::Points),
        });
        if let Some(name) = &self.vector {
            question["using"] = json!(name);
        }
        question["filter"] = if excluded.is_empty() {
            self.filter.alone()
        } else {
            self.filter.and("must_not", &json!({ "has_id": excluded }))
        };
        question
    }

    fn near(&self, mut record: Record) -> Result<Near, StoreError> {
        let score = record.score.unwrap_or_default();
        let (id, embedding) = self.read(&mut record)?;
        Ok(Near { id, score, embedding })
    }

    async fn write(&self, request: Request) -> Result<(), StoreError> {
        self.http.tell::<Answer<Written>>(request).await.map(drop)
    }
}

#[async_trait]
impl Engine for Qdrant {
    fn address(&self) -> &str {
        &self.http.server().shown
    }

    fn limits(&self) -> Limits {
        Limits {
            max_hits: 10_000,
            excludes: true,
            slack: if self.is_dot { DOT_SLACK } else { 1e-5 },
            ids_per_page: 10_000,
            points_per_request: 2_000,
            coordinates_per_request: 1 << 20,
            max_listed: 2_000_000,
        }
    }

    /// As many searches to a request as its answer has room for.
    async fn nearest(&self, sought: &[Sought<'_>]) -> Result<Vec<Vec<Near>>, StoreError> {
        let mut found = Vec::with_capacity(sought.len());
        for portion in portions(sought, COORDINATES_OF_HITS / self.dimension.max(1)) {
            let searches: Vec<_> = portion.iter().map(|sought| self.question(sought)).collect();
            let request = Request::post(self.to("/query/batch"), &json!({ "searches": searches }));
            let answer: Answer<Vec<Found>> = self.http.tell(request).await?;
            for Found { points } in answer.result {
                found.push(
                    points.into_iter().map(|point| self.near(point)).collect::<Result<_, _>>()?,
                );
            }
        }
        Ok(found)
    }

    /// A page of Qdrant begins with a point, so one more is asked for than wanted.
    async fn page(
        &self,
        after: Option<&RecordId>,
        limit: usize,
        part: Part,
    ) -> Result<Page, StoreError> {
        let n_asked = limit + usize::from(after.is_some());
        let mut points = self.scroll(after.map(Key::of), n_asked, part).await?;
        let last = points.last().map(|(id, _)| id.clone());
        let last = last.filter(|_| points.len() == n_asked);
        points.retain(|(id, _)| Some(id) != after);
        points.truncate(limit);
        let last = last.and_then(|_| points.last().map(|(id, _)| id.clone()));
        Ok(Page { points, last })
    }

    async fn fetch(&self, ids: &[RecordId]) -> Result<Vec<Point>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut points = Vec::new();
        for mut record in self.records(ids, Part::Points, &[ID_FIELD]).await? {
            if let (id, Some(embedding)) = self.read(&mut record)? {
                points.push(Point { id, embedding });
            }
        }
        Ok(points)
    }

    async fn contained(&self, ids: &[RecordId]) -> Result<BTreeSet<RecordId>, StoreError> {
        let asked: BTreeSet<&RecordId> = ids.iter().collect();
        let records = self.records(ids, Part::Ids, &[ID_FIELD]).await?;
        let found = records.iter().map(|record| record.id.record_id(record.payload.as_ref()));
        Ok(found.filter(|id| asked.contains(id)).collect())
    }

    /// Of points that are there, the vector alone is written: their payload belongs to somebody else.
    async fn upsert(&self, points: &[(&RecordId, &Embedding)]) -> Result<(), StoreError> {
        let ids: Vec<RecordId> = points.iter().map(|(id, _)| (*id).clone()).collect();
        let there = self.contained(&ids).await?;
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for (id, embedding) in points {
            let (key, vector) = (Key::of(id), self.vector_of(embedding));
            if there.contains(*id) {
                old.push(NewPoint { id: key, vector, payload: None });
            } else {
                let payload = Some(Key::payload(id));
                new.push(NewPoint { id: key, vector, payload });
            }
        }
        for (what, points) in [("?wait=true", new), ("/vectors?wait=true", old)] {
            if !points.is_empty() {
                self.write(Request::put(self.to(what), &NewPoints { points })).await?;
            }
        }
        Ok(())
    }

    async fn delete(&self, ids: &[RecordId]) -> Result<(), StoreError> {
        let keys: Vec<Key> = ids.iter().map(Key::of).collect();
        let body = json!({ "points": keys });
        self.write(Request::post(self.to("/delete?wait=true"), &body)).await
    }

    async fn count(&self) -> Result<u64, StoreError> {
        let request = Request::post(
            self.to("/count"),
            &json!({ "exact": true, "filter": self.filter.alone() }),
        );
        Ok(self.http.tell::<Answer<Counted>>(request).await?.result.count)
    }

    /// Those that the engine draws, from 1.11 on; it takes no seed, so others each time.
    async fn draw(&self, n_points: usize, _seed: u64) -> Result<Option<Vec<RecordId>>, StoreError> {
        if self.count().await? <= MAX_LISTED {
            return Ok(None);
        }
        let body = json!({
            "query": { "sample": "random" },
            "filter": self.filter.alone(),
            // Some may have no vector.
            "limit": n_points + n_points / 8,
            "with_payload": [ID_FIELD],
            "with_vector": false,
        });
        match self.http.ask::<Answer<Found>>(Request::post(self.to("/query"), &body)).await {
            Ok(answer) => Ok(Some(answer.result.points.iter().map(Record::record_id).collect())),
            Err(failure) if failure.is_unknown() => Ok(None),
            Err(failure) => Err(failure.into_error(self.http.server())),
        }
    }

    /// Every write has waited until it was done.
    async fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn texts(&self, ids: &[RecordId]) -> Result<BTreeMap<RecordId, String>, StoreError> {
        let Some(field) = &self.text else { return Ok(BTreeMap::new()) };
        let records = self.records(ids, Part::Ids, &[ID_FIELD, field]).await?;
        Ok(records
            .iter()
            .filter_map(|record| Some((record.record_id(), record.text(field)?)))
            .collect())
    }

    async fn check_score_column(&self, column: &str) -> Result<(), StoreError> {
        check_field(self.address(), column)?;
        let body = json!({
            "filter": self.filter.and("must_not", &json!({ "is_empty": { "key": column } })),
            "limit": N_LOOKED_AT,
            "with_payload": [column],
            "with_vector": false,
        });
        let answer: Answer<Scrolled> =
            self.http.tell(Request::post(self.to("/scroll"), &body)).await?;
        let payloads = answer.result.points.iter().filter_map(|record| record.payload.as_ref());
        let values = payloads.filter_map(|payload| payload.get(column));
        check_numbers(self.address(), column, values.map(serde_json::Value::is_number))
    }

    /// The rest of the payload stays as it is.
    async fn write_scores(&self, column: &str, scores: &[Hit]) -> Result<u64, StoreError> {
        let ids: Vec<RecordId> = scores.iter().map(|hit| hit.id.clone()).collect();
        let there = self.contained(&ids).await?;
        let scores = scores.iter().filter(|hit| there.contains(&hit.id));
        let operation = |hit: &Hit| {
            let (payload, points) = (json!({ column: hit.score }), [Key::of(&hit.id)]);
            json!({ "set_payload": { "payload": payload, "points": points } })
        };
        let operations: Vec<_> = scores.map(operation).collect();
        if !operations.is_empty() {
            let body = json!({ "operations": operations });
            let request = Request::post(self.to("/batch?wait=true"), &body);
            self.http.tell::<Answer<Vec<Written>>>(request).await?;
        }
        Ok(there.len() as u64)
    }
}
