//! Breaking a document into lines of the paper's width; shared by paper and plain text.

use super::characters::{Characters, columns_of};
use super::document::{Align, Document, Item, Style};
use super::picture::Picture;

/// A line that fits the paper, or something that is not text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A line of text.
    Text {
        /// At most as wide as the paper.
        text: String,
        /// How it looks.
        style: Style,
    },
    /// A QR code.
    Qr {
        /// What it says.
        data: String,
        /// Dots per module that are wanted.
        module_dots: u8,
    },
    /// A bar code.
    Barcode {
        /// What it says.
        data: String,
    },
    /// A picture; may be wider than the paper.
    Picture {
        /// Its dots.
        picture: Picture,
        /// Where it stands.
        align: Align,
    },
    /// Empty lines.
    Feed(u8),
    /// The cut.
    Cut,
}

/// Breaks a document into rows for paper of `columns` columns, as a printer that knows Chinese prints them.
#[must_use]
pub fn rows(document: &Document, columns: u16) -> Vec<Row> {
    rows_in(document, columns, Characters::all())
}

/// The same for a printer that has these characters: what is wide on one is not on the other.
#[must_use]
pub fn rows_in(document: &Document, columns: u16, characters: Characters<'_>) -> Vec<Row> {
    let columns = usize::from(columns.max(2));
    let mut rows = Vec::new();
    for item in document.items() {
        match item {
            Item::Text { text, style } => {
                let width = width_in(columns, *style);
                let lines = text.split('\n').flat_map(|line| wrap(line, width, characters));
                rows.extend(lines.map(|text| Row::Text { text, style: *style }));
            }
            Item::Columns { left, right, style } => {
                let style = Style { align: Align::Left, ..*style };
                let lines = two_columns(left, right, width_in(columns, style), characters);
                rows.extend(lines.into_iter().map(|text| Row::Text { text, style }));
            }
            Item::Separator => rows.push(Row::Text { text: "-".repeat(columns), style: Style::PLAIN }),
            Item::Qr { data, module_dots } => {
                rows.push(Row::Qr { data: data.clone(), module_dots: *module_dots });
            }
            Item::Barcode { data } => rows.push(Row::Barcode { data: data.clone() }),
            Item::Picture { picture, align } => {
                rows.push(Row::Picture { picture: picture.clone(), align: *align });
            }
            Item::Feed(lines) => rows.push(Row::Feed(*lines)),
            Item::Cut => rows.push(Row::Cut),
        }
    }
    rows
}

/// Columns of characters in this style: at least two, so that a wide character always fits.
fn width_in(columns: usize, style: Style) -> usize {
    (columns / usize::from(style.size.width())).max(2)
}

/// Breaks a line at spaces where it can, inside words where it must, and never inside a wide character.
/// Between Chinese characters a line may break anywhere.
fn wrap(line: &str, width: usize, characters: Characters<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    let mut used = 0;
    // Where the current line could be broken: after a space or a wide character.
    let mut break_at = 0;
    for character in line.chars() {
        let columns = characters.columns(character);
        let wide = columns > 1;
        if used + columns > width {
            if character == ' ' {
                lines.push(std::mem::take(&mut current));
                (used, break_at) = (0, 0);
                continue;
            }
            let cut = if wide || break_at == 0 { current.len() } else { break_at };
            let rest = current.split_off(cut);
            lines.push(std::mem::replace(&mut current, rest));
            (used, break_at) = (characters.columns_of(&current), 0);
        }
        if wide {
            break_at = current.len();
        }
        current.push(character);
        used += columns;
        if wide || character == ' ' {
            break_at = current.len();
        }
    }
    lines.push(current);
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}

/// `left` at the left, `right` at the right of its last line, or on a line below if there is no room. Only a
/// `right` that is wider than the paper is broken.
fn two_columns(left: &str, right: &str, width: usize, characters: Characters<'_>) -> Vec<String> {
    let right_columns = characters.columns_of(right);
    if right_columns > width {
        let mut lines = wrap(left, width, characters);
        lines.extend(wrap(right, width, characters));
        return lines;
    }
    let mut lines = wrap(left, width, characters);
    let room =
        |line: &String| characters.columns_of(line) + usize::from(!line.is_empty()) + right_columns <= width;
    if !lines.last().is_some_and(room) {
        lines.push(String::new());
    }
    if let Some(last) = lines.last_mut() {
        let gap = width.saturating_sub(characters.columns_of(last) + right_columns);
        last.push_str(&" ".repeat(gap));
        last.push_str(right);
    }
    lines
}

/// See [`Document::to_text`].
pub(super) fn to_text(document: &Document, columns: u16) -> String {
    let mut out = String::new();
    for row in rows(document, columns) {
        match row {
            Row::Text { text, style } => {
                let width = width_in(usize::from(columns.max(2)), style);
                let free = width.saturating_sub(columns_of(&text));
                let indent = match style.align {
                    Align::Left => 0,
                    Align::Center => free / 2,
                    Align::Right => free,
                };
                // Large characters cover several columns; the indent counts in the paper's.
                let indent = indent * usize::from(style.size.width());
                out.push_str(&" ".repeat(if text.is_empty() { 0 } else { indent }));
                out.extend(text.chars().map(as_printed));
                out.push('\n');
            }
            Row::Qr { data, .. } => {
                out.push_str(&data);
                out.push('\n');
            }
            Row::Barcode { .. } | Row::Picture { .. } => {}
            Row::Feed(lines) => out.push_str(&"\n".repeat(usize::from(lines))),
            Row::Cut => out.push('\n'),
        }
    }
    out
}

/// The sign that the paper shows and that takes as many columns.
fn as_printed(character: char) -> char {
    match character {
        '\u{A5}' => '\u{FFE5}',
        other if other.is_control() => ' ',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::TextEncoding;
    use crate::paper::code_pages::{CharacterSet, CodePage, CodePages};
    use crate::paper::letters::tests::Drawn;
    use proptest::prelude::*;

    fn chinese() -> Characters<'static> {
        Characters::new(TextEncoding::Gb18030, None)
    }

    #[test]
    fn words_stay_whole_and_chinese_breaks_anywhere_but_inside_a_character() {
        assert_eq!(wrap("milk and honey", 9, chinese()), ["milk and", "honey"]);
        assert_eq!(wrap("可口可乐汽水", 5, chinese()), ["可口", "可乐", "汽水"]);
        assert_eq!(wrap("可口cola", 7, chinese()), ["可口", "cola"]);
        assert_eq!(wrap("abcdefgh", 3, chinese()), ["abc", "def", "gh"]);
        assert_eq!(wrap("abc def", 3, chinese()), ["abc", "def"]);
        assert_eq!(wrap("", 9, chinese()), [""]);
    }

    #[test]
    fn amounts_stand_at_the_right_edge_and_are_never_broken() {
        assert_eq!(two_columns("可乐", "¥3.50", 12, chinese()), ["可乐  ¥3.50"]);
        assert_eq!(two_columns("a long name", "12.00", 10, chinese()), ["a long", "name 12.00"]);
        assert_eq!(two_columns("0123456789", "12.00", 10, chinese()), ["0123456789", "     12.00"]);
    }

    #[test]
    fn amounts_stand_at_the_right_edge_where_accents_take_one_column() {
        let page = CodePage { number: 0, set: CharacterSet::Cp437 };
        let pages = Characters::new(TextEncoding::Pages(CodePages::new(&[page]).unwrap()), None);
        assert_eq!(two_columns("Café", "¥3.50", 12, pages), ["Café   ¥3.50"]);
        assert_eq!(two_columns("Café", "¥3.50", 12, chinese()), ["Café ¥3.50"], "é is wide in Chinese");
        assert_eq!(wrap("éééé", 3, pages), ["ééé", "é"]);
    }

    #[test]
    fn amounts_stand_at_the_right_edge_of_lines_that_are_drawn() {
        let drawn = Characters::new(TextEncoding::Ascii, Some(&Drawn));
        assert_eq!(two_columns("茶", "3.50", 10, drawn), ["茶    3.50"]);
        assert_eq!(two_columns("可口可乐", "3.50", 10, drawn), ["可口可乐", "      3.50"]);
        assert_eq!(wrap("可口可乐", 5, drawn), ["可口", "可乐"]);
        let none = Characters::new(TextEncoding::Ascii, None);
        assert_eq!(two_columns("可口可乐", "3.50", 10, none), ["可口可乐  3.50"], "four question marks");
    }

    #[test]
    fn plain_text_shows_what_the_paper_shows() {
        let document = Document::new()
            .text("店", Style::PLAIN.centered().sized(crate::paper::Size::DOUBLE))
            .separator()
            .columns("可乐", "3.50")
            .qr("42")
            .cut();
        assert_eq!(document.to_text(12), "    店\n------------\n可乐    3.50\n42\n\n");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_paper_and_nothing_but_space_is_lost(
            text in "[a-z 可口乐¥é😀]{0,80}", width in 2_usize..50,
        ) {
            let lines = wrap(&text, width, chinese());
            for line in &lines {
                prop_assert!(chinese().columns_of(line) <= width, "{line:?}");
            }
            let visible = |s: &str| s.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(visible(&lines.concat()), visible(&text));
        }

        #[test]
        fn columns_always_fit(left in "[a-z 可乐]{0,60}", right in "[0-9.¥]{0,12}", width in 2_usize..50) {
            for line in two_columns(&left, &right, width, chinese()) {
                prop_assert!(columns_of(&line) <= width);
            }
        }
    }
}
