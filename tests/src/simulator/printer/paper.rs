//! What came out of the printer.

use evertill_hardware::escpos::barcode::{check_symbol, modules};
use qrcode::{Color, EcLevel, QrCode};

/// One character on paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) character: char,
    /// Of two columns.
    pub(super) full: bool,
    pub(super) bold: bool,
    pub(super) width: u8,
    pub(super) height: u8,
}

/// Dots that a character of one column is wide.
pub(super) const HALF_DOTS: u32 = 12;
/// Dots that a character is high.
pub(super) const CELL_HEIGHT: u32 = 24;

impl Cell {
    pub(super) fn dots(&self) -> u32 {
        HALF_DOTS * if self.full { 2 } else { 1 } * u32::from(self.width)
    }
}

/// A QR code as its modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QrModules {
    pub(super) side: u32,
    pub(super) dark: Vec<bool>,
    pub(super) module_dots: u32,
}

impl QrModules {
    /// Makes the code; `None` if the data is too much for any.
    pub(super) fn new(data: &[u8], level: u8, module_dots: u8) -> Option<Self> {
        let level = match level {
            0 => EcLevel::L,
            1 => EcLevel::M,
            2 => EcLevel::Q,
            _ => EcLevel::H,
        };
        let code = QrCode::with_error_correction_level(data, level).ok()?;
        let dark = code.to_colors().into_iter().map(|color| color == Color::Dark).collect();
        Some(Self { side: u32::try_from(code.width()).ok()?, dark, module_dots: module_dots.into() })
    }

    pub(super) fn dots(&self) -> u32 {
        self.side * self.module_dots
    }
}

/// A bar code as its modules from left to right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bars {
    pub(super) modules: Vec<bool>,
    pub(super) module_dots: u32,
    pub(super) height_dots: u32,
}

impl Bars {
    /// Code 128 of what follows GS k 73: sets are chosen by a brace and a letter, as the printers' manuals say. `None`
    /// for what a printer prints nothing for.
    pub(super) fn code128(content: &[u8], module_dots: u8, height_dots: u8) -> Option<Self> {
        let (mut symbols, mut set, mut rest) = (Vec::new(), None, content);
        while let Some((&first, after)) = rest.split_first() {
            let second = after.first().copied();
            let (symbol, used) = match (first, second, set) {
                (b'{', Some(new @ (b'A' | b'B' | b'C')), before) => {
                    set = Some(new);
                    // The start of each set, and the switch to it.
                    let (start, switch) = [(103, 101), (104, 100), (105, 99)][usize::from(new - b'A')];
                    (if before.is_none() { start } else { switch }, 2)
                }
                (b'{', Some(b'{'), Some(b'B')) => (b'{' - b' ', 2),
                (b' '..=b'z' | b'|'..=b'~', _, Some(b'B')) => (first - b' ', 1),
                (0..=99, _, Some(b'C')) => (first, 1),
                _ => return None,
            };
            symbols.push(symbol);
            rest = rest.get(used..)?;
        }
        set?;
        symbols.push(check_symbol(&symbols));
        symbols.push(106);
        let (module_dots, height_dots) = (module_dots.into(), height_dots.into());
        Some(Self { modules: modules(&symbols), module_dots, height_dots })
    }

    pub(super) fn dots(&self) -> u32 {
        u32::try_from(self.modules.len()).unwrap_or(u32::MAX).saturating_mul(self.module_dots)
    }
}

/// A strip of paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Strip {
    Text { cells: Vec<Cell>, align: u8, height_dots: u32 },
    Qr { data: String, modules: QrModules, align: u8 },
    Bars { bars: Bars, align: u8 },
    Picture { width_bytes: usize, data: Vec<u8>, align: u8 },
    Blank { dots: u32 },
}

/// A piece of paper: from one cut to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    pub(super) strips: Vec<Strip>,
    pub(super) dots: u32,
}

impl Receipt {
    /// Whether nothing was printed on it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.strips.is_empty()
    }

    /// What a person reads on it, a line for a line; a QR code as `[QR]` and its content.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for strip in &self.strips {
            match strip {
                Strip::Text { cells, align, .. } => {
                    let used: u32 = cells.iter().map(Cell::dots).sum();
                    let indent = if cells.is_empty() { 0 } else { indent(*align, self.dots, used) };
                    out.extend(std::iter::repeat_n(' ', usize::try_from(indent / HALF_DOTS).unwrap_or(0)));
                    out.extend(cells.iter().map(|cell| cell.character));
                    out.push('\n');
                }
                Strip::Qr { data, .. } => {
                    out.push_str("[QR] ");
                    out.push_str(data);
                    out.push('\n');
                }
                Strip::Bars { .. } => out.push_str("[bars]\n"),
                Strip::Picture { .. } => out.push_str("[picture]\n"),
                Strip::Blank { .. } => {}
            }
        }
        out
    }

    /// The contents of its QR codes.
    #[must_use]
    pub fn qr_codes(&self) -> Vec<String> {
        self.strips
            .iter()
            .filter_map(|strip| match strip {
                Strip::Qr { data, .. } => Some(data.clone()),
                _ => None,
            })
            .collect()
    }
}

/// Where something `used` dots wide begins on paper of `dots` dots.
pub(super) fn indent(align: u8, dots: u32, used: u32) -> u32 {
    let free = dots.saturating_sub(used);
    match align {
        1 | b'1' => free / 2,
        2 | b'2' => free,
        _ => 0,
    }
}
