//! A job from preflight to confirmation, over any transport.

use super::session::{Sent, Session, Transport};
use super::{JobId, NotStarted, PrintOutcome, Printer, PrinterStatus, UnknownReason};
use crate::drawer::DrawerKick;
use crate::escpos::document::Document;
use crate::escpos::encode::encode;
use crate::escpos::profile::{Completion, DOTS_PER_MM, Profile};
use crate::escpos::status::Flags;
use crate::monotonic::Monotonic;
use std::io;
use std::time::Duration;

/// GS r 1: tell the paper's state once you come to this.
const ASK_PAPER: [u8; 3] = [0x1D, 0x72, 0x01];
/// What a printer may take on top of sending and printing.
const GRACE: Duration = Duration::from_secs(5);
/// How long a printer may take to work off what an earlier job left in its buffer.
const BARRIER_WAIT: Duration = Duration::from_secs(3);
/// How long it has to be quiet before answers to an earlier job cannot be taken for answers to this one.
const QUIET: Duration = Duration::from_millis(300);
/// After so much silence the printer is asked whether it has stopped.
const SILENCE: Duration = Duration::from_secs(1);

/// An ESC/POS printer.
pub struct EscPosPrinter<T: Transport> {
    transport: T,
    profile: Profile,
    clock: Monotonic,
    session: Option<Session<T::Link>>,
    closed_at: Option<Duration>,
    /// An earlier job's answer may still come.
    unresolved: bool,
    kicks: u64,
}

/// Bytes with what is needed to know when they are printed.
struct Job {
    bytes: Vec<u8>,
    marker: [u8; 4],
    paper_dots: u32,
}

impl<T: Transport> EscPosPrinter<T> {
    /// A printer; nothing is opened before the first use.
    #[must_use]
    pub fn with_transport(transport: T, profile: Profile, clock: Monotonic) -> Self {
        Self { transport, profile, clock, session: None, closed_at: None, unresolved: false, kicks: 0 }
    }

    fn session(&mut self) -> io::Result<&mut Session<T::Link>> {
        if self.session.is_none() {
            if let Some(closed) = self.closed_at {
                let since = self.clock.now().saturating_sub(closed);
                std::thread::sleep(self.transport.reopen_pause().saturating_sub(since));
            }
            let link = self.transport.open()?;
            self.session = Some(Session::new(link, self.clock.clone()));
        }
        self.session.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn close(&mut self) {
        if self.session.take().is_some() {
            self.closed_at = Some(self.clock.now());
        }
    }

    fn flags(&mut self) -> io::Result<Flags> {
        let flags = self.session().and_then(Session::ask);
        if flags.is_err() || !self.transport.stays_open() {
            self.close();
        }
        flags
    }

    /// Runs a job; afterwards the line is open only if all is well and it may stay so.
    fn run(&mut self, job: Job) -> PrintOutcome {
        let outcome = self.begin(&job).map_or_else(PrintOutcome::NotStarted, |()| self.transmit(&job));
        match outcome {
            PrintOutcome::Confirmed => self.unresolved = false,
            PrintOutcome::Unknown(_) => self.unresolved = true,
            PrintOutcome::NotStarted(_) => {}
        }
        if outcome != PrintOutcome::Confirmed || !self.transport.stays_open() {
            self.close();
        }
        outcome
    }

    /// Everything before the job's first byte.
    fn begin(&mut self, job: &Job) -> Result<(), NotStarted> {
        let (asks, completion) = (self.profile.real_time_status, self.profile.completion);
        let unresolved = self.unresolved;
        let connects = self.transport.connects();
        let session = self.session().map_err(|error| NotStarted::CannotOpen(error.to_string()))?;
        let silent = |error: io::Error| match error.kind() {
            // The connection stands, so the printer has power: it serves somebody else first.
            io::ErrorKind::TimedOut if connects => NotStarted::Busy,
            _ => NotStarted::NotReady(PrinterStatus::Unreachable),
        };
        if asks {
            let status = PrinterStatus::from_flags(session.ask().map_err(silent)?);
            if !status.can_print() {
                return Err(NotStarted::NotReady(status));
            }
        }
        if completion == Completion::PaperStatus {
            barrier(session, unresolved)?;
        }
        session.finished.retain(|id| *id != job.marker);
        Ok(())
    }

    fn transmit(&mut self, job: &Job) -> PrintOutcome {
        let mut bytes = job.bytes.clone();
        match self.profile.completion {
            Completion::ProcessId => {
                bytes.extend_from_slice(&[0x1D, 0x28, 0x48, 0x06, 0x00, 0x30, 0x30]);
                bytes.extend_from_slice(&job.marker);
            }
            Completion::PaperStatus => bytes.extend_from_slice(&ASK_PAPER),
            Completion::None => {}
        }
        let deadline = self.clock.now() + self.time_for(bytes.len(), job.paper_dots);
        let Some(session) = self.session.as_mut() else { return PrintOutcome::NotStarted(NotStarted::Busy) };
        match session.send(&bytes, deadline) {
            Sent::All => self.confirm(job, deadline),
            Sent::Part(0, None) => PrintOutcome::NotStarted(NotStarted::Busy),
            Sent::Part(0, Some(error)) => PrintOutcome::NotStarted(NotStarted::CannotOpen(error.to_string())),
            Sent::Part(_, None) => self.stalled(),
            Sent::Part(_, Some(_)) => PrintOutcome::Unknown(UnknownReason::Disconnected),
        }
    }

    /// Waits for the printer's word, and asks from time to time whether it has stopped.
    fn confirm(&mut self, job: &Job, deadline: Duration) -> PrintOutcome {
        let Some(session) = self.session.as_mut() else {
            return PrintOutcome::Unknown(UnknownReason::Disconnected);
        };
        let completion = self.profile.completion;
        if completion == Completion::None {
            return PrintOutcome::Unknown(UnknownReason::NoReadback);
        }
        let is_done = |session: &mut Session<T::Link>| match completion {
            Completion::ProcessId => session.finished.contains(&job.marker).then_some(()),
            _ => (session.short_answers > 0).then_some(()),
        };
        loop {
            let left = deadline.saturating_sub(self.clock.now());
            match session.wait(left.min(SILENCE), is_done) {
                Ok(Some(())) => return PrintOutcome::Confirmed,
                Ok(None) if left.is_zero() => return PrintOutcome::Unknown(UnknownReason::NoAnswer),
                Ok(None) => {}
                Err(_) => return PrintOutcome::Unknown(UnknownReason::Disconnected),
            }
            if !self.profile.real_time_status {
                continue;
            }
            let status = session.ask().map(PrinterStatus::from_flags);
            if is_done(session).is_some() {
                return PrintOutcome::Confirmed;
            }
            // A printer that is merely busy may be slow to answer; only a clear "stopped" ends the wait.
            match status {
                Ok(PrinterStatus::Offline) => {}
                Ok(status) if !status.can_print() => {
                    return PrintOutcome::Unknown(UnknownReason::Stopped(status));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                Err(_) => return PrintOutcome::Unknown(UnknownReason::Disconnected),
            }
        }
    }

    /// The printer took only a part of the job.
    fn stalled(&mut self) -> PrintOutcome {
        let asks = self.profile.real_time_status;
        let flags = self.session.as_mut().filter(|_| asks).and_then(|session| session.ask().ok());
        PrintOutcome::Unknown(match flags.map(PrinterStatus::from_flags) {
            Some(status) if !status.can_print() => UnknownReason::Stopped(status),
            _ => UnknownReason::NoAnswer,
        })
    }

    /// How long a job may take: its bytes over the line, its paper through the slowest mechanism, and some.
    fn time_for(&self, bytes: usize, paper_dots: u32) -> Duration {
        let line_ms = 1000 * bytes as u64 / u64::from(self.transport.bytes_per_second().max(1));
        let speed = u64::from(self.profile.slowest_mm_per_s.max(1));
        let paper_ms = 1000 * u64::from(paper_dots / DOTS_PER_MM) / speed;
        GRACE + Duration::from_millis(line_ms + paper_ms)
    }

    /// Opens the drawer although the printer cannot print: a cash sale needs it now.
    fn kick_in_real_time(&mut self, kick: DrawerKick) -> PrintOutcome {
        let sent = self.session().and_then(|session| session.request(&kick.real_time_command()));
        self.close();
        match sent {
            Ok(()) => PrintOutcome::Unknown(UnknownReason::NoReadback),
            Err(_) => PrintOutcome::Unknown(UnknownReason::Disconnected),
        }
    }
}

/// Waits until the printer has worked off all that was sent before, so that no answer to an earlier job is
/// taken for this one's: one-byte answers carry no number.
fn barrier<L: super::Link>(session: &mut Session<L>, unresolved: bool) -> Result<(), NotStarted> {
    let busy = |_| NotStarted::Busy;
    while session.pump(Duration::ZERO).map_err(busy)? {}
    session.short_answers = 0;
    session.request(&ASK_PAPER).map_err(busy)?;
    let answer = session.wait(BARRIER_WAIT, |session| (session.short_answers > 0).then_some(()));
    answer.map_err(busy)?.ok_or(NotStarted::Busy)?;
    if unresolved {
        while session.pump(QUIET).map_err(busy)? {}
    }
    session.short_answers = 0;
    Ok(())
}

/// Four printable characters for a number; the first is never `~`, which marks drawer kicks.
fn marker(job: JobId) -> [u8; 4] {
    let digit = |value: u64, base: u64| b' ' + u8::try_from(value % base).unwrap_or(0);
    let n = job.0;
    [digit(n / 857_375, 94), digit(n / 9025, 95), digit(n / 95, 95), digit(n, 95)]
}

impl<T: Transport> Printer for EscPosPrinter<T> {
    fn status(&mut self) -> PrinterStatus {
        if !self.profile.real_time_status {
            let opened = self.session().is_ok();
            if !self.transport.stays_open() {
                self.close();
            }
            return if opened { PrinterStatus::Unknown } else { PrinterStatus::Unreachable };
        }
        self.flags().map_or(PrinterStatus::Unreachable, PrinterStatus::from_flags)
    }

    fn print(&mut self, document: &Document, job: JobId) -> PrintOutcome {
        match encode(document, &self.profile) {
            Ok(encoded) => {
                self.run(Job { bytes: encoded.bytes, marker: marker(job), paper_dots: encoded.paper_dots })
            }
            Err(error) => PrintOutcome::NotStarted(NotStarted::Document(error)),
        }
    }

    fn kick_drawer(&mut self, kick: DrawerKick) -> PrintOutcome {
        self.kicks += 1;
        let [_, rest @ ..] = marker(JobId(self.kicks));
        let marker = [b'~', rest[0], rest[1], rest[2]];
        let job = Job { bytes: kick.buffered_command().to_vec(), marker, paper_dots: 0 };
        let outcome = self.run(job);
        let stopped = matches!(
            outcome,
            PrintOutcome::NotStarted(NotStarted::NotReady(
                PrinterStatus::PaperOut | PrinterStatus::CoverOpen
            ))
        );
        if stopped && self.profile.real_time_pulse { self.kick_in_real_time(kick) } else { outcome }
    }

    fn drawer_switch_is_high(&mut self) -> Option<bool> {
        if !self.profile.real_time_status {
            return None;
        }
        self.flags().ok().map(|flags| flags.drawer_switch_high)
    }
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
