//! What scores rows, written once for all sets of vector instructions.

/// Makes a kernel score rows with the instructions named. The module that says this has `Stretch` and its kin in
/// scope, the number of `LANES` in a vector, functions that load a vector of numbers in half precision and in single
/// and that add up sums to a `Quad` of four lanes, and those that make a quad of zeros and add up one or four.
macro_rules! score_with {
    ($kernel:ident, $features:literal, $vector:ident, $zero:ident, $fmadd:ident) => {
        /// Sums under way for a row: with those of the next rows, which the processor begins meanwhile, enough not to
        /// wait for each other.
        const N_SUMS: usize = 2;

        type Sums = [$vector; N_SUMS];

        impl $kernel {
            #[expect(unsafe_code, reason = "these instructions are not on every machine")]
            pub(crate) fn score<const N: usize>(
                _proof: Self,
                rows: Rows<'_>,
                weights: [&Weights; N],
                scores: [&mut [f32]; N],
            ) {
                // SAFETY: a value of this type is only made where the instructions are there.
                unsafe {
                    match rows {
                        Rows::Stream(rows) => score_stream(rows, weights, scores),
                        Rows::Strip { rows, ahead } => score_strip((rows, ahead), weights, scores),
                    }
                }
            }
        }

        /// One row after the other, each with all weights.
        #[target_feature(enable = $features)]
        fn score_stream<const N: usize>(
            rows: &[f16],
            weights: [&Weights; N],
            mut scores: [&mut [f32]; N],
        ) {
            let (row_len, of_all) = stretches_of(weights);
            for (row_idx, row) in rows.chunks_exact(row_len).enumerate() {
                let mut sums: [Sums; N] = [[$zero(); N_SUMS]; N];
                let (stretches, rest) = row.as_chunks();
                for (stretch_idx, stretch) in stretches.iter().enumerate() {
                    fetch_ahead(stretch);
                    add_products(&mut sums, stretch, &of_all, stretch_idx);
                }
                if of_all.first().is_some_and(|weights| weights.len() > stretches.len()) {
                    add_products(&mut sums, &padded(rest, f16::ZERO), &of_all, stretches.len());
                }
                let mut lanes = [zero_quad(); N];
                for (lanes, sums) in lanes.iter_mut().zip(&sums) {
                    *lanes = four_lanes(sums);
                }
                for (scores, total) in scores.iter_mut().zip(totals(lanes)) {
                    scores[row_idx] = total;
                }
            }
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn add_products<const N: usize>(
            sums: &mut [Sums; N],
            stretch: &[f16; STRETCH],
            weights: &[&[Stretch]; N],
            stretch_idx: usize,
        ) {
            let (vectors, _) = stretch.as_chunks();
            for (vector_idx, x) in vectors.iter().enumerate() {
                let x = load_halves(x);
                for (sums, weights) in sums.iter_mut().zip(weights) {
                    let sum = &mut sums[vector_idx % N_SUMS];
                    *sum = $fmadd(x, load_at(&weights[stretch_idx], vector_idx), *sum);
                }
            }
        }

        /// The length of a row, and the stretches of each vector of weights. No closures here and below: those of arrays
        /// are compiled without the instructions.
        fn stretches_of<const N: usize>(weights: [&Weights; N]) -> (usize, [&[Stretch]; N]) {
            let row_len = weights.first().map_or(1, |weights| weights.dimension.max(1));
            let mut of_all: [&[Stretch]; N] = [&[]; N];
            for (stretches, weights) in of_all.iter_mut().zip(weights) {
                *stretches = &weights.stretches;
            }
            (row_len, of_all)
        }

        /// Two rows at a time, which saves loads of the weights.
        #[target_feature(enable = $features)]
        fn score_strip<const N: usize>(
            (rows, ahead): (&[f16], &[f16]),
            weights: [&Weights; N],
            mut scores: [&mut [f32]; N],
        ) {
            let (row_len, of_all) = stretches_of(weights);
            let mut row_idx = 0;
            let mut pairs = rows.chunks_exact(PAIR * row_len);
            let n_ahead = (PAIR * ahead.len()).div_ceil(STRIP);
            let mut ahead = ahead.chunks(n_ahead.max(1));
            for pair in &mut pairs {
                let piece = ahead.next().unwrap_or_default();
                fetch(piece);
                let (first, second) = pair.split_at(row_len);
                for (scores, dots) in scores.iter_mut().zip(dots([first, second], &of_all)) {
                    scores[row_idx..row_idx + PAIR].copy_from_slice(&dots);
                }
                row_idx += PAIR;
            }
            if !pairs.remainder().is_empty() {
                for (scores, [dot]) in scores.iter_mut().zip(dots([pairs.remainder()], &of_all)) {
                    scores[row_idx] = dot;
                }
            }
        }

        /// The products of some weights with some rows. The sums of a row, which [`score_stream`] has under way
        /// together, are made one after the other: so there is a register for one of each product.
        #[inline]
        #[target_feature(enable = $features)]
        fn dots<const R: usize, const N: usize>(
            rows: [&[f16]; R],
            weights: &[&[Stretch]; N],
        ) -> [[f32; R]; N] {
            let [s0, s1] = [sums_at(rows, weights, 0), sums_at(rows, weights, 1)];
            let mut dots = [[0.0; R]; N];
            for r in 0..R {
                let mut folded = [zero_quad(); N];
                for (n, lanes) in folded.iter_mut().enumerate() {
                    *lanes = four_lanes(&[s0[n][r], s1[n][r]]);
                }
                for (dots, total) in dots.iter_mut().zip(totals(folded)) {
                    dots[r] = total;
                }
            }
            dots
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn sums_at<const R: usize, const N: usize>(
            rows: [&[f16]; R],
            weights: &[&[Stretch]; N],
            sum_idx: usize,
        ) -> [[$vector; R]; N] {
            let mut sums = [[$zero(); R]; N];
            let n_whole = rows.first().map_or(0, |row| row.len() / STRETCH);
            let mut pieces = [&[f16::ZERO; STRETCH]; R];
            for stretch_idx in 0..n_whole {
                for (piece, row) in pieces.iter_mut().zip(rows) {
                    *piece = &row.as_chunks().0[stretch_idx];
                }
                add_products_at(&mut sums, pieces, weights, (stretch_idx, sum_idx));
            }
            if weights.first().is_some_and(|weights| weights.len() > n_whole) {
                let mut rests = [[f16::ZERO; STRETCH]; R];
                for ((piece, rest), row) in pieces.iter_mut().zip(&mut rests).zip(rows) {
                    *rest = padded(row.as_chunks::<STRETCH>().1, f16::ZERO);
                    *piece = rest;
                }
                add_products_at(&mut sums, pieces, weights, (n_whole, sum_idx));
            }
            sums
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn add_products_at<const R: usize, const N: usize>(
            sums: &mut [[$vector; R]; N],
            pieces: [&[f16; STRETCH]; R],
            weights: &[&[Stretch]; N],
            (stretch_idx, sum_idx): (usize, usize),
        ) {
            for step in 0..STRETCH / (N_SUMS * LANES) {
                let vector_idx = step * N_SUMS + sum_idx;
                let mut x = [$zero(); R];
                for (x, piece) in x.iter_mut().zip(pieces) {
                    *x = load_halves(&piece.as_chunks().0[vector_idx]);
                }
                for (sums, weights) in sums.iter_mut().zip(weights) {
                    let w = load_at(&weights[stretch_idx], vector_idx);
                    for (sum, x) in sums.iter_mut().zip(x) {
                        *sum = $fmadd(x, w, *sum);
                    }
                }
            }
        }

        /// The sums of four lanes each, of four at once where there are as many.
        #[inline]
        #[target_feature(enable = $features)]
        fn totals<const N: usize>(lanes: [Quad; N]) -> [f32; N] {
            let mut totals = [0.0; N];
            let (groups, rest) = lanes.as_chunks();
            let (group_totals, rest_totals) = totals.as_chunks_mut();
            for (group, totals) in groups.iter().zip(group_totals) {
                *totals = totals_of_four(*group);
            }
            for (lanes, total) in rest.iter().zip(rest_totals) {
                *total = total_of(*lanes);
            }
            totals
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
