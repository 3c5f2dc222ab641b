//! ViT, DINOv2, DINOv3, EVA, SigLIP, ResNet and ConvNeXt as timm saves them: the same models under other names.
//!
//! Wightman, *PyTorch Image Models*, 2019. The numbers are those of `timm.create_model(..,
//! num_classes=0)`. A configuration gives the name of an architecture and what differs from it; sizes
//! are read off the weights, and what nothing here computes is refused.

pub(super) mod convnext;
mod eva;
pub(super) mod names;
mod vit;

use std::collections::BTreeMap;

use candle_core::Result;
use candle_nn::VarBuilder;
use serde::Deserialize;
use serde_json::Value;

use super::{
    CONFIG,
    encoder::{ImageModel, ImageTower, Towers},
    resnet::{self, LayerType, ResNet},
};
use crate::{
    folder::ModelFolder,
    image::{ImageProcessor, Size, TimmPreprocessing},
    open::OpenError,
    weights::{self, renamed::renamed},
};

/// Reads it from its folder.
pub(super) fn open(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    let config: Config = folder.json(CONFIG)?;
    let (family, pool) = config.check().map_err(|reason| folder.bad(CONFIG, reason))?;
    let processor = ImageProcessor::of_timm(&config.preprocessing)
        .map_err(|reason| folder.bad(CONFIG, reason))?;
    let weights = weights::map(folder)?;
    let picture = processor.size();
    let loaded = match family {
        Family::ResNet => resnet(weights),
        Family::ConvNext => convnext::load(&config.architecture, &weights),
        Family::Transformer(kind) => {
            let architecture = &config.architecture;
            let n_heads = config.n_heads();
            Transformer { architecture, kind, pool, n_heads }.load(picture, weights)
        }
    };
    let (dimension, model) = loaded.map_err(|source| OpenError::weights(folder.path(), source))?;
    Ok(Towers { dimension, text: None, image: Some(ImageTower { processor, model }) })
}

/// A model, and the number of coordinates that come out of it.
pub(super) type Loaded = (usize, Box<dyn ImageModel>);

/// The architectures that are read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Transformer(Kind),
    ResNet,
    ConvNext,
}

/// The transformers among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Vit,
    Siglip,
    DinoV3,
    Eva,
}

/// How hidden states become one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pool {
    Token,
    Mean,
    Map,
}

const CONVNEXTS: [&str; 6] = ["tiny", "small", "base", "large", "xlarge", "xxlarge"];

const RESNETS: [&str; 5] = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"];

impl Family {
    /// The family of an architecture, by its name.
    pub(super) fn of(name: &str) -> Option<Self> {
        let has = |part: &str| name.split('_').any(|found| found == part);
        let has_patches = name.contains("_patch");
        let convnext = name.strip_prefix("convnext_").and_then(|sizes| sizes.split('_').next());
        let others = ["clip", "rope", "rpn", "xp"];
        if RESNETS.contains(&name) {
            Some(Self::ResNet)
        } else if convnext.is_some_and(|size| CONVNEXTS.contains(&size)) {
            (!has("hnf") && !has("mlp")).then_some(Self::ConvNext)
        } else if (name.starts_with("eva_") || name.starts_with("eva02_")) && has_patches {
            Some(Self::Transformer(Kind::Eva))
        } else if !name.starts_with("vit_") || !has_patches || others.iter().any(|o| has(o)) {
            None
        } else if has("dinov3") {
            Some(Self::Transformer(Kind::DinoV3))
        } else if has("siglip") {
            Some(Self::Transformer(Kind::Siglip))
        } else {
            (!has("gap")).then_some(Self::Transformer(Kind::Vit))
        }
    }

    /// How the hidden states of an architecture become one vector, by timm's names: the usual way, or one that is asked
    /// for. None where that is not done here.
    pub(super) fn pool(self, name: &str, asked: Option<&str>) -> Option<Pool> {
        let mut pools = self.pools(name).iter();
        let found = match asked {
            None => pools.next(),
            Some(asked) => pools.find(|(name, _)| *name == asked),
        };
        found.map(|(_, pool)| *pool)
    }

    /// How its hidden states may become one vector, by timm's names; the usual way first.
    fn pools(self, name: &str) -> &'static [(&'static str, Pool)] {
        match self {
            Self::ResNet | Self::ConvNext => &[("avg", Pool::Mean)],
            Self::Transformer(Kind::Vit | Kind::Eva) => &[("token", Pool::Token)],
            Self::Transformer(Kind::DinoV3) => &[("avg", Pool::Mean), ("token", Pool::Token)],
            Self::Transformer(Kind::Siglip) if name.contains("_gap_") => &[("avg", Pool::Mean)],
            Self::Transformer(Kind::Siglip) => &[("map", Pool::Map)],
        }
    }
}

impl Kind {
    /// Widths and their attention heads, as published models have them.
    pub(super) fn usual_heads(self, hidden_size: usize) -> Option<usize> {
        let known: &[(usize, usize)] = match self {
            Self::Vit => &[
                (192, 3),
                (384, 6),
                (768, 12),
                (1024, 16),
                (1280, 16),
                (1408, 16),
                (1536, 24),
                (1664, 16),
            ],
            Self::Eva => &[(192, 3), (384, 6), (768, 12), (1024, 16), (1408, 16), (1792, 16)],
            Self::Siglip => &[(768, 12), (1024, 16), (1152, 16), (1536, 16)],
            Self::DinoV3 => &[(192, 3), (384, 6), (768, 12), (1024, 16), (1280, 20), (4096, 32)],
        };
        known.iter().find(|(width, _)| *width == hidden_size).map(|(_, n_heads)| *n_heads)
    }
}

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
const ARGUMENTS: [&str; 18] = [
    "block",
    "channels",
    "depth",
    "depths",
    "dims",
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
    "num_reg_tokens",
    "patch_size",
    "reg_tokens",
];

impl Config {
    fn check(&self) -> std::result::Result<(Family, Pool), String> {
        if let Some(name) = self.model_args.keys().find(|name| !ARGUMENTS.contains(&name.as_str()))
        {
            return Err(format!("model_args with {name} are not supported"));
        }
        let name = self.architecture.as_str();
        let family = Family::of(name);
        let family = family
            .ok_or_else(|| format!("timm's {name} is not supported\nhint: export it to ONNX"))?;
        let argument = || self.model_args.get("global_pool").and_then(Value::as_str);
        match family.pool(name, self.global_pool.as_deref().or_else(argument)) {
            Some(pool) => Ok((family, pool)),
            None => Err(format!("global_pool {:?} is not supported", self.global_pool)),
        }
    }

    /// The attention heads of a transformer, where it does not have the usual ones.
    fn n_heads(&self) -> Option<usize> {
        let named = self.model_args.get("num_heads").and_then(Value::as_u64);
        named.and_then(|n_heads| usize::try_from(n_heads).ok())
    }
}

/// What the weights of a transformer do not tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transformer<'a> {
    pub(super) architecture: &'a str,
    pub(super) kind: Kind,
    pub(super) pool: Pool,
    /// None where they are the usual ones.
    pub(super) n_heads: Option<usize>,
}

impl Transformer<'_> {
    /// Loads it for pictures of a size.
    pub(super) fn load(&self, picture: Size, weights: VarBuilder<'static>) -> Result<Loaded> {
        for changed in ["norm_pre.weight", "fc_norm.weight", "blocks.0.attn.q_norm.weight"] {
            if weights.contains_tensor(changed) {
                candle_core::bail!("a vision transformer with {changed} is not supported")
            }
        }
        // Those of DINOv3 turn instead; what else there is in their place is not known here.
        let has_positions = weights.contains_tensor("pos_embed");
        if has_positions == (self.kind == Kind::DinoV3) {
            candle_core::bail!("a vision transformer with other positions is not supported")
        }
        let hidden_size = width(&weights)?;
        let model = match self.kind {
            Kind::DinoV3 | Kind::Eva => eva::load(self, picture, weights)?,
            Kind::Vit | Kind::Siglip => vit::load(self, picture, weights)?,
        };
        Ok((hidden_size, Box::new(model)))
    }

    fn heads(&self, hidden_size: usize) -> Result<usize> {
        match self.n_heads.or_else(|| self.kind.usual_heads(hidden_size)) {
            Some(n_heads) => Ok(n_heads),
            None => candle_core::bail!("how many heads a width of {hidden_size} has is not known"),
        }
    }
}

/// The width of a transformer, which its weights tell.
pub(super) fn width(weights: &VarBuilder<'_>) -> Result<usize> {
    weights.get_unchecked("patch_embed.proj.weight")?.dim(0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_architecture_is_known_by_its_name() {
        let transformer = |kind| Some(Family::Transformer(kind));
        for (name, family) in [
            ("vit_small_patch16_dinov3_qkvb", transformer(Kind::DinoV3)),
            ("vit_so400m_patch14_siglip_gap_378", transformer(Kind::Siglip)),
            ("vit_giant_patch14_reg4_dinov2", transformer(Kind::Vit)),
            ("resnet101", Some(Family::ResNet)),
            ("convnext_base", Some(Family::ConvNext)),
            ("convnext_large_mlp", None),
            ("convnext_atto_ols", None),
            ("convnextv2_base", None),
            ("eva02_large_patch14_clip_336", transformer(Kind::Eva)),
            ("eva_giant_patch14_224", transformer(Kind::Eva)),
            ("vit_base_patch32_clip_224", None),
            ("vit_base_patch16_rope_reg1_gap_256", None),
            ("vit_medium_patch16_gap_256", None),
            ("naflexvit_base_patch16_siglip", None),
        ] {
            assert_eq!(Family::of(name), family, "{name}");
        }
    }
}
