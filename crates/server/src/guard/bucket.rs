//! So many requests a second in the long run, and some more at once.

use std::{sync::Mutex, time::Instant};

use crate::lock::lock;

/// Fills at a steady rate up to its size; each request takes one drop.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: u32,
    size: u32,
    /// None while it is full.
    level: Mutex<Option<Level>>,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    drops: f64,
    at: Instant,
}

impl Bucket {
    /// Of so many drops a second, and this size.
    pub(super) fn new((per_second, size): (u32, u32)) -> Self {
        Self { per_second, size, level: Mutex::new(None) }
    }

    /// Takes a drop, if there is one.
    pub(super) fn take(&self) -> bool {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> bool {
        let mut level = lock(&self.level);
        let size = f64::from(self.size);
        let drops = level.map_or(size, |level| {
            let filled = now.duration_since(level.at).as_secs_f64() * f64::from(self.per_second);
            (level.drops + filled).min(size)
        });
        let is_there = drops >= 1.0;
        let drops = if is_there { drops - 1.0 } else { drops };
        *level = Some(Level { drops, at: now });
        is_there
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let bucket = Bucket::new((2, 5));
        let now = Instant::now();
        let taken = (0..10).filter(|_| bucket.take_at(now)).count();
        assert_eq!(taken, 5);
        let later = now + Duration::from_secs(1);
        assert_eq!((0..10).filter(|_| bucket.take_at(later)).count(), 2);
    }
}
