//! Charging a payment code.

use super::{Node, Refusal, Request, done, fields, wrong};
use crate::simulator::alipay::message::yuan;
use crate::simulator::wallet::{Book, Code, Customer, Order, Switches, TradeState, china_time};
use evertill_shared::wallet::{self, Wallet};
use serde_json::json;
use std::time::Duration;

impl Request<'_> {
    pub(super) fn pay(&self, book: &mut Book, switches: &Switches) -> Result<Node, Refusal> {
        let number = self.number("out_trade_no")?;
        let total_minor = self.amount("total_amount")?;
        let (subject, digits) = (self.subject()?, self.need("auth_code")?);
        if self.need("scene")? != "bar_code" {
            return Err(wrong("scene"));
        }
        let contracts = ["FACE_TO_FACE_PAYMENT", "OFFLINE_PAYMENT"];
        if self.get("product_code").is_some_and(|code| !contracts.contains(&code)) {
            return Err(wrong("product_code"));
        }
        if let Some(order) = book.orders.get(number) {
            return self.again(order, total_minor, digits);
        }
        let unknown = |text| Refusal::business("ACQ.PAYMENT_AUTH_CODE_INVALID", text);
        if wallet::detect(digits) != Some(Wallet::Alipay) {
            return Err(unknown("支付失败，获取顾客账户信息失败，请顾客刷新付款码后重新收款"));
        }
        let lifetime = Duration::from_millis(switches.code_lifetime_ms);
        let code = match book.codes.get_mut(digits) {
            Some(code) if code.used_by.is_none() && self.now.since(code.issued_at) < lifetime => code,
            _ => return Err(unknown("支付授权码无效，请顾客刷新付款码后重新收款")),
        };
        // Used up, even by a payment that fails.
        code.used_by = Some(number.to_owned());
        book.changed_codes.insert(digits.to_owned());
        let serial = book.orders.len();
        let mut order = self.new_order(number, subject, total_minor, code, serial);
        let outcome = self.decide(&mut order, code);
        book.changed_orders.insert(number.to_owned());
        book.insert(order);
        outcome
    }

    fn new_order(&self, number: &str, subject: &str, total_minor: i64, code: &Code, serial: usize) -> Order {
        Order {
            number: number.to_owned(),
            transaction: format!("{}22001{serial:010}", china_time(self.now, "%Y%m%d%H%M%S")),
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
            behaviour: code.behaviour,
            description: subject.to_owned(),
            device: self.get("terminal_id").unwrap_or_default().to_owned(),
            queries: 0,
            reversals: 0,
        }
    }

    /// What the customer and their money make of it.
    fn decide(&self, order: &mut Order, code: &Code) -> Result<Node, Refusal> {
        let poor = code.balance_minor.is_some_and(|balance| balance < order.total_minor);
        let failed = match order.behaviour.customer() {
            Customer::NoFunds => Some(("ACQ.BUYER_BALANCE_NOT_ENOUGH", "买家余额不足")),
            Customer::CardNotSupported => {
                Some(("ACQ.NO_PAYMENT_INSTRUMENTS_AVAILABLE", "没用可用的支付工具"))
            }
            Customer::Risk => Some(("ACQ.PAYMENT_REQUEST_HAS_RISK", "支付有风险")),
            _ if poor => Some(("ACQ.BUYER_BALANCE_NOT_ENOUGH", "买家余额不足")),
            Customer::Pays => None,
            Customer::Password { .. } | Customer::Never | Customer::OnlyAtReversal => {
                return Ok(waiting(order));
            }
        };
        if let Some((word, text)) = failed {
            order.end(TradeState::PayError, self.now);
            return Err(Refusal::business(word, text));
        }
        order.charge(self.now);
        Ok(paid(order))
    }

    /// A second pay call under a number that is known already never charges: with the same content it is told the
    /// trade's true state.
    fn again(&self, order: &Order, total_minor: i64, digits: &str) -> Result<Node, Refusal> {
        let same = order.total_minor == total_minor && order.code == digits;
        let (word, text) = match order.state {
            TradeState::Success if same => return Ok(paid(order)),
            TradeState::UserPaying if same => return Ok(waiting(order)),
            TradeState::Success | TradeState::Refund => ("ACQ.TRADE_HAS_SUCCESS", "交易已被支付"),
            TradeState::Revoked | TradeState::Closed => ("ACQ.TRADE_HAS_CLOSE", "交易已经关闭"),
            TradeState::PayError if same => ("ACQ.PAYMENT_FAIL", "支付失败"),
            TradeState::UserPaying | TradeState::PayError => ("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改"),
        };
        Err(Refusal::business(word, text))
    }
}

fn waiting(order: &Order) -> Node {
    let mut node = fields(&[("code", "10003"), ("msg", "order success pay inprocess")]);
    node.extend(fields(&[("trade_no", &order.transaction), ("out_trade_no", &order.number)]));
    node
}

/// The node that tells of a paid trade.
fn paid(order: &Order) -> Node {
    let total = yuan(order.total_minor);
    let time = china_time(order.paid_at.unwrap_or(order.created_at), "%Y-%m-%d %H:%M:%S");
    let mut node = done(&[
        ("trade_no", &order.transaction),
        ("out_trade_no", &order.number),
        ("buyer_logon_id", "159****5620"),
        ("buyer_user_id", "2088101117955611"),
        ("total_amount", &total),
        ("receipt_amount", &total),
        ("buyer_pay_amount", &total),
        ("point_amount", "0.00"),
        ("invoice_amount", &total),
        ("gmt_payment", &time),
    ]);
    node.insert("fund_bill_list".into(), json!([{ "fund_channel": "ALIPAYACCOUNT", "amount": total }]));
    node
}
