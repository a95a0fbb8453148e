//! The words of the screens: each is translated, and each character of the translation can be drawn.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn terminal() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../terminal")
}

fn slint_sources(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            slint_sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "slint") {
            found.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

/// The first text of each `@tr("…"`.
fn spoken(source: &str) -> impl Iterator<Item = &str> {
    source.split("@tr(").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
}

fn catalogue() -> String {
    std::fs::read_to_string(terminal().join("lang/zh/LC_MESSAGES/evertill-terminal.po")).unwrap()
}

/// Each text with its translation.
fn translations(catalogue: &str) -> Vec<(String, String)> {
    let text = |line: &str| line[line.find('"').unwrap() + 1..line.len() - 1].to_owned();
    let entry = |block: &str| {
        let id = block.lines().find(|l| l.starts_with("msgid \""))?;
        let translated = block.lines().find(|l| l.starts_with("msgstr"))?;
        Some((text(id), text(translated)))
    };
    catalogue.split("\n\n").filter_map(entry).filter(|(id, _)| !id.is_empty()).collect()
}

#[test]
fn every_text_of_the_screens_is_translated_and_no_translation_is_left_over() {
    let mut sources = Vec::new();
    slint_sources(&terminal().join("ui"), &mut sources);
    let spoken: BTreeSet<&str> = sources.iter().flat_map(|source| spoken(source)).collect();
    assert!(spoken.len() > 200, "only {} texts were found", spoken.len());
    let catalogue = catalogue();
    let translated = translations(&catalogue);
    let known: BTreeSet<&str> = translated.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(spoken.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new(), "not translated");
    assert_eq!(known.difference(&spoken).collect::<Vec<_>>(), Vec::<&&str>::new(), "no longer used");
}

#[test]
fn translations_keep_the_places_for_numbers_and_names() {
    for (id, translated) in translations(&catalogue()) {
        assert!(!translated.is_empty(), "“{id}” is empty");
        for place in ["{}", "{0}", "{1}", "{2}"] {
            assert_eq!(id.matches(place).count(), translated.matches(place).count(), "{place} in “{id}”");
        }
    }
}

#[test]
fn every_chinese_character_of_the_screens_is_in_the_font() {
    // The font holds GB 2312; what it lacks would be drawn as nothing, silently.
    for character in catalogue().chars().filter(|c| *c as u32 >= 0x3400 && (*c as u32) < 0xFF00) {
        let text = character.to_string();
        let (bytes, _, unmappable) = encoding_rs::GBK.encode(&text);
        let in_gb2312 = !unmappable && matches!(*bytes, [0xA1..=0xF7, 0xA1..=0xFE]);
        assert!(in_gb2312, "{character} is not in GB 2312");
    }
}
