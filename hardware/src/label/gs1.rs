//! GS1 element strings: what else than its number a code says of an article. Pure.

use super::Gtin;

/// What a GS1 code says. Fields that tills have no use for are read over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gs1 {
    /// The article (01).
    pub gtin: Option<Gtin>,
    /// The article that a larger package holds (02); how many of it is in [`Gs1::count`].
    pub contained: Option<Gtin>,
    /// How many are contained (37), or how many pieces a pack of varying number holds (30).
    pub count: Option<u32>,
    /// The batch (10).
    pub lot: Option<String>,
    /// The serial number (21).
    pub serial: Option<String>,
    /// Made on (11).
    pub made: Option<Gs1Date>,
    /// Best before (15).
    pub best_before: Option<Gs1Date>,
    /// Not to be sold after (17).
    pub expires: Option<Gs1Date>,
    /// The net weight in kilograms (310n).
    pub weight: Option<Decimal>,
    /// What it costs, in the store's own currency (392n) or in a named one (393n).
    pub price: Option<Price>,
    /// It is measured or priced in a way that is not read here: in pounds, by length, by volume, per unit.
    pub measured_otherwise: bool,
}

/// A number with so many of its digits behind the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// All digits.
    pub digits: u64,
    /// How many stand behind the point.
    pub decimals: u8,
}

impl Decimal {
    /// The number in units of so many digits behind the point, such as 3 for grams of a weight in kilograms; none if it
    /// is finer than that, or too large.
    #[must_use]
    pub fn in_units_of(self, decimals: u32) -> Option<u64> {
        let own = u32::from(self.decimals);
        if own <= decimals {
            return self.digits.checked_mul(10_u64.checked_pow(decimals - own)?);
        }
        let finer = 10_u64.checked_pow(own - decimals)?;
        self.digits.is_multiple_of(finer).then_some(self.digits / finer)
    }
}

/// A price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// The number of ISO 4217, such as 156 for the yuan; none for the store's own currency.
    pub currency: Option<u16>,
    /// How much.
    pub amount: Decimal,
}

/// A day as GS1 writes it: two digits of the year, and day 0 for the last of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gs1Date {
    year: u8,
    month: u8,
    day: u8,
}

impl Gs1Date {
    /// Year, month and day, as seen from the year `now`: up to 50 years ahead and 49 back.
    #[must_use]
    pub fn resolve(self, now: u16) -> (u16, u8, u8) {
        let century = now / 100 * 100;
        let mut year = century + u16::from(self.year);
        if year > now + 50 {
            year -= 100;
        } else if year + 50 <= now {
            year += 100;
        }
        let last = days_of(year, self.month);
        (year, self.month, if self.day == 0 { last } else { self.day })
    }
}

fn days_of(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Why a GS1 code is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gs1Error {
    /// A field is shorter or longer than it may be, or has characters that it must not have: the code came in part, or
    /// its separators were lost on the way.
    #[error("the code is incomplete; scan again")]
    Field,
    /// An article's check digit does not fit.
    #[error("the check digit inside the code does not fit; scan again")]
    CheckDigit,
    /// No such day.
    #[error("the code names a day that does not exist")]
    Date,
    /// The same field twice, with different content.
    #[error("the code contradicts itself")]
    Contradiction,
}

/// FNC1 in the middle of a code, as scanners transmit it.
const SEPARATOR: char = '\u{1D}';

/// Reads an element string without its AIM identifier.
///
/// # Errors
/// When anything in it is not as it must be: nothing of it is used then.
pub fn parse(text: &str) -> Result<Gs1, Gs1Error> {
    let mut rest = text.trim_start_matches(SEPARATOR);
    if rest.is_empty() || !text.is_ascii() {
        return Err(Gs1Error::Field);
    }
    let mut found = Gs1::default();
    while !rest.is_empty() {
        let field = Field::at_start_of(rest)?;
        let (ai, content, after) = field.take(rest)?;
        found.add(ai, content)?;
        rest = after.strip_prefix(SEPARATOR).unwrap_or(after);
    }
    Ok(found)
}

/// How a field is delimited.
struct Field {
    /// Digits of its identifier.
    identifier: usize,
    /// Characters of its content, if that is fixed.
    fixed: Option<usize>,
}

impl Field {
    fn at_start_of(text: &str) -> Result<Self, Gs1Error> {
        let first_two = text.get(..2).filter(|two| two.bytes().all(|b| b.is_ascii_digit()));
        let field = |identifier, fixed| Ok(Self { identifier, fixed });
        match first_two.ok_or(Gs1Error::Field)? {
            "00" => field(2, Some(18)),
            "01" | "02" | "03" => field(2, Some(14)),
            "04" => field(2, Some(16)),
            "11" | "12" | "13" | "14" | "15" | "16" | "17" | "18" | "19" => field(2, Some(6)),
            "20" => field(2, Some(2)),
            "31" | "32" | "33" | "34" | "35" | "36" => field(4, Some(6)),
            "39" => field(4, None),
            "41" => field(3, Some(13)),
            // Of the others only where they end is known: at a separator.
            _ => field(2, None),
        }
    }

    fn take<'a>(&self, text: &'a str) -> Result<(&'a str, &'a str, &'a str), Gs1Error> {
        let ai = text.get(..self.identifier).ok_or(Gs1Error::Field)?;
        let rest = text.get(self.identifier..).ok_or(Gs1Error::Field)?;
        let length = self.fixed.unwrap_or_else(|| rest.find(SEPARATOR).unwrap_or(rest.len()));
        let content = rest.get(..length).filter(|content| !content.contains(SEPARATOR));
        let content = content.filter(|content| !content.is_empty()).ok_or(Gs1Error::Field)?;
        if !ai.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Gs1Error::Field);
        }
        Ok((ai, content, rest.get(length..).unwrap_or_default()))
    }
}

impl Gs1 {
    /// Whether the code says how much of the article it stands for, or what that costs: it is not simply one of it.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.weight.is_some() || self.price.is_some() || self.count.is_some() || self.measured_otherwise
    }

    fn add(&mut self, ai: &str, content: &str) -> Result<(), Gs1Error> {
        match ai {
            "01" => once(&mut self.gtin, gtin(content)?),
            "02" => once(&mut self.contained, gtin(content)?),
            "10" => once(&mut self.lot, text(content)?),
            "21" => once(&mut self.serial, text(content)?),
            "11" => once(&mut self.made, date(content)?),
            "15" => once(&mut self.best_before, date(content)?),
            "17" => once(&mut self.expires, date(content)?),
            "30" | "37" => {
                let count = number(content, 8)?;
                once(&mut self.count, u32::try_from(count).map_err(|_| Gs1Error::Field)?)
            }
            _ => match (ai.get(..3), ai.as_bytes().get(3)) {
                (Some("310"), Some(decimals @ b'0'..=b'5')) => {
                    let digits = number(content, 6)?;
                    once(&mut self.weight, Decimal { digits, decimals: decimals - b'0' })
                }
                (Some("392"), Some(decimals)) => once(&mut self.price, price(None, content, *decimals)?),
                (Some("393"), Some(decimals)) => {
                    let (currency, amount) = content.split_at_checked(3).ok_or(Gs1Error::Field)?;
                    let currency = u16::try_from(number(currency, 3)?).map_err(|_| Gs1Error::Field)?;
                    once(&mut self.price, price(Some(currency), amount, *decimals)?)
                }
                // 33 and 34 are those of a whole load.
                _ if matches!(ai.get(..2), Some("31" | "32" | "35" | "36" | "39")) => {
                    self.measured_otherwise = true;
                    Ok(())
                }
                _ => Ok(()),
            },
        }
    }
}

fn once<T: PartialEq>(place: &mut Option<T>, value: T) -> Result<(), Gs1Error> {
    match place {
        Some(old) if *old != value => Err(Gs1Error::Contradiction),
        _ => {
            *place = Some(value);
            Ok(())
        }
    }
}

fn gtin(content: &str) -> Result<Gtin, Gs1Error> {
    number(content, 14)?;
    content.parse().map_err(|_| Gs1Error::CheckDigit)
}

fn text(content: &str) -> Result<String, Gs1Error> {
    let fits = content.len() <= 20 && content.bytes().all(|byte| (b'!'..=b'z').contains(&byte));
    fits.then(|| content.to_owned()).ok_or(Gs1Error::Field)
}

fn number(content: &str, most: usize) -> Result<u64, Gs1Error> {
    let digits = content.len() <= most && content.bytes().all(|byte| byte.is_ascii_digit());
    content.parse().ok().filter(|_| digits).ok_or(Gs1Error::Field)
}

fn price(currency: Option<u16>, content: &str, decimals: u8) -> Result<Price, Gs1Error> {
    let decimals = decimals.checked_sub(b'0').filter(|decimals| *decimals <= 3).ok_or(Gs1Error::Field)?;
    Ok(Price { currency, amount: Decimal { digits: number(content, 15)?, decimals } })
}

fn date(content: &str) -> Result<Gs1Date, Gs1Error> {
    let part = |from: usize| content.get(from..from + 2).and_then(|two| number(two, 2).ok());
    let byte = |from| part(from).and_then(|n| u8::try_from(n).ok()).ok_or(Gs1Error::Field);
    let date = Gs1Date { year: byte(0)?, month: byte(2)?, day: byte(4)? };
    let exists =
        (1..=12).contains(&date.month) && date.day <= days_of(2000 + u16::from(date.year), date.month);
    exists.then_some(date).ok_or(Gs1Error::Date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_common_fields_are_read() {
        let got = parse("01069012345678921726020010LOT7\u{1D}21A-1\u{1D}3103001250393215600990").unwrap();
        assert_eq!(got.gtin.unwrap().to_string(), "06901234567892");
        assert_eq!(got.expires.unwrap().resolve(2026), (2026, 2, 28));
        assert_eq!((got.lot.as_deref(), got.serial.as_deref()), (Some("LOT7"), Some("A-1")));
        assert_eq!(got.weight, Some(Decimal { digits: 1250, decimals: 3 }));
        let amount = Decimal { digits: 990, decimals: 2 };
        assert_eq!(got.price, Some(Price { currency: Some(156), amount }));
        let own = parse("0106901234567892392200990\u{1D}11251231").unwrap();
        assert_eq!(own.price, Some(Price { currency: None, amount }));
        assert_eq!(own.made.unwrap().resolve(2026), (2025, 12, 31));
        let pack = parse("020690123456789237 12".replace(' ', "").as_str()).unwrap();
        assert_eq!((pack.contained.is_some(), pack.count, pack.gtin), (true, Some(12), None));
    }

    #[test]
    fn a_code_of_a_measured_piece_says_so_whatever_it_is_measured_in() {
        let measured = |rest: &str| parse(&format!("0106901234567892{rest}")).unwrap().is_measured();
        let all =
            ["3103000250", "3106000250", "3202000551", "3112000100", "3150000750", "3920990", "393156990"];
        for rest in all.into_iter().chain(["30000012", "3950990", "39012"]) {
            assert!(measured(rest), "{rest}");
        }
        for rest in ["", "10LOT7", "3302000551", "11251231"] {
            assert!(!measured(rest), "{rest}");
        }
    }

    #[test]
    fn a_number_is_turned_into_other_units_exactly_or_not_at_all() {
        let of = |digits, decimals| Decimal { digits, decimals };
        assert_eq!(of(250, 3).in_units_of(3), Some(250));
        assert_eq!(of(25, 2).in_units_of(3), Some(250));
        assert_eq!(of(25_000, 5).in_units_of(3), Some(250));
        assert_eq!(of(25_001, 5).in_units_of(3), None);
        assert_eq!(of(990, 2).in_units_of(0), None);
        assert_eq!(of(u64::MAX, 0).in_units_of(2), None);
    }

    #[test]
    fn fields_of_no_use_are_read_over_in_their_length() {
        let got = parse("003456789012345678\u{1D}").unwrap_err();
        assert_eq!(got, Gs1Error::Field);
        let got = parse("001234567890123456750106901234567892240X\u{1D}7003260101\u{1D}15260131").unwrap();
        assert!(got.gtin.is_some() && got.best_before.is_some());
    }

    #[test]
    fn what_is_wrong_in_one_place_is_not_used_at_all() {
        for (text, error) in [
            ("0106901234567893", Gs1Error::CheckDigit),
            ("010690123456789", Gs1Error::Field),
            ("010690123456789217261301", Gs1Error::Date),
            ("010690123456789217260230", Gs1Error::Date),
            ("010690123456789210ABCDEFGHIJKLMNOPQRSTU", Gs1Error::Field),
            ("01069012345678920100000096385074", Gs1Error::Contradiction),
            ("310300\u{1D}125001069012345678", Gs1Error::Field),
            ("", Gs1Error::Field),
            ("AB", Gs1Error::Field),
        ] {
            assert_eq!(parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn years_are_those_nearest_to_now() {
        let year = |yy: &str, now| parse(&format!("11{yy}0101")).unwrap().made.unwrap().resolve(now).0;
        assert_eq!((year("76", 2026), year("77", 2026)), (2076, 1977));
        assert_eq!((year("99", 2051), year("01", 2051)), (2099, 2101));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn any_digits_and_separators_are_read_without_panic(text in "[0-9\u{1D}]{0,60}") {
            let _ = parse(&text);
        }

        #[test]
        fn fields_come_out_as_they_went_in_in_any_order(
            lot in "[0-9A-Za-z/.-]{1,20}", serial in "[0-9A-Z]{1,20}", grams in 0_u64..1_000_000, swap in any::<bool>(),
        ) {
            let (lot_field, serial_field) = (format!("10{lot}\u{1D}"), format!("21{serial}\u{1D}"));
            let weight = format!("3103{grams:06}");
            let text = if swap {
                format!("{serial_field}0106901234567892{lot_field}{weight}")
            } else {
                format!("{weight}{lot_field}0106901234567892{serial_field}")
            };
            let got = parse(&text).unwrap();
            prop_assert_eq!((got.lot, got.serial), (Some(lot), Some(serial)));
            prop_assert_eq!(got.weight, Some(Decimal { digits: grams, decimals: 3 }));
            prop_assert!(got.gtin.is_some());
        }
    }
}
