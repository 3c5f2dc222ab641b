//! What multiplies rows of integers, written once for all sets of vector instructions.

/// Makes a kernel multiply with the instructions named. The module that says this has `CodeWeights` and its kin in
/// scope, the number of `LANES` in a vector, and functions that load a vector of codes and of weights, make a zero and
/// add up all lanes; the last name is of a function that adds the products of two vectors to a third.
macro_rules! multiply_with {
    ($kernel:ident, $features:literal, $function:ident, $add_products:ident) => {
        impl $kernel {
            #[expect(unsafe_code, reason = "these instructions are not on every machine")]
            pub(crate) fn multiply<const N: usize>(
                _proof: Self,
                rows: &[u8],
                weights: [&CodeWeights; N],
                dots: [&mut [i32]; N],
            ) {
                // SAFETY: a value of this type is only made where the instructions are there.
                unsafe { $function(rows, weights, dots) }
            }
        }

        /// Two sums are under way for each of the weights, so that they do not wait for each other.
        #[target_feature(enable = $features)]
        fn $function<const N: usize>(
            rows: &[u8],
            weights: [&CodeWeights; N],
            mut dots: [&mut [i32]; N],
        ) {
            let row_bytes = weights.first().map_or(TRAILER, |weights| weights.row_bytes());
            let weights =
                weights.map(|weights| weights.steps.as_flattened().as_chunks::<LANES>().0);
            for (row_idx, row) in rows.chunks_exact(row_bytes).enumerate() {
                let (vectors, _) = row[..row_bytes - TRAILER].as_chunks::<LANES>();
                let weights = weights.map(|weights| &weights[..vectors.len()]);
                let (pairs, last) = vectors.as_chunks::<2>();
                let mut sums = [[zero(); 2]; N];
                for (pair_idx, pair) in pairs.iter().enumerate() {
                    fetch_ahead(pair);
                    let x = [load_codes(&pair[0]), load_codes(&pair[1])];
                    for ([even, odd], weights) in sums.iter_mut().zip(weights) {
                        *even = $add_products(*even, x[0], load_weights(&weights[2 * pair_idx]));
                        *odd = $add_products(*odd, x[1], load_weights(&weights[2 * pair_idx + 1]));
                    }
                }
                if let [x] = last {
                    let x = load_codes(x);
                    for ([even, _], weights) in sums.iter_mut().zip(weights) {
                        *even = $add_products(*even, x, load_weights(&weights[2 * pairs.len()]));
                    }
                }
                for (dots, [even, odd]) in dots.iter_mut().zip(sums) {
                    dots[row_idx] = total(even, odd);
                }
            }
        }
    };
}

pub(super) use multiply_with;
