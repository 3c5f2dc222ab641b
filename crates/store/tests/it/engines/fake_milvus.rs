//! As much of Milvus' REST API as a store asks for, over a map.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use linprobe_store::fake::{Answer, Asked, HttpServer};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A server of Milvus.
pub(super) struct FakeMilvus {
    pub(super) http: HttpServer,
    pub(super) collections: Arc<Mutex<BTreeMap<String, Collection>>>,
    /// How often it still says that it is asked too often.
    pub(super) n_busy: Arc<Mutex<usize>>,
}

/// A collection with the fields `id` and `vector`, and any others.
#[derive(Clone, Debug)]
pub(super) struct Collection {
    pub(super) dimension: usize,
    pub(super) metric: String,
    pub(super) has_numbers: bool,
    pub(super) rows: BTreeMap<Key, Row>,
}

type Row = Map<String, Value>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged)]
pub(super) enum Key {
    Number(i64),
    Text(String),
}

/// What is answered, or a code and what is said.
type Done = Result<Value, (i64, String)>;

impl FakeMilvus {
    pub(super) fn start(token: Option<&'static str>) -> Self {
        let collections = Arc::new(Mutex::new(BTreeMap::new()));
        let n_busy = Arc::new(Mutex::new(0));
        let (kept, busy) = (Arc::clone(&collections), Arc::clone(&n_busy));
        let http = HttpServer::start(move |asked| {
            let given = asked.headers.get("authorization").map(String::as_str);
            if given != token.map(|token| format!("Bearer {token}")).as_deref() {
                let message = format!("user hasn't authenticated, {given:?}");
                return Err((401, json!({ "code": 1800, "message": message })));
            }
            let mut n_busy = busy.lock().unwrap();
            if *n_busy > 0 {
                *n_busy -= 1;
                return Ok(json!({ "code": 8, "message": "rate limit exceeded" }));
            }
            match answer(&mut kept.lock().unwrap(), asked)? {
                Ok(found) => Ok(json!({ "code": 0, "cost": 0, "data": found })),
                Err((code, message)) => Ok(json!({ "code": code, "message": message })),
            }
        });
        Self { http, collections, n_busy }
    }

    pub(super) fn address(&self, collection: &str) -> String {
        format!("milvus://{}/{collection}", self.http.host)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Named {
    collection_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    collection_name: String,
    dimension: usize,
    metric_type: String,
    id_type: String,
    #[serde(rename = "autoID")]
    auto_id: bool,
    primary_field_name: String,
    vector_field_name: String,
    params: CreateParams,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateParams {
    max_length: usize,
    #[serde(rename = "consistencyLevel")]
    consistency_level: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Search {
    collection_name: String,
    data: Vec<Vec<f32>>,
    anns_field: String,
    limit: usize,
    #[serde(default)]
    filter: String,
    output_fields: Vec<String>,
    consistency_level: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Query {
    collection_name: String,
    filter: String,
    limit: Option<usize>,
    output_fields: Vec<String>,
    consistency_level: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Upsert {
    collection_name: String,
    #[serde(rename = "data")]
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Delete {
    collection_name: String,
    filter: String,
}

fn find<'a>(
    collections: &'a mut BTreeMap<String, Collection>,
    name: &str,
) -> Result<&'a mut Collection, (i64, String)> {
    let missing = (100, format!("can't find collection[database=default][collection={name}]"));
    collections.get_mut(name).ok_or(missing)
}

fn answer(collections: &mut BTreeMap<String, Collection>, asked: &Asked) -> Result<Done, Answer> {
    let what = asked.path.strip_prefix("/v2/vectordb/").filter(|_| asked.method == "POST");
    Ok(match what.unwrap_or_default() {
        "collections/list" => {
            asked.body().map(|Nothing {}| Ok(json!(collections.keys().collect::<Vec<_>>())))?
        }
        "collections/create" => create(collections, asked.body()?),
        "collections/describe" => {
            let Named { collection_name } = asked.body()?;
            find(collections, &collection_name).map(|found| found.described(&collection_name))
        }
        "entities/search" => {
            let search: Search = asked.body()?;
            find(collections, &search.collection_name).and_then(|found| found.search(&search))
        }
        "entities/query" => {
            let query: Query = asked.body()?;
            find(collections, &query.collection_name).and_then(|found| found.query(&query))
        }
        "entities/upsert" => {
            let Upsert { collection_name, rows } = asked.body()?;
            find(collections, &collection_name).and_then(|found| found.upsert(rows))
        }
        "entities/delete" => {
            let Delete { collection_name, filter } = asked.body()?;
            find(collections, &collection_name).and_then(|found| found.delete(&filter))
        }
        _ => return Err((404, json!("404 page not found"))),
    })
}

fn create(collections: &mut BTreeMap<String, Collection>, create: Create) -> Done {
    let Create { collection_name, dimension, metric_type: metric, params, .. } = create;
    let names = [create.primary_field_name.as_str(), &create.vector_field_name, &create.id_type];
    if names != ["id", "vector", "VarChar"]
        || create.auto_id
        || params.max_length != 512
        || params.consistency_level != "Strong"
    {
        return Err((1100, format!("a collection was expected to be made otherwise: {names:?}")));
    }
    let made = Collection { dimension, metric, has_numbers: false, rows: BTreeMap::new() };
    collections.insert(collection_name, made);
    Ok(json!({}))
}

/// A filter, read.
enum Filter {
    All,
    Among(Vec<Key>),
    Except(Vec<Key>),
    After(Key),
}

impl Filter {
    fn parse(text: &str) -> Result<Self, (i64, String)> {
        let bad =
            || (1100, format!("failed to create query plan: cannot parse expression: {text}"));
        let keys = |text: &str| serde_json::from_str(text.strip_prefix("id in ")?).ok();
        let read = if text.is_empty() {
            Some(Self::All)
        } else if let Some(key) = text.strip_prefix("id > ") {
            serde_json::from_str(key).ok().map(Self::After)
        } else if let Some(text) = text.strip_prefix("not (") {
            text.strip_suffix(')').and_then(keys).map(Self::Except)
        } else {
            keys(text).map(Self::Among)
        };
        read.ok_or_else(bad)
    }

    fn takes(&self, key: &Key) -> bool {
        match self {
            Self::All => true,
            Self::Among(keys) => keys.contains(key),
            Self::Except(keys) => !keys.contains(key),
            Self::After(after) => key > after,
        }
    }

    fn sorted(mut self) -> Self {
        if let Self::Among(keys) | Self::Except(keys) = &mut self {
            keys.sort();
        }
        self
    }

    fn takes_sorted(&self, key: &Key) -> bool {
        match self {
            Self::Among(keys) => keys.binary_search(key).is_ok(),
            Self::Except(keys) => keys.binary_search(key).is_err(),
            _ => self.takes(key),
        }
    }
}

impl Collection {
    fn described(&self, name: &str) -> Value {
        let key_type = if self.has_numbers { "Int64" } else { "VarChar" };
        json!({
            "aliases": [],
            "autoId": false,
            "collectionName": name,
            "consistencyLevel": "Strong",
            "enableDynamicField": true,
            "fields": [
                { "autoId": false, "id": 100, "name": "id", "primaryKey": true, "type": key_type,
                  "params": [{ "key": "max_length", "value": "512" }] },
                { "autoId": false, "id": 101, "name": "vector", "primaryKey": false, "type": "FloatVector",
                  "params": [{ "key": "dim", "value": self.dimension.to_string() }] },
            ],
            "indexes": [{ "fieldName": "vector", "indexName": "vector", "metricType": self.metric }],
            "load": "LoadStateLoaded",
        })
    }

    /// The rows that a filter lets through.
    fn filtered(&self, filter: &str) -> Result<Vec<(&Key, &Row)>, (i64, String)> {
        let filter = Filter::parse(filter)?.sorted();
        Ok(self.rows.iter().filter(|(key, _)| filter.takes_sorted(key)).collect())
    }

    fn search(&self, search: &Search) -> Done {
        let [asked] = &search.data[..] else { return Err((1100, "one vector".to_owned())) };
        if asked.len() != self.dimension || search.anns_field != "vector" {
            return Err((65535, format!("vector dimension mismatch: {}", asked.len())));
        }
        if !(1..=16_384).contains(&search.limit) || search.consistency_level != "Strong" {
            return Err((65535, format!("topk [{}] is invalid", search.limit)));
        }
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let score = |row: &Row| {
            let values: Vec<f32> = serde_json::from_value(row["vector"].clone()).unwrap();
            let lengths = (dot(asked, asked) * dot(&values, &values)).sqrt();
            dot(asked, &values) / if self.metric == "COSINE" { lengths } else { 1.0 }
        };
        let rows = self.filtered(&search.filter)?;
        let mut scored: Vec<(f32, &Key, &Row)> =
            rows.into_iter().map(|(key, row)| (score(row), key, row)).collect();
        // Among equals no order is promised, so the wrong one is given.
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| b.1.cmp(a.1)));
        scored.truncate(search.limit);
        let hits = scored.into_iter().map(|(score, _, row)| {
            let mut hit = chosen(row, &search.output_fields);
            hit.insert("distance".to_owned(), json!(score));
            Value::Object(hit)
        });
        Ok(hits.collect())
    }

    fn query(&self, query: &Query) -> Done {
        if query.consistency_level != "Strong" {
            return Err((1100, "what was written may be missing".to_owned()));
        }
        let mut rows = self.filtered(&query.filter)?;
        if query.output_fields == ["count(*)"] {
            return match query.limit {
                None => Ok(json!([{ "count(*)": rows.len() }])),
                Some(_) => Err((1100, "count entities with pagination is not allowed".to_owned())),
            };
        }
        let limit = query.limit.filter(|limit| (1..=16_384).contains(limit));
        rows.truncate(limit.ok_or((1100, "no limit, or too large a one".to_owned()))?);
        // The first by their keys, in an order that nobody has promised.
        rows.reverse();
        let rows =
            rows.into_iter().map(|(_, row)| Value::Object(chosen(row, &query.output_fields)));
        Ok(rows.collect())
    }

    fn upsert(&mut self, rows: Vec<Row>) -> Done {
        let n_rows = rows.len();
        for row in rows {
            let key: Key = serde_json::from_value(row["id"].clone()).unwrap();
            if matches!(key, Key::Number(_)) != self.has_numbers {
                return Err((1804, format!("the key {key:?} has another type")));
            }
            if row["vector"].as_array().map(Vec::len) != Some(self.dimension) {
                return Err((1804, "the length of the vector is not the dimension".to_owned()));
            }
            self.rows.insert(key, row);
        }
        Ok(json!({ "upsertCount": n_rows, "upsertIds": [] }))
    }

    fn delete(&mut self, filter: &str) -> Done {
        let filter = Filter::parse(filter)?;
        self.rows.retain(|key, _| !filter.takes(key));
        Ok(json!({}))
    }
}

/// The fields of a row that are wanted.
fn chosen(row: &Row, fields: &[String]) -> Row {
    let is_wanted = |name: &String| fields.contains(name) || fields[0] == "*";
    let chosen = row.iter().filter(|(name, _)| is_wanted(name));
    chosen.map(|(name, value)| (name.clone(), value.clone())).collect()
}
