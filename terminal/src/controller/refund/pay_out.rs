//! Cash that goes back to a customer by a refund. It stands on the disk from before the books say that it was paid out until
//! the drawer opened for it, or somebody has put the notice of it away; so neither an answer that comes late nor a program
//! that ends forgets it.

use super::super::{At, Controller};
use super::WAITED_FOR;
use crate::journal_store::records::RefundRecord;
use crate::view::{DrawerState, Notice};
use evertill_shared::id::RefundId;
use evertill_shared::journal::RefundSettled;
use evertill_shared::order_number::OrderNumber;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Under this and the refund's id stands what is to be paid out, in the till's memory.
const PAY_OUT: &str = "pay_out:";

/// What is to be paid out, as it stands on the disk. The refund itself may be in the archive by the time it is read.
#[derive(Debug, Serialize, Deserialize)]
struct ToPayOut {
    number: OrderNumber,
    amount_minor: i64,
}

impl ToPayOut {
    fn of(record: &RefundRecord) -> Self {
        Self { number: record.number, amount_minor: record.amount.minor }
    }
}

fn fact_of(id: &RefundId) -> String {
    format!("{PAY_OUT}{id}")
}

impl Controller {
    /// Before the books say that it was paid out. False if it could not be written: then its end is not written either, and
    /// is asked about again.
    pub(in crate::controller) fn is_to_be_paid_out(&mut self, record: &RefundRecord) -> bool {
        let (Some(journal), Ok(text)) = (&mut self.journal, serde_json::to_string(&ToPayOut::of(record)))
        else {
            return false;
        };
        match journal.set_fact(&fact_of(&record.id), Some(&text)) {
            Ok(()) => true,
            Err(error) => {
                self.journal_failed(error);
                false
            }
        }
    }

    /// Whoever is to pay it out knows, or nothing is to be paid out.
    pub(in crate::controller) fn forget_to_pay_out(&mut self, id: &RefundId) {
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.set_fact(&fact_of(id), None)
        {
            self.journal_failed(error);
        }
    }

    /// The drawer opens for whoever carried the refund out and still waits for that. An answer that comes later, to a locked
    /// till, to nobody or in the middle of another's sale, opens nothing: a notice waits until somebody opens the drawer by a
    /// touch, which is written down.
    pub(super) fn pay_out(&mut self, record: &RefundRecord) {
        if !self.is_waited_for(record) {
            return self.tell_to_pay_out(&record.id, &ToPayOut::of(record));
        }
        match self.open_drawer_for_refund() {
            Some(kick) => self.desk.kicks.push((kick, record.clone())),
            // Opened by its key: whoever waits for it sees on the page that it is done.
            None => self.forget_to_pay_out(&record.id),
        }
    }

    /// It was begun just now, its page is still on screen before the same person, and nobody else's goods or money are in
    /// hand. Touches and scans say nothing about it: they may be about any sale.
    fn is_waited_for(&self, record: &RefundRecord) -> bool {
        let begun = self.desk.begun.iter().find(|(id, _)| *id == record.id);
        let is_new = |at: Duration| self.now.monotonic.saturating_sub(at) < WAITED_FOR;
        begun.is_some_and(|(_, at)| is_new(*at))
            && matches!(self.at, At::Refunds)
            && self.cart.is_empty()
            && self.drawer_on_screen().is_none()
            && self.faults.is_empty()
            && !self.duty.is_locked()
            && record.cashier == self.cashier()
    }

    /// What became of a kick, if it was for a refund. Where nobody knows, whoever asked for it is told so and sees whether it
    /// opened; one that surely stayed shut leaves the money to be paid out.
    pub(in crate::controller) fn kicked_for_refund(&mut self, kick: u64, known: DrawerState) {
        let Some(index) = self.desk.kicks.iter().position(|(of, _)| *of == kick) else { return };
        let (_, record) = self.desk.kicks.remove(index);
        match known {
            DrawerState::Shut(_) => self.tell_to_pay_out(&record.id, &ToPayOut::of(&record)),
            _ => self.forget_to_pay_out(&record.id),
        }
    }

    fn tell_to_pay_out(&mut self, id: &RefundId, owed: &ToPayOut) {
        self.tell(Notice::RefundToPayOut {
            refund: id.clone(),
            order_number: owed.number.to_string(),
            amount_minor: owed.amount_minor,
        });
    }

    /// After a start: what was to be paid out when the program ended. Nobody knows whether a drawer opened for it just then.
    pub(in crate::controller) fn resume_paying_out(&mut self) {
        let facts = self.read(|journal| journal.facts(PAY_OUT)).unwrap_or_default();
        for (name, text) in facts {
            let id = RefundId(name.strip_prefix(PAY_OUT).unwrap_or_default().to_owned());
            // The journal was opened anew under this program: what became of the kick is told still.
            if self.desk.kicks.iter().any(|(_, record)| record.id == id) {
                continue;
            }
            let Ok(owed) = serde_json::from_str(&text) else {
                tracing::error!(%id, text, "what is to be paid out of a refund cannot be read");
                continue;
            };
            let Some(record) = self.read(|journal| journal.refund(&id)) else { return };
            match record.map(|record| record.outcome) {
                // The program ended before the books said so: it is told with its end.
                Some(None) => {}
                Some(Some(RefundSettled::Refused)) => self.forget_to_pay_out(&id),
                Some(Some(RefundSettled::Done)) | None => self.tell_to_pay_out(&id, &owed),
            }
        }
    }
}
