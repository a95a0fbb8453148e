//! The heart of RFC 9421: reading `Signature-Input` and `Signature`, building the signature base, signing and
//! verifying it. Knows nothing of which components we want covered.

use super::own_form::{self, Input};
use super::{LABEL, SignatureError, SigningKey, VerifyingKey};
use crate::clock::Timestamp;
use sfv::{BareItem, DictSerializer, Dictionary, InnerList, Item, ItemSerializer, ListEntry, Parser};
use std::borrow::Cow;

/// The longest header that is parsed. Ours are under 500 bytes.
pub(super) const MAX_HEADER: usize = 4096;

/// A received signature, read but not verified. Nothing it says is to be believed before
/// [`super::verify_request`] or [`super::verify_response`] has accepted it; it serves to look the key up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedSignature {
    /// In the order received.
    pub(super) covered: Covered,
    /// The value of `@signature-params`, exactly as received.
    pub(super) params: String,
    pub(super) created: Option<Timestamp>,
    pub(super) expires: Option<Timestamp>,
    pub(super) nonce: Option<String>,
    pub(super) key_id: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) signature: [u8; 64],
}

/// Identifiers as they stand in the base: `"@method"`, `"@path";req`.
#[derive(Clone, Debug)]
pub(super) enum Covered {
    /// One of our own lists.
    Known(&'static [&'static str]),
    /// Another.
    Listed(Vec<String>),
}

impl Covered {
    fn len(&self) -> usize {
        match self {
            Self::Known(list) => list.len(),
            Self::Listed(list) => list.len(),
        }
    }

    fn at(&self, place: usize) -> &str {
        match self {
            Self::Known(list) => list.get(place).copied().unwrap_or_default(),
            Self::Listed(list) => list.get(place).map(String::as_str).unwrap_or_default(),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|place| self.at(place))
    }

    fn has(&self, component: &str) -> bool {
        self.iter().any(|have| have == component)
    }
}

impl PartialEq for Covered {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Covered {}

impl ReceivedSignature {
    /// Reads the values of the headers `Signature-Input` and `Signature`.
    ///
    /// # Errors
    /// [`SignatureError::Missing`] if they are empty; [`SignatureError::Malformed`] if they are not the
    /// canonical form of exactly one Ed25519 signature with our label.
    pub fn parse(signature_input: &str, signature: &str) -> Result<Self, SignatureError> {
        Self::parse_labelled(LABEL, signature_input, signature)
    }

    pub(super) fn parse_labelled(label: &str, input: &str, signature: &str) -> Result<Self, SignatureError> {
        if let Some(read) = own_form::read(label, input, signature) {
            return Ok(read);
        }
        Self::parse_any_form(label, input, signature)
    }

    /// The general way: for every form that RFC 9421 allows one signature to have.
    pub(super) fn parse_any_form(label: &str, input: &str, signature: &str) -> Result<Self, SignatureError> {
        if input.is_empty() || signature.is_empty() {
            return Err(SignatureError::Missing);
        }
        let ListEntry::InnerList(list) = only_member(label, input)? else {
            return Err(SignatureError::Malformed("signature-input is not a list of components"));
        };
        let signature = match only_member(label, signature)? {
            ListEntry::Item(Item { bare_item: BareItem::ByteSequence(bytes), params })
                if params.is_empty() =>
            {
                bytes
                    .try_into()
                    .map_err(|_| SignatureError::Malformed("the signature is not 64 bytes long"))?
            }
            _ => return Err(SignatureError::Malformed("the signature is not a byte sequence")),
        };
        algorithm_is_ours(&list)?;
        // The rest of the canonical header, after "label=": the parameters in the sender's own order.
        let params = input.get(label.len() + 1..).unwrap_or_default().to_owned();
        Ok(Self {
            covered: Covered::Listed(identifiers(&list)?),
            params,
            created: time_of(&list, "created")?,
            expires: time_of(&list, "expires")?,
            nonce: text_of(&list, "nonce")?,
            key_id: text_of(&list, "keyid")?,
            tag: text_of(&list, "tag")?,
            signature,
        })
    }

    /// Under which name to look the sender's key up; empty if none is given.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.key_id.as_deref().unwrap_or_default()
    }

    /// When the sender says that it signed, to the second. In a verified answer of a server this is the
    /// server's time.
    #[must_use]
    pub fn created(&self) -> Option<Timestamp> {
        self.created
    }

    /// Until when the sender wants it to count.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// The sender's number for this one signature.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// What the signature was made for; empty if it does not say.
    #[must_use]
    pub fn tag(&self) -> &str {
        self.tag.as_deref().unwrap_or_default()
    }

    /// What it covers, as component identifiers: `"@method"`, `"@path";req`.
    #[must_use]
    pub fn covered(&self) -> Vec<&str> {
        self.covered.iter().collect()
    }

    /// Refuses unless it has this tag, names a key and a time, and covers at least these components.
    pub(super) fn require(
        &self,
        tag: &str,
        components: &[&'static str],
    ) -> Result<Timestamp, SignatureError> {
        if self.tag() != tag {
            return Err(SignatureError::WrongTag);
        }
        if let Some(missing) = components.iter().find(|c| !self.covered.has(c)) {
            return Err(SignatureError::NotCovered(missing));
        }
        if self.key_id().is_empty() {
            return Err(SignatureError::Malformed("there is no keyid"));
        }
        self.created.ok_or(SignatureError::Malformed("there is no time of creation"))
    }

    /// Rebuilds the base from what was received and checks the signature over it.
    pub(super) fn verify_with<'a>(
        &self,
        key: &VerifyingKey,
        value_of: impl Fn(&str) -> Option<Cow<'a, str>>,
    ) -> Result<(), SignatureError> {
        let base = signature_base(self.covered.iter(), &self.params, value_of)?;
        key.verify(base.as_bytes(), &self.signature)
    }
}

/// The parameters of a signature that is to be made.
pub(super) struct NewSignature<'a> {
    pub created: Timestamp,
    pub expires: Option<Timestamp>,
    pub nonce: Option<&'a str>,
    pub tag: Option<&'a str>,
}

/// Signs the components named in `covered` (as [`ReceivedSignature::covered`] writes them) and returns the values of `Signature-Input` and `Signature`.
pub(super) fn sign_with<'a>(
    key: &SigningKey,
    label: &str,
    covered: &[&str],
    new: &NewSignature<'_>,
    value_of: impl Fn(&str) -> Option<Cow<'a, str>>,
) -> Result<(String, String), SignatureError> {
    let mut input = Input::new(label, covered);
    input.time(";created=", new.created)?;
    if let Some(expires) = new.expires {
        input.time(";expires=", expires)?;
    }
    if let Some(nonce) = new.nonce {
        input.text(";nonce=", nonce)?;
    }
    input.text(";keyid=", key.key_id())?;
    if let Some(tag) = new.tag {
        input.text(";tag=", tag)?;
    }
    let base = signature_base(covered.iter().copied(), input.params(), value_of)?;
    let signature = own_form::signature_header(label, &key.sign(base.as_bytes()));
    Ok((input.finish(), signature))
}

/// RFC 9421 section 2.5. A value with a line break or other control character would let one component pose as
/// two, so none is taken.
pub(super) fn signature_base<'a, 'c>(
    covered: impl Iterator<Item = &'c str>,
    params: &str,
    value_of: impl Fn(&str) -> Option<Cow<'a, str>>,
) -> Result<String, SignatureError> {
    let mut base = String::with_capacity(1024);
    for identifier in covered {
        let value = value_of(identifier)
            .ok_or(SignatureError::Malformed("a covered component is not part of the message"))?;
        let value = value.trim_matches([' ', '\t']);
        if !value.bytes().all(|b| (0x20..=0x7e).contains(&b)) {
            return Err(SignatureError::Malformed("a covered value is not printable ASCII"));
        }
        for part in [identifier, ": ", value, "\n"] {
            base.push_str(part);
        }
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(params);
    Ok(base)
}

/// The single member of a dictionary header, which must be written canonically: this one comparison refuses
/// members and parameters given twice, other labels, odd spacing, leading zeros and loose base64.
fn only_member(label: &str, header: &str) -> Result<ListEntry, SignatureError> {
    const BAD: SignatureError = SignatureError::Malformed("not the canonical form of one signature");
    if header.len() > MAX_HEADER {
        return Err(SignatureError::Malformed("the header is too long"));
    }
    let mut members: Dictionary = Parser::new(header).parse().map_err(|_| BAD)?;
    let mut canonical = DictSerializer::new();
    canonical.members(&members);
    if members.len() != 1 || canonical.finish().as_deref() != Some(header) {
        return Err(BAD);
    }
    members.swap_remove(label).ok_or(SignatureError::Missing)
}

/// The member of a `Signature` header as RFC 9421 writes it into a base for `"signature";key="evertill"`.
pub(super) fn signature_member<'a>(label: &str, header: &'a str) -> Result<Cow<'a, str>, SignatureError> {
    if let Some(value) = own_form::signature_value(label, header) {
        return Ok(value.into());
    }
    match only_member(label, header)? {
        ListEntry::Item(item) => Ok(serialized(&item).into()),
        ListEntry::InnerList(_) => Err(SignatureError::Malformed("the signature is not a byte sequence")),
    }
}

fn serialized(item: &Item) -> String {
    ItemSerializer::new().bare_item(&item.bare_item).parameters(&item.params).finish()
}

fn identifiers(list: &InnerList) -> Result<Vec<String>, SignatureError> {
    let mut names = Vec::with_capacity(list.items.len());
    for item in &list.items {
        if !matches!(item.bare_item, BareItem::String(_)) {
            return Err(SignatureError::Malformed("a component's name is not a string"));
        }
        let name = serialized(item);
        if names.contains(&name) {
            return Err(SignatureError::Malformed("a component is covered twice"));
        }
        names.push(name);
    }
    Ok(names)
}

fn time_of(list: &InnerList, name: &str) -> Result<Option<Timestamp>, SignatureError> {
    match list.params.get(name) {
        None => Ok(None),
        Some(BareItem::Integer(seconds)) => Ok(Some(Timestamp::from_unix_seconds(i64::from(*seconds)))),
        Some(_) => Err(SignatureError::Malformed("a time is not a whole number of seconds")),
    }
}

fn text_of(list: &InnerList, name: &str) -> Result<Option<String>, SignatureError> {
    match list.params.get(name) {
        None => Ok(None),
        Some(BareItem::String(text)) => Ok(Some(text.as_str().to_owned())),
        Some(_) => Err(SignatureError::Malformed("nonce, keyid and tag must be strings")),
    }
}

/// The key fixes the algorithm. A message may repeat it but not choose another.
fn algorithm_is_ours(list: &InnerList) -> Result<(), SignatureError> {
    match text_of(list, "alg")?.as_deref() {
        None | Some("ed25519") => Ok(()),
        Some(_) => Err(SignatureError::Malformed("an algorithm other than ed25519")),
    }
}
