//! Requests with something wrong about them, sent over the shop's own TLS: what a thief, a bug or a bad line
//! would send.

use crate::scripted_till::AdoptedSale;
use crate::store_rig::{RigError, StoreRig};
use evertill_shared::clock::{Clock, SystemClock, Timestamp};
use evertill_shared::protocol::error::{ApiError, ErrorCode};
use evertill_shared::protocol::orders::AdoptOrder;
use evertill_shared::signing::{RequestParts, SignatureHeaders, SigningKey, sign_request};
use ring::rand::SecureRandom;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::Arc;

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tamper {
    /// Nothing: to see that the rest is right.
    Nothing,
    /// It carries no signature.
    NoSignature,
    /// The body is another than what was signed.
    OtherBody,
    /// It goes to another path than what was signed.
    OtherPath,
    /// It carries another query than what was signed.
    OtherQuery,
    /// It was signed so many minutes ago; below zero: in the future.
    MinutesOld(i64),
}

/// Sends them.
pub struct RawClient {
    http: reqwest::Client,
    base: String,
    authority: String,
}

struct Request {
    method: reqwest::Method,
    path: String,
    query: String,
    body: Vec<u8>,
    id: String,
    signature: Option<SignatureHeaders>,
}

impl RawClient {
    /// A client that trusts the shop's root, as a till does.
    /// # Errors
    /// The root cannot be read.
    pub fn new(rig: &StoreRig) -> Result<Self, RigError> {
        let wrong = |e: &dyn std::fmt::Display| RigError::Unexpected(e.to_string());
        let mut roots = RootCertStore::empty();
        for pem in &rig.trust().root_certificates {
            let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|e| wrong(&e))?;
            roots.add(certificate).map_err(|e| wrong(&e))?;
        }
        let tls =
            rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_protocol_versions(&[&rustls::version::TLS13])
                .map_err(|e| wrong(&e))?
                .with_root_certificates(roots)
                .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .retry(reqwest::retry::never())
            .build()
            .map_err(|e| wrong(&e))?;
        let base = rig.server_url();
        let authority = base.trim_start_matches("https://").to_owned();
        Ok(Self { http, base, authority })
    }

    fn signed(
        &self,
        key: &SigningKey,
        method: reqwest::Method,
        path: &str,
        query: &str,
        body: Vec<u8>,
        at: Timestamp,
    ) -> Result<Request, RigError> {
        let wrong = |e: &dyn std::fmt::Display| RigError::Unexpected(e.to_string());
        let mut random = [0; 16];
        ring::rand::SystemRandom::new().fill(&mut random).map_err(|e| wrong(&e))?;
        let id = hex::encode(random);
        let parts = RequestParts {
            method: method.as_str(),
            authority: &self.authority,
            path,
            query,
            content_type: "application/json",
            request_id: &id,
            body: &body,
        };
        let expires = at.plus(std::time::Duration::from_secs(60));
        let signature = Some(sign_request(key, &parts, at, expires).map_err(|e| wrong(&e))?);
        Ok(Request { method, path: path.into(), query: query.into(), body, id, signature })
    }

    /// Sends it and says how it was refused; `None` if it was not.
    async fn send(&self, request: &Request) -> Result<Option<ErrorCode>, RigError> {
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        let url = format!("{}{}{query}", self.base, request.path);
        let mut builder = self
            .http
            .request(request.method.clone(), url)
            .header("content-type", "application/json")
            .header("evertill-request-id", &request.id)
            .body(request.body.clone());
        if let Some(signature) = &request.signature {
            builder = builder
                .header("content-digest", &signature.content_digest)
                .header("signature-input", &signature.signature_input)
                .header("signature", &signature.signature);
        }
        let wrong = |e: reqwest::Error| RigError::Unexpected(e.to_string());
        let response = builder.send().await.map_err(wrong)?;
        if response.status().is_success() {
            return Ok(None);
        }
        let status = response.status();
        let body = response.bytes().await.map_err(wrong)?;
        let error: ApiError = serde_json::from_slice(&body).map_err(|_| {
            RigError::Unexpected(format!("{status} without a reason: {}", String::from_utf8_lossy(&body)))
        })?;
        if error.message.is_empty() || error.code.http_status() != status.as_u16() {
            return Err(RigError::Unexpected(format!("{status} does not fit {error:?}")));
        }
        Ok(Some(error.code))
    }

    /// Asks for the till's own state, with something wrong.
    /// # Errors
    /// No answer, or one without a reason.
    pub async fn terminal_status(
        &self,
        key: &SigningKey,
        tamper: Tamper,
    ) -> Result<Option<ErrorCode>, RigError> {
        let at = match tamper {
            Tamper::MinutesOld(minutes) => Timestamp(SystemClock.now().0 - minutes * 60_000),
            _ => SystemClock.now(),
        };
        let mut request = self.signed(key, reqwest::Method::GET, "/v1/terminal", "", Vec::new(), at)?;
        match tamper {
            Tamper::NoSignature => request.signature = None,
            Tamper::OtherBody => request.body = b"{}".to_vec(),
            Tamper::OtherPath => request.path = "/v1/catalogue".into(),
            Tamper::OtherQuery => request.query = "since=1".into(),
            Tamper::Nothing | Tamper::MinutesOld(_) => {}
        }
        self.send(&request).await
    }

    /// Sends one and the same signed request to adopt a number so many times.
    /// # Errors
    /// No answer, or one without a reason.
    pub async fn adoption_sent_times(
        &self,
        key: &SigningKey,
        order: &AdoptedSale,
        times: usize,
    ) -> Result<Vec<Option<ErrorCode>>, RigError> {
        let (sale, adopted) = (order.sale.entry.clone(), order.entry.clone());
        let body = serde_json::to_vec(&AdoptOrder { sale, adopted, cash: None, cash_part: None })
            .map_err(|error| RigError::Unexpected(error.to_string()))?;
        let path = format!("/v1/orders/{}/adopt", order.number);
        let request = self.signed(key, reqwest::Method::POST, &path, "", body, SystemClock.now())?;
        let mut answers = Vec::new();
        for _ in 0..times {
            answers.push(self.send(&request).await?);
        }
        Ok(answers)
    }

    /// Reads a page that needs no signature, as JSON.
    /// # Errors
    /// The server does not answer, or not in JSON.
    pub async fn get_json(&self, path: &str) -> Result<serde_json::Value, RigError> {
        let wrong = |e: reqwest::Error| RigError::Unexpected(e.to_string());
        let answer = self.http.get(format!("{}{path}", self.base)).send().await.map_err(wrong)?;
        answer.json().await.map_err(wrong)
    }

    /// Sends bytes that no till would send to a path, unsigned; the answer's status.
    /// # Errors
    /// The server does not answer.
    pub async fn garbage(&self, path: &str, body: Vec<u8>) -> Result<u16, RigError> {
        let wrong = |e: reqwest::Error| RigError::Unexpected(e.to_string());
        let sent = self.http.post(format!("{}{path}", self.base)).body(body).send().await.map_err(wrong)?;
        Ok(sent.status().as_u16())
    }
}
