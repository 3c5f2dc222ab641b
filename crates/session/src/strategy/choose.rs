//! Picks the records of a round from the lists that were asked for.
//!
//! Records are compared in the whitened metric, where two of different classes have next to
//! nothing in common. In a round, each next record is the one of highest
//!
//! `logit + 4 likest relevant - 2 likest irrelevant or chosen + ln(alike) / 2`,
//!
//! the last term, the number of candidates that are like it, only while exploring: a label then speaks for many, and
//! odd records, that are like nothing, come last.

use linprobe_classifier::{Background, Directions, Label};

use super::{Plan, Slots};
use crate::Reason;

/// The cosine, in the whitened metric, at which two records are half alike.
const HALF_ALIKE: f32 = 0.25;

/// How sharply likeness sets in around that cosine.
const SHARPNESS: f32 = 15.0;

/// What being like a relevant record adds to the logit.
const PULL: f32 = 4.0;

/// What being like an irrelevant record, or one of the same round, takes from the logit.
const PUSH: f32 = 2.0;

/// What the logarithm of the number of records that are alike adds.
const DENSITY: f32 = 0.5;

/// Embeddings with a higher cosine are near-duplicates: one round shows one of them.
const NEAR_DUPLICATE: f32 = 0.98;

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
    pub(crate) probability: f64,
}

/// Chooses a round; less than was planned only where there are fewer candidates.
pub(crate) fn choose(plan: &Plan, found: &Found<'_>, known: &Known<'_>) -> Vec<Chosen> {
    let Slots { explore, top, ladder, boundary, anchor, random } = plan.slots;
    let mut round = Round { found, known, chosen: Vec::with_capacity(plan.k) };
    if plan.n_top > plan.slots.top {
        round.spread(explore, Reason::Explore);
        round.spread(top, Reason::Top);
    } else {
        round.take(top, &found.top, Reason::Top);
    }
    round.take(ladder, &rungs(&found.top, explore + top), Reason::Ladder);
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
        let embedding = |index: usize| self.found.candidates[index].embedding;
        let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
        let mut chosen = self.chosen.iter().map(|chosen| chosen.index);
        chosen.all(|c| c != index && cosine(embedding(c), embedding(index)) < NEAR_DUPLICATE)
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
        let probability = drawn.len() as f64 / self.known.n_unseen.max(1) as f64;
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

    /// The `n` best of the highest scores, each unlike the ones before.
    fn spread(&mut self, n: usize, reason: Reason) {
        if n == 0 || self.found.top.is_empty() {
            return;
        }
        let mut spread = Spread::new(self.found, self.known, reason == Reason::Explore);
        let goal = self.chosen.len() + n;
        while self.chosen.len() < goal {
            let Some(place) = spread.best() else { break };
            let index = self.found.top[place];
            spread.close(place);
            if self.is_new(index) {
                spread.push_away_from(place);
                self.add(index, reason);
            }
        }
    }
}

/// What each of the highest scores is worth showing.
struct Spread {
    directions: Directions,
    /// Minus infinity of what is closed.
    worth: Vec<f32>,
    /// The likeness of each to what is irrelevant, or was chosen.
    refused: Vec<f32>,
}

impl Spread {
    fn new(found: &Found<'_>, known: &Known<'_>, explores: bool) -> Self {
        let top = found.top.iter().map(|&index| &found.candidates[index]);
        let rows: Vec<&[f32]> = top.clone().map(|candidate| candidate.embedding).collect();
        let directions = known.background.directions(&rows);
        let mut worth: Vec<f32> = top.map(|candidate| candidate.asked).collect();
        let mut refused = vec![0.0; rows.len()];
        let labelled: Vec<&[f32]> = known.labelled.iter().map(|(x, _)| *x).collect();
        let cosines = directions.cosines(&known.background.directions(&labelled));
        let mut accepted = vec![0.0; rows.len()];
        for (cosines, (_, label)) in cosines.iter().zip(&known.labelled) {
            if label.is_positive() {
                raise(&mut accepted, cosines);
            } else if label.is_negative() {
                raise(&mut refused, cosines);
            }
        }
        worth.iter_mut().zip(accepted).for_each(|(worth, alike)| *worth += PULL * alike);
        if explores {
            for (worth, cosines) in worth.iter_mut().zip(directions.cosines(&directions)) {
                *worth += DENSITY * cosines.into_iter().map(alike).sum::<f32>().ln();
            }
        }
        Self { directions, worth, refused }
    }

    /// The place of the one most worth showing; of equal ones the first.
    fn best(&self) -> Option<usize> {
        let net = |place: usize| self.worth[place] - PUSH * self.refused[place];
        let open = (0..self.worth.len()).filter(|&place| self.worth[place].is_finite());
        open.max_by(|&a, &b| net(a).total_cmp(&net(b)).then(b.cmp(&a)))
    }

    fn close(&mut self, place: usize) {
        self.worth[place] = f32::NEG_INFINITY;
    }

    fn push_away_from(&mut self, place: usize) {
        raise(&mut self.refused, &self.directions.cosines_with(place));
    }
}

/// Keeps the larger of what each was alike before and is alike now.
fn raise(likeness: &mut [f32], cosines: &[f32]) {
    likeness.iter_mut().zip(cosines).for_each(|(most, &cosine)| *most = most.max(alike(cosine)));
}

/// From 0, nothing in common, to 1, the same.
fn alike(cosine: f32) -> f32 {
    1.0 / (1.0 + (SHARPNESS * (HALF_ALIKE - cosine)).exp())
}
