//! What can happen in a session. Events are facts: they are appended, never changed.

use std::{fmt, str::FromStr};

use linprobe_classifier::{Label, LinearClassifier};
use linprobe_core::RecordId;

use crate::{Annotator, AuditDraw, Opening};

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
    /// What somebody has left open is theirs no longer, and may be shown again.
    Released {
        /// Whose it was; none for what was given to nobody in particular.
        of: Option<Annotator>,
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
    /// Records were drawn to measure the last classifier.
    AuditDrawn(AuditDraw),
    /// A record of an audit was judged. Its label is no label to fit to.
    AuditAnswered {
        /// The record.
        id: RecordId,
        /// What was said of it.
        answer: Answer,
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
    /// How likely it was to be chosen, before the draw: 1 but for what was drawn at random.
    pub probability: f32,
    /// Further records that it was chosen from and that are nearly the same.
    pub n_alike: u32,
}

impl Event {
    /// Whether somebody is at work who causes it: given records to label, or answering.
    pub(crate) fn is_work(&self) -> bool {
        match self {
            Self::Shown { .. }
            | Self::Labelled { .. }
            | Self::Skipped { .. }
            | Self::Undone { .. }
            | Self::AuditAnswered { .. } => true,
            Self::Started(_)
            | Self::Released { .. }
            | Self::SeenReset
            | Self::Fitted { .. }
            | Self::AuditDrawn(_) => false,
        }
    }
}

/// What a person said of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    /// A label.
    Labelled(Label),
    /// Nothing.
    Skipped,
}

impl Answer {
    /// The label, if it is one.
    pub fn label(self) -> Option<Label> {
        match self {
            Self::Labelled(label) => Some(label),
            Self::Skipped => None,
        }
    }
}

/// Why a record was chosen to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It scores among the highest.
    Top,
    /// It scores high, is unlike what was refused, and like many others: nothing relevant is known yet.
    Explore,
    /// It lies further down the ranking: nothing irrelevant is known yet.
    Ladder,
    /// It lies next to the decision boundary.
    Boundary,
    /// It is like a relevant record that the classifier scores low.
    Anchor,
    /// It was drawn at random.
    Random,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 6] =
        [Self::Top, Self::Explore, Self::Ladder, Self::Boundary, Self::Anchor, Self::Random];

    /// The name, by which [`FromStr`] finds the reason again.
    pub fn name(self) -> &'static str {
        match self {
            Self::Top => "top",
            Self::Explore => "explore",
            Self::Ladder => "ladder",
            Self::Boundary => "boundary",
            Self::Anchor => "anchor",
            Self::Random => "random",
        }
    }

    /// The same in words for the person who is asked about the record.
    pub fn words(self) -> &'static str {
        match self {
            Self::Top => "among the highest scores",
            Self::Explore => "explores: stands for many high scores",
            Self::Ladder => "further down, to find the end",
            Self::Boundary => "the classifier is unsure",
            Self::Anchor => "scores low, but is like a relevant one",
            Self::Random => "drawn at random",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(name: &str) -> Result<Self, UnknownReason> {
        let unknown = || UnknownReason { name: name.to_owned() };
        Self::ALL.into_iter().find(|reason| reason.name() == name).ok_or_else(unknown)
    }
}

/// A name that names no reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no reason {name:?} to show a record is known")]
pub struct UnknownReason {
    /// The name given.
    pub name: String,
}
