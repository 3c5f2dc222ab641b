//! The loop: a round is given out, answers come in, and the last one can be taken back.

use std::time::Duration;

use axum::{Json, extract::State};
use linprobe::{Annotator, Answer as Said, Label, Recorded, Session, Strategy};

use super::{Answer, Failures};
use crate::{
    blocking::blocking,
    dealer::{Dealt, Wanted},
    desk::{Desk, record_id},
    extract::{Body, In},
    problem::{Kind, Problem},
    served::Shared,
    show, wire,
};

/// The most records to a round.
const MAX_ROUND: usize = 100;

/// The most answers to a request.
const MAX_ANSWERS: usize = 1000;

/// Fits, and gives the next records. Records that are still open are given again, unless `rest` says
/// what becomes of them. Nobody is given a record that is open at somebody else's, unless that one has not
/// answered for long: half an hour, or what the server was started with.
#[utoipa::path(
    post, path = "/projects/{project}/sessions/{session}/rounds",
    operation_id = "next_round", tag = "rounds",
    params(("project" = String, Path), ("session" = String, Path)),
    request_body = wire::NextRound,
    responses((status = 200, body = wire::RoundAndInsight), Failures)
)]
pub(super) async fn next(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
    Body(asked): Body<wire::NextRound>,
) -> Answer<wire::RoundAndInsight> {
    let given = {
        let (project, session) = (project.clone(), session.clone());
        let served = Shared::clone(&served);
        let wanted = wanted(&asked, served.patience)?;
        blocking(move || give_round(&*served.desk(&project)?, &session, wanted)).await?
    };
    // Whoever waits for the round does not wait for this.
    tokio::task::spawn_blocking(move || {
        let live = served.desk(&project).and_then(|desk| Ok(desk.session(&session)?));
        // What fails here fails, and is said, where somebody asks for it.
        drop(live.map(|live| live.doubt()));
    });
    Ok(Json(given))
}

fn give_round(desk: &Desk, name: &str, wanted: Wanted) -> Result<wire::RoundAndInsight, Problem> {
    let live = desk.session(name)?;
    let Dealt { round, view, insight } = live.dealer.deal((desk, &live), name, wanted)?;
    let insight = show::insight(desk, &live, &view, &insight)?;
    Ok(wire::RoundAndInsight { round: show::round(desk, &round)?, insight })
}

fn wanted(asked: &wire::NextRound, patience: Duration) -> Result<Wanted, Problem> {
    let strategy = asked.strategy.as_deref().map(str::parse::<Strategy>).transpose();
    let rest = asked.rest.map(|rest| match rest {
        wire::Rest::Irrelevant => Said::Labelled(Label::IRRELEVANT),
        wire::Rest::Skip => Said::Skipped,
    });
    Ok(Wanted {
        by: show::annotator(asked.annotator.as_deref())?,
        k: asked.k.unwrap_or(10).clamp(1, MAX_ROUND),
        strategy: strategy.map_err(|bad| Problem::new(Kind::BadRequest, bad))?.unwrap_or_default(),
        rest,
        patience,
    })
}

/// Takes answers. Each is durable when this returns; one that is refused does not stop the others; one
/// that is sent again changes nothing.
#[utoipa::path(
    post, path = "/projects/{project}/sessions/{session}/answers",
    operation_id = "answer", tag = "rounds",
    params(("project" = String, Path), ("session" = String, Path)),
    request_body = wire::NewAnswers,
    responses((status = 200, body = wire::AnswersDone), Failures)
)]
pub(super) async fn answer(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
    Body(given): Body<wire::NewAnswers>,
) -> Answer<wire::AnswersDone> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let by = show::annotator(given.annotator.as_deref())?;
        if given.answers.len() > MAX_ANSWERS {
            let words = format!("at most {MAX_ANSWERS} answers at once");
            return Err(Problem::new(Kind::TooLarge, words));
        }
        let mut answers = Vec::with_capacity(given.answers.len());
        for new in &given.answers {
            let done = take(&desk, &session, new, by.as_ref());
            answers.push(wire::AnswerDone::new(new, done));
        }
        let view = desk.session(&session)?.view();
        let counts = view.state().counts();
        let (n_labels, n_positive) = (counts.n_labels, counts.n_positive);
        Ok(Json(wire::AnswersDone {
            version: view.state().n_events(),
            answers,
            n_labels,
            n_positive,
        }))
    })
    .await
}

fn take(
    desk: &Desk,
    name: &str,
    new: &wire::NewAnswer,
    by: Option<&Annotator>,
) -> Result<Recorded, Problem> {
    let (id, said) = (record_id(&new.id)?, new.answer()?);
    let request = show::request(&new.request)?;
    let answer = |session: &mut Session| {
        let mut seat = session.seat(by.cloned());
        Ok(pollster::block_on(seat.answer(&id, said, Some(request.clone())))?)
    };
    Ok(desk.work(name, answer)?)
}

/// Takes back the annotator's last answer that still stands.
#[utoipa::path(
    post, path = "/projects/{project}/sessions/{session}/undo",
    operation_id = "undo", tag = "rounds",
    params(("project" = String, Path), ("session" = String, Path)),
    request_body = wire::Undo,
    responses((status = 200, body = wire::UndoDone), Failures)
)]
pub(super) async fn undo(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
    Body(asked): Body<wire::Undo>,
) -> Answer<wire::UndoDone> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let by = show::annotator(asked.annotator.as_deref())?;
        let request = show::request(&asked.request)?;
        let (undone, version) = desk.work(&session, |session| {
            let undone = session.seat(by.clone()).undo(Some(request.clone()))?;
            Ok((undone, session.state().n_events()))
        })?;
        Ok(Json(wire::UndoDone { undone: undone.map(Into::into), version }))
    })
    .await
}
