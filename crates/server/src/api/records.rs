//! Records: by page, by name, by search; and uploads to search for.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use linprobe::Content;

use super::{Answer, Failures};
use crate::{
    blocking::blocking,
    desk::record_id,
    extract::{Asked, Body, In, Raw},
    guard,
    problem::{Kind, Problem},
    served::Shared,
    wire,
};

/// The longest page.
const MAX_PAGE: usize = 500;

/// Lists records in the order in which they were indexed.
#[utoipa::path(
    get, path = "/projects/{project}/records",
    operation_id = "list_records", tag = "records",
    params(("project" = String, Path), wire::PageOfRecords),
    responses((status = 200, body = wire::Records), Failures)
)]
pub(super) async fn list(
    State(served): State<Shared>,
    In(project): In<String>,
    Asked(page): Asked<wire::PageOfRecords>,
) -> Answer<wire::Records> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let after = page.after.as_deref().map(record_id).transpose()?;
        let limit = page.limit.unwrap_or(100).clamp(1, MAX_PAGE);
        let found = desk.project.records(after.as_ref(), limit)?;
        let next = found.last().filter(|_| found.len() == limit).map(|last| last.id.to_string());
        let records = found.into_iter().map(|record| desk.dress(record)).collect();
        Ok(Json(wire::Records { records, next }))
    })
    .await
}

/// Shows a record.
#[utoipa::path(
    get, path = "/projects/{project}/records/{id}",
    operation_id = "get_record", tag = "records",
    params(("project" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = wire::Record), Failures)
)]
pub(super) async fn get(
    State(served): State<Shared>,
    In((project, id)): In<(String, String)>,
) -> Answer<wire::Record> {
    blocking(move || Ok(Json(served.desk(&project)?.record(&record_id(&id)?)?))).await
}

/// Ranks records for words, examples, a vector or a classifier.
#[utoipa::path(
    post, path = "/projects/{project}/search",
    operation_id = "search", tag = "records",
    params(("project" = String, Path)), request_body = wire::Search,
    responses((status = 200, body = wire::Hits), Failures)
)]
pub(super) async fn search(
    State(served): State<Shared>,
    In(project): In<String>,
    Body(search): Body<wire::Search>,
) -> Answer<wire::Hits> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let from = desk.start_from(&search.start)?;
        let top_k = search.k.unwrap_or(20).clamp(1, MAX_PAGE);
        let found = pollster::block_on(desk.project.search(&from, top_k))?;
        let hits = found
            .into_iter()
            .map(|found| wire::Hit { score: found.score, record: desk.dress(found.record) });
        Ok(Json(wire::Hits { hits: hits.collect() }))
    })
    .await
}

/// Keeps a picture or a text to start from, for an hour.
#[utoipa::path(
    post, path = "/projects/{project}/uploads",
    operation_id = "upload", tag = "records",
    params(("project" = String, Path)),
    request_body(content = String, content_type = "application/octet-stream",
        description = "The bytes of one picture, or a text with content-type text/plain"),
    responses((status = 200, body = wire::Upload), Failures)
)]
pub(super) async fn upload(
    State(served): State<Shared>,
    In(project): In<String>,
    headers: HeaderMap,
    Raw(bytes): Raw,
) -> Result<(StatusCode, Json<wire::Upload>), Problem> {
    let form = headers.get(header::CONTENT_TYPE).and_then(|form| form.to_str().ok());
    let is_text = form.is_some_and(|form| form.starts_with("text/"));
    blocking(move || {
        let content = uploaded(bytes.to_vec(), is_text)?;
        let kind = wire::RecordKind::named(content.kind());
        let upload = guard::random_name()?;
        served.desk(&project)?.uploads.keep(upload.clone(), content);
        Ok((StatusCode::OK, Json(wire::Upload { upload, kind })))
    })
    .await
}

fn uploaded(bytes: Vec<u8>, is_text: bool) -> Result<Content, Problem> {
    if bytes.is_empty() {
        return Err(Problem::new(Kind::BadFile, "the upload is empty"));
    }
    if is_text {
        let text = String::from_utf8(bytes).map_err(|bad| Problem::new(Kind::BadFile, bad))?;
        return Ok(Content::Text(text));
    }
    linprobe::check_picture(&bytes).map_err(|reason| {
        let words =
            format!("the upload is no picture: {reason}\nhint: JPEG, PNG, WebP, GIF, BMP or TIFF");
        Problem::new(Kind::BadFile, words)
    })?;
    Ok(Content::Image(bytes))
}
