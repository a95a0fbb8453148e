//! A receipt as data: what is on it, not how it looks. The till lays it out for its printer and its screen.

pub mod examples;
pub mod layout;
pub mod template;

use crate::id::{RefundId, SaleKey, TerminalId};
use crate::money::Amount;
use crate::order::discount::{Discount, Percent, PriceChange, Reason};
use crate::order::line::Line;
use crate::order_number::OrderNumber;
use crate::shift::{Counted, Pending, Totals};
use crate::wallet::Wallet;
use serde::{Deserialize, Serialize};

/// One receipt. All texts are ready to be shown; all amounts are in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The store's name, as the heading.
    pub title: String,
    /// The store's address and whatever else stands under its name, line by line.
    pub address: Vec<String>,
    /// The till that made the sale or the refund.
    pub terminal: TerminalId,
    /// The sale, by the name that it had on the till's disk from its first moment.
    pub sale: SaleKey,
    /// The order; none while the server has not been reached. It is printed as a QR code too.
    pub order_number: Option<OrderNumber>,
    /// When, by the store's wall clock, `2026-11-20 14:03:07`.
    pub at_local: String,
    /// Who served, if it is to be shown.
    pub cashier: Option<String>,
    /// A sale or a refund.
    pub kind: ReceiptKind,
    /// The goods.
    pub lines: Vec<ReceiptLine>,
    /// What was taken off the whole sale, after what was taken off its lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<ReceiptDiscount>,
    /// What is to be paid for the goods, tax included.
    pub total: Amount,
    /// What the customer wanted to be noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The tax within the total, by rate.
    pub tax: Vec<ReceiptTax>,
    /// How it was paid, or paid back.
    pub tenders: Vec<ReceiptTender>,
    /// A reprint: it must say that it is a copy, and no drawer opens for it.
    pub copy: bool,
    /// Which copy it is, 1 for the first; 0 for the receipt itself, and for copies from before they were counted.
    #[serde(default, skip_serializing_if = "is_uncounted")]
    pub copy_number: u32,
    /// Made without the server: it must say that the sale will be reported later.
    pub offline: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
fn is_uncounted(copy_number: &u32) -> bool {
    *copy_number == 0
}

/// What a receipt is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ReceiptKind {
    /// Goods were sold.
    Sale,
    /// Money went back for an earlier order.
    Refund {
        /// The refund's number, the same at every retry.
        refund_id: RefundId,
        /// What went back; may be part of the order.
        amount: Amount,
        /// The order that was refunded.
        original_order: OrderNumber,
        /// The manager who approved it.
        approved_by: String,
    },
    /// What happened in a shift.
    Shift(Box<ShiftReport>),
}

/// A shift on paper: of one that is open (X report), or of one that has ended (Z report).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftReport {
    /// It has ended.
    pub ended: bool,
    /// When it was opened, by the store's wall clock.
    pub since_local: String,
    /// Who opened it.
    pub opened_by: Option<String>,
    /// The sums.
    pub totals: Totals,
    /// What was counted; nothing before it ended.
    pub counted: Vec<Counted>,
    /// What was counted less what should have been there, in minor units; nothing before it ended.
    pub over_minor: Option<i64>,
    /// What was not settled.
    pub pending: Pending,
    /// Who approved that it was ended, if who counted may not.
    pub approved_by: Option<String>,
}

/// One kind of goods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptLine {
    /// What it is.
    pub name: String,
    /// How many pieces.
    pub quantity: u32,
    /// The price of one.
    pub unit: Amount,
    /// The price of all, after what was taken off this line.
    pub total: Amount,
    /// What was taken off this line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<ReceiptDiscount>,
    /// The price of one was overridden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_change: Option<ReceiptPriceChange>,
    /// What somebody wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The serial number of the piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
}

/// What was taken off, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptDiscount {
    /// How much.
    pub amount: Amount,
    /// The share that it was given as, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Percent>,
    /// Why.
    pub reason: Reason,
}

/// Another price than the goods' own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptPriceChange {
    /// The price of one before.
    pub was: Amount,
    /// Why.
    pub reason: Reason,
}

impl From<&Discount> for ReceiptDiscount {
    fn from(discount: &Discount) -> Self {
        Self { amount: discount.amount, percent: discount.percent, reason: discount.reason.clone() }
    }
}

impl From<&PriceChange> for ReceiptPriceChange {
    fn from(change: &PriceChange) -> Self {
        Self { was: change.was, reason: change.reason.clone() }
    }
}

impl ReceiptLine {
    /// Goods at their own price.
    #[must_use]
    pub const fn plain(name: String, quantity: u32, unit: Amount, total: Amount) -> Self {
        Self { name, quantity, unit, total, discount: None, price_change: None, note: None, serial: None }
    }

    /// The price of all before anything was taken off this line.
    #[must_use]
    pub fn gross(&self) -> Amount {
        let taken = self.discount.as_ref().map(|discount| discount.amount);
        taken.and_then(|taken| self.total.checked_add(taken).ok()).unwrap_or(self.total)
    }

    /// What the customer saves on it: by a discount, and by a lower price than before.
    fn saved_minor(&self) -> i64 {
        let lower = self.price_change.as_ref().map_or(0, |change| {
            change.was.minor.saturating_sub(self.unit.minor).max(0).saturating_mul(i64::from(self.quantity))
        });
        let taken = self.discount.as_ref().map_or(0, |discount| discount.amount.minor);
        lower.saturating_add(taken)
    }
}

impl From<&Line> for ReceiptLine {
    /// A line of a sale, before its part of what was taken off the whole.
    fn from(line: &Line) -> Self {
        Self {
            name: line.name.clone(),
            quantity: line.quantity,
            unit: line.unit_price,
            // The sale was checked when it was closed: these sums fit.
            total: line.net().unwrap_or(line.total),
            discount: line.discount.as_ref().map(ReceiptDiscount::from),
            price_change: line.price_change.as_ref().map(ReceiptPriceChange::from),
            note: line.note.clone(),
            serial: line.serial.clone(),
        }
    }
}

/// The tax of one rate within the total.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptTax {
    /// The rate as text, `13 %`.
    pub rate: String,
    /// The tax.
    pub amount: Amount,
}

/// How a sale was paid, or a refund paid out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tender", rename_all = "snake_case", deny_unknown_fields)]
pub enum ReceiptTender {
    /// Coins and notes.
    Cash {
        /// What the customer gave.
        given: Amount,
        /// What the customer got back. For a refund in cash: what was paid out, with nothing given.
        change: Amount,
    },
    /// A wallet on the customer's phone.
    Wallet {
        /// Whose.
        wallet: Wallet,
        /// What was charged or sent back.
        amount: Amount,
        /// The channel's own number, which the customer sees on the phone; none if it is not known yet.
        channel_transaction: Option<String>,
    },
}

impl Receipt {
    /// This receipt as it is printed again: the first copy, the second, and so on.
    #[must_use]
    pub fn as_copy(&self, copy_number: u32) -> Self {
        Self { copy: true, copy_number, ..self.clone() }
    }

    /// What the goods cost together before anything was taken off the whole.
    #[must_use]
    pub fn subtotal(&self) -> Amount {
        let taken = self.discount.as_ref().map(|discount| discount.amount);
        taken.and_then(|taken| self.total.checked_add(taken).ok()).unwrap_or(self.total)
    }

    /// What the customer saves altogether.
    #[must_use]
    pub fn saved(&self) -> Amount {
        let whole = self.discount.as_ref().map_or(0, |discount| discount.amount.minor);
        let minor = self.lines.iter().fold(whole, |sum, line| sum.saturating_add(line.saved_minor()));
        Amount::new(minor, self.total.currency)
    }

    /// What the QR code at the foot holds: the order's number, or the sale's name while it has none.
    #[must_use]
    pub fn qr_text(&self) -> String {
        self.order_number.map_or_else(|| self.sale.to_string(), |number| number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::money::Currency;
    use crate::order_number::GroupTag;

    fn cny(minor: i64) -> Amount {
        Amount::new(minor, Currency::CNY)
    }

    fn order() -> OrderNumber {
        OrderNumber::new(Timestamp(1_795_183_387_123), 48_151, GroupTag::try_from(7).unwrap()).unwrap()
    }

    fn receipt() -> Receipt {
        let terminal = TerminalId::try_from(3).unwrap();
        Receipt {
            title: "Corner shop".into(),
            address: vec!["1 Long Street".into()],
            terminal,
            sale: SaleKey { terminal, epoch: 1, sequence: 42 },
            order_number: Some(order()),
            at_local: "2026-11-20 14:03:07".into(),
            cashier: Some("Li".into()),
            kind: ReceiptKind::Sale,
            lines: vec![ReceiptLine::plain("Tea".into(), 2, cny(350), cny(700))],
            discount: None,
            total: cny(700),
            note: None,
            tax: vec![ReceiptTax { rate: "13 %".into(), amount: cny(81) }],
            tenders: vec![
                ReceiptTender::Cash { given: cny(500), change: cny(0) },
                ReceiptTender::Wallet {
                    wallet: Wallet::Alipay,
                    amount: cny(200),
                    channel_transaction: Some("2026112022001".into()),
                },
            ],
            copy: false,
            copy_number: 0,
            offline: false,
        }
    }

    #[test]
    fn a_receipt_survives_storage() {
        let refund = ReceiptKind::Refund {
            refund_id: RefundId("R1".into()),
            amount: cny(350),
            original_order: order(),
            approved_by: "Wang".into(),
        };
        let shift = crate::shift::Shift::open(2, Timestamp(0), cny(100), None).unwrap();
        let report = ReceiptKind::Shift(Box::new(ShiftReport {
            ended: true,
            since_local: "2026-11-20 08:00:00".into(),
            opened_by: Some("Li".into()),
            totals: Totals { wallet_sales: [(Wallet::Alipay, Default::default())].into(), ..shift.totals },
            counted: vec![Counted { value_minor: 100, pieces: 1 }],
            over_minor: Some(0),
            pending: Pending::default(),
            approved_by: None,
        }));
        for original in [
            receipt(),
            Receipt { kind: refund, order_number: None, cashier: None, ..receipt() },
            Receipt { kind: report, ..receipt() },
        ] {
            let json = serde_json::to_string(&original).unwrap();
            assert_eq!(serde_json::from_str::<Receipt>(&json).unwrap(), original);
        }
    }

    #[test]
    fn a_receipt_from_before_there_were_discounts_reads_and_is_written_as_it_was() {
        let text = serde_json::to_string(&receipt()).unwrap();
        assert!(!text.contains("discount") && !text.contains("note") && !text.contains("price_change"));
        assert_eq!(serde_json::from_str::<Receipt>(&text).unwrap(), receipt());
    }

    #[test]
    fn what_a_customer_saves_is_every_discount_and_every_lower_price() {
        let reason = Reason::usual(crate::order::discount::ReasonKind::Damaged);
        let off = |minor| ReceiptDiscount { amount: cny(minor), percent: None, reason: reason.clone() };
        let change = |minor| Some(ReceiptPriceChange { was: cny(minor), reason: reason.clone() });
        let tea = ReceiptLine {
            discount: Some(off(70)),
            price_change: change(400),
            ..ReceiptLine::plain("Tea".into(), 2, cny(350), cny(630))
        };
        let dearer = ReceiptLine {
            price_change: change(100),
            ..ReceiptLine::plain("Bag".into(), 1, cny(130), cny(130))
        };
        assert_eq!(tea.gross(), cny(700));
        let all = Receipt {
            lines: vec![tea, dearer],
            discount: Some(off(60)),
            total: cny(700),
            note: Some("by the door".into()),
            ..receipt()
        };
        assert_eq!((all.subtotal(), all.saved()), (cny(760), cny(70 + 100 + 60)));
        let json = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Receipt>(&json).unwrap(), all);
        assert_eq!(receipt().saved(), cny(0));
    }

    #[test]
    fn a_copy_differs_in_nothing_but_that_it_is_one() {
        let copy = receipt().as_copy(2);
        assert!(copy.copy && copy.copy_number == 2);
        assert_eq!(Receipt { copy: false, copy_number: 0, ..copy }, receipt());
    }

    #[test]
    fn receipts_that_were_stored_before_copies_were_counted_are_read() {
        let text = serde_json::to_string(&receipt()).unwrap();
        assert!(!text.contains("copy_number"), "what is no copy is stored as ever: {text}");
        let old = text.replace("\"copy\":false", "\"copy\":true");
        let read: Receipt = serde_json::from_str(&old).unwrap();
        assert_eq!((read.copy, read.copy_number), (true, 0));
    }

    #[test]
    fn a_sale_that_no_server_has_seen_has_a_qr_code_too() {
        assert_eq!(receipt().qr_text(), order().to_string());
        assert_eq!(Receipt { order_number: None, ..receipt() }.qr_text(), "T0003-1-42");
    }
}
