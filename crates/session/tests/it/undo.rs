//! Undo walks back answer by answer, whatever lies between.

use linprobe_session::{Answer, Undone};
use pollster::FutureExt;

use crate::stage::{Act, Stage, id, ids, label};

#[test]
fn undo_walks_back_across_rounds_and_restarts() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    let first = ids(&session.round(2));
    session.say(&first[0], 1.0);
    session.pass(&first[1]);
    session.fit().block_on().unwrap();
    let second = ids(&session.round(2));
    session.say(&second[0], -0.5);

    let mut session = stage.resume(session.id());
    let undone =
        |answer, id: &linprobe_core::RecordId| Some(Undone { id: id.clone(), answer, label: None });
    let labelled = |value| Answer::Labelled(label(value));
    assert_eq!(session.undo().unwrap(), undone(labelled(-0.5), &second[0]));
    assert_eq!(session.undo().unwrap(), undone(Answer::Skipped, &first[1]));
    let mut session = stage.resume(session.id());
    assert_eq!(session.undo().unwrap(), undone(labelled(1.0), &first[0]));
    assert_eq!(session.undo().unwrap(), None);
    assert_eq!(session.state().labels().len(), 0);
}

#[test]
fn a_record_whose_answer_is_undone_is_open_again_before_later_rounds() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    let first = ids(&session.round(2));
    for record in &first {
        session.say(record, 1.0);
    }
    let second = session.round(2);
    session.undo().unwrap();
    let open: Vec<_> = session.round(2).open().map(|record| record.id.clone()).collect();
    assert_eq!(open, [first[1].clone()]);
    session.say(&first[1], -1.0);
    assert_eq!(session.round(2), second);
}

#[test]
fn undoing_a_relabel_restores_the_earlier_label() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    let record = ids(&session.round(1)).remove(0);
    session.say(&record, 1.0);
    session.say(&record, -0.25);
    assert_eq!(session.state().label(&record), Some(label(-0.25)));
    assert_eq!(session.state().labels().len(), 1);
    assert_eq!(session.undo().unwrap().unwrap().label, Some(label(1.0)));
    assert_eq!(session.state().label(&record), Some(label(1.0)));
    let shown = session.state().shown(&record).unwrap();
    assert_eq!(shown.answer, Some(Answer::Labelled(label(1.0))));
    session.undo().unwrap();
    assert_eq!(session.state().label(&record), None);
}

#[test]
fn the_same_label_once_more_changes_nothing() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    session.say(&id(4), 0.5);
    let before = session.state().clone();
    session.say(&id(4), 0.5);
    assert_eq!(*session.state(), before);
    session.undo().unwrap();
    assert_eq!(session.state().label(&id(4)), None);
}

#[test]
fn the_same_label_answers_a_record_that_is_shown_again() {
    let stage = Stage::new(3);
    let mut session = stage.start("dogs");
    let shown = ids(&session.round(1)).remove(0);
    session.say(&shown, 1.0);
    session.reset_seen().unwrap();
    let again = session.round(1);
    assert_eq!(ids(&again), std::slice::from_ref(&shown));
    session.say(&shown, 1.0);
    assert_ne!(session.round(1).number, again.number);
}

#[test]
fn a_record_that_was_answered_without_being_shown_may_be_shown_after_undo() {
    let stage = Stage::new(3);
    let mut session = stage.start("dogs");
    session.pass(&id(1));
    assert_eq!(session.state().seen().len(), 1);
    session.undo().unwrap();
    assert!(session.state().seen().is_empty());
    assert_eq!(session.round(9).records.len(), 3);
}

#[test]
fn skipping_keeps_a_label() {
    let stage = Stage::new(3);
    let mut session = stage.start("dogs");
    session.say(&id(1), 1.0);
    session.pass(&id(1));
    assert_eq!(session.state().label(&id(1)), Some(label(1.0)));
}

#[test]
fn undoing_an_answer_from_before_a_reset_does_not_hide_or_reopen_records() {
    let stage = Stage::new(3);
    let mut session = stage.start("dogs");
    let shown = ids(&session.round(1)).remove(0);
    session.say(&shown, 1.0);
    session.reset_seen().unwrap();
    session.undo().unwrap();
    assert_eq!(session.state().label(&shown), None);
    assert!(session.state().seen().is_empty());
    assert_eq!(session.state().open_round(None), None);
}
