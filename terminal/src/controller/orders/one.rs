//! The page of one order: what was sold, how it was paid, what went back, and what to do about it now.

use super::super::Controller;
use super::super::printing::about_sale;
use super::super::screen::decline_reason;
use crate::journal_store::StoredSale;
use crate::journal_store::records::{AttemptRecord, RefundRecord, SaleRecord};
use crate::view::{
    AttemptEnd, OrderAdvice, OrderAttempt, OrderLine, OrderPage, OrderRefund, OrderState, OrderTender,
    ReceiptState, RefundState,
};
use evertill_shared::journal::{RefundSettled, Settled};
use evertill_shared::order_number::OrderNumber;

impl Controller {
    pub(in crate::controller) fn order_page(&self, sale: u64) -> Option<OrderPage> {
        let stored = self.journal.as_ref()?.sale(sale).ok()??;
        let identity = self.identity.as_ref()?;
        let record = &stored.record;
        let state = self.order_state(&stored);
        let refunds = record.number().map(|number| self.refunds_shown(number)).unwrap_or_default();
        let receipt = self.receipt_state(sale);
        let printable = record.is_paid() && self.options.has_printer;
        let lost = matches!(receipt, ReceiptState::Failed { .. });
        Some(OrderPage {
            id: sale.to_string(),
            number: record.number().map(|number| number.grouped()),
            sale_number: identity.sale_key(sale).to_string(),
            at: self.local_minute(record.sale.at),
            cashier: record.sale.cashier.as_ref().map(|cashier| cashier.tidy().name),
            total_minor: record.sale.total.minor,
            state,
            advice: self.order_advice(&stored, state, &refunds),
            lines: lines(record),
            tenders: tenders(record),
            attempts: record.attempts.iter().map(|attempt| self.attempt(attempt)).collect(),
            refunds,
            receipt,
            copies: self.journal.as_ref()?.copies(&about_sale(sale)).unwrap_or(0),
            can_reprint: printable && !lost,
            can_print: printable && lost,
            can_refund: self.left_to_refund(sale).is_some(),
        })
    }

    fn attempt(&self, attempt: &AttemptRecord) -> OrderAttempt {
        OrderAttempt {
            number: attempt.attempt.into(),
            wallet: attempt.wallet,
            time: self.time_of_day(attempt.at),
            end: match &attempt.outcome {
                None => AttemptEnd::Unknown,
                Some(Settled::Paid { .. }) => AttemptEnd::Paid,
                Some(Settled::Declined { reason }) => AttemptEnd::Declined(decline_reason(*reason)),
                Some(Settled::Reversed) => AttemptEnd::Reversed,
            },
        }
    }

    /// What was carried out here, and what the server has told of besides.
    pub(super) fn refunds_shown(&self, number: OrderNumber) -> Vec<OrderRefund> {
        let carried = self.journal.as_ref().and_then(|journal| journal.refunds_of(number).ok());
        let carried = carried.unwrap_or_default();
        let told = self.desk.of_order(number);
        let here = carried.iter().map(|record| {
            let item = told.iter().find(|item| item.refund.id == record.id);
            OrderRefund {
                amount_minor: record.amount.minor,
                time: self.time_of_day(record.at),
                approved_by: item.map(|item| item.refund.requested_by.clone()),
                state: item.map_or_else(|| record_state(record), |item| self.refund_shown(&item.refund)),
            }
        });
        let waiting = told.iter().filter(|item| carried.iter().all(|record| record.id != item.refund.id));
        let waiting = waiting.map(|item| OrderRefund {
            amount_minor: item.refund.amount.minor,
            time: self.time_of_day(item.refund.requested_at),
            approved_by: Some(item.refund.requested_by.clone()),
            state: self.refund_shown(&item.refund),
        });
        here.chain(waiting).collect()
    }

    fn order_advice(&self, stored: &StoredSale, state: OrderState, refunds: &[OrderRefund]) -> OrderAdvice {
        let any = |wanted: &[RefundState]| refunds.iter().any(|refund| wanted.contains(&refund.state));
        match state {
            OrderState::Open => OrderAdvice::FinishSale,
            OrderState::Unknown => OrderAdvice::Wait,
            OrderState::PaidUnsent => OrderAdvice::SendsItself,
            OrderState::Reversed | OrderState::NotPaid => OrderAdvice::SellAgain,
            OrderState::Quarantined => OrderAdvice::Quarantined,
            _ if any(&[RefundState::Working, RefundState::Unknown]) => OrderAdvice::RefundUnderWay,
            _ if any(&[RefundState::Waiting]) => OrderAdvice::RefundWaits,
            OrderState::Refunded => OrderAdvice::AllRefunded,
            _ if self.day_of(stored.record.sale.at) != self.day_of(self.now.wall) => OrderAdvice::AnotherDay,
            OrderState::Paid | OrderState::PartlyRefunded => OrderAdvice::Nothing,
        }
    }
}

fn record_state(record: &RefundRecord) -> RefundState {
    match record.outcome {
        None => RefundState::Working,
        Some(RefundSettled::Done) => RefundState::Done,
        Some(RefundSettled::Refused) => {
            RefundState::Refused(crate::view::RefundRefusal::Other { code: "refused".into() })
        }
    }
}

fn lines(record: &SaleRecord) -> Vec<OrderLine> {
    let line = |line: &evertill_shared::order::line::Line| OrderLine {
        name: line.name.clone(),
        serial: line.serial.clone(),
        quantity: line.quantity,
        unit_price_minor: line.unit_price.minor,
        total_minor: line.total.minor,
    };
    record.sale.lines.iter().map(line).collect()
}

fn tenders(record: &SaleRecord) -> Vec<OrderTender> {
    let cash = record
        .cash
        .map(|cash| OrderTender::Cash { given_minor: cash.given.minor, change_minor: cash.change.minor });
    let wallet = record.paid_attempt().map(|attempt| OrderTender::Wallet {
        wallet: attempt.wallet,
        minor: record.rest().minor,
        transaction: match &attempt.outcome {
            Some(Settled::Paid { transaction }) if !transaction.is_empty() => Some(transaction.clone()),
            _ => None,
        },
    });
    let part = record.part.filter(|_| record.cash.is_none());
    let part = part.map(|part| OrderTender::Cash { given_minor: part.amount.minor, change_minor: 0 });
    part.into_iter().chain(cash).chain(wallet).collect()
}
