//! Ranked hits for words, examples, a vector or a classifier.

use linprobe_classifier::{Example, Method, fit};
use linprobe_core::{Excluded, Query, RecordId};
use linprobe_session::StartExample;

use crate::{catalogue::CatalogueRecord, error::ProjectError, project::Project, start::StartFrom};

/// A record that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its similarity to what was searched for: a cosine, or a classifier's logit.
    pub score: f32,
    /// The record.
    pub record: CatalogueRecord,
}

impl Project {
    /// Ranks the records, best first. Examples move the search as labels move a session.
    ///
    /// # Errors
    /// [`ProjectError::NoStart`] when nothing is given, or the model does not take it;
    /// [`ProjectError::Filter`] when no record has a field that is asked after.
    pub async fn search(&self, from: &StartFrom, top_k: usize) -> Result<Vec<Found>, ProjectError> {
        let store = self.narrowed_store(from.filter.as_ref())?;
        let background = self.background()?;
        let origin = self.origin(from, store.as_ref(), &background).await?;
        let (weights, bias) = if from.is_moved_by_examples() {
            let examples: Vec<Example> = origin.examples.into_iter().map(example).collect();
            let fitted = fit(&origin.start, &examples, &background, &Method::default())?;
            (fitted.weights().to_vec(), fitted.bias())
        } else if let Some(head) = origin.start.head() {
            (head.weights().to_vec(), head.bias())
        } else {
            (origin.start.direction().as_slice().to_vec(), 0.0)
        };
        let exclude = Excluded::new();
        let hits = store.search(Query { weights: &weights, top_k, exclude: &exclude }).await?;
        let ids: Vec<RecordId> = hits.iter().map(|hit| hit.id.clone()).collect();
        let records = self.records_by_id(&ids)?.into_iter();
        let scores = hits.into_iter().map(|hit| hit.score + bias);
        Ok(scores.zip(records).map(|(score, record)| Found { score, record }).collect())
    }
}

fn example(StartExample { embedding, label, .. }: StartExample) -> Example {
    Example { embedding, label, round: 0 }
}
