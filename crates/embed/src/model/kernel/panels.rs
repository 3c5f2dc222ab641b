//! Weights in panels of 64 outputs, an input after the other, as a kernel goes down them.
//!
//! A block of six rows has its sums in 24 registers while it goes down a panel, which stays in the second cache for
//! all blocks. So each vector of weights that is loaded is used six times, and each value four times. Nothing is
//! packed while a model runs: that was done when it was read.

mod avx512;

use std::{array, fmt::Debug};

pub(super) use avx512::{Avx512, Avx512Bf16};

use super::{product::Standing, weights::Finish};

/// Outputs of a panel.
pub(super) const WIDTH: usize = 64;

/// Rows that go down a panel together.
pub(super) const ROWS: usize = 6;

/// How a kernel takes values and weights. A value of this type is proof that the machine has its instructions.
pub(super) trait Format: Copy + Debug {
    /// What it multiplies at once: one number, or several that stand side by side.
    type Unit: Copy + Debug + Default;

    /// Numbers in a unit.
    const N: usize;

    /// Puts numbers into a unit; those that are missing are zeros.
    fn unit(numbers: impl Iterator<Item = f32>) -> Self::Unit;

    /// The numbers of a unit.
    fn numbers(unit: Self::Unit) -> impl Iterator<Item = f32>;

    /// Rows of so many values as rows of units.
    fn units(rows: &[f32], row_len: usize) -> impl AsRef<[Self::Unit]>;

    /// The products of a block of rows with a panel, added to what each row starts with.
    fn multiply(
        self,
        rows: [&[Self::Unit]; ROWS],
        panel: &[[Self::Unit; WIDTH]],
        start: &[f32; WIDTH],
    ) -> [[f32; WIDTH]; ROWS];
}

impl Finish<'_> {
    /// What the sums of a panel start with.
    fn start(&self, first_output: usize) -> [f32; WIDTH] {
        let mut start = [0.0; WIDTH];
        let bias = self.bias.and_then(|bias| bias.get(first_output..)).unwrap_or_default();
        start.iter_mut().zip(bias).for_each(|(start, bias)| *start = *bias);
        start
    }

    /// Lays the products of a row into its place, of which the last panel does not fill all.
    fn lay(&self, products: &[f32; WIDTH], out: &mut [f32]) {
        let n_outputs = out.len().min(WIDTH);
        match self.standing {
            Standing::Replaced => out[..n_outputs].copy_from_slice(&products[..n_outputs]),
            Standing::Kept => out.iter_mut().zip(products).for_each(|(out, sum)| *out += sum),
        }
    }
}

/// Weights in panels; zeros where outputs do not fill the last one.
#[derive(Clone, Debug)]
pub(super) struct Panels<F: Format> {
    format: F,
    n_inputs: usize,
    n_outputs: usize,
    /// Panel after panel, each as long as a row has units.
    steps: Vec<[F::Unit; WIDTH]>,
}

impl<F: Format> Panels<F> {
    /// Takes weights `inputs x outputs`, row by row.
    pub(super) fn new(format: F, rows: &[f32], [n_inputs, n_outputs]: [usize; 2]) -> Self {
        let unit = |inputs: &[&[f32]], output: usize| {
            F::unit(inputs.iter().filter_map(|row| row.get(output).copied()))
        };
        let inputs: Vec<&[f32]> = rows.chunks_exact(n_outputs).collect();
        let panels = (0..n_outputs).step_by(WIDTH);
        let steps = panels.flat_map(|first| inputs.chunks(F::N).map(move |step| (first, step)));
        let steps = steps
            .map(|(first, inputs)| array::from_fn(|place| unit(inputs, first + place)))
            .collect();
        Self { format, n_inputs, n_outputs, steps }
    }

    /// Weights `inputs x outputs`, row by row.
    pub(super) fn to_rows(&self) -> Vec<f32> {
        let mut rows = vec![0.0; self.n_inputs * self.n_outputs];
        for (panel_idx, panel) in self.panels().enumerate() {
            let inputs = rows.chunks_mut(F::N * self.n_outputs);
            for (inputs, step) in inputs.zip(panel) {
                for (output, unit) in (panel_idx * WIDTH..self.n_outputs).zip(step) {
                    let inputs = inputs.chunks_exact_mut(self.n_outputs);
                    inputs.zip(F::numbers(*unit)).for_each(|(row, number)| row[output] = number);
                }
            }
        }
        rows
    }

    /// From values `rows x inputs` to `rows x outputs`. What becomes of a product is done to it while it is still
    /// in the nearest cache.
    pub(super) fn apply(&self, values: &[f32], out: &mut [f32], finish: Finish<'_>) {
        let (row_len, n_steps) = (self.n_outputs, self.n_steps());
        let units = F::units(values, self.n_inputs);
        let none = vec![F::Unit::default(); n_steps];
        for (panel_idx, panel) in self.panels().enumerate() {
            let first_output = panel_idx * WIDTH;
            let start = finish.start(first_output);
            let blocks = units.as_ref().chunks(ROWS * n_steps);
            for (block, out) in blocks.zip(out.chunks_mut(ROWS * row_len)) {
                let mut rows = block.chunks_exact(n_steps);
                let rows = array::from_fn(|_| rows.next().unwrap_or(&none));
                let mut products = self.format.multiply(rows, panel, &start);
                finish.activate(products.as_flattened_mut());
                for (out, products) in out.chunks_exact_mut(row_len).zip(&products) {
                    finish.lay(products, &mut out[first_output..]);
                }
            }
        }
    }

    fn panels(&self) -> impl Iterator<Item = &[[F::Unit; WIDTH]]> {
        self.steps.chunks_exact(self.n_steps())
    }

    /// Units in a row.
    fn n_steps(&self) -> usize {
        self.n_inputs.div_ceil(F::N)
    }
}
