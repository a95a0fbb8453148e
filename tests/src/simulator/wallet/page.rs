//! Barcodes and QR codes for web pages, for real scanners: every bar and every square is a whole number of dots.

use qrcode::{Color, QrCode};
use std::fmt::Write;

/// Bar and space widths of the symbols 0 to 106 of Code 128.
pub const SYMBOLS: [&str; 107] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213",
    "221312", "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132",
    "221231", "213212", "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211",
    "212123", "212321", "232121", "111323", "131123", "131321", "112313", "132113", "132311", "211313",
    "231113", "231311", "112133", "112331", "132131", "113123", "113321", "133121", "313121", "211331",
    "231131", "213113", "213311", "213131", "311123", "311321", "331121", "312113", "312311", "332111",
    "314111", "221411", "431111", "111224", "111422", "121124", "121421", "141122", "141221", "112214",
    "112412", "122114", "122411", "142112", "142211", "241211", "221114", "413111", "241112", "134111",
    "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112", "421211", "212141",
    "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311", "113141",
    "114131", "311141", "411131", "211412", "211214", "211232", "2331112",
];

/// The digits as a Code 128 (set C: two digits a symbol), as SVG; empty unless they are an even number of digits.
#[must_use]
pub fn barcode(digits: &str) -> String {
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return String::new();
    }
    const START_C: usize = 105;
    const STOP: usize = 106;
    let pairs = digits.as_bytes().chunks_exact(2);
    let values: Vec<usize> =
        pairs.map(|pair| usize::from(pair[0] - b'0') * 10 + usize::from(pair[1] - b'0')).collect();
    let check = values.iter().enumerate().fold(START_C, |sum, (at, value)| sum + (at + 1) * value) % 103;
    let symbols = [START_C].into_iter().chain(values).chain([check, STOP]);
    let (mut bars, mut x) = (String::new(), 10);
    for symbol in symbols {
        for (at, width) in SYMBOLS[symbol].bytes().map(|b| u32::from(b - b'0')).enumerate() {
            if at % 2 == 0 {
                let _ = write!(bars, "M{x} 0h{width}v50h-{width}z");
            }
            x += width;
        }
    }
    format!(
        "<svg viewBox=\"0 0 {0} 50\" width=\"{1}\" height=\"100\" preserveAspectRatio=\"none\"><path d=\"{bars}\"/></svg>",
        x + 10,
        2 * (x + 10)
    )
}

/// The text as a QR code, as SVG.
#[must_use]
pub fn qr(text: &str) -> String {
    let Ok(code) = QrCode::new(text) else { return String::new() };
    let width = code.width();
    let mut squares = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let _ = write!(squares, "M{} {}h1v1h-1z", at % width + 4, at / width + 4);
        }
    }
    format!(
        "<svg viewBox=\"0 0 {0} {0}\" width=\"{1}\" height=\"{1}\"><path d=\"{squares}\"/></svg>",
        width + 8,
        (width + 8) * (240 / (width + 8)).max(2)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_symbols_obey_the_standards_own_checks() {
        assert_eq!(SYMBOLS.iter().collect::<BTreeSet<_>>().len(), 107);
        for symbol in &SYMBOLS[..106] {
            let widths: Vec<u32> = symbol.bytes().map(|b| u32::from(b - b'0')).collect();
            assert_eq!(widths.iter().sum::<u32>(), 11, "{symbol}");
            assert_eq!((widths[0] + widths[2] + widths[4]) % 2, 0, "{symbol}: bars are even");
        }
    }
}
