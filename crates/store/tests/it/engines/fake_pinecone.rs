//! As much of Pinecone's data plane as a store asks for, over a map.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use linprobe_store::fake::{Answer, Asked, HttpServer};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// An index of Pinecone.
pub(super) struct FakePinecone {
    pub(super) http: HttpServer,
    pub(super) index: Arc<Mutex<Index>>,
}

#[derive(Debug)]
pub(super) struct Index {
    pub(super) dimension: usize,
    pub(super) metric: &'static str,
    /// By name; that without a name, by "".
    pub(super) namespaces: BTreeMap<String, Namespace>,
    /// How many changes of the number of points are not counted yet when somebody asks.
    pub(super) n_late: u64,
}

type Namespace = BTreeMap<String, Stored>;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) values: Vec<f32>,
    pub(super) sparse_values: Option<Value>,
    pub(super) metadata: Option<Map<String, Value>>,
}

impl FakePinecone {
    /// An empty index for whoever has the key.
    pub(super) fn start(dimension: usize, metric: &'static str, key: &'static str) -> Self {
        let namespaces = BTreeMap::new();
        let index = Arc::new(Mutex::new(Index { dimension, metric, namespaces, n_late: 0 }));
        let kept = Arc::clone(&index);
        let http = HttpServer::start(move |asked| {
            check(asked, key)?;
            kept.lock().unwrap().answer(asked)
        });
        Self { http, index }
    }

    /// The control plane, which knows this index by a name.
    pub(super) fn control(&self, name: &'static str, key: &'static str) -> HttpServer {
        let host = self.http.host.clone();
        HttpServer::start(move |asked| {
            check(asked, key)?;
            let described = json!({ "name": name, "host": host, "metric": "cosine" });
            match (asked.method.as_str(), asked.path.strip_prefix("/indexes")) {
                ("GET", Some("")) => Ok(json!({ "indexes": [described] })),
                ("GET", Some(rest)) if rest.strip_prefix('/') == Some(name) => Ok(described),
                _ => {
                    let error = json!({ "code": "NOT_FOUND", "message": "Resource not found" });
                    Err((404, json!({ "error": error, "status": 404 })))
                }
            }
        })
    }

    pub(super) fn address(&self) -> String {
        format!("pinecone://{}", self.http.host)
    }

    /// Keeps points, as somebody else would.
    pub(super) fn fill(&self, namespace: &str, points: &[(&str, &[f32], Value)]) {
        let stored = points.iter().map(|(id, values, metadata)| {
            let id = (*id).to_owned();
            let metadata = metadata.as_object().cloned();
            (id.clone(), Stored { id, values: values.to_vec(), sparse_values: None, metadata })
        });
        let mut index = self.index.lock().unwrap();
        index.namespaces.entry(namespace.to_owned()).or_default().extend(stored);
    }
}

/// Lets in whoever has the key, and speaks the right version.
fn check(asked: &Asked, key: &str) -> Result<(), Answer> {
    let header = |name: &str| asked.headers.get(name).map(String::as_str);
    if header("api-key") != Some(key) {
        let message = format!("Invalid API key {:?}", header("api-key"));
        return Err((401, json!({ "error": { "code": "UNAUTHENTICATED", "message": message } })));
    }
    if header("x-pinecone-api-version") != Some("2025-10") {
        return Err(bad("no version of the API"));
    }
    Ok(())
}

fn bad(message: impl Into<String>) -> Answer {
    (400, json!({ "code": 3, "message": message.into(), "details": [] }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Query {
    namespace: String,
    vector: Vec<f32>,
    top_k: usize,
    include_values: bool,
    include_metadata: bool,
    filter: Option<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ByMetadata {
    namespace: String,
    filter: Filter,
    limit: usize,
    pagination_token: Option<String>,
}

/// What each of some fields must be.
type Filter = Map<String, Value>;

fn passes(stored: &Stored, filter: &Filter) -> Result<bool, Answer> {
    let nothing = Map::new();
    let metadata = stored.metadata.as_ref().unwrap_or(&nothing);
    for (field, expected) in filter {
        let is = |value: &Value| metadata.get(field) == Some(value);
        let holds = match expected.as_object().map(|it| it.iter().collect::<Vec<_>>()).as_deref() {
            None => is(expected),
            Some([(name, value)]) if *name == "$eq" => is(value),
            Some([(name, value)]) if *name == "$ne" => !is(value),
            Some(other) => return Err(bad(format!("{other:?} is not a valid operator"))),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Upsert {
    vectors: Vec<Stored>,
    namespace: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Update {
    id: String,
    set_metadata: Map<String, Value>,
    namespace: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delete {
    ids: Vec<String>,
    namespace: String,
}

/// The parameters of a request, by name.
fn parameters(asked: &Asked) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in asked.query.split('&') {
        let (name, value) = pair.split_once('=').unwrap();
        let value = percent_encoding::percent_decode_str(value).decode_utf8().unwrap();
        found.entry(name.to_owned()).or_default().push(value.into_owned());
    }
    found
}

impl Stored {
    fn json(&self) -> Value {
        let mut vector = json!({ "id": self.id, "values": self.values });
        if let Some(metadata) = &self.metadata {
            vector["metadata"] = json!(metadata);
        }
        if let Some(sparse) = &self.sparse_values {
            vector["sparseValues"] = sparse.clone();
        }
        vector
    }
}

/// The id that a token of a list stands behind.
fn id_of(token: Option<String>) -> Result<Option<String>, Answer> {
    let id = |token: String| token.strip_prefix("after ").map(str::to_owned);
    token.map(|token| id(token).ok_or_else(|| bad("no token"))).transpose()
}

impl Index {
    fn answer(&mut self, asked: &Asked) -> Result<Value, Answer> {
        match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", "/describe_index_stats") => asked.body().map(|Nothing {}| self.stats()),
            ("POST", "/query") => self.query(&asked.body()?),
            ("GET", "/vectors/list") => self.list(parameters(asked)),
            ("GET", "/vectors/fetch") => self.fetch(parameters(asked)),
            ("POST", "/vectors/fetch_by_metadata") => self.fetch_by_metadata(&asked.body()?),
            ("POST", "/vectors/upsert") => self.upsert(asked.body()?),
            ("POST", "/vectors/update") => asked.body().map(|update| self.update(update)),
            ("POST", "/vectors/delete") => self.delete(&asked.body()?),
            _ => Err((404, json!("no such path"))),
        }
    }

    fn stats(&mut self) -> Value {
        let n_late = std::mem::take(&mut self.n_late);
        let count = |points: &Namespace| json!({ "vectorCount": points.len() as u64 - n_late });
        let named = |name: &str| if name.is_empty() { "__default__" } else { name }.to_owned();
        let namespaces: Map<String, Value> =
            self.namespaces.iter().map(|(name, points)| (named(name), count(points))).collect();
        json!({
            "namespaces": namespaces,
            "dimension": self.dimension,
            "indexFullness": 0,
            "totalVectorCount": self.namespaces.values().map(BTreeMap::len).sum::<usize>(),
            "metric": self.metric,
            "vectorType": "dense",
        })
    }

    fn query(&self, query: &Query) -> Result<Value, Answer> {
        if query.vector.len() != self.dimension || query.vector.iter().all(|&x| x == 0.0) {
            return Err(bad("Dense vectors must have the dimension and a non-zero value"));
        }
        if !(1..=10_000).contains(&query.top_k) {
            return Err(bad("topK must be between 1 and 10000"));
        }
        if query.include_values && query.top_k * self.dimension > 300_000 {
            return Err(bad("the answer would be larger than 4 MB"));
        }
        let points = self.passing(&query.namespace, query.filter.as_ref())?.into_iter();
        let mut scored: Vec<(f32, &Stored)> =
            points.map(|stored| (self.score(&query.vector, &stored.values), stored)).collect();
        // Among equals no order is promised, so the wrong one is given.
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| b.1.id.cmp(&a.1.id)));
        scored.truncate(query.top_k);
        let matches = scored.into_iter().map(|(score, stored)| {
            let mut found = json!({ "id": stored.id, "score": score, "values": [] });
            if query.include_values {
                found["values"] = json!(stored.values);
            }
            if let Some(metadata) = stored.metadata.as_ref().filter(|_| query.include_metadata) {
                found["metadata"] = json!(metadata);
            }
            found
        });
        let matches: Vec<Value> = matches.collect();
        Ok(json!({ "matches": matches, "namespace": query.namespace, "usage": { "readUnits": 1 } }))
    }

    /// The points that a filter lets through.
    fn passing(&self, namespace: &str, filter: Option<&Filter>) -> Result<Vec<&Stored>, Answer> {
        let mut found = Vec::new();
        for stored in self.namespaces.get(namespace).into_iter().flat_map(BTreeMap::values) {
            if filter.map_or(Ok(true), |filter| passes(stored, filter))? {
                found.push(stored);
            }
        }
        Ok(found)
    }

    fn score(&self, asked: &[f32], values: &[f32]) -> f32 {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let length = if self.metric == "cosine" {
            (dot(asked, asked) * dot(values, values)).sqrt()
        } else {
            1.0
        };
        dot(asked, values) / length
    }

    fn list(&self, mut asked: BTreeMap<String, Vec<String>>) -> Result<Value, Answer> {
        let mut one = |name: &str| asked.remove(name).and_then(|mut values| values.pop());
        let limit: usize = one("limit").unwrap().parse().unwrap();
        let (token, namespace) = (one("paginationToken"), one("namespace").unwrap());
        if !asked.is_empty() || !(1..=100).contains(&limit) {
            return Err(bad(format!("limit {limit}, and {asked:?}")));
        }
        let after = id_of(token)?;
        let ids = self.namespaces.get(&namespace).into_iter().flatten().map(|(id, _)| id);
        let mut ids = ids.filter(|id| after.as_ref().is_none_or(|after| *id > after));
        let page: Vec<&String> = ids.by_ref().take(limit).collect();
        let vectors: Vec<Value> = page.iter().map(|id| json!({ "id": id })).collect();
        let mut answer =
            json!({ "vectors": vectors, "namespace": namespace, "usage": { "readUnits": 1 } });
        if let (Some(last), Some(_)) = (page.last(), ids.next()) {
            answer["pagination"] = json!({ "next": format!("after {last}") });
        }
        Ok(answer)
    }

    fn fetch(&self, mut asked: BTreeMap<String, Vec<String>>) -> Result<Value, Answer> {
        let ids = asked.remove("ids").unwrap_or_default();
        let namespace = asked.remove("namespace").and_then(|mut names| names.pop()).unwrap();
        if !asked.is_empty() || ids.is_empty() || ids.iter().map(String::len).sum::<usize>() > 8_000
        {
            return Err(bad(format!("{} ids, and {asked:?}", ids.len())));
        }
        let points = self.namespaces.get(&namespace);
        let found = ids.iter().filter_map(|id| Some((id.clone(), points?.get(id)?.json())));
        let vectors: Map<String, Value> = found.collect();
        Ok(json!({ "vectors": vectors, "namespace": namespace, "usage": { "readUnits": 1 } }))
    }

    fn fetch_by_metadata(&self, asked: &ByMetadata) -> Result<Value, Answer> {
        if !(1..=100).contains(&asked.limit) {
            return Err(bad(format!("limit {}", asked.limit)));
        }
        let after = id_of(asked.pagination_token.clone())?;
        let passing = self.passing(&asked.namespace, Some(&asked.filter))?.into_iter();
        let mut passing = passing.filter(|it| after.as_ref().is_none_or(|after| it.id > *after));
        let page: Vec<&Stored> = passing.by_ref().take(asked.limit).collect();
        let vectors: Map<String, Value> =
            page.iter().map(|stored| (stored.id.clone(), stored.json())).collect();
        let mut answer = json!({ "vectors": vectors, "namespace": asked.namespace });
        if let (Some(last), Some(_)) = (page.last(), passing.next()) {
            answer["pagination"] = json!({ "next": format!("after {}", last.id) });
        }
        Ok(answer)
    }

    fn upsert(&mut self, upsert: Upsert) -> Result<Value, Answer> {
        let n_written = upsert.vectors.len();
        if !(1..=1_000).contains(&n_written) {
            return Err(bad("between 1 and 1000 vectors can be upserted"));
        }
        for vector in upsert.vectors {
            if vector.values.len() != self.dimension {
                return Err(bad("Vector dimension does not match the dimension of the index"));
            }
            if !vector.id.is_ascii() || vector.id.len() > 512 {
                return Err(bad(format!("Vector ID must be ASCII, but got {:?}", vector.id)));
            }
            let namespace = self.namespaces.entry(upsert.namespace.clone()).or_default();
            namespace.insert(vector.id.clone(), vector);
        }
        Ok(json!({ "upsertedCount": n_written }))
    }

    /// Of a point that is not there, nothing is said.
    fn update(&mut self, update: Update) -> Value {
        let points = self.namespaces.entry(update.namespace).or_default();
        if let Some(stored) = points.get_mut(&update.id) {
            stored.metadata.get_or_insert_default().extend(update.set_metadata);
        }
        json!({})
    }

    fn delete(&mut self, delete: &Delete) -> Result<Value, Answer> {
        if !(1..=1_000).contains(&delete.ids.len()) {
            return Err(bad("between 1 and 1000 ids can be deleted"));
        }
        let missing = (404, json!({ "code": 5, "message": "Namespace not found", "details": [] }));
        let points = self.namespaces.get_mut(&delete.namespace).ok_or(missing)?;
        for id in &delete.ids {
            points.remove(id);
        }
        Ok(json!({}))
    }
}
