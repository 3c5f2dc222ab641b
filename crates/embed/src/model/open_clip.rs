//! CLIP as OpenCLIP saves it: the same towers under other names, with a configuration of its own.
//!
//! Ilharco et al., *OpenCLIP*, 2021; Cherti et al., *Reproducible scaling laws for contrastive
//! language-image learning*, 2022. The numbers are those of `open_clip.CLIP` for its transformers
//! over patches. What a configuration names beyond these sizes changes the numbers, and is refused.

mod names;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    activation::Activation,
    clip::{self, TextConfig, VisionConfig},
    encoder::Towers,
};
use crate::{
    folder::ModelFolder,
    image::{ImageProcessor, OpenClipPreprocessing},
    open::OpenError,
    tokenize::TextProcessor,
    weights,
};

/// Says what the model is, and how pictures are prepared for it.
pub(crate) const CONFIG: &str = "open_clip_config.json";

/// Reads it from its folder.
pub(super) fn open(folder: &mut ModelFolder) -> Result<Towers, OpenError> {
    let Config { model, preprocessing } = folder.json(CONFIG)?;
    model.check().map_err(|reason| folder.bad(CONFIG, reason))?;
    let config = model.as_clip();
    let text_processor = TextProcessor::open(folder, config.text.max_position_embeddings)?;
    let image_processor = ImageProcessor::of_open_clip(&preprocessing, model.vision.image_size)
        .map_err(|reason| folder.bad(CONFIG, reason))?;
    let weights = names::as_in_transformers(weights::map_open_clip(folder)?);
    config
        .load(text_processor, image_processor, &weights)
        .map_err(|source| OpenError::weights(folder.path(), source))
}

/// `open_clip_config.json`.
#[derive(Debug, Deserialize)]
struct Config {
    #[serde(rename = "model_cfg")]
    model: Model,
    #[serde(default, rename = "preprocess_cfg")]
    preprocessing: OpenClipPreprocessing,
}

/// `model_cfg`.
#[derive(Debug, Deserialize)]
struct Model {
    embed_dim: usize,
    #[serde(default)]
    quick_gelu: bool,
    #[serde(rename = "vision_cfg")]
    vision: Vision,
    #[serde(rename = "text_cfg")]
    text: Text,
    #[serde(flatten)]
    others: Others,
}

/// `vision_cfg`.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Vision {
    layers: usize,
    width: usize,
    head_width: usize,
    mlp_ratio: f64,
    patch_size: usize,
    image_size: usize,
    #[serde(flatten)]
    others: Others,
}

impl Default for Vision {
    fn default() -> Self {
        Self {
            layers: 12,
            width: 768,
            head_width: 64,
            mlp_ratio: 4.0,
            patch_size: 16,
            image_size: 224,
            others: Others::new(),
        }
    }
}

/// `text_cfg`.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Text {
    context_length: usize,
    vocab_size: usize,
    width: usize,
    heads: usize,
    layers: usize,
    mlp_ratio: f64,
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
            others: Others::new(),
        }
    }
}

/// Settings that have no place here.
type Others = BTreeMap<String, Value>;

/// Settings that bear on training, on the tokenizer, whose file says it again, or on scores, which
/// are cosines here.
const HARMLESS: [&str; 11] = [
    "custom_text",
    "eos_id",
    "hf_tokenizer_name",
    "init_logit_bias",
    "init_logit_scale",
    "nonscalar_logit_scale",
    "output_tokens",
    "pad_id",
    "patch_dropout",
    "tokenizer_kwargs",
    "tokenizer_mode",
];

/// Settings that say what is done here anyway.
const KNOWN: [(&str, &str); 4] = [
    ("pool_type", "tok"),
    ("pool_type", "argmax"),
    ("pos_embed_type", "learnable"),
    ("proj_type", "linear"),
];

impl Model {
    /// Refuses what would be computed wrongly.
    fn check(&self) -> Result<(), String> {
        let others = [&self.others, &self.vision.others, &self.text.others];
        let changes = |(name, value): &(&String, &Value)| {
            let is_off = matches!(value, Value::Null | Value::Bool(false));
            let is_known =
                KNOWN.iter().any(|known| Some(known.1) == value.as_str() && known.0 == *name);
            !is_off && !is_known && !HARMLESS.contains(&name.as_str())
        };
        match others.into_iter().flatten().find(changes) {
            Some((name, value)) => Err(format!("{name} {value} is not supported")),
            None if self.vision.head_width == 0 => Err("head_width 0 is not supported".to_owned()),
            None => Ok(()),
        }
    }

    fn as_clip(&self) -> clip::Config {
        let activation = if self.quick_gelu { Activation::QuickGelu } else { Activation::Gelu };
        let Self { vision, text, .. } = self;
        clip::Config {
            projection_dim: self.embed_dim,
            text: TextConfig {
                vocab_size: text.vocab_size,
                hidden_size: text.width,
                intermediate_size: scaled(text.width, text.mlp_ratio),
                num_hidden_layers: text.layers,
                num_attention_heads: text.heads,
                max_position_embeddings: text.context_length,
                hidden_act: activation,
                // The token of the highest id stands for a text.
                eos_token_id: 2,
                ..TextConfig::default()
            },
            vision: VisionConfig {
                hidden_size: vision.width,
                intermediate_size: scaled(vision.width, vision.mlp_ratio),
                num_hidden_layers: vision.layers,
                num_attention_heads: vision.width / vision.head_width,
                image_size: vision.image_size,
                patch_size: vision.patch_size,
                hidden_act: activation,
                ..VisionConfig::default()
            },
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as Python's int()")]
fn scaled(width: usize, ratio: f64) -> usize {
    (width as f64 * ratio) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(config: &str) -> Result<(), String> {
        serde_json::from_str::<Model>(config).unwrap().check()
    }

    #[test]
    fn what_changes_the_numbers_is_refused_and_named() {
        let config = |vision: &str, text: &str| {
            format!(r#"{{"embed_dim": 8, "vision_cfg": {{{vision}}}, "text_cfg": {{{text}}}}}"#)
        };
        let plain =
            config(r#""patch_dropout": 0.5, "timm_model_name": null"#, r#""pool_type": "argmax""#);
        assert_eq!(checked(&plain), Ok(()));
        let refused = checked(&config(r#""timm_model_name": "vit_base""#, "")).unwrap_err();
        assert_eq!(refused, r#"timm_model_name "vit_base" is not supported"#);
        let refused = checked(&config("", r#""no_causal_mask": true"#)).unwrap_err();
        assert_eq!(refused, "no_causal_mask true is not supported");
    }
}
