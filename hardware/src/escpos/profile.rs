//! What a printer can do. Printers do not tell, so this is configuration.

use super::logo::LogoStore;
use evertill_shared::paper::Roll;
pub use evertill_shared::paper::TextEncoding;

/// What happens to a character that the printer does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownCharacter {
    /// A question mark is printed.
    Replace,
    /// The document is refused before anything is sent.
    Refuse,
}

/// How a printer says that a job is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// It echoes a number of ours once all before it is on paper (GS ( H function 48).
    ProcessId,
    /// It answers a question of ours once it comes to it in its buffer (GS r 1).
    PaperStatus,
    /// It says nothing: a job is sent, and nobody knows.
    None,
}

/// One model of printer with its paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Columns of normal characters on a line.
    pub columns: u16,
    /// Dots across the paper that can be printed.
    pub dots: u16,
    /// Which characters it knows.
    pub encoding: TextEncoding,
    /// What happens to others.
    pub unknown_character: UnknownCharacter,
    /// How it says that a job is done.
    pub completion: Completion,
    /// Whether it answers DLE EOT, even when offline.
    pub real_time_status: bool,
    /// Whether it opens the drawer by DLE DC4, even without paper.
    pub real_time_pulse: bool,
    /// Whether it prints pictures (GS v 0), and so logos, QR codes that it does not make itself, and lines with characters that
    /// it does not know; without it they are left out, and such characters are question marks.
    pub raster: bool,
    /// Whether it makes QR codes by itself (GS ( k); otherwise they are sent as pictures.
    pub qr: bool,
    /// Whether it makes bar codes of the kind Code 128 (GS k 73).
    pub barcode: bool,
    /// How it keeps logos.
    pub logo: LogoStore,
    /// Whether it has a knife.
    pub cutter: bool,
    /// The slowest that it prints at, in millimetres a second; decides how long to wait for an answer.
    pub slowest_mm_per_s: u16,
}

/// Dots per millimetre at 203 dpi, which is what these printers have.
pub const DOTS_PER_MM: u32 = 8;

impl Profile {
    /// A printer with 80 mm paper: 48 columns, 576 dots.
    #[must_use]
    pub fn paper_80mm() -> Self {
        Self {
            columns: Roll::MM80.columns,
            dots: Roll::MM80.dots,
            encoding: TextEncoding::Gb18030,
            unknown_character: UnknownCharacter::Replace,
            completion: Completion::PaperStatus,
            real_time_status: true,
            real_time_pulse: false,
            raster: true,
            qr: true,
            barcode: true,
            logo: LogoStore::Never,
            cutter: true,
            slowest_mm_per_s: 50,
        }
    }

    /// A small printer with 58 mm paper and no knife: 32 columns, 384 dots.
    #[must_use]
    pub fn paper_58mm() -> Self {
        Self { columns: Roll::MM58.columns, dots: Roll::MM58.dots, cutter: false, ..Self::paper_80mm() }
    }

    /// The same printer with another way of saying that a job is done.
    #[must_use]
    pub fn with_completion(self, completion: Completion) -> Self {
        Self { completion, ..self }
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::paper_80mm()
    }
}
