//! Refunds that managers asked for: carried out here, once each, under one number (rule *same-till-same-day*; the
//! server has reserved the money before).

use super::question::{Question, Yes};
use super::{At, Controller};
use crate::print::receipt_of_refund;
use crate::sync::{Line, NetError};
use crate::view::{self, Confirm, Notice, RefundItem, RefundRefusal, RefundState as Shown, RefundsPage};
use evertill_shared::id::RefundId;
use evertill_shared::journal::{Body, RefundSettled};
use evertill_shared::order::PaidBy;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::refunds::{RefundInbox, RefundOrder};
use evertill_shared::receipt::Receipt;
use evertill_shared::refund::{Refund, RefundRefused, RefundState};
use std::collections::HashMap;

/// What is known of refunds beyond the journal.
#[derive(Debug, Default)]
pub struct RefundDesk {
    /// As the server last told, newest first.
    items: Vec<RefundOrder>,
    /// Why some were refused.
    refused: HashMap<RefundId, RefundRefusal>,
    /// Those for which an answer did not come.
    doubtful: Vec<RefundId>,
}

impl RefundDesk {
    /// What the server told about refunds of this order, oldest first.
    pub(super) fn of_order(&self, number: OrderNumber) -> Vec<&RefundOrder> {
        self.items.iter().rev().filter(|item| item.refund.order == number).collect()
    }
}

impl Controller {
    pub(super) fn on_inbox(&mut self, inbox: RefundInbox) {
        for order in inbox.refunds {
            match self.desk.items.iter_mut().find(|item| item.refund.id == order.refund.id) {
                Some(item) => *item = order,
                None => self.desk.items.push(order),
            }
        }
        self.desk.items.sort_by_key(|item| std::cmp::Reverse(item.refund.requested_at));
    }

    fn item(&self, id: &str) -> Option<&RefundOrder> {
        self.desk.items.iter().find(|item| item.refund.id.0 == id)
    }

    pub(super) fn ask_carry_out(&mut self, id: String) {
        if !matches!(self.at, At::Refunds) {
            return;
        }
        let Some(item) = self.item(&id) else { return };
        let shown = Confirm::CarryOutRefund {
            order_number: item.refund.order.to_string(),
            amount_minor: item.refund.amount.minor,
            cash: matches!(item.paid_by, PaidBy::Cash { .. }),
        };
        if !self.waits_here(&id) {
            return;
        }
        if self.sync.line() != Line::Up {
            return self.tell(Notice::NoNetwork);
        }
        self.question = Some(Question { shown, yes: Yes::CarryOut { id } });
    }

    /// Whether this refund is still to be begun here.
    pub(super) fn waits_here(&self, id: &str) -> bool {
        let reserved = self.item(id).filter(|item| item.refund.state == RefundState::Reserved);
        let (Some(item), Some(journal)) = (reserved, &self.journal) else { return false };
        matches!(journal.refund(&item.refund.id), Ok(None))
    }

    /// Into the journal; the schedule sends what stands there until its end is known.
    pub(super) fn carry_out(&mut self, id: &str) {
        if !self.waits_here(id) {
            return;
        }
        // The line may have gone while the question was on screen.
        if self.sync.line() != Line::Up {
            return self.tell(Notice::NoNetwork);
        }
        let Some(refund) = self.item(id).map(|item| item.refund.clone()) else { return };
        let (number, amount, cashier) = (refund.order, refund.amount, self.cashier());
        let in_cash = self.item(id).is_some_and(|item| matches!(item.paid_by, PaidBy::Cash { .. }));
        let sale = self.read(|journal| journal.sale_of_order(number)).flatten();
        // Of what was paid in one way the sale says how it goes back; of a split sale the entry has to.
        let is_split = sale.is_some_and(|sale| sale.record.part.is_some() && sale.record.cash.is_none());
        let refund = refund.id;
        let body = match in_cash && is_split {
            true => Body::CashRefund { refund, number, amount, cashier },
            false => Body::RefundCarriedOut { refund, number, amount, cashier },
        };
        self.write(&body);
    }

    pub(super) fn on_refund(&mut self, id: &RefundId, result: Result<Refund, NetError>) {
        let refund = match result {
            Ok(refund) if refund.id == *id => refund,
            Ok(_) => return tracing::error!(%id, "the server spoke of another refund"),
            Err(error) => return self.refund_failed(id, &error),
        };
        let (state, why) = (refund.state, refund.refused.clone());
        self.desk.doubtful.retain(|other| other != id);
        if let Some(item) = self.desk.items.iter_mut().find(|item| item.refund.id == *id) {
            item.refund = refund;
        }
        match state {
            RefundState::Done => self.settle_refund(id, RefundSettled::Done),
            RefundState::Refused => {
                let refusal = why.as_ref().map_or(RefundRefusal::Other { code: "refused".into() }, refusal);
                self.desk.refused.insert(id.clone(), refusal);
                self.settle_refund(id, RefundSettled::Refused);
            }
            RefundState::Unknown => self.desk.doubtful.push(id.clone()),
            RefundState::Reserved | RefundState::Sent => {}
        }
    }

    fn refund_failed(&mut self, id: &RefundId, error: &NetError) {
        tracing::info!(%id, %error, "the refund's end is not known; it is asked about under its number");
        match error.code() {
            // The server's definite word. Everything else leaves the money where it may be: unknown.
            Some(ErrorCode::RefundRefused) => {
                let refusal = RefundRefusal::Other { code: ErrorCode::RefundRefused.word() };
                self.desk.refused.insert(id.clone(), refusal);
                self.settle_refund(id, RefundSettled::Refused);
            }
            _ if !self.desk.doubtful.contains(id) => self.desk.doubtful.push(id.clone()),
            _ => {}
        }
    }

    fn settle_refund(&mut self, id: &RefundId, outcome: RefundSettled) {
        let Some(Some(record)) = self.read(|journal| journal.refund(id)) else { return };
        if record.outcome.is_some() {
            return;
        }
        if self.write(&Body::RefundSettled { refund: id.clone(), outcome }).is_none() {
            return;
        }
        if outcome != RefundSettled::Done {
            return;
        }
        let Some(item) = self.item(&id.0).cloned() else { return };
        if matches!(item.paid_by, PaidBy::Cash { .. }) {
            self.open_drawer(super::drawer::OpenedFor::Other);
        }
        self.print_refund(&item, record.cashier.map(|cashier| cashier.tidy().name));
    }

    fn print_refund(&mut self, item: &RefundOrder, cashier: Option<String>) {
        let Some(sale) = self.read(|journal| journal.sale_of_order(item.refund.order)) else { return };
        if let (Some(identity), Some(sale), true) = (&self.identity, sale, self.options.has_printer) {
            let receipt = receipt_of_refund(identity, &sale.record, item, self.now.wall);
            let receipt = Receipt { cashier, ..receipt };
            self.print(&format!("refund:{}", item.refund.id), receipt);
        }
    }

    pub(super) fn refunds_page(&self) -> RefundsPage {
        let item = |order: &RefundOrder| RefundItem {
            id: order.refund.id.0.clone(),
            order_number: order.refund.order.to_string(),
            amount_minor: order.refund.amount.minor,
            cash: matches!(order.paid_by, PaidBy::Cash { .. }),
            asked_by: order.refund.requested_by.clone(),
            why: order.refund.reason.clone(),
            asked_at: self.time_of_day(order.refund.requested_at),
            state: self.refund_shown(&order.refund),
        };
        RefundsPage { items: self.desk.items.iter().map(item).collect() }
    }

    pub(super) fn refund_shown(&self, refund: &Refund) -> Shown {
        let record = self.journal.as_ref().and_then(|journal| journal.refund(&refund.id).ok().flatten());
        let other = || view::RefundRefusal::Other { code: "refused".into() };
        match (record.map(|record| record.outcome), refund.state) {
            (Some(Some(RefundSettled::Done)), _) => Shown::Done,
            (Some(Some(RefundSettled::Refused)), _) => {
                Shown::Refused(self.desk.refused.get(&refund.id).cloned().unwrap_or_else(other))
            }
            (Some(None), _) if self.desk.doubtful.contains(&refund.id) => Shown::Unknown,
            (Some(None), RefundState::Unknown) => Shown::Unknown,
            (Some(None), _) => Shown::Working,
            (None, RefundState::Reserved) => Shown::Waiting,
            (None, RefundState::Sent) => Shown::Working,
            (None, RefundState::Unknown) => Shown::Unknown,
            (None, RefundState::Done) => Shown::Done,
            (None, RefundState::Refused) => {
                Shown::Refused(refund.refused.as_ref().map_or_else(other, refusal))
            }
        }
    }
}

pub(super) fn refusal(why: &RefundRefused) -> RefundRefusal {
    match why {
        RefundRefused::NotPaid => RefundRefusal::NotPaid,
        RefundRefused::AnotherDay { .. } => RefundRefusal::OtherDay,
        RefundRefused::TooMuch { .. } => RefundRefusal::MoreThanPaid,
        RefundRefused::BadAmount => RefundRefusal::Other { code: "bad_amount".into() },
        RefundRefused::AnotherTill { .. } => RefundRefusal::OtherTerminal,
        RefundRefused::Withdrawn => RefundRefusal::Withdrawn,
        RefundRefused::ByChannel { message } => RefundRefusal::Other { code: message.clone() },
        RefundRefused::NotKnownHere => RefundRefusal::Other { code: "not_known_here".into() },
    }
}
