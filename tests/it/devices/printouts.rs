//! The encoder against the emulated printer's own parser, for documents that nobody thought of.

use evertill_hardware::escpos::code_pages::{CharacterSet, CodePage, CodePages};
use evertill_hardware::escpos::document::Item;
use evertill_hardware::escpos::encode::encode;
use evertill_hardware::escpos::profile::TextEncoding;
use evertill_hardware::{Align, Document, Profile, Size, Style};
use evertill_tests::simulator::printer::{PrinterConfig, print_bytes};
use proptest::prelude::*;

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,70}",
        "[一-龥￥，。a-z0-9 ]{0,60}",
        prop::collection::vec(any::<char>(), 0..40).prop_map(String::from_iter),
        prop::collection::vec(
            prop_oneof![Just('\u{10}'), Just('\u{4}'), Just('\u{1}'), Just('\u{1B}'), Just('@')],
            0..9
        )
        .prop_map(String::from_iter),
    ]
}

fn styles() -> impl Strategy<Value = Style> {
    let aligns = prop_oneof![Just(Align::Left), Just(Align::Center), Just(Align::Right)];
    (aligns, any::<bool>(), 1_u8..=8, 1_u8..=8).prop_map(|(align, bold, width, height)| Style {
        align,
        bold,
        size: Size::times(width, height),
    })
}

fn items() -> impl Strategy<Value = Item> {
    prop_oneof![
        4 => (texts(), styles()).prop_map(|(text, style)| Item::Text { text, style }),
        4 => (texts(), "[0-9.¥-]{0,12}", styles())
            .prop_map(|(left, right, style)| Item::Columns { left, right, style }),
        1 => Just(Item::Separator),
        1 => ("[ -~]{1,120}", 0_u8..=20).prop_map(|(data, module_dots)| Item::Qr { data, module_dots }),
        1 => (0_u8..6).prop_map(Item::Feed),
    ]
}

/// What can be seen of a text once the printer's characters are taken for those it lacks.
fn visible(text: &str) -> String {
    let on_paper = |character: char| {
        let text = character.to_string();
        let (bytes, _, lacking) = encoding_rs::GB18030.encode(&text);
        let lost = (lacking || bytes.len() > 2) && !character.is_whitespace();
        if lost { '?' } else { character }
    };
    text.chars().map(on_paper).filter(|character| !character.is_whitespace()).collect()
}

/// A printer for shops in Europe: which numbers its pages have, what we call them, and what its manual calls them.
const PAGES: [(u8, CharacterSet, &str); 15] = [
    (0, CharacterSet::Cp437, "PC437"),
    (2, CharacterSet::Cp850, "PC850"),
    (3, CharacterSet::Cp860, "PC860"),
    (4, CharacterSet::Cp863, "PC863"),
    (5, CharacterSet::Cp865, "PC865"),
    (14, CharacterSet::Cp737, "PC737"),
    (16, CharacterSet::Wpc1252, "WPC1252"),
    (17, CharacterSet::Cp866, "PC866"),
    (18, CharacterSet::Cp852, "PC852"),
    (19, CharacterSet::Cp858, "PC858"),
    (45, CharacterSet::Wpc1250, "WPC1250"),
    (46, CharacterSet::Wpc1251, "WPC1251"),
    (47, CharacterSet::Wpc1253, "WPC1253"),
    (48, CharacterSet::Wpc1254, "WPC1254"),
    (51, CharacterSet::Wpc1257, "WPC1257"),
];

fn european(pages: &[usize]) -> (Profile, PrinterConfig) {
    let ours: Vec<_> =
        pages.iter().map(|&nth| CodePage { number: PAGES[nth].0, set: PAGES[nth].1 }).collect();
    let encoding = TextEncoding::Pages(CodePages::new(&ours).unwrap());
    let config = PrinterConfig {
        chinese: false,
        // What it begins with may be a switch: here it is the last that we would guess.
        code_pages: PAGES.iter().rev().map(|&(number, _, name)| (number, name)).collect(),
        ..PrinterConfig::default()
    };
    (Profile { encoding, ..Profile::paper_80mm() }, config)
}

#[test]
fn each_character_of_each_code_page_comes_out_as_itself() {
    for (nth, (_, set, name)) in PAGES.iter().enumerate() {
        let (profile, config) = european(&[nth]);
        let all: Vec<char> = ('\u{80}'..='\u{2FFF}').filter(|c| set.byte(*c).is_some()).collect();
        assert!(all.len() > 90, "{name} holds {}", all.len());
        for line in all.chunks(40) {
            let line: String = line.iter().filter(|c| !c.is_whitespace()).collect();
            let sent = encode(&Document::new().line(&line).cut(), &profile).unwrap().bytes;
            let printout = print_bytes(config.clone(), &sent);
            assert_eq!(printout.problems, Vec::<String>::new(), "{name}");
            assert_eq!(printout.receipts[0].text().trim(), line, "{name}");
        }
    }
}

#[test]
fn a_receipt_in_several_languages_keeps_its_letters_and_its_edge() {
    let (profile, config) = european(&[0, 6, 8, 7, 9]);
    let page = Document::new()
        .columns("Crème brûlée", "€3.50")
        .columns("Żubrówka", "¥12.00")
        .columns("Чай чёрный", "7.00")
        .columns("Łosoś €", "茶 9.00")
        .cut();
    let printout = print_bytes(config, &encode(&page, &profile).unwrap().bytes);
    assert_eq!(printout.problems, Vec::<String>::new());
    let text = printout.receipts[0].text();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(lines.len(), 4, "{text}");
    for (line, (left, right)) in lines.iter().zip([
        ("Crème brûlée", "€3.50"),
        ("Żubrówka", "¥12.00"),
        ("Чай чёрный", "7.00"),
        ("Łosoś €", "? 9.00"),
    ]) {
        assert!(line.starts_with(left) && line.ends_with(right), "{line}");
        assert_eq!(line.chars().count(), 48, "{line}");
    }
}

proptest! {
    #[test]
    fn every_text_prints_without_a_problem_on_a_printer_with_code_pages(
        text in prop_oneof![texts(), "[a-zà-žА-я€ ]{0,90}"], chosen in prop::collection::vec(0..PAGES.len(), 1..9),
    ) {
        let (profile, config) = european(&chosen);
        // Other spaces are lost at the ends of lines.
        let text = text.replace(|c: char| c.is_whitespace() && c != '\n', " ");
        let knows = |c: char| c.is_ascii() || c == '￥' && chosen.iter().any(|nth| PAGES[*nth].1.byte('¥').is_some())
            || chosen.iter().any(|nth| PAGES[*nth].1.byte(c).is_some());
        let printout = print_bytes(config, &encode(&Document::new().line(&text).cut(), &profile).unwrap().bytes);
        prop_assert_eq!(&printout.problems, &Vec::<String>::new());
        let shown = |text: &str| text.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect::<Vec<_>>();
        let meant: Vec<char> = shown(&text).into_iter()
            .map(|c| match c { c if !knows(c) => '?', '￥' => '¥', c => c })
            .collect();
        prop_assert_eq!(shown(&printout.receipts[0].text()), meant);
    }

    #[test]
    fn every_document_prints_whole_and_without_a_problem(
        items in prop::collection::vec(items(), 0..8), small in any::<bool>(),
    ) {
        let profile = if small { Profile::paper_58mm() } else { Profile::paper_80mm() };
        let config =
            PrinterConfig { dots: profile.dots.into(), cutter: profile.cutter, ..PrinterConfig::default() };
        let document = items.into_iter().fold(Document::new(), Document::item).cut();
        let encoded = encode(&document, &profile).unwrap();
        let printout = print_bytes(config, &encoded.bytes);
        prop_assert_eq!(&printout.problems, &Vec::<String>::new());
        prop_assert!(printout.pulses.is_empty());
        let paper: String = printout.receipts.iter().map(|receipt| receipt.text()).collect();
        prop_assert_eq!(visible(&paper.replace("[QR] ", "")), visible(&document.to_text(profile.columns)));
    }

    #[test]
    fn no_bytes_panic_the_printer(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = print_bytes(PrinterConfig::default(), &bytes);
    }
}
