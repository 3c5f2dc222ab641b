//! Lists of the nearest: as few questions as they can be asked by.

use linprobe_core::{Embedding, StoreError};
use prost::Message;

use super::{
    MAX_FILTER, Milvus, N_AT_ONCE,
    column::Table,
    layout::param,
    proto::{Hits, Kind, Placeholder, Placeholders, Search},
};
use crate::{
    collection::{Near, Sought},
    remote::at_once,
};

/// Ids that a search is told to leave out, at most; more are passed over when they come.
const MAX_EXCLUDED: usize = 100_000;

/// Coordinates that come along with hits; of longer lists they are fetched afterwards.
const MAX_COORDINATES: usize = 1 << 23;

/// Lists that are asked for by one question differ in length by this factor, at most.
const MAX_RATIO: usize = 4;

impl Milvus {
    /// Several lists to a question where they can be, and some questions at a time.
    pub(super) async fn lists(&self, sought: &[Sought<'_>]) -> Result<Vec<Vec<Near>>, StoreError> {
        let groups = groups(sought, MAX_COORDINATES / self.layout.dimension.max(1));
        let asked = groups.iter().map(|group| self.found(group)).collect();
        let mut found: Vec<_> = at_once(N_AT_ONCE, asked).await?.into_iter().flatten().collect();
        found.sort_by_key(|(place, _)| *place);
        Ok(found.into_iter().map(|(_, near)| near).collect())
    }

    /// The question for so many of the nearest to each direction, of those that a filter lets through.
    pub(super) fn question(
        &self,
        directions: &[&Embedding],
        limit: usize,
        filter: Option<String>,
    ) -> Search {
        let bytes = |direction: &&Embedding| {
            direction.as_slice().iter().flat_map(|value| value.to_le_bytes()).collect()
        };
        let placeholder = Placeholder {
            tag: "$0".to_owned(),
            kind: Kind::FloatVector.into(),
            vectors: directions.iter().map(bytes).collect(),
        };
        let effort = self.search.clone().unwrap_or_else(|| self.index.effort(limit));
        Search {
            collection: self.collection.clone(),
            partitions: self.partitions(),
            filter: self.filter(filter),
            vectors: Placeholders { placeholders: vec![placeholder] }.encode_to_vec(),
            filter_kind: 1,
            fields: Vec::new(),
            params: vec![
                param("anns_field", self.layout.vector.clone()),
                param("topk", limit.to_string()),
                param("params", effort),
                param("metric_type", self.index.metric.name()),
                param("round_decimal", "-1"),
            ],
            n_vectors: directions.len().try_into().unwrap_or(i64::MAX),
            consistency: self.consistency.into(),
        }
    }

    /// The nearest to the directions of a group, by one question, each with its place.
    async fn found(
        &self,
        group: &[(usize, Sought<'_>)],
    ) -> Result<Vec<(usize, Vec<Near>)>, StoreError> {
        let limit = group.iter().map(|(_, sought)| sought.limit).max().unwrap_or_default();
        let excluded = group.first().map(|(_, sought)| sought.exclude.iter().take(MAX_EXCLUDED));
        let among = excluded.and_then(|ids| self.layout.key.among(ids, MAX_FILTER));
        let directions: Vec<&Embedding> =
            group.iter().map(|(_, sought)| sought.direction).collect();
        let mut question =
            self.question(&directions, limit, among.map(|among| format!("not ({among})")));
        let has_vectors = limit.saturating_mul(self.layout.dimension) <= MAX_COORDINATES;
        if has_vectors {
            question.fields = vec![self.layout.vector.clone()];
        }
        let hits = self.tell(question).await?.hits.unwrap_or_default();
        let ids = hits.ids();
        let mut embeddings = vec![None; ids.len()];
        if has_vectors && !ids.is_empty() {
            let mut table = Table::read(&hits.columns).map_err(|bad| self.strange(&bad))?;
            embeddings = self.embeddings(&mut table, &ids)?;
        }
        let lengths = hits.lengths(group.len(), ids.len());
        let lengths = lengths.ok_or_else(|| self.failed("hits came without their numbers"))?;
        let mut rows = ids.into_iter().zip(hits.scores).zip(embeddings);
        let found = group.iter().zip(lengths).map(|((place, sought), n_hits)| {
            let near = rows.by_ref().take(n_hits).filter_map(|((id, score), embedding)| {
                Some(Near { id: id?, score: self.index.metric.cosine(score), embedding })
            });
            let mut near: Vec<Near> = near.collect();
            near.truncate(sought.limit);
            (*place, near)
        });
        Ok(found.collect())
    }
}

impl Hits {
    /// How many hits each of so many vectors has.
    fn lengths(&self, n_vectors: usize, n_hits: usize) -> Option<Vec<usize>> {
        if n_vectors == 1 || n_hits == 0 {
            return Some(vec![n_hits; n_vectors]);
        }
        let lengths = self.lengths.iter().map(|&length| usize::try_from(length).ok());
        lengths.collect::<Option<Vec<_>>>().filter(|lengths| lengths.len() == n_vectors)
    }
}

/// What can be asked by one question: lists of about the same length, with the same records left out, and so many hits at most.
fn groups<'a>(sought: &[Sought<'a>], max_hits: usize) -> Vec<Vec<(usize, Sought<'a>)>> {
    let mut groups: Vec<Vec<(usize, Sought<'a>)>> = Vec::new();
    for (place, one) in sought.iter().enumerate() {
        let fits = |group: &&mut Vec<(usize, Sought<'a>)>| {
            let limits = group.iter().map(|(_, other)| other.limit).chain([one.limit]);
            let (low, high) = limits
                .fold((usize::MAX, 0), |(low, high), limit| (low.min(limit), high.max(limit)));
            high <= low.saturating_mul(MAX_RATIO)
                && high.saturating_mul(group.len() + 1) <= max_hits
                && group.iter().all(|(_, other)| other.exclude == one.exclude)
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push((place, *one)),
            None => groups.push(vec![(place, *one)]),
        }
    }
    groups
}
