//! The curve of one player on one concept: its seeds, averaged budget by budget.

use super::{
    super::curve::{Curve, CurvePoint},
    HARM_FROM,
};

/// What is averaged of a player at a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// The budget.
    pub n_labels: usize,
    /// Relevant records found.
    pub n_found: f64,
    /// The same as a share of all that could be found with so many labels.
    pub share_found: f64,
    /// Average precision over the part held out.
    pub ap: f64,
    /// F1 at the classifier's own boundary.
    pub f1: f64,
    /// F1 at the threshold that is best in hindsight.
    pub best_f1: f64,
    /// F1 at the threshold that is best over the pool.
    pub informed_f1: f64,
    /// Average precision of the records in the order in which they were shown, up to the tenth relevant one.
    pub shown_ap: f64,
    /// Mean squared difference of probability and truth.
    pub brier: f64,
    /// Expected calibration error.
    pub ece: f64,
}

/// The mean of a concept's games.
pub(super) struct ConceptCurve<'a> {
    games: Vec<&'a Curve>,
    pub(super) levels: Vec<Level>,
    pub(super) fit_ms: f64,
    pub(super) query_ms: f64,
}

impl Level {
    fn of(point: &CurvePoint, n_labels: usize) -> Self {
        let findable = point.n_relevant.min(n_labels).max(1);
        Self {
            n_labels,
            n_found: point.n_found as f64,
            share_found: (point.n_found as f64 / findable as f64).min(1.0),
            ap: point.held_out.ap,
            f1: point.held_out.f1,
            best_f1: point.held_out.best_f1,
            informed_f1: point.informed_f1,
            shown_ap: point.shown_ap,
            brier: point.held_out.brier,
            ece: point.held_out.ece,
        }
    }

    /// The mean of levels at one budget.
    pub(super) fn mean(levels: &[Self]) -> Self {
        let over = |value: fn(&Self) -> f64| mean(levels.iter().map(value));
        Self {
            n_labels: levels.first().map_or(0, |level| level.n_labels),
            n_found: over(|level| level.n_found),
            share_found: over(|level| level.share_found),
            ap: over(|level| level.ap),
            f1: over(|level| level.f1),
            best_f1: over(|level| level.best_f1),
            informed_f1: over(|level| level.informed_f1),
            shown_ap: over(|level| level.shown_ap),
            brier: over(|level| level.brier),
            ece: over(|level| level.ece),
        }
    }
}

impl<'a> ConceptCurve<'a> {
    pub(super) fn new(games: Vec<&'a Curve>, budgets: &[usize]) -> Self {
        let level = |&n_labels: &usize| {
            let points = games.iter().filter_map(|game| game.at(n_labels));
            Level::mean(&points.map(|point| Level::of(point, n_labels)).collect::<Vec<_>>())
        };
        let levels = budgets.iter().map(level).collect();
        let fitted = || games.iter().flat_map(|game| &game.points).filter(|p| p.n_labels > 0);
        let (fit_ms, query_ms) =
            (mean(fitted().map(|p| p.fit_ms)), mean(fitted().map(|p| p.query_ms)));
        Self { games, levels, fit_ms, query_ms }
    }

    /// The mean average precision over the logarithm of the labels, by the trapezoid rule.
    pub(super) fn area(&self) -> f64 {
        let points: Vec<(f64, f64)> = self
            .levels
            .iter()
            .filter(|level| level.n_labels >= HARM_FROM)
            .map(|level| ((level.n_labels as f64).ln(), level.ap))
            .collect();
        let width = |pair: &[(f64, f64)]| pair[1].0 - pair[0].0;
        let total: f64 = points.windows(2).map(width).sum();
        let area: f64 =
            points.windows(2).map(|pair| width(pair) * f64::midpoint(pair[0].1, pair[1].1)).sum();
        if total > 0.0 { area / total } else { points.first().map_or(0.0, |(_, ap)| *ap) }
    }

    /// How far the mean falls below another's, at the budget where it falls furthest.
    pub(super) fn worst_fall(&self, below: &Self) -> f64 {
        let pairs = self.levels.iter().zip(&below.levels);
        let counted = pairs.filter(|(own, _)| own.n_labels >= HARM_FROM);
        counted.map(|(own, other)| other.ap - own.ap).fold(f64::NEG_INFINITY, f64::max)
    }

    /// The same, game by game, over the seeds that both have played.
    pub(super) fn falls_of_games(&self, below: &Self) -> Vec<f64> {
        let fall = |game: &&Curve| {
            let other = below.games.iter().find(|other| other.key.seed == game.key.seed)?;
            let counted = game.points.iter().filter(|point| point.n_labels >= HARM_FROM);
            let falls =
                counted.filter_map(|p| Some(other.at(p.n_labels)?.held_out.ap - p.held_out.ap));
            Some(falls.fold(f64::NEG_INFINITY, f64::max))
        };
        self.games.iter().filter_map(fall).collect()
    }
}

/// The mean; 0 of nothing.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut n, mut sum) = (0.0, 0.0);
    for value in values {
        n += 1.0;
        sum += value;
    }
    if n > 0.0 { sum / n } else { 0.0 }
}

/// The share that is true; 0 of nothing.
pub(super) fn share(values: impl Iterator<Item = bool>) -> f64 {
    mean(values.map(|value| f64::from(u8::from(value))))
}
