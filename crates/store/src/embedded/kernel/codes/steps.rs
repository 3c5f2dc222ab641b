//! What multiplies rows of integers, written once for all sets of vector instructions.

/// Makes a kernel multiply with the instructions named. The module that says this has `CodeWeights` and its kin in
/// scope, the number of `LANES` in a vector, and functions that load a vector of codes and of weights, make a zero and
/// add up all lanes of one vector and of four; the last name is of a function that adds the products of two vectors to a
/// third.
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

        /// Of several weights, each vector that is loaded is multiplied with two rows.
        #[target_feature(enable = $features)]
        fn $function<const N: usize>(
            rows: &[u8],
            weights: [&CodeWeights; N],
            mut dots: [&mut [i32]; N],
        ) {
            /// The products of some weights with some rows.
            #[inline]
            #[target_feature(enable = $features)]
            fn products<const R: usize, const N: usize>(
                rows: [&[u8]; R],
                weights: &[&[[i16; LANES]]; N],
            ) -> [[i32; R]; N] {
                let n_vectors = weights.first().map_or(0, |weights| weights.len());
                let mut codes: [&[[u8; LANES]]; R] = [&[]; R];
                for (codes, row) in codes.iter_mut().zip(rows) {
                    fetch_ahead(row);
                    *codes = &row.as_chunks().0[..n_vectors];
                }
                let mut sums = [[zero(); R]; N];
                for idx in 0..n_vectors {
                    let mut x = [zero(); R];
                    for (x, codes) in x.iter_mut().zip(codes) {
                        *x = load_codes(&codes[idx]);
                    }
                    for (sums, weights) in sums.iter_mut().zip(weights) {
                        let w = load_weights(&weights[idx]);
                        for (sum, x) in sums.iter_mut().zip(x) {
                            *sum = $add_products(*sum, x, w);
                        }
                    }
                }
                let mut dots = [[0; R]; N];
                let (groups, rest) = sums.as_flattened().as_chunks();
                let (group_dots, rest_dots) = dots.as_flattened_mut().as_chunks_mut();
                for (sums, dots) in groups.iter().zip(group_dots) {
                    *dots = totals_of_four(*sums);
                }
                for (sum, dot) in rest.iter().zip(rest_dots) {
                    *dot = total(*sum);
                }
                dots
            }

            let row_bytes = weights.first().map_or(TRAILER, |weights| weights.row_bytes());
            // No closures here: those of arrays are compiled without the instructions.
            let mut of_all: [&[[i16; LANES]]; N] = [&[]; N];
            for (vectors, weights) in of_all.iter_mut().zip(weights) {
                *vectors = weights.steps.as_flattened().as_chunks().0;
            }
            let n_paired = if N > 1 { rows.len() / (2 * row_bytes) * 2 } else { 0 };
            let (paired, alone) = rows.split_at(n_paired * row_bytes);
            for (idx, pair) in paired.chunks_exact(2 * row_bytes).enumerate() {
                let (first, second) = pair.split_at(row_bytes);
                for (dots, products) in dots.iter_mut().zip(products([first, second], &of_all)) {
                    dots[2 * idx..2 * idx + 2].copy_from_slice(&products);
                }
            }
            for (idx, row) in alone.chunks_exact(row_bytes).enumerate() {
                for (dots, [dot]) in dots.iter_mut().zip(products([row], &of_all)) {
                    dots[n_paired + idx] = dot;
                }
            }
        }
    };
}

pub(super) use multiply_with;
