//! The dot products of rows of small integers with vectors of larger ones.
//!
//! Coordinates of rows have eight bits and those of weights sixteen, so that what rounding the weights
//! costs does not count beside what rounding the rows did. Every product and every sum is exact, so
//! all kernels give the same numbers.

use std::sync::LazyLock;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod steps;

/// Coordinates that are multiplied between two steps of a loop; rows are padded to a multiple.
pub(crate) const STEP: usize = 32;

/// The bytes behind the coordinates of a row, which are not its kernel's.
pub(crate) const TRAILER: usize = 4;

/// The largest magnitude of a coordinate of a row.
pub(crate) const LARGEST: i8 = 127;

/// Coordinates of weights for one step.
type Step = [i16; STEP];

/// The instructions that multiply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeKernel {
    #[cfg(target_arch = "x86_64")]
    Vnni(avx512::Vnni),
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Neon),
    /// Whatever the compiler makes of a plain loop.
    Portable,
}

impl CodeKernel {
    /// All that this machine can run, fastest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            kernels.extend(avx512::Vnni::detect().map(Self::Vnni));
            kernels.extend(avx512::Avx512::detect().map(Self::Avx512));
            kernels.extend(avx2::Avx2::detect().map(Self::Avx2));
        }
        #[cfg(target_arch = "aarch64")]
        kernels.extend(neon::Neon::detect().map(Self::Neon));
        kernels.push(Self::Portable);
        kernels
    }

    /// The fastest that this machine can run, which is looked for once.
    pub(crate) fn detect() -> Self {
        static FASTEST: LazyLock<CodeKernel> = LazyLock::new(|| {
            CodeKernel::available().first().copied().unwrap_or(CodeKernel::Portable)
        });
        *FASTEST
    }

    /// Fills in the dot product of each row with each of the weights, for all of which a row is loaded once. A
    /// row has as many coordinates as the weights, and [`TRAILER`] bytes more.
    pub(crate) fn multiply<const N: usize>(
        self,
        rows: &[u8],
        weights: [&CodeWeights; N],
        dots: [&mut [i32]; N],
    ) {
        for (weights, dots) in weights.iter().zip(&dots) {
            let n_bytes = dots.len() * weights.row_bytes();
            assert_eq!(rows.len(), n_bytes, "rows and products go together");
        }
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vnni(proof) => avx512::Vnni::multiply(proof, rows, weights, dots),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => avx512::Avx512::multiply(proof, rows, weights, dots),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(proof) => avx2::Avx2::multiply(proof, rows, weights, dots),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(proof) => neon::Neon::multiply(proof, rows, weights, dots),
            Self::Portable => {
                for (weights, dots) in weights.into_iter().zip(dots) {
                    multiply_portably(rows, weights, dots);
                }
            }
        }
    }
}

/// Weights as integers, padded with zeros. No product with a row overflows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodeWeights {
    steps: Vec<Step>,
}

impl CodeWeights {
    /// The largest sum of magnitudes that weights may have.
    pub(crate) const LARGEST_SUM: f64 = (i32::MAX / LARGEST as i32) as f64;

    pub(crate) fn new(weights: &[i16]) -> Self {
        let sum: f64 = weights.iter().map(|&w| f64::from(w).abs()).sum();
        assert!(sum <= Self::LARGEST_SUM, "the products would not fit");
        let (steps, rest) = weights.as_chunks();
        let last = (!rest.is_empty()).then(|| {
            let mut last = [0; STEP];
            last[..rest.len()].copy_from_slice(rest);
            last
        });
        Self { steps: steps.iter().copied().chain(last).collect() }
    }

    /// The bytes of a row that goes with them.
    pub(crate) fn row_bytes(&self) -> usize {
        self.steps.len() * STEP + TRAILER
    }
}

fn multiply_portably(rows: &[u8], weights: &CodeWeights, dots: &mut [i32]) {
    for (row, dot) in rows.chunks_exact(weights.row_bytes()).zip(dots) {
        let (row, _) = row.as_chunks::<STEP>();
        let mut sums = [0_i32; STEP];
        for (row, weights) in row.iter().zip(&weights.steps) {
            for ((sum, x), w) in sums.iter_mut().zip(row).zip(weights) {
                *sum += i32::from(x.cast_signed()) * i32::from(*w);
            }
        }
        *dot = sums.iter().sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows_of(codes: &[Vec<i8>]) -> Vec<u8> {
        let row = |codes: &Vec<i8>| {
            let mut row: Vec<u8> = codes.iter().map(|x| x.cast_unsigned()).collect();
            row.resize(codes.len().next_multiple_of(STEP), 0);
            row.extend([0xff; TRAILER]);
            row
        };
        codes.iter().flat_map(row).collect()
    }

    fn expected(row: &[i8], weights: &[i16]) -> i64 {
        row.iter().zip(weights).map(|(&x, &w)| i64::from(x) * i64::from(w)).sum()
    }

    proptest! {
        #[test]
        fn every_kernel_gives_the_sum_of_the_products(
            (weights, rows) in (1_usize..300).prop_flat_map(|dimension| {
                let weights = prop::collection::vec(i16::MIN + 1..=i16::MAX, dimension);
                let row = prop::collection::vec(-LARGEST..=LARGEST, dimension);
                (weights, prop::collection::vec(row, 0..9))
            }),
        ) {
            let reversed: Vec<i16> = weights.iter().rev().copied().collect();
            let of_other: Vec<i64> = rows.iter().map(|row| expected(row, &reversed)).collect();
            let other = CodeWeights::new(&reversed);
            let expected: Vec<i64> = rows.iter().map(|row| expected(row, &weights)).collect();
            for kernel in CodeKernel::available() {
                let (rows, weights) = (rows_of(&rows), CodeWeights::new(&weights));
                let mut together = [const { Vec::new() }; 3].map(|_: Vec<i32>| vec![0; expected.len()]);
                let places = together.each_mut().map(Vec::as_mut_slice);
                kernel.multiply(&rows, [&weights, &other, &weights], places);
                let [dots, others, again] = together.map(|dots| dots.into_iter().map(i64::from).collect::<Vec<_>>());
                prop_assert_eq!(&dots, &expected, "{:?}", kernel);
                prop_assert_eq!(&again, &expected, "{:?}", kernel);
                prop_assert_eq!(&others, &of_other, "{:?}", kernel);
            }
        }
    }

    /// Where all signs agree and nothing is left to spare.
    #[test]
    fn the_largest_products_fit() {
        let n_weights = 512;
        let weights = vec![32_767_i16; n_weights];
        for (code, sign) in [(LARGEST, 1), (-LARGEST, -1)] {
            for kernel in CodeKernel::available() {
                let mut dots = [0];
                let rows = rows_of(&[vec![code; n_weights]]);
                kernel.multiply(&rows, [&CodeWeights::new(&weights)], [&mut dots]);
                assert_eq!(dots, [sign * 127 * 32_767 * 512], "{kernel:?}");
            }
        }
    }
}
