//! What Pinecone is sent, and what it answers as far as it is read.

use std::collections::BTreeMap;

use linprobe_core::RecordId;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Map, Value};

use super::key::{ID_FIELD, Key, is_hash};

/// The names under which the namespace without a name is listed.
const DEFAULT_NAMES: [&str; 2] = ["", "__default__"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stats {
    #[serde(default)]
    pub(super) namespaces: BTreeMap<String, Summary>,
    pub(super) dimension: Option<usize>,
    pub(super) metric: Option<String>,
    pub(super) vector_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    #[serde(default)]
    vector_count: u64,
}

impl Stats {
    /// The number of vectors of a namespace.
    pub(super) fn n_vectors(&self, namespace: Option<&str>) -> u64 {
        let names = namespace.as_ref().map_or(&DEFAULT_NAMES[..], std::slice::from_ref);
        let found = names.iter().find_map(|&name| self.namespaces.get(name));
        found.map_or(0, |summary| summary.vector_count)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Found {
    #[serde(default)]
    pub(super) matches: Vec<Match>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Match {
    #[serde(default)]
    pub(super) score: f32,
    #[serde(flatten)]
    pub(super) vector: Vector,
}

#[derive(Debug, Deserialize)]
pub(super) struct Fetched {
    #[serde(default)]
    pub(super) vectors: BTreeMap<String, Vector>,
    pub(super) pagination: Option<Pagination>,
}

/// A point.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Vector {
    pub(super) id: String,
    #[serde(default)]
    pub(super) values: Vec<f32>,
    pub(super) sparse_values: Option<Value>,
    pub(super) metadata: Option<Map<String, Value>>,
}

impl Vector {
    /// The id of its record. Only an id whose hash is this one is believed.
    pub(super) fn record_id(&self) -> Option<RecordId> {
        if !is_hash(&self.id) {
            return RecordId::new(&self.id).ok();
        }
        let name = self.metadata.as_ref()?.get(ID_FIELD)?.as_str()?;
        RecordId::new(name).ok().filter(|id| Key::of(id).0 == self.id)
    }

    /// A field of the metadata as a person reads it.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        match self.metadata.as_ref()?.get(field)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    #[serde(default)]
    pub(super) vectors: Vec<Item>,
    pub(super) pagination: Option<Pagination>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Item {
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pagination {
    pub(super) next: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Upsert {
    pub(super) vectors: Vec<NewVector>,
    pub(super) namespace: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewVector {
    pub(super) id: String,
    pub(super) values: Vec<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sparse_values: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<Map<String, Value>>,
}

/// An answer that says that it was done, and no more.
#[derive(Debug, Deserialize)]
pub(super) struct Done {
    #[serde(rename = "upsertedCount")]
    _n_written: Option<IgnoredAny>,
}
