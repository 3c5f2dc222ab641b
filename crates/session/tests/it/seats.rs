//! Several people at one session: everybody has a round of their own, and a request is done once.

use std::time::Duration;

use linprobe_core::RecordId;
use linprobe_session::{Annotator, Answer, Recorded, RequestId, Round, Session, Strategy, Undone};
use pollster::FutureExt;
use rusqlite::Connection;

use crate::stage::{Act, Stage, id, ids, label};

fn name(name: &str) -> Annotator {
    Annotator::new(name).unwrap()
}

fn request(name: &str) -> RequestId {
    RequestId::new(name).unwrap()
}

fn round_of(session: &mut Session, by: &str) -> Round {
    session.seat(Some(name(by))).next_round(3, Strategy::Top).block_on().unwrap()
}

fn say(session: &mut Session, by: &str, id: &RecordId, value: f32) {
    let answer = Answer::Labelled(label(value));
    session.seat(Some(name(by))).answer(id, answer, None).block_on().unwrap();
}

#[test]
fn nobody_is_given_what_is_open_elsewhere_and_everybody_keeps_their_round() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    let (ann, bob) = (round_of(&mut session, "ann"), round_of(&mut session, "bob"));
    assert!(ids(&ann).iter().all(|id| !ids(&bob).contains(id)));
    assert_eq!((ann.by.clone(), bob.by.clone()), (Some(name("ann")), Some(name("bob"))));
    let mut session = stage.resume(session.id());
    assert_eq!(round_of(&mut session, "ann"), ann);
    assert_eq!(round_of(&mut session, "bob"), bob);
    assert_ne!(session.round(3).number, ann.number, "nobody in particular has a third");
}

fn release(session: &mut Session, by: &str, patience_ms: u64) -> usize {
    session.seat(Some(name(by))).release_idle(Duration::from_millis(patience_ms)).unwrap()
}

#[test]
fn what_is_left_open_for_long_is_shown_to_others_and_answered_after_all_it_counts() {
    let stage = Stage::new(6);
    let mut session = stage.start("dogs");
    let ann = round_of(&mut session, "ann");
    say(&mut session, "ann", &ann.records[0].id, 1.0);
    assert_eq!(release(&mut session, "bob", 60_000), 0, "ann may still be thinking");
    assert_eq!(release(&mut session, "ann", 0), 0, "one's own stays");
    assert_eq!(release(&mut session, "bob", 0), 2);
    assert_eq!(release(&mut session, "bob", 0), 0, "once");
    let (bob, eve) = (round_of(&mut session, "bob"), round_of(&mut session, "eve"));
    let shown: Vec<RecordId> = [ids(&bob), ids(&eve)].concat();
    assert!(shown.contains(&ann.records[1].id) && shown.contains(&ann.records[2].id));
    assert!(!shown.contains(&ann.records[0].id), "what ann has answered stays hers");
    say(&mut session, "ann", &ann.records[1].id, -1.0);
    assert_eq!(session.state().label(&ann.records[1].id), Some(label(-1.0)));
    assert_eq!(stage.resume(session.id()).state(), session.state());
}

#[test]
fn who_comes_back_and_takes_an_answer_back_has_that_record_open_and_no_other() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    let ann = round_of(&mut session, "ann");
    say(&mut session, "ann", &ann.records[0].id, 1.0);
    release(&mut session, "bob", 0);
    session.seat(Some(name("ann"))).undo(None).unwrap();
    let open = round_of(&mut session, "ann");
    assert_eq!(open.open().map(|record| &record.id).collect::<Vec<_>>(), [&ann.records[0].id]);
    assert_eq!(session.seat(Some(name("ann"))).answer_rest(Answer::Skipped).unwrap(), 1);
    assert_eq!(session.state().label(&ann.records[1].id), None);
}

#[test]
fn a_session_that_was_resumed_knows_how_long_somebody_is_away() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    round_of(&mut session, "ann");
    let mut session = stage.resume(session.id());
    assert_eq!(release(&mut session, "bob", 60_000), 0);
    assert_eq!(release(&mut session, "bob", 0), 3);
}

#[test]
fn undo_takes_back_ones_own_last_answer() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    let (ann, bob) = (round_of(&mut session, "ann"), round_of(&mut session, "bob"));
    say(&mut session, "ann", &ann.records[0].id, 1.0);
    say(&mut session, "bob", &bob.records[0].id, -1.0);
    let undone = session.seat(Some(name("ann"))).undo(None).unwrap().unwrap();
    assert_eq!(undone.id, ann.records[0].id);
    assert_eq!(session.seat(Some(name("ann"))).undo(None).unwrap(), None);
    assert_eq!(session.state().label(&bob.records[0].id), Some(label(-1.0)));
    assert_eq!(stage.resume(session.id()).state(), session.state());
}

#[test]
fn an_answer_that_somebody_else_has_overruled_leaves_nothing_when_it_is_undone() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    say(&mut session, "ann", &id(4), 1.0);
    say(&mut session, "bob", &id(4), -1.0);
    session.seat(Some(name("ann"))).undo(None).unwrap();
    assert_eq!(session.state().label(&id(4)), Some(label(-1.0)), "what bob said stands");
    assert!(session.state().seen().contains(&id(4)));
    session.seat(Some(name("bob"))).undo(None).unwrap();
    assert_eq!(session.state().label(&id(4)), None, "what ann took back does not come back");
    assert!(!session.state().seen().contains(&id(4)));
}

#[test]
fn a_request_that_is_sent_again_changes_nothing_not_even_after_a_restart() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    let answer = |session: &mut Session, value| {
        let answer = Answer::Labelled(label(value));
        session
            .seat(Some(name("ann")))
            .answer(&id(4), answer, Some(request("a")))
            .block_on()
            .unwrap()
    };
    assert_eq!(answer(&mut session, 1.0), Recorded::Now);
    say(&mut session, "ann", &id(4), 0.5);
    let mut session = stage.resume(session.id());
    let before = session.state().clone();
    assert_eq!(answer(&mut session, 1.0), Recorded::Before);
    assert_eq!(*session.state(), before);
}

#[test]
fn a_request_that_said_what_was_said_already_changes_nothing_later() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    say(&mut session, "ann", &id(4), 1.0);
    let answer = |session: &mut Session| {
        let answer = Answer::Labelled(label(1.0));
        let mut seat = session.seat(Some(name("ann")));
        seat.answer(&id(4), answer, Some(request("a"))).block_on().unwrap()
    };
    answer(&mut session);
    say(&mut session, "bob", &id(4), -1.0);
    assert_eq!(answer(&mut session), Recorded::Before);
    assert_eq!(session.state().label(&id(4)), Some(label(-1.0)));
}

#[test]
fn the_same_label_once_more_is_no_answer_to_take_back() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    say(&mut session, "ann", &id(4), 1.0);
    let before = session.state().clone();
    say(&mut session, "ann", &id(4), 1.0);
    assert_eq!(*session.state(), before, "without a name nothing is written down");
    let mut seat = session.seat(Some(name("ann")));
    let (answer, request) = (Answer::Labelled(label(1.0)), Some(request("a")));
    assert_eq!(seat.answer(&id(4), answer, request).block_on().unwrap(), Recorded::Now);
    assert_eq!(seat.undo(None).unwrap(), Some(Undone { id: id(4), answer, label: None }));
    assert_eq!(stage.resume(session.id()).state(), session.state());
}

#[test]
fn an_undo_that_is_sent_again_says_the_same_and_takes_back_nothing_more() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    say(&mut session, "ann", &id(1), 1.0);
    say(&mut session, "ann", &id(2), 1.0);
    let first = session.seat(Some(name("ann"))).undo(Some(request("u"))).unwrap();
    let answer = Answer::Labelled(label(1.0));
    assert_eq!(first, Some(Undone { id: id(2), answer, label: None }));
    let mut session = stage.resume(session.id());
    assert_eq!(session.seat(Some(name("ann"))).undo(Some(request("u"))).unwrap(), first);
    assert_eq!(session.state().label(&id(1)), Some(label(1.0)));
}

#[test]
fn the_rest_of_a_round_is_answered_at_ones_own_seat_alone() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    let (ann, bob) = (round_of(&mut session, "ann"), round_of(&mut session, "bob"));
    say(&mut session, "ann", &ann.records[1].id, 1.0);
    let irrelevant = Answer::Labelled(label(-1.0));
    assert_eq!(session.seat(Some(name("ann"))).answer_rest(irrelevant).unwrap(), 2);
    assert_eq!(session.state().label(&ann.records[0].id), Some(label(-1.0)));
    assert_eq!(session.state().label(&ann.records[1].id), Some(label(1.0)));
    assert_eq!(round_of(&mut session, "bob"), bob);
}

#[test]
fn what_nobody_in_particular_did_is_written_as_it_always_was() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    session.say(&id(4), 1.0);
    say(&mut session, "ann", &id(5), 1.0);
    let database = Connection::open(stage.database()).unwrap();
    let payload = |seq: u64| -> String {
        let select = "SELECT payload FROM events WHERE seq = ?1";
        database.query_row(select, [seq], |row| row.get(0)).unwrap()
    };
    assert_eq!(payload(2), r#"{"event":"labelled","id":"4","label":1.0}"#);
    assert_eq!(payload(3), r#"{"event":"labelled","id":"5","label":1.0,"by":"ann"}"#);
}
