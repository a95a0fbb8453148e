//! Reports in, scans out. Pure.

use super::layout::Layout;
use crate::scanner::ScanText;
use crate::scanner::assembler::{Assembled, BUFFER_BYTES, Refusal};
use crate::scanner::duplicates::Duplicates;
use std::collections::VecDeque;
use std::time::Duration;
use zeroize::{Zeroize as _, Zeroizing};

/// How long the next part of a code may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Puts codes together from reports.
#[derive(Debug)]
pub struct HidPosAssembler {
    layout: Layout,
    code: Zeroizing<Vec<u8>>,
    /// The part before this one: the same part twice is a fault of the line.
    part: Zeroizing<Vec<u8>>,
    /// Until when the last part of a code in several may not come once more: alone it would be another code.
    tail_until: Option<Duration>,
    /// More of the code is to come, and until when.
    until: Option<Duration>,
    /// What comes until the end of a code is thrown away.
    discarding: bool,
    duplicates: Duplicates,
    out: VecDeque<Assembled>,
}

/// A report that cannot be used.
struct Bad(Refusal);

impl HidPosAssembler {
    /// One with nothing in it.
    #[must_use]
    pub fn new(layout: Layout, duplicate_window: Duration) -> Self {
        Self {
            code: Zeroizing::new(Vec::with_capacity(BUFFER_BYTES)),
            part: Zeroizing::new(Vec::with_capacity(layout.bytes)),
            layout,
            tail_until: None,
            until: None,
            discarding: false,
            duplicates: Duplicates::new(duplicate_window),
            out: VecDeque::new(),
        }
    }

    /// Takes one report, whole, that was read at `now`.
    pub fn handle_report(&mut self, report: &[u8], now: Duration) {
        self.handle_time(now);
        if self.layout.report != 0 && report.first().is_some_and(|number| *number != self.layout.report) {
            // Of its state or its settings: says nothing of codes.
            return;
        }
        let continued = self.continued(report);
        let taken = self.take(report);
        match (taken, continued) {
            (Err(Bad(refusal)), continued) => self.refuse(refusal, continued.unwrap_or(true)),
            (Ok(()), Some(true)) => self.until = Some(now.saturating_add(PATIENCE)),
            (Ok(()), _) => self.end(now),
        }
    }

    /// Lets time pass: a code whose rest does not come is refused, and so is the rest if it comes after all.
    pub fn handle_time(&mut self, now: Duration) {
        self.duplicates.pass_time(now);
        if self.tail_until.is_some_and(|until| now >= until) {
            self.forget();
        }
        if self.until.is_some_and(|until| now >= until) {
            self.refuse(Refusal::Incomplete, true);
        }
    }

    /// The next result, oldest first.
    pub fn poll_output(&mut self) -> Option<Assembled> {
        self.out.pop_front()
    }

    /// When [`HidPosAssembler::handle_time`] wants to be called next, if at all.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        [self.until, self.tail_until, self.duplicates.due()].into_iter().flatten().min()
    }

    /// The device is gone: a part of a code is dropped, and nothing from before joins what comes after.
    pub fn handle_device_lost(&mut self) {
        if self.until.is_some() {
            self.out.push_back(Assembled::Refused(Refusal::Incomplete));
        }
        self.forget();
        self.discarding = false;
        self.duplicates.forget();
    }

    fn continued(&self, report: &[u8]) -> Option<bool> {
        let Some((byte, bit)) = self.layout.continued else { return Some(false) };
        report.get(byte).map(|byte| byte >> bit & 1 == 1)
    }

    fn take(&mut self, report: &[u8]) -> Result<(), Bad> {
        if report.len() != self.layout.bytes {
            return Err(Bad(Refusal::Incomplete));
        }
        let field = report.get(self.layout.data.clone()).ok_or(Bad(Refusal::Incomplete))?;
        let length = match self.layout.length {
            Some(place) => report.get(place).copied().map_or(0, usize::from),
            None => field.iter().position(|byte| *byte == 0).unwrap_or(field.len()),
        };
        let data = field.get(..length).ok_or(Bad(Refusal::TooLong))?;
        let aim = self.layout.aim.map(|places| places.map(|place| report.get(place).copied().unwrap_or(0)));
        let aim = aim
            .filter(|aim| aim[0] == b']' && aim[1].is_ascii_alphabetic() && aim[2].is_ascii_alphanumeric());
        if data.is_empty() {
            return Err(Bad(Refusal::Incomplete));
        }
        if self.until.is_none() {
            if self.tail_until.take().is_some() && data == self.part.as_slice() {
                return Err(Bad(Refusal::Fragment));
            }
            self.code.zeroize();
            self.code.extend_from_slice(aim.as_ref().map_or(&[], |aim| aim));
        } else if aim.is_some_and(|aim| !self.code.starts_with(&aim)) || data == self.part.as_slice() {
            // Parts of two codes, or one part twice.
            return Err(Bad(Refusal::Fragment));
        }
        if self.code.len() + data.len() > BUFFER_BYTES {
            return Err(Bad(Refusal::TooLong));
        }
        self.code.extend_from_slice(data);
        self.part.zeroize();
        self.part.extend_from_slice(data);
        Ok(())
    }

    fn end(&mut self, now: Duration) {
        let in_parts = self.until.take().is_some();
        if std::mem::take(&mut self.discarding) {
            // It may be the rest of what was refused.
            self.out.push_back(Assembled::Refused(Refusal::Incomplete));
            return self.forget_after(in_parts, now);
        }
        // Some append the terminator that they were set to.
        let end = self.code.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n' | b'\t'));
        let code = &self.code[..end.map_or(0, |end| end + 1)];
        let readable = code.iter().all(|byte| may_stand_in_a_code(*byte));
        match ScanText::from_bytes(code).filter(|_| readable) {
            Some(text) if text.is_empty() => {}
            Some(text) if self.duplicates.is_new(&text, now) => self.out.push_back(Assembled::Scan(text)),
            Some(_) => {}
            None => self.out.push_back(Assembled::Refused(Refusal::Unreadable)),
        }
        self.forget_after(in_parts, now);
    }

    /// The last of several parts may come once more, and must not be taken for a code.
    fn forget_after(&mut self, in_parts: bool, now: Duration) {
        if in_parts {
            self.code.zeroize();
            self.tail_until = Some(now.saturating_add(PATIENCE));
        } else {
            self.forget();
        }
    }

    /// `more`: the rest of it is still to come.
    fn refuse(&mut self, refusal: Refusal, more: bool) {
        self.out.push_back(Assembled::Refused(refusal));
        self.forget();
        self.discarding = more;
    }

    fn forget(&mut self) {
        self.code.zeroize();
        self.part.zeroize();
        self.until = None;
        self.tail_until = None;
    }
}

/// The end of a code is known by its length, so line ends and separators may stand inside.
fn may_stand_in_a_code(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7F || matches!(byte, b'\r' | b'\n' | b'\t' | 0x04 | 0x1D | 0x1E)
}

#[cfg(test)]
#[path = "assembler_tests.rs"]
mod tests;
