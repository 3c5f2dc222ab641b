//! Pictures: thumbnails that are made once, and files that are no pictures or lie elsewhere.

use std::path::{Path, PathBuf};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use linprobe::{IndexOptions, Project};
use serde_json::json;

use crate::stage::{HOST, Stage, change, surroundings, write};

const RECORDS: &str = "/api/projects/pictures/records";

/// A folder of pictures, with a script that is called a picture and a link out of the folder.
fn pictures() -> Stage {
    Stage::new(|folder| {
        let root = folder.join("data/pictures");
        for name in ["baseline.jpg", "turned.jpg", "alpha.png"] {
            let fixture = fixtures().join("images").join(name);
            write(&root.join("a b").join(name), &std::fs::read(fixture).unwrap());
        }
        write(&root.join("script.png"), b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>");
        let secret = folder.join("secret.jpg");
        write(&secret, &std::fs::read(fixtures().join("images/baseline.jpg")).unwrap());
        std::os::unix::fs::symlink(&secret, root.join("link.jpg")).unwrap();
        let project = Project::create(&folder.join("projects/pictures"), surroundings()).unwrap();
        let model = fixtures().join("clip-quick-gelu").to_str().map(str::to_owned);
        let options = IndexOptions { model, ..IndexOptions::default() };
        project.index(&root, &options, &mut |_| ()).unwrap();
    })
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/embed")
}

#[test]
fn a_thumbnail_is_a_small_jpeg_that_is_made_once_and_not_sent_twice() {
    let stage = pictures();
    let path = format!("{RECORDS}/a%20b%2Fbaseline.jpg/thumbnail?size=128");
    let first = stage.get(&path);
    assert_eq!(first.headers[header::CONTENT_TYPE], "image/jpeg");
    assert!(first.bytes.starts_with(b"\xFF\xD8\xFF"));
    let kept = stage.path("projects/pictures/thumbnails");
    let n_kept = || walk(&kept).len();
    assert_eq!(n_kept(), 1);
    assert_eq!(stage.get(&path).bytes, first.bytes);
    assert_eq!(n_kept(), 1);
    let known = Request::get(&path).header(header::HOST, HOST);
    let known = known.header(header::IF_NONE_MATCH, first.headers[header::ETAG].clone());
    assert_eq!(stage.send(known, Body::empty()).status, StatusCode::NOT_MODIFIED);
    assert_eq!(stage.get(&path.replace("128", "4096")).problem(), "bad-request");
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let inside = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    inside.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn a_record_knows_the_size_of_its_picture_as_a_person_sees_it() {
    let stage = pictures();
    let record = stage.got(&format!("{RECORDS}/a%20b%2Fturned.jpg"));
    let content = stage.get(&format!("{RECORDS}/a%20b%2Fturned.jpg/content"));
    assert_eq!(content.headers[header::CONTENT_TYPE], "image/jpeg");
    let thumbnail = stage.get(&format!("{RECORDS}/a%20b%2Fturned.jpg/thumbnail?size=512"));
    assert_eq!(thumbnail.status, StatusCode::OK);
    assert!(record["width"].as_u64() > Some(0) && record["height"].as_u64() > Some(0));
    assert_eq!((&record["kind"], &record["path"]), (&json!("image"), &json!("a b/turned.jpg")));
}

#[test]
fn a_script_that_is_called_a_picture_and_a_link_that_leads_out_are_no_records() {
    let stage = pictures();
    assert_eq!(stage.got("/api/projects/pictures")["n_records"], 3);
    for id in ["script.png", "link.jpg", "..%2Fsecret.jpg", "a%20b%2F..%2F..%2F..%2Fsecret.jpg"] {
        for part in ["content", "thumbnail"] {
            assert_eq!(
                stage.get(&format!("{RECORDS}/{id}/{part}")).problem(),
                "unknown-record",
                "{id}"
            );
        }
    }
}

#[test]
fn what_has_become_a_script_or_a_link_out_since_it_was_indexed_is_never_active_and_never_read() {
    let stage = pictures();
    let folder = stage.path("data/pictures/a b");
    let content = |name: &str| stage.get(&format!("{RECORDS}/a%20b%2F{name}/content"));
    for script in ["<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "<html><script>"] {
        write(&folder.join("baseline.jpg"), script.as_bytes());
        let answer = content("baseline.jpg");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/octet-stream", "{script}");
        assert_eq!(answer.headers[header::CONTENT_DISPOSITION], "attachment", "{script}");
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{script}");
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
        let thumbnail = stage.get(&format!("{RECORDS}/a%20b%2Fbaseline.jpg/thumbnail"));
        assert!(thumbnail.status.is_client_error(), "{thumbnail:?}");
    }
    let elsewhere = stage.path("elsewhere");
    write(&elsewhere.join("turned.jpg"), b"\xFF\xD8\xFFsecret");
    assert_eq!(content("turned.jpg").status, StatusCode::OK);
    std::fs::remove_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &folder).unwrap();
    let answer = content("turned.jpg");
    assert!(!answer.status.is_success(), "{answer:?}");
    assert!(!String::from_utf8_lossy(&answer.bytes).contains("secret"), "{answer:?}");
}

#[test]
fn a_session_starts_from_an_uploaded_picture() {
    let stage = pictures();
    let bytes = std::fs::read(fixtures().join("images/baseline.jpg")).unwrap();
    let request = change(axum::http::Method::POST, "/api/projects/pictures/uploads");
    let upload = stage.send(request.header(header::CONTENT_TYPE, "image/jpeg"), bytes).json();
    assert_eq!(upload["kind"], "image");
    let start = json!({ "start": { "uploads": [upload["upload"]] }, "k": 1 });
    let hits = stage.did("/api/projects/pictures/search", &start);
    assert_eq!(hits["hits"].as_array().unwrap().len(), 1);
    let unknown = json!({ "start": { "uploads": ["nothing"] } });
    assert_eq!(stage.post("/api/projects/pictures/search", &unknown).problem(), "bad-start");
}
