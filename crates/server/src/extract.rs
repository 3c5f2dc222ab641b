//! What handlers take from a request. A request that cannot be read is answered with a problem, as
//! everything else that fails.

use axum::{
    Json,
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, Path, Query, Request,
        rejection::{BytesRejection, JsonRejection},
    },
    http::{StatusCode, request::Parts},
};
use serde::de::DeserializeOwned;

use crate::problem::{Kind, Problem};

/// The variables of the path.
#[derive(Debug)]
pub(crate) struct In<T>(pub(crate) T);

/// The query.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

/// The body, as JSON.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

/// The body as it is.
#[derive(Debug)]
pub(crate) struct Raw(pub(crate) Bytes);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for In<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(value)| Self(value)).map_err(|bad| Problem::new(Kind::BadRequest, bad))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(value)| Self(value)).map_err(|bad| Problem::new(Kind::BadRequest, bad))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(req: Request, state: &S) -> Result<Self, Problem> {
        match Json::from_request(req, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(bad @ JsonRejection::MissingJsonContentType(_)) => {
                Err(Problem::new(Kind::UnsupportedMedia, bad))
            }
            Err(bad) => Err(refused(bad.status(), &bad)),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(req: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(req, state).await;
        bytes.map(Self).map_err(|bad: BytesRejection| refused(bad.status(), &bad))
    }
}

fn refused(status: StatusCode, why: &dyn std::fmt::Display) -> Problem {
    let is_large = status == StatusCode::PAYLOAD_TOO_LARGE;
    Problem::new(if is_large { Kind::TooLarge } else { Kind::BadRequest }, why)
}
