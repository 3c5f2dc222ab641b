//! Labels that a person should look at again.

use linprobe_classifier::{Doubt, DoubtReason, Example, Label, doubts};
use linprobe_core::RecordId;

use crate::{SessionError, StartExample, View};

/// A label that the others speak against.
#[derive(Clone, Debug, PartialEq)]
pub struct DoubtfulLabel {
    /// The record.
    pub id: RecordId,
    /// Its label.
    pub label: Label,
    /// What speaks against it.
    pub reason: AgainstLabel,
}

/// What speaks against a label.
#[derive(Clone, Debug, PartialEq)]
pub enum AgainstLabel {
    /// Fitted without it, the classifier gives its record this probability of being relevant.
    Probability(f64),
    /// A record that is nearly the same has the opposite label: its id, if it has one.
    Twin(Option<RecordId>),
}

/// An example and its record; those that came from elsewhere have none.
type Known = (Option<RecordId>, Example);

impl View {
    /// Labels that the others speak against, at most `limit`, the most doubtful first.
    ///
    /// # Errors
    /// [`SessionError`] when the store fails.
    pub async fn look_again(&self, limit: usize) -> Result<Vec<DoubtfulLabel>, SessionError> {
        let known = self.known().await?;
        let examples: Vec<Example> = known.iter().map(|(_, example)| example.clone()).collect();
        let state = self.state();
        let found = doubts(&state.query().start, &examples, self.background(), state.method())?;
        let named = found.into_iter().filter_map(|Doubt { example_idx, reason }| {
            let (id, example) = known.get(example_idx)?;
            let reason = match reason {
                DoubtReason::Unexpected { probability } => AgainstLabel::Probability(probability),
                DoubtReason::Contradicted { by_idx, .. } => {
                    AgainstLabel::Twin(known.get(by_idx).and_then(|(id, _)| id.clone()))
                }
            };
            Some(DoubtfulLabel { id: id.clone()?, label: example.label, reason })
        });
        Ok(named.take(limit).collect())
    }

    async fn known(&self) -> Result<Vec<Known>, SessionError> {
        let state = self.state();
        let foreign = state.query().examples.iter().filter(|example| example.id.is_none());
        let foreign = foreign.map(|example| (None, StartExample::to_example(example)));
        let given = self.labelled_points().await?.into_iter().filter_map(|point| {
            let given = state.given_labels().get(&point.id)?;
            let example =
                Example { embedding: point.embedding, label: given.label, round: given.round };
            Some((Some(point.id), example))
        });
        Ok(foreign.chain(given).collect())
    }
}
