//! The door into the process: it answers as the server does, over the sessions that the caller has open.

use std::sync::Arc;

use linprobe::{Label, Method, Project, RecordId, StartFrom, Strategy};
use linprobe_server::{Answered, Desk, Door};
use serde_json::{Value, json};

use crate::stage::{Stage, surroundings};

/// A desk with a session `pets`, and a door to it.
fn open(stage: &Stage) -> (Arc<Desk>, Door) {
    let project = Project::open(&stage.path("projects/texts"), surroundings()).unwrap();
    let start = StartFrom { phrases: vec!["a pet".to_owned()], ..StartFrom::default() };
    let session = pollster::block_on(project.start_session("pets", &start, Method::default()));
    let desk = Arc::new(Desk::new(Arc::new(project)));
    assert_eq!(desk.open(session.unwrap()), "pets");
    let door = Door::new(Arc::clone(&desk), surroundings()).unwrap();
    (desk, door)
}

fn json_of(answered: &Answered) -> Value {
    serde_json::from_slice(&answered.body).unwrap()
}

fn label(door: &Door, id: &str, label: f32) {
    let answer = json!({ "request": format!("label-{id}"), "id": id, "label": label });
    let path = format!("projects/{}/sessions/pets/answers", door.slug());
    let answered = door.answer("POST", &path, json!({ "answers": [answer] }).to_string());
    assert_eq!(json_of(&answered)["answers"][0]["status"], "recorded", "{:?}", json_of(&answered));
}

#[test]
fn what_is_labelled_through_the_door_is_at_once_in_the_session_of_whoever_opened_it() {
    let stage = Stage::with_texts();
    let (desk, door) = open(&stage);
    label(&door, "r/3", 1.0);
    let view = desk.view("pets").unwrap();
    let labels: Vec<_> = view.state().labels().map(|(id, label)| (id.to_string(), label)).collect();
    assert_eq!(labels, [("r/3".to_owned(), Label::RELEVANT)]);
}

#[test]
fn what_is_done_beside_the_door_shows_through_it() {
    let stage = Stage::with_texts();
    let (desk, door) = open(&stage);
    let round = desk
        .work("pets", |session| Ok(pollster::block_on(session.next_round(3, Strategy::Auto))?))
        .unwrap();
    let path = format!("projects/{}/sessions/pets", door.slug());
    let shown = json_of(&door.answer("GET", &path, String::new()));
    assert_eq!(shown["round_open"]["number"], round.number);
    assert_eq!(shown["round_open"]["records"].as_array().unwrap().len(), 3);
}

#[test]
fn two_desks_over_one_project_lose_nothing_to_one_another() {
    let stage = Stage::with_texts();
    let (desk, door) = open(&stage);
    let project = Project::open(&stage.path("projects/texts"), surroundings()).unwrap();
    let other = Desk::new(Arc::new(project));
    for id in ["r/1", "r/2"] {
        label(&door, id, 1.0);
        let id = RecordId::new(format!("{id}0")).unwrap();
        let irrelevant = |session: &mut linprobe::Session| {
            Ok(pollster::block_on(session.label(&id, Label::IRRELEVANT))?)
        };
        other.work("pets", irrelevant).unwrap();
    }
    label(&door, "r/5", 1.0);
    assert_eq!(desk.view("pets").unwrap().state().labels().count(), 5);
    other.resume("pets").unwrap();
    assert_eq!(other.view("pets").unwrap().state().labels().count(), 5);
}

#[test]
fn what_cannot_be_answered_is_a_problem_with_its_reason() {
    let stage = Stage::with_texts();
    let (_desk, door) = open(&stage);
    for (method, path, status, kind) in [
        ("GET", "projects/elsewhere", 404, "unknown-project"),
        ("GET", "projects/texts/sessions/none", 404, "unknown-session"),
        ("GET", "nothing", 404, "not-found"),
        ("PUT", "projects", 405, "method-not-allowed"),
        ("GET", "no uri", 400, "bad-request"),
    ] {
        let answered = door.answer(method, path, String::new());
        assert_eq!((answered.status, answered.form.as_str()), (status, "application/problem+json"));
        assert_eq!(json_of(&answered)["type"], kind, "{path}");
    }
}
