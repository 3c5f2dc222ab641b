//! Labels from elsewhere.

use std::{fs, path::Path};

use linprobe_classifier::Label;
use linprobe_core::RecordId;
use serde_json::Value;

use super::{
    LabelsForm,
    forms::{self, Pair},
    parquet,
};
use crate::error::ProjectError;

/// Reads the ids and labels of a file. What a form tells of a record but these is not read.
///
/// # Errors
/// [`ProjectError::BadLabels`], which names the first line or entry that is none.
pub fn read(path: &Path, form: LabelsForm) -> Result<Vec<(RecordId, Label)>, ProjectError> {
    let failed = |source| ProjectError::Io { path: path.into(), source };
    let text = match form {
        LabelsForm::Parquet => String::new(),
        _ => fs::read_to_string(path).map_err(failed)?,
    };
    parse(path, &text, form).map_err(|reason| ProjectError::BadLabels { path: path.into(), reason })
}

fn parse(path: &Path, text: &str, form: LabelsForm) -> Result<Vec<(RecordId, Label)>, String> {
    match form {
        LabelsForm::Csv => csv(text),
        LabelsForm::Parquet => parquet::read(path),
        LabelsForm::Jsonl => lines(text, forms::read_line),
        LabelsForm::Prodigy => lines(text, forms::read_prodigy),
        LabelsForm::LabelStudio => {
            let tasks: Vec<Value> = serde_json::from_str(text).map_err(|bad| bad.to_string())?;
            numbered("task", &tasks)
                .map(|(place, task)| pair(&place, forms::read_label_studio(task)))
                .collect()
        }
        LabelsForm::FiftyOne => {
            let document: Value = serde_json::from_str(text).map_err(|bad| bad.to_string())?;
            let entries = document.get("labels").and_then(Value::as_object);
            let entries = entries.ok_or("there is no object \"labels\"")?;
            let read = |name: &str, entry| {
                pair(&format!("the entry {name:?}"), forms::read_fiftyone(name, entry))
            };
            entries.iter().map(|(name, entry)| read(name, entry)).collect()
        }
    }
}

fn csv(text: &str) -> Result<Vec<(RecordId, Label)>, String> {
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter(text)).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|bad| bad.to_string())?.clone();
    let column = |name: &str| {
        let place = header.iter().position(|own| own.eq_ignore_ascii_case(name));
        place.ok_or_else(|| format!("there is no column {name:?}"))
    };
    let (id, label) = (column("id")?, column("label")?);
    let rows = reader.records().zip(2..).map(|(row, line)| {
        let row = row.map_err(|bad| bad.to_string())?;
        let cell = |place: usize| row.get(place).unwrap_or_default().trim();
        pair(
            &format!("line {line}"),
            cell(label).parse().ok().map(|label| (cell(id).into(), label)),
        )
    });
    rows.collect()
}

/// What stands between the columns: a comma, unless the header has none.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let others = *b";\t";
    let found = others.into_iter().find(|&other| header.contains(char::from(other)));
    found.filter(|_| !header.contains(',')).unwrap_or(b',')
}

fn lines(
    text: &str,
    read: impl Fn(&Value) -> Option<Pair<'_>>,
) -> Result<Vec<(RecordId, Label)>, String> {
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let labels = lines.map(|(line, number)| {
        let value: Value =
            serde_json::from_str(line).map_err(|bad| format!("line {number}: {bad}"))?;
        pair(&format!("line {number}"), read(&value))
    });
    labels.collect()
}

fn numbered<'a>(what: &str, values: &'a [Value]) -> impl Iterator<Item = (String, &'a Value)> {
    values.iter().zip(1..).map(move |(value, number)| (format!("{what} {number}"), value))
}

/// Checks an id and a label; where there are none, the place says so.
pub(super) fn pair(place: &str, read: Option<Pair<'_>>) -> Result<(RecordId, Label), String> {
    let neither = || format!("{place} has no id, or no label that is a number from -1 to 1");
    let (id, label) = read.ok_or_else(neither)?;
    let id = RecordId::new(id).map_err(|bad| format!("{place}: {bad}"))?;
    #[expect(clippy::cast_possible_truncation, reason = "labels are kept in single precision")]
    let label = Label::new(label as f32).map_err(|bad| format!("{place}: {bad}"))?;
    Ok((id, label))
}
