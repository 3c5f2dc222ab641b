//! One pass over the int8 copy, and a look at those rows in half precision that it could not decide.
//!
//! A score from the copy is wrong by at most a margin that is known ([`grid`](super::grid)). Rows that
//! may be among the highest are scored again exactly, so that the list is the one that a pass over all
//! rows in half precision gives, to the bit. For the rows nearest to the boundary that would not do: in
//! a large store a great part of all rows is within the margin of it. So several times as many rows as
//! are wanted are taken by the scores of the copy, and the nearest of them by their exact ones: the
//! scores are right, and a row that is missed is nearer than the last one listed by less than the
//! margin. Histogram and count above the threshold are of what the copy says of every row, each score
//! wrong by less than its margin.

use std::iter;

use half::f16;
use rayon::prelude::*;

use super::{
    codes::CodeRows,
    contend::Contenders,
    grid::{Grid, GridWeights},
    kernel::{
        Kernel, Weights,
        codes::{CodeKernel, CodeWeights},
        fetch,
    },
    scan::{
        self, BLOCK_ROWS, Counts, Findings, Piece, Scan, SharedScores, Sharing, merge_each,
        nearness, piece_rows, places,
    },
    segment::Rows,
    select::{Candidate, Selector},
};

/// Of so many rows one may contend for the list before the copy is of no use.
const ROWS_PER_CONTENDER: usize = 16;

/// So few rows may all contend.
const LEAST_LIMIT: usize = 4096;

/// Rows that are taken by the scores of the copy for each that is wanted near the boundary, and more.
const NEAR_PER_WANTED: usize = 4;
const MORE_NEAR: usize = 1024;

/// Rows that are equally near, as duplicates are, of which all are looked at.
const MOST_TIED: usize = 1 << 14;

/// Rows here and there that one thread scores exactly at a time, and how many of them it asks the memory for ahead.
const PART_ROWS: usize = 64;
const ROWS_AHEAD: usize = 2;

/// The copy as one state of a store has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coarse<'a> {
    pub(crate) codes: &'a CodeRows,
    pub(crate) grid: &'a Grid,
    /// The longest rest of a row, in units of its scale.
    pub(crate) worst: f64,
    pub(crate) rows: &'a Rows,
}

/// Looks at every row once, for all scans; those that the copy is of no use to look at the rows in half
/// precision instead.
pub(crate) fn run(coarse: Coarse<'_>, scans: &[Scan<'_>]) -> Vec<Findings> {
    let asked: Vec<Option<Asked<'_>>> = scans.iter().map(|scan| Asked::new(coarse, scan)).collect();
    let mut answered = coarse.answer(&Together::of(&asked)).into_iter();
    let found: Vec<Option<Findings>> =
        asked.iter().map(|asked| asked.as_ref().and_then(|_| answered.next().flatten())).collect();
    let left = scans.iter().zip(&found).filter(|(_, found)| found.is_none());
    let left: Vec<Scan<'_>> = left.map(|(scan, _)| *scan).collect();
    let mut exactly = scan::run(coarse.rows.as_slice(), coarse.rows.dimension(), &left).into_iter();
    found.into_iter().filter_map(|found| found.or_else(|| exactly.next())).collect()
}

/// A scan, and what is needed to ask the copy.
struct Asked<'a> {
    scan: &'a Scan<'a>,
    weights: GridWeights,
    exact: Weights,
    limit: usize,
    n_near: usize,
}

impl<'a> Asked<'a> {
    /// None where too much is asked, or by weights that no margin holds for.
    fn new(coarse: Coarse<'_>, scan: &'a Scan<'a>) -> Option<Self> {
        let limit = (coarse.n_rows() / ROWS_PER_CONTENDER).max(LEAST_LIMIT);
        let n_near = match scan.n_boundary {
            0 => 0,
            n => n.saturating_mul(NEAR_PER_WANTED).saturating_add(MORE_NEAR),
        };
        if scan.top_k.max(n_near) > limit {
            return None;
        }
        let weights = coarse.grid.weights(scan.weights, scan.bias, coarse.worst)?;
        let exact = Weights::new(scan.weights);
        Some(Self { scan, weights, exact, limit, n_near })
    }
}

/// Scans that the copy is asked for in one pass.
struct Together<'a> {
    asked: Vec<&'a Asked<'a>>,
    sharing: Sharing,
    /// Those of each kind.
    codes: Vec<&'a CodeWeights>,
}

impl<'a> Together<'a> {
    fn of(asked: &'a [Option<Asked<'a>>]) -> Self {
        let asked: Vec<&Asked<'_>> = asked.iter().flatten().collect();
        let sharing = Sharing::of(&asked.iter().map(|asked| asked.scan).collect::<Vec<_>>());
        let codes = sharing.firsts.iter().map(|&first| &asked[first].weights.codes).collect();
        Self { asked, sharing, codes }
    }
}

impl Coarse<'_> {
    fn n_rows(&self) -> usize {
        self.rows.as_slice().len() / self.rows.dimension().max(1)
    }

    fn n_coded(&self) -> usize {
        self.codes.as_bytes().len() / self.codes.row_bytes()
    }

    /// Answers each, where the copy can.
    fn answer(self, together: &Together<'_>) -> Vec<Option<Findings>> {
        let n_rows = self.n_rows();
        let mut scores = places(n_rows, together.codes.len());
        let pieces = Piece::cut(&mut scores, piece_rows(n_rows));
        let empty: Vec<Tally> = together.asked.iter().map(|asked| Tally::new(asked)).collect();
        let tallies = pieces
            .into_par_iter()
            .fold(|| empty.clone(), |tallies, piece| self.tally(piece, together, tallies))
            .reduce(|| empty.clone(), |all, others| merge_each(all, others, Tally::merge));
        let each = together.asked.iter().zip(tallies).zip(together.sharing.hand_out(scores));
        each.map(|((asked, tally), scores)| self.finish(asked, tally, scores)).collect()
    }

    fn tally(
        self,
        piece: Piece<'_>,
        together: &Together<'_>,
        mut tallies: Vec<Tally>,
    ) -> Vec<Tally> {
        let Together { asked, sharing, codes: weights } = together;
        let mut blocks: Vec<_> =
            piece.scores.into_iter().map(|scores| scores.chunks_mut(BLOCK_ROWS)).collect();
        let mut block = Block::default();
        for first_row in (piece.first_row..).step_by(BLOCK_ROWS) {
            let scores: Vec<_> = blocks.iter_mut().filter_map(Iterator::next).collect();
            if scores.is_empty() {
                break;
            }
            let (codes, rows) = self.block(first_row, scores.first().map_or(0, |s| s.len()));
            block.multiply(codes, self.codes.row_bytes(), weights);
            for (kind, (scores, &first)) in scores.into_iter().zip(&sharing.firsts).enumerate() {
                block.score(kind, asked[first], rows, scores);
                asked[first].scan.strike_out(first_row, scores);
                let each = asked.iter().zip(&mut tallies).zip(&sharing.kinds);
                for ((asked, tally), _) in each.filter(|(_, of)| **of == kind) {
                    tally.look_at(first_row, (scores, &block.margins), asked);
                }
            }
        }
        tallies
    }

    /// Scores the rows that are left exactly and chooses among them.
    fn finish(self, asked: &Asked<'_>, tally: Tally, scores: SharedScores) -> Option<Findings> {
        let Tally { counts, top, near } = tally;
        let scan = asked.scan;
        let near = near.finish();
        let mut findings = Findings {
            scores,
            exact: None,
            top: Selector::new(0).finish(),
            boundary: Selector::new(0).finish(),
            range: counts.range(),
            n_above: counts.n_above,
        };
        let mut rows = top.finish()?;
        rows.extend(near.above.iter().map(|candidate| candidate.row_idx));
        if near.above.len() < scan.n_boundary {
            let tied = findings.rows_with(near.cut, nearness).without(scan.excluded);
            rows.extend(tied.rows().take(MOST_TIED));
        }
        rows.sort_unstable();
        rows.dedup();

        let scores = self.exact_scores(asked, &rows);
        let exact: Vec<(usize, f32)> = rows.into_iter().zip(scores).collect();
        let (mut top, mut boundary) = (Selector::new(scan.top_k), Selector::new(scan.n_boundary));
        for &(row_idx, score) in &exact {
            top.offer_one(Candidate { key: score, row_idx });
            boundary.offer_one(Candidate { key: nearness(score), row_idx });
        }
        (findings.top, findings.boundary) = (top.finish(), boundary.finish());
        findings.exact = Some(exact);
        Some(findings)
    }

    fn exact_scores(self, asked: &Asked<'_>, rows: &[usize]) -> Vec<f32> {
        let weights = std::slice::from_ref(&asked.exact);
        let kernel = Kernel::detect();
        let row = |row_idx: usize| self.rows.row(row_idx).unwrap_or_default();
        let exact = |(row_idx, next): (&usize, Option<&usize>)| {
            let mut score = [0.0];
            if let Some(&next) = next {
                fetch(row(next));
            }
            kernel.score(row(*row_idx), weights, &mut [&mut score]);
            asked.scan.with_bias(score[0])
        };
        let part = |rows: &[usize]| {
            let next = rows.iter().skip(ROWS_AHEAD).map(Some).chain(iter::repeat(None));
            rows.iter().zip(next).map(exact).collect::<Vec<_>>()
        };
        rows.par_chunks(PART_ROWS).flat_map_iter(part).collect()
    }

    /// The rows of a block that the copy has, and those that it has not yet.
    fn block(&self, first_row: usize, n_rows: usize) -> (&[u8], &[f16]) {
        let (row_bytes, dimension) = (self.codes.row_bytes(), self.rows.dimension());
        let split = (first_row + n_rows).min(self.n_coded()).max(first_row);
        let codes = self.codes.as_bytes().get(first_row * row_bytes..split * row_bytes);
        let rows = self.rows.as_slice().get(split * dimension..(first_row + n_rows) * dimension);
        (codes.unwrap_or_default(), rows.unwrap_or_default())
    }
}

/// Places for what is worked out of a block of rows.
#[derive(Default)]
struct Block {
    /// The scales of the rows that the copy has.
    scales: Vec<f32>,
    /// Their products with each of the weights.
    dots: Vec<Vec<i32>>,
    /// By how much the scores can be wrong that were worked out last.
    margins: Vec<f32>,
}

/// Weights that a row is loaded once for.
const GROUP: usize = 4;

impl Block {
    fn multiply(&mut self, codes: &[u8], row_bytes: usize, weights: &[&CodeWeights]) {
        let n_rows = codes.len() / row_bytes;
        self.dots.resize_with(weights.len(), Vec::new);
        self.dots.iter_mut().for_each(|dots| dots.resize(n_rows, 0));
        let (groups, rest) = weights.as_chunks::<GROUP>();
        let (group_dots, rest_dots) = self.dots.as_chunks_mut::<GROUP>();
        groups
            .iter()
            .zip(group_dots)
            .for_each(|(weights, dots)| multiply(codes, *weights, dots.each_mut()));
        match (rest, rest_dots) {
            ([w0], [d0]) => multiply(codes, [w0], [d0]),
            ([w0, w1], [d0, d1]) => multiply(codes, [w0, w1], [d0, d1]),
            ([w0, w1, w2], [d0, d1, d2]) => multiply(codes, [w0, w1, w2], [d0, d1, d2]),
            // A rest is shorter than a group.
            _ => {}
        }
        // Not before: to look at the end of every row first is to wait for the memory at each.
        let scale = |row: &[u8]| row.last_chunk().map_or(f32::NAN, |b| f32::from_le_bytes(*b));
        self.scales.clear();
        self.scales.extend(codes.chunks_exact(row_bytes).map(scale));
    }

    /// Fills in the scores and margins of a kind, of which one who asked is given. The copy has the first
    /// rows, the others are given.
    fn score(&mut self, kind: usize, asked: &Asked<'_>, others: &[f16], scores: &mut [f32]) {
        let weights = &asked.weights;
        let n_rows = scores.len();
        let (coded, rest) = scores.split_at_mut(self.scales.len());
        for ((score, &dot), &scale) in coded.iter_mut().zip(&self.dots[kind]).zip(&self.scales) {
            *score = weights.score(scale, dot);
        }
        self.margins.clear();
        self.margins.extend(self.scales.iter().map(|&scale| weights.margin(scale)));
        self.margins.resize(n_rows, 0.0);
        Kernel::detect().score(others, std::slice::from_ref(&asked.exact), &mut [&mut *rest]);
        for score in rest {
            *score = asked.scan.with_bias(*score);
        }
    }
}

fn multiply<const N: usize>(codes: &[u8], weights: [&CodeWeights; N], dots: [&mut Vec<i32>; N]) {
    CodeKernel::detect().multiply(codes, weights, dots.map(Vec::as_mut_slice));
}

/// What one thread has seen so far.
#[derive(Clone, Debug)]
struct Tally {
    counts: Counts,
    top: Contenders,
    near: Selector,
}

impl Tally {
    fn new(asked: &Asked<'_>) -> Self {
        Self {
            counts: Counts::default(),
            top: Contenders::new(asked.scan.top_k, asked.limit),
            near: Selector::new(asked.n_near),
        }
    }

    fn look_at(
        &mut self,
        first_row: usize,
        (scores, margins): (&[f32], &[f32]),
        asked: &Asked<'_>,
    ) {
        self.counts.look_at(scores, asked.scan.threshold);
        self.top.offer(first_row, (scores, margins), asked.scan.excluded);
        self.near.offer(first_row, scores, nearness, asked.scan.excluded);
    }

    fn merge(&mut self, other: Self) {
        self.counts.add(other.counts);
        self.top.merge(other.top);
        self.near.merge(other.near);
    }
}
