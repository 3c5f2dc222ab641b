//! The text tower: a transformer that reads forward, and answers with its last token.

use candle_core::{Device, Result, Tensor};
use candle_nn::{Embedding, Module, VarBuilder, embedding};
use serde::Deserialize;

use super::NAMES;
use crate::{
    model::{
        activation::Activation,
        attention::Context,
        batch::TextBatch,
        emit::{Edge, Emitter, Surroundings},
        encoder::TextModel,
        kernel::{LayerNorm, layer_norm},
        layer::{Order, Shape, Stack},
    },
    pool::{EndToken, Mode},
};

/// `text_config` of `config.json`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(in crate::model) struct TextConfig {
    pub(in crate::model) vocab_size: usize,
    pub(in crate::model) hidden_size: usize,
    pub(in crate::model) intermediate_size: usize,
    pub(in crate::model) num_hidden_layers: usize,
    pub(in crate::model) num_attention_heads: usize,
    pub(in crate::model) max_position_embeddings: usize,
    pub(in crate::model) hidden_act: Activation,
    pub(in crate::model) layer_norm_eps: f64,
    pub(in crate::model) eos_token_id: u32,
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
    /// Which token stands for a text. Configurations of before transformers 4.31 name 2, which the
    /// tokenizer never gave; the one that it gave has the highest id.
    pub(super) fn end_token(&self) -> Mode {
        Mode::End(match self.eos_token_id {
            2 => EndToken::HighestId,
            id => EndToken::Id(id),
        })
    }

    fn shape(&self) -> Shape {
        Shape {
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            n_layers: self.num_hidden_layers,
            n_heads: self.num_attention_heads,
            activation: self.hidden_act,
            epsilon: self.layer_norm_eps,
            order: Order::First,
        }
    }
}

/// From token ids to hidden states.
#[derive(Debug)]
pub(in crate::model) struct Text {
    pub(in crate::model) tokens: Embedding,
    pub(in crate::model) positions: Tensor,
    pub(in crate::model) layers: Stack,
    pub(in crate::model) norm: LayerNorm,
}

impl Text {
    pub(in crate::model) fn load(config: &TextConfig, weights: &VarBuilder<'_>) -> Result<Self> {
        let tower = weights.pp("text_model");
        let size = config.hidden_size;
        let table = |name: &str, n_rows| embedding(n_rows, size, tower.pp("embeddings").pp(name));
        let positions = table("position_embedding", config.max_position_embeddings)?;
        Ok(Self {
            tokens: table("token_embedding", config.vocab_size)?,
            positions: positions.embeddings().clone(),
            layers: Stack::load(&config.shape(), &NAMES, &tower.pp("encoder.layers"))?,
            norm: layer_norm(size, config.layer_norm_eps, tower.pp("final_layer_norm"))?,
        })
    }
}

impl TextModel for Text {
    fn hidden(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        let tokens = self.tokens.forward(&batch.ids()?)?;
        let positions = self.positions.narrow(0, 0, batch.n_tokens())?;
        let causal = causal(batch.n_tokens())?;
        let hidden = tokens.broadcast_add(&positions)?;
        let context = Context { bias: Some(&causal), rotary: None };
        self.norm.forward(&self.layers.forward(hidden, context)?)
    }

    fn emit(&self, emitter: &mut Emitter) -> Result<Edge> {
        let ids = emitter.token_ids();
        let hidden = emitter.embedded(&ids, &self.tokens, &self.positions)?;
        let n_tokens = emitter.n_tokens(&ids);
        let causal = emitter.weights(&causal(self.positions.dim(0)?)?)?;
        let causal = emitter.first(&causal, &n_tokens, &[0, 1]);
        let surroundings = Surroundings { bias: Some(&causal), rotary: None };
        let hidden = self.layers.emit(emitter, hidden, surroundings)?;
        emitter.norm(&self.norm, &hidden)
    }
}

/// Minus infinity for whatever comes later, padding included: `tokens x tokens`.
pub(in crate::model) fn causal(n_tokens: usize) -> Result<Tensor> {
    let row =
        |token| (0..n_tokens).map(move |seen| if seen > token { f32::NEG_INFINITY } else { 0.0 });
    let bias: Vec<f32> = (0..n_tokens).flat_map(row).collect();
    Tensor::from_vec(bias, (n_tokens, n_tokens), &Device::Cpu)
}
