//! ViT, DINOv2 and ResNet as timm saves them: the same models under other names.
//!
//! Wightman, *PyTorch Image Models*, 2019. The numbers are those of `timm.create_model(..,
//! num_classes=0)`. A configuration gives the name of an architecture and what differs from it; sizes
//! are read off the weights, and what nothing here computes is refused.

mod names;

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use serde::Deserialize;
use serde_json::Value;

use super::{
    CONFIG,
    activation::Activation,
    encoder::{ImageModel, ImageTower, Towers},
    kernel::layer_norm,
    layer::{Layer, Names, Order, Shape, Stack},
    patches::{PatchTokens, Patches},
    resnet::{self, LayerType, ResNet},
    vit::Vit,
};
use crate::{
    folder::ModelFolder,
    image::{ImageProcessor, Size, TimmPreprocessing},
    open::OpenError,
    weights::{
        self,
        renamed::{Source, renamed},
    },
};

/// Reads it from its folder.
pub(super) fn open(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    let config: Config = folder.json(CONFIG)?;
    let family = config.family().map_err(|reason| folder.bad(CONFIG, reason))?;
    let processor = ImageProcessor::of_timm(&config.preprocessing)
        .map_err(|reason| folder.bad(CONFIG, reason))?;
    let weights = weights::map(folder)?;
    let loaded = match family {
        Family::Vit => config.vit(processor.size(), weights),
        Family::ResNet => resnet(weights),
    };
    let (dimension, model) = loaded.map_err(|source| OpenError::weights(folder.path(), source))?;
    Ok(Towers { dimension, text: None, image: Some(ImageTower { processor, model }) })
}

/// A model, and the number of coordinates that come out of it.
type Loaded = (usize, Box<dyn ImageModel>);

/// The architectures that are read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Vit,
    ResNet,
}

const RESNETS: [&str; 5] = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"];

/// `config.json`, as far as it bears on the numbers.
#[derive(Debug, Deserialize)]
struct Config {
    architecture: String,
    /// How hidden states become one vector; none where it is as usual.
    global_pool: Option<String>,
    #[serde(rename = "pretrained_cfg")]
    preprocessing: TimmPreprocessing,
    /// What differs from the architecture of that name.
    #[serde(default)]
    model_args: BTreeMap<String, Value>,
}

/// What may differ: sizes, which the weights tell, too.
const ARGUMENTS: [&str; 15] = [
    "block",
    "channels",
    "depth",
    "embed_dim",
    "global_pool",
    "img_size",
    "in_chans",
    "init_values",
    "layers",
    "mlp_ratio",
    "no_embed_class",
    "num_classes",
    "num_heads",
    "patch_size",
    "reg_tokens",
];

impl Config {
    fn family(&self) -> std::result::Result<Family, String> {
        if let Some(name) = self.model_args.keys().find(|name| !ARGUMENTS.contains(&name.as_str()))
        {
            return Err(format!("model_args with {name} are not supported"));
        }
        let name = self.architecture.as_str();
        let others = ["clip", "dinov3", "gap", "rope", "rpn", "siglip", "xp"];
        let is_plain = name.split('_').all(|part| !others.contains(&part));
        let (family, pool) = if RESNETS.contains(&name) {
            (Family::ResNet, "avg")
        } else if name.starts_with("vit_") && name.contains("_patch") && is_plain {
            (Family::Vit, "token")
        } else {
            return Err(format!("timm's {name} is not supported\nhint: export it to ONNX"));
        };
        match self.global_pool.as_deref() {
            Some(other) if other != pool => Err(format!("global_pool {other:?} is not supported")),
            _ => Ok(family),
        }
    }

    /// The attention heads of a transformer: named where it is not a usual one, else known by its width.
    fn n_heads(&self, hidden_size: usize) -> Result<usize> {
        let named = self.model_args.get("num_heads").and_then(Value::as_u64);
        let named = named.and_then(|n_heads| usize::try_from(n_heads).ok());
        let usual = || HEADS.iter().find(|(width, _)| *width == hidden_size).map(|(_, n)| *n);
        match named.or_else(usual) {
            Some(n_heads) => Ok(n_heads),
            None => candle_core::bail!("how many heads a width of {hidden_size} has is not known"),
        }
    }

    fn vit(&self, picture: Size, weights: VarBuilder<'static>) -> Result<Loaded> {
        for changed in ["norm_pre.weight", "fc_norm.weight", "attn_pool.q.weight"] {
            if weights.contains_tensor(changed) {
                candle_core::bail!("a vision transformer with {changed} is not supported")
            }
        }
        let (hidden_size, _, patch_size, _) =
            weights.get_unchecked("patch_embed.proj.weight")?.dims4()?;
        let shape = Shape {
            hidden_size,
            intermediate_size: weights.get_unchecked("blocks.0.mlp.fc1.weight")?.dim(0)?,
            n_layers: count(|n| weights.contains_tensor(&format!("blocks.{n}.norm1.weight"))),
            n_heads: self.n_heads(hidden_size)?,
            activation: Activation::Gelu,
            epsilon: 1e-6,
            order: Order::NormFirst,
        };
        let weights = renamed(weights, |name| Source::renamed(name, &[], "qkv"));
        let patches = Patches::load(&weights.pp("patch_embed.proj"), hidden_size, patch_size)?;
        let tokens = tokens(patches, &shape, picture, &weights)?;
        let layer = |n| {
            let weights = weights.pp("blocks").pp(n);
            let layer = Layer::load(&shape, &NAMES, &weights)?;
            layer.scaled_by(&weights, ["ls1.gamma", "ls2.gamma"], hidden_size)
        };
        let layers = Stack::of(shape.n_layers, layer)?;
        let norm = layer_norm(hidden_size, shape.epsilon, weights.pp("norm"))?;
        Ok((hidden_size, Box::new(Vit { tokens, layers, norm })))
    }
}

/// Widths and their attention heads, from tiny to giant.
const HEADS: [(usize, usize); 8] =
    [(192, 3), (384, 6), (768, 12), (1024, 16), (1280, 16), (1408, 16), (1536, 24), (1664, 16)];

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

/// Where there are registers, the class token has no position, as they have none.
fn tokens(
    patches: Patches,
    shape: &Shape,
    picture: Size,
    weights: &VarBuilder<'_>,
) -> Result<PatchTokens> {
    let size = shape.hidden_size;
    let grid = patches.grid(picture);
    let n_patches = grid.height * grid.width;
    let class = weights.get((1, 1, size), "cls_token")?;
    let (_, n_positions, _) = weights.get_unchecked("pos_embed")?.dims3()?;
    let positions = weights.get((1, n_positions, size), "pos_embed")?.squeeze(0)?;
    let mut before = vec![match n_positions.checked_sub(n_patches) {
        Some(0) => class,
        Some(1) => class.broadcast_add(&positions.narrow(0, 0, 1)?)?,
        _ => candle_core::bail!("{n_positions} positions for {n_patches} patches"),
    }];
    if weights.contains_tensor("reg_token") {
        let (_, n_registers, _) = weights.get_unchecked("reg_token")?.dims3()?;
        before.push(weights.get((1, n_registers, size), "reg_token")?);
    }
    let positions = positions.narrow(0, n_positions - n_patches, n_patches)?;
    Ok(PatchTokens { patches, positions: Some(positions), before: Some(Tensor::cat(&before, 1)?) })
}

fn resnet(weights: VarBuilder<'static>) -> Result<Loaded> {
    let width = |name: &str| weights.get_unchecked(name)?.dim(0);
    let is_there = |name: String| weights.contains_tensor(&name);
    let n_stages = count(|stage| is_there(format!("layer{}.0.conv1.weight", stage + 1)));
    let is_bottleneck = is_there("layer1.0.conv3.weight".to_owned());
    let (layer_type, last) =
        if is_bottleneck { (LayerType::Bottleneck, 3) } else { (LayerType::Basic, 2) };
    let stages = 1..=n_stages;
    let config = resnet::Config {
        embedding_size: width("conv1.weight")?,
        hidden_sizes: stages
            .clone()
            .map(|stage| width(&format!("layer{stage}.0.conv{last}.weight")))
            .collect::<Result<_>>()?,
        depths: stages
            .map(|stage| count(|n| is_there(format!("layer{stage}.{n}.conv1.weight"))))
            .collect(),
        layer_type,
        ..resnet::Config::default()
    };
    let dimension = config.hidden_sizes.last().copied().unwrap_or(0);
    let weights = renamed(weights, names::of_resnet);
    Ok((dimension, Box::new(ResNet::load(&config, &weights)?)))
}

/// How many there are, one after the other from nought on.
fn count(is_there: impl Fn(usize) -> bool) -> usize {
    let mut n = 0;
    while is_there(n) {
        n += 1;
    }
    n
}
