//! Drawing records of a large collection at random, without a list of all keys.
//!
//! Keys that are numbers are drawn by their remainders modulo a prime, which ones the seed says: each key is as likely as the
//! other, however they are given out. Of texts Milvus computes nothing, but counts those between two. So they are
//! divided into parts of about the same size, by keys of records that lie in random directions, and from each come as many as its
//! share, the first in the order of keys. Which parts are large is counted, so a part of the collection weighs as much as it has
//! records; within a part, those behind its beginning are drawn and no others.

use linprobe_core::{Embedding, RecordId, SplitMix, StoreError};

use super::{MAX_ROWS, Milvus, N_AT_ONCE};
use crate::remote::at_once;

/// Keys of one remainder, about.
const PER_REMAINDER: u64 = 4_096;

/// Parts that texts are divided into, about.
const N_PARTS: u64 = 128;

/// How often parts are divided.
const MAX_DIVISIONS: usize = 6;

/// Directions to look for keys in, and how many in each.
const N_DIRECTIONS: usize = 64;
const PER_DIRECTION: usize = 64;

/// The keys behind one, up to another.
#[derive(Clone, Debug)]
struct Part {
    after: Option<RecordId>,
    upto: Option<RecordId>,
    n_keys: u64,
}

impl Milvus {
    /// Ids of so many records, or some more, of all that there are.
    pub(super) async fn drawn(
        &self,
        n_points: usize,
        n_there: u64,
        seed: u64,
    ) -> Result<Vec<RecordId>, StoreError> {
        if self.layout.key.is_number {
            self.by_remainders(n_points, n_there, seed).await
        } else {
            self.by_parts(n_points, n_there, seed).await
        }
    }

    async fn by_remainders(
        &self,
        n_points: usize,
        n_there: u64,
        seed: u64,
    ) -> Result<Vec<RecordId>, StoreError> {
        let least = n_there / PER_REMAINDER + 2;
        // There is a prime between any number and its double.
        let modulus = (least..2 * least).find(|&n| is_prime(n)).unwrap_or(least);
        let remainders = SplitMix::new(seed).shuffled(0..modulus);
        let mut drawn = Vec::new();
        for some in remainders.chunks(N_AT_ONCE) {
            if drawn.len() >= n_points {
                break;
            }
            let filters = some.iter().map(|&n| self.layout.key.with_remainder(n, modulus));
            let asked = filters.map(|filter| self.first_keys(Some(filter), usize::MAX)).collect();
            drawn.extend(at_once(N_AT_ONCE, asked).await?.into_iter().flatten());
        }
        Ok(drawn)
    }

    async fn by_parts(
        &self,
        n_points: usize,
        n_there: u64,
        seed: u64,
    ) -> Result<Vec<RecordId>, StoreError> {
        let size = (n_there / N_PARTS).max(1);
        let mut parts = vec![Part { after: None, upto: None, n_keys: n_there }];
        for division in 0..MAX_DIVISIONS as u64 {
            let (large, small): (Vec<Part>, Vec<Part>) =
                parts.into_iter().partition(|part| part.n_keys > 2 * size);
            parts = small;
            if large.is_empty() {
                break;
            }
            let divided = large.into_iter().map(|part| self.divided(part, size, seed ^ division));
            parts.extend(at_once(N_AT_ONCE, divided.collect()).await?.into_iter().flatten());
        }
        let share = |part: &Part| {
            let share = u128::from(part.n_keys) * n_points as u128;
            usize::try_from(share.div_ceil(u128::from(n_there))).unwrap_or(n_points)
        };
        let asked = parts.iter().map(|part| self.first_keys(self.filter_of(part), share(part)));
        let asked = asked.collect();
        Ok(at_once(N_AT_ONCE, asked).await?.into_iter().flatten().collect())
    }

    /// Divides a part into some of about this size, or leaves it as it is.
    async fn divided(&self, part: Part, size: u64, seed: u64) -> Result<Vec<Part>, StoreError> {
        let n_parts = usize::try_from(part.n_keys / size).unwrap_or(usize::MAX).max(2);
        let mut bounds = evenly(self.some_keys(&part, seed).await?, n_parts - 1);
        let Part { after, upto, .. } = part;
        bounds.retain(|id| Some(id) != upto.as_ref());
        let bounds = bounds.into_iter().map(Some);
        let bounds: Vec<Option<RecordId>> =
            [after].into_iter().chain(bounds).chain([upto]).collect();
        let parts = bounds.array_windows().map(|[after, upto]| Part {
            after: after.clone(),
            upto: upto.clone(),
            n_keys: 0,
        });
        at_once(N_AT_ONCE, parts.map(|part| self.counted(part)).collect()).await
    }

    async fn counted(&self, part: Part) -> Result<Part, StoreError> {
        let n_keys = self.count_of(self.filter_of(&part)).await?;
        Ok(Part { n_keys, ..part })
    }

    fn filter_of(&self, part: &Part) -> Option<String> {
        self.layout.key.between(part.after.as_ref(), part.upto.as_ref())
    }

    /// Keys of a part, of records in random directions; in their order.
    async fn some_keys(&self, part: &Part, seed: u64) -> Result<Vec<RecordId>, StoreError> {
        let mut random = SplitMix::new(seed);
        #[expect(clippy::cast_possible_truncation, reason = "any direction will do")]
        let mut direction = || {
            Embedding::normalize(
                (0..self.layout.dimension).map(|_| random.normal() as f32).collect::<Vec<_>>(),
            )
        };
        let directions: Vec<Embedding> =
            (0..N_DIRECTIONS).filter_map(|_| direction().ok()).collect();
        let directions: Vec<&Embedding> = directions.iter().collect();
        let question = self.question(&directions, PER_DIRECTION, self.filter_of(part));
        let hits = self.tell(question).await?.hits.unwrap_or_default();
        let mut keys: Vec<RecordId> = hits.ids().into_iter().flatten().collect();
        keys.sort();
        keys.dedup();
        Ok(keys)
    }

    /// The first keys that a filter lets through, so many at most.
    async fn first_keys(
        &self,
        filter: Option<String>,
        limit: usize,
    ) -> Result<Vec<RecordId>, StoreError> {
        let key = &self.layout.key;
        let mut keys: Vec<RecordId> = Vec::new();
        while keys.len() < limit {
            let after = keys.last().map(|last| key.after(last));
            let both = match (filter.clone(), after) {
                (Some(filter), Some(after)) => Some(format!("({filter}) and {after}")),
                (filter, after) => filter.or(after),
            };
            let n_asked = MAX_ROWS.min(limit - keys.len());
            let fields = vec![key.name.clone()];
            let mut found = self.table(both, Some(n_asked), fields).await?.ids(key);
            let is_full = found.len() >= n_asked;
            let mut found: Vec<(RecordId, ())> =
                found.drain(..).flatten().map(|id| (id, ())).collect();
            key.sort(&mut found);
            keys.extend(found.into_iter().map(|(id, ())| id));
            if !is_full {
                break;
            }
        }
        Ok(keys)
    }
}

/// Some of the keys, the same number apart.
fn evenly(keys: Vec<RecordId>, n_wanted: usize) -> Vec<RecordId> {
    let (n_keys, n_wanted) = (keys.len(), n_wanted.min(keys.len()));
    let mut keys: Vec<Option<RecordId>> = keys.into_iter().map(Some).collect();
    (0..n_wanted).filter_map(|n| keys[(2 * n + 1) * n_keys / (2 * n_wanted)].take()).collect()
}

fn is_prime(n: u64) -> bool {
    n >= 2 && (2..=n.isqrt()).all(|d| !n.is_multiple_of(d))
}
