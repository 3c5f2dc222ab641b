//! The image tower: a transformer over patches.

use candle_core::{Device, Result, Tensor};
use candle_nn::{LayerNorm, Linear, Module, VarBuilder, layer_norm, linear_no_bias};
use serde::Deserialize;

use super::{Encoder, Shape};
use crate::{image::Size, model::activation::Activation};

/// `vision_config` of `config.json`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct VisionConfig {
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    image_size: usize,
    patch_size: usize,
    hidden_act: Activation,
    layer_norm_eps: f64,
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
        }
    }
}

/// From pixels to the shared space.
#[derive(Debug)]
pub(super) struct VisionTower {
    patches: Patches,
    /// The token that will stand for the whole picture, with its position: `1 x 1 x hidden`.
    class: Tensor,
    /// The positions of the patches: `patches x hidden`.
    positions: Tensor,
    norm_before: LayerNorm,
    encoder: Encoder,
    norm_after: LayerNorm,
    projection: Linear,
}

impl VisionTower {
    pub(super) fn load(
        config: &VisionConfig,
        n_projected: usize,
        weights: &VarBuilder<'_>,
    ) -> Result<Self> {
        let tower = weights.pp("vision_model");
        let embeddings = tower.pp("embeddings");
        let size = config.hidden_size;
        let patches = Patches::load(config, &embeddings.pp("patch_embedding"))?;
        let n_patches = patches.per_side * patches.per_side;
        let positions = embeddings.get((n_patches + 1, size), "position_embedding.weight")?;
        let class = embeddings.get(size, "class_embedding")?;
        let norm = |name: &str| layer_norm(size, config.layer_norm_eps, tower.pp(name));
        Ok(Self {
            patches,
            class: (class + positions.get(0)?)?.reshape((1, 1, size))?,
            positions: positions.narrow(0, 1, n_patches)?,
            // The name is spelt so in every file of weights.
            norm_before: norm("pre_layrnorm")?,
            encoder: Encoder::load(config.shape(), &tower)?,
            norm_after: norm("post_layernorm")?,
            projection: linear_no_bias(size, n_projected, weights.pp("visual_projection"))?,
        })
    }

    /// Pictures of `3 x height x width` each to vectors `pictures x projection`.
    pub(super) fn forward<'a>(&self, images: impl Iterator<Item = &'a [f32]>) -> Result<Tensor> {
        let hidden = self.hidden(images)?;
        let class = hidden.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?;
        self.projection.forward(&self.norm_after.forward(&class)?)
    }

    /// The last hidden states: `pictures x (1 + patches) x hidden`.
    pub(super) fn hidden<'a>(&self, images: impl Iterator<Item = &'a [f32]>) -> Result<Tensor> {
        let patches = self.patches.forward(images)?.broadcast_add(&self.positions)?;
        let class = self.class.expand((patches.dim(0)?, 1, patches.dim(2)?))?;
        let hidden = self.norm_before.forward(&Tensor::cat(&[class, patches], 1)?)?;
        self.encoder.forward(hidden, None)
    }
}

/// Cuts a picture into square patches and projects each: a convolution whose stride is its kernel,
/// done as one matrix product.
#[derive(Debug)]
struct Patches {
    projection: Linear,
    /// Pixels along a side of a picture.
    image_size: usize,
    /// Pixels along a side of a patch.
    size: usize,
    /// Patches along a side of a picture.
    per_side: usize,
}

impl Patches {
    fn load(config: &VisionConfig, weights: &VarBuilder<'_>) -> Result<Self> {
        let (size, image_size) = (config.patch_size, config.image_size);
        if size == 0 || image_size < size {
            candle_core::bail!("patches of {size} pixels in a picture of {image_size}")
        }
        let kernel = weights.get((config.hidden_size, 3, size, size), "weight")?;
        let projection = Linear::new(kernel.flatten_from(1)?, None);
        Ok(Self { projection, image_size, size, per_side: image_size / size })
    }

    /// `pictures x patches x hidden`. What is left over at the right and the bottom is not seen.
    fn forward<'a>(&self, images: impl Iterator<Item = &'a [f32]>) -> Result<Tensor> {
        let mut values = Vec::new();
        let mut n_images = 0;
        for image in images {
            if image.len() != 3 * self.image_size * self.image_size {
                candle_core::bail!("{} values are no picture of the model's size", image.len())
            }
            self.push_patches(image, &mut values);
            n_images += 1;
        }
        let shape = (n_images, self.per_side * self.per_side, 3 * self.size * self.size);
        self.projection.forward(&Tensor::from_vec(values, shape, &Device::Cpu)?)
    }

    fn push_patches(&self, image: &[f32], values: &mut Vec<f32>) {
        let side = self.image_size;
        for top in (0..self.per_side).map(|patch| patch * self.size) {
            for left in (0..self.per_side).map(|patch| patch * self.size) {
                for channel in image.chunks_exact(side * side) {
                    let rows = channel.chunks_exact(side).skip(top).take(self.size);
                    rows.for_each(|row| values.extend(&row[left..left + self.size]));
                }
            }
        }
    }
}
