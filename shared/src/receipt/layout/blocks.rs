//! The blocks of a template, filled from a receipt.

use super::labels::{Labels, Spoken};
use crate::money::Amount;
use crate::order::discount::{Reason, ReasonKind};
use crate::paper::picture::Picture;
use crate::paper::{Align, Document, Size, Style};
use crate::receipt::template::{Block, Logo, Look, Side, What, Words};
use crate::receipt::{Receipt, ReceiptDiscount, ReceiptKind, ReceiptLine, ReceiptTender};

/// What the blocks are filled from.
pub struct Page<'a> {
    pub receipt: &'a Receipt,
    pub words: &'a Labels,
}

/// Adds these blocks, in order.
pub fn all(paper: Document, blocks: &[Block], page: &Page<'_>) -> Document {
    blocks.iter().fold(paper, |paper, block| page.add(paper, block))
}

impl Page<'_> {
    fn add(&self, paper: Document, block: &Block) -> Document {
        let style = style(block.look);
        let receipt = self.receipt;
        match &block.what {
            What::Text(words) => match self.own_words(words) {
                Some(text) => paper.text(text, style),
                None => paper,
            },
            What::Separator => paper.separator(),
            What::Feed(lines) => paper.feed(*lines),
            What::Logo(logo) => match picture(logo) {
                Some(picture) => paper.picture(picture, style.align),
                None => paper,
            },
            What::Title => paper.text(&receipt.title, style),
            What::Address => receipt.address.iter().fold(paper, |paper, line| paper.text(line, style)),
            What::Qr(dots) => paper.qr_sized(receipt.qr_text(), *dots),
            What::Barcode => paper.barcode(receipt.qr_text()),
            What::Goods | What::Discount | What::Total | What::Saved | What::Tax | What::Tenders => {
                self.of_sale(paper, &block.what, style)
            }
            What::Refunded | What::RefundNumber | What::OfOrder | What::ApprovedBy => {
                self.of_refund(paper, &block.what, style)
            }
            What::Till | What::Sale | What::Cashier | What::Order | What::Note | What::Offline => {
                self.of_foot(paper, &block.what, style)
            }
        }
    }

    /// A shop that added a language and has no words of its own for it says them in English, rather than not at all.
    fn own_words<'w>(&self, words: &'w Words) -> Option<&'w str> {
        let spoken = self.words.spoken;
        match spoken {
            Spoken::English | Spoken::Chinese => words.of(spoken.code()),
            Spoken::Added(code) => words.of(code).or_else(|| words.of(Spoken::English.code())),
        }
    }

    fn of_sale(&self, mut paper: Document, what: &What, style: Style) -> Document {
        let (receipt, words) = (self.receipt, self.words);
        match what {
            What::Goods => receipt.lines.iter().fold(paper, |paper, line| self.goods(paper, line, style)),
            What::Discount => match &receipt.discount {
                Some(discount) => {
                    paper = paper.styled_columns(words.subtotal, receipt.subtotal().to_string(), style);
                    self.taken_off(paper, discount, style)
                }
                None => paper,
            },
            What::Total => paper.styled_columns(words.total, receipt.total.to_string(), style),
            What::Saved if receipt.saved().is_positive() => {
                paper.styled_columns(words.saved, receipt.saved().to_string(), style)
            }
            What::Tax => receipt.tax.iter().fold(paper, |paper, tax| {
                let name = format!("{} {}", words.tax, tax.rate);
                paper.styled_columns(name, tax.amount.to_string(), style)
            }),
            What::Tenders => {
                receipt.tenders.iter().fold(paper, |paper, tender| self.tender(paper, tender, style))
            }
            _ => paper,
        }
    }

    fn goods(&self, paper: Document, line: &ReceiptLine, style: Style) -> Document {
        let words = self.words;
        let mut paper = paper.text(&line.name, style);
        let times = format!("  {} x {}", line.quantity, line.unit);
        paper = paper.styled_columns(times, line.gross().to_string(), style);
        if let Some(change) = &line.price_change {
            let was = format!("  {} {} · {}", words.was, change.was, why(&change.reason, words));
            paper = paper.text(was, style);
        }
        if let Some(discount) = &line.discount {
            paper = self.taken_off(paper, discount, style);
        }
        if let Some(serial) = &line.serial {
            paper = paper.text(format!("  {} {serial}", words.serial), style);
        }
        match &line.note {
            Some(note) => paper.text(format!("  {note}"), style),
            None => paper,
        }
    }

    fn taken_off(&self, paper: Document, discount: &ReceiptDiscount, style: Style) -> Document {
        let words = self.words;
        let share = discount.percent.map_or_else(String::new, |percent| format!(" {}", percent.to_text()));
        let less = Amount::new(discount.amount.minor.saturating_neg(), discount.amount.currency);
        let what = format!("  {}{share} · {}", words.discount, why(&discount.reason, words));
        paper.styled_columns(what, less.to_string(), style)
    }

    fn tender(&self, paper: Document, tender: &ReceiptTender, style: Style) -> Document {
        let words = self.words;
        match tender {
            ReceiptTender::Cash { change, .. } if self.receipt.kind != ReceiptKind::Sale => {
                paper.styled_columns(words.paid_out, change.to_string(), style)
            }
            ReceiptTender::Cash { given, change } => paper
                .styled_columns(words.cash, given.to_string(), style)
                .styled_columns(words.change, change.to_string(), style),
            ReceiptTender::Wallet { wallet, amount, channel_transaction } => {
                let name = words.spoken.of(wallet.name());
                let paper = paper.styled_columns(name, amount.to_string(), style);
                match channel_transaction {
                    Some(number) => paper.text(format!("{} {number}", words.transaction), style),
                    None => paper,
                }
            }
        }
    }

    fn of_refund(&self, paper: Document, what: &What, style: Style) -> Document {
        let words = self.words;
        let ReceiptKind::Refund { refund_id, amount, original_order, approved_by } = &self.receipt.kind
        else {
            return paper;
        };
        match what {
            What::Refunded => paper.styled_columns(words.refunded, amount.to_string(), style),
            What::RefundNumber => paper.text(format!("{} {refund_id}", words.refund_number), style),
            What::OfOrder => paper.text(format!("{} {original_order}", words.of_order), style),
            What::ApprovedBy => paper.text(format!("{} {approved_by}", words.approved_by), style),
            _ => paper,
        }
    }

    fn of_foot(&self, paper: Document, what: &What, style: Style) -> Document {
        let (receipt, words) = (self.receipt, self.words);
        // A refund names its order and its own note above.
        let is_sale = receipt.kind == ReceiptKind::Sale;
        match (what, receipt.order_number, &receipt.note, &receipt.cashier) {
            (What::Till, ..) => {
                let till = format!("{} {}", words.till, receipt.terminal);
                paper.styled_columns(till, &receipt.at_local, style)
            }
            (What::Sale, ..) => paper.text(format!("{} {}", words.sale, receipt.sale), style),
            (What::Cashier, _, _, Some(cashier)) => paper.text(format!("{} {cashier}", words.cashier), style),
            (What::Order, Some(number), ..) if is_sale => {
                paper.text(format!("{} {number}", words.order), style)
            }
            (What::Note, _, Some(note), _) if is_sale => paper.text(format!("{} {note}", words.note), style),
            (What::Offline, ..) if receipt.offline => paper.text(words.offline, style),
            _ => paper,
        }
    }
}

/// The reason in the paper's words, and in somebody's own where there are any.
fn why(reason: &Reason, words: &Labels) -> String {
    match (words.reason(reason.kind), reason.text.trim()) {
        (usual, "") => usual.to_owned(),
        (_, own) if reason.kind == ReasonKind::Other => own.to_owned(),
        (usual, own) => format!("{usual}: {own}"),
    }
}

fn style(look: Look) -> Style {
    let align = match look.side {
        Side::Left => Align::Left,
        Side::Center => Align::Center,
        Side::Right => Align::Right,
    };
    Style { align, bold: look.bold, size: Size::times(look.width, look.height) }
}

fn picture(logo: &Logo) -> Option<Picture> {
    Picture::new(usize::from(logo.width() / 8), logo.dots().to_vec())
}
