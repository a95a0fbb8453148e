//! Order numbers: digits that sort by time, survive being typed from paper, and name their order group.
//!
//! `20261120140307123` `48151` `1` `92`: UTC time to the millisecond (17), random (5), check digit (1), tag of
//! the order group (2). 25 digits, inside the 32 that a printed number may have.

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The tag of an order group: 0 to 99, always written with two digits. It stands at the end of every order
/// number, so that whatever comes later about an order finds its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct GroupTag(u8);

impl GroupTag {
    /// The largest tag there can be.
    pub const MAX: u8 = 99;

    /// The plain number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// There are only two digits for a group's tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not the tag of an order group: tags go from 0 to 99")]
pub struct NoSuchTag(u8);

impl TryFrom<u8> for GroupTag {
    type Error = NoSuchTag;
    fn try_from(number: u8) -> Result<Self, NoSuchTag> {
        if number <= Self::MAX { Ok(Self(number)) } else { Err(NoSuchTag(number)) }
    }
}

impl From<GroupTag> for u8 {
    fn from(tag: GroupTag) -> Self {
        tag.0
    }
}

impl fmt::Display for GroupTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// Why a text is not an order number, in words for the person who typed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderNumberError {
    /// Something other than digits, spaces and dashes.
    #[error("an order number has digits only: remove {0:?}")]
    NotDigits(char),
    /// Too few or too many digits.
    #[error("an order number has 25 digits, this has {0}: compare it with the receipt")]
    WrongLength(usize),
    /// The check digit does not fit the others.
    #[error("a digit is mistyped: compare the number with the receipt")]
    CheckDigit,
    /// The check digit fits, but the number does not begin with a date and time.
    #[error("this is not one of our order numbers: it does not begin with a date")]
    ImpossibleDate,
}

const LENGTH: usize = 25;
const TIME: usize = 17;
const CHECK: usize = 22;

/// The number of an order. Ordered by the time at which it was given out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderNumber([u8; LENGTH]);

impl OrderNumber {
    /// How many digits a number has.
    pub const DIGITS: usize = LENGTH;

    /// The number for an order that is created `at` this time in the group with this `tag`. `random` keeps
    /// apart what is created in one millisecond; its last five decimal digits count. A group still has to
    /// refuse a number that it has already given out.
    ///
    /// # Errors
    /// [`OrderNumberError::ImpossibleDate`] outside the years 0 to 9999.
    pub fn new(at: Timestamp, random: u32, tag: GroupTag) -> Result<Self, OrderNumberError> {
        let at = at.to_jiff().ok_or(OrderNumberError::ImpossibleDate)?;
        let t = jiff::tz::Offset::UTC.to_datetime(at);
        let (date, time) = (t.date(), t.time());
        let text = format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}{:03}{:05}0{tag}",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.millisecond(),
            random % 100_000,
        );
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let mut number: [u8; LENGTH] = match text.into_bytes().try_into() {
            Ok(bytes) if digits => bytes,
            _ => return Err(OrderNumberError::ImpossibleDate),
        };
        number[CHECK] = check_digit(&number);
        Ok(Self(number))
    }

    /// All 25 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default() // digits only, by construction
    }

    /// Which group the order was created in; the table from tag to home says where it lives today.
    #[must_use]
    pub fn tag(&self) -> GroupTag {
        GroupTag((self.0[23] - b'0') * 10 + (self.0[24] - b'0'))
    }

    /// When the order was created, by the clock of the server that did.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        time_of(&self.0).unwrap_or_default() // looked at when the number was made
    }

    /// In groups of five digits, for people who read or type it: `20261 12014 03071 23481 51192`.
    #[must_use]
    pub fn grouped(&self) -> String {
        let groups: Vec<&str> = (0..LENGTH).step_by(5).map(|i| &self.as_str()[i..i + 5]).collect();
        groups.join(" ")
    }
}

/// The Damm quasigroup of order 10. Chained over a number, it tells every single wrong digit and every two
/// adjacent digits swapped from the right ones.
const DAMM: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// Zero for a number whose check digit is right.
fn damm(digits: &[u8]) -> u8 {
    digits.iter().fold(0, |state, digit| DAMM[usize::from(state)][usize::from(digit - b'0')])
}

/// The digit that brings the whole number, tag included, to zero *where it stands*. Were it computed over the
/// other digits and then put between them, swapping it with its neighbour could go unseen. Each step of the
/// chain is a bijection, so there is exactly one such digit.
fn check_digit(number: &[u8; LENGTH]) -> u8 {
    let mut trial = *number;
    for digit in b'0'..=b'9' {
        trial[CHECK] = digit;
        if damm(&trial) == 0 {
            break;
        }
    }
    trial[CHECK]
}

fn time_of(number: &[u8; LENGTH]) -> Option<Timestamp> {
    let part = |range: std::ops::Range<usize>| {
        number[range].iter().fold(0_i32, |value, digit| value * 10 + i32::from(digit - b'0'))
    };
    let small = |range| i8::try_from(part(range)).ok();
    let (year, nanos) = (i16::try_from(part(0..4)).ok()?, part(14..TIME) * 1_000_000);
    let date = jiff::civil::Date::new(year, small(4..6)?, small(6..8)?).ok()?;
    let time = jiff::civil::Time::new(small(8..10)?, small(10..12)?, small(12..14)?, nanos).ok()?;
    let at = jiff::tz::Offset::UTC.to_timestamp(date.to_datetime(time)).ok()?;
    Some(Timestamp(at.as_millisecond()))
}

impl FromStr for OrderNumber {
    type Err = OrderNumberError;

    /// Reads a number as it was scanned or typed; spaces and dashes do not matter.
    fn from_str(text: &str) -> Result<Self, OrderNumberError> {
        let dash = |c: char| c == '-' || ('\u{2010}'..='\u{2015}').contains(&c);
        let typed: Vec<char> = text.chars().filter(|c| !c.is_whitespace() && !dash(*c)).collect();
        if let Some(other) = typed.iter().find(|c| !c.is_ascii_digit()) {
            return Err(OrderNumberError::NotDigits(*other));
        }
        let digits: Vec<u8> = typed.iter().filter_map(|c| u8::try_from(*c).ok()).collect();
        let number: [u8; LENGTH] =
            digits.try_into().map_err(|d: Vec<u8>| OrderNumberError::WrongLength(d.len()))?;
        if damm(&number) != 0 {
            return Err(OrderNumberError::CheckDigit);
        }
        time_of(&number).ok_or(OrderNumberError::ImpossibleDate)?;
        Ok(Self(number))
    }
}

impl TryFrom<String> for OrderNumber {
    type Error = OrderNumberError;
    /// As in JSON and databases: nothing but the 25 digits.
    fn try_from(text: String) -> Result<Self, OrderNumberError> {
        match text.chars().find(|c| !c.is_ascii_digit()) {
            Some(other) => Err(OrderNumberError::NotDigits(other)),
            None => text.parse(),
        }
    }
}

impl From<OrderNumber> for String {
    fn from(number: OrderNumber) -> Self {
        number.as_str().to_owned()
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-11-20T14:03:07.123Z
    const AT: Timestamp = Timestamp(1_795_183_387_123);

    fn tag(number: u8) -> GroupTag {
        GroupTag::try_from(number).unwrap()
    }

    fn any_number() -> impl Strategy<Value = OrderNumber> {
        (0_i64..253_402_300_800_000, 0_u32..100_000, 0_u8..=99)
            .prop_map(|(at, random, group)| OrderNumber::new(Timestamp(at), random, tag(group)).unwrap())
    }

    #[test]
    fn the_parts_stand_where_they_belong() {
        let number = OrderNumber::new(AT, 48_151, tag(7)).unwrap();
        assert_eq!(&number.as_str()[..17], "20261120140307123");
        assert_eq!(&number.as_str()[17..22], "48151");
        assert_eq!(&number.as_str()[23..], "07");
        assert_eq!(number.as_str().len(), 25);
        assert_eq!((number.tag(), number.created_at()), (tag(7), AT));
        assert_eq!(number.tag().to_string(), "07");
    }

    #[test]
    fn the_example_in_the_documentation_is_a_number() {
        let number = OrderNumber::new(AT, 48_151, tag(92)).unwrap();
        assert_eq!(number.grouped(), "20261 12014 03071 23481 51192");
    }

    #[test]
    fn the_check_is_damms() {
        assert_eq!(damm(b"572"), 4, "the published example");
        assert_eq!(damm(b"5724"), 0);
    }

    #[test]
    fn spaces_and_dashes_do_not_matter_to_people_but_do_on_the_wire() {
        let number = OrderNumber::new(AT, 5, tag(92)).unwrap();
        assert_eq!(number.grouped().parse(), Ok(number));
        assert_eq!(number.grouped().replace(' ', "-").parse(), Ok(number));
        assert_eq!(format!("  {number}\n").parse(), Ok(number));
        let json = serde_json::to_string(&number).unwrap();
        assert_eq!(json, format!("\"{number}\""));
        assert_eq!(serde_json::from_str::<OrderNumber>(&json).unwrap(), number);
        assert!(serde_json::from_str::<OrderNumber>(&format!("\"{}\"", number.grouped())).is_err());
    }

    #[test]
    fn each_mistake_is_told_by_its_name() {
        let good = OrderNumber::new(AT, 5, tag(92)).unwrap().to_string();
        let read = |text: &str| text.parse::<OrderNumber>();
        assert_eq!(read(&good[1..]), Err(OrderNumberError::WrongLength(24)));
        assert_eq!(read(&format!("{good}0")), Err(OrderNumberError::WrongLength(26)));
        assert_eq!(read(""), Err(OrderNumberError::WrongLength(0)));
        assert_eq!(read(&good.replacen('2', "O", 1)), Err(OrderNumberError::NotDigits('O')));
        let typo = good.replacen("2026", "2027", 1);
        assert_eq!(read(&typo), Err(OrderNumberError::CheckDigit));
        assert!(OrderNumberError::CheckDigit.to_string().contains("a digit is mistyped"));
    }

    #[test]
    fn a_right_check_digit_does_not_make_a_date() {
        for start in ["20261320140307123", "20260230140307123", "20261120240307123", "20261120140360123"] {
            let mut number: [u8; LENGTH] = format!("{start}00000092").into_bytes().try_into().unwrap();
            number[CHECK] = check_digit(&number);
            let text = String::from_utf8(number.to_vec()).unwrap();
            assert_eq!(text.parse::<OrderNumber>(), Err(OrderNumberError::ImpossibleDate), "{start}");
        }
    }

    #[test]
    fn times_that_do_not_fit_are_refused() {
        for at in [Timestamp(i64::MAX), Timestamp(i64::MIN), Timestamp(-99_999_999_999_999)] {
            assert_eq!(OrderNumber::new(at, 0, tag(0)), Err(OrderNumberError::ImpossibleDate), "{at:?}");
        }
    }

    #[test]
    fn there_are_a_hundred_tags() {
        assert_eq!(GroupTag::try_from(100), Err(NoSuchTag(100)));
        assert!(serde_json::from_str::<GroupTag>("100").is_err());
        assert_eq!(serde_json::to_string(&tag(7)).unwrap(), "7");
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(number in any_number()) {
            prop_assert_eq!(number.to_string().parse(), Ok(number));
        }

        #[test]
        fn every_mistyped_digit_is_found(number in any_number(), at in 0..LENGTH, by in 1_u8..10) {
            let mut typed = number.0;
            typed[at] = b'0' + (typed[at] - b'0' + by) % 10;
            let typed = String::from_utf8(typed.to_vec()).unwrap();
            prop_assert_eq!(typed.parse::<OrderNumber>(), Err(OrderNumberError::CheckDigit));
        }

        #[test]
        fn every_swap_of_neighbours_is_found(number in any_number(), at in 0..LENGTH - 1) {
            let mut typed = number.0;
            typed.swap(at, at + 1);
            prop_assume!(typed != number.0);
            let typed = String::from_utf8(typed.to_vec()).unwrap();
            prop_assert_eq!(typed.parse::<OrderNumber>(), Err(OrderNumberError::CheckDigit));
        }

        #[test]
        fn numbers_sort_by_time(
            a in 0_i64..253_402_300_800_000, b in 0_i64..253_402_300_800_000,
            x in any::<u32>(), y in any::<u32>(), s in 0_u8..=99, t in 0_u8..=99,
        ) {
            let first = OrderNumber::new(Timestamp(a), x, tag(s)).unwrap();
            let second = OrderNumber::new(Timestamp(b), y, tag(t)).unwrap();
            prop_assume!(a != b);
            prop_assert_eq!(first.cmp(&second), a.cmp(&b));
            prop_assert_eq!(first.as_str().cmp(second.as_str()), a.cmp(&b));
        }

        #[test]
        fn reading_never_panics(text in any::<String>()) {
            let _ = text.parse::<OrderNumber>();
        }
    }
}
