//! What records consist of: the bytes as they stand in the dataset, and small pictures.
//!
//! A dataset is not trusted. What is sent is never active: only pictures that no browser runs are sent as
//! what they are; everything else is an attachment of plain bytes or plain text, under a policy that
//! lets it do nothing.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use linprobe::Content;

use super::Failures;
use crate::{
    blocking::blocking,
    desk::record_id,
    extract::{Asked, In},
    problem::{Kind, Problem},
    range::{self, Range},
    served::Shared,
    wire,
};

/// The sizes of thumbnails, in pixels.
const SIZES: [u32; 3] = [128, 256, 512];

/// A policy under which nothing can be run or loaded.
const INERT: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// What may be kept, and has to be asked about each time.
const REVALIDATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Sends what a record consists of. Parts can be asked for with `Range`.
#[utoipa::path(
    get, path = "/projects/{project}/records/{id}/content",
    operation_id = "get_content", tag = "records",
    params(("project" = String, Path), ("id" = String, Path)),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 206, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 304, description = "It has not changed"),
        Failures
    )
)]
pub(super) async fn content(
    State(served): State<Shared>,
    In((project, id)): In<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let sent = blocking(move || {
        let content = served.desk(&project)?.project.content(&record_id(&id)?)?;
        Ok(Sent::new(content))
    })
    .await?;
    Ok(sent.answer(&headers))
}

/// Sends a small picture of a record, as a JPEG.
#[utoipa::path(
    get, path = "/projects/{project}/records/{id}/thumbnail",
    operation_id = "get_thumbnail", tag = "records",
    params(("project" = String, Path), ("id" = String, Path), wire::ThumbnailSize),
    responses(
        (status = 200, content_type = "image/jpeg", body = Vec<u8>),
        (status = 304, description = "It has not changed"),
        Failures
    )
)]
pub(super) async fn thumbnail(
    State(served): State<Shared>,
    In((project, id)): In<(String, String)>,
    Asked(asked): Asked<wire::ThumbnailSize>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let size = asked.size.unwrap_or(256);
    if !SIZES.contains(&size) {
        let words = format!("no thumbnails of {size} pixels\nhint: 128, 256 or 512");
        return Err(Problem::new(Kind::BadRequest, words));
    }
    let bytes =
        blocking(move || Ok(served.desk(&project)?.project.thumbnail(&record_id(&id)?, size)?))
            .await?;
    Ok(Sent { bytes, form: "image/jpeg", is_inline: true }.answer(&headers))
}

/// Bytes, and what they are said to be.
struct Sent {
    bytes: Vec<u8>,
    form: &'static str,
    is_inline: bool,
}

impl Sent {
    fn new(content: Content) -> Self {
        match content {
            Content::Text(text) | Content::Vector { text: Some(text), .. } => Self::text(text),
            Content::Vector { values, text: None } => {
                let words: Vec<String> = values.iter().map(ToString::to_string).collect();
                Self::text(words.join("\n"))
            }
            Content::Image(bytes) => match picture_form(&bytes) {
                Some(form) => Self { bytes, form, is_inline: true },
                None => Self { bytes, form: "application/octet-stream", is_inline: false },
            },
        }
    }

    fn text(text: String) -> Self {
        Self { bytes: text.into_bytes(), form: "text/plain; charset=utf-8", is_inline: true }
    }

    fn answer(self, asked: &HeaderMap) -> Response {
        let Self { bytes, form, is_inline } = self;
        let tag = range::tag(&bytes);
        let mut headers = HeaderMap::new();
        headers.insert(header::ETAG, tag.clone());
        headers.insert(header::CACHE_CONTROL, REVALIDATE);
        if range::is_known(asked, &tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(form));
        headers.insert(header::CONTENT_SECURITY_POLICY, INERT);
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if !is_inline {
            headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
        }
        match Range::asked(asked, &tag, bytes.len()) {
            Range::Whole => (headers, Body::from(bytes)).into_response(),
            Range::Part(part) => {
                headers.insert(header::CONTENT_RANGE, range::content_range(&part, bytes.len()));
                let part = bytes.get(part).unwrap_or_default().to_vec();
                (StatusCode::PARTIAL_CONTENT, headers, Body::from(part)).into_response()
            }
            Range::None => {
                headers.insert(header::CONTENT_RANGE, range::unsatisfied(bytes.len()));
                (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response()
            }
        }
    }
}

/// The form of a picture that a browser shows and never runs, by its first bytes.
fn picture_form(bytes: &[u8]) -> Option<&'static str> {
    let forms: [(&[u8], &str); 6] = [
        (b"\xFF\xD8\xFF", "image/jpeg"),
        (b"\x89PNG\r\n\x1A\n", "image/png"),
        (b"GIF8", "image/gif"),
        (b"BM", "image/bmp"),
        (b"II*\0", "image/tiff"),
        (b"MM\0*", "image/tiff"),
    ];
    let found = forms.into_iter().find(|(start, _)| bytes.starts_with(start));
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    found.map(|(_, form)| form).or(is_webp.then_some("image/webp"))
}
