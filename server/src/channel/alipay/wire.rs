//! Alipay's gateway as pure functions: what we ask, and what an answer proves. The wallet's own words live here, in
//! `node` and in `sub_code`, nowhere else.
//!
//! An answer counts only if it is readable, belongs to the call, carries a true signature over the very bytes that
//! came, and is about the number and amount that were asked. Anything else is [`Unusable`]: unknown.

use super::keys::{AppKey, Trust};
use super::node::{self, Envelope, Fields, Unreadable};
use super::sub_code::{Code, SubCode};
use crate::channel::silence::Reason;
use crate::channel::words::{china_time, clip, is_transaction, without_codes};
use crate::channel::{ChannelRefund, Charge, ShownOrder};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::ChannelNumber;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::secret::SecretText;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A moment as the wallet reads it, by China's clock.
const TIME: &str = "%Y-%m-%d %H:%M:%S";

/// One method of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Charges a code.
    Pay,
    /// Asks for a code that the customer scans.
    Precreate,
    /// Closes what is not paid.
    Close,
    /// Asks about an attempt.
    Query,
    /// Takes an attempt back.
    Cancel,
    /// Gives money back.
    Refund,
    /// Asks about a refund.
    QueryRefund,
    /// Asks where the bill of a day is.
    Bill,
}

impl Call {
    /// The name of the method.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Pay => "alipay.trade.pay",
            Self::Precreate => "alipay.trade.precreate",
            Self::Close => "alipay.trade.close",
            Self::Query => "alipay.trade.query",
            Self::Cancel => "alipay.trade.cancel",
            Self::Refund => "alipay.trade.refund",
            Self::QueryRefund => "alipay.trade.fastpay.refund.query",
            Self::Bill => "alipay.data.dataservice.bill.downloadurl.query",
        }
    }

    /// Whether nothing changes by it.
    #[must_use]
    pub const fn only_asks(self) -> bool {
        match self {
            Self::Query | Self::QueryRefund | Self::Bill => true,
            Self::Pay | Self::Precreate | Self::Close | Self::Cancel | Self::Refund => false,
        }
    }

    /// Where its answer stands.
    #[must_use]
    pub fn node(self) -> String {
        format!("{}_response", self.method().replace('.', "_"))
    }
}

/// Who we are to the wallet.
#[derive(Debug)]
pub struct Merchant {
    /// Our app.
    pub app_id: String,
    /// What the shop has given us to act for it by, as a service provider.
    pub shops_token: Option<SecretText>,
    /// The contract under which codes are charged.
    pub product_code: String,
    /// Where the wallet tells that a shown code was paid, if it can reach us.
    pub notify_url: Option<String>,
    /// The merchant's own number at the wallet, if notifications are held against it.
    pub seller_id: Option<String>,
    /// What we sign with.
    pub key: AppKey,
    /// What the wallet signs with.
    pub trust: Trust,
}

/// A request, ready to be sent.
#[derive(PartialEq, Eq)]
pub struct Request {
    /// The path with everything but the content.
    pub path: String,
    /// The form with the content, and the shop's token. May hold a payment code: never logged.
    pub body: String,
}

/// Why an answer proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Not an answer at all.
    #[error("the answer is unreadable: {0}")]
    Unreadable(#[from] Unreadable),
    /// An answer without a signature: so the gateway speaks of requests that it cannot place.
    #[error("the answer is not signed; it says {0:?}; check the app and its keys at the wallet")]
    Unsigned(String),
    /// The signature is by a certificate that we do not have.
    #[error("the answer is signed with a certificate that is not among ours: add the wallet's new one")]
    OtherCertificate,
    /// The signature is wrong.
    #[error("the answer's signature is wrong; check the wallet's public key or certificate")]
    Signature,
    /// A field is missing, or differs from what was asked.
    #[error("the answer's {0} is missing, or is not what was asked about")]
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

/// What an authentic answer says.
#[derive(Debug)]
pub struct Reply {
    fields: Fields,
    /// The gateway's word.
    pub code: Code,
    /// The business's word.
    pub sub_code: SubCode,
}

/// What is asked when a code is charged. An order that nobody pays ends by itself after three minutes, as it does at
/// this wallet anyway: well after we have taken it back.
#[must_use]
pub fn pay(charge: &Charge, product_code: &str) -> Value {
    json!({
        "out_trade_no": charge.number.as_str(),
        "scene": "bar_code",
        "auth_code": charge.auth_code.expose(),
        "subject": subject(&charge.description),
        "total_amount": yuan(charge.amount),
        "product_code": product_code,
        "terminal_id": clip(&charge.device, 32),
        "timeout_express": "3m",
    })
}

/// What is asked when a code is to be shown. The wallet itself takes no payment by it after its end; `None` if that is
/// no time.
#[must_use]
pub fn precreate(order: &ShownOrder, product_code: &str) -> Option<Value> {
    Some(json!({
        "out_trade_no": order.number.as_str(),
        "subject": subject(&order.description),
        "total_amount": yuan(order.amount),
        "product_code": product_code,
        "terminal_id": clip(&order.device, 32),
        "time_expire": china_time(order.until, TIME)?,
    }))
}

/// What is asked about an attempt, or when it is taken back.
#[must_use]
pub fn about(number: &ChannelNumber) -> Value {
    json!({ "out_trade_no": number.as_str() })
}

/// A question about an order that no till ever makes.
#[must_use]
pub fn about_nothing() -> Value {
    json!({ "out_trade_no": "CHECK000000" })
}

/// What is asked when money goes back.
#[must_use]
pub fn refund(refund: &ChannelRefund) -> Value {
    json!({
        "out_trade_no": refund.number.as_str(),
        "refund_amount": yuan(refund.amount),
        "out_request_no": refund.refund.0,
        "refund_reason": clip(&refund.reason, 256),
    })
}

/// What is asked about a refund.
#[must_use]
pub fn about_refund(refund: &ChannelRefund) -> Value {
    json!({ "out_trade_no": refund.number.as_str(), "out_request_no": refund.refund.0 })
}

/// What is asked about the bill of a day.
#[must_use]
pub fn bill(day: BusinessDay) -> Value {
    json!({ "bill_type": "trade", "bill_date": day.to_string() })
}

impl Merchant {
    /// The signed request. The common fields stand in the address, where the gateway looks for the charset before it
    /// reads the body; the content stands in the body, where no log of addresses keeps a payment code.
    #[must_use]
    pub fn request(&self, call: Call, content: &Value, at: Timestamp) -> Option<Request> {
        let content = content.to_string();
        let time = china_time(at, TIME)?;
        let mut common = BTreeMap::from([
            ("app_id", self.app_id.as_str()),
            ("charset", "utf-8"),
            ("format", "JSON"),
            ("method", call.method()),
            ("sign_type", "RSA2"),
            ("timestamp", &time),
            ("version", "1.0"),
        ]);
        if let Trust::Certificates { app, root, .. } = &self.trust {
            common.extend([("app_cert_sn", app.as_str()), ("alipay_root_cert_sn", root)]);
        }
        if let (Call::Precreate, Some(url)) = (call, &self.notify_url) {
            common.insert("notify_url", url);
        }
        // In the body as the content: no log of addresses keeps it.
        let mut own = BTreeMap::from([("biz_content", content.as_str())]);
        own.extend(self.shops_token.iter().map(|token| ("app_auth_token", token.expose())));
        let mut signed = common.clone();
        signed.extend(own.iter());
        let sign = self.key.sign(&signing_text(&signed))?;
        common.insert("sign", &sign);
        Some(Request { path: format!("/gateway.do?{}", form(&common)), body: form(&own) })
    }

    /// Opens an answer: readable, of that call, and truly signed by the wallet for this app.
    /// # Errors
    /// One of these is not so.
    pub fn open(&self, call: Call, body: &[u8]) -> Result<Reply, Unusable> {
        let Envelope { node, sign, certificate } = node::open(body, &call.node())?;
        let Some(sign) = sign else {
            let words = node::fields(node).map(|fields| words(&fields)).unwrap_or_default();
            return Err(Unusable::Unsigned(words));
        };
        let key = self.trust.key(certificate.as_deref()).ok_or(Unusable::OtherCertificate)?;
        if !key.verifies(node.as_bytes(), &sign) {
            return Err(Unusable::Signature);
        }
        let fields = node::fields(node)?;
        // Whose the money is, where the wallet says so.
        if let (Some(said), Some(own)) = (fields.get("seller_id").filter(|s| !s.is_empty()), &self.seller_id)
            && said != own
        {
            return Err(Unusable::Mismatch("seller_id"));
        }
        let word = |name: &str| fields.get(name).map_or("", String::as_str);
        let (code, sub_code) = (Code::from_word(word("code")), SubCode::from_word(word("sub_code")));
        Ok(Reply { fields, code, sub_code })
    }
}

impl Reply {
    /// The value of a field; empty counts as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The wallet's words about an error, for logs and people.
    #[must_use]
    pub fn words(&self) -> String {
        words(&self.fields)
    }

    pub(super) fn same(&self, name: &'static str, asked: &str) -> Result<(), Unusable> {
        if self.get(name) == Some(asked) { Ok(()) } else { Err(Unusable::Mismatch(name)) }
    }

    pub(super) fn same_if_there(&self, name: &'static str, asked: &str) -> Result<(), Unusable> {
        match self.get(name) {
            Some(said) if said != asked => Err(Unusable::Mismatch(name)),
            _ => Ok(()),
        }
    }

    /// The amount in `name` is the one that was asked, in yuan.
    pub(super) fn same_amount(&self, name: &'static str, asked: Amount) -> Result<(), Unusable> {
        self.same_if_there("trans_currency", asked.currency.code())?;
        if self.amount(name)? == asked { Ok(()) } else { Err(Unusable::Mismatch(name)) }
    }

    pub(super) fn amount(&self, name: &'static str) -> Result<Amount, Unusable> {
        self.get(name).and_then(from_yuan).ok_or(Unusable::Mismatch(name))
    }

    pub(super) fn transaction(&self) -> Result<String, Unusable> {
        transaction(self.get("trade_no")).ok_or(Unusable::Mismatch("trade_no"))
    }
}

/// The wallet's number of a transaction, if it is one.
pub(super) fn transaction(text: Option<&str>) -> Option<String> {
    text.filter(|number| is_transaction(number)).map(str::to_owned)
}

/// The text that is signed: the fields by name, joined as they are.
#[must_use]
pub fn signing_text(fields: &BTreeMap<&str, &str>) -> String {
    let counted = fields.iter().filter(|(name, value)| **name != "sign" && !value.is_empty());
    counted.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn form(fields: &BTreeMap<&str, &str>) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        let separator = if text.is_empty() { "" } else { "&" };
        let _ = write!(text, "{separator}{name}=");
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

/// An amount in fen as yuan: `12.34`.
#[must_use]
pub fn yuan(amount: Amount) -> String {
    let (sign, minor) = (if amount.minor < 0 { "-" } else { "" }, amount.minor.unsigned_abs());
    format!("{sign}{}.{:02}", minor / 100, minor % 100)
}

/// Yuan as an amount, exactly; `None` for anything that is not a plain decimal number of whole fen.
#[must_use]
pub fn from_yuan(text: &str) -> Option<Amount> {
    let (whole, part) = text.split_once('.').map_or((text, None), |(whole, part)| (whole, Some(part)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let fen = match part {
        None => 0,
        Some(part) if digits(part) && part.len() <= 2 => format!("{part:0<2}").parse().ok()?,
        Some(_) => return None,
    };
    let whole: i64 = Some(whole).filter(|whole| digits(whole))?.parse().ok()?;
    Some(Amount::new(whole.checked_mul(100)?.checked_add(fen)?, Currency::CNY))
}

/// What the customer's wallet shows: some signs are not taken there.
fn subject(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !matches!(c, '/' | '=' | '&')).collect();
    let clipped = clip(&plain, 256);
    if clipped.trim().is_empty() { "-".to_owned() } else { clipped }
}

fn words(fields: &Fields) -> String {
    let part = |name| fields.get(name).map_or("", String::as_str);
    let said = [part("code"), part("sub_code"), part("sub_msg")];
    without_codes(said.join(" ").trim(), 200)
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
