//! A language that a shop adds as a file.

use super::customer::Both;
use super::{Bench, complaints, pictures, samples};
use evertill_terminal::config::{Config, spoken_languages};
use evertill_terminal::language::to_fill_in;
use evertill_terminal::view::{Language, Notice, Page, Screen};
use evertill_tests::headless::scrolled;

/// What a shop's till speaks with this one file, and what is wrong with it.
fn spoken_with(text: &str) -> (Vec<Language>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("lang")).unwrap();
    std::fs::write(folder.path().join("lang/de.po"), text).unwrap();
    let config = Config { languages: vec!["lang/de.po".into()], language: "de".into(), ..Config::default() };
    let (spoken, wrong) = spoken_languages(folder.path(), &config);
    (spoken, wrong.iter().map(ToString::to_string).collect())
}

const GERMAN: &str = r#"
msgid ""
msgstr ""
"Language: de\n"
"X-Language-Name: Deutsch\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

msgid "Cash"
msgstr "Bar bezahlen"

msgid "Remove: {}"
msgstr "{} entfernen"

msgid "{n} item"
msgid_plural "{n} items"
msgstr[0] "ein Stück"
msgstr[1] "{n} Stücke"
"#;

#[test]
fn a_language_from_a_file_is_spoken_at_once_and_what_it_lacks_is_english() {
    let (spoken, wrong) = spoken_with(GERMAN);
    assert!(wrong.is_empty(), "{wrong:?}");
    let bench = Bench::new();
    let says = |language: Language, texts: &[&str]| {
        bench.show(&Screen { language, ..samples::screen(Page::Sale(samples::sale())) });
        let all: Vec<String> = bench.elements().into_iter().map(|e| e.label).collect();
        for text in texts {
            assert!(all.iter().any(|label| label == text), "{language:?}: no “{text}” in {all:?}");
        }
    };
    for _ in 0..2 {
        says(spoken[2], &["Bar bezahlen", "Bag entfernen", "116 Stücke", "Payment code", "English"]);
        says(Language::Chinese, &["现金", "付款码"]);
        says(Language::English, &["Cash", "Remove: Bag", "116 items", "Payment code", "中文"]);
    }
    let sale = samples::screen(Page::Sale(samples::sale()));
    bench.till.show_now(&Screen { next_language: spoken[2], ..sale });
    bench.surface.tick();
    bench.tap("Deutsch");
    assert_eq!(bench.heard(), [evertill_terminal::view::UserAction::Language { code: "de".into() }]);
}

#[test]
fn a_file_that_is_broken_is_told_of_in_words_and_the_till_speaks_english() {
    let (spoken, wrong) = spoken_with(&GERMAN.replace("{} entfernen", "entfernen"));
    assert_eq!(spoken, [Language::English, Language::Chinese]);
    let [detail] = &wrong[..] else { panic!("{wrong:?}") };
    assert_eq!(
        detail,
        "lang/de.po: line 11: 'Remove: {}': 'entfernen' must hold {0}, each once and as it is there"
    );
    let bench = Bench::new();
    let notice = Some(Notice::LanguageUnusable { detail: detail.clone() });
    bench.show(&Screen { notice, ..samples::screen(Page::Sale(samples::sale())) });
    let found = bench.elements();
    assert!(found.iter().any(|e| e.label.contains(detail)), "{found:?}");
}

/// Each text, its words as much longer as German ones are, and nothing else changed.
fn long_winded() -> Language {
    let longer = |text: &str| {
        let (mut out, mut inside, mut letters) = (String::new(), false, 0);
        for c in text.chars() {
            inside = (inside || c == '{') && c != '}';
            out.push(c);
            letters = if c.is_alphabetic() && !inside { letters + 1 } else { 0 };
            if letters > 0 && letters % 3 == 0 {
                out.push('ö');
            }
        }
        out
    };
    let (mut filled, mut id, mut plural) = (String::new(), String::new(), String::new());
    let empty = to_fill_in([]).replace("Language: \\n", "Language: de\\n");
    for line in empty.replace("X-Language-Name: \\n", "X-Language-Name: Long-winded\\n").lines() {
        match line.split_once(' ') {
            Some(("msgid", text)) => id = longer(text),
            Some(("msgid_plural", text)) => plural = longer(text),
            _ => {}
        }
        filled += &match line {
            "msgstr \"\"" if id != "\"\"" => format!("msgstr {id}\n"),
            "msgstr[0] \"\"" | "msgstr[1] \"\"" => line.replace("\"\"", &plural) + "\n",
            _ => format!("{line}\n"),
        };
    }
    let (spoken, wrong) = spoken_with(&filled);
    assert!(wrong.is_empty(), "{wrong:?}");
    spoken[2]
}

/// With `EVERTILL_DRAW=1` they are drawn into `target/screens`.
#[test]
fn every_page_has_room_for_words_that_are_a_third_longer() {
    let language = long_winded();
    let bench = Bench::new();
    let mut wrong = Vec::new();
    for sample in samples::all() {
        let screen = Screen { language, ..sample.screen };
        let found = bench.lay_out(&screen);
        let flaws = complaints(&found, &scrolled(bench.till.component()), 1024.0, 768.0);
        wrong.extend(flaws.into_iter().map(|what| format!("{}: {what}", sample.name)));
        if std::env::var_os("EVERTILL_DRAW").is_some() {
            pictures::write(&format!("{}_longer", sample.name), &bench.show(&screen)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_customers_window_speaks_the_language_of_a_file_and_follows_every_change() {
    let thanks = format!("{GERMAN}\nmsgid \"Thank you!\"\nmsgstr \"Vielen Dank!\"\n");
    let (spoken, wrong) = spoken_with(&thanks);
    assert!(wrong.is_empty(), "{wrong:?}");
    let both = Both::new();
    for (language, words) in [
        (spoken[2], "Vielen Dank!"),
        (Language::Chinese, "谢谢惠顾！"),
        (Language::English, "Thank you!"),
        (spoken[2], "Vielen Dank!"),
    ] {
        both.show_state("paid", language);
        let labels = both.labels();
        assert!(labels.iter().any(|label| label == words), "{language:?}: no “{words}” in {labels:?}");
    }
}
