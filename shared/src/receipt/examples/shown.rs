//! What is shown of a template while somebody changes it: the papers on which most can go wrong.

use super::order;
use crate::id::{RefundId, SaleKey, TerminalId};
use crate::money::Amount;
use crate::order::discount::{Percent, Reason, ReasonKind};
use crate::protocol::store::StoreInfo;
use crate::receipt::{
    Receipt, ReceiptDiscount, ReceiptKind, ReceiptLine, ReceiptPriceChange, ReceiptTax, ReceiptTender,
};
use crate::wallet::Wallet;

/// A paper of some shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A sale with discounts, a name of several lines, two rates of tax, paid in cash and by a wallet.
    Sale,
    /// A part of it that went back to the wallet.
    Refund,
    /// The second copy of the sale's receipt.
    Copy,
}

impl Shown {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sale, Self::Refund, Self::Copy];

    /// As pages name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Refund => "refund",
            Self::Copy => "copy",
        }
    }

    /// Its receipt in this shop. `None` never happens: every number in here is a possible one.
    #[must_use]
    pub fn receipt(self, shop: &StoreInfo) -> Option<Receipt> {
        let sale = Maker(shop).sale()?;
        Some(match self {
            Self::Sale => sale,
            Self::Refund => Maker(shop).refund(sale)?,
            Self::Copy => sale.as_copy(2),
        })
    }
}

struct Maker<'a>(&'a StoreInfo);

impl Maker<'_> {
    fn sum(&self, minor: i64) -> Amount {
        Amount::new(minor, self.0.currency)
    }

    fn off(&self, minor: i64, percent: Option<u16>, kind: ReasonKind) -> ReceiptDiscount {
        ReceiptDiscount {
            amount: self.sum(minor),
            percent: percent.map(Percent),
            reason: Reason::usual(kind),
        }
    }

    fn lines(&self) -> Vec<ReceiptLine> {
        let by_tag = Reason::usual(ReasonKind::PriceTag);
        let tea = ReceiptLine {
            discount: Some(self.off(2_680, Some(1_000), ReasonKind::Damaged)),
            ..ReceiptLine::plain(
                "有机高山冻顶乌龙茶礼盒装（清香型）两罐装附手提袋及茶则".into(),
                1,
                self.sum(26_800),
                self.sum(24_120),
            )
        };
        let bread = ReceiptLine {
            price_change: Some(ReceiptPriceChange { was: self.sum(1_500), reason: by_tag }),
            note: Some("cut in two".into()),
            ..ReceiptLine::plain("Wholemeal bread with walnuts".into(), 1, self.sum(1_200), self.sum(1_200))
        };
        vec![tea, ReceiptLine::plain("绿茶 500ml".into(), 3, self.sum(450), self.sum(1_350)), bread]
    }

    fn sale(&self) -> Option<Receipt> {
        let terminal = TerminalId::try_from(3).ok()?;
        Some(Receipt {
            title: self.0.name.clone(),
            address: self.0.address.clone(),
            terminal,
            sale: SaleKey { terminal, epoch: 1, sequence: 42 },
            order_number: Some(order()?),
            at_local: "2026-11-20 14:03:07".into(),
            cashier: Some("李梅 Li Mei".into()),
            kind: ReceiptKind::Sale,
            lines: self.lines(),
            discount: Some(self.off(670, None, ReasonKind::Regular)),
            total: self.sum(26_000),
            note: Some("collect at five".into()),
            tax: vec![
                ReceiptTax { rate: "9%".into(), amount: self.sum(97) },
                ReceiptTax { rate: "13%".into(), amount: self.sum(2_857) },
            ],
            tenders: vec![
                ReceiptTender::Cash { given: self.sum(10_000), change: self.sum(0) },
                ReceiptTender::Wallet {
                    wallet: Wallet::WeChatPay,
                    amount: self.sum(16_000),
                    channel_transaction: Some("4200002026112014030712345678".into()),
                },
            ],
            copy: false,
            copy_number: 0,
            offline: false,
        })
    }

    fn refund(&self, sale: Receipt) -> Option<Receipt> {
        let amount = self.sum(1_350);
        Some(Receipt {
            at_local: "2026-11-20 17:21:55".into(),
            kind: ReceiptKind::Refund {
                refund_id: RefundId("R-20261120-1".into()),
                amount,
                original_order: order()?,
                approved_by: "王芳 Wang Fang".into(),
            },
            lines: Vec::new(),
            discount: None,
            note: None,
            tax: Vec::new(),
            tenders: vec![ReceiptTender::Wallet {
                wallet: Wallet::WeChatPay,
                amount,
                channel_transaction: None,
            }],
            ..sale
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paid(receipt: &Receipt) -> i64 {
        let of = |tender: &ReceiptTender| match tender {
            ReceiptTender::Cash { given, change } => given.minor - change.minor,
            ReceiptTender::Wallet { amount, .. } => amount.minor,
        };
        receipt.tenders.iter().map(of).sum()
    }

    #[test]
    fn what_is_shown_adds_up_as_a_tills_receipt_does() {
        let shop = StoreInfo {
            id: crate::id::StoreId::try_from(1).unwrap(),
            name: "街角小店".into(),
            address: vec!["长街一号".into()],
            currency: crate::money::Currency::CNY,
            zone: "Asia/Shanghai".parse().unwrap(),
            cut_off_minutes: 0,
        };
        let shown = |which: Shown| which.receipt(&shop).unwrap();
        let sale = shown(Shown::Sale);
        assert_eq!(sale.subtotal().minor, sale.lines.iter().map(|line| line.total.minor).sum::<i64>());
        assert_eq!((paid(&sale), sale.tenders.len()), (sale.total.minor, 2));
        assert_eq!(sale.saved(), Amount::new(2_680 + 300 + 670, shop.currency));
        let ReceiptKind::Refund { amount, .. } = shown(Shown::Refund).kind else { panic!("no refund") };
        assert_eq!(paid(&shown(Shown::Refund)), amount.minor);
        assert_eq!(shown(Shown::Copy), sale.as_copy(2));
        assert!(Shown::ALL.iter().all(|which| shown(*which).title == "街角小店"));
    }
}
