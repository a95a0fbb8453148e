//! A wallet's documented words as an enum, so that what each means for money is one exhaustive match; and our own words as
//! a wallet takes them.

/// Makes an enum of documented words, `Undocumented` for all others, and the reading of one.
macro_rules! documented_words {
    ($(#[$about:meta])* $list:ident $($name:ident = $word:literal, $doc:literal;)*) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $list {
            $(#[doc = $doc] $name,)*
            /// A word that is not documented: it proves nothing.
            Undocumented,
        }

        impl $list {
            /// Every documented word with its meaning.
            pub const DOCUMENTED: &'static [(&'static str, Self)] = &[$(($word, Self::$name),)*];

            /// What the word in a reply means.
            #[must_use]
            pub fn from_word(word: &str) -> Self {
                let known = Self::DOCUMENTED.iter().find(|(documented, _)| *documented == word);
                known.map_or(Self::Undocumented, |(_, code)| *code)
            }
        }
    };
}

pub(super) use documented_words;

/// At most that many bytes, cut between characters, without what XML cannot carry: control characters, and the two that
/// are none.
pub(super) fn clip(text: &str, max_bytes: usize) -> String {
    let mut clipped = String::new();
    for character in text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')) {
        if clipped.len() + character.len_utf8() > max_bytes {
            break;
        }
        clipped.push(character);
    }
    clipped
}
