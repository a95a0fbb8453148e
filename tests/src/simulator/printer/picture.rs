//! A receipt as a picture: what the print head burns, dot by dot.

use super::paper::{Bars, CELL_HEIGHT, Cell, HALF_DOTS, QrModules, Receipt, Strip, indent};
use swash::FontRef;
use swash::scale::{Render, ScaleContext, Source};
use swash::zeno::Format;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The font file is none.
    #[error("the font cannot be read; give an OpenType font")]
    Font,
    /// The picture could not be written.
    #[error("the picture could not be encoded: {0}")]
    Encoding(#[from] png::EncodingError),
}

/// Pixels a letter's square is high, so that letters with feet fit the cell.
const LETTER_SIZE: f32 = 22.0;
const BASELINE: i32 = 19;
/// How much of a pixel has to be covered to be burnt.
const BURNT: u8 = 100;
/// White at the top and the bottom.
const MARGIN: u32 = 16;

impl Receipt {
    /// The receipt as a PNG file, as wide as the paper, with letters from `font` (the bytes of an OpenType
    /// file). A character that the font lacks is an empty box.
    ///
    /// # Errors
    /// When the font is none.
    pub fn to_png(&self, font: &[u8]) -> Result<Vec<u8>, PictureError> {
        let font = FontRef::from_index(font, 0).ok_or(PictureError::Font)?;
        let height = 2 * MARGIN + self.strips.iter().map(strip_height).sum::<u32>();
        let mut canvas = Canvas::new(self.dots, height);
        let mut pen = Pen { font, context: ScaleContext::new() };
        let mut top = MARGIN;
        for strip in &self.strips {
            match strip {
                Strip::Text { cells, align, .. } => {
                    let used = cells.iter().map(Cell::dots).sum();
                    let mut left = indent(*align, self.dots, used);
                    let line_height = cells_height(cells);
                    for cell in cells {
                        let drop = line_height - CELL_HEIGHT * u32::from(cell.height);
                        pen.draw(&mut canvas, cell, left, top + drop);
                        left += cell.dots();
                    }
                }
                Strip::Qr { modules, align, .. } => {
                    draw_qr(&mut canvas, modules, indent(*align, self.dots, modules.dots()), top);
                }
                Strip::Bars { bars, align } => {
                    draw_bars(&mut canvas, bars, indent(*align, self.dots, bars.dots()), top);
                }
                Strip::Picture { width_bytes, data, align } => {
                    let width = u32::try_from(width_bytes * 8).unwrap_or(0);
                    draw_raster(&mut canvas, *width_bytes, data, indent(*align, self.dots, width), top);
                }
                Strip::Blank { .. } => {}
            }
            top += strip_height(strip);
        }
        canvas.to_png()
    }
}

/// The black dots of a letter of `font` as a printer has it that knows it, in a cell of one column or of two. An empty box for
/// one that the font lacks.
///
/// # Errors
/// When the font is none.
pub fn letter_dots(font: &[u8], character: char, columns: u32) -> Result<Vec<(u32, u32)>, PictureError> {
    let font = FontRef::from_index(font, 0).ok_or(PictureError::Font)?;
    let mut pen = Pen { font, context: ScaleContext::new() };
    Ok(pen.dots_of(character, HALF_DOTS * columns))
}

fn cells_height(cells: &[Cell]) -> u32 {
    CELL_HEIGHT * u32::from(cells.iter().map(|cell| cell.height).max().unwrap_or(1))
}

fn strip_height(strip: &Strip) -> u32 {
    match strip {
        Strip::Text { cells, height_dots, .. } => (*height_dots).max(cells_height(cells)),
        Strip::Qr { modules, .. } => modules.dots(),
        Strip::Bars { bars, .. } => bars.height_dots,
        Strip::Picture { width_bytes, data, .. } => {
            u32::try_from(data.len() / (*width_bytes).max(1)).unwrap_or(0)
        }
        Strip::Blank { dots } => *dots,
    }
}

/// White paper.
struct Canvas {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Canvas {
    fn new(width: u32, height: u32) -> Self {
        let count = usize::try_from(u64::from(width) * u64::from(height)).unwrap_or(0);
        Self { width, height, pixels: vec![255; count] }
    }

    fn burn(&mut self, x: u32, y: u32) {
        if x < self.width
            && y < self.height
            && let Some(pixel) =
                usize::try_from(y * self.width + x).ok().and_then(|place| self.pixels.get_mut(place))
        {
            *pixel = 0;
        }
    }

    fn burn_block(&mut self, x: u32, y: u32, width: u32, height: u32) {
        for dy in 0..height {
            for dx in 0..width {
                self.burn(x + dx, y + dy);
            }
        }
    }

    fn to_png(&self) -> Result<Vec<u8>, PictureError> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header()?.write_image_data(&self.pixels)?;
        Ok(file)
    }
}

struct Pen<'a> {
    font: FontRef<'a>,
    context: ScaleContext,
}

impl Pen<'_> {
    /// Draws a letter in its normal size and repeats each dot, which is how printers make large letters.
    fn draw(&mut self, canvas: &mut Canvas, cell: &Cell, left: u32, top: u32) {
        let columns = HALF_DOTS * if cell.full { 2 } else { 1 };
        for (x, y) in self.dots_of(cell.character, columns) {
            let (w, h) = (u32::from(cell.width), u32::from(cell.height));
            canvas.burn_block(left + x * w, top + y * h, w + u32::from(cell.bold), h);
        }
    }

    /// The black dots of a letter in a cell `columns` dots wide.
    fn dots_of(&mut self, character: char, columns: u32) -> Vec<(u32, u32)> {
        if character.is_whitespace() {
            return Vec::new();
        }
        let id = self.font.charmap().map(character);
        let mut scaler = self.context.builder(self.font).size(LETTER_SIZE).hint(true).build();
        let image = Render::new(&[Source::Outline]).format(Format::Alpha).render(&mut scaler, id);
        let Some(image) = image.filter(|_| id != 0) else { return empty_box(columns) };
        let (width, height) = (image.placement.width, image.placement.height);
        // A letter wider than its cell is squeezed; the others stand in the middle.
        let shown = width.min(columns);
        let start = (columns - shown) / 2;
        let mut dots = Vec::new();
        for y in 0..height {
            for x in 0..shown {
                let from = x * width / shown.max(1);
                let covered = usize::try_from(y * width + from).ok().and_then(|place| image.data.get(place));
                let row = BASELINE - image.placement.top + i32::try_from(y).unwrap_or(0);
                if covered.is_some_and(|covered| *covered >= BURNT)
                    && let Ok(row) = u32::try_from(row)
                    && row < CELL_HEIGHT
                {
                    dots.push((start + x, row));
                }
            }
        }
        dots
    }
}

fn empty_box(columns: u32) -> Vec<(u32, u32)> {
    let (right, bottom) = (columns - 2, CELL_HEIGHT - 3);
    let across = (1..=right).flat_map(|x| [(x, 2), (x, bottom)]);
    let down = (2..=bottom).flat_map(|y| [(1, y), (right, y)]);
    across.chain(down).collect()
}

fn draw_qr(canvas: &mut Canvas, modules: &QrModules, left: u32, top: u32) {
    let size = modules.module_dots;
    let places = (0..modules.side).flat_map(|y| (0..modules.side).map(move |x| (x, y)));
    for ((x, y), dark) in places.zip(&modules.dark) {
        if *dark {
            canvas.burn_block(left + x * size, top + y * size, size, size);
        }
    }
}

fn draw_bars(canvas: &mut Canvas, bars: &Bars, left: u32, top: u32) {
    for (place, _) in (0..).zip(&bars.modules).filter(|(_, black)| **black) {
        canvas.burn_block(left + place * bars.module_dots, top, bars.module_dots, bars.height_dots);
    }
}

fn draw_raster(canvas: &mut Canvas, width_bytes: usize, data: &[u8], left: u32, top: u32) {
    for (row, line) in (0..).zip(data.chunks(width_bytes.max(1))) {
        for (column, byte) in (0..).zip(line) {
            for bit in (0..8).filter(|bit| byte & (0x80 >> bit) != 0) {
                canvas.burn(left + column * 8 + bit, top + row);
            }
        }
    }
}
