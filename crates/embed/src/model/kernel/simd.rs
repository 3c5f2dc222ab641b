//! Functions over many values, compiled for every instruction set.
//!
//! Loops are plain ones: what `for_each` and `fold` call does not always take over the instructions that their caller is
//! compiled for, and then a fused product is a call of the library for each value.

#![expect(clippy::inline_always, reason = "else they keep the instructions of an old processor")]

use pulp::Arch;

/// Values that are worked on at a time, in independent lanes.
pub(super) const N_LANES: usize = 16;

/// Runs a function over all values with the best instructions there are.
pub(in crate::model) fn map(values: &mut [f32], function: impl Fn(f32) -> f32) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for value in values {
                *value = function(*value);
            }
        },
    );
}

/// The same with the form of the function that is made for this processor: one in which products are fused with sums,
/// or one in which they are not, where that would be a call for each.
pub(in crate::model) fn map_either(
    values: &mut [f32],
    fused: impl Fn(f32) -> f32,
    plain: impl Fn(f32) -> f32,
) {
    if fuses() { map(values, fused) } else { map(values, plain) }
}

/// Whether the processor adds a product to a sum in one instruction.
pub(super) fn fuses() -> bool {
    !matches!(Arch::new(), Arch::Scalar)
}

/// `a b + c`.
#[inline(always)]
pub(in crate::model) fn add_product<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// A polynomial, the coefficient of the lowest power first.
#[inline(always)]
pub(in crate::model) fn polynomial<const FUSED: bool, const N: usize>(
    coefficients: [f32; N],
    x: f32,
) -> f32 {
    let (mut sum, mut place) = (0.0, N);
    while place > 0 {
        place -= 1;
        sum = add_product::<FUSED>(sum, x, coefficients[place]);
    }
    sum
}

/// Makes every row of scores sum to 1: `e^x` over the sum of them. Rows are longer than they have scores, by less than
/// the lanes, so that these are never left with a part; what stands there becomes next to nothing.
pub(super) fn softmax(scores: &mut [f32], n_scores: usize, row_len: usize) {
    for row in scores.chunks_exact_mut(row_len) {
        row[n_scores..].fill(f32::NEG_INFINITY);
    }
    let rows = scores.chunks_exact_mut(row_len);
    if fuses() {
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for row in rows {
                    softmax_row::<true>(row);
                }
            },
        );
    } else {
        for row in rows {
            softmax_row::<false>(row);
        }
    }
}

#[inline(always)]
fn softmax_row<const FUSED: bool>(row: &mut [f32]) {
    let highest = fold(row, f32::NEG_INFINITY, |x| x, f32::max);
    for score in row.iter_mut() {
        *score = exp::<FUSED>(*score - highest);
    }
    let factor = 1.0 / sum(row, |x| x);
    for score in row {
        *score *= factor;
    }
}

/// Divides every row by the root of its mean square, or by that of its variance, its mean taken away before; and
/// multiplies it with weights, one for each column.
pub(super) fn normalize(rows: &mut [f32], weights: &[f32], epsilon: f32, is_centred: bool) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let n = weights.len() as f32;
            for row in rows.chunks_exact_mut(weights.len()) {
                let mean = if is_centred { sum(row, |x| x) / n } else { 0.0 };
                let variance = sum(row, |x| (x - mean) * (x - mean)) / n;
                let factor = 1.0 / (variance + epsilon).sqrt();
                for (x, weight) in row.iter_mut().zip(weights) {
                    *x = (*x - mean) * factor * weight;
                }
            }
        },
    );
}

/// Adds a row to every row.
pub(super) fn add_to_rows(rows: &mut [f32], row: &[f32]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for sums in rows.chunks_exact_mut(row.len()) {
                for (sum, x) in sums.iter_mut().zip(row) {
                    *sum += x;
                }
            }
        },
    );
}

#[inline(always)]
fn sum(values: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    fold(values, 0.0, of, |a, b| a + b)
}

/// Folds in lanes, which the compiler may not do by itself because the order of additions changes.
#[inline(always)]
fn fold(
    values: &[f32],
    start: f32,
    of: impl Fn(f32) -> f32,
    join: impl Fn(f32, f32) -> f32,
) -> f32 {
    let mut lanes = [start; N_LANES];
    let chunks = values.chunks_exact(N_LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = join(*lane, of(value));
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane = join(*lane, of(value));
    }
    // Half with half, so that few steps wait for each other.
    let mut n_lanes = N_LANES;
    while n_lanes > 1 {
        n_lanes /= 2;
        for lane in 0..n_lanes {
            lanes[lane] = join(lanes[lane], lanes[lane + n_lanes]);
        }
    }
    lanes[0]
}

/// `e^x` without a branch or a call, so that the compiler can do eight at a time: 2 to the whole
/// part of `x / ln 2` through the exponent's bits, times a polynomial for the rest.
#[inline(always)]
pub(in crate::model) fn exp<const FUSED: bool>(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const TAYLOR: [f32; 7] = [1.0, 1.0, 0.5, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0];
    /// 1.5 * 2^23: added and taken away again it rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = add_product::<FUSED>(x, std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    let r = add_product::<FUSED>(whole, -LN_2_HIGH, x);
    let r = add_product::<FUSED>(whole, -LN_2_LOW, r);
    let p = polynomial::<FUSED, _>(TAYLOR, r);
    let exponent = shifted.to_bits().wrapping_add(127) << 23;
    p * f32::from_bits(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_within_single_precision() {
        for step in -870..880 {
            let x = step as f32 / 10.0;
            for found in [exp::<true>(x), exp::<false>(x)] {
                let (found, exact) = (f64::from(found), f64::from(x).exp());
                assert!((found / exact - 1.0).abs() < 4e-7, "exp({x}) is {found}, not {exact}");
            }
        }
    }

    #[test]
    fn rows_of_any_length_sum_to_one() {
        for (n_scores, row_len) in [(1, 16), (15, 16), (16, 16), (17, 32), (50, 64), (3, 3)] {
            let mut scores: Vec<f32> = (0..3 * row_len).map(|n| (n % 7) as f32 * 9.0).collect();
            softmax(&mut scores, n_scores, row_len);
            for row in scores.chunks_exact(row_len) {
                assert!((row[..n_scores].iter().sum::<f32>() - 1.0).abs() < 1e-5, "{row:?}");
                assert!(row[n_scores..].iter().all(|&share| share < 1e-35), "{row:?}");
            }
        }
    }
}
