//! Pictures of black dots as printers are told of them.

use super::encode::LONGEST_COMMAND;
pub use evertill_shared::paper::picture::{Picture, WIDEST_BYTES};

/// What stands before the dots of a picture: the command, its mode, the width and the height.
const HEADER: usize = 8;
/// The first byte of the orders that printers carry out at once, wherever they stand, and what may follow it.
const AT_ONCE: (u8, [u8; 3]) = (0x10, [0x04, 0x05, 0x14]);
/// A dot that is changed so that a picture gives the printer no order.
const SPARE_DOT: u8 = 0x08;

const _: () =
    assert!(WIDEST_BYTES + HEADER <= LONGEST_COMMAND, "a command holds at least one row of any picture");

/// A picture that is sent as dots.
pub(super) trait Sent {
    /// The commands that print it, in bands that are no longer than `longest`, or than one row of dots; and never than the
    /// longest command that a printer is waited for. Some dot may differ: what the dots of a picture happen to say is
    /// carried out by printers.
    fn commands(&self, longest: usize) -> impl Iterator<Item = Vec<u8>>;
}

impl Sent for Picture {
    fn commands(&self, longest: usize) -> impl Iterator<Item = Vec<u8>> {
        let width_bytes = self.width() / 8;
        let rows = longest.min(LONGEST_COMMAND).saturating_sub(HEADER) / width_bytes;
        self.dots().chunks(rows.max(1) * width_bytes).map(move |band| {
            let [wide_low, wide_high] = u16::try_from(width_bytes).unwrap_or(u16::MAX).to_le_bytes();
            let height = u16::try_from(band.len() / width_bytes).unwrap_or(u16::MAX).to_le_bytes();
            let mut command = vec![0x1D, b'v', b'0', 0, wide_low, wide_high, height[0], height[1]];
            push_dots(&mut command, band);
            command
        })
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
