//! Our own form of the signature headers, read and written without the machinery that reads every form. Nearly all
//! messages have it. What has another form is not refused here: [`super::base`] reads it the general way, and a test
//! holds the two against each other.

use super::base::{Covered, MAX_HEADER, ReceivedSignature};
use super::{SignatureError, request, response};
use crate::clock::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;

/// The length of a signature in base64.
const SIGNATURE_TEXT: usize = 88;
/// Whole numbers in these headers have no more digits.
const DIGITS: usize = 15;

/// Reads both headers if they are what [`super::sign_request`] or [`super::sign_response`] writes: that very list
/// of components, then `created`, perhaps `expires` and `nonce`, `keyid` and `tag`, in that order and nothing besides.
pub(super) fn read(label: &str, input: &str, signature: &str) -> Option<ReceivedSignature> {
    if input.len() > MAX_HEADER {
        return None;
    }
    let signature = bytes_of(signature_value(label, signature)?)?;
    let params = after_label(label, input)?;
    let lists = [(request::COVERED_TEXT, &request::COVERED), (response::COVERED_TEXT, &response::COVERED)];
    let (rest, covered) =
        lists.iter().find_map(|(text, list)| Some((params.strip_prefix(text)?, Covered::Known(*list))))?;
    let (created, rest) = number(rest, ";created=")?;
    let (expires, rest) = optional(rest, ";expires=", number);
    let (nonce, rest) = optional(rest, ";nonce=\"", text);
    let (key_id, rest) = text(rest, ";keyid=\"")?;
    let (tag, rest) = text(rest, ";tag=\"")?;
    rest.is_empty().then(|| ReceivedSignature {
        covered,
        params: params.to_owned(),
        created: Some(created),
        expires,
        nonce: nonce.map(str::to_owned),
        key_id: Some(key_id.to_owned()),
        tag: Some(tag.to_owned()),
        signature,
    })
}

/// The value of a `Signature` header with one canonical signature: `:…:`.
pub(super) fn signature_value<'a>(label: &str, header: &'a str) -> Option<&'a str> {
    let value = after_label(label, header)?;
    bytes_of(value).map(|_| value)
}

fn bytes_of(value: &str) -> Option<[u8; 64]> {
    let text = value.strip_prefix(':')?.strip_suffix(':')?;
    if text.len() != SIGNATURE_TEXT {
        return None;
    }
    // The decoder wants room for what could stand in place of the padding.
    let mut bytes = [0; 66];
    let length = STANDARD.decode_slice(text, &mut bytes).ok()?;
    bytes.get(..length)?.try_into().ok()
}

fn after_label<'a>(label: &str, header: &'a str) -> Option<&'a str> {
    header.strip_prefix(label)?.strip_prefix('=')
}

fn number<'a>(rest: &'a str, name: &str) -> Option<(Timestamp, &'a str)> {
    let rest = rest.strip_prefix(name)?;
    let end = rest.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, rest) = rest.split_at_checked(end)?;
    if digits.len() > DIGITS || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((Timestamp::from_unix_seconds(digits.parse().ok()?), rest))
}

fn text<'a>(rest: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let (text, rest) = rest.strip_prefix(name)?.split_once('"')?;
    let plain = |b: u8| (0x20..=0x7e).contains(&b) && b != b'\\';
    text.bytes().all(plain).then_some((text, rest))
}

fn optional<'a, T>(
    rest: &'a str,
    name: &str,
    read: impl Fn(&'a str, &str) -> Option<(T, &'a str)>,
) -> (Option<T>, &'a str) {
    match read(rest, name) {
        Some((value, rest)) => (Some(value), rest),
        None => (None, rest),
    }
}

/// A `Signature-Input` that is being written: `label=("a" "b");created=1;keyid="k"`.
pub(super) struct Input {
    header: String,
    label: usize,
}

impl Input {
    /// Begins with the components.
    pub(super) fn new(label: &str, covered: &[&str]) -> Self {
        let mut header = String::with_capacity(320);
        header.push_str(label);
        header.push_str("=(");
        for (place, component) in covered.iter().enumerate() {
            header.push_str(if place == 0 { "" } else { " " });
            header.push_str(component);
        }
        header.push(')');
        Self { header, label: label.len() + 1 }
    }

    /// Adds a time in whole seconds. `name` is as it stands there: `;created=`.
    pub(super) fn time(&mut self, name: &str, time: Timestamp) -> Result<(), SignatureError> {
        const MOST: u64 = 10_u64.pow(15);
        let seconds = time.unix_seconds();
        if seconds.unsigned_abs() >= MOST {
            return Err(SignatureError::Malformed("a time that cannot be written"));
        }
        self.header.push_str(name);
        let _ = write!(self.header, "{seconds}");
        Ok(())
    }

    /// Adds a text. `name` is as it stands there: `;keyid=`.
    pub(super) fn text(&mut self, name: &str, text: &str) -> Result<(), SignatureError> {
        if !text.bytes().all(|b| (0x20..=0x7e).contains(&b)) {
            return Err(SignatureError::Malformed("not printable ASCII"));
        }
        self.header.push_str(name);
        self.header.push('"');
        for letter in text.chars() {
            if matches!(letter, '"' | '\\') {
                self.header.push('\\');
            }
            self.header.push(letter);
        }
        self.header.push('"');
        Ok(())
    }

    /// The value of `@signature-params`.
    pub(super) fn params(&self) -> &str {
        self.header.get(self.label..).unwrap_or_default()
    }

    /// The header.
    pub(super) fn finish(self) -> String {
        self.header
    }
}

/// The value of a `Signature` header.
pub(super) fn signature_header(label: &str, signature: &[u8; 64]) -> String {
    let mut header = String::with_capacity(label.len() + SIGNATURE_TEXT + 3);
    header.push_str(label);
    header.push_str("=:");
    STANDARD.encode_string(signature, &mut header);
    header.push(':');
    header
}
