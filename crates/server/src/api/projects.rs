//! The projects that are served.

use axum::{Json, extract::State, http::StatusCode};
use linprobe::ProjectError;

use super::{Answer, Failures};
use crate::{
    blocking::blocking,
    desk::Desk,
    extract::{Body, In},
    problem::Problem,
    served::Shared,
    wire,
    workspace::Entry,
};

/// Classes of the dataset that are listed.
const MAX_LABELS: usize = 50;

/// Says that the server is there.
#[utoipa::path(get, path = "/health", operation_id = "health", tag = "server", responses((status = 200, body = wire::Health)))]
pub(super) async fn health() -> Json<wire::Health> {
    Json(wire::Health { version: env!("CARGO_PKG_VERSION").to_owned() })
}

/// Lists the projects; one that cannot be opened says why.
#[utoipa::path(
    get, path = "/projects", operation_id = "list_projects", tag = "projects",
    responses((status = 200, body = wire::Projects), Failures)
)]
pub(super) async fn list(State(served): State<Shared>) -> Answer<wire::Projects> {
    blocking(move || {
        let entries = served.workspace.entries();
        let projects = entries.iter().map(|entry| summary(&served, entry)).collect();
        let data_roots = served.data_roots.iter().map(|root| root.display().to_string());
        Ok(Json(wire::Projects {
            projects,
            can_create: served.workspace.can_create(),
            data_roots: data_roots.collect(),
        }))
    })
    .await
}

/// Makes a project in the folder of projects that is served.
#[utoipa::path(
    post, path = "/projects",
    operation_id = "create_project", tag = "projects", request_body = wire::NewProject,
    responses((status = 201, body = wire::ProjectSummary), Failures)
)]
pub(super) async fn create(
    State(served): State<Shared>,
    Body(new): Body<wire::NewProject>,
) -> Result<(StatusCode, Json<wire::ProjectSummary>), Problem> {
    blocking(move || {
        let entry = served.workspace.create(&new.name)?;
        Ok((StatusCode::CREATED, Json(summary(&served, &entry))))
    })
    .await
}

/// Shows a project.
#[utoipa::path(
    get, path = "/projects/{project}",
    operation_id = "get_project", tag = "projects",
    params(("project" = String, Path)),
    responses((status = 200, body = wire::ProjectSummary), Failures)
)]
pub(super) async fn get(
    State(served): State<Shared>,
    In(project): In<String>,
) -> Answer<wire::ProjectSummary> {
    blocking(move || {
        let mut entries = served.workspace.entries().into_iter();
        let entry = entries.find(|entry| entry.slug == project);
        let entry = entry.ok_or_else(|| Problem::unknown_project(&project))?;
        Ok(Json(summary(&served, &entry)))
    })
    .await
}

/// Lists the records that could not be read or embedded.
#[utoipa::path(
    get, path = "/projects/{project}/skipped",
    operation_id = "list_skipped", tag = "projects",
    params(("project" = String, Path)),
    responses((status = 200, body = wire::Skipped), Failures)
)]
pub(super) async fn skipped(
    State(served): State<Shared>,
    In(project): In<String>,
) -> Answer<wire::Skipped> {
    blocking(move || {
        let skipped = served.desk(&project)?.project.skipped()?;
        Ok(Json(wire::Skipped { skipped: skipped.into_iter().map(Into::into).collect() }))
    })
    .await
}

/// What is known of a project; of a broken one, why it is.
fn summary(served: &Shared, entry: &Entry) -> wire::ProjectSummary {
    let opened = served.workspace.open(entry);
    let known = opened.and_then(|desk| Ok(described(&desk, entry)?));
    known.unwrap_or_else(|problem: Problem| wire::ProjectSummary {
        slug: entry.slug.clone(),
        name: entry.name.clone(),
        status: wire::Status::Broken,
        problem: Some(problem),
        n_records: 0,
        n_skipped: 0,
        kind: None,
        model: None,
        sessions: Vec::new(),
        labels: Vec::new(),
    })
}

fn described(desk: &Desk, entry: &Entry) -> Result<wire::ProjectSummary, ProjectError> {
    let project = &desk.project;
    let n_records = project.n_records()?;
    let labels = project.dataset_labels()?.into_iter().take(MAX_LABELS);
    Ok(wire::ProjectSummary {
        slug: entry.slug.clone(),
        name: entry.name.clone(),
        status: if n_records > 0 { wire::Status::Ready } else { wire::Status::Empty },
        problem: None,
        n_records,
        n_skipped: project.n_skipped()?,
        kind: project.kind()?.as_deref().map(wire::RecordKind::named),
        model: project.model()?.map(Into::into),
        sessions: project.sessions()?.into_iter().map(Into::into).collect(),
        labels: labels.map(|(name, n_records)| wire::DatasetLabel { name, n_records }).collect(),
    })
}
