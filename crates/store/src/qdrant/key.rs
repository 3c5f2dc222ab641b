//! The ids of Qdrant, numbers and UUIDs, and those of records, which are any text.

use std::collections::BTreeMap;

use linprobe_core::RecordId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The field of the payload that holds the id of a record where the point's own could not.
pub(super) const ID_FIELD: &str = "linprobe_id";

/// The id of a point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Key {
    /// A number.
    Number(u64),
    /// A UUID, in small letters with hyphens.
    Uuid(String),
}

impl Key {
    /// The id of a record's point: the same number, the same UUID, or else the UUID of its hash.
    pub(super) fn of(id: &RecordId) -> Self {
        Self::same(id.as_str()).unwrap_or_else(|| Self::Uuid(uuid_of_hash(id.as_str())))
    }

    fn same(id: &str) -> Option<Self> {
        // Another way to write a number, such as 007, is another id.
        let number = id.parse::<u64>().ok().filter(|number| number.to_string() == id);
        number.map(Self::Number).or_else(|| is_uuid(id).then(|| Self::Uuid(id.to_owned())))
    }

    /// What is kept beside the vector of a record.
    pub(super) fn payload(id: &RecordId) -> Value {
        match Self::same(id.as_str()) {
            Some(_) => json!({}),
            None => json!({ ID_FIELD: id.as_str() }),
        }
    }

    /// The id of a point's record. Only an id whose hash is this one is believed, so that no two ids come together.
    pub(super) fn record_id(&self, payload: Option<&BTreeMap<String, Value>>) -> RecordId {
        let named = payload.and_then(|payload| payload.get(ID_FIELD)?.as_str());
        let named = named.and_then(|name| RecordId::new(name).ok());
        if let Some(id) = named.filter(|id| Self::of(id) == *self) {
            return id;
        }
        match self {
            Self::Number(number) => RecordId::from_row(*number),
            Self::Uuid(uuid) => RecordId::new(uuid).expect("a UUID is a text without controls"),
        }
    }
}

fn is_uuid(id: &str) -> bool {
    let is_right = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
    };
    id.len() == 36 && id.bytes().enumerate().all(is_right)
}

/// A UUID of the version that is anybody's own to lay out, of the first bits of a hash.
fn uuid_of_hash(id: &str) -> String {
    let hash = blake3::hash(id.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    let bits = u128::from_be_bytes(bytes);
    let bits = bits & !(0xf << 76) | 0x8 << 76;
    let bits = bits & !(0x3 << 62) | 0x2 << 62;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        bits >> 96,
        bits >> 80 & 0xffff,
        bits >> 64 & 0xffff,
        bits >> 48 & 0xffff,
        bits & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> RecordId {
        RecordId::new(name).unwrap()
    }

    #[test]
    fn numbers_and_uuids_are_kept_and_other_ids_become_uuids_of_their_own() {
        assert_eq!(Key::of(&id("18446744073709551615")), Key::Number(u64::MAX));
        let uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
        assert_eq!(Key::of(&id(uuid)), Key::Uuid(uuid.to_owned()));
        for name in ["007", "-1", "18446744073709551616", "a/b.jpg", "собака", &uuid.to_uppercase()]
        {
            let key = Key::of(&id(name));
            let Key::Uuid(hashed) = &key else { panic!("{key:?}") };
            assert!(is_uuid(hashed), "{hashed}");
            let digits: Vec<char> = hashed.chars().collect();
            assert!(digits[14] == '8' && ['8', '9', 'a', 'b'].contains(&digits[19]), "{hashed}");
            let payload = BTreeMap::from([(ID_FIELD.to_owned(), json!(name))]);
            assert_eq!(key.record_id(Some(&payload)), id(name));
        }
    }

    #[test]
    fn an_id_in_the_payload_that_is_not_of_this_point_is_not_believed() {
        let payload = BTreeMap::from([(ID_FIELD.to_owned(), json!("a"))]);
        assert_eq!(Key::Number(7).record_id(Some(&payload)), id("7"));
        assert_eq!(Key::Number(7).record_id(None), id("7"));
    }
}
