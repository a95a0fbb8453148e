//! The heart of RFC 9421: reading `Signature-Input` and `Signature`, building the signature base, signing and
//! verifying it. Knows nothing of which components we want covered.

use super::{LABEL, SignatureError, SigningKey, VerifyingKey};
use crate::clock::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sfv::{
    BareItem, DictSerializer, Dictionary, InnerList, Integer, Item, ItemSerializer, ListEntry, Parser,
};
use sfv::{RefBareItem, StringRef};
use std::borrow::Cow;

/// The longest header that is parsed. Ours are under 500 bytes.
pub(super) const MAX_HEADER: usize = 4096;

/// A received signature, read but not verified. Nothing it says is to be believed before
/// [`super::verify_request`] or [`super::verify_response`] has accepted it; it serves to look the key up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedSignature {
    /// Identifiers as they stand in the base, in the order received: `"@method"`, `"@path";req`.
    covered: Vec<String>,
    /// The value of `@signature-params`, exactly as received.
    params: String,
    created: Option<Timestamp>,
    expires: Option<Timestamp>,
    nonce: Option<String>,
    key_id: Option<String>,
    tag: Option<String>,
    signature: [u8; 64],
}

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
            covered: identifiers(&list)?,
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
    pub fn covered(&self) -> &[String] {
        &self.covered
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
        if let Some(missing) = components.iter().find(|c| !self.covered.iter().any(|have| have == *c)) {
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
        let base = signature_base(self.covered.iter().map(String::as_str), &self.params, value_of)?;
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
    let params = signature_params(covered, new, key.key_id())?;
    let base = signature_base(covered.iter().copied(), &params, value_of)?;
    let signature = STANDARD.encode(key.sign(base.as_bytes()));
    Ok((format!("{label}={params}"), format!("{label}=:{signature}:")))
}

fn signature_params(
    covered: &[&str],
    new: &NewSignature<'_>,
    key_id: &str,
) -> Result<String, SignatureError> {
    let text =
        |value| StringRef::from_str(value).map_err(|_| SignatureError::Malformed("not printable ASCII"));
    let mut params = ParamsText::new(covered);
    params.add("created", whole_seconds(new.created)?);
    if let Some(expires) = new.expires {
        params.add("expires", whole_seconds(expires)?);
    }
    if let Some(nonce) = new.nonce {
        params.add("nonce", text(nonce)?);
    }
    params.add("keyid", text(key_id)?);
    if let Some(tag) = new.tag {
        params.add("tag", text(tag)?);
    }
    Ok(params.0)
}

/// `("a" "b");created=1;keyid="k"`, written piece by piece because some parameters may be absent.
struct ParamsText(String);

impl ParamsText {
    fn new(covered: &[&str]) -> Self {
        Self(format!("({})", covered.join(" ")))
    }

    fn add<'b>(&mut self, name: &str, value: impl Into<RefBareItem<'b>>) {
        let value = ItemSerializer::new().bare_item(value).finish();
        self.0 += &format!(";{name}={value}");
    }
}

fn whole_seconds(time: Timestamp) -> Result<Integer, SignatureError> {
    Integer::try_from(time.unix_seconds())
        .map_err(|_| SignatureError::Malformed("a time that cannot be written"))
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
        base.push_str(&format!("{identifier}: {value}\n"));
    }
    base.push_str(&format!("\"@signature-params\": {params}"));
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
pub(super) fn signature_member(label: &str, header: &str) -> Result<String, SignatureError> {
    match only_member(label, header)? {
        ListEntry::Item(item) => Ok(serialized(&item)),
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
