//! The language that was last chosen on the screen. It outlives the program; before anyone chose, the settings count.

use super::{Config, ConfigError, identity::replace};
use crate::language::{LanguageError, added};
use crate::view::Language;
use std::fs;
use std::path::Path;

const FILE: &str = "language";

/// The languages that the till speaks, and what is wrong with the files of others, in words.
#[must_use]
pub fn spoken_languages(data: &Path, config: &Config) -> (Vec<Language>, Vec<LanguageError>) {
    let (added, wrong) = added(data, &config.languages);
    let own = [Language::English, Language::Chinese];
    (own.into_iter().chain(added.into_iter().map(Language::Added)).collect(), wrong)
}

/// The language to begin with: as last chosen on the screen, else as `till.toml` says; English where that is none of these.
#[must_use]
pub fn remembered_language(data: &Path, config: &Config, spoken: &[Language]) -> Language {
    let of_word = |word: &str| spoken.iter().copied().find(|language| language.code() == word);
    let chosen = fs::read_to_string(data.join(FILE)).ok();
    chosen.and_then(|text| of_word(text.trim())).or_else(|| of_word(&config.language)).unwrap_or_default()
}

/// Keeps the language for the next start.
/// # Errors
/// The disk does not take it; then the language before stays.
pub fn remember_language(data: &Path, language: Language) -> Result<(), ConfigError> {
    let path = data.join(FILE);
    replace(data, &path, language.code().as_bytes()).map_err(|error| ConfigError::Io { path, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_chosen_on_the_screen_outlives_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let german = "msgid \"\"\nmsgstr \"Language: de\\n\"\n";
        fs::write(dir.path().join("de.po"), german).unwrap();
        let languages = vec!["de.po".into(), "fr.po".into()];
        let chinese = Config { language: "zh".into(), languages, ..Config::default() };
        let (spoken, wrong) = spoken_languages(dir.path(), &chinese);
        let codes: Vec<&str> = spoken.iter().map(|language| language.code()).collect();
        assert_eq!(codes, ["en", "zh", "de"]);
        assert!(wrong.len() == 1 && wrong[0].to_string().contains("fr.po"), "{wrong:?}");
        let remembered = |spoken: &[Language]| remembered_language(dir.path(), &chinese, spoken);
        assert_eq!(remembered(&spoken), Language::Chinese);
        remember_language(dir.path(), Language::English).unwrap();
        assert_eq!(remembered(&spoken), Language::English);
        remember_language(dir.path(), spoken[2]).unwrap();
        assert_eq!(remembered(&spoken), spoken[2]);
        assert_eq!(remembered(&spoken[..2]), Language::Chinese, "its file is gone: as the settings say");
        fs::write(dir.path().join(FILE), "qq").unwrap();
        assert_eq!(remembered(&spoken), Language::Chinese, "nonsense is no choice");
        let french = Config { language: "fr".into(), ..Config::default() };
        assert_eq!(remembered_language(dir.path(), &french, &spoken), Language::English);
    }
}
