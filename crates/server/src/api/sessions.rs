//! Sessions: opened, shown, fitted, looked at.

use axum::{Json, extract::State, http::StatusCode};
use linprobe::{Method, ThresholdPolicy};

use super::{Answer, Failures};
use crate::{
    blocking::blocking,
    desk::Desk,
    extract::{Asked, Body, In},
    live::LiveSession,
    problem::{Kind, Problem},
    served::Shared,
    show, wire,
};

/// Opens a session.
#[utoipa::path(
    post, path = "/projects/{project}/sessions",
    operation_id = "create_session", tag = "sessions",
    params(("project" = String, Path)), request_body = wire::NewSession,
    responses((status = 201, body = wire::Session), Failures)
)]
pub(super) async fn create(
    State(served): State<Shared>,
    In(project): In<String>,
    Body(new): Body<wire::NewSession>,
) -> Result<(StatusCode, Json<wire::Session>), Problem> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let live = open(&desk, &new)?;
        Ok((StatusCode::CREATED, Json(show::session(&desk, &live.view(), None)?)))
    })
    .await
}

fn open(desk: &Desk, new: &wire::NewSession) -> Result<std::sync::Arc<LiveSession>, Problem> {
    let from = desk.start_from(&new.start)?;
    let method = match new.method.as_deref() {
        Some(name) => name.parse::<Method>().map_err(|bad| Problem::new(Kind::BadStart, bad))?,
        None => Method::default(),
    };
    let name = match show::session_name(new.name.as_deref()) {
        Some(name) => name,
        None => desk.project.name_for(&from.description())?,
    };
    Ok(desk.keep(pollster::block_on(desk.project.start_session(&name, &from, method))?))
}

/// Shows a session, with the open round of whoever asks.
#[utoipa::path(
    get, path = "/projects/{project}/sessions/{session}",
    operation_id = "get_session", tag = "sessions",
    params(("project" = String, Path), ("session" = String, Path), wire::Asking),
    responses((status = 200, body = wire::Session), Failures)
)]
pub(super) async fn get(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
    Asked(asking): Asked<wire::Asking>,
) -> Answer<wire::Session> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let by = show::annotator(asking.annotator.as_deref())?;
        Ok(Json(show::session(&desk, &desk.session(&session)?.view(), by.as_ref())?))
    })
    .await
}

/// Lets all records be shown again. Labels stay.
#[utoipa::path(
    post, path = "/projects/{project}/sessions/{session}/reset-seen",
    operation_id = "reset_seen", tag = "sessions",
    params(("project" = String, Path), ("session" = String, Path)),
    request_body = wire::ResetSeen,
    responses((status = 200, body = wire::Session), Failures)
)]
pub(super) async fn reset_seen(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
    Body(reset): Body<wire::ResetSeen>,
) -> Answer<wire::Session> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let request = show::request(&reset.request)?;
        desk.work(&session, |session| Ok(session.seat(None).reset_seen(Some(request.clone()))?))?;
        Ok(Json(show::session(&desk, &desk.session(&session)?.view(), None)?))
    })
    .await
}

/// Fits the classifier to all labels.
#[utoipa::path(
    post, path = "/projects/{project}/sessions/{session}/fit",
    operation_id = "fit", tag = "sessions",
    params(("project" = String, Path), ("session" = String, Path)),
    responses((status = 200, body = wire::Insight), Failures)
)]
pub(super) async fn fit(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
) -> Answer<wire::Insight> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let live = desk.session(&session)?;
        desk.work(&session, |session| live.fit(session))?;
        Ok(Json(look(&desk, &session, ThresholdPolicy::Score(0.0))?))
    })
    .await
}

/// Shows what the last fit has come to, at a threshold. Fits nothing.
#[utoipa::path(
    get, path = "/projects/{project}/sessions/{session}/insight",
    operation_id = "get_insight", tag = "sessions",
    params(("project" = String, Path), ("session" = String, Path), wire::AtThreshold),
    responses((status = 200, body = wire::Insight), Failures)
)]
pub(super) async fn insight(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
    Asked(asked): Asked<wire::AtThreshold>,
) -> Answer<wire::Insight> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let score = asked.threshold.filter(|score| score.is_finite()).unwrap_or_default();
        desk.session(&session)?.doubt()?;
        Ok(Json(look(&desk, &session, ThresholdPolicy::Score(score))?))
    })
    .await
}

fn look(desk: &Desk, session: &str, policy: ThresholdPolicy) -> Result<wire::Insight, Problem> {
    let live = desk.session(session)?;
    let view = live.view();
    show::insight(desk, &live, &view, &*live.insight(&view, policy)?)
}
