//! What Milvus answers, as far as it is read.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value};

use super::key::KeyField;

/// The codes of an answer that is well.
const WELL: [i64; 2] = [0, 200];

/// There is no such collection.
const MISSING: i64 = 100;

/// Not ready, not there, not loaded yet, asked too often.
const BUSY: [i64; 4] = [1, 2, 101, 8];

/// A row, by the names of its fields.
pub(super) type Row = Map<String, Value>;

#[derive(Debug, Deserialize)]
pub(super) struct Answer<T> {
    code: i64,
    message: Option<String>,
    #[serde(default = "nothing")]
    data: Option<T>,
}

fn nothing<T>() -> Option<T> {
    None
}

impl<T> Answer<T> {
    pub(super) fn is_missing(&self) -> bool {
        self.code == MISSING
    }

    pub(super) fn is_busy(&self) -> bool {
        BUSY.contains(&self.code)
    }

    /// What was asked for, or what is said instead.
    pub(super) fn taken(self) -> Result<T, String> {
        let said = self.message.unwrap_or_default();
        match self.data {
            Some(found) if WELL.contains(&self.code) => Ok(found),
            _ => Err(format!("code {}: {said}", self.code)),
        }
    }
}

/// An answer that says that it was done, and no more.
pub(super) type Done = IgnoredAny;

#[derive(Debug, Deserialize)]
pub(super) struct Described {
    fields: Vec<Field>,
    #[serde(default)]
    indexes: Vec<Index>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Field {
    pub(super) name: String,
    #[serde(rename = "type")]
    type_name: String,
    #[serde(default)]
    primary_key: bool,
    #[serde(default)]
    params: Vec<Param>,
}

#[derive(Debug, Deserialize)]
struct Param {
    key: String,
    value: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    field_name: String,
    metric_type: String,
}

impl Field {
    fn param(&self, key: &str) -> Option<usize> {
        let value = &self.params.iter().find(|param| param.key == key)?.value;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.parse().ok()
    }

    /// The dimension of vectors in single precision.
    pub(super) fn dimension(&self) -> Option<usize> {
        if self.type_name == "FloatVector" { self.param("dim") } else { None }
    }
}

impl Described {
    /// The fields of vectors, of whatever kind.
    pub(super) fn vectors(&self) -> Vec<&Field> {
        self.fields.iter().filter(|field| field.type_name.ends_with("Vector")).collect()
    }

    /// How the index of a field compares.
    pub(super) fn metric(&self, field: &str) -> Option<&str> {
        let index = self.indexes.iter().find(|index| index.field_name == field)?;
        Some(&index.metric_type)
    }

    pub(super) fn key(&self) -> Option<KeyField> {
        let field = self.fields.iter().find(|field| field.primary_key)?;
        Some(KeyField {
            name: field.name.clone(),
            is_number: field.type_name == "Int64",
            max_bytes: field.param("max_length").unwrap_or_default(),
        })
    }
}

/// Takes a vector out of a row.
pub(super) fn direction(row: &mut Row, field: &str) -> Option<Vec<f32>> {
    let values = row.remove(field)?;
    let values = values.as_array()?.iter().map(|value| {
        #[expect(clippy::cast_possible_truncation, reason = "it is kept in single precision")]
        let value = value.as_f64()? as f32;
        Some(value)
    });
    values.collect()
}

/// The number of rows, of an answer that says nothing else.
pub(super) fn counted(rows: &[Row]) -> Option<u64> {
    let count = rows.first()?.get("count(*)")?;
    count.as_u64().or_else(|| count.as_str()?.parse().ok())
}

/// A field as a person reads it.
pub(super) fn text_of(row: &Row, field: &str) -> Option<String> {
    match row.get(field)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
