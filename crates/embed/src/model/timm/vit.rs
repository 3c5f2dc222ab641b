//! The transformers of timm that differ from those of transformers by their names: ViT, DINOv2 and SigLIP.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use super::{Kind, Pool, Transformer, count, width};
use crate::{
    image::Size,
    model::{
        activation::Activation,
        attention::Projections,
        head::{Glance, Head},
        kernel::{layer_norm, linear},
        layer::{Layer, Mlp, Names, Order, Shape, Stack},
        patches::{PatchTokens, Patches},
        summary::Summary,
        vit::Vit,
    },
    weights::renamed::{Source, renamed},
};

/// Queries, keys and values are one tensor.
const NAMES: Names = Names {
    query: "attn.{query}",
    key: "attn.{key}",
    value: "attn.{value}",
    output: "attn.proj",
    attention_norm: "norm1",
    inner: "mlp.fc1",
    outer: "mlp.fc2",
    norm: "norm2",
};

pub(super) fn load(
    transformer: &Transformer<'_>,
    picture: Size,
    weights: VarBuilder<'static>,
) -> Result<Vit> {
    let (shape, is_gated) = shape(transformer, &weights)?;
    let size = shape.hidden_size;
    let (_, _, patch_size, _) = weights.get_unchecked("patch_embed.proj.weight")?.dims4()?;
    let weights = renamed(weights, |name| Source::renamed(name, &[], "qkv"));
    let patches = Patches::load(&weights.pp("patch_embed.proj"), size, patch_size)?;
    let tokens = tokens(patches, size, picture, &weights)?;
    let layer = |n| {
        let weights = weights.pp("blocks").pp(n);
        let names = [NAMES.inner, NAMES.outer];
        let mlp = if is_gated {
            Mlp::load_gated(&shape, names, &weights)?
        } else {
            Mlp::load(&shape, names, &weights)?
        };
        let layer = Layer::with_mlp(&shape, &NAMES, &weights, mlp)?;
        layer.scaled_by(&weights, ["ls1.gamma", "ls2.gamma"], size)
    };
    let summary = match transformer.pool {
        Pool::Token => Summary::Class,
        Pool::Mean => Summary::Mean { n_before: 0 },
        Pool::Map => Summary::Head(Box::new(head(&shape, &weights.pp("attn_pool"))?)),
    };
    let layers = Stack::of(shape.n_layers, layer)?;
    let norm = layer_norm(size, shape.epsilon, weights.pp("norm"))?;
    Ok(Vit { tokens, rotary: None, layers, norm, summary })
}

/// The sizes of a transformer, and whether its layers have a gate, by which the inner size is one half of what
/// stands in a matrix.
fn shape(transformer: &Transformer<'_>, weights: &VarBuilder<'_>) -> Result<(Shape, bool)> {
    let hidden_size = width(weights)?;
    let n_inward = weights.get_unchecked("blocks.0.mlp.fc1.weight")?.dim(0)?;
    let intermediate_size = weights.get_unchecked("blocks.0.mlp.fc2.weight")?.dim(1)?;
    let shape = Shape {
        hidden_size,
        intermediate_size,
        n_layers: count(|n| weights.contains_tensor(&format!("blocks.{n}.norm1.weight"))),
        n_heads: transformer.heads(hidden_size)?,
        activation: activation(transformer),
        epsilon: 1e-6,
        order: Order::First,
    };
    Ok((shape, n_inward == 2 * intermediate_size))
}

/// Of `siglip`, timm approximates it in the architectures that it had last, as all did that were trained.
fn activation(transformer: &Transformer<'_>) -> Activation {
    const APPROXIMATED: [&str; 4] = [
        "vit_base_patch32_siglip",
        "vit_giantopt_patch16_siglip",
        "vit_large_patch16_siglip_512",
        "vit_so400m_patch16_siglip",
    ];
    let name = transformer.architecture.replace("_gap", "");
    let is_approximated = APPROXIMATED.iter().any(|start| name.starts_with(start));
    if transformer.kind == Kind::Siglip && is_approximated {
        Activation::GeluNew
    } else {
        Activation::Gelu
    }
}

/// SigLIP has no class token, DINOv3 no positions. Where there are registers, the class token has no position, as they
/// have none.
pub(super) fn tokens(
    patches: Patches,
    size: usize,
    picture: Size,
    weights: &VarBuilder<'_>,
) -> Result<PatchTokens> {
    let mut before = Vec::new();
    if weights.contains_tensor("cls_token") {
        before.push(weights.get((1, 1, size), "cls_token")?);
    }
    let (of_class, positions) = positions(patches.grid(picture), size, weights)?;
    match (of_class, before.first_mut()) {
        (None, _) => {}
        (Some(position), Some(class)) => *class = class.broadcast_add(&position)?,
        (Some(_), None) => candle_core::bail!("a position of no class token"),
    }
    if weights.contains_tensor("reg_token") {
        let (_, n_registers, _) = weights.get_unchecked("reg_token")?.dims3()?;
        before.push(weights.get((1, n_registers, size), "reg_token")?);
    }
    let before = (!before.is_empty()).then(|| Tensor::cat(&before, 1)).transpose()?;
    Ok(PatchTokens { patches, positions, before })
}

/// The position of the class token and those of patches, where they have any.
fn positions(
    grid: Size,
    size: usize,
    weights: &VarBuilder<'_>,
) -> Result<(Option<Tensor>, Option<Tensor>)> {
    if !weights.contains_tensor("pos_embed") {
        return Ok((None, None));
    }
    let n_patches = grid.height * grid.width;
    let (_, n_positions, _) = weights.get_unchecked("pos_embed")?.dims3()?;
    let positions = weights.get((1, n_positions, size), "pos_embed")?.squeeze(0)?;
    match n_positions.checked_sub(n_patches) {
        Some(0) => Ok((None, Some(positions))),
        Some(1) => {
            let of_patches = positions.narrow(0, 1, n_patches)?;
            Ok((Some(positions.narrow(0, 0, 1)?), Some(of_patches)))
        }
        _ => candle_core::bail!("{n_positions} positions for {n_patches} patches"),
    }
}

/// Attention with a query that was learnt, whose keys and values are one tensor.
fn head(shape: &Shape, weights: &VarBuilder<'_>) -> Result<Head> {
    let size = shape.hidden_size;
    let both = linear(size, 2 * size, &weights.pp("kv"))?;
    let projections = Projections {
        query: linear(size, size, &weights.pp("q"))?,
        key: both.part(0, size)?,
        value: both.part(size, size)?,
        output: linear(size, size, &weights.pp("proj"))?,
    };
    let glance = Glance::new(projections, shape.n_heads)?;
    let norm = layer_norm(size, shape.epsilon, weights.pp("norm"))?;
    let mlp = Mlp::load(shape, ["mlp.fc1", "mlp.fc2"], weights)?;
    Head::new(&weights.get((1, 1, size), "latent")?, glance, norm, mlp)
}
