//! The flat XML that WeChat Pay v2 speaks: `<xml><name>value</name>…</xml>`, read with suspicion.

use crate::channel::line::MAX_BYTES;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeMap;

/// Names and values, sorted by name as the signature needs them. May hold a payment code: never logged.
pub type Fields = BTreeMap<String, String>;

const MAX_FIELDS: usize = 512;

/// Why bytes are not such a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Larger than any real message.
    #[error("larger than {MAX_BYTES} bytes, or more than {MAX_FIELDS} fields")]
    TooLarge,
    /// Not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// Not well-formed, or nested deeper than a flat list.
    #[error("not a flat XML list")]
    Shape,
    /// A document type, a processing instruction, an entity or an attribute: nothing honest sends them.
    #[error("holds a document type, entity, attribute or processing instruction")]
    Forbidden,
    /// One name twice: which of them was signed would be a guess.
    #[error("holds a field twice")]
    Twice,
}

/// Reads a message.
/// # Errors
/// It is not a flat list of distinct fields.
pub fn parse(bytes: &[u8]) -> Result<Fields, Unreadable> {
    if bytes.len() > MAX_BYTES {
        return Err(Unreadable::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::Encoding)?;
    let mut reader = Reader::from_str(text);
    let mut message = Message::default();
    loop {
        let event = reader.read_event().map_err(|_| Unreadable::Shape)?;
        if matches!(event, Event::Eof) {
            return message.finish();
        }
        message.take(event)?;
    }
}

#[derive(Default)]
enum Place {
    #[default]
    Before,
    Inside,
    Field(String, String),
    After,
}

#[derive(Default)]
struct Message {
    place: Place,
    fields: Fields,
}

impl Message {
    fn take(&mut self, event: Event<'_>) -> Result<(), Unreadable> {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::Empty(tag) => self.start(&tag).and_then(|()| self.end()),
            Event::End(_) => self.end(),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => match &mut self.place {
                Place::Field(_, value) => {
                    value.push_str(&text.xml10_content());
                    Ok(())
                }
                _ => Err(Unreadable::Shape),
            },
            Event::GeneralRef(reference) => {
                let known = match &*reference {
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "amp" => Some('&'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => reference.resolve_char_ref().map_err(|_| Unreadable::Forbidden)?,
                };
                self.character(known.ok_or(Unreadable::Forbidden)?)
            }
            Event::Decl(_) if matches!(self.place, Place::Before) => Ok(()),
            Event::Comment(_) if !matches!(self.place, Place::Field(..)) => Ok(()),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => {
                Err(Unreadable::Forbidden)
            }
            Event::Eof => Err(Unreadable::Shape),
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), Unreadable> {
        if !tag.attributes_raw().trim().is_empty() {
            return Err(Unreadable::Forbidden);
        }
        let name = tag.name().into_inner();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'-');
        self.place = match &self.place {
            Place::Before if name == "xml" => Place::Inside,
            Place::Inside if name.bytes().all(plain) => Place::Field(name.to_owned(), String::new()),
            _ => return Err(Unreadable::Shape),
        };
        Ok(())
    }

    fn end(&mut self) -> Result<(), Unreadable> {
        match std::mem::take(&mut self.place) {
            Place::Field(name, value) => {
                if self.fields.len() >= MAX_FIELDS {
                    return Err(Unreadable::TooLarge);
                }
                if self.fields.insert(name, value).is_some() {
                    return Err(Unreadable::Twice);
                }
                self.place = Place::Inside;
                Ok(())
            }
            Place::Inside => {
                self.place = Place::After;
                Ok(())
            }
            Place::Before | Place::After => Err(Unreadable::Shape),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Unreadable> {
        match &mut self.place {
            Place::Field(_, value) => {
                value.push_str(text);
                Ok(())
            }
            _ if text.trim().is_empty() => Ok(()),
            _ => Err(Unreadable::Shape),
        }
    }

    fn character(&mut self, character: char) -> Result<(), Unreadable> {
        self.text(character.encode_utf8(&mut [0; 4]))
    }

    fn finish(self) -> Result<Fields, Unreadable> {
        match self.place {
            Place::After => Ok(self.fields),
            _ => Err(Unreadable::Shape),
        }
    }
}

/// Writes a message. Names are our own; values are wrapped so that nothing in them is read as XML.
#[must_use]
pub fn write(fields: &Fields) -> String {
    let mut text = String::from("<xml>\n");
    for (name, value) in fields {
        let value = value.replace("]]>", "]]]]><![CDATA[>");
        text.extend(["<", name, "><![CDATA[", &value, "]]></", name, ">\n"]);
    }
    text.push_str("</xml>");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(name: &str, value: &str) -> Fields {
        Fields::from([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn plain_text_wrapped_text_and_references_are_read() {
        assert_eq!(parse(b"<xml><a>1</a></xml>"), Ok(one("a", "1")));
        assert_eq!(
            parse(b"<?xml version=\"1.0\"?>\n<xml>\n <a><![CDATA[1<2]]></a>\n</xml>\n"),
            Ok(one("a", "1<2"))
        );
        assert_eq!(parse(b"<xml><a>1&amp;&#50;</a></xml>"), Ok(one("a", "1&2")));
        assert_eq!(parse(b"<xml><a/></xml>"), Ok(one("a", "")));
    }

    #[test]
    fn outside_entities_and_document_types_are_refused() {
        let attack = b"<!DOCTYPE xml [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><xml><a>&e;</a></xml>";
        assert_eq!(parse(attack), Err(Unreadable::Forbidden));
        assert_eq!(parse(b"<xml><a>&e;</a></xml>"), Err(Unreadable::Forbidden));
        assert_eq!(parse(b"<xml><?php x ?></xml>"), Err(Unreadable::Forbidden));
        assert_eq!(parse(b"<xml><a b='1'>1</a></xml>"), Err(Unreadable::Forbidden));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        assert_eq!(parse(b"<xml><a>1</a><a>2</a></xml>"), Err(Unreadable::Twice));
        assert_eq!(parse(b"<xml><a><b>1</b></a></xml>"), Err(Unreadable::Shape));
        assert_eq!(parse(b"<xml><a>1</a></xml><xml><a>2</a></xml>"), Err(Unreadable::Shape));
        assert_eq!(parse(b"<xml>loose<a>1</a></xml>"), Err(Unreadable::Shape));
        assert_eq!(parse(b"<xml><a>1</a>"), Err(Unreadable::Shape));
        assert_eq!(parse(b""), Err(Unreadable::Shape));
        assert_eq!(parse(&vec![b' '; MAX_BYTES + 1]), Err(Unreadable::TooLarge));
        assert_eq!(parse(b"<xml><a>\xff</a></xml>"), Err(Unreadable::Encoding));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(fields in proptest::collection::btree_map(
            "[a-z_]{1,12}", "[^\\x00-\\x1f\\x7f-\\x9f\u{2028}\u{fffe}\u{ffff}]{0,40}", 0..8,
        )) {
            prop_assert_eq!(parse(write(&fields).as_bytes()), Ok(fields));
        }

        #[test]
        fn any_bytes_are_taken_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn near_misses_are_taken_without_panic(text in "(<xml>|</xml>|<a>|</a>|<!\\[CDATA\\[|\\]\\]>|&|;|<!--|<\\?|x){0,12}") {
            let _ = parse(text.as_bytes());
        }
    }
}
