//! Charging a payment code.

use super::{Refusal, Request, paid_fields, refuse};
use crate::simulator::wallet::{Book, Code, Customer, Order, Switches, TradeState, china_time};
use crate::simulator::wechat::message::Fields;
use evertill_shared::wallet::{self, Wallet};
use std::time::Duration;

impl Request<'_> {
    pub(super) fn pay(&self, book: &mut Book, switches: &Switches) -> Result<Fields, Refusal> {
        let body = self.need("body")?;
        let number = self.number("out_trade_no", 6, 32, "_-|*")?;
        let total_minor = self.amount("total_fee")?;
        self.need("spbill_create_ip")?;
        let digits = self.need("auth_code")?;
        if body.len() > 128 {
            return refuse("PARAM_ERROR", "参数错误:body");
        }
        if self.get("fee_type").is_some_and(|currency| currency != "CNY") {
            return refuse("PARAM_ERROR", "参数错误:fee_type");
        }
        if let Some(order) = book.orders.get(number) {
            return Err(again(order, total_minor, digits));
        }
        if book.shown_of(number).is_some() {
            return refuse("OUT_TRADE_NO_USED", "商户订单号重复");
        }
        if wallet::detect(digits) != Some(Wallet::WeChatPay) {
            return refuse("AUTH_CODE_ERROR", "付款码参数错误");
        }
        let lifetime = Duration::from_millis(switches.code_lifetime_ms);
        let code = match book.codes.get_mut(digits) {
            None => return refuse("AUTH_CODE_INVALID", "101 付款码无效，请重新扫码"),
            Some(code) if code.used_by.is_some() => {
                return refuse("AUTH_CODE_INVALID", "101 每个二维码仅限使用一次，请刷新再试");
            }
            Some(code) if self.now.since(code.issued_at) >= lifetime => {
                return refuse("AUTHCODEEXPIRE", "二维码已过期，请用户在微信上刷新后再试");
            }
            Some(code) => code,
        };
        code.used_by = Some(number.to_owned());
        book.changed_codes.insert(digits.to_owned());
        let serial = book.orders.len();
        let mut order = self.new_order(number, body, total_minor, code, serial);
        let outcome = self.decide(&mut order, code);
        book.changed_orders.insert(number.to_owned());
        book.insert(order);
        outcome
    }

    fn new_order(&self, number: &str, body: &str, total_minor: i64, code: &Code, serial: usize) -> Order {
        Order {
            number: number.to_owned(),
            transaction: format!("42000{}{serial:09}", china_time(self.now, "%Y%m%d%H%M%S")),
            state: TradeState::UserPaying,
            total_minor,
            charged_minor: 0,
            reversed_minor: 0,
            refunded_minor: 0,
            created_at: self.now,
            paid_at: None,
            ended_at: None,
            refunds: Vec::new(),
            code: code.digits.clone(),
            behaviour: self.negative_test.unwrap_or(code.behaviour),
            description: body.to_owned(),
            device: self.get("device_info").unwrap_or_default().to_owned(),
            queries: 0,
            reversals: 0,
        }
    }

    /// What the customer and their money make of it.
    fn decide(&self, order: &mut Order, code: &mut Code) -> Result<Fields, Refusal> {
        let poor = code.balance_minor.is_some_and(|balance| balance < order.total_minor);
        let failed = match order.behaviour.customer() {
            Customer::NoFunds => Some(("NOTENOUGH", "用户的零钱余额不足")),
            Customer::CardNotSupported => Some(("NOTSUPORTCARD", "不支持该卡类型，请用户切换其他支付方式")),
            Customer::Risk => Some(("TRADE_ERROR", "当前交易存在风险，请更换支付方式")),
            _ if poor => Some(("NOTENOUGH", "用户的零钱余额不足")),
            Customer::Pays => None,
            Customer::Password { .. } | Customer::Never | Customer::OnlyAtReversal => {
                return refuse("USERPAYING", "需要用户输入支付密码");
            }
        };
        if let Some((word, text)) = failed {
            order.end(TradeState::PayError, self.now);
            return refuse(word, text);
        }
        order.charge(self.now);
        Ok(paid_fields(order))
    }
}

/// A second pay call under a number that is known already never charges.
fn again(order: &Order, total_minor: i64, digits: &str) -> Refusal {
    let (code, text) = match order.state {
        _ if order.total_minor != total_minor => ("INVALID_REQUEST", "201 商户订单号重复"),
        TradeState::Success | TradeState::Refund => ("ORDERPAID", "该订单已支付"),
        TradeState::Revoked => ("ORDERREVERSED", "订单已撤销"),
        TradeState::Closed => ("ORDERCLOSED", "订单已关闭"),
        TradeState::UserPaying | TradeState::PayError if order.code == digits => {
            ("AUTH_CODE_INVALID", "101 每个二维码仅限使用一次，请刷新再试")
        }
        TradeState::UserPaying | TradeState::PayError => {
            ("BUYER_MISMATCH", "支付账号错误，暂不支持同一笔订单更换支付方")
        }
    };
    Refusal { code: code.to_owned(), text: text.to_owned(), recall: false }
}
