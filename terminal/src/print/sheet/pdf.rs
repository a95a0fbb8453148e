//! A sheet as a PDF file, one page as large as the paper. Its text is text: it can be selected, searched and read aloud;
//! the letters that it uses are inside.

#![allow(clippy::float_arithmetic, reason = "places on a page; no money is counted here")]

use super::{Face, Mark, Run, Sheet, SheetError};
use evertill_hardware::escpos::picture::Picture;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, TextRenderingMode, UnicodeCmap};
use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};
use std::collections::BTreeMap;
use subsetter::GlyphRemapper;

/// Points in a dot of an eighth of a millimetre.
const POINTS: f32 = 72.0 / 25.4 / 8.0;
/// How much fatter bold letters are, in dots.
const BOLD: f32 = 0.9;
const FONT: Name<'static> = Name(b"F");
const FONT_NAME: Name<'static> = Name(b"EVERTL+NotoSansSC-Regular");
const SYSTEM: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// The objects of the file.
const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);
const INFO: Ref = Ref::new(5);
const TYPE0: Ref = Ref::new(6);
const CID: Ref = Ref::new(7);
const DESCRIPTOR: Ref = Ref::new(8);
const FILE: Ref = Ref::new(9);
const CMAP: Ref = Ref::new(10);

/// The letters that are used, with their new numbers.
#[derive(Default)]
struct Used {
    glyphs: GlyphRemapper,
    /// By new number: the character, and how far the pen goes.
    letters: BTreeMap<u16, (char, f32)>,
}

impl Used {
    fn take(&mut self, character: char, face: &Face<'_>) -> u16 {
        let new = self.glyphs.remap(face.glyph(character));
        self.letters.entry(new).or_insert_with(|| (character, face.advance(character)));
        new
    }
}

/// The file; `title` is what viewers call it.
/// # Errors
/// The font cannot be taken apart.
pub fn pdf(sheet: &Sheet, face: &Face<'_>, title: &str) -> Result<Vec<u8>, SheetError> {
    let mut used = Used::default();
    let content = content(sheet, face, &mut used);
    let mut pdf = Pdf::new();
    pdf.catalog(CATALOG).pages(PAGES);
    pdf.pages(PAGES).kids([PAGE]).count(1);
    let mut page = pdf.page(PAGE);
    page.parent(PAGES).contents(CONTENT);
    page.media_box(Rect::new(0.0, 0.0, sheet.width * POINTS, sheet.height * POINTS));
    page.resources().fonts().pair(FONT, TYPE0);
    page.finish();
    pdf.stream(CONTENT, &content);
    pdf.document_info(INFO).title(TextStr(title)).creator(TextStr("Evertill"));
    write_font(&mut pdf, face, &used)?;
    Ok(pdf.finish())
}

fn content(sheet: &Sheet, face: &Face<'_>, used: &mut Used) -> Vec<u8> {
    let mut content = Content::new();
    // From here on a unit is a dot.
    content.transform([POINTS, 0.0, 0.0, POINTS, 0.0, 0.0]).set_line_width(BOLD);
    for mark in &sheet.marks {
        match mark {
            Mark::Text(run) => text(&mut content, run, sheet.height, face, used),
            Mark::Rule { x, y, length } => {
                content.rect(*x, sheet.height - y - 1.0, *length, 1.5).fill_nonzero();
            }
            Mark::Dots { picture, x, y } => dots(&mut content, picture, *x, sheet.height - y),
        }
    }
    content.finish().into_vec()
}

fn text(content: &mut Content, run: &Run, height: f32, face: &Face<'_>, used: &mut Used) {
    let letters: Vec<u8> =
        run.text.chars().flat_map(|character| used.take(character, face).to_be_bytes()).collect();
    let mode = if run.bold { TextRenderingMode::FillStroke } else { TextRenderingMode::Fill };
    content.begin_text().set_text_rendering_mode(mode).set_font(FONT, 1.0);
    content.set_text_matrix([run.size * run.stretch, 0.0, 0.0, run.size, run.x, height - run.baseline]);
    content.show(Str(&letters)).end_text();
}

/// Runs of black dots as rectangles; rows that are alike are one.
fn dots(content: &mut Content, picture: &Picture, left: f32, top: f32) {
    let place = |dots: usize| f32::from(u16::try_from(dots).unwrap_or(u16::MAX));
    let line = |y: usize| -> Vec<bool> { (0..picture.width()).map(|x| picture.is_black(x, y)).collect() };
    let mut y = 0;
    while y < picture.height() {
        let row = line(y);
        let mut end = y + 1;
        while end < picture.height() && line(end) == row {
            end += 1;
        }
        let mut x = 0;
        while x < row.len() {
            let from = x;
            while row.get(x) == Some(&true) {
                x += 1;
            }
            if x > from {
                content.rect(left + place(from), top - place(end), place(x - from), place(end - y));
            }
            x += 1;
        }
        y = end;
    }
    content.fill_nonzero();
}

fn write_font(pdf: &mut Pdf, face: &Face<'_>, used: &Used) -> Result<(), SheetError> {
    let subset = subsetter::subset(face.bytes, 0, &used.glyphs).map_err(SheetError::Subset)?;
    pdf.type0_font(TYPE0)
        .base_font(FONT_NAME)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(CID)
        .to_unicode(CMAP);
    let cff = table(&subset, *b"CFF ");
    let mut cid = pdf.cid_font(CID);
    cid.subtype(if cff.is_some() { CidFontType::Type0 } else { CidFontType::Type2 });
    cid.base_font(FONT_NAME).system_info(SYSTEM).font_descriptor(DESCRIPTOR).default_width(1000.0);
    if cff.is_none() {
        cid.cid_to_gid_map_predefined(Name(b"Identity"));
    }
    let mut widths = cid.widths();
    for (number, (_, advance)) in &used.letters {
        widths.same(*number, *number, advance * 1000.0);
    }
    widths.finish();
    cid.finish();
    let mut descriptor = pdf.font_descriptor(DESCRIPTOR);
    descriptor.name(FONT_NAME).flags(FontFlags::SYMBOLIC).italic_angle(0.0).stem_v(80.0);
    descriptor.bbox(Rect::new(-100.0, -250.0, 1_100.0, 1_000.0));
    descriptor.ascent(880.0).descent(-120.0).cap_height(733.0);
    match cff {
        Some(_) => descriptor.font_file3(FILE),
        None => descriptor.font_file2(FILE),
    };
    descriptor.finish();
    match cff {
        Some(cff) => {
            pdf.stream(FILE, cff).pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
        }
        None => drop(pdf.stream(FILE, &subset)),
    }
    let mut cmap = UnicodeCmap::new(Name(b"Evertill"), SYSTEM);
    for (number, (character, _)) in &used.letters {
        cmap.pair(*number, *character);
    }
    pdf.cmap(CMAP, &cmap.finish()).system_info(SYSTEM);
    Ok(())
}

/// One table of an OpenType file.
fn table(font: &[u8], tag: [u8; 4]) -> Option<&[u8]> {
    let count = u16::from_be_bytes(font.get(4..6)?.try_into().ok()?);
    let record =
        font.get(12..)?.chunks_exact(16).take(count.into()).find(|record| record.starts_with(&tag))?;
    let number = |at: usize| {
        let bytes = record.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    };
    let (offset, length) = (number(8)?, number(12)?);
    font.get(offset..offset.checked_add(length)?)
}
