//! What a script says of records, one JSON line a deed: `{"id": "...", "label": 0.5}`,
//! `{"id": "...", "skip": true}`, `{"undo": true}`, `{"fit": true}`.

use std::io::{self, BufRead};

use anyhow::{Context, Result, bail};
use linprobe::{Answer, Label, RecordId};
use serde::Deserialize;
use serde_json::{Value, json};

/// What a line asks for.
pub(super) enum Said {
    /// A label for a record, or none.
    Answer(RecordId, Answer),
    /// The last answer taken back.
    Undo,
    /// A new fit.
    Fit,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: Option<Id>,
    label: Option<f32>,
    #[serde(default)]
    skip: bool,
    #[serde(default)]
    undo: bool,
    #[serde(default)]
    fit: bool,
}

/// A text, or a whole number, as which many have their ids.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(i64),
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        match id {
            Id::Text(text) => text,
            Id::Number(number) => number.to_string(),
        }
    }
}

/// What is said, a line each.
pub(super) fn lines() -> impl Iterator<Item = io::Result<Vec<u8>>> {
    io::stdin().lock().split(b'\n')
}

impl Said {
    /// Reads a line that asks for one thing.
    pub(super) fn read(line: &[u8]) -> Result<Self> {
        let line: Line = serde_json::from_slice(line).context("this line is no answer")?;
        let id = line.id.map(|id| RecordId::new(String::from(id))).transpose()?;
        Ok(match (id, line.label, [line.skip, line.undo, line.fit]) {
            (Some(id), Some(label), [false, false, false]) => {
                Self::Answer(id, Answer::Labelled(Label::new(label)?))
            }
            (Some(id), None, [true, false, false]) => Self::Answer(id, Answer::Skipped),
            (None, None, [false, true, false]) => Self::Undo,
            (None, None, [false, false, true]) => Self::Fit,
            _ => bail!("an answer has an id with a label or a skip, or it is an undo or a fit"),
        })
    }
}

/// Tells that an answer is durable.
pub(super) fn ack(id: &RecordId, answer: Answer) -> Value {
    match answer.label() {
        Some(label) => json!({ "event": "ack", "id": id.as_str(), "label": label.value() }),
        None => json!({ "event": "ack", "id": id.as_str(), "skip": true }),
    }
}
