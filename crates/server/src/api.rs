//! The routes, one file for what belongs together. A handler reads the request, calls the library on a
//! thread that may block, and gives the answer its form; what it means is said elsewhere.

mod audit;
mod classifiers;
mod content;
mod exports;
mod jobs;
mod login;
mod projects;
mod records;
mod results;
mod rounds;
mod sessions;

use axum::Json;
use utoipa::{IntoResponses, OpenApi};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{problem::Problem, served::Shared};

/// An answer in JSON, or a problem.
type Answer<T> = Result<Json<T>, Problem>;

/// Every way in which a request can fail.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it only describes the answers")]
enum Failures {
    /// Something is wrong with the request; `type` says what.
    #[response(status = "4XX", content_type = "application/problem+json")]
    Request(Problem),
    /// The server is busy or has failed.
    #[response(status = "5XX", content_type = "application/problem+json")]
    Server(Problem),
}

/// What the document says of the API as a whole.
#[derive(OpenApi)]
#[openapi(info(
    title = "linprobe",
    description = "From a sentence or a few examples to a linear classifier over any embedded dataset. Every request that changes something carries the header `x-linprobe: 1`.",
    license(name = "Apache-2.0 OR MIT")
))]
struct Description;

/// All routes, and the document about them.
pub(crate) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Description::openapi()).nest("/api", under_api())
}

fn under_api() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(projects::health))
        .routes(routes!(login::login))
        .routes(routes!(projects::list, projects::create))
        .routes(routes!(projects::get))
        .routes(routes!(projects::skipped))
        .routes(routes!(records::list))
        .routes(routes!(records::get))
        .routes(routes!(content::content))
        .routes(routes!(content::thumbnail))
        .routes(routes!(records::search))
        .routes(routes!(records::upload))
        .routes(routes!(sessions::create))
        .routes(routes!(sessions::get))
        .routes(routes!(rounds::next))
        .routes(routes!(rounds::answer))
        .routes(routes!(rounds::undo))
        .routes(routes!(sessions::reset_seen))
        .routes(routes!(sessions::fit))
        .routes(routes!(sessions::insight))
        .routes(routes!(results::history))
        .routes(routes!(results::branch))
        .routes(routes!(results::compare))
        .routes(routes!(results::predictions))
        .routes(routes!(results::threshold))
        .routes(routes!(exports::classifier))
        .routes(routes!(exports::predictions))
        .routes(routes!(exports::labels))
        .routes(routes!(exports::snippets))
        .routes(routes!(audit::draw, audit::get))
        .routes(routes!(audit::answer))
        .routes(routes!(audit::undo))
        .routes(routes!(audit::learn))
        .routes(routes!(classifiers::list, classifiers::import))
        .routes(routes!(jobs::start, jobs::list))
        .routes(routes!(jobs::events))
        .routes(routes!(jobs::cancel))
}
