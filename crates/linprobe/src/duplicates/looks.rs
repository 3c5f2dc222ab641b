//! What pictures look like when they are very small: 64 bits that stay nearly the same when a picture is resized, compressed or
//! brightened.
//!
//! The bits are the signs of the 8 x 8 lowest frequencies of the picture in grey, 32 x 32 pixels, against their median (Zauner,
//! Implementation and Benchmarking of Perceptual Image Hash Functions, 2010).

use std::{collections::BTreeMap, f32::consts::PI};

use image::imageops::FilterType;
use linprobe_core::{Content, RecordId};

use crate::{picture::decoded, project::Project};

/// The side of the small picture, and that of the block of low frequencies.
const SIDE: usize = 32;
const LOW: usize = 8;

/// Bits in which two pictures that look the same may differ.
const MOST_BITS: u32 = 4;

/// A small picture whose values all lie within this has no look.
const FLAT: f32 = 8.0;

/// The looks of pictures.
#[derive(Debug, Default)]
pub(super) struct Looks {
    of_records: Vec<(RecordId, u64)>,
    n_unseen: u64,
    n_flat: usize,
}

impl Looks {
    /// Looks at the picture of a record. One that cannot be read is counted, one of a single colour looks like nothing.
    pub(super) fn look(&mut self, id: RecordId, project: &Project) {
        let Ok(Content::Image(bytes)) = project.content(&id) else {
            self.n_unseen += 1;
            return;
        };
        match decoded(&bytes).map(|picture| look_of(&picture)) {
            Ok(Some(look)) => self.of_records.push((id, look)),
            Ok(None) => self.n_flat += 1,
            Err(_unreadable) => self.n_unseen += 1,
        }
    }

    pub(super) fn n_unseen(&self) -> u64 {
        self.n_unseen
    }

    pub(super) fn n_looked_at(&self) -> usize {
        self.of_records.len() + self.n_flat
    }

    /// Pairs that look the same. Two looks that differ in few of 64 bits have one of 8 bytes in common.
    pub(super) fn alike(&self) -> Vec<[RecordId; 2]> {
        let mut by_byte: BTreeMap<(usize, u8), Vec<usize>> = BTreeMap::new();
        let mut alike = Vec::new();
        for (n, (id, look)) in self.of_records.iter().enumerate() {
            let keys: Vec<(usize, u8)> = look.to_le_bytes().into_iter().enumerate().collect();
            let mut near: Vec<usize> = keys
                .iter()
                .flat_map(|key| by_byte.get(key).into_iter().flatten().copied())
                .filter(|&other| (self.of_records[other].1 ^ look).count_ones() <= MOST_BITS)
                .collect();
            near.sort_unstable();
            near.dedup();
            alike.extend(
                near.into_iter().map(|other| [self.of_records[other].0.clone(), id.clone()]),
            );
            for key in keys {
                by_byte.entry(key).or_default().push(n);
            }
        }
        alike
    }
}

/// None of a picture that has a single colour.
fn look_of(picture: &image::DynamicImage) -> Option<u64> {
    let side = u32::try_from(SIDE).unwrap_or_default();
    let small = picture.resize_exact(side, side, FilterType::Triangle).to_luma32f();
    let grey: Vec<f32> = small.pixels().map(|pixel| 255.0 * pixel.0[0]).collect();
    let (low, high) =
        grey.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
    if high - low < FLAT {
        return None;
    }
    let frequencies = low_frequencies(&grey);
    let mut sorted = frequencies.clone();
    sorted.sort_by(f32::total_cmp);
    let median = f32::midpoint(sorted[sorted.len() / 2 - 1], sorted[sorted.len() / 2]);
    Some(frequencies.iter().fold(0, |look, &x| look << 1 | u64::from(x > median)))
}

/// The lowest frequencies of a small picture by the discrete cosine transform, row by row. That of all zero, the brightness, stands
/// for nothing and is 0.
fn low_frequencies(grey: &[f32]) -> Vec<f32> {
    let wave = |frequency: usize, at: usize| {
        (PI * frequency as f32 * (at as f32 + 0.5) / SIDE as f32).cos()
    };
    // Rows first: LOW numbers for each.
    let rows = grey.chunks_exact(SIDE).flat_map(|row| {
        (0..LOW).map(move |u| (0..).zip(row).map(|(x, value)| value * wave(u, x)).sum::<f32>())
    });
    let rows: Vec<f32> = rows.collect();
    let block = (0..LOW * LOW).map(|place| {
        let (v, u) = (place / LOW, place % LOW);
        (0..SIDE).map(|y| rows[y * LOW + u] * wave(v, y)).sum::<f32>()
    });
    let mut block: Vec<f32> = block.collect();
    block[0] = 0.0;
    block
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, Rgb, RgbImage};

    use super::*;

    fn picture(side: u32, seed: f32) -> DynamicImage {
        let value = |x: u32, y: u32, channel: f32| {
            let (x, y) = (x as f32 / side as f32, y as f32 / side as f32);
            let wave = (seed * 7.0 * x + channel).sin() + (seed * 5.0 * y * x + seed).cos();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
            let byte = (127.0 + 60.0 * wave) as u8;
            byte
        };
        let pixel = |x, y| Rgb([0.0, 0.2, 0.4].map(|channel| value(x, y, channel)));
        DynamicImage::ImageRgb8(RgbImage::from_fn(side, side, pixel))
    }

    fn distance(a: &DynamicImage, b: &DynamicImage) -> u32 {
        (look_of(a).unwrap() ^ look_of(b).unwrap()).count_ones()
    }

    #[test]
    fn a_copy_of_another_size_and_brightness_looks_the_same_and_another_picture_does_not() {
        for seed in [1.0, 1.7, 2.3] {
            let original = picture(300, seed);
            let copy = original.resize_exact(120, 90, FilterType::Lanczos3).brighten(20);
            assert!(distance(&original, &copy) <= MOST_BITS, "{}", distance(&original, &copy));
            let other = picture(300, seed + 1.1);
            assert!(distance(&original, &other) > 3 * MOST_BITS);
        }
    }

    #[test]
    fn a_picture_of_one_colour_looks_like_nothing() {
        let flat = DynamicImage::ImageRgb8(RgbImage::from_pixel(50, 50, Rgb([9, 200, 30])));
        assert_eq!(look_of(&flat), None);
    }
}
