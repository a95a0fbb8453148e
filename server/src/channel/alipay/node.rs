//! The gateway's answer: one object with the node of the call and its signature, read with suspicion. The node is
//! kept as the very bytes that came: those are signed, and nothing that was written anew.

use crate::channel::line::MAX_BYTES;
use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// The plain fields of a node: texts and numbers. Lists and objects in it are details that we do not use.
pub type Fields = BTreeMap<String, String>;

/// Where the gateway itself answers instead of the method.
const ERROR: &str = "error_response";
const MAX_FIELDS: usize = 512;

/// Why bytes are not an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Larger than any real answer.
    #[error("larger than {MAX_BYTES} bytes, or more than {MAX_FIELDS} fields")]
    TooLarge,
    /// Not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// Not an object, or one with a field twice: which of them was signed would be a guess.
    #[error("not one object with distinct fields")]
    Shape,
    /// No node of that call, or more than one.
    #[error("not the answer to this call")]
    Node,
}

/// An answer, not verified yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The very bytes of the node.
    pub node: &'a str,
    /// The signature, if there is one.
    pub sign: Option<String>,
    /// Which certificate of the wallet's it is said to be by.
    pub certificate: Option<String>,
}

/// Takes the answer to a call apart. `name` is where it must stand.
/// # Errors
/// It is none.
pub fn open<'a>(body: &'a [u8], name: &str) -> Result<Envelope<'a>, Unreadable> {
    if body.len() > MAX_BYTES {
        return Err(Unreadable::TooLarge);
    }
    let text = std::str::from_utf8(body).map_err(|_| Unreadable::Encoding)?;
    let parts = distinct(text)?;
    let string = |name: &str| match parts.get(name) {
        Some(raw) => serde_json::from_str(raw.get()).map(Some).map_err(|_| Unreadable::Shape),
        None => Ok(None),
    };
    let node = match (parts.get(name), parts.get(ERROR)) {
        (Some(node), None) | (None, Some(node)) => node.get(),
        (Some(_), Some(_)) | (None, None) => return Err(Unreadable::Node),
    };
    Ok(Envelope { node, sign: string("sign")?, certificate: string("alipay_cert_sn")? })
}

/// The plain fields of a node.
/// # Errors
/// It is no object, or has a field twice.
pub fn fields(node: &str) -> Result<Fields, Unreadable> {
    let mut fields = Fields::new();
    for (name, raw) in distinct(node)? {
        let value = match raw.get().as_bytes().first() {
            Some(b'"') => serde_json::from_str(raw.get()).map_err(|_| Unreadable::Shape)?,
            Some(b'-' | b'0'..=b'9') => raw.get().to_owned(),
            _ => continue,
        };
        fields.insert(name, value);
    }
    Ok(fields)
}

fn distinct(text: &str) -> Result<BTreeMap<String, &RawValue>, Unreadable> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let parts = reader.deserialize_map(Distinct(PhantomData)).map_err(|_| Unreadable::Shape)?;
    reader.end().map_err(|_| Unreadable::Shape)?;
    if parts.len() > MAX_FIELDS { Err(Unreadable::TooLarge) } else { Ok(parts) }
}

struct Distinct<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for Distinct<'a> {
    type Value = BTreeMap<String, &'a RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with distinct fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut parts = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            if parts.insert(name, value).is_some() {
                return Err(serde::de::Error::custom("a field twice"));
            }
        }
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NODE: &str = "alipay_trade_query_response";

    fn whole(node: &str) -> String {
        format!("{{\"{NODE}\":{node},\"sign\":\"c2ln\"}}")
    }

    #[test]
    fn the_node_is_kept_as_it_came() {
        for node in ["{}", "{ \"a\" : \"1\\/2\" }", "{\"b\":{\"c\":[1,\"}\"]},\"a\":\"\\u4e2d\\\"\"}"] {
            let body = whole(node);
            let opened = open(body.as_bytes(), NODE).unwrap();
            assert_eq!((opened.node, opened.sign.as_deref()), (node, Some("c2ln")));
        }
        let named = format!("{{\"alipay_cert_sn\":\"ab\",\"{NODE}\":{{}},\"new\":[]}}");
        let opened = open(named.as_bytes(), NODE).unwrap();
        assert_eq!((opened.sign, opened.certificate.as_deref()), (None, Some("ab")));
    }

    #[test]
    fn texts_and_numbers_are_read_and_the_rest_is_left_alone() {
        let node = r#"{"a":"1\/2","b":12.50,"c":null,"d":[{"a":"x"}],"e":true,"f":"中"}"#;
        let wanted = [("a", "1/2"), ("b", "12.50"), ("f", "中")].map(|(n, v)| (n.into(), v.into()));
        assert_eq!(fields(node), Ok(wanted.into()));
    }

    #[test]
    fn the_gateways_own_answer_stands_in_the_place_of_the_node() {
        let opened = open(b"{\"error_response\":{\"code\":\"40002\"},\"sign\":\"c2ln\"}", NODE).unwrap();
        assert_eq!(opened.node, "{\"code\":\"40002\"}");
        let both = format!("{{\"error_response\":{{}},\"{NODE}\":{{}}}}");
        assert_eq!(open(both.as_bytes(), NODE), Err(Unreadable::Node));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let twice = format!("{{\"{NODE}\":{{\"a\":\"1\"}},\"{NODE}\":{{\"a\":\"2\"}}}}");
        assert_eq!(open(twice.as_bytes(), NODE), Err(Unreadable::Shape));
        assert_eq!(
            fields("{\"a\":\"1\",\"\\u0061\":\"2\"}"),
            Err(Unreadable::Shape),
            "the same name, escaped"
        );
        assert_eq!(open(whole("{}{}").as_bytes(), NODE), Err(Unreadable::Shape));
        assert_eq!(open(format!("{} {{}}", whole("{}")).as_bytes(), NODE), Err(Unreadable::Shape));
        assert_eq!(open(whole("{}").as_bytes(), "alipay_trade_pay_response"), Err(Unreadable::Node));
        for bad in ["", "[]", "\"a\"", "null", "{", "<html>busy</html>", "{\"sign\":1}"] {
            assert!(open(bad.as_bytes(), NODE).is_err(), "{bad}");
        }
        assert_eq!(open(b"{\"a\":\"\xff\"}", NODE), Err(Unreadable::Encoding));
        assert_eq!(open(&vec![b' '; MAX_BYTES + 1], NODE), Err(Unreadable::TooLarge));
        assert_eq!(fields("[]"), Err(Unreadable::Shape));
        let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
        let body = whole(&format!("{{\"a\":{deep},\"b\":\"1\"}}"));
        let opened = open(body.as_bytes(), NODE).unwrap();
        assert_eq!(
            fields(opened.node),
            Ok([("b".into(), "1".into())].into()),
            "nested deeply, and left alone"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = open(&bytes, NODE);
        }

        #[test]
        fn any_text_has_its_fields_taken_without_panic(text in any::<String>()) {
            let _ = fields(&text);
        }

        #[test]
        fn near_misses_are_taken_without_panic(
            text in "(\\{|\\}|\\[|\\]|\"alipay_trade_query_response\"|\"sign\"|\"a\"|:|,|\\\\|\"|1|e|-|null| ){0,16}",
        ) {
            if let Ok(opened) = open(text.as_bytes(), NODE) {
                prop_assert!(text.contains(opened.node));
                let _ = fields(opened.node);
            }
        }

        #[test]
        fn plain_fields_are_read_as_they_were_written(
            given in proptest::collection::btree_map("[a-z_]{1,12}", any::<String>(), 0..8),
        ) {
            let node = serde_json::to_string(&given).unwrap();
            let body = whole(&node);
            let opened = open(body.as_bytes(), NODE).unwrap();
            prop_assert_eq!(opened.node, node.as_str());
            prop_assert_eq!(fields(opened.node), Ok(given));
        }
    }
}
