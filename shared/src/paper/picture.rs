//! Pictures of black dots: a shop's logo, or a QR code for a printer that makes none.

/// The widest picture, in bytes of a row: far beyond any paper, and what the longest command that a printer is waited for holds.
pub const WIDEST_BYTES: usize = 1000;

/// A picture: rows of whole bytes, eight dots each, the leftmost in the highest bit; a one is black.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width_bytes: usize,
    dots: Vec<u8>,
}

impl Picture {
    /// A picture from its rows; `None` if they are not whole, or it is wider than any paper.
    #[must_use]
    pub fn new(width_bytes: usize, dots: Vec<u8>) -> Option<Self> {
        let whole = (1..=WIDEST_BYTES).contains(&width_bytes)
            && !dots.is_empty()
            && dots.len().is_multiple_of(width_bytes);
        whole.then_some(Self { width_bytes, dots })
    }

    /// A picture of squares, `size` dots each, row by row; `side` of them in a row.
    #[must_use]
    pub fn of_squares(side: usize, dark: &[bool], size: usize) -> Option<Self> {
        let width_bytes = (side * size).div_ceil(8);
        let mut dots = Vec::with_capacity(width_bytes * side * size);
        for row in dark.chunks(side.max(1)) {
            let mut line = vec![0_u8; width_bytes];
            let black = row.iter().enumerate().filter(|(_, dark)| **dark);
            for place in black.flat_map(|(column, _)| column * size..(column + 1) * size) {
                set(&mut line, place);
            }
            for _ in 0..size {
                dots.extend_from_slice(&line);
            }
        }
        Self::new(width_bytes, dots)
    }

    /// Dots across.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width_bytes * 8
    }

    /// Dots down.
    #[must_use]
    pub fn height(&self) -> usize {
        self.dots.len() / self.width_bytes
    }

    /// Whether this dot is black; those outside are not.
    #[must_use]
    pub fn is_black(&self, x: usize, y: usize) -> bool {
        let inside = x < self.width();
        let byte = self.dots.get(y * self.width_bytes + x / 8).filter(|_| inside);
        byte.is_some_and(|byte| byte & (0x80 >> (x % 8)) != 0)
    }

    /// The same, no wider than the paper: every so many dots one is left out.
    #[must_use]
    pub fn at_most(&self, paper_dots: u16) -> Self {
        let paper = usize::from(paper_dots / 8).max(1);
        if self.width_bytes <= paper {
            return self.clone();
        }
        let (from, to) = (self.width(), paper * 8);
        let height = (self.height() * to / from).max(1);
        let mut dots = vec![0_u8; paper * height];
        for (y, line) in dots.chunks_mut(paper).enumerate() {
            for x in (0..to).filter(|x| self.is_black(x * from / to, y * from / to)) {
                set(line, x);
            }
        }
        Self { width_bytes: paper, dots }
    }

    /// The rows, one after the other.
    #[must_use]
    pub fn dots(&self) -> &[u8] {
        &self.dots
    }
}

fn set(line: &mut [u8], place: usize) {
    if let Some(byte) = line.get_mut(place / 8) {
        *byte |= 0x80 >> (place % 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_rows_that_fit_some_paper_are_a_picture() {
        assert_eq!(Picture::new(2, vec![0; 3]), None);
        assert_eq!(Picture::new(0, vec![]), None);
        assert_eq!(Picture::new(WIDEST_BYTES + 1, vec![0; WIDEST_BYTES + 1]), None);
        assert!(Picture::new(WIDEST_BYTES, vec![0; WIDEST_BYTES]).is_some());
    }

    #[test]
    fn a_picture_that_is_too_wide_shrinks_in_both_directions() {
        let squares = [true, false, false, true];
        let wide = Picture::of_squares(2, &squares, 288).unwrap();
        assert_eq!((wide.width(), wide.height()), (576, 576));
        let narrow = wide.at_most(384);
        assert_eq!((narrow.width(), narrow.height()), (384, 384));
        for (x, y) in [(0, 0), (191, 191), (192, 192), (383, 383)] {
            assert!(narrow.is_black(x, y), "{x} {y}");
        }
        assert!(!narrow.is_black(192, 0) && !narrow.is_black(0, 192) && !narrow.is_black(384, 384));
        assert_eq!(narrow.at_most(576), narrow);
    }
}
