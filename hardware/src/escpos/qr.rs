//! How large a QR code gets. Printers silently print nothing when one is wider than the paper.

use super::picture::Picture;
use evertill_shared::paper::qr::{module_dots, widest_modules};
use qrcode::{Color, EcLevel, QrCode};

/// The longest content. Far beyond any receipt's, and below the length whose two bytes would read as a status
/// request in the middle of the data (10 04).
pub const LONGEST_DATA: usize = 1000;

/// Why a QR code cannot be printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    /// Empty, too long, or with characters other than printable ASCII.
    #[error("a QR code holds 1 to {LONGEST_DATA} printable ASCII characters")]
    Content,
    /// Wider than the paper even with the smallest modules that can be read.
    #[error("the QR code is wider than the paper; shorten its content")]
    TooWide,
}

/// A QR code that fits the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QrFit {
    /// Dots per module.
    pub module_dots: u8,
    /// Modules on a side, without the quiet zone.
    pub modules: u16,
}

/// Finds the largest module size up to `wanted` with which `data` fits paper of `dots` dots.
///
/// # Errors
/// When the content is not printable or does not fit.
pub fn fit(data: &str, wanted: u8, dots: u16) -> Result<QrFit, QrError> {
    let printable = data.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if data.is_empty() || data.len() > LONGEST_DATA || !printable {
        return Err(QrError::Content);
    }
    let modules = widest_modules(data).ok_or(QrError::Content)?;
    let module_dots = module_dots(modules, wanted, dots).ok_or(QrError::TooWide)?;
    Ok(QrFit { module_dots, modules })
}

/// The code as a picture, for a printer that makes none by itself, and for screens and files.
///
/// # Errors
/// As [`fit`].
pub fn picture(data: &str, wanted: u8, dots: u16) -> Result<Picture, QrError> {
    let fit = fit(data, wanted, dots)?;
    let (side, dark) = modules(data).ok_or(QrError::Content)?;
    Picture::of_squares(side, &dark, fit.module_dots.into()).ok_or(QrError::Content)
}

/// The modules of a side, and which are dark, row by row.
#[must_use]
pub fn modules(data: &str) -> Option<(usize, Vec<bool>)> {
    let code = QrCode::with_error_correction_level(data, EcLevel::M).ok()?;
    Some((code.width(), code.to_colors().into_iter().map(|color| color == Color::Dark).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use qrcode::Version;
    use qrcode::bits::Bits;

    #[test]
    fn the_side_is_that_of_the_smallest_version_that_takes_the_bytes() {
        let smallest = |data: &str| {
            (1..=40_i16).find(|version| {
                let mut bits = Bits::new(Version::Normal(*version));
                let pushed = bits.push_byte_data(data.as_bytes());
                pushed.is_ok() && bits.push_terminator(EcLevel::M).is_ok()
            })
        };
        for length in 1..=LONGEST_DATA {
            let data = "x".repeat(length);
            let side = smallest(&data).map(|version| u16::try_from(17 + 4 * version).unwrap());
            assert_eq!(widest_modules(&data), side, "{length}");
        }
    }

    #[test]
    fn an_order_number_fits_both_papers_in_full_size() {
        let number = "20260921121543212322190092";
        assert_eq!(fit(number, 6, 576), Ok(QrFit { module_dots: 6, modules: 25 }));
        assert_eq!(fit(number, 6, 384), Ok(QrFit { module_dots: 6, modules: 25 }));
    }

    #[test]
    fn a_long_code_gets_smaller_modules_and_a_longer_one_is_refused() {
        assert_eq!(fit(&"x".repeat(300), 6, 384).unwrap().module_dots, 4);
        assert_eq!(fit(&"x".repeat(1000), 6, 384), Err(QrError::TooWide));
    }

    #[test]
    fn what_a_printer_could_take_for_orders_is_refused() {
        assert_eq!(fit("a\u{10}\u{4}\u{1}", 6, 576), Err(QrError::Content));
        assert_eq!(fit("", 6, 576), Err(QrError::Content));
        assert_eq!(fit(&"x".repeat(1037), 6, 9999), Err(QrError::Content));
    }
}
