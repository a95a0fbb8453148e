//! A wallet's documented words as an enum, so that what each means for money is one exhaustive match; and our own words as
//! a wallet takes them.

use evertill_shared::clock::Timestamp;
use std::time::Duration;

/// WeChat Pay could not hand a refund over.
pub const REFUND_STUCK: &str =
    "the customer's card is gone: finish the refund in the wallet's merchant system";
/// WeChat Pay has given a refund up; its number is used up.
pub const REFUND_CLOSED: &str =
    "the wallet closed the refund: the account had not enough money for it. Ask for it again";
/// The same on a later day than that of the sale, when it cannot be asked for any more.
pub const REFUND_CLOSED_LATE: &str = "the wallet closed the refund and hands the money to nobody: give it back in the wallet's merchant system";

/// No wallet's payment code has fewer digits.
const SHORTEST_CODE: usize = 16;

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

/// A moment by China's clock, whatever the machine's zone, in `strftime`'s words.
pub(super) fn china_time(at: Timestamp, format: &str) -> Option<String> {
    let shifted = at.plus(Duration::from_secs(8 * 60 * 60));
    Some(shifted.to_jiff()?.strftime(format).to_string())
}

/// Whether it can be a wallet's number of a transaction. It is written into lists, files and addresses.
pub(super) fn is_transaction(number: &str) -> bool {
    (1..=64).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// What a wallet says for people, cut short, without any number that could be a customer's code: a wallet that repeats
/// what it was sent would put it into our log.
pub(super) fn without_codes(text: &str, max_bytes: usize) -> String {
    let mut said = String::new();
    let mut digits = String::new();
    // What is left out must not have stood between two halves of a code.
    for character in text.chars().filter(|c| is_kept(*c)).chain(['\0']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        said.push_str(if digits.len() >= SHORTEST_CODE { "…" } else { &digits });
        digits.clear();
        said.push(character);
    }
    clip(&said, max_bytes)
}

fn is_kept(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{fffe}' | '\u{ffff}')
}

/// At most that many bytes, cut between characters, without what XML cannot carry: control characters, and the two that
/// are none.
pub(super) fn clip(text: &str, max_bytes: usize) -> String {
    let mut clipped = String::new();
    for character in text.chars().filter(|c| is_kept(*c)) {
        if clipped.len() + character.len_utf8() > max_bytes {
            break;
        }
        clipped.push(character);
    }
    clipped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_customers_code_is_in_no_words() {
        let said = "auth_code 130000000000000001 expired, 2801234567890123 too; order 4711, fee 0.33";
        assert_eq!(without_codes(said, 200), "auth_code … expired, … too; order 4711, fee 0.33");
        assert_eq!(without_codes("130000000000000001", 200), "…");
        assert_eq!(without_codes("付款码1300000000000000011已过期", 200), "付款码…已过期");
        assert_eq!(without_codes("a long word", 6), "a long");
        assert_eq!(
            without_codes("13000000\u{0}0000000001", 200),
            "…",
            "nor in two halves that are put together"
        );
    }

    #[test]
    fn a_number_of_a_transaction_is_plain_and_not_empty() {
        assert!(is_transaction("4200001234") && is_transaction("A1"));
        assert!(!is_transaction("") && !is_transaction("4 2") && !is_transaction(&"4".repeat(65)));
    }

    proptest::proptest! {
        /// Whatever a wallet says goes into our log without a customer's code, whole and no longer than asked for.
        #[test]
        fn what_a_wallet_says_holds_no_code_and_keeps_to_its_length(
            said in "([0-9]{0,30}|[a-z ]{0,5}|[\u{4e00}-\u{4e10}]{0,4}|\u{0}|\u{7}){0,6}", most in 0_usize..80,
        ) {
            let told = without_codes(&said, most);
            proptest::prop_assert!(told.len() <= most && !told.chars().any(char::is_control), "{told:?}");
            let longest = told.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
            proptest::prop_assert!(longest < SHORTEST_CODE, "{told:?}");
            proptest::prop_assert!(clip(&said, most).len() <= most);
            let _ = (is_transaction(&said), from_any(&said));
        }
    }

    fn from_any(word: &str) -> Answers {
        Answers::from_word(word)
    }

    documented_words! {
        /// Some.
        Answers
        Yes = "YES", "Yes.";
    }
}
