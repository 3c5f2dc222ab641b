//! Drawing points at random so that the draw depends on the seed and the ids alone.
//!
//! Each id has a pseudo-random rank for a seed, and the lowest ranks are drawn. So a store gives the
//! same sample in whatever order it was written, every store gives the same one, and a few more
//! points change only a few of those drawn. The price is one look at every id.

use std::collections::BinaryHeap;

use linprobe_core::SplitMix;

/// The lowest ranks offered so far, each with what stands for its point.
#[derive(Debug)]
pub(crate) struct Draw<T> {
    n_wanted: usize,
    seed: u64,
    /// The highest of the ranks kept is on top.
    kept: BinaryHeap<(u64, T)>,
}

impl<T: Ord> Draw<T> {
    pub(crate) fn new(n_wanted: usize, seed: u64) -> Self {
        Self { n_wanted, seed, kept: BinaryHeap::new() }
    }

    /// Offers a point, each once.
    pub(crate) fn offer(&mut self, id: &str, point: T) {
        let rank = rank(id, self.seed);
        if self.kept.len() < self.n_wanted {
            self.kept.push((rank, point));
        } else if let Some(mut highest) = self.kept.peek_mut()
            && rank < highest.0
        {
            *highest = (rank, point);
        }
    }

    /// The points drawn, in random order.
    pub(crate) fn finish(self) -> Vec<T> {
        self.kept.into_sorted_vec().into_iter().map(|(_, point)| point).collect()
    }
}

/// The place of an id in the random order of a seed.
pub(crate) fn rank(id: &str, seed: u64) -> u64 {
    let (words, rest) = id.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let start = scramble(seed ^ id.len() as u64);
    words.iter().chain([&last]).fold(start, |hash, word| scramble(hash ^ u64::from_le_bytes(*word)))
}

/// A bijection: no two words come together.
fn scramble(state: u64) -> u64 {
    SplitMix::new(state).next_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(ids: impl Iterator<Item = u32>, seed: u64) -> Vec<u32> {
        let mut draw = Draw::new(100, seed);
        ids.for_each(|id| draw.offer(&id.to_string(), id));
        draw.finish()
    }

    #[test]
    fn a_draw_depends_on_the_seed_and_not_on_the_order() {
        let forwards = draw(0..1000, 7);
        assert_eq!(forwards, draw((0..1000).rev(), 7));
        assert_ne!(forwards, draw(0..1000, 8));
    }

    #[test]
    fn a_draw_is_spread_over_all_points() {
        let drawn = draw(0..1000, 7);
        let n_in_first_half = drawn.iter().filter(|&&id| id < 500).count();
        assert_eq!(drawn.len(), 100);
        assert!((30..=70).contains(&n_in_first_half), "{n_in_first_half} of 100");
    }

    #[test]
    fn ids_that_differ_in_their_last_byte_or_in_length_have_ranks_of_their_own() {
        let ranks = ["", "a", "b", "aaaaaaaa", "aaaaaaaab", "a\0"].map(|id| rank(id, 0));
        let distinct: std::collections::BTreeSet<u64> = ranks.into();
        assert_eq!(distinct.len(), ranks.len());
    }
}
