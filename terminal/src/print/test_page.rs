//! What a test print says: that paper, head and characters are as they should be. It is no receipt, and says so.

use crate::view::Language;
use evertill_hardware::{Document, Size, Style};

/// Lays it out.
#[must_use]
pub fn test_page(language: Language) -> Document {
    let (title, no_receipt, both) = match language {
        Language::English => {
            ("TEST PRINT", "This is no receipt.", "Latin and Chinese: ABC abc 0123456789 绿茶")
        }
        Language::Chinese => ("打印测试", "本页不是小票。", "中英文：ABC abc 0123456789 绿茶"),
    };
    Document::new()
        .text(title, Style::PLAIN.centered().bold().sized(Size::TALL))
        .text(no_receipt, Style::PLAIN.centered())
        .separator()
        .line(both)
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
            let text = test_page(language).to_text(32);
            assert!(text.contains(words), "{text}");
            assert!(text.lines().any(|line| line.starts_with('<') && line.ends_with('>')), "{text}");
        }
    }
}
