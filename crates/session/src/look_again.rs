//! Labels that a person should look at again.

use linprobe_classifier::{Doubt, DoubtReason, Example, Label, doubts};
use linprobe_core::RecordId;

use crate::{SessionError, View};

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
}
