//! Codes for tills to show, and closing what is not paid. Until its code is scanned a trade does not exist.

use super::{Node, Refusal, Request, done, no_trade, wrong};
use crate::simulator::wallet::{Book, Customer, ShownCode, TradeState};
use evertill_shared::clock::Timestamp;
use std::time::Duration;

/// A code lives no longer, whatever is asked for.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);

impl Request<'_> {
    pub(super) fn precreate(&self, book: &mut Book) -> Result<Node, Refusal> {
        let number = self.number("out_trade_no")?;
        let total_minor = self.amount("total_amount")?;
        let subject = self.subject()?;
        if self.get("auth_code").is_some() {
            return Err(wrong("auth_code"));
        }
        let longest = self.now.plus(LONGEST);
        let until = match self.get("time_expire") {
            Some(text) => moment(text).filter(|at| *at > self.now).ok_or_else(|| wrong("time_expire"))?,
            None => longest,
        };
        if book.shown_of(number).is_some_and(|code| code.total_minor != total_minor) {
            return Err(Refusal::business("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改"));
        }
        match book.orders.get(number).map(|order| order.state) {
            Some(TradeState::Success | TradeState::Refund) => {
                return Err(Refusal::business("ACQ.TRADE_HAS_SUCCESS", "交易已被支付"));
            }
            Some(TradeState::Revoked | TradeState::Closed | TradeState::PayError) => {
                return Err(Refusal::business("ACQ.TRADE_HAS_CLOSE", "交易已经关闭"));
            }
            Some(TradeState::UserPaying) | None => {}
        }
        // Each request brings another code; all of them pay the same trade.
        let tail = number.len().saturating_sub(12);
        let content = format!("https://qr.alipay.com/bax{:05}{}", book.shown.len(), &number[tail..]);
        book.show(ShownCode {
            content: content.clone(),
            number: number.to_owned(),
            total_minor,
            description: subject.to_owned(),
            device: self.get("terminal_id").unwrap_or_default().to_owned(),
            until: until.min(longest),
            closed: false,
            notify_url: self.notify_url.map(str::to_owned),
        });
        Ok(done(&[("out_trade_no", number), ("qr_code", &content)]))
    }

    /// Only what is there and not paid; a code that nobody has scanned lives on.
    pub(super) fn close(&self, book: &mut Book) -> Result<Node, Refusal> {
        let number = self.trade(book)?;
        let Some(order) = number.as_ref().and_then(|number| book.order_mut(number)) else {
            return Err(no_trade());
        };
        order.reversals += 1;
        if order.state == TradeState::UserPaying && order.behaviour.customer() == Customer::OnlyAtReversal {
            order.charge(self.now);
        }
        if order.state != TradeState::UserPaying {
            return Err(Refusal::business("ACQ.TRADE_STATUS_ERROR", "交易状态不合法"));
        }
        order.end(TradeState::Closed, self.now);
        let node = done(&[("trade_no", &order.transaction), ("out_trade_no", &order.number)]);
        book.close_shown(&number.unwrap_or_default());
        Ok(node)
    }
}

/// `2014-07-24 03:07:50` by China's clock.
fn moment(text: &str) -> Option<Timestamp> {
    let there: jiff::civil::DateTime = text.replacen(' ', "T", 1).parse().ok()?;
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    Some(Timestamp(there.to_zoned(zone).ok()?.timestamp().as_millisecond()))
}
