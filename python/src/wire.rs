//! What Python is told, as dicts: a field of the dict for each field here.

use std::collections::BTreeMap;

use linprobe::{
    Advice, Answer, AuditBasis, AuditReport, CatalogueRecord, FitReport, Histogram, Indexed,
    Interval, ModelSpec, ShownRecord, SkippedRecord, Threshold, Verdict,
};
use pyo3::prelude::*;

/// A record, without its content.
#[derive(IntoPyObject)]
pub(crate) struct Record {
    id: String,
    kind: String,
    text: Option<String>,
    label: Option<String>,
    metadata: BTreeMap<String, String>,
}

impl From<CatalogueRecord> for Record {
    fn from(record: CatalogueRecord) -> Self {
        let CatalogueRecord { id, kind, text, label, metadata } = record;
        Self { id: id.to_string(), kind, text, label, metadata }
    }
}

/// A record that was found.
#[derive(IntoPyObject)]
pub(crate) struct Hit {
    pub(crate) record: Record,
    pub(crate) score: f32,
}

/// A record of a round.
#[derive(IntoPyObject)]
pub(crate) struct Shown {
    pub(crate) record: Record,
    score: f32,
    reason: &'static str,
    probability: f32,
    n_alike: u32,
    answered: bool,
    given: Option<f32>,
}

impl Shown {
    pub(crate) fn new(shown: &ShownRecord, record: CatalogueRecord) -> Self {
        Self {
            record: record.into(),
            score: shown.score,
            reason: shown.reason.name(),
            probability: shown.probability,
            n_alike: shown.n_alike,
            answered: shown.answer.is_some(),
            given: shown.answer.and_then(value),
        }
    }
}

/// The score that an answer gives; none of one that passes over.
pub(crate) fn value(answer: Answer) -> Option<f32> {
    answer.label().map(linprobe::Label::value)
}

/// What a model is.
#[derive(IntoPyObject)]
pub(crate) struct Model {
    id: String,
    revision: Option<String>,
    fingerprint: String,
    dimension: usize,
    text: bool,
    image: bool,
}

impl From<&ModelSpec> for Model {
    fn from(spec: &ModelSpec) -> Self {
        let ModelSpec { id, revision, fingerprint, dimension, modalities } = spec.clone();
        let (text, image) = (modalities.text, modalities.image);
        Self { id, revision, fingerprint, dimension, text, image }
    }
}

/// What an index run has come to.
#[derive(IntoPyObject)]
pub(crate) struct IndexRun {
    n_embedded: u64,
    n_unchanged: u64,
    n_skipped: u64,
    n_pruned: u64,
    notes: Vec<String>,
}

impl From<Indexed> for IndexRun {
    fn from(Indexed { progress, notes, .. }: Indexed) -> Self {
        Self {
            n_embedded: progress.n_embedded,
            n_unchanged: progress.n_unchanged,
            n_skipped: progress.n_skipped,
            n_pruned: progress.n_pruned,
            notes,
        }
    }
}

/// A record that was skipped.
#[derive(IntoPyObject)]
pub(crate) struct Skipped {
    file: String,
    row: Option<u64>,
    id: Option<String>,
    reason: String,
}

impl From<SkippedRecord> for Skipped {
    fn from(SkippedRecord { file, row, id, reason }: SkippedRecord) -> Self {
        let (file, id) = (file.display().to_string(), id.map(|id| id.to_string()));
        Self { file, row, id, reason }
    }
}

/// Scores in bins of equal width.
#[derive(IntoPyObject)]
pub(crate) struct Bins {
    low: f32,
    high: f32,
    counts: Vec<u64>,
}

impl From<Histogram> for Bins {
    fn from(Histogram { low, high, counts }: Histogram) -> Self {
        Self { low, high, counts }
    }
}

/// What a fit has come to.
#[derive(IntoPyObject)]
pub(crate) struct Fit {
    n_labels: u64,
    n_positive: u64,
    n_negative: u64,
    n_missing: u64,
    n_points: u64,
    n_above: u64,
    angle: f64,
    histogram: Bins,
}

impl From<FitReport> for Fit {
    fn from(report: FitReport) -> Self {
        let FitReport { counts, n_missing, n_points, n_above, histogram, angle, classifier: _ } =
            report;
        Self {
            n_labels: counts.n_labels,
            n_positive: counts.n_positive,
            n_negative: counts.n_negative,
            n_missing,
            n_points,
            n_above,
            angle,
            histogram: histogram.into(),
        }
    }
}

/// What a round has brought.
#[derive(IntoPyObject)]
#[expect(clippy::struct_field_names, reason = "a round is known by its number")]
pub(crate) struct Round {
    round: u32,
    n_labels: u64,
    n_positive: u64,
    n_positive_total: u64,
    angle: f64,
    mean_probability: f64,
}

impl From<linprobe::RoundReport> for Round {
    fn from(report: linprobe::RoundReport) -> Self {
        let linprobe::RoundReport {
            round,
            n_labels,
            n_positive,
            n_positive_total,
            angle,
            mean_probability,
        } = report;
        Self { round, n_labels, n_positive, n_positive_total, angle, mean_probability }
    }
}

/// A threshold and what to expect of it.
#[derive(IntoPyObject)]
pub(crate) struct Expected {
    threshold: f32,
    n_above: u64,
    precision: f64,
    recall: f64,
    f1: f64,
}

impl From<Threshold> for Expected {
    fn from(Threshold { score, n_above, precision, recall, f1 }: Threshold) -> Self {
        Self { threshold: score, n_above, precision, recall, f1 }
    }
}

/// What to do next, and why.
#[derive(IntoPyObject)]
pub(crate) struct Advised {
    verdict: &'static str,
    reasons: Vec<String>,
}

impl From<&Advice> for Advised {
    fn from(advice: &Advice) -> Self {
        let verdict = match advice.verdict {
            Verdict::KeepGoing => "keep going",
            Verdict::AuditNow => "audit now",
            Verdict::CouldStop => "you could stop",
        };
        Self { verdict, reasons: advice.reasons() }
    }
}

/// The lower end, the estimate and the upper end.
type Ends = (f64, f64, f64);

fn ends(Interval { low, estimate, high }: Interval) -> Ends {
    (low, estimate, high)
}

/// What audits have measured.
#[derive(IntoPyObject)]
pub(crate) struct Audited {
    threshold: f32,
    n_points: u64,
    n_above: u64,
    precision: Ends,
    recall: Ends,
    f1: Ends,
    n_relevant: Ends,
    prevalence: Ends,
    n_judged: u64,
    n_known: u64,
    reweighted: bool,
    estimated: bool,
}

impl From<AuditReport> for Audited {
    fn from(report: AuditReport) -> Self {
        let prevalence = ends(report.prevalence());
        let AuditReport { threshold, n_points, n_above, n_judged, n_known, estimated, .. } = report;
        Self {
            threshold,
            n_points,
            n_above,
            precision: ends(report.precision),
            recall: ends(report.recall),
            f1: ends(report.f1),
            n_relevant: ends(report.n_relevant),
            prevalence,
            n_judged,
            n_known,
            reweighted: report.basis == AuditBasis::Reweighted,
            estimated,
        }
    }
}
