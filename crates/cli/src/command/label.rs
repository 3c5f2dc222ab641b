//! `linprobe label`: the loop in the terminal, or line by line for a script.

mod script;
pub(super) mod terminal;

use anyhow::{Result, bail};
use linprobe::{ArticleParams, Method, Project, Session};

use super::{Door, Outcome, is_terminal, serve, start};
use crate::args::{LabelArgs, MethodArgs};

pub(crate) fn run(door: &Door, args: &LabelArgs) -> Result<Outcome> {
    let project = door.project()?;
    if args.web {
        let session = open(&project, args)?;
        return serve::session(door, session.state().name());
    }
    if !door.json && !is_terminal() {
        bail!(
            "labelling needs a terminal\n\
             hint: with --json it reads answers from standard input, one JSON object a line"
        );
    }
    let session = open(&project, args)?;
    run_session(door, &project, session, args)
}

/// Runs the loop over a session that is open.
pub(crate) fn run_session(
    door: &Door,
    project: &Project,
    session: Session,
    args: &LabelArgs,
) -> Result<Outcome> {
    if door.json {
        script::run(project, session, args)
    } else {
        terminal::Loop::new(project, session, args).run()
    }
}

/// Opens the session that the command line means: one to go on with, or a new one.
fn open(project: &Project, args: &LabelArgs) -> Result<Session> {
    let from = start::among(project, &args.start, &args.only)?;
    if from.is_empty() {
        if from.filter.is_some() {
            bail!(
                "--where belongs to the start of a session\n\
                 hint: say what to look for, too; a session keeps the filter that it was opened with"
            );
        }
        let name = match &args.session {
            Some(name) => name.clone(),
            None => latest(project)?,
        };
        return Ok(pollster::block_on(project.resume_session(&name))?);
    }
    let name = match &args.session {
        Some(name) => name.clone(),
        None => project.name_for(&from.description())?,
    };
    Ok(pollster::block_on(project.start_session(&name, &from, args.method.method()?))?)
}

pub(super) fn latest(project: &Project) -> Result<String> {
    match project.latest_session()? {
        Some(session) => Ok(session.name),
        None => bail!(
            "there is no session to go on with\n\
             hint: say what to look for, as in: linprobe label \"software for astronomy\""
        ),
    }
}

impl MethodArgs {
    /// The method with its parameters.
    fn method(&self) -> Result<Method> {
        let article = || ArticleParams::new(self.learning_rate, self.iterations);
        Ok(match self.method {
            Method::Article(_) => Method::Article(article()?),
            method => method,
        })
    }
}
