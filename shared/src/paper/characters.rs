//! Characters as printers know them: how wide they are, and their bytes.

use super::code_pages::{CodePage, CodePages};
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
    match encoding {
        TextEncoding::Gb18030 => chinese(character),
        TextEncoding::Ascii => Glyph::Unknown,
        TextEncoding::Pages(pages) => {
            pages.find(narrow(character)).map_or(Glyph::Unknown, |(page, byte)| Glyph::OnPage(page, byte))
        }
    }
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
    columns_in(text, TextEncoding::Gb18030)
}

/// The same on a printer that knows these characters.
#[must_use]
pub fn columns_in(text: &str, encoding: TextEncoding) -> usize {
    text.chars().map(|character| glyph(character, encoding).columns()).sum()
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
    fn on_code_pages_a_character_takes_one_column() {
        let page = CodePage { number: 19, set: CharacterSet::Cp858 };
        let pages = TextEncoding::Pages(CodePages::new(&[page]).unwrap());
        assert_eq!(glyph('é', pages), Glyph::OnPage(page, 0x82));
        assert_eq!(glyph('A', pages), Glyph::Half(b'A'));
        assert_eq!(glyph('￥', pages), glyph('¥', pages));
        assert_eq!((glyph('茶', pages), glyph('\u{1B}', pages)), (Glyph::Unknown, Glyph::Half(b' ')));
        assert_eq!((columns_in("Café ￥3", pages), columns_of("Café ￥3")), (7, 9));
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
