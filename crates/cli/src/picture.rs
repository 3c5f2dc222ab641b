//! A picture in the terminal: two pixels to a character, the upper one as the colour of a half
//! block and the lower one as its background. Any terminal with true colour shows it.

use std::io::Write;

use crossterm::{
    queue,
    style::{Color, Print, ResetColor, SetBackgroundColor, SetForegroundColor},
};
use image::{Rgb, RgbImage};

/// The picture of an encoded file, at most so many characters wide and high; none if it cannot be
/// decoded.
pub(crate) fn decode(bytes: &[u8], columns: u32, rows: u32) -> Option<RgbImage> {
    let picture = image::load_from_memory(bytes).ok()?;
    Some(picture.thumbnail(columns, rows * 2).to_rgb8())
}

/// Draws a picture, a character for every two pixels of a column.
pub(crate) fn draw(picture: &RgbImage, out: &mut impl Write) -> std::io::Result<()> {
    for y in (0..picture.height()).step_by(2) {
        for x in 0..picture.width() {
            let upper = picture.get_pixel(x, y);
            let lower = picture.get_pixel_checked(x, y + 1).unwrap_or(upper);
            queue!(out, SetForegroundColor(color(*upper)), SetBackgroundColor(color(*lower)))?;
            queue!(out, Print('▀'))?;
        }
        queue!(out, ResetColor, Print('\n'))?;
    }
    out.flush()
}

fn color(Rgb([r, g, b]): Rgb<u8>) -> Color {
    Color::Rgb { r, g, b }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rows_of_pixels_make_one_of_characters() {
        let picture = RgbImage::from_fn(3, 5, |_, y| Rgb([u8::try_from(y).unwrap(), 0, 0]));
        let mut drawn = Vec::new();
        draw(&picture, &mut drawn).unwrap();
        let drawn = String::from_utf8(drawn).unwrap();
        assert_eq!(drawn.lines().count(), 3);
        assert_eq!(drawn.matches('▀').count(), 9);
    }

    #[test]
    fn what_is_no_picture_is_not_drawn() {
        assert!(decode(b"not a picture", 10, 10).is_none());
    }
}
