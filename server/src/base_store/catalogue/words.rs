//! By what people find a product: its name, the letters that the characters of a Chinese name begin with, its id and its
//! barcodes, in small letters.

use evertill_shared::protocol::catalogue::Product;
use pinyin::{ToPinyin as _, ToPinyinMulti as _};

/// Between the name, the letters, the id and the codes of one product: nobody types it.
const FIELD: char = '\u{1f}';
/// The most ways in which a name's letters are kept.
const MOST_READINGS: usize = 8;
/// The most words that are looked for; what is typed behind them is left out.
pub(super) const MOST_WORDS: usize = 4;

/// What a product is found by. A character may be read in several ways (重庆 is cq to one and zq to another): each way
/// stands there.
pub(super) fn words_of(product: &Product) -> String {
    let name = plain(&product.name);
    let letters = if name.is_ascii() { String::new() } else { readings(&name).join(" ") };
    let codes = plain(&product.barcodes.join(" "));
    format!("{name}{FIELD}{letters}{FIELD}{}{FIELD}{codes}", plain(&product.id))
}

/// What somebody typed, word by word.
pub(super) fn wanted(text: &str) -> Vec<String> {
    plain(text).split_whitespace().take(MOST_WORDS).map(str::to_owned).collect()
}

/// In small letters, on one line.
fn plain(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().to_lowercase()
}

/// The letters of a name in its ways, the usual one first; of very many ways, the first.
fn readings(name: &str) -> Vec<String> {
    let letters = name.chars().map(letters_of).filter(|letters| !letters.is_empty());
    letters.fold(vec![String::new()], |ways, letters| {
        let longer =
            |way: &String| -> Vec<String> { letters.iter().map(|letter| format!("{way}{letter}")).collect() };
        // A way with the usual letters so far comes before any with another.
        let mut all: Vec<String> = ways.iter().flat_map(longer).collect();
        all.truncate(MOST_READINGS);
        all
    })
}

/// What a character may begin with, the usual first; nothing for one that is not spoken.
fn letters_of(c: char) -> Vec<char> {
    let Some(usual) = c.to_pinyin() else {
        return c.is_ascii_alphanumeric().then_some(c).into_iter().collect();
    };
    let others = c.to_pinyin_multi().into_iter().flatten();
    let mut letters: Vec<char> = Vec::new();
    for letter in std::iter::once(usual).chain(others).filter_map(|sound| sound.first_letter().chars().next())
    {
        if !letters.contains(&letter) {
            letters.push(letter);
        }
    }
    letters
}

/// The pattern that finds a word anywhere, with `!` before what would stand for something else.
pub(super) fn pattern(word: Option<&String>) -> String {
    let Some(word) = word else { return "%".into() };
    let mut pattern = String::from("%");
    for c in word.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chinese_name_is_found_by_the_letters_it_begins_with_in_each_reading() {
        assert_eq!(readings("重庆小面")[0], "zqxm");
        assert!(readings("重庆小面").contains(&"cqxm".to_owned()));
        assert_eq!(readings("可乐 330ml")[0], "kl330ml");
        assert!(readings(&"重".repeat(200)).len() <= MOST_READINGS);
    }

    #[test]
    fn what_is_typed_stands_for_itself() {
        assert_eq!(pattern(Some(&"50%_!".to_owned())), "%50!%!_!!%");
        assert_eq!(pattern(None), "%");
        assert_eq!(wanted("  Green\tTEA 1 2 3 4"), ["green", "tea", "1", "2"]);
        assert!(wanted(" \u{1f} ").is_empty());
    }
}
