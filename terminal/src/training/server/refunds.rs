//! Refunds of the training: by the shop's own rules.

use super::{Back, Order, PracticeServer};
use crate::controller::Moment;
use crate::sync::Answer;
use evertill_shared::id::{RefundId, TerminalId};
use evertill_shared::journal::{Body, SignedEntry};
use evertill_shared::money::Amount;
use evertill_shared::order::{PaidBy, Parts};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::refunds::{AskRefundAtTill, RefundAnswer, RefundInbox, RefundOrder};
use evertill_shared::refund::{Refund, RefundEvent, RefundRefused, RefundRequest, RefundState, Refundable};

impl PracticeServer {
    /// All of the training.
    pub(super) fn all_refunds(&self) -> impl Iterator<Item = &Refund> {
        self.orders.values().flat_map(|order| &order.refunds).map(|back| &back.refund)
    }

    /// Those that are not over.
    pub(super) fn inbox(&self) -> RefundInbox {
        let open = self.orders.values().flat_map(|order| &order.refunds);
        let open = open.filter(|back| !back.refund.state.is_final());
        RefundInbox { refunds: open.map(Back::told).collect(), groups_unreachable: 0 }
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
        let asked = |order: &Order| {
            let of = |id: &RefundId| order.refunds.iter().find(|back| back.refund.id == *id).map(Back::told);
            of(&id).map(|told| (told, of(&beside(&id))))
        };
        if let Some((told, cash)) = asked(order) {
            let beside = cash.as_ref().map_or(0, |cash| cash.refund.amount.minor);
            let same = told.refund.amount.minor.saturating_add(beside) == body.amount.minor;
            return if same { reserved(told, cash) } else { RefundAnswer::AskedBefore };
        }
        if let Err(why) =
            order.refundable(terminal).may_reserve(&RefundRequest { amount: body.amount, received_on })
        {
            return RefundAnswer::Refused { why };
        }
        let Some(parts) = order.left(&paid_by).refund(body.amount) else { return not_paid };
        let back = |id: RefundId, amount: Amount, in_cash: bool| Back {
            refund: Refund {
                id,
                order: number,
                amount,
                state: RefundState::Reserved,
                requested_by: by.clone(),
                reason: body.reason.clone(),
                requested_at: now.wall,
                refused: None,
            },
            paid_by: paid_by.one_part(in_cash),
        };
        // As in the shop: what goes back to the wallet has the request's name, and what goes back in cash beside it one of
        // its own.
        let new = match (parts.wallet.is_positive(), parts.cash.is_positive()) {
            (true, true) => {
                let beside = back(beside(&id), parts.cash, true);
                vec![back(id, parts.wallet, false), beside]
            }
            (wallet, _) => vec![back(id, body.amount, !wallet)],
        };
        let mut told = new.iter().map(Back::told);
        let answer = told.next().map_or(not_paid, |first| reserved(first, told.next()));
        order.refunds.extend(new);
        answer
    }

    /// The till carries one out; said again it changes nothing.
    pub(super) fn carry_out(&mut self, id: &RefundId, entry: &SignedEntry) -> Result<Refund, ErrorCode> {
        let (refund, number, in_cash) = match self.read(entry)?.body {
            Body::RefundCarriedOut { refund, number, .. } => (refund, number, false),
            Body::CashRefund { refund, number, .. } => (refund, number, true),
            _ => return Err(ErrorCode::BadRequest),
        };
        let order = self.orders.get_mut(&number).filter(|_| refund == *id).ok_or(ErrorCode::NotFound)?;
        let split = matches!(order.paid_by, Some(PaidBy::Split { .. }));
        let back = order.refunds.iter_mut().find(|back| back.refund.id == *id).ok_or(ErrorCode::NotFound)?;
        // Of a sale that was paid in parts the entry says from which it goes back.
        if split && in_cash != matches!(back.paid_by, PaidBy::Cash { .. }) {
            return Err(ErrorCode::BadRequest);
        }
        let refund = &mut back.refund;
        for event in [RefundEvent::CarriedOut, RefundEvent::Confirmed] {
            refund.state = refund.state.on(event).map_err(|_| ErrorCode::WrongState)?;
        }
        Ok(refund.clone())
    }
}

/// The name of what goes back in cash beside a refund to a wallet.
fn beside(id: &RefundId) -> RefundId {
    RefundId(format!("{id}:cash"))
}

fn reserved(order: RefundOrder, cash: Option<RefundOrder>) -> RefundAnswer {
    RefundAnswer::Reserved { order: Box::new(order), cash: cash.map(Box::new) }
}

impl Back {
    fn told(&self) -> RefundOrder {
        RefundOrder { refund: self.refund.clone(), paid_by: self.paid_by.clone(), next_at: None }
    }
}

impl Order {
    /// What no refund holds of each part.
    fn left(&self, paid_by: &PaidBy) -> Parts {
        let held = self.refunds.iter().filter(|back| back.refund.state.holds_money());
        let held = held.fold(Parts::none(self.total.currency), |mut held, back| {
            let amount = back.refund.amount.minor;
            let part = match back.paid_by {
                PaidBy::Cash { .. } => &mut held.cash,
                PaidBy::Wallet { .. } | PaidBy::Split { .. } => &mut held.wallet,
            };
            part.minor = part.minor.saturating_add(amount);
            held
        });
        paid_by.parts_of(self.total).less(&held)
    }

    fn refundable(&self, terminal: TerminalId) -> Refundable {
        let held = self.refunds.iter().map(|back| &back.refund).filter(|refund| refund.state.holds_money());
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
