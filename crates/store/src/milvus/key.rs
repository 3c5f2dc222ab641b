//! The primary key of a collection, texts or numbers, and the ids of records.

use linprobe_core::RecordId;

use super::proto::{Column, Kind, Longs, ScalarList, Scalars, Strings, Values};

/// The field that is the primary key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KeyField {
    pub(super) name: String,
    /// Whether it is a number; a text else.
    pub(super) is_number: bool,
    /// The longest text that it has room for, in bytes.
    pub(super) max_bytes: usize,
    /// Whether the server makes the keys.
    pub(super) is_auto: bool,
}

impl KeyField {
    /// Whether a row can have this id.
    pub(super) fn takes(&self, id: &RecordId) -> bool {
        if self.is_number { number(id).is_some() } else { id.as_str().len() <= self.max_bytes }
    }

    /// The id as it stands in a filter.
    fn literal(&self, id: &RecordId) -> String {
        match number(id) {
            Some(number) if self.is_number => number.to_string(),
            _ => serde_json::to_string(id.as_str()).expect("a text is JSON"),
        }
    }

    /// The filter that lets these ids through, of those that a row can have; none for no ids. Those that would make it longer
    /// than so many bytes are left out.
    pub(super) fn among<'a>(
        &self,
        ids: impl Iterator<Item = &'a RecordId>,
        max_bytes: usize,
    ) -> Option<String> {
        let mut filter = format!("{} in [", self.name);
        let n_bytes = filter.len();
        for id in ids.filter(|id| self.takes(id)) {
            let literal = self.literal(id);
            if filter.len() + literal.len() + 2 > max_bytes {
                break;
            }
            if filter.len() > n_bytes {
                filter.push(',');
            }
            filter.push_str(&literal);
        }
        (filter.len() > n_bytes).then(|| filter + "]")
    }

    /// The filter that lets through what comes after an id.
    pub(super) fn after(&self, id: &RecordId) -> String {
        format!("{} > {}", self.name, self.literal(id))
    }

    /// The filter that lets through what comes after one id, up to another; none for all.
    pub(super) fn between(
        &self,
        after: Option<&RecordId>,
        upto: Option<&RecordId>,
    ) -> Option<String> {
        let upto = upto.map(|id| format!("{} <= {}", self.name, self.literal(id)));
        match (after.map(|id| self.after(id)), upto) {
            (Some(after), Some(upto)) => Some(format!("{after} and {upto}")),
            (after, upto) => after.or(upto),
        }
    }

    /// The filter that lets through the numbers that leave this remainder. A negative number leaves a negative one.
    pub(super) fn with_remainder(&self, remainder: u64, modulus: u64) -> String {
        let (name, below) = (&self.name, modulus - remainder);
        if remainder == 0 {
            format!("{name} % {modulus} == 0")
        } else {
            format!("{name} % {modulus} == {remainder} or {name} % {modulus} == -{below}")
        }
    }

    /// The ids, as the server takes them.
    pub(super) fn column<'a>(&self, ids: impl Iterator<Item = &'a RecordId>) -> Column {
        let (kind, list) = if self.is_number {
            (Kind::Int64, ScalarList::Longs(Longs { values: ids.filter_map(number).collect() }))
        } else {
            let values = ids.map(|id| id.as_str().to_owned()).collect();
            (Kind::VarChar, ScalarList::Strings(Strings { values }))
        };
        let values = Some(Values::Scalars(Scalars { list: Some(list) }));
        Column { kind: kind.into(), name: self.name.clone(), values, ..Column::default() }
    }

    /// Puts points in the order of their keys.
    pub(super) fn sort<T>(&self, points: &mut [(RecordId, T)]) {
        if self.is_number {
            points.sort_by_key(|(id, _)| number(id));
        } else {
            points.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
    }
}

/// The number that an id is, where it is written as numbers are.
fn number(id: &RecordId) -> Option<i64> {
    let number: i64 = id.as_str().parse().ok()?;
    (number.to_string() == id.as_str()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids<const N: usize>(names: [&str; N]) -> [RecordId; N] {
        names.map(|name| RecordId::new(name).unwrap())
    }

    #[test]
    fn ids_are_literals_that_end_where_they_should() {
        let key = KeyField { name: "id".to_owned(), max_bytes: 9, ..KeyField::default() };
        let ids = ids(["a\"b\\", "it's", "собака!"]);
        let filter = key.among(ids.iter(), 99).unwrap();
        assert_eq!(filter, r#"id in ["a\"b\\","it's"]"#);
        assert_eq!(key.among(ids[2..].iter(), 99), None);
        assert_eq!(key.among(ids[..2].iter(), 20).unwrap(), r#"id in ["a\"b\\"]"#);
    }

    #[test]
    fn numbers_are_those_that_are_written_in_one_way() {
        let key = KeyField { name: "sku".to_owned(), is_number: true, ..KeyField::default() };
        let ids = ids(["7", "-12", "007", "x"]);
        assert_eq!(key.among(ids.iter(), 99).unwrap(), "sku in [7,-12]");
        assert_eq!(key.after(&ids[1]), "sku > -12");
    }
}
