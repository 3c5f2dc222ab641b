//! From the bytes of a picture to the pixels that a model was trained on.
//!
//! The steps and their roundings are those of the processors of Hugging Face transformers over
//! Pillow, because a model's embeddings are only as right as its pixels: shortest edge to size,
//! centre crop, 8 bits between the steps, then scale and shift in single precision. Only the pixels
//! inside the crop are ever computed, so a strip of 1 x 30,000 costs no more than a square.

mod config;
mod decode;
mod jpeg;
mod resize;
mod torchvision;

use std::ops::Range;

use linprobe_core::BadContent;

use decode::decode;
use resize::{Filter, resize, resize_values};

pub use self::resize::{Resizing, UnknownResizing};
pub(crate) use self::{
    config::Defaults,
    torchvision::{OpenClipPreprocessing, TimmPreprocessing},
};
use crate::{folder::ModelFolder, open::OpenError};

/// Prepares pictures as `preprocessor_config.json` says.
#[derive(Clone, Debug)]
pub(crate) struct ImageProcessor {
    resize: Option<Resize>,
    resizing: Resizing,
    /// Whether values are scaled before the picture is resized, and not rounded after.
    in_floats: bool,
    crop: Option<Size>,
    centre: Centre,
    /// That of every picture that comes out.
    size: Size,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    ShortestEdge(usize),
    Exactly(Size),
}

/// Which pixels are the middle where they are not to be had exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Centre {
    /// The lower ones, as in transformers.
    Lower,
    /// Those that begin at an even pixel, since torchvision rounds as Python does.
    Even,
}

#[derive(Clone, Copy, Debug)]
struct Normalize {
    mean: f32,
    std: f32,
}

impl ImageProcessor {
    /// Reads how a model's pictures are prepared. The defaults are for files that do not say what
    /// wrote them.
    pub(crate) fn open(folder: &mut ModelFolder, defaults: Defaults) -> Result<Self, OpenError> {
        config::read(folder, defaults)
    }

    /// Prepares pictures as OpenCLIP does, for a model that takes them in a size.
    pub(crate) fn of_open_clip(
        config: &OpenClipPreprocessing,
        image_size: usize,
    ) -> Result<Self, String> {
        torchvision::of_open_clip(config, image_size)
    }

    /// Prepares pictures as timm does.
    pub(crate) fn of_timm(config: &TimmPreprocessing) -> Result<Self, String> {
        torchvision::of_timm(config)
    }

    /// The same with pixels as another library resizes them.
    pub(crate) fn resizing(self, resizing: Resizing) -> Self {
        Self { resizing, ..self }
    }

    /// The size of every picture that comes out.
    pub(crate) fn size(&self) -> Size {
        self.size
    }

    /// Makes sure that pictures come out in the size that a model takes.
    pub(crate) fn check_size(&self, folder: &ModelFolder, expected: Size) -> Result<(), OpenError> {
        if self.size == expected {
            return Ok(());
        }
        let reason = format!("its pictures come out as {}, not as {expected}", self.size);
        Err(folder.bad("preprocessor_config.json", reason))
    }

    /// Decodes a picture and prepares it: `3 x height x width`, channel first.
    pub(crate) fn process(&self, bytes: &[u8]) -> Result<Vec<f32>, BadContent> {
        let image = decode(bytes)?;
        Ok(match self.resize {
            Some(step) if self.in_floats => self.normalize_resized(&image, step),
            _ => self.normalize(&self.resize_and_crop(&image)),
        })
    }

    fn resize_and_crop(&self, image: &Rgb) -> Rgb {
        let size = self.resize.map_or(image.size, |step| step.target.of(image.size));
        let window = Window::new(size, self.crop.unwrap_or(size), self.centre);
        let seen = match self.resize {
            Some(step) => resize(image, size, &window, (step.filter, self.resizing)),
            None => image.cut(&window),
        };
        seen.place(&window)
    }

    fn normalize(&self, image: &Rgb) -> Vec<f32> {
        let n_pixels = image.pixels.len() / 3;
        let mut normalized = vec![0.0; 3 * n_pixels];
        for (channel, places) in normalized.chunks_exact_mut(n_pixels.max(1)).enumerate() {
            let values = self.byte_values(self.normalize.map(|steps| steps[channel]));
            for (place, pixel) in places.iter_mut().zip(image.pixels.chunks_exact(3)) {
                *place = values[usize::from(pixel[channel])];
            }
        }
        normalized
    }

    /// Scales, resizes and normalizes without rounding to bytes between.
    fn normalize_resized(&self, image: &Rgb, step: Resize) -> Vec<f32> {
        let values = self.byte_values(None);
        let values: Vec<_> = image.pixels.iter().map(|&byte| values[usize::from(byte)]).collect();
        let values = resize_values(&values, image.size, self.size, step.filter);
        let channel = |channel: usize| {
            let values = values.iter().skip(channel).step_by(3).copied();
            let normalize = self.normalize.map(|steps| steps[channel]);
            values.map(move |value| normalize.map_or(value, |step| step.of(value)))
        };
        channel(0).chain(channel(1)).chain(channel(2)).collect()
    }

    /// What every byte becomes.
    fn byte_values(&self, normalize: Option<Normalize>) -> [f32; 256] {
        std::array::from_fn(|byte| {
            #[expect(clippy::cast_possible_truncation, reason = "NumPy goes on in f32 from here")]
            let value = (byte as f64 * self.rescale) as f32;
            normalize.map_or(value, |step| step.of(value))
        })
    }
}

impl Normalize {
    fn of(self, value: f32) -> f32 {
        (value - self.mean) / self.std
    }
}

impl Target {
    /// The size of every picture, where it is the same for all.
    fn size(self) -> Option<Size> {
        match self {
            Self::Exactly(size) => Some(size),
            Self::ShortestEdge(_) => None,
        }
    }

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
    fn new(picture: Size, crop: Size, centre: Centre) -> Self {
        Self {
            rows: Span::centre(picture.height, crop.height, centre),
            columns: Span::centre(picture.width, crop.width, centre),
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
    /// The middle of so many pixels.
    fn centre(n_pixels: usize, crop: usize, centre: Centre) -> Self {
        let n_outside = n_pixels.saturating_sub(crop);
        let start = match centre {
            Centre::Lower => n_outside / 2,
            Centre::Even => n_outside / 2 + usize::from(n_outside % 4 == 3),
        };
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
