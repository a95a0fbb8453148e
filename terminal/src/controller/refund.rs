//! Refunds that managers asked for: carried out here, once each, under one number (rule *same-till-same-day*; the
//! server has reserved the money before).

mod inbox;
mod pay_out;

use super::question::Yes;
use super::{At, Controller};
use crate::journal_store::records::{RefundRecord, SaleRecord};
use crate::print::receipt_of_refund;
use crate::sync::{Line, NetError};
use crate::view::{self, Confirm, Notice, RefundItem, RefundRefusal, RefundState as Shown, RefundsPage};
use evertill_shared::cashier::Cashier;
use evertill_shared::id::RefundId;
use evertill_shared::journal::{Body, RefundSettled, Settled};
use evertill_shared::money::Amount;
use evertill_shared::order::PaidBy;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::refunds::RefundOrder;
use evertill_shared::receipt::Receipt;
use evertill_shared::refund::{Refund, RefundRefused, RefundState};
use std::collections::HashMap;
use std::time::Duration;

/// So long after a refund was begun whoever did that waits for its end, and the customer with them.
const WAITED_FOR: Duration = Duration::from_secs(60);

/// What is known of refunds beyond the journal.
#[derive(Debug, Default)]
pub struct RefundDesk {
    /// As the server last told, newest first.
    items: Vec<RefundOrder>,
    /// Why some were refused.
    refused: HashMap<RefundId, RefundRefusal>,
    /// Those for which an answer did not come.
    doubtful: Vec<RefundId>,
    /// Those that were carried out since the program started, and have not ended; and when each was.
    begun: Vec<(RefundId, Duration)>,
    /// Those that another answer than the inbox told of, since an inbox was here.
    learnt: Vec<RefundId>,
    /// Those for which the drawer was asked to open, and the kick.
    kicks: Vec<(u64, RefundRecord)>,
}

impl RefundDesk {
    /// What the server told about refunds of this order, oldest first.
    pub(super) fn of_order(&self, number: OrderNumber) -> Vec<&RefundOrder> {
        self.items.iter().rev().filter(|item| item.refund.order == number).collect()
    }
}

impl Controller {
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
        self.ask(shown, Yes::CarryOut { id });
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
        // Of what was paid in cash here the sale says that it goes back so. Of a split sale, and of one that this journal does
        // not hold, the entry has to: the drawer pays it all the same.
        let says_so_itself = sale.is_some_and(|sale| sale.record.cash.is_some());
        let refund = refund.id.clone();
        let body = match in_cash && !says_so_itself {
            true => Body::CashRefund { refund: refund.clone(), number, amount, cashier },
            false => Body::RefundCarriedOut { refund: refund.clone(), number, amount, cashier },
        };
        if self.write(&body).is_some() {
            self.desk.begun.push((refund, self.now.monotonic));
        }
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
            item.refund = refund.clone();
        }
        match state {
            RefundState::Done => self.refund_done(refund),
            RefundState::Refused => {
                let refusal = why.as_ref().map_or(RefundRefusal::Other { code: "refused".into() }, refusal);
                self.refund_refused(id, refusal);
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
                self.refund_refused(id, RefundRefusal::Other { code: ErrorCode::RefundRefused.word() });
            }
            _ if !self.desk.doubtful.contains(id) => self.desk.doubtful.push(id.clone()),
            _ => {}
        }
    }

    fn refund_refused(&mut self, id: &RefundId, why: RefundRefusal) {
        self.desk.refused.insert(id.clone(), why);
        self.desk.begun.retain(|(begun, _)| begun != id);
        if self.settle_refund(id, RefundSettled::Refused) {
            self.forget_to_pay_out(id);
        }
    }

    /// Writes how it ended, if that is news.
    fn settle_refund(&mut self, id: &RefundId, outcome: RefundSettled) -> bool {
        self.unsettled(id).is_some()
            && self.write(&Body::RefundSettled { refund: id.clone(), outcome }).is_some()
    }

    /// What the journal says of it, as long as that says no end.
    fn unsettled(&mut self, id: &RefundId) -> Option<RefundRecord> {
        self.read(|journal| journal.refund(id))?.filter(|record| record.outcome.is_none())
    }

    /// The money is on its way to the customer's wallet, or is theirs from the drawer. What the paper says is what this
    /// till's journal says, and the server's answer: the inbox may not have been read since the program started.
    fn refund_done(&mut self, refund: Refund) {
        let Some(record) = self.unsettled(&refund.id) else { return };
        // What cannot be read says nothing about who gets the money: its end is asked about again.
        let Some(sale) = self.read(|journal| journal.sale_of_order(record.number)) else { return };
        let told = self.item(&record.id.0).map(|item| item.paid_by.clone());
        let paid_by = told.or_else(|| paid_by(sale.as_ref().map(|sale| &sale.record), &record));
        let in_cash = matches!(paid_by, Some(PaidBy::Cash { .. }));
        if in_cash && !self.is_to_be_paid_out(&record) || !self.settle_refund(&record.id, RefundSettled::Done)
        {
            return;
        }
        if in_cash {
            self.pay_out(&record);
        }
        self.desk.begun.retain(|(begun, _)| *begun != record.id);
        let (Some(sale), Some(paid_by)) = (sale, paid_by) else { return };
        let refund = Refund { order: record.number, amount: record.amount, ..refund };
        self.print_refund(&RefundOrder { refund, paid_by, next_at: None }, &sale.record, record.cashier);
    }

    fn print_refund(&mut self, order: &RefundOrder, sale: &SaleRecord, cashier: Option<Cashier>) {
        if let (Some(identity), true) = (&self.identity, self.options.has_printer) {
            let receipt = receipt_of_refund(identity, sale, order, self.now.wall);
            let receipt = Receipt { cashier: cashier.map(|cashier| cashier.tidy().name), ..receipt };
            self.print(&format!("refund:{}", order.refund.id), receipt);
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
            begun_at: self.begun_at(&order.refund.id),
            next_at: order.next_at.map(|at| self.time_of_day(at)).unwrap_or_default(),
            state: self.refund_shown(&order.refund),
        };
        RefundsPage { items: self.desk.items.iter().map(item).collect() }
    }

    fn begun_at(&self, id: &RefundId) -> String {
        let record = self.journal.as_ref().and_then(|journal| journal.refund(id).ok().flatten());
        record.map(|record| self.time_of_day(record.at)).unwrap_or_default()
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

/// How that was paid which goes back, by the journal.
fn paid_by(sale: Option<&SaleRecord>, back: &RefundRecord) -> Option<PaidBy> {
    // Of a sale that was paid in parts, or stands in another journal, the refund's own entry says it.
    if back.in_cash {
        return Some(PaidBy::Cash { given: back.amount, change: Amount::new(0, back.amount.currency) });
    }
    let sale = sale?;
    if let Some(cash) = sale.cash {
        return Some(PaidBy::Cash { given: cash.given, change: cash.change });
    }
    let attempt = sale.paid_attempt()?;
    let Some(Settled::Paid { transaction }) = &attempt.outcome else { return None };
    Some(PaidBy::Wallet { wallet: attempt.wallet, transaction: transaction.clone() })
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
