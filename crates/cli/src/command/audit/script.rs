//! The audit for scripts: records go out in one JSON line, answers come in as JSON lines.
//!
//! Out: `{"event": "audit", "records": [...]}` with those that are not judged yet, in random order and
//! without score, `{"event": "ack", ...}` for each answer once it is durable, `{"event": "undone", ...}`,
//! and `{"event": "report", ...}` at the end. In, one a line: `{"id": "...", "label": 0.5}`,
//! `{"id": "...", "skip": true}`, `{"undo": true}`. A bad line is answered with
//! `{"event": "error", ...}` and changes nothing.

use std::io::{self, BufRead};

use anyhow::{Context, Result, bail};
use linprobe::{Answer, Label, Project, RecordId, Session};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{command::print, report};

/// A line that comes in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: Option<String>,
    label: Option<f32>,
    #[serde(default)]
    skip: bool,
    #[serde(default)]
    undo: bool,
}

/// Answers until the input ends.
pub(super) fn run(project: &Project, session: &mut Session) -> Result<()> {
    print(&audit_json(project, session)?.to_string())?;
    for line in io::stdin().lock().lines() {
        let event = answer(session, &line?)
            .unwrap_or_else(|error| json!({ "event": "error", "error": report::error(&error) }));
        print(&event.to_string())?;
    }
    Ok(())
}

fn audit_json(project: &Project, session: &Session) -> Result<Value> {
    let audit = session.open_audit();
    let records = audit.iter().flat_map(|audit| &audit.records);
    let open = records.filter(|record| record.answer.is_none());
    let open: Vec<Value> = open
        .map(|record| Ok(report::record_json(&project.record(&record.id)?).into()))
        .collect::<Result<_>>()?;
    Ok(json!({
        "event": "audit",
        "session": session.state().name(),
        "n_drawn": audit.map_or(0, |audit| audit.records.len()),
        "n_answered": audit.map_or(0, linprobe::Audit::n_answered),
        "records": open,
    }))
}

fn answer(session: &mut Session, line: &str) -> Result<Value> {
    let line: Line = serde_json::from_str(line).context("this line is no answer")?;
    let id = line.id.map(RecordId::new).transpose()?;
    Ok(match (id, line.label) {
        (Some(id), Some(label)) => {
            session.answer_audit(&id, Answer::Labelled(Label::new(label)?))?;
            json!({ "event": "ack", "id": id.as_str(), "label": label })
        }
        (Some(id), None) if line.skip => {
            session.answer_audit(&id, Answer::Skipped)?;
            json!({ "event": "ack", "id": id.as_str(), "skip": true })
        }
        (None, None) if line.undo => {
            let undone = session.undo_audit()?;
            json!({ "event": "undone", "id": undone.as_ref().map(RecordId::as_str) })
        }
        _ => bail!("an answer has an id with a label or a skip, or it is an undo"),
    })
}
