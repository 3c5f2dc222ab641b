//! Index jobs and their progress.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use tokio_stream::{StreamExt, wrappers::WatchStream};

use super::{Answer, Failures};
use crate::{
    blocking::blocking,
    extract::{Body, In},
    jobs,
    problem::{Kind, Problem},
    served::Shared,
    wire,
};

/// Starts to index a dataset.
#[utoipa::path(
    post, path = "/projects/{project}/jobs",
    operation_id = "start_job", tag = "jobs",
    params(("project" = String, Path)), request_body = wire::NewJob,
    responses((status = 202, body = wire::Job), Failures)
)]
pub(super) async fn start(
    State(served): State<Shared>,
    In(project): In<String>,
    Body(new): Body<wire::NewJob>,
) -> Result<(StatusCode, Json<wire::Job>), Problem> {
    blocking(move || {
        let place = jobs::below_roots(&new.source, &served.data_roots)?;
        let desk = served.desk(&project)?;
        jobs::check_model(new.model.as_deref(), &desk.project, &served.data_roots)?;
        let task = desk.jobs.enter(&new, place)?;
        let job = task.job();
        let named = std::thread::Builder::new().name("index".to_owned());
        let started = named.spawn(move || task.run(&desk));
        started.map_err(|error| Problem::new(Kind::Unavailable, error))?;
        Ok((StatusCode::ACCEPTED, Json(job)))
    })
    .await
}

/// Lists the jobs since the server started.
#[utoipa::path(
    get, path = "/projects/{project}/jobs",
    operation_id = "list_jobs", tag = "jobs",
    params(("project" = String, Path)),
    responses((status = 200, body = wire::JobList), Failures)
)]
pub(super) async fn list(
    State(served): State<Shared>,
    In(project): In<String>,
) -> Answer<wire::JobList> {
    blocking(move || Ok(Json(wire::JobList { jobs: served.desk(&project)?.jobs.all() }))).await
}

/// Sends an event `progress` with the job whenever it has come further; the last one says how it ended.
#[utoipa::path(
    get, path = "/projects/{project}/jobs/{job}/events",
    operation_id = "watch_job", tag = "jobs",
    params(("project" = String, Path), ("job" = String, Path)),
    responses((status = 200, content_type = "text/event-stream", body = String), Failures)
)]
pub(super) async fn events(
    State(served): State<Shared>,
    In((project, job)): In<(String, String)>,
) -> Result<Response, Problem> {
    let receiver = blocking(move || Arc::clone(&served.desk(&project)?).jobs.watch(&job)).await?;
    let events = WatchStream::new(receiver).map(|job| Ok::<_, Infallible>(event(&job)));
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

fn event(job: &wire::Job) -> Event {
    let event = Event::default().event("progress");
    event.json_data(job).unwrap_or_else(|_unwritable| Event::default().comment("unwritable"))
}

/// Lets a job end before its next record. What was indexed stays.
#[utoipa::path(
    post, path = "/projects/{project}/jobs/{job}/cancel",
    operation_id = "cancel_job", tag = "jobs",
    params(("project" = String, Path), ("job" = String, Path)),
    responses((status = 200, body = wire::Job), Failures)
)]
pub(super) async fn cancel(
    State(served): State<Shared>,
    In((project, job)): In<(String, String)>,
) -> Answer<wire::Job> {
    blocking(move || Ok(Json(served.desk(&project)?.jobs.cancel(&job)?))).await
}
