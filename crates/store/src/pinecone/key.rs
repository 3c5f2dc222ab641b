//! The ids of Pinecone, which are ASCII, and those of records, which are any text.

use linprobe_core::RecordId;
use serde_json::{Map, Value, json};

/// The field of the metadata that holds the id of a record where the point's own could not.
pub(super) const ID_FIELD: &str = "linprobe_id";

/// What ids that are hashes begin with.
const PREFIX: &str = "linprobe:";

/// The id of a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key(pub(super) String);

impl Key {
    /// The id of a record's point: the same, or else its hash.
    pub(super) fn of(id: &RecordId) -> Self {
        let id = id.as_str();
        if id.is_ascii() && !is_hash(id) {
            Self(id.to_owned())
        } else {
            Self(format!("{PREFIX}{}", blake3::hash(id.as_bytes()).to_hex()))
        }
    }

    /// What is kept beside the vector of a record.
    pub(super) fn metadata(&self, id: &RecordId) -> Option<Map<String, Value>> {
        let is_other = self.0 != id.as_str();
        is_other.then(|| Map::from_iter([(ID_FIELD.to_owned(), json!(id.as_str()))]))
    }
}

/// Whether an id has to be asked what it is of.
pub(super) fn is_hash(id: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    id.strip_prefix(PREFIX).is_some_and(|hash| hash.len() == 64 && hash.bytes().all(is_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_ascii_are_kept_and_others_become_hashes_that_say_what_of() {
        let id = |name: &str| RecordId::new(name).unwrap();
        for name in ["a/b.jpg", "007", "two words", "linprobe:x"] {
            assert_eq!(Key::of(&id(name)).0, name);
            assert_eq!(Key::of(&id(name)).metadata(&id(name)), None);
        }
        for name in ["собака", &format!("linprobe:{}", "a".repeat(64))] {
            let key = Key::of(&id(name));
            assert!(is_hash(&key.0) && key.0.is_ascii() && key.0.len() < 100, "{key:?}");
            assert_eq!(key.metadata(&id(name)).unwrap()[ID_FIELD], name);
        }
    }
}
