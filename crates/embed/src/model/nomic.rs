//! Nomic BERT: BERT with rotary positions, a gate, and no biases.
//!
//! Nussbaum et al., *Nomic Embed: Training a Reproducible Long Context Text Embedder*, 2024. The
//! numbers are those of `NomicBertModel` in Hugging Face transformers, up to the 2,048 tokens with
//! which it was trained; further on the published code stretches the angles, and texts are cut here.

use candle_core::{Result, Tensor};
use candle_nn::{Embedding, Module, VarBuilder, embedding};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    CONFIG,
    activation::Activation,
    attention::{Attention, Context, Projections},
    batch::TextBatch,
    emit::{Edge, Emitter, Surroundings},
    encoder::{TextModel, Towers},
    kernel::{LayerNorm, layer_norm, linear_no_bias},
    layer::{Layer, Mlp, Order, Stack},
    rotary::Rotary,
    sentence,
};
use crate::{folder::ModelFolder, open::OpenError, weights};

/// Tokens of the texts with which it was trained.
const N_TRAINED: usize = 2048;

/// Reads it from its folder.
pub(super) fn open(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    let config = Config::of(folder.json(CONFIG)?);
    let config = config.map_err(|error| folder.bad(CONFIG, error.to_string()))?;
    config.check().map_err(|reason| folder.bad(CONFIG, reason))?;
    let sizes = sentence::Sizes { hidden: config.hidden_size, positions: config.n_positions() };
    sentence::open(folder, sizes, |weights| Nomic::load(&config, &weights))
}

/// The names that the code published with the model has for what transformers names otherwise.
const PUBLISHED: [(&str, &str); 7] = [
    ("n_embd", "hidden_size"),
    ("n_inner", "intermediate_size"),
    ("n_layer", "num_hidden_layers"),
    ("n_head", "num_attention_heads"),
    ("activation_function", "hidden_act"),
    ("n_positions", "max_position_embeddings"),
    ("layer_norm_epsilon", "layer_norm_eps"),
];

/// `config.json`, as far as it bears on the numbers.
#[derive(Debug, Deserialize)]
struct Config {
    vocab_size: usize,
    type_vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    hidden_act: Activation,
    max_position_embeddings: usize,
    layer_norm_eps: f64,
    rotary_emb_base: Option<f64>,
    rope_parameters: Option<Rope>,
    /// What the published code could do otherwise.
    #[serde(default)]
    prenorm: bool,
    #[serde(default)]
    qkv_proj_bias: bool,
    #[serde(default)]
    rotary_emb_interleaved: bool,
    rotary_emb_fraction: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Rope {
    rope_theta: f64,
    rope_type: Option<String>,
}

impl Config {
    /// Reads it under either names, or both.
    fn of(mut config: Map<String, Value>) -> serde_json::Result<Self> {
        for (published, name) in PUBLISHED {
            if let Some(value) = config.get(published).cloned() {
                config.entry(name).or_insert(value);
            }
        }
        serde_json::from_value(Value::Object(config))
    }

    fn check(&self) -> std::result::Result<(), String> {
        let is_whole =
            self.rotary_emb_fraction.is_none_or(|fraction| (fraction - 1.0).abs() < 1e-9);
        let rope_type = self.rope_parameters.as_ref().and_then(|rope| rope.rope_type.as_deref());
        let refused = [
            ("prenorm", self.prenorm),
            ("qkv_proj_bias", self.qkv_proj_bias),
            ("rotary_emb_interleaved", self.rotary_emb_interleaved),
            ("rotary_emb_fraction", !is_whole),
            ("rope_type", rope_type.is_some_and(|kind| kind != "default")),
            ("num_attention_heads", self.num_attention_heads == 0),
        ];
        match refused.into_iter().find(|(_, is_refused)| *is_refused) {
            Some((name, _)) => Err(format!("its {name} is not supported")),
            None => Ok(()),
        }
    }

    /// Tokens that are read at most.
    fn n_positions(&self) -> usize {
        self.max_position_embeddings.min(N_TRAINED)
    }

    fn theta(&self) -> f64 {
        let rope = self.rope_parameters.as_ref().map(|rope| rope.rope_theta);
        rope.or(self.rotary_emb_base).unwrap_or(1000.0)
    }

    fn layer(&self, weights: &VarBuilder<'_>) -> Result<Layer> {
        let (size, inner_size) = (self.hidden_size, self.intermediate_size);
        let dense = |n_in, n_out, name: &str| linear_no_bias(n_in, n_out, &weights.pp(name));
        let norm = |name: &str| layer_norm(size, self.layer_norm_eps, weights.pp(name));
        let outward = dense(size, size, "attn.out_proj")?;
        let projections = Projections::fused(&dense(size, 3 * size, "attn.Wqkv")?, outward)?;
        Ok(Layer {
            order: Order::Last,
            attention_norm: Some(norm("norm1")?),
            attention: Attention::new(projections, self.num_attention_heads)?,
            norm: norm("norm2")?,
            mlp: Mlp {
                inner: dense(size, inner_size, "mlp.fc12")?,
                gate: Some(dense(size, inner_size, "mlp.fc11")?),
                activation: self.hidden_act,
                norm: None,
                outer: dense(inner_size, size, "mlp.fc2")?,
            },
        })
    }
}

#[derive(Debug)]
struct Nomic {
    words: Embedding,
    /// Of the one token type.
    kind: Tensor,
    norm: LayerNorm,
    layers: Stack,
    head_size: usize,
    theta: f64,
    n_positions: usize,
}

impl Nomic {
    fn load(config: &Config, weights: &VarBuilder<'_>) -> Result<Self> {
        let weights = weights::inside(weights, "nomic_bert", "embeddings.word_embeddings.weight");
        let weights = weights::inside(&weights, "bert", "embeddings.word_embeddings.weight");
        let size = config.hidden_size;
        let table = |name: &str, n_rows| embedding(n_rows, size, weights.pp("embeddings").pp(name));
        let layers = weights.pp("encoder.layers");
        Ok(Self {
            words: table("word_embeddings", config.vocab_size)?,
            kind: table("token_type_embeddings", config.type_vocab_size)?.embeddings().get(0)?,
            norm: layer_norm(size, config.layer_norm_eps, weights.pp("emb_ln"))?,
            layers: Stack::of(config.num_hidden_layers, |n| config.layer(&layers.pp(n)))?,
            head_size: size / config.num_attention_heads,
            theta: config.theta(),
            n_positions: config.n_positions(),
        })
    }
}

impl TextModel for Nomic {
    fn hidden(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        let words = self.words.forward(&batch.ids()?)?.broadcast_add(&self.kind)?;
        let rotary = Rotary::for_text(batch.n_tokens(), self.head_size, self.theta)?;
        let bias = batch.bias()?;
        let context = Context { bias: bias.as_ref(), rotary: Some(&rotary) };
        self.layers.forward(self.norm.forward(&words)?, context)
    }

    fn emit(&self, emitter: &mut Emitter) -> Result<Edge> {
        let ids = emitter.token_ids();
        let words = emitter.weights(&self.words.embeddings().broadcast_add(&self.kind)?)?;
        let words = emitter.rows(&words, &ids);
        let hidden = emitter.norm(&self.norm, &words)?;
        let n_tokens = emitter.n_tokens(&ids);
        let rotary = Rotary::for_text(self.n_positions, self.head_size, self.theta)?;
        let rotary = rotary.emit(emitter, Some(&n_tokens))?;
        let padding = emitter.padding();
        let surroundings = Surroundings { bias: Some(&padding), rotary: Some(&rotary) };
        self.layers.emit(emitter, hidden, surroundings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_may_have_the_published_names_or_both() {
        let published = serde_json::json!({
            "vocab_size": 30528, "type_vocab_size": 2, "n_embd": 768, "n_inner": 3072, "n_layer": 12,
            "n_head": 12, "activation_function": "swiglu", "n_positions": 8192,
            "layer_norm_epsilon": 1e-12, "rotary_emb_base": 1000, "rotary_emb_fraction": 1.0,
            "hidden_size": 512,
        });
        let Value::Object(published) = published else { panic!() };
        let config = Config::of(published).unwrap();
        assert_eq!((config.hidden_size, config.num_hidden_layers), (512, 12));
        assert_eq!(config.hidden_act, Activation::Silu);
        assert!(config.check().is_ok());
    }
}
