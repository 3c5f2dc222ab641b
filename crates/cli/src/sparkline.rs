//! A histogram in one line of text.

use linprobe::Histogram;

const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws the counts as bars of eight heights. Counts span orders of magnitude, the few scores that
/// matter against all the rest, so the heights are logarithmic.
pub(crate) fn sparkline(histogram: &Histogram) -> String {
    let most = histogram.counts.iter().copied().max().unwrap_or(0);
    histogram.counts.iter().map(|&count| bar(count, most)).collect()
}

fn bar(count: u64, most: u64) -> char {
    if count == 0 {
        return ' ';
    }
    let share = (count as f64).ln_1p() / (most as f64).ln_1p();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 8")]
    let height = (share * 8.0).ceil() as usize;
    BARS[height.min(8)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_record_is_still_seen_beside_a_million() {
        let counts = vec![1_000_000, 1_000, 0, 1];
        assert_eq!(sparkline(&Histogram { low: 0.0, high: 1.0, counts }), "█▅ ▁");
    }

    #[test]
    fn an_empty_store_draws_nothing() {
        assert_eq!(sparkline(&Histogram::default()), "");
    }
}
