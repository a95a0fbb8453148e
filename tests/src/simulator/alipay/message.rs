//! The wallet's side of the wire: reading requests, checking and making signatures. Written apart from the server's
//! adapter on purpose, so that each judges the other.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use ring::rand::SystemRandom;
use ring::signature::{self, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use std::collections::BTreeMap;

/// Names and values of a request.
pub type Fields = BTreeMap<String, String>;

/// Reads a form, from an address or a body; `None` if it is not one.
#[must_use]
pub fn read_form(text: &str) -> Option<Fields> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').and_then(|(n, v)| Some((plain(n)?, plain(v)?)))).collect()
}

fn plain(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut given = text.bytes();
    while let Some(byte) = given.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(given.next())?, digit(given.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// The form of these fields.
#[must_use]
pub fn written_form(fields: &Fields) -> String {
    let escaped = |text: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        text.bytes()
            .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect::<String>()
    };
    fields.iter().map(|(n, v)| format!("{}={}", escaped(n), escaped(v))).collect::<Vec<_>>().join("&")
}

/// The text that a merchant signs: sorted by name, raw, without `sign` and empty values.
#[must_use]
pub fn signed_text(fields: &Fields) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        if name != "sign" && !value.is_empty() {
            if !text.is_empty() {
                text.push('&');
            }
            text.extend([name, "=", value]);
        }
    }
    text
}

/// A merchant's public key.
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// From the DER of an `RSAPublicKey`.
    #[must_use]
    pub fn new(der: &[u8]) -> Self {
        Self(der.to_vec())
    }

    /// Whether `sign` (base64) is this key's signature of the text.
    #[must_use]
    pub fn signed(&self, text: &str, sign: &str) -> bool {
        let Ok(sign) = STANDARD.decode(sign) else { return false };
        let key = UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, &self.0);
        key.verify(text.as_bytes(), &sign).is_ok()
    }
}

/// A key that answers are signed with.
pub struct SigningKey(RsaKeyPair);

impl SigningKey {
    /// From the PEM of a PKCS #8 file.
    #[must_use]
    pub fn from_pem(pem: &str) -> Option<Self> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).ok()?;
        RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok().map(Self)
    }

    /// The signature of a text, in base64; empty if the system fails.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let mut sign = vec![0; self.0.public().modulus_len()];
        let padding = &signature::RSA_PKCS1_SHA256;
        match self.0.sign(padding, &SystemRandom::new(), text.as_bytes(), &mut sign) {
            Ok(()) => STANDARD.encode(sign),
            Err(_) => String::new(),
        }
    }
}

/// The hash by which the wallet names certificates.
#[must_use]
pub fn md5(text: &str) -> String {
    hex::encode(Md5::digest(text.as_bytes()))
}

/// Yuan as fen, if it is an amount that the wallet takes: 0.01 to 100 million.
#[must_use]
pub fn fen(text: &str) -> Option<i64> {
    let (yuan, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if yuan.is_empty()
        || yuan.len() > 9
        || rest.len() > 2
        || !digits(yuan)
        || !digits(rest)
        || text.ends_with('.')
    {
        return None;
    }
    let hundredths: i64 = format!("{yuan}{rest:0<2}").parse().ok()?;
    (1..=10_000_000_000).contains(&hundredths).then_some(hundredths)
}

/// Fen as the wallet writes yuan.
#[must_use]
pub fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_and_bad_ones_are_not() {
        let wanted = [("a", "1 2"), ("b", "茶&="), ("c", "")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(read_form("a=1+2&b=%E8%8C%B6%26%3d&c="), Some(wanted.into()));
        for bad in ["a", "a=%", "a=%G0", "a=%ff"] {
            assert_eq!(read_form(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_text_that_is_signed_is_as_documented() {
        let fields =
            read_form("charset=GBK&biz_content={\"a\":\"1\"}&sign=x&app_id=2013&notify_url=").unwrap();
        assert_eq!(signed_text(&fields), "app_id=2013&biz_content={\"a\":\"1\"}&charset=GBK");
    }

    #[test]
    fn amounts_are_taken_within_their_limits() {
        for (text, amount) in
            [("0.01", 1), ("88.88", 8888), ("9", 900), ("9.5", 950), ("100000000", 10_000_000_000)]
        {
            assert_eq!(fen(text), Some(amount), "{text}");
        }
        for bad in ["0", "0.00", "-1", "1.001", "1e3", "", ".5", "1.", "100000000.01", "1,0"] {
            assert_eq!(fen(bad), None, "{bad}");
        }
        assert_eq!((yuan(1), yuan(8888), yuan(950)), ("0.01".into(), "88.88".into(), "9.50".into()));
    }
}
