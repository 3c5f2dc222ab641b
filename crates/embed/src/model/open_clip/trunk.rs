//! A tower of timm in OpenCLIP, and what leads from it into the shared space.

use candle_core::{Result, Tensor};
use candle_nn::{Module, VarBuilder};

use crate::{
    image::Size,
    model::{
        activation::Activation,
        batch::ImageBatch,
        emit::{Edge, Emitter},
        encoder::ImageModel,
        kernel::{Linear, linear, linear_b},
        timm::{self, Family, Pool},
    },
};

/// What the weights of a tower do not tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan<'a> {
    pub(super) architecture: &'a str,
    pub(super) family: Family,
    pub(super) pool: Pool,
    pub(super) projection: Projection,
    /// Of attention heads, in towers of no usual width.
    pub(super) head_width: usize,
    /// That of the shared space.
    pub(super) dimension: usize,
}

/// What stands after a tower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Projection {
    /// Nothing.
    None,
    /// The layer that would name classes.
    Classifier,
    /// A layer, with a bias or without.
    Linear { has_bias: bool },
    /// Two layers, the last one with a bias or without.
    Mlp { has_bias: bool },
}

impl Plan<'_> {
    /// Reads it, for pictures of a size, from the weights of the tower with all that stands after it.
    pub(super) fn load(
        &self,
        picture: Size,
        weights: &VarBuilder<'static>,
    ) -> Result<Box<dyn ImageModel>> {
        let (n_seen, trunk) = self.trunk(picture, weights.pp("trunk"))?;
        match self.head(n_seen, weights)? {
            Some(head) => Ok(Box::new(Trunk { trunk, head })),
            None if n_seen == self.dimension => Ok(trunk),
            None => candle_core::bail!(
                "pictures of {n_seen} and texts of {} dimensions share no space",
                self.dimension
            ),
        }
    }

    fn trunk(&self, picture: Size, weights: VarBuilder<'static>) -> Result<timm::Loaded> {
        let Self { architecture, pool, .. } = *self;
        match self.family {
            Family::Transformer(kind) => {
                let width = timm::width(&weights)?;
                let n_heads = kind.usual_heads(width).or(width.checked_div(self.head_width));
                timm::Transformer { architecture, kind, pool, n_heads }.load(picture, weights)
            }
            Family::ConvNext => timm::convnext::load(architecture, &weights),
            Family::ResNet => candle_core::bail!("a {architecture} of timm is not supported"),
        }
    }

    fn head(&self, n_seen: usize, weights: &VarBuilder<'_>) -> Result<Option<Head>> {
        let dimension = self.dimension;
        Ok(match self.projection {
            Projection::None => None,
            Projection::Classifier => {
                let is_convnext = self.family == Family::ConvNext;
                let name = if is_convnext { "trunk.head.fc" } else { "trunk.head" };
                let outer = linear(n_seen, dimension, &weights.pp(name))?;
                Some(Head { inner: None, outer })
            }
            Projection::Linear { has_bias } => {
                let outer = linear_b(n_seen, dimension, has_bias, &weights.pp("head.proj"))?;
                Some(Head { inner: None, outer })
            }
            Projection::Mlp { has_bias } => {
                let (weights, n_inner) = (weights.pp("head.mlp"), 2 * dimension);
                let inner = Some(linear(n_seen, n_inner, &weights.pp("fc1"))?);
                let outer = linear_b(n_inner, dimension, has_bias, &weights.pp("fc2"))?;
                Some(Head { inner, outer })
            }
        })
    }
}

#[derive(Debug)]
struct Trunk {
    trunk: Box<dyn ImageModel>,
    head: Head,
}

#[derive(Debug)]
struct Head {
    inner: Option<Linear>,
    outer: Linear,
}

impl ImageModel for Trunk {
    fn hidden(&self, batch: &ImageBatch<'_>) -> Result<Tensor> {
        self.trunk.hidden(batch)
    }

    fn pool(&self, hidden: &Tensor) -> Result<Tensor> {
        let mut vectors = self.trunk.pool(hidden)?;
        if let Some(inner) = &self.head.inner {
            vectors = inner.forward_through(&vectors, Activation::Gelu)?;
        }
        self.head.outer.forward(&vectors)
    }

    fn emit(&self, emitter: &mut Emitter, pixels: &Edge) -> Result<Edge> {
        let mut vectors = self.trunk.emit(emitter, pixels)?;
        if let Some(inner) = &self.head.inner {
            vectors = inner.emit(emitter, &vectors)?;
            vectors = Activation::Gelu.emit(emitter, &vectors);
        }
        self.head.outer.emit(emitter, &vectors)
    }
}
