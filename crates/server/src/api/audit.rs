//! Audits: records drawn at random, judged blind, and what that says of the classifier.

use axum::{Json, extract::State};
use linprobe::{AuditPlan, ThresholdPolicy};

use super::{Answer, Failures};
use crate::{
    blocking::blocking,
    desk::{Desk, record_id},
    extract::{Body, In},
    problem::{Kind, Problem},
    served::Shared,
    show, wire,
};

/// The most records to judge.
const MAX_BUDGET: usize = 2000;

/// Draws records to judge, or goes on with those that were drawn.
#[utoipa::path(
    post, path = "/projects/{project}/sessions/{session}/audit",
    operation_id = "draw_audit", tag = "audit",
    params(("project" = String, Path), ("session" = String, Path)),
    request_body = wire::NewAudit,
    responses((status = 200, body = wire::AuditState), Failures)
)]
pub(super) async fn draw(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
    Body(new): Body<wire::NewAudit>,
) -> Answer<wire::AuditState> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let threshold = new.policy().parse()?;
        let budget = new.budget.unwrap_or(100).clamp(1, MAX_BUDGET);
        desk.work(&session, |session| {
            let seed = session.state().audits().len() as u64;
            let plan = AuditPlan { budget, threshold, seed };
            pollster::block_on(session.draw_audit(&plan))?;
            Ok(())
        })?;
        state(&desk, &session)
    })
    .await
}

/// Shows the audit that has records to judge, or else the last one.
#[utoipa::path(
    get, path = "/projects/{project}/sessions/{session}/audit",
    operation_id = "get_audit", tag = "audit",
    params(("project" = String, Path), ("session" = String, Path)),
    responses((status = 200, body = wire::AuditState), Failures)
)]
pub(super) async fn get(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
) -> Answer<wire::AuditState> {
    blocking(move || state(&*served.desk(&project)?, &session)).await
}

/// Takes judgements; one that is sent again changes nothing. All are checked before any is written.
#[utoipa::path(
    post, path = "/projects/{project}/sessions/{session}/audit/answers",
    operation_id = "answer_audit", tag = "audit",
    params(("project" = String, Path), ("session" = String, Path)),
    request_body = wire::NewJudgements,
    responses((status = 200, body = wire::AuditState), Failures)
)]
pub(super) async fn answer(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
    Body(given): Body<wire::NewJudgements>,
) -> Answer<wire::AuditState> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let answers = given
            .answers
            .iter()
            .map(|new| Ok((record_id(&new.id)?, new.answer()?, show::request(&new.request)?)));
        let answers: Vec<_> = answers.collect::<Result<_, Problem>>()?;
        desk.work(&session, |session| {
            answers.iter().try_for_each(|(id, ..)| session.expect_drawn(id))?;
            for (id, answer, request) in &answers {
                session.seat(None).answer_audit(id, *answer, Some(request.clone()))?;
            }
            Ok(())
        })?;
        state(&desk, &session)
    })
    .await
}

/// Takes back the last judgement.
#[utoipa::path(
    post, path = "/projects/{project}/sessions/{session}/audit/undo",
    operation_id = "undo_audit", tag = "audit",
    params(("project" = String, Path), ("session" = String, Path)),
    request_body = wire::UndoJudgement,
    responses((status = 200, body = wire::AuditState), Failures)
)]
pub(super) async fn undo(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
    Body(asked): Body<wire::UndoJudgement>,
) -> Answer<wire::AuditState> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let request = show::request(&asked.request)?;
        desk.work(&session, |session| Ok(session.seat(None).undo_audit(Some(request.clone()))?))?;
        state(&desk, &session)
    })
    .await
}

/// Makes labels of all judgements; from then on they measure nothing any more.
#[utoipa::path(
    post, path = "/projects/{project}/sessions/{session}/audit/learn",
    operation_id = "learn_from_audit", tag = "audit",
    params(("project" = String, Path), ("session" = String, Path)),
    responses((status = 200, body = wire::Session), Failures)
)]
pub(super) async fn learn(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
) -> Answer<wire::Session> {
    blocking(move || {
        let desk = served.desk(&project)?;
        desk.work(&session, |session| Ok(pollster::block_on(session.learn_from_audits())?))?;
        Ok(Json(show::session(&desk, &desk.session(&session)?.view(), None)?))
    })
    .await
}

fn state(desk: &Desk, session: &str) -> Answer<wire::AuditState> {
    let view = desk.session(session)?.view();
    let audits = view.state().audits();
    let Some(audit) = view.state().open_audit().or(audits.last()) else {
        let words = "nothing was audited yet\nhint: draw an audit first";
        return Err(Problem::new(Kind::NoAudit, words));
    };
    desk.read_ahead(audit.records.iter().map(|audited| &audited.id))?;
    let records = audit.records.iter().map(|audited| {
        let (record, answer) = (desk.record(&audited.id)?, audited.answer.map(Into::into));
        Ok(wire::AuditedRecord { record, answer })
    });
    let policy = ThresholdPolicy::Score(audit.threshold);
    let report =
        pollster::block_on(view.audit_report(policy)).map_err(linprobe::ProjectError::from)?;
    Ok(Json(wire::AuditState {
        open: audit.open().is_some(),
        n_total: audit.records.len(),
        n_answered: audit.n_answered(),
        records: records.collect::<Result<_, Problem>>()?,
        report: report.map(Into::into),
    }))
}
