//! How a scanner marks what kind of code it read: by AIM identifiers, or by its maker's own letters, which mean something
//! else on every maker's scanners and so have to be set per device.

use super::{AimId, Form};

/// What stands in front of each code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Prefixes {
    /// An AIM identifier, or nothing.
    #[default]
    Aim,
    /// A letter of Zebra's and Symbol's.
    Zebra,
    /// A letter of Datalogic's.
    Datalogic,
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
        let aim = |class, modifier| Some(AimId { class, modifier });
        let marked = match (self, text.as_bytes().first()) {
            (Self::Aim, _) => return (None, Form::Plain, 0),
            (Self::Zebra, Some(b'A')) => (aim(b'E', b'0'), Form::EanOrUpc),
            (Self::Zebra, Some(b'B')) => (aim(b'A', b'0'), Form::Plain),
            (Self::Zebra, Some(b'D')) => (aim(b'C', b'0'), Form::Plain),
            (Self::Zebra, Some(b'K')) => (aim(b'C', b'1'), Form::Gs1),
            (Self::Datalogic, Some(b'A')) => (aim(b'E', b'4'), Form::Ean8),
            (Self::Datalogic, Some(b'B' | b'C')) => (aim(b'E', b'0'), Form::EanOrUpc),
            (Self::Datalogic, Some(b'D')) => (aim(b'E', b'0'), Form::UpcE),
            // Every code has its letter: one without has lost its beginning, and others are not known to us.
            _ => return (None, Form::None, 0),
        };
        (marked.0, marked.1, 1)
    }
}

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
