//! `linprobe audit`: judges records drawn at random, blind, and says how good the classifier is.

mod script;
mod terminal;

use anyhow::{Result, bail};
use linprobe::{AuditPlan, Project, Session};

use super::{Door, Outcome, is_terminal, label};
use crate::{advice, args::AuditArgs};

pub(crate) fn run(door: &Door, args: &AuditArgs) -> Result<Outcome> {
    let project = door.project()?;
    let name = match &args.session {
        Some(name) => name.clone(),
        None => label::latest(&project)?,
    };
    let mut session = pollster::block_on(project.resume_session(&name))?;
    if !args.report {
        judge(door, &project, &mut session, args)?;
    }
    report(door, &mut session, args)?;
    if args.learn {
        learn(door, &mut session)?;
    }
    Ok(Outcome::Done)
}

fn judge(door: &Door, project: &Project, session: &mut Session, args: &AuditArgs) -> Result<()> {
    if !door.json && !is_terminal() {
        bail!(
            "an audit needs a terminal\n\
             hint: with --json it reads answers from standard input, one JSON object a line"
        );
    }
    let AuditArgs { budget, threshold, seed, .. } = *args;
    // Another audit of the same session draws others.
    let seed = seed.wrapping_add(session.state().audits().len() as u64);
    pollster::block_on(session.draw_audit(&AuditPlan { budget, threshold, seed }))?;
    if door.json { script::run(project, session) } else { terminal::run(project, session) }
}

fn report(door: &Door, session: &mut Session, args: &AuditArgs) -> Result<()> {
    match pollster::block_on(session.view().audit_report(args.threshold))? {
        Some(report) => door.answer(&advice::audit_json(&report), &advice::audit_text(&report))?,
        None => door.say("nothing is judged yet")?,
    }
    if let Some(audit) = session.open_audit() {
        let (n_open, name) = (audit.records.len() - audit.n_answered(), session.state().name());
        door.say(&format!("{n_open} records are left\nhint: linprobe audit {name:?} goes on"))?;
    }
    Ok(())
}

fn learn(door: &Door, session: &mut Session) -> Result<()> {
    let n_new = pollster::block_on(session.learn_from_audits())?;
    let fit = pollster::block_on(session.fit())?;
    let mut object = crate::report::fit_json(&fit);
    object["n_learned"] = n_new.into();
    let text = format!("{n_new} judgements are labels now\n{}", crate::report::fit_lines(&fit));
    door.answer(&object, &text)
}
