//! What is said of a session after a fit agrees with what each part of it says alone.

use linprobe_classifier::ThresholdPolicy;
use linprobe_core::Point;
use linprobe_session::{Answer, AuditPlan};
use pollster::FutureExt;

use crate::stage::{Act, Stage, ids, label};

#[test]
fn an_insight_says_what_its_parts_say() {
    let stage = Stage::new(60);
    let mut session = stage.start("dogs");
    for _ in 0..3 {
        let shown = ids(&session.round(4));
        shown.iter().zip([1.0, 1.0, -1.0, -1.0]).for_each(|(id, value)| session.say(id, value));
        session.fit().block_on().unwrap();
    }
    let view = session.view();
    let insight = view.insight(ThresholdPolicy::Score(0.5)).block_on().unwrap();
    assert_eq!(insight.n_points, 60);
    assert_eq!(insight.histogram.counts.iter().sum::<u64>(), 60);
    let alone = view.threshold(ThresholdPolicy::Score(0.5)).block_on().unwrap();
    assert_eq!(insight.expected, alone);
    assert_eq!(insight.advice, view.advise().block_on().unwrap());
    assert_eq!(insight.measured, None);
    assert_eq!(insight.trajectory.steps.len(), session.state().fits().len());
    assert_eq!(insight.trajectory.landmarks.len(), 12);
}

#[test]
fn the_drawing_shows_every_fit_and_every_label_and_is_well_formed_whatever_the_name() {
    let stage = Stage::new(60);
    let mut session = stage.start("dogs");
    let draw = |session: &linprobe_session::Session| {
        let insight = session.view().insight(ThresholdPolicy::default()).block_on().unwrap();
        (insight.plot("dogs & <cats>"), insight)
    };
    let (before, _) = draw(&session);
    assert!(!before.contains("NaN") && !before.contains("inf"), "{before}");
    let shown = ids(&session.round(4));
    shown.iter().zip([1.0, 1.0, -1.0, -1.0]).for_each(|(id, value)| session.say(id, value));
    session.fit().block_on().unwrap();
    let (after, insight) = draw(&session);
    assert!(after.contains("dogs &amp; &lt;cats&gt;") && !after.contains("<cats>"));
    let n_dots = after.matches("<circle").count();
    assert_eq!(n_dots, insight.trajectory.steps.len() + insight.trajectory.landmarks.len());
    assert_eq!(after.matches("class=\"relevant\"").count(), 2);
    let n_bars = insight.histogram.counts.iter().filter(|count| **count > 0).count();
    assert_eq!(after.matches("class=\"bar\"").count(), n_bars);
}

/// Their number is the same, and yet they are other points.
#[test]
fn what_was_seen_of_points_is_forgotten_when_they_are_replaced() {
    let stage = Stage::new(60);
    let session = stage.start("dogs");
    let insight = || session.view().insight(ThresholdPolicy::Score(0.0)).block_on().unwrap();
    let before = insight();
    assert_eq!(insight(), before);
    let points = stage.store.scan(None, 30).block_on().unwrap();
    let [first, ..] = points.as_slice() else { panic!("there are sixty") };
    let alike = |point: &Point| Point { id: point.id.clone(), embedding: first.embedding.clone() };
    stage.store.upsert(&points.iter().map(alike).collect::<Vec<_>>()).block_on().unwrap();
    let after = insight();
    assert_eq!(after.n_points, before.n_points);
    assert_ne!(after.histogram, before.histogram);
}

#[test]
fn rounds_add_up_to_the_labels() {
    let stage = Stage::new(60);
    let mut session = stage.start("dogs");
    for values in [[1.0, -1.0], [0.5, 1.0], [-1.0, -0.5]] {
        let shown = ids(&session.round(2));
        shown.iter().zip(values).for_each(|(id, value)| session.say(id, value));
        session.fit().block_on().unwrap();
    }
    let reports = session.view().round_reports();
    let totals: Vec<_> =
        reports.iter().map(|report| (report.n_positive, report.n_positive_total)).collect();
    assert_eq!(totals, [(1, 1), (2, 3), (0, 3)]);
    assert!(reports.iter().all(|report| report.n_labels == 2 && report.angle > 0.0), "{reports:?}");
}

#[test]
fn what_was_audited_is_measured_and_not_expected() {
    let stage = Stage::new(60);
    let mut session = stage.start("dogs");
    let shown = ids(&session.round(6));
    shown.iter().zip([1.0, 1.0, 1.0, -1.0, -1.0, -1.0]).for_each(|(id, l)| session.say(id, l));
    session.fit().block_on().unwrap();
    let threshold = ThresholdPolicy::Score(0.0);
    session.draw_audit(&AuditPlan { budget: 20, threshold, seed: 0 }).block_on().unwrap();
    while let Some(id) = session.open_audit().and_then(|audit| Some(audit.open()?.id.clone())) {
        session.answer_audit(&id, Answer::Labelled(label(-1.0))).unwrap();
    }
    for threshold in [ThresholdPolicy::Score(0.0), ThresholdPolicy::Score(-0.5)] {
        let view = session.view();
        let insight = view.insight(threshold).block_on().unwrap();
        assert_eq!(insight.measured, view.audit_report(threshold).block_on().unwrap());
        assert!(insight.measured.is_some());
    }
}
