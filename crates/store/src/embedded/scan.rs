//! One pass over all rows that answers every question of a survey, or of several at once.
//!
//! Rows are scored a block at a time; while the scores of a block are in the nearest cache they are
//! compared with what is worth keeping so far. All scores are kept to the end of the call, four
//! bytes a row, for a second look: the histogram needs to know the lowest and the highest score, and
//! the last places of a list are drawn among equal scores by id. A row that does not count has NaN
//! for its score, which every comparison turns down.

use std::{ptr, sync::Arc};

use half::f16;
use rayon::prelude::*;

use super::{
    bitmap::{Bitmap, ones},
    kernel::{Kernel, Weights},
    select::{Selection, Selector},
};
use crate::histogram::Bins;

/// Rows scored before they are looked at: a multiple of 64, few enough for the nearest cache.
pub(super) const BLOCK_ROWS: usize = 512;

/// Pieces of work for each thread, so that one that is held up holds up little.
const PIECES_PER_THREAD: usize = 32;

/// What is asked of all rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan<'a> {
    /// As long as a row.
    pub(crate) weights: &'a [f32],
    pub(crate) bias: f32,
    /// Rows that do not count.
    pub(crate) dead: &'a Bitmap,
    /// Rows that do not appear in the lists.
    pub(crate) excluded: &'a Bitmap,
    pub(crate) top_k: usize,
    pub(crate) n_boundary: usize,
    pub(crate) threshold: f32,
}

/// The score of each row, NaN for the dead. Scans of the same scores share them; to make a slice of them would be to copy
/// all.
pub(crate) type SharedScores = Arc<Vec<f32>>;

/// What a scan found.
#[derive(Clone, Debug)]
pub(crate) struct Findings {
    pub(crate) scores: SharedScores,
    /// Where those are not exact: rows whose exact scores are known, lowest first, and these. Those of
    /// both lists are among them.
    pub(crate) exact: Option<Vec<(usize, f32)>>,
    /// The highest scores.
    pub(crate) top: Selection,
    /// The highest keys by [`nearness`].
    pub(crate) boundary: Selection,
    /// The lowest and the highest score, where there is any.
    pub(crate) range: Option<(f32, f32)>,
    pub(crate) n_above: u64,
}

impl<'a> Scan<'a> {
    /// Asks for nothing but the score of each row.
    pub(crate) fn scores_only(weights: &'a [f32], bias: f32) -> Self {
        static NONE: Bitmap = Bitmap::EMPTY;
        let (dead, excluded) = (&NONE, &NONE);
        let threshold = f32::INFINITY;
        Self { weights, bias, dead, excluded, top_k: 0, n_boundary: 0, threshold }
    }
}

/// Orders scores by how near to zero they are, nearest highest.
pub(crate) fn nearness(score: f32) -> f32 {
    -score.abs()
}

/// Looks at every row once, for all scans of the same rows, with all threads of the current pool.
pub(crate) fn run(rows: &[f16], dimension: usize, scans: &[Scan<'_>]) -> Vec<Findings> {
    let dimension = dimension.max(1);
    let n_rows = rows.len() / dimension;
    let piece = piece_rows(n_rows);
    let asked = Asked::new(scans);
    let mut scores = places(n_rows, asked.weights.len());
    let pieces: Vec<Piece<'_>> = Piece::cut(&mut scores, piece);
    let empty: Vec<Tally> = scans.iter().map(Tally::new).collect();
    let tallies = pieces
        .into_par_iter()
        .zip(rows.par_chunks(piece * dimension))
        .fold(|| empty.clone(), |tallies, (piece, rows)| piece.tally(rows, &asked, tallies))
        .reduce(|| empty.clone(), |all, others| merge_each(all, others, Tally::merge));
    let scores = asked.sharing.hand_out(scores);
    tallies.into_iter().zip(scores).map(|(tally, scores)| tally.finish(scores)).collect()
}

/// Which scans give every row the same score, and differ only in what they look for.
pub(super) struct Sharing {
    /// The first scan of each kind.
    pub(super) firsts: Vec<usize>,
    /// Of each scan, the place of its kind among these.
    pub(super) kinds: Vec<usize>,
}

impl Sharing {
    pub(super) fn of<'a>(scans: &[&'a Scan<'a>]) -> Self {
        let mut sharing = Self { firsts: Vec::new(), kinds: Vec::new() };
        for (idx, scan) in scans.iter().enumerate() {
            let kind = sharing.firsts.iter().position(|&first| scans[first].scores_like(scan));
            sharing.kinds.push(kind.unwrap_or(sharing.firsts.len()));
            if kind.is_none() {
                sharing.firsts.push(idx);
            }
        }
        sharing
    }

    /// Gives each scan the scores of its kind.
    pub(super) fn hand_out(&self, scores: Vec<Vec<f32>>) -> impl Iterator<Item = SharedScores> {
        let scores: Vec<SharedScores> = scores.into_iter().map(Arc::new).collect();
        self.kinds.iter().map(move |&kind| Arc::clone(&scores[kind]))
    }
}

/// What rows are scored with.
struct Asked<'a> {
    scans: &'a [Scan<'a>],
    sharing: Sharing,
    /// Those of each kind.
    weights: Vec<Weights>,
}

impl<'a> Asked<'a> {
    fn new(scans: &'a [Scan<'a>]) -> Self {
        let sharing = Sharing::of(&scans.iter().collect::<Vec<_>>());
        let weights = sharing.firsts.iter().map(|&first| Weights::new(scans[first].weights));
        let weights = weights.collect();
        Self { scans, sharing, weights }
    }
}

/// Places for the scores of all rows, for each kind of scan. The memory is not written to, so each thread takes the pages that
/// it needs.
pub(super) fn places(n_rows: usize, n_kinds: usize) -> Vec<Vec<f32>> {
    (0..n_kinds).map(|_| vec![0.0; n_rows]).collect()
}

/// The places for the scores of some rows, for each kind of scan.
pub(super) struct Piece<'s> {
    pub(super) first_row: usize,
    pub(super) scores: Vec<&'s mut [f32]>,
}

impl<'s> Piece<'s> {
    /// Cuts the scores of all kinds into pieces of so many rows.
    pub(super) fn cut(scores: &'s mut [Vec<f32>], n_rows: usize) -> Vec<Self> {
        let mut of_kinds: Vec<_> =
            scores.iter_mut().map(|scores| scores.chunks_mut(n_rows)).collect();
        let firsts = (0..).step_by(n_rows);
        let pieces = firsts.map_while(|first_row| {
            let scores: Vec<_> = of_kinds.iter_mut().filter_map(Iterator::next).collect();
            (!scores.is_empty()).then_some(Self { first_row, scores })
        });
        pieces.collect()
    }

    /// Scores the rows, a block at a time, and looks at the scores.
    fn tally(self, rows: &[f16], asked: &Asked<'_>, mut tallies: Vec<Tally>) -> Vec<Tally> {
        let scans = asked.scans;
        let kernel = Kernel::detect();
        let mut blocks: Vec<_> =
            self.scores.into_iter().map(|scores| scores.chunks_mut(BLOCK_ROWS)).collect();
        let dimension = scans.first().map_or(1, |scan| scan.weights.len().max(1));
        let first_rows = (self.first_row..).step_by(BLOCK_ROWS);
        for (first_row, rows) in first_rows.zip(rows.chunks(BLOCK_ROWS * dimension)) {
            let mut scores: Vec<_> = blocks.iter_mut().filter_map(Iterator::next).collect();
            kernel.score(rows, &asked.weights, &mut scores);
            for (&first, scores) in asked.sharing.firsts.iter().zip(&mut scores) {
                scans[first].finish_scores(first_row, scores);
            }
            for ((scan, &kind), tally) in scans.iter().zip(&asked.sharing.kinds).zip(&mut tallies) {
                tally.look_at(first_row, scores[kind], scan);
            }
        }
        tallies
    }
}

impl Scan<'_> {
    /// Whether another one gives every row the same score.
    fn scores_like(&self, other: &Scan<'_>) -> bool {
        let same_weights = (self.weights, self.bias) == (other.weights, other.bias);
        same_weights && (ptr::eq(self.dead, other.dead) || self.dead == other.dead)
    }

    /// Adds the bias and strikes out the dead.
    fn finish_scores(&self, first_row: usize, scores: &mut [f32]) {
        for score in &mut *scores {
            *score = self.with_bias(*score);
        }
        self.strike_out(first_row, scores);
    }

    /// The score of a row from its product with the weights.
    pub(super) fn with_bias(&self, dot: f32) -> f32 {
        // The zero turns a negative zero into a positive one: they are equal scores.
        dot + self.bias + 0.0
    }

    /// Gives the dead among some rows their score.
    pub(super) fn strike_out(&self, first_row: usize, scores: &mut [f32]) {
        for (word_idx, scores) in (first_row / 64..).zip(scores.chunks_mut(64)) {
            for bit in ones(self.dead.word(word_idx)) {
                if let Some(score) = scores.get_mut(bit) {
                    *score = f32::NAN;
                }
            }
        }
    }
}

/// The rows of one piece of work.
pub(super) fn piece_rows(n_rows: usize) -> usize {
    let n_pieces = rayon::current_num_threads() * PIECES_PER_THREAD;
    n_rows.div_ceil(n_pieces).next_multiple_of(BLOCK_ROWS).max(BLOCK_ROWS)
}

/// Takes together what two threads have seen for each scan.
pub(super) fn merge_each<T>(mut all: Vec<T>, others: Vec<T>, merge: impl Fn(&mut T, T)) -> Vec<T> {
    for (tally, other) in all.iter_mut().zip(others) {
        merge(tally, other);
    }
    all
}

/// What one thread has seen so far.
#[derive(Clone, Debug)]
struct Tally {
    counts: Counts,
    top: Selector,
    boundary: Selector,
}

impl Tally {
    fn new(scan: &Scan<'_>) -> Self {
        Self {
            counts: Counts::default(),
            top: Selector::new(scan.top_k),
            boundary: Selector::new(scan.n_boundary),
        }
    }

    fn look_at(&mut self, first_row: usize, scores: &[f32], scan: &Scan<'_>) {
        self.counts.look_at(scores, scan.threshold);
        self.top.offer(first_row, scores, |score| score, scan.excluded);
        self.boundary.offer(first_row, scores, nearness, scan.excluded);
    }

    fn merge(&mut self, other: Self) {
        self.counts.add(other.counts);
        self.top.merge(other.top);
        self.boundary.merge(other.boundary);
    }

    fn finish(self, scores: SharedScores) -> Findings {
        Findings {
            scores,
            exact: None,
            top: self.top.finish(),
            boundary: self.boundary.finish(),
            range: self.counts.range(),
            n_above: self.counts.n_above,
        }
    }
}

/// The lowest and the highest of some scores, and how many reach a threshold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    low: f32,
    high: f32,
    pub(super) n_above: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self { low: f32::INFINITY, high: f32::NEG_INFINITY, n_above: 0 }
    }
}

impl Counts {
    pub(super) fn look_at(&mut self, scores: &[f32], threshold: f32) {
        self.low = -highest(scores, -self.low, |score| -score);
        self.high = highest(scores, self.high, |score| score);
        let n_above: u32 = scores.iter().map(|&score| u32::from(score >= threshold)).sum();
        self.n_above += u64::from(n_above);
    }

    pub(super) fn add(&mut self, other: Self) {
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
        self.n_above += other.n_above;
    }

    pub(super) fn range(self) -> Option<(f32, f32)> {
        (self.low <= self.high).then_some((self.low, self.high))
    }
}

/// The highest key, `so_far` included. Sixteen maxima do not wait for each other, as one would, and
/// a comparison passes over a NaN.
fn highest(scores: &[f32], so_far: f32, key: impl Fn(f32) -> f32) -> f32 {
    let (groups, rest) = scores.as_chunks::<16>();
    let mut highest = [so_far; 16];
    for group in groups {
        for (highest, &score) in highest.iter_mut().zip(group) {
            *highest = if key(score) > *highest { key(score) } else { *highest };
        }
    }
    let rest = rest.iter().map(|&score| key(score));
    highest.into_iter().chain(rest).fold(so_far, f32::max)
}

impl Findings {
    /// Counts the scores in each bin.
    pub(crate) fn counts(&self, n_bins: usize) -> Vec<u64> {
        let bins = self.range.and_then(|(low, high)| Bins::new(low, high, n_bins));
        let Some(bins) = bins else { return vec![0; n_bins] };
        let empty = || vec![[0; LANES]; n_bins];
        let pieces = self.scores.par_chunks(piece_rows(self.scores.len()));
        let lanes = pieces.fold(empty, |counts, scores| count(counts, scores, bins));
        lanes.map(|lanes| lanes.iter().map(|lanes| lanes.iter().sum()).collect()).reduce(
            || vec![0; n_bins],
            |a: Vec<u64>, b| a.iter().zip(b).map(|(a, b)| a + b).collect(),
        )
    }

    /// The exact score of a row of either list.
    pub(crate) fn score(&self, row_idx: usize) -> f32 {
        let score = match &self.exact {
            Some(exact) => {
                let place = exact.binary_search_by_key(&row_idx, |(row_idx, _)| *row_idx);
                place.ok().and_then(|place| exact.get(place)).map(|(_, score)| *score)
            }
            None => self.scores.get(row_idx).copied(),
        };
        score.unwrap_or(f32::NAN)
    }

    /// The rows whose exact score is known, and its key this one.
    pub(crate) fn rows_with(&self, wanted: f32, key: impl Fn(f32) -> f32 + Sync) -> Bitmap {
        let is_wanted = |score: f32| key(score).to_bits() == wanted.to_bits();
        let word = |scores: &[f32]| {
            // Most words are empty, which takes fewer instructions to see.
            if !scores.iter().fold(false, |any, &score| any | is_wanted(score)) {
                return 0;
            }
            let bits = scores.iter().enumerate();
            bits.fold(0, |word, (bit, &score)| word | u64::from(is_wanted(score)) << bit)
        };
        if let Some(exact) = &self.exact {
            let wanted = exact.iter().filter(|(_, score)| is_wanted(*score));
            wanted.map(|(row_idx, _)| *row_idx).collect()
        } else {
            let words = self.scores.par_chunks(64).with_min_len(256).map(word);
            words.collect::<Vec<u64>>().into()
        }
    }
}

/// Counters for each bin: neighbours often fall into one bin, and need not wait for each other.
const LANES: usize = 4;

/// Scores whose bins are worked out at once, which vector instructions do.
const GROUP: usize = 64;

fn count(mut counts: Vec<[u64; LANES]>, scores: &[f32], bins: Bins) -> Vec<[u64; LANES]> {
    let mut places = [0; GROUP];
    for group in scores.chunks(GROUP) {
        for (place, &score) in places.iter_mut().zip(group) {
            *place = bins.bin_of(score);
        }
        for (idx, (&place, score)) in places.iter().zip(group).enumerate() {
            counts[place as usize][idx % LANES] += u64::from(!score.is_nan());
        }
    }
    counts
}
