//! A token for a cookie.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};

use super::Failures;
use crate::{
    extract::Body,
    problem::{Kind, Problem},
    served::Shared,
    wire,
};

/// Gives a cookie for the token, where the server needs one.
#[utoipa::path(
    post, path = "/login", operation_id = "login", tag = "server",
    request_body = wire::Login,
    responses((status = 204, description = "The cookie is set"), Failures)
)]
pub(super) async fn login(
    State(served): State<Shared>,
    Body(login): Body<wire::Login>,
) -> Result<(StatusCode, HeaderMap), Problem> {
    let Some(cookie) = served.guard.log_in(&login.token)? else {
        return Ok((StatusCode::NO_CONTENT, HeaderMap::new()));
    };
    let cookie = HeaderValue::from_str(&cookie).map_err(|bad| Problem::new(Kind::Internal, bad))?;
    Ok((StatusCode::NO_CONTENT, HeaderMap::from_iter([(header::SET_COOKIE, cookie)])))
}
