//! Files to take away: classifiers, predictions, labels; and lines of code that use them.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use linprobe::{
    ClassifierFile, ExportForm, Filter, LabelsForm, PredictionsForm, ProjectError, Snippets,
    ThresholdPolicy,
};

use super::{Answer, Failures};
use crate::{
    blocking::blocking,
    desk::Desk,
    extract::{Asked, In},
    problem::{Kind, Problem},
    served::Shared,
    wire,
};

/// Sends the classifier of a session as a file.
#[utoipa::path(
    get, path = "/projects/{project}/sessions/{session}/export",
    operation_id = "export_classifier", tag = "results",
    params(("project" = String, Path), ("session" = String, Path), wire::ClassifierExport),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        Failures
    )
)]
pub(super) async fn classifier(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
    Asked(asked): Asked<wire::ClassifierExport>,
) -> Result<Response, Problem> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let file = exported(&desk, &session, asked.threshold)?;
        let form = ExportForm::from(asked.format.unwrap_or_default());
        let bytes = form.bytes(&file).map_err(|error| Problem::from(ProjectError::from(error)))?;
        Ok(attachment(&session, form.ending(), bytes))
    })
    .await
}

/// Sends predictions for every record as a file.
#[utoipa::path(
    get, path = "/projects/{project}/sessions/{session}/export-predictions",
    operation_id = "export_predictions", tag = "results",
    params(("project" = String, Path), ("session" = String, Path), wire::PredictionsExport),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        Failures
    )
)]
pub(super) async fn predictions(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
    Asked(asked): Asked<wire::PredictionsExport>,
) -> Result<Response, Problem> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let file = exported(&desk, &session, asked.threshold)?;
        let filter = filter_of(&desk, &session)?;
        let scored = desk.project.predict(&file, None, filter.as_ref());
        let mut predictions = pollster::block_on(scored)?;
        if asked.only == Some(wire::Only::Positive) {
            predictions.keep_positive();
        }
        let form = PredictionsForm::from(asked.format.unwrap_or_default());
        let mut bytes = Vec::new();
        form.write(&predictions, &mut bytes).map_err(unwritten)?;
        Ok(attachment(&session, form.ending(), bytes))
    })
    .await
}

/// Sends the labels of a session as a file.
#[utoipa::path(
    get, path = "/projects/{project}/sessions/{session}/export-labels",
    operation_id = "export_labels", tag = "results",
    params(("project" = String, Path), ("session" = String, Path), wire::LabelsExport),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        Failures
    )
)]
pub(super) async fn labels(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
    Asked(asked): Asked<wire::LabelsExport>,
) -> Result<Response, Problem> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let view = desk.session(&session)?.view();
        let labelled = desk.project.labelled(view.state())?;
        let form = LabelsForm::from(asked.format.unwrap_or_default());
        let mut bytes = Vec::new();
        form.write(&labelled, &session, &mut bytes).map_err(unwritten)?;
        Ok(attachment(&format!("{session} labels"), form.ending(), bytes))
    })
    .await
}

/// Gives lines of code, and queries of databases, that use the exported classifier.
#[utoipa::path(
    get, path = "/projects/{project}/sessions/{session}/snippets",
    operation_id = "get_snippets", tag = "results",
    params(("project" = String, Path), ("session" = String, Path), wire::ClassifierExport),
    responses((status = 200, body = wire::Snippets), Failures)
)]
pub(super) async fn snippets(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
    Asked(asked): Asked<wire::ClassifierExport>,
) -> Answer<wire::Snippets> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let file = exported(&desk, &session, asked.threshold)?;
        let form = ExportForm::from(asked.format.unwrap_or_default());
        let Snippets { python, rust, sql, qdrant, milvus, pinecone } =
            Snippets::new(&file, &file_name(&session, form.ending()), form);
        Ok(Json(wire::Snippets { python, rust, sql, qdrant, milvus, pinecone }))
    })
    .await
}

fn exported(desk: &Desk, session: &str, threshold: Option<f32>) -> Result<ClassifierFile, Problem> {
    // What is no session might be the name of a file, which is nobody's business.
    desk.session(session)?;
    let threshold = threshold.filter(|score| score.is_finite()).map(ThresholdPolicy::Score);
    Ok(pollster::block_on(desk.project.export_classifier(session, threshold))?)
}

/// The records that a session is about.
fn filter_of(desk: &Desk, session: &str) -> Result<Option<Filter>, Problem> {
    let view = desk.session(session)?.view();
    let filter = view.state().query().filter.as_deref();
    Ok(filter.map(str::parse::<Filter>).transpose().map_err(ProjectError::from)?)
}

fn unwritten(error: impl std::fmt::Display) -> Problem {
    Problem::new(Kind::Internal, format!("the file cannot be written: {error}"))
}

/// A file that is saved, never shown.
fn attachment(name: &str, ending: &str, bytes: Vec<u8>) -> Response {
    let name = format!("attachment; filename=\"{}\"", file_name(name, ending));
    let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    let form = HeaderValue::from_static("application/octet-stream");
    ([(header::CONTENT_TYPE, form), (header::CONTENT_DISPOSITION, name)], bytes).into_response()
}

/// A name that every system takes: letters, digits, `-` and `_`.
fn file_name(name: &str, ending: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let name: String = name.chars().map(plain).take(80).collect();
    format!("{}.{ending}", name.trim_matches('-'))
}
