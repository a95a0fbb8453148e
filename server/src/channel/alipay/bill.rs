//! The trade bill of a day, as Alipay writes it: a ZIP archive with a list of movements and a file of sums; text in GBK,
//! values padded with tabs, amounts in yuan, what went back with a minus sign.
//!
//! A bill is taken whole or not at all; see the WeChat one.

use crate::channel::bills::{self, BillError, Lines, Writing, decimal, yuan};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::reconciliation::{BillRow, Movement, Progress};
use std::io::BufRead;

const TITLE: &str = "#支付宝业务明细查询";
const ACCOUNT: &str = "#账号：";
const LIST: &str = "业务明细列表";
const END: &str = "业务明细列表结束";
const PAID_SUM: &str = "#交易合计：";
const REFUNDED_SUM: &str = "#退款合计：";
const EXPORTED: &str = "#导出时间";

const TRANSACTION: &str = "支付宝交易号";
const NUMBER: &str = "商户订单号";
const KIND: &str = "业务类型";
const NAME: &str = "商品名称";
const AMOUNT: &str = "订单金额（元）";
const RECEIVED: &str = "商家实收（元）";
const REQUEST: &str = "退款批次号/请求号";
const FEE: &str = "服务费（元）";

/// Reads the archive of a whole bill: that of this seller, if it is known who that is.
/// # Errors
/// See [`BillError`]. Nothing of such a bill is used.
pub fn parse(archive: &[u8], seller_id: Option<&str>) -> Result<Vec<BillRow>, BillError> {
    let lists = bills::zip(archive, |file| list(file, seller_id))?;
    let mut lists = lists.into_iter().flatten();
    match (lists.next(), lists.next()) {
        (Some(rows), None) => Ok(rows),
        (None, _) => Err(BillError::Packed("no list of movements is in it".into())),
        (Some(_), Some(_)) => Err(BillError::Packed("two lists of movements are in it".into())),
    }
}

/// The list of movements; nothing if the file is the other one.
fn list(text: impl BufRead, seller_id: Option<&str>) -> Result<Option<Vec<BillRow>>, BillError> {
    let mut whose = String::new();
    let mut lines = Lines::new(text, Writing::Gbk);
    match lines.next()? {
        Some((_, title)) if title.trim_end().starts_with(TITLE) => {}
        Some(_) => return Ok(None),
        None => return Err(BillError::NotText),
    }
    while let Some((_, text)) = lines.next()? {
        if let Some(account) = text.strip_prefix(ACCOUNT) {
            whose = account.trim().trim_matches(['[', ']']).to_owned();
        }
        if text.starts_with('#') && text.contains(LIST) {
            is_of(&whose, seller_id)?;
            return rows(lines).map(Some);
        }
        if !text.starts_with('#') {
            break;
        }
    }
    Err(BillError::CutOff)
}

/// The number of a seller's account begins with the seller's own.
fn is_of(whose: &str, seller_id: Option<&str>) -> Result<(), BillError> {
    match seller_id {
        Some(own) if !whose.starts_with(own) => {
            Err(BillError::Foreign { whose: whose.to_owned(), own: own.to_owned() })
        }
        _ => Ok(()),
    }
}

fn rows(mut lines: Lines<impl BufRead>) -> Result<Vec<BillRow>, BillError> {
    let columns = match lines.next()? {
        Some((_, header)) => Columns::of(&header)?,
        None => return Err(BillError::CutOff),
    };
    let (mut rows, mut sums) = (Vec::new(), Sums::default());
    while let Some((line, text)) = lines.next()? {
        if text.starts_with('#') {
            if !text.contains(END) {
                return Err(BillError::Line { line, what: "the list has no end".into() });
            }
            return sums.check(lines).map(|()| rows);
        }
        let unreadable = |what: String| BillError::Line { line, what };
        let (row, received) = columns.row(&text, line).map_err(unreadable)?;
        sums.add(&row, received).ok_or_else(|| unreadable("the sum is too large".into()))?;
        rows.push(row);
    }
    Err(BillError::CutOff)
}

/// Where each column stands.
struct Columns {
    transaction: usize,
    number: usize,
    kind: usize,
    name: usize,
    amount: usize,
    received: usize,
    request: usize,
    fee: usize,
    count: usize,
}

impl Columns {
    fn of(header: &str) -> Result<Self, BillError> {
        let names: Vec<&str> = header.split(',').map(str::trim).collect();
        let find = |name| names.iter().position(|column| *column == name).ok_or(BillError::NoColumn(name));
        Ok(Self {
            transaction: find(TRANSACTION)?,
            number: find(NUMBER)?,
            kind: find(KIND)?,
            name: find(NAME)?,
            amount: find(AMOUNT)?,
            received: find(RECEIVED)?,
            request: find(REQUEST)?,
            fee: find(FEE)?,
            count: names.len(),
        })
    }

    /// A line, and what the shop received by it, in fen.
    fn row(&self, text: &str, line: u64) -> Result<(BillRow, i64), String> {
        let values: Vec<&str> = text.split(',').map(str::trim).collect();
        // Nothing is quoted: further commas belong to the name of the goods, which is all that we write into it.
        let extra = values.len().checked_sub(self.count).ok_or_else(|| {
            format!("it has {} values, the header has {} columns", values.len(), self.count)
        })?;
        let value = |column: usize| {
            let at = if column > self.name { column + extra } else { column };
            values.get(at).copied().unwrap_or_default()
        };
        let money = |column| {
            let text = value(column);
            decimal(text, 2, true).ok_or_else(|| format!("{text:?} is not an amount in yuan"))
        };
        let (amount, received, fee) = (money(self.amount)?, money(self.received)?, money(self.fee)?);
        let (number, request) = (value(self.number), value(self.request));
        let (movement, number, sign, revoked) = match value(self.kind) {
            "交易" => (Movement::Payment, number, 1, false),
            // A trade that was cancelled after it was paid goes back under its own number.
            "退款" if request.is_empty() || request == number => (Movement::Payment, number, -1, true),
            "退款" => (Movement::Refund, request, -1, false),
            other => return Err(format!("its kind {other:?} is none that is known")),
        };
        if number.is_empty() {
            return Err("it has no number of ours".into());
        }
        if amount.saturating_mul(sign) < 0 {
            return Err(format!("{} has the wrong sign", value(self.amount)));
        }
        let row = BillRow {
            movement,
            number: number.to_owned(),
            amount: Amount::new(amount.saturating_abs(), Currency::CNY),
            fee_minor: fee.saturating_neg(),
            revoked,
            // It lists a refund only once it is done.
            progress: Progress::Done,
            transaction: value(self.transaction).to_owned(),
            line,
        };
        Ok((row, received))
    }
}

/// What the lines come to, to be held against the lines after them.
#[derive(Default)]
struct Sums {
    paid: (i64, i64),
    refunded: (i64, i64),
}

impl Sums {
    fn add(&mut self, row: &BillRow, received: i64) -> Option<()> {
        let back = row.movement == Movement::Refund || row.revoked;
        let (count, sum) = if back { &mut self.refunded } else { &mut self.paid };
        *count += 1;
        *sum = sum.checked_add(received)?;
        Some(())
    }

    fn check(&self, mut lines: Lines<impl BufRead>) -> Result<(), BillError> {
        let of = [(PAID_SUM, self.paid, "payments"), (REFUNDED_SUM, self.refunded, "refunds")];
        for (title, (count, sum), what) in of {
            let (_, text) = lines.next()?.ok_or(BillError::CutOff)?;
            let text = text.strip_prefix('#').map_or(&*text, |rest| rest.trim_start_matches('#'));
            let said = text.strip_prefix(title.trim_start_matches('#')).ok_or(BillError::CutOff)?;
            if read_sums(said) != Some((count, sum)) {
                let lines = format!("{count} of {} yuan", yuan(sum));
                return Err(BillError::Sums { what, lines, sums: said.trim().to_owned() });
            }
        }
        let (line, text) = lines.next()?.ok_or(BillError::CutOff)?;
        if !text.starts_with(EXPORTED) || !text.trim_end().ends_with(']') {
            return Err(BillError::Line { line, what: "the bill does not end as bills do".into() });
        }
        lines.finish()
    }
}

/// `2笔，商家实收共13.50元，…`: how many, and how much in fen.
fn read_sums(text: &str) -> Option<(i64, i64)> {
    let (count, rest) = text.split_once('笔')?;
    let (_, rest) = rest.split_once('共')?;
    let (sum, _) = rest.split_once('元')?;
    Some((count.trim().parse().ok()?, decimal(sum.trim(), 2, true)?))
}

#[cfg(test)]
#[path = "bill_tests.rs"]
mod tests;
