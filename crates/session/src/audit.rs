//! The audit measures how good a classifier is, on records that were not chosen to teach it.
//!
//! Labels of the loop are no test: they were chosen where the classifier is sure or unsure, and it was
//! fitted to them. An audit draws records at random, many where relevant ones may be and some
//! everywhere, so the odds of each are known; they are judged blind, without score or reason, in random
//! order. From those odds come precision, recall, F1 and the number of relevant records in the
//! whole corpus, each with an interval that holds the truth in nine of ten audits.
//!
//! Labels of the loop count as what they are, known, and never as drawn; judgements of the audit teach
//! nothing until somebody asks for it. When the classifier has moved on, earlier judgements still count,
//! by the odds with which they were drawn, and the report says so.
//!
//! Of a store that is not exact, highest scores may be missing from the list that the upper parts
//! are drawn from, and sizes of parts are estimates: the report says so too, and its intervals do
//! not know of it.

mod belief;
mod binomial;
mod draw;
mod estimate;
mod log;
mod strata;

use std::{collections::BTreeMap, sync::Arc};

use linprobe_classifier::{
    CorpusScores, Label, LinearClassifier, Scored, Threshold, ThresholdPolicy,
};
use linprobe_core::{Histogram, Hit, Point, RecordId, SurveyReport};

use crate::{Answer, Event, Session, SessionError, View};

use estimate::{Estimate, Judged, Quality};

pub use estimate::Interval;
pub use log::{Audit, AuditDraw, AuditPick, AuditStratum, AuditedRecord};

pub(crate) use log::AuditLog;

/// The seed of the draws that make an interval.
const INTERVAL_SEED: u64 = 0;

/// What to audit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AuditPlan {
    /// Records to judge.
    pub budget: usize,
    /// The decisions to measure.
    pub threshold: ThresholdPolicy,
    /// Decides which records are drawn.
    pub seed: u64,
}

/// What audits say of the last classifier's decisions.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditReport {
    /// Scores (logits) at or above it count as relevant.
    pub threshold: f32,
    /// Records in the store.
    pub n_points: u64,
    /// Those at or above the threshold.
    pub n_above: u64,
    /// The relevant share of those above the threshold.
    pub precision: Interval,
    /// The share of the relevant that is above the threshold.
    pub recall: Interval,
    /// Their harmonic mean.
    pub f1: Interval,
    /// The number of relevant records in the store.
    pub n_relevant: Interval,
    /// Records whose judgement was used.
    pub n_judged: u64,
    /// Records whose label was known from the loop.
    pub n_known: u64,
    /// How the judgements were obtained.
    pub basis: AuditBasis,
    /// Whether counts of the store come from a sample.
    pub estimated: bool,
}

/// How the judgements of a report were obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditBasis {
    /// All were drawn for this classifier.
    Drawn,
    /// Some were drawn for an earlier one, and weigh by the odds of that draw.
    Reweighted,
}

impl AuditReport {
    /// The share of relevant records in the store.
    pub fn prevalence(&self) -> Interval {
        self.n_relevant.scaled(1.0 / self.n_points.max(1) as f64)
    }
}

/// What the last classifier makes of the store, and what is known of it.
#[derive(Clone)]
pub(crate) struct Corpus {
    pub(crate) scores: CorpusScores,
    survey: Arc<SurveyReport>,
    /// The scores of the list of the highest, as the store has rounded them.
    listed: BTreeMap<RecordId, f32>,
    /// The scores of the labelled records.
    known: BTreeMap<RecordId, Scored>,
}

impl Session {
    /// Draws records to judge, or goes on with those of an audit that is not finished. Labelled
    /// records and those of earlier audits are not drawn.
    ///
    /// # Errors
    /// [`SessionError::OutOfReach`] when the threshold cannot be had, or store or journal fail.
    pub async fn draw_audit(&mut self, plan: &AuditPlan) -> Result<&Audit, SessionError> {
        if self.open_audit().is_none() {
            let draw = self.view().clone().draw(plan).await?;
            self.record(vec![Event::AuditDrawn(draw).into()])?;
        }
        let audit = self.open_audit().or(self.state().audits().last());
        Ok(audit.expect("an audit is open, or was just drawn"))
    }

    /// The audit that has records to judge, as [`State::open_audit`](crate::State::open_audit) has it.
    pub fn open_audit(&self) -> Option<&Audit> {
        self.state().open_audit()
    }

    /// Makes sure that a record can be judged.
    ///
    /// # Errors
    /// [`SessionError::NotInAudit`] when no audit has drawn it.
    pub fn expect_drawn(&self, id: &RecordId) -> Result<(), SessionError> {
        if self.state().audit_log().has_drawn(id) {
            return Ok(());
        }
        Err(SessionError::NotInAudit { id: id.clone() })
    }

    /// Judges or passes over a record that an audit has drawn; durable when this returns.
    ///
    /// # Errors
    /// [`SessionError::NotInAudit`] when none has, or the journal fails.
    pub fn answer_audit(&mut self, id: &RecordId, answer: Answer) -> Result<(), SessionError> {
        self.seat(None).answer_audit(id, answer, None).map(drop)
    }

    /// Takes back the last judgement that still stands, and says of which record it was.
    ///
    /// # Errors
    /// [`SessionError::Journal`].
    pub fn undo_audit(&mut self) -> Result<Option<RecordId>, SessionError> {
        self.seat(None).undo_audit(None)
    }

    /// Makes labels of all judgements that are none yet, for the next fit to learn from. From then on
    /// they count as known. Returns how many there were.
    ///
    /// # Errors
    /// [`SessionError`] when store or journal fail.
    pub async fn learn_from_audits(&mut self) -> Result<usize, SessionError> {
        let audits = self.state().audits().iter();
        let judged =
            audits.flat_map(Audit::judged).map(|(record, label)| (record.id.clone(), label));
        let new: Vec<(RecordId, Label)> =
            judged.filter(|(id, _)| self.state().label(id).is_none()).collect();
        for (id, label) in &new {
            self.label(id, *label).await?;
        }
        Ok(new.len())
    }
}

impl View {
    /// What the audits say of the last classifier's decisions; nothing while no record is judged.
    ///
    /// A precision or recall that is asked for is kept by the lower end of its interval, at the
    /// lowest or highest border between parts that keeps it.
    ///
    /// # Errors
    /// [`SessionError::OutOfReach`] when no threshold keeps the precision, or the store fails.
    pub async fn audit_report(
        &self,
        policy: ThresholdPolicy,
    ) -> Result<Option<AuditReport>, SessionError> {
        if !self.has_judgements() {
            return Ok(None);
        }
        self.report_on(self.corpus(policy).await?, policy).await
    }

    /// The same at the boundary, over a corpus that was surveyed for any threshold.
    pub(crate) async fn audited_at_boundary(
        &self,
        corpus: &Corpus,
    ) -> Result<Option<AuditReport>, SessionError> {
        if !self.has_judgements() {
            return Ok(None);
        }
        self.report_on(corpus.clone(), ThresholdPolicy::Score(0.0)).await
    }

    fn has_judgements(&self) -> bool {
        self.state().audits().iter().any(|audit| audit.judged().next().is_some())
    }

    /// The same over a corpus that was surveyed.
    pub(crate) async fn report_on(
        &self,
        mut corpus: Corpus,
        policy: ThresholdPolicy,
    ) -> Result<Option<AuditReport>, SessionError> {
        let audits = self.state().audits();
        let judged = self.judged(&corpus).await?;
        let last = audits.iter().rfind(|audit| audit.judged().next().is_some());
        let Some(last) = last.filter(|_| !judged.is_empty()) else { return Ok(None) };
        let threshold = match policy {
            ThresholdPolicy::Precision(_) | ThresholdPolicy::Recall(_) => last.threshold,
            _ => corpus.scores.choose(policy)?.score,
        };
        corpus.split_at(threshold);
        let parts = strata::divide(corpus.scores.groups(), threshold);
        let estimate = Estimate::new(&parts, &judged, INTERVAL_SEED);
        let quality = estimate.choose(policy)?.unwrap_or_else(|| estimate.at(threshold));
        Ok(Some(self.report(&corpus, judged.len(), quality, estimate.n_relevant())))
    }

    /// The threshold that a policy asks for, and what is expected of it by the classifier's own
    /// probabilities.
    ///
    /// # Errors
    /// [`SessionError::OutOfReach`], or the store fails.
    pub async fn threshold(&self, policy: ThresholdPolicy) -> Result<Threshold, SessionError> {
        Ok(self.corpus(policy).await?.scores.choose(policy)?)
    }

    async fn draw(&self, plan: &AuditPlan) -> Result<AuditDraw, SessionError> {
        let corpus = self.corpus(plan.threshold).await?;
        let threshold = corpus.scores.choose(plan.threshold)?.score;
        let judged = self.judged(&corpus).await?;
        draw::draw(self, &corpus, threshold, (&judged, plan)).await
    }

    /// Surveys the store with the last classifier, finely enough to choose any threshold.
    pub(crate) async fn corpus(&self, policy: ThresholdPolicy) -> Result<Corpus, SessionError> {
        let classifier = self.classifier().clone();
        let threshold = if let ThresholdPolicy::Score(score) = policy { score } else { 0.0 };
        let survey = self.survey(threshold).await?;
        let mut scores = CorpusScores::new(&survey.top, &survey.histogram);
        scores.split_at(threshold, survey.n_above);
        let points = self.in_scope(self.labelled_points().await?).await?;
        let listed = survey.top.iter().map(|hit| (hit.id.clone(), hit.score)).collect();
        let mut corpus = Corpus { scores, survey, listed, known: BTreeMap::new() };
        for point in points {
            if let Some(label) = self.state().label(&point.id) {
                let score = corpus.score(&classifier, &point);
                let known = Scored { score, relevant: label.is_positive() };
                corpus.scores.know(known);
                corpus.known.insert(point.id, known);
            }
        }
        Ok(corpus)
    }

    /// Every judged record that is not labelled and still there, with its weight.
    async fn judged(&self, corpus: &Corpus) -> Result<Vec<Judged>, SessionError> {
        let audits = self.state().audits().iter();
        let labels: BTreeMap<RecordId, Label> = audits
            .flat_map(Audit::judged)
            .filter(|(record, _)| !corpus.known.contains_key(&record.id))
            .map(|(record, label)| (record.id.clone(), label))
            .collect();
        let ids: Vec<RecordId> = labels.keys().cloned().collect();
        let points = self.in_scope(self.store().fetch(&ids).await?).await?;
        let judged = points.iter().filter_map(|point| {
            Some(Judged {
                score: corpus.score(self.classifier(), point),
                relevant: labels.get(&point.id)?.is_positive(),
                weight: 1.0 / self.odds(point),
            })
        });
        Ok(judged.collect())
    }

    /// Without what a filter leaves out: labels may be of any record, and counts are of those it lets through.
    async fn in_scope(&self, points: Vec<Point>) -> Result<Vec<Point>, SessionError> {
        let ids: Vec<RecordId> = points.iter().map(|point| point.id.clone()).collect();
        let there = self.store().in_scope(&ids).await?;
        Ok(points.into_iter().filter(|point| there.contains(&point.id)).collect())
    }

    /// The probability that a record has come to be judged in one of the audits that count:
    /// `1 - prod (1 - odds)`. In the one that drew it, it is of the stratum that it was drawn from.
    fn odds(&self, point: &Point) -> f64 {
        let missed = self.audits_that_count().map(|audit| {
            let fit = self.state().fits().get(audit.fit_idx);
            let anew = || fit.map_or(0.0, |fit| fit.classifier.score(&point.embedding));
            let score = audit.score_of(&point.id).unwrap_or_else(anew);
            1.0 - audit.odds(score).min(1.0)
        });
        1.0 - missed.product::<f64>()
    }

    /// Those with a judgement that is no label yet: a record without one cannot have been judged in the others.
    fn audits_that_count(&self) -> impl Iterator<Item = &Audit> {
        let is_open = |audit: &&Audit| {
            audit.judged().any(|(record, _)| self.state().label(&record.id).is_none())
        };
        self.state().audits().iter().filter(is_open)
    }

    fn report(
        &self,
        corpus: &Corpus,
        n_judged: usize,
        quality: Quality,
        n_relevant: Interval,
    ) -> AuditReport {
        let Quality { threshold, n_above, precision, recall, f1 } = quality;
        AuditReport {
            threshold,
            n_points: corpus.survey.n_points,
            n_above,
            precision,
            recall,
            f1,
            n_relevant,
            n_judged: n_judged as u64,
            n_known: corpus.known.len() as u64,
            basis: self.basis(),
            estimated: corpus.survey.estimated,
        }
    }

    fn basis(&self) -> AuditBasis {
        let last_fit = self.state().fits().len().saturating_sub(1);
        let all = self.audits_that_count().all(|audit| audit.fit_idx == last_fit);
        if all { AuditBasis::Drawn } else { AuditBasis::Reweighted }
    }
}

impl Corpus {
    /// The highest scores, best first.
    pub(crate) fn top(&self) -> &[Hit] {
        &self.survey.top
    }

    pub(crate) fn histogram(&self) -> &Histogram {
        &self.survey.histogram
    }

    pub(crate) fn n_points(&self) -> u64 {
        self.survey.n_points
    }

    /// Relevant labels of records that it counts.
    pub(crate) fn n_known_relevant(&self) -> usize {
        self.known.values().filter(|known| known.relevant).count()
    }

    pub(crate) fn is_estimated(&self) -> bool {
        self.survey.estimated
    }

    /// The store's score where it lists one: one computed anew may be rounded to the other side of a
    /// border.
    fn score(&self, classifier: &LinearClassifier, point: &Point) -> f32 {
        let listed = self.listed.get(&point.id).copied();
        listed.unwrap_or_else(|| classifier.score(&point.embedding))
    }

    fn split_at(&mut self, threshold: f32) {
        let n_above = self.scores.at(threshold).n_above;
        self.scores.split_at(threshold, n_above);
    }
}
