//! A corpus divided by score, and how many records of each part are looked at.
//!
//! The threshold is always a border: what counts as relevant and what does not are looked at apart.
//! Away from it each part is half of what is left, so that the few high scores, where relevant
//! records are, and the many low ones, where some may hide, are both seen. The records to look at are
//! shared out as Neyman has it, by size times deviation, so that the number of relevant
//! records is known best.

use linprobe_classifier::ScoreGroup;

/// Groups of scores that lie side by side.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// Highest first.
    groups: Vec<ScoreGroup>,
    /// All its records.
    pub(super) n_points: u64,
    /// Those without a label.
    pub(super) n_unlabelled: u64,
    /// The relevant ones among those with a label.
    pub(super) n_known_relevant: u64,
}

/// The smallest part that is divided has twice as many records.
const SMALLEST: u64 = 50;

/// Scores that stand for a part.
const N_SCORES: u64 = 24;

/// Records to look at in each part, where it has as many.
const FLOOR: u64 = 2;

impl Part {
    /// The lowest score that belongs to it.
    pub(super) fn low(&self) -> f32 {
        self.groups.last().map_or(f32::MIN, |group| group.low)
    }

    /// Scores that stand for its unlabelled records, equally many each.
    pub(super) fn scores(&self) -> Vec<f64> {
        let n_scores = N_SCORES.min(self.n_unlabelled);
        let mut groups = self.groups.iter();
        let (mut passed, mut score) = (0, 0.0);
        let place = |i: u64| {
            // The middle of the i-th equal share.
            let rank = (2 * i + 1) * self.n_unlabelled / (2 * n_scores);
            while passed <= rank
                && let Some(group) = groups.next()
            {
                passed += group.n_unlabelled();
                score = f64::from(group.middle);
            }
            score
        };
        (0..n_scores).map(place).collect()
    }

    fn push(&mut self, group: ScoreGroup) {
        self.n_points += group.n_points;
        self.n_unlabelled += group.n_unlabelled();
        self.n_known_relevant += group.n_known_relevant;
        self.groups.push(group);
    }
}

/// The part that a score falls into.
pub(super) fn part_of(lows: impl IntoIterator<Item = f32>, score: f32) -> usize {
    let above = lows.into_iter().take_while(|&low| score < low);
    above.count()
}

/// Divides groups, highest first, above the threshold and below it.
pub(super) fn divide(groups: &[ScoreGroup], threshold: f32) -> Vec<Part> {
    let n_above = groups.partition_point(|group| group.low >= threshold);
    let (above, below) = groups.split_at(n_above);
    let mut parts = halve(above);
    parts.extend(halve(below));
    parts
}

/// The lower half is a part, then the lower half of the rest, and so on upwards.
fn halve(groups: &[ScoreGroup]) -> Vec<Part> {
    let mut n_left: u64 = groups.iter().map(ScoreGroup::n_unlabelled).sum();
    let mut rest = groups.to_vec();
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let wanted = if n_left >= 2 * SMALLEST { n_left / 2 } else { u64::MAX };
        let mut n_taken = 0;
        let start = rest.iter().rposition(|group| {
            n_taken += group.n_unlabelled();
            n_taken >= wanted
        });
        let mut part = Part::default();
        rest.drain(start.unwrap_or(0)..).for_each(|group| part.push(group));
        n_left -= part.n_unlabelled;
        parts.push(part);
    }
    parts.reverse();
    parts
}

/// Shares a number of looks out by size times deviation; each part gets a few first.
pub(super) fn allocate(parts: &[Part], deviations: &[f64], budget: u64) -> Vec<u64> {
    let sizes: Vec<u64> = parts.iter().map(|part| part.n_unlabelled).collect();
    let mut looks: Vec<u64> = sizes.iter().map(|&size| size.min(FLOOR)).collect();
    let weights: Vec<f64> =
        sizes.iter().zip(deviations).map(|(&size, deviation)| size as f64 * deviation).collect();
    while looks.iter().sum::<u64>() < budget {
        let need = |i: &usize| weights[*i] / looks[*i].max(1) as f64;
        let with_room = (0..sizes.len()).filter(|&i| looks[i] < sizes[i]);
        let Some(neediest) = with_room.max_by(|a, b| need(a).total_cmp(&need(b))) else { break };
        looks[neediest] += 1;
    }
    looks
}

#[cfg(test)]
mod tests {
    use linprobe_classifier::CorpusScores;
    use linprobe_core::Histogram;

    use super::*;

    fn corpus(n_bins: usize, per_bin: u64) -> CorpusScores {
        let histogram = Histogram { low: -8.0, high: 2.0, counts: vec![per_bin; n_bins] };
        CorpusScores::new(&[], &histogram)
    }

    #[test]
    fn parts_cover_the_corpus_and_the_threshold_is_a_border() {
        let mut corpus = corpus(1000, 10);
        corpus.split_at(0.003, 1997);
        let parts = divide(corpus.groups(), 0.003);
        assert_eq!(parts.iter().map(|part| part.n_points).sum::<u64>(), 10_000);
        let above = parts.iter().filter(|part| part.low() >= 0.003);
        assert_eq!(above.map(|part| part.n_points).sum::<u64>(), 1997);
        assert!(parts.iter().all(|part| part.n_points >= SMALLEST), "{parts:?}");
        assert!(parts.last().unwrap().n_points >= 4000, "half of what is below");
    }

    #[test]
    fn the_scores_of_a_part_lie_within_it() {
        let corpus = corpus(1000, 10);
        let parts = divide(corpus.groups(), 0.0);
        for part in &parts {
            let scores = part.scores();
            assert_eq!(scores.len(), 24);
            assert!(scores.is_sorted_by(|a, b| a >= b));
            assert!(scores.iter().all(|&score| score >= f64::from(part.low())));
        }
    }

    #[test]
    fn looks_go_where_much_is_unsure_and_nowhere_twice() {
        let corpus = corpus(100, 10);
        let parts = divide(corpus.groups(), 0.0);
        let deviations: Vec<f64> =
            (0..parts.len()).map(|i| if i == 0 { 0.5 } else { 0.0 }).collect();
        let looks = allocate(&parts, &deviations, 60);
        assert_eq!(looks.iter().sum::<u64>(), 60);
        assert!(looks[1..].iter().all(|&n| n >= 2));
        let all = allocate(&parts, &deviations, 1_000_000);
        assert_eq!(all.iter().sum::<u64>(), 1000, "no more than there are");
    }
}
