//! Who did something, when, and under which name it was asked for.
//!
//! Several people, or several windows of one, label in one session: each event says whose it is. A
//! request that was sent again because its answer got lost carries the same name, and is not done twice.

use std::{fmt, sync::Arc};

use linprobe_core::RecordId;

use crate::{Event, Undone};

/// An event, who caused it, by which request, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// What happened.
    pub event: Event,
    /// Whose doing it is; none where nobody said.
    pub by: Option<Annotator>,
    /// The request that asked for it, where it had a name.
    pub request: Option<RequestId>,
    /// When it was written down, in milliseconds since 1970 (UTC); 0 before it is.
    pub at_ms: u64,
}

impl From<Event> for Deed {
    fn from(event: Event) -> Self {
        Self { event, by: None, request: None, at_ms: 0 }
    }
}

/// A person who labels, or a window of one: 1 to 100 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Annotator(Arc<str>);

/// Names a request, once and for ever: 1 to 100 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(Arc<str>);

/// The longest name, in characters.
const MAX_CHARS: usize = 100;

impl Annotator {
    /// Checks a name.
    ///
    /// # Errors
    /// [`BadName`] when it is empty, too long, or holds a control character.
    pub fn new(name: &str) -> Result<Self, BadName> {
        checked("annotator", name).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RequestId {
    /// Checks a name.
    ///
    /// # Errors
    /// [`BadName`] when it is empty, too long, or holds a control character.
    pub fn new(name: &str) -> Result<Self, BadName> {
        checked("request", name).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Annotator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn checked(what: &'static str, name: &str) -> Result<Arc<str>, BadName> {
    let n_chars = name.chars().count();
    let good = (1..=MAX_CHARS).contains(&n_chars) && !name.chars().any(char::is_control);
    if good { Ok(name.into()) } else { Err(BadName { what, name: name.to_owned() }) }
}

/// A name that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} is no name of a {what}\nhint: 1 to {MAX_CHARS} characters without control characters"
)]
pub struct BadName {
    /// Of what it was to be one.
    pub what: &'static str,
    /// The name given.
    pub name: String,
}

/// What a request has come to, for the answer to the same request once more.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Done {
    /// What it took back.
    Undid(Undone),
    /// The record whose judgement it took back.
    UndidJudgement(RecordId),
    /// Something that needs no further answer.
    Written,
}
