//! `preprocessor_config.json`, as processors of every family and age have written it.
//!
//! A file may leave out what its processor takes for granted, and processors take different things
//! for granted: so what counts is which processor wrote it, by its name in the file.

use serde::Deserialize;

use super::{Centre, ImageProcessor, Normalize, Resize, Resizing, Size, Target, resize::Filter};
use crate::{folder::ModelFolder, open::OpenError};

/// Says how a model's pictures are prepared.
const CONFIG: &str = "preprocessor_config.json";

/// Says the same, in a processor that was saved with the tokenizer.
const JOINT_CONFIG: &str = "processor_config.json";

/// The families of processors, after the architecture with which each came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defaults {
    /// Resizes the shorter edge and cuts out the middle.
    Clip,
    /// The same by names of its own, for ResNet: its size is that of the middle.
    ConvNext,
    /// Resizes to a square, in floating point, after scaling.
    DinoV3,
    /// Resizes to a square, whatever the shape.
    Siglip,
    /// The same, but bilinear.
    Vit,
}

impl Defaults {
    /// The family of a processor by its name, without what tells its implementation.
    fn of(processor: &str) -> Option<Self> {
        let name = processor.trim_end_matches("Fast").trim_end_matches("Pil");
        let name = name.trim_end_matches("ImageProcessor").trim_end_matches("FeatureExtractor");
        match name {
            "CLIP" | "Bit" => Some(Self::Clip),
            "ConvNext" => Some(Self::ConvNext),
            "DINOv3ViT" => Some(Self::DinoV3),
            "Siglip" => Some(Self::Siglip),
            "ViT" => Some(Self::Vit),
            _ => None,
        }
    }

    fn size(self) -> SizeConfig {
        match self {
            Self::Clip => SizeConfig::ShortestEdge { shortest_edge: 224 },
            Self::ConvNext => SizeConfig::ShortestEdge { shortest_edge: 384 },
            Self::DinoV3 | Self::Siglip | Self::Vit => {
                SizeConfig::Exactly { height: 224, width: 224 }
            }
        }
    }

    fn filter(self) -> Filter {
        match self {
            Self::Clip | Self::ConvNext | Self::Siglip => Filter::Bicubic,
            Self::DinoV3 | Self::Vit => Filter::Bilinear,
        }
    }

    fn steps(self) -> [Normalize; 3] {
        match self {
            Self::Clip => steps(CLIP_STEPS.0, CLIP_STEPS.1),
            Self::DinoV3 => steps([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
            Self::ConvNext | Self::Siglip | Self::Vit => steps([0.5; 3], [0.5; 3]),
        }
    }
}

/// The means and standard deviations of the colours of CLIP's pictures.
pub(super) const CLIP_STEPS: ([f32; 3], [f32; 3]) =
    ([0.481_454_66, 0.457_827_5, 0.408_210_73], [0.268_629_54, 0.261_302_6, 0.275_777_1]);

pub(super) fn steps(means: [f32; 3], stds: [f32; 3]) -> [Normalize; 3] {
    std::array::from_fn(|channel| Normalize { mean: means[channel], std: stds[channel] })
}

/// Reads how a model's pictures are prepared. The defaults are for files that do not say what wrote
/// them.
pub(super) fn read(
    folder: &mut ModelFolder,
    defaults: Defaults,
) -> Result<ImageProcessor, OpenError> {
    let (file, config) = match folder.json_if_there::<JointConfig>(JOINT_CONFIG)? {
        Some(JointConfig { image_processor: Some(config) }) => (JOINT_CONFIG, config),
        _ => (CONFIG, folder.json::<Config>(CONFIG)?),
    };
    config.check(defaults).map_err(|reason| folder.bad(file, reason))
}

/// `preprocessor_config.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    image_processor_type: Option<String>,
    /// The older name of the same; some files have both.
    feature_extractor_type: Option<String>,
    do_resize: Option<bool>,
    size: Option<SizeConfig>,
    crop_pct: Option<f64>,
    resample: Option<u8>,
    do_center_crop: Option<bool>,
    crop_size: Option<SizeConfig>,
    do_pad: Option<bool>,
    do_rescale: Option<bool>,
    rescale_factor: Option<f64>,
    do_normalize: Option<bool>,
    image_mean: Option<[f32; 3]>,
    image_std: Option<[f32; 3]>,
}

/// `processor_config.json`.
#[derive(Debug, Deserialize)]
struct JointConfig {
    image_processor: Option<Config>,
}

/// A size in one of the ways in which configurations give it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum SizeConfig {
    Edge(usize),
    Exactly { height: usize, width: usize },
    ShortestEdge { shortest_edge: usize },
}

impl Config {
    fn check(&self, defaults: Defaults) -> Result<ImageProcessor, String> {
        let wrote = self.image_processor_type.as_ref().or(self.feature_extractor_type.as_ref());
        let defaults = match wrote {
            None => defaults,
            Some(name) => Defaults::of(name)
                .ok_or_else(|| format!("pictures prepared by a {name} are not supported"))?,
        };
        if self.do_pad == Some(true) {
            return Err("pictures that are padded are not supported".to_owned());
        }
        let (resize, crop) = self.resize_and_crop(defaults)?;
        let in_floats = defaults == Defaults::DinoV3;
        if in_floats && crop.is_some() {
            return Err("a crop of pictures that were scaled first is not supported".to_owned());
        }
        Ok(ImageProcessor {
            resize,
            resizing: Resizing::default(),
            in_floats,
            crop,
            centre: Centre::Lower,
            size: crop
                .or_else(|| resize?.target.size())
                .ok_or("its pictures have no fixed size")?,
            rescale: self.rescale(),
            normalize: self.do_normalize.unwrap_or(true).then(|| self.steps(defaults)),
        })
    }

    fn resize_and_crop(
        &self,
        defaults: Defaults,
    ) -> Result<(Option<Resize>, Option<Size>), String> {
        let size = self.size.unwrap_or(defaults.size());
        let does_resize = self.do_resize.unwrap_or(true);
        let is_cropped = self.do_center_crop.unwrap_or(defaults == Defaults::Clip);
        let filter = self.filter(defaults)?;
        let resize = |target| does_resize.then_some(Resize { target, filter });
        if defaults == Defaults::ConvNext {
            let (target, crop) = self.middle(size.edge()?)?;
            return Ok((resize(target), crop));
        }
        let crop = self.crop_size.unwrap_or(SizeConfig::Edge(224));
        let crop = is_cropped.then(|| crop.square()).transpose()?;
        Ok((resize(size.target(defaults)?), crop))
    }

    /// ConvNext's way: small pictures are cut out of ones that are larger by a factor.
    fn middle(&self, edge: usize) -> Result<(Target, Option<Size>), String> {
        /// From this size on nothing is cut off.
        const LARGE: usize = 384;
        let square = Size { height: edge, width: edge };
        if edge >= LARGE {
            return Ok((Target::Exactly(square), None));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as int()")]
        let resized = (edge as f64 / self.crop_pct.unwrap_or(224.0 / 256.0)) as usize;
        Ok((Target::ShortestEdge(check_edge(resized)?), Some(square)))
    }

    fn filter(&self, defaults: Defaults) -> Result<Filter, String> {
        let Some(number) = self.resample else { return Ok(defaults.filter()) };
        Filter::from_pillow(number).ok_or_else(|| format!("resample {number} is not supported"))
    }

    fn rescale(&self) -> f64 {
        if self.do_rescale.unwrap_or(true) {
            self.rescale_factor.unwrap_or(1.0 / 255.0)
        } else {
            1.0
        }
    }

    fn steps(&self, defaults: Defaults) -> [Normalize; 3] {
        let default = defaults.steps();
        let means = self.image_mean.unwrap_or(default.map(|step| step.mean));
        steps(means, self.image_std.unwrap_or(default.map(|step| step.std)))
    }
}

impl SizeConfig {
    fn target(self, defaults: Defaults) -> Result<Target, String> {
        match self {
            Self::Exactly { .. } => self.square().map(Target::Exactly),
            Self::Edge(_) if defaults == Defaults::Vit => self.square().map(Target::Exactly),
            Self::Edge(edge) | Self::ShortestEdge { shortest_edge: edge } => {
                check_edge(edge).map(Target::ShortestEdge)
            }
        }
    }

    /// A height and a width, equal where one number is given.
    fn square(self) -> Result<Size, String> {
        let (height, width) = match self {
            Self::Exactly { height, width } => (height, width),
            Self::Edge(edge) | Self::ShortestEdge { shortest_edge: edge } => (edge, edge),
        };
        Ok(Size { height: check_edge(height)?, width: check_edge(width)? })
    }

    fn edge(self) -> Result<usize, String> {
        match self {
            Self::Edge(edge) | Self::ShortestEdge { shortest_edge: edge } => check_edge(edge),
            Self::Exactly { .. } => Err("a size that is not one edge is not supported".to_owned()),
        }
    }
}

/// The largest picture that a model may ask for; no published one goes beyond 1,024.
const MAX_EDGE: usize = 4096;

pub(super) fn check_edge(edge: usize) -> Result<usize, String> {
    let is_fine = (1..=MAX_EDGE).contains(&edge);
    is_fine.then_some(edge).ok_or_else(|| format!("a size of {edge} is not supported"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn processor(config: &str) -> Result<ImageProcessor, String> {
        serde_json::from_str::<Config>(config).unwrap().check(Defaults::Clip)
    }

    #[test]
    fn what_a_file_leaves_out_is_as_in_the_processor_that_wrote_it() {
        let vit = processor(r#"{"feature_extractor_type": "ViTFeatureExtractor", "size": 32}"#);
        let vit = vit.unwrap();
        assert_eq!(vit.size, Size { height: 32, width: 32 });
        assert!(vit.crop.is_none());
        assert_eq!(vit.resize.unwrap().filter, Filter::Bilinear);
        let both = r#"{"feature_extractor_type": "ViTFeatureExtractor",
                       "image_processor_type": "SiglipImageProcessor"}"#;
        assert_eq!(processor(both).unwrap().resize.unwrap().filter, Filter::Bicubic);
        let clip = processor(r#"{"size": 32, "crop_size": 24}"#).unwrap();
        assert_eq!(clip.size, Size { height: 24, width: 24 });
        assert_eq!(clip.resize.unwrap().target, Target::ShortestEdge(32));
    }

    #[test]
    fn small_pictures_for_resnet_are_cut_out_of_larger_ones() {
        let config = r#"{"image_processor_type": "ConvNextImageProcessor", "size": 224}"#;
        let small = processor(config).unwrap();
        assert_eq!(small.resize.unwrap().target, Target::ShortestEdge(256));
        assert_eq!(small.size, Size { height: 224, width: 224 });
        let large = processor(&config.replace("224", "384")).unwrap();
        assert_eq!(large.resize.unwrap().target, Target::Exactly(large.size));
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let refused = |config| processor(config).unwrap_err();
        let named = refused(r#"{"image_processor_type": "VivitImageProcessor"}"#);
        assert!(named.contains("a VivitImageProcessor are not supported"), "{named}");
        assert!(refused(r#"{"resample": 9}"#).contains("resample 9"));
        assert!(refused(r#"{"size": 5000}"#).contains("a size of 5000"));
        assert!(refused(r#"{"do_pad": true}"#).contains("padded"));
        let free = r#"{"do_resize": false, "do_center_crop": false}"#;
        assert!(refused(free).contains("no fixed size"));
    }
}
