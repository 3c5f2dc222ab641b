//! Sessions, their rounds and answers.

use linprobe::{Answer, Label, Reason};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Insight, Record, Start};
use crate::problem::{Kind, Problem};

/// A session in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SessionSummary {
    pub(crate) name: String,
    /// What it looks for, in words.
    pub(crate) description: String,
    pub(crate) n_labels: u64,
    pub(crate) n_positive: u64,
    /// The last round that was given out; 0 before the first.
    pub(crate) round: u32,
    /// In milliseconds since 1970 (UTC).
    pub(crate) created_ms: u64,
    pub(crate) changed_ms: u64,
}

impl From<linprobe::SessionSummary> for SessionSummary {
    fn from(session: linprobe::SessionSummary) -> Self {
        Self {
            name: session.name,
            description: session.description,
            n_labels: session.counts.n_labels,
            n_positive: session.counts.n_positive,
            round: session.n_rounds,
            created_ms: session.created_ms,
            changed_ms: session.updated_ms,
        }
    }
}

/// A session to open.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewSession {
    /// Made from what it looks for, when not given.
    pub(crate) name: Option<String>,
    pub(crate) start: Start,
    /// How it fits; the default is the best that there is.
    pub(crate) method: Option<String>,
}

/// Who asks.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asking {
    /// Who labels; each has a round of their own.
    pub(crate) annotator: Option<String>,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    #[serde(flatten)]
    pub(crate) summary: SessionSummary,
    /// Events so far.
    pub(crate) version: u64,
    pub(crate) method: String,
    pub(crate) strategy: String,
    pub(crate) n_seen: u64,
    pub(crate) n_unseen: u64,
    pub(crate) start: SessionStart,
    /// The asking annotator's round with unanswered records.
    pub(crate) round_open: Option<Round>,
    pub(crate) annotators: Vec<String>,
    /// A number from 0 to 7, to tell concepts apart by.
    pub(crate) concept_colour: u64,
    /// Whether the asking annotator has an answer to take back.
    pub(crate) can_undo: bool,
}

/// Where a session started.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionStart {
    /// In words.
    pub(crate) description: String,
    /// The records that it is about; all when not given.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<String>,
    /// Records that were given as examples.
    pub(crate) records: Vec<String>,
    /// Records that were given as counterexamples.
    pub(crate) not_records: Vec<String>,
}

/// A round of records.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Round {
    /// Its number, from 1.
    pub(crate) number: u32,
    /// Empty when all records were seen.
    pub(crate) records: Vec<ShownRecord>,
}

/// A record of a round.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShownRecord {
    pub(crate) record: Record,
    /// What the classifier made of it when it was chosen, a logit.
    pub(crate) score: f32,
    /// The same as a probability.
    pub(crate) probability: f32,
    pub(crate) reason: WhyShown,
    /// Why it is shown, in words.
    pub(crate) reason_words: String,
    /// How likely it was to be chosen, before the draw.
    pub(crate) odds: f32,
    /// Further records that it was chosen from and that are nearly the same: there may be more.
    pub(crate) n_alike: u32,
    pub(crate) answer: Option<GivenAnswer>,
}

/// Why a record is shown.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WhyShown {
    Top,
    Explore,
    Ladder,
    Boundary,
    Anchor,
    Random,
}

impl From<Reason> for WhyShown {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Top => Self::Top,
            Reason::Explore => Self::Explore,
            Reason::Ladder => Self::Ladder,
            Reason::Boundary => Self::Boundary,
            Reason::Anchor => Self::Anchor,
            Reason::Random => Self::Random,
        }
    }
}

/// What was said of a record: a label, or that it was passed over.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct GivenAnswer {
    /// From -1, irrelevant, to 1, relevant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<f32>,
    /// True where it was passed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) skipped: Option<bool>,
}

impl From<Answer> for GivenAnswer {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Labelled(label) => Self { label: Some(label.value()), skipped: None },
            Answer::Skipped => Self { label: None, skipped: Some(true) },
        }
    }
}

/// The next records, please.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NextRound {
    /// Who labels.
    pub(crate) annotator: Option<String>,
    /// How many records, 10 when not given.
    #[schema(minimum = 1, maximum = 100)]
    pub(crate) k: Option<usize>,
    /// `auto`, `top`, `diverse`, `boundary` or `random`.
    pub(crate) strategy: Option<String>,
    /// What becomes of this annotator's records that are still open. When not given they are given
    /// again.
    pub(crate) rest: Option<Rest>,
}

/// What becomes of records that are still open.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rest {
    /// They are labelled -1.
    Irrelevant,
    /// They are passed over.
    Skip,
}

/// A round, and what the session has come to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RoundAndInsight {
    pub(crate) round: Round,
    pub(crate) insight: Insight,
}

/// What somebody says of records.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewAnswers {
    /// Who labels.
    pub(crate) annotator: Option<String>,
    pub(crate) answers: Vec<NewAnswer>,
}

/// What somebody says of a record: a label, or nothing.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewAnswer {
    /// A name that the client makes, such as a UUID: the same one again changes nothing.
    pub(crate) request: String,
    /// The record.
    pub(crate) id: String,
    /// From -1, irrelevant, to 1, relevant.
    #[schema(minimum = -1.0, maximum = 1.0)]
    pub(crate) label: Option<f32>,
    /// True to pass it over.
    pub(crate) skip: Option<bool>,
}

impl NewAnswer {
    /// The answer, if it is one.
    pub(crate) fn answer(&self) -> Result<Answer, Problem> {
        match (self.label, self.skip.unwrap_or_default()) {
            (Some(label), false) => {
                let bad = |bad| Problem::new(Kind::BadLabel, bad);
                Label::new(label).map(Answer::Labelled).map_err(bad)
            }
            (None, true) => Ok(Answer::Skipped),
            _ => Err(Problem::new(
                Kind::BadLabel,
                "an answer is either a label or skipped\nhint: give \"label\", or \"skip\": true",
            )),
        }
    }
}

/// What has come of answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnswersDone {
    /// Events so far.
    pub(crate) version: u64,
    pub(crate) answers: Vec<AnswerDone>,
    pub(crate) n_labels: u64,
    pub(crate) n_positive: u64,
}

/// What has come of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnswerDone {
    pub(crate) request: String,
    pub(crate) id: String,
    pub(crate) status: AnswerStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<Problem>,
}

/// What has come of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AnswerStatus {
    /// It is written down, and survives a power failure.
    Recorded,
    /// It had been written down before, or changes nothing.
    Repeated,
    /// It was not written down.
    Refused,
}

/// Take back my last answer.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Undo {
    /// Whose.
    pub(crate) annotator: Option<String>,
    /// A name that the client makes: the same one again changes nothing.
    pub(crate) request: String,
}

/// What was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UndoDone {
    pub(crate) undone: Option<Undone>,
    /// Events so far.
    pub(crate) version: u64,
}

/// An answer that was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Undone {
    pub(crate) id: String,
    pub(crate) answer: GivenAnswer,
    /// The label that the record has now.
    pub(crate) label_now: Option<f32>,
}

impl From<linprobe::Undone> for Undone {
    fn from(undone: linprobe::Undone) -> Self {
        Self {
            id: undone.id.to_string(),
            answer: undone.answer.into(),
            label_now: undone.label.map(Label::value),
        }
    }
}

/// Show all again.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ResetSeen {
    /// A name that the client makes: the same one again changes nothing.
    pub(crate) request: String,
}

impl AnswerDone {
    /// What has come of an answer.
    pub(crate) fn new(new: &NewAnswer, done: Result<linprobe::Recorded, Problem>) -> Self {
        let (status, problem) = match done {
            Ok(linprobe::Recorded::Now) => (AnswerStatus::Recorded, None),
            Ok(linprobe::Recorded::Before) => (AnswerStatus::Repeated, None),
            Err(problem) => (AnswerStatus::Refused, Some(problem)),
        };
        Self { request: new.request.clone(), id: new.id.clone(), status, problem }
    }
}
