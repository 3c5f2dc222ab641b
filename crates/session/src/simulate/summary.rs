//! What an experiment says: mean curves, differences, harm, and how sure one can be of them.
//!
//! The unit is the concept. Its seeds are averaged first, and every interval is over concepts, so
//! that many seeds of few concepts look no surer than they are. Players are compared concept by
//! concept, since concepts differ more than players do.

mod bootstrap;
mod means;

use std::collections::{BTreeMap, BTreeSet};

pub use bootstrap::Interval;
pub use means::Level;

use self::{bootstrap::interval, means::ConceptCurve};
use super::curve::Curve;

/// Who the others are compared with, and what nobody should fall below.
const REFERENCE: &str = "linprobe";
const NO_FEEDBACK: &str = "no-feedback";
const CEILING: &str = "full";

/// Average precisions that differ by less are a tie.
pub const TIE: f64 = 0.01;

/// Harm is counted from this many labels.
pub const HARM_FROM: usize = 10;

/// Falling so far below no feedback is harm, and great harm.
pub const HARM: f64 = 0.01;
/// See [`HARM`].
pub const GREAT_HARM: f64 = 0.1;

/// The share of the ceiling's average precision that is near enough.
const NEAR_CEILING: f64 = 0.9;

/// What an experiment says.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// One for each start and oracle.
    pub panels: Vec<Panel>,
}

/// All concepts under one start and one oracle.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// The start's name.
    pub start: String,
    /// The oracle, as it is shown.
    pub oracle: String,
    /// Concepts that somebody played.
    pub n_concepts: usize,
    /// Seeds that somebody played.
    pub n_seeds: usize,
    /// How each player does, in the order in which they were given.
    pub standings: Vec<Standing>,
}

/// How a player does.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The player's name.
    pub player: String,
    /// How it stands at each budget.
    pub steps: Vec<Step>,
    /// How often it does worse than no feedback, where that was played.
    pub harm: Option<Harm>,
    /// Labels until nine tenths of the ceiling, where full supervision was played.
    pub near_ceiling: Option<NearCeiling>,
    /// The mean average precision over the logarithm of the labels, from ten on.
    pub area: f64,
    /// Milliseconds of a fit, on average.
    pub fit_ms: f64,
    /// Milliseconds to score the corpus and choose a round, on average.
    pub query_ms: f64,
}

/// How a player stands at a budget.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Means over the concepts.
    pub mean: Level,
    /// Average precision over the part held out.
    pub ap: Interval,
    /// The difference to linprobe, where that was played.
    pub lead: Option<Lead>,
}

/// How far linprobe is ahead of a player.
#[derive(Clone, Debug, PartialEq)]
pub struct Lead {
    /// Linprobe's average precision less the player's.
    pub ap: Interval,
    /// The same, concept by concept.
    pub by_concept: Vec<(String, f64)>,
}

/// The share of concepts that fall below no feedback at some budget from ten labels on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Harm {
    /// By more than [`HARM`].
    pub some: f64,
    /// By more than [`GREAT_HARM`].
    pub great: f64,
    /// Of single games, not of the means of concepts: by more than [`GREAT_HARM`].
    pub great_of_games: f64,
}

/// How many labels it takes to come near the ceiling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearCeiling {
    /// The share of concepts that come near at all.
    pub reached: f64,
    /// The median number of labels; none where fewer than half come near.
    pub n_labels: Option<usize>,
}

impl Summary {
    /// Gathers curves.
    pub fn new(curves: &[Curve]) -> Self {
        let mut panels: Vec<((&str, &str), Vec<&Curve>)> = Vec::new();
        for curve in curves {
            let key = (curve.key.start.as_str(), curve.key.oracle.as_str());
            match panels.iter_mut().find(|(own, _)| *own == key) {
                Some((_, own)) => own.push(curve),
                None => panels.push((key, vec![curve])),
            }
        }
        Self { panels: panels.into_iter().map(|(_, curves)| Panel::new(&curves)).collect() }
    }

    /// The panel of a start and an oracle.
    pub fn panel(&self, start: &str, oracle: &str) -> Option<&Panel> {
        self.panels.iter().find(|panel| panel.start == start && panel.oracle == oracle)
    }
}

impl Panel {
    /// All curves are of one start and one oracle.
    fn new(curves: &[&Curve]) -> Self {
        let gathered = Gathered::new(curves);
        let distinct = |key: fn(&Curve) -> String| {
            curves.iter().map(|curve| key(curve)).collect::<BTreeSet<_>>().len()
        };
        let key = curves.first().map(|curve| curve.key.clone());
        Self {
            start: key.as_ref().map_or_else(String::new, |key| key.start.clone()),
            oracle: key.map_or_else(String::new, |key| key.oracle),
            n_concepts: distinct(|curve| curve.key.concept.clone()),
            n_seeds: distinct(|curve| curve.key.seed.to_string()),
            standings: gathered.players().map(|player| gathered.standing(player)).collect(),
        }
    }

    /// How a player does.
    pub fn standing(&self, player: &str) -> Option<&Standing> {
        self.standings.iter().find(|standing| standing.player == player)
    }
}

impl Standing {
    /// How it stands at a budget.
    pub fn at(&self, n_labels: usize) -> Option<&Step> {
        self.steps.iter().find(|step| step.mean.n_labels == n_labels)
    }

    /// How it stands in the end.
    pub fn last(&self) -> Option<&Step> {
        self.steps.last()
    }
}

impl Lead {
    fn new(by_concept: Vec<(String, f64)>) -> Self {
        let differences: Vec<f64> = by_concept.iter().map(|(_, lead)| *lead).collect();
        Self { ap: interval(&differences), by_concept }
    }

    /// Concepts on which linprobe is better, on which nobody is, and on which the player is.
    pub fn wins_ties_losses(&self) -> [usize; 3] {
        let count = |is: fn(f64) -> bool| self.by_concept.iter().filter(|(_, d)| is(*d)).count();
        [count(|d| d >= TIE), count(|d| d.abs() < TIE), count(|d| d <= -TIE)]
    }
}

/// The curves of a panel, player by player and concept by concept.
struct Gathered<'a> {
    /// In the order in which they first come.
    by_player: Vec<(&'a str, BTreeMap<&'a str, ConceptCurve<'a>>)>,
}

impl<'a> Gathered<'a> {
    fn new(curves: &[&'a Curve]) -> Self {
        let longest = curves.iter().max_by_key(|curve| curve.points.len());
        let budgets: Vec<usize> = longest
            .map(|curve| curve.points.iter().map(|point| point.n_labels).collect())
            .unwrap_or_default();
        let mut games: Vec<(&str, BTreeMap<&str, Vec<&Curve>>)> = Vec::new();
        for curve in curves {
            let (player, concept) = (curve.key.player.as_str(), curve.key.concept.as_str());
            let place = games.iter().position(|(own, _)| *own == player).unwrap_or_else(|| {
                games.push((player, BTreeMap::new()));
                games.len() - 1
            });
            games[place].1.entry(concept).or_default().push(curve);
        }
        let averaged = games.into_iter().map(|(player, concepts)| {
            let mean = |(concept, games)| (concept, ConceptCurve::new(games, &budgets));
            (player, concepts.into_iter().map(mean).collect())
        });
        Self { by_player: averaged.collect() }
    }

    fn players(&self) -> impl Iterator<Item = &'a str> {
        self.by_player.iter().map(|(player, _)| *player)
    }

    fn concepts(&self, player: &str) -> Option<&BTreeMap<&'a str, ConceptCurve<'a>>> {
        self.by_player.iter().find(|(own, _)| *own == player).map(|(_, concepts)| concepts)
    }

    fn standing(&self, player: &str) -> Standing {
        let own = self.concepts(player).map(|own| own.values().collect::<Vec<_>>());
        let own = own.unwrap_or_default();
        let n_steps = own.iter().map(|curve| curve.levels.len()).min().unwrap_or(0);
        Standing {
            player: player.to_owned(),
            steps: (0..n_steps).map(|i| self.step(player, &own, i)).collect(),
            harm: self.harm(player),
            near_ceiling: self.near_ceiling(player),
            area: means::mean(own.iter().map(|curve| curve.area())),
            fit_ms: means::mean(own.iter().map(|curve| curve.fit_ms)),
            query_ms: means::mean(own.iter().map(|curve| curve.query_ms)),
        }
    }

    fn step(&self, player: &str, own: &[&ConceptCurve<'_>], i: usize) -> Step {
        let ap: Vec<f64> = own.iter().map(|curve| curve.levels[i].ap).collect();
        let leads = self.pairs(REFERENCE, player).map(|pairs| {
            let lead = |(concept, ours, theirs): (&str, &ConceptCurve<'_>, &ConceptCurve<'_>)| {
                (concept.to_owned(), ours.levels[i].ap - theirs.levels[i].ap)
            };
            Lead::new(pairs.map(lead).collect())
        });
        let levels: Vec<Level> = own.iter().map(|curve| curve.levels[i]).collect();
        Step { mean: Level::mean(&levels), ap: interval(&ap), lead: leads }
    }

    /// The concepts that two players have both played; none where it is one player, or one of them
    /// has played none.
    fn pairs<'b>(
        &'b self,
        one: &str,
        other: &str,
    ) -> Option<impl Iterator<Item = (&'a str, &'b ConceptCurve<'a>, &'b ConceptCurve<'a>)>> {
        let (ones, others) = (self.concepts(one)?, self.concepts(other)?);
        let pair = move |(concept, ours): (&&'a str, &'b ConceptCurve<'a>)| {
            Some((*concept, ours, others.get(concept)?))
        };
        (one != other).then(|| ones.iter().filter_map(pair))
    }

    fn harm(&self, player: &str) -> Option<Harm> {
        let pairs: Vec<_> = self.pairs(NO_FEEDBACK, player)?.collect();
        let share = |depth: f64| {
            means::share(pairs.iter().map(|(_, alone, own)| own.worst_fall(alone) > depth))
        };
        let games = pairs.iter().flat_map(|(_, alone, own)| own.falls_of_games(alone));
        Some(Harm {
            some: share(HARM),
            great: share(GREAT_HARM),
            great_of_games: means::share(games.map(|fall| fall > GREAT_HARM)),
        })
    }

    fn near_ceiling(&self, player: &str) -> Option<NearCeiling> {
        let labels = self.pairs(CEILING, player)?.map(|(_, ceiling, own)| {
            let goal = NEAR_CEILING * ceiling.levels.first()?.ap;
            own.levels.iter().find(|level| level.ap >= goal).map(|level| level.n_labels)
        });
        let labels: Vec<Option<usize>> = labels.collect();
        let mut reached: Vec<usize> = labels.iter().flatten().copied().collect();
        reached.sort_unstable();
        Some(NearCeiling {
            reached: means::share(labels.iter().map(Option::is_some)),
            n_labels: reached.get(labels.len() / 2).copied(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{CurvePoint, GameKey, Quality};

    /// A game whose average precision at 0, 10, 20, ... labels is given.
    fn game(player: &str, concept: &str, seed: u64, aps: &[f64]) -> Curve {
        let text = str::to_owned;
        let (start, oracle) = (text("name"), text("exact"));
        let key = GameKey { concept: text(concept), start, player: text(player), oracle, seed };
        let point = |(i, &ap): (usize, &f64)| CurvePoint {
            n_labels: i * 10,
            n_found: i,
            n_relevant: 5,
            n_pool: 1000,
            held_out: Quality { ap, ..Quality::default() },
            ..CurvePoint::default()
        };
        Curve { key, points: aps.iter().enumerate().map(point).collect(), found: Vec::new() }
    }

    fn ceiling(concept: &str, ap: f64) -> Curve {
        let mut curve = game(CEILING, concept, 0, &[ap]);
        curve.points[0].n_labels = 1000;
        curve
    }

    fn summary() -> Panel {
        let mut curves = vec![
            game("rocchio", "a", 0, &[0.5, 0.3, 0.7]),
            game("rocchio", "b", 0, &[0.5, 0.6, 0.5]),
            game("linprobe", "a", 0, &[0.5, 0.6, 0.8]),
            game("linprobe", "a", 1, &[0.5, 0.8, 1.0]),
            game("linprobe", "b", 0, &[0.5, 0.495, 0.5]),
            ceiling("a", 1.0),
            ceiling("b", 1.0),
        ];
        for concept in ["a", "b"] {
            curves.push(game(NO_FEEDBACK, concept, 0, &[0.5, 0.5, 0.5]));
        }
        Summary::new(&curves).panels.remove(0)
    }

    #[test]
    fn seeds_are_averaged_before_concepts() {
        let panel = summary();
        assert_eq!((panel.n_concepts, panel.n_seeds), (2, 2));
        let ours = panel.standing("linprobe").unwrap();
        assert!((ours.at(20).unwrap().ap.mean - 0.7).abs() < 1e-12);
        assert!((ours.at(10).unwrap().mean.share_found - 0.2).abs() < 1e-12);
        assert_eq!(ours.at(10).unwrap().lead, None);
    }

    #[test]
    fn players_are_compared_concept_by_concept() {
        let panel = summary();
        let lead = panel.standing("rocchio").unwrap().at(10).unwrap().lead.clone().unwrap();
        assert!((lead.ap.mean - (0.4 - 0.105) / 2.0).abs() < 1e-12);
        assert_eq!(lead.wins_ties_losses(), [1, 0, 1]);
        let order: Vec<&str> = panel.standings.iter().map(|s| s.player.as_str()).collect();
        assert_eq!(order, ["rocchio", "linprobe", "full", "no-feedback"], "as they were given");
    }

    #[test]
    fn a_fall_at_any_budget_is_harm() {
        let panel = summary();
        let harm = |player| panel.standing(player).unwrap().harm;
        let rocchio = harm("rocchio").unwrap();
        assert!((rocchio.some - 0.5).abs() < 1e-12 && (rocchio.great - 0.5).abs() < 1e-12);
        let ours = harm("linprobe").unwrap();
        assert!(ours.some == 0.0 && ours.great_of_games == 0.0, "{ours:?}");
        assert_eq!(harm("no-feedback"), None);
    }

    #[test]
    fn near_the_ceiling_is_nine_tenths_of_it_for_half_the_concepts() {
        let near = summary().standing("linprobe").unwrap().near_ceiling.unwrap();
        assert!((near.reached - 0.5).abs() < 1e-12);
        assert_eq!(near.n_labels, None, "the median concept never comes near");
        let curves = [game("linprobe", "a", 0, &[0.1, 0.95, 1.0]), ceiling("a", 1.0)];
        let panel = Summary::new(&curves).panels.remove(0);
        assert_eq!(panel.standings[0].near_ceiling.unwrap().n_labels, Some(10));
        assert_eq!(panel.standings[1].steps.len(), 3, "the ceiling is flat");
    }

    #[test]
    fn the_area_is_the_mean_over_the_logarithm_of_the_labels() {
        let flat = game("linprobe", "a", 0, &[0.1, 0.6, 0.6, 0.6]);
        let rising = game("rocchio", "a", 0, &[0.1, 0.2, 0.4, 0.6]);
        let panel = Summary::new(&[flat, rising]).panels.remove(0);
        assert!((panel.standing("linprobe").unwrap().area - 0.6).abs() < 1e-12);
        let area = panel.standing("rocchio").unwrap().area;
        assert!((0.3..0.4).contains(&area), "most of it early: {area}");
    }

    #[test]
    fn nothing_played_is_no_panel() {
        assert_eq!(Summary::new(&[]).panels, []);
    }
}
