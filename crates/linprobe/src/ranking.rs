//! All records of a project in the order in which a classifier ranks them, to be read page by page.

use std::{collections::BTreeMap, sync::Arc};

use linprobe_classifier::LinearClassifier;
use linprobe_core::{Embedding, Excluded, Hit, Query, RecordId, VectorStore};
use linprobe_session::NEAR_DUPLICATE;

use crate::error::ProjectError;

/// The records of a project, best first.
#[derive(Clone)]
pub struct Ranking {
    store: Arc<dyn VectorStore>,
    /// Their scores are logits: the bias is in them.
    hits: Vec<Hit>,
}

/// Which records of a ranking, and in which order.
#[derive(Clone, Copy, Debug, Default)]
pub struct RankingPage {
    /// What comes first.
    pub order: RankingOrder,
    /// Only scores from here on.
    pub min_score: Option<f32>,
    /// How many to pass over.
    pub offset: usize,
    /// How many to list.
    pub limit: usize,
}

/// What comes first in a list of ranked records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RankingOrder {
    /// The highest scores.
    #[default]
    Descending,
    /// The lowest scores.
    Ascending,
    /// The scores nearest to the decision boundary.
    Boundary,
}

/// A record in a ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// Its place, from 1, whatever the order of the list.
    pub rank: usize,
    /// The record.
    pub id: RecordId,
    /// Its logit.
    pub score: f32,
    /// Records further down the same page that are nearly the same as it.
    pub folded: Vec<RecordId>,
}

/// A page of a ranking.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RankedPage {
    /// How many records there are on all pages.
    pub n_all: usize,
    /// The records of this one.
    pub records: Vec<Ranked>,
}

impl Ranking {
    /// Scores every point of a store.
    ///
    /// # Errors
    /// The store fails.
    pub async fn of(
        store: Arc<dyn VectorStore>,
        classifier: &LinearClassifier,
    ) -> Result<Self, ProjectError> {
        let top_k = usize::try_from(store.count().await?).unwrap_or(usize::MAX);
        let weights = classifier.weights();
        let mut hits = store.search(Query { weights, top_k, exclude: &Excluded::new() }).await?;
        for hit in &mut hits {
            hit.score += classifier.bias();
        }
        Ok(Self { store, hits })
    }

    /// All records, best first, with their logits.
    pub fn hits(&self) -> &[Hit] {
        &self.hits
    }

    /// How many records reach a score.
    pub fn n_above(&self, score: f32) -> usize {
        self.hits.partition_point(|hit| hit.score >= score)
    }

    /// Lists some of the records.
    pub fn page(&self, page: &RankingPage) -> RankedPage {
        let n_all = page.min_score.map_or(self.hits.len(), |score| self.n_above(score));
        let places = 0..n_all;
        let (offset, limit) = (page.offset.min(n_all), page.limit);
        let listed: Vec<usize> = match page.order {
            RankingOrder::Descending => places.skip(offset).take(limit).collect(),
            RankingOrder::Ascending => places.rev().skip(offset).take(limit).collect(),
            RankingOrder::Boundary => self.outward(n_all).skip(offset).take(limit).collect(),
        };
        let ranked = listed.into_iter().map(|place| {
            let Hit { id, score } = self.hits[place].clone();
            Ranked { rank: place + 1, id, score, folded: Vec::new() }
        });
        RankedPage { n_all, records: ranked.collect() }
    }

    /// The same, where a record that is nearly the same as one above it on the page stands under that
    /// one.
    ///
    /// # Errors
    /// The store fails.
    pub async fn folded_page(&self, page: &RankingPage) -> Result<RankedPage, ProjectError> {
        let RankedPage { n_all, records } = self.page(page);
        let ids: Vec<RecordId> = records.iter().map(|ranked| ranked.id.clone()).collect();
        let points = self.store.fetch(&ids).await?;
        let embeddings: BTreeMap<RecordId, Embedding> =
            points.into_iter().map(|point| (point.id, point.embedding)).collect();
        Ok(RankedPage { n_all, records: fold(records, &embeddings) })
    }

    /// The first places, the nearest to the decision boundary first.
    fn outward(&self, n_all: usize) -> impl Iterator<Item = usize> {
        let boundary = self.n_above(0.0).min(n_all);
        let (mut above, mut below) = (boundary, boundary);
        let distance = |place: usize| self.hits.get(place).map(|hit| hit.score.abs());
        std::iter::from_fn(move || {
            let up = above.checked_sub(1).and_then(distance);
            let down = (below < n_all).then(|| distance(below)).flatten();
            let goes_up = match (up, down) {
                (Some(up), Some(down)) => up <= down,
                (up, _) => up.is_some(),
            };
            if goes_up {
                above -= 1;
                return Some(above);
            }
            below += usize::from(down.is_some());
            down.map(|_| below - 1)
        })
    }
}

impl std::fmt::Debug for Ranking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ranking").field("n_hits", &self.hits.len()).finish_non_exhaustive()
    }
}

/// Puts each record under the first one that it is nearly the same as.
fn fold(records: Vec<Ranked>, embeddings: &BTreeMap<RecordId, Embedding>) -> Vec<Ranked> {
    let mut kept: Vec<Ranked> = Vec::with_capacity(records.len());
    for record in records {
        let own = embeddings.get(&record.id);
        let same = |other: &&mut Ranked| match (own, embeddings.get(&other.id)) {
            (Some(own), Some(other)) => own.dot(other.as_slice()) >= NEAR_DUPLICATE,
            _ => false,
        };
        match kept.iter_mut().find(same) {
            Some(first) => first.folded.push(record.id),
            None => kept.push(record),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use linprobe_core::Point;
    use linprobe_store::MemoryStore;

    use super::*;

    fn embedding(degrees: f32) -> Embedding {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Embedding::normalize(vec![cos, sin]).unwrap()
    }

    /// Records `0`, `1`, ... of these scores, best first, each at a number of degrees.
    fn ranking(records: &[(f32, f32)]) -> Ranking {
        let store = MemoryStore::new(2);
        let numbered = || (0..).map(RecordId::from_row).zip(records);
        let points =
            numbered().map(|(id, &(_, degrees))| Point { id, embedding: embedding(degrees) });
        pollster::block_on(store.upsert(&points.collect::<Vec<_>>())).unwrap();
        let hits = numbered().map(|(id, &(score, _))| Hit { id, score }).collect();
        Ranking { store: Arc::new(store), hits }
    }

    fn ranks(page: &RankedPage) -> Vec<usize> {
        page.records.iter().map(|ranked| ranked.rank).collect()
    }

    #[test]
    fn pages_of_every_order_list_each_record_once() {
        let scores = [3.0, 1.0, 0.2, -0.5, -0.6, -4.0];
        let ranking = ranking(&scores.map(|score| (score, 0.0)));
        for (order, expected) in [
            (RankingOrder::Descending, [1, 2, 3, 4, 5, 6]),
            (RankingOrder::Ascending, [6, 5, 4, 3, 2, 1]),
            (RankingOrder::Boundary, [3, 4, 5, 2, 1, 6]),
        ] {
            let page = |offset| RankingPage { order, offset, limit: 4, min_score: None };
            let (first, second) = (ranking.page(&page(0)), ranking.page(&page(4)));
            assert_eq!([ranks(&first), ranks(&second)].concat(), expected, "{order:?}");
            assert_eq!(ranking.page(&page(99)).records, []);
        }
    }

    #[test]
    fn a_lowest_score_shortens_every_order() {
        let ranking = ranking(&[(3.0, 0.0), (1.0, 0.0), (-1.0, 0.0)]);
        for order in [RankingOrder::Descending, RankingOrder::Ascending, RankingOrder::Boundary] {
            let page = RankingPage { order, min_score: Some(1.0), offset: 0, limit: 9 };
            let page = ranking.page(&page);
            assert_eq!((page.n_all, page.records.len()), (2, 2), "{order:?}");
        }
    }

    #[test]
    fn what_is_nearly_the_same_is_folded_under_the_first() {
        let ranking = ranking(&[(3.0, 0.0), (2.0, 90.0), (1.0, 2.0), (0.5, 91.0), (0.1, 45.0)]);
        let page = RankingPage { limit: 9, ..RankingPage::default() };
        let page = pollster::block_on(ranking.folded_page(&page)).unwrap();
        assert_eq!(ranks(&page), [1, 2, 5]);
        assert_eq!(page.records[0].folded, [RecordId::from_row(2)]);
        assert_eq!(page.records[1].folded, [RecordId::from_row(3)]);
    }
}
