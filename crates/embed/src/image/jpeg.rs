//! JPEG as libjpeg-turbo decodes it, and so Pillow, to the bit.
//!
//! The standard leaves open how a decoder rounds and how it spreads colours over pixels, and the decoders in pure
//! Rust do it otherwise in a quarter of all values. Mozilla's fork of that library decodes as it does, and builds
//! with a C compiler alone.

use std::{any::Any, io, panic};

use image::RgbImage;
use mozjpeg::{ColorSpace, Decompress};

/// Decodes a picture, of which the header has been looked at; none where its colours are four inks.
pub(super) fn decode(bytes: &[u8]) -> io::Result<Option<RgbImage>> {
    // The library unwinds where a file is damaged, through C as well, without a message.
    panic::catch_unwind(|| decode_or_unwind(bytes)).unwrap_or_else(|payload| Err(error(&*payload)))
}

fn decode_or_unwind(bytes: &[u8]) -> io::Result<Option<RgbImage>> {
    let picture = Decompress::new_mem(bytes)?;
    if matches!(picture.color_space(), ColorSpace::JCS_CMYK | ColorSpace::JCS_YCCK) {
        return Ok(None);
    }
    let mut rows = picture.rgb()?;
    let (width, height) = (rows.width(), rows.height());
    let pixels: Vec<[u8; 3]> = rows.read_scanlines()?;
    rows.finish()?;
    let [width, height] = [width, height].map(|side| u32::try_from(side).unwrap_or(0));
    let picture = RgbImage::from_raw(width, height, pixels.into_flattened());
    picture.map(Some).ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
}

fn error(payload: &(dyn Any + Send)) -> io::Error {
    let reason = payload.downcast_ref::<String>().map_or("the file is damaged", String::as_str);
    io::Error::new(io::ErrorKind::InvalidData, reason.to_owned())
}
