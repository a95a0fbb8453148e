//! The wallet's side of the wire: reading requests, signing replies. Written apart from the server's adapter
//! on purpose, so that each judges the other.

use evertill_shared::secret::SecretText;
use md5::{Digest, Md5};
use quick_xml::Reader;
use quick_xml::events::Event;
use ring::hmac;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Names and values of a message.
pub type Fields = BTreeMap<String, String>;

/// Reads `<xml><name>value</name>…</xml>`; `None` if it is not that.
#[must_use]
pub fn read(body: &[u8]) -> Option<Fields> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    let (mut fields, mut path, mut value) = (Fields::new(), Vec::<String>::new(), String::new());
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                path.push(tag.name().into_inner().to_owned());
                value.clear();
            }
            Event::Text(text) => value.push_str(&text.xml10_content()),
            Event::CData(text) => value.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => match &*reference {
                "amp" => value.push('&'),
                "lt" => value.push('<'),
                "gt" => value.push('>'),
                "quot" => value.push('"'),
                "apos" => value.push('\''),
                _ => value.push(reference.resolve_char_ref().ok()??),
            },
            Event::End(_) => {
                let name = path.pop()?;
                if path == ["xml"] {
                    fields.insert(name, std::mem::take(&mut value));
                }
            }
            Event::Empty(_) | Event::Decl(_) | Event::Comment(_) => {}
            Event::DocType(_) | Event::PI(_) => return None,
            Event::Eof => return (path.is_empty() && !fields.is_empty()).then_some(fields),
        }
    }
}

/// Writes a reply: numbers plain, everything else wrapped, as the wallet does.
#[must_use]
pub fn write(fields: &Fields) -> Vec<u8> {
    let mut text = String::from("<xml>");
    for (name, value) in fields {
        let plain = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
        let value = if plain { value.clone() } else { format!("<![CDATA[{value}]]>") };
        let _ = writeln!(text, "<{name}>{value}</{name}>");
    }
    text.push_str("</xml>");
    text.into_bytes()
}

/// The signature of a message in the way that its `sign_type` names (MD5 if it names none).
/// `None` for a way that does not exist.
#[must_use]
pub fn signature(fields: &Fields, sign_type: Option<&str>, key: &SecretText) -> Option<String> {
    let counted = fields.iter().filter(|(name, value)| name.as_str() != "sign" && !value.is_empty());
    let mut pairs: Vec<String> = counted.map(|(name, value)| format!("{name}={value}")).collect();
    pairs.push(format!("key={}", key.expose()));
    let text = pairs.join("&");
    match sign_type {
        None | Some("MD5") => Some(hex::encode_upper(Md5::digest(text))),
        Some("HMAC-SHA256") => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
            Some(hex::encode_upper(hmac::sign(&key, text.as_bytes())))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_examples_come_out() {
        let fields: Fields = [
            ("appid", "wxd930ea5d5a258f4f"),
            ("mch_id", "10000100"),
            ("device_info", "1000"),
            ("body", "test"),
            ("nonce_str", "ibuaiVcKdpRxkhJA"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let key = SecretText::new("192006250b4c09247ec02edce69f6a2d".into());
        assert_eq!(signature(&fields, None, &key).unwrap(), "9A0A8659F005D6984697E2CA0A9CF3B7");
        assert_eq!(
            signature(&fields, Some("HMAC-SHA256"), &key).unwrap(),
            "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6"
        );
        assert_eq!(signature(&fields, Some("ROT13"), &key), None);
    }

    #[test]
    fn what_is_written_is_read() {
        let fields: Fields = [("a", "12"), ("b", "签名 <&>")].map(|(n, v)| (n.into(), v.into())).into();
        assert_eq!(read(&write(&fields)), Some(fields));
        assert_eq!(read(b"<!DOCTYPE x><xml><a>1</a></xml>"), None);
        assert_eq!(read(b"hello"), None);
    }
}
