//! The layout that comes with the till gives, byte for byte, the receipts that it gave before layouts were data.

use super::document::{Look, document};
use super::examples::Example;
use crate::view::Language;
use evertill_hardware::Profile;
use evertill_hardware::escpos::encode::encode;
use evertill_shared::receipt::template::Template;

/// What the printer was sent for every example, each byte that is no printable ASCII written as `\x..`, lines as they
/// are on the paper.
const BEFORE: &str = include_str!("as_before.txt");

fn now() -> String {
    let mut all = String::new();
    for example in Example::ALL {
        for (language, profile) in
            [(Language::English, Profile::paper_80mm()), (Language::Chinese, Profile::paper_58mm())]
        {
            let page =
                document(&example.receipt().unwrap(), Look { language, template: &Template::default() });
            let bytes = encode(&page, &profile).unwrap().bytes;
            let text = bytes.escape_ascii().to_string().replace("\\n", "\\n\n");
            all.push_str(&format!("== {example:?} {language:?} {}\n{text}\n", profile.columns));
        }
    }
    all
}

#[test]
fn the_layout_that_comes_with_the_till_gives_the_receipts_of_before_byte_for_byte() {
    let now = now();
    for (line, (before, now)) in BEFORE.lines().zip(now.lines()).enumerate() {
        assert_eq!(before, now, "line {}", line + 1);
    }
    assert_eq!(BEFORE, now);
}
