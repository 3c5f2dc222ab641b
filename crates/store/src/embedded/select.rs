//! Keeping the highest of very many keys at the price of one comparison each.
//!
//! Keys equal to the lowest one kept are let go, so a selection never grows with ties; whoever must
//! choose among equals looks for all of them a second time, knowing the value.

use super::{bitmap::Bitmap, floor::Floor};

/// A row with the key that it is chosen by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) key: f32,
    pub(crate) row_idx: usize,
}

/// The `n_wanted` highest keys offered so far. Clones that are made before anything was offered share their floor.
#[derive(Clone, Debug)]
pub(crate) struct Selector {
    n_wanted: usize,
    /// Keys must be above it to matter.
    floor: Floor,
    kept: Vec<Candidate>,
}

/// The outcome: who is in for certain, and where the last places are drawn among equals.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Selection {
    /// Those with keys above the cut.
    pub(crate) above: Vec<Candidate>,
    /// The lowest key that is in. Minus infinity where there are fewer keys than places.
    pub(crate) cut: f32,
    /// How many places are left for keys equal to the cut.
    pub(crate) n_left: usize,
}

impl Selector {
    pub(crate) fn new(n_wanted: usize) -> Self {
        Self { n_wanted, floor: Floor::new(n_wanted), kept: Vec::new() }
    }

    /// Offers the rows from `first_row`, whose keys are given. A NaN is never kept.
    pub(crate) fn offer(
        &mut self,
        first_row: usize,
        scores: &[f32],
        key: impl Fn(f32) -> f32,
        excluded: &Bitmap,
    ) {
        self.floor.learn();
        for (group_idx, group) in scores.chunks(16).enumerate() {
            let floor = self.floor.get();
            // Without a branch in it, this is a handful of vector instructions.
            if group.iter().fold(false, |any, &score| any | (key(score) > floor)) {
                self.offer_each(first_row + group_idx * 16, group, &key, excluded);
            }
        }
    }

    fn offer_each(
        &mut self,
        first_row: usize,
        scores: &[f32],
        key: &impl Fn(f32) -> f32,
        excluded: &Bitmap,
    ) {
        for (row_idx, &score) in (first_row..).zip(scores) {
            let key = key(score);
            if key > self.floor.get() && !excluded.contains(row_idx) {
                self.keep(Candidate { key, row_idx });
            }
        }
    }

    /// Offers one row. A NaN is never kept.
    pub(crate) fn offer_one(&mut self, candidate: Candidate) {
        if candidate.key > self.floor.get() {
            self.keep(candidate);
        }
    }

    fn keep(&mut self, candidate: Candidate) {
        self.kept.push(candidate);
        if self.kept.len() >= self.n_wanted.saturating_mul(2).max(64) {
            self.prune();
        }
    }

    /// Lets go of all but the highest.
    fn prune(&mut self) {
        if self.kept.len() > self.n_wanted {
            let by_key = |a: &Candidate, b: &Candidate| b.key.total_cmp(&a.key);
            self.kept.select_nth_unstable_by(self.n_wanted, by_key);
            self.kept.truncate(self.n_wanted);
        }
        if self.kept.len() == self.n_wanted {
            let lowest =
                self.kept.iter().map(|candidate| candidate.key).fold(f32::INFINITY, f32::min);
            self.floor.raise(lowest.max(self.floor.get()));
        }
    }

    /// Takes over what another selector has kept of other rows.
    pub(crate) fn merge(&mut self, other: Self) {
        other.kept.into_iter().for_each(|candidate| self.offer_one(candidate));
    }

    pub(crate) fn finish(mut self) -> Selection {
        self.prune();
        let cut = self.floor.get();
        self.kept.retain(|candidate| candidate.key > cut);
        Selection { n_left: self.n_wanted - self.kept.len(), above: self.kept, cut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn offer(selector: &mut Selector, first_row: usize, keys: &[f32]) {
        selector.offer(first_row, keys, |key| key, &Bitmap::default());
    }

    #[test]
    fn a_floor_that_a_clone_has_told_never_sinks() {
        let mut one = Selector::new(30);
        let mut other = one.clone();
        offer(&mut one, 0, &[0.1; 40]);
        offer(&mut other, 40, &[0.5; 64]);
        assert!(other.floor.get() >= 0.5);
        // Enough to be pruned: among the thirty highest of its own are some from below the other's floor.
        offer(&mut one, 104, &[0.9; 24]);
        assert!(one.floor.get() >= 0.5);
    }

    proptest! {
        /// Few different keys, so that the cut goes through equals.
        #[test]
        fn selectors_that_share_a_floor_choose_as_one_would(
            blocks in prop::collection::vec((0..3_usize, prop::collection::vec(0..40_u8, 1..80)), 1..12),
            n_wanted in 1_usize..50,
        ) {
            let mut selectors = vec![Selector::new(n_wanted); 3];
            let mut all: Vec<Candidate> = Vec::new();
            for (selector, keys) in &blocks {
                let keys: Vec<f32> = keys.iter().map(|&key| f32::from(key)).collect();
                let before = selectors[*selector].floor.get();
                offer(&mut selectors[*selector], all.len(), &keys);
                prop_assert!(selectors[*selector].floor.get() >= before);
                let rows = all.len()..;
                all.extend(rows.zip(keys).map(|(row_idx, key)| Candidate { key, row_idx }));
            }
            let mut merged = selectors.pop().unwrap();
            for selector in selectors {
                merged.merge(selector);
            }
            let Selection { mut above, cut, n_left } = merged.finish();
            all.sort_by(|a, b| b.key.total_cmp(&a.key).then(a.row_idx.cmp(&b.row_idx)));
            let last = all.get(n_wanted - 1).map_or(f32::NEG_INFINITY, |last| last.key);
            all.retain(|candidate| candidate.key > last);
            above.sort_by(|a, b| b.key.total_cmp(&a.key).then(a.row_idx.cmp(&b.row_idx)));
            prop_assert_eq!((cut, n_left), (last, n_wanted - all.len()));
            prop_assert_eq!(above, all);
        }
    }
}
