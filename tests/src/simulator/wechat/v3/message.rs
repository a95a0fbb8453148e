//! The wallet's side of version 3's wire: reading what a merchant signed, signing answers, and refusing. Written apart
//! from the server's adapter on purpose, so that each judges the other.

use crate::simulator::alipay::message::SigningKey;
use crate::simulator::wallet::Fault;
use evertill_shared::clock::Timestamp;
use serde_json::{Value, json};

/// The only way of signing.
pub const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";

/// What a merchant's header says.
#[derive(Debug, PartialEq, Eq)]
pub struct Authorization {
    pub merchant_id: String,
    pub nonce: String,
    pub seconds: i64,
    pub serial: String,
    pub signature: String,
}

impl Authorization {
    /// Reads a header; its parts stand in any order.
    pub fn read(header: &str) -> Option<Self> {
        let rest = header.strip_prefix(SCHEME)?.strip_prefix(' ')?;
        let part = |name: &str| {
            let mut found = rest.split(',').filter_map(|part| {
                let value = part.trim().strip_prefix(name)?.strip_prefix("=\"")?;
                value.strip_suffix('"')
            });
            found.next().filter(|value| !value.is_empty()).map(str::to_owned)
        };
        Some(Self {
            merchant_id: part("mchid")?,
            nonce: part("nonce_str").filter(|nonce| nonce.len() <= 32)?,
            seconds: part("timestamp")?.parse().ok()?,
            serial: part("serial_no")?,
            signature: part("signature")?,
        })
    }
}

/// An error: its status, its word, its sentence, and the number that trails the request's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    text: String,
    pub number: u32,
}

impl Refusal {
    /// An error word of version 3, or of version 2 where 3 has none, with the status that goes with it.
    pub fn of_word(word: &str, text: &str) -> Self {
        let (status, code, number) = match word {
            "LACK_PARAMS" | "PARAM_ERROR" => (400, "PARAM_ERROR", 0),
            "SIGN_ERROR" => (401, "SIGN_ERROR", 268_443_699),
            "NO_AUTH" | "NOAUTH" => (403, "NO_AUTH", 0),
            "ORDERNOTEXIST" | "ORDER_NOT_EXIST" => (404, "ORDER_NOT_EXIST", 268_512_771),
            "REFUNDNOTEXIST" | "RESOURCE_NOT_EXISTS" => (404, "RESOURCE_NOT_EXISTS", 0),
            "USERPAYING" => (202, "USERPAYING", 0),
            "FREQUENCY_LIMITED" => (429, "FREQUENCY_LIMITED", 0),
            "RATELIMIT_EXCEEDED" => (429, "RATELIMIT_EXCEEDED", 268_447_840),
            "SYSTEM_ERROR" | "SYSTEMERROR" => (500, "SYSTEM_ERROR", 0),
            "BANK_ERROR" | "BANKERROR" => (500, "BANK_ERROR", 0),
            // Version 3 says all of these with one word.
            "ERROR" | "REFUND_FEE_MISMATCH" => (400, "INVALID_REQUEST", 0),
            "ORDERCLOSED" | "ORDER_CLOSED" => (400, "ORDER_CLOSED", 0),
            "NOTENOUGH" | "NOT_ENOUGH" => (403, "NOT_ENOUGH", 0),
            "INVALID_REQUEST" | "TRADE_STATE_ERROR" | "REVERSE_EXPIRE" | "NO_STATEMENT_EXIST"
            | "STATEMENT_CREATING" => (400, word, 0),
            other => (403, other, 0),
        };
        Self { status, code: code.to_owned(), text: text.to_owned(), number }
    }

    pub fn param(text: &str) -> Self {
        Self::of_word("PARAM_ERROR", text)
    }

    pub fn sign(text: &str) -> Self {
        Self::of_word("SIGN_ERROR", text)
    }

    pub fn no_such_path() -> Self {
        Self::of_word("RESOURCE_NOT_EXISTS", "无此接口")
    }

    /// With the number that tells more than the word.
    pub fn numbered(mut self, number: u32) -> Self {
        self.number = number;
        self
    }

    /// With another status.
    pub fn at(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// As JSON.
    pub fn body(&self) -> Value {
        json!({ "code": self.code, "message": self.text, "detail": { "location": "body" } })
    }
}

/// The five headers over these bytes, or what a fault makes of them.
pub fn signed_headers(
    (id, key): (&str, &SigningKey),
    stranger: &SigningKey,
    now: Timestamp,
    noise: u64,
    body: &str,
    fault: Option<&Fault>,
) -> Vec<(String, String)> {
    if fault == Some(&Fault::Unsigned) {
        return Vec::new();
    }
    let age = if fault == Some(&Fault::OldTime) { 301 } else { 0 };
    let (seconds, nonce) = (now.unix_seconds() - age, format!("{noise:032x}"));
    let key = if fault == Some(&Fault::BadSignature) { stranger } else { key };
    let mut signature = key.sign(&format!("{seconds}\n{nonce}\n{body}\n"));
    if fault == Some(&Fault::SignTest) {
        signature = format!("WECHATPAY/SIGNTEST/{signature}");
    }
    let id = if fault == Some(&Fault::OtherSerial) { "5157F09EFDC096DE15EBE81A47057A7232F1B8E1" } else { id };
    let mut headers = vec![
        ("Wechatpay-Timestamp".to_owned(), seconds.to_string()),
        ("Wechatpay-Nonce".to_owned(), nonce),
        ("Wechatpay-Serial".to_owned(), id.to_owned()),
        ("Wechatpay-Signature".to_owned(), signature),
    ];
    if fault != Some(&Fault::MissingHeader) {
        headers.push(("Wechatpay-Signature-Type".to_owned(), SCHEME.to_owned()));
    }
    headers
}

/// Changes a byte in the middle.
pub fn alter(bytes: &mut [u8]) {
    let at = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
}

/// A part of a path as text.
pub fn unescaped(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut given = part.bytes();
    while let Some(byte) = given.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        match byte {
            b'%' => {
                let (high, low) = (digit(given.next()), digit(given.next()));
                let value = high.zip(low).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                bytes.push(value.unwrap_or(b'?'));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_header_stand_in_any_order_and_none_may_be_missing() {
        let parts =
            ["mchid=\"1\"", "nonce_str=\"n\"", "timestamp=\"5\"", "serial_no=\"A\"", "signature=\"s=\""];
        let read = |parts: &[&str]| Authorization::read(&format!("{SCHEME} {}", parts.join(",")));
        let whole = read(&parts).unwrap();
        assert_eq!((whole.seconds, whole.signature.as_str()), (5, "s="));
        let mut turned = parts;
        turned.reverse();
        assert_eq!(read(&turned).unwrap(), whole);
        for missing in 0..parts.len() {
            let rest: Vec<&str> =
                parts.iter().enumerate().filter(|(n, _)| *n != missing).map(|(_, p)| *p).collect();
            assert_eq!(read(&rest), None, "{}", parts[missing]);
        }
        for bad in ["", "Bearer x", "WECHATPAY2-SHA256-RSA2048", "WECHATPAY2-SM2-WITH-SM3 mchid=\"1\""] {
            assert_eq!(Authorization::read(bad), None, "{bad}");
        }
    }
}
