//! The audit for scripts: records go out in one JSON line, answers come in as JSON lines.
//!
//! Out: `{"event": "audit", "records": [...]}` with those that are not judged yet, in random order and
//! without score, `{"event": "ack", ...}` for each answer once it is durable, `{"event": "undone", ...}`,
//! and `{"event": "report", ...}` at the end. In, one a line: `{"id": "...", "label": 0.5}`,
//! `{"id": "...", "skip": true}`, `{"undo": true}`. A bad line is answered with
//! `{"event": "error", ...}` and changes nothing.

use anyhow::{Result, bail};
use linprobe::{Project, RecordId, Session};
use serde_json::{Value, json};

use crate::{
    command::{
        print,
        said::{self, Said, ack},
    },
    report,
};

/// Answers until the input ends.
pub(super) fn run(project: &Project, session: &mut Session) -> Result<()> {
    print(&audit_json(project, session)?.to_string())?;
    for line in said::lines() {
        let event = answer(session, &line?)
            .unwrap_or_else(|error| json!({ "event": "error", "error": report::message(&error) }));
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

fn answer(session: &mut Session, line: &[u8]) -> Result<Value> {
    Ok(match Said::read(line)? {
        Said::Answer(id, answer) => {
            session.answer_audit(&id, answer)?;
            ack(&id, answer)
        }
        Said::Undo => {
            let undone = session.undo_audit()?;
            json!({ "event": "undone", "id": undone.as_ref().map(RecordId::as_str) })
        }
        Said::Fit => bail!("an audit fits nothing"),
    })
}
