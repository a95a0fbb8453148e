//! How a receipt looks on paper.

use super::labels::{Labels, labels};
use crate::view::Language;
use evertill_hardware::{Document, Size, Style};
use evertill_shared::money::Amount;
use evertill_shared::order::discount::{Reason, ReasonKind};
use evertill_shared::receipt::{Receipt, ReceiptDiscount, ReceiptKind, ReceiptLine, ReceiptTender};
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
        page = goods(page, line, words);
    }
    page = page.separator();
    if let Some(discount) = &receipt.discount {
        page = page.columns(words.subtotal, receipt.subtotal().to_string());
        page = taken_off(page, discount, words);
    }
    let total = Style::PLAIN.bold().sized(Size::DOUBLE);
    page = page.styled_columns(words.total, receipt.total.to_string(), total);
    let saved = receipt.saved();
    if saved.is_positive() {
        page = page.styled_columns(words.saved, saved.to_string(), Style::PLAIN.bold());
    }
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

fn goods(page: Document, line: &ReceiptLine, words: &Labels) -> Document {
    let mut page = page.line(&line.name);
    page = page.columns(format!("  {} x {}", line.quantity, line.unit), line.gross().to_string());
    if let Some(change) = &line.price_change {
        page = page.line(format!("  {} {} · {}", words.was, change.was, why(&change.reason, words)));
    }
    if let Some(discount) = &line.discount {
        page = taken_off(page, discount, words);
    }
    match &line.note {
        Some(note) => page.line(format!("  {note}")),
        None => page,
    }
}

fn taken_off(page: Document, discount: &ReceiptDiscount, words: &Labels) -> Document {
    let share = discount.percent.map_or_else(String::new, |percent| format!(" {}", percent.to_text()));
    let less = Amount::new(discount.amount.minor.saturating_neg(), discount.amount.currency);
    page.columns(format!("  {}{share} · {}", words.discount, why(&discount.reason, words)), less.to_string())
}

/// The reason in the paper's words, and in somebody's own where there are any.
fn why(reason: &Reason, words: &Labels) -> String {
    match (words.reason(reason.kind), reason.text.trim()) {
        (usual, "") => usual.to_owned(),
        (_, own) if reason.kind == ReasonKind::Other => own.to_owned(),
        (usual, own) => format!("{usual}: {own}"),
    }
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
    if let (Some(note), ReceiptKind::Sale) = (&receipt.note, &receipt.kind) {
        page = page.line(format!("{} {note}", words.note));
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
    use evertill_shared::money::Currency;
    use evertill_shared::order::discount::Percent;
    use evertill_shared::receipt::{ReceiptPriceChange, ReceiptTax};

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
            lines: vec![ReceiptLine::plain("绿茶".into(), 3, cny(450), cny(1350))],
            discount: None,
            total: cny(1350),
            note: None,
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

    fn off(minor: i64, percent: Option<u16>, reason: Reason) -> ReceiptDiscount {
        ReceiptDiscount { amount: cny(minor), percent: percent.map(Percent), reason }
    }

    #[test]
    fn each_discount_stands_there_with_its_reason_and_what_the_customer_saves() {
        let opened = Reason { kind: ReasonKind::Other, text: "opened by mistake".into() };
        let line = ReceiptLine {
            discount: Some(off(135, Some(1_000), Reason::usual(ReasonKind::Damaged))),
            price_change: Some(ReceiptPriceChange { was: cny(500), reason: opened }),
            note: Some("for the office".into()),
            ..ReceiptLine::plain("绿茶".into(), 3, cny(450), cny(1_215))
        };
        let receipt = Receipt {
            lines: vec![line],
            discount: Some(off(215, None, Reason::usual(ReasonKind::Regular))),
            total: cny(1_000),
            note: Some("collect at five".into()),
            ..receipt()
        };
        let english = text(&receipt, Language::English);
        let stands = |left: &str, right: &str| {
            let found = english.lines().any(|line| line.contains(left) && line.ends_with(right));
            assert!(found, "{left} … {right} in {english}");
        };
        stands("3 x ￥4.50", "￥13.50");
        stands("Was ￥5.00 · opened by mistake", "");
        stands("Discount 10% · Damaged", "-￥1.35");
        stands("Subtotal", "￥12.15");
        stands("Discount · Regular customer", "-￥2.15");
        stands("TOTAL", "￥10.00");
        stands("You save", "￥5.00");
        stands("for the office", "");
        stands("Note collect at five", "");
        let chinese = text(&receipt, Language::Chinese);
        assert!(chinese.contains("折扣 10% · 商品破损") && chinese.contains("已优惠"), "{chinese}");
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
