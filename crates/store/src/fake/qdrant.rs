//! As much of Qdrant's REST API as a store asks for, over a map.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use linprobe_core::SplitMix;
use serde::Deserialize;
use serde_json::{Value, json};

use super::http::{Answer, Asked, HttpServer};

/// A server of Qdrant.
#[derive(Debug)]
pub struct FakeQdrant {
    /// What it speaks.
    pub http: HttpServer,
    /// What it keeps, by name.
    pub collections: Arc<Mutex<BTreeMap<String, Collection>>>,
}

/// Points, and what their vectors are.
#[derive(Clone, Debug, Default)]
pub struct Collection {
    /// As it was made: the parameters of the vectors, or those of each by name.
    pub vectors: Value,
    /// In the order of their ids.
    pub points: BTreeMap<Id, Stored>,
    /// Whether the server knows no samples yet.
    pub is_before_samples: bool,
    /// How many samples were drawn.
    pub n_samples: Arc<AtomicU64>,
}

/// The id of a point. Numbers come before UUIDs, as in Qdrant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged)]
pub enum Id {
    /// A number.
    Number(u64),
    /// A UUID.
    Uuid(String),
}

/// What is kept of a point.
#[derive(Clone, Debug)]
pub struct Stored {
    /// By name; without one, by "".
    pub vectors: BTreeMap<String, Vec<f32>>,
    /// Whatever belongs to it.
    pub payload: Value,
}

type Payload = serde_json::Map<String, Value>;

impl FakeQdrant {
    /// Answers to anybody, or to those with a key.
    pub fn start(key: Option<&'static str>) -> Self {
        let collections = Arc::new(Mutex::new(BTreeMap::new()));
        let kept = Arc::clone(&collections);
        let http = HttpServer::start(move |asked| {
            let given = asked.headers.get("api-key").map(String::as_str);
            if given != key {
                let said = format!("Must provide an API key, not {given:?}");
                return Err((401, Value::from(said)));
            }
            answer(&mut kept.lock().unwrap(), asked)
                .map(|result| json!({ "result": result, "status": "ok", "time": 0.001 }))
        });
        Self { http, collections }
    }

    /// The address of a collection.
    pub fn address(&self, collection: &str) -> String {
        format!("qdrant://{}/{collection}", self.http.host)
    }

    /// Makes a collection with points, as somebody else would.
    pub fn make(&self, name: &str, vectors: Value, points: &[(Id, &[f32], Value)]) {
        let points = points.iter().map(|(id, vector, payload)| {
            let vectors = BTreeMap::from([(String::new(), vector.to_vec())]);
            (id.clone(), Stored { vectors, payload: payload.clone() })
        });
        let points = points.collect();
        let collection = Collection { vectors, points, ..Collection::default() };
        self.collections.lock().unwrap().insert(name.to_owned(), collection);
    }
}

fn bad(said: impl Into<String>) -> Answer {
    (400, json!({ "status": { "error": said.into() }, "time": 0.001 }))
}

fn answer(collections: &mut BTreeMap<String, Collection>, asked: &Asked) -> Result<Value, Answer> {
    let path = asked.path.strip_prefix("/collections").ok_or_else(|| bad("no such path"))?;
    let Some((name, rest)) =
        path.strip_prefix('/').map(|path| path.split_once('/').unwrap_or((path, "")))
    else {
        let names: Vec<Value> = collections.keys().map(|name| json!({ "name": name })).collect();
        return Ok(json!({ "collections": names }));
    };
    let is_write = (asked.method == "PUT" && !rest.is_empty())
        || ["points/delete", "points/batch"].contains(&rest);
    if asked.query != if is_write { "wait=true" } else { "" } {
        return Err(bad(format!("{} with {:?}", asked.path, asked.query)));
    }
    if (asked.method.as_str(), rest) == ("PUT", "") {
        let New { vectors } = asked.body()?;
        if collections.contains_key(name) {
            return Err((409, json!({ "status": { "error": "already exists" } })));
        }
        let collection = Collection { vectors, ..Collection::default() };
        collections.insert(name.to_owned(), collection);
        return Ok(json!(true));
    }
    of_collection(collections, name, (&asked.method, rest), asked)
}

fn of_collection(
    collections: &mut BTreeMap<String, Collection>,
    name: &str,
    what: (&str, &str),
    asked: &Asked,
) -> Result<Value, Answer> {
    let missing = format!("Not found: Collection `{name}` doesn't exist!");
    let missing = (404, json!({ "status": { "error": missing }, "time": 0.001 }));
    let collection = collections.get_mut(name).ok_or(missing)?;
    match what {
        ("GET", "") => Ok(collection.described()),
        ("POST", "points/query") => collection.sample(asked.body()?),
        ("POST", "points/query/batch") => {
            let Batch { searches } = asked.body()?;
            let found = searches.into_iter().map(|query| collection.query(query));
            Ok(Value::Array(found.collect::<Result<_, _>>()?))
        }
        ("POST", "points/batch") => collection.change(asked.body()?),
        ("POST", "points/scroll") => collection.scroll(asked.body()?),
        ("POST", "points") => collection.retrieve(&asked.body()?),
        ("POST", "points/count") => collection.count(asked.body()?),
        ("PUT", "points") => collection.upsert(asked.body()?),
        ("PUT", "points/vectors") => collection.update(asked.body()?),
        ("POST", "points/delete") => collection.delete(&asked.body()?),
        _ => Err((405, json!("no such thing"))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    vectors: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    searches: Vec<Query>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    #[serde(rename = "query")]
    vector: Vec<f32>,
    using: Option<String>,
    filter: Option<Filter>,
    params: Params,
    limit: usize,
    with_payload: Vec<String>,
    with_vector: WithVector,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    query: OfSample,
    filter: Option<Filter>,
    limit: usize,
    with_payload: Vec<String>,
    with_vector: WithVector,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfSample {
    sample: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    operations: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    set_payload: SetPayload,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetPayload {
    payload: Payload,
    points: Vec<Id>,
}

/// Conditions that must hold, and such as must not.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Filter {
    must: Vec<Condition>,
    must_not: Vec<Condition>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Condition {
    HasId(HasId),
    IsEmpty(IsEmpty),
    Match(Match),
    Nested(Filter),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HasId {
    has_id: BTreeSet<Id>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IsEmpty {
    is_empty: Field,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Match {
    key: String,
    #[serde(rename = "match")]
    expected: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    value: Value,
}

impl Filter {
    fn lets(&self, id: &Id, stored: &Stored) -> bool {
        let holds = |condition: &Condition| condition.holds(id, stored);
        self.must.iter().all(holds) && !self.must_not.iter().any(holds)
    }
}

impl Condition {
    fn holds(&self, id: &Id, stored: &Stored) -> bool {
        match self {
            Self::HasId(HasId { has_id }) => has_id.contains(id),
            Self::IsEmpty(IsEmpty { is_empty }) => stored.payload[&is_empty.key].is_null(),
            Self::Match(Match { key, expected }) => stored.payload[key] == expected.value,
            Self::Nested(filter) => filter.lets(id, stored),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    exact: bool,
    hnsw_ef: Option<usize>,
    quantization: Quantization,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quantization {
    ignore: bool,
    rescore: Option<bool>,
    oversampling: Option<f32>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WithVector {
    All(bool),
    Named(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scroll {
    filter: Option<Filter>,
    offset: Option<Id>,
    limit: usize,
    with_payload: Vec<String>,
    with_vector: WithVector,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Retrieve {
    ids: Vec<Id>,
    with_payload: Vec<String>,
    with_vector: WithVector,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    exact: bool,
    filter: Option<Filter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Upsert {
    points: Vec<NewPoint>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPoint {
    id: Id,
    vector: Vector,
    payload: Option<Payload>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vector {
    One(Vec<f32>),
    Named(BTreeMap<String, Vec<f32>>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delete {
    points: Vec<Id>,
}

impl Id {
    fn json(&self) -> Value {
        match self {
            Self::Number(number) => json!(number),
            Self::Uuid(uuid) => json!(uuid),
        }
    }

    fn check(&self) -> Result<(), Answer> {
        match self {
            Self::Uuid(uuid) if uuid.len() != 36 || uuid.split('-').count() != 5 => {
                Err(bad(format!("value {uuid} is not a valid point ID")))
            }
            _ => Ok(()),
        }
    }
}

impl Collection {
    fn described(&self) -> Value {
        json!({
            "status": "green",
            "optimizer_status": "ok",
            "indexed_vectors_count": 0,
            "points_count": self.points.len(),
            "segments_count": 2,
            "config": { "params": { "vectors": self.vectors, "shard_number": 1 } },
            "payload_schema": {},
        })
    }

    fn params(&self, name: &str) -> Result<&Value, Answer> {
        let params = if name.is_empty() { Some(&self.vectors) } else { self.vectors.get(name) };
        params
            .filter(|params| params["size"].is_u64())
            .ok_or_else(|| bad(format!("Not existing vector name error: {name}")))
    }

    fn check(&self, name: &str, vector: &[f32]) -> Result<(), Answer> {
        let size = self.params(name)?["size"].as_u64().unwrap();
        if vector.len() as u64 == size {
            return Ok(());
        }
        Err(bad(format!("Vector dimension error: expected dim: {size}, got {}", vector.len())))
    }

    /// The points that a filter lets through.
    fn among(&self, filter: Filter) -> impl Iterator<Item = (&Id, &Stored)> {
        self.points.iter().filter(move |(id, stored)| filter.lets(id, stored))
    }

    fn record(&self, id: &Id, fields: &[String], with_vector: &WithVector) -> Value {
        let stored = &self.points[id];
        let payload: Payload = fields
            .iter()
            .filter_map(|field| Some((field.clone(), stored.payload.get(field)?.clone())))
            .collect();
        let mut record = json!({ "id": id.json(), "payload": payload });
        match with_vector {
            WithVector::All(false) => {}
            WithVector::All(true) if stored.vectors.contains_key("") => {
                record["vector"] = json!(stored.vectors[""]);
            }
            WithVector::All(true) => record["vector"] = json!(stored.vectors),
            WithVector::Named(names) => {
                let named = names.iter().filter_map(|name| Some((name, stored.vectors.get(name)?)));
                record["vector"] = json!(named.collect::<BTreeMap<_, _>>());
            }
        }
        record
    }

    fn query(&self, query: Query) -> Result<Value, Answer> {
        let name = query.using.unwrap_or_default();
        self.check(&name, &query.vector)?;
        let Params { exact, hnsw_ef, quantization } = query.params;
        let Quantization { ignore, rescore, oversampling } = quantization;
        let is_by_index = !ignore && rescore == Some(true) && oversampling > Some(1.0);
        if exact != ignore || exact == (is_by_index && hnsw_ef >= Some(query.limit)) {
            return Err(bad(
                "neither an exact answer was asked for nor all that an index can give",
            ));
        }
        let is_cosine = self.params(&name)?["distance"] == "Cosine";
        let asked = if is_cosine { normalized(&query.vector) } else { query.vector };
        let scored = self.among(query.filter.unwrap_or_default());
        // An index misses some.
        let scored = scored.filter(|(id, _)| exact || !matches!(id, Id::Number(n) if n % 10 == 9));
        let scored = scored.filter_map(|(id, stored)| {
            let vector = stored.vectors.get(&name)?;
            Some((asked.iter().zip(vector).map(|(a, b)| a * b).sum::<f32>(), id))
        });
        let mut scored: Vec<(f32, &Id)> = scored.collect();
        // Among equals no order is promised, so the wrong one is given.
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| b.1.cmp(a.1)));
        scored.truncate(query.limit);
        let points = scored.into_iter().map(|(score, id)| {
            let mut record = self.record(id, &query.with_payload, &query.with_vector);
            record["score"] = json!(score);
            record["version"] = json!(1);
            record
        });
        Ok(json!({ "points": points.collect::<Vec<_>>() }))
    }

    /// In no order that anybody has promised; others each time. A server before 1.11 knows no samples.
    fn sample(&self, mut sample: Sample) -> Result<Value, Answer> {
        if sample.query.sample != "random" || self.is_before_samples {
            return Err(bad("data did not match any variant of untagged enum QueryInterface"));
        }
        let seed = self.n_samples.fetch_add(1, Ordering::Relaxed);
        let filter = sample.filter.take().unwrap_or_default();
        let drawn = SplitMix::new(seed).shuffled(self.among(filter).map(|(id, _)| id));
        let records = drawn
            .into_iter()
            .take(sample.limit)
            .map(|id| self.record(id, &sample.with_payload, &sample.with_vector));
        Ok(json!({ "points": records.collect::<Vec<_>>() }))
    }

    fn change(&mut self, changes: Changes) -> Result<Value, Answer> {
        let mut done = Vec::new();
        for Change { set_payload: SetPayload { payload, points } } in changes.operations {
            for id in points {
                let missing = (404, json!({ "status": { "error": "No point with id found" } }));
                let stored = self.points.get_mut(&id).ok_or(missing)?;
                let kept = stored.payload.as_object_mut().unwrap();
                kept.extend(payload.clone());
            }
            done.push(json!({ "operation_id": 4, "status": "completed" }));
        }
        Ok(Value::Array(done))
    }

    fn scroll(&self, scroll: Scroll) -> Result<Value, Answer> {
        if scroll.limit == 0 {
            return Err(bad("limit: must be at least 1"));
        }
        let from = scroll.offset.unwrap_or(Id::Number(0));
        from.check()?;
        let filter = scroll.filter.unwrap_or_default();
        let points = self.points.range(from..).filter(|(id, stored)| filter.lets(id, stored));
        let mut ids = points.map(|(id, _)| id);
        let page: Vec<Value> = ids
            .by_ref()
            .take(scroll.limit)
            .map(|id| self.record(id, &scroll.with_payload, &scroll.with_vector))
            .collect();
        Ok(json!({ "points": page, "next_page_offset": ids.next().map(Id::json) }))
    }

    fn retrieve(&self, retrieve: &Retrieve) -> Result<Value, Answer> {
        retrieve.ids.iter().try_for_each(Id::check)?;
        let there = retrieve.ids.iter().filter(|id| self.points.contains_key(id));
        let records =
            there.map(|id| self.record(id, &retrieve.with_payload, &retrieve.with_vector));
        Ok(Value::Array(records.collect()))
    }

    fn count(&self, count: Count) -> Result<Value, Answer> {
        if !count.exact {
            return Err(bad("an exact count was expected to be asked for"));
        }
        Ok(json!({ "count": self.among(count.filter.unwrap_or_default()).count() }))
    }

    /// The vectors as they are kept: of unit length, where they are compared by cosines.
    fn kept(&self, vector: Vector) -> Result<BTreeMap<String, Vec<f32>>, Answer> {
        let vectors = match vector {
            Vector::One(values) => BTreeMap::from([(String::new(), values)]),
            Vector::Named(named) => named,
        };
        vectors
            .into_iter()
            .map(|(name, values)| {
                self.check(&name, &values)?;
                let is_cosine = self.params(&name)?["distance"] == "Cosine";
                Ok((name, if is_cosine { normalized(&values) } else { values }))
            })
            .collect()
    }

    fn upsert(&mut self, upsert: Upsert) -> Result<Value, Answer> {
        for point in upsert.points {
            point.id.check()?;
            let vectors = self.kept(point.vector)?;
            let payload = Value::Object(point.payload.unwrap_or_default());
            self.points.insert(point.id, Stored { vectors, payload });
        }
        Ok(json!({ "operation_id": 1, "status": "completed" }))
    }

    fn update(&mut self, update: Upsert) -> Result<Value, Answer> {
        for point in update.points {
            if point.payload.is_some() {
                return Err(bad("unknown field `payload`"));
            }
            let vectors = self.kept(point.vector)?;
            let missing = (404, json!({ "status": { "error": "No point with id found" } }));
            self.points.get_mut(&point.id).ok_or(missing)?.vectors.extend(vectors);
        }
        Ok(json!({ "operation_id": 2, "status": "completed" }))
    }

    fn delete(&mut self, delete: &Delete) -> Result<Value, Answer> {
        delete.points.iter().try_for_each(Id::check)?;
        for id in &delete.points {
            self.points.remove(id);
        }
        Ok(json!({ "operation_id": 3, "status": "completed" }))
    }
}

/// One that has unit length already is kept as it is, as Qdrant keeps it.
fn normalized(values: &[f32]) -> Vec<f32> {
    let square = values.iter().map(|x| x * x).sum::<f32>();
    if square < f32::EPSILON || (square - 1.0).abs() <= 1e-6 {
        return values.to_vec();
    }
    values.iter().map(|x| x / square.sqrt()).collect()
}
