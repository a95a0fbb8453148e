//! The language that was last chosen on the screen. It outlives the program; before anyone chose, the settings count.

use super::{Config, ConfigError, identity::replace};
use crate::view::Language;
use std::fs;
use std::path::Path;

const FILE: &str = "language";

fn of_word(word: &str) -> Option<Language> {
    [Language::English, Language::Chinese].into_iter().find(|language| language.code() == word)
}

/// The language to begin with: as last chosen on the screen, else as `till.toml` says.
#[must_use]
pub fn remembered_language(data: &Path, config: &Config) -> Language {
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
        let chinese = Config { language: "zh".into(), ..Config::default() };
        assert_eq!(remembered_language(dir.path(), &chinese), Language::Chinese);
        remember_language(dir.path(), Language::English).unwrap();
        assert_eq!(remembered_language(dir.path(), &chinese), Language::English);
        fs::write(dir.path().join(FILE), "qq").unwrap();
        assert_eq!(remembered_language(dir.path(), &chinese), Language::Chinese, "nonsense is no choice");
    }
}
