//! Changing one member of a JSON object, and not a byte of the others: they belong to somebody else, and a number that is read
//! and written again may be another one.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Deserializer;

/// The object with this member, in place of what it had under the name; none where it is no object.
pub(super) fn with(object: &[u8], name: &str, value: &str) -> Option<Vec<u8>> {
    let name = serde_json::to_string(name).ok()?;
    let mut written = format!("{{{name}:{value}").into_bytes();
    let mut rest = object.trim_ascii().strip_prefix(b"{")?.trim_ascii_start();
    while !rest.starts_with(b"}") {
        let (key, n_bytes) = first::<String>(rest)?;
        let behind = rest.get(n_bytes..)?.trim_ascii_start().strip_prefix(b":")?;
        let (_, n_value) = first::<IgnoredAny>(behind)?;
        let (member, next) = rest.split_at(rest.len() - behind.len() + n_value);
        if serde_json::to_string(&key).ok()? != name {
            written.push(b',');
            written.extend_from_slice(member);
        }
        let next = next.trim_ascii_start();
        rest = next.strip_prefix(b",").unwrap_or(next).trim_ascii_start();
    }
    written.push(b'}');
    Some(written)
}

/// The value that something begins with, and how long it is.
fn first<T: DeserializeOwned>(json: &[u8]) -> Option<(T, usize)> {
    let mut values = Deserializer::from_slice(json).into_iter::<T>();
    let value = values.next()?.ok()?;
    Some((value, values.byte_offset()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_member_is_changed_and_the_others_stay_as_they_are_written() {
        for (object, expected) in [
            ("{}", r#"{"s":0.5}"#),
            (r#" { "a" : 1.10e400 } "#, r#"{"s":0.5,"a" : 1.10e400}"#),
            (r#"{"s":{"t":[1,"}"]},"b":"\u00e9,\"" }"#, r#"{"s":0.5,"b":"\u00e9,\""}"#),
            (r#"{"b":12345678901234567890123,"s":1}"#, r#"{"s":0.5,"b":12345678901234567890123}"#),
        ] {
            let found = with(object.as_bytes(), "s", "0.5").unwrap();
            assert_eq!(String::from_utf8(found).unwrap(), expected);
        }
        for no_object in ["", "[]", "{", "{\"a\"}", "{\"a\":}", "null"] {
            assert_eq!(with(no_object.as_bytes(), "s", "0.5"), None, "{no_object}");
        }
    }
}
