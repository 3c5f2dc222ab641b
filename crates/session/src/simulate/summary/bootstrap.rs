//! How sure a mean is: the percentile bootstrap of Efron, 1979, with a fixed seed.

use linprobe_core::SplitMix;

/// Resamples of every interval.
const N_RESAMPLES: usize = 2000;

/// The same for every interval, so that a report is the same each time.
const SEED: u64 = 0;

/// A mean, and the bounds that hold 95 % of the resampled means.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Interval {
    /// The mean; 0 of nothing.
    pub mean: f64,
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

/// The mean of some values with its interval.
pub(super) fn interval(values: &[f64]) -> Interval {
    if values.is_empty() {
        return Interval::default();
    }
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    let mut rng = SplitMix::named(SEED, &["bootstrap"]);
    let resample = |_| (0..n).map(|_| values[rng.below(n)]).sum::<f64>() / n as f64;
    let mut means: Vec<f64> = (0..N_RESAMPLES).map(resample).collect();
    means.sort_unstable_by(f64::total_cmp);
    Interval { mean, low: means[N_RESAMPLES / 40], high: means[N_RESAMPLES - 1 - N_RESAMPLES / 40] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_as_wide_as_the_normal_one_of_many_values() {
        let values: Vec<f64> = (0..400).map(|i| f64::from(i % 2)).collect();
        let Interval { mean, low, high } = interval(&values);
        assert!((mean - 0.5).abs() < 1e-12);
        // 1.96 standard errors of .5 / sqrt(400).
        assert!((high - low - 2.0 * 1.96 * 0.025).abs() < 0.01, "{low} {high}");
    }

    #[test]
    fn one_value_is_its_own_interval() {
        assert_eq!(interval(&[0.25]), Interval { mean: 0.25, low: 0.25, high: 0.25 });
        assert_eq!(interval(&[]), Interval::default());
    }
}
