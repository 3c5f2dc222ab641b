//! Any picture becomes RGB, or an error of its own.
//!
//! Orientation is applied, and no colour mode is a reason to drop a record: grey is repeated, a
//! palette is looked up, CMYK is converted, of 16 bits the upper 8 are kept, alpha is ignored as
//! Pillow's `convert("RGB")` ignores it. Sizes are checked in the header, before anything is
//! allocated: a file of a few bytes may claim any size.

use std::{fmt::Display, io::Cursor};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, metadata::Orientation};
use linprobe_core::BadContent;

use super::{Rgb, Size, jpeg};

/// The largest picture that is decoded, in pixels: about that at which Pillow refuses, too.
pub(super) const MAX_PIXELS: u64 = 178_956_970;

/// What a decoder may allocate beside the picture: frames, strips and tables.
const MAX_DECODER_BYTES: u64 = 1 << 30;

/// Decodes the first frame of a picture.
pub(super) fn decode(bytes: &[u8]) -> Result<Rgb, BadContent> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(bad)?;
    reader.limits(limits());
    let is_jpeg = reader.format() == Some(ImageFormat::Jpeg);
    if is_jpeg && !has_jpeg_end(bytes) {
        return Err(bad("the file is truncated"));
    }
    let mut decoder = reader.into_decoder().map_err(bad)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(bad(format!("{width} x {height} pixels are too many")));
    }
    // Unreadable metadata is no reason to drop a readable picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let exact = if is_jpeg { jpeg::decode(bytes).map_err(bad)? } else { None };
    let mut image = match exact {
        Some(exact) => DynamicImage::ImageRgb8(exact),
        None => DynamicImage::from_decoder(decoder).map_err(bad)?,
    };
    image.apply_orientation(orientation);
    Ok(to_rgb(image))
}

fn bad(reason: impl Display) -> BadContent {
    BadContent::Undecodable(format!("not a picture that can be read: {reason}"))
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    limits
}

fn to_rgb(image: DynamicImage) -> Rgb {
    let size = Size { height: image.height() as usize, width: image.width() as usize };
    let n_channels = usize::from(image.color().channel_count());
    let pixels = match image {
        DynamicImage::ImageRgb8(image) => image.into_raw(),
        DynamicImage::ImageLuma16(image) => from_16_bits(image.as_raw(), n_channels),
        DynamicImage::ImageLumaA16(image) => from_16_bits(image.as_raw(), n_channels),
        DynamicImage::ImageRgb16(image) => from_16_bits(image.as_raw(), n_channels),
        DynamicImage::ImageRgba16(image) => from_16_bits(image.as_raw(), n_channels),
        other => other.into_rgb8().into_raw(),
    };
    Rgb { size, pixels }
}

fn from_16_bits(samples: &[u16], n_channels: usize) -> Vec<u8> {
    let upper = |sample: u16| sample.to_be_bytes()[0];
    let colours = samples.chunks_exact(n_channels).flat_map(|pixel| match *pixel {
        [red, green, blue] | [red, green, blue, _] => [red, green, blue],
        _ => [pixel[0]; 3],
    });
    colours.map(upper).collect()
}

/// Whether a JPEG's picture comes to its end. A decoder fills what is missing with grey and says
/// nothing, as suits a browser but not a dataset.
fn has_jpeg_end(bytes: &[u8]) -> bool {
    const END_OF_IMAGE: [u8; 2] = [0xFF, 0xD9];
    jpeg_scan(bytes).is_some_and(|scan| scan.windows(2).any(|marker| marker == END_OF_IMAGE))
}

/// What follows the header segments of a JPEG, among which there may be a whole small JPEG.
fn jpeg_scan(bytes: &[u8]) -> Option<&[u8]> {
    const START_OF_SCAN: u8 = 0xDA;
    let mut rest = bytes.get(2..)?;
    loop {
        match *rest {
            [0xFF, 0xFF, ..] => rest = &rest[1..],
            [0xFF, START_OF_SCAN, ..] => return Some(rest),
            [0xFF, _, high, low, ..] => {
                let segment = usize::from(u16::from_be_bytes([high, low]));
                rest = rest.get(2 + segment..)?;
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use super::*;

    fn images() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/embed/images")
    }

    fn read(name: &str) -> Rgb {
        decode(&fs::read(images().join(name)).unwrap()).unwrap()
    }

    #[test]
    fn a_jpeg_is_what_pillow_decodes_to_the_bit() {
        for name in ["baseline.jpg", "progressive.jpg", "grey.jpg", "turned.jpg"] {
            let (found, expected) = (read(name), read(&format!("{name}.png")));
            assert_eq!(found.size, expected.size, "{name}");
            assert!(found.pixels == expected.pixels, "{name}");
        }
    }

    /// Decoders of lossy formats may round differently, and interpolate colours differently; this
    /// is how far from Pillow's the other ones used here are.
    #[test]
    fn lossy_pictures_are_within_some_levels_of_what_pillow_decodes() {
        for name in ["cmyk.jpg", "lossy.webp"] {
            let (found, expected) = (read(name), read(&format!("{name}.png")));
            assert_eq!(found.size, expected.size, "{name}");
            let pairs = found.pixels.iter().zip(&expected.pixels);
            let differences: Vec<_> = pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).collect();
            let mean = differences.iter().sum::<f64>() / differences.len() as f64;
            let worst = differences.into_iter().fold(0.0, f64::max);
            println!("{name}: {mean:.3} on average, {worst} at most");
            assert!(mean <= 0.5 && worst <= 8.0, "{name}: {mean} on average, {worst} at most");
        }
    }

    /// Whatever becomes of the picture, the next one is read.
    #[test]
    fn a_jpeg_that_is_damaged_anywhere_ends_in_a_picture_or_an_error() {
        for name in ["baseline.jpg", "progressive.jpg", "cmyk.jpg"] {
            let whole = fs::read(images().join(name)).unwrap();
            let mut n_refused = 0;
            for at in (2..whole.len()).step_by(29) {
                let mut damaged = whole.clone();
                damaged[at] ^= 0xFF;
                n_refused += usize::from(decode(&damaged).is_err());
            }
            assert!(n_refused > 0, "{name}");
            assert!(decode(&whole).is_ok());
        }
    }

    #[test]
    fn a_truncated_thumbnail_is_not_the_end_of_a_jpeg() {
        let thumbnail = [0xFF, 0xE1, 0x00, 0x04, 0xFF, 0xD9];
        let scan = [0xFF, 0xDA, 0x00, 0x02, 0x12, 0x34];
        let truncated = [&[0xFF, 0xD8][..], &thumbnail, &scan].concat();
        assert!(!has_jpeg_end(&truncated));
        assert!(has_jpeg_end(&[&truncated[..], &[0xFF, 0xD9]].concat()));
    }

    #[test]
    fn of_sixteen_bits_the_upper_eight_are_kept() {
        assert_eq!(from_16_bits(&[0x12FF, 0xFFFF], 2), [0x12; 3]);
        assert_eq!(from_16_bits(&[0x12FF, 0x3400, 0x5680, 7], 4), [0x12, 0x34, 0x56]);
    }
}
