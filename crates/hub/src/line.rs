//! The line to a server: how long it may be silent, and how a file is brought over one that breaks.

use std::{error::Error, io, time::Duration};

use ureq::{
    Agent, Body, RequestBuilder,
    http::{Response, StatusCode, header},
    typestate::WithoutBody,
};

use crate::{HubError, blob::PartialBlob, patience::patiently};

/// How often a transfer that breaks off is taken up again.
const MAX_ATTEMPTS: usize = 4;

/// How long nothing may come before a transfer counts as broken off.
const PATIENCE: Duration = Duration::from_secs(30);

/// What makes requests.
pub(crate) fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("linprobe/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .timeout_per_read(Some(PATIENCE))
        .build()
        .into()
}

/// Asks for the rest of a file.
type Get<'a> = &'a dyn Fn(Option<String>) -> Result<Response<Body>, HubError>;

/// Brings what is missing of a file, however often the line breaks, and tells the numbers of bytes that are here and
/// in all.
pub(crate) fn transfer(
    url: &str,
    partial: &mut PartialBlob,
    get: Get<'_>,
    tell: &dyn Fn(u64, u64),
) -> Result<(), HubError> {
    for _ in 1..MAX_ATTEMPTS {
        match patiently(|| resume(url, partial, get, tell)) {
            Err(HubError::Unreachable { .. }) => {}
            ended => return ended,
        }
    }
    patiently(|| resume(url, partial, get, tell))
}

fn resume(
    url: &str,
    partial: &mut PartialBlob,
    get: Get<'_>,
    tell: &dyn Fn(u64, u64),
) -> Result<(), HubError> {
    if partial.is_whole() {
        return Ok(());
    }
    let n_bytes = partial.n_bytes();
    let response = get((n_bytes > 0).then(|| format!("bytes={n_bytes}-")))?;
    if response.status() != StatusCode::PARTIAL_CONTENT {
        partial.restart()?;
    }
    let body = response.into_body().into_with_config().limit(u64::MAX).reader();
    partial.append(body, |error: io::Error| unreachable(url, error), tell)
}

/// The same request for a part of the file.
pub(crate) fn ranged(
    request: RequestBuilder<WithoutBody>,
    range: Option<String>,
) -> RequestBuilder<WithoutBody> {
    match range {
        Some(range) => request.header(header::RANGE, range),
        None => request,
    }
}

/// What a server says of a file.
pub(crate) struct Head {
    pub(crate) n_bytes: u64,
    /// Tells it from what it was, or will be.
    pub(crate) version: String,
}

impl Head {
    /// Reads the answer to a question for it.
    pub(crate) fn read(url: &str, response: &Response<Body>) -> Result<Self, HubError> {
        let n_bytes = header(response, "content-length").and_then(|length| length.parse().ok());
        let n_bytes =
            n_bytes.ok_or_else(|| protocol(url, "it does not say how long the file is"))?;
        let told = ["etag", "last-modified"].map(|name| header(response, name).unwrap_or_default());
        Ok(Self { n_bytes, version: told.join(" ") })
    }
}

pub(crate) fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// An answer that is no good, sorted by whether it is worth to ask again.
pub(crate) fn refusal(url: &str, response: &Response<Body>) -> HubError {
    let status = response.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        let asked = header(response, "retry-after").and_then(|seconds| seconds.parse().ok());
        let (url, asked) = (url.to_owned(), asked.map(Duration::from_secs));
        return HubError::Busy { url, status: status.as_u16(), asked };
    }
    protocol(url, format!("it answers {status}"))
}

pub(crate) fn unreachable(url: &str, error: impl Into<Box<dyn Error + Send + Sync>>) -> HubError {
    HubError::Unreachable { url: url.to_owned(), source: error.into() }
}

pub(crate) fn protocol(url: &str, reason: impl Into<String>) -> HubError {
    HubError::Protocol { url: url.to_owned(), reason: reason.into() }
}
