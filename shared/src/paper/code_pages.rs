//! Code pages: how printers that know one byte a character print letters beyond ASCII. Which pages a printer has, and
//! under which numbers, is data; see [`CodePages`].

use encoding_rs::{
    Encoding, IBM866, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1257,
};

/// The most pages that a profile holds.
pub const MOST_PAGES: usize = 16;

/// The characters of a code page; the lower half is ASCII on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CharacterSet {
    /// The first PC's: Western European in part, lines, Greek letters of formulas.
    Cp437,
    /// Greek.
    Cp737,
    /// Western European.
    Cp850,
    /// Central European.
    Cp852,
    /// [`CharacterSet::Cp850`] with the euro sign.
    Cp858,
    /// Portuguese.
    Cp860,
    /// French of Canada.
    Cp863,
    /// Nordic.
    Cp865,
    /// Cyrillic.
    Cp866,
    /// Central European of Windows.
    Wpc1250,
    /// Cyrillic of Windows.
    Wpc1251,
    /// Western European of Windows.
    Wpc1252,
    /// Greek of Windows.
    Wpc1253,
    /// Turkish of Windows.
    Wpc1254,
    /// Baltic of Windows.
    Wpc1257,
}

/// Where the bytes of a set come from.
enum Table {
    /// The upper half in order, from byte 80 hex.
    Ours(&'static str),
    Known(&'static Encoding),
}

impl CharacterSet {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Cp437,
        Self::Cp737,
        Self::Cp850,
        Self::Cp852,
        Self::Cp858,
        Self::Cp860,
        Self::Cp863,
        Self::Cp865,
        Self::Cp866,
        Self::Wpc1250,
        Self::Wpc1251,
        Self::Wpc1252,
        Self::Wpc1253,
        Self::Wpc1254,
        Self::Wpc1257,
    ];

    /// What profiles call it: `cp437`, `wpc1252`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cp437 => "cp437",
            Self::Cp737 => "cp737",
            Self::Cp850 => "cp850",
            Self::Cp852 => "cp852",
            Self::Cp858 => "cp858",
            Self::Cp860 => "cp860",
            Self::Cp863 => "cp863",
            Self::Cp865 => "cp865",
            Self::Cp866 => "cp866",
            Self::Wpc1250 => "wpc1250",
            Self::Wpc1251 => "wpc1251",
            Self::Wpc1252 => "wpc1252",
            Self::Wpc1253 => "wpc1253",
            Self::Wpc1254 => "wpc1254",
            Self::Wpc1257 => "wpc1257",
        }
    }

    /// The set of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.name() == name)
    }

    fn table(self) -> Table {
        match self {
            Self::Cp437 => Table::Ours(CP437),
            Self::Cp737 => Table::Ours(CP737),
            Self::Cp850 => Table::Ours(CP850),
            Self::Cp852 => Table::Ours(CP852),
            Self::Cp858 => Table::Ours(CP858),
            Self::Cp860 => Table::Ours(CP860),
            Self::Cp863 => Table::Ours(CP863),
            Self::Cp865 => Table::Ours(CP865),
            Self::Cp866 => Table::Known(IBM866),
            Self::Wpc1250 => Table::Known(WINDOWS_1250),
            Self::Wpc1251 => Table::Known(WINDOWS_1251),
            Self::Wpc1252 => Table::Known(WINDOWS_1252),
            Self::Wpc1253 => Table::Known(WINDOWS_1253),
            Self::Wpc1254 => Table::Known(WINDOWS_1254),
            Self::Wpc1257 => Table::Known(WINDOWS_1257),
        }
    }

    /// The byte of a character of the upper half.
    #[must_use]
    pub fn byte(self, character: char) -> Option<u8> {
        if character.is_ascii() || character.is_control() {
            return None;
        }
        match self.table() {
            Table::Ours(upper) => {
                let place = upper.chars().position(|other| other == character)?;
                u8::try_from(0x80 + place).ok()
            }
            Table::Known(encoding) => {
                let mut utf8 = [0; 4];
                let (bytes, _, unmappable) = encoding.encode(character.encode_utf8(&mut utf8));
                match (bytes.as_ref(), unmappable) {
                    (&[byte], false) => Some(byte),
                    _ => None,
                }
            }
        }
    }
}

/// A page of a printer: the number that chooses it (`ESC t n`) and what stands on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CodePage {
    /// The printer's number for it. Makers differ.
    pub number: u8,
    /// Its characters.
    pub set: CharacterSet,
}

/// The pages of a printer, those that are tried first at the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CodePages {
    pages: [Option<CodePage>; MOST_PAGES],
}

impl CodePages {
    /// These pages, in this order; `None` if they are more than [`MOST_PAGES`], or none.
    #[must_use]
    pub fn new(pages: &[CodePage]) -> Option<Self> {
        let mut all = Self { pages: [None; MOST_PAGES] };
        for (nth, page) in pages.iter().enumerate() {
            *all.pages.get_mut(nth)? = Some(*page);
        }
        (!pages.is_empty()).then_some(all)
    }

    /// The pages in order.
    pub fn iter(&self) -> impl Iterator<Item = CodePage> {
        self.pages.iter().copied().flatten()
    }

    /// The first page that holds a character, and its byte there.
    #[must_use]
    pub fn find(&self, character: char) -> Option<(CodePage, u8)> {
        self.iter().find_map(|page| Some((page, page.set.byte(character)?)))
    }

    /// The first page that holds all that any page holds of a line, if there is one and the line needs it.
    #[must_use]
    pub fn for_line(&self, line: &str) -> Option<CodePage> {
        let needed: Vec<char> = line.chars().filter(|character| self.find(*character).is_some()).collect();
        let holds_all = |page: &CodePage| needed.iter().all(|character| page.set.byte(*character).is_some());
        self.iter().find(holds_all).filter(|_| !needed.is_empty())
    }
}

const CP437: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";
const CP737: &str = "\
    ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθικλμνξοπρσςτυφχψ░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀ωάέήϊίόύϋώΆΈΉΊΌΎΏ±≥≤ΪΫ÷≈°∙·√ⁿ²■\u{A0}";
const CP850: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
    └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{AD}±‗¾¶§÷¸°¨·¹³²■\u{A0}";
const CP852: &str = "\
    ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐\
    └┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{AD}˝˛ˇ˘§÷¸°¨˙űŘř■\u{A0}";
const CP858: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
    └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{AD}±‗¾¶§÷¸°¨·¹³²■\u{A0}";
const CP860: &str = "\
    ÇüéâãàÁçêÊèÍÔìÃÂÉÀÈôõòÚùÌÕÜ¢£Ù₧ÓáíóúñÑªº¿Ò¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";
const CP863: &str = "\
    ÇüéâÂà¶çêëèïî‗À§ÉÈÊôËÏûù¤ÔÜ¢£ÙÛƒ¦´óú¨¸³¯Î⌐¬½¼¾«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";
const CP865: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø₧ƒáíóúñÑªº¿⌐¬½¼¡«¤░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(of: &[(u8, CharacterSet)]) -> CodePages {
        let pages: Vec<_> = of.iter().map(|&(number, set)| CodePage { number, set }).collect();
        CodePages::new(&pages).unwrap()
    }

    #[test]
    fn each_set_has_its_name_and_each_character_its_own_byte() {
        for set in CharacterSet::ALL {
            assert_eq!(CharacterSet::named(set.name()), Some(set));
            if let Table::Ours(upper) = set.table() {
                assert_eq!(upper.chars().count(), 128, "{set:?}");
                for (place, character) in upper.chars().enumerate() {
                    assert_eq!(
                        set.byte(character).map(usize::from),
                        Some(0x80 + place),
                        "{set:?} {character:?}"
                    );
                }
            }
            assert_eq!((set.byte('A'), set.byte('中'), set.byte('\u{81}')), (None, None, None), "{set:?}");
        }
        assert_eq!(CharacterSet::named("cp1"), None);
    }

    #[test]
    fn well_known_characters_have_their_well_known_bytes() {
        use CharacterSet::{Cp437, Cp850, Cp852, Cp858, Cp866, Wpc1252};
        for (set, character, byte) in [
            (Cp437, 'é', Some(0x82)),
            (Cp437, '£', Some(0x9C)),
            (Cp437, 'ß', Some(0xE1)),
            (Cp850, 'Ø', Some(0x9D)),
            (Cp850, '€', None),
            (Cp858, '€', Some(0xD5)),
            (Cp852, 'ł', Some(0x88)),
            (Cp866, 'Я', Some(0x9F)),
            (Wpc1252, '€', Some(0x80)),
            (Wpc1252, 'ñ', Some(0xF1)),
        ] {
            assert_eq!(set.byte(character), byte, "{set:?} {character}");
        }
    }

    #[test]
    fn a_line_takes_the_first_page_that_holds_all_of_it() {
        use CharacterSet::{Cp437, Cp852, Cp858};
        let pages = pages(&[(0, Cp437), (19, Cp858), (18, Cp852)]);
        let number = |line: &str| pages.for_line(line).map(|page| page.number);
        assert_eq!(number("plain"), None);
        assert_eq!(number("Café"), Some(0));
        assert_eq!(number("Café 2 €"), Some(19));
        assert_eq!(number("Żubr"), Some(18));
        assert_eq!(number("Łódź 茶"), Some(18), "what no page holds chooses none");
        assert_eq!(number("Ł 2 €"), None, "no page holds both");
        assert_eq!(number("茶"), None);
    }

    #[test]
    fn a_printer_has_some_pages_and_not_too_many() {
        assert_eq!(CodePages::new(&[]), None);
        let one = CodePage { number: 0, set: CharacterSet::Cp437 };
        assert!(CodePages::new(&[one; MOST_PAGES]).is_some());
        assert_eq!(CodePages::new(&[one; MOST_PAGES + 1]), None);
    }
}
