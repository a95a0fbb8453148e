//! Pictures, and how alike they are.

use super::Area;
use crate::rig::Failure;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// By how much a channel of a pixel may be off before it is another colour: two ways of drawing round edges differently.
const NEAR: u8 = 24;

/// So many of a thousand pixels may be others in two pictures of one page: a clock goes on, a mouse rests somewhere.
const ALIKE: usize = 10;

/// A picture: red, green and blue of each pixel, row by row.
#[derive(Clone, PartialEq, Eq)]
pub struct Pixels {
    width: usize,
    rgb: Vec<[u8; 3]>,
}

impl std::fmt::Debug for Pixels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a picture of {} x {}", self.width, self.rgb.len() / self.width.max(1))
    }
}

impl Pixels {
    /// Of rows of pixels with this many bytes each, blue first, as a display has them.
    #[must_use]
    pub fn of_display(width: u16, bytes: &[u8]) -> Self {
        let (pixels, _) = bytes.as_chunks::<4>();
        Self { width: usize::from(width), rgb: pixels.iter().map(|[b, g, r, _]| [*r, *g, *b]).collect() }
    }

    /// From a file.
    /// # Errors
    /// It cannot be read, or is no PNG file with three channels.
    pub fn read(png: &Path) -> Result<Self, Failure> {
        let wrong = |why: String| Failure::Machine(format!("{}: {why}", png.display()));
        let file = File::open(png).map_err(Failure::file(png))?;
        let mut reader =
            png::Decoder::new(BufReader::new(file)).read_info().map_err(|e| wrong(e.to_string()))?;
        let size = reader.output_buffer_size().ok_or_else(|| wrong("too large".into()))?;
        let mut bytes = vec![0; size];
        let info = reader.next_frame(&mut bytes).map_err(|e| wrong(e.to_string()))?;
        if (info.color_type, info.bit_depth) != (png::ColorType::Rgb, png::BitDepth::Eight) {
            return Err(wrong("is no picture of red, green and blue".into()));
        }
        let (rgb, _) = bytes.as_chunks::<3>();
        Ok(Self { width: info.width as usize, rgb: rgb.to_vec() })
    }

    /// What is in this area of it.
    #[must_use]
    pub fn part(&self, area: Area) -> Self {
        let at = |number: i16| usize::try_from(number).unwrap_or(0);
        let (left, width) = (at(area.x).min(self.width), usize::from(area.width));
        let right = left.saturating_add(width).min(self.width);
        let rows = self.rgb.chunks(self.width.max(1)).skip(at(area.y)).take(usize::from(area.height));
        let rgb = rows.flat_map(|row| row.get(left..right).unwrap_or_default()).copied().collect();
        Self { width: right - left, rgb }
    }

    /// Whether this is the same page, to the eye.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.differing_per_mille(other) <= ALIKE
    }

    /// How many of a thousand pixels have another colour; all of them if the sizes differ.
    #[must_use]
    pub fn differing_per_mille(&self, other: &Self) -> usize {
        if (self.width, self.rgb.len()) != (other.width, other.rgb.len()) || self.rgb.is_empty() {
            return 1_000;
        }
        let far = |(a, b): &(&[u8; 3], &[u8; 3])| a.iter().zip(b.iter()).any(|(a, b)| a.abs_diff(*b) > NEAR);
        let differ = self.rgb.iter().zip(&other.rgb).filter(far).count();
        (differ * 1_000).div_ceil(self.rgb.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 4] = [0, 0, 255, 0];
    const BLUE: [u8; 4] = [255, 0, 0, 0];

    #[test]
    fn a_part_is_what_is_there_and_ends_with_the_picture() {
        let picture = Pixels::of_display(2, &[RED, BLUE, BLUE, RED].concat());
        let one = |x, y| picture.part(Area { x, y, width: 1, height: 1 });
        assert_eq!((one(0, 0), one(1, 0)), (one(1, 1), one(0, 1)));
        assert_eq!(one(0, 0).rgb, [[255, 0, 0]]);
        let beyond = picture.part(Area { x: 1, y: 1, width: 9, height: 9 });
        assert_eq!(beyond.rgb, [[255, 0, 0]]);
        assert!(picture.part(Area { x: 5, y: 0, width: 1, height: 1 }).rgb.is_empty());
    }

    #[test]
    fn what_is_a_little_off_is_alike_and_another_size_is_all_different() {
        let picture = Pixels::of_display(2, &[RED, RED, RED, RED].concat());
        let near = Pixels::of_display(2, &[RED, [20, 0, 240, 0], RED, RED].concat());
        let other = Pixels::of_display(2, &[RED, RED, RED, BLUE].concat());
        assert_eq!(picture.differing_per_mille(&near), 0);
        assert_eq!(picture.differing_per_mille(&other), 250);
        let turned = Pixels::of_display(4, &[RED, RED, RED, RED].concat());
        assert_eq!(picture.differing_per_mille(&turned), 1_000);
        let nothing = Pixels::of_display(2, &[]);
        assert_eq!(nothing.differing_per_mille(&nothing), 1_000, "two pictures of nothing prove nothing");
    }
}
