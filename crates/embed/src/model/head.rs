//! Attention with one query, which looks at all tokens and gives one vector.

use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::{Module, VarBuilder, ops::softmax_last_dim};

use super::{
    attention::Projections,
    emit::{Edge, Emitter},
    kernel::{LayerNorm, Linear, Precision, layer_norm, linear},
    layer::{Mlp, Shape},
};

/// From hidden states to one vector for each picture, by a query that was learnt.
#[derive(Debug)]
pub(super) struct Head {
    /// Projected and scaled already, since it is always the same: `1 x heads x 1 x size`.
    query: Tensor,
    glance: Glance,
    norm: LayerNorm,
    mlp: Mlp,
}

impl Head {
    /// Reads the head of SigLIP.
    pub(super) fn load(shape: &Shape, weights: &VarBuilder<'_>) -> Result<Self> {
        let (size, attention) = (shape.hidden_size, weights.pp("attention"));
        let inward = Linear::new(
            &attention.get((3 * size, size), "in_proj_weight")?,
            Some(attention.get(3 * size, "in_proj_bias")?),
            Precision::of(weights),
        )?;
        let output = linear(size, size, &attention.pp("out_proj"))?;
        let glance = Glance::new(Projections::fused(&inward, output)?, shape.n_heads)?;
        let norm = layer_norm(size, shape.epsilon, weights.pp("layernorm"))?;
        let mlp = Mlp::load(shape, ["mlp.fc1", "mlp.fc2"], weights)?;
        Self::new(&weights.get((1, 1, size), "probe")?, glance, norm, mlp)
    }

    /// Looks with a probe `1 x 1 x hidden`; what is seen is normalized and goes through two layers.
    pub(super) fn new(probe: &Tensor, glance: Glance, norm: LayerNorm, mlp: Mlp) -> Result<Self> {
        Ok(Self { query: glance.query(&probe.squeeze(1)?)?, glance, norm, mlp })
    }

    /// Hidden states `pictures x patches x hidden` to vectors `pictures x hidden`.
    pub(super) fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        let seen = self.glance.forward(&self.query, hidden)?;
        self.mlp.forward_onto(&seen, &self.norm.forward(&seen)?)
    }

    /// The same in a graph.
    pub(super) fn emit(&self, emitter: &mut Emitter, hidden: &Edge) -> Result<Edge> {
        let query = emitter.weights(&self.query)?;
        let seen = self.glance.emit(emitter, &query, hidden)?;
        let given = emitter.norm(&self.norm, &seen)?;
        let change = self.mlp.emit(emitter, &given)?;
        Ok(emitter.apply("Add", &[&seen, &change], &[]))
    }
}

/// The same without what comes after it, over hidden states that are normalized for it alone.
#[derive(Debug)]
pub(super) struct Query {
    norm: LayerNorm,
    /// Scaled already: `1 x heads x 1 x size`.
    projected: Tensor,
    glance: Glance,
}

impl Query {
    /// Reads the attentional pooler of CoCa, from one size into another. Of its queries, the first one sees for a vector,
    /// the others for captions.
    pub(super) fn load(
        [n_inputs, n_outputs]: [usize; 2],
        n_heads: usize,
        weights: &VarBuilder<'_>,
    ) -> Result<Self> {
        /// That of `torch.nn.LayerNorm`.
        const EPSILON: f64 = 1e-5;
        let attention = weights.pp("attn");
        let bias = attention.get(3 * n_outputs, "in_proj_bias")?;
        let is_packed = attention.contains_tensor("in_proj_weight");
        let inward = |n: usize, name: &str, n_inputs: usize| {
            let weight = if is_packed {
                let packed = attention.get((3 * n_outputs, n_inputs), "in_proj_weight")?;
                packed.narrow(0, n * n_outputs, n_outputs)?
            } else {
                attention.get((n_outputs, n_inputs), name)?
            };
            let bias = bias.narrow(0, n * n_outputs, n_outputs)?;
            Linear::new(&weight.contiguous()?, Some(bias), Precision::of(weights))
        };
        let projections = Projections {
            query: inward(0, "q_proj_weight", n_outputs)?,
            key: inward(1, "k_proj_weight", n_inputs)?,
            value: inward(2, "v_proj_weight", n_inputs)?,
            output: linear(n_outputs, n_outputs, &attention.pp("out_proj"))?,
        };
        let glance = Glance::new(projections, n_heads)?;
        let n_queries = weights.get_unchecked("query")?.dim(0)?;
        let first = weights.get((n_queries, n_outputs), "query")?.narrow(0, 0, 1)?;
        let first = layer_norm(n_outputs, EPSILON, weights.pp("ln_q"))?.forward(&first)?;
        let norm = layer_norm(n_inputs, EPSILON, weights.pp("ln_k"))?;
        Ok(Self { norm, projected: glance.query(&first)?, glance })
    }

    /// Hidden states `pictures x tokens x inputs` to vectors `pictures x outputs`.
    pub(super) fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        self.glance.forward(&self.projected, &self.norm.forward(hidden)?)
    }

    /// The same in a graph.
    pub(super) fn emit(&self, emitter: &mut Emitter, hidden: &Edge) -> Result<Edge> {
        let hidden = emitter.norm(&self.norm, hidden)?;
        let query = emitter.weights(&self.projected)?;
        self.glance.emit(emitter, &query, &hidden)
    }
}

/// What one query for each picture sees of all tokens.
#[derive(Debug)]
pub(super) struct Glance {
    /// Scaled already.
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    n_heads: usize,
}

impl Glance {
    /// Scores are divided by the square root of a head's size.
    pub(super) fn new(projections: Projections, n_heads: usize) -> Result<Self> {
        let Projections { query, key, value, output } = projections;
        let n_rows = query.n_outputs();
        if n_heads == 0 || !n_rows.is_multiple_of(n_heads) {
            candle_core::bail!("{n_rows} hidden units cannot be shared by {n_heads} heads")
        }
        let scale = (n_rows as f64 / n_heads as f64).sqrt().recip();
        let scale = Tensor::new(&[scale], &Device::Cpu)?.to_dtype(DType::F32)?;
        Ok(Self { query: query.scaled(&scale)?, key, value, output, n_heads })
    }

    /// The queries of tokens `pictures x hidden`: `pictures x heads x 1 x size`.
    pub(super) fn query(&self, tokens: &Tensor) -> Result<Tensor> {
        self.query.forward(tokens)?.reshape((tokens.dim(0)?, self.n_heads, 1, ()))
    }

    /// What queries, one for each picture or for all, see of hidden states `pictures x tokens x hidden`:
    /// `pictures x outputs`.
    pub(super) fn forward(&self, query: &Tensor, hidden: &Tensor) -> Result<Tensor> {
        let (n_pictures, n_tokens, _) = hidden.dims3()?;
        // pictures x tokens x (heads x size) -> pictures x heads x tokens x size
        let by_head = |layer: &Linear| {
            let states = layer.forward(hidden)?;
            let states = states.reshape((n_pictures, n_tokens, self.n_heads, ()))?;
            states.transpose(1, 2)?.contiguous()
        };
        let scores = by_head(&self.key)?.broadcast_mul(query)?.sum(D::Minus1)?;
        let shares = softmax_last_dim(&scores)?.unsqueeze(2)?;
        let seen = shares.matmul(&by_head(&self.value)?)?.reshape((n_pictures, ()))?;
        self.output.forward(&seen)
    }

    /// The queries in a graph.
    pub(super) fn emit_query(&self, emitter: &mut Emitter, tokens: &Edge) -> Result<Edge> {
        let query = self.query.emit(emitter, tokens)?;
        Ok(emitter.reshape(&query, &[0, self.heads()?, 1, -1]))
    }

    /// What they see in a graph.
    pub(super) fn emit(&self, emitter: &mut Emitter, query: &Edge, hidden: &Edge) -> Result<Edge> {
        let n_heads = self.heads()?;
        let mut by_head = |layer: &Linear, axes: &[i64]| -> Result<Edge> {
            let states = layer.emit(emitter, hidden)?;
            let states = emitter.reshape(&states, &[0, 0, n_heads, -1]);
            Ok(emitter.transpose(&states, axes))
        };
        let (key, value) =
            (by_head(&self.key, &[0, 2, 3, 1])?, by_head(&self.value, &[0, 2, 1, 3])?);
        let scores = emitter.apply("MatMul", &[query, &key], &[]);
        let shares = emitter.softmax(&scores);
        let seen = emitter.apply("MatMul", &[&shares, &value], &[]);
        let seen = emitter.reshape(&seen, &[0, -1]);
        self.output.emit(emitter, &seen)
    }

    fn heads(&self) -> Result<i64> {
        i64::try_from(self.n_heads).map_err(candle_core::Error::wrap)
    }
}
