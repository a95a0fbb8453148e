//! WeChat Pay v3 as pure functions: what we ask, and what a reply proves.
//!
//! A reply counts only if it is the wallet's own (`sign`), readable, and either what was asked for (200, or 204 with
//! nothing in it) or an error with its word. The status and the request's number in the headers are not signed:
//! neither decides anything alone. Anything else is [`Unusable`]: unknown.

use super::error_code::ErrorCode;
use super::sign::{NotAuthentic, Signer, Trust};
use crate::channel::silence::Reason;
use crate::channel::wechat::SubMerchant;
use crate::channel::wechat::bill::Whose;
use crate::channel::words::{china_time, clip, is_transaction, without_codes};
use crate::channel::{ChannelRefund, Charge, ShownOrder};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::ChannelNumber;
use evertill_shared::money::Amount;
use serde_json::{Value, json};

/// Where a merchant's orders are, and where those are that a service provider makes for a shop.
const OWN: &str = "/v3/pay/transactions";
const FOR_A_SHOP: &str = "/v3/pay/partner/transactions";
/// Where a bill is asked for.
pub const BILL: &str = "/v3/bill/tradebill";
/// Where a bill is fetched.
pub const BILL_FILE: &str = "/v3/billdownload/file?";
/// Where the wallet's certificates are.
pub const CERTIFICATES: &str = "/v3/certificates?algorithm_type=RSA";
const REFUNDS: &str = "/v3/refund/domestic/refunds";

/// A moment as the wallet writes it, by China's clock.
const TIME: &str = "%Y-%m-%dT%H:%M:%S+08:00";

/// An order that no till ever makes.
const NOTHING: &str = "CHECK000000";

/// Who we are to the wallet.
#[derive(Debug)]
pub struct Merchant {
    /// Our app.
    pub app_id: String,
    /// The shop that we act for, as a service provider.
    pub shop: Option<SubMerchant>,
    /// What signs for us; it names our merchant number.
    pub signer: Signer,
    /// Where the wallet tells of payments.
    pub notify_url: String,
}

/// One request: its method, path with query, and body, as they are signed and sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// JSON, or nothing.
    pub body: String,
}

/// Why a reply proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Not known to be the wallet's; with the reply's word and sentence, which may say why.
    #[error("{why} (status {status}: {words:?})")]
    NotAuthentic {
        /// Why not.
        why: NotAuthentic,
        /// Its status.
        status: u16,
        /// What it says for people, cut short: nothing else of it.
        words: String,
    },
    /// Its own, and neither what was asked for nor an error.
    #[error("the reply with status {0} cannot be read")]
    Unreadable(u16),
    /// A field is missing, or differs from what was asked.
    #[error("the reply's {0} is missing, or is not what was asked about")]
    Mismatch(&'static str),
}

impl Reason for Unusable {
    fn mismatch(&self) -> Option<&'static str> {
        match self {
            Self::Mismatch(field) => Some(field),
            _ => None,
        }
    }
}

/// What an authentic reply says.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// What was asked for; nothing at all for status 204.
    Good(Value),
    /// An error: its word, and the wallet's sentence for people.
    Error(ErrorCode, String),
}

impl Merchant {
    fn merchant_id(&self) -> &str {
        &self.signer.merchant_id
    }

    /// Whose bills must be.
    #[must_use]
    pub fn whose(&self) -> Whose {
        let shop = self.shop.as_ref().map(|shop| shop.merchant_id.clone());
        Whose { merchant_id: self.merchant_id().to_owned(), shop }
    }

    /// The apps, and who is who.
    fn with_names(&self, mut body: Value) -> String {
        match &self.shop {
            None => body["appid"] = json!(self.app_id),
            Some(shop) => {
                body["sp_appid"] = json!(self.app_id);
                shop.app_id.iter().for_each(|app| body["sub_appid"] = json!(app));
            }
        }
        self.with_merchants(body)
    }

    /// Who is who.
    fn with_merchants(&self, mut body: Value) -> String {
        match &self.shop {
            None => body["mchid"] = json!(self.merchant_id()),
            Some(shop) => {
                body["sp_mchid"] = json!(self.merchant_id());
                body["sub_mchid"] = json!(shop.merchant_id);
            }
        }
        body.to_string()
    }

    /// The shop alone, where nothing else is asked for; with the sign that goes before it.
    fn shop_in_query(&self, sign: char) -> String {
        self.shop.as_ref().map(|shop| format!("{sign}sub_mchid={}", shop.merchant_id)).unwrap_or_default()
    }

    fn orders(&self) -> &'static str {
        if self.shop.is_some() { FOR_A_SHOP } else { OWN }
    }

    fn order(&self, number: &str) -> String {
        format!("{}/out-trade-no/{number}", self.orders())
    }

    /// Asks for a code that the customer scans.
    #[must_use]
    pub fn native(&self, order: &ShownOrder) -> Call {
        let mut body = json!({
            "description": clip(&order.description, 127),
            "out_trade_no": order.number.as_str(),
            "notify_url": self.notify_url,
            "amount": { "total": order.amount.minor, "currency": order.amount.currency.code() },
        });
        if let Some(until) = china_time(order.until, TIME) {
            body["time_expire"] = json!(until);
        }
        if !order.device.is_empty() {
            body["attach"] = json!(clip(&order.device, 128));
        }
        post(format!("{}/native", self.orders()), self.with_names(body))
    }

    /// Charges a customer's code.
    #[must_use]
    pub fn codepay(&self, charge: &Charge) -> Call {
        let store = if charge.device.is_empty() { "0".to_owned() } else { clip(&charge.device, 32) };
        let body = json!({
            "description": clip(&charge.description, 127),
            "out_trade_no": charge.number.as_str(),
            "payer": { "auth_code": charge.auth_code.expose() },
            "amount": { "total": charge.amount.minor, "currency": charge.amount.currency.code() },
            "scene_info": { "device_id": store, "store_info": { "out_id": store } },
        });
        post(format!("{}/codepay", self.orders()), self.with_names(body))
    }

    /// Asks about an order.
    #[must_use]
    pub fn query(&self, number: &ChannelNumber) -> Call {
        self.about(number.as_str())
    }

    /// Asks about an order that cannot be.
    #[must_use]
    pub fn about_nothing(&self) -> Call {
        self.about(NOTHING)
    }

    fn about(&self, number: &str) -> Call {
        let name = if self.shop.is_some() { "sp_mchid" } else { "mchid" };
        let (order, shop) = (self.order(number), self.shop_in_query('&'));
        get(format!("{order}?{name}={}{shop}", self.merchant_id()))
    }

    /// Closes an order that is not paid.
    #[must_use]
    pub fn close(&self, number: &ChannelNumber) -> Call {
        post(format!("{}/close", self.order(number.as_str())), self.with_merchants(json!({})))
    }

    /// Takes a charged code back.
    #[must_use]
    pub fn reverse(&self, number: &ChannelNumber) -> Call {
        post(format!("{}/reverse", self.order(number.as_str())), self.with_names(json!({})))
    }

    /// Gives money back.
    #[must_use]
    pub fn refund(&self, refund: &ChannelRefund) -> Call {
        let mut body = json!({
            "out_trade_no": refund.number.as_str(),
            "out_refund_no": refund.refund.0,
            "amount": {
                "refund": refund.amount.minor,
                "total": refund.paid.minor,
                "currency": refund.amount.currency.code(),
            },
        });
        let reason = clip(&refund.reason, 80);
        if !reason.is_empty() {
            body["reason"] = json!(reason);
        }
        self.shop.iter().for_each(|shop| body["sub_mchid"] = json!(shop.merchant_id));
        post(REFUNDS.to_owned(), body.to_string())
    }

    /// Asks about a refund.
    #[must_use]
    pub fn query_refund(&self, refund: &ChannelRefund) -> Call {
        get(format!("{REFUNDS}/{}{}", escaped(&refund.refund.0), self.shop_in_query('?')))
    }

    /// Asks for the wallet's certificates.
    #[must_use]
    pub fn certificates(&self) -> Call {
        get(CERTIFICATES.to_owned())
    }

    /// Asks for the bill of a day.
    #[must_use]
    pub fn bill(&self, day: BusinessDay) -> Call {
        let shop = self.shop_in_query('&');
        get(format!("{BILL}?bill_date={day}&bill_type=ALL&tar_type=GZIP{shop}"))
    }

    /// Fetches a file that the wallet named.
    #[must_use]
    pub fn file(&self, target: String) -> Call {
        get(target)
    }

    /// The header that signs a call; `None` only if the system cannot sign.
    #[must_use]
    pub fn authorization(&self, call: &Call, now: Timestamp, nonce: &str) -> Option<String> {
        self.signer.authorization((call.method, &call.target, &call.body), now, nonce)
    }
}

impl Call {
    /// Whether asking twice at the same time is harmless, so that a second address may be asked beside the first. Closing
    /// may be repeated. Asking for a code may not be: each one kills the one before, and of two answers the one that
    /// comes first may hold the dead code.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        self.method == "GET" || self.target.ends_with("/close")
    }
}

fn get(target: String) -> Call {
    Call { method: "GET", target, body: String::new() }
}

fn post(target: String, body: String) -> Call {
    Call { method: "POST", target, body }
}

/// Opens a reply.
/// # Errors
/// See [`Unusable`].
pub fn open(
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
    now: Timestamp,
    trust: &Trust,
) -> Result<Reply, Unusable> {
    trust.verify(headers, body, now).map_err(|why| Unusable::NotAuthentic {
        why,
        status,
        words: error_words(body),
    })?;
    if status == 204 && body.is_empty() {
        return Ok(Reply::Good(Value::Null));
    }
    let said: Value = serde_json::from_slice(body).map_err(|_| Unusable::Unreadable(status))?;
    let word = said.get("code").and_then(Value::as_str);
    match (status, word) {
        (200, None) if said.is_object() => Ok(Reply::Good(said)),
        // 202: accepted, and not done: a reversal while the customer types.
        (202 | 400.., Some(word)) => Ok(Reply::Error(ErrorCode::from_word(word), words(&said))),
        _ => Err(Unusable::Unreadable(status)),
    }
}

/// The word and the sentence of an error, for people: nothing else of what came, which may repeat what was sent.
fn words(said: &Value) -> String {
    let part = |name| said.get(name).and_then(Value::as_str).unwrap_or_default();
    without_codes(&format!("{} {}", part("code"), part("message")), 200)
}

/// The same of bytes that may be anybody's.
fn error_words(body: &[u8]) -> String {
    serde_json::from_slice(body).map(|said| words(&said)).unwrap_or_default()
}

/// The text at a pointer; empty counts as absent.
pub fn text<'a>(said: &'a Value, pointer: &str) -> Option<&'a str> {
    said.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Compares a text with what was asked.
pub(super) fn same(said: &Value, pointer: &'static str, asked: &str) -> Result<(), Unusable> {
    if text(said, pointer) == Some(asked) { Ok(()) } else { Err(Unusable::Mismatch(pointer)) }
}

/// The same, if it is there at all.
pub(super) fn same_if_there(said: &Value, pointer: &'static str, asked: &str) -> Result<(), Unusable> {
    match said.pointer(pointer) {
        None | Some(Value::Null) => Ok(()),
        Some(_) => same(said, pointer, asked),
    }
}

/// Compares an amount with what was asked. Yuan, if no currency is named.
pub(super) fn same_amount(said: &Value, pointer: &'static str, asked: Amount) -> Result<(), Unusable> {
    if said.pointer(pointer).and_then(Value::as_i64) != Some(asked.minor) {
        return Err(Unusable::Mismatch(pointer));
    }
    let named = match said.pointer("/amount/currency") {
        None | Some(Value::Null) => "CNY",
        Some(currency) => currency.as_str().unwrap_or_default(),
    };
    if named == asked.currency.code() { Ok(()) } else { Err(Unusable::Mismatch("/amount/currency")) }
}

/// The wallet's number of the transaction.
pub(super) fn transaction(said: &Value) -> Result<String, Unusable> {
    let number = text(said, "/transaction_id").ok_or(Unusable::Mismatch("/transaction_id"))?;
    if is_transaction(number) { Ok(number.to_owned()) } else { Err(Unusable::Mismatch("/transaction_id")) }
}

/// A text as part of a path: the signs that a refund's number may have and a path may not.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'*' | b'@' | b'.') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
