//! Where a code stands in a scanner's reports, as the scanner's own description of them says. Pure.

use std::collections::BTreeMap;
use std::ops::Range;

/// (page, usage) of what we look for.
const DECODED_DATA: (u16, u16) = (0x8C, 0xFE);
const CONTINUED: (u16, u16) = (0x8C, 0xFF);
const IDENTIFIER: [(u16, u16); 3] = [(0x8C, 0xFB), (0x8C, 0xFC), (0x8C, 0xFD)];
const BYTE_COUNT: (u16, u16) = (0x01, 0x3B);
/// No description is longer.
const LONGEST: usize = 4096;

/// Where a code stands in a report. Places count from the report's first byte, which is its number if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The report's number; 0 if the device has only one kind, without a number in front.
    pub report: u8,
    /// Bytes of the whole report.
    pub bytes: usize,
    /// Where the length of the code stands; without it the code ends before the first zero.
    pub length: Option<usize>,
    /// Where the AIM identifier stands.
    pub aim: Option<[usize; 3]>,
    /// Where the code stands.
    pub data: Range<usize>,
    /// Where it stands (byte and bit) that the next report goes on with the same code.
    pub continued: Option<(usize, u8)>,
}

impl Layout {
    /// As Honeywell and Access-IS build their reports: with an AIM identifier.
    #[must_use]
    pub fn with_aim() -> Self {
        Self {
            report: 2,
            bytes: 64,
            length: Some(1),
            aim: Some([2, 3, 4]),
            data: 5..61,
            continued: Some((63, 0)),
        }
    }

    /// As Newland and Unitech build theirs: without one.
    #[must_use]
    pub fn without_aim() -> Self {
        Self { report: 2, bytes: 64, length: Some(1), aim: None, data: 2..58, continued: Some((63, 0)) }
    }

    /// What a device's description of its reports says; `None` if it is no scanner's, or is damaged.
    #[must_use]
    pub fn of_descriptor(descriptor: &[u8]) -> Option<Self> {
        if descriptor.len() > LONGEST {
            return None;
        }
        let mut reader = Reader::default();
        let mut rest = descriptor;
        while let Some((&prefix, after)) = rest.split_first() {
            if prefix == 0xFE {
                // A long item; none are in use.
                rest = after.get(2 + usize::from(*after.first()?)..)?;
                continue;
            }
            let size = [0, 1, 2, 4][usize::from(prefix & 3)];
            let bytes = after.get(..size)?;
            let value = bytes.iter().rev().fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
            reader.item(prefix & !3, value, size);
            rest = &after[size..];
        }
        reader.layout()
    }
}

#[derive(Clone, Copy, Default)]
struct Globals {
    page: u16,
    size: usize,
    count: usize,
    report: u8,
}

/// A field of an input report: its place in bits and its length.
#[derive(Clone, Copy)]
struct Field {
    report: u8,
    bit: usize,
    size: usize,
    count: usize,
}

#[derive(Default)]
struct Reader {
    globals: Globals,
    stack: Vec<Globals>,
    usages: Vec<(u16, u16)>,
    /// Bits so far of each input report.
    bits: BTreeMap<u8, usize>,
    fields: BTreeMap<(u16, u16), Field>,
}

impl Reader {
    fn item(&mut self, tag: u8, value: u32, size: usize) {
        let small = u16::try_from(value & 0xFFFF).unwrap_or(0);
        match tag {
            0x04 => self.globals.page = small,
            0x74 => self.globals.size = value.min(4096) as usize,
            0x84 => self.globals.report = value.to_le_bytes()[0],
            0x94 => self.globals.count = value.min(4096) as usize,
            0xA4 if self.stack.len() < 16 => self.stack.push(self.globals),
            0xB4 => self.globals = self.stack.pop().unwrap_or(self.globals),
            0x08 if self.usages.len() < 256 => {
                let page =
                    if size == 4 { u16::try_from(value >> 16).unwrap_or(0) } else { self.globals.page };
                self.usages.push((page, small));
            }
            0x80 => self.input(value & 1 != 0),
            // Output, feature, collection and its end use the names up, too.
            0x90 | 0xB0 | 0xA0 | 0xC0 => self.usages.clear(),
            _ => {}
        }
    }

    fn input(&mut self, constant: bool) {
        let Globals { size, count, report, .. } = self.globals;
        let bit = self.bits.entry(report).or_default();
        let usages = std::mem::take(&mut self.usages);
        if !constant {
            for (nth, usage) in usages.iter().enumerate().take(count) {
                // The last name is that of all the rest.
                let count = if nth + 1 == usages.len() { count - nth } else { 1 };
                let field = Field { report, bit: *bit + nth * size, size, count };
                self.fields.entry(*usage).or_insert(field);
            }
        }
        *bit = bit.saturating_add(size * count).min(1 << 20);
    }

    fn layout(&self) -> Option<Layout> {
        let data = self.fields.get(&DECODED_DATA).filter(|field| field.size == 8 && field.bit % 8 == 0)?;
        let numbered = usize::from(data.report != 0);
        let of_report =
            |usage: (u16, u16)| self.fields.get(&usage).filter(|field| field.report == data.report);
        let byte = |usage| {
            let field = of_report(usage).filter(|field| field.size == 8 && field.bit % 8 == 0)?;
            Some(numbered + field.bit / 8)
        };
        let start = numbered + data.bit / 8;
        let continued = of_report(CONTINUED)
            .map(|field| (numbered + field.bit / 8, u8::try_from(field.bit % 8).unwrap_or(0)));
        let aim = match IDENTIFIER.map(byte) {
            [Some(a), Some(b), Some(c)] => Some([a, b, c]),
            _ => None,
        };
        Some(Layout {
            report: data.report,
            bytes: numbered + self.bits.get(&data.report)?.div_ceil(8),
            length: byte(BYTE_COUNT),
            aim,
            data: start..start + data.count,
            continued,
        })
    }
}

/// A description as Honeywell's scanners give it.
#[cfg(test)]
pub(crate) const DESCRIPTOR_OF_A_SCANNER: &[u8] = &[
    0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, // a bar code scanner
    0x09, 0x12, 0xA1, 0x02, 0x85, 0x02, // scanned data: report 2
    0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, 0x95, 0x01, // bytes of 0 to 255
    0x05, 0x01, 0x09, 0x3B, 0x81, 0x02, // byte count
    0x95, 0x03, 0x05, 0x8C, 0x09, 0xFB, 0x09, 0xFC, 0x09, 0xFD, 0x81, 0x02, // identifier
    0x95, 0x38, 0x09, 0xFE, 0x82, 0x02, 0x01, // 56 bytes of data
    0x95, 0x01, 0x06, 0x66, 0xFF, 0x09, 0x04, 0x81, 0x02, // the maker's own identifier
    0x09, 0x00, 0x81, 0x03, // reserved
    0x05, 0x8C, 0x75, 0x01, 0x25, 0x01, 0x09, 0xFF, 0x81, 0x02, // continued
    0x95, 0x07, 0x81, 0x03, 0xC0, // filled up
    0x09, 0x14, 0xA1, 0x02, 0x85, 0x04, 0x09, 0x00, 0x75, 0x08, 0x95, 0x3F, 0x91, 0x02,
    0xC0, // a trigger
    0xC0,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_scanners_own_description_says_where_the_code_stands() {
        assert_eq!(Layout::of_descriptor(DESCRIPTOR_OF_A_SCANNER), Some(Layout::with_aim()));
    }

    #[test]
    fn a_report_without_a_number_begins_with_its_first_byte() {
        let plain =
            [0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x75, 0x08, 0x95, 0x20, 0x09, 0xFE, 0x81, 0x02, 0xC0];
        let layout = Layout::of_descriptor(&plain).unwrap();
        assert_eq!((layout.report, layout.bytes, layout.data), (0, 32, 0..32));
        assert_eq!((layout.length, layout.aim, layout.continued), (None, None, None));
    }

    #[test]
    fn a_keyboard_and_a_damaged_description_are_no_scanner() {
        assert_eq!(Layout::of_descriptor(&[0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, 0xC0]), None);
        assert_eq!(Layout::of_descriptor(&DESCRIPTOR_OF_A_SCANNER[..30]), None);
        assert_eq!(Layout::of_descriptor(&[0xFE, 0xFF, 0x00]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), place in 0_usize..90, to: u8) {
            let _ = Layout::of_descriptor(&bytes);
            let mut changed = DESCRIPTOR_OF_A_SCANNER.to_vec();
            if let Some(byte) = changed.get_mut(place) { *byte = to; }
            if let Some(layout) = Layout::of_descriptor(&changed) {
                prop_assert!(layout.data.start <= layout.data.end);
            }
        }
    }
}
