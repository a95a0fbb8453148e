//! A receipt as a sheet: every text, rule and picture with its place, for files and screens. As wide as the paper, and
//! with its lines where the printer has them; the letters are those of a book, not of a printer's grid.

#![allow(clippy::float_arithmetic, reason = "places on a page; no money is counted here")]

pub mod pdf;
pub mod png;

use evertill_hardware::escpos::characters::columns_of;
use evertill_hardware::escpos::document::Align;
use evertill_hardware::escpos::layout::{Row, rows};
use evertill_hardware::escpos::picture::Picture;
use evertill_hardware::escpos::{barcode, qr};
use evertill_hardware::{Document, Profile, Style};
use swash::FontRef;

/// White around what is printed: 4 mm, as paper has it.
const MARGIN: f32 = 32.0;
/// Dots of a normal line with its spacing, and of its letters' square.
const LINE: f32 = 34.0;
const LETTER: f32 = 24.0;
/// Between letters of one height and the next line.
const SPACING: f32 = 10.0;
/// How large letters are in their square, and where they stand in it.
const SIZE: f32 = 22.0;
const BASELINE: f32 = 19.0;
/// The columns by which what belongs to the line above is moved in.
const DEEPEST_INDENT: usize = 2;
/// How high a bar code is, in dots.
const BAR_DOTS: usize = 64;

/// A receipt cannot be made into a file.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The font file is none.
    #[error("the font cannot be read; give an OpenType font")]
    Font,
    /// A QR code.
    #[error(transparent)]
    Qr(#[from] qr::QrError),
    /// The letters that are used could not be taken out of the font.
    #[error("the font's letters cannot be taken out of it: {0}")]
    Subset(subsetter::Error),
    /// The picture could not be written.
    #[error("the picture could not be written: {0}")]
    Png(#[from] ::png::EncodingError),
}

/// An OpenType font.
#[derive(Clone, Copy)]
pub struct Face<'a> {
    bytes: &'a [u8],
    font: FontRef<'a>,
}

impl<'a> Face<'a> {
    /// The font of a file.
    /// # Errors
    /// [`SheetError::Font`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, SheetError> {
        let font = FontRef::from_index(bytes, 0).ok_or(SheetError::Font)?;
        Ok(Self { bytes, font })
    }

    fn glyph(&self, character: char) -> u16 {
        self.font.charmap().map(character)
    }

    /// How far the pen goes for a letter, as a part of the letter's size.
    fn advance(&self, character: char) -> f32 {
        let metrics = self.font.glyph_metrics(&[]);
        let units = f32::from(metrics.units_per_em().max(1));
        metrics.advance_width(self.glyph(character)) / units
    }

    fn width(&self, text: &str) -> f32 {
        text.chars().map(|character| self.advance(character)).sum()
    }
}

/// A text at its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The text.
    pub text: String,
    /// Where it begins.
    pub x: f32,
    /// Where its letters stand.
    pub baseline: f32,
    /// How high letters are.
    pub size: f32,
    /// How much wider than they are in the font; less than one where a line would be too long.
    pub stretch: f32,
    /// Fat.
    pub bold: bool,
}

/// Something on the sheet, in dots from its upper left corner.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A text.
    Text(Run),
    /// A line across.
    Rule {
        /// Where it begins.
        x: f32,
        /// How far down.
        y: f32,
        /// How long it is.
        length: f32,
    },
    /// Black dots.
    Dots {
        /// The dots.
        picture: Picture,
        /// The left edge.
        x: f32,
        /// The upper edge.
        y: f32,
    },
}

/// A sheet of paper, in dots of an eighth of a millimetre.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// Across.
    pub width: f32,
    /// Down.
    pub height: f32,
    /// What stands on it.
    pub marks: Vec<Mark>,
}

/// Lays a document out on paper as wide as the printer's.
/// # Errors
/// A QR code that fits no paper.
pub fn sheet(document: &Document, profile: &Profile, face: &Face<'_>) -> Result<Sheet, SheetError> {
    let mut pen = Pen { paper: f32::from(profile.dots), profile, face, y: MARGIN, marks: Vec::new() };
    for row in rows(document, profile.columns) {
        match row {
            Row::Text { text, style } => pen.text(&text, style),
            Row::Qr { data, module_dots } => {
                pen.dots(qr::picture(&data, module_dots, profile.dots)?, Align::Center);
            }
            Row::Barcode { data } => pen.bars(&data),
            Row::Picture { picture, align } => pen.dots(picture.at_most(profile.dots), align),
            Row::Feed(lines) => pen.y += LINE * f32::from(lines),
            Row::Cut => {}
        }
    }
    Ok(Sheet { width: pen.paper + 2.0 * MARGIN, height: pen.y + MARGIN, marks: pen.marks })
}

struct Pen<'a> {
    paper: f32,
    profile: &'a Profile,
    face: &'a Face<'a>,
    y: f32,
    marks: Vec<Mark>,
}

impl Pen<'_> {
    fn text(&mut self, text: &str, style: Style) {
        let (wide, high) = (f32::from(style.size.width()), f32::from(style.size.height()));
        let height = LINE.max(LETTER * high + SPACING);
        let is_rule = !text.is_empty() && text.bytes().all(|byte| byte == b'-');
        if is_rule && columns_of(text) == usize::from(self.profile.columns) {
            self.marks.push(Mark::Rule { x: MARGIN, y: self.y + LETTER / 2.0, length: self.paper });
        } else {
            let cell = self.paper / f32::from(self.profile.columns.max(1)) * wide;
            let baseline = self.y + BASELINE * high;
            for piece in pieces(text, style.align) {
                let run = self.run(&piece, cell, (wide, high), style.bold);
                self.marks.push(Mark::Text(Run { baseline, ..run }));
            }
        }
        self.y += height;
    }

    fn run(&self, piece: &Piece<'_>, cell: f32, (wide, high): (f32, f32), bold: bool) -> Run {
        let text = shown(piece.text);
        let size = SIZE * high;
        let natural = self.face.width(&text) * size * wide / high;
        // What stands alone on its line may fill it; what has a neighbour keeps to its columns.
        let room = if piece.alone { self.paper } else { cell * columns(piece.columns) };
        let squeeze = if natural > room { room / natural } else { 1.0 };
        let width = natural * squeeze;
        let x = match piece.at {
            At::Column(column) => cell * columns(column),
            At::EndsBefore(column) => (cell * columns(column) - width).max(0.0),
            At::Middle => (self.paper - width) / 2.0,
            At::Right => self.paper - width,
        };
        Run { text, x: MARGIN + x, baseline: 0.0, size, stretch: wide / high * squeeze, bold }
    }

    fn bars(&mut self, data: &str) {
        let Some(code) = barcode::fit(data, self.profile.dots) else { return };
        let (modules, size) = (code.modules(), usize::from(code.module_dots));
        let rows = modules.repeat((BAR_DOTS / size).max(1));
        if let Some(picture) = Picture::of_squares(modules.len(), &rows, size) {
            self.y += SPACING;
            self.dots(picture, Align::Center);
            self.y += SPACING;
        }
    }

    fn dots(&mut self, picture: Picture, align: Align) {
        let free = (self.paper - dots(picture.width())).max(0.0);
        let x = match align {
            Align::Left => 0.0,
            // On whole dots, so that edges are sharp.
            Align::Center => (free / 2.0).round(),
            Align::Right => free,
        };
        let height = dots(picture.height());
        self.marks.push(Mark::Dots { picture, x: MARGIN + x, y: self.y });
        self.y += height;
    }
}

/// Small enough to be exact.
fn dots(count: usize) -> f32 {
    f32::from(u16::try_from(count).unwrap_or(u16::MAX))
}

fn columns(count: usize) -> f32 {
    dots(count)
}

/// What the paper shows of a text.
fn shown(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// Where a piece of a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Column(usize),
    EndsBefore(usize),
    Middle,
    Right,
}

/// A part of a line that stands apart from the others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece<'a> {
    text: &'a str,
    at: At,
    columns: usize,
    alone: bool,
}

/// Parts a line where two spaces or more part it: what stands at its end is an amount, and ends there.
fn pieces(text: &str, align: Align) -> Vec<Piece<'_>> {
    let whole = |at| vec![Piece { text, at, columns: columns_of(text), alone: true }];
    match align {
        Align::Center => return whole(At::Middle),
        Align::Right => return whole(At::Right),
        Align::Left => {}
    }
    let start = text.len() - text.trim_start_matches(' ').len();
    let (indent, body) = text.split_at(start);
    let end = columns_of(text);
    let Some(gap) = body.rfind("  ") else {
        // An amount for which there was no room above stands alone at the right edge.
        let pushed = columns_of(indent) > DEEPEST_INDENT;
        let at = if pushed { At::EndsBefore(end) } else { At::Column(columns_of(indent)) };
        let piece = Piece { text: body, at, columns: columns_of(body), alone: indent.is_empty() };
        return if body.is_empty() { Vec::new() } else { vec![piece] };
    };
    let (left, right) = body.split_at(gap);
    let (left, right) = (left.trim_end_matches(' '), right.trim_start_matches(' '));
    let left =
        Piece { text: left, at: At::Column(columns_of(indent)), columns: columns_of(left), alone: false };
    let right = Piece { text: right, at: At::EndsBefore(end), columns: columns_of(right), alone: false };
    [left, right].into_iter().filter(|piece| !piece.text.is_empty()).collect()
}

#[cfg(test)]
mod tests;
