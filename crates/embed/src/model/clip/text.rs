//! The text tower: a transformer that reads forward, and answers with its last token.

use candle_core::{Device, Result, Tensor};
use candle_nn::linear_no_bias;
use candle_nn::{Embedding, LayerNorm, Linear, Module, VarBuilder, embedding, layer_norm};
use serde::Deserialize;

use super::{Encoder, Shape};
use crate::model::{activation::Activation, batch::TextBatch};

/// `text_config` of `config.json`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct TextConfig {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    pub(super) max_position_embeddings: usize,
    hidden_act: Activation,
    layer_norm_eps: f64,
    eos_token_id: u32,
}

impl Default for TextConfig {
    fn default() -> Self {
        Self {
            vocab_size: 49_408,
            hidden_size: 512,
            intermediate_size: 2048,
            num_hidden_layers: 12,
            num_attention_heads: 8,
            max_position_embeddings: 77,
            hidden_act: Activation::QuickGelu,
            layer_norm_eps: 1e-5,
            eos_token_id: 49_407,
        }
    }
}

impl TextConfig {
    fn shape(&self) -> Shape {
        Shape {
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            n_layers: self.num_hidden_layers,
            n_heads: self.num_attention_heads,
            activation: self.hidden_act,
            epsilon: self.layer_norm_eps,
        }
    }
}

/// From token ids to the shared space.
#[derive(Debug)]
pub(super) struct TextTower {
    tokens: Embedding,
    positions: Tensor,
    encoder: Encoder,
    norm: LayerNorm,
    projection: Linear,
    end_token: EndToken,
}

/// Which token stands for the whole text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EndToken {
    /// The first of this id.
    Id(u32),
    /// The one of the highest id: how configurations are read that name 2 as their end token, as
    /// all did before transformers 4.31 although the tokenizer never gave it.
    HighestId,
}

impl TextTower {
    pub(super) fn load(
        config: &TextConfig,
        n_projected: usize,
        weights: &VarBuilder<'_>,
    ) -> Result<Self> {
        let tower = weights.pp("text_model");
        let size = config.hidden_size;
        let table = |name: &str, n_rows| embedding(n_rows, size, tower.pp("embeddings").pp(name));
        let positions = table("position_embedding", config.max_position_embeddings)?;
        Ok(Self {
            tokens: table("token_embedding", config.vocab_size)?,
            positions: positions.embeddings().clone(),
            encoder: Encoder::load(config.shape(), &tower)?,
            norm: layer_norm(size, config.layer_norm_eps, tower.pp("final_layer_norm"))?,
            projection: linear_no_bias(size, n_projected, weights.pp("text_projection"))?,
            end_token: EndToken::from_config(config.eos_token_id),
        })
    }

    /// Vectors `texts x projection`.
    pub(super) fn forward(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        let hidden = self.hidden(batch)?;
        let ends = batch.texts().iter().enumerate().map(|(row, text)| {
            let end = self.end_token.position(text.value);
            hidden.get(row)?.get(end)
        });
        let ends = Tensor::stack(&ends.collect::<Result<Vec<_>>>()?, 0)?;
        self.projection.forward(&ends)
    }

    /// The last hidden states, normalized: `texts x tokens x hidden`.
    pub(super) fn hidden(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        let tokens = self.tokens.forward(&batch.ids()?)?;
        let positions = self.positions.narrow(0, 0, batch.n_tokens())?;
        let hidden = tokens.broadcast_add(&positions)?;
        self.norm.forward(&self.encoder.forward(hidden, Some(&causal(batch.n_tokens())?))?)
    }
}

/// Minus infinity for whatever comes later, padding included: `tokens x tokens`.
fn causal(n_tokens: usize) -> Result<Tensor> {
    let row =
        |token| (0..n_tokens).map(move |seen| if seen > token { f32::NEG_INFINITY } else { 0.0 });
    let bias: Vec<f32> = (0..n_tokens).flat_map(row).collect();
    Tensor::from_vec(bias, (n_tokens, n_tokens), &Device::Cpu)
}

impl EndToken {
    fn from_config(eos_token_id: u32) -> Self {
        if eos_token_id == 2 { Self::HighestId } else { Self::Id(eos_token_id) }
    }

    /// The first such token; the first of all where there is none.
    fn position(self, tokens: &[u32]) -> usize {
        let wanted = match self {
            Self::Id(id) => Some(id),
            Self::HighestId => tokens.iter().max().copied(),
        };
        tokens.iter().position(|&token| Some(token) == wanted).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_configuration_ends_a_text_at_its_highest_token() {
        let tokens = [406, 5, 2, 407, 407];
        assert_eq!(EndToken::from_config(2).position(&tokens), 3);
        assert_eq!(EndToken::from_config(407).position(&tokens), 3);
        assert_eq!(EndToken::from_config(5).position(&tokens), 1);
        assert_eq!(EndToken::from_config(9).position(&tokens), 0);
    }
}
