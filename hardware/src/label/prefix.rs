//! How a scanner marks what kind of code it read: by AIM identifiers, or by its maker's own letters, which mean something
//! else on every maker's scanners and so have to be set per device.

use super::{AimId, Form};

/// What stands in front of each code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Prefixes {
    /// An AIM identifier, or nothing.
    #[default]
    Aim,
    /// A letter of Zebra's and Symbol's, or three for some codes.
    Zebra,
    /// A letter of Datalogic's European set; a QR code may have the two of the American one.
    Datalogic,
    /// Another maker's, from data.
    Own(OwnMarks),
}

/// A maker's marks, and what each says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OwnMarks(&'static [Mark]);

/// What a list of marks lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMark {
    /// A mark that is no short text of printable ASCII, or stands there twice.
    #[error("the mark {0:?} is not one to four characters of ASCII, or stands there twice")]
    Mark(String),
    /// Nothing that a mark can mean.
    #[error("{0:?} is no AIM identifier such as \"]E0\", nor \"upc_e\"")]
    Meaning(String),
}

impl OwnMarks {
    /// These marks; each means an AIM identifier (`]E0`), or `upc_e`. They are kept for as long as the program runs: a till
    /// reads them when it starts.
    ///
    /// # Errors
    /// One is none, or means nothing.
    pub fn new<'a>(marks: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, BadMark> {
        let mut all: Vec<Mark> = Vec::new();
        for (mark, meaning) in marks {
            let fits = (1..=4).contains(&mark.len()) && mark.bytes().all(|byte| byte.is_ascii_graphic());
            if !fits || mark.starts_with(']') || all.iter().any(|(other, ..)| *other == mark) {
                return Err(BadMark::Mark(mark.to_owned()));
            }
            let aim = AimId::at_start_of(meaning).filter(|_| meaning.len() == 3);
            let (aim, form) = match (aim, meaning) {
                (Some(aim), _) => (aim, aim.form()),
                (None, "upc_e") => (AimId { class: b'E', modifier: b'0' }, Form::UpcE),
                _ => return Err(BadMark::Meaning(meaning.to_owned())),
            };
            all.push((&*mark.to_owned().leak(), aim.class, aim.modifier, form));
        }
        // The longer first: one may be the beginning of another.
        all.sort_by_key(|(mark, ..)| std::cmp::Reverse(mark.len()));
        Ok(Self(all.leak()))
    }
}

impl Prefixes {
    /// What the mark in front of `text` says, and how long it is.
    pub(super) fn read(self, text: &str) -> (Option<AimId>, Form, usize) {
        if let Some(aim) = AimId::at_start_of(text) {
            return (Some(aim), aim.form(), 3);
        }
        if text.starts_with('\u{1D}') {
            return (None, Form::Gs1, 0);
        }
        let marks = match self {
            Self::Aim => return (None, Form::Plain, 0),
            Self::Zebra => ZEBRA,
            Self::Datalogic => DATALOGIC,
            Self::Own(OwnMarks(marks)) => marks,
        };
        // Every code has its mark: one without has lost its beginning, and others are not known to us.
        marks
            .iter()
            .find(|(mark, ..)| text.starts_with(mark))
            .map_or((None, Form::None, 0), |&(mark, class, modifier, form)| {
                (Some(AimId { class, modifier }), form, mark.len())
            })
    }
}

/// A mark, and the AIM identifier that says the same.
type Mark = (&'static str, u8, u8, Form);

/// What customers' phones show is among these, too: a Code 128 or a QR code.
const ZEBRA: &[Mark] = &[
    ("A", b'E', b'0', Form::EanOrUpc),
    ("B", b'A', b'0', Form::Plain),
    ("D", b'C', b'0', Form::Plain),
    ("K", b'C', b'1', Form::Gs1),
    ("R", b'e', b'0', Form::Gs1),
    ("P00", b'd', b'1', Form::Plain),
    ("P01", b'Q', b'1', Form::Plain),
    ("P0G", b'd', b'2', Form::Gs1),
    ("P0Q", b'Q', b'3', Form::Gs1),
];
const DATALOGIC: &[Mark] = &[
    ("A", b'E', b'4', Form::Ean8),
    ("B", b'E', b'0', Form::EanOrUpc),
    ("C", b'E', b'0', Form::EanOrUpc),
    ("D", b'E', b'0', Form::UpcE),
    ("T", b'C', b'0', Form::Plain),
    ("k", b'C', b'1', Form::Gs1),
    ("t", b'e', b'0', Form::Gs1),
    ("y", b'Q', b'1', Form::Plain),
    ("QR", b'Q', b'1', Form::Plain),
];

impl AimId {
    /// How the number of an article stands behind this identifier. By the letter where makers fill the modifier
    /// differently.
    pub(super) fn form(self) -> Form {
        match (self.class, self.modifier) {
            (b'E', b'4') => Form::Ean8,
            (b'E', b'3') => Form::WithAddOn,
            // Datalogic sends UPC-A and UPC-E as "other".
            (b'E' | b'X', _) => Form::EanOrUpc,
            (b'C', b'1') | (b'e', _) | (b'd', b'2') | (b'Q', b'3') | (b'J', b'1') => Form::Gs1,
            _ => Form::Plain,
        }
    }
}
