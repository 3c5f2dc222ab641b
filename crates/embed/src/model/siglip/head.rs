//! Attention with one learnt query, which looks at all patches and gives one vector.

use candle_core::{D, Result, Tensor};
use candle_nn::{Module, VarBuilder, ops::softmax_last_dim};

use crate::model::{
    emit::{Edge, Emitter},
    kernel::{LayerNorm, Linear, Precision, layer_norm, linear},
    layer::{Mlp, Shape},
};

/// From hidden states to one vector for each picture.
#[derive(Debug)]
pub(super) struct Head {
    /// Projected and scaled already, since it is always the same: `1 x heads x 1 x size`.
    query: Tensor,
    key: Linear,
    value: Linear,
    output: Linear,
    norm: LayerNorm,
    mlp: Mlp,
}

impl Head {
    pub(super) fn load(shape: &Shape, weights: &VarBuilder<'_>) -> Result<Self> {
        let (size, n_heads) = (shape.hidden_size, shape.n_heads);
        let attention = weights.pp("attention");
        let inward = Linear::new(
            &attention.get((3 * size, size), "in_proj_weight")?,
            Some(attention.get(3 * size, "in_proj_bias")?),
            Precision::of(weights),
        )?;
        let query = inward.part(0, size)?.forward(&weights.get((1, 1, size), "probe")?)?;
        let query = query.reshape((1, n_heads, 1, ()))?;
        let scale = (query.dim(D::Minus1)? as f64).sqrt().recip();
        Ok(Self {
            query: (query * scale)?,
            key: inward.part(size, size)?,
            value: inward.part(2 * size, size)?,
            output: linear(size, size, &attention.pp("out_proj"))?,
            norm: layer_norm(size, shape.epsilon, weights.pp("layernorm"))?,
            mlp: Mlp {
                inner: linear(size, shape.intermediate_size, &weights.pp("mlp.fc1"))?,
                gate: None,
                activation: shape.activation,
                outer: linear(shape.intermediate_size, size, &weights.pp("mlp.fc2"))?,
            },
        })
    }

    /// Hidden states `pictures x patches x hidden` to vectors `pictures x hidden`.
    pub(super) fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        let (n_pictures, n_patches, size) = hidden.dims3()?;
        let n_heads = self.query.dim(1)?;
        // pictures x patches x (heads x size) -> pictures x heads x patches x size
        let by_head = |layer: &Linear| {
            let states = layer.forward(hidden)?.reshape((n_pictures, n_patches, n_heads, ()))?;
            states.transpose(1, 2)?.contiguous()
        };
        let scores = by_head(&self.key)?.broadcast_mul(&self.query)?.sum(D::Minus1)?;
        let shares = softmax_last_dim(&scores)?.unsqueeze(2)?;
        let seen = shares.matmul(&by_head(&self.value)?)?.reshape((n_pictures, size))?;
        let seen = self.output.forward(&seen)?;
        self.mlp.forward_onto(&seen, &self.norm.forward(&seen)?)
    }

    /// The same in a graph.
    pub(super) fn emit(&self, emitter: &mut Emitter, hidden: &Edge) -> Result<Edge> {
        let n_heads = i64::try_from(self.query.dim(1)?).map_err(candle_core::Error::wrap)?;
        let mut by_head = |layer: &Linear, axes: &[i64]| -> Result<Edge> {
            let states = layer.emit(emitter, hidden)?;
            let states = emitter.reshape(&states, &[0, 0, n_heads, -1]);
            Ok(emitter.transpose(&states, axes))
        };
        let (key, value) =
            (by_head(&self.key, &[0, 2, 3, 1])?, by_head(&self.value, &[0, 2, 1, 3])?);
        let query = emitter.weights(&self.query)?;
        let scores = emitter.apply("MatMul", &[&query, &key], &[]);
        let shares = emitter.softmax(&scores);
        let seen = emitter.apply("MatMul", &[&shares, &value], &[]);
        let seen = emitter.reshape(&seen, &[0, -1]);
        let seen = self.output.emit(emitter, &seen)?;
        let given = emitter.norm(&self.norm, &seen)?;
        let change = self.mlp.emit(emitter, &given)?;
        Ok(emitter.apply("Add", &[&seen, &change], &[]))
    }
}
