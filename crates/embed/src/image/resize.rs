//! Resizing as Pillow does it, bit for bit, or as torchvision does.
//!
//! A horizontal pass, then a vertical one, both with antialiasing: the filter widens with the scale.
//! Weights are fixed-point numbers and each pass rounds to 8 bits. Libraries that resize
//! faster round otherwise, and a model notices. After `src/libImaging/Resample.c` of Pillow before 13,
//! with which models were trained; 13 takes the vertical pass first where that saves time, and for
//! such shapes differs by some levels.

#![expect(clippy::inline_always, reason = "else loops keep the instructions of an old processor")]

use std::{f64::consts::PI, fmt, ops::Range, str::FromStr};

use pulp::Arch;

use super::{Rgb, Size, Window};

/// Whose resized pixels a model is given: they differ by one level in less than one of a hundred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resizing {
    /// Those of Pillow, over which most models were trained.
    #[default]
    Pillow,
    /// Those of torchvision over bytes, which transformers takes where torchvision is installed.
    Torchvision,
}

const PILLOW: &str = "pillow";
const TORCHVISION: &str = "torchvision";

impl Resizing {
    /// The names of all.
    pub const NAMES: [&str; 2] = [PILLOW, TORCHVISION];
}

impl fmt::Display for Resizing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pillow => PILLOW,
            Self::Torchvision => TORCHVISION,
        })
    }
}

impl FromStr for Resizing {
    type Err = UnknownResizing;

    fn from_str(name: &str) -> Result<Self, UnknownResizing> {
        match name {
            PILLOW => Ok(Self::Pillow),
            TORCHVISION => Ok(Self::Torchvision),
            _ => Err(UnknownResizing { name: name.to_owned() }),
        }
    }
}

/// A name that names no way of resizing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pictures cannot be resized by {name:?}\nhint: one of {}", Resizing::NAMES.join(", "))]
pub struct UnknownResizing {
    /// The name given.
    pub name: String,
}

/// How pixels are weighted by their distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Lanczos,
    Bilinear,
    Bicubic,
    Box,
    Hamming,
}

impl Filter {
    /// By the number that Pillow and the configurations of processors give it.
    pub(super) fn from_pillow(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Lanczos),
            2 => Some(Self::Bilinear),
            3 => Some(Self::Bicubic),
            4 => Some(Self::Box),
            5 => Some(Self::Hamming),
            _ => None,
        }
    }

    /// The distance from which on the weight is zero.
    fn support(self) -> f64 {
        match self {
            Self::Lanczos => 3.0,
            Self::Bicubic => 2.0,
            Self::Bilinear | Self::Hamming => 1.0,
            Self::Box => 0.5,
        }
    }

    fn weight(self, distance: f64) -> f64 {
        let x = distance.abs();
        match self {
            Self::Lanczos if x < 3.0 => sinc(x) * sinc(x / 3.0),
            Self::Bicubic => bicubic(x),
            Self::Bilinear if x < 1.0 => 1.0 - x,
            Self::Hamming if x == 0.0 => 1.0,
            Self::Hamming if x < 1.0 => sinc(x) * (0.54 + 0.46 * (x * PI).cos()),
            // Half-open, so that a pixel on the border counts once.
            Self::Box if distance > -0.5 && distance <= 0.5 => 1.0,
            _ => 0.0,
        }
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (x * PI).sin() / (x * PI) }
}

/// Keys' cubic with a = -1/2.
fn bicubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

/// Resizes a picture, and computes only what is seen of it in a window.
pub(super) fn resize(
    image: &Rgb,
    size: Size,
    window: &Window,
    (filter, resizing): (Filter, Resizing),
) -> Rgb {
    let axis = |from, to, seen| {
        let taps = |places| taps([from, to], places, filter);
        Axis::new(taps(seen), resizing.n_bits(taps(0..to)))
    };
    let columns = axis(image.size.width, size.width, window.columns.seen.clone());
    let rows = axis(image.size.height, size.height, window.rows.seen.clone());
    let first_row = rows.taps.iter().map(|tap| tap.first).min().unwrap_or(0);
    let end_row = rows.taps.iter().map(Tap::end).max().unwrap_or(0);
    let used_rows = image.rows().skip(first_row).take(end_row - first_row);
    let row_len = columns.taps.len() * 3;
    let mut narrow = vec![0; (end_row - first_row) * row_len];
    let mut pixels = vec![0; rows.taps.len() * row_len];
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut wide = vec![0; image.size.width * 3 + 1];
            for (row, narrow) in used_rows.zip(narrow.chunks_exact_mut(row_len.max(1))) {
                wide[..row.len()].copy_from_slice(row);
                columns.combine_pixels(&wide, narrow);
            }
            let mut sums = vec![0; row_len];
            for (tap, row) in rows.taps.iter().zip(pixels.chunks_exact_mut(row_len.max(1))) {
                let from = (tap.first - first_row) * row_len;
                rows.combine_rows(&narrow[from..], &tap.weights, &mut sums, row);
            }
        },
    );
    Rgb { size: window.seen(), pixels }
}

/// Resizes a picture of floating-point values, interleaved, without rounding: as torch does it.
pub(super) fn resize_values(values: &[f32], from: Size, to: Size, filter: Filter) -> Vec<f32> {
    let columns = single_taps(from.width, to.width, filter);
    let rows = single_taps(from.height, to.height, filter);
    let narrow: Vec<f32> = values
        .chunks_exact(from.width * 3)
        .flat_map(|row| columns.iter().flat_map(move |tap| combined(row, 3, tap)))
        .collect();
    rows.iter().flat_map(|tap| combined(&narrow, to.width * 3, tap)).collect()
}

/// The weighted sum of pixels or rows, of a number of values each.
fn combined(values: &[f32], n_each: usize, tap: &Tap<f32>) -> Vec<f32> {
    let mut sums = vec![0.0; n_each];
    let pieces = values.chunks_exact(n_each).skip(tap.first);
    for (piece, &weight) in pieces.zip(&tap.weights) {
        for (sum, &value) in sums.iter_mut().zip(piece) {
            *sum += value * weight;
        }
    }
    sums
}

/// The pixels that one pixel is made of, along one axis.
struct Tap<W> {
    first: usize,
    /// They sum to one.
    weights: Vec<W>,
}

impl<W> Tap<W> {
    fn end(&self) -> usize {
        self.first + self.weights.len()
    }
}

/// What some of the places are made of.
fn taps(
    [n_in, n_out]: [usize; 2],
    places: Range<usize>,
    filter: Filter,
) -> impl Iterator<Item = Tap<f64>> {
    let scale = n_in as f64 / n_out as f64;
    let widening = scale.max(1.0);
    let support = filter.support() * widening;
    places.map(move |idx| {
        let centre = (idx as f64 + 0.5) * scale;
        let first = truncated(centre - support + 0.5);
        let end = truncated(centre + support + 0.5).min(n_in);
        let weight = |at: usize| filter.weight((at as f64 - centre + 0.5) / widening);
        let sum: f64 = (first..end).map(weight).sum();
        Tap { first, weights: (first..end).map(|at| weight(at) / sum).collect() }
    })
}

/// The same in single precision, as torch computes positions, too: after
/// `aten/src/ATen/native/cpu/UpSampleKernel.cpp` of PyTorch.
#[expect(clippy::cast_possible_truncation, reason = "single precision")]
fn single_taps(n_in: usize, n_out: usize, filter: Filter) -> Vec<Tap<f32>> {
    let scale = n_in as f32 / n_out as f32;
    let widening = scale.max(1.0);
    let support = filter.support() as f32 * widening;
    let tap = |idx: usize| {
        let centre = scale * (idx as f32 + 0.5);
        let first = truncated(f64::from(centre - support + 0.5));
        let end = truncated(f64::from(centre + support + 0.5)).min(n_in);
        let distance = |at: usize| (at as f32 - centre + 0.5) * (1.0 / widening);
        let weight = |at: usize| filter.weight(f64::from(distance(at))) as f32;
        let sum: f32 = (first..end).map(weight).sum();
        Tap { first, weights: (first..end).map(|at| weight(at) / sum).collect() }
    };
    (0..n_out).map(tap).collect()
}

/// What the pixels of one axis are made of, as fixed-point numbers.
struct Axis {
    taps: Vec<Tap<i32>>,
    /// Fractional bits of a weight.
    n_bits: u32,
}

impl Resizing {
    /// Fractional bits of weights, all of those of an axis being given. Of 32 bits 8 are the pixel's, and two are left
    /// for sums beyond its range; torchvision takes as many as the largest weight leaves of 16, after
    /// `aten/src/ATen/native/cpu/UpSampleKernel.cpp` of PyTorch.
    fn n_bits(self, taps: impl Iterator<Item = Tap<f64>>) -> u32 {
        const MOST: u32 = 32 - 8 - 2;
        if self == Self::Pillow {
            return MOST;
        }
        let largest = taps.flat_map(|tap| tap.weights).fold(0.0, f64::max);
        let fits = |n_bits: u32| rounded(largest * f64::from(1 << n_bits)) <= i32::from(i16::MAX);
        (0..MOST).find(|n_bits| !fits(n_bits + 1)).unwrap_or(MOST)
    }
}

impl Axis {
    fn new(taps: impl Iterator<Item = Tap<f64>>, n_bits: u32) -> Self {
        let one = f64::from(1 << n_bits);
        let fixed = |tap: Tap<f64>| {
            let weights = tap.weights.into_iter().map(|weight| rounded(weight * one)).collect();
            Tap { first: tap.first, weights }
        };
        Self { taps: taps.map(fixed).collect(), n_bits }
    }

    /// A half, to round.
    fn half(&self) -> i32 {
        1 << (self.n_bits - 1)
    }

    #[expect(clippy::cast_sign_loss, reason = "clamped to a byte")]
    #[inline(always)]
    fn to_byte(&self, sum: i32) -> u8 {
        (sum >> self.n_bits).clamp(0, 255) as u8
    }

    /// A row in its new length. Four values at a time are what the processor multiplies: the fourth is the next
    /// pixel's, and behind the last pixel stands one more.
    #[inline(always)]
    fn combine_pixels(&self, row: &[u8], narrow: &mut [u8]) {
        for (tap, pixel) in self.taps.iter().zip(narrow.chunks_exact_mut(3)) {
            let mut sums = [self.half(); 4];
            let mut from = tap.first * 3;
            for &weight in &tap.weights {
                let Some(values) = row[from..].first_chunk::<4>() else { break };
                for (sum, &value) in sums.iter_mut().zip(values) {
                    *sum += i32::from(value) * weight;
                }
                from += 3;
            }
            for (byte, sum) in pixel.iter_mut().zip(sums) {
                *byte = self.to_byte(sum);
            }
        }
    }

    /// A row of several.
    #[inline(always)]
    fn combine_rows(&self, narrow: &[u8], weights: &[i32], sums: &mut [i32], row: &mut [u8]) {
        sums.fill(self.half());
        for (values, weight) in narrow.chunks_exact(row.len()).zip(weights) {
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum += i32::from(value) * weight;
            }
        }
        for (byte, sum) in row.iter_mut().zip(sums) {
            *byte = self.to_byte(*sum);
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 0")]
fn truncated(position: f64) -> usize {
    position.max(0.0) as usize
}

#[expect(clippy::cast_possible_truncation, reason = "a weight is smaller than two")]
fn rounded(weight: f64) -> i32 {
    (weight + 0.5_f64.copysign(weight)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Centre;

    #[test]
    fn nothing_is_seen_in_a_window_of_no_pixels() {
        let image = Rgb { size: Size { height: 2, width: 3 }, pixels: vec![7; 18] };
        let size = Size { height: 4, width: 6 };
        let window = Window::new(size, Size { height: 0, width: 0 }, Centre::Lower);
        let seen = resize(&image, size, &window, (Filter::Bicubic, Resizing::Pillow));
        assert!(seen.pixels.is_empty());
    }
}
