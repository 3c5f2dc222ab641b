//! The image tower: a transformer over patches.

use candle_core::{Result, Tensor};
use candle_nn::{Module, VarBuilder};
use serde::Deserialize;

use super::NAMES;
use crate::{
    image::Size,
    model::{
        activation::Activation,
        attention::Context,
        batch::ImageBatch,
        emit::{Edge, Emitter, Surroundings},
        encoder::ImageModel,
        kernel::{LayerNorm, Linear, layer_norm, linear_no_bias},
        layer::{Order, Shape, Stack},
        patches::{PatchTokens, Patches},
    },
};

/// `vision_config` of `config.json`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(in crate::model) struct VisionConfig {
    pub(in crate::model) hidden_size: usize,
    pub(in crate::model) intermediate_size: usize,
    pub(in crate::model) num_hidden_layers: usize,
    pub(in crate::model) num_attention_heads: usize,
    pub(in crate::model) image_size: usize,
    pub(in crate::model) patch_size: usize,
    pub(in crate::model) hidden_act: Activation,
    pub(in crate::model) layer_norm_eps: f64,
}

impl Default for VisionConfig {
    fn default() -> Self {
        Self {
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            image_size: 224,
            patch_size: 32,
            hidden_act: Activation::QuickGelu,
            layer_norm_eps: 1e-5,
        }
    }
}

impl VisionConfig {
    /// The size of the pictures that it takes.
    pub(super) fn size(&self) -> Size {
        Size { height: self.image_size, width: self.image_size }
    }

    fn shape(&self) -> Shape {
        Shape {
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            n_layers: self.num_hidden_layers,
            n_heads: self.num_attention_heads,
            activation: self.hidden_act,
            epsilon: self.layer_norm_eps,
            order: Order::NormFirst,
        }
    }
}

/// From pixels to the shared space.
#[derive(Debug)]
pub(in crate::model) struct Vision {
    tokens: PatchTokens,
    norm_before: LayerNorm,
    layers: Stack,
    norm_after: LayerNorm,
    projection: Linear,
}

impl Vision {
    pub(in crate::model) fn load(
        config: &VisionConfig,
        n_projected: usize,
        weights: &VarBuilder<'_>,
    ) -> Result<Self> {
        let tower = weights.pp("vision_model");
        let embeddings = tower.pp("embeddings");
        let size = config.hidden_size;
        let patches = Patches::load(&embeddings.pp("patch_embedding"), size, config.patch_size)?;
        let grid = patches.grid(config.size());
        let n_patches = grid.height * grid.width;
        let positions = embeddings.get((n_patches + 1, size), "position_embedding.weight")?;
        let class = (embeddings.get(size, "class_embedding")? + positions.get(0)?)?;
        let norm = |name: &str| layer_norm(size, config.layer_norm_eps, tower.pp(name));
        Ok(Self {
            tokens: PatchTokens {
                patches,
                positions: Some(positions.narrow(0, 1, n_patches)?),
                before: Some(class.reshape((1, 1, size))?),
            },
            // The name is spelt so in every file of weights.
            norm_before: norm("pre_layrnorm")?,
            layers: Stack::load(&config.shape(), &NAMES, &tower.pp("encoder.layers"))?,
            norm_after: norm("post_layernorm")?,
            projection: linear_no_bias(size, n_projected, &weights.pp("visual_projection"))?,
        })
    }
}

impl ImageModel for Vision {
    /// `pictures x (1 + patches) x hidden`.
    fn hidden(&self, batch: &ImageBatch<'_>) -> Result<Tensor> {
        let hidden = self.norm_before.forward(&self.tokens.forward(batch)?)?;
        self.layers.forward(hidden, Context::default())
    }

    fn pool(&self, hidden: &Tensor) -> Result<Tensor> {
        let class = hidden.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?;
        self.projection.forward(&self.norm_after.forward(&class)?)
    }

    fn emit(&self, emitter: &mut Emitter, pixels: &Edge) -> Result<Edge> {
        let tokens = self.tokens.emit(emitter, pixels)?;
        let hidden = emitter.norm(&self.norm_before, &tokens)?;
        let hidden = self.layers.emit(emitter, hidden, Surroundings::default())?;
        let class = emitter.pick(&hidden, 0, 1);
        let class = emitter.norm(&self.norm_after, &class)?;
        self.projection.emit(emitter, &class)
    }
}
