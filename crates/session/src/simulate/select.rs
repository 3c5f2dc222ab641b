//! What a simulated session labels next.
//!
//! The strategies of a session, and two ways of the literature that look only at neighbours of what
//! is labelled. Both need something relevant to begin with; a session has a phrase instead, so they
//! label the highest scores until something relevant is known.

use std::{cmp::Ordering, collections::BTreeMap, collections::BTreeSet};

use linprobe_classifier::{Background, Label};

use linprobe_core::SplitMix;

use super::{corpus::Corpus, player::Selection};
use crate::{
    Strategy,
    strategy::{self, Candidate, Found, Known, N_BOUNDARY, N_LIKE_ANCHOR, Plan, choose},
};

/// Neighbours of each labelled record that SEALS looks at.
const SEALS_NEIGHBOURS: usize = 100;

/// Anchors of each class that `AnchorAL` chooses.
const N_ANCHORS: usize = 10;

/// Unlabelled neighbours of each anchor that `AnchorAL` looks at.
const ANCHOR_NEIGHBOURS: usize = 50;

/// Candidates that `AnchorAL` keeps: those most like the anchors.
const ANCHOR_POOL: usize = 500;

/// How things stand when a round is chosen. Rows are those of the corpus.
pub(crate) struct Board<'a> {
    pub(crate) corpus: &'a Corpus,
    pub(crate) background: &'a Background,
    /// The rows that may be labelled and are not yet.
    pub(crate) unseen: &'a [usize],
    /// The scores of all rows.
    pub(crate) scores: &'a [f32],
    /// Those under the fit of no labels.
    pub(crate) start_scores: &'a [f32],
    /// What is labelled, in the order in which it was.
    pub(crate) labelled: &'a [(usize, Label)],
    /// Decides what is drawn at random.
    pub(crate) seed: u64,
}

/// Chooses, and remembers neighbours from round to round.
pub(crate) struct Selector {
    selection: Selection,
    neighbours: Neighbours,
}

impl Selector {
    pub(crate) fn new(selection: Selection, pool: &[usize]) -> Self {
        Self { selection, neighbours: Neighbours { pool: pool.to_vec(), known: BTreeMap::new() } }
    }

    /// The rows to label next: `k`, or as many as are left.
    pub(crate) fn choose(&mut self, k: usize, board: &Board<'_>) -> Vec<usize> {
        let knows_relevant = board.labelled.iter().any(|(_, label)| label.is_positive());
        match self.selection {
            Selection::Strategy(strategy) => by_strategy(strategy, k, board),
            Selection::Seals if knows_relevant => {
                let pool = self.neighbours.seals(board);
                or_top(k, board, board.nearest_to_boundary(k, &pool))
            }
            Selection::AnchorAl if knows_relevant => {
                let pool = self.neighbours.anchored(board);
                or_top(k, board, board.nearest_to_boundary(k, &pool))
            }
            Selection::Seals | Selection::AnchorAl => board.top(k, board.scores),
        }
    }
}

/// As a session chooses, from the same lists, made of scores that are there already.
fn by_strategy(strategy: Strategy, k: usize, board: &Board<'_>) -> Vec<usize> {
    let plan = strategy.plan(k, board.labelled.iter().map(|(_, label)| *label));
    let asked = if plan.asks_start { board.start_scores } else { board.scores };
    let (top, boundary) = (board.top(plan.n_top, asked), board.boundary(&plan, asked));
    let (anchor, random) = (board.like_anchor(&plan), board.random(&plan));
    let lists = [&top, &boundary, &anchor, &random];
    let rows: BTreeSet<usize> = lists.into_iter().flatten().copied().collect();
    let rows: Vec<usize> = rows.into_iter().collect();
    let places =
        |list: &[usize]| list.iter().filter_map(|row| rows.binary_search(row).ok()).collect();
    let candidate =
        |&row: &usize| Candidate { embedding: board.corpus.values(row), asked: asked[row] };
    let found = Found {
        candidates: rows.iter().map(candidate).collect(),
        top: places(&top),
        boundary: places(&boundary),
        anchor: places(&anchor),
        random: places(&random),
    };
    let labelled = board.labelled.iter().map(|(row, label)| (board.corpus.values(*row), *label));
    let known = Known {
        background: board.background,
        labelled: labelled.collect(),
        n_unseen: board.unseen.len() as u64,
    };
    choose(&plan, &found, &known).into_iter().map(|chosen| rows[chosen.index]).collect()
}

/// Fills up with the highest scores.
fn or_top(k: usize, board: &Board<'_>, mut chosen: Vec<usize>) -> Vec<usize> {
    let rest = board.others_than(&chosen);
    chosen.extend(highest(k - chosen.len(), &rest, board.scores));
    chosen
}

impl Board<'_> {
    fn top(&self, k: usize, scores: &[f32]) -> Vec<usize> {
        highest(k, self.unseen, scores)
    }

    fn nearest_to_boundary(&self, k: usize, rows: &[usize]) -> Vec<usize> {
        first(k, rows, |&a, &b| self.scores[a].abs().total_cmp(&self.scores[b].abs()))
    }

    fn boundary(&self, plan: &Plan, asked: &[f32]) -> Vec<usize> {
        let n = if plan.slots.boundary > 0 { N_BOUNDARY * plan.k } else { 0 };
        first(n, self.unseen, |&a, &b| asked[a].abs().total_cmp(&asked[b].abs()))
    }

    fn like_anchor(&self, plan: &Plan) -> Vec<usize> {
        let relevant = self.labelled.iter().filter(|(_, label)| label.is_positive());
        let lowest = relevant.min_by(|(a, _), (b, _)| self.scores[*a].total_cmp(&self.scores[*b]));
        let (true, Some((row, _))) = (plan.slots.anchor > 0, lowest) else { return Vec::new() };
        let anchor = strategy::toward(&self.corpus.embedding(*row), self.background);
        anchor.map_or_else(Vec::new, |anchor| {
            highest(N_LIKE_ANCHOR, self.unseen, &self.corpus.score(&anchor))
        })
    }

    fn random(&self, plan: &Plan) -> Vec<usize> {
        if plan.slots.random == 0 {
            return Vec::new();
        }
        let rows = self.unseen.iter().copied();
        let mut shuffled = SplitMix::named(self.seed, &["random"]).shuffled(rows);
        shuffled.truncate(plan.k);
        shuffled
    }

    fn others_than(&self, chosen: &[usize]) -> Vec<usize> {
        let chosen: BTreeSet<usize> = chosen.iter().copied().collect();
        self.unseen.iter().copied().filter(|row| !chosen.contains(row)).collect()
    }
}

/// The rows of the `k` highest scores.
fn highest(k: usize, rows: &[usize], scores: &[f32]) -> Vec<usize> {
    first(k, rows, |&a, &b| scores[b].total_cmp(&scores[a]))
}

/// The first `k` in an order; ties by row.
fn first(k: usize, rows: &[usize], order: impl Fn(&usize, &usize) -> Ordering) -> Vec<usize> {
    let order = |a: &usize, b: &usize| order(a, b).then_with(|| a.cmp(b));
    let mut rows = rows.to_vec();
    if k == 0 {
        return Vec::new();
    }
    if rows.len() > k {
        rows.select_nth_unstable_by(k - 1, order);
        rows.truncate(k);
    }
    rows.sort_unstable_by(order);
    rows
}

/// The nearest rows of the pool to some rows, nearest first, with their cosines.
struct Neighbours {
    pool: Vec<usize>,
    known: BTreeMap<usize, Vec<(usize, f32)>>,
}

impl Neighbours {
    /// The unseen ones among the neighbours of all that is labelled.
    fn seals(&mut self, board: &Board<'_>) -> Vec<usize> {
        let rows: Vec<usize> = board.labelled.iter().map(|(row, _)| *row).collect();
        self.find(&rows, SEALS_NEIGHBOURS, board);
        let near = rows.iter().flat_map(|row| self.known[row].iter().take(SEALS_NEIGHBOURS));
        let near: BTreeSet<usize> = near.map(|(row, _)| *row).collect();
        board.unseen.iter().copied().filter(|row| near.contains(row)).collect()
    }

    /// The unseen ones that are most like the anchors of both classes.
    fn anchored(&mut self, board: &Board<'_>) -> Vec<usize> {
        let class = |positive: bool| {
            let own = board.labelled.iter().filter(|(_, label)| label.is_positive() == positive);
            spread(&own.map(|(row, _)| *row).collect::<Vec<_>>(), board)
        };
        let anchors = [class(true), class(false)].concat();
        // However many are labelled, so many unlabelled ones are left among the nearest.
        self.find(&anchors, ANCHOR_NEIGHBOURS + board.labelled.len(), board);
        let unseen: BTreeSet<usize> = board.unseen.iter().copied().collect();
        let mut likeness: BTreeMap<usize, f32> = BTreeMap::new();
        for anchor in &anchors {
            let near = self.known[anchor].iter().filter(|(row, _)| unseen.contains(row));
            for &(row, cosine) in near.take(ANCHOR_NEIGHBOURS) {
                let most = likeness.entry(row).or_insert(cosine);
                *most = most.max(cosine);
            }
        }
        let rows: Vec<usize> = likeness.keys().copied().collect();
        first(ANCHOR_POOL, &rows, |a, b| likeness[b].total_cmp(&likeness[a]))
    }

    /// Looks for the nearest `k` of those that it does not know yet.
    fn find(&mut self, rows: &[usize], k: usize, board: &Board<'_>) {
        let known = |row: &&usize| self.known.get(row).is_none_or(|near| near.len() < k);
        let new: Vec<usize> = rows.iter().filter(known).copied().collect();
        for (row, cosines) in new.iter().zip(board.corpus.cosines(&new)) {
            let k = (2 * k).min(self.pool.len());
            let near = first(k, &self.pool, |&a, &b| cosines[b].total_cmp(&cosines[a]));
            self.known.insert(*row, near.into_iter().map(|near| (near, cosines[near])).collect());
        }
    }
}

/// At most ten rows that lie apart: each drawn with a probability that grows with the square of its
/// distance to those drawn before, as k-means++ begins.
fn spread(rows: &[usize], board: &Board<'_>) -> Vec<usize> {
    let mut rng = SplitMix::named(board.seed, &["anchors"]);
    let mut gaps = vec![1.0; rows.len()];
    let mut anchors = Vec::new();
    while anchors.len() < N_ANCHORS && gaps.iter().any(|&gap| gap > 0.0) {
        let total: f64 = gaps.iter().sum();
        let mut left = rng.unit() * total;
        let drawn = gaps.iter().position(|gap| {
            left -= gap;
            left < 0.0
        });
        let anchor = rows[drawn.unwrap_or(rows.len() - 1)];
        anchors.push(anchor);
        for (gap, &row) in gaps.iter_mut().zip(rows) {
            *gap = gap.min(squared_distance(board.corpus, row, anchor));
        }
    }
    anchors
}

fn squared_distance(corpus: &Corpus, a: usize, b: usize) -> f64 {
    let pairs = corpus.values(a).iter().zip(corpus.values(b));
    pairs.map(|(x, y)| f64::from(x - y).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use linprobe_core::{Embedding, Point, RecordId};

    use super::*;

    /// 400 points around a circle, from 0 to 359 degrees.
    fn circle() -> Corpus {
        let point = |row: u16| {
            let angle = f32::from(row).to_radians();
            let embedding = Embedding::normalize(vec![angle.cos(), angle.sin()]).unwrap();
            Point { id: RecordId::from_row(row.into()), embedding }
        };
        Corpus::new(2, (0..360).map(point))
    }

    fn choose(selection: Selection, labelled: &[(usize, Label)], scores: &[f32]) -> Vec<usize> {
        let corpus = circle();
        let pool: Vec<usize> = (0..360).collect();
        let seen = |row: &usize| labelled.iter().any(|(labelled, _)| labelled == row);
        let unseen: Vec<usize> = pool.iter().copied().filter(|row| !seen(row)).collect();
        let background = background(&corpus);
        let board = Board {
            corpus: &corpus,
            background: &background,
            unseen: &unseen,
            scores,
            start_scores: scores,
            labelled,
            seed: 1,
        };
        Selector::new(selection, &pool).choose(10, &board)
    }

    fn background(corpus: &Corpus) -> Background {
        let rows: Vec<_> = (0..corpus.len()).map(|row| corpus.embedding(row)).collect();
        Background::estimate(corpus.dimension(), &rows)
    }

    /// The boundary runs through 170 and 190 degrees.
    fn scores() -> Vec<f32> {
        (0..360_i16).map(|row| f32::from((row - 180).abs()) - 10.0).collect()
    }

    #[test]
    fn seals_stays_among_the_neighbours_of_what_is_labelled() {
        let chosen = choose(Selection::Seals, &[(60, Label::RELEVANT)], &scores());
        assert_eq!(chosen, [110, 109, 108, 107, 106, 105, 104, 103, 102, 101]);
    }

    #[test]
    fn anchors_of_both_classes_bound_the_candidates() {
        let labelled = [(60, Label::RELEVANT), (300, Label::IRRELEVANT)];
        let chosen = choose(Selection::AnchorAl, &labelled, &scores());
        let near = |row: &usize| (35..=85).contains(row) || (275..=325).contains(row);
        assert!(chosen.iter().all(near), "{chosen:?}");
        assert_eq!(&chosen[..2], [85, 275]);
    }

    #[test]
    fn without_a_relevant_label_the_highest_scores_come_first() {
        for selection in [Selection::Seals, Selection::AnchorAl] {
            let chosen = choose(selection, &[(0, Label::IRRELEVANT)], &scores());
            assert_eq!(&chosen[..2], [1, 359]);
        }
    }

    #[test]
    fn a_mixed_round_shows_no_record_twice_and_ends_with_the_boundary() {
        let labelled = [(1, Label::RELEVANT), (90, Label::IRRELEVANT)];
        let chosen = choose(Selection::Strategy(Strategy::Auto), &labelled, &scores());
        let distinct: BTreeSet<_> = chosen.iter().collect();
        assert_eq!((chosen.len(), distinct.len()), (10, 10));
        assert_eq!(chosen[0], 0, "the highest score, and next to what is relevant");
        assert_eq!(chosen[6], 170, "the nearest to the boundary");
    }

    #[test]
    fn while_nothing_relevant_is_known_a_round_keeps_away_from_what_was_refused() {
        let refused = [(0, Label::IRRELEVANT)];
        let flat: Vec<f32> = scores().into_iter().map(|score| score / 100.0).collect();
        let chosen = choose(Selection::Strategy(Strategy::Auto), &refused, &flat);
        let near = |row: &usize| *row < 20 || *row > 340;
        assert!(!near(&chosen[0]), "{chosen:?}");
        assert!(!chosen[..2].windows(2).any(|pair| pair[0].abs_diff(pair[1]) < 20), "{chosen:?}");
    }

    #[test]
    fn anchors_lie_apart() {
        let corpus = circle();
        let background = background(&corpus);
        let board = Board {
            corpus: &corpus,
            background: &background,
            unseen: &[],
            scores: &[],
            start_scores: &[],
            labelled: &[],
            seed: 3,
        };
        let rows: Vec<usize> = (0..40).chain([180]).collect();
        let anchors = spread(&rows, &board);
        assert_eq!(anchors.len(), N_ANCHORS);
        assert!(anchors.contains(&180), "{anchors:?}");
        assert_eq!(spread(&[5, 5, 5], &board), [5], "duplicates are one anchor");
    }
}
