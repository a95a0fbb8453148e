//! The v2 signature: the fields sorted, joined, and hashed together with the merchant's API key.

use super::fields::Fields;
use evertill_shared::secret::SecretText;
use md5::{Digest, Md5};
use ring::hmac;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How requests and replies are signed: a setting of ours, never taken from a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignType {
    /// The older way.
    #[serde(rename = "MD5")]
    Md5,
    /// The better way.
    #[default]
    #[serde(rename = "HMAC-SHA256")]
    HmacSha256,
}

impl SignType {
    /// The word in messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::HmacSha256 => "HMAC-SHA256",
        }
    }
}

/// The signature of the fields: empty values and `sign` itself do not count.
#[must_use]
pub fn sign(fields: &Fields, kind: SignType, key: &SecretText) -> String {
    let mut text = Zeroizing::new(String::new());
    for (name, value) in fields.iter().filter(|(name, value)| *name != "sign" && !value.is_empty()) {
        text.extend([name, "=", value, "&"]);
    }
    text.extend(["key=", key.expose()]);
    match kind {
        SignType::Md5 => hex::encode_upper(Md5::digest(text.as_bytes())),
        SignType::HmacSha256 => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
            hex::encode_upper(hmac::sign(&key, text.as_bytes()))
        }
    }
}

/// Whether the fields carry their own true signature. Takes the same time wherever a forgery goes wrong.
#[must_use]
pub fn verify(fields: &Fields, kind: SignType, key: &SecretText) -> bool {
    let Some(given) = fields.get("sign") else { return false };
    let wanted = sign(fields, kind, key);
    let difference = given.bytes().zip(wanted.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    given.len() == wanted.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Fields {
        [
            ("appid", "wxd930ea5d5a258f4f"),
            ("mch_id", "10000100"),
            ("device_info", "1000"),
            ("body", "test"),
            ("nonce_str", "ibuaiVcKdpRxkhJA"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn key() -> SecretText {
        SecretText::new("192006250b4c09247ec02edce69f6a2d".into())
    }

    const MD5: &str = "9A0A8659F005D6984697E2CA0A9CF3B7";
    const HMAC: &str = "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6";

    #[test]
    fn the_published_examples_come_out() {
        assert_eq!(sign(&example(), SignType::Md5, &key()), MD5);
        assert_eq!(sign(&example(), SignType::HmacSha256, &key()), HMAC);
    }

    /// The order that the wallet's PHP library is tried with (`FormatterTest.php`): by bytes, so that capitals come first, and
    /// `_` before small letters; sorted as words for people, the signature would be another.
    #[test]
    fn fields_are_sorted_by_their_bytes() {
        let key = key();
        for sorted in [
            ["b", "rfc1", "rfc2086", "rfc822"].as_slice(),
            &["act_name", "client_ip", "mch_billno", "mch_id", "re_openid", "remark", "send_name", "wishing"],
            &["REMARK", "RE_OPENID", "re_openid", "remark"],
        ] {
            let value = |name: &&str| ((*name).to_owned(), format!("备注 {name}"));
            let fields: Fields = sorted.iter().rev().map(value).collect();
            let joined: String = sorted.iter().map(|name| format!("{name}=备注 {name}&")).collect();
            let text = format!("{joined}key={}", key.expose());
            assert_eq!(sign(&fields, SignType::Md5, &key), hex::encode_upper(Md5::digest(text.as_bytes())));
        }
    }

    #[test]
    fn empty_values_do_not_count() {
        let mut fields = example();
        fields.insert("attach".into(), String::new());
        assert_eq!(sign(&fields, SignType::Md5, &key()), MD5);
    }

    #[test]
    fn a_changed_missing_or_shortened_signature_is_refused() {
        let mut fields = example();
        assert!(!verify(&fields, SignType::Md5, &key()));
        fields.insert("sign".into(), MD5.into());
        assert!(verify(&fields, SignType::Md5, &key()));
        assert!(!verify(&fields, SignType::HmacSha256, &key()));
        assert!(!verify(&fields, SignType::Md5, &SecretText::new("another".into())));
        for forged in ["", "9", "9A0A8659F005D6984697E2CA0A9CF3B8", &MD5[..31]] {
            fields.insert("sign".into(), forged.into());
            assert!(!verify(&fields, SignType::Md5, &key()), "{forged} was taken");
        }
    }

    #[test]
    fn a_changed_or_added_field_breaks_the_signature() {
        let mut fields = example();
        fields.insert("sign".into(), HMAC.into());
        assert!(verify(&fields, SignType::HmacSha256, &key()));
        fields.insert("extra".into(), "1".into());
        assert!(!verify(&fields, SignType::HmacSha256, &key()));
        fields.remove("extra");
        fields.insert("body".into(), "Test".into());
        assert!(!verify(&fields, SignType::HmacSha256, &key()));
    }
}
