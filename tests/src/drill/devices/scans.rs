//! Scans by the hundred thousand through lines that split, merge and garble them. Every code that the scanner read must
//! come out as it was, or be refused aloud; nothing may come out that no scanner read.

use crate::simulator::scanner::Terminator;
use crate::world::chance::Chance;
use evertill_hardware::label::{LabelKind, classify};
use evertill_hardware::scanner::assembler::Assembled;
use evertill_hardware::scanner::{Assembler, AssemblerConfig, Framing, Refusal, ScanText};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// So many codes in a thousand are garbled on their way.
const GARBLED: u64 = 150;
/// So many of those behind us may still come out: merged codes, and one that is held back.
const IN_FLIGHT: usize = 12;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub scans: u64,
    /// Came out although no scanner read it, or twice although it was read once.
    pub wrong: u64,
    /// Neither came out nor was refused.
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

/// A scanner as it is set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scanner {
    terminator: Terminator,
    /// Sends AIM identifiers.
    aim: bool,
    /// Reads twice now and then, and the till drops the second.
    reads_twice: bool,
}

/// All the ways in which scanners come.
pub(super) fn scanners() -> Vec<Scanner> {
    let mut scanners = Vec::new();
    for terminator in [Terminator::Cr, Terminator::Lf, Terminator::CrLf, Terminator::Tab, Terminator::None] {
        for aim in [true, false] {
            scanners.push(Scanner { terminator, aim, reads_twice: false });
            scanners.push(Scanner { terminator, aim, reads_twice: true });
        }
    }
    scanners
}

/// What happens to a code on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Garble {
    /// Nothing.
    None,
    /// Bytes that no code has, among its own.
    Noise,
    /// Bytes with a bit that no code has.
    Bits,
    /// A digit became another.
    Digit,
    /// The terminator was lost: the next code is glued to it.
    NoEnd,
    /// The scanner stopped in the middle for seconds.
    Pause,
    /// The plug was pulled in the middle.
    Unplugged,
}

/// A code on its way.
struct Sent {
    text: String,
    /// Has a check digit.
    checked: bool,
}

/// A code that the scanner read, and that has not come out yet.
struct Expected {
    nth: u64,
    text: String,
    /// It was refused aloud, or came out as something that nothing is known of.
    told: bool,
}

/// The codes between two terminators: one, unless a terminator was lost.
#[derive(Default)]
struct Frame {
    codes: Vec<u64>,
    /// A two-dimensional code, which is held back until it is sure that no rest of it follows.
    two_dimensional: bool,
    /// Its end was sent.
    ended: bool,
    /// It was refused: all of it is thrown away, up to its end.
    refused: bool,
}

struct Line {
    scanner: Scanner,
    chance: Chance,
    assembler: Assembler,
    now: Duration,
    /// Read by the scanner, and not yet come out.
    expected: VecDeque<Expected>,
    /// Texts that are no code but may come out as one that nothing is known of, and of which codes they are made.
    unknown: HashMap<String, Vec<u64>>,
    frame: Frame,
    /// The frame before: it may be refused together with what follows it closely.
    before: Frame,
    /// What the next code is glued to, oldest first.
    glued: Vec<(u64, String)>,
    found: Found,
}

/// Scans so many codes with one scanner.
pub(super) fn scan(scanner: Scanner, scans: u64, seed: u64) -> Found {
    let mut line = Line::new(scanner, seed);
    for _ in 0..scans {
        line.one_code();
    }
    line.wait(5_000);
    line.account_for(line.expected.len());
    line.found
}

impl Line {
    fn new(scanner: Scanner, seed: u64) -> Self {
        let framing = match scanner.terminator {
            Terminator::None => Framing::Idle { idle: Duration::from_millis(60) },
            _ => AssemblerConfig::default().framing,
        };
        let duplicate_window = Duration::from_millis(if scanner.reads_twice { 250 } else { 0 });
        Self {
            scanner,
            chance: Chance::new(seed, "line"),
            assembler: Assembler::new(AssemblerConfig { framing, duplicate_window }),
            now: Duration::from_secs(1),
            expected: VecDeque::new(),
            unknown: HashMap::new(),
            frame: Frame { ended: true, ..Frame::default() },
            before: Frame::default(),
            glued: Vec::new(),
            found: Found::default(),
        }
    }

    fn one_code(&mut self) {
        let sent = self.code();
        self.is_read(&sent.text);
        let garble = self.garble(&sent);
        if garble != Garble::None {
            self.found.garbled += 1;
        }
        self.send(&sent, garble);
        if garble == Garble::None && self.scanner.reads_twice && self.chance.once_in(100) {
            // Read again at once, which the customer did not mean.
            let pause = self.chance.between(70, 150);
            self.wait(pause);
            let again = [sent.text.as_bytes(), self.scanner.terminator.bytes()].concat();
            self.assembler.handle_bytes(&again, self.now);
            self.fetch();
        }
        let pause = match self.chance.below(4) {
            // Merged with the next, where a terminator parts them.
            0 if self.scanner.terminator != Terminator::None => 0,
            0 | 1 => self.chance.between(310, 400),
            2 => self.chance.between(1_100, 3_000),
            _ => self.chance.between(400, 900),
        };
        self.wait(pause);
        while self.expected.len() > IN_FLIGHT && self.expected.front().is_some_and(|first| first.told) {
            self.account_for(1);
        }
    }

    /// The scanner has read a code: it goes into the frame that is open, or begins one.
    fn is_read(&mut self, text: &str) {
        self.found.scans += 1;
        if self.frame.ended {
            self.before = std::mem::take(&mut self.frame);
            self.frame.two_dimensional = ["]Q", "]d", "]L"].iter().any(|mark| text.starts_with(mark));
        }
        let nth = self.found.scans;
        self.frame.codes.push(nth);
        // What is glued to a frame that was refused goes with it.
        self.expected.push_back(Expected { nth, text: text.to_owned(), told: self.frame.refused });
    }

    /// The cashier was told: of these codes nobody will look for the others.
    fn tell(&mut self, codes: &[u64]) {
        for expected in self.expected.iter_mut().filter(|expected| codes.contains(&expected.nth)) {
            expected.told = true;
        }
    }

    /// One refusal is about the codes of one frame, and about one that was held back if they may be pieces of it.
    fn is_refused(&mut self, refusal: Refusal, line_lost: bool) {
        let held = self.before.two_dimensional && (refusal == Refusal::Fragment || line_lost);
        let codes = [&self.frame.codes[..], if held { &self.before.codes } else { &[] }].concat();
        self.tell(&codes);
        self.frame.refused = true;
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + u8::try_from(self.chance.below(10)).unwrap_or(0))).collect()
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

    fn code(&mut self) -> Sent {
        let (aim, text, checked) = match self.chance.below(8) {
            0..=2 => {
                let body = format!("69{}", self.digits(10));
                ("]E0", Self::with_check_digit(&body), true)
            }
            3 => {
                let body = format!("6{}", self.digits(6));
                ("]E4", Self::with_check_digit(&body), true)
            }
            4 => {
                let body = format!("2{}{}", self.chance.below(10), self.digits(10));
                ("]E0", Self::with_check_digit(&body), true)
            }
            5 => ("]C0", format!("A{}-{}", self.digits(3), self.digits(9)), false),
            6 => ("]Q1", format!("https://example.test/{}", self.digits(12)), false),
            // What a customer's phone shows.
            _ => ("]Q1", format!("13{}", self.digits(16)), false),
        };
        let text = if self.scanner.aim { format!("{aim}{text}") } else { text };
        Sent { text, checked }
    }

    fn garble(&mut self, sent: &Sent) -> Garble {
        if !self.chance.once_in(GARBLED) {
            return Garble::None;
        }
        match self.chance.below(6) {
            0 => Garble::Noise,
            1 => Garble::Bits,
            2 if sent.checked => Garble::Digit,
            3 if self.scanner.terminator != Terminator::None => Garble::NoEnd,
            // A scanner without terminators that pauses in the middle has ended its code, as far as anybody can tell.
            4 if self.scanner.terminator != Terminator::None => Garble::Pause,
            5 => Garble::Unplugged,
            _ => Garble::Noise,
        }
    }

    fn send(&mut self, sent: &Sent, garble: Garble) {
        let mut bytes = sent.text.clone().into_bytes();
        let end = self.scanner.terminator.bytes();
        let place = usize::try_from(self.chance.below(bytes.len() as u64)).unwrap_or(0);
        match garble {
            Garble::None | Garble::Pause | Garble::Unplugged | Garble::NoEnd => {}
            Garble::Noise => {
                let noise = [0x00, 0xFF, 0x02, 0x1B, 0xFE, 0x80];
                for _ in 0..self.chance.between(1, 4) {
                    bytes.insert(place, self.chance.pick(&noise).copied().unwrap_or(0));
                }
            }
            Garble::Bits => bytes[place] |= 0x80,
            Garble::Digit => {
                // Not of the identifier: a digit that the check digit watches over.
                let place = place.max(if self.scanner.aim { 3 } else { 0 });
                let by = u8::try_from(self.chance.between(1, 9)).unwrap_or(1);
                bytes[place] = b'0' + (bytes[place] - b'0' + by) % 10;
                let text = String::from_utf8_lossy(&bytes).into_owned();
                self.unknown.insert(text, vec![self.found.scans]);
            }
        }
        self.frame.ended = garble != Garble::NoEnd;
        if garble == Garble::NoEnd {
            self.glued.push((self.found.scans, String::from_utf8_lossy(&bytes).into_owned()));
        } else {
            // The older ones may have been given up before the younger ones came.
            let mut text = String::from_utf8_lossy(&bytes).into_owned();
            let mut codes = vec![self.found.scans];
            for (nth, older) in self.glued.drain(..).rev() {
                text.insert_str(0, &older);
                codes.push(nth);
                self.unknown.insert(text.clone(), codes.clone());
            }
            bytes.extend_from_slice(end);
        }
        match garble {
            Garble::Pause => {
                self.pieces(&bytes[..place]);
                let pause = self.chance.between(1_100, 4_000);
                self.wait(pause);
                self.pieces(&bytes[place..]);
            }
            Garble::Unplugged => {
                self.pieces(&bytes[..place]);
                self.assembler.handle_line_lost();
                self.fetch_after(true);
                if place == 0 {
                    // Nobody hears of a code whose first byte never came; the cashier hears that the scanner is gone.
                    self.tell(&[self.found.scans]);
                }
                self.frame.two_dimensional = false;
                self.glued.clear();
                let pause = self.chance.between(250, 5_000);
                self.wait(pause);
            }
            _ => self.pieces(&bytes),
        }
    }

    /// Bytes arrive in reads of any size, with the pauses that scanners make.
    fn pieces(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let size = usize::try_from(self.chance.between(1, 24)).unwrap_or(1).min(rest.len());
            let (piece, after) = rest.split_at(size);
            self.assembler.handle_bytes(piece, self.now);
            self.fetch();
            rest = after;
            if !rest.is_empty() {
                let pause = self.chance.below(40);
                self.wait(pause);
            }
        }
    }

    fn wait(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        while let Some(at) = self.assembler.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.assembler.handle_time(self.now);
            self.fetch();
            if at >= until {
                break;
            }
        }
        self.now = until;
        self.assembler.handle_time(self.now);
        self.fetch();
    }

    fn fetch(&mut self) {
        self.fetch_after(false);
    }

    fn fetch_after(&mut self, line_lost: bool) {
        while let Some(item) = self.assembler.poll_output() {
            match item {
                Assembled::Refused(refusal) => self.is_refused(refusal, line_lost),
                Assembled::Scan(text) => self.came_out(text),
            }
        }
    }

    fn came_out(&mut self, text: ScanText) {
        let text = text.into_exposed();
        if let Some(place) = self.expected.iter().position(|expected| expected.text == text) {
            self.account_for(place);
            self.expected.pop_front();
            return;
        }
        // Not a code that was read: it may only be one of which nothing is known, and the till says so.
        let kind = classify(ScanText::new(text.clone())).kind;
        match self.unknown.remove(&text) {
            Some(codes) if kind == LabelKind::Other => self.tell(&codes),
            _ => {
                self.found.wrong += 1;
                super::super::say(format!("wrong at {:?}: {text:?} came out", self.scanner));
            }
        }
    }

    /// So many codes did not come out: refused if somebody was told of each, lost if not.
    fn account_for(&mut self, missing: usize) {
        for Expected { text, told, .. } in self.expected.drain(..missing) {
            if told {
                self.found.refused += 1;
            } else {
                self.found.lost += 1;
                super::super::say(format!("lost at {:?}: {text:?}", self.scanner));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        Line::new(Scanner { terminator: Terminator::Cr, aim: true, reads_twice: false }, 1)
    }

    fn read(line: &mut Line, text: &str) {
        line.is_read(text);
        line.frame.ended = true;
    }

    #[test]
    fn one_refusal_excuses_one_code_and_not_those_that_vanished_beside_it() {
        let mut line = line();
        for text in ["]C0A-1", "]C0A-2", "]C0A-3"] {
            read(&mut line, text);
        }
        line.is_refused(Refusal::Unreadable, false);
        read(&mut line, "]C0A-4");
        line.came_out(ScanText::new("]C0A-4".into()));
        assert_eq!((line.found.refused, line.found.lost), (1, 2));
    }

    #[test]
    fn one_refusal_excuses_all_that_was_glued_together_and_what_was_held_back_for_it() {
        let mut line = line();
        read(&mut line, "]Q1held");
        line.is_read("]C0A-1");
        line.is_refused(Refusal::Fragment, false);
        read(&mut line, "]C0A-2");
        read(&mut line, "]C0A-3");
        line.came_out(ScanText::new("]C0A-3".into()));
        assert_eq!((line.found.refused, line.found.lost), (3, 0));
    }
}
