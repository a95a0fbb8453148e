//! What goes to a wallet, and what comes back.

use crate::channel::domains::Trouble;
use std::fmt;

/// No real reply of a wallet comes near this many bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// How a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Without a body.
    Get,
    /// With one.
    Post,
}

/// What may be done with a request of which no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It moves money: it goes out again only where surely nothing was sent.
    Deed,
    /// It only asks: to ask twice is harmless.
    Question,
}

/// Over which connections a request may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// A new one, which serves nothing else.
    New,
    /// One that has served a moment ago, or a new one.
    Recent,
    /// Any that is open, shared with others if the peer can do that; or a new one.
    Kept,
}

/// Why a request was surely not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// What kind of trouble it was.
    pub trouble: Trouble,
    words: String,
}

/// One request, whole. It may hold a payment code: it does not print.
pub struct Request {
    /// How.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// Names and values, the content type among them.
    pub headers: Vec<(String, String)>,
    /// What is sent; nothing with [`Method::Get`].
    pub body: Vec<u8>,
    /// Over which connections it may go.
    pub over: Over,
    /// The most bytes of an answer that are read.
    pub most: usize,
}

/// What goes to a path of a wallet, whichever of its addresses it goes to.
#[derive(Clone)]
pub struct Sending {
    method: Method,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    kind: Kind,
    most: usize,
}

/// A whole reply, whatever its status. It is not verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Names in small letters, and values that are text.
    pub headers: Vec<(String, String)>,
    /// The bytes that came.
    pub body: Vec<u8>,
}

/// What came of one request.
#[derive(Debug)]
pub enum Exchange {
    /// A whole reply, whatever its status. It is not verified yet.
    Answered(Reply),
    /// No address could be reached: surely nothing was sent.
    NotSent(Why),
    /// It may have reached the wallet.
    NoAnswer(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Why {
    /// Trouble of that kind, in words.
    #[must_use]
    pub fn new(trouble: Trouble, words: impl Into<String>) -> Self {
        Self { trouble, words: words.into() }
    }
}

impl<T: Into<String>> From<T> for Why {
    fn from(words: T) -> Self {
        Self::new(Trouble::Other, words)
    }
}

impl Sending {
    /// A request without a body, which only asks.
    #[must_use]
    pub fn get() -> Self {
        Self {
            method: Method::Get,
            headers: Vec::new(),
            body: Vec::new(),
            kind: Kind::Question,
            most: MAX_BYTES,
        }
    }

    /// A request with a body of that type. It counts as one that moves money; see [`Sending::harmless`].
    #[must_use]
    pub fn post(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { method: Method::Post, headers, body: body.into(), kind: Kind::Deed, most: MAX_BYTES }
    }

    /// The same with one header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same as a mere question, which may be asked again.
    #[must_use]
    pub const fn harmless(mut self) -> Self {
        self.kind = Kind::Question;
        self
    }

    /// The same with up to so many bytes of an answer, where [`MAX_BYTES`] are not enough: a bill.
    #[must_use]
    pub const fn most(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    /// Whether it may go out again.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The same bytes to that address.
    pub(super) fn to(&self, address: &str, path: &str, over: Over) -> Request {
        Request {
            method: self.method,
            url: format!("{address}{path}"),
            headers: self.headers.clone(),
            body: self.body.clone(),
            over,
            most: self.most,
        }
    }
}

impl Reply {
    /// The value of a header, by its name in small letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What came, if the status is 200.
    /// # Errors
    /// Another status, in words.
    pub fn ok(self) -> Result<Vec<u8>, String> {
        if self.status == 200 { Ok(self.body) } else { Err(format!("status {}", self.status)) }
    }
}
