//! Keeping every row that may be among the highest, where scores are known up to a margin.
//!
//! A row contends as long as the highest score that it may have reaches the lowest that the last of the
//! rows in may have. Whoever knows the scores of those that are left knows the list, ties included.

use super::{bitmap::Bitmap, floor::Floor};

/// A row, and the bounds of its score.
#[derive(Clone, Copy, Debug)]
struct Contender {
    lowest: f32,
    highest: f32,
    row_idx: usize,
}

/// The rows offered so far that may be among the `n_wanted` highest. Clones that are made before anything was offered
/// share their floor.
#[derive(Clone, Debug)]
pub(crate) struct Contenders {
    n_wanted: usize,
    /// More contenders than this are not worth telling apart.
    limit: usize,
    /// Scores that cannot reach it do not matter.
    floor: Floor,
    kept: Vec<Contender>,
    prune_at: usize,
    is_crowded: bool,
}

/// Contenders that are kept before it is looked which of them still contend.
const LEAST_KEPT: usize = 64;

impl Contenders {
    pub(crate) fn new(n_wanted: usize, limit: usize) -> Self {
        let prune_at = n_wanted.saturating_mul(2).max(LEAST_KEPT);
        let floor = Floor::new(n_wanted);
        Self { n_wanted, limit, floor, kept: Vec::new(), prune_at, is_crowded: false }
    }

    /// Offers the rows from `first_row`, whose scores and margins are given. A NaN is never kept.
    pub(crate) fn offer(
        &mut self,
        first_row: usize,
        (scores, margins): (&[f32], &[f32]),
        excluded: &Bitmap,
    ) {
        self.floor.learn();
        let groups = scores.chunks(16).zip(margins.chunks(16));
        for (group_idx, (scores, margins)) in groups.enumerate() {
            if any_reaches(self.floor.get(), scores, margins) {
                self.offer_each(first_row + group_idx * 16, (scores, margins), excluded);
            }
        }
    }

    fn offer_each(
        &mut self,
        first_row: usize,
        (scores, margins): (&[f32], &[f32]),
        excluded: &Bitmap,
    ) {
        for (row_idx, (score, margin)) in (first_row..).zip(scores.iter().zip(margins)) {
            let (lowest, highest) = (score - margin, score + margin);
            if highest >= self.floor.get() && !excluded.contains(row_idx) {
                self.keep(Contender { lowest, highest, row_idx });
            }
        }
    }

    fn keep(&mut self, contender: Contender) {
        self.kept.push(contender);
        if self.kept.len() >= self.prune_at {
            self.prune();
            self.prune_at = self.kept.len().saturating_mul(2).max(self.prune_at);
        }
    }

    /// Lets go of all that contend no longer; of all, where too many do.
    fn prune(&mut self) {
        if self.n_wanted == 0 || self.kept.len() < self.n_wanted {
            return;
        }
        let by_lowest = |a: &Contender, b: &Contender| b.lowest.total_cmp(&a.lowest);
        let (_, last, _) = self.kept.select_nth_unstable_by(self.n_wanted - 1, by_lowest);
        let floor = last.lowest.max(self.floor.get());
        self.floor.raise(floor);
        self.kept.retain(|contender| contender.highest >= floor);
        if self.kept.len() > self.limit {
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        self.is_crowded = true;
        self.floor.close();
        self.kept.clear();
    }

    /// Takes over what has been kept of other rows.
    pub(crate) fn merge(&mut self, other: Self) {
        if other.is_crowded {
            self.give_up();
        }
        for contender in other.kept {
            if contender.highest >= self.floor.get() {
                self.keep(contender);
            }
        }
    }

    /// The rows that may be in; none where there are too many.
    pub(crate) fn finish(mut self) -> Option<Vec<usize>> {
        self.prune();
        let is_small = !self.is_crowded && self.kept.len() <= self.limit;
        is_small.then(|| self.kept.into_iter().map(|contender| contender.row_idx).collect())
    }
}

/// Whether a score may reach the floor.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "without a branch in it, this is a handful of vector instructions"
)]
fn any_reaches(floor: f32, scores: &[f32], margins: &[f32]) -> bool {
    let pairs = scores.iter().zip(margins);
    pairs.fold(false, |any, (score, margin)| any | (score + margin >= floor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_true_list_is_always_among_the_contenders(
            rows in prop::collection::vec((-1.0_f32..1.0, 0.0_f32..0.3, -1.0_f32..1.0), 1..400),
            n_wanted in 0_usize..20,
            cut in 0_usize..400,
        ) {
            let scores: Vec<f32> = rows.iter().map(|row| row.0).collect();
            let margins: Vec<f32> = rows.iter().map(|row| row.1).collect();
            let truth: Vec<f32> = rows.iter().map(|(score, margin, at)| score + margin * at * 0.99).collect();
            let none = Bitmap::default();
            let mut contenders = Contenders::new(n_wanted, usize::MAX);
            let mut others = contenders.clone();
            let cut = cut.min(rows.len());
            contenders.offer(0, (&scores[..cut], &margins[..cut]), &none);
            others.offer(cut, (&scores[cut..], &margins[cut..]), &none);
            contenders.merge(others);
            let kept = contenders.finish().unwrap();
            let mut best: Vec<usize> = (0..rows.len()).collect();
            best.sort_by(|&a, &b| truth[b].total_cmp(&truth[a]));
            for row_idx in best.into_iter().take(n_wanted) {
                prop_assert!(kept.contains(&row_idx), "{row_idx} is not in {kept:?}");
            }
        }
    }

    #[test]
    fn a_crowd_is_not_kept() {
        let mut contenders = Contenders::new(2, 100);
        for block in 0..100 {
            contenders.offer(block * 100, (&[0.5; 100], &[0.1; 100]), &Bitmap::default());
        }
        assert!(contenders.kept.len() < 300);
        assert_eq!(contenders.finish(), None);
    }
}
