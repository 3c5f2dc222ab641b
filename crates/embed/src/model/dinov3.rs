//! DINOv3: a transformer over patches that are told where they are by turning, with registers.
//!
//! Siméoni et al., *DINOv3*, 2025. The numbers are those of `DINOv3ViTModel` in Hugging Face
//! transformers; a picture is its class token, normalized.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use serde::Deserialize;

use super::{
    CONFIG,
    activation::Activation,
    attention::{Attention, Projections},
    encoder::{ImageTower, Towers},
    kernel::{LayerNorm, Linear, layer_norm, linear_b},
    layer::{Layer, Mlp, Order, SCALES, Stack},
    patches::{PatchTokens, Patches},
    rotary::{Places, Rotary, Turning},
    summary::Summary,
    vit::Vit,
};
use crate::{
    folder::ModelFolder,
    image::{Defaults, ImageProcessor, Size},
    open::OpenError,
    weights,
};

/// Reads it from its folder.
pub(super) fn open(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    let config: Config = folder.json(CONFIG)?;
    let processor = ImageProcessor::open(folder, Defaults::DinoV3)?;
    let weights = weights::map(folder)?;
    let model = load(&config, processor.size(), &weights)
        .map_err(|source| OpenError::weights(folder.path(), source))?;
    let tower = ImageTower { processor, model: Box::new(model) };
    Ok(Towers { dimension: config.hidden_size, text: None, image: Some(tower) })
}

/// `config.json`, as far as it bears on the numbers.
#[derive(Debug, Deserialize)]
struct Config {
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    hidden_act: Activation,
    layer_norm_eps: f64,
    patch_size: usize,
    num_register_tokens: usize,
    rope_theta: f64,
    query_bias: bool,
    key_bias: bool,
    value_bias: bool,
    proj_bias: bool,
    mlp_bias: bool,
    use_gated_mlp: bool,
}

impl Config {
    fn norm(&self, weights: VarBuilder<'_>) -> Result<LayerNorm> {
        layer_norm(self.hidden_size, self.layer_norm_eps, weights)
    }

    fn layer(&self, weights: &VarBuilder<'_>) -> Result<Layer> {
        let size = self.hidden_size;
        let attention = weights.pp("attention");
        let square = |has_bias, name: &str| linear_b(size, size, has_bias, &attention.pp(name));
        let projections = Projections {
            query: square(self.query_bias, "q_proj")?,
            key: square(self.key_bias, "k_proj")?,
            value: square(self.value_bias, "v_proj")?,
            output: square(self.proj_bias, "o_proj")?,
        };
        let layer = Layer {
            order: Order::First,
            attention_norm: Some(self.norm(weights.pp("norm1"))?),
            attention: Attention::new(projections, self.num_attention_heads)?,
            norm: self.norm(weights.pp("norm2"))?,
            mlp: self.mlp(&weights.pp("mlp"))?,
        };
        layer.scaled_by(weights, SCALES, size)
    }

    fn mlp(&self, weights: &VarBuilder<'_>) -> Result<Mlp> {
        let (size, inner_size) = (self.hidden_size, self.intermediate_size);
        let inward = |name: &str| -> Result<Linear> {
            linear_b(size, inner_size, self.mlp_bias, &weights.pp(name))
        };
        let (inner, gate) = if self.use_gated_mlp {
            (inward("gate_proj")?, Some(inward("up_proj")?))
        } else {
            (inward("up_proj")?, None)
        };
        let outer = linear_b(inner_size, size, self.mlp_bias, &weights.pp("down_proj"))?;
        Ok(Mlp { inner, gate, activation: self.hidden_act, norm: None, outer })
    }
}

fn load(config: &Config, picture: Size, weights: &VarBuilder<'_>) -> Result<Vit> {
    let (embeddings, size) = (weights.pp("embeddings"), config.hidden_size);
    let patches = Patches::load(&embeddings.pp("patch_embeddings"), size, config.patch_size)?;
    let class = embeddings.get((1, 1, size), "cls_token")?;
    let n_registers = config.num_register_tokens;
    let registers = embeddings.get((1, n_registers, size), "register_tokens")?;
    let head_size = size / config.num_attention_heads.max(1);
    let grid = patches.grid(picture);
    let turning = Turning { theta: config.rope_theta, places: Places::Centres };
    let rotary = Rotary::for_patches(grid, 1 + n_registers, head_size, turning)?;
    let before = Some(Tensor::cat(&[class, registers], 1)?);
    let layers = weights.pp("layer");
    Ok(Vit {
        tokens: PatchTokens { patches, positions: None, before },
        rotary: Some(rotary),
        layers: Stack::of(config.num_hidden_layers, |n| config.layer(&layers.pp(n)))?,
        norm: config.norm(weights.pp("norm"))?,
        summary: Summary::Class,
    })
}
