//! What a session has come to.

use linprobe::{AuditReport, Left, Threshold};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Record;

/// Which threshold.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AtThreshold {
    /// A score; the decision boundary, 0, when not given.
    pub(crate) threshold: Option<f32>,
}

/// What a session has come to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Insight {
    /// Events so far.
    pub(crate) version: u64,
    pub(crate) n_points: u64,
    /// Whether counts come from a sample.
    pub(crate) estimated: bool,
    pub(crate) histogram: Histogram,
    pub(crate) threshold: f32,
    pub(crate) n_above: u64,
    pub(crate) precision: Option<Interval>,
    pub(crate) recall: Option<Interval>,
    pub(crate) f1: Option<Interval>,
    pub(crate) basis: Basis,
    /// About 60, over the range of the histogram, as expected.
    pub(crate) thresholds: Vec<ThresholdRow>,
    pub(crate) n_positive_found: u64,
    pub(crate) n_labels: u64,
    pub(crate) n_expected_left: Interval,
    pub(crate) rounds: Vec<RoundReport>,
    pub(crate) trajectory: Vec<Step>,
    pub(crate) landmarks: Vec<Landmark>,
    pub(crate) advice: Advice,
    pub(crate) doubtful: Vec<Doubtful>,
    pub(crate) fit_ms: f64,
}

/// Scores in bins of equal width.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Histogram {
    pub(crate) low: f32,
    pub(crate) high: f32,
    pub(crate) counts: Vec<u64>,
}

/// How numbers were obtained.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Basis {
    /// By the classifier's own probabilities: low, estimate and high are the same.
    Expected,
    /// By an audit: the truth lies within in nine of ten.
    Audited,
}

/// A number, and where the truth may lie.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) estimate: f64,
    pub(crate) high: f64,
}

impl Interval {
    /// A number that nobody has measured.
    pub(crate) fn expected(estimate: f64) -> Self {
        Self { low: estimate, estimate, high: estimate }
    }
}

impl From<linprobe::Interval> for Interval {
    fn from(interval: linprobe::Interval) -> Self {
        let linprobe::Interval { low, estimate, high } = interval;
        Self { low, estimate, high }
    }
}

impl From<Left> for Interval {
    fn from(left: Left) -> Self {
        match left {
            Left::Expected(interval) | Left::Audited(interval) => interval.into(),
        }
    }
}

/// What to expect of a threshold.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ThresholdRow {
    pub(crate) score: f32,
    pub(crate) n_above: u64,
    pub(crate) precision: f64,
    pub(crate) recall: f64,
}

impl From<&Threshold> for ThresholdRow {
    fn from(&Threshold { score, n_above, precision, recall, .. }: &Threshold) -> Self {
        Self { score, n_above, precision, recall }
    }
}

/// Precision, recall and F1 of a threshold.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChosenThreshold {
    pub(crate) score: f32,
    pub(crate) n_above: u64,
    pub(crate) precision: Interval,
    pub(crate) recall: Interval,
    pub(crate) f1: Interval,
    pub(crate) basis: Basis,
}

impl From<linprobe::ChosenThreshold> for ChosenThreshold {
    fn from(chosen: linprobe::ChosenThreshold) -> Self {
        match chosen {
            linprobe::ChosenThreshold::Expected(expected) => Self::new(&expected, None),
            linprobe::ChosenThreshold::Audited(report) => Self::audited(&report),
        }
    }
}

impl ChosenThreshold {
    /// What was measured where it was, or else what is expected.
    pub(crate) fn new(expected: &Threshold, measured: Option<&AuditReport>) -> Self {
        match measured {
            Some(report) => Self::audited(report),
            None => Self {
                score: expected.score,
                n_above: expected.n_above,
                precision: Interval::expected(expected.precision),
                recall: Interval::expected(expected.recall),
                f1: Interval::expected(expected.f1),
                basis: Basis::Expected,
            },
        }
    }
}

impl ChosenThreshold {
    fn audited(report: &AuditReport) -> Self {
        Self {
            score: report.threshold,
            n_above: report.n_above,
            precision: report.precision.into(),
            recall: report.recall.into(),
            f1: report.f1.into(),
            basis: Basis::Audited,
        }
    }
}

/// What a round has brought.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RoundReport {
    pub(crate) round: u32,
    pub(crate) n_labels: u64,
    pub(crate) n_positive: u64,
    /// All relevant labels up to and with this round.
    pub(crate) n_positive_total: u64,
    /// How far the fit after it turned the weights.
    pub(crate) angle_degrees: f64,
    /// How many records the fit after it puts above the boundary; null where nobody has looked.
    pub(crate) n_above: Option<u64>,
    /// How likely its records were to be relevant, on average, when they were chosen.
    pub(crate) mean_probability: f64,
}

impl RoundReport {
    pub(crate) fn new(report: &linprobe::RoundReport, n_above: Option<u64>) -> Self {
        Self {
            round: report.round,
            n_labels: report.n_labels,
            n_positive: report.n_positive,
            n_positive_total: report.n_positive_total,
            angle_degrees: report.angle.to_degrees(),
            n_above,
            mean_probability: report.mean_probability,
        }
    }
}

/// Where a classifier lies in the plane in which it turned most.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Step {
    pub(crate) round: u32,
    pub(crate) x: f64,
    pub(crate) y: f64,
}

impl From<&linprobe::Step> for Step {
    fn from(&linprobe::Step { round, x, y }: &linprobe::Step) -> Self {
        Self { round, x, y }
    }
}

/// Where a labelled record lies in the same plane.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Landmark {
    pub(crate) id: String,
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) label: f32,
}

impl From<&linprobe::Landmark> for Landmark {
    fn from(landmark: &linprobe::Landmark) -> Self {
        let linprobe::Landmark { id, label, x, y } = landmark;
        Self { id: id.to_string(), x: *x, y: *y, label: label.value() }
    }
}

/// What to do next, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Advice {
    pub(crate) verdict: Verdict,
    pub(crate) reasons: Vec<String>,
}

/// What to do next.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    KeepGoing,
    AuditNow,
    CouldStop,
}

impl From<&linprobe::Advice> for Advice {
    fn from(advice: &linprobe::Advice) -> Self {
        let verdict = match advice.verdict {
            linprobe::Verdict::KeepGoing => Verdict::KeepGoing,
            linprobe::Verdict::AuditNow => Verdict::AuditNow,
            linprobe::Verdict::CouldStop => Verdict::CouldStop,
        };
        Self { verdict, reasons: advice.reasons() }
    }
}

/// A label that the others speak against.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Doubtful {
    pub(crate) record: Record,
    pub(crate) label: f32,
    /// What a classifier that was fitted without it makes of the record, a logit; 0 where a record
    /// that is nearly the same has the opposite label.
    pub(crate) score_without: f64,
    /// In words.
    pub(crate) reason: String,
}
