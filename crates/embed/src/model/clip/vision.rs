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
        head::Query,
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
            order: Order::First,
        }
    }
}

/// In what the towers of some models differ.
#[derive(Clone, Copy, Debug)]
pub(in crate::model) struct Manner {
    /// Whether hidden states are normalized before the first layer.
    pub(in crate::model) has_norm_before: bool,
    pub(in crate::model) pooling: Pooling,
}

/// What stands for a picture before it is normalized and projected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Pooling {
    /// The class token.
    Class,
    /// The mean of the patches.
    Mean,
    /// What a query of its own sees through so many heads, in the size of the shared space.
    Query { n_heads: usize },
}

/// That of CLIP.
impl Default for Manner {
    fn default() -> Self {
        Self { has_norm_before: true, pooling: Pooling::Class }
    }
}

/// From pixels to the shared space.
#[derive(Debug)]
pub(in crate::model) struct Vision {
    tokens: PatchTokens,
    norm_before: Option<LayerNorm>,
    layers: Stack,
    seen: Seen,
    norm_after: LayerNorm,
    projection: Linear,
}

/// What stands for a picture.
#[derive(Debug)]
enum Seen {
    Class,
    Mean,
    Query(Box<Query>),
}

impl Vision {
    pub(in crate::model) fn load(
        config: &VisionConfig,
        manner: Manner,
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
        let norm = |size, name: &str| layer_norm(size, config.layer_norm_eps, tower.pp(name));
        // The name is spelt so in every file of weights.
        let norm_before = manner.has_norm_before.then(|| norm(size, "pre_layrnorm"));
        let (seen, n_seen) = match manner.pooling {
            Pooling::Class => (Seen::Class, size),
            Pooling::Mean => (Seen::Mean, size),
            Pooling::Query { n_heads } => {
                let query = Query::load([size, n_projected], n_heads, &tower.pp("attn_pool"))?;
                (Seen::Query(Box::new(query)), n_projected)
            }
        };
        Ok(Self {
            tokens: PatchTokens {
                patches,
                positions: Some(positions.narrow(0, 1, n_patches)?),
                before: Some(class.reshape((1, 1, size))?),
            },
            norm_before: norm_before.transpose()?,
            layers: Stack::load(&config.shape(), &NAMES, &tower.pp("encoder.layers"))?,
            seen,
            norm_after: norm(n_seen, "post_layernorm")?,
            projection: linear_no_bias(n_seen, n_projected, &weights.pp("visual_projection"))?,
        })
    }
}

impl ImageModel for Vision {
    /// `pictures x (1 + patches) x hidden`.
    fn hidden(&self, batch: &ImageBatch<'_>) -> Result<Tensor> {
        let mut hidden = self.tokens.forward(batch)?;
        if let Some(norm) = &self.norm_before {
            hidden = norm.forward(&hidden)?;
        }
        self.layers.forward(hidden, Context::default())
    }

    fn pool(&self, hidden: &Tensor) -> Result<Tensor> {
        let seen = match &self.seen {
            Seen::Class => hidden.narrow(1, 0, 1)?.squeeze(1)?,
            Seen::Mean => hidden.narrow(1, 1, hidden.dim(1)? - 1)?.mean(1)?,
            Seen::Query(query) => query.forward(hidden)?,
        };
        self.projection.forward(&self.norm_after.forward(&seen)?)
    }

    fn emit(&self, emitter: &mut Emitter, pixels: &Edge) -> Result<Edge> {
        let tokens = self.tokens.emit(emitter, pixels)?;
        let hidden = match &self.norm_before {
            Some(norm) => emitter.norm(norm, &tokens)?,
            None => tokens,
        };
        let hidden = self.layers.emit(emitter, hidden, Surroundings::default())?;
        let seen = match &self.seen {
            Seen::Class => emitter.pick(&hidden, 0, 1),
            Seen::Mean => {
                let patches = emitter.rest(&hidden, 1, 1);
                emitter.mean(&patches, 1, false)
            }
            Seen::Query(query) => query.emit(emitter, &hidden)?,
        };
        let seen = emitter.norm(&self.norm_after, &seen)?;
        self.projection.emit(emitter, &seen)
    }
}
