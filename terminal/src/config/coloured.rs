//! The colours that were last chosen on the screen. They outlive the program; before anyone chose, the settings count.

use super::{Config, ConfigError, identity::replace};
use crate::view::Colours;
use serde::Deserialize;
use std::fs;
use std::path::Path;

const FILE: &str = "colours";

/// The name of the colours in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColoursName {
    /// Dark on light.
    #[default]
    Light,
    /// Light on dark.
    Dark,
    /// White and yellow on black.
    HighContrast,
}

impl ColoursName {
    /// What is meant by it.
    #[must_use]
    pub fn colours(self) -> Colours {
        match self {
            Self::Light => Colours::Light,
            Self::Dark => Colours::Dark,
            Self::HighContrast => Colours::HighContrast,
        }
    }
}

fn word(colours: Colours) -> &'static str {
    match colours {
        Colours::Light => "light",
        Colours::Dark => "dark",
        Colours::HighContrast => "high_contrast",
    }
}

fn of_word(word: &str) -> Option<Colours> {
    let all = [Colours::Light, Colours::Dark, Colours::HighContrast];
    all.into_iter().find(|colours| self::word(*colours) == word)
}

/// The colours to begin with: as last chosen on the screen, else as `till.toml` says.
#[must_use]
pub fn remembered_colours(data: &Path, config: &Config) -> Colours {
    let chosen = fs::read_to_string(data.join(FILE)).ok();
    chosen.and_then(|text| of_word(text.trim())).unwrap_or_else(|| config.colours.colours())
}

/// Keeps the colours for the next start.
/// # Errors
/// The disk does not take it; then those before stay.
pub fn remember_colours(data: &Path, colours: Colours) -> Result<(), ConfigError> {
    let path = data.join(FILE);
    replace(data, &path, word(colours).as_bytes()).map_err(|error| ConfigError::Io { path, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colours_chosen_on_the_screen_outlive_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let dark: Config = toml::from_str("colours = \"dark\"").unwrap();
        assert_eq!(remembered_colours(dir.path(), &Config::default()), Colours::Light);
        assert_eq!(remembered_colours(dir.path(), &dark), Colours::Dark);
        for colours in [Colours::HighContrast, Colours::Light, Colours::Dark] {
            remember_colours(dir.path(), colours).unwrap();
            assert_eq!(remembered_colours(dir.path(), &Config::default()), colours);
        }
        fs::write(dir.path().join(FILE), "pink").unwrap();
        assert_eq!(remembered_colours(dir.path(), &dark), Colours::Dark, "nonsense is no choice");
    }
}
