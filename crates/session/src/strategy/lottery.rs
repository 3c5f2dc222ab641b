//! Which records come next where they are drawn at random.
//!
//! To draw from its points a store looks at every id, which takes longer than all else of a round. So a
//! session draws once, and more than it needs for long: ids in random order, of which each round takes the
//! first that nobody has seen. Each unseen record is then as likely as the other, as if it were drawn anew. It
//! draws again when it has come to the end, or when the points have changed.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
};

use linprobe_core::{Excluded, RecordId, StoreError, VectorStore};

/// Ids that are drawn at once, at least.
const N_DRAWN: usize = 4096;

/// The random order of one session.
#[derive(Debug)]
pub(crate) struct Lottery {
    seed: u64,
    drawn: Mutex<Drawn>,
}

#[derive(Debug, Default)]
struct Drawn {
    /// That of the store.
    version: u64,
    /// Whether these are all of its points.
    is_all: bool,
    ids: Vec<RecordId>,
}

impl Lottery {
    /// An order of its own for each name.
    pub(crate) fn new(name: &str) -> Self {
        Self { seed: hash(0, &name), drawn: Mutex::default() }
    }

    /// The next `n` that were not seen, or as many as there are.
    pub(crate) async fn draw(
        &self,
        store: &dyn VectorStore,
        n: usize,
        seen: &Excluded,
    ) -> Result<Vec<RecordId>, StoreError> {
        let version = store.version().await?;
        if let Some(ids) = self.lock().first_unseen(version, n, seen) {
            return Ok(ids);
        }
        // Of a sample larger by as many as were seen, n at least are not. It may come in any order.
        let n_drawn = N_DRAWN.max(2 * (n + seen.len()));
        let points = store.sample(n_drawn, self.seed).await?;
        let mut ids: Vec<RecordId> = points.into_iter().map(|point| point.id).collect();
        ids.sort_by_cached_key(|id| (hash(self.seed, id), id.clone()));
        let drawn = Drawn { version, is_all: ids.len() < n_drawn, ids };
        let first = drawn.unseen(seen).take(n).cloned().collect();
        *self.lock() = drawn;
        Ok(first)
    }

    fn lock(&self) -> MutexGuard<'_, Drawn> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drawn {
    /// The first `n` that were not seen, unless these are too few, or of other points.
    fn first_unseen(&self, version: u64, n: usize, seen: &Excluded) -> Option<Vec<RecordId>> {
        let first: Vec<RecordId> = self.unseen(seen).take(n).cloned().collect();
        (self.version == version && (first.len() == n || self.is_all)).then_some(first)
    }

    fn unseen<'a>(&'a self, seen: &'a Excluded) -> impl Iterator<Item = &'a RecordId> {
        self.ids.iter().filter(|id| !seen.contains(*id))
    }
}

fn hash(seed: u64, of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, of).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use linprobe_core::{Embedding, Point};
    use linprobe_store::MemoryStore;
    use pollster::FutureExt;

    use super::*;

    fn store(n_points: u64) -> MemoryStore {
        let store = MemoryStore::new(2);
        add(&store, 0..n_points);
        store
    }

    fn add(store: &MemoryStore, rows: std::ops::Range<u64>) {
        let embedding = Embedding::normalize(vec![0.6, 0.8]).unwrap();
        let point = |row| Point { id: RecordId::from_row(row), embedding: embedding.clone() };
        store.upsert(&rows.map(point).collect::<Vec<_>>()).block_on().unwrap();
    }

    #[test]
    fn draws_one_after_the_other_give_every_record_once() {
        let (store, lottery, mut seen) = (store(10_000), Lottery::new("dogs"), Excluded::new());
        loop {
            let drawn = lottery.draw(&store, 700, &seen).block_on().unwrap();
            if drawn.is_empty() {
                break;
            }
            assert!(drawn.into_iter().all(|id| seen.insert(id)));
        }
        assert_eq!(seen.len(), 10_000);
    }

    #[test]
    fn a_record_that_was_added_later_is_drawn_as_well() {
        let (store, lottery, mut seen) = (store(10), Lottery::new("dogs"), Excluded::new());
        seen.extend(lottery.draw(&store, 10, &seen).block_on().unwrap());
        add(&store, 10..11);
        let drawn = lottery.draw(&store, 10, &seen).block_on().unwrap();
        assert_eq!(drawn, [RecordId::from_row(10)]);
    }

    #[test]
    fn every_session_has_an_order_of_its_own_that_favours_no_record() {
        let (store, seen) = (store(1000), Excluded::new());
        let mut n_first_half = 0;
        for name in 0..50 {
            let lottery = Lottery::new(&name.to_string());
            let drawn = lottery.draw(&store, 10, &seen).block_on().unwrap();
            let is_low = |id: &&RecordId| id.as_str().parse::<u64>().unwrap() < 500;
            n_first_half += drawn.iter().filter(is_low).count();
        }
        assert!((200..300).contains(&n_first_half), "{n_first_half} of 500");
    }
}
