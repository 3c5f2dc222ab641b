//! CLIP as OpenCLIP saves it: the same towers under other names, with a configuration of its own.
//!
//! Ilharco et al., *OpenCLIP*, 2021; Cherti et al., *Reproducible scaling laws for contrastive
//! language-image learning*, 2022. The numbers are those of `open_clip.CLIP` and `open_clip.CustomTextCLIP`: pictures
//! are seen by a transformer over patches, by a ResNet, or by the SigLIP of timm; texts are read forward, or at once as
//! by SigLIP. What a configuration names beyond that changes the numbers, and is refused.

mod config;
mod names;
mod resnet;

use candle_core::Result;
use candle_nn::VarBuilder;

use self::config::{Config, Depth, Model, Reading};
use super::{
    clip,
    encoder::{ImageModel, ImageTower, TextModel, TextTower, Towers},
    siglip,
    timm::{self, Kind, Pool},
};
use crate::{
    folder::ModelFolder,
    image::{ImageProcessor, Size},
    open::OpenError,
    pool::Pooler,
    tokenize::TextProcessor,
    weights,
};

/// Says what the model is, and how pictures are prepared for it.
pub(crate) const CONFIG: &str = "open_clip_config.json";

/// Reads it from its folder.
pub(super) fn open(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    let Config { model, preprocessing } = folder.json(CONFIG)?;
    let reading = model.check().map_err(|reason| folder.bad(CONFIG, reason))?;
    let text_processor = match reading {
        Reading::Forward => TextProcessor::open(folder, model.text.context_length)?,
        Reading::AtOnce => TextProcessor::open_padded(folder, model.text.context_length)?,
    };
    let text_processor = text_processor.mending(model.text.cleaning());
    let image_processor = ImageProcessor::of_open_clip(&preprocessing, model.vision.image_size)
        .map_err(|reason| folder.bad(CONFIG, reason))?;
    let weights = weights::map_open_clip(folder)?;
    let bad = |source| OpenError::weights(folder.path(), source);
    let (text, pooler) = model.load_text(reading, weights.clone()).map_err(bad)?;
    let vision = model.load_vision(image_processor.size(), weights).map_err(bad)?;
    Ok(Towers {
        dimension: model.embed_dim,
        text: Some(TextTower { processor: text_processor, model: text, pooler }),
        image: Some(ImageTower { processor: image_processor, model: vision }),
    })
}

impl Model {
    fn load_text(
        &self,
        reading: Reading,
        weights: VarBuilder<'static>,
    ) -> Result<(Box<dyn TextModel>, Pooler)> {
        let weights = names::as_in_transformers(weights);
        Ok(match reading {
            Reading::Forward => {
                let (text, pooler) = clip::load_text(&self.as_clip(), self.embed_dim, &weights)?;
                (Box::new(text), pooler)
            }
            Reading::AtOnce => {
                let weights = weights.pp("text_model");
                let (text, pooler) =
                    siglip::load_text(&self.as_siglip(), self.embed_dim, &weights)?;
                (Box::new(text), pooler)
            }
        })
    }

    fn load_vision(
        &self,
        picture: Size,
        weights: VarBuilder<'static>,
    ) -> Result<Box<dyn ImageModel>> {
        let vision = &self.vision;
        if let Some(architecture) = &vision.timm_model_name {
            return self.load_trunk(architecture, picture, weights.pp("visual.trunk"));
        }
        Ok(match &vision.layers {
            Depth::Layers(n_layers) => {
                let weights = names::as_in_transformers(weights);
                Box::new(clip::Vision::load(&self.patches(*n_layers), self.embed_dim, &weights)?)
            }
            Depth::Stages(depths) => {
                let sizes = resnet::Sizes {
                    width: vision.width,
                    depths,
                    head_width: vision.head_width,
                    image_size: vision.image_size,
                    dimension: self.embed_dim,
                };
                Box::new(resnet::ResNet::load(sizes, weights.pp("visual"))?)
            }
        })
    }

    /// Loads a tower of timm.
    fn load_trunk(
        &self,
        architecture: &str,
        picture: Size,
        weights: VarBuilder<'static>,
    ) -> Result<Box<dyn ImageModel>> {
        let (kind, width) = (Kind::Siglip, timm::width(&weights)?);
        // Of a width that none of the published ones has, heads are as wide as those of other towers.
        let n_heads = kind.usual_heads(width).or(width.checked_div(self.vision.head_width));
        let trunk = timm::Transformer { architecture, kind, pool: Pool::Map, n_heads };
        let (dimension, model) = trunk.load(picture, weights)?;
        if dimension == self.embed_dim {
            return Ok(model);
        }
        let embed_dim = self.embed_dim;
        candle_core::bail!(
            "pictures of {dimension} and texts of {embed_dim} dimensions share no space"
        )
    }
}
