//! A document as ESC/POS bytes.

use super::barcode;
use super::characters::{Characters, Glyph, glyph, narrow};
use super::code_pages::CodePage;
use super::document::{Align, Document, Style};
use super::layout::{Row, rows_in};
use super::letters::{DrawnLine, Letters, drawn_line};
use super::logo::{Kept, LogoId, LogoStore, print_number};
use super::picture::{Picture, Sent};
use super::profile::{Profile, TextEncoding, UnknownCharacter};
use super::qr::{self, QrError};

/// Initialise: also forgets what a job before left behind.
const INIT: [u8; 2] = [0x1B, 0x40];
/// Chinese characters on.
const CHINESE_ON: [u8; 2] = [0x1C, 0x26];
/// Feed to the knife and cut, leaving one point.
const FEED_AND_CUT: [u8; 4] = [0x1D, 0x56, 0x42, 0x00];
/// Lines that bring the last line past the tear-off edge of a printer without a knife.
const LINES_TO_TEAR: u8 = 4;
/// Height of a normal line with its spacing, in dots: a sixth of an inch at 203 dpi.
const LINE_DOTS: u32 = 34;
/// Paper that a cut costs, in dots.
const CUT_DOTS: u32 = 200;
/// How high a bar code is, in dots: what a hand holds in front of a scanner's line.
const BAR_DOTS: u8 = 64;

/// Why a document cannot be printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A character that the printer does not know, where the profile says to refuse those.
    #[error("the printer does not know the character {0:?}")]
    UnknownCharacter(char),
    /// A QR code.
    #[error(transparent)]
    Qr(#[from] QrError),
}

/// A document ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// What is sent.
    pub bytes: Vec<u8>,
    /// About how much paper it takes, in dots; for knowing how long to wait.
    pub paper_dots: u32,
    /// Where in the bytes a row ends, ascending: between these places a real-time request may stand without becoming a
    /// part of some command.
    pub breaks: Vec<usize>,
}

/// The longest command that any document needs, in bytes: storing the content of a QR code.
pub const LONGEST_COMMAND: usize = qr::LONGEST_DATA + 8;

/// Makes the bytes for a printer.
///
/// # Errors
/// When the printer could not show the document as it is meant; nothing has to be sent then.
pub fn encode(document: &Document, profile: &Profile) -> Result<Encoded, EncodeError> {
    encode_in_bands(document, profile, LONGEST_COMMAND, None, None)
}

/// The same, with pictures in bands of so many bytes at most, or of one row of dots: the printer may be asked something
/// after each. The logo that the printer is known to keep is not sent. Lines with characters that the printer does not know are
/// drawn, by who draws `letters`.
///
/// # Errors
/// As [`encode`].
pub fn encode_in_bands(
    document: &Document,
    profile: &Profile,
    longest_band: usize,
    kept: Option<LogoId>,
    letters: Option<&dyn Letters>,
) -> Result<Encoded, EncodeError> {
    let characters = Characters::new(profile.encoding, letters.filter(|_| profile.raster));
    let mut writer = Writer {
        profile,
        characters,
        longest_band,
        kept,
        bytes: Vec::with_capacity(1024),
        breaks: Vec::new(),
        paper_dots: 0,
        style: Style::PLAIN,
        page: None,
    };
    writer.bytes.extend_from_slice(&INIT);
    if profile.encoding == TextEncoding::Gb18030 {
        writer.bytes.extend_from_slice(&CHINESE_ON);
    }
    for row in rows_in(document, profile.columns, characters) {
        match row {
            Row::Text { text, style } => writer.text(&text, style)?,
            Row::Qr { data, module_dots } => writer.qr(&data, module_dots)?,
            Row::Barcode { data } => writer.barcode(&data),
            Row::Picture { picture, align } => writer.logo(&picture.at_most(profile.dots), align),
            Row::Feed(lines) => writer.feed(lines),
            Row::Cut => writer.cut(),
        }
        writer.end_of_row();
    }
    Ok(Encoded { bytes: writer.bytes, paper_dots: writer.paper_dots, breaks: writer.breaks })
}

struct Writer<'a> {
    profile: &'a Profile,
    characters: Characters<'a>,
    longest_band: usize,
    kept: Option<LogoId>,
    bytes: Vec<u8>,
    breaks: Vec<usize>,
    paper_dots: u32,
    /// What the printer is set to.
    style: Style,
    /// The code page that it is set to; which one it begins with is a switch inside it.
    page: Option<CodePage>,
}

impl Writer<'_> {
    /// One place twice would be an empty piece.
    fn end_of_row(&mut self) {
        if self.breaks.last() != Some(&self.bytes.len()) {
            self.breaks.push(self.bytes.len());
        }
    }

    fn text(&mut self, text: &str, style: Style) -> Result<(), EncodeError> {
        if let Some(line) = drawn_line(text, style, self.characters, self.profile) {
            return self.drawn(text, &line, style.align);
        }
        self.set(style);
        let of_line = match self.profile.encoding {
            TextEncoding::Pages(pages) => pages.for_line(&text.chars().map(narrow).collect::<String>()),
            TextEncoding::Gb18030 | TextEncoding::Ascii => None,
        };
        for character in text.chars() {
            let glyph = glyph(character, self.profile.encoding);
            if glyph == Glyph::Unknown {
                self.may_be_lost(character)?;
                // As wide as it was taken for.
                self.bytes.resize(self.bytes.len() + self.characters.columns(character) - 1, b'?');
            }
            match glyph.or_question_mark() {
                Glyph::Half(byte) => self.bytes.push(byte),
                Glyph::Full(pair) => self.bytes.extend_from_slice(&pair),
                Glyph::OnPage(first, byte) => self.on_page(narrow(character), of_line, (first, byte)),
                Glyph::Unknown => {}
            }
        }
        self.bytes.push(b'\n');
        self.paper_dots += LINE_DOTS * u32::from(style.size.height());
        Ok(())
    }

    /// Refuses a document that loses a character, where the profile says so.
    fn may_be_lost(&self, character: char) -> Result<(), EncodeError> {
        match self.profile.unknown_character {
            UnknownCharacter::Refuse => Err(EncodeError::UnknownCharacter(character)),
            UnknownCharacter::Replace => Ok(()),
        }
    }

    /// A line as dots. What is empty above and below is sent as a strip that is one byte wide.
    fn drawn(&mut self, text: &str, line: &DrawnLine, align: Align) -> Result<(), EncodeError> {
        let lost =
            text.chars().find(|character| !character.is_whitespace() && !self.characters.draws(*character));
        if let Some(lost) = lost {
            self.may_be_lost(lost)?;
        }
        let empty = |rows: usize| Picture::new(1, vec![0; rows]);
        for part in [empty(line.above), line.ink.clone(), empty(line.below)].into_iter().flatten() {
            self.picture(&part, align);
        }
        Ok(())
    }

    /// A character of a code page: of the line's, or else of the one that is set, or else of the first that holds it.
    fn on_page(&mut self, character: char, of_line: Option<CodePage>, first: (CodePage, u8)) {
        let on = |page: CodePage| page.set.byte(character).map(|byte| (page, byte));
        let (page, byte) = of_line.and_then(on).or_else(|| self.page.and_then(on)).unwrap_or(first);
        if self.page != Some(page) {
            self.bytes.extend_from_slice(&[0x1B, 0x74, page.number]);
            self.page = Some(page);
        }
        self.bytes.push(byte);
    }

    /// Tells the printer only what changes: at 9600 baud every byte is a millisecond.
    fn set(&mut self, style: Style) {
        if style.align != self.style.align {
            let n = match style.align {
                Align::Left => 0,
                Align::Center => 1,
                Align::Right => 2,
            };
            self.bytes.extend_from_slice(&[0x1B, 0x61, n]);
        }
        if style.bold != self.style.bold {
            self.bytes.extend_from_slice(&[0x1B, 0x45, u8::from(style.bold)]);
        }
        if style.size != self.style.size {
            let n = (style.size.width() - 1) << 4 | (style.size.height() - 1);
            self.bytes.extend_from_slice(&[0x1D, 0x21, n]);
        }
        self.style = style;
    }

    fn qr(&mut self, data: &str, wanted: u8) -> Result<(), EncodeError> {
        if !self.profile.qr {
            self.picture(&qr::picture(data, wanted, self.profile.dots)?, Align::Center);
            return Ok(());
        }
        let fit = qr::fit(data, wanted, self.profile.dots)?;
        self.set(Style::PLAIN.centered());
        self.symbol_command(&[0x41, 0x32, 0x00]);
        self.symbol_command(&[0x43, fit.module_dots]);
        self.symbol_command(&[0x45, 0x31]);
        let mut store = vec![0x50, 0x30];
        store.extend_from_slice(data.as_bytes());
        self.symbol_command(&store);
        self.symbol_command(&[0x51, 0x30]);
        self.paper_dots += u32::from(fit.modules) * u32::from(fit.module_dots) + LINE_DOTS;
        Ok(())
    }

    /// GS ( k for QR codes, whose number is 31 hex.
    fn symbol_command(&mut self, function: &[u8]) {
        let length = u16::try_from(function.len() + 1).unwrap_or(u16::MAX).to_le_bytes();
        self.bytes.extend_from_slice(&[0x1D, 0x28, 0x6B, length[0], length[1], 0x31]);
        self.bytes.extend_from_slice(function);
    }

    fn barcode(&mut self, data: &str) {
        let Some(code) = barcode::fit(data, self.profile.dots).filter(|_| self.profile.barcode) else {
            return;
        };
        let Ok(length) = u8::try_from(code.content.len()) else { return };
        self.set(Style::PLAIN.centered());
        // Its height, the width of a module, and no digits below: the number stands in letters already.
        self.bytes.extend_from_slice(&[0x1D, b'h', BAR_DOTS, 0x1D, b'w', code.module_dots, 0x1D, b'H', 0]);
        self.bytes.extend_from_slice(&[0x1D, b'k', 73, length]);
        self.bytes.extend_from_slice(&code.content);
        self.paper_dots += u32::from(BAR_DOTS) + LINE_DOTS;
    }

    fn logo(&mut self, picture: &Picture, align: Align) {
        let command = match self.profile.logo {
            LogoStore::ByKey if self.kept == Some(picture.id()) => picture.id().print(),
            LogoStore::Number(number) => print_number(number).to_vec(),
            LogoStore::ByKey | LogoStore::Never => return self.picture(picture, align),
        };
        self.set(Style { align, ..Style::PLAIN });
        self.bytes.extend_from_slice(&command);
        self.paper_dots += u32::try_from(picture.height()).unwrap_or(u32::MAX);
    }

    fn picture(&mut self, picture: &Picture, align: Align) {
        if !self.profile.raster {
            return;
        }
        self.set(Style { align, ..Style::PLAIN });
        for command in picture.commands(self.longest_band) {
            self.bytes.extend_from_slice(&command);
            self.end_of_row();
        }
        self.paper_dots += u32::try_from(picture.height()).unwrap_or(u32::MAX);
    }

    fn feed(&mut self, lines: u8) {
        self.bytes.extend_from_slice(&[0x1B, 0x64, lines]);
        self.paper_dots += LINE_DOTS * u32::from(lines);
    }

    fn cut(&mut self) {
        if self.profile.cutter {
            self.bytes.extend_from_slice(&FEED_AND_CUT);
            self.paper_dots += CUT_DOTS;
        } else {
            self.feed(LINES_TO_TEAR);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;
    use crate::escpos::code_pages::{CharacterSet, CodePages};
    use crate::escpos::letters::tests::Frames;

    fn bytes(document: Document) -> Vec<u8> {
        encode(&document, &Profile::paper_80mm()).unwrap().bytes
    }

    #[test]
    fn a_plain_line_is_sent_as_it_is() {
        assert_eq!(bytes(Document::new().line("Tea")), b"\x1B@\x1C&Tea\n");
    }

    #[test]
    fn chinese_goes_out_in_pairs_and_the_yen_sign_as_its_twin() {
        assert_eq!(bytes(Document::new().line("茶¥3")), b"\x1B@\x1C&\xB2\xE8\xA3\xA43\n");
    }

    fn with_pages(pages: &[(u8, CharacterSet)]) -> Profile {
        let pages: Vec<_> = pages.iter().map(|&(number, set)| CodePage { number, set }).collect();
        Profile { encoding: TextEncoding::Pages(CodePages::new(&pages).unwrap()), ..Profile::paper_80mm() }
    }

    #[test]
    fn each_line_goes_out_on_the_first_page_that_holds_it_and_the_page_is_told_when_it_changes() {
        let latin =
            with_pages(&[(0, CharacterSet::Cp437), (19, CharacterSet::Cp858), (18, CharacterSet::Cp852)]);
        let page = Document::new().line("Tea").line("Café").line("é").line("é 2 €").line("Ł 2 €").line("茶");
        let sent = encode(&page, &latin).unwrap().bytes;
        assert_eq!(
            sent,
            b"\x1B@Tea\nCaf\x1Bt\x00\x82\n\x82\n\x1Bt\x13\x82 2 \xD5\n\x1Bt\x12\x9D 2 \x1Bt\x13\xD5\n?\n"
        );
        let strict = Profile { unknown_character: UnknownCharacter::Refuse, ..latin };
        assert_eq!(encode(&Document::new().line("é茶"), &strict), Err(EncodeError::UnknownCharacter('茶')));
    }

    #[test]
    fn styles_are_sent_when_they_change() {
        let title = Style::PLAIN.centered().bold().sized(Size::DOUBLE);
        assert_eq!(
            bytes(Document::new().text("A", title).text("B", title).line("C")),
            b"\x1B@\x1C&\x1Ba\x01\x1BE\x01\x1D!\x11A\nB\n\x1Ba\x00\x1BE\x00\x1D!\x00C\n"
        );
    }

    #[test]
    fn a_name_cannot_give_orders_to_the_printer() {
        let sent = bytes(Document::new().line("x\u{1B}p\u{0}\u{10}\u{4}\u{1}"));
        assert_eq!(sent, b"\x1B@\x1C&x p    \n");
    }

    #[test]
    fn characters_without_a_pair_are_replaced_or_refused() {
        assert_eq!(bytes(Document::new().line("😀")), b"\x1B@\x1C&?\n");
        let strict = Profile { unknown_character: UnknownCharacter::Refuse, ..Profile::paper_80mm() };
        let refused = encode(&Document::new().line("😀"), &strict);
        assert_eq!(refused, Err(EncodeError::UnknownCharacter('😀')));
    }

    fn with_letters(document: &Document, profile: &Profile) -> Result<Vec<u8>, EncodeError> {
        let letters: Option<&dyn Letters> = Some(&Frames);
        Ok(encode_in_bands(document, profile, LONGEST_COMMAND, None, letters)?.bytes[2..].to_vec())
    }

    #[test]
    fn a_line_that_the_printer_does_not_know_is_sent_as_dots_and_the_others_as_text() {
        let ascii = Profile { encoding: TextEncoding::Ascii, ..Profile::paper_80mm() };
        let page = Document::new().line("Tea").text("茶", Style::PLAIN.centered().bold()).line("3.50");
        let sent = with_letters(&page, &ascii).unwrap();
        let start = b"Tea\n\x1Ba\x01\x1Dv0\x00\x01\x00\x02\x00\x00\x00\x1Dv0\x00\x03\x00\x14\x00\xC0\x00\x01";
        assert_eq!(sent[..start.len()], start[..]);
        let end =
            b"\x1Dv0\x00\x01\x00\x0C\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x1Ba\x003.50\n";
        assert!(sent.ends_with(end), "{sent:02X?}");
        assert_eq!(sent.len(), 4 + 3 + 8 + 2 + 8 + 20 * 3 + 8 + 12 + 3 + 5);
    }

    #[test]
    fn a_printer_without_pictures_prints_question_marks_and_leaves_pictures_out() {
        let profile = Profile { encoding: TextEncoding::Ascii, raster: false, ..Profile::paper_80mm() };
        let picture = Picture::new(1, vec![1]).unwrap();
        let page = Document::new().columns("茶", "3.50").picture(picture, Align::Left).line("x");
        let sent = with_letters(&page, &profile).unwrap();
        assert_eq!(sent, format!("?{}3.50\nx\n", " ".repeat(43)).into_bytes());
        let page = Document::new().qr("42");
        assert_eq!(with_letters(&page, &Profile { qr: false, ..profile }), Ok(Vec::new()));
    }

    #[test]
    fn where_nothing_may_be_lost_a_drawn_character_is_none_that_is() {
        let strict = |letters: bool, text: &str| {
            let refuse = UnknownCharacter::Refuse;
            let profile = Profile {
                unknown_character: refuse,
                raster: letters,
                encoding: TextEncoding::Ascii,
                ..Profile::paper_80mm()
            };
            with_letters(&Document::new().line(text), &profile).map(|_| ())
        };
        assert_eq!(strict(true, "茶"), Ok(()));
        assert_eq!(strict(true, "茶😀茶"), Err(EncodeError::UnknownCharacter('😀')));
        assert_eq!(strict(false, "茶"), Err(EncodeError::UnknownCharacter('茶')));
    }

    #[test]
    fn question_marks_for_what_could_be_drawn_keep_the_amount_at_its_edge() {
        // To draw it would lose two characters for one.
        let sent =
            with_letters(&Document::new().columns("éé\u{20BB7}", "3.50"), &Profile::paper_80mm()).unwrap();
        assert_eq!(sent, [b"\x1C&\xA8\xA6\xA8\xA6??", &[b' '; 38][..], b"3.50\n"].concat());
    }

    #[test]
    fn a_qr_code_is_made_by_the_printer() {
        assert_eq!(
            bytes(Document::new().qr("42")),
            b"\x1B@\x1C&\x1Ba\x01\
              \x1D(k\x04\x001A2\x00\x1D(k\x03\x001C\x06\x1D(k\x03\x001E1\
              \x1D(k\x05\x001P042\x1D(k\x03\x001Q0"
        );
    }

    #[test]
    fn a_qr_code_is_sent_as_a_picture_to_a_printer_that_makes_none() {
        let old = Profile { qr: false, ..Profile::paper_80mm() };
        let encoded = encode(&Document::new().line("x").qr("42").cut(), &old).unwrap();
        let start = b"\x1B@\x1C&x\n\x1Ba\x01\x1Dv0\x00\x10\x00";
        assert_eq!(encoded.bytes[..start.len()], start[..]);
        // 21 modules of 6 dots: 126 rows of 16 bytes, in bands of 62.
        let height = |at: usize| encoded.bytes[at + 6];
        let bands = [9, 9 + 8 + 62 * 16, 9 + 2 * (8 + 62 * 16)];
        assert_eq!(bands.map(height), [62, 62, 2]);
        assert!(bands[1..].iter().all(|band| encoded.breaks.contains(band)), "{:?}", encoded.breaks);
    }

    #[test]
    fn a_bar_code_is_made_by_the_printer_or_left_out() {
        let page = Document::new().barcode("12345");
        assert_eq!(
            bytes(page.clone()),
            b"\x1B@\x1C&\x1Ba\x01\x1Dh\x40\x1Dw\x03\x1DH\x00\x1DkI\x07{B1{C\x17\x2D"
        );
        let without = Profile { barcode: false, ..Profile::paper_80mm() };
        assert_eq!(encode(&page, &without).unwrap().bytes, b"\x1B@\x1C&");
        let narrow = Profile { dots: 100, ..Profile::paper_80mm() };
        assert_eq!(encode(&page, &narrow).unwrap().bytes, b"\x1B@\x1C&");
    }

    #[test]
    fn a_logo_that_the_printer_keeps_is_not_sent_and_every_other_is() {
        let [ours, other] = [0xAA, 0x55].map(|dots| Picture::new(2, vec![dots; 4]).unwrap());
        let page = |logo: &Picture| Document::new().picture(logo.clone(), Align::Left);
        let sent = |logo, profile: &Profile, kept| {
            encode_in_bands(&page(logo), profile, LONGEST_COMMAND, kept, None).unwrap().bytes[4..].to_vec()
        };
        let by_key = Profile { logo: LogoStore::ByKey, ..Profile::paper_80mm() };
        assert_eq!(sent(&ours, &by_key, Some(ours.id())), ours.id().print());
        for (logo, kept) in [(&other, Some(ours.id())), (&ours, None)] {
            assert!(sent(logo, &by_key, kept).starts_with(b"\x1Dv0"));
        }
        assert!(sent(&ours, &Profile::paper_80mm(), Some(ours.id())).starts_with(b"\x1Dv0"));
        let by_number = Profile { logo: LogoStore::Number(3), ..Profile::paper_80mm() };
        assert_eq!(sent(&ours, &by_number, None), b"\x1Cp\x03\x00");
    }

    #[test]
    fn a_printer_without_a_knife_feeds_to_its_edge() {
        let small = encode(&Document::new().cut(), &Profile::paper_58mm()).unwrap();
        assert_eq!(small.bytes, b"\x1B@\x1C&\x1Bd\x04");
        assert_eq!(bytes(Document::new().cut()), b"\x1B@\x1C&\x1DVB\x00");
    }
}
