//! Customer displays of two lines on a pole, on a serial line.
//!
//! Such a display says nothing back, so there is nothing to wait for and nothing to be unsure of: the newest two lines are
//! shown, those that were not shown in time are left out, and all is shown anew when the line is back.

use crate::escpos::characters::{Glyph, glyph};
use crate::escpos::profile::TextEncoding;
use crate::retry::Retry;
use crate::serial_line::SerialLine;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Columns of a line.
pub const COLUMNS: usize = 20;
/// How long the display may take nothing.
const WRITE_WAIT: Duration = Duration::from_secs(1);
/// A display that was switched off and on shows nothing; it is told again this often.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// How a display is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CommandSet {
    /// CD5220 and its many kin: `ESC Q A`, `ESC Q B`.
    #[default]
    Cd5220,
    /// Epson's, `US $` and plain text.
    Epson,
}

/// What a display can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisplayProfile {
    /// How it is spoken to.
    pub commands: CommandSet,
    /// Its characters; most know no Chinese.
    pub encoding: TextEncoding,
}

/// The two lines. Each is cut at [`COLUMNS`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TwoLines {
    /// The upper one.
    pub upper: String,
    /// The lower one.
    pub lower: String,
}

/// Puts one text at the left and one at the right of a line. If both do not fit, the left one is cut; if the display does
/// not know its characters, it is left out.
#[must_use]
pub fn line(left: &str, right: &str, encoding: TextEncoding) -> String {
    let known = left.chars().all(|character| glyph(character, encoding) != Glyph::Unknown);
    let right_columns = columns(right, encoding);
    let room = COLUMNS.saturating_sub(right_columns + usize::from(right_columns > 0));
    let left = if known { cut(left, room, encoding) } else { String::new() };
    let fill = COLUMNS.saturating_sub(columns(&left, encoding) + right_columns);
    format!("{left}{}{right}", " ".repeat(fill))
}

fn columns(text: &str, encoding: TextEncoding) -> usize {
    text.chars().map(|character| glyph(character, encoding).columns()).sum()
}

/// The beginning of a text that fits; no character is parted.
fn cut(text: &str, room: usize, encoding: TextEncoding) -> String {
    let mut used = 0;
    let fits = |character: &char| {
        used += glyph(*character, encoding).columns();
        used <= room
    };
    text.chars().take_while(fits).collect()
}

/// Makes the display ready: nothing on it, no cursor.
#[must_use]
pub fn begin(commands: CommandSet) -> Vec<u8> {
    match commands {
        CommandSet::Cd5220 => b"\x1B@\x0C\x1B_\x00".to_vec(),
        CommandSet::Epson => b"\x1B@\x0C\x1FC\x00".to_vec(),
    }
}

/// Shows these lines, each filled up so that nothing of the one before stays.
#[must_use]
pub fn encode(lines: &TwoLines, profile: DisplayProfile) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, text) in [(1, &lines.upper), (2, &lines.lower)] {
        match profile.commands {
            CommandSet::Cd5220 => bytes.extend([0x1B, b'Q', b'A' + number - 1]),
            CommandSet::Epson => bytes.extend([0x1F, b'$', 1, number]),
        }
        let start = bytes.len();
        for character in cut(text, COLUMNS, profile.encoding).chars() {
            match glyph(character, profile.encoding).or_question_mark() {
                Glyph::Full(pair) => bytes.extend(pair),
                Glyph::Half(byte) => bytes.push(if byte == 0x7F { b' ' } else { byte }),
                // Of displays nothing is known of pages.
                Glyph::OnPage(..) | Glyph::Unknown => bytes.push(b'?'),
            }
        }
        bytes.resize(start + COLUMNS, b' ');
        if profile.commands == CommandSet::Cd5220 {
            bytes.push(b'\r');
        }
    }
    bytes
}

/// A display on a pole; dropping it stops its thread.
#[derive(Debug)]
pub struct PoleDisplay {
    lines: Option<Sender<TwoLines>>,
    reached: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl PoleDisplay {
    /// Starts a thread that opens the line and shows what it is told.
    ///
    /// # Errors
    /// When the system has no thread left. A missing device is no error: it is tried again.
    pub fn spawn(line: SerialLine, profile: DisplayProfile) -> io::Result<Self> {
        let (lines, told) = channel();
        let reached = Arc::new(AtomicBool::new(false));
        let worker = Worker { line, profile, told, shown: None, reached: Arc::clone(&reached) };
        let thread = std::thread::Builder::new().name("display".into()).spawn(move || worker.run())?;
        Ok(Self { lines: Some(lines), reached, thread: Some(thread) })
    }

    /// Whether its line takes what it is sent. The display itself says nothing back.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.reached.load(Ordering::Relaxed)
    }

    /// Shows these lines as soon as the display takes them, unless newer ones come before.
    pub fn show(&self, lines: TwoLines) {
        if self.lines.as_ref().is_none_or(|told| told.send(lines).is_err()) {
            tracing::error!("the display's thread is gone");
        }
    }
}

impl Drop for PoleDisplay {
    fn drop(&mut self) {
        drop(self.lines.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the display's thread ended by a panic");
        }
    }
}

struct Worker {
    line: SerialLine,
    profile: DisplayProfile,
    told: Receiver<TwoLines>,
    shown: Option<TwoLines>,
    reached: Arc<AtomicBool>,
}

/// Nobody will show anything any more.
struct Over;

impl Worker {
    fn run(mut self) {
        let mut retry = Retry::default();
        loop {
            let served = self.serve(&mut retry);
            self.reached.store(false, Ordering::Relaxed);
            match served {
                Ok(Over) => return,
                Err(error) if retry.is_news() => tracing::warn!(%error, "the customer's display is gone"),
                Err(_) => {}
            }
            if self.wait(retry.pause()).is_err() {
                return;
            }
        }
    }

    /// Shows what is told until the line is lost.
    fn serve(&mut self, retry: &mut Retry) -> io::Result<Over> {
        let mut port = self.line.open(WRITE_WAIT)?;
        port.write_all(&begin(self.profile.commands))?;
        self.reached.store(true, Ordering::Relaxed);
        let mut times = 0_u64;
        loop {
            if let Some(lines) = &self.shown {
                port.write_all(&encode(lines, self.profile))?;
                times += 1;
            }
            // The first lines may only have gone into the system's buffer.
            if times > 1 {
                retry.works();
            }
            if self.wait(TELL_AGAIN).is_err() {
                port.write_all(&begin(self.profile.commands))?;
                return Ok(Over);
            }
        }
    }

    /// Until something is told, or so long; the newest counts.
    fn wait(&mut self, at_most: Duration) -> Result<(), Over> {
        match self.told.recv_timeout(at_most) {
            Ok(lines) => self.shown = Some(lines),
            Err(RecvTimeoutError::Timeout) => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => return Err(Over),
        }
        while let Ok(newer) = self.told.try_recv() {
            self.shown = Some(newer);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ASCII: TextEncoding = TextEncoding::Ascii;
    const CHINESE: TextEncoding = TextEncoding::Gb18030;

    #[test]
    fn a_name_gives_way_to_the_amount() {
        assert_eq!(line("Green tea", "4.50", ASCII), "Green tea       4.50");
        assert_eq!(line("A very long name of goods", "1,234.50", ASCII), "A very long 1,234.50");
        assert_eq!(line("绿茶", "4.50", CHINESE), "绿茶            4.50");
        assert_eq!(line("绿茶", "4.50", ASCII), "                4.50", "it could not be read");
        assert_eq!(
            line("一二三四五六七八九十", "9.00", CHINESE),
            "一二三四五六七  9.00",
            "no half characters"
        );
        assert_eq!(line("Welcome", "", ASCII), "Welcome             ");
    }

    #[test]
    fn lines_are_sent_as_each_display_wants_them() {
        let lines = TwoLines { upper: "Total".into(), lower: "绿茶".into() };
        let cd5220 = encode(&lines, DisplayProfile { commands: CommandSet::Cd5220, encoding: CHINESE });
        assert_eq!(cd5220[..8], *b"\x1BQATotal");
        assert_eq!(cd5220[23..31], *b"\r\x1BQB\xC2\xCC\xB2\xE8");
        assert_eq!(cd5220.len(), 2 * (3 + 20 + 1));
        let epson = encode(&lines, DisplayProfile { commands: CommandSet::Epson, encoding: ASCII });
        assert_eq!(epson[..9], *b"\x1F$\x01\x01Total");
        assert_eq!(epson[24..30], *b"\x1F$\x01\x02??");
    }

    proptest! {
        #[test]
        fn whatever_is_shown_fills_two_lines_and_gives_no_orders(upper: String, lower: String) {
            for encoding in [ASCII, CHINESE] {
                let profile = DisplayProfile { commands: CommandSet::Epson, encoding };
                let bytes = encode(&TwoLines { upper: upper.clone(), lower: lower.clone() }, profile);
                prop_assert_eq!(bytes.len(), 2 * (4 + COLUMNS));
                let text = bytes[4..24].iter().chain(&bytes[28..]);
                prop_assert!(text.clone().all(|byte| *byte >= b' '));
                prop_assert!(line(&upper, "1.00", encoding).ends_with("1.00"));
            }
        }
    }
}
