//! The classifiers of a project: those of its sessions, and imported ones.

use axum::{Json, extract::State, http::StatusCode};
use linprobe::{ClassifierFile, ProjectError};

use super::{Answer, Failures};
use crate::{
    blocking::blocking,
    extract::{Asked, In, Raw},
    problem::Problem,
    served::Shared,
    show, wire,
};

/// Lists the classifiers.
#[utoipa::path(
    get, path = "/projects/{project}/classifiers",
    operation_id = "list_classifiers", tag = "classifiers",
    params(("project" = String, Path)),
    responses((status = 200, body = wire::Classifiers), Failures)
)]
pub(super) async fn list(
    State(served): State<Shared>,
    In(project): In<String>,
) -> Answer<wire::Classifiers> {
    blocking(move || {
        let project = &served.desk(&project)?.project;
        let model = project.model()?.map(|model| model.id);
        let sessions = project.sessions()?.into_iter().map(|session| wire::Classifier {
            name: session.name,
            source: wire::Origin::Session,
            model: model.clone(),
            threshold: 0.0,
        });
        let mut classifiers: Vec<_> = sessions.collect();
        for name in project.imported_classifiers()? {
            let file = project.kept_classifier(&name)?;
            classifiers.push(imported(name, &file));
        }
        Ok(Json(wire::Classifiers { classifiers }))
    })
    .await
}

/// Takes a classifier file into the project; one of the same name is replaced.
#[utoipa::path(
    post, path = "/projects/{project}/classifiers",
    operation_id = "import_classifier", tag = "classifiers",
    params(("project" = String, Path), wire::ImportName),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 201, body = wire::Classifier), Failures)
)]
pub(super) async fn import(
    State(served): State<Shared>,
    In(project): In<String>,
    Asked(asked): Asked<wire::ImportName>,
    Raw(bytes): Raw,
) -> Result<(StatusCode, Json<wire::Classifier>), Problem> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let name = show::session_name(Some(&asked.name)).unwrap_or_else(|| "imported".to_owned());
        let read = ClassifierFile::read(&bytes, asked.class.as_deref());
        let file = read.map_err(|source| ProjectError::Import { name: name.clone(), source })?;
        desk.project.import_classifier(&name, &file)?;
        Ok((StatusCode::CREATED, Json(imported(name, &file))))
    })
    .await
}

fn imported(name: String, file: &ClassifierFile) -> wire::Classifier {
    let card = file.card.as_ref();
    wire::Classifier {
        name,
        source: wire::Origin::Imported,
        model: card.map(|card| card.model.id.clone()),
        threshold: card.map_or(0.0, |card| card.threshold),
    }
}
