//! How early relevant records are shown, the one measure of those who only want to find some.
//!
//! Source: `SeeSaw` (Moll et al., 2023) scores a search by the average precision of what it shows, up to
//! the tenth relevant record, and stops after sixty.

/// Relevant records that count.
const N_COUNTED: usize = 10;

/// What was shown so far.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    n_seen: usize,
    n_found: usize,
    /// The precisions at which relevant records were found, summed.
    precisions: f64,
}

impl Shown {
    pub(crate) fn show(&mut self, relevant: bool) {
        self.n_seen += 1;
        if relevant && self.n_found < N_COUNTED {
            self.n_found += 1;
            self.precisions += self.n_found as f64 / self.n_seen as f64;
        }
    }

    /// Out of so many relevant records that could be shown; 0 of none.
    pub(crate) fn average_precision(&self, n_relevant: usize) -> f64 {
        self.precisions / n_relevant.clamp(1, N_COUNTED) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(relevant: &[bool]) -> Shown {
        let mut shown = Shown::default();
        for &relevant in relevant {
            shown.show(relevant);
        }
        shown
    }

    #[test]
    fn what_is_found_first_counts_most() {
        let early = shown(&[true, false, true]);
        assert!((early.average_precision(2) - f64::midpoint(1.0, 2.0 / 3.0)).abs() < 1e-12);
        assert!(shown(&[false, true, true]).average_precision(2) < early.average_precision(2));
        assert!((early.average_precision(4) - (1.0 + 2.0 / 3.0) / 4.0).abs() < 1e-12);
    }

    #[test]
    fn the_tenth_is_the_last_that_counts() {
        let all = shown(&[true; 12]);
        assert!((all.average_precision(100) - 1.0).abs() < 1e-12);
        assert!(shown(&[]).average_precision(0).abs() < 1e-12);
    }
}
