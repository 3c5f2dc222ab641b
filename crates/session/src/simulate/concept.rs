//! What is to be found, and where the search for it starts.

use std::collections::BTreeSet;

use linprobe_classifier::Start;
use linprobe_core::RecordId;

use super::{corpus::Corpus, oracle::Truth};
use crate::StartExample;

/// What is to be found in a corpus.
#[derive(Clone, Debug)]
pub struct Concept {
    name: String,
    truths: Vec<Truth>,
    starts: Vec<NamedStart>,
}

/// A start, under a name that other concepts may use for theirs: "name", "coarse", a phrase.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedStart {
    /// What learning curves are gathered by.
    pub name: String,
    /// Where it starts.
    pub from: Origin,
}

/// Where a simulated session starts.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// From a direction or a classifier, and what is known besides.
    Given {
        /// The direction or the classifier.
        start: Box<Start>,
        /// Labels that came with it; they are not counted as found.
        examples: Vec<StartExample>,
    },
    /// From this many relevant records, drawn by the seed from those to be labelled.
    Examples(usize),
}

impl Concept {
    /// All of these records are relevant, and no other.
    pub fn new(name: impl Into<String>, relevant: &BTreeSet<RecordId>, corpus: &Corpus) -> Self {
        let truth = |id| if relevant.contains(id) { Truth::Relevant } else { Truth::Irrelevant };
        let truths = corpus.ids().iter().map(truth).collect();
        Self { name: name.into(), truths, starts: Vec::new() }
    }

    /// Adds where it may start.
    #[must_use]
    pub fn starting(mut self, name: impl Into<String>, from: Origin) -> Self {
        self.starts.push(NamedStart { name: name.into(), from });
        self
    }

    /// Some of the irrelevant records are related: the graded oracle says 0 of them.
    #[must_use]
    pub fn related_to(mut self, related: &BTreeSet<RecordId>, corpus: &Corpus) -> Self {
        for (truth, id) in self.truths.iter_mut().zip(corpus.ids()) {
            if *truth == Truth::Irrelevant && related.contains(id) {
                *truth = Truth::Related;
            }
        }
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it may start.
    pub fn starts(&self) -> &[NamedStart] {
        &self.starts
    }

    pub(crate) fn truth(&self, row: usize) -> Truth {
        self.truths[row]
    }

    /// Whether a row of the corpus is relevant.
    pub fn is_relevant(&self, row: usize) -> bool {
        self.truths[row] == Truth::Relevant
    }
}

impl Origin {
    /// How many relevant records of the pool it takes for itself.
    pub(crate) fn n_drawn(&self) -> usize {
        if let Self::Examples(n) = self { *n } else { 0 }
    }

    /// How many records of the pool are known from the start, at most.
    pub(crate) fn n_known(&self) -> usize {
        match self {
            Self::Given { examples, .. } => examples.len(),
            Self::Examples(n) => *n,
        }
    }
}

impl From<Start> for Origin {
    fn from(start: Start) -> Self {
        Self::Given { start: Box::new(start), examples: Vec::new() }
    }
}
