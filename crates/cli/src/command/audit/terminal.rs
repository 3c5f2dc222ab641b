//! The audit as a person at a terminal sees it: a record, a key, the next record. Nothing tells
//! what the classifier makes of it.

use anyhow::Result;
use crossterm::style::Stylize;
use linprobe::{Answer, Label, Project, Session};

use crate::{
    command::{
        label::terminal::{echo, help, prompt, show_record},
        print,
    },
    keys::{self, Action},
};

/// The keys in one line, under every record.
const LINE: &str = "1-9 score  a +1  x -1  space skip  backspace undo  ? keys  q quit";

/// Until all is judged or somebody stops.
pub(super) fn run(project: &Project, session: &mut Session) -> Result<()> {
    print(&format!("audit of {}", session.state().name().bold()))?;
    while show(project, session)? {
        let open = session.open_audit().and_then(|audit| audit.open());
        let Some(id) = open.map(|record| record.id.clone()) else { break };
        match keys::next_action()? {
            Action::Score(value) => {
                session.answer_audit(&id, Answer::Labelled(Label::new(value)?))?;
                echo(&format!("{value:+.2}"))?;
            }
            Action::Skip => {
                session.answer_audit(&id, Answer::Skipped)?;
                echo("skipped")?;
            }
            Action::Undo => match session.undo_audit()? {
                Some(undone) => echo(&format!("took back the answer to {undone}"))?,
                None => echo("nothing to undo")?,
            },
            Action::Fit => echo("an audit fits nothing")?,
            Action::Help => help()?,
            Action::Quit => {
                echo("")?;
                break;
            }
        }
    }
    Ok(())
}

/// Shows the first record that waits; false when none does.
fn show(project: &Project, session: &Session) -> Result<bool> {
    let Some(audit) = session.open_audit() else { return Ok(false) };
    let Some(open) = audit.open() else { return Ok(false) };
    let place = format!("audit, {} of {}", audit.n_answered() + 1, audit.records.len());
    print(&format!("\n{}", place.dim()))?;
    show_record(project, &project.record(&open.id)?)?;
    prompt(LINE)?;
    Ok(true)
}
