//! Characters that a printer does not know: what is on the paper is their picture, in their columns.

use super::clock;
use evertill_hardware::escpos::code_pages::{CharacterSet, CodePage, CodePages};
use evertill_hardware::escpos::encode::{LONGEST_COMMAND, encode_in_bands};
use evertill_hardware::escpos::letters::Letters;
use evertill_hardware::escpos::profile::{Completion, TextEncoding};
use evertill_hardware::printer::{NetworkPrinter, SerialPrinter};
use evertill_hardware::serial_line::SerialLine;
use evertill_hardware::{Document, JobId, PrintOutcome, Printer as _, Profile, Size, Style};
use evertill_terminal::print::letters::{FONT, OwnLetters};
use evertill_tests::simulator::printer::{PrinterConfig, PrinterEmulator, Receipt, letter_dots, print_bytes};
use std::sync::Arc;

/// Where the first line of a receipt's picture begins, and the next ones.
const TOP: usize = 16;
const LINE: usize = 34;
const COLUMN: usize = 12;
/// To how many squares in either direction a letter is brought before it is compared with another.
const GRID: usize = 24;

const GENERAL_STANDARD: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../terminal/ui/fonts/general-standard.txt"));

/// A receipt's dots.
struct Dots {
    width: usize,
    pixels: Vec<u8>,
}

impl Dots {
    fn of(receipt: &Receipt) -> Self {
        let file = receipt.to_png(FONT).unwrap();
        if let Some(keep) = std::env::var_os("EVERTILL_KEEP_RECEIPT") {
            std::fs::write(keep, &file).unwrap();
        }
        let mut reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        Self { width: usize::try_from(info.width).unwrap(), pixels }
    }

    fn is_black(&self, x: usize, y: usize) -> bool {
        x < self.width && self.pixels.get(y * self.width + x) == Some(&0)
    }

    /// What is black in a box.
    fn within(&self, (x, y): (usize, usize), (width, height): (usize, usize)) -> Vec<(usize, usize)> {
        let places = (0..height).flat_map(|dy| (0..width).map(move |dx| (dx, dy)));
        places.filter(|(dx, dy)| self.is_black(x + dx, y + dy)).collect()
    }
}

/// A letter as large as its ink, whatever the size that it was drawn in.
fn squares(ink: &[(usize, usize)]) -> Option<Vec<bool>> {
    let (left, right) = (ink.iter().map(|p| p.0).min()?, ink.iter().map(|p| p.0).max()?);
    let (top, bottom) = (ink.iter().map(|p| p.1).min()?, ink.iter().map(|p| p.1).max()?);
    let at = |from: usize, to: usize, place: usize| from + (2 * place + 1) * (to + 1 - from) / (2 * GRID);
    let places = (0..GRID).flat_map(|y| (0..GRID).map(move |x| (x, y)));
    Some(places.map(|(x, y)| ink.contains(&(at(left, right, x), at(top, bottom, y)))).collect())
}

/// How much of two letters is the same, in hundredths.
fn likeness(one: &[bool], other: &[bool]) -> usize {
    let both = one.iter().zip(other).filter(|(a, b)| **a && **b).count();
    let either = one.iter().zip(other).filter(|(a, b)| **a || **b).count();
    100 * both / either.max(1)
}

/// Letters as printers have them that know them.
struct Alphabet(Vec<(char, Vec<bool>)>);

impl Alphabet {
    fn of(letters: impl Iterator<Item = char>, columns: u32) -> Self {
        let letter = |c: char| {
            let dots = letter_dots(FONT, c, columns).unwrap();
            let dots: Vec<_> = dots.iter().map(|&(x, y)| (x as usize, y as usize)).collect();
            Some((c, squares(&dots)?))
        };
        Self(letters.filter_map(letter).collect())
    }

    fn latin() -> Self {
        // Not those that are the same at this size: a stroke more or less on an i, a comma for a cedilla.
        Self::of(
            "ABCDEFGHKLMNOPRSTUVWXYZabcdefghkmnopqrstuvwxyzÄÅÖÜÇÉÈÊÑŽŠČŁŃäåáàãöóòõüúñńßçéèêłśšžźż?￥".chars(),
            1,
        )
    }

    fn chinese() -> Self {
        let table = GENERAL_STANDARD.lines().filter(|line| !line.starts_with('#'));
        Self::of(table.flat_map(str::chars).step_by(9).chain("绿茶玥䶮花生中国龙井王￥𬶭".chars()), 2)
    }

    /// Which letter this is most like, and how much.
    fn read(&self, ink: &[(usize, usize)]) -> (char, usize) {
        let seen = squares(ink).unwrap_or_default();
        let like = self.0.iter().map(|(letter, dots)| (likeness(dots, &seen), *letter));
        let (likeness, letter) = like.max().unwrap();
        (letter, likeness)
    }
}

fn latin_only() -> (Profile, PrinterConfig) {
    let page = CodePage { number: 16, set: CharacterSet::Wpc1252 };
    let encoding = TextEncoding::Pages(CodePages::new(&[page]).unwrap());
    let config =
        PrinterConfig { chinese: false, code_pages: vec![(16, "WPC1252")], ..PrinterConfig::default() };
    (Profile { encoding, ..Profile::paper_80mm() }, config)
}

/// What such a printer makes of a document, with the till's letters.
fn printed(document: &Document, (profile, config): (&Profile, &PrinterConfig)) -> Receipt {
    let letters: Option<&dyn Letters> = Some(&OwnLetters);
    let sent = encode_in_bands(document, profile, LONGEST_COMMAND, None, letters).unwrap();
    let printout = print_bytes(config.clone(), &sent.bytes);
    assert_eq!(printout.problems, Vec::<String>::new());
    printout.receipts[0].clone()
}

/// Reads a drawn line, cell by cell; `columns` says how wide each of its letters is.
fn read(dots: &Dots, (x, y): (usize, usize), text: &str, size: (usize, usize), narrow_yen: bool) {
    let (latin, chinese) = (Alphabet::latin(), Alphabet::chinese());
    let mut x = x;
    for character in text.chars() {
        let wide = character >= '\u{2E80}' && !(narrow_yen && character == '￥');
        let width = COLUMN * if wide { 2 } else { 1 } * size.0;
        let ink = dots.within((x, y), (width, 24 * size.1));
        let alphabet = if wide { &chinese } else { &latin };
        if character == ' ' {
            assert_eq!(ink, [], "a space in {text}");
        } else if alphabet.0.iter().any(|(c, _)| *c == character) {
            let (seen, likeness) = alphabet.read(&ink);
            assert_eq!(seen, character, "{likeness} of a hundred, in {text:?} at {x}, {y}");
            // Chinese characters are drawn as large as here; others smaller.
            assert!(
                likeness >= if wide { 70 } else { 55 },
                "{character} is like itself only by {likeness} of a hundred"
            );
        } else {
            assert!(!ink.is_empty(), "{character} is missing");
        }
        x += width;
    }
}

#[test]
fn chinese_names_are_on_the_paper_of_a_printer_that_knows_only_latin_letters() {
    let (profile, config) = latin_only();
    let page = Document::new()
        .line("Green tea")
        .columns("绿茶 Tea 花生", "4.50")
        .columns("Café", "￥4.50")
        .columns("龙井 王玥", "￥4.50")
        .cut();
    let receipt = printed(&page, (&profile, &config));
    let text = receipt.text();
    assert!(text.starts_with("Green tea\n[picture]\n"), "{text}");
    assert!(text.contains("Café") && text.contains("¥4.50\n"), "what it knows is sent as text: {text}");
    let dots = Dots::of(&receipt);
    let amount = |text: &str| 576 - COLUMN * text.chars().count();
    read(&dots, (0, TOP + LINE), "绿茶 Tea 花生", (1, 1), true);
    read(&dots, (amount("4.50"), TOP + LINE), "4.50", (1, 1), true);
    read(&dots, (0, TOP + 3 * LINE), "龙井 王玥", (1, 1), true);
    read(&dots, (amount("￥4.50"), TOP + 3 * LINE), "￥4.50", (1, 1), true);
    // Nothing stands between the name and the amount.
    assert_eq!(dots.within((15 * COLUMN, TOP + LINE), (576 - 19 * COLUMN, LINE)), []);
}

#[test]
fn letters_of_four_bytes_are_on_the_paper_of_a_chinese_printer() {
    let (profile, config) = (Profile::paper_80mm(), PrinterConfig::default());
    let page = Document::new()
        .columns("Größe ñ ä 茶", "￥7.00")
        .columns("龚䶮 𬶭", "中国 1")
        .line("😀 茶")
        .line("😀 ß")
        .cut();
    let receipt = printed(&page, (&profile, &config));
    let dots = Dots::of(&receipt);
    read(&dots, (0, TOP), "Größe ñ ä 茶", (1, 1), false);
    read(&dots, (576 - 6 * COLUMN, TOP), "￥7.00", (1, 1), false);
    read(&dots, (2 * COLUMN, TOP + LINE), "䶮 𬶭", (1, 1), false);
    read(&dots, (576 - 6 * COLUMN, TOP + LINE), "中国 1", (1, 1), false);
    // The till's font has no such pictures either: one question mark, as text or as dots.
    assert!(receipt.text().contains("\n? 茶\n"), "{}", receipt.text());
    read(&dots, (0, TOP + 3 * LINE), "? ß", (1, 1), false);
}

#[test]
fn large_and_fat_letters_and_those_in_the_middle_stand_where_text_would() {
    let (profile, config) = latin_only();
    let double = Style::PLAIN.sized(Size::DOUBLE);
    let page = Document::new()
        .text("绿茶", double)
        .text("花生 A", Style::PLAIN.right().bold())
        .text("中国", double.centered())
        .cut();
    let dots = Dots::of(&printed(&page, (&profile, &config)));
    read(&dots, (0, TOP), "绿茶", (2, 2), true);
    // A fat letter's last dots stand in the next cell.
    read(&dots, (576 - 6 * COLUMN, TOP + 58), "花生", (1, 1), true);
    read(&dots, ((576 - 8 * COLUMN) / 2, TOP + 58 + LINE), "中国", (2, 2), true);
    let plain = Document::new().text("花生 A", Style::PLAIN.right()).cut();
    let plain = Dots::of(&printed(&plain, (&profile, &config)));
    let ink = |dots: &Dots, y: usize| dots.within((0, y), (576, 24)).len();
    assert!(ink(&dots, TOP + 58) > ink(&plain, TOP) * 5 / 4, "it is not fat");
}

#[test]
fn a_printer_without_pictures_prints_question_marks() {
    let (profile, config) = latin_only();
    let (profile, config) = (Profile { raster: false, ..profile }, PrinterConfig { raster: false, ..config });
    let receipt = printed(&Document::new().columns("茶 Tea", "4.50").cut(), (&profile, &config));
    let text = receipt.text();
    assert!(
        text.starts_with("? Tea ") && text.contains(" 4.50\n") && text.lines().all(|l| l.len() <= 48),
        "{text}"
    );
}

#[test]
fn a_receipt_with_drawn_lines_is_confirmed_as_every_other_is() {
    let (profile, config) = latin_only();
    let page = Document::new().columns("绿茶 Tea", "4.50").line("x").line("茶").cut();
    for completion in [Completion::PaperStatus, Completion::ProcessId] {
        let profile = profile.clone().with_completion(completion);
        let network = PrinterEmulator::on_network(config.clone()).unwrap();
        let serial = PrinterEmulator::on_serial(config.clone()).unwrap();
        let mut over_network = NetworkPrinter::new(network.address(), profile.clone(), clock())
            .with_letters(Arc::new(OwnLetters));
        // Slow, so that the printer is asked between the bands of a line whether it is there.
        let line = SerialLine::new(serial.path(), 9_600);
        let mut over_serial = SerialPrinter::new(line, profile, clock()).with_letters(Arc::new(OwnLetters));
        assert_eq!(over_network.print(&page, JobId(1)), PrintOutcome::Confirmed);
        assert_eq!(over_serial.print(&page, JobId(1)), PrintOutcome::Confirmed);
        for emulator in [network, serial] {
            assert_eq!(emulator.problems(), Vec::<String>::new());
            let dots = Dots::of(&emulator.receipts()[0]);
            read(&dots, (0, TOP), "绿茶 Tea", (1, 1), true);
            read(&dots, (0, TOP + 2 * LINE), "茶", (1, 1), true);
        }
    }
}
