//! Receipts as pictures in a page: what the layout of the tills gives, each character in its columns, where printers put it.

use super::qr;
use askama::Template;
use evertill_shared::paper::characters::{Characters, Glyph, TextEncoding, columns_of, glyph};
use evertill_shared::paper::layout::{Row, rows};
use evertill_shared::paper::picture::Picture;
use evertill_shared::paper::qr::{QUIET_MODULES, module_dots, widest_modules};
use evertill_shared::paper::{Align, Document, Roll, Style, barcode};
use std::fmt::Write as _;

/// White around what is printed, in dots.
const MARGIN: usize = 32;
/// Dots of a normal line with its spacing, of its letters, and between larger letters and the next line.
const LINE: usize = 34;
const LETTER: usize = 24;
const SPACING: usize = 10;
/// How high bars are, in dots.
const BARS: usize = 64;
/// A picture whose outline is longer than this, in bytes, is not sent to browsers: noise, and no logo.
const LONGEST_OUTLINE: usize = 200_000;

/// What is said in the place of what a paper cannot show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    /// The code is wider than the paper: printers leave it out.
    pub no_room: &'static str,
    /// The picture is too fine for a page.
    pub too_fine: &'static str,
}

/// The black of codes and logos, as outlines; each is drawn once and shown by its place in the list.
#[derive(Debug, Default)]
pub(super) struct Outlines(pub Vec<String>);

impl Outlines {
    fn place(&mut self, outline: String) -> usize {
        let found = self.0.iter().position(|other| *other == outline);
        found.unwrap_or_else(|| {
            self.0.push(outline);
            self.0.len() - 1
        })
    }
}

/// Characters that stand side by side, as wide as each other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The middle of each, in dots from where its line begins.
    middles: String,
    text: String,
    /// Two columns each.
    wide: bool,
}

/// A line of text, in dots from the paper's upper left corner.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    x: usize,
    y: usize,
    /// How many times wider and higher than normal letters.
    wide: u8,
    high: u8,
    bold: bool,
    runs: Vec<Run>,
}

/// Where an outline stands, by its place in the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Placed {
    of: usize,
    x: usize,
    y: usize,
    /// How many times larger than it is.
    size: usize,
}

/// What is said in the place of something that is not there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Note {
    y: usize,
    middle: usize,
    text: &'static str,
}

/// A paper.
#[derive(Debug, Template)]
#[template(path = "paper.html")]
pub(super) struct Paper {
    id: String,
    name: &'static str,
    /// By what the style sheet knows how wide it is.
    class: &'static str,
    width: usize,
    height: usize,
    lines: Vec<Line>,
    placed: Vec<Placed>,
    notes: Vec<Note>,
}

// Its template escapes what is inside.
impl askama::filters::HtmlSafe for Paper {}

/// Draws a document on this paper; `id` begins with a letter.
pub(super) fn draw(
    document: &Document,
    roll: Roll,
    id: String,
    outlines: &mut Outlines,
    said: Said,
) -> Paper {
    let mut pen =
        Pen { roll, y: MARGIN, lines: Vec::new(), placed: Vec::new(), notes: Vec::new(), outlines, said };
    for row in rows(document, roll.columns) {
        match row {
            Row::Text { text, style } => pen.text(&text, style),
            Row::Qr { data, module_dots } => pen.qr(&data, module_dots),
            Row::Barcode { data } => pen.bars(&data),
            Row::Picture { picture, align } => pen.picture(&picture.at_most(roll.dots), align),
            Row::Feed(lines) => pen.y += LINE * usize::from(lines),
            Row::Cut => {}
        }
    }
    let (name, class) = if roll == Roll::MM58 { ("58 mm", "mm58") } else { ("80 mm", "mm80") };
    let (width, height) = (usize::from(roll.dots) + 2 * MARGIN, pen.y + MARGIN);
    Paper { id, name, class, width, height, lines: pen.lines, placed: pen.placed, notes: pen.notes }
}

struct Pen<'a> {
    roll: Roll,
    y: usize,
    lines: Vec<Line>,
    placed: Vec<Placed>,
    notes: Vec<Note>,
    outlines: &'a mut Outlines,
    said: Said,
}

impl Pen<'_> {
    fn text(&mut self, text: &str, style: Style) {
        let (wide, high) = (style.size.width(), style.size.height());
        let cell = usize::from(self.roll.dots / self.roll.columns.max(1));
        let x = self.left_edge(columns_of(text) * cell * usize::from(wide), style.align);
        let runs = runs(text, cell);
        if !runs.is_empty() {
            self.lines.push(Line { x, y: self.y, wide, high, bold: style.bold, runs });
        }
        self.y += LINE.max(LETTER * usize::from(high) + SPACING);
    }

    fn left_edge(&self, width: usize, align: Align) -> usize {
        let free = usize::from(self.roll.dots).saturating_sub(width);
        MARGIN
            + match align {
                Align::Left => 0,
                Align::Center => free / 2,
                Align::Right => free,
            }
    }

    fn qr(&mut self, data: &str, wanted: u8) {
        let drawn = qr::picture(data).and_then(|(side, outline)| {
            let modules = u16::try_from(side).ok()?.checked_sub(QUIET_MODULES)?;
            // As large as the till asks its printer for, which may pack digits worse than the picture does.
            let size = usize::from(module_dots(widest_modules(data)?, wanted, self.roll.dots)?);
            Some((usize::from(modules) * size, size, outline))
        });
        let Some((side, size, outline)) = drawn else { return self.note(self.said.no_room) };
        // The outline begins with its white, which the paper has already.
        let white = usize::from(QUIET_MODULES / 2) * size;
        let (x, y) = (self.left_edge(side, Align::Center), self.y);
        let of = self.outlines.place(outline);
        self.placed.push(Placed { of, x: x.saturating_sub(white), y: y.saturating_sub(white), size });
        self.y += side;
    }

    fn bars(&mut self, data: &str) {
        let Some(code) = barcode::fit(data, self.roll.dots) else { return self.note(self.said.no_room) };
        let size = usize::from(code.module_dots);
        let modules = code.modules();
        let mut outline = String::new();
        for (from, to) in dark(modules.len(), |at| modules.get(at).copied().unwrap_or_default()) {
            let (from, long) = (from * size, (to - from) * size);
            // Writing to a string does not fail.
            let _ = write!(outline, "M{from} 0h{long}v{BARS}h-{long}z");
        }
        self.y += SPACING;
        self.outline(outline, modules.len() * size, Align::Center);
        self.y += BARS + SPACING;
    }

    fn picture(&mut self, picture: &Picture, align: Align) {
        let mut outline = String::new();
        for y in 0..picture.height() {
            for (from, to) in dark(picture.width(), |x| picture.is_black(x, y)) {
                let long = to - from;
                let _ = write!(outline, "M{from} {y}h{long}v1h-{long}z");
            }
            if outline.len() > LONGEST_OUTLINE {
                return self.note(self.said.too_fine);
            }
        }
        self.outline(outline, picture.width(), align);
        self.y += picture.height();
    }

    fn outline(&mut self, outline: String, width: usize, align: Align) {
        let (x, y) = (self.left_edge(width, align), self.y);
        let of = self.outlines.place(outline);
        self.placed.push(Placed { of, x, y, size: 1 });
    }

    fn note(&mut self, text: &'static str) {
        let middle = MARGIN + usize::from(self.roll.dots) / 2;
        self.notes.push(Note { y: self.y, middle, text });
        self.y += LINE;
    }
}

/// Where it is dark, from and up to.
fn dark(length: usize, is_dark: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for at in (0..length).filter(|at| is_dark(*at)) {
        match found.last_mut() {
            Some((_, end)) if *end == at => *end += 1,
            _ => found.push((at, at + 1)),
        }
    }
    found
}

/// What the paper shows of a character, and in how many columns: the till draws what its printer does not know.
fn on_paper(character: char) -> (char, usize) {
    match glyph(character, TextEncoding::Gb18030) {
        Glyph::Half(byte) => (char::from(byte), 1),
        Glyph::Full(_) if character == '\u{A5}' => ('\u{FFE5}', 2),
        Glyph::Full(_) => (character, 2),
        Glyph::OnPage(..) => (character, 1),
        Glyph::Unknown => (character, Characters::all().columns(character)),
    }
}

fn runs(text: &str, cell: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let (mut column, mut goes_on) = (0, false);
    for (shown, columns) in text.chars().map(on_paper) {
        let middle = (2 * column + columns) * cell / 2;
        column += columns;
        if shown == ' ' {
            goes_on = false;
            continue;
        }
        match runs.last_mut().filter(|run| goes_on && run.wide == (columns == 2)) {
            Some(run) => {
                let _ = write!(run.middles, " {middle}");
                run.text.push(shown);
            }
            None => {
                runs.push(Run { middles: middle.to_string(), text: shown.to_string(), wide: columns == 2 });
            }
        }
        goes_on = true;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: Said = Said { no_room: "no room", too_fine: "too fine" };

    fn paper(document: &Document, roll: Roll) -> (Paper, Outlines) {
        let mut outlines = Outlines::default();
        (draw(document, roll, "a".into(), &mut outlines, SAID), outlines)
    }

    #[test]
    fn each_character_stands_in_the_middle_of_its_columns() {
        let run = |middles: &str, text: &str, wide| Run { middles: middles.into(), text: text.into(), wide };
        let expected = [run("6", "a", false), run("24 48", "绿茶", true), run("78 90", "5x", false)];
        assert_eq!(runs("a绿茶 5x", 12), expected);
        // The yen sign is wide on paper; what the printer does not know is drawn, each as wide as it is.
        assert_eq!(
            runs("\u{A5}\u{20BB7}ä", 12),
            [run("12 36", "\u{FFE5}\u{20BB7}", true), run("54", "ä", false)]
        );
        assert_eq!(runs("   ", 12), []);
    }

    #[test]
    fn lines_stand_where_the_printer_puts_them_and_within_the_paper() {
        let big = Style::PLAIN.centered().bold().sized(evertill_shared::paper::Size::DOUBLE);
        let document = Document::new().text("店", big).columns("a", "b").feed(2).line("c").cut();
        let (paper, _) = paper(&document, Roll::MM58);
        assert_eq!((paper.width, paper.height), (384 + 64, 32 + 58 + 34 + 68 + 34 + 32));
        let [title, columns, last] = &paper.lines[..] else { panic!("{:?}", paper.lines) };
        assert_eq!((title.x, title.y), (32 + (384 - 48) / 2, 32));
        assert_eq!((title.wide, title.high, title.bold), (2, 2, true));
        assert_eq!((columns.y, columns.runs[1].middles.as_str()), (90, "378"), "in the last of 32 columns");
        assert_eq!(last.y, 90 + 34 + 68);
    }

    #[test]
    fn codes_are_as_large_as_on_the_paper_and_drawn_once() {
        let document =
            Document::new().qr_sized("2026112014030748151000107", 16).qr("2026112014030748151000107");
        let (wide, outlines) = paper(&document, Roll::MM80);
        assert_eq!(outlines.0.len(), 1);
        let sizes = |paper: &Paper| paper.placed.iter().map(|placed| placed.size).collect::<Vec<_>>();
        assert_eq!(sizes(&wide), [16, 6]);
        assert_eq!(sizes(&paper(&document, Roll::MM58).0), [11, 6], "58 mm hold no larger modules");
    }

    #[test]
    fn a_bar_code_without_room_and_a_picture_of_noise_are_said_and_not_drawn() {
        let (narrow, _) = paper(&Document::new().barcode("T0003-1-42".repeat(4)), Roll::MM58);
        assert!(matches!(narrow.notes[..], [Note { text: "no room", .. }]) && narrow.placed.is_empty());
        let (_, outlines) = paper(&Document::new().barcode("12345"), Roll::MM58);
        assert!(outlines.0[0].starts_with("M0 0h"), "{:?}", outlines.0);
        let logo = Picture::new(2, vec![0xF0, 0x0F, 0, 1]).unwrap();
        let (_, outlines) = paper(&Document::new().picture(logo, Align::Left), Roll::MM80);
        assert_eq!(outlines.0, ["M0 0h4v1h-4zM12 0h4v1h-4zM15 1h1v1h-1z"]);
        let noise = Picture::new(72, vec![0xAA; 72 * 400]).unwrap();
        let (fine, _) = paper(&Document::new().picture(noise, Align::Left), Roll::MM80);
        assert!(matches!(fine.notes[..], [Note { text: "too fine", .. }]) && fine.placed.is_empty());
    }

    #[test]
    fn what_a_shop_wrote_is_text_and_never_markup() {
        let (paper, _) = paper(&Document::new().line("<b>&\"'"), Roll::MM80);
        let drawn = paper.render().unwrap();
        assert!(!drawn.contains("<b>") && drawn.contains("&#60;b&#62;"), "{drawn}");
    }
}
