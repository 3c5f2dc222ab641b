//! The dot product of two embeddings, where many are asked for.

/// Sums side by side, which a processor adds up at once.
const LANES: usize = 16;

/// The sum of the products of the coordinates of two vectors of one length, in single precision: for the many pairs that are
/// compared with each other.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for (sum, (x, y)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += x * y;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_product_takes_in_every_coordinate() {
        for n in 1_u8..50 {
            let values: Vec<f32> = (1..=n).map(f32::from).collect();
            let expected: f32 = values.iter().sum();
            assert!((dot(&values, &vec![1.0; n.into()]) - expected).abs() < 1e-2, "{n}");
        }
    }
}
