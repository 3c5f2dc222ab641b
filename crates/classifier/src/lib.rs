//! The linear classifier: labels, fitting, calibration, metrics and safe file formats.
//!
//! A [`Start`] and some [`Example`]s, seen against the [`Background`] of the unlabelled corpus, are
//! [`fit`] into a [`LinearClassifier`], whose score is a logit with 0 as the decision boundary. This
//! crate leans on `linprobe-core` alone, does no I/O, and can be shipped alone.

mod background;
mod calibrate;
mod doubt;
mod fit;
mod format;
mod label;
mod linear;
mod metrics;
mod start;
mod threshold;

pub use background::{Background, BadBackground, Directions, Projection, Sample};
pub use doubt::{Doubt, DoubtReason, doubts};
pub use fit::{
    ArticleParams, ArticleRepair, BadArticleParams, Counted, FitError, LabelledParams, MapPart,
    Method, UnfitLabels, UnknownMethod, fit, fit_labelled,
};
pub use format::{
    AuditCard, BadHead, Card, ClassifierFile, ExportError, Head, HeadClass, ImportError,
    IntervalCard, MAX_DIMENSION, MAX_FILE_BYTES, MAX_HEADER_BYTES, MAX_JSON_BYTES, ModelCard,
    ReadClass,
};
pub use label::{BadLabel, Example, Label};
pub use linear::{BadClassifier, LinearClassifier, probability};
pub use metrics::{Confusion, Scored, average_precision, brier_score};
pub use start::{NoStart, Start, combine, from_examples};
pub use threshold::{
    CorpusScores, LEAST_PROBABLE, OutOfReach, ScoreGroup, Threshold, ThresholdPolicy, UnknownPolicy,
};
