//! Columns of rows, as they come and go.

use linprobe_core::{Embedding, RecordId};
use prost::{DecodeError, Message, bytes::Bytes};
use serde_json::Value;

use super::{
    key::KeyField,
    members,
    proto::{
        Column, Doubles, Floats, Hits, KeyList, Kind, ScalarList, Scalars, Values, VectorList,
        Vectors,
    },
};

/// What an answer has of some rows.
#[derive(Debug, Default)]
pub(super) struct Table(Vec<Column>);

impl Table {
    pub(super) fn read(columns: &[Bytes]) -> Result<Self, DecodeError> {
        columns
            .iter()
            .map(|column| Column::decode(column.clone()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn named(&self, name: &str) -> Option<&Column> {
        self.0.iter().find(|column| column.name == name)
    }

    /// The ids of the rows; none in the place of a key that is no id.
    pub(super) fn ids(&self, key: &KeyField) -> Vec<Option<RecordId>> {
        match self.named(&key.name).and_then(Column::scalars) {
            Some(ScalarList::Longs(numbers)) => {
                numbers.values.iter().copied().map(of_number).collect()
            }
            Some(ScalarList::Strings(texts)) => texts.values.iter().map(of_text).collect(),
            _ => Vec::new(),
        }
    }

    /// Takes out the vectors, one behind the other.
    pub(super) fn take_vectors(&mut self, name: &str) -> Option<Vec<f32>> {
        let column = self.0.iter_mut().find(|column| column.name == name)?;
        match column.values.take()? {
            Values::Vectors(Vectors { list: Some(VectorList::Floats(floats)), .. }) => {
                Some(floats.values)
            }
            _ => None,
        }
    }

    /// The column of the fields that are in no schema.
    pub(super) fn into_dynamic(self) -> Option<Column> {
        self.0.into_iter().find(|column| column.is_dynamic)
    }

    /// The single number of an answer that counts.
    pub(super) fn number(&self) -> Option<u64> {
        let ScalarList::Longs(numbers) = self.0.first()?.scalars()? else { return None };
        numbers.values.first()?.to_owned().try_into().ok()
    }

    /// A field of each row as a person reads it, be it in the schema or not.
    pub(super) fn texts(&self, field: &str) -> Vec<Option<String>> {
        if let Some(column) = self.named(field) {
            return column.texts();
        }
        let dynamic = self.0.iter().find(|column| column.is_dynamic).and_then(Column::scalars);
        let Some(ScalarList::Json(rows)) = dynamic else { return Vec::new() };
        rows.values.iter().map(|row| text_within(row, field)).collect()
    }
}

impl Column {
    fn scalars(&self) -> Option<&ScalarList> {
        match self.values.as_ref()? {
            Values::Scalars(scalars) => scalars.list.as_ref(),
            Values::Vectors(_) => None,
        }
    }

    /// Whether some row has no value.
    pub(super) fn has_gaps(&self) -> bool {
        self.is_there.contains(&false)
    }

    fn texts(&self) -> Vec<Option<String>> {
        fn each<T: ToString>(values: &[T]) -> Vec<Option<String>> {
            values.iter().map(|value| Some(value.to_string())).collect()
        }
        let mut texts = match self.scalars() {
            Some(ScalarList::Bools(bools)) => each(&bools.values),
            Some(ScalarList::Ints(numbers)) => each(&numbers.values),
            Some(ScalarList::Longs(numbers)) => each(&numbers.values),
            Some(ScalarList::Floats(numbers)) => each(&numbers.values),
            Some(ScalarList::Doubles(numbers)) => each(&numbers.values),
            Some(ScalarList::Strings(texts)) => each(&texts.values),
            Some(ScalarList::Json(texts)) => texts
                .values
                .iter()
                .map(|text| std::str::from_utf8(text).ok().map(str::to_owned))
                .collect(),
            None => Vec::new(),
        };
        for (text, _) in texts.iter_mut().zip(&self.is_there).filter(|(_, is_there)| !**is_there) {
            *text = None;
        }
        texts
    }

    /// Embeddings, as the server takes them.
    pub(super) fn of_embeddings<'a>(
        name: &str,
        dimension: usize,
        embeddings: impl Iterator<Item = &'a Embedding>,
    ) -> Self {
        let mut values = Vec::with_capacity(embeddings.size_hint().0 * dimension);
        embeddings.for_each(|embedding| values.extend_from_slice(embedding.as_slice()));
        let list = Some(VectorList::Floats(Floats { values }));
        let dimension = i64::try_from(dimension).unwrap_or(i64::MAX);
        let values = Some(Values::Vectors(Vectors { dimension, list }));
        Self { kind: Kind::FloatVector.into(), name: name.to_owned(), values, ..Self::default() }
    }

    /// Scores in a field of the schema.
    pub(super) fn of_scores(name: &str, kind: Kind, scores: &[f32]) -> Self {
        let list = if kind == Kind::Double {
            ScalarList::Doubles(Doubles { values: scores.iter().copied().map(f64::from).collect() })
        } else {
            ScalarList::Floats(Floats { values: scores.to_vec() })
        };
        let values = Some(Values::Scalars(Scalars { list: Some(list) }));
        Self { kind: kind.into(), name: name.to_owned(), values, ..Self::default() }
    }

    /// The fields that are in no schema, with a score for one of them in each row; none where there are others.
    pub(super) fn with_scores(mut self, field: &str, scores: &[f32]) -> Option<Self> {
        let Some(Values::Scalars(Scalars { list: Some(ScalarList::Json(rows)) })) =
            &mut self.values
        else {
            return None;
        };
        if rows.values.len() != scores.len() {
            return None;
        }
        for (row, score) in rows.values.iter_mut().zip(scores) {
            *row = members::with(row, field, &score.to_string())?.into();
        }
        Some(self)
    }

    /// The fields that are in no schema, none of each row.
    pub(super) fn of_nothing(n_rows: usize) -> Self {
        let list = ScalarList::Json(super::proto::Jsons {
            values: vec![Bytes::from_static(b"{}"); n_rows],
        });
        let values = Some(Values::Scalars(Scalars { list: Some(list) }));
        Self { kind: Kind::Json.into(), values, is_dynamic: true, ..Self::default() }
    }

    pub(crate) fn encoded(&self) -> Bytes {
        self.encode_to_vec().into()
    }
}

impl Hits {
    /// The ids of the hits; none in the place of a key that is no id.
    pub(super) fn ids(&self) -> Vec<Option<RecordId>> {
        match self.keys.as_ref().and_then(|keys| keys.list.as_ref()) {
            Some(KeyList::Numbers(numbers)) => {
                numbers.values.iter().copied().map(of_number).collect()
            }
            Some(KeyList::Texts(texts)) => texts.values.iter().map(of_text).collect(),
            None => Vec::new(),
        }
    }
}

fn of_number(number: i64) -> Option<RecordId> {
    RecordId::new(number.to_string()).ok()
}

fn of_text(text: &String) -> Option<RecordId> {
    RecordId::new(text).ok()
}

fn text_within(row: &[u8], field: &str) -> Option<String> {
    let row: Value = serde_json::from_slice(row).ok()?;
    match row.get(field)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
