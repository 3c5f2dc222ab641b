//! The page, as it was built into the binary.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::EmbeddedFile;

use crate::{
    problem::{Kind, Problem},
    range,
};

use files::Files;

mod files {
    #![expect(clippy::same_name_method, reason = "the macro makes two of each")]

    use rust_embed::RustEmbed;

    /// The files of the page; in a debug build they are read when they are asked for.
    #[derive(RustEmbed)]
    #[folder = "assets/"]
    pub(super) struct Files;
}

const INDEX: &str = "index.html";

/// Files whose name tells their contents are kept for ever, all others asked about each time.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// Where the page's builder puts files that are named by their contents.
const NAMED_BY_CONTENTS: &str = "assets/";

/// Sends a file of the page.
pub(crate) async fn file(uri: Uri, asked: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { INDEX } else { path };
    match Files::get(path) {
        Some(file) => answer(path, &file, &asked),
        None => Problem::new(Kind::NotFound, format!("there is no /{path}")).into_response(),
    }
}

fn answer(path: &str, file: &EmbeddedFile, asked: &HeaderMap) -> Response {
    let tag = range::tag(&file.data);
    let keep = if path.starts_with(NAMED_BY_CONTENTS) { FOR_EVER } else { REVALIDATE };
    let form = HeaderValue::from_static(form(path));
    let headers =
        [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, keep), (header::CONTENT_TYPE, form)];
    if range::is_known(asked, &tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, file.data.to_vec()).into_response()
}

/// What a file is, by its name.
fn form(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" | "webmanifest" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_in_the_binary() {
        assert!(Files::get(INDEX).is_some());
    }
}
