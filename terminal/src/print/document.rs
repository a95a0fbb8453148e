//! How a receipt looks on paper.

use super::labels::{Labels, labels};
use crate::view::Language;
use evertill_hardware::{Document, Size, Style};
use evertill_shared::receipt::{Receipt, ReceiptKind, ReceiptLine, ReceiptTender};
use evertill_shared::wallet::Wallet;

/// What the look depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The language of the labels; names of goods stay as they are.
    pub language: Language,
}

/// Lays a receipt out.
#[must_use]
pub fn document(receipt: &Receipt, look: Look) -> Document {
    let words = labels(look.language);
    let mut page = Document::new();
    if receipt.copy {
        // Before all else: a copy that breaks off half-way is marked too.
        page = page.text(copy_mark(receipt, words), Style::PLAIN.centered().bold().sized(Size::TALL));
        page = copy_warning(page, receipt, words);
    }
    page = page.text(&receipt.title, Style::PLAIN.centered().bold().sized(Size::DOUBLE));
    for line in &receipt.address {
        page = page.text(line, Style::PLAIN.centered());
    }
    page = page.feed(1);
    page = match &receipt.kind {
        ReceiptKind::Sale => sale(page, receipt, words),
        ReceiptKind::Refund { .. } => refund(page, receipt, words),
        ReceiptKind::Shift(report) => {
            let page = super::shift::report(page, receipt, report, look.language);
            let mark = |page: Document| page.text(copy_mark(receipt, words), Style::PLAIN.centered().bold());
            return if receipt.copy { mark(page) } else { page }.feed(2).cut();
        }
    };
    foot(page, receipt, words)
}

fn copy_mark(receipt: &Receipt, words: &Labels) -> String {
    let (before, after) = words.copy_counted;
    match receipt.copy_number {
        0 => words.copy.to_owned(),
        number => format!("{before}{number}{after}"),
    }
}

/// Goods must not leave twice because a receipt was printed twice.
fn copy_warning(page: Document, receipt: &Receipt, words: &Labels) -> Document {
    match receipt.kind {
        ReceiptKind::Sale => page.text(words.copy_warning, Style::PLAIN.centered().bold()),
        ReceiptKind::Refund { .. } | ReceiptKind::Shift(_) => page,
    }
}

fn sale(mut page: Document, receipt: &Receipt, words: &Labels) -> Document {
    page = page.separator();
    for line in &receipt.lines {
        page = goods(page, line);
    }
    page = page.separator();
    let total = Style::PLAIN.bold().sized(Size::DOUBLE);
    page = page.styled_columns(words.total, receipt.total.to_string(), total);
    for tax in &receipt.tax {
        page = page.columns(format!("{} {}", words.tax, tax.rate), tax.amount.to_string());
    }
    page = page.separator();
    for tender in &receipt.tenders {
        page = match tender {
            ReceiptTender::Cash { given, change } => {
                page.columns(words.cash, given.to_string()).columns(words.change, change.to_string())
            }
            ReceiptTender::Wallet { .. } => wallet(page, tender, words),
        };
    }
    page
}

fn goods(page: Document, line: &ReceiptLine) -> Document {
    let page = page.line(&line.name);
    page.columns(format!("  {} x {}", line.quantity, line.unit), line.total.to_string())
}

fn wallet(page: Document, tender: &ReceiptTender, words: &Labels) -> Document {
    let ReceiptTender::Wallet { wallet, amount, channel_transaction } = tender else { return page };
    let name = match wallet {
        Wallet::WeChatPay => words.wechat,
        Wallet::Alipay => words.alipay,
    };
    let page = page.columns(name, amount.to_string());
    match channel_transaction {
        Some(number) => page.line(format!("{} {number}", words.transaction)),
        None => page,
    }
}

fn refund(mut page: Document, receipt: &Receipt, words: &Labels) -> Document {
    let ReceiptKind::Refund { refund_id, amount, original_order, approved_by } = &receipt.kind else {
        return page;
    };
    page = page.text(words.refund, Style::PLAIN.centered().bold().sized(Size::DOUBLE)).separator();
    let total = Style::PLAIN.bold().sized(Size::DOUBLE);
    page = page.styled_columns(words.refunded, amount.to_string(), total);
    for tender in &receipt.tenders {
        page = match tender {
            ReceiptTender::Cash { change, .. } => page.columns(words.paid_out, change.to_string()),
            ReceiptTender::Wallet { .. } => wallet(page, tender, words),
        };
    }
    page.separator()
        .line(format!("{} {refund_id}", words.refund_number))
        .line(format!("{} {original_order}", words.of_order))
        .line(format!("{} {approved_by}", words.approved_by))
}

fn foot(mut page: Document, receipt: &Receipt, words: &Labels) -> Document {
    page = page
        .separator()
        .columns(format!("{} {}", words.till, receipt.terminal), &receipt.at_local)
        .line(format!("{} {}", words.sale, receipt.sale));
    if let Some(cashier) = &receipt.cashier {
        page = page.line(format!("{} {cashier}", words.cashier));
    }
    if let (Some(number), ReceiptKind::Sale) = (receipt.order_number, &receipt.kind) {
        page = page.line(format!("{} {number}", words.order));
    }
    if receipt.offline {
        page = page.text(words.offline, Style::PLAIN.bold());
    }
    page = page.feed(1).qr(receipt.qr_text());
    if receipt.copy {
        page = page.text(copy_mark(receipt, words), Style::PLAIN.centered().bold());
        page = copy_warning(page, receipt, words);
    }
    page.feed(2).cut()
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::id::{SaleKey, TerminalId};
    use evertill_shared::money::{Amount, Currency};
    use evertill_shared::receipt::ReceiptTax;

    fn cny(minor: i64) -> Amount {
        Amount::new(minor, Currency::CNY)
    }

    fn receipt() -> Receipt {
        let terminal = TerminalId::try_from(1).unwrap();
        Receipt {
            title: "Corner Store".into(),
            address: vec!["1 Long Road".into()],
            terminal,
            sale: SaleKey { terminal, epoch: 1, sequence: 42 },
            order_number: None,
            at_local: "2026-11-20 14:03:07".into(),
            cashier: None,
            kind: ReceiptKind::Sale,
            lines: vec![ReceiptLine { name: "绿茶".into(), quantity: 3, unit: cny(450), total: cny(1350) }],
            total: cny(1350),
            tax: vec![ReceiptTax { rate: "13%".into(), amount: cny(155) }],
            tenders: vec![ReceiptTender::Cash { given: cny(2000), change: cny(650) }],
            copy: false,
            copy_number: 0,
            offline: true,
        }
    }

    fn text(receipt: &Receipt, language: Language) -> String {
        document(receipt, Look { language }).to_text(48)
    }

    #[test]
    fn an_offline_receipt_says_so_and_carries_the_sales_own_number() {
        let text = text(&receipt(), Language::English);
        assert!(text.contains("T0001-1-42") && text.contains("the order number follows"), "{text}");
        assert!(text.contains("3 x ￥4.50") && text.contains("￥13.50"), "{text}");
        assert!(text.contains("Change") && text.contains("￥6.50"), "{text}");
        assert!(!text.contains("COPY"), "{text}");
    }

    #[test]
    fn a_copy_says_that_it_is_one_in_either_language() {
        let english = text(&receipt().as_copy(3), Language::English);
        assert_eq!(english.matches("*** COPY 3 ***").count(), 2, "{english}");
        assert_eq!(english.matches("Hand out no goods").count(), 2, "{english}");
        let chinese = text(&receipt().as_copy(2), Language::Chinese);
        assert_eq!(chinese.matches("副本不得凭以提货").count(), 2, "{chinese}");
        assert!(chinese.contains("重印 第 2 份"), "{chinese}");
        assert!(
            chinese.contains("重印") && chinese.contains("合计") && chinese.contains("绿茶"),
            "{chinese}"
        );
    }

    #[test]
    fn no_line_is_wider_than_the_paper() {
        let mut receipt = receipt();
        receipt.lines[0].name = "很长的商品名称".repeat(12);
        for columns in [32_u16, 42, 48] {
            let text = document(&receipt, Look { language: Language::Chinese }).to_text(columns);
            for line in text.lines() {
                let width: usize = line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
                assert!(width <= usize::from(columns), "{line:?} in {columns}");
            }
        }
    }
}
