//! What attempts were begun with: a code that was sent once is never sent again, and after a payment that was taken back
//! nothing begins by a scan alone.

use super::payment::CODE_LIVES;
use ring::digest::{SHA256, digest};
use std::collections::VecDeque;
use std::time::Duration;

/// So many codes are remembered: more than customers show for one sale.
const REMEMBERED: usize = 16;

/// The codes that attempts of this till were begun with, and whether the last attempt ended by taking it back. Whoever has a
/// code can charge by it, so none is kept: only what each comes to, oldest first.
#[derive(Debug, Default)]
pub struct Tried {
    codes: VecDeque<TriedCode>,
    taken_back: bool,
}

#[derive(Debug)]
struct TriedCode {
    sha256: Vec<u8>,
    at: Duration,
    /// A sale that is paid, or given up, was begun to be paid by it.
    earlier: bool,
}

impl Tried {
    /// An attempt begins, with this code unless the till shows one. Whoever chose that has also chosen after what was taken
    /// back.
    pub fn begin(&mut self, code: Option<&str>, now: Duration) {
        self.taken_back = false;
        let Some(code) = code else { return };
        self.codes.push_back(TriedCode { sha256: sha256(code), at: now, earlier: false });
        if self.codes.len() > REMEMBERED {
            self.codes.pop_front();
        }
    }

    /// Whether this code was tried for the sale in hand, or for one whose end is not known yet: no wallet takes it twice.
    pub fn has(&self, code: &str) -> bool {
        let sha256 = sha256(code);
        self.codes.iter().any(|tried| !tried.earlier && tried.sha256 == sha256)
    }

    /// The same, or it was tried for an earlier sale a moment ago: a phone that still lies before the scanner.
    pub fn lies_there(&self, code: &str, now: Duration) -> bool {
        let sha256 = sha256(code);
        let lives = |tried: &TriedCode| !tried.earlier || now < tried.at + CODE_LIVES;
        self.codes.iter().any(|tried| lives(tried) && tried.sha256 == sha256)
    }

    /// The attempt of the sale in hand was taken back: somebody, or the time, has said no to it.
    pub fn take_back(&mut self) {
        self.taken_back = true;
    }

    /// Whether a code begins nothing before *Payment code* is touched.
    pub fn needs_touch(&self) -> bool {
        self.taken_back
    }

    /// The sale in hand is paid, or given up.
    pub fn next_sale(&mut self) {
        self.taken_back = false;
        self.codes.iter_mut().for_each(|tried| tried.earlier = true);
    }
}

fn sha256(code: &str) -> Vec<u8> {
    digest(&SHA256, code.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_codes_are_remembered_and_none_of_them_is_kept() {
        let (mut tried, now) = (Tried::default(), Duration::from_secs(7));
        for number in 0..20 {
            tried.begin(Some(&format!("1345678901234567{number:02}")), now);
        }
        assert!(tried.has("134567890123456719") && tried.has("134567890123456704"));
        assert!(!tried.has("134567890123456703"), "older ones are dead on the phone long since");
        assert!(!format!("{tried:?}").contains("1345"));
        // Of an earlier sale they are known as long as they live.
        tried.next_sale();
        assert!(!tried.has("134567890123456719"));
        assert!(tried.lies_there("134567890123456719", now + Duration::from_secs(54)));
        assert!(!tried.lies_there("134567890123456719", now + CODE_LIVES));
    }
}
