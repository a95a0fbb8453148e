//! Forms: only those that a page of this very session made are read.

mod parts;

use super::problem::Problem;
use super::visitor::{Visit, Visitor};
use crate::app::App;
use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;

/// What a form holds: names and values as they were typed, without the space around them.
#[derive(Clone, Default)]
pub(super) struct Fields(BTreeMap<String, String>);

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish() // values may be passwords
    }
}

impl Fields {
    /// A form that holds these; of one name, the last.
    #[cfg(test)]
    pub fn of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// A value; empty if it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    /// A value with the space around it: passwords.
    pub fn exact(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// The longest form that is read, in bytes: one with a template for receipts in it, each byte of which may be written as three.
const LONGEST: usize = 4 * evertill_shared::receipt::template::LONGEST;

async fn read(app: &App, request: Request) -> Result<Fields, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = app.door.readers().read(body, LONGEST).await.map_err(|_| Problem::BadForm)?;
    let request = Request::from_parts(parts, bytes.into());
    let form = Form::<Vec<(String, String)>>::from_request(request, &()).await;
    form.map(|Form(pairs)| Fields(pairs.into_iter().collect())).map_err(|_| Problem::BadForm)
}

/// Browsers say where a request comes from. What comes from elsewhere is refused before its form is read.
fn comes_from_elsewhere(parts: &Parts) -> bool {
    let site = parts.headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
    site.is_some_and(|site| site != b"same-origin" && site != b"none")
}

async fn checked(app: &App, visitor: &Visitor, request: Request) -> Result<Fields, Problem> {
    let (parts, body) = request.into_parts();
    if comes_from_elsewhere(&parts) {
        return Err(Problem::FormToken);
    }
    let fields = read(app, Request::from_parts(parts, body)).await?;
    if visitor.made_form(fields.get("csrf")) { Ok(fields) } else { Err(Problem::FormToken) }
}

/// A form from somebody who is logged in.
#[derive(Debug)]
pub(super) struct Posted {
    pub visit: Visit,
    pub fields: Fields,
}

impl FromRequest<App> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, app).await?;
        let fields = checked(app, &visit.visitor, Request::from_parts(parts, body)).await;
        Ok(Self { fields: fields.map_err(Problem::into_response)?, visit })
    }
}

/// The longest form with a file in it: the largest picture, and what stands around it.
const LONGEST_WITH_FILE: usize = evertill_shared::protocol::pictures::LARGEST * 2;

/// A form with a file in it, from somebody who is logged in.
#[derive(Debug)]
pub(super) struct PostedFile {
    pub visit: Visit,
    pub fields: Fields,
    /// The file's bytes; empty if none was chosen.
    pub file: Vec<u8>,
}

impl FromRequest<App> for PostedFile {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, app).await?;
        if comes_from_elsewhere(&parts) {
            return Err(Problem::FormToken.into_response());
        }
        let read = read_with_file(app, Request::from_parts(parts, body)).await;
        let (fields, file) = read.ok_or_else(|| Problem::BadForm.into_response())?;
        if !visit.made_form(fields.get("csrf")) {
            return Err(Problem::FormToken.into_response());
        }
        Ok(Self { visit, fields, file })
    }
}

async fn read_with_file(app: &App, request: Request) -> Option<(Fields, Vec<u8>)> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    let boundary = parts::boundary(kind)?;
    let bytes = app.door.readers().read(body, LONGEST_WITH_FILE).await.ok()?;
    let (mut fields, mut file) = (BTreeMap::new(), Vec::new());
    for part in parts::parts(&bytes, boundary)? {
        if part.is_file {
            file = part.bytes.to_vec();
        } else {
            fields.insert(part.name, std::str::from_utf8(part.bytes).ok()?.to_owned());
        }
    }
    Some((Fields(fields), file))
}

/// The log-in form.
#[derive(Debug)]
pub(super) struct LogInForm {
    pub visitor: Visitor,
    pub fields: Fields,
    /// The form is this browser's own. It is not if cookies are off or the page is very old.
    pub own: bool,
}

impl FromRequest<App> for LogInForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, app).await.map_err(Problem::into_response)?;
        let elsewhere = comes_from_elsewhere(&parts);
        let fields = read(app, Request::from_parts(parts, body)).await.map_err(Problem::into_response)?;
        let own = !elsewhere && visitor.made_form(fields.get("csrf"));
        Ok(Self { visitor, fields, own })
    }
}
