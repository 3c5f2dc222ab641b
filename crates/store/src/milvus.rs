//! A collection of Milvus, asked where it is.
//!
//! What the engine finds depends on the collection's index: `FLAT` looks at every vector, others at some. What is found
//! is scored exactly. Ids of records are the primary key, texts or numbers.

mod api;
mod key;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use linprobe_core::{Embedding, Excluded, Point, Precision, RecordId, StoreError, StoreSpec};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::{
    api::{Answer, Described, Done, Row, counted, direction, text_of},
    key::KeyField,
};
use crate::{
    collection::{CollectionStore, DOT_SLACK, Engine, Limits, Near, Page, Part, is_unit},
    remote::{Access, Form, Http, Place, Request, Retries, Variables, sleep},
};

const FORM: Form = Form {
    scheme: "milvus",
    port: Some(19530),
    parameters: &["database", "text", "tls", "vector"],
    variable: "MILVUS_TOKEN",
    key: ["Authorization", "Bearer "],
    headers: &[],
    hint: "milvus://host:19530/collection, with &vector=field where several hold vectors; also &database=name, \
           &text=field, &tls=true and &timeout=seconds",
};

/// Ids that a search is told to leave out, at most; more are passed over when they come.
const MAX_EXCLUDED: usize = 10_000;

/// Points that are looked at to see whether their vectors have unit length.
const N_LOOKED_AT: usize = 256;

/// How often a server that says it is busy is asked again.
const RETRIES: u32 = 8;

/// A collection of Milvus.
pub type MilvusStore = CollectionStore<Milvus>;

impl MilvusStore {
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
        let mut engine = Milvus::new(&place, variables)?;
        let described = engine.find(access).await?;
        let dimension = engine.settle(&described)?;
        access.check_dimension(dimension)?;
        if engine.is_dot {
            engine.page(None, N_LOOKED_AT, Part::Points).await?;
        }
        let precision = Precision::F32;
        let spec = StoreSpec { kind: "milvus", dimension, precision, exact: false };
        Ok(Self::new(spec, engine, access))
    }
}

/// The collection, and how it is asked.
#[derive(Debug)]
pub struct Milvus {
    http: Http,
    collection: String,
    database: Option<String>,
    key: KeyField,
    /// The field of vectors.
    vector: Option<String>,
    /// The field that a person reads.
    text: Option<String>,
    /// Whether scores are inner products, not cosines.
    is_dot: bool,
}

impl Milvus {
    fn new(place: &Place, variables: &Variables) -> Result<Self, StoreError> {
        Ok(Self {
            http: Http::of(place, &FORM, variables),
            collection: place.collection(&FORM)?.to_owned(),
            database: place.text("database").map(str::to_owned),
            key: KeyField::default(),
            vector: place.text("vector").map(str::to_owned),
            text: place.text("text").map(str::to_owned),
            is_dot: false,
        })
    }

    /// What the collection is. One that is to be written is made where it is missing.
    async fn find(&self, access: Access) -> Result<Described, StoreError> {
        match (self.describe().await?, access) {
            (Some(described), _) => Ok(described),
            (None, Access::Write { dimension }) => {
                let made = self.create(dimension).await;
                // Of two who make it at once one may be refused, and it is there all the same.
                match self.describe().await? {
                    Some(described) => Ok(described),
                    None => {
                        made?;
                        Err(self.http.unfit("it was not made", "try again"))
                    }
                }
            }
            (None, Access::Read) => {
                let there: Vec<String> = self.call("collections/list", json!({})).await?;
                let reason = format!("there is no collection {:?}", self.collection);
                Err(self.http.unfit(reason, format!("name one of: {}", there.join(", "))))
            }
        }
    }

    async fn describe(&self) -> Result<Option<Described>, StoreError> {
        let request = self.request("collections/describe", json!({})).first();
        let answer: Answer<Described> = self.http.tell(request).await?;
        if answer.is_missing() {
            return Ok(None);
        }
        self.taken(answer).map(Some)
    }

    async fn create(&self, dimension: usize) -> Result<(), StoreError> {
        let body = json!({
            "dimension": dimension,
            "metricType": "COSINE",
            "idType": "VarChar",
            "autoID": false,
            "primaryFieldName": "id",
            "vectorFieldName": self.vector.as_deref().unwrap_or("vector"),
            "params": { "max_length": RecordId::MAX_BYTES, "consistencyLevel": "Strong" },
        });
        self.call::<Done>("collections/create", body).await.map(drop)
    }

    /// Finds out which fields hold what, and how vectors are compared. Gives the dimension.
    fn settle(&mut self, described: &Described) -> Result<usize, StoreError> {
        let vectors = described.vectors();
        let names: Vec<&str> = vectors.iter().map(|field| field.name.as_str()).collect();
        let hint = format!("name the field of vectors with &vector=name: {}", names.join(", "));
        let found = match (&self.vector, vectors.as_slice()) {
            (None, [only]) => only,
            (None, _) => {
                let reason = format!("{} of its fields hold vectors", vectors.len());
                return Err(self.http.unfit(reason, hint));
            }
            (Some(name), _) => match vectors.iter().find(|field| field.name == *name) {
                Some(field) => field,
                None => return Err(self.http.unfit(format!("it has no vectors {name:?}"), hint)),
            },
        };
        let (name, dimension) = (found.name.clone(), found.dimension());
        let dimension = dimension.ok_or_else(|| {
            self.http
                .unfit(format!("its vectors {name} are not of single precision"), "name others")
        })?;
        self.is_dot = match described.metric(&name) {
            Some("COSINE") => false,
            Some("IP") => true,
            other => {
                let reason = format!("its vectors are compared by {}", other.unwrap_or("no index"));
                let hint = "a classifier scores directions: make an index with the metric COSINE";
                return Err(self.http.unfit(reason, hint));
            }
        };
        let key = described.key();
        self.key = key.ok_or_else(|| self.http.unfit("it has no primary key", "name another"))?;
        self.vector = Some(name);
        Ok(dimension)
    }

    /// A request of the collection.
    fn request(&self, what: &str, mut body: Value) -> Request {
        if what != "collections/list" {
            body["collectionName"] = json!(self.collection);
        }
        if let Some(database) = &self.database {
            body["dbName"] = json!(database);
        }
        Request::post(format!("/v2/vectordb/{what}"), &body)
    }

    /// What is answered. That a server is busy it says in an answer that is well in the eyes of HTTP.
    async fn call<T>(&self, what: &str, body: Value) -> Result<T, StoreError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let mut retries = Retries::new(RETRIES);
        loop {
            let answer: Answer<T> = self.http.tell(self.request(what, body.clone())).await?;
            let wait = if answer.is_busy() { retries.next_wait() } else { None };
            let Some(wait) = wait else { return self.taken(answer) };
            sleep(wait).await.map_err(|error| self.failed(error))?;
        }
    }

    fn taken<T>(&self, answer: Answer<T>) -> Result<T, StoreError> {
        answer.taken().map_err(|said| self.failed(said))
    }

    fn failed(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError::Failed { store: self.http.server().shown.clone(), source: source.into() }
    }

    fn vector(&self) -> &str {
        self.vector.as_deref().unwrap_or_default()
    }

    /// The fields that are asked for.
    fn fields(&self, part: Part) -> Vec<&str> {
        match part {
            Part::Ids => vec![&self.key.name],
            Part::Points => vec![&self.key.name, self.vector()],
        }
    }

    /// The rows that a filter lets through, in the order of their keys.
    async fn rows(
        &self,
        filter: &str,
        limit: usize,
        fields: &[&str],
    ) -> Result<Vec<Row>, StoreError> {
        let body = json!({
            "filter": filter,
            "limit": limit,
            "outputFields": fields,
            "consistencyLevel": "Strong",
        });
        self.call("entities/query", body).await
    }

    /// The rows of ids, by id. An id that no key can have has none.
    async fn rows_of(
        &self,
        ids: &[RecordId],
        fields: &[&str],
    ) -> Result<BTreeMap<RecordId, Row>, StoreError> {
        let Some(filter) = self.key.among(ids.iter()) else { return Ok(BTreeMap::new()) };
        let rows = self.rows(&filter, ids.len(), fields).await?;
        Ok(rows.into_iter().filter_map(|row| Some((self.key.record_id(&row)?, row))).collect())
    }

    fn embedding(&self, id: &RecordId, row: &mut Row) -> Result<Option<Embedding>, StoreError> {
        let Some(values) = direction(row, self.vector()) else { return Ok(None) };
        if self.is_dot && !is_unit(&values) {
            let reason = format!(
                "it compares vectors by inner products, and that of {id} has not unit length"
            );
            let hint = "a classifier scores directions: make an index with the metric COSINE";
            return Err(self.http.unfit(reason, hint));
        }
        Ok(Embedding::normalize(values).ok())
    }
}

#[async_trait]
impl Engine for Milvus {
    fn address(&self) -> &str {
        &self.http.server().shown
    }

    fn limits(&self) -> Limits {
        Limits {
            max_hits: 10_000,
            excludes: true,
            slack: if self.is_dot { DOT_SLACK } else { 1e-4 },
            ids_per_page: 10_000,
            points_per_request: 1_000,
            coordinates_per_request: 1 << 19,
            max_listed: 2_000_000,
        }
    }

    async fn nearest(
        &self,
        direction: &Embedding,
        limit: usize,
        exclude: &Excluded,
    ) -> Result<Vec<Near>, StoreError> {
        let mut body = json!({
            "data": [direction.as_slice()],
            "annsField": self.vector(),
            "limit": limit,
            "outputFields": self.fields(Part::Points),
            "consistencyLevel": "Strong",
        });
        if let Some(filter) = self.key.among(exclude.iter().take(MAX_EXCLUDED)) {
            body["filter"] = json!(format!("not ({filter})"));
        }
        let rows: Vec<Row> = self.call("entities/search", body).await?;
        let mut near = Vec::with_capacity(rows.len());
        for mut row in rows {
            let Some(id) = self.key.record_id(&row) else { continue };
            let embedding = self.embedding(&id, &mut row)?;
            let score = row.get("distance").and_then(Value::as_f64).unwrap_or_default();
            #[expect(clippy::cast_possible_truncation, reason = "it was in single precision")]
            near.push(Near { id, score: score as f32, embedding });
        }
        Ok(near)
    }

    async fn page(
        &self,
        after: Option<&RecordId>,
        limit: usize,
        part: Part,
    ) -> Result<Page, StoreError> {
        let filter = after.map_or_else(String::new, |id| self.key.after(id));
        let rows = self.rows(&filter, limit, &self.fields(part)).await?;
        let is_full = rows.len() == limit;
        let mut points = Vec::with_capacity(rows.len());
        for mut row in rows {
            let Some(id) = self.key.record_id(&row) else { continue };
            let embedding = self.embedding(&id, &mut row)?;
            points.push((id, embedding));
        }
        self.key.sort(&mut points);
        let last = points.last().map(|(id, _)| id.clone()).filter(|_| is_full);
        Ok(Page { points, last })
    }

    async fn fetch(&self, ids: &[RecordId]) -> Result<Vec<Point>, StoreError> {
        let mut points = Vec::new();
        for (id, mut row) in self.rows_of(ids, &self.fields(Part::Points)).await? {
            if let Some(embedding) = self.embedding(&id, &mut row)? {
                points.push(Point { id, embedding });
            }
        }
        Ok(points)
    }

    async fn contained(&self, ids: &[RecordId]) -> Result<BTreeSet<RecordId>, StoreError> {
        Ok(self.rows_of(ids, &self.fields(Part::Ids)).await?.into_keys().collect())
    }

    /// The other fields of a row that is there are written again with it: they belong to somebody else.
    async fn upsert(&self, points: &[(&RecordId, &Embedding)]) -> Result<(), StoreError> {
        let ids: Vec<RecordId> = points.iter().map(|(id, _)| (*id).clone()).collect();
        if let Some(id) = ids.iter().find(|id| !self.key.takes(id)) {
            let reason =
                format!("its key {} has no room for the id {:?}", self.key.name, id.as_str());
            return Err(self
                .http
                .unfit(reason, "write to a collection whose key is a VarChar of 512"));
        }
        let mut there = self.rows_of(&ids, &["*"]).await?;
        let row = |(id, embedding): &(&RecordId, &Embedding)| {
            let mut row = there.remove(*id).unwrap_or_default();
            row.insert(self.key.name.clone(), self.key.value(id));
            row.insert(self.vector().to_owned(), json!(embedding.as_slice()));
            row
        };
        let rows: Vec<Row> = points.iter().map(row).collect();
        self.call::<Done>("entities/upsert", json!({ "data": rows })).await.map(drop)
    }

    async fn delete(&self, ids: &[RecordId]) -> Result<(), StoreError> {
        let Some(filter) = self.key.among(ids.iter()) else { return Ok(()) };
        self.call::<Done>("entities/delete", json!({ "filter": filter })).await.map(drop)
    }

    async fn count(&self) -> Result<u64, StoreError> {
        let body = json!({
            "filter": "",
            "outputFields": ["count(*)"],
            "consistencyLevel": "Strong",
        });
        let rows: Vec<Row> = self.call("entities/query", body).await?;
        counted(&rows).ok_or_else(|| self.failed("the answer has no count"))
    }

    /// What was written is in the engine's log, and every question asks for all of it.
    async fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn texts(&self, ids: &[RecordId]) -> Result<BTreeMap<RecordId, String>, StoreError> {
        let Some(field) = &self.text else { return Ok(BTreeMap::new()) };
        let rows = self.rows_of(ids, &[&self.key.name, field]).await?;
        Ok(rows.into_iter().filter_map(|(id, row)| Some((id, text_of(&row, field)?))).collect())
    }
}
