//! Audits: drawn with known odds, blind to training, durable, and right nine times in ten.

use std::sync::Arc;

use linprobe_classifier::{Label, ThresholdPolicy};
use linprobe_core::RecordId;
use linprobe_session::{Answer, AuditBasis, AuditPlan, Session, SessionError};
use linprobe_store::EmbeddedStore;
use pollster::FutureExt;

use crate::{
    audit_world::Scenario,
    stage::{Act, DIMENSION, Stage, id, label, point},
};

const AT_ZERO: ThresholdPolicy = ThresholdPolicy::Score(0.0);

const PLAN: AuditPlan = AuditPlan { budget: 20, threshold: AT_ZERO, seed: 3 };

fn drawn(session: &mut Session, plan: &AuditPlan) -> Vec<RecordId> {
    let audit = session.draw_audit(plan).block_on().unwrap();
    audit.records.iter().map(|record| record.id.clone()).collect()
}

fn judge(session: &mut Session, id: &RecordId, value: f32) {
    session.answer_audit(id, Answer::Labelled(label(value))).unwrap();
}

#[test]
fn an_audit_draws_each_record_once_and_none_that_is_labelled() {
    let stage = Stage::new(300);
    let mut session = stage.start("dogs");
    let shown = session.round(30);
    for record in &shown.records {
        session.say(&record.id, 1.0);
    }
    let mut ids = drawn(&mut session, &PLAN);
    assert_eq!(ids.len(), 20);
    assert!(shown.records.iter().all(|record| !ids.contains(&record.id)));
    for id in ids.clone() {
        judge(&mut session, &id, -1.0);
    }
    ids.extend(drawn(&mut session, &PLAN));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 40, "a second audit draws others");
}

#[test]
fn a_draw_depends_on_its_seed_and_on_nothing_else() {
    let stage = Stage::new(300);
    let first = drawn(&mut stage.start("a"), &PLAN);
    assert_eq!(drawn(&mut stage.start("b"), &PLAN), first);
    assert_ne!(drawn(&mut stage.start("c"), &AuditPlan { seed: 4, ..PLAN }), first);
}

#[test]
fn strata_hold_the_corpus_and_say_how_many_they_gave() {
    let stage = Stage::new(300);
    let mut session = stage.start("dogs");
    let audit = session.draw_audit(&PLAN).block_on().unwrap();
    assert_eq!(audit.strata.iter().map(|stratum| stratum.n_points).sum::<u64>(), 300);
    assert_eq!(audit.strata.iter().map(|stratum| stratum.n_drawn).sum::<u64>(), 20);
    for (position, stratum) in audit.strata.iter().enumerate() {
        let above = audit.strata[..position].last().map_or(f32::MAX, |above| above.low);
        let own = |score: f32| stratum.low <= score && score < above;
        let n_own = audit.records.iter().filter(|record| own(record.score)).count();
        assert_eq!(n_own as u64, stratum.n_drawn);
    }
}

#[test]
fn judgements_teach_nothing_until_asked_and_hide_no_record() {
    let stage = Stage::new(100);
    let mut session = stage.start("dogs");
    let before = session.classifier().clone();
    for id in drawn(&mut session, &PLAN) {
        judge(&mut session, &id, 1.0);
    }
    session.fit().block_on().unwrap();
    assert_eq!(*session.classifier(), before);
    assert_eq!((session.state().labels().len(), session.state().seen().len()), (0, 0));
    assert_eq!(session.learn_from_audits().block_on().unwrap(), 20);
    assert_eq!(session.state().labels().len(), 20);
    session.fit().block_on().unwrap();
    assert_ne!(*session.classifier(), before);
    assert_eq!(session.view().audit_report(AT_ZERO).block_on().unwrap(), None, "all are known now");
}

#[test]
fn an_audit_goes_on_where_it_was_left_and_walks_back() {
    let stage = Stage::new(100);
    let mut session = stage.start("dogs");
    let ids = drawn(&mut session, &PLAN);
    judge(&mut session, &ids[0], 1.0);
    judge(&mut session, &ids[1], -1.0);
    session.say(&ids[5], 1.0);

    let mut session = stage.resume(session.id());
    assert_eq!(drawn(&mut session, &PLAN), ids);
    assert_eq!(session.open_audit().unwrap().open().unwrap().id, ids[2]);
    assert_eq!(session.undo_audit().unwrap(), Some(ids[1].clone()));
    assert_eq!(session.open_audit().unwrap().open().unwrap().id, ids[1]);
    assert_eq!(session.undo().unwrap().unwrap().id, ids[5], "labels have an undo of their own");
    assert_eq!(session.undo_audit().unwrap(), Some(ids[0].clone()));
    assert_eq!(session.undo_audit().unwrap(), None);
    let resumed = stage.resume(session.id());
    assert_eq!(resumed.state(), session.state());
}

#[test]
fn a_judgement_of_an_earlier_audit_that_was_taken_back_is_asked_for_and_given_again() {
    let stage = Stage::new(100);
    let mut session = stage.start("dogs");
    let first = drawn(&mut session, &PLAN);
    for id in &first {
        judge(&mut session, id, 1.0);
    }
    assert!(session.open_audit().is_none());
    let second = drawn(&mut session, &PLAN);
    assert_eq!(session.open_audit().unwrap().open().unwrap().id, second[0]);
    let last = first.last().unwrap();
    assert_eq!(session.undo_audit().unwrap().as_ref(), Some(last));
    assert_eq!(session.open_audit().unwrap().open().unwrap().id, *last);
    assert_eq!(drawn(&mut session, &PLAN), first, "nothing new is drawn meanwhile");
    judge(&mut session, last, -1.0);
    assert_eq!(session.open_audit().unwrap().open().unwrap().id, second[0]);
    let judged = session.state().audits()[0].records.last().unwrap().answer;
    assert_eq!(judged, Some(Answer::Labelled(label(-1.0))));
    assert_eq!(stage.resume(session.id()).state(), session.state());
}

#[test]
fn a_record_that_was_not_drawn_is_refused() {
    let stage = Stage::new(10);
    let mut session = stage.start("dogs");
    let error = session.answer_audit(&id(1), Answer::Skipped).unwrap_err();
    assert!(matches!(error, SessionError::NotInAudit { .. }), "{error}");
}

#[test]
fn a_corpus_that_was_judged_whole_is_known_exactly() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    let ids = drawn(&mut session, &AuditPlan { budget: 100, ..PLAN });
    assert_eq!(ids.len(), 30);
    for (n, id) in ids.iter().enumerate() {
        judge(&mut session, id, if n < 12 { 1.0 } else { -1.0 });
    }
    let report = session.view().audit_report(AT_ZERO).block_on().unwrap().unwrap();
    assert!((report.n_relevant.low, report.n_relevant.high) == (12.0, 12.0), "{report:?}");
    assert!(report.recall.width() < 1e-9 && report.precision.width() < 1e-9);
}

#[test]
fn judgements_for_an_earlier_classifier_count_by_their_odds() {
    let world = scenario(0.0, 1.0, 0.0).world(5);
    let mut session = world.session();
    let plan = AuditPlan { budget: 150, ..PLAN };
    session.draw_audit(&plan).block_on().unwrap();
    world.judge(&mut session, 150);
    let before = session.view().audit_report(AT_ZERO).block_on().unwrap().unwrap();
    assert_eq!(before.basis, AuditBasis::Drawn);
    for record in session.round(20).records {
        session.label(&record.id, world.label(&record.id)).block_on().unwrap();
    }
    session.fit().block_on().unwrap();
    let after = session.view().audit_report(AT_ZERO).block_on().unwrap().unwrap();
    assert_eq!((after.basis, after.n_known), (AuditBasis::Reweighted, 20));
    assert!(after.n_judged < before.n_judged + 1);
    let overlap = after.n_relevant.low < before.n_relevant.high
        && before.n_relevant.low < after.n_relevant.high;
    assert!(overlap, "{before:?} {after:?}");
}

#[test]
fn a_half_done_audit_has_wider_intervals() {
    let world = scenario(0.0, 1.0, 0.0).world(5);
    let mut session = world.session();
    session.draw_audit(&AuditPlan { budget: 200, ..PLAN }).block_on().unwrap();
    world.judge(&mut session, 40);
    let half = session.view().audit_report(AT_ZERO).block_on().unwrap().unwrap();
    world.judge(&mut session, 160);
    let whole = session.view().audit_report(AT_ZERO).block_on().unwrap().unwrap();
    assert_eq!((half.n_judged, whole.n_judged), (40, 200));
    assert!(half.precision.width() > whole.precision.width(), "{half:?} {whole:?}");
    assert!(half.n_relevant.width() > whole.n_relevant.width());
}

#[test]
fn a_precision_that_is_asked_for_is_kept_by_the_lower_end() {
    let world = scenario(0.0, 1.0, 0.0).world(5);
    let mut session = world.session();
    session.draw_audit(&AuditPlan { budget: 200, ..PLAN }).block_on().unwrap();
    world.judge(&mut session, 200);
    let policy = ThresholdPolicy::Precision(0.6);
    let report = session.view().audit_report(policy).block_on().unwrap().unwrap();
    assert!(report.precision.low >= 0.6, "{report:?}");
    let policy = ThresholdPolicy::Recall(0.6);
    let report = session.view().audit_report(policy).block_on().unwrap().unwrap();
    assert!(report.recall.low >= 0.6, "{report:?}");
}

fn scenario(shift: f64, slope: f64, strays: f64) -> Scenario {
    Scenario { n_points: 20_000, share: 0.02, separation: 3.0, shift, slope, strays }
}

/// Seven classifiers, from calibrated to blind for half of what is relevant, and 35 corpora of each.
#[test]
fn nine_of_ten_intervals_hold_the_truth() {
    let classifiers = [
        scenario(0.0, 1.0, 0.0),
        scenario(0.0, 0.5, 0.0),
        scenario(0.0, 2.0, 0.0),
        scenario(-1.5, 1.0, 0.0),
        scenario(1.5, 1.0, 0.0),
        scenario(0.0, 1.0, 0.2),
        scenario(0.0, 1.0, 0.5),
    ];
    let mut n_held = [0_usize; 4];
    let mut n_audits = 0;
    for (i, scenario) in classifiers.iter().enumerate() {
        for seed in 0..35 {
            let audited = scenario.world(100 * i as u64 + seed).audit(100, seed);
            n_audits += 1;
            for (sum, holds) in n_held.iter_mut().zip(audited.holds) {
                *sum += usize::from(holds);
            }
        }
    }
    let coverage = n_held.map(|n| n as f64 / f64::from(n_audits));
    assert!(coverage.iter().all(|share| (0.86..=0.94).contains(share)), "{coverage:?}");
}

#[test]
fn a_classifier_that_misses_half_gets_a_recall_that_is_wide_and_not_wrong() {
    let world = scenario(0.0, 1.0, 0.5).world(6);
    let audits: Vec<_> = (0..10).map(|seed| world.audit(100, seed)).collect();
    assert!(audits.iter().filter(|audited| audited.holds[1]).count() >= 8);
    assert!(audits.iter().all(|audited| audited.report.recall.width() > 0.15));
}

#[test]
fn a_label_of_the_middle_is_not_relevant() {
    let stage = Stage::new(30);
    let mut session = stage.start("dogs");
    for id in drawn(&mut session, &AuditPlan { budget: 30, ..PLAN }) {
        session.answer_audit(&id, Answer::Labelled(Label::NEUTRAL)).unwrap();
    }
    let report = session.view().audit_report(AT_ZERO).block_on().unwrap().unwrap();
    assert!(report.n_relevant.high < 1e-9, "{report:?}");
}

/// A store in half precision gives records that are scored a little otherwise than when it looked at all.
#[test]
fn a_record_weighs_by_the_stratum_that_it_was_drawn_from_however_it_is_rounded() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open_or_create(folder.path(), DIMENSION).unwrap();
    let stage = Stage::over(Arc::new(store), 200);
    let is_relevant = |id: &RecordId| {
        let row: u64 = id.as_str().parse().unwrap();
        point(row).embedding.as_slice()[0] > 0.75
    };
    let truth = (0..200).map(RecordId::from_row).filter(is_relevant).count() as f64;
    let n_held = (0..40).filter(|&seed| {
        let mut session = stage.start(&format!("dogs {seed}"));
        for id in drawn(&mut session, &AuditPlan { budget: 60, seed, ..PLAN }) {
            judge(&mut session, &id, if is_relevant(&id) { 1.0 } else { -1.0 });
        }
        let report = session.view().audit_report(AT_ZERO).block_on().unwrap().unwrap();
        report.n_relevant.holds(truth)
    });
    assert!(n_held.count() >= 34);
}
