//! Codes that are secrets from the moment they are read, found in what somebody typed: customers' payment codes, codes that
//! approve something, staff cards. A scanner that nobody has set up types them into whatever box the keyboard is at.
//!
//! Every box of the till hides such a text, and every text passes the controller's guard before it is shown, looked up, written
//! down or sent.

use evertill_shared::order::serial::holds_payment_code;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::refunds::{APPROVAL_PREFIX, is_approval_code};
use evertill_shared::staff_card::{holds_card, names_card};
use evertill_shared::wallet;

/// How long a code that approves something is.
const APPROVAL_LENGTH: usize = "EVTA-ABCDE-ABCDE-ABCDE-ABCDE".len();
/// The longest mark of a scanner's maker in front of a code.
const LONGEST_MARK: usize = 3;

/// Whether a whole code that approves something, or logs somebody in, stands in what was typed, whatever the scanner put
/// around it. They are of one length each: nothing of them is still to come.
#[must_use]
pub fn holds_whole(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let code_at = |(at, _)| upper.get(at..at + APPROVAL_LENGTH).is_some_and(is_approval_code);
    upper.match_indices(APPROVAL_PREFIX).any(code_at) || holds_card(text)
}

/// Whether what was typed may be what is left of one of those: a character less is nearly as good as a whole one.
#[must_use]
pub fn names_own(text: &str) -> bool {
    text.to_ascii_uppercase().contains(APPROVAL_PREFIX) || names_card(text)
}

/// Whether a customer's payment code stands in what was typed, by itself or behind the letter and digits that a scanner may mark
/// it with. The beginning of a longer number may look so.
#[must_use]
pub fn holds_payment(text: &str) -> bool {
    let text = text.trim();
    let marked = text.starts_with(|first: char| first.is_ascii_alphabetic());
    let behind = |length: usize| text.get(length..).is_some_and(holds_payment_code);
    holds_payment_code(text) || (marked && (1..=LONGEST_MARK).any(behind))
}

/// Whether what stands in a box may be a secret.
#[must_use]
pub fn names_any(text: &str) -> bool {
    holds_payment(text) || names_own(text)
}

/// Whether a secret may stand in somebody's own words, to which a scanner has added: the last digits of theirs may be right in
/// front of it. An order's number is none.
#[must_use]
pub fn stands_in_words(text: &str) -> bool {
    let ends_so = |run: &str| (0..run.len()).any(|at| run.get(at..).and_then(wallet::detect).is_some());
    let is_order = |run: &str| run.parse::<OrderNumber>().is_ok();
    let mut runs = text.split(|c: char| !c.is_ascii_digit());
    names_any(text)
        || text.split_whitespace().any(holds_payment)
        || runs.any(|run| ends_so(run) && !is_order(run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::clock::Timestamp;

    #[test]
    fn a_secret_is_found_whatever_stands_around_it_and_people_may_write_what_they_like() {
        let approval = "EVTA-ABCDE-FGH23-JKLMN-PQRST";
        for text in [approval.to_owned(), format!("]Q1{}", approval.to_lowercase()), format!(" {approval}\t")]
        {
            assert!(holds_whole(&text) && names_own(&text) && stands_in_words(&text), "{text}");
        }
        assert!(!holds_whole(&approval[..20]) && names_any(&approval[..20]), "what is left of one");
        for code in ["134567890123456789", "2812345678901234", "301234567890123456789012"] {
            for text in [code.to_owned(), format!("]C1{code}"), format!("P00{code}"), format!("QR{code}\t")] {
                assert!(holds_payment(&text) && stands_in_words(&text), "{text}");
                assert!(!holds_whole(&text) && !names_own(&text), "{text}");
            }
            for text in [format!("table 3 {code}\n"), format!("3{code}"), format!("茶 20261123{code}")] {
                assert!(stands_in_words(&text), "{text}");
            }
        }
        let order = OrderNumber::new(Timestamp(1_795_183_387_123), 48_151, 92.try_into().unwrap()).unwrap();
        let orders = [order.to_string(), order.grouped()].map(|number| format!("instead of {number}"));
        for words in [
            orders[0].as_str(),
            &orders[1],
            "",
            "red hat",
            "茶 250g",
            "13800138000",
            "2026-11-23 14:05",
            "6901234567892",
            "T0001-1-42",
            "https://till.example:8443",
            "0001-ABCD-EFGH",
        ] {
            assert!(!stands_in_words(words) && !names_any(words) && !holds_whole(words), "{words}");
        }
    }
}
