//! CLIP: pictures and texts in one space.
//!
//! Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, 2021.
//! The numbers are those of `CLIPModel` in Hugging Face transformers; any size of it.

mod text;
mod vision;

use candle_nn::{VarBuilder, linear_no_bias};
use serde::Deserialize;

pub(super) use self::{
    text::{Text, TextConfig, causal},
    vision::{Manner, Pooling, Vision, VisionConfig},
};
use super::{
    CONFIG,
    encoder::{ImageTower, TextTower, Towers},
    layer::Names,
};
use crate::{
    folder::ModelFolder,
    image::{Defaults, ImageProcessor},
    open::OpenError,
    pool::Pooler,
    tokenize::TextProcessor,
    weights,
};

/// Reads it from its folder.
pub(super) fn open(folder: &mut ModelFolder) -> Result<Towers, OpenError> {
    let config: Config = folder.json(CONFIG)?;
    let text_processor = TextProcessor::open(folder, config.text.max_position_embeddings)?;
    let image_processor = ImageProcessor::open(folder, Defaults::Clip)?;
    image_processor.check_size(folder, config.vision.size())?;
    let weights = weights::map(folder)?;
    config
        .load(text_processor, image_processor, &weights)
        .map_err(|source| OpenError::weights(folder.path(), source))
}

/// `config.json`, as far as it bears on the numbers. What older files leave out is as in ViT-B/32.
#[derive(Debug, Deserialize)]
struct Config {
    #[serde(default, rename = "text_config")]
    text: TextConfig,
    #[serde(default, rename = "vision_config")]
    vision: VisionConfig,
    #[serde(default = "default_projection")]
    projection_dim: usize,
}

impl Config {
    /// Loads both towers, with what stands before them.
    fn load(
        &self,
        text_processor: TextProcessor,
        image_processor: ImageProcessor,
        weights: &VarBuilder<'_>,
    ) -> candle_core::Result<Towers> {
        let dimension = self.projection_dim;
        let projection = weights.pp("text_projection");
        let projection = linear_no_bias(self.text.hidden_size, dimension, projection)?;
        let text = Text::load(&self.text, weights)?;
        let pooler = Pooler::projected(self.text.end_token(), projection);
        let vision = Vision::load(&self.vision, Manner::default(), dimension, weights)?;
        Ok(Towers {
            dimension,
            text: Some(TextTower { processor: text_processor, model: Box::new(text), pooler }),
            image: Some(ImageTower { processor: image_processor, model: Box::new(vision) }),
        })
    }
}

fn default_projection() -> usize {
    512
}

/// What the layers of both towers call their weights, those of SigLIP, too.
pub(super) const NAMES: Names = Names {
    query: "self_attn.q_proj",
    key: "self_attn.k_proj",
    value: "self_attn.v_proj",
    output: "self_attn.out_proj",
    attention_norm: "layer_norm1",
    inner: "mlp.fc1",
    outer: "mlp.fc2",
    norm: "layer_norm2",
};
