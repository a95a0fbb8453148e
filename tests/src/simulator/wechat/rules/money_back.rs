//! Refunds, and questions about them.

use super::{Refusal, Request, pairs, refuse};
use crate::simulator::wallet::{Book, DAY, Order, Refund, RefundEnd, Switches, TradeState, china_time};
use crate::simulator::wechat::message::Fields;
use std::time::Duration;

impl Request<'_> {
    pub(super) fn refund(&self, book: &mut Book, switches: &Switches) -> Result<Fields, Refusal> {
        let number = self.number("out_refund_no", 1, 64, "_-|*@")?.to_owned();
        let (total, amount_minor) = (self.amount("total_fee")?, self.amount("refund_fee")?);
        let of = self.order_number(book)?;
        if let Some(other) = book.of_refund(&number).filter(|order| order.number != of) {
            tracing::info!(refund = number, order = other.number, "refund number used for another order");
            return refuse("REFUND_FEE_MISMATCH", "订单金额或退款金额与之前请求不一致，请核实后再试");
        }
        let Some(order) = book.order_mut(&of) else { return refuse("ORDERNOTEXIST", "订单不存在") };
        if let Some(earlier) = order.refunds.iter().find(|r| r.number == number) {
            if earlier.amount_minor != amount_minor || order.total_minor != total {
                return refuse("REFUND_FEE_MISMATCH", "订单金额或退款金额与之前请求不一致，请核实后再试");
            }
            return Ok(accepted(order, earlier));
        }
        self.may_refund(order, total, amount_minor, switches)?;
        let refund = Refund {
            refund_id: format!(
                "50300{}{:03}{}",
                china_time(self.now, "%Y%m%d%H%M%S"),
                order.refunds.len(),
                order.transaction.get(19..).unwrap_or_default()
            ),
            number,
            amount_minor,
            accepted_at: self.now,
            arrives_at: self.now.plus(Duration::from_millis(switches.refund_takes_ms)),
            notify_url: None,
            end: switches.refund_ends,
        };
        if refund.end != RefundEnd::Closed {
            order.refunded_minor += amount_minor;
        }
        order.state = TradeState::Refund;
        let reply = accepted(order, &refund);
        order.refunds.push(refund);
        Ok(reply)
    }

    fn may_refund(&self, order: &Order, total: i64, amount: i64, switches: &Switches) -> Result<(), Refusal> {
        if !matches!(order.state, TradeState::Success | TradeState::Refund) {
            return refuse("TRADE_STATE_ERROR", "订单状态错误，未支付或已撤销");
        }
        if order.total_minor != total {
            return refuse("INVALID_REQUEST", "订单金额不一致");
        }
        if order.paid_at.is_some_and(|paid| self.now.since(paid) > 365 * DAY) {
            return refuse("TRADE_OVERDUE", "订单已超过退款期限");
        }
        let in_vain: i64 = order.refunds.iter().map(|refund| refund.held_in_vain(self.now)).sum();
        if amount > order.total_minor - order.refunded_minor - in_vain {
            return refuse("ERROR", "累计退款金额大于支付金额");
        }
        if order.refunds.len() >= 50 {
            return refuse("ERROR", "部分退款次数超过限制");
        }
        let spacing = Duration::from_millis(switches.refund_spacing_ms);
        if order.refunds.last().is_some_and(|last| self.now.since(last.accepted_at) < spacing) {
            return refuse("FREQUENCY_LIMITED", "频率限制，同一笔订单的退款请求需间隔一分钟");
        }
        Ok(())
    }

    pub(super) fn refund_query(&self, book: &Book) -> Result<Fields, Refusal> {
        let wanted = self.get("out_refund_no");
        let order = match wanted {
            Some(refund) => book.of_refund(refund),
            None => book.orders.get(&self.order_number(book)?).filter(|order| !order.refunds.is_empty()),
        };
        let Some(order) = order else { return refuse("REFUNDNOTEXIST", "退款订单查询失败") };
        let total = order.total_minor.to_string();
        let shown: Vec<&Refund> =
            order.refunds.iter().filter(|r| wanted.is_none_or(|number| r.number == number)).collect();
        let mut reply = pairs(&[
            ("transaction_id", &order.transaction),
            ("out_trade_no", &order.number),
            ("total_fee", &total),
            ("cash_fee", &total),
            ("fee_type", "CNY"),
            ("refund_count", &shown.len().to_string()),
        ]);
        for (n, refund) in shown.iter().enumerate() {
            reply.extend(self.one_refund(n, refund));
        }
        Ok(reply)
    }

    fn one_refund(&self, n: usize, refund: &Refund) -> Fields {
        let arrived = refund.has_arrived(self.now);
        let time = if arrived { china_time(refund.arrives_at, "%Y-%m-%d %H:%M:%S") } else { String::new() };
        pairs(&[
            (&format!("out_refund_no_{n}"), &refund.number),
            (&format!("refund_id_{n}"), &refund.refund_id),
            (&format!("refund_fee_{n}"), &refund.amount_minor.to_string()),
            (&format!("refund_status_{n}"), refund.words(self.now).1),
            (&format!("refund_channel_{n}"), "ORIGINAL"),
            (&format!("refund_recv_accout_{n}"), "支付用户的零钱"),
            (&format!("refund_success_time_{n}"), &time),
        ])
    }
}

fn accepted(order: &Order, refund: &Refund) -> Fields {
    let (total, amount) = (order.total_minor.to_string(), refund.amount_minor.to_string());
    pairs(&[
        ("transaction_id", &order.transaction),
        ("out_trade_no", &order.number),
        ("out_refund_no", &refund.number),
        ("refund_id", &refund.refund_id),
        ("refund_fee", &amount),
        ("total_fee", &total),
        ("fee_type", "CNY"),
        ("cash_fee", &total),
        ("cash_refund_fee", &amount),
        ("coupon_refund_count", "0"),
    ])
}
