//! What scanners read, against what came out of their drivers: one ledger for all kinds of scanner.
//!
//! A refusal answers for the codes of the frame that is being read, if something happened to it or to the frame before,
//! and for nothing else: whatever vanishes beside it is lost, and a driver that refuses what nothing happened to loses it.

use evertill_hardware::scanner::ScanText;
use std::collections::VecDeque;

/// So many of those behind us may still come out: merged codes, and one that is held back.
const IN_FLIGHT: usize = 12;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub scans: u64,
    /// Came out although no scanner read it, or twice although it was read once.
    pub wrong: u64,
    /// Neither came out nor was refused with a reason.
    pub lost: u64,
    /// Refused aloud: the cashier scans again.
    pub refused: u64,
    /// Codes that something happened to on the line.
    pub garbled: u64,
}

impl Found {
    pub(super) fn add(&mut self, other: &Self) {
        self.scans += other.scans;
        self.wrong += other.wrong;
        self.lost += other.lost;
        self.refused += other.refused;
        self.garbled += other.garbled;
    }
}

/// What a driver says of codes.
pub(super) enum Word {
    Code(ScanText),
    Refused {
        /// Pieces that do not belong together: what was held back goes with it.
        fragment: bool,
        /// Because the device was lost.
        device_lost: bool,
    },
}

/// Whether what the driver says reaches the till. A driver with a planted bug swallows some of it.
pub(super) type Passes = Box<dyn FnMut(&Word) -> bool>;

/// All of it reaches the till.
pub(super) fn honest() -> Passes {
    Box::new(|_| true)
}

/// A code that the scanner read, and that has not come out yet.
struct Expected {
    nth: u64,
    text: String,
    /// It was refused aloud, or the cashier knows in another way that nothing came of it.
    told: bool,
}

/// The codes between two ends: one, unless an end was lost.
#[derive(Default)]
struct Frame {
    codes: Vec<u64>,
    /// Something happened to it on its way.
    disturbed: bool,
    /// A two-dimensional code, which is held back until it is sure that no rest of it follows.
    two_dimensional: bool,
    /// Its end was sent.
    ended: bool,
    /// It was refused: all of it is thrown away, up to its end.
    refused: bool,
}

/// One scanner's books.
pub(super) struct Ledger {
    who: String,
    /// Read by the scanner, and not yet come out.
    expected: VecDeque<Expected>,
    frame: Frame,
    /// The frame before: it may be refused together with what follows it closely.
    before: Frame,
    passes: Passes,
    found: Found,
}

impl Ledger {
    pub(super) fn new(who: String, passes: Passes) -> Self {
        Self {
            who,
            expected: VecDeque::new(),
            frame: Frame { ended: true, ..Frame::default() },
            before: Frame::default(),
            passes,
            found: Found::default(),
        }
    }

    /// The scanner has read a code: it goes into the frame that is open, or begins one. Gives its number.
    pub(super) fn reads(&mut self, text: &str) -> u64 {
        self.found.scans += 1;
        if self.frame.ended {
            self.before = std::mem::take(&mut self.frame);
            self.frame.two_dimensional = ["]Q", "]d", "]L"].iter().any(|mark| text.starts_with(mark));
        }
        let nth = self.found.scans;
        self.frame.codes.push(nth);
        // What is glued to a frame that was refused goes with it.
        self.expected.push_back(Expected { nth, text: text.to_owned(), told: self.frame.refused });
        nth
    }

    /// Something happens to the newest code on its way.
    pub(super) fn is_disturbed(&mut self) {
        self.found.garbled += 1;
        self.frame.disturbed = true;
    }

    /// Whether the end of the newest code is sent; if not, the next one is glued to it.
    pub(super) fn ends(&mut self, ended: bool) {
        self.frame.ended = ended;
    }

    /// The device is gone, and nothing had come of the newest code: the cashier sees that the scanner is gone, and that
    /// there is nothing new on the screen.
    pub(super) fn nothing_came(&mut self) {
        let newest = self.found.scans;
        self.tell(&[newest]);
    }

    /// The cashier was told: of these codes nobody will look for the others.
    pub(super) fn tell(&mut self, codes: &[u64]) {
        for expected in self.expected.iter_mut().filter(|expected| codes.contains(&expected.nth)) {
            expected.told = true;
        }
    }

    /// The driver says something. Gives the text if it is none that a scanner read.
    pub(super) fn hears(&mut self, word: Word) -> Option<String> {
        if !(self.passes)(&word) {
            return None;
        }
        match word {
            Word::Code(text) => self.came_out(text),
            Word::Refused { fragment, device_lost } => {
                self.is_refused(fragment || device_lost);
                None
            }
        }
    }

    /// One refusal is about the codes of one frame, and about one that was held back if they may be pieces of it.
    fn is_refused(&mut self, with_held: bool) {
        if !self.frame.disturbed && !self.before.disturbed {
            super::super::say(format!("refused for no reason at {}: {:?}", self.who, self.frame.codes));
            return;
        }
        let mut codes = self.frame.codes.clone();
        if with_held && self.before.two_dimensional {
            codes.extend(&self.before.codes);
        }
        self.tell(&codes);
        self.frame.refused = true;
    }

    fn came_out(&mut self, text: ScanText) -> Option<String> {
        let text = text.into_exposed();
        let Some(place) = self.expected.iter().position(|expected| expected.text == text) else {
            return Some(text);
        };
        self.account_for(place);
        self.expected.pop_front();
        None
    }

    /// Something came out that nobody scanned, or was lost in another way than as a code.
    pub(super) fn wrong(&mut self, what: &str) {
        self.found.wrong += 1;
        super::super::say(format!("wrong at {}: {what}", self.who));
    }

    /// Old ones that were refused come no more.
    pub(super) fn catch_up(&mut self) {
        while self.expected.len() > IN_FLIGHT && self.expected.front().is_some_and(|first| first.told) {
            self.account_for(1);
        }
    }

    /// Nothing comes any more.
    pub(super) fn close(mut self) -> Found {
        self.account_for(self.expected.len());
        self.found
    }

    /// So many codes did not come out: refused if somebody was told of each, lost if not.
    fn account_for(&mut self, missing: usize) {
        for Expected { text, told, .. } in self.expected.drain(..missing) {
            if told {
                self.found.refused += 1;
            } else {
                self.found.lost += 1;
                super::super::say(format!("lost at {}: {text:?}", self.who));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Ledger {
        Ledger::new("a test".into(), honest())
    }

    fn read(ledger: &mut Ledger, text: &str) {
        ledger.reads(text);
        ledger.ends(true);
    }

    fn refused(fragment: bool) -> Word {
        Word::Refused { fragment, device_lost: false }
    }

    fn comes_out(ledger: &mut Ledger, text: &str) -> Option<String> {
        ledger.hears(Word::Code(ScanText::new(text.into())))
    }

    #[test]
    fn one_refusal_excuses_one_code_and_not_those_that_vanished_beside_it() {
        let mut ledger = ledger();
        for text in ["]C0A-1", "]C0A-2", "]C0A-3"] {
            read(&mut ledger, text);
        }
        ledger.is_disturbed();
        ledger.hears(refused(false));
        read(&mut ledger, "]C0A-4");
        assert_eq!(comes_out(&mut ledger, "]C0A-4"), None);
        read(&mut ledger, "]C0A-5");
        let found = ledger.close();
        assert_eq!((found.refused, found.lost), (1, 3));
    }

    #[test]
    fn one_refusal_excuses_all_that_was_glued_together_and_what_was_held_back_for_it() {
        let mut ledger = ledger();
        read(&mut ledger, "]Q1held");
        ledger.reads("]C0A-1");
        ledger.is_disturbed();
        ledger.ends(false);
        ledger.hears(refused(true));
        read(&mut ledger, "]C0A-2");
        read(&mut ledger, "]C0A-3");
        assert_eq!(comes_out(&mut ledger, "]C0A-3"), None);
        let found = ledger.close();
        assert_eq!((found.refused, found.lost), (3, 0));
    }

    #[test]
    fn a_code_that_nothing_happened_to_is_lost_when_it_is_refused() {
        let mut ledger = ledger();
        read(&mut ledger, "]C0A-1");
        ledger.hears(refused(false));
        let found = ledger.close();
        assert_eq!((found.refused, found.lost), (0, 1));
    }

    #[test]
    fn what_nobody_scanned_is_given_back_and_so_is_what_comes_twice() {
        let mut ledger = ledger();
        read(&mut ledger, "]C0A-1");
        assert_eq!(comes_out(&mut ledger, "]C0A-2").as_deref(), Some("]C0A-2"));
        assert_eq!(comes_out(&mut ledger, "]C0A-1"), None);
        assert_eq!(comes_out(&mut ledger, "]C0A-1").as_deref(), Some("]C0A-1"));
    }
}
