//! Key events with their times in; scans and typing out. Pure: no device, no clock, no thread.
//!
//! A code in the wrong place is worse than a second scan: what looks like a part of one is refused, and is never given
//! to the window as typing.

use super::keys::{InputEvent, Keyboard, Pressed, Stroke};
use super::times::KernelTimes;
use crate::scanner::ScannerEvent;
use crate::scanner::assembler::{Assembler, AssemblerConfig, BUFFER_BYTES, Refusal};
use crate::scanner::trim::Trim;
use std::collections::VecDeque;
use std::time::Duration;
use zeroize::{Zeroize as _, Zeroizing};

/// People need a tenth of a second for a key; scanners 1 to 60 ms.
pub const USUAL_GAP: Duration = Duration::from_millis(35);
/// Nothing shorter is taken for a scan where people type too.
pub const USUAL_SHORTEST: usize = 4;

/// So late the rest of a code may come that began and did not end: until then it is not given to the window.
pub const LATEST_END: Duration = Duration::from_secs(4);

/// Whether people type on the device, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// It is a scanner and nothing else: all of it is codes.
    Never,
    /// Told by time: characters that follow each other within `gap` (half of them at least, and none later than twice
    /// that), `shortest` or more of them, are a code; all else was typed. Where the scanner puts a prefix before each
    /// code, what begins with it is a code, and nothing else is.
    ByTime {
        /// Between two characters of a code.
        gap: Duration,
        /// The fewest characters of a code.
        shortest: usize,
    },
}

impl Default for Typing {
    fn default() -> Self {
        Self::ByTime { gap: USUAL_GAP, shortest: USUAL_SHORTEST }
    }
}

/// The settings of a scanner that behaves as a keyboard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WedgeSettings {
    /// How characters become scans.
    pub assembler: AssemblerConfig,
    /// Whether people type on it.
    pub typing: Typing,
    /// What stands around each code.
    pub trim: Trim,
}

/// Puts scans together from the events of a keyboard.
pub struct WedgeAssembler {
    settings: WedgeSettings,
    keyboard: Keyboard,
    times: KernelTimes,
    assembler: Assembler,
    /// What may be a code or typing, with the times.
    pending: Zeroizing<Vec<u8>>,
    at: Vec<Duration>,
    /// All goes to the assembler until a code ends, or nothing came until then.
    in_code_until: Option<Duration>,
    out: VecDeque<ScannerEvent>,
}

impl WedgeAssembler {
    /// One with nothing in it.
    #[must_use]
    pub fn new(settings: WedgeSettings) -> Self {
        Self {
            assembler: Assembler::new(settings.assembler),
            settings,
            keyboard: Keyboard::default(),
            times: KernelTimes::default(),
            // Never grows: a moved buffer would leave payment codes behind in freed memory.
            pending: Zeroizing::new(Vec::with_capacity(BUFFER_BYTES)),
            at: Vec::new(),
            in_code_until: None,
            out: VecDeque::new(),
        }
    }

    /// Events were read together `now` by our clock, and this is the last of them; each is to be handled then.
    pub fn handle_read(&mut self, last: &InputEvent, now: Duration) {
        self.times.observe(last.at, now);
    }

    /// All that had come until then, by our clock, was read before: what is read later did not happen before.
    pub fn handle_quiet(&mut self, until: Duration) {
        self.times.quiet(until);
    }

    /// Takes an event that was read `now` by our clock.
    pub fn handle_event(&mut self, event: &InputEvent, now: Duration) {
        let Some(pressed) = self.keyboard.take(event) else { return };
        let at = self.times.ours(event.at, now);
        self.pass_time(at);
        match pressed {
            Pressed::Dropped => self.events_missing(at),
            Pressed::Stroke(stroke) => self.stroke(stroke, at),
            Pressed::Again(stroke) => self.again(stroke, at),
        }
        self.fetch();
    }

    /// Nothing came until `now`.
    pub fn handle_time(&mut self, now: Duration) {
        self.pass_time(now);
        self.assembler.handle_time(now);
        self.fetch();
    }

    /// The device is gone: a part of a code is dropped.
    pub fn handle_device_lost(&mut self) {
        if !self.pending.is_empty() {
            self.out.push_back(ScannerEvent::ScanRefused { reason: Refusal::Incomplete });
            self.forget();
        }
        self.assembler.handle_line_lost();
        self.in_code_until = None;
        self.keyboard = Keyboard::default();
        self.times = KernelTimes::default();
        self.fetch();
    }

    /// When [`WedgeAssembler::handle_time`] wants to be called next, if at all.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let pending = self.at.last().and_then(|last| Some(last.saturating_add(self.longest_gap()?)));
        [pending, self.in_code_until, self.assembler.poll_timeout()].into_iter().flatten().min()
    }

    /// The next result, oldest first.
    pub fn poll_output(&mut self) -> Option<ScannerEvent> {
        self.out.pop_front()
    }

    /// After a longer one a code is over; nothing where all is codes.
    fn longest_gap(&self) -> Option<Duration> {
        match self.settings.typing {
            Typing::Never => None,
            Typing::ByTime { gap, .. } => Some(gap.saturating_mul(2)),
        }
    }

    fn pass_time(&mut self, now: Duration) {
        if self.in_code_until.is_some_and(|until| now >= until) {
            self.in_code_until = None;
        }
        let Some(longest) = self.longest_gap() else { return };
        if self.at.last().is_some_and(|last| now.saturating_sub(*last) >= longest) {
            if self.is_code() {
                // Its end is late, or was lost: the assembler waits for it, and refuses what has none.
                let from = self.at.last().copied().unwrap_or(now);
                self.give_to_assembler();
                self.stay_in_code(from);
            } else {
                self.give_to_window();
            }
        }
    }

    fn stroke(&mut self, stroke: Stroke, at: Duration) {
        let Some(longest) = self.longest_gap() else {
            return self.assembler.handle_bytes(&[stroke.byte()], at);
        };
        if self.in_code_until.is_some() {
            self.assembler.handle_bytes(&[stroke.byte()], at);
            if stroke.ends_a_code() {
                // What follows at once is more of it: line ends inside a code.
                self.in_code_until = Some(at.saturating_add(longest));
            } else {
                self.stay_in_code(at);
            }
            return;
        }
        self.pending.push(stroke.0);
        self.at.push(at);
        if stroke.ends_a_code() {
            if self.is_code() {
                self.give_to_assembler();
                self.in_code_until = Some(at.saturating_add(longest));
            } else {
                self.give_to_window();
            }
        } else if self.pending.len() >= BUFFER_BYTES - 1 {
            self.give_to_assembler();
            self.stay_in_code(at);
        }
    }

    /// A scanner holds no key down.
    fn again(&mut self, stroke: Stroke, at: Duration) {
        if self.longest_gap().is_none() || self.in_code_until.is_some() {
            return self.assembler.handle_bytes(&[Stroke::UNREADABLE.0], at);
        }
        self.give_to_window();
        self.out.extend(stroke.key().map(ScannerEvent::Typed));
    }

    /// A code has begun, and its end may be late: nothing is typing until then.
    fn stay_in_code(&mut self, last: Duration) {
        self.in_code_until = Some(last.saturating_add(LATEST_END));
    }

    /// Whether what is pending came from a scanner.
    fn is_code(&self) -> bool {
        let Typing::ByTime { gap, shortest } = self.settings.typing else { return true };
        let text = match self.pending.split_last() {
            Some((last, rest)) if Stroke(*last).ends_a_code() => rest,
            _ => &self.pending,
        };
        if !text.iter().all(|byte| Stroke(*byte).is_text()) {
            return false;
        }
        let prefix = self.settings.trim.prefix.as_bytes();
        if !prefix.is_empty() {
            return text.starts_with(prefix);
        }
        let mut gaps: Vec<Duration> =
            self.at.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
        gaps.sort_unstable();
        text.len() >= shortest.max(1) && gaps.get(gaps.len() / 2).is_none_or(|median| *median <= gap)
    }

    fn give_to_assembler(&mut self) {
        for (byte, at) in self.pending.iter().zip(&self.at) {
            self.assembler.handle_bytes(&[Stroke(*byte).byte()], *at);
        }
        self.forget();
    }

    fn give_to_window(&mut self) {
        let keys = self.pending.iter().filter_map(|byte| Stroke(*byte).key());
        self.out.extend(keys.map(ScannerEvent::Typed));
        self.forget();
    }

    fn forget(&mut self) {
        self.pending.zeroize();
        self.at.clear();
    }

    /// What there is of a code is worth nothing, and neither is what comes until its end.
    fn events_missing(&mut self, at: Duration) {
        self.forget();
        self.assembler.handle_bytes(&[Stroke::UNREADABLE.0], at);
        self.stay_in_code(at);
    }

    fn fetch(&mut self) {
        while let Some(item) = self.assembler.poll_output() {
            self.out.push_back(self.settings.trim.event(item));
        }
    }
}

impl std::fmt::Debug for WedgeAssembler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WedgeAssembler").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "assembler_tests.rs"]
mod tests;
