//! Receipt printers: jobs, status, and what is known of a job afterwards.
//!
//! A job is sent once. After its first byte went out there are two ends: the printer said that it is done, or
//! nobody knows. What nobody knows is never sent again by itself; a person looks at the paper and decides.

mod job;
pub mod network;
pub mod serial;
mod session;
pub mod usb;

pub use job::EscPosPrinter;
pub use network::{Network, NetworkPrinter};
pub use serial::SerialPrinter;
pub use session::{Link, Transport};
pub use usb::UsbPrinter;

use crate::drawer::DrawerKick;
use crate::escpos::document::Document;
use crate::escpos::encode::EncodeError;
use crate::escpos::logo::LogoId;
use crate::escpos::picture::Picture;
use crate::escpos::profile::TextEncoding;
pub use crate::escpos::status::Fault;
use crate::escpos::status::Flags;
use std::fmt;

/// The number of a print job: made and stored by the caller before the job is sent. Consecutive numbers are
/// told apart in the printer's answers; numbers 80 million apart need not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JobId(pub u64);

/// What a printer can do right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrinterStatus {
    /// Everything is fine.
    Ready,
    /// It prints, but the roll ends soon.
    PaperNearEnd,
    /// No paper.
    PaperOut,
    /// The cover is open.
    CoverOpen,
    /// Switched to offline, or busy with itself.
    Offline,
    /// Something is broken or stuck.
    Error(Fault),
    /// This model does not tell.
    Unknown,
    /// Switched off, unplugged, or gone from the network: it cannot be opened, or does not answer.
    Unreachable,
}

impl PrinterStatus {
    /// Whether a job may be sent.
    #[must_use]
    pub fn can_print(self) -> bool {
        matches!(self, Self::Ready | Self::PaperNearEnd | Self::Unknown)
    }

    pub(crate) fn from_flags(flags: Flags) -> Self {
        if flags.cover_open {
            Self::CoverOpen
        } else if flags.paper_out {
            Self::PaperOut
        } else if let Some(fault) = flags.fault {
            Self::Error(fault)
        } else if flags.offline {
            Self::Offline
        } else if flags.paper_near_end {
            Self::PaperNearEnd
        } else {
            Self::Ready
        }
    }
}

impl fmt::Display for PrinterStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready => "The printer is ready.",
            Self::PaperNearEnd => "The paper ends soon. Keep a new roll at hand.",
            Self::PaperOut => "The printer is out of paper. Put in a new roll.",
            Self::CoverOpen => "The printer's cover is open. Close it.",
            Self::Offline => "The printer is offline. Press its online button, or switch it off and on.",
            Self::Error(Fault::Cutter) => {
                "The printer's knife is stuck. Open the cover, take out loose paper, switch it off and on."
            }
            Self::Error(Fault::Overheated) => {
                "The printer is too hot. It goes on by itself in a few minutes."
            }
            Self::Error(_) => "The printer reports an error. Switch it off and on; if it stays, call IT.",
            Self::Unknown => "This printer does not tell its state.",
            Self::Unreachable => "The printer does not answer. Check its power and its cable.",
        })
    }
}

/// What is known of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum PrintOutcome {
    /// The printer said that it is done.
    Confirmed,
    /// At least one byte went out and no answer came. It may be on paper, wholly or in part, or may yet come.
    /// Do not send it again without a person's word, and mark it as a reprint then.
    Unknown(UnknownReason),
    /// Not a byte of the job went out; it can be sent again at any time.
    NotStarted(NotStarted),
}

/// Why nothing is known of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownReason {
    /// The printer stopped during the job; some print the rest by themselves once this is put right.
    Stopped(PrinterStatus),
    /// The line was lost during the job.
    Disconnected,
    /// The printer is there but did not say that the job is done.
    NoAnswer,
    /// This model never says so.
    NoReadback,
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped(status) => {
                write!(f, "The printer stopped in the middle. {status} It may finish by itself: look first.")
            }
            Self::Disconnected => {
                f.write_str("The printer was lost in the middle. Look at the paper before printing again.")
            }
            Self::NoAnswer => {
                f.write_str("The printer did not confirm. Look at the paper before printing again.")
            }
            Self::NoReadback => f.write_str("Sent. This printer cannot confirm: look at the paper."),
        }
    }
}

/// Why a job was not begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotStarted {
    /// The printer cannot print now.
    NotReady(PrinterStatus),
    /// It could not be opened; the system's words for it.
    CannotOpen(String),
    /// It is busy with something else and takes no job.
    Busy,
    /// The document cannot be printed on this printer.
    Document(EncodeError),
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReady(status) => write!(f, "{status}"),
            Self::CannotOpen(why) => write!(f, "{} ({why})", PrinterStatus::Unreachable),
            Self::Busy => {
                f.write_str("The printer is busy, perhaps with another till. Try again in a moment.")
            }
            Self::Document(error) => write!(f, "This cannot be printed: {error}."),
        }
    }
}

/// A receipt printer, with a drawer perhaps. All calls block for up to some seconds.
pub trait Printer: Send {
    /// Asks the printer how it is.
    fn status(&mut self) -> PrinterStatus;

    /// Which characters it knows: what is printed is worded accordingly.
    fn characters(&self) -> TextEncoding {
        TextEncoding::Gb18030
    }

    /// Prints a document, once.
    fn print(&mut self, document: &Document, job: JobId) -> PrintOutcome;

    /// By what the printer would know this logo if it kept it; nothing if the till cannot store logos in it.
    fn logo_to_keep(&self, _logo: &Picture) -> Option<LogoId> {
        None
    }

    /// Stores a logo in the printer for good, and takes others out. Once that is confirmed, it is printed by its name.
    fn keep_logo(&mut self, _logo: &Picture, _instead_of: &[LogoId], _job: JobId) -> PrintOutcome {
        PrintOutcome::NotStarted(NotStarted::NotReady(PrinterStatus::Unknown))
    }

    /// What is known of the printer from before this program began: the logo that it keeps, and how many bytes long the
    /// command is that may have been cut off in the middle, so that it waits for the rest.
    fn remember_logo(&mut self, _kept: Option<LogoId>, _cut_off: usize) {}

    /// Opens the drawer, once, as a job of its own: a reprint must not open it again.
    fn kick_drawer(&mut self, kick: DrawerKick) -> PrintOutcome;

    /// The level of the drawer's switch, if the printer tells. Which level means open differs from drawer to
    /// drawer and is learnt when the till is set up.
    fn drawer_switch_is_high(&mut self) -> Option<bool>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_thing_to_do_is_told_first() {
        let all = Flags {
            offline: true,
            cover_open: true,
            paper_out: true,
            paper_near_end: true,
            fault: Some(Fault::Unspecified),
            drawer_switch_high: false,
        };
        assert_eq!(PrinterStatus::from_flags(all), PrinterStatus::CoverOpen);
        let closed = Flags { cover_open: false, ..all };
        assert_eq!(PrinterStatus::from_flags(closed), PrinterStatus::PaperOut);
        assert_eq!(PrinterStatus::from_flags(Flags::default()), PrinterStatus::Ready);
        assert!(!PrinterStatus::Offline.can_print());
        assert!(PrinterStatus::PaperNearEnd.can_print());
    }
}
