//! Barcodes and QR codes for web pages, for real scanners: every bar and every square is a whole number of dots.

use evertill_hardware::escpos::barcode::{check_symbol, modules};
use qrcode::{Color, QrCode};
use std::fmt::Write;

/// The digits as a Code 128 (set C: two digits a symbol), as SVG; empty unless they are an even number of digits.
#[must_use]
pub fn barcode(digits: &str) -> String {
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return String::new();
    }
    const START_C: u8 = 105;
    const STOP: u8 = 106;
    let pairs = digits.as_bytes().chunks_exact(2).map(|pair| (pair[0] - b'0') * 10 + pair[1] - b'0');
    let mut symbols: Vec<u8> = [START_C].into_iter().chain(pairs).collect();
    symbols.extend([check_symbol(&symbols), STOP]);
    let (mut bars, mut x) = (String::new(), 10);
    for run in modules(&symbols).chunk_by(|a, b| a == b) {
        let width = run.len();
        if run[0] {
            let _ = write!(bars, "M{x} 0h{width}v50h-{width}z");
        }
        x += width;
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
