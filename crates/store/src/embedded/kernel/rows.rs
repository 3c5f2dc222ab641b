//! What scores rows, written once for all sets of vector instructions.

/// Makes a kernel score rows with the instructions named. The module that says this has `Stretch` and its kin in
/// scope, the number of `LANES` in a vector, and functions that load a vector of numbers in half precision and in
/// single and that add up all lanes.
macro_rules! score_with {
    ($kernel:ident, $features:literal, $vector:ident, $zero:ident, $fmadd:ident) => {
        /// Sums under way for a row: enough not to wait for each other.
        const N_SUMS: usize = 4;

        type Sums = [$vector; N_SUMS];

        impl $kernel {
            #[expect(unsafe_code, reason = "these instructions are not on every machine")]
            pub(crate) fn score(_proof: Self, rows: &[f16], weights: &Weights, scores: &mut [f32]) {
                // SAFETY: a value of this type is only made where the instructions are there.
                unsafe { score_rows(rows, weights, scores) }
            }

            #[expect(unsafe_code, reason = "these instructions are not on every machine")]
            pub(crate) fn score_wide<const N: usize>(
                _proof: Self,
                rows: &[Stretch],
                weights: [&Weights; N],
                scores: [&mut [f32]; N],
            ) {
                // SAFETY: a value of this type is only made where the instructions are there.
                unsafe { score_wide(rows, weights, scores) }
            }
        }

        #[target_feature(enable = $features)]
        fn score_rows(rows: &[f16], weights: &Weights, scores: &mut [f32]) {
            for (row, score) in rows.chunks_exact(weights.dimension.max(1)).zip(scores) {
                let (stretches, rest) = row.as_chunks();
                let mut sums: Sums = [$zero(); N_SUMS];
                for (stretch, weights) in stretches.iter().zip(&weights.stretches) {
                    fetch_ahead(stretch);
                    add_products(&mut sums, stretch, weights);
                }
                if let Some(weights) = weights.stretches.get(stretches.len()) {
                    add_products(&mut sums, &padded(rest, f16::ZERO), weights);
                }
                *score = total(&sums);
            }
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn add_products(sums: &mut Sums, stretch: &[f16; STRETCH], weights: &Stretch) {
            let (halves, _) = stretch.as_chunks::<{ N_SUMS * LANES }>();
            let (weights, _) = weights.as_chunks::<{ N_SUMS * LANES }>();
            for (half, weights) in halves.iter().zip(weights) {
                let (half, _) = half.as_chunks();
                let (weights, _) = weights.as_chunks();
                for ((sum, x), w) in sums.iter_mut().zip(half).zip(weights) {
                    *sum = $fmadd(load_halves(x), load(w), *sum);
                }
            }
        }

        #[target_feature(enable = $features)]
        fn score_wide<const N: usize>(
            rows: &[Stretch],
            weights: [&Weights; N],
            mut scores: [&mut [f32]; N],
        ) {
            let row_len = weights.first().map_or(1, |weights| weights.stretches.len().max(1));
            let weights = weights.map(|weights| &*weights.stretches);
            let mut row_idx = 0;
            let mut pairs = rows.chunks_exact(PAIR * row_len);
            for pair in &mut pairs {
                let (first, second) = pair.split_at(row_len);
                for (place, dots) in dots([first, second], weights).into_iter().enumerate() {
                    for (scores, dot) in scores.iter_mut().zip(dots) {
                        scores[row_idx + place] = dot;
                    }
                }
                row_idx += PAIR;
            }
            if !pairs.remainder().is_empty() {
                let [dots] = dots([pairs.remainder()], weights);
                for (scores, dot) in scores.iter_mut().zip(dots) {
                    scores[row_idx] = dot;
                }
            }
        }

        /// The products of some rows with some weights. The sums of a row, which [`score_rows`] has under way
        /// together, are made one after the other: so there is a register for one of each product.
        #[inline]
        #[target_feature(enable = $features)]
        fn dots<const R: usize, const N: usize>(
            rows: [&[Stretch]; R],
            weights: [&[Stretch]; N],
        ) -> [[f32; N]; R] {
            let mut sums = [[[$zero(); N_SUMS]; N]; R];
            for sum_idx in 0..N_SUMS {
                let of_sum = sums_at(rows, weights, sum_idx);
                for (sums, of_row) in sums.iter_mut().zip(of_sum) {
                    for (sums, sum) in sums.iter_mut().zip(of_row) {
                        sums[sum_idx] = sum;
                    }
                }
            }
            let mut dots = [[0.0; N]; R];
            for (dots, sums) in dots.iter_mut().zip(&sums) {
                for (dot, sums) in dots.iter_mut().zip(sums) {
                    *dot = total(sums);
                }
            }
            dots
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn sums_at<const R: usize, const N: usize>(
            rows: [&[Stretch]; R],
            weights: [&[Stretch]; N],
            sum_idx: usize,
        ) -> [[$vector; N]; R] {
            let mut sums = [[$zero(); N]; R];
            let n_stretches = rows.first().map_or(0, |row| row.len());
            let rows = rows.map(|row| &row[..n_stretches]);
            let weights = weights.map(|weights| &weights[..n_stretches]);
            for stretch_idx in 0..n_stretches {
                for step in 0..STRETCH / (N_SUMS * LANES) {
                    let vector_idx = step * N_SUMS + sum_idx;
                    let mut w = [$zero(); N];
                    for (w, weights) in w.iter_mut().zip(weights) {
                        *w = load_at(&weights[stretch_idx], vector_idx);
                    }
                    for (sums, row) in sums.iter_mut().zip(rows) {
                        let x = load_at(&row[stretch_idx], vector_idx);
                        for (sum, w) in sums.iter_mut().zip(w) {
                            *sum = $fmadd(x, w, *sum);
                        }
                    }
                }
            }
            sums
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn load_at(stretch: &Stretch, vector_idx: usize) -> $vector {
            let (vectors, _) = stretch.as_chunks();
            load(&vectors[vector_idx])
        }
    };
}

pub(super) use score_with;
