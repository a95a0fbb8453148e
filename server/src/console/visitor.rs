//! Who looks at a page: language, session, and the token that binds forms to it.

use super::frame::{Frame, Person, Tab, may_open};
use super::problem::Problem;
use super::words::{Language, Words};
use crate::app::App;
use crate::base_store::{BaseError, OpenSession};
use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::secret::SecretText;
use ring::hmac;
use std::sync::Arc;

pub(super) use crate::session::SESSION_COOKIE;
/// Binds the log-in form to the browser that fetched it.
pub(super) const VISIT_COOKIE: &str = "__Host-evertill-visit";
/// The language chosen.
pub(super) const LANGUAGE_COOKIE: &str = "evertill-language";

/// Whoever looks at a page, logged in or not.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    pub language: Language,
    /// The page's own address.
    pub here: String,
    pub session: Option<OpenSession>,
    token: Option<SecretText>,
    visit: Option<SecretText>,
    pub store: StoreInfo,
    /// How many refunds that tills asked for wait, if this person may decide about them.
    requests: u32,
}

impl Visitor {
    /// Reads the cookies, and the session from the base store.
    pub async fn of(app: &App, uri: &Uri, headers: &HeaderMap) -> Result<Self, BaseError> {
        let mut visitor = Self::stranger(app, uri, headers);
        if let Some(token) = &visitor.token {
            visitor.session = app.base.session(token).await?;
        }
        if visitor.session.as_ref().is_some_and(|session| may_open(session.role, Tab::Approvals)) {
            // Pages work without it.
            let count = app.base.refund_requests_count().await;
            visitor.requests = count.inspect_err(|error| tracing::error!(%error)).unwrap_or_default();
        }
        Ok(visitor)
    }

    /// Someone of whom no session is known, for when the base store cannot be asked.
    pub fn stranger(app: &App, uri: &Uri, headers: &HeaderMap) -> Self {
        let secret = |name| cookie(headers, name).map(|value| SecretText::new(value.to_owned()));
        let wish = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let chosen = cookie(headers, LANGUAGE_COOKIE).and_then(Language::from_code);
        Self {
            language: chosen.unwrap_or_else(|| Language::from_accept(wish)),
            here: uri.path_and_query().map_or("/console/orders", |path| path.as_str()).to_owned(),
            session: None,
            token: secret(SESSION_COOKIE),
            visit: secret(VISIT_COOKIE),
            store: app.base.store().clone(),
            requests: 0,
        }
    }

    /// The dictionary.
    pub fn words(&self) -> &'static Words {
        self.language.words()
    }

    /// The session's token, to end it.
    pub fn token(&self) -> Option<&SecretText> {
        self.token.as_ref()
    }

    /// A moment by the store's clock.
    pub fn time(&self, at: Timestamp) -> String {
        evertill_shared::business_day::local_text(at, &self.store.zone)
    }

    /// What stands around a page.
    pub fn frame(&self, tab: Tab) -> Frame {
        let person = self.session.as_ref().map(|s| Person { name: s.name.clone(), role: s.role });
        let frame =
            Frame::new(self.language, self.store.name.clone(), person, &self.here, tab, self.form_token());
        frame.with_requests(self.requests)
    }

    /// What forms of this visitor carry: nobody else can make it, since nobody else has the cookie.
    pub fn form_token(&self) -> String {
        self.bound_to().map(bind).unwrap_or_default()
    }

    /// Whether a form's token is this visitor's.
    pub fn made_form(&self, token: &str) -> bool {
        let Some(secret) = self.bound_to() else { return false };
        let Ok(tag) = hex::decode(token) else { return false };
        hmac::verify(&key_of(secret), FORM_DOMAIN, &tag).is_ok()
    }

    fn bound_to(&self) -> Option<&SecretText> {
        if self.session.is_some() { self.token.as_ref() } else { self.visit.as_ref() }
    }

    /// The same visitor with a fresh visit, for a log-in form.
    pub fn with_visit(mut self, visit: SecretText) -> Self {
        self.visit = Some(visit);
        self
    }

    /// Whether there is a visit already.
    pub fn has_visit(&self) -> bool {
        self.visit.is_some()
    }
}

const FORM_DOMAIN: &[u8] = b"evertill-console-form-v1";

fn key_of(secret: &SecretText) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes())
}

fn bind(secret: &SecretText) -> String {
    hex::encode(hmac::sign(&key_of(secret), FORM_DOMAIN))
}

/// The value of a cookie.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name && !value.is_empty()).then_some(value))
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let visitor = parts.extensions.get::<Arc<Self>>();
        visitor.map(|visitor| (**visitor).clone()).ok_or(Problem::Internal)
    }
}

/// Somebody who is logged in. Anybody else is sent to log in, and comes back.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub visitor: Visitor,
    pub who: OpenSession,
}

impl std::ops::Deref for Visit {
    type Target = Visitor;
    fn deref(&self) -> &Visitor {
        &self.visitor
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, state).await.map_err(Problem::into_response)?;
        let Some(who) = visitor.session.clone() else {
            let back =
                if parts.method == http::Method::GET { visitor.here.as_str() } else { "/console/orders" };
            let query = [("next", back)];
            let query = query_of(&query);
            return Err(Redirect::to(&format!("/console/login?{query}")).into_response());
        };
        Ok(Self { visitor, who })
    }
}

/// `a=b&c=d`, with all that needs it escaped.
pub(super) fn query_of(pairs: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        text.bytes().fold(String::new(), |mut escaped, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                escaped.push(char::from(byte));
            } else {
                escaped.push_str(&format!("%{byte:02X}"));
            }
            escaped
        })
    };
    let pairs: Vec<String> =
        pairs.iter().map(|(key, value)| format!("{}={}", escape(key), escape(value))).collect();
    pairs.join("&")
}

/// Whether an address is a page of ours, so that nobody is sent elsewhere after logging in.
pub(super) fn own_page(address: &str) -> Option<&str> {
    let ours = address.starts_with("/console/")
        && address.bytes().all(|b| (0x21..=0x7e).contains(&b) && b != b'\\')
        && !address.starts_with("/console/login")
        && !address.starts_with("/console/language");
    ours.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_a_strangers_page() {
        for good in ["/console/orders", "/console/orders/20261120?day=2026-11-20&number=1%202"] {
            assert_eq!(own_page(good), Some(good));
        }
        for bad in [
            "https://evil.example/console/",
            "//evil.example/",
            "/\\evil.example",
            "/console",
            "/v1/orders",
            "/console/\r\nSet-Cookie: a=b",
            "/console/login?next=/console/login",
            "javascript:alert(1)",
            "",
        ] {
            assert_eq!(own_page(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_cookie_is_found_among_others_and_only_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=1; evertill-language=zh".parse().unwrap());
        headers.append(COOKIE, "x-evertill-language=en; b=".parse().unwrap());
        assert_eq!(cookie(&headers, "evertill-language"), Some("zh"));
        assert_eq!(cookie(&headers, "b"), None);
        assert_eq!(cookie(&headers, "language"), None);
    }

    #[test]
    fn queries_are_escaped() {
        assert_eq!(
            query_of(&[("next", "/console/orders?day=1&x=é")]),
            "next=%2Fconsole%2Forders%3Fday%3D1%26x%3D%C3%A9"
        );
    }
}
