//! What the wallet answers: the rules of payment codes, orders and refunds, over its books.

use super::message::Fields;
use crate::simulator::wallet::{
    Behaviour, Book, Customer, DAY, Endpoint, Order, Switches, TradeState, china_time,
};
use evertill_shared::clock::Timestamp;

mod money_back;
mod pay;

/// A refusal: the error word and the wallet's sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub code: String,
    pub text: String,
    /// For reversals: whether to call again.
    pub recall: bool,
}

pub(super) fn refuse<T>(code: &str, text: &str) -> Result<T, Refusal> {
    Err(Refusal { code: code.to_owned(), text: text.to_owned(), recall: false })
}

/// One request to the wallet, checked for its signature already.
pub(super) struct Request<'a> {
    pub endpoint: Endpoint,
    pub fields: &'a Fields,
    pub now: Timestamp,
    /// What the official header asks for.
    pub negative_test: Option<Behaviour>,
}

impl Request<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn need(&self, name: &str) -> Result<&str, Refusal> {
        match self.get(name) {
            Some(value) => Ok(value),
            None => refuse("LACK_PARAMS", &format!("缺少参数{name}")),
        }
    }

    fn amount(&self, name: &str) -> Result<i64, Refusal> {
        let text = self.need(name)?;
        let digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        match text.parse::<i64>() {
            Ok(minor) if digits && minor <= 10_000_000_000 => Ok(minor),
            _ => refuse("PARAM_ERROR", &format!("参数错误:{name}")),
        }
    }

    fn number(&self, name: &str, min: usize, max: usize, signs: &str) -> Result<&str, Refusal> {
        let value = self.need(name)?;
        let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || signs.contains(c));
        if plain && (min..=max).contains(&value.len()) {
            Ok(value)
        } else {
            refuse("PARAM_ERROR", &format!("参数错误:{name}"))
        }
    }

    /// Answers it: the fields of a success, or a refusal.
    pub fn answer(&self, book: &mut Book, switches: &mut Switches) -> Result<Fields, Refusal> {
        if self.need("nonce_str")?.len() > 32 {
            return refuse("PARAM_ERROR", "参数错误:nonce_str");
        }
        match self.endpoint {
            Endpoint::Pay => self.pay(book, switches),
            Endpoint::Query => self.query(book),
            Endpoint::Reverse => self.reverse(book, switches),
            Endpoint::Refund => self.refund(book, switches),
            Endpoint::RefundQuery => self.refund_query(book),
            Endpoint::Bill => refuse("INVALID_REQUEST", "账单不是这样下载的"),
            Endpoint::BillFile
            | Endpoint::Certificates
            | Endpoint::Create
            | Endpoint::Close
            | Endpoint::Notify => refuse("INVALID_REQUEST", "无此接口"),
        }
    }

    fn order_number(&self, book: &Book) -> Result<String, Refusal> {
        if self.get("transaction_id").is_none() {
            self.need("out_trade_no")?;
        }
        match book.named(self.get("transaction_id"), self.get("out_trade_no")) {
            Some(number) => Ok(number),
            None => refuse("ORDERNOTEXIST", "订单不存在"),
        }
    }

    fn query(&self, book: &mut Book) -> Result<Fields, Refusal> {
        let number = self.order_number(book)?;
        let Some(order) = book.order_mut(&number) else { return refuse("ORDERNOTEXIST", "订单不存在") };
        order.queries += 1;
        let mut reply = match order.state {
            TradeState::Success | TradeState::Refund => paid_fields(order),
            _ => pairs(&[("out_trade_no", &order.number), ("device_info", &order.device)]),
        };
        reply.extend(pairs(&[
            ("trade_state", word(order.state)),
            ("trade_state_desc", description(order.state)),
        ]));
        Ok(reply)
    }

    fn reverse(&self, book: &mut Book, switches: &mut Switches) -> Result<Fields, Refusal> {
        let number = self.order_number(book)?;
        if book.shown_of(&number).is_some() {
            return refuse("INVALID_REQUEST", "该订单不支持撤销，请调用关单接口");
        }
        let Some(order) = book.order_mut(&number) else { return refuse("ORDERNOTEXIST", "订单不存在") };
        order.reversals += 1;
        if switches.recall_next > 0 {
            switches.recall_next -= 1;
            return Ok(pairs(&[("recall", "Y")]));
        }
        if self.now.since(order.created_at) > 7 * DAY {
            return refuse("REVERSE_EXPIRE", "订单无法撤销");
        }
        if order.state == TradeState::UserPaying {
            if switches.reverse_refused_while_paying {
                let text = "用户支付中，请稍后再试".to_owned();
                return Err(Refusal { code: "USERPAYING".into(), text, recall: true });
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
            TradeState::Refund => return refuse("TRADE_STATE_ERROR", "订单状态错误，已发生退款"),
        }
        Ok(pairs(&[("recall", "N")]))
    }
}

pub(super) fn pairs(list: &[(&str, &str)]) -> Fields {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The fields that tell of a paid order.
fn paid_fields(order: &Order) -> Fields {
    let total = order.total_minor.to_string();
    let openid = format!("oSim{}", order.code.get(2..).unwrap_or_default());
    pairs(&[
        ("openid", &openid),
        ("is_subscribe", "N"),
        ("trade_type", "MICROPAY"),
        ("bank_type", "OTHERS"),
        ("fee_type", "CNY"),
        ("total_fee", &total),
        ("cash_fee_type", "CNY"),
        ("cash_fee", &total),
        ("transaction_id", &order.transaction),
        ("out_trade_no", &order.number),
        ("attach", ""),
        ("device_info", &order.device),
        ("time_end", &china_time(order.paid_at.unwrap_or(order.created_at), "%Y%m%d%H%M%S")),
    ])
}

/// The word on the wire.
fn word(state: TradeState) -> &'static str {
    match state {
        TradeState::UserPaying => "USERPAYING",
        TradeState::Success => "SUCCESS",
        TradeState::PayError => "PAYERROR",
        TradeState::Revoked => "REVOKED",
        TradeState::Closed => "CLOSED",
        TradeState::Refund => "REFUND",
    }
}

/// The wallet's own sentence.
fn description(state: TradeState) -> &'static str {
    match state {
        TradeState::UserPaying => "用户支付中，需要输入密码",
        TradeState::Success => "支付成功",
        TradeState::PayError => "支付失败，请撤销订单后重新下单支付",
        TradeState::Revoked => "订单已撤销",
        TradeState::Closed => "订单已关闭",
        TradeState::Refund => "订单发生过退款，退款详情请查询退款单",
    }
}
