//! How a receipt looks on paper: the template says what stands where, and this says what it is.
//!
//! Marks are no blocks of a template: that something is a copy or a refund stands there whatever a template says.

mod blocks;
mod labels;

pub use labels::{Labels, Spoken, all_words};

use crate::paper::{Document, Size, Style};
use crate::receipt::template::Template;
use crate::receipt::{Receipt, ReceiptKind, ShiftReport};
use blocks::Page;

/// Lays a sale's receipt or a refund's out, up to where the paper is cut.
#[must_use]
pub fn document(receipt: &Receipt, words: &Labels, template: &Template) -> Document {
    written(Document::new(), receipt, (words, template), |paper, _| paper).feed(2).cut()
}

/// Adds a receipt to a document. The report of a shift is what `report` makes of it, below what stands at the top of every
/// paper.
#[must_use]
pub fn written(
    mut paper: Document,
    receipt: &Receipt,
    (words, template): (&Labels, &Template),
    report: impl FnOnce(Document, &ShiftReport) -> Document,
) -> Document {
    let page = Page { receipt, words };
    if receipt.copy {
        // Before all else: a copy that breaks off half-way is marked too.
        paper = paper.text(copy_mark(receipt, words), Style::PLAIN.centered().bold().sized(Size::TALL));
        paper = copy_warning(paper, receipt, words);
    }
    paper = blocks::all(paper, &template.header, &page);
    paper = match &receipt.kind {
        ReceiptKind::Sale => blocks::all(paper, &template.sale, &page),
        ReceiptKind::Refund { .. } => {
            let mark = Style::PLAIN.centered().bold().sized(Size::DOUBLE);
            blocks::all(paper.text(words.refund, mark), &template.refund, &page)
        }
        ReceiptKind::Shift(shift) => {
            let paper = report(paper, shift);
            let mark =
                |paper: Document| paper.text(copy_mark(receipt, words), Style::PLAIN.centered().bold());
            return if receipt.copy { mark(paper) } else { paper };
        }
    };
    paper = blocks::all(paper, &template.footer, &page);
    if receipt.copy {
        paper = paper.text(copy_mark(receipt, words), Style::PLAIN.centered().bold());
        paper = copy_warning(paper, receipt, words);
    }
    paper
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

#[cfg(test)]
mod tests;
