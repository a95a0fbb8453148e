//! What was scanned: an article's number, a code of the store's own, or any other text. Pure.
//!
//! Whether a text is a customer's payment code is not decided here; what is decided is that nothing of a
//! payment code's length is ever taken for an article.

use crate::scanner::ScanText;
use std::fmt;
use std::str::FromStr;

/// A global trade item number with a right check digit, in its 14-digit form: EAN-8, UPC-A, EAN-13 and GTIN-14
/// compare as one number, with zeros in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gtin(u64);

impl Gtin {
    /// The number itself.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// Whether the number belongs to a range that each store gives a meaning of its own (02, 04, 20 to 29, and
    /// EAN-8 from 0 or 2): weights, prices, private labels.
    #[must_use]
    pub fn is_restricted(self) -> bool {
        if self.0 < 100_000_000 {
            return matches!(self.0 / 10_000_000, 0 | 2);
        }
        self.0 < 10_u64.pow(13) && matches!(self.0 / 10_u64.pow(11), 2 | 4 | 20..=29)
    }
}

impl fmt::Display for Gtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014}", self.0)
    }
}

/// The text is not the number of an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAGtin {
    /// Not 8, 12, 13 or 14 digits.
    #[error("an article number has 8, 12, 13 or 14 digits")]
    Shape,
    /// The last digit does not fit the others.
    #[error("the check digit does not fit; type the number again")]
    CheckDigit,
}

impl FromStr for Gtin {
    type Err = NotAGtin;

    fn from_str(text: &str) -> Result<Self, NotAGtin> {
        let digits = text.as_bytes();
        if !matches!(digits.len(), 8 | 12 | 13 | 14) || !digits.iter().all(u8::is_ascii_digit) {
            return Err(NotAGtin::Shape);
        }
        let (body, check) = digits.split_at(digits.len() - 1);
        if check != [b'0' + check_digit(body)] {
            return Err(NotAGtin::CheckDigit);
        }
        text.parse().map(Self).map_err(|_| NotAGtin::Shape)
    }
}

/// The digit that makes the sum a multiple of ten, with weights 3 and 1 from the right.
fn check_digit(body: &[u8]) -> u8 {
    let sum: u32 = body
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| u32::from(digit - b'0') * if place % 2 == 0 { 3 } else { 1 })
        .sum();
    u8::try_from((10 - sum % 10) % 10).unwrap_or(0)
}

/// The kind of symbol that was read, as the scanner tells by an AIM prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Symbology {
    /// EAN and UPC.
    Ean,
    /// Code 128 and GS1-128.
    Code128,
    /// GS1 DataBar.
    DataBar,
    /// QR code.
    Qr,
    /// Data Matrix.
    DataMatrix,
    /// PDF417.
    Pdf417,
    /// Code 39.
    Code39,
    /// Interleaved 2 of 5.
    Interleaved,
    /// Han Xin.
    HanXin,
    /// Another, or one that the scanner keeps to itself.
    Other,
}

/// An AIM identifier: `]`, a letter, a modifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AimId {
    class: u8,
    modifier: u8,
}

impl AimId {
    /// The identifier at the start of `text`.
    fn at_start_of(text: &str) -> Option<Self> {
        match text.as_bytes() {
            [b']', class, modifier, ..]
                if class.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric() =>
            {
                Some(Self { class: *class, modifier: *modifier })
            }
            _ => None,
        }
    }

    /// The kind of symbol. By the letter alone: modifiers are sums that every maker fills differently.
    #[must_use]
    pub fn symbology(self) -> Symbology {
        match self.class {
            b'E' => Symbology::Ean,
            b'C' => Symbology::Code128,
            b'e' => Symbology::DataBar,
            b'Q' => Symbology::Qr,
            b'd' => Symbology::DataMatrix,
            b'L' => Symbology::Pdf417,
            b'A' => Symbology::Code39,
            b'I' => Symbology::Interleaved,
            b'h' => Symbology::HanXin,
            _ => Symbology::Other,
        }
    }
}

impl fmt::Display for AimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "]{}{}", char::from(self.class), char::from(self.modifier))
    }
}

/// What a scanned text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelKind {
    /// An article with a world-wide number.
    Article(Gtin),
    /// A number of the store's own. Look for an article with exactly this number first, and only then for a
    /// weight or a price inside: it may be a plain private label.
    InStore(Gtin),
    /// Anything else: a payment code, an order number, a member's card, a code of another system.
    Other,
}

/// A scan that was looked at.
#[derive(Debug)]
pub struct Label {
    /// How the scanner marked it, if it marks at all.
    pub aim: Option<AimId>,
    /// The text without the mark; still a secret unless `kind` says that it is goods.
    pub text: ScanText,
    /// What it is.
    pub kind: LabelKind,
}

/// Looks at a scan.
#[must_use]
pub fn classify(scan: ScanText) -> Label {
    let aim = AimId::at_start_of(scan.expose());
    let text = if aim.is_some() { scan.without_prefix(3) } else { scan };
    let kind = match text.expose().parse::<Gtin>() {
        Ok(gtin) if gtin.is_restricted() => LabelKind::InStore(gtin),
        Ok(gtin) => LabelKind::Article(gtin),
        Err(_) => LabelKind::Other,
    };
    Label { aim, text, kind }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind(text: &str) -> LabelKind {
        classify(ScanText::new(text.into())).kind
    }

    #[test]
    fn known_articles_are_articles() {
        for text in ["6901234567892", "96385074", "036000291452", "10614141000415", "]E06901234567892"] {
            assert!(matches!(kind(text), LabelKind::Article(_)), "{text}");
        }
    }

    #[test]
    fn upc_and_ean_of_one_article_are_the_same_article() {
        assert_eq!(kind("036000291452"), kind("0036000291452"));
        assert_eq!("96385074".parse::<Gtin>().unwrap().to_string(), "00000096385074");
    }

    #[test]
    fn a_wrong_check_digit_is_no_article() {
        assert_eq!(kind("6901234567893"), LabelKind::Other);
        assert_eq!("2112345015001".parse::<Gtin>(), Err(NotAGtin::CheckDigit));
        assert!("2112345015002".parse::<Gtin>().is_ok());
    }

    #[test]
    fn the_stores_own_numbers_stay_raw() {
        for text in ["2112345015002", "212345678909", "20123451", "0212345678909"] {
            let got = kind(text);
            assert!(matches!(got, LabelKind::InStore(_)), "{text}: {got:?}");
        }
        assert_eq!(classify(ScanText::new("]E02112345015002".into())).text.expose(), "2112345015002");
    }

    #[test]
    fn prefixes_are_split_off_and_named() {
        let label = classify(ScanText::new("]Q1https://example.test/".into()));
        assert_eq!(label.aim.unwrap().symbology(), Symbology::Qr);
        assert_eq!(label.aim.unwrap().to_string(), "]Q1");
        assert_eq!(label.text.expose(), "https://example.test/");
        assert_eq!(classify(ScanText::new("]中文".into())).text.expose(), "]中文");
    }

    #[test]
    fn other_digits_and_signs_are_no_numbers() {
        assert_eq!(kind("+6385074"), LabelKind::Other);
        assert_eq!(kind("٩٦٣٨٥٠٧٤"), LabelKind::Other);
        assert_eq!(kind(""), LabelKind::Other);
    }

    proptest! {
        #[test]
        fn nothing_as_long_as_a_payment_code_is_an_article(text in "(\\][A-Za-z][0-9])?[0-9]{15,24}") {
            prop_assert_eq!(kind(&text), LabelKind::Other);
        }

        #[test]
        fn any_text_is_classified_without_panic(text in any::<String>()) {
            let _ = kind(&text);
        }

        #[test]
        fn one_wrong_digit_is_always_noticed(body in 0_u64..10_u64.pow(12), place in 0_usize..13, by in 1_u8..10) {
            let mut digits = format!("{body:012}").into_bytes();
            digits.push(b'0' + check_digit(&digits));
            digits[place] = b'0' + (digits[place] - b'0' + by) % 10;
            let text = String::from_utf8(digits).unwrap();
            prop_assert_eq!(text.parse::<Gtin>(), Err(NotAGtin::CheckDigit));
        }
    }
}
