//! What is known of a session at one moment: enough to ask everything, while others go on labelling.
//!
//! A [`Session`](crate::Session) is its view and a journal to write to. A view is cheap to clone and
//! never changes, so a survey of a large store can run beside the next labels.

use std::{borrow::Cow, sync::Arc};

use linprobe_classifier::{Background, Example, LinearClassifier};
use linprobe_core::{Excluded, Point, RecordId, StoreError, VectorStore};

use crate::{Groups, StartExample, State, strategy::Lottery, surveys::Surveys};

/// A session as it was at one moment, over its store.
#[derive(Clone)]
pub struct View {
    pub(crate) store: Arc<dyn VectorStore>,
    pub(crate) background: Arc<Background>,
    pub(crate) state: Arc<State>,
    pub(crate) lottery: Arc<Lottery>,
    pub(crate) surveys: Arc<Surveys>,
    pub(crate) groups: Arc<Groups>,
}

/// An example and its record; those that came from elsewhere have none.
pub(crate) type Known = (Option<RecordId>, Example);

/// Labels with the embeddings of their records.
pub(crate) struct Examples {
    pub(crate) examples: Vec<Example>,
    /// Labels whose record the store has no longer.
    pub(crate) n_missing: u64,
}

impl View {
    pub(crate) fn new(
        store: Arc<dyn VectorStore>,
        background: Arc<Background>,
        state: State,
    ) -> Self {
        let lottery = Arc::new(Lottery::new(state.name()));
        let (surveys, groups) = (Arc::default(), Arc::default());
        Self { store, background, state: Arc::new(state), lottery, surveys, groups }
    }

    /// All that had happened, folded: rounds, labels, what was seen, fits.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What is not to be shown: what was seen, and what is in a group with it.
    pub(crate) fn hidden(&self) -> Cow<'_, Excluded> {
        self.groups.hidden(self.state.seen())
    }

    /// The classifier of the last fit.
    pub fn classifier(&self) -> &LinearClassifier {
        self.state.classifier().expect("a session is fitted when it starts or resumes")
    }

    /// The store that is asked.
    pub fn store(&self) -> &Arc<dyn VectorStore> {
        &self.store
    }

    /// The background of the store.
    pub fn background(&self) -> &Background {
        &self.background
    }

    /// Labels with the embeddings that the store has of their records, and the examples of the start
    /// that are no records.
    pub(crate) async fn examples(&self) -> Result<Examples, StoreError> {
        let known = self.known().await?;
        let n_found = known.iter().filter(|(id, _)| id.is_some()).count();
        let n_missing = (self.state.given_labels().len() - n_found) as u64;
        let examples = known.into_iter().map(|(_, example)| example).collect();
        Ok(Examples { examples, n_missing })
    }

    /// The same with the records that they are of: first those of the start, which are none.
    pub(crate) async fn known(&self) -> Result<Vec<Known>, StoreError> {
        let foreign = self.state.query().examples.iter().filter(|example| example.id.is_none());
        let foreign = foreign.map(|example| (None, StartExample::to_example(example)));
        let given = self.labelled_points().await?.into_iter().filter_map(|point| {
            let given = self.state.given_labels().get(&point.id)?;
            let example =
                Example { embedding: point.embedding, label: given.label, round: given.round };
            Some((Some(point.id), example))
        });
        Ok(foreign.chain(given).collect())
    }

    /// The points of the labelled records that the store still has, in the order of their ids. Those that were
    /// read before are remembered, for as long as the store stays the same.
    pub(crate) async fn labelled_points(&self) -> Result<Vec<Point>, StoreError> {
        let version = self.store.version().await?;
        let mut known = self.surveys.embeddings(version);
        let labelled = self.state.given_labels();
        let is_new = |id: &&RecordId| !known.contains_key(*id);
        let new: Vec<RecordId> = labelled.keys().filter(is_new).cloned().collect();
        if !new.is_empty() {
            let read = self.store.fetch(&new).await?.into_iter();
            Arc::make_mut(&mut known).extend(read.map(|point| (point.id, point.embedding)));
            self.surveys.keep_embeddings(version, &known);
        }
        let point =
            |id: &RecordId| Some(Point { id: id.clone(), embedding: known.get(id)?.clone() });
        Ok(labelled.keys().filter_map(point).collect())
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("state", &self.state).finish_non_exhaustive()
    }
}
