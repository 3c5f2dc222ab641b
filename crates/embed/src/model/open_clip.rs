//! CLIP as OpenCLIP saves it: the same towers under other names, with a configuration of its own.
//!
//! Ilharco et al., *OpenCLIP*, 2021; Cherti et al., *Reproducible scaling laws for contrastive
//! language-image learning*, 2022. The numbers are those of `open_clip.CLIP`, `open_clip.CustomTextCLIP` and
//! `open_clip.CoCa`: pictures are seen by a transformer over patches, by a ResNet, or by a transformer of timm, such as
//! EVA; texts are read forward, or at once as by SigLIP and CLIPA (Li et al., *An Inverse Scaling Law for CLIP
//! Training*, 2023). What a configuration names beyond that changes the numbers, and is refused.

mod coca;
mod config;
mod names;
mod resnet;
mod trunk;

use candle_core::Result;
use candle_nn::{VarBuilder, linear, linear_no_bias};

use self::config::{Config, Model, Reading, Text, Tower};
use super::{
    clip,
    encoder::{ImageModel, ImageTower, TextModel, TextTower, Towers},
    siglip,
};
use crate::{
    folder::ModelFolder,
    image::{ImageProcessor, Size},
    open::OpenError,
    pool::{Mode, Pooler},
    tokenize::TextProcessor,
    weights,
};

/// Says what the model is, and how pictures are prepared for it.
pub(crate) const CONFIG: &str = "open_clip_config.json";

/// Reads it from its folder.
pub(super) fn open(folder: &mut ModelFolder) -> std::result::Result<Towers, OpenError> {
    let Config { model, preprocessing } = folder.json(CONFIG)?;
    let (tower, reading) = model.check().map_err(|reason| folder.bad(CONFIG, reason))?;
    let text_processor = text_processor(&model.text, reading, folder)?;
    let image_processor = ImageProcessor::of_open_clip(&preprocessing, model.vision.image_size)
        .map_err(|reason| folder.bad(CONFIG, reason))?;
    let weights = weights::map_open_clip(folder)?;
    let bad = |source| OpenError::weights(folder.path(), source);
    let (text, pooler) = model.load_text(reading, weights.clone()).map_err(bad)?;
    let vision = model.load_vision(tower, image_processor.size(), weights).map_err(bad)?;
    Ok(Towers {
        dimension: model.embed_dim,
        text: Some(TextTower { processor: text_processor, model: text, pooler }),
        image: Some(ImageTower { processor: image_processor, model: vision }),
    })
}

fn text_processor(
    text: &Text,
    reading: Reading,
    folder: &mut ModelFolder,
) -> std::result::Result<TextProcessor, OpenError> {
    let processor = match reading {
        Reading::Forward(_) | Reading::Captioned => {
            TextProcessor::open(folder, text.context_length)?
        }
        Reading::AtOnce { .. } => TextProcessor::open_padded(folder, text.context_length)?,
    };
    let processor =
        if text.loses_its_end() { processor.without_separators(folder)? } else { processor };
    Ok(processor.mending(text.cleaning()))
}

impl Model {
    fn load_text(
        &self,
        reading: Reading,
        weights: VarBuilder<'static>,
    ) -> Result<(Box<dyn TextModel>, Pooler)> {
        let weights = names::as_in_transformers(weights);
        let length = self.text.context_length;
        let (text, mode): (Box<dyn TextModel>, _) = match reading {
            Reading::Forward(end) => {
                (Box::new(clip::Text::load(&self.as_clip(length), &weights)?), Mode::End(end))
            }
            Reading::Captioned => {
                (Box::new(coca::Text::load(&self.as_clip(length + 1), &weights)?), Mode::Cls)
            }
            Reading::AtOnce { .. } => {
                let text = siglip::Text::load(&self.as_siglip(), &weights.pp("text_model"))?;
                (Box::new(text), Mode::Lasttoken)
            }
        };
        let width = self.text.width;
        let projection = match reading {
            Reading::AtOnce { has_bias: true } => {
                linear(width, self.embed_dim, weights.pp("text_model.head"))?
            }
            _ => linear_no_bias(width, self.embed_dim, weights.pp("text_projection"))?,
        };
        Ok((text, Pooler::projected(mode, projection)))
    }

    fn load_vision(
        &self,
        tower: Tower<'_>,
        picture: Size,
        weights: VarBuilder<'static>,
    ) -> Result<Box<dyn ImageModel>> {
        let vision = &self.vision;
        Ok(match tower {
            Tower::Trunk(plan) => plan.load(picture, &weights.pp("visual"))?,
            Tower::Patches(n_layers, manner) => {
                let weights = names::as_in_transformers(weights);
                let config = self.patches(n_layers);
                Box::new(clip::Vision::load(&config, manner, self.embed_dim, &weights)?)
            }
            Tower::ResNet(depths) => {
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
}
