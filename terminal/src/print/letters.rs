//! Letters for printers that do not know them, drawn from the screens' own font.

#![allow(clippy::float_arithmetic, reason = "places of dots; no money is counted here")]

use evertill_hardware::Profile;
use evertill_hardware::escpos::letters::{CELL_HEIGHT, Letter, Letters};
use swash::scale::image::Image;
use swash::scale::{Render, ScaleContext, Source};
use swash::zeno::{Format, Transform, Vector};
use swash::{FontRef, GlyphId};

/// The screens' font, and that of receipts as files.
pub const FONT: &[u8] = include_bytes!("../../ui/fonts/NotoSansSC-Regular.otf");

/// From here on a cell is one of two columns.
const WIDE: u8 = 16;
/// How large Chinese characters are in their square of 24 dots.
const WIDE_SIZE: f32 = 22.0;
/// How large letters of one column are: an accent on a capital has room above it.
const NARROW_SIZE: f32 = 20.0;
/// How far down in the cell letters stand.
const BASELINE: i32 = 19;
/// How much of a dot has to be covered to be black.
const BLACK: u8 = 100;

/// What a printer cannot print, in words, with a line break; nothing of one that prints all.
#[must_use]
pub fn what_is_lost(profile: &Profile) -> &'static str {
    if profile.raster {
        return "";
    }
    "The printer's model prints no pictures (raster): letters and characters that it does not know become question marks, and \
     logos are left out.\n"
}

/// Draws what the screens' own font has.
#[derive(Clone, Copy, Debug)]
pub struct OwnLetters;

impl Letters for OwnLetters {
    fn has(&self, character: char) -> bool {
        glyph_of(character).is_some()
    }

    fn draw(&self, character: char, width: u8) -> Option<Letter> {
        let (font, glyph) = glyph_of(character)?;
        let size = if width > WIDE { WIDE_SIZE } else { NARROW_SIZE };
        let metrics = font.glyph_metrics(&[]);
        let advance = metrics.advance_width(glyph) * size / f32::from(metrics.units_per_em().max(1));
        let room = f32::from(width);
        // A letter wider than its cell is squeezed; the others stand in the middle.
        let squeeze = if advance > room { room / advance } else { 1.0 };
        let left = (room - advance * squeeze) / 2.0;
        let mut context = ScaleContext::new();
        let mut scaler = context.builder(font).size(size).hint(false).build();
        let image = Render::new(&[Source::Outline])
            .format(Format::Alpha)
            .transform(Some(Transform::scale(squeeze, 1.0)))
            .offset(Vector::new(left, 0.0))
            .render(&mut scaler, glyph)?;
        Some(dots(&image, width))
    }
}

fn glyph_of(character: char) -> Option<(FontRef<'static>, GlyphId)> {
    let font = FontRef::from_index(FONT, 0)?;
    let glyph = font.charmap().map(character);
    (glyph != 0).then_some((font, glyph))
}

/// What of a letter becomes black dots. One that is too high stands lower.
fn dots(image: &Image, width: u8) -> Letter {
    let mut letter = [0; CELL_HEIGHT];
    let top = (BASELINE - image.placement.top).max(0);
    let across = usize::try_from(image.placement.width).unwrap_or(0).max(1);
    for (line, row) in
        image.data.chunks(across).zip(letter.iter_mut().skip(usize::try_from(top).unwrap_or(0)))
    {
        for (place, _) in (image.placement.left..).zip(line).filter(|(_, covered)| **covered >= BLACK) {
            if let Ok(place) = u32::try_from(place)
                && place < u32::from(width).min(u32::BITS)
            {
                *row |= 0x8000_0000_u32 >> place;
            }
        }
    }
    letter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dots as text, to look at where a test fails.
    fn picture(character: char, width: u8) -> String {
        let letter = OwnLetters.draw(character, width).unwrap();
        let row =
            |row: &u32| (0..32).map(|x| if row & (0x8000_0000_u32 >> x) == 0 { ' ' } else { '#' }).collect();
        letter.iter().map(row).collect::<Vec<String>>().join("\n")
    }

    fn ink(character: char, width: u8) -> (u32, u32, usize, usize) {
        let letter = OwnLetters.draw(character, width).unwrap();
        let all = letter.iter().fold(0, |all, row| all | row);
        let rows: Vec<usize> = (0..CELL_HEIGHT).filter(|y| letter[*y] != 0).collect();
        (all.leading_zeros(), 32 - all.trailing_zeros(), rows[0], rows[rows.len() - 1])
    }

    #[test]
    fn letters_fill_their_cells_and_do_not_leave_them() {
        for character in "茶䶮玥国圆龘".chars().filter(|c| OwnLetters.has(*c)) {
            let (left, right, top, bottom) = ink(character, 24);
            let size = (right - left, bottom - top);
            assert!(right <= 24 && size.0 >= 16 && size.1 >= 16, "{}", picture(character, 24));
        }
        for character in "WMÄÅŽŮmw@Œ€gjpqyÇŞ".chars() {
            let (_, right, top, bottom) = ink(character, 12);
            assert!(right <= 12 && bottom - top >= 8, "{}", picture(character, 12));
        }
        for (capital, dot) in [('Ä', 'A'), ('Ž', 'Z'), ('Å', 'A')] {
            let (accented, plain) = (ink(capital, 12), ink(dot, 12));
            // The ring of an A is so high that the letter stands a dot lower.
            assert!(accented.3 <= plain.3 + 1, "it stands on the line:\n{}", picture(capital, 12));
            assert!(accented.2 + 3 <= plain.2, "its accent is whole:\n{}", picture(capital, 12));
        }
    }

    #[test]
    fn it_is_said_of_a_printer_that_it_prints_no_pictures() {
        assert_eq!(what_is_lost(&Profile::paper_80mm()), "");
        let without = Profile { raster: false, ..Profile::paper_80mm() };
        assert!(what_is_lost(&without).contains("question marks"));
    }

    #[test]
    fn what_the_font_lacks_is_not_drawn() {
        for character in ['😀', '\u{FFFF}', 'ก'] {
            assert!(!OwnLetters.has(character) && OwnLetters.draw(character, 24).is_none(), "{character}");
        }
        assert_eq!(OwnLetters.draw('\u{A0}', 12), Some([0; CELL_HEIGHT]));
    }
}
