//! The audit as a person at a terminal sees it: a record, a key, the next record. Nothing tells
//! what the classifier makes of it.

use anyhow::Result;
use crossterm::style::Stylize;
use linprobe::{Answer, Label, Project, RecordId, Session};

use crate::{
    command::{
        label::terminal::{echo, help, prompt, show_record},
        print,
    },
    keys::{self, Action},
};

/// The keys in one line, under every record.
const LINE: &str = "1-9 score  a +1  x -1  space skip  backspace undo  ? keys  q quit";

/// And when all is judged: the last judgement can still be taken back.
const LAST_LINE: &str = "that was all: enter reports, backspace undoes, q quits";

/// Until somebody stops, or all is judged and no judgement is taken back.
pub(super) fn run(project: &Project, session: &mut Session) -> Result<()> {
    print(&format!("audit of {}", session.state().name().bold()))?;
    if session.state().audits().iter().all(|audit| audit.records.is_empty()) {
        return Ok(());
    }
    loop {
        let open = show(project, session)?;
        match (keys::next_action()?, open) {
            (Action::Score(value), Some(id)) => {
                session.answer_audit(&id, Answer::Labelled(Label::new(value)?))?;
                echo(&format!("{value:+.2}"))?;
            }
            (Action::Skip, Some(id)) => {
                session.answer_audit(&id, Answer::Skipped)?;
                echo("skipped")?;
            }
            (Action::Score(_) | Action::Skip, None) => echo("nothing is left to judge")?,
            (Action::Undo, _) => undo(session)?,
            (Action::Fit, Some(_)) => echo("an audit fits nothing")?,
            (Action::Help, _) => help()?,
            (Action::Quit, _) | (Action::Fit, None) => return echo(""),
        }
    }
}

fn undo(session: &mut Session) -> Result<()> {
    match session.undo_audit()? {
        Some(undone) => echo(&format!("took back the answer to {undone}")),
        None => echo("nothing to undo"),
    }
}

/// Shows the first record that waits, if one does, and says which it is.
fn show(project: &Project, session: &Session) -> Result<Option<RecordId>> {
    let open = session.open_audit().and_then(|audit| Some((audit, audit.open()?)));
    let Some((audit, record)) = open else {
        prompt(LAST_LINE)?;
        return Ok(None);
    };
    let place = format!("audit, {} of {}", audit.n_answered() + 1, audit.records.len());
    print(&format!("\n{}", place.dim()))?;
    show_record(project, &project.record(&record.id)?)?;
    prompt(LINE)?;
    Ok(Some(record.id.clone()))
}
