//! WeChat Pay, version 3 of its interface, at the same host and over the same books: JSON, signed both ways.
//!
//! Every request is checked for real: its signature, the certificate that it names, its time, and that the merchant in
//! the header is the one in the body. Every answer carries all five headers over the very bytes that are sent.

mod bill;
mod message;
pub(super) mod papers;
mod partner;
mod rules;
mod teller;

pub use papers::SignsBy;

pub(super) use papers::Papers;
pub(super) use teller::WechatTeller;

use crate::simulator::wallet::http::{Request, Response};
use crate::simulator::wallet::{Counter, Endpoint, Fault, Partner};
use bill::Files;
use evertill_shared::clock::Timestamp;
use message::{Authorization, Refusal};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Our clock and the merchant's may differ by so much.
const SKEW_S: u64 = 300;
/// Where an order is asked about by the wallet's own number.
const TRANSACTIONS: &str = "/v3/pay/transactions/id/";

/// What the wallet knows of one merchant, and its books.
pub(super) struct Desk {
    papers: Arc<Papers>,
    counter: Arc<Counter>,
    files: Files,
}

/// A request that is authentic.
struct Asked {
    endpoint: Endpoint,
    /// The merchant's number of what it is about, out of the path.
    about: Option<String>,
    /// The wallet's number of the order that it is about, out of the path.
    transaction: Option<String>,
    /// Whether a bill is to be one of an account.
    is_about_account: bool,
    query: Vec<(String, String)>,
    body: Value,
    host: String,
    behaviour: Option<crate::simulator::wallet::Behaviour>,
}

impl Asked {
    /// The value of a name in the query.
    fn in_query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What to send back.
enum Answer {
    Json(Value),
    /// Status 204.
    Nothing,
    /// A file, which is not signed.
    File(Vec<u8>),
}

impl Desk {
    pub fn new(papers: Arc<Papers>, counter: Arc<Counter>) -> Self {
        Self { papers, counter, files: Files::default() }
    }

    /// Answers one call.
    pub async fn serve(&self, request: &Request) -> Response {
        let wanted = request.headers.get("wechatpay-serial").map(String::as_str);
        let asked = match self.asked(request) {
            Ok(asked) => asked,
            Err(refusal) => {
                tracing::warn!(path = request.path, code = refusal.code, "a request was not taken");
                return self.respond(Err(refusal), None, wanted);
            }
        };
        let fault = self.fault_of(&asked);
        match fault {
            Some(Fault::RequestLost) => return Response::HangUp,
            Some(Fault::ArrivesLate { ms }) => tokio::time::sleep(Duration::from_millis(ms)).await,
            _ => {}
        }
        let answer = match &fault {
            Some(Fault::Refuse { err_code }) => Err(Refusal::of_word(err_code, "模拟的错误")),
            _ => self.answer(&asked),
        };
        if let Some(Fault::Slow { ms }) = fault {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        self.respond(answer, fault.as_ref(), wanted)
    }

    fn shop(&self) -> Option<Partner> {
        self.counter.inside().switches.partner.clone()
    }

    fn now(&self) -> Timestamp {
        self.counter.decide(|_, _, now| now).unwrap_or_default()
    }

    fn asked(&self, request: &Request) -> Result<Asked, Refusal> {
        self.authentic(request)?;
        let body = match (request.method.as_str(), request.body.is_empty()) {
            ("GET", _) | (_, true) => Value::Null,
            _ => serde_json::from_slice(&request.body).map_err(|_| Refusal::param("请求体不是JSON"))?,
        };
        let query = request.query.split('&').filter_map(|pair| pair.split_once('='));
        let query: Vec<_> = query.map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        let shop = self.shop();
        let (path, body, query) = partner::as_merchants(shop.as_ref(), &request.path, body, query)?;
        let named = body.get("mchid").and_then(Value::as_str);
        let named = named.or_else(|| query.iter().find(|(n, _)| n == "mchid").map(|(_, v)| v.as_str()));
        if named.is_some_and(|merchant| merchant != self.papers.merchant_id) {
            return Err(Refusal::param("mchid与Authorization中的商户号不一致"));
        }
        let by_transaction = path.strip_prefix(TRANSACTIONS).filter(|_| request.method == "GET");
        let (endpoint, about) = match by_transaction {
            Some(_) => (Endpoint::Query, None),
            None => route(&request.method, &path).ok_or(Refusal::no_such_path())?,
        };
        let transaction = by_transaction.map(message::unescaped);
        let host = request.headers.get("host").cloned().unwrap_or_default();
        let test = request.headers.get("wechatpay-negative-test");
        let behaviour = test.and_then(|name| super::desk::behaviour_of(name));
        let is_about_account = path.ends_with("/fundflowbill");
        Ok(Asked { endpoint, about, transaction, is_about_account, query, body, host, behaviour })
    }

    fn authentic(&self, request: &Request) -> Result<(), Refusal> {
        if ["accept", "user-agent"].iter().any(|name| !request.headers.contains_key(*name)) {
            return Err(Refusal::param("Http头缺少Accept或User-Agent"));
        }
        let header = request.headers.get("authorization").map_or("", String::as_str);
        let given = Authorization::read(header).ok_or(Refusal::sign("Authorization不合法"))?;
        if given.merchant_id != self.papers.merchant_id || given.serial != self.papers.merchant_serial {
            return Err(Refusal::sign("商户号或商户证书序列号有误"));
        }
        if self.now().unix_seconds().abs_diff(given.seconds) > SKEW_S {
            return Err(Refusal::sign("Authorization中的timestamp与发起请求的时间不能超过5分钟"));
        }
        let mark = if request.query.is_empty() { "" } else { "?" };
        let body = std::str::from_utf8(&request.body).map_err(|_| Refusal::param("请求体不是UTF-8"))?;
        let (seconds, nonce) = (given.seconds, &given.nonce);
        let target = format!("{}{mark}{}", request.path, request.query);
        let text = format!("{}\n{target}\n{seconds}\n{nonce}\n{body}\n", request.method);
        let signed = self.papers.merchant_key.signed(&text, &given.signature);
        if signed { Ok(()) } else { Err(Refusal::sign("签名错误，请检查后再试")) }
    }

    /// What goes wrong with this call: by a switch, by the official header, or by the code or the order.
    fn fault_of(&self, asked: &Asked) -> Option<Fault> {
        let text = |pointer: &str| asked.body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let number = asked.about.clone().or_else(|| text("/out_trade_no"));
        let by_switch = self.counter.fault_of_switch(asked.endpoint);
        by_switch.or_else(|| match asked.behaviour {
            Some(behaviour) => behaviour.fault(asked.endpoint, 0),
            None => {
                let code = text("/payer/auth_code");
                self.counter.fault_of_customer(asked.endpoint, number.as_ref(), code.as_ref())
            }
        })
    }

    fn answer(&self, asked: &Asked) -> Result<Answer, Refusal> {
        match asked.endpoint {
            Endpoint::Certificates => {
                let live = self.counter.inside().switches.certificates.clone();
                Ok(Answer::Json(self.papers.certificate_list(&live)))
            }
            Endpoint::Bill => self.files.ask(asked, &self.counter, &self.papers, bill::Kind::of(asked)?),
            Endpoint::BillFile => self.files.fetch(asked, self.now()),
            _ => {
                let decided = self
                    .counter
                    .decide(|book, switches, now| rules::answer(asked, &self.papers, book, switches, now));
                decided.unwrap_or_else(|error| {
                    tracing::error!(%error, "the books could not be saved");
                    Err(Refusal::of_word("SYSTEM_ERROR", "系统错误"))
                })
            }
        }
    }

    fn respond(
        &self,
        answer: Result<Answer, Refusal>,
        fault: Option<&Fault>,
        wanted: Option<&str>,
    ) -> Response {
        let unsure = match fault {
            Some(Fault::SystemError) => Some("SYSTEM_ERROR"),
            Some(Fault::Unavailable) => Some("BANK_ERROR"),
            _ => None,
        };
        let answer = unsure.map_or(answer, |word| Err(Refusal::of_word(word, "系统异常，请稍后重试")));
        let (noise, strange) = self.counter.noise();
        let (status, mut body, code) = match answer {
            Ok(Answer::File(bytes)) => return file(bytes, fault),
            Ok(Answer::Nothing) => (204, None, 0),
            Ok(Answer::Json(body)) => (200, Some(partner::as_partners(self.shop().as_ref(), body)), 0),
            Err(refusal) => (refusal.status, Some(refusal.body()), refusal.number),
        };
        if let (Some(body), Some(name)) = (&mut body, strange) {
            body[name] = json!("新字段");
        }
        if let Some(body) = &mut body {
            tamper(body, fault);
        }
        let bytes = body.map(|body| body.to_string()).unwrap_or_default();
        let signs_by = self.counter.inside().switches.signs_by;
        let (id, key) = self.papers.signer(wanted, signs_by);
        let mut headers =
            message::signed_headers((id, key), &self.papers.stranger, self.now(), noise, &bytes, fault);
        headers.push(("Request-ID".into(), format!("08{noise:016X}-{code}")));
        headers.push(("Content-Type".into(), "application/json; charset=utf-8".into()));
        let mut body = bytes.into_bytes();
        match fault {
            Some(Fault::ReplyLost) => return Response::HangUp,
            Some(Fault::Garbage) => {
                return Response::Whole { status: 200, headers, body: b"\x00<html>\xff busy".to_vec() };
            }
            Some(Fault::ServerError) => {
                return Response::Reply {
                    status: 502,
                    content_type: "text/html",
                    body: b"Bad Gateway".to_vec(),
                };
            }
            Some(Fault::Altered) => message::alter(&mut body),
            _ => {}
        }
        Response::Whole { status, headers, body }
    }
}

/// A file: never signed, and altered on its way if that is asked for.
fn file(mut bytes: Vec<u8>, fault: Option<&Fault>) -> Response {
    match fault {
        Some(Fault::ReplyLost) => Response::HangUp,
        Some(Fault::Garbage) => Response::ok("text/html", b"<html>busy</html>".as_slice()),
        Some(Fault::Altered) => {
            message::alter(&mut bytes);
            Response::ok("application/octet-stream", bytes)
        }
        Some(Fault::ServerError) => {
            Response::Reply { status: 502, content_type: "text/html", body: b"Bad Gateway".to_vec() }
        }
        _ => Response::ok("application/octet-stream", bytes),
    }
}

/// Makes the answer be about something else.
fn tamper(body: &mut Value, fault: Option<&Fault>) {
    match fault {
        Some(Fault::WrongAmount) => {
            for name in ["/amount/total", "/amount/refund"] {
                if let Some(amount) = body.pointer_mut(name) {
                    *amount = json!(amount.as_i64().unwrap_or_default() + 1);
                }
            }
        }
        Some(Fault::OtherNumber) if body.get("out_trade_no").is_some() => {
            body["out_trade_no"] = json!("E000001000100001999999999999001");
        }
        Some(Fault::OtherMerchant) => {
            let named = ["mchid", "sub_mchid"].into_iter().find(|name| body.get(*name).is_some());
            named.into_iter().for_each(|name| body[name] = json!("1900000999"));
        }
        _ => {}
    }
}

/// Where a request goes, and what it is about.
fn route(method: &str, path: &str) -> Option<(Endpoint, Option<String>)> {
    const ORDERS: &str = "/v3/pay/transactions/out-trade-no/";
    let whole = match (method, path) {
        ("POST", "/v3/pay/transactions/native") => Some(Endpoint::Create),
        ("POST", "/v3/pay/transactions/codepay") => Some(Endpoint::Pay),
        ("POST", "/v3/refund/domestic/refunds") => Some(Endpoint::Refund),
        ("GET", "/v3/certificates") => Some(Endpoint::Certificates),
        ("GET", "/v3/bill/tradebill" | "/v3/bill/fundflowbill") => Some(Endpoint::Bill),
        ("GET", "/v3/billdownload/file") => Some(Endpoint::BillFile),
        _ => None,
    };
    if let Some(endpoint) = whole {
        return Some((endpoint, None));
    }
    let about = |endpoint, number: &str| {
        let plain = !number.is_empty() && !number.contains('/');
        plain.then(|| (endpoint, Some(message::unescaped(number))))
    };
    match (method, path.strip_prefix(ORDERS)) {
        ("GET", Some(number)) => return about(Endpoint::Query, number),
        ("POST", Some(rest)) => {
            let (number, deed) = rest.rsplit_once('/')?;
            let endpoint = match deed {
                "close" => Endpoint::Close,
                "reverse" => Endpoint::Reverse,
                _ => return None,
            };
            return about(endpoint, number);
        }
        _ => {}
    }
    let refund = path.strip_prefix("/v3/refund/domestic/refunds/").filter(|_| method == "GET");
    refund.and_then(|number| about(Endpoint::RefundQuery, number))
}

/// What belongs into `[wechat.v3]`, with a public key or by certificates.
pub(super) fn section(papers: &Papers, folder: &std::path::Path, public: bool, notify_url: &str) -> Value {
    let mut section = json!({
        "api_v3_key_file": folder.join(&papers.api_v3_key_file),
        "notify_url": notify_url,
    });
    if public {
        section["public_key"] = json!(folder.join(&papers.public_key_file));
        section["public_key_id"] = json!(papers.public_key_id);
    }
    section
}

#[cfg(test)]
mod adapter_tests;
