//! Which bin a score falls into: one rule, so that all stores draw the same histogram.

/// Bins of equal width from the lowest score to the highest, both included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bins {
    low: f32,
    per_unit: f32,
    last: usize,
}

impl Bins {
    /// Divides the range from `low` to `high`; none for no bins.
    pub(crate) fn new(low: f32, high: f32, n_bins: usize) -> Option<Self> {
        let last = n_bins.checked_sub(1)?;
        Some(Self { low, per_unit: n_bins as f32 / (high - low), last })
    }

    /// The bin of a score within the range. Where the range is a single score, that is the first.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the quotient is not negative, and a NaN of an empty range becomes 0"
    )]
    pub(crate) fn bin_of(&self, score: f32) -> usize {
        (((score - self.low) * self.per_unit) as usize).min(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_and_the_highest_score_fall_into_the_outer_bins() {
        let bins = Bins::new(-1.0, 1.0, 4).unwrap();
        let found: Vec<usize> = [-1.0, -0.51, -0.49, 0.0, 0.99, 1.0].map(|s| bins.bin_of(s)).into();
        assert_eq!(found, [0, 0, 1, 2, 3, 3]);
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
