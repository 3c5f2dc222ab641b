//! The card of a classifier: what it needs to be used rightly, and where it comes from.

use serde::{Deserialize, Serialize};

use super::{ExportError, ImportError};
use crate::LinearClassifier;

/// The format of cards of one classifier that this version writes.
const FORMAT: u32 = 1;

/// The newest format that this version reads: the cards of a head.
pub(crate) const NEWEST_FORMAT: u32 = 2;

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

    /// The card as JSON, as files keep it.
    ///
    /// # Errors
    /// [`ExportError`]; not known to happen.
    pub fn to_json(&self) -> Result<String, ExportError> {
        Ok(serde_json::to_string(self)?)
    }

    /// Reads a card in JSON and checks it against its classifier.
    ///
    /// # Errors
    /// [`ImportError`] when it is none, or speaks of another classifier or of many.
    pub fn from_json(json: &str, classifier: &LinearClassifier) -> Result<Self, ImportError> {
        let FileCard::One(card) = FileCard::read(json)? else {
            return Err(ImportError::Card { reason: "it is of a head of many classes".to_owned() });
        };
        card.check(classifier)?;
        Ok(*card)
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

/// What a head says of its classes. Stored as JSON, under the names of these fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct HeadCard {
    /// [`HeadCard::FORMAT`].
    pub(super) format: u32,
    /// The model of all classes.
    pub(super) model: ModelCard,
    /// The number of weights of each.
    pub(super) dimension: usize,
    /// The classes, in the order of the rows.
    pub(super) classes: Vec<ClassCard>,
}

/// What is on the [`Card`] of a class alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ClassCard {
    name: String,
    threshold: f32,
    method: String,
    n_labels: u64,
    n_positive: u64,
    n_negative: u64,
    n_rounds: u32,
    created: String,
    start: String,
    #[serde(default)]
    audit: Option<AuditCard>,
}

impl HeadCard {
    /// The format of the cards of heads that this version writes.
    pub(super) const FORMAT: u32 = NEWEST_FORMAT;

    /// The card of a class, as if it stood alone.
    fn card_of(&self, class: ClassCard) -> Card {
        Card {
            format: FORMAT,
            name: class.name,
            model: self.model.clone(),
            dimension: self.dimension,
            threshold: class.threshold,
            method: class.method,
            n_labels: class.n_labels,
            n_positive: class.n_positive,
            n_negative: class.n_negative,
            n_rounds: class.n_rounds,
            created: class.created,
            start: class.start,
            audit: class.audit,
        }
    }
}

impl From<&Card> for ClassCard {
    fn from(card: &Card) -> Self {
        let card = card.clone();
        Self {
            name: card.name,
            threshold: card.threshold,
            method: card.method,
            n_labels: card.n_labels,
            n_positive: card.n_positive,
            n_negative: card.n_negative,
            n_rounds: card.n_rounds,
            created: card.created,
            start: card.start,
            audit: card.audit,
        }
    }
}

/// The card of a file: of the classifier in it, or of each class of the head.
#[derive(Debug)]
pub(super) enum FileCard {
    /// Of a classifier.
    One(Box<Card>),
    /// Of a head.
    Each(HeadCard),
}

impl FileCard {
    /// Reads a card of either format.
    pub(super) fn read(json: &str) -> Result<Self, ImportError> {
        /// Read first: a later format may have other fields.
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let version: Version = parse(json)?;
        match version.format {
            found if found > NEWEST_FORMAT => Err(ImportError::NewerFormat { found }),
            HeadCard::FORMAT => Ok(Self::Each(parse(json)?)),
            _ => Ok(Self::One(parse(json)?)),
        }
    }

    /// The names of the classes of a head; none of a classifier that stands alone.
    pub(super) fn classes(&self) -> Vec<String> {
        match self {
            Self::One(_) => Vec::new(),
            Self::Each(head) => head.classes.iter().map(|class| class.name.clone()).collect(),
        }
    }

    /// The card of the class in a place, checked against its classifier.
    pub(super) fn of_class(
        &self,
        place: usize,
        classifier: &LinearClassifier,
    ) -> Result<Option<Card>, ImportError> {
        let card = match self {
            Self::One(card) => Some(card.as_ref().clone()),
            Self::Each(head) => head.classes.get(place).map(|class| head.card_of(class.clone())),
        };
        card.iter().try_for_each(|card| card.check(classifier))?;
        Ok(card)
    }
}

fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, ImportError> {
    serde_json::from_str(json).map_err(|error| ImportError::Card { reason: error.to_string() })
}
