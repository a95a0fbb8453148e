//! The size of words that was last chosen on the screen. It outlives the program; before anyone chose, the settings count.

use super::{Config, ConfigError, identity::replace};
use crate::view::TextSize;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::fs;
use std::path::Path;

const FILE: &str = "text-size";

/// Reads `100`, `125` or `150`.
///
/// # Errors
/// Anything else.
pub fn of_settings<'de, D: Deserializer<'de>>(settings: D) -> Result<TextSize, D::Error> {
    let percent = u64::deserialize(settings)?;
    TextSize::of_percent(percent).ok_or_else(|| D::Error::custom("text_size is 100, 125 or 150"))
}

/// The size to begin with: as last chosen on the screen, else as `till.toml` says.
#[must_use]
pub fn remembered_text_size(data: &Path, config: &Config) -> TextSize {
    let chosen = fs::read_to_string(data.join(FILE)).ok();
    let percent = chosen.and_then(|text| text.trim().parse().ok());
    percent.and_then(TextSize::of_percent).unwrap_or(config.text_size)
}

/// Keeps the size for the next start.
/// # Errors
/// The disk does not take it; then the one before stays.
pub fn remember_text_size(data: &Path, size: TextSize) -> Result<(), ConfigError> {
    let path = data.join(FILE);
    replace(data, &path, size.percent().to_string().as_bytes())
        .map_err(|error| ConfigError::Io { path, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_chosen_on_the_screen_outlives_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let large: Config = toml::from_str("text_size = 125").unwrap();
        assert_eq!(remembered_text_size(dir.path(), &Config::default()), TextSize::Normal);
        assert_eq!(remembered_text_size(dir.path(), &large), TextSize::Large);
        for size in [TextSize::Larger, TextSize::Normal, TextSize::Large] {
            remember_text_size(dir.path(), size).unwrap();
            assert_eq!(remembered_text_size(dir.path(), &Config::default()), size);
        }
        for nonsense in ["", "pink", "-150", "110", "15000000000000000000000"] {
            fs::write(dir.path().join(FILE), nonsense).unwrap();
            assert_eq!(
                remembered_text_size(dir.path(), &large),
                TextSize::Large,
                "{nonsense:?} is no choice"
            );
        }
    }
}
