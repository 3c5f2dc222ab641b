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
    /// How many cells one of cells has in a segment, where that is told.
    pub(super) n_cells: Option<usize>,
    /// How many rows are in them, about.
    pub(super) n_rows: u64,
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
        let n_cells = number_among(&index.params, "nlist");
        Some(Ok(Self { metric, kind, n_cells, n_rows: 0 }))
    }

    /// How much a search looks at, for a list of so many: a trained direction lies near no vector, so that it takes more than
    /// is usual, and the more, the larger a share of all rows is wanted.
    pub(super) fn effort(&self, limit: usize) -> String {
        match self.kind.as_str() {
            kind if kind.starts_with("HNSW") => {
                format!("{{\"ef\":{}}}", (2 * limit).clamp(MIN_EF, MAX_EF))
            }
            kind if kind.starts_with("IVF") || kind == "SCANN" => {
                format!("{{\"nprobe\":{}}}", self.n_probed(limit))
            }
            "DISKANN" => format!("{{\"search_list\":{}}}", (2 * limit).clamp(MIN_EF, MAX_EF)),
            _ => "{}".to_owned(),
        }
    }

    /// Cells that have many times as many rows as are wanted. What is wanted comes of few cells while it is near in all that
    /// matters; behind that, scores differ by chance, and each cell has some.
    fn n_probed(&self, limit: usize) -> usize {
        let Some(n_cells) = self.n_cells else { return N_PROBED };
        let n_rows = usize::try_from(self.n_rows).unwrap_or(usize::MAX).max(1);
        let share = limit.saturating_mul(PER_WANTED).saturating_mul(n_cells).div_ceil(n_rows);
        share.max(n_cells / LEAST_SHARE).max(MIN_PROBED).min(n_cells)
    }
}

/// Candidates that a search in a graph keeps, at least.
const MIN_EF: usize = 512;

/// And at most, which is what Milvus allows.
const MAX_EF: usize = 32_768;

/// Cells that a search in cells looks into where nobody says how many there are.
const N_PROBED: usize = 64;

/// Rows that are looked at for each that is wanted; at least one cell in so many, and so many cells.
const PER_WANTED: usize = 20;
const LEAST_SHARE: usize = 8;
const MIN_PROBED: usize = 32;

fn value<'a>(params: &'a [KeyValue], key: &str) -> Option<&'a str> {
    params.iter().find(|param| param.key == key).map(|param| param.value.as_str())
}

/// A number of a parameter, or of the JSON that some servers have the parameters of an index in.
fn number_among(params: &[KeyValue], key: &str) -> Option<usize> {
    let own = || value(params, key)?.parse().ok();
    let among = || {
        let all: serde_json::Value = serde_json::from_str(value(params, "params")?).ok()?;
        let number = &all[key];
        number.as_str().map_or_else(|| number.to_string(), str::to_owned).parse().ok()
    };
    own().or_else(among)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn index(kind: &str, params: &[KeyValue], n_rows: u64) -> VectorIndex {
        let own = [param("metric_type", "COSINE"), param("index_type", kind)];
        let params = own.into_iter().chain(params.iter().cloned()).collect();
        let field = "vector".to_owned();
        let found = VectorIndex::of(&[Index { params, field }], "vector").unwrap().unwrap();
        VectorIndex { n_rows, ..found }
    }

    #[test]
    fn more_is_looked_at_for_longer_lists_and_never_more_than_there_is() {
        let cells = |n_rows| index("IVF_FLAT", &[param("nlist", "1024")], n_rows);
        for (n_rows, limit, effort) in [
            (1_000_000, 78, r#"{"nprobe":128}"#),
            (100_000, 1_266, r#"{"nprobe":260}"#),
            (100_000, 5_136, r#"{"nprobe":1024}"#),
            (0, 10, r#"{"nprobe":1024}"#),
        ] {
            assert_eq!(cells(n_rows).effort(limit), effort, "{limit} of {n_rows}");
        }
        let graph = index("HNSW", &[], 0);
        assert_eq!([10, 5_000].map(|n| graph.effort(n)), [r#"{"ef":512}"#, r#"{"ef":10000}"#]);
        assert_eq!(index("FLAT", &[], 0).effort(9), "{}");
    }

    #[test]
    fn the_number_of_cells_is_read_as_each_server_has_it() {
        for (params, n_cells) in [
            (vec![param("nlist", "128")], Some(128)),
            (vec![param("params", r#"{"nlist":128}"#)], Some(128)),
            (vec![param("params", r#"{"nlist":"128"}"#)], Some(128)),
            (vec![param("params", "{}")], None),
            (vec![], None),
        ] {
            assert_eq!(index("IVF_PQ", &params, 0).n_cells, n_cells, "{params:?}");
        }
        assert_eq!(index("IVF_PQ", &[], 0).effort(9), r#"{"nprobe":64}"#);
    }
}
