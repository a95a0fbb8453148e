//! Bills: what a channel says of a whole day, the morning after. A bill is taken whole or not at all.
//!
//! Bills are long: they are read line by line out of what they came packed in, so that neither the unpacked text nor
//! another copy of it ever stands in memory.

use super::Answer;
use encoding_rs::GBK;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::reconciliation::BillRow;
use flate2::read::MultiGzDecoder;
use std::borrow::Cow;
use std::io::{BufRead, BufReader, Cursor, Read};
use zip::ZipArchive;

/// The most bytes of a packed bill that are taken: some millions of lines.
pub const MOST_PACKED: usize = 64 * 1024 * 1024;
/// The most bytes that are read out of it.
const MOST_TEXT: u64 = 1024 * 1024 * 1024;
/// No line of a bill comes near this many bytes.
const MOST_LINE: u64 = 16 * 1024;

/// A channel's bills.
pub trait Bills: Send + Sync {
    /// The whole bill of that day of the channel, or why not.
    fn bill<'a>(&'a self, day: BusinessDay) -> Answer<'a, Result<Vec<BillRow>, BillFailure>>;
}

/// Why there is no bill that counts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BillFailure {
    /// The channel has none of that day, or none yet.
    #[error("the wallet has no bill of that day yet")]
    NotReady,
    /// The channel could not be asked, or did not answer in full.
    #[error("{0}")]
    NoAnswer(String),
    /// Something came that is refused as a whole.
    #[error("{0}")]
    Bad(String),
}

/// Why a bill is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BillError {
    /// Nothing, or no text.
    #[error("the bill is empty or is not text: fetch it again")]
    NotText,
    /// It cannot be unpacked.
    #[error("the bill cannot be unpacked ({0}): fetch it again")]
    Packed(String),
    /// The wallet has changed its columns, or it is another kind of bill.
    #[error("the bill has no column {0}: it is of another kind, or the wallet has changed its bills")]
    NoColumn(&'static str),
    /// It is another merchant's.
    #[error(
        "the bill is that of account {whose:?}, not of {own}: compare the account's settings with the wallet's"
    )]
    Foreign {
        /// Whose it says it is.
        whose: String,
        /// Whose it must be.
        own: String,
    },
    /// The file ends before its sums.
    #[error("the bill is cut off: its sums are missing; fetch it again")]
    CutOff,
    /// A line that cannot be read.
    #[error("line {line} of the bill cannot be read: {what}")]
    Line {
        /// Which, from 1.
        line: u64,
        /// Why.
        what: String,
    },
    /// The lines and their sums do not agree.
    #[error("the bill's lines come to {lines} as {what}, its sums say {sums}: fetch it again")]
    Sums {
        /// Of what.
        what: &'static str,
        /// What the lines come to.
        lines: String,
        /// What the last line says.
        sums: String,
    },
}

impl From<BillError> for BillFailure {
    fn from(error: BillError) -> Self {
        Self::Bad(error.to_string())
    }
}

/// The text in a gzip file.
pub(super) fn gzip(bytes: &[u8]) -> impl BufRead {
    BufReader::new(MultiGzDecoder::new(bytes).take(MOST_TEXT))
}

/// Reads each file of a ZIP archive in turn.
pub(super) fn zip<T>(
    bytes: &[u8],
    mut read: impl FnMut(&mut dyn BufRead) -> Result<T, BillError>,
) -> Result<Vec<T>, BillError> {
    let packed = |error: zip::result::ZipError| BillError::Packed(error.to_string());
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(packed)?;
    let files = 0..archive.len().min(16);
    files
        .map(|file| {
            let file = archive.by_index(file).map_err(packed)?;
            read(&mut BufReader::new(file.take(MOST_TEXT)))
        })
        .collect()
}

/// How a bill's text is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Writing {
    Utf8,
    Gbk,
}

/// A text, line by line.
pub(super) struct Lines<R> {
    reader: R,
    writing: Writing,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub fn new(reader: R, writing: Writing) -> Self {
        Self { reader, writing, line: Vec::new(), number: 0 }
    }

    /// The next line with its number, from 1; nothing at the end.
    pub fn next(&mut self) -> Result<Option<(u64, Cow<'_, str>)>, BillError> {
        self.line.clear();
        let limited = (&mut self.reader).take(MOST_LINE).read_until(b'\n', &mut self.line);
        let length = limited.map_err(|error| BillError::Packed(error.to_string()))?;
        if length == 0 {
            return Ok(None);
        }
        self.number += 1;
        if length as u64 == MOST_LINE && self.line.last() != Some(&b'\n') {
            return Err(BillError::Line { line: self.number, what: "it is too long".into() });
        }
        while matches!(self.line.last(), Some(b'\n' | b'\r')) {
            self.line.pop();
        }
        let text = match self.writing {
            Writing::Utf8 => std::str::from_utf8(&self.line).ok().map(Cow::Borrowed),
            Writing::Gbk => GBK.decode_without_bom_handling_and_without_replacement(&self.line),
        };
        Ok(Some((self.number, text.ok_or(BillError::NotText)?)))
    }

    /// Reads to the end, where what it came packed in says whether it is whole; only empty lines may be left.
    pub fn finish(mut self) -> Result<(), BillError> {
        while let Some((line, text)) = self.next()? {
            if !text.trim().is_empty() {
                return Err(BillError::Line { line, what: "it comes after the sums".into() });
            }
        }
        Ok(())
    }
}

/// Yuan with at most so many decimals, as whole units of the last one; `None` for anything that is not a plain number.
/// A sign may stand before it where `signed`.
pub(crate) fn decimal(text: &str, decimals: usize, signed: bool) -> Option<i64> {
    let (sign, plain) = match text.strip_prefix('-') {
        Some(rest) if signed => (-1, rest),
        _ => (1, text),
    };
    let (whole, part) = plain.split_once('.').map_or((plain, None), |(whole, part)| (whole, Some(part)));
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !part.is_none_or(|part| digits(part) && part.len() <= decimals) {
        return None;
    }
    let number: i64 = format!("{whole}{:0<decimals$}", part.unwrap_or_default()).parse().ok()?;
    Some(sign * number)
}

/// Fen as yuan: `12.34`.
pub(super) fn yuan(minor: i64) -> String {
    let (sign, minor) = (if minor < 0 { "-" } else { "" }, minor.unsigned_abs());
    format!("{sign}{}.{:02}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_are_amounts() {
        assert_eq!(decimal("12.34", 2, false), Some(1234));
        assert_eq!(decimal("12", 2, false), Some(1200));
        assert_eq!(decimal("-0.5", 2, true), Some(-50));
        for wrong in
            ["", ".", "-1", "+1", "1.", ".5", "1.234", "1e3", "1,000.00", " 1", "１", "99999999999999999999"]
        {
            assert_eq!(decimal(wrong, 2, false), None, "{wrong}");
        }
        assert_eq!([0, 5, -1234].map(yuan), ["0.00", "0.05", "-12.34"]);
    }

    #[test]
    fn lines_are_numbered_and_a_line_without_end_is_refused() {
        let mut lines = Lines::new(&b"a\r\n\nb"[..], Writing::Utf8);
        assert_eq!(lines.next().unwrap(), Some((1, "a".into())));
        assert_eq!(lines.next().unwrap(), Some((2, "".into())));
        assert_eq!(lines.next().unwrap(), Some((3, "b".into())));
        assert_eq!(lines.next().unwrap(), None);
        let long = vec![b'x'; 20_000];
        let refused = Lines::new(&long[..], Writing::Utf8).next().map(drop);
        assert!(matches!(refused, Err(BillError::Line { line: 1, .. })));
        assert_eq!(Lines::new(&b"\xff\xff"[..], Writing::Gbk).next().map(drop), Err(BillError::NotText));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_an_amount_or_none_without_panic(text in "[-+0-9.e ]{0,24}|.{0,8}", decimals in 0_usize..7) {
            if let Some(number) = decimal(&text, decimals, true) {
                proptest::prop_assert_eq!(number < 0, text.starts_with('-') && number != 0, "{}", text);
            }
        }

        #[test]
        fn any_bytes_are_read_line_by_line_without_panic(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400),
        ) {
            for writing in [Writing::Utf8, Writing::Gbk] {
                let mut lines = Lines::new(&bytes[..], writing);
                while let Ok(Some((number, text))) = lines.next() {
                    proptest::prop_assert!(number > 0 && !text.contains('\n'));
                }
                let _ = Lines::new(&bytes[..], writing).finish();
            }
            let _ = zip(&bytes, |_| Ok(()));
            let mut text = Vec::new();
            let _ = std::io::Read::read_to_end(&mut gzip(&bytes), &mut text);
        }
    }
}
