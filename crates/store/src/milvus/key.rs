//! The primary key of a collection, texts or numbers, and the ids of records.

use linprobe_core::RecordId;
use serde_json::{Value, json};

use super::api::Row;

/// The field that is the primary key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KeyField {
    pub(super) name: String,
    /// Whether it is a number; a text else.
    pub(super) is_number: bool,
    /// The longest text that it has room for, in bytes.
    pub(super) max_bytes: usize,
}

impl KeyField {
    /// Whether a row can have this id.
    pub(super) fn takes(&self, id: &RecordId) -> bool {
        let id = id.as_str();
        if self.is_number {
            id.parse::<i64>().is_ok_and(|number| number.to_string() == id)
        } else {
            id.len() <= self.max_bytes
        }
    }

    /// The id as the engine has it.
    pub(super) fn value(&self, id: &RecordId) -> Value {
        match id.as_str().parse::<i64>() {
            Ok(number) if self.is_number => json!(number),
            _ => json!(id.as_str()),
        }
    }

    /// The filter that lets these ids through, of those that a row can have; none for no ids.
    pub(super) fn among<'a>(&self, ids: impl Iterator<Item = &'a RecordId>) -> Option<String> {
        let literals: Vec<String> =
            ids.filter(|id| self.takes(id)).map(|id| self.value(id).to_string()).collect();
        (!literals.is_empty()).then(|| format!("{} in [{}]", self.name, literals.join(",")))
    }

    /// The filter that lets through what comes after an id.
    pub(super) fn after(&self, id: &RecordId) -> String {
        format!("{} > {}", self.name, self.value(id))
    }

    /// The id of a row. Numbers may come as texts, so that no reader rounds them.
    pub(super) fn record_id(&self, row: &Row) -> Option<RecordId> {
        match row.get(&self.name)? {
            Value::String(text) => RecordId::new(text).ok(),
            Value::Number(number) => RecordId::new(number.to_string()).ok(),
            _ => None,
        }
    }

    /// Puts points in the order of their keys.
    pub(super) fn sort<T>(&self, points: &mut [(RecordId, T)]) {
        if self.is_number {
            points.sort_by_key(|(id, _)| id.as_str().parse::<i64>().unwrap_or_default());
        } else {
            points.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_literals_that_end_where_they_should() {
        let key = KeyField { name: "id".to_owned(), is_number: false, max_bytes: 9 };
        let ids = ["a\"b\\", "it's", "собака!"].map(|name| RecordId::new(name).unwrap());
        let filter = key.among(ids.iter()).unwrap();
        assert_eq!(filter, r#"id in ["a\"b\\","it's"]"#);
        assert_eq!(key.among(ids[2..].iter()), None);
    }

    #[test]
    fn numbers_are_those_that_are_written_in_one_way() {
        let key = KeyField { name: "sku".to_owned(), is_number: true, max_bytes: 0 };
        let ids = ["7", "-12", "007", "x"].map(|name| RecordId::new(name).unwrap());
        assert_eq!(key.among(ids.iter()).unwrap(), "sku in [7,-12]");
        assert_eq!(key.after(&ids[1]), "sku > -12");
    }
}
