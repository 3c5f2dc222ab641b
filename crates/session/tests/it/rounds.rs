//! What is shown, what is kept open, and what a fit makes of the labels.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use linprobe_classifier::{LinearClassifier, Start};
use linprobe_core::{Embedding, Point, StoreError};
use linprobe_session::{
    Answer, Groups, NEAR_DUPLICATE, Reason, Round, Session, SessionError, StartExample, Strategy,
};
use pollster::FutureExt;

use crate::stage::{Act, DIMENSION, Stage, id, ids, label, opening, point};

/// Rounds with a strategy until nothing is left; the ids in the order in which they came.
fn play_out(session: &mut Session, k: usize, strategy: Strategy) -> Vec<linprobe_core::RecordId> {
    let mut shown = Vec::new();
    loop {
        let round = session.next_round(k, strategy).block_on().unwrap();
        if round.records.is_empty() {
            return shown;
        }
        for (record, value) in ids(&round).iter().zip([1.0, -1.0, 0.3].into_iter().cycle()) {
            session.say(record, value);
        }
        shown.extend(ids(&round));
        session.fit().block_on().unwrap();
    }
}

#[test]
fn rounds_until_empty_show_each_record_exactly_once() {
    for strategy in Strategy::NAMES.map(|name| name.parse::<Strategy>().unwrap()) {
        for k in [1, 7, 40] {
            let stage = Stage::new(23);
            let shown = play_out(&mut stage.start("dogs"), k, strategy);
            let distinct: BTreeSet<_> = shown.iter().collect();
            assert_eq!((shown.len(), distinct.len()), (23, 23), "{strategy}, {k} a round");
        }
    }
}

#[test]
fn the_top_round_holds_the_highest_scores_under_the_classifier() {
    let stage = Stage::new(50);
    let mut session = stage.start("dogs");
    let classifier = session.classifier().clone();
    let mut scores: Vec<f32> = (0..50).map(|row| classifier.score(&point(row).embedding)).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let round = session.round(5);
    for (record, score) in round.records.iter().zip(scores) {
        assert!((record.score - score).abs() < 1e-4);
        assert_eq!(record.reason, Reason::Top);
    }
}

#[test]
fn a_record_says_how_many_others_are_nearly_the_same() {
    let stage = Stage::new(10);
    let twin = |row| Point { id: id(row + 10), ..point(row) };
    stage.store.upsert(&(0..10).map(twin).collect::<Vec<_>>()).block_on().unwrap();
    let mut session = stage.start("dogs");
    let round = session.next_round(3, Strategy::Auto).block_on().unwrap();
    let cosine = |a: u64, b: u64| point(a % 10).embedding.dot(point(b % 10).embedding.as_slice());
    for record in &round.records {
        let row: u64 = record.id.as_str().parse().unwrap();
        let alike = (0..20).filter(|&other| other != row && cosine(row, other) >= NEAR_DUPLICATE);
        let n_alike = u32::try_from(alike.count()).unwrap();
        assert!(n_alike > 0 && record.n_alike == n_alike, "{record:?}");
    }
    assert_eq!(stage.resume(session.id()).state(), session.state());
}

#[test]
fn of_a_group_one_record_is_shown_and_undoing_its_answer_shows_no_other() {
    let stage = Stage::new(12);
    let mut session = stage.start("dogs");
    let groups: Vec<Vec<_>> = (0..6).map(|row| vec![id(row), id(row + 6)]).collect();
    session.label_once(Arc::new(Groups::new(groups)));
    let shown = play_out(&mut session, 2, Strategy::Top);
    let mut rows: Vec<u64> =
        shown.iter().map(|id| id.as_str().parse::<u64>().unwrap() % 6).collect();
    rows.sort_unstable();
    assert_eq!(rows, [0, 1, 2, 3, 4, 5], "one of each group: {shown:?}");
    assert_eq!(session.state().counts().n_labels, 6);
    session.undo().unwrap();
    assert_eq!(session.next_round(9, Strategy::Random).block_on().unwrap().records.len(), 2);
    let mut without = stage.resume(session.id());
    without.skip_rest().unwrap();
    let rest = without.next_round(20, Strategy::Random).block_on().unwrap();
    assert_eq!(rest.records.len(), 6, "without groups the others are shown");
}

/// The reasons of a round, and how many records are there for each.
fn reasons(round: &Round) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for record in &round.records {
        *counts.entry(record.reason.to_string()).or_default() += 1;
    }
    counts
}

#[test]
fn a_round_of_the_default_mix_says_why_each_record_is_there() {
    let stage = Stage::new(200);
    let mut session = stage.start("dogs");
    let round = |session: &mut Session| session.next_round(10, Strategy::Auto).block_on().unwrap();
    let explored = round(&mut session);
    assert_eq!(reasons(&explored), BTreeMap::from([("explore".into(), 10)]));
    for (place, record) in ids(&explored).iter().enumerate() {
        session.say(record, if place == 0 { 1.0 } else { -1.0 });
    }
    session.fit().block_on().unwrap();
    let mixed = reasons(&round(&mut session));
    assert_eq!(mixed.get("boundary"), Some(&3), "{mixed:?}");
    assert_eq!(mixed.values().sum::<usize>(), 10);
}

#[test]
fn what_is_drawn_at_random_says_how_likely_it_was() {
    let stage = Stage::new(40);
    let mut session = stage.start("dogs");
    let round = session.next_round(10, Strategy::Random).block_on().unwrap();
    assert!(round.records.iter().all(|record| (record.probability - 0.25).abs() < 1e-6));
    assert_eq!(stage.resume(session.id()).state().rounds(), [round]);
}

#[test]
fn a_round_that_is_not_finished_is_given_again() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    let round = session.round(3);
    let shown = ids(&round);
    session.say(&shown[0], 1.0);
    session.pass(&shown[1]);
    session.fit().block_on().unwrap();

    let again = stage.resume(session.id()).round(3);
    assert_eq!((again.number, ids(&again)), (1, shown.clone()));
    let answers: Vec<_> = again.records.iter().map(|record| record.answer).collect();
    assert_eq!(answers, [Some(Answer::Labelled(label(1.0))), Some(Answer::Skipped), None]);

    session.say(&shown[2], -1.0);
    assert_eq!(session.round(3).number, 2);
}

#[test]
fn skipping_the_rest_makes_way_for_a_new_round() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    let first = session.round(4);
    session.say(&first.records[1].id, 1.0);
    assert_eq!(session.skip_rest().unwrap(), 3);
    assert_eq!(session.round(4).number, 2);
}

#[test]
fn a_record_that_was_labelled_without_being_shown_is_not_shown() {
    let stage = Stage::new(10);
    let mut session = stage.start("dogs");
    let best = ids(&session.round(1)).remove(0);
    session.skip_rest().unwrap();
    let next = (0..10).map(id).find(|id| *id != best).unwrap();
    session.say(&next, 1.0);
    let shown = play_out(&mut session, 3, Strategy::Top);
    assert_eq!(shown.len(), 8);
    assert!(!shown.contains(&next));
}

#[test]
fn only_records_of_the_store_can_be_answered() {
    let stage = Stage::new(5);
    let mut session = stage.start("dogs");
    let before = session.state().clone();
    let unknown = id(99);
    let labelled = session.label(&unknown, label(1.0)).block_on().unwrap_err();
    let skipped = session.skip(&unknown).block_on().unwrap_err();
    for error in [labelled, skipped] {
        assert_eq!(error.to_string(), "no record \"99\" in the store");
    }
    assert_eq!(*session.state(), before);
}

#[test]
fn a_reset_shows_all_records_again_and_keeps_the_labels() {
    let stage = Stage::new(12);
    let mut session = stage.start("dogs");
    play_out(&mut session, 5, Strategy::Top);
    assert!(session.round(5).records.is_empty());
    session.reset_seen().unwrap();
    assert_eq!(session.state().labels().len(), 12);
    let again = session.round(5);
    assert_eq!(again.records.len(), 5);
    assert!(again.records.iter().all(|record| record.answer.is_none()));
    session.skip_rest().unwrap();
    assert_eq!(session.state().labels().len(), 12);
    assert_eq!(play_out(&mut session, 5, Strategy::Top).len(), 7);
}

#[test]
fn a_reset_closes_rounds_that_were_open() {
    let stage = Stage::new(12);
    let mut session = stage.start("dogs");
    let before = session.round(4);
    session.reset_seen().unwrap();
    let after = session.round(4);
    assert_eq!((before.number, after.number), (1, 2));
    assert_eq!(ids(&before), ids(&after));
}

#[test]
fn a_fit_counts_labels_and_surveys_every_point() {
    let stage = Stage::new(40);
    let mut session = stage.start("dogs");
    let shown = ids(&session.round(4));
    for (record, value) in shown.iter().zip([1.0, -1.0, 0.5, 0.0]) {
        session.say(record, value);
    }
    let report = session.fit().block_on().unwrap();
    let counts = report.counts;
    assert_eq!((counts.n_labels, counts.n_positive, counts.n_negative), (4, 2, 1));
    assert_eq!(report.n_points, 40);
    assert_eq!(report.histogram.counts.iter().sum::<u64>(), 40);
    let above = (0..40).filter(|&row| report.classifier.score(&point(row).embedding) >= 0.0);
    assert_eq!(report.n_above, above.count() as u64);
    assert!(report.angle > 0.0);
    assert_eq!(&report.classifier, session.classifier());
    assert!(session.fit().block_on().unwrap().angle < 1e-6, "nothing was labelled since");
}

#[test]
fn a_label_whose_record_is_gone_is_kept_and_left_out_of_the_fit() {
    let stage = Stage::new(20);
    let mut session = stage.start("dogs");
    session.say(&id(3), 1.0);
    session.say(&id(4), -1.0);
    stage.store.delete(&[id(3)]).block_on().unwrap();
    let report = session.fit().block_on().unwrap();
    assert_eq!((report.counts.n_labels, report.n_missing), (2, 1));
    assert_eq!(session.state().label(&id(3)), Some(label(1.0)));
}

#[test]
fn examples_of_the_start_count_and_those_of_the_store_are_not_shown() {
    let stage = Stage::new(10);
    let mut opening = opening("dogs");
    opening.query.examples = vec![
        StartExample { id: Some(id(2)), embedding: point(2).embedding, label: label(1.0) },
        StartExample { id: None, embedding: point(77).embedding, label: label(-1.0) },
    ];
    let mut session = stage.open(opening.clone());
    assert_ne!(session.classifier(), stage.start("no examples").classifier());
    assert_eq!(session.state().counts().n_labels, 2);
    assert_eq!(session.undo().unwrap(), None);
    assert!(!play_out(&mut session, 4, Strategy::Top).contains(&id(2)));
    assert_eq!(stage.resume(session.id()).state().query(), &opening.query);
}

#[test]
fn a_session_that_starts_from_a_classifier_begins_with_it() {
    let stage = Stage::new(10);
    let head = LinearClassifier::new(vec![3.0, -1.0, 0.5, 2.0], -1.5).unwrap();
    let mut opening = opening("dogs");
    opening.query.start = Start::from_head(head.clone()).unwrap();
    let session = stage.open(opening);
    assert_eq!(session.classifier(), &head);
    assert_eq!(stage.resume(session.id()).state(), session.state());
}

#[test]
fn an_opening_of_another_model_is_refused_and_not_written() {
    let stage = Stage::new(10);
    let mut opening = opening("dogs");
    let other = Embedding::normalize(vec![1.0; DIMENSION + 1]).unwrap();
    opening.query.start = Start::from_direction(other);
    let background = linprobe_classifier::Background::estimate(DIMENSION, []);
    let store = Arc::clone(&stage.store);
    let journal = stage.journal();
    let refused = Session::start(store, background.into(), journal, opening).block_on();
    let expected = StoreError::Dimension { expected: DIMENSION, found: DIMENSION + 1 };
    match refused.unwrap_err() {
        SessionError::Store(error) => assert_eq!(error.to_string(), expected.to_string()),
        other => panic!("{other}"),
    }
    assert!(stage.journal().sessions().unwrap().is_empty());
}
