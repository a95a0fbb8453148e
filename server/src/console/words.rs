//! What the console says, in English and Chinese: a dictionary that does not compile with a word missing.

mod cards;
mod dictionary;
mod entries;
mod goods;
mod requests;
pub use entries::{CHINESE, ENGLISH, Words};

impl Words {
    /// Whether it is the Chinese one.
    #[must_use]
    pub fn is_chinese(&self) -> bool {
        std::ptr::eq(self, &CHINESE)
    }
}

/// A language of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// Every language there is.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The word in the cookie and in addresses.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// Reads [`Language::code`].
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// For the page's `lang`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// What it calls itself.
    #[must_use]
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "中文",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::English => Self::Chinese,
            Self::Chinese => Self::English,
        }
    }

    /// Its dictionary.
    #[must_use]
    pub fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::Chinese => &CHINESE,
        }
    }

    /// What a browser that has made no choice here would like best.
    #[must_use]
    pub fn from_accept(header: &str) -> Self {
        let first = header.split(',').map(|part| part.trim().to_ascii_lowercase());
        first
            .filter_map(|part| Self::ALL.into_iter().find(|language| part.starts_with(language.code())))
            .next()
            .unwrap_or(Self::English)
    }
}

/// Puts values into the `{}` of a sentence, in order. A sentence of another language may need another order:
/// `{0}`, `{1}` name a value by its place.
#[must_use]
pub fn fill(sentence: &str, values: &[&str]) -> String {
    let mut filled = String::with_capacity(sentence.len() + 32);
    let mut rest = sentence;
    let mut next = 0;
    while let Some(start) = rest.find('{') {
        let Some(length) = rest[start..].find('}') else { break };
        filled.push_str(&rest[..start]);
        let name = &rest[start + 1..start + length];
        let index = name.parse().unwrap_or(next);
        next += 1;
        filled.push_str(values.get(index).copied().unwrap_or(""));
        rest = &rest[start + length + 1..];
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(sentence: &str) -> usize {
        sentence.matches('{').count()
    }

    #[test]
    fn every_word_is_there_in_both_languages_with_the_same_values_inside() {
        let (english, chinese) = (ENGLISH.all(), CHINESE.all());
        assert!(english.len() > 150 && english.len() == chinese.len());
        for ((name, en), (same, zh)) in english.iter().zip(&chinese) {
            assert_eq!(name, same);
            assert!(!en.trim().is_empty() && !zh.trim().is_empty(), "{name} is empty");
            assert_eq!(places(en), places(zh), "{name} has other values in Chinese");
            assert!(en.is_ascii() || en.contains(['…', '·', '–']), "{name} is not English: {en}");
        }
    }

    #[test]
    fn chinese_words_are_chinese() {
        let kept = ["it_role", "shift_comma", "doubt_settled_by"];
        for (name, zh) in CHINESE.all() {
            let has = zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
            assert!(has || kept.contains(&name), "{name} is not translated: {zh}");
        }
    }

    #[test]
    fn every_word_is_said_on_some_page() {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut said = String::new();
        for folder in ["src/console", "templates"] {
            for entry in std::fs::read_dir(here.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    said.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        let is_said = |name: &str| {
            let word = format!(".{name}");
            let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            said.match_indices(&word).any(|(at, _)| ends(&said[at + word.len()..]))
        };
        for (name, _) in ENGLISH.all() {
            assert!(is_said(name), "{name} is in the dictionary and on no page");
        }
    }

    #[test]
    fn values_go_where_the_sentence_wants_them() {
        assert_eq!(fill("{} of {}", &["1", "2"]), "1 of 2");
        assert_eq!(fill("{1} 的 {0}", &["a", "b"]), "b 的 a");
        assert_eq!(fill("none", &["x"]), "none");
        assert_eq!(fill("{} and {}", &["<{}>"]), "<{}> and ");
    }

    #[test]
    fn the_browsers_own_wish_is_a_start() {
        assert_eq!(Language::from_accept("zh-CN,zh;q=0.9,en;q=0.8"), Language::Chinese);
        assert_eq!(Language::from_accept("de-DE,en;q=0.5,zh;q=0.3"), Language::English);
        assert_eq!(Language::from_accept(""), Language::English);
    }
}
