//! The linear classifier: labels, fitting, calibration, metrics and safe file formats.
//!
//! A [`Start`] and some [`Example`]s, seen against the [`Background`] of the unlabelled corpus, are
//! [`fit`] into a [`LinearClassifier`], whose score is a logit with 0 as the decision boundary. This
//! crate leans on `linprobe-core` and `linprobe-tensors` alone, does no I/O, and can be shipped alone.
//!
//! ```
//! use linprobe_classifier::{Background, ClassifierFile, Example, Label, Method, Start, fit};
//! use linprobe_core::Embedding;
//!
//! let corpus = (0..100_u8).map(|i| Embedding::normalize([1.0, f32::from(i % 10), f32::from(i / 10)]));
//! let corpus: Vec<Embedding> = corpus.collect::<Result<_, _>>()?;
//! let background = Background::estimate(3, &corpus);
//! let start = Start::from_direction(Embedding::normalize([0.2, 1.0, 0.0])?);
//! let said = [(&corpus[9], 1.0), (&corpus[8], 0.5), (&corpus[90], -1.0)];
//! let example = |(embedding, label): (&Embedding, f32)| {
//!     Ok::<_, Box<dyn std::error::Error>>(Example { embedding: embedding.clone(), label: Label::new(label)?, round: 1 })
//! };
//! let examples = said.into_iter().map(example).collect::<Result<Vec<_>, _>>()?;
//! let classifier = fit(&start, &examples, &background, &Method::default())?;
//! assert!(classifier.probability(&corpus[9]) > classifier.probability(&corpus[90]));
//!
//! let file = ClassifierFile { classifier, card: None };
//! let same = ClassifierFile::read(&file.to_safetensors()?, None)?;
//! assert_eq!(same.classifier, file.classifier);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where labels are all there is, no phrase and no corpus, [`fit_labelled`] fits them. A [`Threshold`] is chosen by what a
//! [`ThresholdPolicy`] asks for; [`doubts`] names labels that the others speak against.

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
