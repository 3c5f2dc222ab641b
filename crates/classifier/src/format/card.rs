//! The card of a classifier: what it needs to be used rightly, and where it comes from.

use serde::{Deserialize, Serialize};

use super::ImportError;
use crate::LinearClassifier;

/// The format of cards that this version writes.
pub(crate) const FORMAT: u32 = 1;

/// Where a classifier comes from. Stored as JSON, under the names of these fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The version of this list of fields.
    pub format: u32,
    /// What the classifier is called.
    pub name: String,
    /// The model that made the embeddings; it must make those to be scored as well.
    pub model: ModelCard,
    /// The number of weights.
    pub dimension: usize,
    /// Scores (logits) at or above it are taken as relevant.
    pub threshold: f32,
    /// The name of the method that fitted it.
    pub method: String,
    /// Labels that it was fitted to.
    pub n_labels: u64,
    /// Those above 0.
    pub n_positive: u64,
    /// Those below 0.
    pub n_negative: u64,
    /// Rounds of labelling.
    pub n_rounds: u32,
    /// When it was made, in RFC 3339.
    pub created: String,
    /// What it was started from, in words.
    pub start: String,
    /// What an audit has measured; none when it was not audited.
    #[serde(default)]
    pub audit: Option<AuditCard>,
}

/// How good the decisions at the card's threshold are on the corpus that it was fitted over: intervals
/// that hold the truth in nine of ten audits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditCard {
    /// The relevant share of what is said to be relevant.
    pub precision: IntervalCard,
    /// The share of the relevant that is found.
    pub recall: IntervalCard,
    /// Their harmonic mean.
    pub f1: IntervalCard,
    /// The number of relevant records.
    pub n_relevant: IntervalCard,
    /// The number of records.
    pub n_points: u64,
    /// Records that were drawn at random and judged.
    pub n_judged: u64,
    /// Records whose label was known, as counted.
    pub n_known: u64,
    /// How the numbers were obtained, in words.
    pub basis: String,
}

/// A number and its 90 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntervalCard {
    /// The lower end.
    pub low: f64,
    /// The middle of what is likely.
    pub estimate: f64,
    /// The upper end.
    pub high: f64,
}

/// A model, as a card names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCard {
    /// Its name: a hub name, a folder, `builtin/...` or `precomputed`.
    pub id: String,
    /// The revision of a model from a hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// A digest of weights and processing: equal fingerprints give equal embeddings.
    pub fingerprint: String,
}

impl Card {
    /// The format of cards that this version writes.
    pub const FORMAT: u32 = FORMAT;

    /// Reads a card and checks it against its classifier.
    pub(super) fn read(json: &str, classifier: &LinearClassifier) -> Result<Self, ImportError> {
        /// Read first: a later format may have other fields.
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let version: Version = parse(json)?;
        if version.format > FORMAT {
            return Err(ImportError::NewerFormat { found: version.format });
        }
        let card: Self = parse(json)?;
        card.check(classifier)?;
        Ok(card)
    }

    fn check(&self, classifier: &LinearClassifier) -> Result<(), ImportError> {
        let (ours, theirs) = (self.dimension, classifier.dimension());
        if ours != theirs {
            let reason = format!("it speaks of {ours} weights, the classifier has {theirs}");
            return Err(ImportError::Card { reason });
        }
        if !self.threshold.is_finite() {
            return Err(ImportError::Card { reason: "the threshold is not finite".to_owned() });
        }
        Ok(())
    }
}

fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, ImportError> {
    serde_json::from_str(json).map_err(|error| ImportError::Card { reason: error.to_string() })
}
