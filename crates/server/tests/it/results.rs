//! What is taken away from a session: predictions, files, comparisons, branches, audits.

use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::stage::{Stage, change};

const PROJECT: &str = "/api/projects/texts";
const SESSION: &str = "/api/projects/texts/sessions/stars";

/// A session with two rounds of labels that want what is about space.
fn labelled() -> Stage {
    let stage = Stage::with_texts();
    let start = json!({ "name": "stars", "start": { "phrases": ["stars"] } });
    stage.did(&format!("{PROJECT}/sessions"), &start);
    for round in 0..2 {
        label_round(&stage, round);
    }
    stage.did(&format!("{SESSION}/fit"), &json!({}));
    stage
}

fn label_round(stage: &Stage, number: usize) {
    let round = stage.did(&format!("{SESSION}/rounds"), &json!({ "k": 6 }));
    let shown = round["round"]["records"].as_array().unwrap().iter().enumerate();
    let answers = shown.map(|(i, shown)| {
        let label = if shown["record"]["label"] == "space" { 1.0 } else { -1.0 };
        json!({ "request": format!("{number}/{i}"), "id": shown["record"]["id"], "label": label })
    });
    let answers: Vec<Value> = answers.collect();
    stage.did(&format!("{SESSION}/answers"), &json!({ "answers": answers }));
}

#[test]
fn pages_of_predictions_are_the_whole_ranking() {
    let stage = labelled();
    let page =
        |offset: usize| stage.got(&format!("{SESSION}/predictions?limit=25&offset={offset}"));
    let pages = [page(0), page(25), page(50)];
    let all = pages.iter().flat_map(|page| page["predictions"].as_array().unwrap());
    let all: Vec<&Value> = all.collect();
    assert_eq!((all.len(), &pages[0]["total"]), (60, &json!(60)));
    let scores: Vec<f64> = all.iter().map(|p| p["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b));
    assert_eq!(all.iter().filter(|p| !p["label"].is_null()).count(), 12);
    let folded = stage.got(&format!("{SESSION}/predictions?limit=60&fold_duplicates=true"));
    let shown = folded["predictions"].as_array().unwrap();
    let n_folded: u64 = shown.iter().map(|p| p["n_folded"].as_u64().unwrap()).sum();
    assert_eq!(shown.len() as u64 + n_folded, 60);
    assert!(n_folded > 0, "the texts differ by a number alone");
}

#[test]
fn an_exported_classifier_comes_back_and_scores_the_same() {
    let stage = labelled();
    for (format, ending) in [("safetensors", "stars.safetensors"), ("json", "stars.json")] {
        let file = stage.get(&format!("{SESSION}/export?format={format}&threshold=0.5"));
        assert_eq!(file.status, StatusCode::OK);
        let disposition = file.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
        assert!(disposition.contains(ending), "{disposition}");
        let path = format!("{PROJECT}/classifiers?name=copy-{format}");
        let entry = stage.send(change(Method::POST, &path), file.bytes);
        assert_eq!(entry.status, StatusCode::CREATED, "{entry:?}");
        assert_eq!(entry.json()["threshold"], 0.5);
        let compared = stage.got(&format!("{PROJECT}/compare?a=stars&b=copy-{format}&k=20"));
        assert_eq!(compared["agreement"], json!({ "both": 20, "only_a": 0, "only_b": 0 }));
        let classifiers = stage.got(&format!("{PROJECT}/classifiers"));
        assert!(classifiers.to_string().contains(&format!("copy-{format}")));
    }
    let rubbish = change(Method::POST, &format!("{PROJECT}/classifiers?name=x"));
    assert_eq!(stage.send(rubbish, "rubbish").problem(), "bad-file");
}

#[test]
fn predictions_and_labels_are_files_that_are_saved_and_not_shown() {
    let stage = labelled();
    for (path, start) in [
        ("export-predictions?format=csv&only=positive&threshold=-99", "rank,id,score"),
        ("export-predictions?format=jsonl", "{\"id\":"),
        ("export-predictions?format=parquet", "PAR1"),
        ("export-labels?format=csv", "id,label,round"),
        ("export-labels?format=jsonl", "{\"id\":"),
    ] {
        let file = stage.get(&format!("{SESSION}/{path}"));
        assert!(file.bytes.starts_with(start.as_bytes()), "{path}: {file:?}");
        assert_eq!(file.headers[header::CONTENT_TYPE], "application/octet-stream");
        let disposition = file.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
        assert!(disposition.starts_with("attachment; filename="), "{disposition}");
    }
    let labels = stage.get(&format!("{SESSION}/export-labels?format=csv"));
    assert_eq!(String::from_utf8(labels.bytes).unwrap().lines().count(), 13);
    let snippets = stage.got(&format!("{SESSION}/snippets?format=json"));
    assert!(snippets["python"].as_str().unwrap().contains("stars.json"));
}

#[test]
fn a_branch_goes_on_from_an_earlier_round_and_can_be_compared() {
    let stage = labelled();
    let history = stage.got(&format!("{SESSION}/history"));
    assert_eq!(history["rounds"].as_array().unwrap().len(), 2);
    assert_eq!(history["rounds"][0]["records"].as_array().unwrap().len(), 6);
    let branch = stage.did(&format!("{SESSION}/branch"), &json!({ "round": 1 }));
    assert_eq!((&branch["name"], &branch["n_labels"]), (&json!("stars 2"), &json!(6)));
    let compared = stage.got(&format!("{PROJECT}/compare?a=stars@0&b=stars&k=10"));
    assert_eq!(compared["a"], json!({ "name": "stars", "round": 0 }));
    let moved = compared["moved"].as_array().unwrap();
    let agreement = &compared["agreement"];
    let n = |name: &str| agreement[name].as_u64().unwrap();
    assert_eq!(moved.len() as u64, n("both") + n("only_a") + n("only_b"));
    let none = stage.get(&format!("{PROJECT}/compare?a=stars@x&b=stars"));
    assert_eq!(none.problem(), "unknown-classifier");
}

#[test]
fn a_threshold_is_chosen_by_what_is_wanted() {
    let stage = labelled();
    let path = format!("{SESSION}/threshold");
    let chosen = stage.did(&path, &json!({ "policy": "count", "value": 7 }));
    assert_eq!(chosen["n_above"], 7);
    let start = json!({ "name": "unlabelled", "start": { "phrases": ["stars"] } });
    stage.did(&format!("{PROJECT}/sessions"), &start);
    let unlabelled = format!("{PROJECT}/sessions/unlabelled/threshold");
    let impossible = stage.post(&unlabelled, &json!({ "policy": "precision", "value": 1.0 }));
    assert_eq!(impossible.problem(), "out-of-reach");
    let nonsense = stage.post(&path, &json!({ "policy": "recall", "value": 7 }));
    assert_eq!(nonsense.problem(), "bad-request");
}

#[test]
fn an_audit_is_judged_blind_and_then_measures() {
    let stage = labelled();
    let path = format!("{SESSION}/audit");
    assert_eq!(stage.get(&path).problem(), "no-audit");
    let drawn = stage.did(&path, &json!({ "budget": 12 }));
    assert_eq!((&drawn["open"], &drawn["n_total"]), (&json!(true), &json!(12)));
    assert!(drawn["records"][0].get("score").is_none() && drawn["report"].is_null());
    assert_eq!(stage.did(&path, &json!({ "budget": 5 })), drawn, "an open one goes on");
    let judge = |i: usize| {
        let record = &drawn["records"][i]["record"];
        let label = if record["label"] == "space" { 1.0 } else { -1.0 };
        json!({ "request": format!("audit {i}"), "id": record["id"], "label": label })
    };
    let answers: Vec<Value> = (0..12).map(judge).collect();
    let body = json!({ "answers": answers });
    let judged = stage.did(&format!("{path}/answers"), &body);
    assert_eq!((&judged["open"], &judged["report"]["n_judged"]), (&json!(false), &json!(12)));
    assert_eq!(stage.did(&format!("{path}/answers"), &body), judged, "sent again");
    let undone = stage.did(&format!("{path}/undo"), &json!({ "request": "u" }));
    assert_eq!(undone["n_answered"], 11);
    assert_eq!(stage.did(&format!("{path}/undo"), &json!({ "request": "u" })), undone);
    let insight = stage.got(&format!("{SESSION}/insight"));
    assert_eq!(insight["basis"], "audited");
    let session = stage.did(&format!("{path}/learn"), &json!({}));
    assert_eq!(session["n_labels"], 12 + 11);
    let foreign = json!({ "answers": [{ "request": "f", "id": "r/0", "label": 1.0 }] });
    let foreign = stage.post(&format!("{path}/answers"), &foreign);
    assert!(foreign.status == StatusCode::OK || foreign.problem() == "no-audit");
}

#[test]
fn a_judgement_that_was_taken_back_is_asked_for_though_another_audit_was_drawn_meanwhile() {
    let stage = labelled();
    let path = format!("{SESSION}/audit");
    let judge = |request: &str, audited: &Value| {
        let answer = json!({ "request": request, "id": audited["record"]["id"], "label": 1.0 });
        stage.did(&format!("{path}/answers"), &json!({ "answers": [answer] }))
    };
    let first = stage.did(&path, &json!({ "budget": 6 }));
    let records = first["records"].as_array().unwrap();
    let last = records.last().unwrap();
    for (idx, audited) in records.iter().enumerate() {
        judge(&format!("judgement {idx}"), audited);
    }
    let second = stage.did(&path, &json!({ "budget": 9 }));
    assert_ne!(second["records"], first["records"]);
    let undone = stage.did(&format!("{path}/undo"), &json!({ "request": "u" }));
    let open = undone["records"].as_array().unwrap().iter().find(|one| one["answer"].is_null());
    assert_eq!(open.unwrap()["record"], last["record"]);
    assert_eq!(judge("again", last)["records"], second["records"], "now the second has its turn");
}

#[test]
fn a_record_can_be_had_in_parts_and_is_not_sent_twice() {
    let stage = labelled();
    let path = format!("{PROJECT}/records/r%2F1/content");
    let whole = stage.get(&path);
    let tag = whole.headers[header::ETAG].clone();
    let get = || axum::http::Request::get(&path).header(header::HOST, crate::stage::HOST);
    let part = stage.send(get().header(header::RANGE, "bytes=2-5"), "");
    assert_eq!((part.status, &part.bytes[..]), (StatusCode::PARTIAL_CONTENT, &whole.bytes[2..6]));
    let known = stage.send(get().header(header::IF_NONE_MATCH, tag), "");
    assert_eq!((known.status, known.bytes.len()), (StatusCode::NOT_MODIFIED, 0));
    let behind = stage.send(get().header(header::RANGE, "bytes=9999-"), "");
    assert_eq!(behind.status, StatusCode::RANGE_NOT_SATISFIABLE);
}
