//! Receipts: from the books to data, from data to a document for the printer.

#[cfg(test)]
mod as_before;
pub mod document;
#[cfg(test)]
mod language_tests;
pub mod letters;
pub mod logo_file;
pub mod practice_codes;
pub mod sheet;
mod shift;
pub mod template_file;
#[cfg(test)]
mod template_tests;
mod test_page;
pub mod thread;

pub use document::{Look, document};
pub use evertill_shared::receipt::examples;

use crate::config::Identity;
use crate::journal_store::records::SaleRecord;
use evertill_shared::business_day::local_text;
use evertill_shared::cashier::Cashier;
use evertill_shared::clock::Timestamp;
use evertill_shared::journal::Settled;
use evertill_shared::money::Amount;
use evertill_shared::order::line::TaxRate;
use evertill_shared::protocol::refunds::RefundOrder;
use evertill_shared::receipt::layout;
use evertill_shared::receipt::{
    Receipt, ReceiptDiscount, ReceiptKind, ReceiptLine, ReceiptTax, ReceiptTender, ShiftReport,
};
use evertill_shared::shift::{Pending, Shift};
use std::collections::BTreeMap;

/// Each word of receipts, reports and the test print, in English: for whoever translates them.
#[must_use]
pub fn all_words() -> Vec<&'static str> {
    layout::all_words().into_iter().chain(shift::all_words()).chain(test_page::all_words()).collect()
}

/// The receipt of a paid sale.
#[must_use]
pub fn receipt_of_sale(identity: &Identity, record: &SaleRecord) -> Receipt {
    let sale = &record.sale;
    Receipt {
        title: identity.store.name.clone(),
        address: identity.store.address.clone(),
        terminal: identity.terminal,
        sale: identity.sale_key(record.sequence),
        order_number: record.number(),
        at_local: local_text(sale.at, &identity.store.zone),
        cashier: sale.cashier.as_ref().map(|cashier| cashier.tidy().name),
        kind: ReceiptKind::Sale,
        lines: sale.lines.iter().map(ReceiptLine::from).collect(),
        discount: sale.discount.as_ref().map(ReceiptDiscount::from),
        total: sale.total,
        note: sale.note.clone(),
        tax: taxes(record),
        tenders: tenders(record),
        copy: false,
        copy_number: 0,
        offline: record.number().is_none(),
    }
}

fn taxes(record: &SaleRecord) -> Vec<ReceiptTax> {
    let mut by_rate: BTreeMap<TaxRate, Amount> = BTreeMap::new();
    for line in &record.sale.lines {
        let zero = Amount::zero(line.total.currency);
        let sum = by_rate.entry(line.tax_rate).or_insert(zero);
        // The sale was checked when it was closed: these sums fit.
        *sum = line.tax().ok().and_then(|tax| sum.checked_add(tax).ok()).unwrap_or(*sum);
    }
    by_rate.into_iter().map(|(rate, amount)| ReceiptTax { rate: rate.to_percent(), amount }).collect()
}

fn tenders(record: &SaleRecord) -> Vec<ReceiptTender> {
    let cash = record.cash.map(|cash| ReceiptTender::Cash { given: cash.given, change: cash.change });
    let wallet = record.paid_attempt().map(|attempt| {
        let transaction = match &attempt.outcome {
            Some(Settled::Paid { transaction }) if !transaction.is_empty() => Some(transaction.clone()),
            _ => None,
        };
        ReceiptTender::Wallet {
            wallet: attempt.wallet,
            amount: record.rest(),
            channel_transaction: transaction,
        }
    });
    let part = record
        .part
        .filter(|_| wallet.is_some())
        .map(|part| ReceiptTender::Cash { given: part.amount, change: Amount::zero(part.amount.currency) });
    part.into_iter().chain(cash).chain(wallet).collect()
}

/// The receipt of a refund that was carried out.
#[must_use]
pub fn receipt_of_refund(
    identity: &Identity,
    record: &SaleRecord,
    order: &RefundOrder,
    now: Timestamp,
) -> Receipt {
    let refund = &order.refund;
    let tender = match order.paid_by.wallet() {
        None => ReceiptTender::Cash { given: Amount::zero(refund.amount.currency), change: refund.amount },
        Some(wallet) => ReceiptTender::Wallet { wallet, amount: refund.amount, channel_transaction: None },
    };
    Receipt {
        at_local: local_text(now, &identity.store.zone),
        order_number: Some(refund.order),
        kind: ReceiptKind::Refund {
            refund_id: refund.id.clone(),
            amount: refund.amount,
            original_order: refund.order,
            approved_by: refund.requested_by.clone(),
        },
        // Of the sale only its total counts here: what was taken off was never paid, and does not come back.
        lines: Vec::new(),
        discount: None,
        note: None,
        total: record.sale.total,
        tax: Vec::new(),
        tenders: vec![tender],
        offline: false,
        ..receipt_of_sale(identity, record)
    }
}

/// The report of a shift, as it stands or as it ended.
#[must_use]
pub fn receipt_of_shift(
    identity: &Identity,
    shift: &Shift,
    pending: Pending,
    by: Option<Cashier>,
    now: Timestamp,
) -> Receipt {
    let closing = shift.closed.as_ref().map(|closed| &closed.closing);
    let at = shift.closed.as_ref().map_or(now, |closed| closed.at);
    let name = |cashier: &Cashier| cashier.tidy().name;
    let by = closing.map_or(by, |closing| closing.cashier.clone());
    Receipt {
        title: identity.store.name.clone(),
        address: identity.store.address.clone(),
        terminal: identity.terminal,
        sale: identity.sale_key(shift.opened),
        order_number: None,
        at_local: local_text(at, &identity.store.zone),
        cashier: by.as_ref().map(name),
        kind: ReceiptKind::Shift(Box::new(ShiftReport {
            ended: closing.is_some(),
            since_local: local_text(shift.at, &identity.store.zone),
            opened_by: shift.cashier.as_ref().map(name),
            totals: shift.totals.clone(),
            counted: closing.map(|closing| closing.counted.clone()).unwrap_or_default(),
            over_minor: closing.map(evertill_shared::shift::Closing::over_minor),
            pending,
            approved_by: closing.and_then(|closing| closing.approved_by.as_ref()).map(name),
        })),
        lines: Vec::new(),
        discount: None,
        note: None,
        total: shift.totals.expected(),
        tax: Vec::new(),
        tenders: Vec::new(),
        copy: false,
        copy_number: 0,
        offline: false,
    }
}
