//! Bytes with their times in, scans out. Pure: no port, no clock, no thread.
//!
//! The one rule behind the details: a wrong article is worse than a second scan, so whatever might be half of
//! something is refused, never guessed at.

use super::ScanText;
use super::duplicates::Duplicates;
pub use super::duplicates::LONGEST_DUPLICATE_WINDOW;
use std::collections::VecDeque;
use std::time::Duration;
use zeroize::{Zeroize as _, Zeroizing};

/// The longest scan that is taken, in bytes; scanners send labels of up to 2.7 KiB.
pub const BUFFER_BYTES: usize = 4096;

/// The shortest idle time that can end a scan: scanners pause up to 50 ms between characters.
pub const SHORTEST_IDLE: Duration = Duration::from_millis(50);

/// A rest that follows a two-dimensional code this closely, without an AIM prefix of its own, is part of it.
pub const SUSPECT_WINDOW: Duration = Duration::from_millis(50);

/// How the end of a scan is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By CR, LF, CR LF or TAB, whichever comes. A scan that stops half-way for `abandon_after` is refused.
    Terminated {
        /// How long the scanner may pause inside a scan.
        abandon_after: Duration,
    },
    /// By a pause of `idle` (at least [`SHORTEST_IDLE`]), for scanners that send no terminator; one that comes
    /// nevertheless ends the scan too.
    Idle {
        /// The pause.
        idle: Duration,
    },
}

/// What stands around a scan on the line, beside the line ends that most scanners send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Marks {
    /// Nothing.
    #[default]
    LineEnds,
    /// STX begins it and ETX ends it, so that line ends inside are a part of the code; what stands between two of these frames
    /// belongs to none.
    StxEtx,
    /// ETX ends it, as line ends do.
    Etx,
    /// EOT ends it, as line ends do.
    Eot,
}

impl Marks {
    fn ends(self, byte: u8) -> bool {
        match self {
            Self::LineEnds | Self::StxEtx => false,
            Self::Etx => byte == ETX,
            Self::Eot => byte == EOT,
        }
    }
}

/// The settings of one scanner's assembler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssemblerConfig {
    /// How the end of a scan is found.
    pub framing: Framing,
    /// What stands around a scan.
    pub marks: Marks,
    /// The same text again within this time is dropped as one scan read twice; zero for never, which is the
    /// default, since a customer may well buy two. At most [`LONGEST_DUPLICATE_WINDOW`] counts.
    pub duplicate_window: Duration,
}

impl Default for AssemblerConfig {
    fn default() -> Self {
        Self {
            framing: Framing::Terminated { abandon_after: Duration::from_secs(1) },
            marks: Marks::LineEnds,
            duplicate_window: Duration::ZERO,
        }
    }
}

impl AssemblerConfig {
    fn gap(&self) -> Duration {
        match self.framing {
            Framing::Terminated { abandon_after } => abandon_after.max(SHORTEST_IDLE),
            Framing::Idle { idle } => idle.max(SHORTEST_IDLE),
        }
    }

    fn idle_ends_a_scan(&self) -> bool {
        // Of a frame with a mark at its end a pause ends nothing.
        matches!(self.framing, Framing::Idle { .. }) && self.marks != Marks::StxEtx
    }
}

/// Why something that was read must not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Longer than [`BUFFER_BYTES`].
    #[error("the code was too long; scan a single code")]
    TooLong,
    /// Control characters or broken text: noise, or wrong line settings.
    #[error(
        "the scanner sent unreadable characters; scan again, and check its line settings if this repeats"
    )]
    Unreadable,
    /// The scanner stopped in the middle, or sends no terminator.
    #[error("the code arrived only in part; scan again")]
    Incomplete,
    /// A two-dimensional code with line breaks inside, or two codes run together.
    #[error("the code arrived in pieces that do not belong together for certain; scan again")]
    Fragment,
}

/// What came out of the assembler.
#[derive(Debug)]
pub enum Assembled {
    /// A whole scan, with its AIM prefix if the scanner sends one and without its terminator.
    Scan(ScanText),
    /// Something was discarded.
    Refused(Refusal),
}

/// Puts scans together from bytes.
#[derive(Debug)]
pub struct Assembler {
    config: AssemblerConfig,
    frame: Zeroizing<Vec<u8>>,
    /// STX came, and ETX has not come yet.
    inside: bool,
    /// Set when the frame may only stand if it turns out to start with an AIM prefix.
    doubt: Option<Refusal>,
    /// Everything up to the next terminator is thrown away.
    discarding: bool,
    /// While discarding: the scanner paused, so what comes next is another burst.
    burst_over: bool,
    /// A two-dimensional code that is not given out before it is sure that no rest follows, and until when.
    held: Option<(ScanText, Duration)>,
    /// A frame that starts before this time is a further piece of what was refused.
    suspect_until: Option<Duration>,
    last_byte: Duration,
    duplicates: Duplicates,
    out: VecDeque<Assembled>,
}

impl Assembler {
    /// An assembler with nothing in it.
    #[must_use]
    pub fn new(config: AssemblerConfig) -> Self {
        Self {
            config,
            // Never grows: a moved buffer would leave payment codes behind in freed memory.
            frame: Zeroizing::new(Vec::with_capacity(BUFFER_BYTES)),
            inside: false,
            doubt: None,
            discarding: false,
            burst_over: false,
            held: None,
            suspect_until: None,
            last_byte: Duration::ZERO,
            duplicates: Duplicates::new(config.duplicate_window),
            out: VecDeque::new(),
        }
    }

    /// Takes bytes that were read at `now`. Results are fetched by [`Assembler::poll_output`].
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Duration) {
        self.handle_time(now);
        for &byte in bytes {
            self.handle_byte(byte, now);
        }
        if !bytes.is_empty() {
            self.last_byte = now;
        }
    }

    /// Lets time pass: ends scans by pause, gives out what was held back.
    pub fn handle_time(&mut self, now: Duration) {
        self.duplicates.pass_time(now);
        if self.frame.is_empty() && self.held.as_ref().is_some_and(|(_, until)| now >= *until) {
            self.release_held(now);
        }
        if self.suspect_until.is_some_and(|until| now >= until) {
            self.suspect_until = None;
        }
        if now.saturating_sub(self.last_byte) < self.config.gap() {
            return;
        }
        if self.discarding {
            if self.config.idle_ends_a_scan() {
                self.discarding = false;
            } else {
                self.burst_over = true;
            }
        } else if !self.frame.is_empty() {
            if self.config.idle_ends_a_scan() {
                self.end_frame(now);
            } else {
                self.refuse(Refusal::Incomplete);
                self.burst_over = true;
            }
        }
    }

    /// The next result, oldest first.
    pub fn poll_output(&mut self) -> Option<Assembled> {
        self.out.pop_front()
    }

    /// When [`Assembler::handle_time`] wants to be called next, if at all.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let held = self.held.as_ref().filter(|_| self.frame.is_empty()).map(|(_, until)| *until);
        let gap = (!self.frame.is_empty()).then(|| self.last_byte.saturating_add(self.config.gap()));
        [held, gap, self.duplicates.due()].into_iter().flatten().min()
    }

    /// The line was lost: a part of a scan is dropped, and nothing from before joins what comes after.
    pub fn handle_line_lost(&mut self) {
        if !self.frame.is_empty() {
            self.refuse(Refusal::Incomplete);
        } else if self.held.take().is_some() {
            self.out.push_back(Assembled::Refused(Refusal::Incomplete));
        }
        self.frame.zeroize();
        self.inside = false;
        self.doubt = None;
        self.discarding = false;
        self.burst_over = false;
        self.suspect_until = None;
        self.duplicates.forget();
    }

    fn handle_byte(&mut self, byte: u8, now: Duration) {
        if self.config.marks == Marks::StxEtx {
            return self.marked_byte(byte, now);
        }
        if is_terminator(byte) || self.config.marks.ends(byte) {
            return self.end_frame(now);
        }
        if self.discarding && !self.starts_a_new_burst(byte) {
            return;
        }
        if byte == b']' && self.frame.starts_with(b"]E") {
            // Article codes hold digits only, so this is the AIM prefix of the next code.
            self.end_frame(now);
        }
        if self.frame.is_empty() && (self.held.is_some() || self.suspect_until.is_some()) {
            self.doubt = Some(Refusal::Fragment);
        }
        if self.take(byte) {
            self.settle_doubt(now);
        }
    }

    /// A byte of a scan; whether it was one.
    fn take(&mut self, byte: u8) -> bool {
        let refusal = if !self.may_stand_in_a_code(byte) {
            Refusal::Unreadable
        } else if self.frame.len() == BUFFER_BYTES {
            Refusal::TooLong
        } else {
            self.frame.push(byte);
            return true;
        };
        self.refuse(refusal);
        false
    }

    fn may_stand_in_a_code(&self, byte: u8) -> bool {
        match byte {
            GROUP_SEPARATOR => true,
            // Only codes of ISO 15434 have them: one inside another is noise.
            EOT | 0x1C | 0x1E | 0x1F => {
                let start = self.frame.get(..MESSAGE_HEADER_WITHIN).unwrap_or(&self.frame);
                start.windows(MESSAGE_HEADER.len()).any(|part| part == MESSAGE_HEADER)
            }
            b'\r' | b'\n' | b'\t' => self.inside,
            0..=0x1F | 0x7F => false,
            _ => true,
        }
    }

    /// A byte of a scanner that marks where each code begins and ends.
    fn marked_byte(&mut self, byte: u8, now: Duration) {
        match byte {
            STX => {
                if self.inside {
                    self.refuse(Refusal::Incomplete);
                }
                (self.inside, self.discarding) = (true, false);
            }
            ETX if self.inside => {
                self.inside = false;
                let text = ScanText::from_bytes(&self.frame).filter(|text| !text.is_empty());
                let is_empty = self.frame.is_empty();
                self.frame.zeroize();
                match text {
                    Some(text) => self.give_out(text, now),
                    None if is_empty => {}
                    None => self.out.push_back(Assembled::Refused(Refusal::Unreadable)),
                }
            }
            ETX => self.discarding = false,
            _ if self.inside => {
                self.take(byte);
            }
            // Line ends behind the frame, as some scanners send them too.
            b'\r' | b'\n' | b'\t' => {}
            // Reported once: the rest of what lost its beginning.
            _ if !self.discarding => self.refuse(Refusal::Incomplete),
            _ => {}
        }
    }

    /// After a pause, an AIM prefix may start a frame even though the last one never ended; anything else is
    /// discarded on, since it may be the tail of that one, and reported once more.
    fn starts_a_new_burst(&mut self, byte: u8) -> bool {
        if !std::mem::take(&mut self.burst_over) {
            return false;
        }
        if byte == b']' {
            self.discarding = false;
            self.doubt = Some(Refusal::Incomplete);
            return true;
        }
        self.out.push_back(Assembled::Refused(Refusal::Incomplete));
        false
    }

    /// Clears the doubt as soon as the frame is seen to start with an AIM prefix, or refuses the frame as soon
    /// as it is seen not to.
    fn settle_doubt(&mut self, now: Duration) {
        let Some(refusal) = self.doubt else { return };
        match self.frame.as_slice() {
            [b']'] => {}
            [b']', class] if class.is_ascii_alphabetic() => {}
            [b']', class, modifier, ..]
                if class.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric() =>
            {
                self.doubt = None;
                self.suspect_until = None;
                self.release_held(now);
            }
            _ => self.refuse(refusal),
        }
    }

    fn end_frame(&mut self, now: Duration) {
        if std::mem::take(&mut self.discarding) {
            self.burst_over = false;
            self.extend_suspicion(now);
            return;
        }
        if self.frame.is_empty() {
            return;
        }
        if let Some(refusal) = self.doubt {
            self.refuse(refusal);
            self.discarding = false;
            self.extend_suspicion(now);
            return;
        }
        let text = ScanText::from_bytes(&self.frame);
        self.frame.zeroize();
        match text {
            None => self.out.push_back(Assembled::Refused(Refusal::Unreadable)),
            Some(text) if is_two_dimensional(text.expose()) => {
                self.held = Some((text, now.saturating_add(SUSPECT_WINDOW)));
            }
            Some(text) => self.give_out(text, now),
        }
    }

    /// Throws the frame away, and what was held back with it: they may be pieces of one code.
    fn refuse(&mut self, refusal: Refusal) {
        let of_pieces = self.held.take().is_some() || self.suspect_until.is_some();
        if of_pieces {
            // Kept until the piece ends, to be renewed there; see `extend_suspicion`.
            self.suspect_until = Some(Duration::MAX);
        }
        let refusal = if of_pieces { Refusal::Fragment } else { refusal };
        self.out.push_back(Assembled::Refused(refusal));
        self.frame.zeroize();
        self.inside = false;
        self.doubt = None;
        self.discarding = true;
        self.burst_over = false;
    }

    fn extend_suspicion(&mut self, now: Duration) {
        if self.suspect_until.is_some() {
            self.suspect_until = Some(now.saturating_add(SUSPECT_WINDOW));
        }
    }

    fn release_held(&mut self, now: Duration) {
        if let Some((text, _)) = self.held.take() {
            self.give_out(text, now);
        }
    }

    fn give_out(&mut self, text: ScanText, now: Duration) {
        if self.duplicates.is_new(&text, now) {
            self.out.push_back(Assembled::Scan(text));
        }
    }
}

const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const EOT: u8 = 0x04;
/// A message of ISO 15434 begins so, and then has separators of its own and EOT at its end.
const MESSAGE_HEADER: &[u8] = b"[)>";
/// So soon it stands, behind what a scanner puts in front.
const MESSAGE_HEADER_WITHIN: usize = 16;

/// GS1 codes separate their fields by it.
const GROUP_SEPARATOR: u8 = 0x1D;

fn is_terminator(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | b'\t')
}

/// Codes that can hold line breaks: QR, Data Matrix, PDF417.
fn is_two_dimensional(text: &str) -> bool {
    ["]Q", "]d", "]L"].iter().any(|class| text.starts_with(class))
}

#[cfg(test)]
#[path = "assembler_tests.rs"]
mod tests;
