//! Lines that a printer is sent as dots, because it does not know some of their characters.
//!
//! Who draws the characters is somebody else's: this crate has no font. A printer prints dots only across the whole paper, so a
//! line with such a character is drawn as a whole, each character in the columns that it would have as text.

use super::characters::{Characters, shown};
use super::document::{Align, Style};
use super::picture::Picture;
use super::profile::Profile;

pub use evertill_shared::paper::letters::{CELL_HEIGHT, Letter, Letters};

/// The dots from a line to the next, beside those of its letters.
const SPACING: usize = 10;
/// The narrowest and the widest that a character of one column is, in dots.
const COLUMN_DOTS: (u16, u16) = (8, 16);

/// A line as dots, with nothing said of where it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DrawnLine {
    /// Empty rows before.
    pub above: usize,
    /// What is black, from the first row with a dot to the last.
    pub ink: Option<Picture>,
    /// Empty rows behind, up to the next line.
    pub below: usize,
}

/// Draws a line, if fewer of its characters are lost so than if the printer makes of it what it can.
pub(super) fn drawn_line(
    text: &str,
    style: Style,
    characters: Characters<'_>,
    profile: &Profile,
) -> Option<DrawnLine> {
    let letters = characters.letters()?;
    let lost_as_text = text.chars().filter(|character| !characters.knows(*character)).count();
    let cannot_draw = |character: &char| !character.is_whitespace() && !characters.draws(*character);
    if lost_as_text == 0 || text.chars().filter(cannot_draw).count() >= lost_as_text {
        return None;
    }
    let column = (profile.dots / profile.columns.max(1)).clamp(COLUMN_DOTS.0, COLUMN_DOTS.1);
    let columns: usize = text.chars().map(|character| characters.columns(character)).sum();
    let mut pen = Pen::new(columns * usize::from(column), style, profile.dots);
    for character in text.chars() {
        let character_columns = u16::try_from(characters.columns(character)).unwrap_or(1);
        let width = u8::try_from(column * character_columns).unwrap_or(u8::MAX);
        let seen = shown(character, profile.encoding);
        let letter = if seen.is_whitespace() {
            None
        } else {
            letters.draw(seen, width).or_else(|| letters.draw('?', width))
        };
        pen.put(letter.as_ref(), usize::from(width));
    }
    Some(pen.line())
}

/// Draws letter by letter, from the left.
struct Pen {
    style: Style,
    width_bytes: usize,
    rows: Vec<Vec<u8>>,
    x: usize,
}

impl Pen {
    /// For a line of so many dots in normal size, on paper of `paper` dots.
    fn new(dots: usize, style: Style, paper: u16) -> Self {
        let dots = (dots * usize::from(style.size.width())).min(usize::from(paper)).max(1);
        let width_bytes = dots.div_ceil(8);
        // Pictures are whole bytes wide: what is too much stands where it moves no letter.
        let spare = width_bytes * 8 - dots;
        let x = match style.align {
            Align::Left => 0,
            Align::Center => spare / 2,
            Align::Right => spare,
        };
        Self { style, width_bytes, rows: vec![vec![0; width_bytes]; CELL_HEIGHT], x }
    }

    /// Each dot is repeated, which is how printers make large letters; and once more to the right, which is how they make fat
    /// ones.
    fn put(&mut self, letter: Option<&[u32; CELL_HEIGHT]>, width: usize) {
        let wide = usize::from(self.style.size.width());
        let black = wide + usize::from(self.style.bold);
        for (line, row) in self.rows.iter_mut().zip(letter.into_iter().flatten()) {
            for place in (0..width.min(32)).filter(|place| row & (0x8000_0000 >> place) != 0) {
                let from = self.x + place * wide;
                for dot in from..from + black {
                    if let Some(byte) = line.get_mut(dot / 8) {
                        *byte |= 0x80 >> (dot % 8);
                    }
                }
            }
        }
        self.x += width * wide;
    }

    fn line(self) -> DrawnLine {
        let high = usize::from(self.style.size.height());
        let has_ink = |row: &Vec<u8>| row.iter().any(|byte| *byte != 0);
        let height = CELL_HEIGHT * high + SPACING;
        let first = self.rows.iter().position(has_ink).unwrap_or(0);
        let behind_last = self.rows.iter().rposition(has_ink).map_or(first, |last| last + 1);
        let inked = self.rows.iter().take(behind_last).skip(first);
        let dots: Vec<u8> = inked.flat_map(|row| row.repeat(high)).collect();
        DrawnLine {
            above: first * high,
            ink: Picture::new(self.width_bytes, dots),
            below: height - behind_last * high,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::escpos::document::Size;
    use crate::escpos::profile::TextEncoding;

    /// Each character is a frame around its cell, with its own number in bits in the middle.
    pub(crate) struct Frames;

    impl Letters for Frames {
        fn has(&self, character: char) -> bool {
            character != '😀' && character != 'é'
        }
        fn draw(&self, character: char, width: u8) -> Option<Letter> {
            let right = 0x8000_0000 >> (width - 1);
            let row = 0x8000_0000 | right;
            let mut letter = [0; CELL_HEIGHT];
            letter[2..22].fill(row);
            letter[12] |= (u32::from(character) & 0x1F) << 22;
            self.has(character).then_some(letter)
        }
    }

    fn line(text: &str, style: Style, encoding: TextEncoding) -> Option<DrawnLine> {
        let profile = Profile { encoding, ..Profile::paper_80mm() };
        drawn_line(text, style, Characters::new(encoding, Some(&Frames)), &profile)
    }

    #[test]
    fn a_line_is_drawn_only_if_that_loses_less() {
        let is_drawn = |text, encoding| line(text, Style::PLAIN, encoding).is_some();
        assert!(!is_drawn("Tea 茶", TextEncoding::Gb18030), "it knows all of it");
        assert!(is_drawn("Tea 茶", TextEncoding::Ascii));
        assert!(is_drawn("Größe", TextEncoding::Gb18030));
        assert!(!is_drawn("😀", TextEncoding::Ascii), "nobody can");
        assert!(is_drawn("😀茶", TextEncoding::Ascii), "one of two");
        assert!(!is_drawn("éöé", TextEncoding::Gb18030), "two that the printer knows for one");
    }

    #[test]
    fn each_letter_stands_in_its_columns() {
        let drawn = line("A茶B", Style::PLAIN, TextEncoding::Ascii).unwrap();
        let ink = drawn.ink.clone().unwrap();
        assert_eq!((drawn.above, ink.height(), drawn.below), (2, 20, 12));
        assert_eq!(ink.width(), 48);
        let black: Vec<usize> = (0..48).filter(|x| ink.is_black(*x, 0)).collect();
        assert_eq!(black, [0, 11, 12, 35, 36, 47]);
    }

    #[test]
    fn large_letters_are_made_of_larger_dots_and_fat_ones_of_one_more() {
        let style = Style::PLAIN.sized(Size::DOUBLE).bold();
        let drawn = line("茶", style, TextEncoding::Ascii).unwrap();
        let ink = drawn.ink.clone().unwrap();
        assert_eq!((drawn.above, ink.width(), ink.height(), drawn.below), (4, 48, 40, 14));
        let black: Vec<usize> = (0..48).filter(|x| ink.is_black(*x, 0)).collect();
        assert_eq!(black, [0, 1, 2, 46, 47]);
    }

    #[test]
    fn at_the_right_edge_the_last_letter_ends_with_the_picture() {
        let drawn = line("茶A", Style::PLAIN.right(), TextEncoding::Ascii).unwrap().ink.unwrap();
        assert_eq!((drawn.width(), drawn.is_black(39, 0), drawn.is_black(4, 0)), (40, true, true));
        assert!(!drawn.is_black(3, 0));
    }
}
