//! A job from preflight to confirmation, over any transport.

use super::session::{ANSWER_WAIT, Sent, Session, Transport};
use super::{JobId, NotStarted, PrintOutcome, Printer, PrinterStatus, UnknownReason};
use crate::drawer::DrawerKick;
use crate::escpos::document::Document;
use crate::escpos::encode::{LONGEST_COMMAND, encode_in_bands};
use crate::escpos::letters::Letters;
use crate::escpos::logo::{Kept, LogoId, LogoStore};
use crate::escpos::picture::Picture;
use crate::escpos::profile::{Completion, DOTS_PER_MM, Profile, TextEncoding};
use crate::escpos::status::Flags;
use crate::monotonic::Monotonic;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// GS r 1: tell the paper's state once you come to this.
const ASK_PAPER: [u8; 3] = [0x1D, 0x72, 0x01];
/// On a line that does not notice when the printer is gone, it is asked so many times a second whether it is there.
const WATCHES_A_SECOND: u32 = 10;
/// On such a line the bands of pictures are no longer than this, or than what goes over it between two of these questions: within
/// a longer one a printer could lose power and be back before it is asked.
const SHORTEST_BAND: usize = 128;
/// What a printer may take on top of sending and printing.
const GRACE: Duration = Duration::from_secs(5);
/// How long a printer may take to work off what an earlier job left in its buffer.
const BARRIER_WAIT: Duration = Duration::from_secs(3);
/// How long it has to be quiet before answers to an earlier job cannot be taken for answers to this one.
const QUIET: Duration = Duration::from_millis(300);
/// Echoed before a job; no job's marker, and no drawer kick's before the 850,000th.
const BEFORE_A_JOB: [u8; 4] = *b"~~~~";
/// How long a printer may take to write a logo into its memory, during which it may answer nothing.
const LOGO_WAIT: Duration = Duration::from_secs(15);
/// After so much silence the printer is asked whether it has stopped.
const SILENCE: Duration = Duration::from_secs(1);

/// An ESC/POS printer.
pub struct EscPosPrinter<T: Transport> {
    transport: T,
    profile: Profile,
    clock: Monotonic,
    session: Option<Session<T::Link>>,
    closed_at: Option<Duration>,
    /// An earlier job's answer may still come, and the printer may still wait for the rest of one of its commands.
    unresolved: bool,
    /// How long a command is that the printer may still wait for the rest of.
    cut_off: usize,
    kicks: u64,
    /// The logo that it is known to keep.
    kept: Option<LogoId>,
    /// Who draws what it does not know.
    letters: Option<Arc<dyn Letters>>,
}

/// Bytes with what is needed to know when they are printed.
struct Job {
    bytes: Vec<u8>,
    marker: [u8; 4],
    paper_dots: u32,
    /// Where the printer may be asked something; see [`Encoded::breaks`](crate::escpos::encode::Encoded::breaks).
    breaks: Vec<usize>,
    /// The longest command in it.
    longest: usize,
    /// What it may take beyond what the line and the paper take; nobody asks the printer anything during it.
    silent: Option<Duration>,
}

impl<T: Transport> EscPosPrinter<T> {
    /// A printer; nothing is opened before the first use.
    #[must_use]
    pub fn with_transport(transport: T, profile: Profile, clock: Monotonic) -> Self {
        // Nobody knows what the program before this one left unfinished.
        Self {
            transport,
            profile,
            clock,
            session: None,
            closed_at: None,
            unresolved: true,
            cut_off: LONGEST_COMMAND,
            kicks: 0,
            kept: None,
            letters: None,
        }
    }

    /// The same printer, for which somebody draws the characters that it does not know.
    #[must_use]
    pub fn with_letters(self, letters: Arc<dyn Letters>) -> Self {
        Self { letters: Some(letters), ..self }
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
        if let Some(mut session) = self.session.take() {
            // Some lines drop what they still carry when they are closed.
            if !session.drain(self.clock.now() + ANSWER_WAIT).unwrap_or(false) {
                tracing::debug!("the line to the printer is closed with something still under way");
            }
            drop(session);
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
        if matches!(outcome, PrintOutcome::Unknown(_)) {
            self.cut_off = self.cut_off.max(job.longest);
        }
        match outcome {
            PrintOutcome::Confirmed => (self.unresolved, self.cut_off) = (false, LONGEST_COMMAND),
            // All of it is with a printer that does not answer, and was there all the time.
            PrintOutcome::Unknown(UnknownReason::NoReadback) => self.unresolved = !self.hears_of_loss(),
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
        let (unresolved, clock) = (self.unresolved, self.clock.clone());
        let connects = self.transport.connects();
        let cut_off = self.cut_off;
        let time_to_fill = self.time_for(cut_off, 0);
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
        if unresolved {
            // A printer that was cut off inside a command takes what comes for the rest of it: zeros, which it passes
            // over otherwise.
            let deadline = clock.now() + time_to_fill;
            match session.send(&vec![0; cut_off], deadline) {
                Sent::All => {}
                Sent::Part(_, None) => return Err(NotStarted::Busy),
                Sent::Part(_, Some(error)) => return Err(silent(error)),
            }
        }
        match completion {
            Completion::PaperStatus => barrier(session, unresolved)?,
            // The zeros may not have been enough for a command whose length was garbled: then this is swallowed too.
            Completion::ProcessId if unresolved => echo(session)?,
            Completion::ProcessId | Completion::None => {}
        }
        session.finished.retain(|id| *id != job.marker);
        Ok(())
    }

    /// Whether a printer that is gone in the middle of a job is noticed: by the line, or by asking it.
    fn hears_of_loss(&self) -> bool {
        self.transport.notices_loss() || self.profile.real_time_status
    }

    /// After how many bytes the printer is asked whether it is still there, on a line that does not notice by itself.
    fn watched_every(&self) -> Option<usize> {
        let watched = !self.transport.notices_loss() && self.profile.real_time_status;
        let step = usize::try_from(self.transport.bytes_per_second() / WATCHES_A_SECOND).unwrap_or(1);
        watched.then_some(step)
    }

    fn transmit(&mut self, job: &Job) -> PrintOutcome {
        let question = match self.profile.completion {
            Completion::ProcessId => ask_to_echo(job.marker),
            Completion::PaperStatus => ASK_PAPER.to_vec(),
            Completion::None => Vec::new(),
        };
        let step = self.watched_every().filter(|_| job.silent.is_none());
        let watched = step.is_some();
        let pieces = step.map_or_else(|| vec![&job.bytes[..]], |step| pieces(&job.bytes, &job.breaks, step));
        let deadline = self.clock.now()
            + self.time_for(job.bytes.len() + question.len(), job.paper_dots)
            + job.silent.unwrap_or_default();
        let mut begun = false;
        for (piece, is_question) in
            pieces.into_iter().map(|piece| (piece, false)).chain([(&question[..], true)])
        {
            let Some(session) = self.session.as_mut() else { break };
            let sent = session.send(piece, deadline);
            if let Some(end) = self.broken_off(sent, begun) {
                return end;
            }
            begun = true;
            if watched && !is_question && !self.is_still_there() {
                return self.stalled();
            }
        }
        self.confirm(job, deadline)
    }

    /// What is known of a job when a piece of it did not go out whole.
    fn broken_off(&mut self, sent: Sent, begun: bool) -> Option<PrintOutcome> {
        Some(match sent {
            Sent::All => return None,
            Sent::Part(0, None) if !begun => PrintOutcome::NotStarted(NotStarted::Busy),
            Sent::Part(0, Some(error)) if !begun => {
                PrintOutcome::NotStarted(NotStarted::CannotOpen(error.to_string()))
            }
            Sent::Part(_, None) => self.stalled(),
            Sent::Part(_, Some(_)) => PrintOutcome::Unknown(UnknownReason::Disconnected),
        })
    }

    /// Whether the printer has heard the job so far. One that was unplugged or switched off and on again in the middle
    /// would print the rest and confirm it.
    fn is_still_there(&mut self) -> bool {
        self.session.as_mut().is_some_and(|session| session.is_there().unwrap_or(false))
    }

    /// Waits for the printer's word, and asks from time to time whether it has stopped.
    fn confirm(&mut self, job: &Job, deadline: Duration) -> PrintOutcome {
        let Some(session) = self.session.as_mut() else {
            return PrintOutcome::Unknown(UnknownReason::Disconnected);
        };
        let completion = self.profile.completion;
        if completion == Completion::None {
            return match session.drain(deadline) {
                Ok(true) => PrintOutcome::Unknown(UnknownReason::NoReadback),
                Ok(false) => self.stalled(),
                Err(_) => PrintOutcome::Unknown(UnknownReason::Disconnected),
            };
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
            if !self.profile.real_time_status || job.silent.is_some() {
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

/// Parts `bytes` at `breaks`, so that each piece is `step` bytes long or a little more.
fn pieces<'a>(bytes: &'a [u8], breaks: &[usize], step: usize) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for &to in breaks.iter().chain([&bytes.len()]) {
        let is_last = to == bytes.len();
        if to > from && (is_last || to - from >= step) {
            pieces.extend(bytes.get(from..to));
            from = to;
        }
    }
    pieces
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

/// GS ( H function 48: echo this once all before it is on paper.
fn ask_to_echo(marker: [u8; 4]) -> Vec<u8> {
    [&[0x1D, 0x28, 0x48, 0x06, 0x00, 0x30, 0x30][..], &marker].concat()
}

/// Waits until the printer has worked off all that was sent before.
fn echo<L: super::Link>(session: &mut Session<L>) -> Result<(), NotStarted> {
    let busy = |_| NotStarted::Busy;
    session.finished.clear();
    session.request(&ask_to_echo(BEFORE_A_JOB)).map_err(busy)?;
    let is_back = |session: &mut Session<L>| session.finished.contains(&BEFORE_A_JOB).then_some(());
    session.wait(BARRIER_WAIT, is_back).map_err(busy)?.ok_or(NotStarted::Busy)
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

    fn characters(&self) -> TextEncoding {
        self.profile.encoding
    }

    fn print(&mut self, document: &Document, job: JobId) -> PrintOutcome {
        let band = self.watched_every().map_or(LONGEST_COMMAND, |step| step.max(SHORTEST_BAND));
        match encode_in_bands(document, &self.profile, band, self.kept, self.letters.as_deref()) {
            Ok(encoded) => {
                let (bytes, breaks) = (encoded.bytes, encoded.breaks);
                let paper_dots = encoded.paper_dots;
                let longest = LONGEST_COMMAND;
                self.run(Job { bytes, marker: marker(job), paper_dots, breaks, longest, silent: None })
            }
            Err(error) => PrintOutcome::NotStarted(NotStarted::Document(error)),
        }
    }

    fn logo_to_keep(&self, logo: &Picture) -> Option<LogoId> {
        // A printer that confirms nothing may wait for the rest of a logo and swallow receipts, and nobody would know.
        let can = self.profile.logo == LogoStore::ByKey && self.profile.completion != Completion::None;
        let logo = logo.at_most(self.profile.dots);
        logo.store().filter(|_| can).map(|_| logo.id())
    }

    fn keep_logo(&mut self, logo: &Picture, instead_of: &[LogoId], job: JobId) -> PrintOutcome {
        let logo = logo.at_most(self.profile.dots);
        let (Some(id), Some(store)) = (self.logo_to_keep(&logo), logo.store()) else {
            return PrintOutcome::NotStarted(NotStarted::NotReady(PrinterStatus::Unknown));
        };
        let longest = store.len();
        let others = instead_of.iter().filter(|other| **other != id).flat_map(|other| other.delete());
        let bytes: Vec<u8> = b"\x1B@".iter().copied().chain(others).chain(store).collect();
        let (marker, breaks, silent) = (marker(job), Vec::new(), Some(LOGO_WAIT));
        let outcome = self.run(Job { bytes, marker, paper_dots: 0, breaks, longest, silent });
        match outcome {
            PrintOutcome::Confirmed => self.kept = Some(id),
            PrintOutcome::Unknown(_) => self.kept = None,
            PrintOutcome::NotStarted(_) => {}
        }
        outcome
    }

    fn remember_logo(&mut self, kept: Option<LogoId>, cut_off: usize) {
        self.kept = kept;
        self.cut_off = self.cut_off.max(cut_off);
    }

    fn kick_drawer(&mut self, kick: DrawerKick) -> PrintOutcome {
        self.kicks += 1;
        let [_, rest @ ..] = marker(JobId(self.kicks));
        let marker = [b'~', rest[0], rest[1], rest[2]];
        let bytes = kick.buffered_command().to_vec();
        let longest = bytes.len();
        let job = Job { bytes, marker, paper_dots: 0, breaks: Vec::new(), longest, silent: None };
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
