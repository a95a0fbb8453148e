//! Setting the barcode scanner up.

use super::{ScannerState, Wallet};

/// The speeds of serial lines to choose from, in bits per second.
pub const USUAL_BAUD: [u32; 5] = [9_600, 19_200, 38_400, 57_600, 115_200];

/// Which scanners are there, how the one in use is set, and what arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScannersPage {
    /// What is plugged in.
    pub found: Vec<ScannerRow>,
    /// They are being looked for.
    pub searching: bool,
    /// The scanner in use is another, or set otherwise, than IT has written down.
    pub may_go_back: bool,
    /// The scanner in use.
    pub used: Option<ScannerProfile>,
    /// What was scanned last.
    pub arrived: Option<Arrived>,
}

/// A device that is or may be a scanner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannerRow {
    /// Names it in [`UserAction::UseScanner`](super::UserAction::UseScanner).
    pub id: String,
    /// How it speaks.
    pub kind: ScannerKind,
    /// What it calls itself.
    pub name: String,
    /// Where it is: maker and product, or a device file.
    pub place: String,
    /// It is the one in use.
    pub in_use: bool,
}

/// How a scanner speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScannerKind {
    /// By USB reports.
    Reports,
    /// On a serial line.
    Serial,
    /// As a keyboard; it may be one.
    Keyboard,
}

/// How the scanner in use is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannerProfile {
    /// How it speaks.
    pub kind: ScannerKind,
    /// Where it is.
    pub place: String,
    /// Whether it is there.
    pub state: ScannerState,
    /// What it puts in front of each code.
    pub marks: ScannerMarks,
    /// A pause ends a code, not a line end.
    pub ends_by_pause: bool,
    /// People type on it, too.
    pub typed_on: bool,
    /// How fast it sends on a serial line, in bits per second.
    pub baud: u32,
}

/// What a scanner puts in front of each code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScannerMarks {
    /// An AIM identifier, or nothing.
    Aim,
    /// Zebra's letters.
    Zebra,
    /// Datalogic's letters.
    Datalogic,
}

/// What was scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Its characters; those that cannot be seen by their names, and of what may be somebody's payment code only the first two.
    pub text: String,
    /// How many characters there were.
    pub characters: u32,
    /// The AIM identifier, if there was one.
    pub identifier: String,
    /// What the till takes it for.
    pub taken_for: TakenFor,
}

/// What the till takes a scan for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenFor {
    /// Goods of this store.
    Goods {
        /// Their name.
        name: String,
    },
    /// The number of an article that this store does not have.
    UnknownGoods,
    /// A customer's payment code.
    PaymentCode(Wallet),
    /// The code that a shop shows to be paid by.
    ShopCode,
    /// Anything else.
    Other,
    /// It could not be read.
    Unreadable,
}
