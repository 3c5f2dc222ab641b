//! What a session is opened with.

use linprobe_classifier::{Example, Label, Method, Start};
use linprobe_core::{Embedding, RecordId};

/// All that a new session is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// What the session is called; no two of a project share a name.
    pub name: String,
    /// Where it starts.
    pub query: StartQuery,
    /// How it fits.
    pub method: Method,
}

/// Where a session starts.
#[derive(Clone, Debug, PartialEq)]
pub struct StartQuery {
    /// What is looked for, in words.
    pub description: String,
    /// The direction, or the classifier, to start from.
    pub start: Start,
    /// What was known to be relevant or not.
    pub examples: Vec<StartExample>,
    /// Which records it is about, in the words of whoever gives it a store of these; all when not given.
    pub filter: Option<String>,
}

/// An example that came with the start. It has no round and cannot be undone.
#[derive(Clone, Debug, PartialEq)]
pub struct StartExample {
    /// The record, where it is one of the store: it counts as labelled and seen.
    pub id: Option<RecordId>,
    /// Its embedding.
    pub embedding: Embedding,
    /// What is known of it.
    pub label: Label,
}

impl StartExample {
    /// As the fit takes it: of round 0.
    pub(crate) fn to_example(&self) -> Example {
        Example { embedding: self.embedding.clone(), label: self.label, round: 0 }
    }
}
