//! What was seen of a collection, all of it or a sample, and what it says of a classifier.

use linprobe_core::{Histogram, Hit, Point, Survey, SurveyReport};

use super::sorted;
use crate::histogram::histogram;

/// Points that were read, and what the collection was then.
#[derive(Debug)]
pub(super) struct Seen {
    /// In the order of their ids.
    points: Vec<Point>,
    /// Whether these are all.
    pub(super) is_whole: bool,
    /// The number of points of the collection.
    pub(super) n_points: u64,
    /// How often it had been written to.
    pub(super) n_writes: u64,
}

impl Seen {
    pub(super) fn new(
        mut points: Vec<Point>,
        is_whole: bool,
        n_points: u64,
        n_writes: u64,
    ) -> Self {
        points.sort_by(|a, b| a.id.cmp(&b.id));
        Self { points, is_whole, n_points, n_writes }
    }

    /// The score of every point that was seen, in the order of ids. A score that is not a number counts for nothing.
    pub(super) fn scores(&self, weights: &[f32], bias: f32) -> Vec<Hit> {
        self.points
            .iter()
            .map(|point| Hit {
                id: point.id.clone(),
                score: point.embedding.dot(weights) + bias + 0.0,
            })
            .filter(|hit| !hit.score.is_nan())
            .collect()
    }

    /// What a classifier makes of the collection, all of which was seen.
    pub(super) fn whole_report(&self, survey: &Survey<'_>) -> SurveyReport {
        let all = self.scores(survey.weights, survey.bias);
        let mut open = all.clone();
        open.retain(|hit| !survey.exclude.contains(&hit.id));
        SurveyReport {
            histogram: histogram(&all, survey.n_bins),
            n_above: n_above(&all, survey.threshold),
            n_points: self.n_points,
            boundary: nearest_to_zero(open.clone(), survey.n_boundary),
            top: sorted(open, survey.top_k),
            estimated: false,
        }
    }

    /// The same of a sample, and of the highest scores of all.
    pub(super) fn estimate(&self, survey: &Survey<'_>, top: Vec<Hit>) -> SurveyReport {
        let drawn = self.scores(survey.weights, survey.bias);
        let mut open: Vec<Hit> = drawn.iter().chain(&top).cloned().collect();
        open.retain(|hit| !survey.exclude.contains(&hit.id));
        open.sort_by(|a, b| a.id.cmp(&b.id));
        open.dedup_by(|a, b| a.id == b.id);
        let n_found = n_above(&top, survey.threshold);
        let n_drawn = n_above(&drawn, survey.threshold);
        SurveyReport {
            histogram: self.scaled(histogram(&drawn, survey.n_bins), drawn.len()),
            n_above: share(self.n_points, n_drawn, drawn.len() as u64).max(n_found),
            n_points: self.n_points,
            boundary: nearest_to_zero(open, survey.n_boundary),
            top,
            estimated: true,
        }
    }

    /// The counts of a sample as those of the whole, which they add up to.
    fn scaled(&self, histogram: Histogram, n_drawn: usize) -> Histogram {
        let (mut n_below, mut n_given) = (0, 0);
        let scale = |count: u64| {
            n_below += count;
            let upto = share(self.n_points, n_below, n_drawn as u64);
            let count = upto - n_given;
            n_given = upto;
            count
        };
        Histogram { counts: histogram.counts.into_iter().map(scale).collect(), ..histogram }
    }
}

/// As many of all as these are of the drawn.
fn share(n_all: u64, n_some: u64, n_drawn: u64) -> u64 {
    let share = u128::from(n_all) * u128::from(n_some) / u128::from(n_drawn.max(1));
    u64::try_from(share).expect("a part is not more than the whole")
}

fn n_above(hits: &[Hit], threshold: f32) -> u64 {
    hits.iter().filter(|hit| hit.score >= threshold).count() as u64
}

fn nearest_to_zero(mut hits: Vec<Hit>, n_hits: usize) -> Vec<Hit> {
    hits.sort_by(|a, b| a.score.abs().total_cmp(&b.score.abs()).then_with(|| a.id.cmp(&b.id)));
    hits.truncate(n_hits);
    hits
}

#[cfg(test)]
mod tests {
    use linprobe_core::{Embedding, Excluded, RecordId};

    use super::*;

    fn point(n: u64) -> Point {
        let (sin, cos) = (n as f32 / 100.0).sin_cos();
        Point {
            id: RecordId::from_row(n),
            embedding: Embedding::normalize(vec![cos, sin]).unwrap(),
        }
    }

    fn hit(n: u64, score: f32) -> Hit {
        Hit { id: RecordId::from_row(n), score }
    }

    #[test]
    fn a_sample_stands_for_the_whole_and_the_highest_scores_are_added() {
        let seen = Seen::new((0..300).map(point).collect(), false, 1_000, 0);
        let exclude: Excluded = [RecordId::from_row(157)].into();
        let survey = Survey {
            weights: &[1.0, 0.0],
            bias: 0.0,
            top_k: 2,
            n_boundary: 2,
            threshold: 0.0,
            n_bins: 7,
            exclude: &exclude,
        };
        let report = seen.estimate(&survey, vec![hit(900, 1.0), hit(901, 1e-6)]);
        assert!(report.estimated);
        assert_eq!((report.n_points, report.histogram.counts.iter().sum::<u64>()), (1_000, 1_000));
        // 158 of the 300 are above.
        assert_eq!(report.n_above, 526);
        let boundary: Vec<&str> = report.boundary.iter().map(|hit| hit.id.as_str()).collect();
        assert_eq!(boundary, ["901", "158"]);
    }

    #[test]
    fn what_was_found_above_is_counted_where_the_sample_has_none() {
        let seen = Seen::new((200..300).map(point).collect(), false, 1_000, 0);
        let none = Excluded::new();
        let survey = Survey {
            weights: &[1.0, 0.0],
            bias: 0.0,
            top_k: 2,
            n_boundary: 0,
            threshold: 0.5,
            n_bins: 0,
            exclude: &none,
        };
        assert_eq!(seen.estimate(&survey, vec![hit(1, 0.9), hit(2, 0.4)]).n_above, 1);
    }
}
