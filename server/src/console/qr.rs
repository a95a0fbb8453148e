//! QR codes that the console shows.

use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write as _;

/// So much of nothing stands around a code, in modules.
const QUIET: usize = 4;

/// The QR code of a text: its side in modules, and the dark ones as a path.
pub(super) fn picture(text: &str) -> Option<(usize, String)> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let (width, mut path) = (code.width(), String::new());
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (at % width + QUIET, at / width + QUIET);
            write!(path, "M{x} {y}h1v1h-1z").ok()?;
        }
    }
    Some((width + 2 * QUIET, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_of_a_code_fits_a_phone_and_a_card_and_has_its_quiet_zone() {
        for code in ["EVTA-ABCDE-FGH23-JKLMN-PQRST", "EVTC-ABCDE-FGH23-JKLMN-PQRST"] {
            let (side, path) = picture(code).unwrap();
            assert!((25 + 2 * QUIET..=33 + 2 * QUIET).contains(&side), "{side}");
            assert!(path.starts_with("M4 4h1v1h-1z"), "the corner's mark begins behind the quiet zone");
        }
    }
}
