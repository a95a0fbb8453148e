//! Staff cards: a code that a person logs in with at tills by one scan. Made by the server from chance, shown once to be
//! printed, and kept by nobody: server and tills know only what it is told by.
//!
//! A card says who stands at the till, and nothing else. It approves nothing: cards are lent, and found.

use crate::secret::SecretText;
use serde::{Deserialize, Serialize};

/// What every card's code begins with: no goods, order, payment or approval has such a code.
pub const CARD_PREFIX: &str = "EVTC-";

/// So many bytes of chance make a card; five bits of each are used: 95 bits, which nobody finds by trying, not even who has
/// the mark of it.
pub const CARD_CHANCE: usize = 19;

/// Letters and digits that are not taken for one another. Their place is their value.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const DOMAIN: &str = "evertill-staff-card-v1";
/// How many letters and digits stand between two hyphens, and how many such parts there are.
const PART: usize = 5;
const PARTS: usize = 4;
/// How long a code is, in bytes.
const LENGTH: usize = CARD_PREFIX.len() + PARTS * (PART + 1) - 1;

/// The code of a card. It does not print, and its memory is wiped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardCode(SecretText);

/// What a card is known by: its code's SHA-256, in hex. Whoever has it has no card.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardMark(String);

impl CardMark {
    /// As it was kept.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// As it is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text is not the code of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotACard {
    /// It is something else.
    #[error("this is no staff card")]
    Other,
    /// It is one of which something is lost, or changed.
    #[error("the card could not be read")]
    Damaged,
}

impl CardCode {
    /// The card that this chance makes.
    #[must_use]
    pub fn of(chance: [u8; CARD_CHANCE]) -> Self {
        let mut values = chance.map(|byte| byte & 31).to_vec();
        values.push(check_value(&values));
        let letters = values.iter().filter_map(|value| ALPHABET.get(usize::from(*value)));
        let mut text = String::with_capacity(LENGTH);
        text.push_str(CARD_PREFIX);
        for (place, letter) in letters.enumerate() {
            if place > 0 && place % PART == 0 {
                text.push('-');
            }
            text.push(char::from(*letter));
        }
        Self(SecretText::new(text))
    }

    /// Reads what was scanned. A scanner that turns letters round reads it as well.
    ///
    /// # Errors
    /// [`NotACard`].
    pub fn read(text: &str) -> Result<Self, NotACard> {
        if !names_card(text) {
            return Err(NotACard::Other);
        }
        let code = SecretText::new(text.trim().to_ascii_uppercase());
        if is_whole(code.expose()) { Ok(Self(code)) } else { Err(NotACard::Damaged) }
    }

    /// To be printed, and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What it is known by.
    #[must_use]
    pub fn mark(&self) -> CardMark {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        context.update(DOMAIN.as_bytes());
        context.update(b"\n");
        context.update(self.expose().as_bytes());
        CardMark(hex::encode(context.finish()))
    }
}

/// Whether the whole code of a card stands in a text, whatever is around it.
#[must_use]
pub fn holds_card(text: &str) -> bool {
    let text = text.to_ascii_uppercase();
    let whole_at = |(at, _)| text.get(at..at + LENGTH).is_some_and(has_shape);
    text.match_indices(CARD_PREFIX).any(whole_at)
}

/// Whether a text may be the code of a card, or a part of one: a code of which a character is lost is nearly as good as a
/// whole one to whoever reads it.
#[must_use]
pub fn names_card(text: &str) -> bool {
    text.to_ascii_uppercase().contains(CARD_PREFIX)
}

fn has_shape(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(CARD_PREFIX) else { return false };
    let is_part = |part: &str| part.len() == PART && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    rest.split('-').count() == PARTS && rest.split('-').all(is_part)
}

fn is_whole(text: &str) -> bool {
    let letters = text.strip_prefix(CARD_PREFIX).unwrap_or_default().bytes().filter(|byte| *byte != b'-');
    let values = letters.map(|letter| ALPHABET.iter().position(|known| *known == letter));
    let values: Option<Vec<u8>> = values.map(|at| at.and_then(|at| u8::try_from(at).ok())).collect();
    let checked = values.as_deref().and_then(|values| values.split_last());
    has_shape(text) && checked.is_some_and(|(check, body)| *check == check_value(body))
}

/// The value that makes the sum a multiple of 32: each second value from the right counts twice, its carry added. So every
/// single wrong character is noticed, and nearly every two that changed places.
fn check_value(body: &[u8]) -> u8 {
    let weigh = |(place, value): (usize, &u8)| {
        let value = u32::from(*value) * if place % 2 == 0 { 2 } else { 1 };
        value / 32 + value % 32
    };
    let sum: u32 = body.iter().rev().enumerate().map(weigh).sum();
    u8::try_from((32 - sum % 32) % 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::refunds::{APPROVAL_PREFIX, is_approval_code};
    use crate::wallet;
    use proptest::prelude::*;

    fn card(byte: u8) -> CardCode {
        CardCode::of([byte; CARD_CHANCE])
    }

    #[test]
    fn a_card_is_like_no_other_code_and_reads_back() {
        let code = CardCode::of(std::array::from_fn(|place| u8::try_from(place * 13).unwrap()));
        assert_eq!(code.expose().len(), LENGTH);
        assert!(code.expose().starts_with("EVTC-AP4HW-"), "{}", code.expose());
        assert!(!is_approval_code(code.expose()) && wallet::detect(code.expose()).is_none());
        assert!(!APPROVAL_PREFIX.starts_with(CARD_PREFIX) && !CARD_PREFIX.starts_with(APPROVAL_PREFIX));
        assert_eq!(CardCode::read(code.expose()), Ok(code.clone()));
        assert_eq!(CardCode::read(&format!(" {}\r\n", code.expose().to_lowercase())), Ok(code));
        for other in ["", "6901234567892", "134567890123456789", "EVTA-ABCDE-FGH23-JKLMN-PQRST", "茶"] {
            assert_eq!(CardCode::read(other), Err(NotACard::Other), "{other}");
        }
    }

    #[test]
    fn what_is_lost_or_around_it_is_noticed() {
        let code = card(7);
        let text = code.expose();
        let longer = format!("{text}X");
        for damaged in ["EVTC-", "evtc-abc", &text[..text.len() - 1], &text[..12], &longer, "P01EVTC-AAAAA"] {
            assert_eq!(CardCode::read(damaged), Err(NotACard::Damaged), "{damaged}");
        }
        assert!(holds_card(&format!("]Q1{text}.")) && holds_card(&text.to_lowercase()));
        assert!(!holds_card(&text[..text.len() - 1]) && names_card(&text[..7]) && !names_card("EVTA-ABCDE"));
        assert!(!holds_card("EVTC-茶茶茶茶茶茶茶茶茶茶茶茶"));
    }

    #[test]
    fn a_card_does_not_print_and_its_mark_is_not_it() {
        let code = card(9);
        assert!(!format!("{code:?}").contains("EVTC"));
        assert_eq!(code.mark(), CardCode::read(code.expose()).unwrap().mark());
        assert_ne!(code.mark(), card(10).mark());
        assert!(code.mark().as_str().len() == 64 && !code.mark().as_str().contains("EVTC"));
    }

    proptest! {
        #[test]
        fn every_chance_makes_a_card_and_one_wrong_character_is_always_noticed(
            chance in any::<[u8; CARD_CHANCE]>(), place in 0_usize..20, by in 1_usize..32,
        ) {
            let code = CardCode::of(chance);
            prop_assert_eq!(CardCode::read(code.expose()), Ok(code.clone()));
            let mut text = code.expose().as_bytes().to_vec();
            let at = CARD_PREFIX.len() + place + place / PART;
            let value = ALPHABET.iter().position(|known| *known == text[at]).unwrap();
            text[at] = ALPHABET[(value + by) % 32];
            let text = String::from_utf8(text).unwrap();
            prop_assert_eq!(CardCode::read(&text), Err(NotACard::Damaged));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), around in "(EVTC|evtc|茶)?-?[A-Z0-9茶-]{0,30}") {
            for text in [text, around] {
                let _ = (CardCode::read(&text), holds_card(&text), names_card(&text));
            }
        }
    }
}
