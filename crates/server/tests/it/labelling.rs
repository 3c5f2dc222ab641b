//! The loop over HTTP: rounds, answers, undo, several people, and what is there after a restart.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use linprobe::Clock;
use serde_json::{Value, json};

use crate::stage::{Stage, index, texts, write};

const SESSIONS: &str = "/api/projects/texts/sessions";
const SESSION: &str = "/api/projects/texts/sessions/stars%20at%20night";

fn with_session() -> Stage {
    let stage = Stage::with_texts();
    let start = json!({ "name": "stars at night", "start": { "phrases": ["stars and planets"] } });
    let session = stage.did(SESSIONS, &start);
    assert_eq!(session["name"], "stars at night");
    stage
}

fn round(stage: &Stage, annotator: &str) -> Value {
    let asked = json!({ "annotator": annotator, "k": 3 });
    stage.did(&format!("{SESSION}/rounds"), &asked)["round"].clone()
}

fn ids(round: &Value) -> Vec<String> {
    let records = round["records"].as_array().unwrap().iter();
    records.map(|shown| shown["record"]["id"].as_str().unwrap().to_owned()).collect()
}

fn say(stage: &Stage, annotator: &str, request: &str, id: &str, label: f32) -> Value {
    let answers = json!([{ "request": request, "id": id, "label": label }]);
    let body = json!({ "annotator": annotator, "answers": answers });
    stage.did(&format!("{SESSION}/answers"), &body)
}

#[test]
fn two_tabs_of_one_session_get_different_records() {
    let stage = with_session();
    let (ann, bob) = (round(&stage, "ann"), round(&stage, "bob"));
    assert!(ids(&ann).iter().all(|id| !ids(&bob).contains(id)));
    assert_eq!(round(&stage, "ann"), ann, "a reload gives the same round");
    let open = stage.got(&format!("{SESSION}?annotator=bob"));
    assert_eq!(open["round_open"], bob);
    assert_eq!(open["annotators"], json!(["ann", "bob"]));
}

#[test]
fn all_who_ask_at_once_get_a_full_round_of_records_that_nobody_else_has() {
    let stage = with_session();
    let rounds = std::thread::scope(|scope| {
        let ask = |n: usize| {
            let stage = &stage;
            scope.spawn(move || ids(&round(stage, &format!("labeller {}", n % 8))))
        };
        let asking: Vec<_> = (0..16).map(ask).collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });
    let (first, again) = rounds.split_at(8);
    assert_eq!(first, again, "whoever asks twice gets one round");
    let different: BTreeSet<&String> = first.iter().flatten().collect();
    assert_eq!((different.len(), first.iter().all(|round| round.len() == 3)), (24, true));
}

#[test]
fn what_somebody_has_left_open_for_half_an_hour_goes_to_others() {
    let minutes = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&minutes);
    let prepare = |folder: &std::path::Path| {
        let table = folder.join("data/texts.csv");
        write(&table, texts().as_bytes());
        index(&folder.join("projects/texts"), &table);
    };
    let stage = Stage::with_settings(prepare, |mut settings| {
        settings.surroundings.clock = Clock::new(move || told.load(Ordering::Relaxed) * 60_000);
        settings
    });
    stage.did(SESSIONS, &json!({ "name": "stars at night", "start": { "phrases": ["stars"] } }));
    let ann = ids(&round(&stage, "ann"));
    minutes.store(20, Ordering::Relaxed);
    say(&stage, "ann", "a", &ann[0], 1.0);
    minutes.store(45, Ordering::Relaxed);
    let bob = ids(&round(&stage, "bob"));
    assert!(ann.iter().all(|id| !bob.contains(id)), "ann has answered 25 minutes ago");
    minutes.store(51, Ordering::Relaxed);
    let mut eve = Vec::new();
    while !ann[1..].iter().all(|id| eve.contains(id)) {
        let asked = json!({ "annotator": "eve", "k": 30, "rest": "skip" });
        let next = stage.did(&format!("{SESSION}/rounds"), &asked)["round"].clone();
        assert!(!ids(&next).is_empty(), "{ann:?} never came: {eve:?}");
        eve.extend(ids(&next));
    }
    assert!(!eve.contains(&ann[0]) && bob.iter().all(|id| !eve.contains(id)));
    assert_eq!(say(&stage, "ann", "b", &ann[1], -1.0)["answers"][0]["status"], "recorded");
    let history = stage.got(&format!("{SESSION}/history"));
    assert_eq!(history["rounds"][0]["records"].as_array().unwrap().len(), 1);
}

#[test]
fn a_label_that_is_sent_again_counts_once_and_one_that_is_refused_stops_no_other() {
    let stage = with_session();
    let shown = ids(&round(&stage, "ann"));
    let answers = json!([
        { "request": "a", "id": shown[0], "label": 1.0 },
        { "request": "b", "id": "no such record", "label": 1.0 },
        { "request": "c", "id": shown[1], "label": 7.0 },
        { "request": "d", "id": shown[2], "skip": true },
        { "request": "e", "id": shown[1], "skip": true, "label": 1.0 },
    ]);
    let body = json!({ "annotator": "ann", "answers": answers });
    let first = stage.did(&format!("{SESSION}/answers"), &body);
    let statuses = |done: &Value| -> Vec<String> {
        let answers = done["answers"].as_array().unwrap().iter();
        answers.map(|answer| answer["status"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(statuses(&first), ["recorded", "refused", "refused", "recorded", "refused"]);
    assert_eq!(first["answers"][1]["problem"]["type"], "unknown-record");
    assert_eq!(first["answers"][2]["problem"]["type"], "bad-label");
    let stage = stage.restart();
    let again = stage.did(&format!("{SESSION}/answers"), &body);
    assert_eq!(statuses(&again)[0], "repeated");
    assert_eq!((&again["version"], &again["n_labels"]), (&first["version"], &json!(1)));
}

#[test]
fn undo_takes_back_ones_own_last_label_even_after_a_restart() {
    let stage = with_session();
    let (ann, bob) = (ids(&round(&stage, "ann")), ids(&round(&stage, "bob")));
    say(&stage, "ann", "a", &ann[0], 0.5);
    say(&stage, "bob", "b", &bob[0], -1.0);
    let stage = stage.restart();
    let undo = json!({ "annotator": "ann", "request": "u" });
    let undone = stage.did(&format!("{SESSION}/undo"), &undo);
    assert_eq!(undone["undone"]["id"], ann[0]);
    assert_eq!(undone["undone"]["answer"], json!({ "label": 0.5 }));
    assert_eq!(stage.did(&format!("{SESSION}/undo"), &undo), undone, "sent again");
    let session = stage.got(&format!("{SESSION}?annotator=ann"));
    assert_eq!((&session["can_undo"], &session["n_labels"]), (&json!(false), &json!(1)));
}

#[test]
fn the_rest_of_a_round_is_irrelevant_in_one_request() {
    let stage = with_session();
    let shown = ids(&round(&stage, "ann"));
    say(&stage, "ann", "a", &shown[0], 1.0);
    let asked = json!({ "annotator": "ann", "k": 3, "rest": "irrelevant" });
    let next = stage.did(&format!("{SESSION}/rounds"), &asked);
    assert_eq!((&next["insight"]["n_labels"], &next["round"]["number"]), (&json!(3), &json!(2)));
    assert_eq!(next["insight"]["n_positive_found"], 1);
    assert_eq!(next["insight"]["rounds"][0]["n_positive"], 1);
}

#[test]
fn an_insight_counts_every_record_once() {
    let stage = with_session();
    let insight = stage.got(&format!("{SESSION}/insight?threshold=0.5"));
    let counts = insight["histogram"]["counts"].as_array().unwrap();
    assert_eq!(counts.iter().map(|n| n.as_u64().unwrap()).sum::<u64>(), 60);
    assert_eq!(insight["threshold"], 0.5);
    let table = insight["thresholds"].as_array().unwrap();
    assert_eq!(table[0]["n_above"], 60);
    assert_eq!(insight["basis"], "expected");
}

#[test]
fn labels_that_another_process_has_written_are_not_lost_and_do_not_stop_the_page() {
    let stage = with_session();
    let shown = ids(&round(&stage, "ann"));
    let surroundings = linprobe::Surroundings {
        models: linprobe::OpenOptions::default(),
        clock: Clock::new(|| 0),
    };
    let project = linprobe::Project::open(&stage.path("projects/texts"), surroundings).unwrap();
    let mut there = pollster::block_on(project.resume_session("stars at night")).unwrap();
    let label = linprobe::Label::RELEVANT;
    pollster::block_on(there.label(&linprobe::RecordId::new("r/59").unwrap(), label)).unwrap();
    let done = say(&stage, "ann", "a", &shown[0], 1.0);
    assert_eq!((&done["answers"][0]["status"], &done["n_labels"]), (&json!("recorded"), &json!(2)));
}
