//! An open line to a printer, and the answers that came over it.

use crate::escpos::status::{Flags, Question, Reply, ReplyParser};
use crate::monotonic::Monotonic;
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// An open line to a printer.
pub trait Link: Send {
    /// Sends some of `bytes`, waiting at most `wait`; zero if none could be sent in that time.
    ///
    /// # Errors
    /// When the line is lost.
    fn send(&mut self, bytes: &[u8], wait: Duration) -> io::Result<usize>;

    /// Receives some bytes, waiting at most `wait`; zero if none came in that time.
    ///
    /// # Errors
    /// When the line is lost, which includes that the other side closed it.
    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize>;

    /// Waits, at most so long, until what was sent is with the printer as far as this machine is concerned; whether it is.
    /// Lines that deliver what they have taken even after they are closed need not wait.
    ///
    /// # Errors
    /// When the line is lost.
    fn drain(&mut self, _wait: Duration) -> io::Result<bool> {
        Ok(true)
    }
}

/// A way to a printer.
pub trait Transport: Send {
    /// What it opens.
    type Link: Link;

    /// Opens the line; whatever was sent on it before is not received.
    ///
    /// # Errors
    /// When the printer is not there, or is taken.
    fn open(&mut self) -> io::Result<Self::Link>;

    /// How fast the line is, in bytes per second.
    fn bytes_per_second(&self) -> u32;

    /// Whether the line may stay open between jobs.
    fn stays_open(&self) -> bool;

    /// Whether opening proves that the printer is there; a serial line opens without one.
    fn connects(&self) -> bool;

    /// Whether sending fails once the printer is switched off or unplugged. A serial line takes bytes all the same.
    fn notices_loss(&self) -> bool;

    /// How long to wait after closing before opening again.
    fn reopen_pause(&self) -> Duration;
}

/// How long a printer may take to answer a real-time request.
pub(super) const ANSWER_WAIT: Duration = Duration::from_secs(1);
/// How long one send or receive waits before others get their turn.
const STEP: Duration = Duration::from_millis(100);

/// What a job's bytes came to.
pub(super) enum Sent {
    All,
    /// The time was over or the line lost after so many bytes.
    Part(usize, Option<io::Error>),
}

pub(super) struct Session<L> {
    link: L,
    clock: Monotonic,
    parser: ReplyParser,
    real_time: VecDeque<u8>,
    /// Echoes of finished jobs that were not fetched yet.
    pub(super) finished: Vec<[u8; 4]>,
    /// One-byte answers that were not fetched yet.
    pub(super) short_answers: usize,
}

impl<L: Link> Session<L> {
    pub(super) fn new(link: L, clock: Monotonic) -> Self {
        Self {
            link,
            clock,
            parser: ReplyParser::default(),
            real_time: VecDeque::new(),
            finished: Vec::new(),
            short_answers: 0,
        }
    }

    /// Receives what comes within `wait`; returns whether anything came.
    pub(super) fn pump(&mut self, wait: Duration) -> io::Result<bool> {
        let mut buffer = [0; 256];
        let count = self.link.receive(&mut buffer, wait)?;
        self.parser.handle_bytes(&buffer[..count]);
        while let Some(reply) = self.parser.poll_reply() {
            match reply {
                Reply::RealTime(byte) => self.real_time.push_back(byte),
                Reply::Short(_) => self.short_answers += 1,
                Reply::Finished(id) => self.finished.push(id),
                // Automatic status is off after every initialisation; what is left over is older than our
                // questions.
                Reply::Automatic(_) | Reply::Block(..) => {}
            }
        }
        Ok(count > 0)
    }

    /// Sends `bytes` until `deadline`, receiving in between: a printer whose answers are not fetched may stop.
    pub(super) fn send(&mut self, bytes: &[u8], deadline: Duration) -> Sent {
        let mut sent = 0;
        while sent < bytes.len() {
            if self.clock.now() >= deadline {
                return Sent::Part(sent, None);
            }
            let result = self.link.send(&bytes[sent..], STEP).and_then(|count| {
                sent += count;
                self.pump(Duration::ZERO)
            });
            if let Err(error) = result {
                return Sent::Part(sent, Some(error));
            }
        }
        Sent::All
    }

    /// Waits until `deadline` for what was sent to leave this machine; whether it has.
    pub(super) fn drain(&mut self, deadline: Duration) -> io::Result<bool> {
        self.link.drain(deadline.saturating_sub(self.clock.now()))
    }

    /// Sends a short request whole, or fails.
    pub(super) fn request(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.send(bytes, self.clock.now() + ANSWER_WAIT) {
            Sent::All => Ok(()),
            Sent::Part(_, error) => Err(error.unwrap_or_else(|| io::ErrorKind::TimedOut.into())),
        }
    }

    /// Whether the printer answers a real-time request, which it does unless it is switched off, unplugged or only just
    /// starting.
    pub(super) fn is_there(&mut self) -> io::Result<bool> {
        while self.pump(Duration::ZERO)? {}
        self.real_time.clear();
        self.request(&Question::Printer.command())?;
        Ok(self.wait(ANSWER_WAIT, |session| session.real_time.pop_front())?.is_some())
    }

    /// Asks the four questions, each after the answer to the one before: answers do not say what they answer.
    pub(super) fn ask(&mut self) -> io::Result<Flags> {
        let mut flags = Flags::default();
        for question in Question::ALL {
            while self.pump(Duration::ZERO)? {}
            self.real_time.clear();
            self.request(&question.command())?;
            let byte = self.wait(ANSWER_WAIT, |session| session.real_time.pop_front())?;
            flags.add_answer(question, byte.ok_or(io::ErrorKind::TimedOut)?);
        }
        Ok(flags)
    }

    /// Receives until `found` finds something or the time is over.
    pub(super) fn wait<R>(
        &mut self,
        wait: Duration,
        mut found: impl FnMut(&mut Self) -> Option<R>,
    ) -> io::Result<Option<R>> {
        let deadline = self.clock.now() + wait;
        loop {
            if let Some(result) = found(self) {
                return Ok(Some(result));
            }
            let left = deadline.saturating_sub(self.clock.now());
            if left.is_zero() {
                return Ok(None);
            }
            self.pump(left.min(STEP))?;
        }
    }
}
