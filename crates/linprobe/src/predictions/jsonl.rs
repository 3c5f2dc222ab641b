//! Predictions as one JSON object a line; what a record lacks is left out.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{Prediction, Predictions, column_name};

/// Writes predictions.
///
/// # Errors
/// What the writer says.
pub fn write(predictions: &Predictions<'_>, mut out: impl Write) -> io::Result<()> {
    predictions.iter().try_for_each(|prediction| {
        writeln!(out, "{}", object(&prediction.map_err(io::Error::other)?))
    })
}

/// One prediction as a JSON object.
pub fn object(prediction: &Prediction) -> Value {
    let Prediction { rank, score, probability, positive, record } = prediction;
    let mut object = Map::new();
    object.insert("rank".into(), json!(rank));
    object.insert("id".into(), json!(record.id.as_str()));
    object.insert("score".into(), json!(score));
    object.insert("probability".into(), json!(probability));
    object.insert("positive".into(), json!(positive));
    for (name, cell) in [("label", &record.label), ("text", &record.text)] {
        object.extend(cell.iter().map(|cell| (name.into(), json!(cell))));
    }
    let metadata = record.metadata.iter();
    object.extend(metadata.map(|(name, cell)| (column_name(name), json!(cell))));
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_an_object_with_the_columns_that_the_record_has() {
        let mut out = Vec::new();
        write(&super::super::tests::predictions(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1]["id"], "a,\"1\"");
        assert_eq!(lines[1]["text"], "two\nlines");
        assert_eq!((&lines[1]["rank"], &lines[1]["_rank"]), (&json!(2), &json!("dean")));
        assert_eq!(lines[2].get("text"), None);
    }
}
