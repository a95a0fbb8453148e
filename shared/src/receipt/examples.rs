//! Receipts of a shop that does not exist: to see how a layout looks before a customer does.

mod shown;

pub use shown::Shown;

use crate::clock::Timestamp;
use crate::id::{RefundId, SaleKey, TerminalId};
use crate::money::{Amount, Currency};
use crate::order::discount::{Percent, Reason, ReasonKind};
use crate::order_number::{GroupTag, OrderNumber};
use crate::receipt::{
    Receipt, ReceiptDiscount, ReceiptKind, ReceiptLine, ReceiptPriceChange, ReceiptTax, ReceiptTender,
    ShiftReport,
};
use crate::shift::{Counted, Pending, Shift};
use crate::wallet::Wallet;

/// A kind of paper that comes out of a till.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Example {
    /// A sale paid by a wallet, with discounts, a changed price and notes.
    Sale,
    /// A sale in cash while the server is not reached.
    Offline,
    /// The second copy of the sale's receipt.
    Copy,
    /// A refund to a wallet.
    Refund,
    /// A refund in cash.
    CashRefund,
    /// The end of a shift.
    Shift,
}

impl Example {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Sale, Self::Offline, Self::Copy, Self::Refund, Self::CashRefund, Self::Shift];

    /// As commands name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Offline => "offline",
            Self::Copy => "copy",
            Self::Refund => "refund",
            Self::CashRefund => "cash-refund",
            Self::Shift => "shift",
        }
    }

    /// What it is, in a few words.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Sale => "A sale paid by a wallet, with discounts, a changed price and notes",
            Self::Offline => "A sale in cash while the server is not reached",
            Self::Copy => "The second copy of the sale's receipt",
            Self::Refund => "A refund to a wallet",
            Self::CashRefund => "A refund in cash",
            Self::Shift => "The end of a shift",
        }
    }

    /// Its receipt. `None` never happens: every number in here is a possible one.
    #[must_use]
    pub fn receipt(self) -> Option<Receipt> {
        let sale = sale()?;
        Some(match self {
            Self::Sale => sale,
            Self::Offline => offline(sale),
            Self::Copy => sale.as_copy(2),
            Self::Refund => refund(sale, |amount| ReceiptTender::Wallet {
                wallet: Wallet::WeChatPay,
                amount,
                channel_transaction: None,
            })?,
            Self::CashRefund => refund(sale, |amount| ReceiptTender::Cash { given: cny(0), change: amount })?,
            Self::Shift => shift(sale)?,
        })
    }
}

fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

fn order() -> Option<OrderNumber> {
    OrderNumber::new(Timestamp(1_795_183_387_123), 48_151, GroupTag::try_from(7).ok()?).ok()
}

fn off(minor: i64, percent: Option<u16>, kind: ReasonKind) -> ReceiptDiscount {
    ReceiptDiscount { amount: cny(minor), percent: percent.map(Percent), reason: Reason::usual(kind) }
}

fn sale() -> Option<Receipt> {
    let terminal = TerminalId::try_from(3).ok()?;
    let opened = Reason { kind: ReasonKind::Other, text: "opened by mistake".into() };
    let tea = ReceiptLine {
        discount: Some(off(135, Some(1_000), ReasonKind::NearExpiry)),
        ..ReceiptLine::plain("茉莉花茶 500ml".into(), 3, cny(450), cny(1_215))
    };
    let bread = ReceiptLine {
        price_change: Some(ReceiptPriceChange { was: cny(800), reason: opened }),
        note: Some("cut in two".into()),
        ..ReceiptLine::plain(
            "Wholemeal bread with walnuts, from the oven next door".into(),
            1,
            cny(600),
            cny(600),
        )
    };
    let bag = ReceiptLine::plain("购物袋".into(), 1, cny(30), cny(30));
    Some(Receipt {
        title: "Corner Shop 街角小店".into(),
        address: vec!["1 Long Street 长街一号".into(), "Tel. 010-5555 0100".into()],
        terminal,
        sale: SaleKey { terminal, epoch: 1, sequence: 42 },
        order_number: Some(order()?),
        at_local: "2026-11-20 14:03:07".into(),
        cashier: Some("Li Mei".into()),
        kind: ReceiptKind::Sale,
        lines: vec![tea, bread, bag],
        discount: Some(off(45, None, ReasonKind::Regular)),
        total: cny(1_800),
        note: Some("collect at five".into()),
        tax: vec![
            ReceiptTax { rate: "9%".into(), amount: cny(49) },
            ReceiptTax { rate: "13%".into(), amount: cny(140) },
        ],
        tenders: vec![ReceiptTender::Wallet {
            wallet: Wallet::WeChatPay,
            amount: cny(1_800),
            channel_transaction: Some("4200002026112014030712345678".into()),
        }],
        copy: false,
        copy_number: 0,
        offline: false,
    })
}

fn offline(sale: Receipt) -> Receipt {
    Receipt {
        order_number: None,
        offline: true,
        cashier: None,
        discount: None,
        note: None,
        lines: vec![ReceiptLine::plain("绿茶".into(), 3, cny(450), cny(1_350))],
        total: cny(1_350),
        tax: vec![ReceiptTax { rate: "13%".into(), amount: cny(155) }],
        tenders: vec![ReceiptTender::Cash { given: cny(2_000), change: cny(650) }],
        ..sale
    }
}

fn refund(sale: Receipt, tender: impl FnOnce(Amount) -> ReceiptTender) -> Option<Receipt> {
    let amount = cny(600);
    Some(Receipt {
        kind: ReceiptKind::Refund {
            refund_id: RefundId("R-20261120-1".into()),
            amount,
            original_order: order()?,
            approved_by: "Wang Fang".into(),
        },
        lines: Vec::new(),
        discount: None,
        note: None,
        tax: Vec::new(),
        tenders: vec![tender(amount)],
        ..sale
    })
}

fn shift(sale: Receipt) -> Option<Receipt> {
    let mut totals = Shift::open(2, Timestamp(0), cny(20_000), None).ok()?.totals;
    totals.cash_sales.count = 31;
    totals.cash_sales.minor = 84_250;
    totals.tax_minor = 9_692;
    totals.voids.count = 1;
    totals.voids.minor = 450;
    totals.no_sales = 2;
    let report = ShiftReport {
        ended: true,
        since_local: "2026-11-20 07:58:40".into(),
        opened_by: sale.cashier.clone(),
        totals: totals.clone(),
        counted: vec![Counted { value_minor: 10_000, pieces: 10 }, Counted { value_minor: 500, pieces: 8 }],
        over_minor: Some(-250),
        pending: Pending { unsent: 1, ..Pending::default() },
        approved_by: Some("Wang Fang".into()),
    };
    Some(Receipt {
        kind: ReceiptKind::Shift(Box::new(report)),
        order_number: None,
        lines: Vec::new(),
        discount: None,
        note: None,
        tax: Vec::new(),
        tenders: Vec::new(),
        total: totals.expected(),
        ..sale
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_a_receipt_whose_sums_fit() {
        for example in Example::ALL {
            let receipt = example.receipt().unwrap();
            if receipt.kind == ReceiptKind::Sale {
                let lines = receipt.lines.iter().map(|line| line.total.minor).sum::<i64>();
                assert_eq!(receipt.subtotal().minor, lines, "{example:?}");
            }
        }
    }
}
