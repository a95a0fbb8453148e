//! A sheet as a picture (PNG), a pixel for a dot of the paper.

#![allow(clippy::float_arithmetic, reason = "places on a page; no money is counted here")]

use super::{Face, Mark, Run, Sheet, SheetError};
use evertill_hardware::escpos::picture::Picture;
use swash::scale::{Render, ScaleContext, Source};
use swash::zeno::{Format, Transform, Vector};

/// How much fatter bold letters are, in dots.
const BOLD: f32 = 0.7;

/// The file.
/// # Errors
/// [`SheetError::Png`].
pub fn png(sheet: &Sheet, face: &Face<'_>) -> Result<Vec<u8>, SheetError> {
    let mut canvas = Canvas::new(whole(sheet.width), whole(sheet.height));
    let mut context = ScaleContext::new();
    for mark in &sheet.marks {
        match mark {
            Mark::Text(run) => draw(&mut canvas, run, face, &mut context),
            Mark::Rule { x, y, length } => {
                for place in 0..whole(*length) {
                    canvas.darken(whole(*x) + place, whole(*y), 255);
                    canvas.darken(whole(*x) + place, whole(*y) + 1, 255);
                }
            }
            Mark::Dots { picture, x, y } => canvas.dots(picture, whole(*x), whole(*y)),
        }
    }
    canvas.file()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "paper is never that long")]
fn whole(place: f32) -> usize {
    place.round().max(0.0) as usize
}

fn draw(canvas: &mut Canvas, run: &Run, face: &Face<'_>, context: &mut ScaleContext) {
    let mut x = run.x;
    for character in run.text.chars() {
        let mut scaler = context.builder(face.font).size(run.size).hint(false).build();
        let image = Render::new(&[Source::Outline])
            .format(Format::Alpha)
            .transform(Some(Transform::scale(run.stretch, 1.0)))
            .embolden(if run.bold { BOLD } else { 0.0 })
            .offset(Vector::new(x.fract(), run.baseline.fract()))
            .render(&mut scaler, face.glyph(character));
        if let Some(image) = image {
            let (left, top) = (whole(x.trunc()), whole(run.baseline.trunc()));
            let place = |at: usize, by: i32| at.checked_add_signed(isize::try_from(by).ok()?);
            let width = usize::try_from(image.placement.width).unwrap_or(0);
            for (index, covered) in image.data.iter().enumerate().filter(|(_, covered)| **covered > 0) {
                let (dx, dy) = (index % width.max(1), index / width.max(1));
                let column = place(left + dx, image.placement.left);
                if let (Some(column), Some(row)) = (column, place(top + dy, -image.placement.top)) {
                    canvas.darken(column, row, *covered);
                }
            }
        }
        x += face.advance(character) * run.size * run.stretch;
    }
}

/// White paper.
struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![255; width * height] }
    }

    fn darken(&mut self, x: usize, y: usize, by: u8) {
        if x < self.width
            && let Some(pixel) = self.pixels.get_mut(y * self.width + x)
        {
            *pixel = (*pixel).min(255 - by);
        }
    }

    fn dots(&mut self, picture: &Picture, left: usize, top: usize) {
        for y in 0..picture.height() {
            for x in (0..picture.width()).filter(|x| picture.is_black(*x, y)) {
                self.darken(left + x, top + y, 255);
            }
        }
    }

    fn file(&self) -> Result<Vec<u8>, SheetError> {
        let mut file = Vec::new();
        let side = |dots: usize| u32::try_from(dots).unwrap_or(u32::MAX);
        let mut encoder = ::png::Encoder::new(&mut file, side(self.width), side(self.height));
        encoder.set_color(::png::ColorType::Grayscale);
        encoder.set_depth(::png::BitDepth::Eight);
        // Eight dots a millimetre, so that it prints as large as the paper.
        encoder.set_pixel_dims(Some(::png::PixelDimensions {
            xppu: 8_000,
            yppu: 8_000,
            unit: ::png::Unit::Meter,
        }));
        encoder.write_header()?.write_image_data(&self.pixels)?;
        Ok(file)
    }
}
