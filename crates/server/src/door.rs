//! The API within a process: the same answers as over HTTP, without a socket.
//!
//! Whoever can call this can do as much without it, so nothing guards it: no token, no origin, no limit on how often. It works
//! on the sessions of the caller's own [`Desk`].

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, header},
    response::{IntoResponse, Response},
};
use linprobe::Surroundings;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::{
    desk::Desk,
    guard::{Guard, Hosts},
    problem::{Kind, Problem},
    router::unguarded,
    serve::{PATIENCE, ServeError},
    served::Served,
    workspace::Workspace,
};

/// The API over one project, for whoever has it open.
#[derive(Debug)]
pub struct Door {
    slug: String,
    router: Router,
    runtime: Runtime,
}

/// An answer of the API.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The status, as of HTTP.
    pub status: u16,
    /// What the body is, a media type; empty where there is none.
    pub form: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Door {
    /// Over a project that is open. Between requests it takes no thread.
    ///
    /// # Errors
    /// [`ServeError::Runtime`] when the system gives none of what waiting takes.
    pub fn new(desk: Arc<Desk>, surroundings: Surroundings) -> Result<Self, ServeError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(ServeError::Runtime)?;
        let (workspace, slug) = Workspace::of_desk(desk, surroundings);
        let guard = Guard::new(Hosts::new([127, 0, 0, 1].into(), &[]), None);
        let served = Served { workspace, data_roots: Vec::new(), patience: PATIENCE, guard };
        Ok(Self { slug, router: unguarded(Arc::new(served)), runtime })
    }

    /// The name of the project in paths.
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// Answers a request: a method, what stands behind `/api/`, and a body in JSON or none. Blocks the thread, which must not be
    /// one that drives futures.
    pub fn answer(&self, method: &str, path: &str, body: String) -> Answered {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/{path}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body));
        self.runtime.block_on(async {
            let response = match request {
                Ok(request) => self.router.clone().oneshot(request).await.into_response(),
                Err(bad) => Problem::new(Kind::BadRequest, bad).into_response(),
            };
            answered(response).await
        })
    }
}

async fn answered(response: Response) -> Answered {
    let (parts, body) = response.into_parts();
    let form = parts.headers.get(header::CONTENT_TYPE).and_then(|form| form.to_str().ok());
    let form = form.unwrap_or_default().to_owned();
    match to_bytes(body, usize::MAX).await {
        Ok(body) => Answered { status: parts.status.as_u16(), form, body: body.into() },
        Err(cut) => {
            let problem = Problem::new(Kind::Internal, format!("the answer was cut short: {cut}"));
            let body = serde_json::to_vec(&problem).unwrap_or_default();
            Answered { status: 500, form: "application/problem+json".to_owned(), body }
        }
    }
}
