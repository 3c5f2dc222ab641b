//! Pictures in the size in which people look at them.
//!
//! A thumbnail is made once and kept in the folder `thumbnails` of the project, under a name that
//! depends on the bytes of the picture, so that a picture that has changed gets a new one. The folder
//! can be deleted at any time. Sizes are checked in the header, before anything is allocated: a file
//! of a few bytes may claim any size.

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
};

use image::{
    DynamicImage, ImageDecoder, ImageReader, Limits, codecs::jpeg::JpegEncoder,
    metadata::Orientation,
};
use linprobe_core::{Content, RecordId};

use crate::{error::ProjectError, files::write_atomic, project::Project};

const THUMBNAILS: &str = "thumbnails";

/// The largest picture that is made small, in pixels.
const MAX_PIXELS: u64 = 100_000_000;

/// What a decoder may allocate.
const MAX_DECODER_BYTES: u64 = 512 << 20;

/// Of 100: as small as can be without anybody seeing it.
const JPEG_QUALITY: u8 = 82;

/// A width and a height in pixels, as a person sees the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureSize {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

/// Reads the header of a picture: whether it is one, and not too large.
///
/// # Errors
/// What is wrong with it, in words.
pub fn check_picture(bytes: &[u8]) -> Result<(), String> {
    decoder(bytes).map(drop)
}

impl Project {
    /// The picture of a record as a JPEG that fits into a square of `size` pixels, made once.
    ///
    /// # Errors
    /// [`ProjectError::NoPicture`] when the record is none, or none that can be read; or the dataset
    /// is no longer there.
    pub fn thumbnail(&self, id: &RecordId, size: u32) -> Result<Vec<u8>, ProjectError> {
        let Content::Image(bytes) = self.content(id)? else {
            return Err(no_picture(id, "it is no picture"));
        };
        let path = self.thumbnail_path(&bytes, size);
        if let Ok(kept) = fs::read(&path) {
            return Ok(kept);
        }
        let made = shrink(&bytes, size).map_err(|reason| no_picture(id, &reason))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(folder)
            .map_err(|source| ProjectError::Io { path: folder.into(), source })?;
        write_atomic(&path, &made)?;
        Ok(made)
    }

    /// How large the picture of a record is, by its header alone; none if it cannot be told.
    ///
    /// # Errors
    /// [`ProjectError::UnknownRecord`], or the dataset is no longer there.
    pub fn picture_size(&self, id: &RecordId) -> Result<Option<PictureSize>, ProjectError> {
        let Content::Image(bytes) = self.content(id)? else { return Ok(None) };
        let Ok((decoder, orientation)) = decoder(&bytes) else { return Ok(None) };
        let (width, height) = decoder.dimensions();
        let size = PictureSize { width, height };
        Ok(Some(if is_turned(orientation) { size.turned() } else { size }))
    }

    /// Two letters of the digest name a folder, so that none of them grows too large.
    fn thumbnail_path(&self, bytes: &[u8], size: u32) -> PathBuf {
        let digest = blake3::hash(bytes).to_hex();
        let (folder, name) = digest.split_at(2);
        self.folder().join(THUMBNAILS).join(folder).join(format!("{name:.30}-{size}.jpg"))
    }
}

impl PictureSize {
    fn turned(self) -> Self {
        Self { width: self.height, height: self.width }
    }
}

fn no_picture(id: &RecordId, reason: &str) -> ProjectError {
    ProjectError::NoPicture { id: id.clone(), reason: reason.to_owned() }
}

fn shrink(bytes: &[u8], size: u32) -> Result<Vec<u8>, String> {
    let (decoder, orientation) = decoder(bytes)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    if picture.width() > size || picture.height() > size {
        picture = picture.thumbnail(size, size);
    }
    picture.apply_orientation(orientation);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY)
        .encode_image(&on_white(&picture))
        .map_err(|error| error.to_string())?;
    Ok(jpeg)
}

/// A picture, turned as a person sees it.
pub(crate) fn decoded(bytes: &[u8]) -> Result<DynamicImage, String> {
    let (decoder, orientation) = decoder(bytes)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// The decoder of a picture that is not too large, and how it is to be turned.
fn decoder(bytes: &[u8]) -> Result<(impl ImageDecoder, Orientation), String> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let mut reader = reader.map_err(|error| error.to_string())?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!("{width} x {height} pixels are too many"));
    }
    // Unreadable metadata is no reason to show nothing.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((decoder, orientation))
}

fn is_turned(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

/// A JPEG has no transparency: what shows through is white.
fn on_white(picture: &DynamicImage) -> image::RgbImage {
    let mut seen = picture.to_rgba8();
    for pixel in seen.pixels_mut() {
        let [.., alpha] = pixel.0;
        for channel in &mut pixel.0[..3] {
            let mixed = u16::from(*channel) * u16::from(alpha) + 255 * u16::from(255 - alpha);
            *channel = u8::try_from(mixed / 255).unwrap_or(u8::MAX);
        }
    }
    DynamicImage::ImageRgba8(seen).into_rgb8()
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgba, RgbaImage};

    use super::*;

    fn png(width: u32, height: u32, pixel: [u8; 4]) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let picture = RgbaImage::from_pixel(width, height, Rgba(pixel));
        picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_thumbnail_keeps_its_shape_and_fits() {
        let small = image::load_from_memory(&shrink(&png(400, 100, [9; 4]), 128).unwrap()).unwrap();
        assert_eq!((small.width(), small.height()), (128, 32));
        let tiny = image::load_from_memory(&shrink(&png(3, 2, [9; 4]), 128).unwrap()).unwrap();
        assert_eq!((tiny.width(), tiny.height()), (3, 2), "small pictures stay as they are");
    }

    #[test]
    fn what_is_transparent_is_white() {
        let seen = image::load_from_memory(&shrink(&png(8, 8, [0; 4]), 128).unwrap()).unwrap();
        assert_eq!(seen.to_rgb8().get_pixel(4, 4).0, [255; 3]);
    }

    #[test]
    fn a_picture_that_claims_to_be_vast_is_refused_by_its_header() {
        let mut bytes = png(2, 2, [0; 4]);
        // The width and height of the header of a PNG, whose checksum decoders look at later.
        bytes[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        let crc = crc_of(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.to_be_bytes());
        let refused = shrink(&bytes, 128).unwrap_err();
        assert!(refused.contains("too many"), "{refused}");
    }

    /// The checksum of a chunk of a PNG.
    fn crc_of(bytes: &[u8]) -> u32 {
        let step = |crc: u32, _| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
        !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
    }
}
