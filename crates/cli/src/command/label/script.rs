//! The loop for scripts: a round goes out as JSON lines, answers come in as JSON lines.
//!
//! Out: `{"event": "round", ...}`, `{"event": "fit", ...}`, `{"event": "undone", ...}`,
//! `{"event": "done", ...}`, and `{"event": "ack", ...}` for each answer once it is durable.
//! In, one a line: `{"id": "...", "label": 0.5}`, `{"id": "...", "skip": true}`, `{"undo": true}`,
//! `{"fit": true}`, which passes over what is open, fits, and asks for the next round. A bad line
//! is answered with `{"event": "error", ...}` and changes nothing.

use anyhow::Result;
use linprobe::{Answer, Project, Round, Session};
use serde_json::{Value, json};

use crate::{
    advice,
    args::LabelArgs,
    command::{
        Outcome, print,
        said::{self, Said, ack},
    },
    report,
};

/// Answers until the input ends or every record has been shown.
pub(super) fn run(project: &Project, mut session: Session, args: &LabelArgs) -> Result<Outcome> {
    let mut lines = said::lines();
    while show_round(project, &mut session, args)? {
        loop {
            let Some(line) = lines.next().transpose()? else { return finish(&mut session) };
            match answer(&mut session, &line) {
                Ok(Answered::Now(event)) => print(&event.to_string())?,
                Ok(Answered::ByTheNextRound(event)) => {
                    print(&event.to_string())?;
                    break;
                }
                Err(error) => {
                    let error = report::message(&error);
                    print(&json!({ "event": "error", "error": error }).to_string())?;
                }
            }
        }
    }
    finish(&mut session)
}

/// What was answered since the last fit counts for the classifier, too.
fn finish(session: &mut Session) -> Result<Outcome> {
    pollster::block_on(session.refit())?;
    print(&done(session).to_string())?;
    Ok(Outcome::Done)
}

enum Answered {
    Now(Value),
    ByTheNextRound(Value),
}

fn answer(session: &mut Session, line: &[u8]) -> Result<Answered> {
    Ok(Answered::Now(match Said::read(line)? {
        Said::Answer(id, answer) => {
            match answer {
                Answer::Labelled(label) => pollster::block_on(session.label(&id, label))?,
                Answer::Skipped => pollster::block_on(session.skip(&id))?,
            }
            ack(&id, answer)
        }
        Said::Undo => {
            let undone = session.undo()?;
            json!({ "event": "undone", "id": undone.as_ref().map(|undone| undone.id.as_str()) })
        }
        Said::Fit => {
            session.skip_rest()?;
            let fit = pollster::block_on(session.fit())?;
            let mut event = report::fit_json(&fit);
            event["advice"] = advice::advice_json(&pollster::block_on(session.view().advise())?);
            event["look_again"] = advice::look_again_json(session)?.into();
            return Ok(Answered::ByTheNextRound(event));
        }
    }))
}

/// Shows the open round or a new one; false when there is nothing left to show.
fn show_round(project: &Project, session: &mut Session, args: &LabelArgs) -> Result<bool> {
    let round = pollster::block_on(session.next_round(args.round_size.get(), args.strategy))?;
    print(&round_json(project, session, &round)?.to_string())?;
    Ok(!round.records.is_empty())
}

fn round_json(project: &Project, session: &Session, round: &Round) -> Result<Value> {
    project.read_ahead(&round.open().map(|shown| shown.id.clone()).collect::<Vec<_>>())?;
    let records: Vec<Value> = round
        .open()
        .map(|shown| {
            let mut object = report::record_json(&project.record(&shown.id)?);
            object.insert("score".into(), json!(shown.score));
            object.insert("reason".into(), json!(shown.reason.name()));
            object.insert("why".into(), json!(shown.reason.words()));
            object.insert("probability".into(), json!(shown.probability));
            Ok(object.into())
        })
        .collect::<Result<_>>()?;
    let name = session.state().name();
    Ok(json!({ "event": "round", "session": name, "round": round.number, "records": records }))
}

fn done(session: &Session) -> Value {
    let state = session.state();
    json!({ "event": "done", "session": state.name(), "n_labels": state.counts().n_labels })
}
