//! What was scanned: an article's number, a code of the store's own, or any other text. Pure.
//!
//! Whether a text is a customer's payment code is not decided here; what is decided is that nothing of a
//! payment code's length is ever taken for an article.

pub mod gs1;
pub mod in_store;
mod prefix;
mod upc_e;

pub use prefix::{BadMark, OwnMarks, Prefixes};

use crate::scanner::ScanText;
use gs1::Gs1;
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
    /// What else the code says of the article, if it is a GS1 code.
    pub gs1: Option<Gs1>,
}

impl Label {
    /// Under which number to look for goods: the text, or the article's number where the text holds more than that.
    #[must_use]
    pub fn code(&self) -> String {
        match self.kind {
            LabelKind::Article(gtin) | LabelKind::InStore(gtin) if self.text.expose().parse() != Ok(gtin) => {
                gtin.to_string()
            }
            _ => self.text.expose().to_owned(),
        }
    }
}

/// Looks at a scan of a scanner that sends AIM identifiers or none.
#[must_use]
pub fn classify(scan: ScanText) -> Label {
    classify_with(scan, Prefixes::Aim)
}

/// Looks at a scan of a scanner with these identifiers.
#[must_use]
pub fn classify_with(scan: ScanText, prefixes: Prefixes) -> Label {
    let (aim, form, length) = prefixes.read(scan.expose());
    let text = scan.without_prefix(length);
    let gs1 = (form == Form::Gs1).then(|| gs1::parse(text.expose()).ok()).flatten();
    let gtin = match form {
        Form::Gs1 => gs1.as_ref().and_then(|gs1| gs1.gtin),
        _ => form.gtin(text.expose()),
    };
    let kind = match gtin {
        Some(gtin) if gtin.is_restricted() => LabelKind::InStore(gtin),
        Some(gtin) => LabelKind::Article(gtin),
        None => LabelKind::Other,
    };
    Label { aim, text, kind, gs1 }
}

/// How the number of an article stands in a code, as far as the scanner tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Form {
    /// The scanner does not tell: a whole number with its check digit.
    Plain,
    /// EAN or UPC of some kind; eight digits may be an EAN-8 or a UPC-E.
    EanOrUpc,
    /// EAN-8.
    Ean8,
    /// UPC-E, not expanded.
    UpcE,
    /// EAN-13 or UPC-A with an add-on of two or five digits behind it.
    WithAddOn,
    /// An element string.
    Gs1,
    /// No article's number at all.
    None,
}

impl Form {
    fn gtin(self, text: &str) -> Option<Gtin> {
        let whole = || text.parse::<Gtin>().ok();
        match self {
            Self::Plain => whole(),
            Self::Ean8 => whole().filter(|_| text.len() == 8),
            Self::UpcE => upc_e::expand(text),
            Self::EanOrUpc if text.len() == 8 => match (whole(), upc_e::expand(text)) {
                // Right as both, and not the same article: only the scanner could tell.
                (Some(_), Some(_)) => None,
                (ean, upc) => ean.or(upc),
            },
            Self::EanOrUpc => whole(),
            Self::WithAddOn => {
                let number = match text.len() {
                    15 | 18 => text.get(..13),
                    14 | 17 => text.get(..12),
                    _ => None,
                };
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                number.filter(|_| digits).and_then(|number| number.parse().ok())
            }
            Self::Gs1 | Self::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind(text: &str) -> LabelKind {
        classify(ScanText::new(text.into())).kind
    }

    #[test]
    fn a_makers_own_marks_are_data() {
        let marks = [("d", "]E0"), ("D", "]E4"), ("E", "upc_e"), ("s", "]Q1"), ("ss", "]Q3"), ("I", "]C1")];
        let own = Prefixes::Own(OwnMarks::new(marks).unwrap());
        let read = |text: &str| classify_with(ScanText::new(text.into()), own);
        assert!(matches!(read("d6901234567892").kind, LabelKind::Article(_)));
        assert!(matches!(read("D96385074").kind, LabelKind::Article(_)));
        assert_eq!(read("E01234565").code(), "00012345000065");
        assert_eq!(read("s134567890123456789").text.expose(), "134567890123456789");
        assert!(read("ss0106901234567892").gs1.is_some(), "the longer mark counts");
        assert!(read("I0106901234567892").gs1.is_some());
        assert_eq!(read("6901234567892").kind, LabelKind::Other, "its mark was lost");
        assert!(
            matches!(read("]E06901234567892").kind, LabelKind::Article(_)),
            "AIM identifiers always count"
        );
        for (mark, meaning) in
            [("", "]E0"), ("d", "E0"), ("d", "]E01"), ("]d", "]E0"), ("d ", "]E0"), ("d", "")]
        {
            assert!(OwnMarks::new([(mark, meaning)]).is_err(), "{mark:?} {meaning:?}");
        }
        assert!(OwnMarks::new([("d", "]E0"), ("d", "]E4")]).is_err());
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

    fn with(text: &str, prefixes: Prefixes) -> Label {
        classify_with(ScanText::new(text.into()), prefixes)
    }

    #[test]
    fn the_same_letter_means_another_kind_of_code_on_another_makers_scanner() {
        for (text, prefixes, symbology) in [
            ("A6901234567892", Prefixes::Zebra, Symbology::Ean),
            ("B6901234567892", Prefixes::Datalogic, Symbology::Ean),
            ("A96385074", Prefixes::Datalogic, Symbology::Ean),
        ] {
            let label = with(text, prefixes);
            assert!(matches!(label.kind, LabelKind::Article(_)), "{text}: {label:?}");
            assert_eq!(label.aim.unwrap().symbology(), symbology);
        }
        // Code 39 on a Zebra, EAN-13 on a Datalogic.
        assert_eq!(with("BABC-1", Prefixes::Zebra).text.expose(), "ABC-1");
        assert_eq!(
            with("A6901234567892", Prefixes::Datalogic).kind,
            LabelKind::Other,
            "no EAN-8 of 13 digits"
        );
        assert_eq!(with("6901234567892", Prefixes::Zebra).kind, LabelKind::Other, "its letter was lost");
    }

    #[test]
    fn what_phones_show_loses_the_makers_mark_and_nothing_else() {
        let code = "134567890123456789";
        for (mark, prefixes, symbology) in [
            ("P01", Prefixes::Zebra, Symbology::Qr),
            ("D", Prefixes::Zebra, Symbology::Code128),
            ("y", Prefixes::Datalogic, Symbology::Qr),
            ("QR", Prefixes::Datalogic, Symbology::Qr),
            ("T", Prefixes::Datalogic, Symbology::Code128),
        ] {
            let label = with(&format!("{mark}{code}"), prefixes);
            assert_eq!((label.text.expose(), label.kind), (code, LabelKind::Other), "{mark}");
            assert_eq!(label.aim.unwrap().symbology(), symbology);
        }
        let weighed = "01069012345678923103001250";
        for (mark, prefixes) in [
            ("K", Prefixes::Zebra),
            ("R", Prefixes::Zebra),
            ("P0G", Prefixes::Zebra),
            ("P0Q", Prefixes::Zebra),
            ("k", Prefixes::Datalogic),
            ("t", Prefixes::Datalogic),
        ] {
            let label = with(&format!("{mark}{weighed}"), prefixes);
            assert_eq!(label.gs1.unwrap().weight.unwrap().digits, 1250, "{mark}");
        }
    }

    #[test]
    fn upc_e_is_expanded_before_its_check_digit_is_looked_at() {
        assert_eq!(with("D01234565", Prefixes::Datalogic).code(), "00012345000065");
        assert_eq!(kind("]X004252614"), kind("042100005264"));
        assert_eq!(kind("]E404252614"), LabelKind::Other, "the scanner said EAN-8");
        assert_eq!(kind("]E001234565"), LabelKind::Other, "right as EAN-8 and as UPC-E");
    }

    #[test]
    fn an_add_on_belongs_to_the_article_before_it_and_is_none_alone() {
        assert_eq!(kind("]E3977167492300212"), LabelKind::Other, "its check digit does not fit");
        let magazine = classify(ScanText::new("]E3977167492300112".into()));
        assert_eq!(magazine.code(), "09771674923001");
        assert_eq!((kind("]E112"), kind("]E200012")), (LabelKind::Other, LabelKind::Other));
    }

    #[test]
    fn a_gs1_code_is_the_article_that_it_names_with_all_else_that_it_says() {
        for prefix in ["]C1", "]e0", "]d2", "]Q3", "\u{1D}"] {
            let text = format!("{prefix}01069012345678923103001250");
            let label = classify(ScanText::new(text.clone()));
            assert_eq!(label.code(), "06901234567892", "{text}");
            assert_eq!(label.gs1.unwrap().weight.unwrap().digits, 1250);
        }
        assert_eq!(kind("]C10106901234567893"), LabelKind::Other, "its check digit does not fit");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic_whatever_the_scanner(text in any::<String>()) {
            for prefixes in [Prefixes::Aim, Prefixes::Zebra, Prefixes::Datalogic] {
                let _ = with(&text, prefixes).code();
            }
        }

        #[test]
        fn nothing_as_long_as_a_payment_code_is_an_article(text in "(\\](C0|Q0|Q1|E0|X0|d0|A0|I0))?[0-9]{15,24}") {
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
