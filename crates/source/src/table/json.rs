//! JSON values as rows: objects become fields with dotted names, arrays fields numbered from 1.

use std::path::Path;

use linprobe_core::{Metadata, SourceError};
use serde_json::Value;

use super::{Row, columns, lines::open_lines};

/// The rows of a file with a JSON value on each line. Blank lines are passed over.
pub(crate) fn rows(
    path: &Path,
) -> Result<impl Iterator<Item = Result<Row, SourceError>> + use<>, SourceError> {
    let lines = open_lines(path)?.filter(|line| !line.as_ref().is_ok_and(super::Line::is_blank));
    Ok(lines.map(|line| {
        let line = line?;
        let fields = line.text().and_then(fields_of);
        Ok(Row { line: line.number, idx: line.number - 1, fields })
    }))
}

/// Whether a `.json` file is JSON lines by another name: its first two lines are an object each.
pub(crate) fn is_lines(path: &Path) -> Result<bool, SourceError> {
    let mut lines =
        open_lines(path)?.filter(|line| !line.as_ref().is_ok_and(super::Line::is_blank));
    let mut next_is_object = || match lines.next().transpose() {
        Ok(Some(line)) => line.text().is_ok_and(|text| {
            serde_json::from_str(text).is_ok_and(|value: Value| value.is_object())
        }),
        _ => false,
    };
    Ok(next_is_object() && next_is_object())
}

/// The fields of a JSON value.
pub(crate) fn fields_of(text: &str) -> Result<Metadata, String> {
    let value = serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))?;
    let mut fields = Metadata::new();
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                flatten(name, value, &mut fields);
            }
        }
        Value::Array(items) => {
            for (place, value) in items.into_iter().enumerate() {
                flatten((place + 1).to_string(), value, &mut fields);
            }
        }
        Value::String(text) => {
            fields.insert(columns::TEXT.to_owned(), text);
        }
        Value::Null => return Err("an object is expected, found null".to_owned()),
        Value::Bool(_) => return Err("an object is expected, found a boolean".to_owned()),
        Value::Number(_) => return Err("an object is expected, found a number".to_owned()),
    }
    Ok(fields)
}

/// The text in a line that is a JSON string, or an object with a text among its members.
pub(crate) fn text_of_line(line: &str) -> Result<String, String> {
    let mut fields = fields_of(line)?;
    columns::TEXTS
        .into_iter()
        .find_map(|name| fields.remove(name))
        .ok_or_else(|| format!("without a text: none of its members is named {}", columns::TEXT))
}

/// Nested objects give dotted names, null gives nothing, inner arrays stay JSON. The depth is
/// bounded by the parser's.
fn flatten(name: String, value: Value, fields: &mut Metadata) {
    match value {
        Value::Null => {}
        Value::String(text) => {
            fields.insert(name, text);
        }
        Value::Object(members) => {
            for (inner, value) in members {
                flatten(format!("{name}.{inner}"), value, fields);
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            fields.insert(name, value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(json: &str) -> Vec<(String, String)> {
        fields_of(json).unwrap().into_iter().collect()
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect()
    }

    #[test]
    fn nested_objects_become_dotted_names() {
        assert_eq!(
            pairs(r#"{"a": {"b": {"c": 1}, "d": null}, "e": [1, "x"], "f": true, "g": 1.5}"#),
            owned(&[("a.b.c", "1"), ("e", r#"[1,"x"]"#), ("f", "true"), ("g", "1.5")])
        );
    }

    #[test]
    fn items_of_an_array_are_numbered_from_1() {
        assert_eq!(pairs(r#"["hello", "greeting"]"#), owned(&[("1", "hello"), ("2", "greeting")]));
    }

    #[test]
    fn a_bare_string_is_a_text_and_a_bare_number_is_refused() {
        assert_eq!(pairs(r#""hello""#), owned(&[("text", "hello")]));
        assert_eq!(fields_of("3").unwrap_err(), "an object is expected, found a number");
    }

    #[test]
    fn nesting_deeper_than_the_parser_goes_is_an_error_and_no_overflow() {
        let reason = fields_of(&"[".repeat(1 << 20)).unwrap_err();
        assert!(reason.starts_with("not JSON: recursion limit"), "{reason}");
    }
}
