//! How long to wait before asking again: longer each time, and never in step with others who were cut off at the
//! same moment.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use linprobe_core::SplitMix;

/// How often a store that cannot be opened is tried again: a wrong address should be told soon.
pub(crate) const RETRIES_TO_OPEN: u32 = 3;

/// And one that was open before: in some twenty seconds a server has started again.
pub(crate) const RETRIES: u32 = 8;

/// The first wait, about.
const FIRST: Duration = Duration::from_millis(100);

/// The waits that are left.
#[derive(Debug)]
pub(crate) struct Retries {
    n_left: u32,
    next: Duration,
    rng: SplitMix,
}

impl Retries {
    /// So many waits, each twice as long as the one before.
    pub(crate) fn new(n_retries: u32) -> Self {
        let seed = RandomState::new().hash_one(n_retries);
        Self { n_left: n_retries, next: FIRST, rng: SplitMix::new(seed) }
    }

    /// The next wait; none when it is time to give up.
    pub(crate) fn next_wait(&mut self) -> Option<Duration> {
        self.n_left = self.n_left.checked_sub(1)?;
        let wait = self.next.mul_f64(0.5 + self.rng.unit());
        self.next *= 2;
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end_and_no_two_clients_wait_alike() {
        let waits = |mut retries: Retries| -> Vec<Duration> {
            std::iter::from_fn(|| retries.next_wait()).collect()
        };
        let [one, other] = [(); 2].map(|()| waits(Retries::new(6)));
        assert_eq!(one.len(), 6);
        assert_ne!(one, other);
        let expected = (0..).map(|n| FIRST * 2_u32.pow(n));
        for (wait, expected) in one.into_iter().zip(expected) {
            assert!(wait >= expected / 2 && wait <= expected * 3 / 2, "{wait:?}, {expected:?}");
        }
    }
}
