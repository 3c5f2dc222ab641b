//! Seeded random numbers that are the same on every machine and in every version, so that a seed
//! names a draw for ever.

/// The splitmix64 generator. Source: <https://prng.di.unimi.it/splitmix64.c>.
pub(super) struct Random(u64);

/// Up to this mean, a binomial number is counted out; above it, a normal one stands for it.
const MAX_COUNTED_MEAN: f64 = 30.0;

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in (0, 1).
    pub(super) fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// In random order: sorted by random keys.
    pub(super) fn shuffled<T>(&mut self, values: Vec<T>) -> Vec<T> {
        let mut keyed: Vec<(u64, T)> =
            values.into_iter().map(|value| (self.next(), value)).collect();
        keyed.sort_by_key(|(key, _)| *key);
        keyed.into_iter().map(|(_, value)| value).collect()
    }

    /// How many of `n` succeed, each with probability `p`.
    pub(super) fn binomial(&mut self, n: f64, p: f64) -> f64 {
        if p > 0.5 {
            return n - self.binomial(n, 1.0 - p);
        }
        let mean = n * p;
        if mean > MAX_COUNTED_MEAN {
            return (mean + (mean * (1.0 - p)).sqrt() * self.normal()).round().clamp(0.0, n);
        }
        self.counted(n, p)
    }

    /// Leaps from success to success: the gaps are geometric.
    fn counted(&mut self, n: f64, p: f64) -> f64 {
        let log_failure = (-p).ln_1p();
        let (mut position, mut n_successes) = (0.0, 0.0);
        loop {
            position += (self.uniform().ln() / log_failure).floor() + 1.0;
            // At once for a probability of 0, whose gaps are infinite.
            if position > n {
                return n_successes;
            }
            n_successes += 1.0;
        }
    }

    /// Box and Muller's transform of two uniform numbers.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binomial_numbers_have_their_mean_and_variance() {
        let mut random = Random::new(1);
        for (n, p) in [(1000.0, 0.001), (50.0, 0.3), (50.0, 0.9), (1e6, 0.01), (10.0, 1.0)] {
            let draws: Vec<f64> = (0..4000).map(|_| random.binomial(n, p)).collect();
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
        let mut random = Random::new(1);
        assert_eq!(random.binomial(1e9, 0.0), 0.0);
        assert_eq!(random.binomial(0.0, 0.5), 0.0);
    }
}
