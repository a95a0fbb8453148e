//! A picture of black dots, as it stands in a template.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;

/// The widest logo: that of 80 mm paper.
const WIDEST: u16 = 576;
/// The highest: 5 cm.
const HIGHEST: u16 = 400;
/// Characters of one line of a logo in a template.
const LINE: usize = 96;

/// A picture: rows of eight dots a byte, the leftmost in the highest bit; a one is black.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    width: u16,
    height: u16,
    dots: Vec<u8>,
}

/// A picture that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    /// Its size.
    #[error("a logo is 8 to {WIDEST} dots wide, by eights, and 1 to {HIGHEST} high")]
    Size,
    /// Its dots.
    #[error(
        "the lines below it do not hold as many dots as it says; make them anew with `evertill-receipt logo`"
    )]
    Dots,
}

impl Logo {
    /// A picture of these dots.
    /// # Errors
    /// It is too large, or the dots are too few or too many.
    pub fn new(width: u16, height: u16, dots: Vec<u8>) -> Result<Self, LogoError> {
        if !(8..=WIDEST).contains(&width) || !width.is_multiple_of(8) || !(1..=HIGHEST).contains(&height) {
            return Err(LogoError::Size);
        }
        if dots.len() != usize::from(width / 8) * usize::from(height) {
            return Err(LogoError::Dots);
        }
        Ok(Self { width, height, dots })
    }

    pub(super) fn from_text(width: u16, height: u16, base64: &str) -> Result<Self, LogoError> {
        // The size first: what is as long as the template's limit is not decoded for nothing.
        Self::new(width, height, STANDARD.decode(base64).map_err(|_| LogoError::Dots)?)
    }

    /// Dots across.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Dots down.
    #[must_use]
    pub fn height(&self) -> u16 {
        self.height
    }

    /// The rows, each `width / 8` bytes.
    #[must_use]
    pub fn dots(&self) -> &[u8] {
        &self.dots
    }

    /// The lines for a template.
    #[must_use]
    pub fn to_text(&self) -> String {
        let all = STANDARD.encode(&self.dots);
        let mut text = format!("logo {}x{} center\n", self.width, self.height);
        for line in all.as_bytes().chunks(LINE) {
            // Base64 is ASCII, and writing to a string does not fail.
            let _ = writeln!(text, "| {}", String::from_utf8_lossy(line));
        }
        text
    }
}
