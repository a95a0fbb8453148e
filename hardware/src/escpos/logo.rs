//! Logos that the printer keeps itself, so that they are not sent with each receipt: 15 seconds of a line of 9600 baud.

use super::picture::Picture;

/// What stands between the length and the dots of a picture that is stored.
const HEADER: usize = 11;

/// How a printer keeps logos. Printers do not tell, so this is configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogoStore {
    /// Not at all: logos are sent as dots with each receipt.
    #[default]
    Never,
    /// By a key of two characters (GS ( L functions 66, 67 and 69); the till stores them.
    ByKey,
    /// The logo has this number among those that the maker's tool has stored (FS p); the till stores none, and prints that
    /// one wherever a logo stands.
    Number(u8),
}

/// By what a logo that is kept is known: it follows from its dots, so another logo is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogoId(pub u64);

impl LogoId {
    /// Its key in the printer: two printable characters.
    fn key(self) -> [u8; 2] {
        let digit = |value: u64| b' ' + u8::try_from(value % 95).unwrap_or(0);
        [digit(self.0), digit(self.0 / 95)]
    }

    /// Prints it at its own size.
    pub(crate) fn print(self) -> Vec<u8> {
        let [first, second] = self.key();
        vec![0x1D, b'(', b'L', 6, 0, 48, 69, first, second, 1, 1]
    }

    /// Takes it out of the printer's memory, if it is there.
    pub(crate) fn delete(self) -> Vec<u8> {
        let [first, second] = self.key();
        vec![0x1D, b'(', b'L', 4, 0, 48, 66, first, second]
    }
}

/// Prints the picture of this number at its own size.
pub(super) fn print_number(number: u8) -> [u8; 4] {
    [0x1C, b'p', number, 0]
}

/// A picture that printers may keep.
pub trait Kept {
    /// By what it is known once a printer keeps it.
    #[must_use]
    fn id(&self) -> LogoId;

    /// The command that stores it; `None` if it is larger than printers keep.
    #[must_use]
    fn store(&self) -> Option<Vec<u8>>;
}

impl Kept for Picture {
    fn id(&self) -> LogoId {
        // FNV-1a: it has to be the same in each version of the program, and nobody gains by a second logo with one name.
        let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        let width = u64::try_from(self.width()).unwrap_or_default().to_le_bytes();
        LogoId(width.iter().chain(self.dots()).fold(0xCBF2_9CE4_8422_2325, mix))
    }

    fn store(&self) -> Option<Vec<u8>> {
        let [wide_low, wide_high] = u16::try_from(self.width()).ok()?.to_le_bytes();
        let [high_low, high_high] = u16::try_from(self.height()).ok()?.to_le_bytes();
        let length = u32::try_from(HEADER + self.dots().len()).ok()?;
        let mut command = match u16::try_from(length) {
            Ok(short) => [&[0x1D, b'(', b'L'][..], &short.to_le_bytes()].concat(),
            Err(_) => [&[0x1D, b'8', b'L'][..], &length.to_le_bytes()].concat(),
        };
        let [first, second] = self.id().key();
        command.extend([48, 67, 48, first, second, 1, wide_low, wide_high, high_low, high_high, 49]);
        super::picture::push_dots(&mut command, self.dots());
        Some(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_logo_is_stored_under_its_key_and_printed_by_it() {
        let logo = Picture::new(2, vec![0xAA, 0x55, 0xF0, 0x0F]).unwrap();
        let [first, second] = logo.id().key();
        let store = [b"\x1D(L\x0F\x000C0", &[first, second][..], b"\x01\x10\x00\x02\x001\xAA\x55\xF0\x0F"];
        assert_eq!(logo.store().unwrap(), store.concat());
        assert_eq!(logo.id().print(), [b"\x1D(L\x06\x000E", &[first, second][..], b"\x01\x01"].concat());
        assert_eq!(logo.id().delete(), [b"\x1D(L\x04\x000B", &[first, second][..]].concat());
        // What printers keep must be found again by every later program.
        assert_eq!(logo.id(), LogoId(0x20D0_4811_D122_3DC5));
    }

    #[test]
    fn a_large_logo_has_the_longer_command() {
        let logo = Picture::new(72, vec![0; 72 * 1000]).unwrap();
        let stored = logo.store().unwrap();
        assert_eq!(stored[..3], *b"\x1D8L");
        assert_eq!(u32::from_le_bytes(stored[3..7].try_into().unwrap()), 72_011);
        assert_eq!(stored.len(), 7 + 72_011);
    }

    proptest! {
        #[test]
        fn other_dots_are_another_logo(
            dots in prop::collection::vec(any::<u8>(), 4), others in prop::collection::vec(any::<u8>(), 4),
        ) {
            let id = |width, dots: &Vec<u8>| Picture::new(width, dots.clone()).unwrap().id();
            prop_assert_eq!(id(2, &dots) == id(2, &others), dots == others);
            prop_assert_ne!(id(1, &dots), id(2, &dots));
            prop_assert!(id(2, &dots).key().iter().all(|byte| (32..=126).contains(byte)));
        }

        #[test]
        fn no_logo_that_is_stored_gives_the_printer_an_order(
            dots in prop::collection::vec(prop_oneof![Just(0x10_u8), Just(4), Just(5), Just(0x14), any::<u8>()], 1..300),
        ) {
            let sent = Picture::new(1, dots).unwrap().store().unwrap();
            let orders = sent.windows(2).filter(|pair| pair[0] == 0x10 && [4, 5, 0x14].contains(&pair[1]));
            // Before the dots stands what cannot be changed: a size of 16 dots is no first byte of an order.
            prop_assert_eq!(orders.count(), 0);
        }
    }
}
