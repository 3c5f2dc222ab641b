//! Audits.

use linprobe::AuditBasis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{GivenAnswer, Interval, NewAnswer, Policy, PolicyName, Record};

/// An audit to draw.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewAudit {
    /// How many records to judge; 100 when not given.
    #[schema(minimum = 1, maximum = 2000)]
    pub(crate) budget: Option<usize>,
    /// The decisions to measure; those at the decision boundary when not given.
    pub(crate) policy: Option<PolicyName>,
    pub(crate) value: Option<f64>,
}

impl NewAudit {
    /// What is wanted of the threshold.
    pub(crate) fn policy(&self) -> Policy {
        match self.policy {
            Some(policy) => Policy { policy, value: self.value },
            None => Policy { policy: PolicyName::Score, value: Some(0.0) },
        }
    }
}

/// An audit and what it says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditState {
    /// Whether there are records to judge.
    pub(crate) open: bool,
    pub(crate) n_total: usize,
    pub(crate) n_answered: usize,
    /// In the random order in which they are to be judged.
    pub(crate) records: Vec<AuditedRecord>,
    /// Null while nothing is judged.
    pub(crate) report: Option<AuditReport>,
}

/// A record to judge. Neither its score nor why it was drawn is told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditedRecord {
    pub(crate) record: Record,
    pub(crate) answer: Option<GivenAnswer>,
}

/// What audits say of the last classifier's decisions. Intervals hold the truth in nine of ten audits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditReport {
    pub(crate) threshold: f32,
    pub(crate) n_points: u64,
    pub(crate) n_above: u64,
    pub(crate) precision: Interval,
    pub(crate) recall: Interval,
    pub(crate) f1: Interval,
    /// Relevant records in the whole project.
    pub(crate) n_relevant: Interval,
    pub(crate) n_judged: u64,
    /// Records that are labelled: they are known, and not drawn.
    pub(crate) n_known: u64,
    /// `drawn` for this classifier, or `reweighted` from an earlier one.
    pub(crate) basis: String,
    pub(crate) estimated: bool,
}

impl From<linprobe::AuditReport> for AuditReport {
    fn from(report: linprobe::AuditReport) -> Self {
        let basis = match report.basis {
            AuditBasis::Drawn => "drawn",
            AuditBasis::Reweighted => "reweighted",
        };
        Self {
            threshold: report.threshold,
            n_points: report.n_points,
            n_above: report.n_above,
            precision: report.precision.into(),
            recall: report.recall.into(),
            f1: report.f1.into(),
            n_relevant: report.n_relevant.into(),
            n_judged: report.n_judged,
            n_known: report.n_known,
            basis: basis.to_owned(),
            estimated: report.estimated,
        }
    }
}

/// Judgements.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewJudgements {
    pub(crate) answers: Vec<NewAnswer>,
}

/// Take back the last judgement.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct UndoJudgement {
    /// A name that the client makes: the same one again changes nothing.
    pub(crate) request: String,
}
