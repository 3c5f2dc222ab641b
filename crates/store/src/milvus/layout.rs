//! What the fields of a collection are for, and how its vectors are compared.

use super::{
    key::KeyField,
    proto::{Field, Index, KeyValue, Kind, Schema, VECTORS},
};

/// The fields of a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) key: KeyField,
    /// The field of vectors.
    pub(super) vector: String,
    pub(super) dimension: usize,
    /// The other fields that a row can be written with.
    pub(super) others: Vec<String>,
    /// Those of them that a new row cannot do without.
    pub(super) needed: Vec<String>,
    /// Those of them that hold numbers with a fraction, and how.
    pub(super) numbers: Vec<(String, Kind)>,
    /// Whether rows are given to partitions by one of them.
    pub(super) has_partition_key: bool,
    /// Whether rows may have fields that are in no schema.
    pub(super) is_dynamic: bool,
}

/// Why a collection has no points: the reason, and what would do.
pub(super) type Unfit = (String, String);

impl Layout {
    /// Tells the fields apart; which one holds the vectors must be said where several do.
    pub(super) fn of(schema: &Schema, vector: Option<&str>) -> Result<Self, Unfit> {
        let key = schema.fields.iter().find(|field| field.is_key);
        let key =
            key.ok_or_else(|| ("it has no primary key".to_owned(), "name another".to_owned()))?;
        let found = vectors(schema, vector)?;
        let dimension = found.number("dim").filter(|_| found.kind == i32::from(Kind::FloatVector));
        let dimension = dimension.ok_or_else(|| {
            let reason = format!("its vectors {} are not of single precision", found.name);
            (reason, "name others, with &vector=name".to_owned())
        })?;
        let others = schema.fields.iter().filter(|field| {
            field.name != key.name && field.name != found.name && !field.is_computed
        });
        let needed =
            others.clone().filter(|field| !field.is_nullable && field.default_value.is_none());
        Ok(Self {
            key: KeyField {
                name: key.name.clone(),
                is_number: key.kind == i32::from(Kind::Int64),
                max_bytes: key.number("max_length").unwrap_or_default(),
                is_auto: key.is_auto,
            },
            vector: found.name.clone(),
            dimension,
            numbers: others.clone().filter_map(number_of).collect(),
            has_partition_key: schema.fields.iter().any(|field| field.is_of_partitions),
            needed: needed.map(|field| field.name.clone()).collect(),
            others: others.map(|field| field.name.clone()).collect(),
            is_dynamic: schema.is_dynamic,
        })
    }

    /// The fields that a row is written again with where its vector is replaced.
    pub(super) fn kept(&self) -> Vec<String> {
        let dynamic = self.is_dynamic.then(|| "$meta".to_owned());
        self.others.iter().cloned().chain(dynamic).collect()
    }
}

fn number_of(field: &Field) -> Option<(String, Kind)> {
    let kind = Kind::try_from(field.kind).ok()?;
    matches!(kind, Kind::Float | Kind::Double).then(|| (field.name.clone(), kind))
}

fn vectors<'a>(schema: &'a Schema, vector: Option<&str>) -> Result<&'a Field, Unfit> {
    let vectors: Vec<&Field> =
        schema.fields.iter().filter(|field| VECTORS.contains(&field.kind)).collect();
    let names: Vec<&str> = vectors.iter().map(|field| field.name.as_str()).collect();
    let hint = format!("name the field of vectors with &vector=name: {}", names.join(", "));
    match (vector, vectors.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => Err((format!("{} of its fields hold vectors", vectors.len()), hint)),
        (Some(name), _) => {
            let found = vectors.iter().find(|field| field.name == name).copied();
            found.ok_or_else(|| (format!("it has no vectors {name:?}"), hint))
        }
    }
}

impl Field {
    fn number(&self, key: &str) -> Option<usize> {
        value(&self.params, key)?.parse().ok()
    }
}

/// How vectors are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Metric {
    #[default]
    Cosine,
    /// Inner products, cosines where vectors have unit length.
    Dot,
    /// Squares of distances, which give the cosines where vectors have unit length.
    Distance,
}

impl Metric {
    /// The cosine that a score is.
    pub(super) fn cosine(self, score: f32) -> f32 {
        match self {
            Self::Cosine | Self::Dot => score,
            Self::Distance => 1.0 - score / 2.0,
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cosine => "COSINE",
            Self::Dot => "IP",
            Self::Distance => "L2",
        }
    }
}

/// An index of vectors, as far as searching takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct VectorIndex {
    pub(super) metric: Metric,
    /// `FLAT`, `HNSW` and so on.
    pub(super) kind: String,
}

impl VectorIndex {
    /// The index of a field, or what its vectors are compared by instead.
    pub(super) fn of(indexes: &[Index], field: &str) -> Option<Result<Self, String>> {
        let index = indexes.iter().find(|index| index.field == field)?;
        let metric = match value(&index.params, "metric_type") {
            Some("COSINE") => Metric::Cosine,
            Some("IP") => Metric::Dot,
            Some("L2") => Metric::Distance,
            other => return Some(Err(other.unwrap_or("nothing").to_owned())),
        };
        let kind = value(&index.params, "index_type").unwrap_or_default().to_owned();
        Some(Ok(Self { metric, kind }))
    }

    /// How much a search looks at, for a list of so many: a trained direction lies near no vector, so that it takes more than
    /// is usual.
    pub(super) fn effort(&self, limit: usize) -> String {
        match self.kind.as_str() {
            kind if kind.starts_with("HNSW") => {
                format!("{{\"ef\":{}}}", (2 * limit).clamp(MIN_EF, MAX_EF))
            }
            kind if kind.starts_with("IVF") || kind == "SCANN" => {
                format!("{{\"nprobe\":{N_PROBED}}}")
            }
            "DISKANN" => format!("{{\"search_list\":{}}}", (2 * limit).clamp(MIN_EF, MAX_EF)),
            _ => "{}".to_owned(),
        }
    }
}

/// Candidates that a search in a graph keeps, at least.
const MIN_EF: usize = 512;

/// And at most, which is what Milvus allows.
const MAX_EF: usize = 32_768;

/// Cells that a search in cells looks into.
const N_PROBED: usize = 64;

fn value<'a>(params: &'a [KeyValue], key: &str) -> Option<&'a str> {
    params.iter().find(|param| param.key == key).map(|param| param.value.as_str())
}

/// A parameter of a question.
pub(super) fn param(key: &str, value: impl Into<String>) -> KeyValue {
    KeyValue { key: key.to_owned(), value: value.into() }
}

/// The schema of a collection that is made: ids of texts, and vectors.
pub(super) fn schema_of(name: &str, key_bytes: usize, vector: (&str, usize)) -> Schema {
    let (vector, dimension) = vector;
    let key = Field {
        name: "id".to_owned(),
        is_key: true,
        kind: Kind::VarChar.into(),
        params: vec![param("max_length", key_bytes.to_string())],
        ..Field::default()
    };
    let vector = Field {
        name: vector.to_owned(),
        kind: Kind::FloatVector.into(),
        params: vec![param("dim", dimension.to_string())],
        ..Field::default()
    };
    Schema { name: name.to_owned(), fields: vec![key, vector], is_dynamic: false }
}
