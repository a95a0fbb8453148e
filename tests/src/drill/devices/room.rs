//! A room with a printer in it, in virtual time: the line to the till, the power, the paper, and whoever mends them.
//! Everything that goes wrong goes wrong between two bytes, or between two lines on the paper.

use crate::simulator::printer::{BarePrinter, Paper, PrinterConfig, Work};
use crate::world::chance::Chance;
use evertill_hardware::Monotonic;
use evertill_hardware::printer::{Link, Transport};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the printer takes for a line.
const LINE_TIME: Duration = Duration::from_millis(25);
/// How long a printer takes from being switched on until it listens: 1 to 3 seconds.
const BOOT_MS: (u64, u64) = (1000, 3000);

/// The shortest break of a line, in milliseconds.
const SHORTEST_BREAK_MS: u64 = 300;

/// How the printer hangs on the till.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// RS-232: the till's end stays open and swallows bytes, whether anybody listens or not.
    Serial,
    /// USB: the line dies with the printer.
    Usb,
    /// The network: a connection for each job; a printer without power is noticed, or is silent.
    Network,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    PaperEnds,
    PaperRunsLow,
    CoverOpens,
    KnifeSticks,
    PowerGoes,
    LineBreaks,
    AnswersAreLost,
    TillIsKilled,
}

impl Fault {
    pub(super) const ALL: [Self; 8] = [
        Self::PaperEnds,
        Self::PaperRunsLow,
        Self::CoverOpens,
        Self::KnifeSticks,
        Self::PowerGoes,
        Self::LineBreaks,
        Self::AnswersAreLost,
        Self::TillIsKilled,
    ];
}

/// When it goes wrong, counted from the job's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// After so many bytes to the printer.
    Bytes(u64),
    /// After so many lines on the paper.
    Lines(u64),
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Good,
    /// Broken; so many bytes more go into it unnoticed.
    Broken {
        unnoticed: usize,
    },
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Duration,
    pub(super) printer: BarePrinter,
    pub(super) killed: bool,
    wire: Wire,
    chance: Chance,
    power: bool,
    plugged: bool,
    /// Before this the printer is not listening yet.
    booted_at: Duration,
    busy_until: Duration,
    /// Counts connections; the last one has this number.
    connection: u64,
    health: Health,
    inbox: VecDeque<u8>,
    /// What the system has taken from the till and is still carrying to a printer by USB: closing the line ends that.
    under_way: VecDeque<u8>,
    bytes: u64,
    lines: u64,
    plan: Option<(Fault, When)>,
    mends: Vec<(Duration, Fault)>,
    /// Faults that came to pass.
    pub(super) happened: Vec<Fault>,
}

/// The till's way to the printer, and everybody else's to the room.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Mutex<World>>);

impl Room {
    pub(super) fn new(wire: Wire, config: PrinterConfig, chance: Chance) -> Self {
        Self(Arc::new(Mutex::new(World {
            now: Duration::from_secs(1),
            printer: BarePrinter::new(config),
            killed: false,
            wire,
            chance,
            power: true,
            plugged: true,
            booted_at: Duration::ZERO,
            busy_until: Duration::ZERO,
            connection: 0,
            health: Health::Good,
            inbox: VecDeque::new(),
            under_way: VecDeque::new(),
            bytes: 0,
            lines: 0,
            plan: None,
            mends: Vec::new(),
            happened: Vec::new(),
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn clock(&self) -> Monotonic {
        let room = self.clone();
        Monotonic::new(move || room.lock().now)
    }

    /// From here on bytes and lines are counted anew, and this goes wrong once.
    pub(super) fn plan(&self, plan: Option<(Fault, When)>) {
        let mut world = self.lock();
        (world.bytes, world.lines, world.plan) = (0, 0, plan);
    }
}

impl World {
    /// Lets time pass: the printer works, people mend what is broken.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let due = self.mends.iter().map(|(at, _)| *at).filter(|at| *at <= until).min();
            let to = due.unwrap_or(until).max(self.now);
            self.work(to);
            self.now = to;
            self.mend_what_is_due();
            if due.is_none() {
                return;
            }
        }
    }

    /// Somebody puts everything right at once, and the printer does what it has left to do.
    pub(super) fn settle(&mut self) {
        self.plan = None;
        let last = self.mends.iter().map(|(at, _)| *at).max().unwrap_or(self.now);
        let boot = Duration::from_millis(BOOT_MS.1);
        self.pass(last.saturating_sub(self.now) + boot + Duration::from_secs(60));
    }

    /// Somebody switches the printer off and on again.
    pub(super) fn switch_off_and_on(&mut self) {
        self.plan = Some((Fault::PowerGoes, When::Bytes(0)));
        self.go_wrong();
        self.settle();
    }

    fn listens(&self) -> bool {
        self.power && self.now >= self.booted_at
    }

    fn work(&mut self, until: Duration) {
        while self.power && self.booted_at <= until && self.busy_until <= until {
            match self.printer.step() {
                Work::Idle => break,
                Work::Done => {}
                Work::Printed => {
                    self.busy_until = self.busy_until.max(self.now) + LINE_TIME;
                    self.lines += 1;
                    if matches!(self.plan, Some((_, When::Lines(lines))) if self.lines >= lines) {
                        self.go_wrong();
                    }
                }
            }
        }
        self.collect();
    }

    /// What the printer says is heard, if anybody listens.
    fn collect(&mut self) {
        let said = self.printer.take_replies();
        if self.health == Health::Good && self.plugged && self.connection > 0 {
            self.inbox.extend(said);
        }
    }

    fn byte_boundary(&mut self) {
        if matches!(self.plan, Some((_, When::Bytes(bytes))) if self.bytes >= bytes) {
            self.go_wrong();
        }
    }

    fn go_wrong(&mut self) {
        let Some((fault, _)) = self.plan.take() else { return };
        self.happened.push(fault);
        match fault {
            Fault::PaperEnds => self.printer.set_paper(Paper::Out),
            Fault::PaperRunsLow => self.printer.set_paper(Paper::NearEnd),
            Fault::CoverOpens => self.printer.set_cover_open(true),
            Fault::KnifeSticks => self.printer.set_knife_stuck(true),
            Fault::AnswersAreLost => self.printer.set_mute(true),
            Fault::PowerGoes => {
                self.power = false;
                self.printer.lose_power();
                self.printer.tear_stream();
                if self.wire != Wire::Serial {
                    self.break_line();
                }
            }
            Fault::LineBreaks => {
                self.plugged = false;
                self.printer.tear_stream();
                if self.wire != Wire::Serial {
                    self.break_line();
                }
            }
            Fault::TillIsKilled => {
                self.killed = true;
                self.printer.tear_stream();
                self.break_line();
                return;
            }
        }
        let after = match self.chance.below(3) {
            // A shorter break of a serial line than this nobody can notice.
            0 if fault == Fault::LineBreaks => self.chance.between(SHORTEST_BREAK_MS, 900),
            0 => self.chance.between(20, 900),
            1 => self.chance.between(1_000, 8_000),
            _ => self.chance.between(10_000, 60_000),
        };
        self.mends.push((self.now + Duration::from_millis(after), fault));
    }

    fn break_line(&mut self) {
        let unnoticed = match self.chance.below(3) {
            0 => 0,
            1 => usize::try_from(self.chance.between(1, 600)).unwrap_or(0),
            // The other end is gone without a word: nothing is refused, nothing is heard.
            _ if self.wire == Wire::Network && !self.killed => usize::MAX,
            _ => 0,
        };
        self.health = Health::Broken { unnoticed };
        self.inbox.clear();
    }

    fn mend_what_is_due(&mut self) {
        let now = self.now;
        let (due, later): (Vec<_>, Vec<_>) = self.mends.drain(..).partition(|(at, _)| *at <= now);
        self.mends = later;
        for (_, fault) in due {
            match fault {
                Fault::PaperEnds | Fault::PaperRunsLow => self.printer.set_paper(Paper::Plenty),
                Fault::CoverOpens => self.printer.set_cover_open(false),
                Fault::KnifeSticks => self.printer.set_knife_stuck(false),
                Fault::AnswersAreLost => self.printer.set_mute(false),
                Fault::PowerGoes => {
                    self.power = true;
                    let boot = self.chance.between(BOOT_MS.0, BOOT_MS.1);
                    self.booted_at = self.now + Duration::from_millis(boot);
                }
                Fault::LineBreaks => self.plugged = true,
                Fault::TillIsKilled => {}
            }
            self.collect();
        }
    }

    /// Carries on what is under way by USB until then; whether all is with the printer.
    fn carry_on(&mut self, deadline: Duration) -> io::Result<bool> {
        while let Some(byte) = self.under_way.front().copied() {
            self.byte_boundary();
            if let Health::Broken { unnoticed } = &mut self.health {
                if *unnoticed == 0 {
                    self.under_way.clear();
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                *unnoticed -= 1;
                self.under_way.pop_front();
                continue;
            }
            if self.now >= deadline {
                return Ok(false);
            }
            if self.listens() && self.plugged && self.printer.room() == 0 {
                self.pass(Duration::from_millis(5));
                continue;
            }
            self.under_way.pop_front();
            self.carry(byte);
            self.pass(Line::byte_time(self.wire));
        }
        Ok(true)
    }

    /// One byte onto the wire.
    fn carry(&mut self, byte: u8) {
        self.bytes += 1;
        if self.listens() && self.plugged {
            self.printer.receive(&[byte]);
            self.collect();
        } else {
            self.printer.tear_stream();
        }
    }
}

impl Transport for Room {
    type Link = Line;

    fn open(&mut self) -> io::Result<Line> {
        let mut world = self.lock();
        if world.killed {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if world.wire != Wire::Serial && !(world.listens() && world.plugged) {
            let wait = if world.wire == Wire::Network { 1000 } else { 1 };
            world.pass(Duration::from_millis(wait));
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        world.connection += 1;
        world.health = Health::Good;
        world.printer.take_replies();
        world.inbox.clear();
        let number = world.connection;
        drop(world);
        Ok(Line { room: self.clone(), number })
    }

    fn bytes_per_second(&self) -> u32 {
        match self.lock().wire {
            Wire::Serial => 960,
            Wire::Usb => 100_000,
            Wire::Network => 10_000,
        }
    }

    fn stays_open(&self) -> bool {
        self.lock().wire != Wire::Network
    }

    fn connects(&self) -> bool {
        self.lock().wire == Wire::Network
    }

    fn notices_loss(&self) -> bool {
        self.lock().wire != Wire::Serial
    }

    fn reopen_pause(&self) -> Duration {
        Duration::ZERO
    }
}

/// An open line.
#[derive(Debug)]
pub(super) struct Line {
    room: Room,
    number: u64,
}

impl Line {
    fn byte_time(wire: Wire) -> Duration {
        match wire {
            Wire::Serial => Duration::from_micros(1042),
            Wire::Usb | Wire::Network => Duration::from_micros(10),
        }
    }
}

impl Link for Line {
    fn send(&mut self, bytes: &[u8], wait: Duration) -> io::Result<usize> {
        let mut world = self.room.lock();
        let byte_time = Self::byte_time(world.wire);
        // As much as the system takes at once, which may be a single byte.
        let most = usize::try_from(world.chance.between(1, 64)).unwrap_or(1);
        let deadline = world.now + wait;
        if world.wire == Wire::Usb {
            // One transfer at a time; taken is not delivered.
            let free = world.carry_on(deadline)?;
            let taken = if free { bytes.len().min(most) } else { 0 };
            world.under_way.extend(&bytes[..taken]);
            return Ok(taken);
        }
        let mut count = 0;
        for byte in bytes.iter().take(most) {
            world.byte_boundary();
            if let Health::Broken { unnoticed } = &mut world.health {
                if *unnoticed == 0 {
                    return if count > 0 { Ok(count) } else { Err(io::ErrorKind::BrokenPipe.into()) };
                }
                *unnoticed -= 1;
                count += 1;
                continue;
            }
            while world.listens() && world.plugged && world.printer.room() == 0 {
                if world.now >= deadline {
                    return Ok(count);
                }
                world.pass(Duration::from_millis(5));
            }
            world.carry(*byte);
            world.pass(byte_time);
            count += 1;
        }
        Ok(count)
    }

    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        let mut world = self.room.lock();
        let deadline = world.now + wait;
        // A killed till does not get to its next byte.
        if world.killed {
            return Err(io::ErrorKind::Interrupted.into());
        }
        loop {
            // A line that breaks under a transfer is seen below.
            let _ = world.carry_on(deadline);
            world.collect();
            match world.health {
                Health::Broken { unnoticed: 0 } => return Err(io::ErrorKind::UnexpectedEof.into()),
                Health::Broken { .. } | Health::Good => {}
            }
            if !world.inbox.is_empty() {
                let most = usize::try_from(world.chance.between(1, 8)).unwrap_or(1).min(buffer.len());
                let count = world.inbox.len().min(most);
                let taken: Vec<u8> = world.inbox.drain(..count).collect();
                buffer[..count].copy_from_slice(&taken);
                return Ok(count);
            }
            if world.now >= deadline {
                return Ok(0);
            }
            let step = deadline.saturating_sub(world.now).min(Duration::from_millis(5));
            world.pass(step);
        }
    }

    fn drain(&mut self, wait: Duration) -> io::Result<bool> {
        let mut world = self.room.lock();
        if world.killed {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let deadline = world.now + wait;
        world.carry_on(deadline)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut world = self.room.lock();
        if world.connection == self.number {
            world.health = Health::Broken { unnoticed: 0 };
            world.inbox.clear();
            if !world.under_way.is_empty() {
                // The system ends the transfer, wherever it is.
                world.under_way.clear();
                world.printer.tear_stream();
            }
        }
    }
}
