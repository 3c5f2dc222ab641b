//! ModernBERT: BERT with rotary positions and a gate, which in most layers looks at neighbours alone.
//!
//! Warner et al., *Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder*, 2024. The
//! numbers are those of `ModernBertModel` in Hugging Face transformers.

use candle_core::{Device, Result, Tensor};
use candle_nn::{Embedding, LayerNormConfig, Module, VarBuilder, embedding};
use serde::Deserialize;

use super::{
    CONFIG,
    activation::Activation,
    attention::{Attention, Context, Projections},
    batch::TextBatch,
    emit::{Edge, Emitter, Surroundings},
    encoder::{TextModel, Towers},
    kernel::{LayerNorm, layer_norm, linear_b},
    layer::{Layer, Mlp, Order},
    rotary::Rotary,
    sentence,
};
use crate::{folder::ModelFolder, open::OpenError, weights};

/// Reads it from its folder.
pub(super) fn open(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    let config: Config = folder.json(CONFIG)?;
    config.check().map_err(|reason| folder.bad(CONFIG, reason))?;
    let sizes =
        sentence::Sizes { hidden: config.hidden_size, positions: config.max_position_embeddings };
    sentence::open(folder, sizes, |weights| ModernBert::load(&config, &weights))
}

/// `config.json`, as far as it bears on the numbers.
#[derive(Debug, Deserialize)]
struct Config {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    hidden_activation: Activation,
    max_position_embeddings: usize,
    norm_eps: f64,
    #[serde(default)]
    norm_bias: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    local_attention: usize,
    /// Which layers look at the whole text, in files of two ages.
    layer_types: Option<Vec<Reach>>,
    #[serde(default = "three")]
    global_attn_every_n_layers: usize,
    /// How slowly angles grow, in files of two ages.
    rope_parameters: Option<Ropes>,
    #[serde(default = "global_theta")]
    global_rope_theta: f64,
    #[serde(default = "local_theta")]
    local_rope_theta: f64,
}

fn three() -> usize {
    3
}

fn global_theta() -> f64 {
    160_000.0
}

fn local_theta() -> f64 {
    10_000.0
}

/// How far the tokens of a layer look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Reach {
    #[serde(rename = "full_attention")]
    Global,
    #[serde(rename = "sliding_attention")]
    Local,
}

#[derive(Debug, Deserialize)]
struct Ropes {
    full_attention: Rope,
    sliding_attention: Rope,
}

#[derive(Debug, Deserialize)]
struct Rope {
    rope_theta: f64,
    rope_type: Option<String>,
}

impl Rope {
    fn check(&self) -> std::result::Result<(), String> {
        match self.rope_type.as_deref() {
            None | Some("default") => Ok(()),
            Some(other) => Err(format!("rotary positions of type {other:?} are not supported")),
        }
    }
}

impl Config {
    fn check(&self) -> std::result::Result<(), String> {
        if self.num_attention_heads == 0 || self.global_attn_every_n_layers == 0 {
            return Err("no heads, or no layers that look at the whole text".to_owned());
        }
        if let Some(ropes) = &self.rope_parameters {
            ropes.full_attention.check()?;
            ropes.sliding_attention.check()?;
        }
        match &self.layer_types {
            Some(types) if types.len() != self.num_hidden_layers => {
                Err(format!("{} layer_types are not as many as layers", types.len()))
            }
            _ => Ok(()),
        }
    }

    fn reach(&self, layer: usize) -> Reach {
        match &self.layer_types {
            Some(types) => types[layer],
            None if layer.is_multiple_of(self.global_attn_every_n_layers) => Reach::Global,
            None => Reach::Local,
        }
    }

    fn theta(&self, reach: Reach) -> f64 {
        match (&self.rope_parameters, reach) {
            (Some(ropes), Reach::Global) => ropes.full_attention.rope_theta,
            (Some(ropes), Reach::Local) => ropes.sliding_attention.rope_theta,
            (None, Reach::Global) => self.global_rope_theta,
            (None, Reach::Local) => self.local_rope_theta,
        }
    }

    fn norm(&self, weights: VarBuilder<'_>) -> Result<LayerNorm> {
        let config =
            LayerNormConfig { eps: self.norm_eps, affine: self.norm_bias, ..Default::default() };
        layer_norm(self.hidden_size, config, weights)
    }

    fn layer(&self, layer: usize, weights: &VarBuilder<'_>) -> Result<Layer> {
        let (size, inner_size) = (self.hidden_size, self.intermediate_size);
        let dense =
            |n_in, n_out, has_bias, name: &str| linear_b(n_in, n_out, has_bias, &weights.pp(name));
        let inward = dense(size, 3 * size, self.attention_bias, "attn.Wqkv")?;
        let outward = dense(size, size, self.attention_bias, "attn.Wo")?;
        let both = dense(size, 2 * inner_size, self.mlp_bias, "mlp.Wi")?;
        // What the first layer is given was normalized when it was embedded.
        let is_first = layer == 0;
        let attention_norm = (!is_first).then(|| self.norm(weights.pp("attn_norm"))).transpose()?;
        let projections = Projections::fused(&inward, outward)?;
        Ok(Layer {
            order: Order::First,
            attention_norm,
            attention: Attention::new(projections, self.num_attention_heads)?,
            norm: self.norm(weights.pp("mlp_norm"))?,
            mlp: Mlp {
                inner: both.part(0, inner_size)?,
                gate: Some(both.part(inner_size, inner_size)?),
                activation: self.hidden_activation,
                norm: None,
                outer: dense(inner_size, size, self.mlp_bias, "mlp.Wo")?,
            },
        })
    }
}

#[derive(Debug)]
struct ModernBert {
    words: Embedding,
    norm: LayerNorm,
    layers: Vec<(Reach, Layer)>,
    last_norm: LayerNorm,
    head_size: usize,
    global_theta: f64,
    local_theta: f64,
    /// Tokens to each side that layers of local reach see.
    n_neighbours: usize,
    n_positions: usize,
}

impl ModernBert {
    fn load(config: &Config, weights: &VarBuilder<'_>) -> Result<Self> {
        let weights = weights::inside(weights, "model", "embeddings.tok_embeddings.weight");
        let embeddings = weights.pp("embeddings");
        let words =
            embedding(config.vocab_size, config.hidden_size, embeddings.pp("tok_embeddings"))?;
        let layer = |n| Ok((config.reach(n), config.layer(n, &weights.pp("layers").pp(n))?));
        Ok(Self {
            words,
            norm: config.norm(embeddings.pp("norm"))?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?,
            last_norm: config.norm(weights.pp("final_norm"))?,
            head_size: config.hidden_size / config.num_attention_heads,
            global_theta: config.theta(Reach::Global),
            local_theta: config.theta(Reach::Local),
            n_neighbours: config.local_attention / 2,
            n_positions: config.max_position_embeddings,
        })
    }
}

impl TextModel for ModernBert {
    fn hidden(&self, batch: &TextBatch<'_>) -> Result<Tensor> {
        let n_tokens = batch.n_tokens();
        let rotary = |theta| Rotary::for_text(n_tokens, self.head_size, theta);
        let (global_rotary, local_rotary) = (rotary(self.global_theta)?, rotary(self.local_theta)?);
        let padding = batch.bias()?;
        let near = neighbours(n_tokens, self.n_neighbours)?;
        let near = match &padding {
            Some(padding) => padding.broadcast_add(&near)?,
            None => near,
        };
        let global = Context { bias: padding.as_ref(), rotary: Some(&global_rotary) };
        let local = Context { bias: Some(&near), rotary: Some(&local_rotary) };
        let mut hidden = self.norm.forward(&self.words.forward(&batch.ids()?)?)?;
        for (reach, layer) in &self.layers {
            let context = if *reach == Reach::Global { global } else { local };
            hidden = layer.forward(&hidden, context)?;
        }
        self.last_norm.forward(&hidden)
    }

    fn emit(&self, emitter: &mut Emitter) -> Result<Edge> {
        let ids = emitter.token_ids();
        let words = emitter.weights(self.words.embeddings())?;
        let words = emitter.rows(&words, &ids);
        let mut hidden = emitter.norm(&self.norm, &words)?;
        let n_tokens = emitter.n_tokens(&ids);
        let mut rotary = |theta| {
            let rotary = Rotary::for_text(self.n_positions, self.head_size, theta)?;
            rotary.emit(emitter, Some(&n_tokens))
        };
        let (global_rotary, local_rotary) = (rotary(self.global_theta)?, rotary(self.local_theta)?);
        let padding = emitter.padding();
        let near = self.emit_neighbours(emitter, &n_tokens)?;
        let near = emitter.apply("Add", &[&padding, &near], &[]);
        let global = Surroundings { bias: Some(&padding), rotary: Some(&global_rotary) };
        let local = Surroundings { bias: Some(&near), rotary: Some(&local_rotary) };
        for (reach, layer) in &self.layers {
            let surroundings = if *reach == Reach::Global { global } else { local };
            hidden = layer.emit(emitter, &hidden, surroundings)?;
        }
        emitter.norm(&self.last_norm, &hidden)
    }
}

impl ModernBert {
    /// [`neighbours`] in a graph.
    fn emit_neighbours(&self, emitter: &mut Emitter, n_tokens: &Edge) -> Result<Edge> {
        let positions: Vec<_> = (0..self.n_positions).map(|position| position as f32).collect();
        let positions = emitter.weights(&Tensor::new(positions, &Device::Cpu)?)?;
        let positions = emitter.first(&positions, n_tokens, &[0]);
        let (from, to) = (emitter.unsqueeze(&positions, &[1]), emitter.unsqueeze(&positions, &[0]));
        let apart = emitter.apply("Sub", &[&from, &to], &[]);
        let distance = emitter.apply("Abs", &[&apart], &[]);
        let reach = emitter.number(self.n_neighbours as f32);
        let is_near = emitter.apply("LessOrEqual", &[&distance, &reach], &[]);
        Ok(emitter.mark(&is_near, f32::MIN))
    }
}

/// The lowest number for whatever is further away: `tokens x tokens`. Not infinity, because padding
/// far from every token would see nothing at all, and what it sees must stay a number.
fn neighbours(n_tokens: usize, n_neighbours: usize) -> Result<Tensor> {
    let bias =
        |from: usize, to: usize| if from.abs_diff(to) > n_neighbours { f32::MIN } else { 0.0 };
    let row = |from| (0..n_tokens).map(move |to| bias(from, to));
    let bias: Vec<f32> = (0..n_tokens).flat_map(row).collect();
    Tensor::from_vec(bias, (n_tokens, n_tokens), &Device::Cpu)
}
