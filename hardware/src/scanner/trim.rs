//! What a scanner was set to put before and after each code, so that its codes can be told from typing. Pure.

use super::ScannerEvent;
use super::assembler::{Assembled, Refusal};

/// The marks around each code; empty for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trim {
    /// Before the code, and before the scanner's own identifier.
    pub prefix: String,
    /// After the code, before the terminator.
    pub suffix: String,
}

impl Trim {
    /// The event for what came out of an assembler: without its marks, or refused if one is missing, since then some
    /// of the code may be missing too.
    pub(super) fn event(&self, item: Assembled) -> ScannerEvent {
        let text = match item {
            Assembled::Refused(reason) => return ScannerEvent::ScanRefused { reason },
            Assembled::Scan(text) => text,
        };
        let inside =
            text.expose().strip_prefix(&self.prefix).and_then(|rest| rest.strip_suffix(&self.suffix));
        match inside.map(str::len) {
            None | Some(0) => ScannerEvent::ScanRefused { reason: Refusal::Incomplete },
            Some(_) if self.prefix.is_empty() && self.suffix.is_empty() => ScannerEvent::Scanned(text),
            Some(length) => ScannerEvent::Scanned(text.part(self.prefix.len(), length)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::ScanText;

    fn trimmed(prefix: &str, suffix: &str, text: &str) -> Option<String> {
        let trim = Trim { prefix: prefix.into(), suffix: suffix.into() };
        match trim.event(Assembled::Scan(ScanText::new(text.into()))) {
            ScannerEvent::Scanned(text) => Some(text.expose().to_owned()),
            _ => None,
        }
    }

    #[test]
    fn marks_are_taken_off_and_a_code_without_them_is_refused() {
        assert_eq!(trimmed("", "", "42").as_deref(), Some("42"));
        assert_eq!(trimmed("~", "#", "~]E096385074#").as_deref(), Some("]E096385074"));
        for part in ["]E096385074#", "~]E096385074", "~#", "~", ""] {
            assert_eq!(trimmed("~", "#", part), None, "{part}");
        }
    }
}
