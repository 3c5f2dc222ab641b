//! Pictures as transforms of torchvision prepare them for models of OpenCLIP and timm: over Pillow, too,
//! but what a crop takes for the middle is another pixel.

use serde::Deserialize;

use super::{
    Centre, ImageProcessor, Normalize, Resize, Resizing, Size, Target,
    config::{CLIP_STEPS, check_edge, steps},
    resize::Filter,
};

/// `preprocess_cfg` of OpenCLIP; what is left out is as CLIP has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OpenClipPreprocessing {
    size: Option<Edges>,
    mean: Option<[f32; 3]>,
    std: Option<[f32; 3]>,
    interpolation: Option<String>,
    resize_mode: Option<String>,
}

/// One edge of a square, or height and width.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum Edges {
    Square(usize),
    Both(usize, usize),
}

impl Edges {
    fn size(self) -> Result<Size, String> {
        let (height, width) = match self {
            Self::Square(edge) => (edge, edge),
            Self::Both(height, width) => (height, width),
        };
        Ok(Size { height: check_edge(height)?, width: check_edge(width)? })
    }
}

pub(super) fn of_open_clip(
    config: &OpenClipPreprocessing,
    image_size: usize,
) -> Result<ImageProcessor, String> {
    let size = config.size.unwrap_or(Edges::Square(image_size)).size()?;
    let mode = config.resize_mode.as_deref().unwrap_or("shortest");
    let target = match mode {
        "squash" => Target::Exactly(size),
        "shortest" if size.height == size.width => Target::ShortestEdge(size.height),
        _ => return Err(format!("resize_mode {mode:?} is not supported for pictures of {size}")),
    };
    let filter = filter(config.interpolation.as_deref().unwrap_or("bicubic"))?;
    let (means, stds) = CLIP_STEPS;
    let normalize = steps(config.mean.unwrap_or(means), config.std.unwrap_or(stds));
    Ok(processor(Resize { target, filter }, size, normalize))
}

/// Resizes, and takes the middle in a size.
fn processor(resize: Resize, size: Size, normalize: [Normalize; 3]) -> ImageProcessor {
    ImageProcessor {
        resize: Some(resize),
        resizing: Resizing::default(),
        in_floats: false,
        crop: Some(size),
        centre: Centre::Even,
        size,
        rescale: 1.0 / 255.0,
        normalize: Some(normalize),
    }
}

/// `pretrained_cfg` of timm.
#[derive(Debug, Deserialize)]
pub(crate) struct TimmPreprocessing {
    input_size: [usize; 3],
    interpolation: String,
    crop_pct: f64,
    crop_mode: Option<String>,
    mean: [f32; 3],
    std: [f32; 3],
}

pub(super) fn of_timm(config: &TimmPreprocessing) -> Result<ImageProcessor, String> {
    let [n_colours, height, width] = config.input_size;
    if n_colours != 3 || height != width {
        return Err(format!("input_size {:?} is not supported", config.input_size));
    }
    let size = Edges::Square(height).size()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as math.floor()")]
    let resized = check_edge((height as f64 / config.crop_pct) as usize)?;
    let target = match config.crop_mode.as_deref() {
        None | Some("center") => Target::ShortestEdge(resized),
        Some("squash") => Target::Exactly(Size { height: resized, width: resized }),
        Some(other) => return Err(format!("crop_mode {other:?} is not supported")),
    };
    let filter = filter(&config.interpolation)?;
    Ok(processor(Resize { target, filter }, size, steps(config.mean, config.std)))
}

/// By the name that torchvision gives it.
fn filter(name: &str) -> Result<Filter, String> {
    match name {
        // While training, that is.
        "bicubic" | "random" => Ok(Filter::Bicubic),
        "bilinear" => Ok(Filter::Bilinear),
        "lanczos" => Ok(Filter::Lanczos),
        _ => Err(format!("interpolation {name:?} is not supported")),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Span, *};

    /// Values of `int(round((size - crop) / 2))` in Python.
    #[test]
    fn the_middle_is_that_of_torchvision() {
        for (n_pixels, start) in [(10, 0), (11, 0), (12, 1), (13, 2), (14, 2), (15, 2), (17, 4)] {
            assert_eq!(Span::centre(n_pixels, 10, Centre::Even).seen, start..start + 10);
        }
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let refused =
            |config: &str| of_open_clip(&serde_json::from_str(config).unwrap(), 32).unwrap_err();
        assert!(refused(r#"{"resize_mode": "longest"}"#).contains("longest"));
        assert!(refused(r#"{"interpolation": "box"}"#).contains("box"));
        assert!(refused(r#"{"size": [32, 48]}"#).contains("pictures of 48 x 32"));
    }
}
