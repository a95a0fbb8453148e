//! How large the modules of a QR code get. Printers silently print nothing when one is wider than the paper.

/// The quiet zone that readers want on both sides together, in modules.
pub const QUIET_MODULES: u16 = 8;
/// Smaller modules than this many dots are not read from thermal paper.
const SMALLEST_MODULE: u8 = 3;
/// The largest module that printers know.
const LARGEST_MODULE: u8 = 16;

/// How many bytes each version holds that can be read from smudged paper (level M), beginning with the smallest.
const BYTES: [usize; 26] = [
    14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412, 450, 504, 560, 624, 666, 711, 779,
    857, 911, 997, 1059,
];

/// The modules on a side of the code when all is held as bytes: printers differ in how well they pack digits, and the worst
/// of them has to fit. `None` if it is longer than any code that is printed.
#[must_use]
pub fn widest_modules(data: &str) -> Option<u16> {
    let version = BYTES.iter().position(|holds| data.len() <= *holds)?;
    u16::try_from(21 + 4 * version).ok()
}

/// The dots of a module, up to `wanted`, of a code with so many modules on a side, on paper of `dots` dots; `None` if none that
/// can be read fits.
#[must_use]
pub fn module_dots(modules: u16, wanted: u8, dots: u16) -> Option<u8> {
    let largest = u8::try_from(dots / modules.saturating_add(QUIET_MODULES)).unwrap_or(u8::MAX);
    let module_dots = wanted.clamp(SMALLEST_MODULE, LARGEST_MODULE).min(largest);
    (module_dots >= SMALLEST_MODULE).then_some(module_dots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_the_side_of_the_smallest_version_that_holds_its_bytes() {
        let side = |length: usize| widest_modules(&"1".repeat(length));
        assert_eq!([1, 14, 15, 26, 27].map(side), [21, 21, 25, 25, 29].map(Some));
        assert_eq!((side(1_059), side(1_060)), (Some(121), None));
    }

    #[test]
    fn modules_are_as_large_as_wanted_if_the_paper_has_room_and_never_too_small_to_be_read() {
        assert_eq!(module_dots(25, 6, 576), Some(6));
        assert_eq!(module_dots(25, 16, 384), Some(11), "384 dots hold 33 modules of 11");
        assert_eq!(module_dots(25, 1, 576), Some(3));
        assert_eq!(module_dots(177, 6, 384), None);
    }
}
