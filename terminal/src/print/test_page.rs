//! What a test print says: that paper, head and characters are as they should be. It is no receipt, and says so.

use crate::view::Language;
use evertill_hardware::escpos::profile::TextEncoding;
use evertill_hardware::{Document, Size, Style};

const WORDS: [(&str, &str); 3] = [
    ("TEST PRINT", "打印测试"),
    ("This is no receipt.", "本页不是小票。"),
    ("Latin and Chinese: ABC abc 0123456789 绿茶", "中英文：ABC abc 0123456789 绿茶"),
];

/// Letters that some printers know and some do not: those lines are drawn, if the printer prints pictures.
const RARE: &str = "é ä ö ß ñ Ž ř  玥 喆 䶮";

/// Each word in English, for whoever translates them.
pub fn all_words() -> impl Iterator<Item = &'static str> {
    WORDS.into_iter().map(|(english, _)| english)
}

/// Lays it out for a printer that knows these characters.
#[must_use]
pub fn test_page(language: Language, characters: TextEncoding) -> Document {
    let said = |(english, chinese)| language.printed(english, chinese, characters);
    let [title, no_receipt, both] = WORDS.map(said);
    Document::new()
        .text(title, Style::PLAIN.centered().bold().sized(Size::TALL))
        .text(no_receipt, Style::PLAIN.centered())
        .separator()
        .line(both)
        .line(RARE)
        .columns("<", ">")
        .separator()
        .feed(2)
        .cut()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_print_fills_the_line_and_cannot_be_taken_for_a_receipt() {
        for (language, words) in [(Language::English, "no receipt"), (Language::Chinese, "不是小票")] {
            let text = test_page(language, TextEncoding::Gb18030).to_text(32);
            assert!(text.contains(words), "{text}");
            assert!(text.lines().any(|line| line.starts_with('<') && line.ends_with('>')), "{text}");
        }
    }
}
