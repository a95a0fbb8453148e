//! The same printer without line, thread and clock, for whoever holds all three: a byte at a time, a line at a time.

use super::machine::{Machine, Step};
use super::{Paper, PrinterConfig, Pulse, Receipt};

/// What a step of the printer's works was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Nothing to do, or stopped.
    Idle,
    /// A command that takes no time.
    Done,
    /// Paper moved.
    Printed,
}

/// A printer that works only when told to.
#[derive(Debug)]
pub struct BarePrinter(Machine);

impl BarePrinter {
    /// A printer that was just switched on.
    #[must_use]
    pub fn new(config: PrinterConfig) -> Self {
        Self(Machine::new(config))
    }

    /// How many bytes its buffer still takes.
    #[must_use]
    pub fn room(&self) -> usize {
        self.0.room()
    }

    /// Takes bytes in; real-time commands are executed at once.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.0.receive(bytes);
    }

    /// Executes the next command in its buffer.
    pub fn step(&mut self) -> Work {
        match self.0.step() {
            Step::Idle => Work::Idle,
            Step::Done => Work::Done,
            Step::Printed => Work::Printed,
        }
    }

    /// What it has to say.
    pub fn take_replies(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0.replies)
    }

    /// Puts paper in or takes it out.
    pub fn set_paper(&mut self, paper: Paper) {
        self.0.paper = paper;
        self.0.state_changed();
    }

    /// Opens or closes the cover.
    pub fn set_cover_open(&mut self, open: bool) {
        self.0.cover_open = open;
        self.0.state_changed();
    }

    /// Lets the knife get stuck, or frees it.
    pub fn set_knife_stuck(&mut self, stuck: bool) {
        self.0.knife_stuck = stuck;
        self.0.state_changed();
    }

    /// Pushes the drawer shut.
    pub fn shut_drawer(&mut self) {
        self.0.drawer_open = false;
        self.0.state_changed();
    }

    /// Cuts the wire from the printer to the program, or mends it.
    pub fn set_mute(&mut self, mute: bool) {
        self.0.mute = mute;
    }

    /// The power goes, and with it the buffer.
    pub fn lose_power(&mut self) {
        self.0.lose_power();
    }

    /// What comes next may be the rest of something: until the next initialisation it makes no sense, and nobody is to
    /// blame.
    pub fn tear_stream(&mut self) {
        self.0.torn_at = Some(self.0.received);
    }

    /// Takes the receipts that were cut off, oldest first.
    pub fn take_receipts(&mut self) -> Vec<Receipt> {
        std::mem::take(&mut self.0.receipts)
    }

    /// Tears off what hangs out of the printer: it becomes a receipt of its own.
    pub fn tear_off(&mut self) {
        self.0.tear_off();
    }

    /// What hangs out of the printer.
    #[must_use]
    pub fn unfinished(&self) -> Receipt {
        self.0.unfinished()
    }

    /// The pulses that the drawer got.
    #[must_use]
    pub fn pulses(&self) -> &[Pulse] {
        &self.0.pulses
    }

    /// What a real printer would not have understood, or would have shown wrongly.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.0.problems
    }
}
