//! What a script says of records, one JSON line a deed: `{"id": "...", "label": 0.5}`,
//! `{"id": "...", "skip": true}`, `{"undo": true}`, `{"fit": true}`.

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
    id: Option<String>,
    label: Option<f32>,
    #[serde(default)]
    skip: bool,
    #[serde(default)]
    undo: bool,
    #[serde(default)]
    fit: bool,
}

impl Said {
    /// Reads a line that asks for one thing.
    pub(super) fn read(line: &str) -> Result<Self> {
        let line: Line = serde_json::from_str(line).context("this line is no answer")?;
        let id = line.id.map(RecordId::new).transpose()?;
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
