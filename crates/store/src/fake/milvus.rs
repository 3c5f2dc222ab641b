//! As much of Milvus' service as a store asks for, over a map.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    future::Future,
    net::TcpListener,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use prost::{Message, bytes::Bytes};
use serde::Deserialize;
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::{Service, http},
    server::{Grpc, UnaryService},
    transport::{Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;

use crate::{
    milvus::proto::{
        self, Column, Consistency, CreateCollection, CreateIndex, Delete, DescribeCollection,
        DescribeIndex, Field, Floats, GetLoadState, GetLoadingProgress, Hits, Index, KeyList,
        KeyValue, Keys, Kind, Load, LoadCollection, Longs, Placeholders, Query, Question,
        ScalarList, Scalars, Schema, Search, ShowCollections, ShowPartitions, Strings, Upsert,
        Values, VectorList, Vectors,
    },
    remote::spawn,
};

/// What goes wrong with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MilvusFault {
    /// It is asked too often, which it says in an answer.
    Busy,
    /// It does not answer questions yet.
    Away,
    /// The connection breaks before anything is said, after the question was carried out.
    Cut,
}

/// A server of Milvus, for as long as the process runs.
pub struct FakeMilvus {
    /// The host and the port.
    pub host: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    token: Option<&'static str>,
    collections: Mutex<BTreeMap<String, Collection>>,
    faults: Mutex<VecDeque<MilvusFault>>,
    asked: Mutex<Vec<String>>,
}

impl fmt::Debug for FakeMilvus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeMilvus").field("host", &self.host).finish_non_exhaustive()
    }
}

/// A collection with the fields `id` and `vector`, and some of texts.
#[derive(Clone, Debug, Default)]
struct Collection {
    schema: Schema,
    metric: Option<String>,
    is_loaded: bool,
    /// So many questions for its state are still told that it is being loaded.
    n_loading: u32,
    rows: BTreeMap<Key, Row>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged)]
enum Key {
    Number(i64),
    Text(String),
}

#[derive(Clone, Debug, Default)]
struct Row {
    vector: Vec<f32>,
    texts: BTreeMap<String, String>,
    numbers: BTreeMap<String, f32>,
}

type Done<T> = Result<T, proto::Status>;

impl FakeMilvus {
    /// Starts a server, which wants a token or none.
    ///
    /// # Panics
    /// No port is free.
    pub fn start(token: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared { token, ..Shared::default() });
        let serving = Answering(Arc::clone(&shared));
        let served = spawn(async move {
            let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener).unwrap());
            Server::builder().serve_with_incoming(serving, incoming).await
        });
        drop(served.unwrap());
        Self { host, shared }
    }

    /// The address of a collection.
    pub fn address(&self, collection: &str) -> String {
        format!("milvus://{}/{collection}", self.host)
    }

    /// Makes a collection of two coordinates, with numbers for keys and the fields `title` and `score`, compared by a metric,
    /// that is in memory.
    pub fn make(&self, name: &str, metric: Option<&str>, rows: &[(i64, [f32; 2], &str)]) {
        let field = |name: &str, kind: Kind, params: &[(&str, &str)]| Field {
            name: name.to_owned(),
            kind: kind.into(),
            is_key: name == "id",
            params: params
                .iter()
                .map(|(key, value)| KeyValue { key: (*key).to_owned(), value: (*value).to_owned() })
                .collect(),
            ..Field::default()
        };
        let fields = vec![
            field("id", Kind::Int64, &[]),
            field("vector", Kind::FloatVector, &[("dim", "2")]),
            field("title", Kind::VarChar, &[("max_length", "99")]),
            field("score", Kind::Float, &[]),
        ];
        let schema = Schema { name: name.to_owned(), fields, is_dynamic: false };
        let rows = rows.iter().map(|(number, vector, title)| {
            let texts = BTreeMap::from([("title".to_owned(), (*title).to_owned())]);
            let numbers = BTreeMap::from([("score".to_owned(), 0.0)]);
            (Key::Number(*number), Row { vector: vector.to_vec(), texts, numbers })
        });
        let metric = metric.map(str::to_owned);
        let rows = rows.collect();
        let made = Collection { schema, metric, is_loaded: true, n_loading: 0, rows };
        lock(&self.shared.collections).insert(name.to_owned(), made);
    }

    /// Takes a collection out of memory.
    pub fn release(&self, name: &str) {
        lock(&self.shared.collections).get_mut(name).unwrap().is_loaded = false;
    }

    /// Takes a collection into memory again, as a server does that starts, for as long as it is asked so often how far it is.
    pub fn reload(&self, name: &str, n_loading: u32) {
        lock(&self.shared.collections).get_mut(name).unwrap().n_loading = n_loading;
    }

    /// The title of a row.
    pub fn title(&self, name: &str, number: i64) -> Option<String> {
        lock(&self.shared.collections)[name]
            .rows
            .get(&Key::Number(number))?
            .texts
            .get("title")
            .cloned()
    }

    /// The vector of a row.
    pub fn vector(&self, name: &str, number: i64) -> Option<Vec<f32>> {
        let collections = lock(&self.shared.collections);
        collections[name].rows.get(&Key::Number(number)).map(|row| row.vector.clone())
    }

    /// The score of a row.
    pub fn score(&self, name: &str, number: i64) -> Option<f32> {
        let key = Key::Number(number);
        lock(&self.shared.collections)[name].rows.get(&key)?.numbers.get("score").copied()
    }

    /// The next questions fail in this way.
    pub fn fail(&self, faults: &[MilvusFault]) {
        lock(&self.shared.faults).extend(faults);
    }

    /// The faults that are still to come.
    pub fn n_faults(&self) -> usize {
        lock(&self.shared.faults).len()
    }

    /// What was asked so far, by the names of methods.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.shared.asked).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Clone)]
struct Answering(Arc<Shared>);

type Answered<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl Service<http::Request<Body>> for Answering {
    type Response = http::Response<Body>;
    type Error = std::io::Error;
    type Future = Answered<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, req: http::Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { shared.answer(req).await })
    }
}

impl Shared {
    async fn answer(
        self: Arc<Self>,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, std::io::Error> {
        let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        lock(&self.asked).push(method.clone());
        let given = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        let wanted = self.token.map(|token| BASE64_STANDARD.encode(token));
        if given != wanted.as_deref() {
            return Ok(
                Status::unauthenticated(format!("auth check failure: {given:?}")).into_http()
            );
        }
        let fault = lock(&self.faults).pop_front();
        if fault == Some(MilvusFault::Away) {
            return Ok(Status::unavailable("not ready to serve").into_http());
        }
        let is_busy = fault == Some(MilvusFault::Busy);
        let answered = match method.as_str() {
            "ShowCollections" => self.unary(request, is_busy, Self::show).await,
            "ShowPartitions" => self.unary(request, is_busy, Self::show_partitions).await,
            "DescribeCollection" => self.unary(request, is_busy, Self::describe).await,
            "DescribeIndex" => self.unary(request, is_busy, Self::describe_index).await,
            "GetLoadState" => self.unary(request, is_busy, Self::load_state).await,
            "GetLoadingProgress" => self.unary(request, is_busy, Self::loading_progress).await,
            "CreateCollection" => self.unary(request, is_busy, Self::create).await,
            "CreateIndex" => self.unary(request, is_busy, Self::create_index).await,
            "LoadCollection" => self.unary(request, is_busy, Self::load).await,
            "Query" => self.unary(request, is_busy, Self::query).await,
            "Search" => self.unary(request, is_busy, Self::search).await,
            "Upsert" => self.unary(request, is_busy, Self::upsert).await,
            "Delete" => self.unary(request, is_busy, Self::delete).await,
            _ => Status::unimplemented(format!("unknown method {method}")).into_http(),
        };
        match fault {
            Some(MilvusFault::Cut) => Err(std::io::Error::other("as it was told")),
            _ => Ok(answered),
        }
    }

    async fn unary<Q: Question>(
        &self,
        request: http::Request<Body>,
        is_busy: bool,
        answer: fn(&Self, &Q) -> Done<Q::Answer>,
    ) -> http::Response<Body>
    where
        Q::Answer: From<proto::Status>,
    {
        let codec = ProstCodec::<Q::Answer, Q>::default();
        let mut grpc = Grpc::new(codec).max_decoding_message_size(64 << 20);
        grpc.unary(Asked { shared: self, is_busy, answer }, request).await
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the others")]
    fn show(&self, _: &ShowCollections) -> Done<proto::Collections> {
        let names = lock(&self.collections).keys().cloned().collect();
        Ok(proto::Collections { status: None, names })
    }

    fn show_partitions(&self, asked: &ShowPartitions) -> Done<proto::Collections> {
        self.with(&asked.collection, |_| {
            Ok(proto::Collections { status: None, names: vec!["_default".to_owned()] })
        })
    }

    fn describe(&self, asked: &DescribeCollection) -> Done<proto::Described> {
        self.with(&asked.collection, |found| {
            Ok(proto::Described { status: None, schema: Some(found.schema.clone()) })
        })
    }

    fn describe_index(&self, asked: &DescribeIndex) -> Done<proto::Indexes> {
        self.with(&asked.collection, |found| {
            let metric = found.metric.clone().ok_or_else(|| refused(700, "index not found"))?;
            let param = |key: &str, value| KeyValue { key: key.to_owned(), value };
            let params = vec![param("metric_type", metric), param("index_type", "FLAT".to_owned())];
            Ok(proto::Indexes {
                status: None,
                indexes: vec![Index { params, field: "vector".to_owned() }],
            })
        })
    }

    fn load_state(&self, asked: &GetLoadState) -> Done<proto::LoadState> {
        self.with(&asked.collection, |found| {
            let is_loading = found.n_loading > 0;
            found.n_loading = found.n_loading.saturating_sub(1);
            let state = match found.is_loaded {
                true if is_loading => Load::Loading,
                true => Load::Loaded,
                false => Load::Not,
            };
            Ok(proto::LoadState { status: None, state: state.into() })
        })
    }

    fn loading_progress(&self, asked: &GetLoadingProgress) -> Done<proto::LoadingProgress> {
        self.with(&asked.collection, |found| {
            let percent = if found.n_loading > 0 { 0 } else { 100 };
            Ok(proto::LoadingProgress { status: None, percent })
        })
    }

    fn create(&self, asked: &CreateCollection) -> Done<proto::Status> {
        let schema = Schema::decode(asked.schema.as_slice()).map_err(|bad| refused(1100, &bad))?;
        let names: Vec<&str> = schema.fields.iter().map(|field| field.name.as_str()).collect();
        if names != ["id", "vector"] || asked.consistency() != Consistency::Strong {
            return Err(refused(1100, &format!("it was expected to be made otherwise: {names:?}")));
        }
        let made = Collection { schema, ..Collection::default() };
        lock(&self.collections).insert(asked.collection.clone(), made);
        Ok(proto::Status::default())
    }

    fn create_index(&self, asked: &CreateIndex) -> Done<proto::Status> {
        let metric = asked.params.iter().find(|param| param.key == "metric_type");
        self.with(&asked.collection, |found| {
            found.metric = metric.map(|param| param.value.clone());
            Ok(proto::Status::default())
        })
    }

    fn load(&self, asked: &LoadCollection) -> Done<proto::Status> {
        self.with(&asked.collection, |found| {
            found.metric.as_ref().ok_or_else(|| refused(700, "there is no index"))?;
            found.is_loaded = true;
            Ok(proto::Status::default())
        })
    }

    fn query(&self, asked: &Query) -> Done<proto::Rows> {
        self.with(&asked.collection, |found| found.query(asked))
    }

    fn search(&self, asked: &Search) -> Done<proto::Found> {
        self.with(&asked.collection, |found| found.search(asked))
    }

    fn upsert(&self, asked: &Upsert) -> Done<proto::Mutated> {
        self.with(&asked.collection, |found| found.upsert(asked))
    }

    fn delete(&self, asked: &Delete) -> Done<proto::Mutated> {
        let filter = Filter::parse(&asked.filter)?;
        self.with(&asked.collection, |found| {
            found.rows.retain(|key, _| !filter.takes(key));
            Ok(proto::Mutated::default())
        })
    }

    fn with<T>(&self, name: &str, change: impl FnOnce(&mut Collection) -> Done<T>) -> Done<T> {
        let mut collections = lock(&self.collections);
        let missing =
            || refused(100, &format!("collection not found[database=default][collection={name}]"));
        change(collections.get_mut(name).ok_or_else(missing)?)
    }
}

/// A question, on its way to whoever answers.
struct Asked<'a, Q: Question> {
    shared: &'a Shared,
    is_busy: bool,
    answer: fn(&Shared, &Q) -> Done<Q::Answer>,
}

impl<Q: Question> UnaryService<Q> for Asked<'_, Q>
where
    Q::Answer: From<proto::Status>,
{
    type Response = Q::Answer;
    type Future = std::future::Ready<Result<Response<Q::Answer>, Status>>;

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let answered = if self.is_busy {
            Err(refused(8, "rate limit exceeded"))
        } else {
            (self.answer)(self.shared, request.get_ref())
        };
        std::future::ready(Ok(Response::new(answered.unwrap_or_else(Q::Answer::from))))
    }
}

macro_rules! from_status {
    ($($answer:ident)*) => {$(
        impl From<proto::Status> for proto::$answer {
            fn from(status: proto::Status) -> Self {
                Self { status: Some(status), ..Self::default() }
            }
        }
    )*};
}

from_status! { Collections Described Indexes LoadState LoadingProgress Rows Found }

impl From<proto::Status> for proto::Mutated {
    fn from(status: proto::Status) -> Self {
        Self { status: Some(status) }
    }
}

fn refused(code: i32, reason: &(impl ToString + ?Sized)) -> proto::Status {
    proto::Status { error_code: 1, code, reason: reason.to_string(), ..proto::Status::default() }
}

/// A filter, read.
enum Filter {
    All,
    Among(Vec<Key>),
    Except(Vec<Key>),
    /// Behind a key, up to another.
    Between(Option<Key>, Option<Key>),
    /// Of these remainders, as C has them, and behind a key.
    Remainders(Vec<[i64; 2]>, Option<Key>),
}

impl Filter {
    fn parse(text: &str) -> Done<Self> {
        let keys = |text: &str| {
            let mut keys: Vec<Key> = serde_json::from_str(text.strip_prefix("id in ")?).ok()?;
            keys.sort();
            Some(keys)
        };
        let read = if text.is_empty() {
            Some(Self::All)
        } else if text.starts_with("id > ") || text.starts_with("id <= ") {
            between(text)
        } else if text.contains("id % ") {
            remainders(text)
        } else if let Some(text) = text.strip_prefix("not (") {
            text.strip_suffix(')').and_then(keys).map(Self::Except)
        } else {
            keys(text).map(Self::Among)
        };
        read.ok_or_else(|| refused(1100, &format!("cannot parse expression: {text}")))
    }

    fn takes(&self, key: &Key) -> bool {
        match self {
            Self::All => true,
            Self::Among(keys) => keys.binary_search(key).is_ok(),
            Self::Except(keys) => keys.binary_search(key).is_err(),
            Self::Between(after, upto) => {
                after.as_ref().is_none_or(|after| key > after)
                    && upto.as_ref().is_none_or(|upto| key <= upto)
            }
            Self::Remainders(remainders, after) => {
                let Key::Number(number) = key else { return false };
                after.as_ref().is_none_or(|after| key > after)
                    && remainders.iter().any(|&[modulus, found]| number % modulus == found)
            }
        }
    }
}

/// The key that a text begins with, and what stands behind it.
fn key_of(text: &str) -> Option<(Key, &str)> {
    let mut keys = serde_json::Deserializer::from_str(text).into_iter::<Key>();
    let key = keys.next()?.ok()?;
    Some((key, text.get(keys.byte_offset()..)?))
}

fn between(text: &str) -> Option<Filter> {
    let (after, rest) = match text.strip_prefix("id > ") {
        Some(text) => {
            let (key, rest) = key_of(text)?;
            (Some(key), rest.strip_prefix(" and ").unwrap_or(rest))
        }
        None => (None, text),
    };
    let (upto, rest) = match rest.strip_prefix("id <= ") {
        Some(text) => key_of(text).map(|(key, rest)| (Some(key), rest))?,
        None => (None, rest),
    };
    rest.is_empty().then_some(Filter::Between(after, upto))
}

fn remainders(text: &str) -> Option<Filter> {
    let (terms, after) = match text.strip_prefix('(').and_then(|text| text.split_once(") and ")) {
        Some((terms, after)) => (terms, Some(key_of(after.strip_prefix("id > ")?)?.0)),
        None => (text, None),
    };
    let term = |term: &str| {
        let (modulus, found) = term.strip_prefix("id % ")?.split_once(" == ")?;
        Some([modulus.parse().ok()?, found.parse().ok()?])
    };
    let remainders: Option<Vec<[i64; 2]>> = terms.split(" or ").map(term).collect();
    Some(Filter::Remainders(remainders?, after))
}

impl Collection {
    fn dimension(&self) -> usize {
        let dimension = self.schema.fields[1].params.iter().find(|param| param.key == "dim");
        dimension.unwrap().value.parse().unwrap()
    }

    /// The rows that a filter lets through.
    fn filtered(&self, filter: &str, consistency: Consistency) -> Done<Vec<(&Key, &Row)>> {
        if !self.is_loaded || self.n_loading > 0 {
            return Err(refused(101, "collection not loaded"));
        }
        if consistency != Consistency::Strong {
            return Err(refused(1100, "what was written may be missing"));
        }
        let filter = Filter::parse(filter)?;
        Ok(self.rows.iter().filter(|(key, _)| filter.takes(key)).collect())
    }

    fn query(&self, asked: &Query) -> Done<proto::Rows> {
        let mut rows = self.filtered(&asked.filter, asked.consistency())?;
        let limit = limit(&asked.params, "limit")?;
        if asked.fields == ["count(*)"] {
            let count = i64::try_from(rows.len()).unwrap();
            let column = scalars("count(*)", ScalarList::Longs(Longs { values: vec![count] }));
            return Ok(proto::Rows { status: None, columns: vec![column] });
        }
        if limit.is_none() && asked.filter.is_empty() {
            return Err(refused(1100, "empty expression should be used with limit"));
        }
        rows.truncate(limit.unwrap_or(usize::MAX));
        // The first by their keys, in an order that nobody has promised.
        rows.reverse();
        Ok(proto::Rows { status: None, columns: self.columns(&rows, &asked.fields)? })
    }

    fn columns(&self, rows: &[(&Key, &Row)], fields: &[String]) -> Done<Vec<Bytes>> {
        let column = |name: &String| match name.as_str() {
            "id" => Ok(scalars("id", self.keys(rows.iter().map(|(key, _)| *key)).into())),
            "vector" => {
                let values = rows.iter().flat_map(|(_, row)| row.vector.clone()).collect();
                let list = Some(VectorList::Floats(Floats { values }));
                let values = Values::Vectors(Vectors { dimension: 0, list });
                Ok(encoded("vector", Kind::FloatVector, values))
            }
            "score" => {
                let values = rows.iter().map(|(_, row)| row.numbers["score"]).collect();
                let list = Some(ScalarList::Floats(Floats { values }));
                Ok(encoded("score", Kind::Float, Values::Scalars(Scalars { list })))
            }
            name if self.schema.fields.iter().any(|field| field.name == name) => {
                let values = rows.iter().map(|(_, row)| row.texts[name].clone()).collect();
                Ok(scalars(name, ScalarList::Strings(Strings { values })))
            }
            name => Err(refused(65_535, &format!("field {name} not exist"))),
        };
        fields.iter().map(column).collect()
    }

    fn keys<'a>(&self, keys: impl Iterator<Item = &'a Key>) -> KeyList {
        let (mut numbers, mut texts) = (Vec::new(), Vec::new());
        keys.cloned().for_each(|key| match key {
            Key::Number(number) => numbers.push(number),
            Key::Text(text) => texts.push(text),
        });
        if self.schema.fields[0].kind == i32::from(Kind::Int64) {
            KeyList::Numbers(Longs { values: numbers })
        } else {
            KeyList::Texts(Strings { values: texts })
        }
    }

    fn search(&self, asked: &Search) -> Done<proto::Found> {
        let vectors = Placeholders::decode(asked.vectors.as_slice());
        let vectors = vectors.map_err(|bad| refused(1100, &bad))?.placeholders.remove(0).vectors;
        let is_metric = asked
            .params
            .iter()
            .any(|p| p.key == "metric_type" && Some(&p.value) == self.metric.as_ref());
        let has_number = usize::try_from(asked.n_vectors) == Ok(vectors.len());
        if !is_metric || !has_number || asked.filter_kind != 1 {
            return Err(refused(65_535, &format!("not {} vectors", vectors.len())));
        }
        let top_k =
            limit(&asked.params, "topk")?.ok_or_else(|| refused(65_535, "topk not found"))?;
        let rows = self.filtered(&asked.filter, asked.consistency())?;
        let mut scored = Vec::new();
        let mut lengths = Vec::new();
        for bytes in vectors {
            let found = self.nearest(&bytes, &rows, top_k)?;
            lengths.push(found.len().try_into().unwrap());
            scored.extend(found);
        }
        let rows: Vec<(&Key, &Row)> = scored.iter().map(|(_, key, row)| (*key, *row)).collect();
        let keys = Some(Keys { list: Some(self.keys(rows.iter().map(|(key, _)| *key))) });
        let columns = self.columns(&rows, &asked.fields)?;
        let scores = scored.iter().map(|(score, _, _)| *score).collect();
        let hits = Hits { columns, scores, keys, lengths };
        Ok(proto::Found { status: None, hits: Some(hits) })
    }

    /// The rows that lie nearest to a vector, the nearest first.
    fn nearest<'a>(
        &self,
        bytes: &[u8],
        rows: &[(&'a Key, &'a Row)],
        top_k: usize,
    ) -> Done<Vec<(f32, &'a Key, &'a Row)>> {
        let direction: Vec<f32> =
            bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        if direction.len() != self.dimension() {
            return Err(refused(
                65_535,
                &format!("vector dimension mismatch: {}", direction.len()),
            ));
        }
        let scored =
            rows.iter().map(|(key, row)| (self.score(&direction, &row.vector), *key, *row));
        let mut scored: Vec<(f32, &Key, &Row)> = scored.collect();
        let is_distance = self.metric.as_deref() == Some("L2");
        // Among equals no order is promised, so the wrong one is given.
        scored.sort_by(|a, b| {
            let (first, second) = if is_distance { (a, b) } else { (b, a) };
            first.0.total_cmp(&second.0).then_with(|| b.1.cmp(a.1))
        });
        scored.truncate(top_k);
        Ok(scored)
    }

    fn score(&self, a: &[f32], b: &[f32]) -> f32 {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        match self.metric.as_deref() {
            Some("IP") => dot(a, b),
            Some("L2") => dot(a, a) - 2.0 * dot(a, b) + dot(b, b),
            _ => dot(a, b) / (dot(a, a) * dot(b, b)).sqrt(),
        }
    }

    fn upsert(&mut self, asked: &Upsert) -> Done<proto::Mutated> {
        let columns = asked.columns.iter().map(|column| Column::decode(column.clone()).unwrap());
        let mut columns: BTreeMap<String, Column> =
            columns.map(|column| (column.name.clone(), column)).collect();
        let names: Vec<&String> = columns.keys().collect();
        if self.schema.fields.iter().any(|field| !columns.contains_key(&field.name)) {
            return Err(refused(1100, &format!("fields are missing: there are {names:?} only")));
        }
        let keys: Vec<Key> = match columns.remove("id").and_then(list) {
            Some(ScalarList::Longs(numbers)) => {
                numbers.values.into_iter().map(Key::Number).collect()
            }
            Some(ScalarList::Strings(texts)) => texts.values.into_iter().map(Key::Text).collect(),
            other => return Err(refused(1804, &format!("no keys: {other:?}"))),
        };
        let Some(Values::Vectors(Vectors { list: Some(VectorList::Floats(floats)), .. })) =
            columns.remove("vector").and_then(|column| column.values)
        else {
            return Err(refused(1804, "no vectors"));
        };
        if floats.values.len() != keys.len() * self.dimension()
            || keys.len() != asked.n_rows as usize
        {
            return Err(refused(65_535, "the length of float data should divide the dim"));
        }
        let vectors = floats.values.chunks(self.dimension()).map(<[f32]>::to_vec);
        let mut rows: Vec<Row> = vectors.map(|vector| Row { vector, ..Row::default() }).collect();
        for (name, column) in columns {
            match list(column) {
                Some(ScalarList::Strings(texts)) => {
                    for (row, text) in rows.iter_mut().zip(texts.values) {
                        row.texts.insert(name.clone(), text);
                    }
                }
                Some(ScalarList::Floats(numbers)) => {
                    for (row, number) in rows.iter_mut().zip(numbers.values) {
                        row.numbers.insert(name.clone(), number);
                    }
                }
                _ => return Err(refused(1804, "columns of texts and of numbers alone are known")),
            }
        }
        self.rows.extend(keys.into_iter().zip(rows));
        Ok(proto::Mutated::default())
    }
}

impl From<KeyList> for ScalarList {
    fn from(keys: KeyList) -> Self {
        match keys {
            KeyList::Numbers(numbers) => Self::Longs(numbers),
            KeyList::Texts(texts) => Self::Strings(texts),
        }
    }
}

fn list(column: Column) -> Option<ScalarList> {
    match column.values? {
        Values::Scalars(scalars) => scalars.list,
        Values::Vectors(_) => None,
    }
}

fn limit(params: &[KeyValue], key: &str) -> Done<Option<usize>> {
    let Some(param) = params.iter().find(|param| param.key == key) else { return Ok(None) };
    match param.value.parse() {
        Ok(limit @ 1..=16_384) => Ok(Some(limit)),
        _ => Err(refused(65_535, &format!("{key} [{}] is invalid", param.value))),
    }
}

fn scalars(name: &str, list: ScalarList) -> Bytes {
    let kind = match list {
        ScalarList::Longs(_) => Kind::Int64,
        _ => Kind::VarChar,
    };
    encoded(name, kind, Values::Scalars(Scalars { list: Some(list) }))
}

fn encoded(name: &str, kind: Kind, values: Values) -> Bytes {
    let name = name.to_owned();
    Column { kind: kind.into(), name, values: Some(values), ..Column::default() }.encoded()
}
