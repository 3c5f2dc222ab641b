//! Self-attention, the same in every transformer but for what is added to the scores.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::Module;

use super::{
    emit::{Edge, Emitter, Surroundings},
    kernel::{LayerNorm, Linear, attend},
    rotary::Rotary,
};

/// Self-attention with several heads.
#[derive(Debug)]
pub(crate) struct Attention {
    /// Queries, keys and values, in one matrix product; the queries are scaled already.
    inward: Linear,
    /// Of what all heads have seen, before it goes outward.
    norm: Option<LayerNorm>,
    pub(super) outward: Linear,
    n_heads: usize,
}

/// The linear layers of an [`Attention`].
#[derive(Debug)]
pub(crate) struct Projections {
    pub(crate) query: Linear,
    pub(crate) key: Linear,
    pub(crate) value: Linear,
    pub(crate) output: Linear,
}

/// What a layer is told beside its hidden states.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context<'a> {
    /// Added to the scores, broadcast to `batch x heads x tokens x tokens`: minus infinity where a
    /// token must not look.
    pub(crate) bias: Option<&'a Tensor>,
    /// By which queries and keys are turned, where positions are told so.
    pub(crate) rotary: Option<&'a Rotary>,
}

impl Projections {
    /// Those of a model that keeps queries, keys and values in one matrix.
    pub(crate) fn fused(inward: &Linear, output: Linear) -> Result<Self> {
        let n_rows = inward.n_outputs() / 3;
        Ok(Self {
            query: inward.part(0, n_rows)?,
            key: inward.part(n_rows, n_rows)?,
            value: inward.part(2 * n_rows, n_rows)?,
            output,
        })
    }
}

impl Attention {
    /// Scores are divided by the square root of a head's size.
    pub(crate) fn new(projections: Projections, n_heads: usize) -> Result<Self> {
        let n_rows = projections.query.n_outputs();
        let scale = (n_rows as f64 / n_heads as f64).sqrt().recip();
        let scale = Tensor::new(&[scale], &Device::Cpu)?.to_dtype(DType::F32)?;
        let query = projections.query.scaled(&scale)?;
        Self::unscaled(Projections { query, ..projections }, n_heads)
    }

    /// Scores are taken as they are.
    pub(crate) fn unscaled(projections: Projections, n_heads: usize) -> Result<Self> {
        let Projections { query, key, value, output } = projections;
        let n_rows = query.n_outputs();
        if n_heads == 0 || !n_rows.is_multiple_of(n_heads) {
            candle_core::bail!("{n_rows} hidden units cannot be shared by {n_heads} heads")
        }
        let inward = Linear::stack(&[&query, &key, &value])?;
        Ok(Self { inward, norm: None, outward: output, n_heads })
    }

    /// The same with a norm of what all heads have seen, or without.
    pub(crate) fn normed(self, norm: Option<LayerNorm>) -> Self {
        Self { norm, ..self }
    }

    /// Adds to a sum what hidden states see of each other, both `batch x tokens x hidden`.
    pub(crate) fn forward_onto(
        &self,
        sum: &Tensor,
        hidden: &Tensor,
        context: Context<'_>,
    ) -> Result<Tensor> {
        let (n_texts, n_tokens, _) = hidden.dims3()?;
        let inward = self.inward.forward(hidden)?;
        let inward = inward.reshape((n_texts, n_tokens, 3, self.n_heads, ()))?;
        let part = |n| inward.narrow(2, n, 1)?.squeeze(2);
        let [mut query, mut key, value] = [part(0)?, part(1)?, part(2)?];
        if let Some(rotary) = context.rotary {
            (query, key) = (rotary.turn(&query)?, rotary.turn(&key)?);
        }
        let mut seen = attend(&query, &key, &value, context.bias)?;
        if let Some(norm) = &self.norm {
            seen = norm.forward(&seen)?;
        }
        self.outward.forward_onto(sum, &seen)
    }

    /// What hidden states see of each other, in a graph.
    pub(crate) fn emit(
        &self,
        emitter: &mut Emitter,
        hidden: &Edge,
        surroundings: Surroundings<'_>,
    ) -> Result<Edge> {
        let n_heads = i64::try_from(self.n_heads).map_err(candle_core::Error::wrap)?;
        let inward = self.inward.emit(emitter, hidden)?;
        let [mut query, mut key, value] =
            emitter.split(&inward, 2).map(|part| emitter.reshape(&part, &[0, 0, n_heads, -1]));
        if let Some(angles) = surroundings.rotary {
            [query, key] = [query, key].map(|states| Rotary::emit_turn(emitter, angles, &states));
        }
        let query = emitter.transpose(&query, &[0, 2, 1, 3]);
        let key = emitter.transpose(&key, &[0, 2, 3, 1]);
        let value = emitter.transpose(&value, &[0, 2, 1, 3]);
        let mut scores = emitter.apply("MatMul", &[&query, &key], &[]);
        if let Some(bias) = surroundings.bias {
            scores = emitter.apply("Add", &[&scores, bias], &[]);
        }
        let shares = emitter.softmax(&scores);
        let seen = emitter.apply("MatMul", &[&shares, &value], &[]);
        let seen = emitter.transpose(&seen, &[0, 2, 1, 3]);
        let mut seen = emitter.reshape(&seen, &[0, 0, -1]);
        if let Some(norm) = &self.norm {
            seen = emitter.norm(norm, &seen)?;
        }
        self.outward.emit(emitter, &seen)
    }
}
