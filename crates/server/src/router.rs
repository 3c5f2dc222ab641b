//! The routes and the layers around them, outermost last.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware,
    response::Html,
    routing::get,
};
use tower_http::compression::CompressionLayer;
use utoipa::openapi::OpenApi;

use crate::{
    api, guard, page,
    problem::{Kind, Problem},
    reference,
    served::Shared,
    uploads,
};

/// The description of the API, as `OpenAPI` 3.1.
pub fn document() -> OpenApi {
    api::routes().split_for_parts().1
}

/// Everything that the server answers.
pub(crate) fn router(served: Shared) -> Router {
    let (routes, document) = api::routes().split_for_parts();
    let document = serde_json::to_value(document).unwrap_or_default();
    let page = Html(reference::page(&document));
    let document = axum::Json(document);
    let routes = routes
        .route("/api/openapi.json", get(async move || document.clone()))
        .route("/api/docs", get(async move || page.clone()))
        .route("/api/docs.css", get(reference::style));
    closed(routes)
        .fallback(get(page::file).fallback(other_method))
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn_with_state(Shared::clone(&served), guard::watch))
        .layer(middleware::from_fn(guard::secure))
        .with_state(served)
}

/// The API alone, for whoever is in the same process and passes no guard.
pub(crate) fn unguarded(served: Shared) -> Router {
    closed(api::routes().split_for_parts().0).with_state(served)
}

/// Routes, and answers to what is none of them.
fn closed(routes: Router<Shared>) -> Router<Shared> {
    routes
        .route("/api/{*rest}", axum::routing::any(nothing))
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(uploads::MAX_BYTES))
}

async fn nothing(request: Request) -> Problem {
    let path = request.uri().path();
    let words = format!("there is no {path}\nhint: see /api/docs");
    Problem::new(Kind::NotFound, words)
}

async fn other_method(request: Request) -> Problem {
    let (method, path) = (request.method(), request.uri().path());
    Problem::new(Kind::MethodNotAllowed, format!("{path} takes no {method}"))
}
