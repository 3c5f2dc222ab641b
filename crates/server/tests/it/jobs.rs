//! Datasets that are indexed from the page: their progress, their end, and what may not be indexed.

use std::{io::ErrorKind, net::TcpListener, path::Path};

use axum::{Json, Router, http::StatusCode, routing::post};
use linprobe::{HubConfig, OpenOptions, Project, Surroundings};
use serde_json::{Value, json};

use crate::stage::{Stage, surroundings, write};

const JOBS: &str = "/api/projects/new/jobs";

fn with_project() -> Stage {
    let stage = Stage::new(|folder| {
        write(&folder.join("data/texts.csv"), b"id,text\n1,a dog\n2,a cat\n3,\n");
        write(&folder.join("secret/texts.csv"), b"id,text\n1,a secret\n");
        let link = folder.join("data/link");
        std::os::unix::fs::symlink(folder.join("secret"), link).unwrap();
    });
    stage.did("/api/projects", &json!({ "name": "new" }));
    stage
}

/// The events of a job until its end.
fn watched(stage: &Stage, job: &Value) -> Vec<Value> {
    let path = format!("{JOBS}/{}/events", job["id"].as_str().unwrap());
    let stream = String::from_utf8(stage.get(&path).bytes).unwrap();
    let lines = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_job_tells_of_its_progress_until_it_is_done() {
    let stage = with_project();
    assert_eq!(stage.got("/api/projects/new")["status"], "empty");
    assert_eq!(
        stage.post("/api/projects/new/search", &json!({ "start": { "phrases": ["x"] } })).problem(),
        "empty-project"
    );
    let source = stage.path("data/texts.csv");
    let job = stage.did(JOBS, &json!({ "source": source, "text_column": "text" }));
    assert_eq!(job["state"], "running");
    let events = watched(&stage, &job);
    let last = events.last().unwrap();
    assert_eq!(
        (&last["state"], &last["n_embedded"], &last["n_skipped"]),
        (&json!("done"), &json!(2), &json!(1))
    );
    assert_eq!(stage.got(JOBS)["jobs"][0], *last);
    let project = stage.got("/api/projects/new");
    assert_eq!((&project["status"], &project["n_records"]), (&json!("ready"), &json!(2)));
    let skipped = stage.got("/api/projects/new/skipped");
    assert_eq!(skipped["skipped"].as_array().unwrap().len(), 1);
}

#[test]
fn a_job_that_prunes_removes_what_the_dataset_has_no_longer() {
    let stage = with_project();
    let source = stage.path("data/texts.csv");
    watched(&stage, &stage.did(JOBS, &json!({ "source": source })));
    write(&source, b"id,text\n2,a cat\n4,a bird\n");
    let last = watched(&stage, &stage.did(JOBS, &json!({ "source": source }))).pop().unwrap();
    assert_eq!((&last["n_pruned"], &last["n_embedded"]), (&json!(0), &json!(1)));
    assert_eq!(stage.got("/api/projects/new")["n_records"], 3);
    let pruning = json!({ "source": source, "prune": true });
    let last = watched(&stage, &stage.did(JOBS, &pruning)).pop().unwrap();
    assert_eq!((&last["n_pruned"], &last["n_embedded"]), (&json!(1), &json!(0)));
    assert_eq!(stage.got("/api/projects/new")["n_records"], 2);
}

#[test]
fn a_job_that_fails_says_why() {
    let stage = with_project();
    let source = stage.path("data/texts.csv");
    let job = stage.did(JOBS, &json!({ "source": source, "text_column": "no such column" }));
    let last = watched(&stage, &job).pop().unwrap();
    assert_eq!((&last["state"], &last["problem"]["type"]), (&json!("failed"), &json!("bad-file")));
    assert_eq!(stage.get(&format!("{JOBS}/9/events")).problem(), "unknown-job");
    assert_eq!(stage.post(&format!("{JOBS}/1/cancel"), &json!({})).status, StatusCode::OK);
}

#[test]
fn nothing_is_indexed_that_does_not_lie_below_a_data_root() {
    let stage = with_project();
    let root = stage.path("data");
    let root = root.to_str().unwrap();
    for source in [
        stage.path("secret/texts.csv").to_str().unwrap(),
        &format!("{root}/../secret/texts.csv"),
        &format!("{root}/link/texts.csv"),
        &format!("{root}/%2e%2e/secret/texts.csv"),
        &format!("file://{root}/texts.csv"),
        "/etc/passwd",
        "texts.csv",
        "",
        "\u{0}",
    ] {
        let answer = stage.post(JOBS, &json!({ "source": source }));
        assert_eq!(answer.problem(), "outside-roots", "{source:?}");
    }
    let model = stage.path("secret");
    let source = format!("{root}/texts.csv");
    let answer = stage.post(JOBS, &json!({ "source": source, "model": model }));
    assert_eq!(answer.problem(), "outside-roots", "a model is read from the disk as well");
    assert_eq!(stage.got(JOBS)["jobs"], json!([]));
}

/// A server of embeddings that runs until the tests end. Its address.
fn embeddings() -> String {
    let embed = async |Json(asked): Json<Value>| {
        let n_texts = asked["inputs"].as_array().unwrap().len();
        Json(vec![[1.0, 0.5]; n_texts])
    };
    let router = Router::new().route("/embed", post(embed));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    address
}

#[test]
fn no_request_chooses_a_model_on_another_machine_but_that_of_the_project() {
    let own = embeddings();
    let online = || {
        let hub = HubConfig::from_variables(|_| None);
        Surroundings { models: OpenOptions { hub, ..OpenOptions::default() }, ..surroundings() }
    };
    let prepare = |folder: &Path| {
        write(&folder.join("data/texts.csv"), b"id,text\n1,a dog\n");
        Project::create_for(&folder.join("projects/far"), &own, online()).unwrap();
        Project::create(&folder.join("projects/new"), online()).unwrap();
    };
    let stage = Stage::with_settings(prepare, |settings| linprobe_server::Settings {
        surroundings: online(),
        ..settings
    });
    let source = stage.path("data/texts.csv");
    let far = "/api/projects/far/jobs";
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    let address = stranger.local_addr().unwrap();
    for model in [
        format!("http://{address}"),
        format!("http://{address}/v1#model"),
        format!("https://{address}"),
        format!("HTTP://{address}"),
        format!("s3://{address}/model"),
        format!("{own}@{address}"),
    ] {
        for jobs in [JOBS, far] {
            let answer = stage.post(jobs, &json!({ "source": source, "model": model }));
            assert_eq!(answer.problem(), "outside-roots", "{model}");
        }
    }
    assert_eq!(stranger.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "nobody was asked");
    let answer = stage.post(JOBS, &json!({ "source": source, "model": own }));
    assert_eq!(answer.problem(), "outside-roots", "it is the model of another project");
    let job = stage.did(far, &json!({ "source": source, "model": own }));
    let path = format!("{far}/{}/events", job["id"].as_str().unwrap());
    let events = String::from_utf8(stage.get(&path).bytes).unwrap();
    assert!(events.contains(r#""state":"done""#), "{events}");
}
