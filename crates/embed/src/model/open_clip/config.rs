//! `open_clip_config.json`, as far as it bears on the numbers. What files leave out is as OpenCLIP has it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::trunk::{Plan, Projection};
use crate::{
    image::OpenClipPreprocessing,
    model::{
        activation::Activation,
        clip,
        siglip::{self, TowerConfig},
        timm::Family,
    },
    tokenize::Cleaning,
};

#[derive(Debug, Deserialize)]
pub(super) struct Config {
    #[serde(rename = "model_cfg")]
    pub(super) model: Model,
    #[serde(default, rename = "preprocess_cfg")]
    pub(super) preprocessing: OpenClipPreprocessing,
}

/// `model_cfg`.
#[derive(Debug, Deserialize)]
pub(super) struct Model {
    pub(super) embed_dim: usize,
    #[serde(default)]
    quick_gelu: bool,
    #[serde(rename = "vision_cfg")]
    pub(super) vision: Vision,
    #[serde(rename = "text_cfg")]
    pub(super) text: Text,
    #[serde(flatten)]
    others: Others,
}

/// `vision_cfg`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Vision {
    /// In place of all that is named after it, but the size of pictures.
    timm_model_name: Option<String>,
    timm_pool: String,
    timm_proj: Option<String>,
    timm_proj_bias: bool,
    layers: Depth,
    pub(super) width: usize,
    pub(super) head_width: usize,
    mlp_ratio: f64,
    /// None in a ResNet.
    patch_size: Option<usize>,
    pub(super) image_size: usize,
    #[serde(flatten)]
    others: Others,
}

/// How deep a tower for pictures is.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Depth {
    /// A transformer.
    Layers(usize),
    /// A ResNet.
    Stages(Vec<usize>),
}

impl Default for Vision {
    fn default() -> Self {
        Self {
            timm_model_name: None,
            timm_pool: "avg".to_owned(),
            timm_proj: Some("linear".to_owned()),
            timm_proj_bias: false,
            layers: Depth::Layers(12),
            width: 768,
            head_width: 64,
            mlp_ratio: 4.0,
            patch_size: Some(16),
            image_size: 224,
            others: Others::new(),
        }
    }
}

/// `text_cfg`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Text {
    pub(super) context_length: usize,
    vocab_size: usize,
    width: usize,
    heads: usize,
    layers: usize,
    mlp_ratio: f64,
    no_causal_mask: bool,
    pool_type: String,
    proj_bias: bool,
    act_kwargs: Option<ActivationArguments>,
    norm_kwargs: Option<NormArguments>,
    tokenizer_kwargs: Option<TokenizerArguments>,
    #[serde(flatten)]
    others: Others,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            context_length: 77,
            vocab_size: 49_408,
            width: 512,
            heads: 8,
            layers: 12,
            mlp_ratio: 4.0,
            no_causal_mask: false,
            pool_type: "argmax".to_owned(),
            proj_bias: false,
            act_kwargs: None,
            norm_kwargs: None,
            tokenizer_kwargs: None,
            others: Others::new(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ActivationArguments {
    approximate: Approximation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Approximation {
    None,
    Tanh,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NormArguments {
    eps: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenizerArguments {
    clean: Option<Cleaning>,
}

/// What sees pictures.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tower<'a> {
    /// A transformer of so many layers over patches.
    Patches(usize),
    /// A ResNet, with so many layers in each stage.
    ResNet(&'a [usize]),
    /// A tower of timm.
    Trunk(Plan<'a>),
}

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Each token sees those before it, and the end stands for all, as in CLIP.
    Forward,
    /// Each token sees all, padding included, and the last one stands for all, as in SigLIP.
    AtOnce,
}

/// Settings that have no place here.
type Others = BTreeMap<String, Value>;

/// Settings that bear on training, on the tokenizer, whose file says it again, or on scores, which
/// are cosines here.
const HARMLESS: [&str; 13] = [
    "custom_text",
    "eos_id",
    "hf_tokenizer_name",
    "init_logit_bias",
    "init_logit_scale",
    "nonscalar_logit_scale",
    "output_tokens",
    "pad_id",
    "patch_dropout",
    "timm_drop",
    "timm_drop_path",
    "timm_model_pretrained",
    "tokenizer_mode",
];

/// Settings that say what is done here anyway.
const KNOWN: [(&str, &str); 3] =
    [("pool_type", "tok"), ("pos_embed_type", "learnable"), ("proj_type", "linear")];

impl Model {
    /// Refuses what would be computed wrongly, and tells how pictures are seen and texts are read.
    pub(super) fn check(&self) -> Result<(Tower<'_>, Reading), String> {
        let others = [&self.others, &self.vision.others, &self.text.others];
        let changes = |(name, value): &(&String, &Value)| {
            let is_off = matches!(value, Value::Null | Value::Bool(false));
            let is_known =
                KNOWN.iter().any(|known| Some(known.1) == value.as_str() && known.0 == *name);
            !is_off && !is_known && !HARMLESS.contains(&name.as_str())
        };
        if let Some((name, value)) = others.into_iter().flatten().find(changes) {
            return Err(format!("{name} {value} is not supported"));
        }
        let tower = self.vision.tower(self.embed_dim)?;
        if self.quick_gelu && self.text.act_kwargs.is_some() {
            return Err("act_kwargs with quick_gelu are not supported".to_owned());
        }
        Ok((tower, self.text.reading()?))
    }

    fn text_activation(&self) -> Activation {
        match &self.text.act_kwargs {
            Some(ActivationArguments { approximate: Approximation::Tanh }) => Activation::GeluNew,
            _ => self.activation(),
        }
    }

    fn activation(&self) -> Activation {
        if self.quick_gelu { Activation::QuickGelu } else { Activation::Gelu }
    }

    /// The text tower in the terms of CLIP.
    pub(super) fn as_clip(&self) -> clip::TextConfig {
        let text = &self.text;
        clip::TextConfig {
            vocab_size: text.vocab_size,
            hidden_size: text.width,
            intermediate_size: scaled(text.width, text.mlp_ratio),
            num_hidden_layers: text.layers,
            num_attention_heads: text.heads,
            max_position_embeddings: text.context_length,
            hidden_act: self.text_activation(),
            layer_norm_eps: text.epsilon(),
            // The token of the highest id stands for a text.
            eos_token_id: 2,
        }
    }

    /// The same in the terms of SigLIP.
    pub(super) fn as_siglip(&self) -> siglip::TextConfig {
        let text = &self.text;
        siglip::TextConfig {
            tower: TowerConfig {
                hidden_size: text.width,
                intermediate_size: scaled(text.width, text.mlp_ratio),
                num_hidden_layers: text.layers,
                num_attention_heads: text.heads,
                hidden_act: self.text_activation(),
                layer_norm_eps: text.epsilon(),
            },
            vocab_size: text.vocab_size,
            max_position_embeddings: text.context_length,
            projection_size: Some(self.embed_dim),
        }
    }

    /// A transformer over patches in the terms of CLIP.
    pub(super) fn patches(&self, n_layers: usize) -> clip::VisionConfig {
        let vision = &self.vision;
        clip::VisionConfig {
            hidden_size: vision.width,
            intermediate_size: scaled(vision.width, vision.mlp_ratio),
            num_hidden_layers: n_layers,
            num_attention_heads: vision.width.checked_div(vision.head_width).unwrap_or(0),
            image_size: vision.image_size,
            patch_size: vision.patch_size.unwrap_or(0),
            hidden_act: self.activation(),
            ..clip::VisionConfig::default()
        }
    }
}

impl Vision {
    fn tower(&self, dimension: usize) -> Result<Tower<'_>, String> {
        match (&self.timm_model_name, &self.layers) {
            (Some(name), _) => self.trunk(name, dimension).map(Tower::Trunk),
            (None, Depth::Layers(n_layers)) => Ok(Tower::Patches(*n_layers)),
            (None, Depth::Stages(depths)) if depths.len() == 4 => Ok(Tower::ResNet(depths)),
            (None, Depth::Stages(depths)) => {
                Err(format!("a ResNet of {} stages is not supported", depths.len()))
            }
        }
    }

    fn trunk<'a>(&self, architecture: &'a str, dimension: usize) -> Result<Plan<'a>, String> {
        let family = Family::of(architecture);
        let Some(family @ Family::Transformer(kind)) = family else {
            return Err(format!("timm_model_name {architecture:?} is not supported"));
        };
        let (pool, projection) = (self.timm_pool.as_str(), self.timm_proj.as_deref().unwrap_or(""));
        let has_bias = self.timm_proj_bias;
        // Where there is a head, no way to pool means the usual one.
        let (is_usual, head) = match projection {
            "" => (false, Some(Projection::Classifier)),
            "none" => (false, Some(Projection::None)),
            "linear" => (pool.is_empty(), Some(Projection::Linear { has_bias })),
            "mlp" => (pool.is_empty(), Some(Projection::Mlp { has_bias })),
            _ => (false, None),
        };
        match (head, family.pool(architecture, (!is_usual).then_some(pool))) {
            (Some(projection), Some(pool)) => {
                let head_width = self.head_width;
                Ok(Plan { architecture, kind, pool, projection, head_width, dimension })
            }
            _ => Err(format!("timm_pool {pool:?} with timm_proj {projection:?} is not supported")),
        }
    }
}

impl Text {
    fn reading(&self) -> Result<Reading, String> {
        match (self.no_causal_mask, self.pool_type.as_str(), self.proj_bias) {
            (false, "argmax", false) => Ok(Reading::Forward),
            (true, "last", true) => Ok(Reading::AtOnce),
            (sees_all, pool, has_bias) => Err(format!(
                "no_causal_mask {sees_all} with pool_type {pool:?} and proj_bias {has_bias} is not \
                 supported"
            )),
        }
    }

    /// What becomes of texts before they are cut into tokens.
    pub(super) fn cleaning(&self) -> Cleaning {
        let cleaning = self.tokenizer_kwargs.as_ref().and_then(|arguments| arguments.clean);
        cleaning.unwrap_or_default()
    }

    fn epsilon(&self) -> f64 {
        self.norm_kwargs.as_ref().map_or(1e-5, |arguments| arguments.eps)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as Python's int()")]
fn scaled(width: usize, ratio: f64) -> usize {
    (width as f64 * ratio) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(vision: &str, text: &str) -> Result<Reading, String> {
        let config =
            format!(r#"{{"embed_dim": 8, "vision_cfg": {{{vision}}}, "text_cfg": {{{text}}}}}"#);
        serde_json::from_str::<Model>(&config).unwrap().check().map(|(_, reading)| reading)
    }

    #[test]
    fn what_changes_the_numbers_is_refused_and_named() {
        let plain = r#""patch_dropout": 0.5, "timm_model_name": null"#;
        assert_eq!(checked(plain, r#""pool_type": "argmax""#), Ok(Reading::Forward));
        let refused = checked(r#""timm_model_name": "convnext_base""#, "").unwrap_err();
        assert_eq!(refused, r#"timm_model_name "convnext_base" is not supported"#);
        let refused = checked(r#""timm_model_name": "vit_base_patch16_siglip_224""#, "");
        assert!(refused.unwrap_err().contains(r#"timm_pool "avg" with timm_proj "linear""#));
        let refused = checked("", r#""no_causal_mask": true"#).unwrap_err();
        assert!(refused.contains(r#"no_causal_mask true with pool_type "argmax""#), "{refused}");
        let refused = checked(r#""ls_init_value": 0.1"#, "").unwrap_err();
        assert_eq!(refused, "ls_init_value 0.1 is not supported");
    }

    #[test]
    fn siglip_is_read_at_once() {
        let vision = r#""timm_model_name": "vit_so400m_patch14_siglip_224", "timm_pool": "map",
                        "timm_proj": "none", "timm_model_pretrained": false"#;
        let text = r#""no_causal_mask": true, "proj_bias": true, "pool_type": "last",
                      "norm_kwargs": {"eps": 1e-6}, "act_kwargs": {"approximate": "tanh"},
                      "tokenizer_kwargs": {"clean": "canonicalize"}"#;
        assert_eq!(checked(vision, text), Ok(Reading::AtOnce));
    }

    #[test]
    fn a_resnet_has_no_patches() {
        let vision = r#""layers": [3, 4, 6, 3], "width": 64, "patch_size": null"#;
        assert_eq!(checked(vision, ""), Ok(Reading::Forward));
    }
}
