//! Refunds, and questions about them.

use super::{Node, Refusal, Request, done, no_trade};
use crate::simulator::alipay::message::yuan;
use crate::simulator::wallet::{Book, DAY, Order, Refund, RefundEnd, Switches, TradeState, china_time};
use std::time::Duration;

impl Request<'_> {
    /// Repeats under one request number give back once; with another amount they are refused.
    pub(super) fn refund(&self, book: &mut Book, switches: &Switches) -> Result<Node, Refusal> {
        let amount_minor = self.amount("refund_amount")?;
        let of = self.trade(book)?;
        let request = self.get("out_request_no").map(|_| self.number("out_request_no")).transpose()?;
        let request = request.map(str::to_owned);
        let Some(order) = of.and_then(|number| book.order_mut(&number)) else { return Err(no_trade()) };
        if request.is_none() && amount_minor != order.total_minor {
            return Err(super::wrong("out_request_no"));
        }
        let number = request.unwrap_or_else(|| order.number.clone());
        if let Some(earlier) = order.refunds.iter().find(|refund| refund.number == number) {
            if earlier.amount_minor != amount_minor {
                return Err(Refusal::business("ACQ.DISCORDANT_REPEAT_REQUEST", "请求信息不一致"));
            }
            return Ok(taken_in(order, false));
        }
        self.may_refund(order, amount_minor, switches)?;
        order.refunds.push(Refund {
            refund_id: format!("{}{:03}", order.transaction, order.refunds.len()),
            number,
            amount_minor,
            accepted_at: self.now,
            arrives_at: self.now.plus(Duration::from_millis(switches.refund_takes_ms)),
            notify_url: None,
            end: RefundEnd::Arrives,
        });
        order.refunded_minor += amount_minor;
        order.state = TradeState::Refund;
        Ok(taken_in(order, switches.refund_takes_ms == 0))
    }

    fn may_refund(&self, order: &Order, amount: i64, switches: &Switches) -> Result<(), Refusal> {
        let (word, text) = match order.state {
            TradeState::UserPaying | TradeState::PayError => ("ACQ.TRADE_STATUS_ERROR", "交易状态不合法"),
            TradeState::Revoked | TradeState::Closed => ("ACQ.TRADE_HAS_CLOSE", "交易已经关闭"),
            _ if order.paid_at.is_some_and(|paid| self.now.since(paid) > 365 * DAY) => {
                ("ACQ.TRADE_HAS_FINISHED", "交易已完结")
            }
            _ if amount > order.total_minor - order.refunded_minor => {
                ("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额超限")
            }
            _ => {
                let spacing = Duration::from_millis(switches.refund_spacing_ms);
                let last = order.refunds.last();
                if last.is_none_or(|last| self.now.since(last.accepted_at) >= spacing) {
                    return Ok(());
                }
                return Err(Refusal::system_error(self.endpoint));
            }
        };
        Err(Refusal::business(word, text))
    }

    /// A refund that has not come, or has not worked yet, is not told of.
    pub(super) fn refund_query(&self, book: &Book) -> Result<Node, Refusal> {
        let request = self.number("out_request_no")?;
        let of = self.trade(book)?;
        let Some(order) = of.and_then(|number| book.orders.get(&number)) else { return Err(no_trade()) };
        let arrived = |refund: &&Refund| refund.number == request && self.now >= refund.arrives_at;
        let Some(refund) = order.refunds.iter().find(arrived) else { return Ok(done(&[])) };
        Ok(done(&[
            ("trade_no", &order.transaction),
            ("out_trade_no", &order.number),
            ("out_request_no", &refund.number),
            ("total_amount", &yuan(order.total_minor)),
            ("refund_amount", &yuan(refund.amount_minor)),
            ("refund_status", "REFUND_SUCCESS"),
            ("gmt_refund_pay", &china_time(refund.arrives_at, "%Y-%m-%d %H:%M:%S")),
        ]))
    }
}

/// It tells of the trade: what has gone back of it in all, and whether money moved just now.
fn taken_in(order: &Order, moved: bool) -> Node {
    done(&[
        ("trade_no", &order.transaction),
        ("out_trade_no", &order.number),
        ("buyer_logon_id", "159****5620"),
        ("fund_change", if moved { "Y" } else { "N" }),
        ("refund_fee", &yuan(order.refunded_minor)),
    ])
}
