//! What can happen in a session. Events are facts: they are appended, never changed.

use std::{fmt, str::FromStr};

use linprobe_classifier::{Label, LinearClassifier};
use linprobe_core::RecordId;

use crate::Opening;

/// One thing that happened in a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// It was opened; always the first event, and never again.
    Started(Box<Opening>),
    /// A round of records was given out.
    Shown {
        /// Its number, from 1.
        round: u32,
        /// The records, in the order in which they were given.
        records: Vec<Pick>,
    },
    /// A record was labelled.
    Labelled {
        /// The record.
        id: RecordId,
        /// Its label.
        label: Label,
    },
    /// A record was passed over. A label that it has stays.
    Skipped {
        /// The record.
        id: RecordId,
    },
    /// The last answer that still stood was taken back.
    Undone {
        /// The number of the event that gave it.
        seq: u64,
    },
    /// All records may be shown again; labels stay.
    SeenReset,
    /// A classifier was fitted.
    Fitted {
        /// The last round before it; 0 before the first.
        round: u32,
        /// The classifier.
        classifier: LinearClassifier,
    },
}

/// A record that was chosen to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Pick {
    /// The record.
    pub id: RecordId,
    /// What the classifier made of it then, a logit.
    pub score: f32,
    /// Why it was chosen.
    pub reason: Reason,
}

/// What a person said of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    /// A label.
    Labelled(Label),
    /// Nothing.
    Skipped,
}

/// Why a record was chosen to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It scores among the highest.
    Top,
    /// It lies next to the decision boundary.
    Boundary,
    /// It was drawn at random.
    Random,
}

const TOP: &str = "top";
const BOUNDARY: &str = "boundary";
const RANDOM: &str = "random";

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Top => TOP,
            Self::Boundary => BOUNDARY,
            Self::Random => RANDOM,
        })
    }
}

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(name: &str) -> Result<Self, UnknownReason> {
        match name {
            TOP => Ok(Self::Top),
            BOUNDARY => Ok(Self::Boundary),
            RANDOM => Ok(Self::Random),
            _ => Err(UnknownReason { name: name.to_owned() }),
        }
    }
}

/// A name that names no reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no reason {name:?} to show a record is known")]
pub struct UnknownReason {
    /// The name given.
    pub name: String,
}
