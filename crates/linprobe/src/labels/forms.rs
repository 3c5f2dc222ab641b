//! Labels as other tools have them: Prodigy, Label Studio, `FiftyOne`.
//!
//! A grade is kept where a form has a place for it; elsewhere there is the side that the label takes.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{self, Write},
};

use linprobe_classifier::Label;
use serde_json::{Map, Value, json};

use super::LabelledRecord;

/// The names of the sides.
const RELEVANT: &str = "relevant";
const IRRELEVANT: &str = "irrelevant";

/// Writes the lines that Prodigy's `db-in` takes: `answer` is `accept`, `reject`, or `ignore` for a label of 0; the grade stands in
/// `meta`.
pub(super) fn write_prodigy(
    labels: &[LabelledRecord],
    concept: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    for LabelledRecord { record, label, round } in labels {
        let answer = match side(*label) {
            Some(RELEVANT) => "accept",
            Some(_) => "reject",
            None => "ignore",
        };
        let mut line = Map::new();
        line.extend(record.text.iter().map(|text| ("text".to_owned(), json!(text))));
        line.insert("label".into(), json!(concept));
        line.insert("answer".into(), json!(answer));
        let meta = json!({ "id": record.id.as_str(), "grade": label.value(), "round": round });
        line.insert("meta".into(), meta);
        writeln!(out, "{}", Value::Object(line))?;
    }
    Ok(())
}

/// Writes the tasks that Label Studio imports. They go with a labelling configuration that has `Choices` named `side` and a `Number` named
/// `grade` over an object named `record`.
pub(super) fn write_label_studio(
    labels: &[LabelledRecord],
    concept: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let result = |name: &str, kind: &str, value: Value| json!({ "from_name": name, "to_name": "record", "type": kind, "value": value });
    let task = |LabelledRecord { record, label, .. }: &LabelledRecord| {
        let grade = result("grade", "number", json!({ "number": label.value() }));
        let chosen =
            side(*label).map(|side| result("side", "choices", json!({ "choices": [side] })));
        let results: Vec<Value> = chosen.into_iter().chain([grade]).collect();
        json!({
            "data": { "id": record.id.as_str(), "text": record.text, "concept": concept },
            "annotations": [{ "result": results }],
        })
    };
    let tasks: Vec<Value> = labels.iter().map(task).collect();
    serde_json::to_writer(&mut *out, &tasks)?;
    writeln!(out)
}

/// Writes the `labels.json` of a `FiftyOneImageClassificationDataset`, which calls a picture by its path without the
/// ending: a label of 0 has no side and is left out; the grade is an attribute, and its distance from 0 the confidence.
pub(super) fn write_fiftyone(labels: &[LabelledRecord], out: &mut dyn Write) -> io::Result<()> {
    let mut n_named = BTreeMap::new();
    for LabelledRecord { record, .. } in labels {
        *n_named.entry(without_ending(record.id.as_str())).or_insert(0) += 1;
    }
    let entry = |LabelledRecord { record, label, round }: &LabelledRecord| {
        let id = record.id.as_str();
        let value = json!({
            "label": side(*label)?,
            "confidence": label.value().abs(),
            "attributes": { "grade": label.value(), "round": round, "record": id },
        });
        // Pictures that differ by their ending alone keep it, so that none takes the place of another.
        let name = Some(without_ending(id)).filter(|name| n_named.get(name) == Some(&1));
        Some((name.unwrap_or(id).to_owned(), value))
    };
    let entries: Map<String, Value> = labels.iter().filter_map(entry).collect();
    let document = json!({ "classes": [IRRELEVANT, RELEVANT], "labels": entries });
    serde_json::to_writer(&mut *out, &document)?;
    writeln!(out)
}

fn side(label: Label) -> Option<&'static str> {
    match label {
        _ if label.is_positive() => Some(RELEVANT),
        _ if label.is_negative() => Some(IRRELEVANT),
        _ => None,
    }
}

/// A label in the words of another tool.
fn sided(side: &str) -> Option<f64> {
    match side {
        RELEVANT | "accept" => Some(1.0),
        IRRELEVANT | "reject" => Some(-1.0),
        "ignore" => Some(0.0),
        _ => None,
    }
}

/// An id and a label.
pub(super) type Pair<'a> = (Cow<'a, str>, f64);

/// An id and a label of a line of our own.
pub(super) fn read_line(line: &Value) -> Option<Pair<'_>> {
    Some((id(line.get("id")?)?, line.get("label")?.as_f64()?))
}

/// A text, or a whole number, as which many have their ids.
fn id(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(id) => Some(Cow::Borrowed(id)),
        Value::Number(number) if !number.is_f64() => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// The id and label of a line of Prodigy's, if it is one that these forms can read.
pub(super) fn read_prodigy(line: &Value) -> Option<Pair<'_>> {
    let meta = line.get("meta")?;
    let grade = meta.get("grade").and_then(Value::as_f64);
    Some((id(meta.get("id")?)?, grade.or_else(|| sided(line.get("answer")?.as_str()?))?))
}

/// The id and label of a task of Label Studio's.
pub(super) fn read_label_studio(task: &Value) -> Option<Pair<'_>> {
    let results = task.get("annotations")?.get(0)?.get("result")?.as_array()?;
    let number = |result: &Value| result.get("value")?.get("number")?.as_f64();
    let choice = |result: &Value| sided(result.get("value")?.get("choices")?.get(0)?.as_str()?);
    let label = results.iter().find_map(number).or_else(|| results.iter().find_map(choice));
    Some((id(task.get("data")?.get("id")?)?, label?))
}

/// The id and label of an entry of `FiftyOne`'s, which knows the record by a name.
pub(super) fn read_fiftyone<'a>(name: &'a str, entry: &'a Value) -> Option<Pair<'a>> {
    let attribute = |name| entry.get("attributes").and_then(|attributes| attributes.get(name));
    let id = attribute("record").and_then(id).unwrap_or(Cow::Borrowed(name));
    let grade = attribute("grade").and_then(Value::as_f64);
    let label = grade.or_else(|| sided(entry.get("label").unwrap_or(entry).as_str()?))?;
    Some((id, label))
}

/// A path without the ending of its file.
fn without_ending(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let n_kept = name.rfind('.').filter(|&place| place > 0);
    n_kept.map_or(path, |place| path.split_at(path.len() - name.len() + place).0)
}
