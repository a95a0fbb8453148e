//! What attempts were begun with: a code that was sent once is never sent again, and after a payment that was taken back
//! nothing begins by a scan alone.

use ring::digest::{SHA256, digest};
use std::collections::VecDeque;

/// So many codes are remembered: more than customers show for one sale.
const REMEMBERED: usize = 16;

/// The codes that attempts of this till were begun with, and whether the last attempt ended by taking it back. Whoever has a
/// code can charge by it, so none is kept: only what each comes to (SHA-256), oldest first.
#[derive(Debug, Default)]
pub struct Tried {
    codes: VecDeque<Vec<u8>>,
    taken_back: bool,
}

impl Tried {
    /// An attempt begins, with this code unless the till shows one. Whoever chose that has also chosen after what was taken
    /// back.
    pub fn begin(&mut self, code: Option<&str>) {
        self.taken_back = false;
        let Some(code) = code else { return };
        self.codes.push_back(known_as(code));
        if self.codes.len() > REMEMBERED {
            self.codes.pop_front();
        }
    }

    /// Whether an attempt was begun with this code: no wallet takes it twice.
    pub fn has(&self, code: &str) -> bool {
        self.codes.contains(&known_as(code))
    }

    /// The attempt of the sale in hand was taken back: somebody, or the time, has said no to it.
    pub fn take_back(&mut self) {
        self.taken_back = true;
    }

    /// Whether a code begins nothing before *Payment code* is touched.
    pub fn needs_touch(&self) -> bool {
        self.taken_back
    }

    /// The sale in hand is another. The codes are remembered: a phone may still lie before the scanner.
    pub fn next_sale(&mut self) {
        self.taken_back = false;
    }
}

fn known_as(code: &str) -> Vec<u8> {
    digest(&SHA256, code.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_codes_are_remembered_and_none_of_them_is_kept() {
        let mut tried = Tried::default();
        for number in 0..20 {
            tried.begin(Some(&format!("1345678901234567{number:02}")));
        }
        assert!(tried.has("134567890123456719") && tried.has("134567890123456704"));
        assert!(!tried.has("134567890123456703"), "older ones are dead on the phone long since");
        assert!(!format!("{tried:?}").contains("1345"));
    }
}
