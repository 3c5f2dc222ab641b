//! The description of the API, and the page that shows it.

use axum::http::header;

use crate::stage::Stage;

#[test]
fn the_description_in_the_docs_is_the_one_that_is_served() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    let served = linprobe_server::document().to_pretty_json().unwrap();
    assert!(
        kept.trim_end() == served,
        "docs/openapi.json is out of date: \
         cargo run -p linprobe-server --example openapi > docs/openapi.json"
    );
    let stage = Stage::new(|_| ());
    let got = stage.got("/api/openapi.json");
    assert_eq!(got, serde_json::from_str::<serde_json::Value>(&served).unwrap());
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = serde_json::to_value(linprobe_server::document()).unwrap();
    let operations = document["paths"].as_object().unwrap().values();
    let operations = operations.flat_map(|methods| methods.as_object().unwrap().values());
    let mut names: Vec<&str> =
        operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    let n_operations = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), n_operations);
}

#[test]
fn every_operation_is_on_the_reference_page_which_needs_nothing_from_elsewhere() {
    let stage = Stage::new(|_| ());
    let page = stage.get("/api/docs");
    assert_eq!(page.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    let text = String::from_utf8(page.bytes).unwrap();
    let document = stage.got("/api/openapi.json");
    for path in document["paths"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("<code>{path}</code>")), "{path}");
    }
    for schema in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("id=\"{schema}\"")), "{schema}");
    }
    for foreign in ["<script", "style=", "http://", "https://", "onload"] {
        assert!(!text.contains(foreign), "{foreign}");
    }
    assert_eq!(stage.get("/api/docs.css").headers[header::CONTENT_TYPE], "text/css; charset=utf-8");
}
