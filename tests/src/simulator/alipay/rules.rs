//! What the wallet answers: the rules of payment codes, trades and refunds, over its books.

use super::message::{fen, yuan};
use crate::simulator::wallet::{
    Book, Customer, DAY, Endpoint, Order, Switches, TradeState, bill, china_time,
};
use evertill_shared::clock::Timestamp;
use serde_json::{Map, Value};
use std::time::Duration;

mod money_back;
mod pay;
mod shown;

/// The node of an answer.
pub(super) type Node = Map<String, Value>;

/// A refusal, as the gateway words it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    code: String,
    sub_code: String,
    text: String,
    /// For cancellations: whether to call again.
    retry: bool,
}

impl Refusal {
    fn new(code: &str, sub_code: &str, text: &str) -> Self {
        Self { code: code.into(), sub_code: sub_code.into(), text: text.into(), retry: false }
    }

    /// The business says no.
    pub fn business(sub_code: &str, text: &str) -> Self {
        Self::new("40004", sub_code, text)
    }

    /// A field is wrong.
    pub fn invalid(sub_code: &str, text: &str) -> Self {
        Self::new("40002", sub_code, text)
    }

    /// The merchant may not act for whom it names.
    pub fn not_allowed(sub_code: &str, text: &str) -> Self {
        Self::new("20001", sub_code, text)
    }

    /// A provider's app that names no shop has no contract of its own.
    pub fn no_permission() -> Self {
        Self::new("40006", "isv.insufficient-isv-permissions", "ISV权限不足")
    }

    /// A field is missing.
    pub fn missing(sub_code: &str, text: &str) -> Self {
        Self::new("40001", sub_code, text)
    }

    /// Failed half-way; cancellations spell it in a way of their own, and ask to be called again.
    pub fn system_error(endpoint: Endpoint) -> Self {
        let cancel = endpoint == Endpoint::Reverse;
        let word = if cancel { "AQC.SYSTEM_ERROR" } else { "ACQ.SYSTEM_ERROR" };
        Self { retry: cancel, ..Self::business(word, "系统错误") }
    }

    /// The gateway does not know what became of it.
    pub fn unavailable() -> Self {
        Self::new("20000", "isp.unknow-error", "系统繁忙")
    }

    /// By a word: a `sub_code` of the business, or a `code` of the gateway.
    pub fn worded(word: &str) -> Self {
        let gateway = word.len() == 5 && word.bytes().all(|b| b.is_ascii_digit());
        if gateway { Self::new(word, "", "模拟的错误") } else { Self::business(word, "模拟的错误") }
    }

    /// As it stands in the answer.
    pub fn node(&self) -> Node {
        let message = match self.code.as_str() {
            "40004" => "Business Failed",
            "20000" => "Service Currently Unavailable",
            "40001" => "Missing Required Arguments",
            _ => "Invalid Arguments",
        };
        let mut node = fields(&[
            ("code", &self.code),
            ("msg", message),
            ("sub_code", &self.sub_code),
            ("sub_msg", &self.text),
        ]);
        if self.retry {
            node.insert("retry_flag".into(), "Y".into());
        }
        node
    }

    /// As the REST interface says it: the status, and the word, which has lost the prefix of the gateway's own.
    pub fn status_and_word(&self) -> (u16, &str) {
        let word = match self.sub_code.as_str() {
            "isp.bill_not_exist" => "BILL_NOT_EXIST",
            word => ["isv.", "isp.", "aop."].iter().find_map(|own| word.strip_prefix(own)).unwrap_or(word),
        };
        match (self.code.as_str(), word) {
            ("20000", _) => (500, "unknow-error"),
            ("20001", "") => (401, "invalid-auth-token"),
            ("40005", "") => (429, "app-call-limited"),
            ("40006", "") => (401, "insufficient-isv-permissions"),
            (_, "") => (400, "invalid-parameter"),
            ("20001", word) => (401, word),
            (_, "invalid-method") => (404, "invalid-method"),
            (_, word) => (400, word),
        }
    }

    /// The sentence for people.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// One request to the wallet, checked for its signature already.
pub(super) struct Request<'a> {
    pub endpoint: Endpoint,
    pub content: &'a Node,
    /// Where the merchant wants to be told.
    pub notify_url: Option<&'a str>,
    pub now: Timestamp,
}

impl Request<'_> {
    /// Whether there is a bill of that day; its address is the desk's to give.
    fn bill(&self, book: &Book, switches: &Switches) -> Result<Node, Refusal> {
        if self.need("bill_type")? != "trade" {
            return Err(wrong("bill_type"));
        }
        match bill::lines(book, &switches.bill, self.need("bill_date")?, self.now) {
            Some(_) => Ok(done(&[])),
            None => Err(Refusal::business("isp.bill_not_exist", "账单不存在")),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.content.get(name).and_then(Value::as_str).filter(|value| !value.is_empty())
    }

    fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| wrong(name))
    }

    fn amount(&self, name: &str) -> Result<i64, Refusal> {
        fen(self.need(name)?).ok_or_else(|| wrong(name))
    }

    /// A number of the merchant's: letters, digits and `_`, 64 at most.
    fn number(&self, name: &str) -> Result<&str, Refusal> {
        let value = self.need(name)?;
        let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if plain && value.len() <= 64 { Ok(value) } else { Err(wrong(name)) }
    }

    /// Answers it: the node of a success, or a refusal.
    pub fn answer(&self, book: &mut Book, switches: &mut Switches) -> Result<Node, Refusal> {
        match self.endpoint {
            Endpoint::Pay => self.pay(book, switches),
            Endpoint::Query => self.query(book, switches),
            Endpoint::Reverse => self.cancel(book, switches),
            Endpoint::Refund => self.refund(book, switches),
            Endpoint::RefundQuery => self.refund_query(book),
            Endpoint::Bill => self.bill(book, switches),
            Endpoint::Create => self.precreate(book),
            Endpoint::Close => self.close(book),
            Endpoint::Notify | Endpoint::BillFile | Endpoint::Certificates => Err(wrong("method")),
        }
    }

    fn subject(&self) -> Result<&str, Refusal> {
        let subject = self.need("subject")?;
        let plain = subject.chars().count() <= 256 && !subject.contains(['/', '=', '&']);
        if plain { Ok(subject) } else { Err(wrong("subject")) }
    }

    fn trade(&self, book: &Book) -> Result<Option<String>, Refusal> {
        if self.get("trade_no").is_none() {
            self.need("out_trade_no")?;
        }
        Ok(book.named(self.get("trade_no"), self.get("out_trade_no")))
    }

    fn query(&self, book: &mut Book, switches: &Switches) -> Result<Node, Refusal> {
        let number = self.trade(book)?;
        let Some(order) = number.and_then(|number| book.order_mut(&number)) else { return Err(no_trade()) };
        order.queries += 1;
        let mut node = done(&[
            ("trade_no", &order.transaction),
            ("out_trade_no", &order.number),
            ("buyer_logon_id", "159****5620"),
            ("trade_status", self.status(order, switches)),
            ("total_amount", &yuan(order.total_minor)),
        ]);
        if let Some(paid) = order.paid_at {
            node.insert("send_pay_date".into(), china_time(paid, "%Y-%m-%d %H:%M:%S").into());
        }
        Ok(node)
    }

    /// In the wallet's words. A trade whose payment failed waits for another one, until it closes by itself.
    fn status(&self, order: &Order, switches: &Switches) -> &'static str {
        let closes = order.created_at.plus(Duration::from_millis(switches.auto_revoke_ms));
        match order.state {
            TradeState::UserPaying => "WAIT_BUYER_PAY",
            TradeState::PayError if self.now < closes => "WAIT_BUYER_PAY",
            TradeState::PayError | TradeState::Revoked | TradeState::Closed => "TRADE_CLOSED",
            TradeState::Refund if order.refunded_minor >= order.total_minor => "TRADE_CLOSED",
            TradeState::Success | TradeState::Refund => "TRADE_SUCCESS",
        }
    }

    fn cancel(&self, book: &mut Book, switches: &mut Switches) -> Result<Node, Refusal> {
        let number = self.trade(book)?;
        let Some(order) = number.and_then(|number| book.order_mut(&number)) else {
            // Nothing to cancel: it says yes, and names no action.
            let number = self.get("out_trade_no").unwrap_or_default();
            return Ok(done(&[("out_trade_no", number), ("retry_flag", "N")]));
        };
        order.reversals += 1;
        if switches.recall_next > 0 {
            switches.recall_next -= 1;
            return Err(Refusal::system_error(Endpoint::Reverse));
        }
        if self.now.since(order.created_at) > DAY {
            return Err(Refusal::business("ACQ.TRADE_CANCEL_TIME_OUT", "超过撤销时间范围"));
        }
        if order.state == TradeState::UserPaying {
            if switches.reverse_refused_while_paying {
                return Err(Refusal::system_error(Endpoint::Reverse));
            }
            if order.behaviour.customer() == Customer::OnlyAtReversal {
                order.charge(self.now);
            }
        }
        match order.state {
            TradeState::UserPaying | TradeState::PayError => order.end(TradeState::Revoked, self.now),
            TradeState::Success => {
                order.reversed_minor = order.charged_minor;
                order.end(TradeState::Revoked, self.now);
            }
            TradeState::Revoked | TradeState::Closed => {}
            TradeState::Refund => {
                return Err(Refusal::business("ACQ.REASON_TRADE_REFUND_FEE_ERR", "退款金额无效，已发生退款"));
            }
        }
        let action = if order.reversed_minor > 0 { "refund" } else { "close" };
        Ok(done(&[
            ("trade_no", &order.transaction),
            ("out_trade_no", &order.number),
            ("retry_flag", "N"),
            ("action", action),
        ]))
    }
}

fn wrong(name: &str) -> Refusal {
    Refusal::business("ACQ.INVALID_PARAMETER", &format!("参数无效:{name}"))
}

fn no_trade() -> Refusal {
    Refusal::business("ACQ.TRADE_NOT_EXIST", "交易不存在")
}

fn fields(list: &[(&str, &str)]) -> Node {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect()
}

/// The node of a success.
fn done(list: &[(&str, &str)]) -> Node {
    let mut node = fields(&[("code", "10000"), ("msg", "Success")]);
    node.extend(fields(list));
    node
}
