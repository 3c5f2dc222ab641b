//! The encoder of T5, on which sentence-t5 and GTR are built.
//!
//! Raffel et al., *Exploring the Limits of Transfer Learning with a Unified Text-to-Text
//! Transformer*, 2020. The numbers are those of `T5EncoderModel` in Hugging Face transformers.

use candle_core::{Result, Tensor};
use candle_nn::{Embedding, Module, VarBuilder, embedding};
use serde::Deserialize;

use super::{
    CONFIG,
    activation::Activation,
    attention::{Attention, Context, Projections},
    batch::TextBatch,
    distance::Distances,
    emit::{Edge, Emitter, Surroundings},
    encoder::{TextModel, Towers},
    kernel::{LayerNorm, Linear, linear_no_bias},
    layer::{Layer, Mlp, Order, Stack},
    sentence,
};
use crate::{folder::ModelFolder, open::OpenError};

/// Reads it from its folder.
pub(super) fn open(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    let config: Config = folder.json(CONFIG)?;
    let step = config.step().map_err(|reason| folder.bad(CONFIG, reason))?;
    let sizes = sentence::Sizes { hidden: config.d_model, positions: config.n_positions };
    sentence::open(folder, sizes, |weights| T5::load(&config, step, &weights))
}

/// `config.json`, as far as it bears on the numbers.
#[derive(Debug, Deserialize)]
struct Config {
    vocab_size: usize,
    d_model: usize,
    d_kv: usize,
    d_ff: usize,
    num_layers: usize,
    num_heads: usize,
    relative_attention_num_buckets: usize,
    #[serde(default = "default_distance")]
    relative_attention_max_distance: usize,
    layer_norm_epsilon: f64,
    #[serde(default = "default_step")]
    feed_forward_proj: String,
    /// Nothing in it depends on the length of a text; this is that of its training.
    #[serde(default = "default_positions")]
    n_positions: usize,
}

fn default_distance() -> usize {
    128
}

fn default_step() -> String {
    "relu".to_owned()
}

fn default_positions() -> usize {
    512
}

/// What stands between the linear layers of the second step.
#[derive(Clone, Copy, Debug)]
enum Step {
    Plain(Activation),
    Gated(Activation),
}

impl Config {
    fn step(&self) -> std::result::Result<Step, String> {
        match self.feed_forward_proj.as_str() {
            "relu" => Ok(Step::Plain(Activation::Relu)),
            "gated-gelu" => Ok(Step::Gated(Activation::GeluNew)),
            "gated-silu" => Ok(Step::Gated(Activation::Silu)),
            other => Err(format!("feed_forward_proj {other:?} is not supported")),
        }
    }

    fn norm(&self, weights: &VarBuilder<'_>) -> Result<LayerNorm> {
        let weight = weights.get(self.d_model, "weight")?;
        Ok(LayerNorm(candle_nn::LayerNorm::rms_norm(weight, self.layer_norm_epsilon)))
    }

    fn layer(&self, step: Step, weights: &VarBuilder<'_>) -> Result<Layer> {
        let (first, second) = (weights.pp("layer.0"), weights.pp("layer.1"));
        let (attention, inner_size) = (first.pp("SelfAttention"), self.num_heads * self.d_kv);
        let inward = |name: &str| linear_no_bias(self.d_model, inner_size, &attention.pp(name));
        let projections = Projections {
            query: inward("q")?,
            key: inward("k")?,
            value: inward("v")?,
            output: linear_no_bias(inner_size, self.d_model, &attention.pp("o"))?,
        };
        Ok(Layer {
            order: Order::First,
            attention_norm: Some(self.norm(&first.pp("layer_norm"))?),
            attention: Attention::unscaled(projections, self.num_heads)?,
            norm: self.norm(&second.pp("layer_norm"))?,
            mlp: self.mlp(step, &second.pp("DenseReluDense"))?,
        })
    }

    fn mlp(&self, step: Step, weights: &VarBuilder<'_>) -> Result<Mlp> {
        let inward = |name: &str| -> Result<Linear> {
            linear_no_bias(self.d_model, self.d_ff, &weights.pp(name))
        };
        let outer = linear_no_bias(self.d_ff, self.d_model, &weights.pp("wo"))?;
        let (activation, inner, gate) = match step {
            Step::Plain(activation) => (activation, inward("wi")?, None),
            Step::Gated(activation) => (activation, inward("wi_0")?, Some(inward("wi_1")?)),
        };
        Ok(Mlp { inner, gate, activation, norm: None, outer })
    }
}

#[derive(Debug)]
struct T5 {
    words: Embedding,
    distances: Distances,
    layers: Stack,
    norm: LayerNorm,
    n_positions: usize,
}

impl T5 {
    fn load(config: &Config, step: Step, weights: &VarBuilder<'_>) -> Result<Self> {
        let (encoder, n_buckets) = (weights.pp("encoder"), config.relative_attention_num_buckets);
        let blocks = encoder.pp("block");
        let biases = blocks
            .pp("0.layer.0.SelfAttention")
            .get((n_buckets, config.num_heads), "relative_attention_bias.weight")?;
        Ok(Self {
            words: embedding(config.vocab_size, config.d_model, weights.pp("shared"))?,
            distances: Distances::new(biases, n_buckets, config.relative_attention_max_distance),
            layers: Stack::of(config.num_layers, |n| config.layer(step, &blocks.pp(n)))?,
            norm: config.norm(&encoder.pp("final_layer_norm"))?,
            n_positions: config.n_positions,
        })
    }
}

impl TextModel for T5 {
    fn hidden(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        let words = self.words.forward(&batch.ids()?)?;
        let bias = self.distances.bias(batch)?;
        let context = Context { bias: Some(&bias), rotary: None };
        self.norm.forward(&self.layers.forward(words, context)?)
    }

    fn emit(&self, emitter: &mut Emitter) -> Result<Edge> {
        let ids = emitter.token_ids();
        let words = emitter.weights(self.words.embeddings())?;
        let hidden = emitter.rows(&words, &ids);
        let n_tokens = emitter.n_tokens(&ids);
        let distances = self.distances.emit(emitter, &n_tokens, self.n_positions)?;
        let padding = emitter.padding();
        let bias = emitter.apply("Add", &[&distances, &padding], &[]);
        let surroundings = Surroundings { bias: Some(&bias), rotary: None };
        let hidden = self.layers.emit(emitter, hidden, surroundings)?;
        emitter.norm(&self.norm, &hidden)
    }
}
