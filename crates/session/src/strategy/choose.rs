//! Picks the records of a round from the lists that were asked for.
//!
//! Records are compared in the whitened metric, where two of different classes have next to
//! nothing in common. While nothing relevant is known, a round covers: each next record is the one that is like
//! most of what may be relevant and is like nothing that was seen, so that each label speaks for as
//! many as it can (greedy facility location, within a factor of 1 - 1/e of the best choice). Once something
//! relevant is known, what is like it comes earlier than its logit alone says.

use linprobe_classifier::{Background, Directions, Label};
use linprobe_core::dot;

use super::{N_COVERING, Plan, Slots};
use crate::Reason;

/// The cosine, in the whitened metric, at which two records are half alike.
const HALF_ALIKE: f32 = 0.3;

/// How sharply likeness sets in around that cosine.
const SHARPNESS: f32 = 15.0;

/// What being like a relevant record adds to the logit.
const PULL: f32 = 8.0;

/// The difference in logits of the start over which a record is thought to be e times as likely to be
/// relevant, before any label.
const TEMPERATURE: f32 = 1.5;

/// The same once something was refused: the start was surer of itself than it has reason to be.
const DOUBTED_TEMPERATURE: f32 = 10.0;

/// Embeddings with a cosine from here on are near-duplicates: one round shows one of them.
pub const NEAR_DUPLICATE: f32 = 0.98;

/// An unseen record that may be shown.
pub(crate) struct Candidate<'a> {
    pub(crate) embedding: &'a [f32],
    /// Its logit under the classifier that was asked with.
    pub(crate) asked: f32,
}

/// Candidates, and lists of their indices.
pub(crate) struct Found<'a> {
    pub(crate) candidates: Vec<Candidate<'a>>,
    /// The highest scores, best first.
    pub(crate) top: Vec<usize>,
    /// Those nearest to the boundary, nearest first; some may be in `top` as well.
    pub(crate) boundary: Vec<usize>,
    /// Those most like a relevant record that scores low, likest first.
    pub(crate) anchor: Vec<usize>,
    /// Drawn at random.
    pub(crate) random: Vec<usize>,
}

/// What the choice goes by, beside the candidates.
pub(crate) struct Known<'a> {
    pub(crate) background: &'a Background,
    pub(crate) labelled: Vec<(&'a [f32], Label)>,
    pub(crate) n_unseen: u64,
}

/// A candidate that was chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Chosen {
    pub(crate) index: usize,
    pub(crate) reason: Reason,
    /// How likely it was to be chosen, before the draw.
    pub(crate) probability: f32,
}

/// Chooses a round; less than was planned only where there are fewer candidates.
pub(crate) fn choose(plan: &Plan, found: &Found<'_>, known: &Known<'_>) -> Vec<Chosen> {
    let Slots { explore, top, ladder, boundary, anchor, random } = plan.slots;
    let mut round = Round { found, known, chosen: Vec::with_capacity(plan.k) };
    if plan.prefers_likeness {
        round.take(top, &by_likeness(found, known), Reason::Top);
    } else {
        round.take(top, &found.top, Reason::Top);
    }
    round.cover(explore);
    round.take(ladder, &rungs(&found.top, top), Reason::Ladder);
    round.take(boundary, &found.boundary, Reason::Boundary);
    round.take(anchor, &found.anchor, Reason::Anchor);
    round.take_random(random);
    // Lists overlap, and can be short.
    let missing = plan.k.saturating_sub(round.chosen.len());
    round.fill(missing);
    round.chosen
}

/// Ranks twice as far each time: where, of a common concept, the lower end lies.
fn rungs(top: &[usize], first: usize) -> Vec<usize> {
    let ranks = std::iter::successors(Some(2 * first.max(1)), |rank| rank.checked_mul(2));
    ranks.map_while(|rank| top.get(rank).copied()).collect()
}

struct Round<'a> {
    found: &'a Found<'a>,
    known: &'a Known<'a>,
    chosen: Vec<Chosen>,
}

impl Round<'_> {
    fn add(&mut self, index: usize, reason: Reason) {
        self.chosen.push(Chosen { index, reason, probability: 1.0 });
    }

    fn holds(&self, index: usize) -> bool {
        self.chosen.iter().any(|chosen| chosen.index == index)
    }

    fn is_new(&self, index: usize) -> bool {
        let mut chosen = self.chosen.iter().map(|chosen| chosen.index);
        chosen.all(|c| c != index && !self.found.are_nearly_the_same(c, index))
    }

    /// The first `n` of a list that are like none that was chosen.
    fn take(&mut self, n: usize, list: &[usize], reason: Reason) {
        let goal = self.chosen.len() + n;
        for &index in list {
            if self.chosen.len() == goal {
                break;
            }
            if self.is_new(index) {
                self.add(index, reason);
            }
        }
    }

    /// Near-duplicates too: what is drawn must be as likely as it says.
    fn take_random(&mut self, n: usize) {
        let drawn = self.found.random.iter().copied().filter(|&index| !self.holds(index));
        let drawn: Vec<usize> = drawn.take(n).collect();
        let probability = drawn.len() as f32 / self.known.n_unseen.max(1) as f32;
        let chosen = |index| Chosen { index, reason: Reason::Random, probability };
        self.chosen.extend(drawn.into_iter().map(chosen));
    }

    /// With whatever is left, near-duplicates too.
    fn fill(&mut self, n: usize) {
        let goal = self.chosen.len() + n;
        let found = self.found;
        let lists = [
            (&found.top, Reason::Top),
            (&found.boundary, Reason::Boundary),
            (&found.random, Reason::Random),
        ];
        for (list, reason) in lists {
            for &index in list {
                if self.chosen.len() < goal && !self.holds(index) {
                    self.add(index, reason);
                }
            }
        }
    }

    /// With `n` of the highest scores that together are like as many as can be.
    fn cover(&mut self, n: usize) {
        let Some(mut coverage) = (n > 0).then(|| Coverage::new(self.found, self.known)).flatten()
        else {
            return;
        };
        for chosen in &self.chosen {
            let place = self.found.top.iter().position(|&index| index == chosen.index);
            if let Some(place) = place {
                coverage.add(place);
            }
        }
        for _ in 0..n {
            let place = coverage.best();
            coverage.add(place);
            self.take(1, &[self.found.top[place]], Reason::Explore);
        }
    }
}

/// The highest scores, those that are like a relevant record moved up.
fn by_likeness(found: &Found<'_>, known: &Known<'_>) -> Vec<usize> {
    let rows = found.embeddings(&found.top);
    let relevant = known.embeddings(Label::is_positive);
    let directions = known.background.directions(&rows);
    let likeness = likest(&directions, &known.background.directions(&relevant));
    let worth =
        |(&index, alike): (&usize, f32)| (found.candidates[index].asked + PULL * alike, index);
    let mut ranking: Vec<(f32, usize)> = found.top.iter().zip(likeness).map(worth).collect();
    ranking.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    ranking.into_iter().map(|(_, index)| index).collect()
}

/// How far what may be relevant is like what was seen.
struct Coverage {
    /// Of each place: how much it counts.
    mass: Vec<f32>,
    /// Of each place: its likeness to the likest that was seen.
    covered: Vec<f32>,
    /// Of the first places, that may be chosen: their likeness to every place.
    likeness: Vec<Vec<f32>>,
}

impl Coverage {
    /// Places are those of the list of highest scores.
    fn new(found: &Found<'_>, known: &Known<'_>) -> Option<Self> {
        let rows = found.embeddings(&found.top);
        let highest = found.candidates[*found.top.first()?].asked;
        let refused = known.embeddings(Label::is_negative);
        let temperature = if refused.is_empty() { TEMPERATURE } else { DOUBTED_TEMPERATURE };
        let mass = |&index: &usize| ((found.candidates[index].asked - highest) / temperature).exp();
        let directions = known.background.directions(&rows);
        let mut likeness = directions.cosines_with_first(N_COVERING);
        likeness.iter_mut().flatten().for_each(|cosine| *cosine = alike(*cosine));
        let refused = known.background.directions(&refused);
        Some(Self {
            mass: found.top.iter().map(mass).collect(),
            covered: likest(&directions, &refused),
            likeness,
        })
    }

    /// The place that covers the most of what is not covered yet; of equal ones the first.
    fn best(&self) -> usize {
        let gain = |place: &usize| -> f32 {
            let places = self.likeness[*place].iter().zip(&self.covered).zip(&self.mass);
            places.map(|((alike, covered), mass)| mass * (alike - covered).max(0.0)).sum()
        };
        let gains = (0..self.likeness.len()).map(|place| (gain(&place), place));
        gains.max_by(|(a, i), (b, j)| a.total_cmp(b).then(j.cmp(i))).map_or(0, |(_, place)| place)
    }

    /// Of the places that may not be chosen nothing is known, and nothing changes.
    fn add(&mut self, place: usize) {
        let likeness = self.likeness.get(place).into_iter().flatten();
        self.covered.iter_mut().zip(likeness).for_each(|(most, &alike)| *most = most.max(alike));
    }
}

/// How many others of the candidates are nearly the same as one.
pub(crate) fn n_alike(found: &Found<'_>, index: usize) -> u32 {
    let others = (0..found.candidates.len()).filter(|&other| other != index);
    let alike = others.filter(|&other| found.are_nearly_the_same(index, other));
    u32::try_from(alike.count()).unwrap_or(u32::MAX)
}

impl<'a> Found<'a> {
    fn are_nearly_the_same(&self, a: usize, b: usize) -> bool {
        let [a, b] = [a, b].map(|index| self.candidates[index].embedding);
        dot(a, b) >= NEAR_DUPLICATE
    }

    fn embeddings(&self, indices: &[usize]) -> Vec<&'a [f32]> {
        indices.iter().map(|&index| self.candidates[index].embedding).collect()
    }
}

impl<'a> Known<'a> {
    fn embeddings(&self, belongs: fn(Label) -> bool) -> Vec<&'a [f32]> {
        let side = self.labelled.iter().filter(|(_, label)| belongs(*label));
        side.map(|(embedding, _)| *embedding).collect()
    }
}

/// Of each direction: its likeness to the likest of some others.
fn likest(directions: &Directions, others: &Directions) -> Vec<f32> {
    let mut nearest = vec![f32::NEG_INFINITY; directions.len()];
    for cosines in directions.cosines(others) {
        nearest.iter_mut().zip(cosines).for_each(|(most, cosine)| *most = most.max(cosine));
    }
    nearest.into_iter().map(alike).collect()
}

/// From 0, nothing in common, to 1, the same.
fn alike(cosine: f32) -> f32 {
    1.0 / (1.0 + (SHARPNESS * (HALF_ALIKE - cosine)).exp())
}
