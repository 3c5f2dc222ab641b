//! What to show next: from one pass over the store, and each record with the reason for it.
//!
//! The highest scores are the default: of a rare concept, most labels are needed where it is thought
//! to be. The boundary and random records are for those who know that they want them.

use std::{
    collections::BTreeSet,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    str::FromStr,
};

use linprobe_classifier::LinearClassifier;
use linprobe_core::{Excluded, Query, RecordId, StoreError, Survey, VectorStore};

use crate::{Pick, Reason};

/// Which unseen records to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The highest scores.
    #[default]
    Top,
    /// The scores nearest to the decision boundary.
    Boundary,
    /// Any, each as likely as the other.
    Random,
    /// Half the highest, three tenths from the boundary, the rest random.
    Mixed,
}

/// Where the records of a round come from.
pub(crate) struct Choice<'a> {
    pub(crate) store: &'a dyn VectorStore,
    pub(crate) classifier: &'a LinearClassifier,
    pub(crate) seen: &'a Excluded,
    /// Decides what is drawn at random.
    pub(crate) seed: u64,
}

impl Choice<'_> {
    /// Chooses `k` records, or as many as are unseen.
    pub(crate) async fn choose(
        &self,
        k: usize,
        strategy: Strategy,
    ) -> Result<Vec<Pick>, StoreError> {
        match strategy {
            Strategy::Top => self.top(k).await,
            Strategy::Boundary => self.boundary(k).await,
            Strategy::Random => self.random(k, BTreeSet::new()).await,
            Strategy::Mixed => self.mixed(k).await,
        }
    }

    async fn top(&self, k: usize) -> Result<Vec<Pick>, StoreError> {
        let weights = self.classifier.weights();
        let hits = self.store.search(Query { weights, top_k: k, exclude: self.seen }).await?;
        let bias = self.classifier.bias();
        let pick = |id, score| Pick { id, score, reason: Reason::Top };
        Ok(hits.into_iter().map(|hit| pick(hit.id, hit.score + bias)).collect())
    }

    async fn boundary(&self, k: usize) -> Result<Vec<Pick>, StoreError> {
        let (_, boundary) = self.survey(0, k).await?;
        Ok(boundary)
    }

    /// A record that two reasons choose counts for the first.
    async fn mixed(&self, k: usize) -> Result<Vec<Pick>, StoreError> {
        let (n_top, n_boundary) = (k.div_ceil(2), k * 3 / 10);
        let (mut picks, boundary) = self.survey(n_top, n_top + n_boundary).await?;
        let mut chosen: BTreeSet<RecordId> = picks.iter().map(|pick| pick.id.clone()).collect();
        let boundary = boundary.into_iter().filter(|pick| chosen.insert(pick.id.clone()));
        picks.extend(boundary.take(n_boundary).collect::<Vec<_>>());
        let chosen = picks.iter().map(|pick| pick.id.clone()).collect();
        picks.extend(self.random(k - picks.len(), chosen).await?);
        Ok(picks)
    }

    /// The highest scores and those nearest to the boundary.
    async fn survey(
        &self,
        top_k: usize,
        n_boundary: usize,
    ) -> Result<(Vec<Pick>, Vec<Pick>), StoreError> {
        let survey = Survey {
            weights: self.classifier.weights(),
            bias: self.classifier.bias(),
            top_k,
            n_boundary,
            threshold: 0.0,
            n_bins: 1,
            exclude: self.seen,
        };
        let report = self.store.survey(survey).await?;
        let pick =
            |reason| move |hit: linprobe_core::Hit| Pick { id: hit.id, score: hit.score, reason };
        let top = report.top.into_iter().map(pick(Reason::Top)).collect();
        let boundary = report.boundary.into_iter().map(pick(Reason::Boundary)).collect();
        Ok((top, boundary))
    }

    /// Of a sample larger by as many as were seen or chosen, k at least are neither. It may come in
    /// any order, so it is shuffled before the first k are taken.
    async fn random(&self, k: usize, chosen: BTreeSet<RecordId>) -> Result<Vec<Pick>, StoreError> {
        let n_points = k + self.seen.len() + chosen.len();
        let mut points = self.store.sample(n_points, self.seed).await?;
        points.retain(|point| !self.seen.contains(&point.id) && !chosen.contains(&point.id));
        points.sort_by_cached_key(|point| (hash(self.seed, &point.id), point.id.clone()));
        let picks = points.into_iter().take(k).map(|point| Pick {
            score: self.classifier.score(&point.embedding),
            id: point.id,
            reason: Reason::Random,
        });
        Ok(picks.collect())
    }
}

fn hash(seed: u64, id: &RecordId) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, id).hash(&mut hasher);
    hasher.finish()
}

const TOP: &str = "top";
const BOUNDARY: &str = "boundary";
const RANDOM: &str = "random";
const MIXED: &str = "mixed";

impl Strategy {
    /// The names of all strategies, the default first.
    pub const NAMES: [&'static str; 4] = [TOP, BOUNDARY, RANDOM, MIXED];
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Top => TOP,
            Self::Boundary => BOUNDARY,
            Self::Random => RANDOM,
            Self::Mixed => MIXED,
        })
    }
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(name: &str) -> Result<Self, UnknownStrategy> {
        match name {
            TOP => Ok(Self::Top),
            BOUNDARY => Ok(Self::Boundary),
            RANDOM => Ok(Self::Random),
            MIXED => Ok(Self::Mixed),
            _ => Err(UnknownStrategy { name: name.to_owned() }),
        }
    }
}

/// A name that names no strategy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no strategy {name:?}\nhint: one of {}", Strategy::NAMES.join(", "))]
pub struct UnknownStrategy {
    /// The name given.
    pub name: String,
}
