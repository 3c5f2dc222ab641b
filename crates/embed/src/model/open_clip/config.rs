//! `open_clip_config.json`, as far as it bears on the numbers. What files leave out is as OpenCLIP has it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::trunk::{Plan, Projection};
use crate::{
    image::OpenClipPreprocessing,
    model::{
        activation::Activation,
        clip::{self, Manner, Pooling},
        siglip::{self, TowerConfig},
        timm::Family,
    },
    pool::EndToken,
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
    no_ln_pre: bool,
    pool_type: String,
    final_ln_after_pool: bool,
    attentional_pool: Value,
    attn_pooler_heads: usize,
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
            no_ln_pre: false,
            pool_type: "tok".to_owned(),
            final_ln_after_pool: false,
            attentional_pool: Value::Null,
            attn_pooler_heads: 8,
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
    pub(super) width: usize,
    heads: usize,
    layers: usize,
    mlp_ratio: f64,
    no_causal_mask: bool,
    pool_type: String,
    eos_id: u32,
    pad_id: u32,
    embed_cls: bool,
    proj_bias: bool,
    hf_tokenizer_name: Option<String>,
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
            eos_id: 2,
            pad_id: 0,
            embed_cls: false,
            proj_bias: false,
            hf_tokenizer_name: None,
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
    #[serde(default)]
    strip_sep_token: bool,
}

/// What sees pictures.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tower<'a> {
    /// A transformer of so many layers over patches.
    Patches(usize, Manner),
    /// A ResNet, with so many layers in each stage.
    ResNet(&'a [usize]),
    /// A tower of timm.
    Trunk(Plan<'a>),
}

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Each token sees those before it, and the end stands for all, as in CLIP.
    Forward(EndToken),
    /// The same, and a class token behind the end stands for all, as in CoCa.
    Captioned,
    /// Each token sees all, padding included, and the last one stands for all, as in SigLIP. The projection has a bias or
    /// none.
    AtOnce { has_bias: bool },
}

/// Settings that have no place here.
type Others = BTreeMap<String, Value>;

/// Settings that bear on training, on captions, on the tokenizer, whose file says it again, or on scores, which
/// are cosines here.
const HARMLESS: [&str; 11] = [
    "attn_pooler_queries",
    "custom_text",
    "init_logit_bias",
    "init_logit_scale",
    "multimodal_cfg",
    "nonscalar_logit_scale",
    "output_tokens",
    "patch_dropout",
    "timm_drop",
    "timm_drop_path",
    "timm_model_pretrained",
];

/// Settings that say what is done here anyway.
const KNOWN: [(&str, &str); 2] = [("pos_embed_type", "learnable"), ("proj_type", "linear")];

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

    /// The text tower in the terms of CLIP, with places for so many tokens.
    pub(super) fn as_clip(&self, n_places: usize) -> clip::TextConfig {
        let text = &self.text;
        clip::TextConfig {
            vocab_size: text.vocab_size,
            hidden_size: text.width,
            intermediate_size: scaled(text.width, text.mlp_ratio),
            num_hidden_layers: text.layers,
            num_attention_heads: text.heads,
            max_position_embeddings: n_places,
            hidden_act: self.text_activation(),
            layer_norm_eps: text.epsilon(),
            ..clip::TextConfig::default()
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
            (None, Depth::Layers(n_layers)) => Ok(Tower::Patches(*n_layers, self.manner()?)),
            (None, Depth::Stages(depths)) if depths.len() == 4 => Ok(Tower::ResNet(depths)),
            (None, Depth::Stages(depths)) => {
                Err(format!("a ResNet of {} stages is not supported", depths.len()))
            }
        }
    }

    /// Where a transformer over patches normalizes, and what of it stands for a picture.
    fn manner(&self) -> Result<Manner, String> {
        let (pool, is_last) = (self.pool_type.as_str(), self.final_ln_after_pool);
        let pooling = match (&self.attentional_pool, pool) {
            (Value::Null | Value::Bool(false), "tok") => Pooling::Class,
            // The mean of what is normalized is another one.
            (Value::Null | Value::Bool(false), "avg") if is_last => Pooling::Mean,
            (Value::Bool(true), "tok") => Pooling::Query { n_heads: self.attn_pooler_heads },
            (attentional, _) => {
                return Err(format!(
                    "pool_type {pool:?} with attentional_pool {attentional} and \
                     final_ln_after_pool {is_last} is not supported"
                ));
            }
        };
        Ok(Manner { has_norm_before: !self.no_ln_pre, pooling })
    }

    fn trunk<'a>(&self, architecture: &'a str, dimension: usize) -> Result<Plan<'a>, String> {
        let family = Family::of(architecture);
        let Some(family @ (Family::Transformer(_) | Family::ConvNext)) = family else {
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
                Ok(Plan { architecture, family, pool, projection, head_width, dimension })
            }
            _ => Err(format!("timm_pool {pool:?} with timm_proj {projection:?} is not supported")),
        }
    }
}

impl Text {
    fn reading(&self) -> Result<Reading, String> {
        let (sees_all, pool, has_bias) =
            (self.no_causal_mask, self.pool_type.as_str(), self.proj_bias);
        if self.embed_cls {
            return self.captioned();
        }
        match (sees_all, pool, has_bias) {
            (false, "argmax", false) => Ok(Reading::Forward(EndToken::HighestId)),
            (false, "eos", false) => Ok(Reading::Forward(EndToken::Id(self.eos_id))),
            (true, "last", has_bias) => Ok(Reading::AtOnce { has_bias }),
            _ => Err(format!(
                "no_causal_mask {sees_all} with pool_type {pool:?} and proj_bias {has_bias} is not \
                 supported"
            )),
        }
    }

    /// With a class token, which sees padding: what that is depends on the tokenizer.
    fn captioned(&self) -> Result<Reading, String> {
        let is_known = !self.no_causal_mask && !self.proj_bias && self.pad_id == 0;
        match &self.hf_tokenizer_name {
            None if is_known => Ok(Reading::Captioned),
            None => Err(format!(
                "embed_cls with no_causal_mask {}, proj_bias {} and pad_id {} is not supported",
                self.no_causal_mask, self.proj_bias, self.pad_id
            )),
            Some(name) => {
                Err(format!("embed_cls with hf_tokenizer_name {name:?} is not supported"))
            }
        }
    }

    /// What becomes of texts before they are cut into tokens.
    pub(super) fn cleaning(&self) -> Cleaning {
        let cleaning = self.tokenizer_kwargs.as_ref().and_then(|arguments| arguments.clean);
        cleaning.unwrap_or(Cleaning::Whitespace)
    }

    /// Whether the token that ends texts is taken for padding.
    pub(super) fn loses_its_end(&self) -> bool {
        self.tokenizer_kwargs.as_ref().is_some_and(|arguments| arguments.strip_sep_token)
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
        let forward = Ok(Reading::Forward(EndToken::HighestId));
        assert_eq!(checked(plain, r#""pool_type": "argmax""#), forward);
        let refused = checked(r#""timm_model_name": "swin_base""#, "").unwrap_err();
        assert_eq!(refused, r#"timm_model_name "swin_base" is not supported"#);
        let refused = checked(r#""timm_model_name": "vit_base_patch16_siglip_224""#, "");
        assert!(refused.unwrap_err().contains(r#"timm_pool "avg" with timm_proj "linear""#));
        let refused = checked(r#""timm_model_name": "eva02_base_patch16_clip_224""#, "");
        assert!(refused.unwrap_err().contains(r#"timm_pool "avg" with timm_proj "linear""#));
        let refused = checked(r#""pool_type": "avg""#, "").unwrap_err();
        assert!(refused.contains(r#"pool_type "avg" with attentional_pool null"#), "{refused}");
        let refused = checked(r#""attentional_pool": "cascade""#, "").unwrap_err();
        assert!(refused.contains(r#"attentional_pool "cascade""#), "{refused}");
        let roberta = r#""embed_cls": true, "hf_tokenizer_name": "roberta-base""#;
        let refused = checked("", roberta).unwrap_err();
        assert!(refused.contains(r#"embed_cls with hf_tokenizer_name "roberta-base""#));
        let refused = checked("", r#""embed_cls": true, "pad_id": 1"#).unwrap_err();
        assert!(refused.contains("pad_id 1 is not supported"), "{refused}");
        let refused = checked("", r#""tokenizer_mode": "clips""#).unwrap_err();
        assert_eq!(refused, r#"tokenizer_mode "clips" is not supported"#);
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
        assert_eq!(checked(vision, text), Ok(Reading::AtOnce { has_bias: true }));
    }

    /// `coca_ViT-B-32`, `EVA02-B-16`, `ViT-L-14-CLIPA` and `ViT-H-14-worldwide`.
    #[test]
    fn models_of_other_makers_are_known_by_what_they_say() {
        let coca = r#""attentional_pool": true, "attn_pooler_heads": 8, "output_tokens": true"#;
        let text = r#""embed_cls": true, "output_tokens": true"#;
        assert_eq!(checked(coca, text), Ok(Reading::Captioned));
        let eva = r#""timm_model_name": "eva02_base_patch16_clip_224", "timm_model_pretrained": false,
                     "timm_pool": "token", "timm_proj": null"#;
        assert_eq!(checked(eva, ""), Ok(Reading::Forward(EndToken::HighestId)));
        let clipa = r#""no_ln_pre": true, "pool_type": "avg", "final_ln_after_pool": true"#;
        let text = r#""hf_tokenizer_name": "bert-base-uncased", "pool_type": "last",
                      "tokenizer_kwargs": {"strip_sep_token": true}, "no_causal_mask": true"#;
        assert_eq!(checked(clipa, text), Ok(Reading::AtOnce { has_bias: false }));
        let text = r#""hf_tokenizer_name": "facebook/xlm-v-base", "pool_type": "eos", "eos_id": 2"#;
        assert_eq!(checked("", text), Ok(Reading::Forward(EndToken::Id(2))));
    }

    #[test]
    fn a_resnet_has_no_patches() {
        let vision = r#""layers": [3, 4, 6, 3], "width": 64, "patch_size": null"#;
        assert_eq!(checked(vision, ""), Ok(Reading::Forward(EndToken::HighestId)));
    }
}
