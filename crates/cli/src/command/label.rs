//! `linprobe label`: the loop in the terminal, or line by line for a script.

mod script;
pub(super) mod terminal;

use anyhow::{Result, bail};
use linprobe::{ArticleParams, Method, Project, Session, SessionSummary};

use super::{Door, Outcome, is_terminal, program_for, serve, start};
use crate::args::{LabelArgs, MethodArgs};

pub(crate) fn run(door: &Door, args: &LabelArgs) -> Result<Outcome> {
    let project = door.project()?;
    if args.web {
        let session = open(door, &project, args)?;
        return serve::session(door, session.state().name());
    }
    if !door.json && !is_terminal() {
        bail!(
            "labelling needs a terminal\n\
             hint: with --json it reads answers from standard input, one JSON object a line"
        );
    }
    let session = open(door, &project, args)?;
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
fn open(door: &Door, project: &Project, args: &LabelArgs) -> Result<Session> {
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
    let name = if let Some(name) = &args.session {
        name.clone()
    } else {
        say_namesake(door, project, &from.description())?;
        project.name_for(&from.description())?
    };
    Ok(pollster::block_on(project.start_session(&name, &from, args.method.method()?))?)
}

/// Whoever repeats a command to go on with what it began is told how.
fn say_namesake(door: &Door, project: &Project, description: &str) -> Result<()> {
    let mut sessions = project.sessions()?.into_iter().rev();
    let is_namesake = |session: &SessionSummary| {
        session.description == description && session.counts.n_labels > 0
    };
    let Some(SessionSummary { name, counts, .. }) = sessions.find(is_namesake) else {
        return Ok(());
    };
    let n_labels = counts.n_labels;
    let linprobe = program_for(project.folder());
    door.say(&format!(
        "this is a new session; {name:?} looks for the same and has {n_labels} labels\n\
         hint: go on with it by: {linprobe} label --session {name:?}"
    ))
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
