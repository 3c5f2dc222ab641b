//! Positions of a grid of patches made of those of another: a model that was trained on larger
//! pictures sees smaller ones with the positions between its own.
//!
//! Cubic, in single precision, as `torch.nn.functional.interpolate` has it.

use candle_core::{Device, Result, Tensor};

use crate::image::Size;

/// The two kinds of `torch.nn.functional.interpolate(.., mode="bicubic")`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cubic {
    /// Looks at four points, however far apart they come to lie.
    Plain,
    /// Looks at as many as the new points are wide.
    Antialiased,
}

/// Positions `patches x hidden`, row by row, from one grid to another.
pub(super) fn regrid(positions: &Tensor, from: Size, to: Size, cubic: Cubic) -> Result<Tensor> {
    if from == to {
        return Ok(positions.clone());
    }
    let hidden_size = positions.dim(1)?;
    let rows = cubic
        .weights(from.height, to.height)?
        .matmul(&positions.reshape((from.height, from.width * hidden_size))?)?;
    let columns = rows.reshape((to.height, from.width, hidden_size))?.transpose(0, 1)?;
    cubic
        .weights(from.width, to.width)?
        .matmul(&columns.reshape((from.width, to.height * hidden_size))?)?
        .reshape((to.width, to.height, hidden_size))?
        .transpose(0, 1)?
        .reshape((to.height * to.width, hidden_size))
}

impl Cubic {
    /// What each point of an axis is made of: `new points x points`.
    fn weights(self, n_from: usize, n_to: usize) -> Result<Tensor> {
        let mut weights = vec![0.0_f32; n_to * n_from];
        let scale = n_from as f32 / n_to as f32;
        for (to, row) in weights.chunks_exact_mut(n_from).enumerate() {
            let centre = scale * (to as f32 + 0.5);
            match self {
                Self::Plain => plain(centre, row),
                Self::Antialiased => antialiased(centre, scale.max(1.0), row),
            }
        }
        Tensor::from_vec(weights, (n_to, n_from), &Device::Cpu)
    }
}

fn plain(centre: f32, row: &mut [f32]) {
    let centre = centre - 0.5;
    let last = (row.len() - 1) as f32;
    for step in -1_i8..=2 {
        let at = centre.floor() + f32::from(step);
        row[index(at.min(last))] += keys((centre - at).abs(), -0.75);
    }
}

fn antialiased(centre: f32, width: f32, row: &mut [f32]) {
    let support = 2.0 * width;
    let (first, end) = (index(centre - support + 0.5), index(centre + support + 0.5));
    let end = end.min(row.len());
    for (at, weight) in row.iter_mut().enumerate().take(end).skip(first) {
        *weight = keys(((at as f32 - centre + 0.5) / width).abs(), -0.5);
    }
    let sum: f32 = row.iter().sum();
    for weight in row {
        *weight /= sum;
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 0")]
fn index(at: f32) -> usize {
    at.max(0.0) as usize
}

/// Keys' cubic.
fn keys(x: f32, a: f32) -> f32 {
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * a
    } else {
        0.0
    }
}
