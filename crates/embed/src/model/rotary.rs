//! Positions told by turning queries and keys: two tokens see how far apart they are.
//!
//! Su et al., *Roformer: Enhanced Transformer with Rotary Position Embedding*, 2021. The first half of
//! a head turns with the second, as in the models of Hugging Face transformers.

use candle_core::{D, Device, Result, Tensor};

use super::emit::{Edge, Emitter};
use crate::image::Size;

/// The angles of every token, as their cosines and sines: `tokens x 1 x size of a head`.
#[derive(Debug)]
pub(crate) struct Rotary {
    cosines: Tensor,
    sines: Tensor,
}

impl Rotary {
    /// For texts: angles grow with the position, and more slowly from unit to unit.
    pub(crate) fn for_text(n_tokens: usize, head_size: usize, theta: f64) -> Result<Self> {
        #[expect(clippy::cast_possible_truncation, reason = "torch has them in single precision")]
        let frequency =
            |unit: usize| 1.0 / (theta as f32).powf((2 * unit) as f32 / head_size as f32);
        let frequencies: Vec<_> = (0..head_size / 2).map(frequency).collect();
        let angles = (0..n_tokens)
            .flat_map(|token| frequencies.iter().map(move |frequency| token as f32 * frequency));
        Self::of(angles.collect(), n_tokens)
    }

    /// For patches: half of the units turn by the row, half by the column. The tokens before them are
    /// not turned.
    pub(crate) fn for_patches(
        grid: Size,
        n_before: usize,
        head_size: usize,
        Turning { theta, places }: Turning,
    ) -> Result<Self> {
        #[expect(clippy::cast_possible_truncation, reason = "torch has them in single precision")]
        let frequency =
            |unit: usize| 1.0 / (theta as f32).powf(4.0 * unit as f32 / head_size as f32);
        let frequencies: Vec<_> = (0..head_size / 4).map(frequency).collect();
        let mut angles = vec![0.0; n_before * (head_size / 2)];
        for row in 0..grid.height {
            for column in 0..grid.width {
                for turn in [places.turn(row, grid.height), places.turn(column, grid.width)] {
                    angles.extend(frequencies.iter().map(|frequency| turn * frequency));
                }
            }
        }
        Self::of(angles, n_before + grid.height * grid.width)
    }

    /// Angles `tokens x half of a head`, which hold for both halves.
    fn of(angles: Vec<f32>, n_tokens: usize) -> Result<Self> {
        let n_angles = angles.len() / n_tokens.max(1);
        let angles = Tensor::from_vec(angles, (n_tokens, n_angles), &Device::Cpu)?;
        let angles = Tensor::cat(&[&angles, &angles], 1)?.unsqueeze(1)?;
        Ok(Self { cosines: angles.cos()?, sines: angles.sin()? })
    }

    /// The angles in a graph: those of all tokens, or of as many as are given.
    pub(crate) fn emit(&self, emitter: &mut Emitter, n_tokens: Option<&Edge>) -> Result<[Edge; 2]> {
        let mut angles = |angles| -> Result<Edge> {
            let angles = emitter.weights(angles)?;
            Ok(match n_tokens {
                Some(n_tokens) => emitter.first(&angles, n_tokens, &[0]),
                None => angles,
            })
        };
        Ok([angles(&self.cosines)?, angles(&self.sines)?])
    }

    /// Turns `batch x tokens x heads x size` in a graph.
    pub(crate) fn emit_turn(
        emitter: &mut Emitter,
        [cosines, sines]: &[Edge; 2],
        states: &Edge,
    ) -> Edge {
        let [first, second] = emitter.split(states, 3);
        let second = emitter.apply("Neg", &[&second], &[]);
        let across = emitter.concat(&[&second, &first], 3);
        let along = emitter.apply("Mul", &[states, cosines], &[]);
        let across = emitter.apply("Mul", &[&across, sines], &[]);
        emitter.apply("Add", &[&along, &across], &[])
    }

    /// Turns `batch x tokens x heads x size`.
    pub(crate) fn turn(&self, states: &Tensor) -> Result<Tensor> {
        let half = states.dim(D::Minus1)? / 2;
        let (first, second) =
            (states.narrow(D::Minus1, 0, half)?, states.narrow(D::Minus1, half, half)?);
        let across = Tensor::cat(&[&second.neg()?, &first], D::Minus1)?;
        states.broadcast_mul(&self.cosines)? + across.broadcast_mul(&self.sines)?
    }
}

/// How patches turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turning {
    /// The longest of the periods is nearly so many times the shortest.
    pub(crate) theta: f64,
    pub(crate) places: Places,
}

/// What the place of a row or a column is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Places {
    /// Its centre, whose turn goes from -1 to 1 between the edges.
    Centres,
    /// Its number from nought on, as if there were so many, of which each turns by one radian more.
    Numbers { n_trained: usize },
}

impl Places {
    /// The angle of a place of so many, where the period is the shortest.
    fn turn(self, at: usize, n: usize) -> f32 {
        match self {
            Self::Centres => std::f32::consts::TAU * (2.0 * ((at as f32 + 0.5) / n as f32) - 1.0),
            Self::Numbers { n_trained } => at as f32 / n as f32 * n_trained as f32,
        }
    }
}

/// Weights or biases of queries or keys, of which each head turns neighbours together, in the order in which the first
/// half of a head turns with the second: `(heads x size) x ..`.
pub(crate) fn neighbours_apart(rows: &Tensor, n_heads: usize) -> Result<Tensor> {
    let half = rows.dim(0)? / n_heads.max(1) / 2;
    let pairs = rows.reshape((n_heads, half, 2, ()))?;
    pairs.transpose(1, 2)?.contiguous()?.reshape(rows.shape())
}
