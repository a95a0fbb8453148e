//! A receipt for the till's printer: in the till's language, as far as the printer has its letters.

use crate::view::Language;
use evertill_hardware::escpos::profile::TextEncoding;
use evertill_hardware::{Document, Size, Style};
use evertill_shared::receipt::Receipt;
use evertill_shared::receipt::layout::{self, Labels};
use evertill_shared::receipt::template::Template;

/// What the look depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look<'a> {
    /// The language of the labels; names of goods stay as they are.
    pub language: Language,
    /// What stands where.
    pub template: &'a Template,
}

/// Lays a receipt out.
#[must_use]
pub fn document(receipt: &Receipt, look: Look<'_>) -> Document {
    document_for(receipt, look, TextEncoding::Gb18030)
}

/// The same for a printer that knows these characters: the till's own words are such as it can print.
#[must_use]
pub fn document_for(receipt: &Receipt, look: Look<'_>, characters: TextEncoding) -> Document {
    written(Document::new(), receipt, look, characters).feed(2).cut()
}

/// What a till in training prints: first and last on it stands that it is none, in both languages, whatever the template.
#[must_use]
pub fn practice_document(receipt: &Receipt, look: Look<'_>, characters: TextEncoding) -> Document {
    let marked = practice_mark(Document::new(), characters);
    practice_mark(written(marked, receipt, look, characters), characters).feed(2).cut()
}

fn practice_mark(paper: Document, characters: TextEncoding) -> Document {
    let mark = Style::PLAIN.centered().bold().sized(Size::TALL);
    let paper = paper.text("TRAINING - NOT A RECEIPT", mark);
    let knows_chinese = characters == TextEncoding::Gb18030;
    if knows_chinese { paper.text("练习 - 不是小票", mark) } else { paper }.separator()
}

fn written(paper: Document, receipt: &Receipt, look: Look<'_>, characters: TextEncoding) -> Document {
    let language = look.language.for_paper(characters);
    let words = &labels(language, characters);
    layout::written(paper, receipt, (words, look.template), |paper, report| {
        super::shift::report(paper, receipt, report, (language, characters))
    })
}

/// The words of a language, for a printer that knows these characters.
fn labels(language: Language, characters: TextEncoding) -> Labels {
    match language {
        Language::English => Labels::english(),
        Language::Chinese => Labels::chinese(),
        Language::Added(added) => {
            Labels::added(added.code(), |word| language.printed(word, word, characters))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::id::{SaleKey, TerminalId};
    use evertill_shared::money::{Amount, Currency};
    use evertill_shared::order::discount::{Percent, Reason, ReasonKind};
    use evertill_shared::receipt::{
        ReceiptDiscount, ReceiptKind, ReceiptLine, ReceiptPriceChange, ReceiptTax, ReceiptTender,
    };

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
        document(receipt, Look { language, template: &Template::default() }).to_text(48)
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
    fn training_stands_first_and_last_on_its_paper_in_both_languages_whatever_the_receipt() {
        for receipt in [receipt(), receipt().as_copy(2)] {
            for language in [Language::English, Language::Chinese] {
                let look = Look { language, template: &Template::default() };
                let text = practice_document(&receipt, look, TextEncoding::Gb18030).to_text(32);
                let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
                assert_eq!(lines[..2], ["TRAINING - NOT A RECEIPT", "练习 - 不是小票"], "{text}");
                let end = &lines[lines.len() - 3..];
                assert!(
                    end.contains(&"TRAINING - NOT A RECEIPT") && end.contains(&"练习 - 不是小票"),
                    "{text}"
                );
                assert!(!document(&receipt, look).to_text(32).contains("TRAINING"));
                let narrow = practice_document(&receipt, look, TextEncoding::Ascii).to_text(32);
                assert_eq!(narrow.matches("TRAINING - NOT A RECEIPT").count(), 2, "{narrow}");
                assert!(!narrow.contains('练'), "a printer without Chinese prints it as ???: {narrow}");
            }
        }
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
            serial: Some("SN-0042".into()),
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
        stands("S/N SN-0042", "");
        stands("Note collect at five", "");
        let chinese = text(&receipt, Language::Chinese);
        assert!(chinese.contains("序列号 SN-0042"), "{chinese}");
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
            let look = Look { language: Language::Chinese, template: &Template::default() };
            let text = document(&receipt, look).to_text(columns);
            for line in text.lines() {
                let width: usize = line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
                assert!(width <= usize::from(columns), "{line:?} in {columns}");
            }
        }
    }
}
