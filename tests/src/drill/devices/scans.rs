//! Scans by the hundred thousand through lines that split, merge and garble them. Every code that the scanner read must
//! come out as it was, or be refused aloud; nothing may come out that no scanner read.

use super::codes::Code;
use super::ledger::{Found, Ledger, Passes, Word};
use crate::simulator::scanner::Terminator;
use crate::world::chance::Chance;
use evertill_hardware::label::{LabelKind, classify};
use evertill_hardware::scanner::assembler::Assembled;
use evertill_hardware::scanner::{Assembler, AssemblerConfig, Framing, Refusal, ScanText};
use std::collections::HashMap;
use std::time::Duration;

/// So many codes in a thousand are garbled on their way.
const GARBLED: u64 = 150;

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
    nth: u64,
    text: String,
    /// Has a check digit.
    checked: bool,
}

struct Line {
    scanner: Scanner,
    chance: Chance,
    assembler: Assembler,
    now: Duration,
    ledger: Ledger,
    /// Texts that are no code but may come out as one that nothing is known of, and of which codes they are made.
    unknown: HashMap<String, Vec<u64>>,
    /// What the next code is glued to, oldest first.
    glued: Vec<(u64, String)>,
}

/// Scans so many codes with one scanner.
pub(super) fn scan(scanner: Scanner, scans: u64, seed: u64, passes: Passes) -> Found {
    let mut line = Line::new(scanner, seed, passes);
    for _ in 0..scans {
        line.one_code();
    }
    line.wait(5_000);
    line.ledger.close()
}

impl Line {
    fn new(scanner: Scanner, seed: u64, passes: Passes) -> Self {
        let framing = match scanner.terminator {
            Terminator::None => Framing::Idle { idle: Duration::from_millis(60) },
            _ => AssemblerConfig::default().framing,
        };
        let duplicate_window = Duration::from_millis(if scanner.reads_twice { 250 } else { 0 });
        Self {
            scanner,
            chance: Chance::new(seed, "line"),
            assembler: Assembler::new(AssemblerConfig {
                framing,
                duplicate_window,
                ..AssemblerConfig::default()
            }),
            now: Duration::from_secs(1),
            ledger: Ledger::new(format!("{scanner:?}"), passes),
            unknown: HashMap::new(),
            glued: Vec::new(),
        }
    }

    fn one_code(&mut self) {
        let code = Code::draw(&mut self.chance);
        let text = code.sent(self.scanner.aim);
        let sent = Sent { nth: self.ledger.reads(&text), text, checked: code.checked };
        let garble = self.garble(&sent);
        if garble != Garble::None {
            self.ledger.is_disturbed();
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
        self.ledger.catch_up();
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
                self.unknown.insert(text, vec![sent.nth]);
            }
        }
        self.ledger.ends(garble != Garble::NoEnd);
        if garble == Garble::NoEnd {
            self.glued.push((sent.nth, String::from_utf8_lossy(&bytes).into_owned()));
        } else {
            // The older ones may have been given up before the younger ones came.
            let mut text = String::from_utf8_lossy(&bytes).into_owned();
            let mut codes = vec![sent.nth];
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
                    self.ledger.nothing_came();
                }
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

    fn fetch_after(&mut self, device_lost: bool) {
        while let Some(item) = self.assembler.poll_output() {
            let word = match item {
                Assembled::Scan(text) => Word::Code(text),
                Assembled::Refused(why) => Word::Refused { fragment: why == Refusal::Fragment, device_lost },
            };
            if let Some(text) = self.ledger.hears(word) {
                self.unexpected(text);
            }
        }
    }

    /// Not a code that was read: it may only be one of which nothing is known, and the till says so.
    fn unexpected(&mut self, text: String) {
        let codes = self.unknown.remove(&text);
        let what = format!("{text:?} came out");
        match codes {
            Some(codes) if classify(ScanText::new(text)).kind == LabelKind::Other => self.ledger.tell(&codes),
            _ => self.ledger.wrong(&what),
        }
    }
}
