//! The encoder against the emulated printer's own parser, for documents that nobody thought of.

use evertill_hardware::escpos::document::Item;
use evertill_hardware::escpos::encode::encode;
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
        if lacking || bytes.len() > 2 { '?' } else { character }
    };
    text.chars().map(on_paper).filter(|character| !character.is_whitespace()).collect()
}

proptest! {
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
