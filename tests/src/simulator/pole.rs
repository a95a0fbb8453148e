//! A customer's display of two lines on a pole: it takes the bytes of a display apart, command by command, and shows what
//! a customer would read. What it does not understand it remembers.

use super::scanner::pty::Pty;
use encoding_rs::GB18030;
use evertill_hardware::display::{COLUMNS, CommandSet};
use std::io;
use std::path::Path;
use std::time::Duration;

/// How long a display is watched for what it shall show.
const PATIENCE: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(10);

/// What is on the glass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glass {
    commands: CommandSet,
    cells: [[u8; COLUMNS]; 2],
    /// Where the next character goes: line and column.
    cursor: (usize, usize),
    cursor_shown: bool,
    /// Of a command that is not whole yet.
    waiting: Vec<u8>,
    /// What was not understood.
    pub problems: Vec<String>,
}

impl Glass {
    /// A display that was just switched on.
    #[must_use]
    pub fn new(commands: CommandSet) -> Self {
        Self {
            commands,
            cells: [[b' '; COLUMNS]; 2],
            cursor: (0, 0),
            cursor_shown: true,
            waiting: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Both lines, as a customer reads them, without what is empty at their ends.
    #[must_use]
    pub fn lines(&self) -> [String; 2] {
        self.cells.map(|cells| GB18030.decode(&cells).0.trim_end().to_owned())
    }

    /// Whether a cursor blinks in the text.
    #[must_use]
    pub fn cursor_shown(&self) -> bool {
        self.cursor_shown
    }

    /// Takes bytes as they come; commands may be parted anywhere.
    pub fn take(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        while let Some(used) = self.one() {
            self.waiting.drain(..used);
        }
    }

    /// Carries out the first command, and says how long it was; nothing if it is not whole.
    fn one(&mut self) -> Option<usize> {
        let waiting = std::mem::take(&mut self.waiting);
        let used = match (self.commands, waiting.as_slice()) {
            (_, []) => None,
            (_, [0x1B, b'@', ..]) => {
                self.clear();
                self.cursor_shown = true;
                Some(2)
            }
            (_, [0x0C, ..]) => {
                self.clear();
                Some(1)
            }
            (CommandSet::Cd5220, [0x1B, b'Q', line @ (b'A' | b'B'), rest @ ..]) => {
                self.whole_line(usize::from(line - b'A'), rest).map(|used| used + 3)
            }
            (CommandSet::Cd5220, [0x1B, b'_', shown @ 0..=1, ..]) => {
                self.cursor_shown = *shown == 1;
                Some(3)
            }
            (CommandSet::Epson, [0x1F, b'C', shown @ 0..=1, ..]) => {
                self.cursor_shown = *shown == 1;
                Some(3)
            }
            (CommandSet::Epson, [0x1F, b'$', column @ 1..=20, line @ 1..=2, ..]) => {
                self.cursor = (usize::from(line - 1), usize::from(column - 1));
                Some(4)
            }
            (_, [0x1B | 0x1F])
            | (_, [0x1B, b'_' | b'Q'])
            | (_, [0x1F, b'C' | b'$'])
            | (_, [0x1F, b'$', _]) => None,
            (_, [byte @ 0x20..=0xFF, ..]) => {
                self.put(*byte);
                Some(1)
            }
            (_, [byte, next, ..]) => {
                self.problems.push(format!("{byte:02X} {next:02X}"));
                Some(1)
            }
            (_, [byte]) => {
                self.problems.push(format!("{byte:02X}"));
                Some(1)
            }
        };
        self.waiting = waiting;
        used
    }

    fn clear(&mut self) {
        self.cells = [[b' '; COLUMNS]; 2];
        self.cursor = (0, 0);
    }

    /// A line up to its CR; more than fits, or an order inside, is a fault of who sends.
    fn whole_line(&mut self, line: usize, rest: &[u8]) -> Option<usize> {
        let end = rest.iter().position(|byte| *byte == b'\r')?;
        let text = &rest[..end];
        if text.len() > COLUMNS || text.iter().any(|byte| *byte < 0x20) {
            self.problems.push(format!("a line of {} bytes", text.len()));
        }
        self.cells[line] = [b' '; COLUMNS];
        for (cell, byte) in self.cells[line].iter_mut().zip(text) {
            *cell = *byte;
        }
        Some(end + 1)
    }

    fn put(&mut self, byte: u8) {
        let (line, column) = self.cursor;
        self.cells[line][column] = byte;
        self.cursor = if column + 1 < COLUMNS { (line, column + 1) } else { (1 - line, 0) };
    }
}

/// A display on a pseudo terminal.
#[derive(Debug)]
pub struct PoleEmulator {
    line: Pty,
    commands: CommandSet,
    /// What is on it.
    pub glass: Glass,
}

impl PoleEmulator {
    /// One that is switched on and plugged in.
    ///
    /// # Errors
    /// When the system has no pseudo terminal left.
    pub fn new(commands: CommandSet) -> io::Result<Self> {
        Ok(Self { line: Pty::new("display")?, commands, glass: Glass::new(commands) })
    }

    /// Where the program opens the line.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.line.path()
    }

    /// Whether these lines come to stand on it, in time.
    pub fn comes_to_show(&mut self, lines: [&str; 2]) -> bool {
        let mut buffer = [0; 256];
        let mut waited = Duration::ZERO;
        loop {
            let count = self.line.read(&mut buffer);
            self.glass.take(&buffer[..count]);
            if self.glass.lines() == lines {
                return true;
            }
            if count == 0 {
                if waited >= PATIENCE {
                    return false;
                }
                std::thread::sleep(PAUSE);
                waited += PAUSE;
            }
        }
    }

    /// Pulls the plug: nothing is on it any more.
    pub fn unplug(&mut self) {
        self.line.unplug();
        self.glass = Glass::new(self.commands);
    }

    /// Puts the plug back in.
    ///
    /// # Errors
    /// When the system has no pseudo terminal left.
    pub fn plug(&mut self) -> io::Result<()> {
        self.line.plug()
    }
}
