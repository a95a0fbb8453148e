//! Pictures of black dots: a shop's logo, or a QR code for a printer that makes none.

use super::encode::LONGEST_COMMAND;

/// What stands before the dots of a picture: the command, its mode, the width and the height.
const HEADER: usize = 8;
/// The first byte of the orders that printers carry out at once, wherever they stand, and what may follow it.
const AT_ONCE: (u8, [u8; 3]) = (0x10, [0x04, 0x05, 0x14]);
/// A dot that is changed so that a picture gives the printer no order.
const SPARE_DOT: u8 = 0x08;

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
        let whole = (1..=LONGEST_COMMAND - HEADER).contains(&width_bytes)
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

    /// The commands that print it, in bands that are no longer than `longest`, or than one row of dots; and never than the
    /// longest command that a printer is waited for. Some dot may differ: what the dots of a picture happen to say is
    /// carried out by printers.
    pub(super) fn commands(&self, longest: usize) -> impl Iterator<Item = Vec<u8>> {
        let rows = longest.min(LONGEST_COMMAND).saturating_sub(HEADER) / self.width_bytes;
        self.dots.chunks(rows.max(1) * self.width_bytes).map(|band| {
            let [wide_low, wide_high] = u16::try_from(self.width_bytes).unwrap_or(u16::MAX).to_le_bytes();
            let height = u16::try_from(band.len() / self.width_bytes).unwrap_or(u16::MAX).to_le_bytes();
            let mut command = vec![0x1D, b'v', b'0', 0, wide_low, wide_high, height[0], height[1]];
            push_dots(&mut command, band);
            command
        })
    }

    /// The rows, one after the other.
    pub(super) fn dots(&self) -> &[u8] {
        &self.dots
    }
}

/// Appends dots to a command so that they give the printer no order.
pub(super) fn push_dots(command: &mut Vec<u8>, dots: &[u8]) {
    for &dots in dots {
        let (first, orders) = AT_ONCE;
        let is_order = command.last() == Some(&first) && orders.contains(&dots);
        command.push(if is_order { dots ^ SPARE_DOT } else { dots });
    }
}

pub(super) fn set(line: &mut [u8], place: usize) {
    if let Some(byte) = line.get_mut(place / 8) {
        *byte |= 0x80 >> (place % 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_picture_is_sent_in_bands_that_a_printer_can_be_waited_for() {
        let picture = Picture::new(72, vec![0xAA; 72 * 30]).unwrap();
        let bands: Vec<_> = picture.commands(usize::MAX).collect();
        assert_eq!(bands.len(), 3);
        assert!(bands.iter().all(|band| band.len() <= LONGEST_COMMAND));
        assert_eq!(bands[0][..8], [0x1D, b'v', b'0', 0, 72, 0, 13, 0]);
        assert_eq!(bands[2][..8], [0x1D, b'v', b'0', 0, 72, 0, 4, 0]);
        // On a slow line a printer that restarts within a band would not be noticed: 60 ms for a row at 9600 baud.
        let bands: Vec<_> = picture.commands(128).collect();
        assert!(bands.len() == 30 && bands.iter().all(|band| band.len() == 80));
        assert_eq!(Picture::new(2, vec![0; 3]), None);
        assert_eq!(Picture::new(0, vec![]), None);
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

    proptest! {
        #[test]
        fn no_picture_gives_the_printer_an_order(
            width in 1_usize..8,
            dots in prop::collection::vec(prop_oneof![Just(0x10_u8), Just(4), Just(5), Just(0x14), any::<u8>()], 8..400),
        ) {
            let whole = dots.len() / width * width;
            let picture = Picture::new(width, dots[..whole].to_vec()).unwrap();
            let sent = picture.commands(usize::MAX).flatten().collect::<Vec<u8>>();
            let orders = sent.windows(2).filter(|pair| pair[0] == 0x10 && [4, 5, 0x14].contains(&pair[1]));
            prop_assert_eq!(orders.count(), 0);
            let shown: Vec<u8> = picture.commands(usize::MAX).flat_map(|band| band[8..].to_vec()).collect();
            let changed = shown.iter().zip(&dots).filter(|(a, b)| a != b);
            prop_assert!(changed.clone().all(|(a, b)| (a ^ b).count_ones() == 1));
        }
    }
}
