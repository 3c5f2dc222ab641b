//! Two classifiers side by side: two rounds of a session, two sessions, or imported ones.

use std::collections::BTreeMap;

use linprobe_classifier::LinearClassifier;
use linprobe_core::{Excluded, Query, RecordId};

use crate::{error::ProjectError, project::Project};

/// What two classifiers make of the records that either ranks highest.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Records that both rank among their highest.
    pub n_both: usize,
    /// Those that only the first does.
    pub n_only_a: usize,
    /// Those that only the second does.
    pub n_only_b: usize,
    /// The cosine of the weights; 0 where one of them has no direction.
    pub cosine: f64,
    /// All of these records, the one that has moved furthest first.
    pub moved: Vec<Moved>,
}

/// Where two classifiers put a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// The record.
    pub id: RecordId,
    /// Its place with the first classifier, from 1, where it is among the highest.
    pub rank_a: Option<usize>,
    /// Its place with the second one.
    pub rank_b: Option<usize>,
    /// Its logit by the first classifier.
    pub score_a: f32,
    /// And by the second one.
    pub score_b: f32,
}

impl Project {
    /// The classifier of a session as it was after a round, as it is now, or an imported one.
    ///
    /// # Errors
    /// [`ProjectError::Unknown`] when there is no classifier of this name.
    pub fn classifier_at(
        &self,
        name: &str,
        round: Option<u32>,
    ) -> Result<LinearClassifier, ProjectError> {
        let Some(round) = round else { return Ok(self.kept_classifier(name)?.classifier) };
        let state = self.session_state(name)?;
        let fits = state.fits().iter();
        let fit = fits.clone().rfind(|fit| fit.round <= round).or_else(|| fits.clone().next());
        let none = || ProjectError::unknown("classifier", name, []);
        fit.map(|fit| fit.classifier.clone()).ok_or_else(none)
    }

    /// Compares two classifiers on the `k` records that each ranks highest.
    ///
    /// # Errors
    /// [`ProjectError::Empty`], or the store fails.
    pub async fn compare(
        &self,
        a: &LinearClassifier,
        b: &LinearClassifier,
        k: usize,
    ) -> Result<Comparison, ProjectError> {
        let (ranks_a, ranks_b) = (self.highest(a, k).await?, self.highest(b, k).await?);
        let mut ids: Vec<RecordId> = ranks_a.keys().chain(ranks_b.keys()).cloned().collect();
        ids.sort_unstable();
        ids.dedup();
        let points = self.store()?.fetch(&ids).await?;
        let mut moved: Vec<Moved> = points
            .into_iter()
            .map(|point| Moved {
                rank_a: ranks_a.get(&point.id).copied(),
                rank_b: ranks_b.get(&point.id).copied(),
                score_a: a.score(&point.embedding),
                score_b: b.score(&point.embedding),
                id: point.id,
            })
            .collect();
        moved.sort_by(|x, y| y.distance(k).cmp(&x.distance(k)).then_with(|| x.id.cmp(&y.id)));
        let n_both = ranks_a.keys().filter(|id| ranks_b.contains_key(*id)).count();
        let (n_only_a, n_only_b) = (ranks_a.len() - n_both, ranks_b.len() - n_both);
        let cosine = a.cosine(b).unwrap_or_default();
        Ok(Comparison { n_both, n_only_a, n_only_b, cosine, moved })
    }

    /// The places of the highest scores, from 1.
    async fn highest(
        &self,
        classifier: &LinearClassifier,
        k: usize,
    ) -> Result<BTreeMap<RecordId, usize>, ProjectError> {
        let weights = classifier.weights();
        let query = Query { weights, top_k: k, exclude: &Excluded::new() };
        let hits = self.store()?.search(query).await?;
        Ok(hits.into_iter().map(|hit| hit.id).zip(1..).collect())
    }
}

impl Moved {
    /// How many places it has moved; what is not among the `k` highest counts as just below them.
    fn distance(&self, k: usize) -> usize {
        let place = |rank: Option<usize>| rank.unwrap_or(k + 1);
        place(self.rank_a).abs_diff(place(self.rank_b))
    }
}
