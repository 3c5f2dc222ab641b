//! Binomial numbers.

use linprobe_core::SplitMix;

/// Up to this mean, a binomial number is counted out; above it, a normal one stands for it.
const MAX_COUNTED_MEAN: f64 = 30.0;

/// How many of `n` succeed, each with probability `p`.
pub(super) fn binomial(random: &mut SplitMix, n: f64, p: f64) -> f64 {
    if p > 0.5 {
        return n - binomial(random, n, 1.0 - p);
    }
    let mean = n * p;
    if mean > MAX_COUNTED_MEAN {
        return (mean + (mean * (1.0 - p)).sqrt() * random.normal()).round().clamp(0.0, n);
    }
    counted(random, n, p)
}

/// Leaps from success to success: the gaps are geometric.
fn counted(random: &mut SplitMix, n: f64, p: f64) -> f64 {
    let log_failure = (-p).ln_1p();
    let (mut position, mut n_successes) = (0.0, 0.0);
    loop {
        position += (random.open_unit().ln() / log_failure).floor() + 1.0;
        // At once for a probability of 0, whose gaps are infinite.
        if position > n {
            return n_successes;
        }
        n_successes += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binomial_numbers_have_their_mean_and_variance() {
        let mut random = SplitMix::new(1);
        for (n, p) in [(1000.0, 0.001), (50.0, 0.3), (50.0, 0.9), (1e6, 0.01), (10.0, 1.0)] {
            let draws: Vec<f64> = (0..4000).map(|_| binomial(&mut random, n, p)).collect();
            let mean = draws.iter().sum::<f64>() / 4000.0;
            let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4000.0;
            let (expected, spread) = (n * p, n * p * (1.0 - p));
            assert!((mean - expected).abs() <= 4.0 * (spread / 4000.0).sqrt(), "{n} {p} {mean}");
            assert!((variance - spread).abs() <= 0.15 * spread, "{n} {p} {variance}");
            assert!(draws.iter().all(|&x| (0.0..=n).contains(&x)));
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "these are exact")]
    fn nothing_succeeds_without_a_chance() {
        let mut random = SplitMix::new(1);
        assert_eq!(binomial(&mut random, 1e9, 0.0), 0.0);
        assert_eq!(binomial(&mut random, 0.0, 0.5), 0.0);
    }
}
