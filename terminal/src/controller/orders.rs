//! Today's orders of this till, and copies of their receipts.

use super::{At, Controller};
use crate::journal_store::StoredSale;
use crate::view::{OrderRow, OrderState, OrdersPage};
use evertill_shared::business_day::same_day;
use evertill_shared::clock::Timestamp;
use evertill_shared::journal::{RefundSettled, Settled};
use std::collections::HashMap;

/// The most orders in the list.
const MOST: usize = 200;

impl Controller {
    pub(super) fn orders_page(&self) -> OrdersPage {
        let (Some(journal), Some(identity)) = (&self.journal, &self.identity) else {
            return OrdersPage::default();
        };
        let store = &identity.store;
        let today = |at: Timestamp| same_day(at, self.now.wall, &store.zone, store.cut_off_minutes);
        let sales = journal.recent_sales(MOST).unwrap_or_default();
        let mut refunded: HashMap<String, i64> = HashMap::new();
        for refund in journal.refunds().unwrap_or_default() {
            if refund.outcome == Some(RefundSettled::Done) {
                *refunded.entry(refund.number.to_string()).or_default() += refund.amount.minor;
            }
        }
        let row = |stored: StoredSale| {
            let number = stored.record.number().map(|number| number.to_string());
            let back = number.as_ref().and_then(|number| refunded.get(number)).copied().unwrap_or(0);
            OrderRow {
                id: stored.record.sequence.to_string(),
                number: number.unwrap_or_else(|| identity.sale_key(stored.record.sequence).to_string()),
                time: self.time_of_day(stored.record.sale.at),
                total_minor: stored.record.sale.total.minor,
                state: order_state(&stored, back),
                can_reprint: stored.record.is_paid() && self.options.has_printer,
            }
        };
        OrdersPage { orders: sales.into_iter().filter(|s| today(s.record.sale.at)).map(row).collect() }
    }

    pub(super) fn reprint(&mut self, id: &str) {
        if !matches!(self.at, At::Orders) {
            return;
        }
        if let Ok(sale) = id.parse() {
            self.print_copy(sale);
        }
    }
}

fn order_state(stored: &StoredSale, refunded_minor: i64) -> OrderState {
    let record = &stored.record;
    if stored.quarantined {
        return OrderState::Quarantined;
    }
    if record.is_paid() {
        return match refunded_minor {
            0 if record.cash.is_some() && !stored.confirmed => OrderState::PaidUnsent,
            0 => OrderState::Paid,
            part if part < record.sale.total.minor => OrderState::PartlyRefunded,
            _ => OrderState::Refunded,
        };
    }
    if record.unsettled().is_some() {
        return OrderState::Unknown;
    }
    match record.attempts.last().and_then(|attempt| attempt.outcome.as_ref()) {
        Some(Settled::Reversed) => OrderState::Reversed,
        Some(Settled::Declined { .. }) => OrderState::NotPaid,
        _ if record.voided => OrderState::NotPaid,
        _ => OrderState::Open,
    }
}
