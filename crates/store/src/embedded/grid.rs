//! Rows as small integers: what is kept of a row, and what a score of it can be wrong by.
//!
//! A row is `mean + spread * scale * codes` and a rest. Mean and spread are of the store, one number
//! for each coordinate: embeddings of a model share a direction, and some of their coordinates vary
//! more than others, on which eight bits would otherwise be spent. The scale is the row's own. What
//! rounding costs is known when a row is encoded: the length of the rest, in units of the scale. The
//! largest of these bounds by how much a score can be wrong, for any weights, since a product of two
//! vectors is at most that of their lengths.

use half::{f16, slice::HalfFloatSliceExt};

use super::kernel::codes::{CodeWeights, LARGEST, STEP, TRAILER};

/// Rows that mean and spread are learned from.
const N_SAMPLED: usize = 4096;

/// The least spread, beside that of all coordinates together: one that hardly varies among the sampled
/// rows may do so among others.
const LEAST_SPREAD: f64 = 0.1;

/// The least scale, so that dividing by it works: no row needs as small a one but the mean itself.
const LEAST_SCALE: f32 = 1e-20;

/// Where the integers of rows lie among real numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Grid {
    mean: Vec<f32>,
    spread: Vec<f32>,
}

impl Grid {
    /// A grid that fits rows, learned from some of them, evenly spaced.
    pub(crate) fn of(rows: &[f16], dimension: usize) -> Self {
        let n_rows = rows.len() / dimension.max(1);
        let every = n_rows.div_ceil(N_SAMPLED).max(1);
        let rows = rows.chunks_exact(dimension.max(1)).step_by(every);
        let rows: Vec<Vec<f32>> = rows.map(HalfFloatSliceExt::to_f32_vec).collect();
        let mean = mean_of(&rows, dimension, |_, x| x);
        let variance = mean_of(&rows, dimension, |i, x| (x - mean[i]) * (x - mean[i]));
        let overall = (variance.iter().sum::<f64>() / dimension.max(1) as f64).sqrt();
        let least = (overall * LEAST_SPREAD).max(f64::from(f16::MIN_POSITIVE_SUBNORMAL));
        let spread = variance.iter().map(|variance| variance.sqrt().max(least));
        Self { spread: spread.map(single).collect(), mean: mean.into_iter().map(single).collect() }
    }

    /// A grid that was kept; none of numbers that make no grid.
    pub(crate) fn from_parts(mean: Vec<f32>, spread: Vec<f32>) -> Option<Self> {
        let usable = mean.len() == spread.len()
            && mean.iter().all(|mean| mean.is_finite())
            && spread.iter().all(|spread| spread.is_finite() && *spread > 0.0);
        usable.then_some(Self { mean, spread })
    }

    /// What [`Self::from_parts`] makes a grid of: mean and spread.
    pub(crate) fn parts(&self) -> (&[f32], &[f32]) {
        (&self.mean, &self.spread)
    }

    /// The bytes of a row.
    pub(crate) fn row_bytes(&self) -> usize {
        row_bytes(self.mean.len())
    }

    /// Writes a row as integers and their scale. Gives the length of the rest in units of the scale.
    pub(crate) fn encode(&self, row: &[f16], bytes: &mut [u8]) -> f64 {
        let (codes, trailer) = bytes.split_at_mut(bytes.len() - TRAILER);
        let mut centred = row.to_f32_vec();
        for (x, mean) in centred.iter_mut().zip(&self.mean) {
            *x -= mean;
        }
        let scale = self.scale_of(&centred);
        trailer.copy_from_slice(&scale.to_le_bytes());
        let mut rest = 0.0;
        for ((x, spread), code) in centred.iter().zip(&self.spread).zip(codes) {
            let unit = spread * scale;
            let n_units = rounded(x / unit);
            *code = small(n_units).cast_unsigned();
            let left = f64::from(*x) - f64::from(n_units) * f64::from(*spread) * f64::from(scale);
            rest += left * left;
        }
        if scale.is_nan() { 0.0 } else { rest.sqrt() / f64::from(scale) }
    }

    /// The scale at which the largest coordinate is the largest integer. NaN where a coordinate is not
    /// finite, which makes a score of NaN: no row that was written has such a one.
    fn scale_of(&self, centred: &[f32]) -> f32 {
        if !centred.iter().all(|x| x.is_finite()) {
            return f32::NAN;
        }
        let sizes = centred.iter().zip(&self.spread).map(|(x, spread)| (x / spread).abs());
        (sizes.fold(0.0, f32::max) / f32::from(LARGEST)).max(LEAST_SCALE)
    }

    /// Prepares weights to score rows of which none has a longer rest, in units of its scale. None for
    /// weights that point nowhere or are not finite.
    pub(crate) fn weights(&self, weights: &[f32], bias: f32, worst: f64) -> Option<GridWeights> {
        let spread: Vec<f64> =
            weights.iter().zip(&self.spread).map(|(&w, &c)| f64::from(w) * f64::from(c)).collect();
        let sum: f64 = spread.iter().map(|w| w.abs()).sum();
        let largest = spread.iter().fold(0.0, |largest, w| w.abs().max(largest));
        let room = CodeWeights::LARGEST_SUM - spread.len() as f64;
        let step = (largest / f64::from(i16::MAX)).max(sum / room);
        let all_finite = weights.iter().chain([&bias]).all(|x| x.is_finite());
        if !(all_finite && step > f64::from(f32::MIN_POSITIVE)) {
            return None;
        }
        let codes: Vec<i16> = spread.iter().map(|w| medium(w / step)).collect();
        let lost = spread.iter().zip(&codes).map(|(w, &code)| (w - step * f64::from(code)).abs());
        let length = weights.iter().map(|&w| f64::from(w) * f64::from(w)).sum::<f64>().sqrt();
        let offset: f64 =
            weights.iter().zip(&self.mean).map(|(&w, &m)| f64::from(w) * f64::from(m)).sum();
        let per_scale = f64::from(LARGEST) * lost.sum::<f64>() + length * worst;
        Some(GridWeights {
            codes: CodeWeights::new(&codes),
            offset: single(offset + f64::from(bias)),
            step: single(step),
            per_scale: single(per_scale * 1.000_01),
            slack: single(slack(weights.len(), length, bias)),
        })
    }
}

/// The bytes that a row of a dimension takes.
pub(crate) fn row_bytes(dimension: usize) -> usize {
    dimension.next_multiple_of(STEP) + TRAILER
}

/// What sums in single precision can be wrong by, this one's and those of the rows in half precision.
fn slack(dimension: usize, length: f64, bias: f32) -> f64 {
    let n_roundings = dimension as f64 / 16.0 + 160.0;
    n_roundings * f64::from(f32::EPSILON) / 2.0 * (2.0 * length + f64::from(bias.abs()))
}

/// Weights for rows of a grid.
#[derive(Clone, Debug)]
pub(crate) struct GridWeights {
    pub(crate) codes: CodeWeights,
    offset: f32,
    step: f32,
    per_scale: f32,
    slack: f32,
}

impl GridWeights {
    /// The score of a row by its scale and the product of its codes.
    pub(crate) fn score(&self, scale: f32, dot: i32) -> f32 {
        self.offset + scale * (self.step * dot as f32)
    }

    /// What that score can be wrong by.
    pub(crate) fn margin(&self, scale: f32) -> f32 {
        scale * self.per_scale + self.slack
    }
}

fn mean_of(rows: &[Vec<f32>], dimension: usize, value: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let mut sums = vec![0.0; dimension];
    let finite = || rows.iter().filter(|row| row.iter().all(|x| x.is_finite()));
    for row in finite() {
        for (i, (sum, &x)) in sums.iter_mut().zip(row).enumerate() {
            *sum += value(i, f64::from(x));
        }
    }
    let n_rows = finite().count().max(1) as f64;
    sums.into_iter().map(|sum| sum / n_rows).collect()
}

/// The nearest integer to a number of at most some thousands, in two additions that every vector unit
/// has.
fn rounded(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0;
    let largest = f32::from(LARGEST);
    ((x + SHIFT) - SHIFT).clamp(-largest, largest)
}

#[expect(clippy::cast_possible_truncation, reason = "integers up to 127")]
fn small(x: f32) -> i8 {
    x as i8
}

#[expect(clippy::cast_possible_truncation, reason = "it saturates")]
fn medium(x: f64) -> i16 {
    (x.round() as i16).max(-i16::MAX)
}

#[expect(clippy::cast_possible_truncation, reason = "single precision is what is kept")]
fn single(x: f64) -> f32 {
    x as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::kernel::codes::CodeKernel;
    use proptest::prelude::*;

    fn rows(dimension: usize) -> impl Strategy<Value = Vec<f16>> {
        let coordinate = prop_oneof![-0.1_f32..0.1, -0.1_f32..0.1, 0.5_f32..0.9];
        prop::collection::vec(coordinate, dimension..=dimension * 8).prop_map(move |values| {
            let whole = values.len() / dimension * dimension;
            values[..whole].iter().map(|&x| f16::from_f32(x)).collect()
        })
    }

    proptest! {
        /// The promise that everything else rests on.
        #[test]
        fn no_score_is_wrong_by_more_than_its_margin(
            (rows, weights) in (1_usize..100).prop_flat_map(|dimension| {
                (rows(dimension), prop::collection::vec(-3.0_f32..3.0, dimension))
            }),
            bias in -1.0_f32..1.0,
            stranger in -2.0_f32..2.0,
        ) {
            let dimension = weights.len();
            let grid = Grid::of(&rows, dimension);
            // A row that the grid was not learned from.
            let rows: Vec<f16> =
                rows.into_iter().chain(vec![f16::from_f32(stranger); dimension]).collect();
            let mut bytes = vec![0; rows.len() / dimension * grid.row_bytes()];
            let encoded = rows.chunks(dimension).zip(bytes.chunks_mut(grid.row_bytes()));
            let worst = encoded.map(|(row, bytes)| grid.encode(row, bytes)).fold(0.0, f64::max);
            let Some(coarse) = grid.weights(&weights, bias, worst) else { return Ok(()) };
            for (row, bytes) in rows.chunks(dimension).zip(bytes.chunks(grid.row_bytes())) {
                let mut dot = [0];
                CodeKernel::detect().multiply(bytes, [&coarse.codes], [&mut dot]);
                let scale = f32::from_le_bytes(*bytes.last_chunk().unwrap());
                let exact: f64 = row.iter().zip(&weights).map(|(x, &w)| x.to_f64() * f64::from(w)).sum();
                let wrong = (f64::from(coarse.score(scale, dot[0])) - exact - f64::from(bias)).abs();
                prop_assert!(wrong <= f64::from(coarse.margin(scale)), "{wrong}");
            }
        }
    }

    /// Random directions of 512 coordinates: rounding costs less than a hundredth of the length.
    #[test]
    fn margins_are_small() {
        let dimension = 512;
        let value = |i: usize| ((i * i % 7919) as f32 / 7919.0 - 0.5) * 0.15;
        let rows: Vec<f16> = (0..dimension * 20).map(|i| f16::from_f32(value(i))).collect();
        let grid = Grid::of(&rows, dimension);
        let mut bytes = vec![0; grid.row_bytes()];
        let worst =
            rows.chunks(dimension).map(|row| grid.encode(row, &mut bytes)).fold(0.0, f64::max);
        let weights: Vec<f32> = (0..dimension).map(|i| value(i + 99)).collect();
        let length = weights.iter().map(|w| w * w).sum::<f32>().sqrt();
        let coarse = grid.weights(&weights, 0.0, worst).unwrap();
        let scale = f32::from_le_bytes(*bytes.last_chunk().unwrap());
        assert!(coarse.margin(scale) < 0.01 * length, "{}", coarse.margin(scale) / length);
    }

    #[test]
    fn weights_that_no_margin_holds_for_are_turned_down() {
        let grid = Grid::of(&[f16::ONE, f16::ZERO], 2);
        for weights in [[0.0, 0.0], [f32::NAN, 1.0], [f32::INFINITY, 1.0]] {
            assert!(grid.weights(&weights, 0.0, 1.0).is_none(), "{weights:?}");
        }
        assert!(grid.weights(&[1.0, 0.0], f32::NAN, 1.0).is_none());
    }
}
