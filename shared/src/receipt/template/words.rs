//! A shop's own words, in the languages that it has them in.

use std::collections::BTreeMap;

/// The longest line of a shop's own words, in characters; it is wrapped where the paper ends.
pub const LONGEST_LINE: usize = 200;

/// Words by language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// For every language that has none of its own.
    pub(super) any: Option<String>,
    /// By language, `en` or `zh`.
    pub(super) by_language: BTreeMap<String, String>,
}

impl Words {
    /// The words for a language; `None` if a receipt in it is to have none there.
    #[must_use]
    pub fn of(&self, language: &str) -> Option<&str> {
        self.by_language.get(language).or(self.any.as_ref()).map(String::as_str)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.any.is_none() && self.by_language.is_empty()
    }
}
