//! What Qdrant is sent, and what it answers as far as it is read.

use std::{collections::BTreeMap, fmt};

use linprobe_core::RecordId;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value::SeqAccessDeserializer},
};
use serde_json::Value;

use super::key::Key;

#[derive(Debug, Deserialize)]
pub(super) struct Answer<T> {
    pub(super) result: T,
}

#[derive(Debug, Deserialize)]
pub(super) struct Collections {
    pub(super) collections: Vec<Named>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Described {
    config: Config,
}

#[derive(Debug, Deserialize)]
struct Config {
    params: Params,
}

#[derive(Debug, Deserialize)]
struct Params {
    vectors: Option<Vectors>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Vectors {
    One(VectorParams),
    Named(BTreeMap<String, VectorParams>),
}

/// What the vectors of a collection are.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct VectorParams {
    pub(super) size: usize,
    pub(super) distance: String,
    pub(super) datatype: Option<String>,
    pub(super) multivector_config: Option<Value>,
}

impl Described {
    /// The vectors by name; those without one have the name "".
    pub(super) fn vectors(self) -> BTreeMap<String, VectorParams> {
        match self.config.params.vectors {
            None => BTreeMap::new(),
            Some(Vectors::One(params)) => BTreeMap::from([(String::new(), params)]),
            Some(Vectors::Named(named)) => named,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Found {
    pub(super) points: Vec<Record>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Scrolled {
    pub(super) points: Vec<Record>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Counted {
    pub(super) count: u64,
}

/// A change that was carried out.
#[derive(Debug, Deserialize)]
pub(super) struct Written {
    #[serde(rename = "status")]
    _status: IgnoredAny,
}

/// A point.
#[derive(Debug, Deserialize)]
pub(super) struct Record {
    pub(super) id: Key,
    pub(super) payload: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    pub(super) vector: Option<Values>,
    pub(super) score: Option<f32>,
}

impl Record {
    pub(super) fn record_id(&self) -> RecordId {
        self.id.record_id(self.payload.as_ref())
    }

    /// A field of the payload as a person reads it.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        match self.payload.as_ref()?.get(field)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

/// Points to be written.
#[derive(Debug, Serialize)]
pub(super) struct NewPoints<'a> {
    pub(super) points: Vec<NewPoint<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct NewPoint<'a> {
    pub(super) id: Key,
    pub(super) vector: NewVector<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payload: Option<Value>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum NewVector<'a> {
    One(&'a [f32]),
    Named(BTreeMap<&'a str, &'a [f32]>),
}

/// A vector, given as it is or under its name. Of several none is wanted but that which was asked for.
#[derive(Debug)]
pub(super) struct Values(pub(super) Vec<f32>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValuesVisitor)
    }
}

struct ValuesVisitor;

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = Values;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a vector, or one under its name")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Values, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Values)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
        let mut values = Vec::new();
        while let Some((_, named)) = map.next_entry::<IgnoredAny, Vec<f32>>()? {
            values = named;
        }
        Ok(Values(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_read_with_a_name_and_without() {
        for (json, expected) in
            [("[0.5,1]", vec![0.5, 1.0]), (r#"{"image":[2]}"#, vec![2.0]), ("{}", vec![])]
        {
            assert_eq!(serde_json::from_str::<Values>(json).unwrap().0, expected);
        }
        assert!(serde_json::from_str::<Values>(r#"{"tokens":[[1],[2]]}"#).is_err());
    }
}
