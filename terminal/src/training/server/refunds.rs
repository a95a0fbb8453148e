//! Refunds of the training: by the shop's own rules.

use super::{Order, PracticeServer};
use crate::controller::Moment;
use crate::sync::Answer;
use evertill_shared::id::{RefundId, TerminalId};
use evertill_shared::journal::{Body, SignedEntry};
use evertill_shared::money::Amount;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::refunds::{AskRefundAtTill, RefundAnswer, RefundInbox, RefundOrder};
use evertill_shared::refund::{Refund, RefundEvent, RefundRefused, RefundRequest, RefundState, Refundable};

impl PracticeServer {
    /// All of the training.
    pub(super) fn all_refunds(&self) -> impl Iterator<Item = &Refund> {
        self.orders.values().flat_map(|order| &order.refunds)
    }

    /// Those that are not over.
    pub(super) fn inbox(&self) -> RefundInbox {
        let open = self.orders.values().flat_map(|order| {
            let open = order.refunds.iter().filter(|refund| !refund.state.is_final());
            let paid_by = order.paid_by.clone();
            open.filter_map(move |refund| {
                Some(RefundOrder { refund: refund.clone(), paid_by: paid_by.clone()? })
            })
        });
        RefundInbox { refunds: open.collect(), groups_unreachable: 0 }
    }

    /// A refund that somebody who may has approved.
    pub fn reserve(
        &mut self,
        number: OrderNumber,
        request: String,
        body: &AskRefundAtTill,
        by: String,
        now: Moment,
    ) {
        let answer = self.reserved(number, body, by, now);
        self.later(Answer::AskRefund { number, request, result: Ok(answer) }, now);
    }

    fn reserved(
        &mut self,
        number: OrderNumber,
        body: &AskRefundAtTill,
        by: String,
        now: Moment,
    ) -> RefundAnswer {
        let received_on = self.today(now);
        let id = RefundId(format!("TRAINING-{}", body.request));
        let terminal = self.shop.identity.terminal;
        let not_paid = RefundAnswer::Refused { why: RefundRefused::NotPaid };
        let Some(order) = self.orders.get_mut(&number) else { return not_paid };
        let Some(paid_by) = order.paid_by.clone() else { return not_paid };
        let reserved = |refund: &Refund| RefundAnswer::Reserved {
            order: Box::new(RefundOrder { refund: refund.clone(), paid_by: paid_by.clone() }),
            cash: None,
        };
        if let Some(known) = order.refunds.iter().find(|refund| refund.id == id) {
            return if known.amount == body.amount { reserved(known) } else { RefundAnswer::AskedBefore };
        }
        if let Err(why) =
            order.refundable(terminal).may_reserve(&RefundRequest { amount: body.amount, received_on })
        {
            return RefundAnswer::Refused { why };
        }
        let refund = Refund {
            id,
            order: number,
            amount: body.amount,
            state: RefundState::Reserved,
            requested_by: by,
            reason: body.reason.clone(),
            requested_at: now.wall,
            refused: None,
        };
        let answer = reserved(&refund);
        order.refunds.push(refund);
        answer
    }

    /// The till carries one out; said again it changes nothing.
    pub(super) fn carry_out(&mut self, id: &RefundId, entry: &SignedEntry) -> Result<Refund, ErrorCode> {
        let Body::RefundCarriedOut { refund, number, .. } = self.read(entry)?.body else {
            return Err(ErrorCode::BadRequest);
        };
        let order = self.orders.get_mut(&number).filter(|_| refund == *id).ok_or(ErrorCode::NotFound)?;
        let refund = order.refunds.iter_mut().find(|refund| refund.id == *id).ok_or(ErrorCode::NotFound)?;
        for event in [RefundEvent::CarriedOut, RefundEvent::Confirmed] {
            refund.state = refund.state.on(event).map_err(|_| ErrorCode::WrongState)?;
        }
        Ok(refund.clone())
    }
}

impl Order {
    fn refundable(&self, terminal: TerminalId) -> Refundable {
        let held = self.refunds.iter().filter(|refund| refund.state.holds_money());
        let held = held.fold(0_i64, |sum, refund| sum.saturating_add(refund.amount.minor));
        Refundable {
            state: self.state(),
            terminal,
            business_day: self.day,
            paid: self.total,
            held: Amount::new(held, self.total.currency),
        }
    }
}
