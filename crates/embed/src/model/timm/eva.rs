//! EVA, of which timm keeps DINOv3 as a kind: patches may turn, steps may be normalized within.
//!
//! Fang et al., *EVA: Exploring the Limits of Masked Visual Representation Learning at Scale*, 2022, and *EVA-02: A
//! Visual Representation for Neon Genesis*, 2023; Sun et al., *EVA-CLIP*, 2023; Siméoni et al., *DINOv3*, 2025. The
//! numbers are those of `timm.models.eva.Eva`.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use super::{Kind, Pool, Transformer, count, vit::tokens, width};
use crate::{
    image::Size,
    model::{
        activation::Activation,
        attention::{Attention, Projections},
        kernel::{LayerNorm, Linear, Precision, layer_norm, linear, linear_b},
        layer::{Layer, Mlp, Order, Shape, Stack},
        patches::Patches,
        rotary::{Places, Rotary, Turning, neighbours_apart},
        summary::Summary,
        vit::Vit,
    },
    weights::renamed::{Source, renamed},
};

/// How the patches of EVA-02 turn, whatever the size of pictures: as those of the first ones did, 16 by 16.
const EVA02: Turning = Turning { theta: 10_000.0, places: Places::Numbers { n_trained: 16 } };

/// How those of DINOv3 turn.
const DINOV3: Turning = Turning { theta: 100.0, places: Places::Centres };

pub(super) fn load(
    transformer: &Transformer<'_>,
    picture: Size,
    weights: VarBuilder<'static>,
) -> Result<Vit> {
    let weights = taken_apart(weights);
    let eva = Eva { turning: turning(transformer), shape: shape(transformer, &weights)? };
    let size = eva.shape.hidden_size;
    let (_, _, patch_size, _) = weights.get_unchecked("patch_embed.proj.weight")?.dims4()?;
    let patches = Patches::load(&weights.pp("patch_embed.proj"), size, patch_size)?;
    let grid = patches.grid(picture);
    let tokens = tokens(patches, size, picture, &weights)?;
    let n_before = tokens.before.as_ref().map_or(Ok(0), |before| before.dim(1))?;
    let head_size = size / eva.shape.n_heads.max(1);
    let rotary = |turning| Rotary::for_patches(grid, n_before, head_size, turning);
    Ok(Vit {
        tokens,
        rotary: eva.turning.map(rotary).transpose()?,
        layers: Stack::of(eva.shape.n_layers, |n| eva.layer(&weights.pp("blocks").pp(n)))?,
        norm: eva.norm(size, weights.pp("norm"))?,
        summary: match transformer.pool {
            Pool::Mean => Summary::Mean { n_before },
            Pool::Token | Pool::Map => Summary::Class,
        },
    })
}

/// Weights in which queries, keys and values may be one tensor, by the names of those in which they are three.
fn taken_apart(weights: VarBuilder<'static>) -> VarBuilder<'static> {
    const NAMES: [(&str, &str); 6] = [
        ("q_proj.bias", "q_bias"),
        ("k_proj.bias", "k_bias"),
        ("v_proj.bias", "v_bias"),
        ("q_proj.", "{query}."),
        ("k_proj.", "{key}."),
        ("v_proj.", "{value}."),
    ];
    if !weights.contains_tensor("blocks.0.attn.qkv.weight") {
        return weights;
    }
    renamed(weights, |name| Source::renamed(name, &NAMES, "qkv"))
}

/// How patches turn, where they do.
fn turning(transformer: &Transformer<'_>) -> Option<Turning> {
    if transformer.kind == Kind::DinoV3 {
        return Some(DINOV3);
    }
    let is_second = transformer.architecture.starts_with("eva02_");
    (is_second && !is_enormous(transformer)).then_some(EVA02)
}

/// The largest EVA-02 is as the first EVA was, but for where it normalizes.
fn is_enormous(transformer: &Transformer<'_>) -> bool {
    transformer.architecture.starts_with("eva02_enormous_")
}

fn shape(transformer: &Transformer<'_>, weights: &VarBuilder<'_>) -> Result<Shape> {
    let hidden_size = width(weights)?;
    Ok(Shape {
        hidden_size,
        intermediate_size: weights.get_unchecked("blocks.0.mlp.fc2.weight")?.dim(1)?,
        n_layers: count(|n| weights.contains_tensor(&format!("blocks.{n}.norm1.weight"))),
        n_heads: transformer.heads(hidden_size)?,
        activation: Activation::Gelu,
        epsilon: if transformer.kind == Kind::DinoV3 { 1e-5 } else { 1e-6 },
        order: if is_enormous(transformer) { Order::Change } else { Order::First },
    })
}

/// What its layers are read by.
struct Eva {
    turning: Option<Turning>,
    shape: Shape,
}

impl Eva {
    fn layer(&self, weights: &VarBuilder<'_>) -> Result<Layer> {
        let (shape, attention) = (&self.shape, weights.pp("attn"));
        let size = shape.hidden_size;
        let inner_norm = self.inner_norm(size, &attention)?;
        let attention = Attention::new(self.projections(&attention)?, shape.n_heads)?;
        let layer = Layer {
            order: shape.order,
            attention_norm: Some(self.norm(size, weights.pp("norm1"))?),
            attention: attention.normed(inner_norm),
            norm: self.norm(size, weights.pp("norm2"))?,
            mlp: self.mlp(&weights.pp("mlp"))?,
        };
        layer.scaled_by(weights, ["gamma_1", "gamma_2"], size)
    }

    fn norm(&self, size: usize, weights: VarBuilder<'_>) -> Result<LayerNorm> {
        layer_norm(size, self.shape.epsilon, weights)
    }

    /// The norm of what goes into the last layer of a step, where there is one.
    fn inner_norm(&self, size: usize, weights: &VarBuilder<'_>) -> Result<Option<LayerNorm>> {
        let has_norm = weights.contains_tensor("norm.weight");
        has_norm.then(|| self.norm(size, weights.pp("norm"))).transpose()
    }

    fn projections(&self, weights: &VarBuilder<'_>) -> Result<Projections> {
        let size = self.shape.hidden_size;
        Ok(Projections {
            query: self.turned("q_proj", weights)?,
            key: self.turned("k_proj", weights)?,
            value: with_or_without_bias(size, &weights.pp("v_proj"))?,
            output: linear(size, size, &weights.pp("proj"))?,
        })
    }

    /// Queries or keys, which turn by halves of a head in DINOv3, by neighbours in others.
    fn turned(&self, name: &str, weights: &VarBuilder<'_>) -> Result<Linear> {
        let layer = with_or_without_bias(self.shape.hidden_size, &weights.pp(name))?;
        match self.turning {
            Some(Turning { places: Places::Numbers { .. }, .. }) => {
                let apart = |rows: &Tensor| neighbours_apart(rows, self.shape.n_heads);
                let bias = layer.bias.as_ref().map(apart).transpose()?;
                Linear::new(&apart(&layer.weight()?)?, bias, Precision::of(weights))
            }
            _ => Ok(layer),
        }
    }

    /// Some have a gate, behind the inner layer in one matrix with it or by itself.
    fn mlp(&self, weights: &VarBuilder<'_>) -> Result<Mlp> {
        let shape = &self.shape;
        let (size, inner_size) = (shape.hidden_size, shape.intermediate_size);
        let mlp = if weights.contains_tensor("fc1_g.weight") {
            let values = linear(size, inner_size, &weights.pp("fc1_x"))?;
            let mlp = Mlp::load(shape, ["fc1_g", "fc2"], weights)?;
            Mlp { gate: Some(values), activation: Activation::Silu, ..mlp }
        } else if weights.get_unchecked("fc1.weight")?.dim(0)? == 2 * inner_size {
            Mlp::load_gated(shape, ["fc1", "fc2"], weights)?
        } else {
            Mlp::load(shape, ["fc1", "fc2"], weights)?
        };
        Ok(Mlp { norm: self.inner_norm(inner_size, weights)?, ..mlp })
    }
}

/// Keys have no bias; nor have queries and values, but in files whose architecture says so.
fn with_or_without_bias(size: usize, weights: &VarBuilder<'_>) -> Result<Linear> {
    linear_b(size, size, weights.contains_tensor("bias"), weights)
}
