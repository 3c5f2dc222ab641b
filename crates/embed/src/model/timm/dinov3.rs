//! DINOv3, which timm keeps as a kind of EVA.

use candle_core::{DType, Result, Tensor};
use candle_nn::VarBuilder;

use super::{Pool, Transformer, count, width};
use crate::{
    image::Size,
    model::{
        activation::Activation,
        attention::{Attention, Projections},
        kernel::{Linear, Precision, layer_norm, linear},
        layer::{Layer, Mlp, Order, Shape, Stack},
        patches::{PatchTokens, Patches},
        rotary::Rotary,
        summary::Summary,
        vit::Vit,
    },
};

/// The longest of the periods with which patches turn is nearly so many times the shortest.
const THETA: f64 = 100.0;

pub(super) fn load(
    transformer: &Transformer<'_>,
    picture: Size,
    weights: &VarBuilder<'_>,
) -> Result<Vit> {
    let shape = shape(transformer, weights)?;
    let size = shape.hidden_size;
    let (_, _, patch_size, _) = weights.get_unchecked("patch_embed.proj.weight")?.dims4()?;
    let patches = Patches::load(&weights.pp("patch_embed.proj"), size, patch_size)?;
    let (_, n_registers, _) = weights.get_unchecked("reg_token")?.dims3()?;
    let class = weights.get((1, 1, size), "cls_token")?;
    let registers = weights.get((1, n_registers, size), "reg_token")?;
    let n_before = 1 + n_registers;
    let head_size = size / shape.n_heads.max(1);
    Ok(Vit {
        rotary: Some(Rotary::for_patches(patches.grid(picture), n_before, head_size, THETA)?),
        tokens: PatchTokens {
            patches,
            positions: None,
            before: Some(Tensor::cat(&[class, registers], 1)?),
        },
        layers: Stack::of(shape.n_layers, |n| layer(&shape, &weights.pp("blocks").pp(n)))?,
        norm: layer_norm(size, shape.epsilon, weights.pp("norm"))?,
        summary: match transformer.pool {
            Pool::Mean => Summary::Mean { n_before },
            Pool::Token | Pool::Map => Summary::Class,
        },
    })
}

fn shape(transformer: &Transformer<'_>, weights: &VarBuilder<'_>) -> Result<Shape> {
    let hidden_size = width(weights)?;
    Ok(Shape {
        hidden_size,
        intermediate_size: weights.get_unchecked("blocks.0.mlp.fc2.weight")?.dim(1)?,
        n_layers: count(|n| weights.contains_tensor(&format!("blocks.{n}.norm1.weight"))),
        n_heads: transformer.heads(hidden_size)?,
        activation: Activation::Gelu,
        epsilon: 1e-5,
        order: Order::NormFirst,
    })
}

fn layer(shape: &Shape, weights: &VarBuilder<'_>) -> Result<Layer> {
    let size = shape.hidden_size;
    let norm = |name: &str| layer_norm(size, shape.epsilon, weights.pp(name));
    let layer = Layer {
        order: shape.order,
        attention_norm: Some(norm("norm1")?),
        attention: Attention::new(projections(size, &weights.pp("attn"))?, shape.n_heads)?,
        norm: norm("norm2")?,
        mlp: mlp(shape, &weights.pp("mlp"))?,
    };
    layer.scaled_by(weights, ["gamma_1", "gamma_2"], size)
}

/// Keys have no bias; nor have queries and values, but in files whose architecture says so.
fn projections(size: usize, weights: &VarBuilder<'_>) -> Result<Projections> {
    let bias = weights.contains_tensor("q_bias").then(|| {
        let none = Tensor::zeros(size, DType::F32, weights.device())?;
        Tensor::cat(&[weights.get(size, "q_bias")?, none, weights.get(size, "v_bias")?], 0)
    });
    let inward = weights.get((3 * size, size), "qkv.weight")?;
    let inward = Linear::new(&inward, bias.transpose()?, Precision::of(weights))?;
    Projections::fused(&inward, linear(size, size, &weights.pp("proj"))?)
}

/// The larger ones have a gate.
fn mlp(shape: &Shape, weights: &VarBuilder<'_>) -> Result<Mlp> {
    if !weights.contains_tensor("fc1_g.weight") {
        return Mlp::load(shape, ["fc1", "fc2"], weights);
    }
    let (size, inner_size) = (shape.hidden_size, shape.intermediate_size);
    let values = linear(size, inner_size, &weights.pp("fc1_x"))?;
    let mlp = Mlp::load(shape, ["fc1_g", "fc2"], weights)?;
    Ok(Mlp { gate: Some(values), activation: Activation::Silu, ..mlp })
}
