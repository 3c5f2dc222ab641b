//! A collection of Milvus, asked where it is.
//!
//! What the engine finds depends on the collection's index: `FLAT` looks at every vector, others at some. What is found
//! is scored exactly. Ids of records are the primary key, texts or numbers. Every version since 2.3 speaks the same gRPC, which
//! that of REST does not do.

mod client;
mod column;
mod draw;
mod key;
mod layout;
mod loading;
mod members;
pub(crate) mod proto;
mod scores;
mod search;
#[cfg(all(unix, feature = "test-server"))]
pub(crate) mod theirs;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use linprobe_core::{Embedding, Hit, Point, Precision, RecordId, StoreError, StoreSpec};
use prost::{DecodeError, Message, bytes::Bytes};

use self::{
    client::{Client, RETRIES},
    column::Table,
    layout::{Layout, Metric, VectorIndex, param, schema_of},
    proto::{
        Column, Consistency, CreateCollection, CreateIndex, Delete, DescribeCollection,
        DescribeIndex, Query, Schema, ShowCollections, Upsert,
    },
};
use crate::{
    collection::{
        CollectionStore, DOT_SLACK, Engine, Limits, MAX_LISTED, Near, Page, Part, Sought, is_unit,
        not_unit,
    },
    remote::{Access, Form, Place, RETRIES_TO_OPEN, Variables, not_seen},
};

const FORM: Form = Form {
    scheme: "milvus",
    port: Some(19530),
    parameters: &[
        "ca",
        "consistency",
        "database",
        "filter",
        "partition",
        "search",
        "text",
        "tls",
        "vector",
    ],
    variable: "MILVUS_TOKEN",
    key: ["authorization", ""],
    headers: &[],
    hint: "milvus://host:19530/collection, with &vector=field where several hold vectors; also &database=name, \
           &partition=name, &filter=expression, &text=field, &consistency=bounded, &search=parameters, &tls=true, \
           &ca=file and &timeout=seconds",
};

/// The longest filter, in bytes: a question has room for 64 MiB.
const MAX_FILTER: usize = 32 << 20;

/// The longest list of hits and the longest page.
const MAX_ROWS: usize = 16_384;

/// Points that are looked at to see whether their vectors have unit length.
const N_LOOKED_AT: usize = 256;

/// Questions that are asked at a time.
const N_AT_ONCE: usize = 8;

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
        let mut engine = Milvus::new(&place, access, variables)?;
        let schema = engine.find(access, place.text("vector").unwrap_or("vector")).await?;
        let layout = Layout::of(&schema, place.text("vector"));
        engine.layout = layout.map_err(|(reason, hint)| engine.unfit(reason, hint))?;
        let dimension = engine.layout.dimension;
        access.check_dimension(dimension)?;
        engine.index = engine.index(access).await?;
        engine.be_loaded(access).await?;
        if engine.index.n_cells.is_some() {
            engine.index.n_rows = engine.count().await?;
        }
        if engine.index.metric != Metric::Cosine {
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
    client: Client,
    collection: String,
    partition: Option<String>,
    /// What rows must be for there to be a record.
    filter: Option<String>,
    /// The field that a person reads.
    text: Option<String>,
    consistency: Consistency,
    /// How an index is searched, in JSON, where the address says it.
    search: Option<String>,
    layout: Layout,
    index: VectorIndex,
}

impl Milvus {
    fn new(place: &Place, access: Access, variables: &Variables) -> Result<Self, StoreError> {
        let text = |name: &str| place.text(name).map(str::to_owned);
        let consistency = match place.text("consistency") {
            None | Some("strong") => Consistency::Strong,
            Some("bounded") => Consistency::Bounded,
            Some(other) => {
                let reason = format!("consistency={other} is neither strong nor bounded");
                return Err(FORM.bad(&place.host, reason));
            }
        };
        let engine = Self {
            client: Client::of(place, &FORM, variables)?,
            collection: place.collection(&FORM)?.to_owned(),
            partition: text("partition"),
            filter: text("filter"),
            text: text("text"),
            consistency,
            search: text("search"),
            layout: Layout::default(),
            index: VectorIndex::default(),
        };
        if access != Access::Read && (engine.filter.is_some() || consistency != Consistency::Strong)
        {
            return Err(not_seen(&place.shown, "filter and consistency"));
        }
        Ok(engine)
    }

    /// What the fields of the collection are. One that is to be written is made where it is missing.
    async fn find(&self, access: Access, vector: &str) -> Result<Schema, StoreError> {
        let collection = self.collection.clone();
        let described =
            match self.client.ask(DescribeCollection { collection }, RETRIES_TO_OPEN).await {
                Ok(described) => described,
                Err(failure) if failure.is_missing() => match access {
                    Access::Read => return Err(self.missing().await?),
                    Access::Write { dimension } => self.create((vector, dimension)).await?,
                },
                Err(failure) => return Err(self.client.error(failure)),
            };
        described.schema.ok_or_else(|| self.failed("the answer has no schema"))
    }

    async fn missing(&self) -> Result<StoreError, StoreError> {
        let there = self.client.tell(ShowCollections {}).await?.names;
        let reason = format!("there is no collection {:?}", self.collection);
        let hint = if there.is_empty() {
            "the database has none; name another with &database=name".to_owned()
        } else {
            format!("name one of: {}", there.join(", "))
        };
        Ok(self.unfit(reason, hint))
    }

    async fn create(&self, vector: (&str, usize)) -> Result<proto::Described, StoreError> {
        let collection = self.collection.clone();
        let schema = schema_of(&collection, RecordId::MAX_BYTES, vector).encode_to_vec();
        let consistency = Consistency::Strong.into();
        let create =
            CreateCollection { collection: collection.clone(), schema, n_shards: 1, consistency };
        let made = self.client.tell(create).await;
        // Of two who make it at once one may be refused, and it is there all the same.
        match self.client.tell(DescribeCollection { collection }).await {
            Err(missing) => Err(made.err().unwrap_or(missing)),
            described => described,
        }
    }

    /// How vectors are compared. A collection that is to be written gets an index where it has none.
    async fn index(&self, access: Access) -> Result<VectorIndex, StoreError> {
        let hint = "a classifier scores directions: make an index with the metric COSINE";
        let question = DescribeIndex { collection: self.collection.clone() };
        let indexes = match self.client.ask(question, RETRIES).await {
            Ok(found) => found.indexes,
            Err(failure) if failure.is_without_index() => Vec::new(),
            Err(failure) => return Err(self.client.error(failure)),
        };
        match VectorIndex::of(&indexes, &self.layout.vector) {
            Some(Ok(index)) => Ok(index),
            Some(Err(other)) => {
                Err(self.unfit(format!("its vectors are compared by {other}"), hint))
            }
            None if access == Access::Read => {
                Err(self.unfit("its vectors are compared by no index", hint))
            }
            None => self.make_index().await,
        }
    }

    async fn make_index(&self) -> Result<VectorIndex, StoreError> {
        let made = VectorIndex { kind: "FLAT".to_owned(), ..VectorIndex::default() };
        let question = CreateIndex {
            collection: self.collection.clone(),
            field: self.layout.vector.clone(),
            params: vec![
                param("index_type", made.kind.clone()),
                param("metric_type", made.metric.name()),
                param("params", "{}"),
            ],
            name: self.layout.vector.clone(),
        };
        self.client.tell(question).await?;
        Ok(made)
    }

    fn unfit(&self, reason: impl Into<String>, hint: impl Into<String>) -> StoreError {
        self.client.server().unfit(reason, hint)
    }

    fn failed(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError::Failed { store: self.client.server().shown.clone(), source: source.into() }
    }

    fn strange(&self, bad: &DecodeError) -> StoreError {
        self.failed(format!("the answer is not understood: {bad}"))
    }

    fn partitions(&self) -> Vec<String> {
        self.partition.clone().into_iter().collect()
    }

    /// The filter of rows, of those that are records at all.
    fn filter(&self, filter: Option<String>) -> String {
        match (&self.filter, filter) {
            (Some(always), Some(filter)) => format!("({always}) and ({filter})"),
            (Some(always), None) => always.clone(),
            (None, filter) => filter.unwrap_or_default(),
        }
    }

    /// The fields that are asked for.
    fn fields(&self, part: Part) -> Vec<String> {
        let vector = (part == Part::Points).then(|| self.layout.vector.clone());
        [self.layout.key.name.clone()].into_iter().chain(vector).collect()
    }

    /// The columns of the rows that a filter lets through, of the first in the order of their keys.
    async fn columns(
        &self,
        filter: Option<String>,
        limit: Option<usize>,
        fields: Vec<String>,
    ) -> Result<Vec<Bytes>, StoreError> {
        let limit = limit.map(|limit| {
            let limit = limit.clamp(1, MAX_ROWS).to_string();
            // The last two: as by iterators of its own clients, which go by keys, too.
            [
                param("limit", limit),
                param("reduce_stop_for_best", "True"),
                param("iterator", "True"),
            ]
        });
        let question = Query {
            collection: self.collection.clone(),
            filter: self.filter(filter),
            fields,
            partitions: self.partitions(),
            params: limit.into_iter().flatten().collect(),
            consistency: self.consistency.into(),
        };
        Ok(self.tell(question).await?.columns)
    }

    async fn table(
        &self,
        filter: Option<String>,
        limit: Option<usize>,
        fields: Vec<String>,
    ) -> Result<Table, StoreError> {
        let columns = self.columns(filter, limit, fields).await?;
        Table::read(&columns).map_err(|bad| self.strange(&bad))
    }

    /// The rows of ids, in the server's order. An id that no key can have has none.
    async fn table_of(&self, ids: &[RecordId], fields: Vec<String>) -> Result<Table, StoreError> {
        match self.layout.key.among(ids.iter(), MAX_FILTER) {
            Some(filter) => self.table(Some(filter), None, fields).await,
            None => Ok(Table::default()),
        }
    }

    /// The embeddings of rows, as many as there are ids; none where a vector has no direction.
    fn embeddings(
        &self,
        table: &mut Table,
        ids: &[Option<RecordId>],
    ) -> Result<Vec<Option<Embedding>>, StoreError> {
        let values = table.take_vectors(&self.layout.vector).unwrap_or_default();
        let dimension = self.layout.dimension;
        if values.len() != ids.len() * dimension {
            let found = values.len() / dimension.max(1);
            return Err(self.failed(format!("{found} vectors came for {} rows", ids.len())));
        }
        let rows = values.chunks_exact(dimension).zip(ids);
        rows.map(|(values, id)| self.embedding(values, id.as_ref())).collect()
    }

    fn embedding(
        &self,
        values: &[f32],
        id: Option<&RecordId>,
    ) -> Result<Option<Embedding>, StoreError> {
        if self.index.metric != Metric::Cosine && !is_unit(values) {
            let (metric, id) = (self.index.metric.name(), id.map_or("", RecordId::as_str));
            let remedy = "make an index with the metric COSINE";
            return Err(not_unit(self.address(), metric, id, remedy));
        }
        Ok(Embedding::normalize(values.to_vec()).ok())
    }

    /// Writes rows, with the columns that they have besides.
    async fn write(
        &self,
        points: &[(&RecordId, &Embedding)],
        others: Vec<Bytes>,
    ) -> Result<(), StoreError> {
        let Ok(n_rows @ 1..) = u32::try_from(points.len()) else { return Ok(()) };
        let Layout { key, vector, dimension, .. } = &self.layout;
        let embeddings = points.iter().map(|(_, embedding)| *embedding);
        let own = [
            key.column(points.iter().map(|(id, _)| *id)).encoded(),
            Column::of_embeddings(vector, *dimension, embeddings).encoded(),
        ];
        self.put(own.into_iter().chain(others).collect(), n_rows).await
    }

    async fn put(&self, columns: Vec<Bytes>, n_rows: u32) -> Result<(), StoreError> {
        let question = Upsert {
            collection: self.collection.clone(),
            partition: self.partition.clone().unwrap_or_default(),
            columns,
            n_rows,
        };
        self.tell(question).await.map(drop)
    }

    /// Those of the ids that have a row, and the columns that such a row is written again with.
    async fn kept(&self, ids: &[RecordId]) -> Result<(Vec<RecordId>, Vec<Bytes>), StoreError> {
        let Layout { key, vector, .. } = &self.layout;
        let Some(filter) = key.among(ids.iter(), MAX_FILTER) else { return Ok((vec![], vec![])) };
        let fields = self.fields(Part::Ids).into_iter().chain(self.layout.kept()).collect();
        let columns = self.columns(Some(filter), None, fields).await?;
        let is_own = |column: &Column| column.name == key.name || column.name == *vector;
        let others = self.unchanged(&columns, is_own)?;
        let table = Table::read(&columns).map_err(|bad| self.strange(&bad))?;
        Ok((table.ids(key).into_iter().flatten().collect(), others))
    }

    /// The columns that are written again as they came, without those that others take the place of.
    fn unchanged(
        &self,
        columns: &[Bytes],
        is_replaced: impl Fn(&Column) -> bool,
    ) -> Result<Vec<Bytes>, StoreError> {
        let mut unchanged = Vec::with_capacity(columns.len());
        for column in columns {
            let read = Column::decode(column.clone()).map_err(|bad| self.strange(&bad))?;
            if is_replaced(&read) {
                continue;
            }
            if read.has_gaps() {
                let reason = format!("some rows have no {}, which would be lost", read.name);
                return Err(self.unfit(reason, "fill the field in, or write to another collection"));
            }
            unchanged.push(column.clone());
        }
        Ok(unchanged)
    }

    fn check_takes(&self, points: &[(&RecordId, &Embedding)]) -> Result<(), StoreError> {
        let key = &self.layout.key;
        if key.is_auto {
            let hint = "write to a collection whose keys are given, or name one that is not there";
            return Err(self.unfit(format!("it makes the keys {} itself", key.name), hint));
        }
        match points.iter().find(|(id, _)| !key.takes(id)) {
            Some((id, _)) => Err(self.unfit(
                format!("its key {} has no room for the id {:?}", key.name, id.as_str()),
                "write to a collection whose key is a VarChar of 512",
            )),
            None => Ok(()),
        }
    }

    async fn count_of(&self, filter: Option<String>) -> Result<u64, StoreError> {
        let table = self.table(filter, None, vec!["count(*)".to_owned()]).await?;
        table.number().ok_or_else(|| self.failed("the answer has no count"))
    }
}

#[async_trait]
impl Engine for Milvus {
    fn address(&self) -> &str {
        &self.client.server().shown
    }

    fn limits(&self) -> Limits {
        Limits {
            max_hits: MAX_ROWS,
            excludes: true,
            slack: if self.index.metric == Metric::Cosine { 1e-4 } else { DOT_SLACK },
            ids_per_page: MAX_ROWS,
            points_per_request: 4_000,
            coordinates_per_request: 1 << 22,
            max_listed: 2_000_000,
        }
    }

    async fn nearest(&self, sought: &[Sought<'_>]) -> Result<Vec<Vec<Near>>, StoreError> {
        self.lists(sought).await
    }

    async fn page(
        &self,
        after: Option<&RecordId>,
        limit: usize,
        part: Part,
    ) -> Result<Page, StoreError> {
        let filter = after.map(|id| self.layout.key.after(id));
        let mut table = self.table(filter, Some(limit), self.fields(part)).await?;
        let ids = table.ids(&self.layout.key);
        let is_full = ids.len() >= limit.min(MAX_ROWS);
        let embeddings = match part {
            Part::Ids => vec![None; ids.len()],
            Part::Points => self.embeddings(&mut table, &ids)?,
        };
        let rows = ids.into_iter().zip(embeddings);
        let mut points: Vec<_> =
            rows.filter_map(|(id, embedding)| Some((id?, embedding))).collect();
        self.layout.key.sort(&mut points);
        let last = points.last().map(|(id, _)| id.clone()).filter(|_| is_full);
        Ok(Page { points, last })
    }

    async fn fetch(&self, ids: &[RecordId]) -> Result<Vec<Point>, StoreError> {
        let mut table = self.table_of(ids, self.fields(Part::Points)).await?;
        let ids = table.ids(&self.layout.key);
        let embeddings = self.embeddings(&mut table, &ids)?;
        let rows = ids.into_iter().zip(embeddings);
        let points =
            rows.filter_map(|(id, embedding)| Some(Point { id: id?, embedding: embedding? }));
        Ok(points.collect())
    }

    async fn contained(&self, ids: &[RecordId]) -> Result<BTreeSet<RecordId>, StoreError> {
        let table = self.table_of(ids, self.fields(Part::Ids)).await?;
        Ok(table.ids(&self.layout.key).into_iter().flatten().collect())
    }

    /// The other fields of a row that is there are written again with it: they belong to somebody else.
    async fn upsert(&self, points: &[(&RecordId, &Embedding)]) -> Result<(), StoreError> {
        self.check_takes(points)?;
        if self.layout.kept().is_empty() {
            return self.write(points, Vec::new()).await;
        }
        let ids: Vec<RecordId> = points.iter().map(|(id, _)| (*id).clone()).collect();
        let (there, others) = self.kept(&ids).await?;
        let mut new: BTreeMap<&RecordId, &Embedding> = points.iter().copied().collect();
        let replaced: Vec<(&RecordId, &Embedding)> =
            there.iter().filter_map(|id| Some((id, new.remove(id)?))).collect();
        let new: Vec<(&RecordId, &Embedding)> = new.into_iter().collect();
        if let (Some((id, _)), false) = (new.first(), self.layout.needed.is_empty()) {
            let needed = self.layout.needed.join(", ");
            let reason = format!("{id} is not there, and a new row needs values for {needed}");
            return Err(self.unfit(reason, "write to a collection of ids and vectors alone"));
        }
        self.write(&replaced, others).await?;
        let nothing = self.layout.is_dynamic.then(|| Column::of_nothing(new.len()).encoded());
        self.write(&new, nothing.into_iter().collect()).await
    }

    async fn delete(&self, ids: &[RecordId]) -> Result<(), StoreError> {
        let Some(filter) = self.layout.key.among(ids.iter(), MAX_FILTER) else { return Ok(()) };
        let partition = self.partition.clone().unwrap_or_default();
        let question = Delete { collection: self.collection.clone(), partition, filter };
        self.tell(question).await.map(drop)
    }

    async fn count(&self) -> Result<u64, StoreError> {
        self.count_of(None).await
    }

    /// See `draw.rs`. A server that does not know the filters lists its keys.
    async fn draw(&self, n_points: usize, seed: u64) -> Result<Option<Vec<RecordId>>, StoreError> {
        let n_there = self.count().await?;
        if n_there <= MAX_LISTED {
            return Ok(None);
        }
        match self.drawn(n_points, n_there, seed).await {
            Err(StoreError::Failed { .. }) => Ok(None),
            drawn => drawn.map(Some),
        }
    }

    /// What was written is in the engine's log, and every question asks for all of it.
    async fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn texts(&self, ids: &[RecordId]) -> Result<BTreeMap<RecordId, String>, StoreError> {
        let Some(field) = &self.text else { return Ok(BTreeMap::new()) };
        let fields = self.fields(Part::Ids).into_iter().chain([field.clone()]).collect();
        let table = self.table_of(ids, fields).await?;
        let rows = table.ids(&self.layout.key).into_iter().zip(table.texts(field));
        Ok(rows.filter_map(|(id, text)| Some((id?, text?))).collect())
    }

    async fn check_score_column(&self, column: &str) -> Result<(), StoreError> {
        self.check_scores(column).await
    }

    async fn write_scores(&self, column: &str, scores: &[Hit]) -> Result<u64, StoreError> {
        self.rewrite(column, scores).await
    }
}
