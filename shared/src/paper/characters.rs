//! Characters as printers know them: how wide they are, and their bytes.

use super::code_pages::{CodePage, CodePages};
use super::letters::{Letter, Letters};
use encoding_rs::GB18030;

/// Which characters a printer knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextEncoding {
    /// Chinese in GB18030, of which only characters of one and two bytes: many printers always eat two.
    Gb18030,
    /// ASCII only.
    Ascii,
    /// ASCII, and what stands on these pages, one byte a character; the page is chosen for each line.
    Pages(CodePages),
}

/// A character as it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// One column.
    Half(u8),
    /// Two columns, two bytes that must not be parted.
    Full([u8; 2]),
    /// One column, on one of the printer's code pages: the first that holds it, and its byte there.
    OnPage(CodePage, u8),
    /// The printer does not know it.
    Unknown,
}

impl Glyph {
    /// How it is sent, once an unknown one has become a question mark.
    #[must_use]
    pub fn or_question_mark(self) -> Self {
        if self == Self::Unknown { Self::Half(b'?') } else { self }
    }

    /// How many columns it takes.
    #[must_use]
    pub fn columns(self) -> usize {
        match self {
            Self::Half(_) | Self::OnPage(..) | Self::Unknown => 1,
            Self::Full(_) => 2,
        }
    }
}

/// The printer's form of a character.
///
/// Control characters become spaces, so that no article's name can give the printer an order.
#[must_use]
pub fn glyph(character: char, encoding: TextEncoding) -> Glyph {
    if character.is_control() {
        return Glyph::Half(b' ');
    }
    if let Some(byte) = u8::try_from(character).ok().filter(u8::is_ascii) {
        return Glyph::Half(byte);
    }
    let found = match encoding {
        TextEncoding::Gb18030 => chinese(character),
        TextEncoding::Ascii => Glyph::Unknown,
        TextEncoding::Pages(pages) => {
            pages.find(narrow(character)).map_or(Glyph::Unknown, |(page, byte)| Glyph::OnPage(page, byte))
        }
    };
    // A space that no line breaks at is none that a printer has.
    if found == Glyph::Unknown && character.is_whitespace() { Glyph::Half(b' ') } else { found }
}

/// What the paper shows of a character: the yen sign is wide where Chinese is known, and narrow elsewhere.
#[must_use]
pub fn shown(character: char, encoding: TextEncoding) -> char {
    match (character, encoding) {
        (control, _) if control.is_control() => ' ',
        ('\u{A5}', TextEncoding::Gb18030) => '\u{FFE5}',
        (other, TextEncoding::Gb18030) => other,
        (other, TextEncoding::Ascii | TextEncoding::Pages(_)) => narrow(other),
    }
}

/// Which characters come out on paper: those that the printer knows, and those that are drawn for it.
#[derive(Clone, Copy)]
pub struct Characters<'a> {
    encoding: TextEncoding,
    letters: Option<&'a dyn Letters>,
}

impl<'a> Characters<'a> {
    /// Those of a printer, and of who draws for it, if anybody does.
    #[must_use]
    pub fn new(encoding: TextEncoding, letters: Option<&'a dyn Letters>) -> Self {
        Self { encoding, letters }
    }

    /// Those of Chinese, and all others, as if somebody drew each: for screens and files.
    #[must_use]
    pub fn all() -> Self {
        Self::new(TextEncoding::Gb18030, Some(&Everybody))
    }

    /// Who draws, if anybody does.
    #[must_use]
    pub fn letters(self) -> Option<&'a dyn Letters> {
        self.letters
    }

    /// Whether the printer knows it itself.
    #[must_use]
    pub fn knows(self, character: char) -> bool {
        glyph(character, self.encoding) != Glyph::Unknown
    }

    /// Whether it can be drawn.
    #[must_use]
    pub fn draws(self, character: char) -> bool {
        self.letters.is_some_and(|letters| letters.has(shown(character, self.encoding)))
    }

    /// How many columns a character takes, known or drawn.
    #[must_use]
    pub fn columns(self, character: char) -> usize {
        let known = glyph(character, self.encoding);
        let wide = || is_wide(shown(character, self.encoding)) && self.draws(character);
        if known == Glyph::Unknown && wide() { 2 } else { known.columns() }
    }

    /// How many columns a text takes, unwrapped and in normal size.
    #[must_use]
    pub fn columns_of(self, text: &str) -> usize {
        text.chars().map(|character| self.columns(character)).sum()
    }
}

/// A screen shows every character.
struct Everybody;

impl Letters for Everybody {
    fn has(&self, _: char) -> bool {
        true
    }

    fn draw(&self, _: char, _: u8) -> Option<Letter> {
        None
    }
}

/// Whether a character is as wide as it is high: those of East Asia, and pictures.
fn is_wide(character: char) -> bool {
    matches!(
        u32::from(character),
        0x1100..=0x115F
            | 0x2E80..=0x303E
            | 0x3041..=0xA4CF
            | 0xAC00..=0xD7A3
            | 0xF900..=0xFAFF
            | 0xFE30..=0xFE4F
            | 0xFF01..=0xFF60
            | 0xFFE0..=0xFFE6
            | 0x1F300..=0x1F64F
            | 0x1F900..=0x1F9FF
            | 0x2_0000..=0x3_FFFD
    )
}

/// The yen sign of Chinese texts is wide, and that of code pages is not.
#[must_use]
pub fn narrow(character: char) -> char {
    if character == '\u{FFE5}' { '\u{A5}' } else { character }
}

fn chinese(character: char) -> Glyph {
    // The yen sign has four bytes in GB18030, of which printers make "0 6"; its wide twin has two.
    let character = if character == '\u{A5}' { '\u{FFE5}' } else { character };
    let mut utf8 = [0; 4];
    let (bytes, _, unmappable) = GB18030.encode(character.encode_utf8(&mut utf8));
    match (bytes.as_ref(), unmappable) {
        ([lead, trail], false) => Glyph::Full([*lead, *trail]),
        _ => Glyph::Unknown,
    }
}

/// How many columns a text takes, unwrapped and in normal size, where Chinese is known.
#[must_use]
pub fn columns_of(text: &str) -> usize {
    Characters::all().columns_of(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::code_pages::CharacterSet;
    use proptest::prelude::*;

    #[test]
    fn the_yen_sign_is_sent_as_its_wide_twin() {
        assert_eq!(glyph('¥', TextEncoding::Gb18030), Glyph::Full([0xA3, 0xA4]));
        assert_eq!(glyph('¥', TextEncoding::Gb18030), glyph('¥', TextEncoding::Gb18030));
        assert_eq!(glyph('€', TextEncoding::Gb18030), Glyph::Full([0xA2, 0xE3]));
    }

    #[test]
    fn characters_of_four_bytes_are_unknown() {
        assert_eq!(glyph('\u{20BB7}', TextEncoding::Gb18030), Glyph::Unknown);
        assert_eq!(glyph('😀', TextEncoding::Gb18030), Glyph::Unknown);
        assert_eq!(glyph('中', TextEncoding::Ascii), Glyph::Unknown);
    }

    #[test]
    fn a_character_that_is_drawn_takes_its_own_columns_and_a_question_mark_takes_one() {
        let columns = |text: &str, encoding, letters| Characters::new(encoding, letters).columns_of(text);
        let drawn: Option<&dyn Letters> = Some(&crate::paper::letters::tests::Drawn);
        for (text, encoding, as_text, as_dots) in [
            ("\u{20BB7}", TextEncoding::Gb18030, 1, 2),
            ("ä\u{A0}ß", TextEncoding::Gb18030, 3, 3),
            ("é中", TextEncoding::Gb18030, 4, 4),
            ("中国", TextEncoding::Ascii, 2, 4),
            ("￥3", TextEncoding::Ascii, 2, 2),
            ("😀", TextEncoding::Ascii, 1, 1),
        ] {
            assert_eq!(columns(text, encoding, None), as_text, "{text}");
            assert_eq!(columns(text, encoding, drawn), as_dots, "{text}");
        }
        assert_eq!(columns_of("\u{20BB7}😀ä"), 5);
    }

    #[test]
    fn on_code_pages_a_character_takes_one_column() {
        let page = CodePage { number: 19, set: CharacterSet::Cp858 };
        let pages = TextEncoding::Pages(CodePages::new(&[page]).unwrap());
        assert_eq!(glyph('é', pages), Glyph::OnPage(page, 0x82));
        assert_eq!(glyph('A', pages), Glyph::Half(b'A'));
        assert_eq!(glyph('￥', pages), glyph('¥', pages));
        assert_eq!((glyph('茶', pages), glyph('\u{1B}', pages)), (Glyph::Unknown, Glyph::Half(b' ')));
        assert_eq!((Characters::new(pages, None).columns_of("Café ￥3"), columns_of("Café ￥3")), (7, 9));
    }

    #[test]
    fn chinese_takes_two_columns() {
        assert_eq!(columns_of("可乐 500ml"), 10);
    }

    proptest! {
        #[test]
        fn no_character_becomes_a_control_byte(character in any::<char>()) {
            match glyph(character, TextEncoding::Gb18030) {
                Glyph::Half(byte) => prop_assert!((0x20..0x7F).contains(&byte)),
                Glyph::Full([lead, trail]) => prop_assert!(lead >= 0x81 && trail >= 0x40),
                Glyph::OnPage(..) => prop_assert!(false, "there are no pages"),
                Glyph::Unknown => {}
            }
        }
    }
}
