//! The journal: what is resumed is what was left, bit for bit, and what is damaged is said to be.

use linprobe_classifier::{ArticleParams, Method, ThresholdPolicy};
use linprobe_session::{
    Annotator, Answer, AuditPlan, Journal, JournalError, Opening, Session, SessionError, State,
    Strategy as Choice,
};
use pollster::FutureExt;
use proptest::prelude::*;
use rusqlite::Connection;

use crate::stage::{Act, Stage, id, ids, label, opening};

/// Something that one of three people does, who said who they are or did not.
type Deed = (Option<&'static str>, What);

#[derive(Clone, Debug)]
enum What {
    NextRound(usize, Choice),
    LabelOpen(usize, f32),
    LabelAny(u64, f32),
    SkipOpen(usize),
    SkipRest,
    Undo,
    ResetSeen,
    Fit,
    DrawAudit(usize),
    JudgeOpen(f32),
    UndoAudit,
}

fn choice() -> impl Strategy<Value = Choice> {
    prop::sample::select(vec![Choice::Top, Choice::Boundary, Choice::Random, Choice::Auto])
}

fn deed() -> impl Strategy<Value = Deed> {
    let by = prop::sample::select(vec![None, Some("ann"), Some("bob")]);
    (by, what())
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        3 => (1_usize..6, choice()).prop_map(|(k, choice)| What::NextRound(k, choice)),
        6 => (0_usize..6, -1.0_f32..=1.0).prop_map(|(i, value)| What::LabelOpen(i, value)),
        2 => (0_u64..20, -1.0_f32..=1.0).prop_map(|(row, value)| What::LabelAny(row, value)),
        2 => (0_usize..6).prop_map(What::SkipOpen),
        1 => Just(What::SkipRest),
        3 => Just(What::Undo),
        1 => Just(What::ResetSeen),
        2 => Just(What::Fit),
        1 => (1_usize..6).prop_map(What::DrawAudit),
        3 => (-1.0_f32..=1.0).prop_map(What::JudgeOpen),
        1 => Just(What::UndoAudit),
    ]
}

fn annotator(by: Option<&str>) -> Option<Annotator> {
    by.map(|name| Annotator::new(name).unwrap())
}

fn open_record(
    session: &Session,
    by: Option<&Annotator>,
    i: usize,
) -> Option<linprobe_core::RecordId> {
    let round = session.state().open_round(by)?;
    let open: Vec<_> = round.open().collect();
    Some(open[i % open.len()].id.clone())
}

fn act(session: &mut Session, (by, what): &Deed) {
    let by = annotator(*by);
    let answer = |session: &mut Session, id: &linprobe_core::RecordId, answer| {
        session.seat(by.clone()).answer(id, answer, None).block_on().unwrap();
    };
    match *what {
        What::NextRound(k, choice) => {
            session.seat(by).next_round(k, choice).block_on().unwrap();
        }
        What::LabelOpen(i, value) => {
            if let Some(id) = open_record(session, by.as_ref(), i) {
                answer(session, &id, Answer::Labelled(label(value)));
            }
        }
        What::LabelAny(row, value) => answer(session, &id(row), Answer::Labelled(label(value))),
        What::SkipOpen(i) => {
            if let Some(id) = open_record(session, by.as_ref(), i) {
                answer(session, &id, Answer::Skipped);
            }
        }
        What::SkipRest => {
            session.seat(by).answer_rest(Answer::Skipped).unwrap();
        }
        What::Undo => {
            session.seat(by).undo(None).unwrap();
        }
        What::ResetSeen => session.reset_seen().unwrap(),
        What::Fit => {
            session.fit().block_on().unwrap();
        }
        What::DrawAudit(budget) => {
            let threshold = ThresholdPolicy::default();
            session.draw_audit(&AuditPlan { budget, threshold, seed: 0 }).block_on().unwrap();
        }
        What::JudgeOpen(value) => {
            let open = session.open_audit().and_then(|audit| audit.open());
            if let Some(id) = open.map(|record| record.id.clone()) {
                session.answer_audit(&id, Answer::Labelled(label(value))).unwrap();
            }
        }
        What::UndoAudit => {
            session.undo_audit().unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn replay_is_the_live_session_and_a_cut_journal_an_earlier_one(
        deeds in prop::collection::vec(deed(), 1..25)
    ) {
        let stage = Stage::new(20);
        let mut session = stage.start("dogs");
        let mut states = vec![session.state().clone()];
        for deed in &deeds {
            act(&mut session, deed);
            states.push(session.state().clone());
        }
        let entries = stage.entries(session.id());
        for state in states {
            let n_events = usize::try_from(state.n_events()).unwrap();
            let cut = State::replay(entries[..n_events].to_vec()).unwrap();
            prop_assert_eq!(cut, state);
        }
        let resumed = stage.resume(session.id());
        prop_assert_eq!(resumed.state(), session.state());
    }

    #[test]
    fn undoing_everything_leaves_no_label(deeds in prop::collection::vec(deed(), 1..25)) {
        let stage = Stage::new(20);
        let mut session = stage.start("dogs");
        for deed in &deeds {
            act(&mut session, deed);
        }
        for by in [Some("bob"), None, Some("ann")] {
            while session.seat(annotator(by)).undo(None).unwrap().is_some() {}
        }
        prop_assert_eq!(session.state().labels().len(), 0);
        let mut records = session.state().rounds().iter().flat_map(|round| &round.records);
        prop_assert!(records.all(|record| record.answer.is_none()));
    }

    #[test]
    fn no_round_shows_what_was_seen(deeds in prop::collection::vec(deed(), 1..25)) {
        let stage = Stage::new(20);
        let mut session = stage.start("dogs");
        for deed in &deeds {
            let (seen, n_rounds) = (session.state().seen().clone(), session.state().rounds().len());
            act(&mut session, deed);
            if let Some(new) = session.state().rounds().get(n_rounds) {
                prop_assert!(ids(new).iter().all(|id| !seen.contains(id)));
            }
        }
    }
}

#[test]
fn a_session_that_goes_on_after_a_restart_ends_with_the_same_bits() {
    let (left, whole) = (Stage::new(40), Stage::new(40));
    let method = Method::Article(ArticleParams::new(0.5, 3).unwrap());
    let mut opening = opening("dogs");
    opening.method = method;
    let (mut first, mut second) = (left.open(opening.clone()), whole.open(opening));
    for _ in 0..3 {
        first = left.resume(first.id());
        for session in [&mut first, &mut second] {
            let shown = ids(&session.round(4));
            shown.iter().zip([1.0, 0.2, -0.7, 0.0]).for_each(|(id, value)| session.say(id, value));
            session.fit().block_on().unwrap();
        }
    }
    assert_eq!(first.state(), second.state());
    assert_eq!(first.state().method(), &method);
}

#[test]
fn a_session_comes_back_with_its_method_whichever_it_is() {
    for method in Method::ALL {
        let stage = Stage::new(4);
        let id = stage.open(Opening { method, ..opening("dogs") }).id();
        assert_eq!(stage.resume(id).state().method(), &method, "{method}");
    }
}

#[test]
fn two_processes_cannot_both_write_to_a_session() {
    let stage = Stage::new(10);
    let mut here = stage.start("dogs");
    let mut there = stage.resume(here.id());
    there.say(&id(1), 1.0);
    let refused = here.label(&id(2), label(1.0)).block_on().unwrap_err();
    assert!(matches!(refused, SessionError::Journal(JournalError::Conflict)), "{refused}");
    assert_eq!(here.state().label(&id(2)), None);
    let resumed = stage.resume(here.id());
    assert_eq!(resumed.state(), there.state());
}

#[test]
fn sessions_are_listed_with_their_names_and_counts() {
    let stage = Stage::new(10);
    let mut dogs = stage.start("dogs");
    stage.start("cats");
    dogs.round(2);
    dogs.say(&id(1), 1.0);
    dogs.say(&id(2), -1.0);
    let sessions = stage.journal().sessions().unwrap();
    let names: Vec<&str> = sessions.iter().map(|session| session.name.as_str()).collect();
    assert_eq!(names, ["dogs", "cats"]);
    let listed = &sessions[0];
    assert_eq!((listed.n_rounds, listed.counts.n_labels, listed.counts.n_positive), (1, 2, 1));
    assert_eq!((listed.id, listed.description.as_str()), (dogs.id(), "a dog"));
    assert!(listed.created_ms < sessions[1].created_ms);
    assert!(listed.updated_ms > sessions[1].updated_ms);
    assert_eq!(stage.journal().find("dogs").unwrap(), Some(dogs.id()));
    assert_eq!(stage.journal().find("birds").unwrap(), None);
}

#[test]
fn a_branch_is_the_session_as_it_was_at_the_end_of_a_round() {
    let stage = Stage::new(20);
    let mut dogs = stage.start("dogs");
    let first = ids(&dogs.round(2));
    dogs.say(&first[0], 1.0);
    dogs.say(&first[1], -1.0);
    dogs.fit().block_on().unwrap();
    let after_first = dogs.state().clone();
    let second = ids(&dogs.round(2));
    dogs.say(&second[0], -1.0);
    let branch = stage.journal().branch(dogs.id(), 1, "dogs again").unwrap();
    let mut branch = stage.resume(branch);
    assert_eq!(branch.state().name(), "dogs again");
    assert_eq!(branch.state().rounds(), after_first.rounds());
    assert_eq!(branch.state().fits(), after_first.fits());
    let labels = |state: &State| state.labels().map(|(id, l)| (id.clone(), l)).collect::<Vec<_>>();
    assert_eq!(labels(branch.state()), labels(&after_first));
    branch.say(&second[1], 1.0);
    assert_eq!(stage.resume(dogs.id()).state(), dogs.state(), "the old one stays as it is");
    let taken = stage.journal().branch(dogs.id(), 1, "dogs again").unwrap_err();
    assert!(matches!(taken, JournalError::NameTaken { .. }), "{taken}");
    let start = stage.journal().branch(dogs.id(), 0, "from the start").unwrap();
    assert_eq!(stage.resume(start).state().rounds().len(), 0);
}

#[test]
fn a_name_is_taken_once() {
    let stage = Stage::new(10);
    stage.start("dogs");
    let taken = stage.journal().create(&opening("dogs")).unwrap_err();
    assert!(matches!(taken, JournalError::NameTaken { .. }), "{taken}");
    assert_eq!(stage.journal().sessions().unwrap().len(), 1);
}

/// Changes the database behind the journal's back.
fn tamper(stage: &Stage, sql: &str) {
    Connection::open(stage.database()).unwrap().execute(sql, []).unwrap();
}

#[test]
fn damage_is_named_and_not_resumed() {
    for (sql, reason) in [
        ("DELETE FROM events WHERE seq = 2", "event 2 is missing"),
        ("UPDATE events SET payload = '{' WHERE seq = 2", "event 2: EOF"),
        ("UPDATE events SET vectors = x'00' WHERE seq = 1", "event 1: the vectors are cut short"),
        ("UPDATE events SET vectors = NULL WHERE seq = 1", "event 1: there is no classifier"),
        ("UPDATE events SET vectors = NULL WHERE seq = 0", "event 0: the start has no vector"),
        (
            "UPDATE events SET payload = '{\"event\":\"undone\",\"seq\":1}' WHERE seq = 2",
            "event 2 undoes event 1",
        ),
    ] {
        let stage = Stage::new(10);
        let mut session = stage.start("dogs");
        session.say(&id(1), 1.0);
        session.say(&id(2), 1.0);
        tamper(&stage, sql);
        let damaged = stage.journal().replay(session.id()).unwrap_err();
        assert!(matches!(damaged, JournalError::Corrupt { .. }), "{damaged}");
        assert!(damaged.to_string().contains(reason), "{damaged}");
    }
}

#[test]
fn a_journal_of_a_later_version_is_refused() {
    let stage = Stage::new(3);
    stage.start("dogs");
    tamper(&stage, "UPDATE journal_schema SET version = 2");
    let clock = linprobe_session::Clock::new(|| 0);
    let refused = Journal::open(&stage.database(), clock).unwrap_err();
    assert!(matches!(refused, JournalError::NewerSchema { found: 2, .. }), "{refused}");
}
