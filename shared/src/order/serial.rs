//! Goods that are sold by their serial number: each piece stands on a line of its own, with its number.

use super::line::Line;
use crate::wallet;

/// The longest serial number, in characters.
pub const LONGEST: usize = 40;

/// Why a text is no serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotASerial {
    /// Nothing, longer than [`LONGEST`], or with characters that do not print.
    #[error("a serial number is 1 to {LONGEST} letters, digits and marks in one line")]
    Shape,
    /// A customer's payment code stands in it: whoever reads it could use it elsewhere.
    #[error("that is a customer's payment code")]
    PaymentCode,
}

/// A serial number as it was scanned or typed, without the space around it.
/// # Errors
/// It is none.
pub fn read(text: &str) -> Result<String, NotASerial> {
    let text = text.trim();
    check(text).map(|()| text.to_owned())
}

/// Whether this can stand on a line as a serial number.
/// # Errors
/// It cannot.
pub fn check(text: &str) -> Result<(), NotASerial> {
    if holds_payment_code(text) {
        return Err(NotASerial::PaymentCode);
    }
    let prints = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let is_one = prints && !text.is_empty() && text.len() <= LONGEST && text.trim() == text;
    if is_one { Ok(()) } else { Err(NotASerial::Shape) }
}

/// Whether digits stand in a text, with spaces or dashes between them or without, that a customer could pay with: whatever
/// a scanner or a hand has put around them.
#[must_use]
pub fn holds_payment_code(text: &str) -> bool {
    let close: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    // A scanner may put `]C1` before all, whose last digit is none of the code's.
    let unmarked = close.strip_prefix(']').and_then(|rest| rest.get(2..));
    let holds =
        |text: &str| text.split(|c: char| !c.is_ascii_digit()).any(|code| wallet::detect(code).is_some());
    holds(&close) || unmarked.is_some_and(holds)
}

/// Whether two numbers are those of one piece: a hand writes small letters where a label has large ones.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// The first line, from 0, whose number stands on a line before it already.
#[must_use]
pub fn twice(lines: &[Line]) -> Option<usize> {
    let number = |line: &Line| line.serial.as_deref().map(str::to_ascii_lowercase);
    let mut seen = std::collections::BTreeSet::new();
    lines.iter().position(|line| number(line).is_some_and(|number| !seen.insert(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_one_short_line_that_prints() {
        assert_eq!(read(" SN-0042/b 7\r\n"), Ok("SN-0042/b 7".into()));
        assert_eq!(read(&"9".repeat(LONGEST)), Ok("9".repeat(LONGEST)));
        for none in ["", "  ", "a\nb", "a\u{1d}b", "a\u{200b}b", "序列号", &"9".repeat(LONGEST + 1)] {
            assert_eq!(read(none), Err(NotASerial::Shape), "{none:?}");
        }
        assert_eq!(check(" a"), Err(NotASerial::Shape));
    }

    #[test]
    fn a_payment_code_is_no_serial_number_whatever_stands_around_it() {
        let codes = ["134567890123456789", "2812345678901234", "301234567890123456789012"];
        for code in codes {
            for text in [code.to_owned(), format!(" {code} "), format!("]C1{code}"), format!("S{code}E")] {
                assert_eq!(read(&text), Err(NotASerial::PaymentCode), "{text}");
            }
        }
        for spaced in ["1345 6789 0123 4567 89", "1345-6789-0123-4567-89", "28 12345678901234"] {
            assert_eq!(read(spaced), Err(NotASerial::PaymentCode), "{spaced}");
        }
        // An IMEI, an ICCID, and digits that are too many or too few.
        for number in ["356938035643809", "89860012345678901234", "13456789012345678", "1345678901234567890"]
        {
            assert_eq!(read(number).as_deref(), Ok(number));
        }
    }
}
