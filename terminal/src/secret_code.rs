//! Codes that are secrets from the moment they are read, found in what somebody typed: customers' payment codes, codes that
//! approve something, staff cards. A scanner that nobody has set up types them into whatever box the keyboard is at.
//!
//! Every box of the till hides such a text, and every text passes the controller's guard before it is shown, looked up, written
//! down or sent.

use evertill_shared::order::serial::holds_payment_code;
use evertill_shared::protocol::refunds::{APPROVAL_PREFIX, is_approval_code};
use evertill_shared::staff_card::{holds_card, names_card};

/// How long a code that approves something is.
const APPROVAL_LENGTH: usize = "EVTA-ABCDE-ABCDE-ABCDE-ABCDE".len();

/// Whether a whole code that approves something, or logs somebody in, stands in what was typed, whatever the scanner put
/// around it. They are of one length each: nothing of them is still to come.
#[must_use]
pub fn holds_whole(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let code_at = |(at, _)| upper.get(at..at + APPROVAL_LENGTH).is_some_and(is_approval_code);
    upper.match_indices(APPROVAL_PREFIX).any(code_at) || holds_card(text)
}

/// Whether what was typed to its end may be a secret: a customer's payment code, or what is left of one of the other codes, of
/// which a character less is nearly as good as a whole one.
#[must_use]
pub fn names_any(text: &str) -> bool {
    holds_payment_code(text) || text.to_ascii_uppercase().contains(APPROVAL_PREFIX) || names_card(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_whatever_stands_around_it_and_people_may_write_what_they_like() {
        let approval = "EVTA-ABCDE-FGH23-JKLMN-PQRST";
        for text in [approval.to_owned(), format!("]Q1{}", approval.to_lowercase()), format!(" {approval}\t")]
        {
            assert!(holds_whole(&text) && names_any(&text), "{text}");
        }
        assert!(!holds_whole(&approval[..20]) && names_any(&approval[..20]), "what is left of one");
        for code in ["134567890123456789", "2812345678901234", "301234567890123456789012"] {
            for text in [code.to_owned(), format!("]C1{code}"), format!("table 3 {code}\n")] {
                assert!(names_any(&text) && !holds_whole(&text), "{text}");
            }
        }
        for words in [
            "",
            "red hat",
            "茶 250g",
            "13800138000",
            "2026-11-23 14:05",
            "6901234567892",
            "2026112014030712348151192",
            "T0001-1-42",
            "https://till.example:8443",
            "0001-ABCD-EFGH",
        ] {
            assert!(!names_any(words) && !holds_whole(words), "{words}");
        }
    }
}
