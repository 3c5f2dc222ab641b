//! Products with rows of embeddings, summed in double precision.
//!
//! Of every eight products the sum is made in single precision, as they are, and goes on in double:
//! of numbers as like as these it is exact to seven digits, and takes half as long.

#![expect(clippy::inline_always, reason = "else it keeps the instructions of an old processor")]

/// Products that are summed in single precision; rows that are added up at once.
pub(super) const FEW: usize = 8;

/// Sums side by side: as many as the widest instructions make at once.
const LANES: usize = 16;

/// The dot product.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0_f64; LANES];
    for (a, b) in a.chunks(FEW).zip(b.chunks(FEW)) {
        let mut few = [0.0_f32; LANES];
        for (a, b) in a.iter().zip(b) {
            for (sum, (x, y)) in few.iter_mut().zip(a.iter().zip(b)) {
                *sum += x * y;
            }
        }
        add(&mut sums, few);
    }
    let rest = a_rest.iter().zip(b_rest).map(|(&x, &y)| f64::from(x) * f64::from(y));
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

/// Adds to a sum each of some rows, as long as it, times its factor.
#[inline(always)]
pub(super) fn add_rows(sum: &mut [f64], rows: [&[f32]; FEW], factors: [f32; FEW]) {
    let (sums, sum_rest) = sum.as_chunks_mut::<LANES>();
    let n_whole = sums.len() * LANES;
    let whole = rows.map(|row| row.as_chunks::<LANES>().0);
    for (idx, sums) in sums.iter_mut().enumerate() {
        let mut few = [0.0_f32; LANES];
        for (row, factor) in whole.iter().zip(factors) {
            for (sum, x) in few.iter_mut().zip(&row[idx]) {
                *sum += factor * x;
            }
        }
        add(sums, few);
    }
    for (row, factor) in rows.iter().zip(factors) {
        let rest = sum_rest.iter_mut().zip(&row[n_whole..]);
        rest.for_each(|(sum, &x)| *sum += f64::from(factor) * f64::from(x));
    }
}

#[inline(always)]
fn add(sums: &mut [f64; LANES], few: [f32; LANES]) {
    for (sum, few) in sums.iter_mut().zip(few) {
        *sum += f64::from(few);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seed: usize, dimension: usize) -> Vec<f32> {
        (0..dimension).map(|i| ((i * 31 + seed * 17) as f32 * 0.7).sin()).collect()
    }

    #[test]
    fn products_are_those_of_double_precision_to_six_digits_in_every_dimension() {
        for dimension in [1, 15, 16, 17, 127, 128, 129, 768, 1000] {
            let (a, b) = (row(1, dimension), row(2, dimension));
            let exact: f64 = a.iter().zip(&b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
            assert!((dot(&a, &b) - exact).abs() < 1e-6 * dimension as f64, "{dimension}");
        }
    }

    #[test]
    fn rows_are_added_times_their_factors() {
        for dimension in [1, 15, 16, 17, 768] {
            let rows: [Vec<f32>; FEW] = std::array::from_fn(|seed| row(seed, dimension));
            let factors = std::array::from_fn(|i| i as f32 - 3.0);
            let mut sum = vec![1.0; dimension];
            add_rows(&mut sum, rows.each_ref().map(Vec::as_slice), factors);
            for (i, sum) in sum.into_iter().enumerate() {
                let products = rows.iter().zip(factors);
                let exact = products.map(|(row, f)| f64::from(row[i]) * f64::from(f)).sum::<f64>();
                assert!((sum - 1.0 - exact).abs() < 1e-5, "{dimension} {i}");
            }
        }
    }
}
