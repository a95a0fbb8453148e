//! Paper as data: a document, the characters that printers know, and where lines break. How a printer is told is of no
//! account here; whoever prints a document, draws it or shows it on a page breaks it by these lines.

pub mod barcode;
pub mod characters;
pub mod code_pages;
pub mod document;
pub mod layout;
pub mod letters;
pub mod picture;
pub mod qr;

pub use characters::TextEncoding;
pub use document::{Align, Document, Size, Style};

/// Paper on a roll, as wide as printers print on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roll {
    /// Columns of normal characters.
    pub columns: u16,
    /// Dots across that can be printed.
    pub dots: u16,
}

impl Roll {
    /// Paper of 80 mm.
    pub const MM80: Self = Self { columns: 48, dots: 576 };
    /// Paper of 58 mm.
    pub const MM58: Self = Self { columns: 32, dots: 384 };
}
