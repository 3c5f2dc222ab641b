//! Why a request failed, as `application/problem+json` (RFC 9457): sorted by what the caller can do.
//!
//! The slug in `type` is part of the contract, the words in `detail` are for people. What the library
//! says in its errors is passed on as it is, with its hint.

use std::{error::Error, fmt};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use linprobe::{Blame, ProjectError};
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request failed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// A stable name: `unknown-record`, `name-taken`, ...
    #[serde(rename = "type")]
    slug: String,
    /// The same in words.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What exactly is wrong.
    detail: String,
    /// What would help.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// The kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    BadRequest,
    BadLabel,
    BadStart,
    BadFile,
    OutOfReach,
    Unauthorized,
    ForbiddenOrigin,
    OutsideRoots,
    UnknownProject,
    UnknownRecord,
    UnknownSession,
    UnknownClassifier,
    UnknownJob,
    NotFound,
    MethodNotAllowed,
    NoPicture,
    NameTaken,
    NoModel,
    EmptyProject,
    BrokenProject,
    NoAudit,
    Conflict,
    TooLarge,
    UnsupportedMedia,
    TooManyRequests,
    Busy,
    Unavailable,
    Internal,
}

impl Kind {
    /// The name, the title and the status.
    fn parts(self) -> (&'static str, &'static str, StatusCode) {
        use StatusCode as S;
        match self {
            Self::BadRequest => ("bad-request", "The request cannot be read", S::BAD_REQUEST),
            Self::BadLabel => ("bad-label", "This is no label", S::UNPROCESSABLE_ENTITY),
            Self::BadStart => ("bad-start", "Nothing can start here", S::UNPROCESSABLE_ENTITY),
            Self::BadFile => ("bad-file", "The file cannot be used", S::UNPROCESSABLE_ENTITY),
            Self::OutOfReach => ("out-of-reach", "No threshold does this", S::UNPROCESSABLE_ENTITY),
            Self::Unauthorized => ("unauthorized", "A token is needed", S::UNAUTHORIZED),
            Self::ForbiddenOrigin => ("forbidden-origin", "Not from there", S::FORBIDDEN),
            Self::OutsideRoots => ("outside-roots", "Not a place to read from", S::FORBIDDEN),
            Self::UnknownJob => ("unknown-job", "No such job", S::NOT_FOUND),
            Self::UnknownProject => ("unknown-project", "No such project", S::NOT_FOUND),
            Self::UnknownRecord => ("unknown-record", "No such record", S::NOT_FOUND),
            Self::UnknownSession => ("unknown-session", "No such session", S::NOT_FOUND),
            Self::UnknownClassifier => ("unknown-classifier", "No such classifier", S::NOT_FOUND),
            Self::NotFound => ("not-found", "Nothing is here", S::NOT_FOUND),
            Self::MethodNotAllowed => {
                ("method-not-allowed", "Not with this method", S::METHOD_NOT_ALLOWED)
            }
            Self::NoPicture => ("no-picture", "There is no picture", S::NOT_FOUND),
            Self::NameTaken => ("name-taken", "The name is taken", S::CONFLICT),
            Self::NoModel => ("no-model", "The model is missing", S::CONFLICT),
            Self::EmptyProject => ("empty-project", "The project is empty", S::CONFLICT),
            Self::BrokenProject => ("broken-project", "The project is broken", S::CONFLICT),
            Self::NoAudit => ("no-audit", "There is no audit", S::NOT_FOUND),
            Self::Conflict => ("conflict", "Somebody else has changed it", S::CONFLICT),
            Self::TooLarge => ("too-large", "It is too large", S::PAYLOAD_TOO_LARGE),
            Self::UnsupportedMedia => {
                ("unsupported-media", "Not in this form", S::UNSUPPORTED_MEDIA_TYPE)
            }
            Self::TooManyRequests => {
                ("too-many-requests", "Too many requests", S::TOO_MANY_REQUESTS)
            }
            Self::Busy => ("busy", "The server is busy", S::SERVICE_UNAVAILABLE),
            Self::Unavailable => ("unavailable", "It cannot be reached", S::SERVICE_UNAVAILABLE),
            Self::Internal => ("internal", "The server failed", S::INTERNAL_SERVER_ERROR),
        }
    }
}

impl Problem {
    /// A problem of a kind; a line `hint: ...` in its words becomes the hint.
    pub(crate) fn new(kind: Kind, words: impl fmt::Display) -> Self {
        let words = words.to_string();
        let (detail, hint) = match words.split_once("\nhint: ") {
            Some((detail, hint)) => (detail.to_owned(), Some(hint.to_owned())),
            None => (words, None),
        };
        let (slug, title, status) = kind.parts();
        let (slug, title) = (slug.to_owned(), title.to_owned());
        Self { slug, title, status: status.as_u16(), detail, hint }
    }

    pub(crate) fn unknown_project(slug: &str) -> Self {
        Self::new(Kind::UnknownProject, format_args!("no project {slug:?} is served"))
    }

    /// The words for a person.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let form = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, form);
        response
    }
}

impl From<ProjectError> for Problem {
    fn from(error: ProjectError) -> Self {
        let kind = match error.blame() {
            Blame::Record => Kind::UnknownRecord,
            Blame::Session => Kind::UnknownSession,
            Blame::Classifier => Kind::UnknownClassifier,
            Blame::Name => Kind::NameTaken,
            Blame::Start => Kind::BadStart,
            Blame::Threshold => Kind::OutOfReach,
            Blame::File => Kind::BadFile,
            Blame::Picture => Kind::NoPicture,
            Blame::Model => Kind::NoModel,
            Blame::Empty => Kind::EmptyProject,
            Blame::Broken => Kind::BrokenProject,
            Blame::Audit => Kind::NoAudit,
            Blame::OtherWriter | Blame::Cancelled => Kind::Conflict,
            Blame::Surroundings => Kind::Unavailable,
        };
        Self::new(kind, told_whole(&error))
    }
}

/// The error and its causes in one text, the hint last.
fn told_whole(error: &dyn Error) -> String {
    let own = error.to_string();
    let (detail, hint) = own.split_once("\nhint: ").unwrap_or((&own, ""));
    let mut text = detail.to_owned();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    if hint.is_empty() { text } else { format!("{text}\nhint: {hint}") }
}
