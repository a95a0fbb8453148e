//! What was scanned, against what came out of the driver.

pub(super) use super::scans::Found;
use crate::world::chance::Chance;
use evertill_hardware::scanner::ScanText;
use std::collections::VecDeque;

/// So many of those behind us may still come out: merged codes, and one that is held back.
const IN_FLIGHT: usize = 12;

/// A code as it is printed.
pub(super) struct Code {
    pub aim: &'static str,
    pub text: String,
}

impl Code {
    /// Any that shops scan.
    pub(super) fn draw(chance: &mut Chance) -> Self {
        let (aim, text) = match chance.below(8) {
            0..=2 => ("]E0", with_check_digit(&format!("69{}", digits(chance, 10)))),
            3 => ("]E4", with_check_digit(&format!("6{}", digits(chance, 6)))),
            4 => {
                let kind = chance.below(10);
                ("]E0", with_check_digit(&format!("2{kind}{}", digits(chance, 10))))
            }
            5 => {
                let shelf = digits(chance, 3);
                ("]C0", format!("A{shelf}-{}", digits(chance, 9)))
            }
            6 => ("]Q1", format!("https://example.test/{}", digits(chance, 12))),
            // What a customer's phone shows.
            _ => ("]Q1", format!("13{}", digits(chance, 16))),
        };
        Self { aim, text }
    }
}

pub(super) fn digits(chance: &mut Chance, count: usize) -> String {
    (0..count).map(|_| char::from(b'0' + u8::try_from(chance.below(10)).unwrap_or(0))).collect()
}

fn with_check_digit(body: &str) -> String {
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| u32::from(digit - b'0') * if place % 2 == 0 { 3 } else { 1 })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// One scanner's books.
pub(super) struct Account {
    who: String,
    /// Read by the scanner, and not yet come out.
    expected: VecDeque<String>,
    refusals: u64,
    pub found: Found,
}

impl Account {
    pub(super) fn new(who: String) -> Self {
        Self { who, expected: VecDeque::new(), refusals: 0, found: Found::default() }
    }

    /// The scanner has read this.
    pub(super) fn expect(&mut self, text: String) {
        self.found.scans += 1;
        self.expected.push_back(text);
    }

    /// The cashier was told to scan again.
    pub(super) fn refused(&mut self) {
        self.refusals += 1;
    }

    /// The cashier heard that the scanner is gone, which is enough where nothing of the code had come.
    pub(super) fn told_anyway(&mut self, nothing_came: bool) {
        self.refusals += u64::from(nothing_came || self.refusals == 0);
    }

    /// Something came out that nobody scanned, or was lost in another way than as a code.
    pub(super) fn wrong(&mut self, what: &str) {
        self.found.wrong += 1;
        super::super::say(format!("wrong at {}: {what}", self.who));
    }

    pub(super) fn came_out(&mut self, text: ScanText) {
        let text = text.into_exposed();
        if let Some(place) = self.expected.iter().position(|expected| *expected == text) {
            self.account_for(place);
            self.expected.pop_front();
            self.refusals = 0;
            return;
        }
        self.wrong(&format!("{text:?} came out"));
    }

    /// Old ones that were refused come no more.
    pub(super) fn catch_up(&mut self) {
        while self.expected.len() > IN_FLIGHT && self.refusals > 0 {
            self.account_for(1);
        }
    }

    /// Nothing comes any more.
    pub(super) fn close(mut self) -> Found {
        self.account_for(self.expected.len());
        self.found
    }

    /// So many codes did not come out: refused if somebody was told, lost if not.
    fn account_for(&mut self, missing: usize) {
        for text in self.expected.drain(..missing) {
            if self.refusals > 0 {
                self.found.refused += 1;
            } else {
                self.found.lost += 1;
                super::super::say(format!("lost at {}: {text:?}", self.who));
            }
        }
    }
}
