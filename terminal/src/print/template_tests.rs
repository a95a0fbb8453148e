//! Whatever a shop makes of its template: what a receipt must say stands on it, and fits the paper.

use super::document::{Look, document};
use super::examples::Example;
use crate::view::Language;
use evertill_hardware::Profile;
use evertill_hardware::escpos::encode::encode;
use evertill_shared::receipt::template::{DEFAULT, Template};
use evertill_shared::receipt::{Receipt, ReceiptKind, ReceiptTender};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

fn text(receipt: &Receipt, language: Language, template: &Template, columns: u16) -> String {
    document(receipt, Look { language, template }).to_text(columns)
}

/// Without what wrapping adds: long texts are broken where the paper ends.
fn squeezed(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).collect()
}

/// What has to stand on the paper whatever the template says, by language.
fn must_say(receipt: &Receipt, language: Language) -> Vec<String> {
    let word = |english: &str, chinese: &str| match language {
        Language::English => english.to_owned(),
        Language::Chinese => chinese.to_owned(),
        Language::Added(_) => unreachable!(),
    };
    let mut all = vec![receipt.title.clone()];
    if receipt.copy {
        all.push(word("*** COPY 2 ***", "*** 重印 第 2 份 ***"));
    }
    if matches!(receipt.kind, ReceiptKind::Shift(_)) {
        return all;
    }
    all.extend([
        receipt.terminal.to_string(),
        receipt.sale.to_string(),
        receipt.at_local.clone(),
        receipt.qr_text(),
    ]);
    if receipt.offline {
        all.push(word("the order number follows", "订单号稍后生成"));
    }
    if let ReceiptKind::Refund { refund_id, amount, original_order, approved_by } = &receipt.kind {
        all.extend([word("REFUND", "退款单"), refund_id.to_string(), amount.to_string()]);
        all.extend([original_order.to_string(), approved_by.clone()]);
    } else {
        all.push(receipt.total.to_string());
    }
    for line in &receipt.lines {
        all.extend([line.name.clone(), line.gross().to_string()]);
        all.extend(line.discount.as_ref().map(|discount| discount.amount.to_string()));
    }
    all.extend(receipt.discount.as_ref().map(|discount| discount.amount.to_string()));
    all.extend(receipt.tax.iter().map(|tax| tax.amount.to_string()));
    for tender in &receipt.tenders {
        match tender {
            ReceiptTender::Cash { given, change } if receipt.kind == ReceiptKind::Sale => {
                all.extend([given.to_string(), change.to_string()]);
            }
            ReceiptTender::Cash { change, .. } => all.push(change.to_string()),
            ReceiptTender::Wallet { amount, channel_transaction, .. } => {
                all.push(amount.to_string());
                all.extend(channel_transaction.clone());
            }
        }
    }
    all
}

fn assert_says_all(template: &Template) {
    for example in Example::ALL {
        let receipt = example.receipt().unwrap();
        for (language, profile) in
            [(Language::English, Profile::paper_80mm()), (Language::Chinese, Profile::paper_58mm())]
        {
            let paper = text(&receipt, language, template, profile.columns);
            for what in must_say(&receipt, language) {
                assert!(squeezed(&paper).contains(&squeezed(&what)), "{example:?} lacks {what:?}:\n{paper}");
            }
            for line in paper.lines() {
                let width: usize = line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
                assert!(width <= usize::from(profile.columns), "{line:?}");
            }
            let page = document(&receipt, Look { language, template });
            let bytes = encode(&page, &profile).unwrap().bytes;
            let orders = bytes.windows(2).filter(|pair| pair[0] == 0x10 && [4, 5, 0x14].contains(&pair[1]));
            assert_eq!(orders.count(), 0, "{example:?} gives the printer an order");
        }
    }
}

#[test]
fn the_usual_template_and_the_barest_say_all_that_a_receipt_must() {
    assert_says_all(&Template::default());
    assert_says_all(&Template::bare());
}

#[test]
fn a_shops_own_words_logo_and_bar_code_stand_where_it_put_them() {
    let own = DEFAULT
        .replace("\n[header]\n", "\n[header]\nlogo 16x2 center\n| //8AAA==\n")
        .replace("\nqr\n", "\nqr 4\nbarcode\ntext center bold en \"Come again\" zh \"欢迎再来\"\n");
    let template = Template::parse(&own).unwrap();
    assert_says_all(&template);
    let receipt = Example::Sale.receipt().unwrap();
    let english = text(&receipt, Language::English, &template, 48);
    let last = english.lines().rev().find(|line| !line.is_empty()).unwrap();
    assert_eq!(last.trim(), "Come again");
    let chinese = text(&receipt, Language::Chinese, &template, 48);
    assert!(chinese.contains("欢迎再来") && !chinese.contains("Come again"));
    let page = document(&receipt, Look { language: Language::English, template: &template });
    let bytes = encode(&page, &Profile::paper_80mm()).unwrap().bytes;
    let place = |what: &[u8]| bytes.windows(what.len()).position(|part| part == what);
    let logo = place(b"\x1Dv0\x00\x02\x00\x02\x00\xFF\xFF\x00\x00").unwrap();
    assert!(logo < place(b"Corner Shop").unwrap(), "the logo is above the name");
    assert!(place(b"\x1DkI").unwrap() < place(b"Come again").unwrap());
}

fn slipped() -> impl Strategy<Value = String> {
    let line = 0..DEFAULT.lines().count();
    let words =
        ["bold", "tall", "wide", "double", "4x4", "3x1", "center", "right", "text \"x\"", "separator"];
    let moves =
        prop::collection::vec((line.clone(), line, 0..4_u8, prop::sample::select(words.to_vec())), 1..12);
    moves.prop_map(|moves| {
        let mut lines: Vec<String> = DEFAULT.lines().map(str::to_owned).collect();
        for (a, b, what, word) in moves {
            let (a, b) = (a % lines.len(), b % lines.len());
            match what {
                0 => lines.swap(a, b),
                1 => lines[a] = format!("{} {word}", lines[a]),
                2 => lines.insert(a, word.to_owned()),
                _ => drop(lines.remove(a)),
            }
        }
        lines.join("\n")
    })
}

#[test]
fn of_many_changed_templates_every_one_that_is_taken_says_all() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut taken, slipped) = (0, slipped());
    for _ in 0..3_000 {
        let text = slipped.new_tree(&mut runner).unwrap().current();
        if let Ok(template) = Template::parse(&text) {
            assert_says_all(&template);
            taken += 1;
        }
    }
    assert!(taken > 100, "too few were taken to say anything: {taken}");
}
