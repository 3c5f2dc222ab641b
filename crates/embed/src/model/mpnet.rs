//! MPNet, the encoder of all-mpnet-base-v2: BERT, and a bias for how far apart two tokens are.
//!
//! Song et al., *MPNet: Masked and Permuted Pre-training for Language Understanding*, 2020. The
//! numbers are those of `MPNetModel` in Hugging Face transformers.

use candle_core::{Result, Tensor};
use candle_nn::{Embedding, Module, VarBuilder, embedding};
use serde::Deserialize;

use super::{
    CONFIG,
    activation::Activation,
    attention::Context,
    batch::TextBatch,
    distance::Distances,
    emit::{Edge, Emitter, Surroundings},
    encoder::{TextModel, Towers},
    kernel::{LayerNorm, layer_norm},
    layer::{Names, Order, Shape, Stack},
    sentence,
};
use crate::{folder::ModelFolder, open::OpenError, weights};

/// The id of the padding token, past which positions are counted. The configuration may name
/// another one, which is not looked at.
const PADDING: u32 = 1;

/// Distances from this number of tokens on are all the same.
const MAX_DISTANCE: usize = 128;

/// Distances are told apart by so many biases, whatever the configuration says.
const N_BUCKETS: usize = 32;

/// Reads it from its folder.
pub(super) fn open(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    let config: Config = folder.json(CONFIG)?;
    let positions = config.max_position_embeddings.saturating_sub(PADDING as usize + 1);
    let sizes = sentence::Sizes { hidden: config.hidden_size, positions };
    sentence::open(folder, sizes, |weights| MpNet::load(&config, &weights))
}

const NAMES: Names = Names {
    query: "attention.attn.q",
    key: "attention.attn.k",
    value: "attention.attn.v",
    output: "attention.attn.o",
    attention_norm: "attention.LayerNorm",
    inner: "intermediate.dense",
    outer: "output.dense",
    norm: "output.LayerNorm",
};

/// `config.json`, as far as it bears on the numbers.
#[derive(Debug, Deserialize)]
struct Config {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: Activation,
    max_position_embeddings: usize,
    layer_norm_eps: f64,
    relative_attention_num_buckets: usize,
}

impl Config {
    fn shape(&self) -> Shape {
        Shape {
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            n_layers: self.num_hidden_layers,
            n_heads: self.num_attention_heads,
            activation: self.hidden_act,
            epsilon: self.layer_norm_eps,
            order: Order::Last,
        }
    }
}

#[derive(Debug)]
struct MpNet {
    words: Embedding,
    positions: Embedding,
    norm: LayerNorm,
    distances: Distances,
    layers: Stack,
}

impl MpNet {
    fn load(config: &Config, weights: &VarBuilder<'_>) -> Result<Self> {
        let weights = weights::inside(weights, "mpnet", "embeddings.word_embeddings.weight");
        let (embeddings, encoder) = (weights.pp("embeddings"), weights.pp("encoder"));
        let size = config.hidden_size;
        let table = |name: &str, n_rows| embedding(n_rows, size, embeddings.pp(name));
        let shape = (config.relative_attention_num_buckets, config.num_attention_heads);
        let biases = encoder.get(shape, "relative_attention_bias.weight")?;
        Ok(Self {
            words: table("word_embeddings", config.vocab_size)?,
            positions: table("position_embeddings", config.max_position_embeddings)?,
            norm: layer_norm(size, config.layer_norm_eps, embeddings.pp("LayerNorm"))?,
            distances: Distances::new(biases, N_BUCKETS, MAX_DISTANCE),
            layers: Stack::load(&config.shape(), &NAMES, &encoder.pp("layer"))?,
        })
    }
}

impl TextModel for MpNet {
    fn hidden(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        let words = self.words.forward(&batch.ids()?)?;
        let positions = self.positions.forward(&batch.positions_past(PADDING)?)?;
        let hidden = self.norm.forward(&(words + positions)?)?;
        let bias = self.distances.bias(batch)?;
        self.layers.forward(hidden, Context { bias: Some(&bias), rotary: None })
    }

    fn emit(&self, emitter: &mut Emitter) -> Result<Edge> {
        let ids = emitter.token_ids();
        let words = emitter.weights(self.words.embeddings())?;
        let words = emitter.rows(&words, &ids);
        let positions = emitter.weights(self.positions.embeddings())?;
        let numbers = emitter.positions_past(&ids, PADDING);
        let positions = emitter.rows(&positions, &numbers);
        let sum = emitter.apply("Add", &[&words, &positions], &[]);
        let hidden = emitter.norm(&self.norm, &sum)?;
        let n_tokens = emitter.n_tokens(&ids);
        let n_positions = self.positions.embeddings().dim(0)?;
        let distances = self.distances.emit(emitter, &n_tokens, n_positions)?;
        let padding = emitter.padding();
        let bias = emitter.apply("Add", &[&distances, &padding], &[]);
        self.layers.emit(emitter, hidden, Surroundings { bias: Some(&bias), rotary: None })
    }
}
