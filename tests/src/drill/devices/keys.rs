//! Scanners that behave as keyboards, by the ten thousand codes: with the kernel's events, while events are lost, keys
//! hang, plugs are pulled, the system's clock is set, and people type on the same device. No code may come out wrong or be lost unsaid, no key that
//! a person pressed may be taken for a code, and no code may reach the window.

use super::codes::{Code, digits};
use super::ledger::{Found, Ledger, Passes, Word};
use crate::simulator::scanner::wedge::{dropped, held, presses};
use crate::world::chance::Chance;
use evertill_hardware::ScannerEvent;
use evertill_hardware::scanner::wedge::{InputEvent, LATEST_END, WedgeAssembler};
use evertill_hardware::scanner::{Key, Refusal, Typing, WedgeSettings};
use std::time::Duration;

/// So many codes in a thousand are disturbed.
const DISTURBED: u64 = 150;
/// So many in a thousand are followed by a person's typing, where people type.
const TYPED: u64 = 200;
/// Before so many in a thousand somebody sets the system's clock.
const CLOCK_SET: u64 = 30;
/// The kernel's clock runs so far ahead of ours in the beginning.
const KERNEL_AHEAD: Duration = Duration::from_secs(1_700_000_000);
/// The driver looks at the device so often at least, in milliseconds.
const LOOKS_MS: u64 = 100;

/// A keyboard-like scanner as it is set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keyboard {
    aim: bool,
    /// People type on it, too.
    typed_on: bool,
    /// Milliseconds between two characters.
    gap: u64,
}

pub(super) fn keyboards() -> Vec<Keyboard> {
    let mut keyboards = Vec::new();
    for (aim, gap) in [(true, 1), (false, 7), (true, 19), (false, 33)] {
        for typed_on in [false, true] {
            keyboards.push(Keyboard { aim, typed_on, gap });
        }
    }
    keyboards
}

struct Desk {
    keyboard: Keyboard,
    chance: Chance,
    assembler: WedgeAssembler,
    now: Duration,
    /// The kernel's clock less ours.
    ahead: Duration,
    ledger: Ledger,
    /// What the person typed and has not yet reached the window.
    typed: String,
}

/// Scans so many codes.
pub(super) fn scan(keyboard: Keyboard, scans: u64, seed: u64, passes: Passes) -> Found {
    let typing = if keyboard.typed_on { Typing::default() } else { Typing::Never };
    let mut desk = Desk {
        keyboard,
        chance: Chance::new(seed, "keyboard"),
        assembler: WedgeAssembler::new(WedgeSettings { typing, ..WedgeSettings::default() }),
        now: Duration::from_secs(1),
        ahead: KERNEL_AHEAD,
        ledger: Ledger::new(format!("{keyboard:?}"), passes),
        typed: String::new(),
    };
    for _ in 0..scans {
        desk.one_code();
    }
    desk.wait(10_000);
    desk.ledger.close()
}

const ENTER: u16 = 28;
const LEFT_SHIFT: u16 = 42;

/// Whether this is a key going down that is a character or ends a code.
fn is_press(event: &InputEvent) -> bool {
    event.kind == 1 && event.value == 1 && event.code != LEFT_SHIFT
}

/// After how many events so many characters were pressed.
fn after_presses(events: &[InputEvent], presses: usize) -> u64 {
    let mut places =
        events.iter().enumerate().filter(|(_, event)| is_press(event)).map(|(place, _)| place as u64 + 1);
    places.nth(presses.saturating_sub(1)).unwrap_or(1)
}

impl Desk {
    fn one_code(&mut self) {
        if self.chance.once_in(CLOCK_SET) {
            self.clock_is_set();
        }
        let text = Code::draw(&mut self.chance).sent(self.keyboard.aim);
        self.ledger.reads(&text);
        self.ledger.ends(true);
        let events = presses(&format!("{text}\r"), self.kernel(), Duration::from_millis(self.keyboard.gap));
        if self.chance.once_in(DISTURBED) {
            self.ledger.is_disturbed();
            self.disturbed(&events);
        } else {
            self.read(&events);
        }
        let pause = self.chance.between(150, 2_500);
        self.wait(pause);
        if self.keyboard.typed_on && self.chance.once_in(TYPED) {
            self.person_types();
        }
        self.ledger.catch_up();
    }

    fn kernel(&self) -> Duration {
        self.now + self.ahead
    }

    /// The times of a device that does not take another clock make a step, while nothing comes.
    fn clock_is_set(&mut self) {
        let step = Duration::from_millis(self.chance.between(2 * LOOKS_MS, 10_000));
        self.ahead =
            if self.chance.once_in(500) { self.ahead + step } else { self.ahead.saturating_sub(step) };
        let pause = self.chance.between(LOOKS_MS, 3_000);
        self.wait(pause);
    }

    fn disturbed(&mut self, events: &[InputEvent]) {
        // A scanner that stops after three characters cannot be told by time from a person who typed three: that is what
        // a prefix is for.
        let least = if self.keyboard.typed_on { after_presses(events, 5) } else { 1 };
        let place = usize::try_from(self.chance.between(least, events.len() as u64 - 12)).unwrap_or(1);
        let (before, after) = events.split_at(place);
        match self.chance.below(4) {
            0 => {
                // The kernel had no room for some of them.
                let missing = usize::try_from(self.chance.below(9)).unwrap_or(0).min(after.len());
                self.read(before);
                let lost = dropped(after.first().map_or(self.kernel(), |event| event.at));
                self.read(&[lost]);
                let rest = &after[missing..];
                self.ledger.ends(rest.iter().any(|event| is_press(event) && event.code == ENTER));
                self.read(rest);
            }
            1 => {
                // The scanner's radio stopped for a while.
                let pause = self.chance.between(80, 3_000);
                self.read(before);
                self.wait(pause);
                // Nothing had come until now.
                let late =
                    self.kernel().saturating_sub(after.first().map_or(self.kernel(), |event| event.at));
                let later: Vec<_> =
                    after.iter().map(|event| InputEvent { at: event.at + late, ..*event }).collect();
                self.read(&later);
            }
            2 if !self.keyboard.typed_on => {
                // The release of a key was lost, so that the kernel repeats it.
                self.read(before);
                let again = held(b'7', after.first().map_or(self.kernel(), |event| event.at));
                self.read(&again.into_iter().collect::<Vec<_>>());
                self.read(after);
            }
            _ => {
                self.read(before);
                self.assembler.handle_device_lost();
                self.fetch_after(true);
                if !before.iter().any(is_press) {
                    self.ledger.nothing_came();
                }
                let pause = self.chance.between(250, 5_000);
                self.wait(pause);
            }
        }
    }

    /// Words and numbers, as fast as people are; some of them as long as a payment code.
    fn person_types(&mut self) {
        // So soon after a code whose end was lost keys are taken for its rest, and refused.
        self.wait_until(self.now + LATEST_END);
        let count = usize::try_from(self.chance.between(1, 18)).unwrap_or(1);
        let text = digits(&mut self.chance, count);
        for character in text.chars() {
            let pause = self.chance.between(75, 400);
            self.wait(pause);
            self.typed.push(character);
            let events = presses(&character.to_string(), self.kernel(), Duration::ZERO);
            self.read(&events);
        }
        self.wait(1_500);
        if !self.typed.is_empty() {
            let rest = std::mem::take(&mut self.typed);
            self.ledger.wrong(&format!("a person typed {rest:?}, and it did not reach the window"));
        }
    }

    /// Events are read some at a time, sometimes late.
    fn read(&mut self, events: &[InputEvent]) {
        let mut rest = events;
        while !rest.is_empty() {
            let size = usize::try_from(self.chance.between(1, 40)).unwrap_or(1).min(rest.len());
            let (some, after) = rest.split_at(size);
            let late = if self.chance.once_in(20) { self.chance.below(300) } else { self.chance.below(3) };
            if let Some(last) = some.last() {
                let at = last.at.saturating_sub(self.ahead) + Duration::from_millis(late);
                // While we are late we do nothing, and so do not think that nothing came.
                self.now = self.now.max(at);
                self.assembler.handle_read(last, self.now);
            }
            for event in some {
                self.assembler.handle_event(event, self.now);
            }
            self.fetch();
            rest = after;
        }
    }

    fn wait(&mut self, ms: u64) {
        self.wait_until(self.now + Duration::from_millis(ms));
    }

    fn wait_until(&mut self, until: Duration) {
        while let Some(at) = self.assembler.poll_timeout().filter(|at| *at < until) {
            self.now = self.now.max(at);
            self.assembler.handle_time(self.now);
            self.fetch();
        }
        self.now = self.now.max(until);
        // When it last looked in vain.
        let before = Duration::from_millis(self.chance.below(LOOKS_MS));
        self.assembler.handle_quiet(self.now.saturating_sub(before));
    }

    fn fetch(&mut self) {
        self.fetch_after(false);
    }

    fn fetch_after(&mut self, device_lost: bool) {
        while let Some(event) = self.assembler.poll_output() {
            let word = match event {
                ScannerEvent::Scanned(text) => Word::Code(text),
                ScannerEvent::ScanRefused { reason } => {
                    Word::Refused { fragment: reason == Refusal::Fragment, device_lost }
                }
                ScannerEvent::Typed(key) => {
                    self.reached_the_window(key);
                    continue;
                }
                ScannerEvent::Connected | ScannerEvent::Disconnected { .. } => continue,
            };
            if let Some(text) = self.ledger.hears(word) {
                self.ledger.wrong(&format!("{text:?} came out"));
            }
        }
    }

    fn reached_the_window(&mut self, key: Key) {
        let expected = self.typed.chars().next();
        if expected.is_some_and(|character| key == Key::Character(character)) {
            self.typed.remove(0);
        } else {
            self.ledger.wrong("a part of a code reached the window");
        }
    }
}
