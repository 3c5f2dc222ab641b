//! What a stranger's page, a stranger's dataset or a stranger on the network tries.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::json;

use crate::stage::{HOST, Stage, change, index, write};

const PROJECTS: &str = "/api/projects";

#[test]
fn a_name_that_was_made_to_point_here_is_refused() {
    let stage = Stage::with_texts();
    for host in
        ["evil.example", "evil.example:7575", "127.0.0.1.evil.example:7575", "localhost.evil"]
    {
        let answer = stage.send(Request::get(PROJECTS).header(header::HOST, host), Body::empty());
        assert_eq!(answer.problem(), "forbidden-origin", "{host}");
    }
    let nameless = stage.send(Request::get(PROJECTS), Body::empty());
    assert_eq!(nameless.problem(), "forbidden-origin");
    let twice =
        Request::get(PROJECTS).header(header::HOST, HOST).header(header::HOST, "evil.example");
    assert_eq!(stage.send(twice, Body::empty()).problem(), "forbidden-origin");
}

#[test]
fn the_page_of_another_origin_can_neither_change_nor_read() {
    let stage = Stage::with_texts();
    for origin in
        ["http://evil.example", "http://127.0.0.1:3000", "null", "http://127.0.0.1:7575.evil"]
    {
        let post = change(Method::POST, PROJECTS).header(header::ORIGIN, origin);
        assert_eq!(stage.send(post, r#"{"name":"x"}"#).problem(), "forbidden-origin", "{origin}");
        let get = Request::get(PROJECTS).header(header::HOST, HOST).header(header::ORIGIN, origin);
        assert_eq!(stage.send(get, Body::empty()).problem(), "forbidden-origin", "{origin}");
    }
    let image = Request::get(PROJECTS).header(header::HOST, HOST);
    let image = image.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "no-cors");
    assert_eq!(stage.send(image, Body::empty()).problem(), "forbidden-origin");
    assert!(!stage.path("projects/x").exists());
}

#[test]
fn a_form_of_another_site_cannot_change_anything() {
    let stage = Stage::with_texts();
    for form in ["application/x-www-form-urlencoded", "text/plain", "application/json"] {
        let post = Request::post(PROJECTS).header(header::HOST, HOST);
        let post = post.header(header::CONTENT_TYPE, form);
        assert_eq!(stage.send(post, r#"{"name":"x"}"#).problem(), "forbidden-origin", "{form}");
    }
    assert!(!stage.path("projects/x").exists());
}

#[test]
fn a_server_with_a_token_gives_nothing_away_without_it() {
    let prepare = |_: &std::path::Path| ();
    let stage = Stage::with_settings(prepare, |settings| linprobe_server::Settings {
        token: Some("correct horse".to_owned()),
        ..settings
    });
    for path in [PROJECTS, "/api/projects/x", "/api/openapi.json", "/api/nothing"] {
        assert_eq!(stage.get(path).problem(), "unauthorized", "{path}");
    }
    assert_eq!(stage.get("/api/health").status, StatusCode::OK);
    assert_eq!(stage.get("/").status, StatusCode::OK);
    let wrong = stage.post("/api/login", &json!({ "token": "correct horsf" }));
    assert_eq!(wrong.problem(), "unauthorized");
    let right = stage.post("/api/login", &json!({ "token": "correct horse" }));
    let cookie = right.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains("horse"), "the cookie is not the token");
    let cookie = cookie.split(';').next().unwrap();
    let with = |name, value: &str| {
        let request = Request::get(PROJECTS).header(header::HOST, HOST).header(name, value);
        stage.send(request, Body::empty()).status
    };
    assert_eq!(with(header::COOKIE, cookie), StatusCode::OK);
    assert_eq!(with(header::AUTHORIZATION, "Bearer correct horse"), StatusCode::OK);
    assert_eq!(with(header::AUTHORIZATION, "Bearer "), StatusCode::UNAUTHORIZED);
    assert_eq!(with(header::COOKIE, "linprobe-0="), StatusCode::UNAUTHORIZED);
}

#[test]
fn tokens_cannot_be_tried_by_the_thousand() {
    let stage = Stage::with_settings(
        |_| (),
        |settings| linprobe_server::Settings {
            token: Some("correct horse".to_owned()),
            ..settings
        },
    );
    let tries = (0..60).map(|i| stage.post("/api/login", &json!({ "token": i.to_string() })));
    let refused = tries.filter(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS).count();
    assert!(refused > 20, "{refused}");
}

#[test]
fn no_address_reaches_a_file_outside_of_the_project() {
    let stage = Stage::with_texts();
    write(&stage.path("secret.txt"), b"secret");
    for id in [
        "..%2F..%2Fsecret.txt",
        "%2e%2e%2f%2e%2e%2fsecret.txt",
        "..%252F..%252Fsecret.txt",
        "%2Fetc%2Fpasswd",
        "..%5C..%5Csecret.txt",
        "r%2F1%00.txt",
        "%c0%ae%c0%ae%c0%afsecret.txt",
        "%EF%BC%8E%EF%BC%8E%EF%BC%8Fsecret.txt",
        "..;%2F..;%2Fsecret.txt",
        "r%2F1%2F..%2F..%2Fsecret.txt",
        "file:%2F%2F%2Fetc%2Fpasswd",
    ] {
        for part in ["", "/content", "/thumbnail"] {
            let answer = stage.get(&format!("/api/projects/texts/records/{id}{part}"));
            assert!(answer.status.is_client_error(), "{id}{part}: {answer:?}");
            assert!(!String::from_utf8_lossy(&answer.bytes).contains("\nsecret"), "{id}");
        }
    }
    for path in ["/../Cargo.toml", "/..%2f..%2fCargo.toml", "/%2e%2e/Cargo.toml", "//etc/passwd"] {
        let answer = stage.get(path);
        assert_eq!(answer.problem(), "not-found", "{path}");
    }
    for slug in ["..", "%2e%2e", "..%2Fprojects%2Ftexts", "%2Fetc"] {
        let answer = stage.get(&format!("/api/projects/{slug}/records"));
        assert!(answer.status.is_client_error(), "{slug}: {answer:?}");
    }
}

#[test]
fn a_classifier_is_never_read_from_a_path() {
    let stage = Stage::with_texts();
    let file = stage.path("elsewhere.json");
    write(&file, br#"{"weights": [1.0], "bias": 0.0}"#);
    let start = json!({ "start": { "classifier": file }, "k": 3 });
    let answer = stage.post("/api/projects/texts/search", &start);
    assert_eq!(answer.problem(), "unknown-classifier");
}

#[test]
fn what_a_dataset_holds_is_never_active() {
    let stage = Stage::new(|folder| {
        let rows = "id,text\n1,<script>alert(1)</script>\n2,<svg onload=alert(1)>\n";
        write(&folder.join("data/rows.csv"), rows.as_bytes());
        index(&folder.join("projects/rows"), &folder.join("data/rows.csv"));
    });
    for id in ["1", "2"] {
        let answer = stage.get(&format!("/api/projects/rows/records/{id}/content"));
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
    }
}

#[test]
fn every_answer_tells_the_browser_to_run_nothing_of_strangers_and_to_frame_nothing() {
    let stage = Stage::with_texts();
    for path in ["/", "/api/projects", "/api/nothing", "/nothing"] {
        let headers = stage.get(path).headers;
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
    }
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let stage = Stage::with_texts();
    let large = vec![b' '; (20 << 20) + 1];
    let request = change(Method::POST, "/api/projects/texts/uploads");
    assert_eq!(stage.send(request, large.clone()).problem(), "too-large");
    let request = change(Method::POST, PROJECTS).header(header::CONTENT_TYPE, "application/json");
    assert_eq!(stage.send(request, large).problem(), "too-large");
}

#[test]
fn more_requests_than_any_page_makes_are_turned_away() {
    let stage = Stage::with_texts();
    let health = || stage.get("/api/health");
    let refused = (0..100_000).map(|_| health()).find(|answer| answer.status != StatusCode::OK);
    assert_eq!(refused.expect("one is refused").problem(), "too-many-requests");
}

#[test]
fn strangers_take_nothing_from_those_who_have_the_token() {
    let change_token = |settings| linprobe_server::Settings {
        token: Some("correct horse".to_owned()),
        ..settings
    };
    let stage = Stage::with_settings(|_| (), change_token);
    let begun: Vec<_> = (0..256).map(|_| stage.begin("/api/login")).collect();
    assert_eq!(stage.get(PROJECTS).problem(), "busy");
    let with_token = || {
        let request = Request::get(PROJECTS).header(header::HOST, HOST);
        let request = request.header(header::AUTHORIZATION, "Bearer correct horse");
        stage.send(request, Body::empty()).status
    };
    assert_eq!(with_token(), StatusCode::OK);
    drop(begun);
    for path in [PROJECTS, "/api/health"] {
        let mut refused = (0..100_000).map(|_| stage.get(path));
        assert!(refused.any(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS), "{path}");
        assert_eq!(with_token(), StatusCode::OK, "{path}");
    }
}

#[test]
fn requests_that_never_end_take_a_limited_number_of_places() {
    let stage = Stage::with_texts();
    let begun: Vec<_> = (0..256).map(|_| stage.begin("/api/projects")).collect();
    assert_eq!(stage.get("/api/health").problem(), "busy");
    drop(begun);
    assert_eq!(stage.get("/api/health").status, StatusCode::OK);
}

#[test]
fn an_upload_that_claims_to_be_vast_or_is_no_picture_is_refused() {
    let stage = Stage::with_texts();
    // A BMP of a few bytes that claims 60,000 x 60,000 pixels.
    let mut bmp = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bmp.extend([60_000_u32, 60_000].map(u32::to_le_bytes).concat());
    bmp.extend([1, 0, 24, 0]);
    bmp.extend([0; 32]);
    for bytes in [bmp, b"<svg onload=alert(1)>".to_vec(), Vec::new()] {
        let request = change(Method::POST, "/api/projects/texts/uploads");
        assert_eq!(stage.send(request, bytes).problem(), "bad-file");
    }
}

#[test]
fn a_project_that_is_broken_says_so_and_stops_no_other() {
    let stage = Stage::new(|folder| {
        write(&folder.join("data/texts.csv"), b"id,text\n1,a dog\n2,a cat\n");
        index(&folder.join("projects/good"), &folder.join("data/texts.csv"));
        write(&folder.join("projects/bad/project.db"), b"this is no database at all, not at all");
    });
    let projects = stage.got(PROJECTS);
    let status = |slug: &str| {
        let all = projects["projects"].as_array().unwrap();
        all.iter().find(|project| project["slug"] == slug).unwrap()["status"].clone()
    };
    assert_eq!((status("good"), status("bad")), (json!("ready"), json!("broken")));
    assert_eq!(stage.get("/api/projects/bad/records").problem(), "broken-project");
    assert_eq!(stage.get("/api/projects/good/records").status, StatusCode::OK);
}

#[test]
fn a_project_that_is_made_stays_in_its_folder() {
    let stage = Stage::with_texts();
    let made = stage.did(PROJECTS, &json!({ "name": "../../Escaped Project" }));
    assert_eq!(made["slug"], "escaped-project");
    assert!(stage.path("projects/escaped-project/project.db").exists());
    let again = stage.post(PROJECTS, &json!({ "name": "escaped project" }));
    assert_eq!(again.problem(), "name-taken");
    for name in ["", "..", "///", &"x".repeat(300)] {
        let answer = stage.post(PROJECTS, &json!({ "name": name }));
        assert_eq!(answer.problem(), "bad-request", "{name}");
    }
}

#[test]
fn a_connection_that_never_ends_its_request_is_closed() {
    let stage = Stage::with_texts();
    let url = stage.listen_with(|server| server.with_head_time(Duration::from_millis(50)));
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    connection.write_all(b"GET / HTTP/1.1\r\nhost: ").unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).unwrap();
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}
