//! Weights in panels of 64 outputs, an input after the other, as a kernel goes down them.
//!
//! A block of rows has its sums in registers while it goes down a panel, which stays in the second cache for all
//! blocks. Nothing is packed while a model runs: that was done when it was read.

mod abreast;
mod aligned;
#[cfg(target_os = "linux")]
mod amx;
mod avx2;
mod avx512;
mod pairs;

use std::fmt::Debug;

#[cfg(target_os = "linux")]
pub(super) use amx::Amx;
pub(super) use avx2::Avx2;
pub(super) use avx512::{Avx512, Avx512Bf16};

use self::aligned::Aligned;
use super::{
    layout::{Finish, Layout},
    product::Standing,
    simd,
};

/// Outputs of a panel.
pub(super) const WIDTH: usize = 64;

/// What a kernel multiplies at once: one number, or several that stand side by side.
pub(super) trait Unit: Copy + Debug + Default + Send + Sync {
    /// Numbers in it.
    const N: usize;

    /// Puts numbers into one; those that are missing are zeros.
    fn of(numbers: impl Iterator<Item = f32>) -> Self;

    /// Its numbers.
    fn numbers(self) -> impl Iterator<Item = f32>;
}

impl Unit for f32 {
    const N: usize = 1;

    fn of(mut numbers: impl Iterator<Item = Self>) -> Self {
        numbers.next().unwrap_or_default()
    }

    fn numbers(self) -> impl Iterator<Item = Self> {
        [self].into_iter()
    }
}

/// How a kernel takes values and weights. A value of this type is proof that the machine has its instructions.
pub(super) trait Format: Copy + Debug + Send + Sync + 'static {
    /// What it multiplies at once.
    type Unit: Unit;

    /// Rows that go down a panel together.
    const ROWS: usize;

    /// Units that it takes at once: rows and panels are filled up with zeros to a multiple of it.
    const STEPS: usize = 1;

    /// Rows of so many values as rows of units.
    fn units(rows: &[f32], row_len: usize) -> impl AsRef<[Self::Unit]>;

    /// Where the unit of a step and an output lies in a panel of so many steps: in the order in which the kernel
    /// goes through it.
    fn place(_n_steps: usize, [step, output]: [usize; 2]) -> usize {
        step * WIDTH + output
    }

    /// Lays down the products of a block of rows with a panel, added to what each row starts with. Of a block that is
    /// not full the rest of the products means nothing.
    fn multiply(
        self,
        rows: &[Self::Unit],
        panel: &[[Self::Unit; WIDTH]],
        start: &[f32; WIDTH],
        products: &mut [[f32; WIDTH]],
    );

    /// Units of a row of so many numbers.
    fn n_units(row_len: usize) -> usize {
        row_len.div_ceil(<Self::Unit>::N).next_multiple_of(Self::STEPS)
    }
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
            Standing::Kept => simd::add_to_rows(&mut out[..n_outputs], &products[..n_outputs]),
        }
    }
}

/// Weights in panels; zeros where outputs do not fill the last one.
#[derive(Debug)]
pub(super) struct Panels<F: Format> {
    format: F,
    n_inputs: usize,
    n_outputs: usize,
    /// Panel after panel, each of as many steps as a row has units.
    units: Aligned<F::Unit>,
}

impl<F: Format> Panels<F> {
    /// Takes weights `inputs x outputs`, row by row.
    pub(super) fn new(format: F, rows: &[f32], [n_inputs, n_outputs]: [usize; 2]) -> Self {
        let units = Aligned::zeros(n_outputs.div_ceil(WIDTH) * F::n_units(n_inputs) * WIDTH);
        let mut panels = Self { format, n_inputs, n_outputs, units };
        let inputs: Vec<&[f32]> = rows.chunks_exact(n_outputs).collect();
        for (panel, first_output) in panels.panels_mut().zip((0..).step_by(WIDTH)) {
            let n_steps = panel.len();
            for (step, inputs) in inputs.chunks(<F::Unit>::N).enumerate() {
                for (output, column) in (first_output..n_outputs).take(WIDTH).enumerate() {
                    panel.as_flattened_mut()[F::place(n_steps, [step, output])] =
                        Unit::of(inputs.iter().map(|row| row[column]));
                }
            }
        }
        panels
    }

    fn panels(&self) -> impl Iterator<Item = &[[F::Unit; WIDTH]]> {
        self.units.as_chunks().0.chunks_exact(self.n_steps())
    }

    fn panels_mut(&mut self) -> impl Iterator<Item = &mut [[F::Unit; WIDTH]]> {
        let n_steps = self.n_steps();
        self.units.as_chunks_mut().0.chunks_exact_mut(n_steps)
    }

    /// Units in a row.
    fn n_steps(&self) -> usize {
        F::n_units(self.n_inputs)
    }
}

impl<F: Format> Layout for Panels<F> {
    fn to_rows(&self) -> Vec<f32> {
        let mut rows = vec![0.0; self.n_inputs * self.n_outputs];
        for (panel, first_output) in self.panels().zip((0..).step_by(WIDTH)) {
            let inputs = rows.chunks_mut(<F::Unit>::N * self.n_outputs);
            for (step, inputs) in inputs.enumerate() {
                for (output, column) in (first_output..self.n_outputs).take(WIDTH).enumerate() {
                    let unit = panel.as_flattened()[F::place(panel.len(), [step, output])];
                    let inputs = inputs.chunks_exact_mut(self.n_outputs);
                    inputs.zip(unit.numbers()).for_each(|(row, number)| row[column] = number);
                }
            }
        }
        rows
    }

    /// What becomes of a product is done to it while it is still in the nearest cache.
    fn apply(&self, values: &[f32], out: &mut [f32], finish: Finish<'_>) {
        let (row_len, n_steps) = (self.n_outputs, self.n_steps());
        let units = F::units(values, self.n_inputs);
        let mut products = Aligned::zeros(F::ROWS * WIDTH);
        let (products, _) = products.as_chunks_mut();
        for (panel, first_output) in self.panels().zip((0..).step_by(WIDTH)) {
            let start = finish.start(first_output);
            let blocks = units.as_ref().chunks(F::ROWS * n_steps);
            for (block, out) in blocks.zip(out.chunks_mut(F::ROWS * row_len)) {
                self.format.multiply(block, panel, &start, products);
                finish.activate(products.as_flattened_mut());
                for (out, products) in out.chunks_exact_mut(row_len).zip(&*products) {
                    finish.lay(products, &mut out[first_output..]);
                }
            }
        }
    }
}
