//! A QR code as a picture on screen.

use qrcode::{Color, QrCode};
use slint::{Image, Rgb8Pixel, SharedPixelBuffer};

/// Pixels per module, and white modules around the code, without which scanners do not find it.
const MODULE: usize = 8;
const QUIET: usize = 4;

/// A QR code as a picture; an empty picture if the text is too long for any code.
pub fn qr_image(text: &str) -> Image {
    let Ok(code) = QrCode::new(text) else { return Image::default() };
    let modules = code.width();
    let side = (modules + 2 * QUIET) * MODULE;
    let Ok(pixels) = u32::try_from(side) else { return Image::default() };
    let mut buffer = SharedPixelBuffer::<Rgb8Pixel>::new(pixels, pixels);
    for (index, pixel) in buffer.make_mut_slice().iter_mut().enumerate() {
        let (x, y) = ((index % side) / MODULE, (index / side) / MODULE);
        let inside = |v: usize| (QUIET..QUIET + modules).contains(&v);
        let dark = inside(x) && inside(y) && code[(x - QUIET, y - QUIET)] == Color::Dark;
        let value = if dark { 0 } else { 255 };
        *pixel = Rgb8Pixel { r: value, g: value, b: value };
    }
    Image::from_rgb8(buffer)
}
