//! Paper in a language of a shop's own file.

use super::document::{Look, document, document_for};
use super::examples::Example;
use super::{all_words, shift, test_page};
use crate::config::{Config, spoken_languages};
use crate::view::{Language, ReportSum, Wallet};
use evertill_hardware::escpos::code_pages::{CharacterSet, CodePage, CodePages};
use evertill_hardware::escpos::profile::TextEncoding;
use evertill_shared::receipt::template::Template;

/// A language whose file says this of each word.
fn language(of: impl Fn(&str) -> String) -> Language {
    let folder = tempfile::tempdir().unwrap();
    let head = "msgid \"\"\nmsgstr \"Language: qq\\n\"\n\n".to_owned();
    let entry = |word: &&str| format!("msgctxt \"receipt\"\nmsgid \"{word}\"\nmsgstr \"{}\"\n\n", of(word));
    let words: std::collections::BTreeSet<&str> = all_words().into_iter().collect();
    std::fs::write(folder.path().join("qq.po"), head + &words.iter().map(entry).collect::<String>()).unwrap();
    let config = Config { languages: vec!["qq.po".into()], ..Config::default() };
    let (spoken, wrong) = spoken_languages(folder.path(), &config);
    assert!(wrong.is_empty(), "{wrong:?}");
    spoken[2]
}

fn paper(language: Language, template: &Template) -> Vec<String> {
    let on_paper =
        |example: Example| document(&example.receipt().unwrap(), Look { language, template }).to_text(48);
    let mut all: Vec<String> = Example::ALL.into_iter().map(on_paper).collect();
    all.push(test_page::test_page(language, TextEncoding::Gb18030).to_text(48));
    all
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[test]
fn paper_speaks_the_language_of_a_file_and_says_the_same_as_before() {
    let template = Template::default();
    // Each word is marked, so that what is left in English is seen.
    let marked = language(|word| format!("#{word}"));
    let (english, own) = (paper(Language::English, &template), paper(marked, &template));
    for (english, own) in english.iter().zip(&own) {
        assert!(own.contains('#'), "{own}");
        assert_eq!(squeezed(english), squeezed(&own.replace('#', "")), "no amount is lost");
        for line in english.lines().map(str::trim_start) {
            let begins = |word: &&&str| line.starts_with(**word);
            if let Some(word) = all_words().iter().filter(begins).max_by_key(|word| word.len()) {
                assert!(
                    squeezed(own).contains(&format!("#{}", squeezed(word))),
                    "“{word}” is in English: {own}"
                );
            }
        }
    }
}

#[test]
fn the_name_of_a_wallet_stands_where_the_language_puts_it() {
    let own = language(|word| if word == "{} refunds" { "Refunds by {0}".into() } else { word.into() });
    for wallet in Wallet::ALL {
        let name = |of, language| shift::name(of, (language, TextEncoding::Gb18030));
        let (refunds, short) = (ReportSum::WalletRefunds(wallet), wallet.short_name());
        assert_eq!(name(refunds, own), format!("Refunds by {}", short.english));
        assert_eq!(name(refunds, Language::English), format!("{} refunds", short.english));
        assert_eq!(name(refunds, Language::Chinese), format!("{}退款", short.chinese));
        assert_eq!(name(ReportSum::WalletSales(wallet), own), wallet.name().english);
    }
}

#[test]
fn paper_in_a_language_that_printers_cannot_write_is_in_english() {
    let template = Template::default();
    let cannot = language(|word| word.replace('{', "ß{") + "ß");
    assert_eq!(paper(cannot, &template), paper(Language::English, &template));
}

#[test]
fn paper_is_worded_in_letters_that_the_very_printer_has() {
    let receipt = Example::Sale.receipt().unwrap();
    let template = Template::default();
    let paper = |language, characters| {
        document_for(&receipt, Look { language, template: &template }, characters).to_text(48)
    };
    let page = CodePage { number: 2, set: CharacterSet::Cp850 };
    let latin = TextEncoding::Pages(CodePages::new(&[page]).unwrap());
    let german = language(|word| word.to_owned() + "ß");
    assert!(paper(german, latin).contains("TOTALß"));
    for without in [TextEncoding::Ascii, TextEncoding::Gb18030] {
        assert_eq!(paper(german, without), paper(Language::English, without));
    }
    assert!(paper(Language::Chinese, TextEncoding::Gb18030).contains("合计"));
    assert_eq!(paper(Language::Chinese, latin), paper(Language::English, latin));
}

#[test]
fn a_shops_own_words_are_in_english_rather_than_not_at_all() {
    let text = evertill_shared::receipt::template::DEFAULT.to_owned();
    let with = |line: &str| {
        let template = text.replacen("address center", &format!("address center\n{line}"), 1);
        let template = Template::parse(&template).unwrap_or_else(|error| panic!("{error}\n{template}"));
        paper(language(|word| format!("#{word}")), &template).concat()
    };
    assert!(with("text en \"No return of food\" zh \"食品不退\"").contains("No return of food"));
    assert!(with("text \"For all\"").contains("For all"));
}
