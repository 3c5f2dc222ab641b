//! From the bytes of a picture to the pixels that a model was trained on.
//!
//! The steps and their roundings are those of the processors of Hugging Face transformers over
//! Pillow, because a model's embeddings are only as right as its pixels: shortest edge to size,
//! centre crop, 8 bits between the steps, then scale and shift in single precision. Only the pixels
//! inside the crop are ever computed, so a strip of 1 x 30,000 costs no more than a square.

mod decode;
mod resize;

use std::ops::Range;

use linprobe_core::BadContent;
use serde::Deserialize;

use decode::decode;
use resize::{Filter, resize};

use crate::{folder::ModelFolder, open::OpenError};

/// Says how a model's pictures are prepared.
const CONFIG: &str = "preprocessor_config.json";

/// Says the same, in a processor that was saved with the tokenizer.
const JOINT_CONFIG: &str = "processor_config.json";

/// Prepares pictures as `preprocessor_config.json` says.
#[derive(Clone, Debug)]
pub(crate) struct ImageProcessor {
    resize: Option<Resize>,
    crop: Option<Size>,
    /// For every colour: a byte of value v becomes `v * scale + shift`, in the steps of NumPy.
    rescale: f64,
    normalize: Option<[Normalize; 3]>,
}

/// A height and a width in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) height: usize,
    pub(crate) width: usize,
}

/// 8-bit RGB pixels, row by row: `height x width x 3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rgb {
    pub(crate) size: Size,
    pub(crate) pixels: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Resize {
    target: Target,
    filter: Filter,
}

#[derive(Clone, Copy, Debug)]
enum Target {
    ShortestEdge(usize),
    Exactly(Size),
}

#[derive(Clone, Copy, Debug)]
struct Normalize {
    mean: f32,
    std: f32,
}

impl ImageProcessor {
    /// Reads how a model's pictures are prepared, and checks that they come out in its size.
    pub(crate) fn open(folder: &mut ModelFolder, expected: Size) -> Result<Self, OpenError> {
        let config = match folder.json_if_there::<JointConfig>(JOINT_CONFIG)? {
            Some(JointConfig { image_processor: Some(config) }) => config,
            _ => folder.json(CONFIG)?,
        };
        let processor = config.check().map_err(|reason| folder.bad(CONFIG, reason))?;
        match processor.output() {
            Some(size) if size == expected => Ok(processor),
            _ => Err(folder.bad(CONFIG, format!("its pictures do not come out as {expected}"))),
        }
    }

    /// Decodes a picture and prepares it: `3 x height x width`, channel first.
    pub(crate) fn process(&self, bytes: &[u8]) -> Result<Vec<f32>, BadContent> {
        Ok(self.normalize(&self.resize_and_crop(&decode(bytes)?)))
    }

    /// The size of every picture that comes out, where it is always the same.
    fn output(&self) -> Option<Size> {
        self.crop.or(match self.resize?.target {
            Target::Exactly(size) => Some(size),
            Target::ShortestEdge(_) => None,
        })
    }

    fn resize_and_crop(&self, image: &Rgb) -> Rgb {
        let size = self.resize.map_or(image.size, |step| step.target.of(image.size));
        let window = Window::new(size, self.crop.unwrap_or(size));
        let seen = match self.resize {
            Some(step) => resize(image, size, &window, step.filter),
            None => image.cut(&window),
        };
        seen.place(&window)
    }

    fn normalize(&self, image: &Rgb) -> Vec<f32> {
        let channel = |channel: usize| {
            let normalize = self.normalize.map(|steps| steps[channel]);
            let values = self.byte_values(normalize);
            image.pixels.iter().skip(channel).step_by(3).map(move |&byte| values[usize::from(byte)])
        };
        channel(0).chain(channel(1)).chain(channel(2)).collect()
    }

    /// What every byte becomes.
    fn byte_values(&self, normalize: Option<Normalize>) -> [f32; 256] {
        std::array::from_fn(|byte| {
            #[expect(clippy::cast_possible_truncation, reason = "NumPy goes on in f32 from here")]
            let value = (byte as f64 * self.rescale) as f32;
            normalize.map_or(value, |step| (value - step.mean) / step.std)
        })
    }
}

impl Target {
    fn of(self, size: Size) -> Size {
        match self {
            Self::Exactly(target) => target,
            Self::ShortestEdge(short) if size.width <= size.height => {
                Size { width: short, height: scaled(short, size.height, size.width) }
            }
            Self::ShortestEdge(short) => {
                Size { height: short, width: scaled(short, size.width, size.height) }
            }
        }
    }
}

/// `int(short * long_edge / short_edge)`, the quotient in f64 as Python has it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as Python's int()")]
fn scaled(short: usize, long_edge: usize, short_edge: usize) -> usize {
    ((short * long_edge) as f64 / short_edge as f64) as usize
}

/// What a centre crop shows of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Window {
    rows: Span,
    columns: Span,
}

/// One axis of a [`Window`].
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    /// The pixels of the picture that are seen.
    seen: Range<usize>,
    /// The black pixels before them, where the picture is smaller than the window.
    margin: usize,
    /// The size of the window.
    total: usize,
}

impl Window {
    fn new(picture: Size, crop: Size) -> Self {
        Self {
            rows: Span::centre(picture.height, crop.height),
            columns: Span::centre(picture.width, crop.width),
        }
    }

    /// The part of the window in which the picture is seen.
    fn seen(&self) -> Size {
        Size { height: self.rows.seen.len(), width: self.columns.seen.len() }
    }

    fn total(&self) -> Size {
        Size { height: self.rows.total, width: self.columns.total }
    }
}

impl Span {
    /// The middle of so many pixels; where it is not to be had exactly, the lower one.
    fn centre(n_pixels: usize, crop: usize) -> Self {
        let start = n_pixels.saturating_sub(crop) / 2;
        let end = n_pixels.min(start + crop);
        let margin = crop.saturating_sub(n_pixels).div_ceil(2);
        Self { seen: start..end, margin, total: crop }
    }
}

impl Rgb {
    /// The part of the picture that is seen in a window.
    fn cut(&self, window: &Window) -> Self {
        let columns = window.columns.seen.start * 3..window.columns.seen.end * 3;
        let rows = self.rows().skip(window.rows.seen.start).take(window.rows.seen.len());
        let pixels = rows.flat_map(|row| &row[columns.clone()]).copied().collect();
        Self { size: window.seen(), pixels }
    }

    /// Puts what is seen in its place in the window, black around it.
    fn place(self, window: &Window) -> Self {
        let size = window.total();
        if self.size == size {
            return self;
        }
        let mut pixels = vec![0; size.height * size.width * 3];
        let rows = pixels.chunks_exact_mut(size.width * 3).skip(window.rows.margin);
        for (row, seen) in rows.zip(self.rows()) {
            row[window.columns.margin * 3..][..seen.len()].copy_from_slice(seen);
        }
        Self { size, pixels }
    }

    fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.pixels.chunks_exact(self.size.width * 3)
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} x {}", self.width, self.height)
    }
}

/// `preprocessor_config.json`, as CLIP processors of every age have written it.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Config {
    do_resize: bool,
    size: SizeConfig,
    resample: u8,
    do_center_crop: bool,
    crop_size: SizeConfig,
    do_rescale: bool,
    rescale_factor: f64,
    do_normalize: bool,
    image_mean: [f32; 3],
    image_std: [f32; 3],
}

/// `processor_config.json`.
#[derive(Debug, Deserialize)]
struct JointConfig {
    image_processor: Option<Config>,
}

/// A size in one of the three ways in which configurations give it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum SizeConfig {
    Edge(usize),
    Exactly { height: usize, width: usize },
    ShortestEdge { shortest_edge: usize },
}

impl Default for Config {
    /// What CLIP's processor takes for granted.
    fn default() -> Self {
        Self {
            do_resize: true,
            size: SizeConfig::Edge(224),
            resample: 3,
            do_center_crop: true,
            crop_size: SizeConfig::Edge(224),
            do_rescale: true,
            rescale_factor: 1.0 / 255.0,
            do_normalize: true,
            image_mean: [0.481_454_66, 0.457_827_5, 0.408_210_73],
            image_std: [0.268_629_54, 0.261_302_6, 0.275_777_1],
        }
    }
}

impl Config {
    fn check(&self) -> Result<ImageProcessor, String> {
        let resize = self.do_resize.then(|| self.resize()).transpose()?;
        let crop = self.do_center_crop.then(|| self.crop_size.square()).transpose()?;
        let steps =
            |channel| Normalize { mean: self.image_mean[channel], std: self.image_std[channel] };
        Ok(ImageProcessor {
            resize,
            crop,
            rescale: if self.do_rescale { self.rescale_factor } else { 1.0 },
            normalize: self.do_normalize.then(|| std::array::from_fn(steps)),
        })
    }

    fn resize(&self) -> Result<Resize, String> {
        let filter = Filter::from_pillow(self.resample)
            .ok_or_else(|| format!("resample {} is not supported", self.resample))?;
        Ok(Resize { target: self.size.target()?, filter })
    }
}

impl SizeConfig {
    fn target(self) -> Result<Target, String> {
        match self {
            Self::Exactly { .. } => self.square().map(Target::Exactly),
            Self::Edge(edge) | Self::ShortestEdge { shortest_edge: edge } => {
                check_edge(edge).map(Target::ShortestEdge)
            }
        }
    }

    fn square(self) -> Result<Size, String> {
        let (height, width) = match self {
            Self::Exactly { height, width } => (height, width),
            Self::Edge(edge) | Self::ShortestEdge { shortest_edge: edge } => (edge, edge),
        };
        Ok(Size { height: check_edge(height)?, width: check_edge(width)? })
    }
}

/// The largest picture that a model may ask for; no published one goes beyond 1,024.
const MAX_EDGE: usize = 4096;

fn check_edge(edge: usize) -> Result<usize, String> {
    let is_fine = (1..=MAX_EDGE).contains(&edge);
    is_fine.then_some(edge).ok_or_else(|| format!("a size of {edge} is not supported"))
}
