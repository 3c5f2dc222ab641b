//! Which bin a score falls into: one rule, so that all stores draw the same histogram.

use linprobe_core::{Histogram, Hit};

/// Bins beyond these would have no numbers of their own.
const MAX_BINS: usize = 1 << 24;

/// Bins of equal width from the lowest score to the highest, both included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bins {
    low: f32,
    per_unit: f32,
    /// The last bin, as a number that scores are compared with.
    last: f32,
}

impl Bins {
    /// Divides the range from `low` to `high`; none for no bins.
    pub(crate) fn new(low: f32, high: f32, n_bins: usize) -> Option<Self> {
        let last = n_bins.checked_sub(1)?.min(MAX_BINS) as f32;
        let per_unit = n_bins as f32 / (high - low);
        Some(Self { low, per_unit: if per_unit.is_finite() { per_unit } else { 0.0 }, last })
    }

    /// The bin of a score, the nearest one where it is out of the range; of a NaN, some bin. Where the
    /// range is a single score, that is the first.
    #[expect(clippy::cast_sign_loss, reason = "the number is not negative")]
    #[expect(unsafe_code, reason = "a conversion that checks its range is no vector instruction")]
    pub(crate) fn bin_of(&self, score: f32) -> u32 {
        let bin = (score - self.low) * self.per_unit;
        let bin = (if bin < self.last { bin } else { self.last }).max(0.0);
        // SAFETY: it is a number, from 0 to that of the last bin, which an `i32` has room for.
        unsafe { bin.to_int_unchecked::<i32>() as u32 }
    }
}

/// The histogram of scores that are all at hand.
pub(crate) fn histogram(hits: &[Hit], n_bins: usize) -> Histogram {
    let scores = || hits.iter().map(|hit| hit.score);
    let mut counts = vec![0; n_bins];
    let (Some(low), Some(high)) = (scores().reduce(f32::min), scores().reduce(f32::max)) else {
        return Histogram { counts, ..Histogram::default() };
    };
    if let Some(bins) = Bins::new(low, high, n_bins) {
        scores().for_each(|score| counts[bins.bin_of(score) as usize] += 1);
    }
    Histogram { low, high, counts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_and_the_highest_score_fall_into_the_outer_bins() {
        let bins = Bins::new(-1.0, 1.0, 4).unwrap();
        let found: Vec<u32> = [-1.0, -0.51, -0.49, 0.0, 0.99, 1.0].map(|s| bins.bin_of(s)).into();
        assert_eq!(found, [0, 0, 1, 2, 3, 3]);
    }

    #[test]
    fn what_is_out_of_the_range_falls_into_the_nearest_bin_and_what_is_no_number_into_any() {
        let bins = Bins::new(-1.0, 1.0, 4).unwrap();
        let found = [-1e30, f32::NEG_INFINITY, 1e30, f32::INFINITY].map(|s| bins.bin_of(s));
        assert_eq!(found, [0, 0, 3, 3]);
        assert!(bins.bin_of(f32::NAN) < 4);
    }

    #[test]
    fn equal_scores_share_the_first_bin() {
        assert_eq!(Bins::new(0.25, 0.25, 3).unwrap().bin_of(0.25), 0);
    }

    #[test]
    fn no_bins_hold_nothing() {
        assert!(Bins::new(0.0, 1.0, 0).is_none());
    }
}
