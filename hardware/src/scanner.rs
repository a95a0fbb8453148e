//! Barcode scanners: what they report, and the text they read.

pub mod assembler;
mod device_file;
mod duplicates;
pub mod find;
pub mod hid_pos;
pub mod serial;
mod trim;
pub mod wedge;
mod worker;

pub use assembler::{Assembler, AssemblerConfig, Framing, Marks, Refusal};
pub use find::{Found, FoundKind, Links, Places, UsbId, Where, meant};
pub use hid_pos::{HidPosScanner, HidPosScannerConfig};
pub use serial::{SerialScanner, SerialScannerConfig};
pub use trim::Trim;
pub use wedge::{Key, Typing, WedgeScanner, WedgeScannerConfig, WedgeSettings};

use std::fmt;
use zeroize::{Zeroize as _, ZeroizeOnDrop};

/// What a scanner read, as text.
///
/// It may be a customer's payment code, so until it is classified it is a secret: it does not print, and its
/// memory is zeroed when it is dropped.
#[derive(ZeroizeOnDrop)]
pub struct ScanText(String);

impl ScanText {
    /// Takes over `text`; the caller keeps no copy.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// A copy of `bytes` if they are UTF-8.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(|text| Self(text.to_owned()))
    }

    /// The text in clear. Do not log it and do not keep it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text in clear, now owned by the caller, who has to zero it.
    #[must_use]
    pub fn into_exposed(mut self) -> String {
        std::mem::take(&mut self.0)
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn same_as(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }

    /// So many bytes from `start`; nothing where that would part a character.
    pub(crate) fn part(&self, start: usize, count: usize) -> Self {
        Self(self.0.get(start..start + count).unwrap_or_default().to_owned())
    }

    /// Removes the first `count` bytes; a `count` inside a character removes nothing.
    pub(crate) fn without_prefix(mut self, count: usize) -> Self {
        let rest = Self(self.0.get(count..).unwrap_or(&self.0).to_owned());
        self.0.zeroize();
        rest
    }
}

impl fmt::Debug for ScanText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScanText(<{} bytes>)", self.0.len())
    }
}

/// What a scanner has to say.
#[derive(Debug)]
pub enum ScannerEvent {
    /// The line is open; scans can come.
    Connected,
    /// The line is lost or could not be opened; it is tried again by itself.
    Disconnected {
        /// The system's words for it.
        reason: String,
    },
    /// One code was read.
    Scanned(ScanText),
    /// A person pressed a key on a device that is keyboard and scanner in one; it is for the window.
    Typed(Key),
    /// Something was read but must not be used; the code has to be scanned again.
    ScanRefused {
        /// Why.
        reason: Refusal,
    },
}

/// Where a scanner's events go; called on the scanner's own thread.
pub type OnEvent = Box<dyn FnMut(ScannerEvent) + Send>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_does_not_print() {
        let scan = ScanText::new("134567890123456789".into());
        assert_eq!(format!("{scan:?}"), "ScanText(<18 bytes>)");
        assert!(!format!("{:?}", ScannerEvent::Scanned(scan)).contains("1345"));
    }

    #[test]
    fn removing_a_prefix_inside_a_character_removes_nothing() {
        assert_eq!(ScanText::new("中1".into()).without_prefix(1).expose(), "中1");
        assert_eq!(ScanText::new("]E06".into()).without_prefix(3).expose(), "6");
    }
}
