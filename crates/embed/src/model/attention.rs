//! Self-attention, the same in every transformer but for the names of its weights.

use candle_core::{D, Result, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear, ops::softmax_last_dim};

/// Self-attention with several heads and biases.
#[derive(Debug)]
pub(crate) struct Attention {
    /// Queries, keys and values, in one matrix product; the queries are scaled already.
    inward: Linear,
    outward: Linear,
    n_heads: usize,
}

/// Where the weights of an [`Attention`] stand.
pub(crate) struct AttentionWeights<'a> {
    pub(crate) query: VarBuilder<'a>,
    pub(crate) key: VarBuilder<'a>,
    pub(crate) value: VarBuilder<'a>,
    pub(crate) output: VarBuilder<'a>,
}

impl Attention {
    pub(crate) fn load(
        weights: AttentionWeights<'_>,
        hidden_size: usize,
        n_heads: usize,
    ) -> Result<Self> {
        if n_heads == 0 || !hidden_size.is_multiple_of(n_heads) {
            candle_core::bail!("{hidden_size} hidden units cannot be shared by {n_heads} heads")
        }
        let scale = ((hidden_size / n_heads) as f64).sqrt().recip();
        let layer = |weights| linear(hidden_size, hidden_size, weights);
        let inward =
            [scaled(&layer(weights.query)?, scale)?, layer(weights.key)?, layer(weights.value)?];
        Ok(Self { inward: stack(&inward)?, outward: layer(weights.output)?, n_heads })
    }

    /// Hidden states `batch x tokens x hidden`. The bias, broadcast to `batch x heads x tokens x
    /// tokens`, is added to the scores: minus infinity where a token must not look.
    pub(crate) fn forward(&self, hidden: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let (n_texts, n_tokens, hidden_size) = hidden.dims3()?;
        let head_size = hidden_size / self.n_heads;
        // batch x tokens x (3 x heads x size) -> 3 x batch x heads x tokens x size
        let inward = self
            .inward
            .forward(hidden)?
            .reshape((n_texts, n_tokens, 3, self.n_heads, head_size))?
            .permute((2, 0, 3, 1, 4))?
            .contiguous()?;
        let [query, key, value] = [inward.get(0)?, inward.get(1)?, inward.get(2)?];
        let scores = query.matmul(&key.transpose(D::Minus1, D::Minus2)?)?;
        let scores = match bias {
            Some(bias) => scores.broadcast_add(bias)?,
            None => scores,
        };
        let seen = softmax_last_dim(&scores)?.matmul(&value)?;
        self.outward.forward(&seen.transpose(1, 2)?.reshape((n_texts, n_tokens, hidden_size))?)
    }
}

fn scaled(layer: &Linear, scale: f64) -> Result<Linear> {
    let bias = layer.bias().map(|bias| bias * scale).transpose()?;
    Ok(Linear::new((layer.weight() * scale)?, bias))
}

/// One layer whose output is that of all of them, end to end.
fn stack(layers: &[Linear]) -> Result<Linear> {
    let weights: Vec<_> = layers.iter().map(Linear::weight).collect();
    let biases: Vec<_> = layers.iter().filter_map(Linear::bias).collect();
    Ok(Linear::new(Tensor::cat(&weights, 0)?, Some(Tensor::cat(&biases, 0)?)))
}
