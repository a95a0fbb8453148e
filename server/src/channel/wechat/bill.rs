//! The trade bill of a day, as WeChat Pay writes it: text in UTF-8, one movement a line, every value behind a
//! backtick, amounts in yuan, two lines of sums at the end.
//!
//! A bill is taken whole or not at all: another column, a line that cannot be read, sums that the lines do not come
//! to, an end that is missing — each refuses it with the line and the reason, because half a bill would file
//! customers' payments as missing.

use crate::channel::bills::{Lines, Writing, decimal, yuan};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::reconciliation::{BillRow, Movement, Progress};
use std::io::BufRead;

pub use crate::channel::bills::BillError;

/// The columns that we read, by name: the wallet may add others (`bill_type=ALL`).
const TRANSACTION: &str = "微信订单号";
const NUMBER: &str = "商户订单号";
const MERCHANT: &str = "商户号";
const SHOP: &str = "特约商户号";
const STATE: &str = "交易状态";
const CURRENCY: &str = "货币种类";
const REFUND_NUMBER: &str = "商户退款单号";
const REFUND_STATE: &str = "退款状态";
const FEE: &str = "手续费";
const PAID: &str = "订单金额";
const REFUNDED: &str = "申请退款金额";
/// The columns of the sums.
const LINES: &str = "总交易单数";
const PAID_SUM: &str = "订单总金额";
const REFUNDED_SUM: &str = "申请退款总金额";

/// Whose a bill must be: the merchant's number, and the shop's that it acts for.
#[derive(Clone, Debug)]
pub struct Whose {
    /// The merchant.
    pub merchant_id: String,
    /// The shop, if the merchant is a service provider.
    pub shop: Option<String>,
}

impl Whose {
    fn check(&self, merchant: &str, shop: &str) -> Result<(), String> {
        let Self { merchant_id, shop: own } = self;
        if merchant != merchant_id {
            return Err(format!("it belongs to merchant {merchant}, not to {merchant_id}"));
        }
        match own {
            Some(own) if shop != own => Err(format!("it belongs to the shop {shop}, not to {own}")),
            _ => Ok(()),
        }
    }
}

/// Reads a whole bill of this merchant.
/// # Errors
/// See [`BillError`]. Nothing of such a bill is used.
pub fn parse(text: impl BufRead, whose: &Whose) -> Result<Vec<BillRow>, BillError> {
    let mut lines = Lines::new(text, Writing::Utf8);
    let columns = match lines.next()? {
        Some((_, header)) if !header.is_empty() => Columns::of(header.trim_start_matches('\u{feff}'))?,
        _ => return Err(BillError::NotText),
    };
    let mut sums = Sums::default();
    let mut rows = Vec::new();
    while let Some((line, text)) = lines.next()? {
        if !text.starts_with('`') {
            let names = text.into_owned();
            let (_, values) = lines.next()?.ok_or(BillError::CutOff)?;
            sums.check(&names, &values)?;
            lines.finish()?;
            return Ok(rows);
        }
        let unreadable = |what: String| BillError::Line { line, what };
        let values = values(&text);
        let row = columns.row(&values, line, whose).map_err(unreadable)?;
        sums.add(&row).ok_or_else(|| unreadable("the sum is too large".into()))?;
        rows.push(row);
    }
    Err(BillError::CutOff)
}

/// The values of a line. A comma may stand in the name of goods, but not before a backtick.
fn values(line: &str) -> Vec<&str> {
    line.strip_prefix('`').unwrap_or(line).split(",`").map(str::trim_end).collect()
}

/// Where each column stands.
struct Columns {
    transaction: usize,
    number: usize,
    merchant: usize,
    shop: usize,
    state: usize,
    currency: usize,
    refund_number: usize,
    refund_state: usize,
    fee: usize,
    paid: usize,
    refunded: usize,
    count: usize,
}

impl Columns {
    fn of(header: &str) -> Result<Self, BillError> {
        let names: Vec<&str> = header.split(',').map(str::trim).collect();
        let find = |name| names.iter().position(|column| *column == name).ok_or(BillError::NoColumn(name));
        Ok(Self {
            transaction: find(TRANSACTION)?,
            number: find(NUMBER)?,
            merchant: find(MERCHANT)?,
            shop: find(SHOP)?,
            state: find(STATE)?,
            currency: find(CURRENCY)?,
            refund_number: find(REFUND_NUMBER)?,
            refund_state: find(REFUND_STATE)?,
            fee: find(FEE)?,
            paid: find(PAID)?,
            refunded: find(REFUNDED)?,
            count: names.len(),
        })
    }

    fn row(&self, values: &[&str], line: u64, whose: &Whose) -> Result<BillRow, String> {
        if values.len() != self.count {
            return Err(format!("it has {} values, the header has {} columns", values.len(), self.count));
        }
        let value = |column: usize| values.get(column).copied().unwrap_or_default();
        whose.check(value(self.merchant), value(self.shop))?;
        let currency: Currency = value(self.currency).parse().map_err(|e| format!("{e}"))?;
        let done = Progress::Done;
        let (movement, number, minor, revoked, progress) = match value(self.state) {
            "SUCCESS" => (Movement::Payment, value(self.number), value(self.paid), false, done),
            "REVOKED" => (Movement::Payment, value(self.number), value(self.refunded), true, done),
            "REFUND" => {
                let progress = progress(value(self.refund_state));
                (Movement::Refund, value(self.refund_number), value(self.refunded), false, progress)
            }
            other => return Err(format!("its state {other:?} is none that is known")),
        };
        if number.is_empty() {
            return Err("it has no number of ours".into());
        }
        Ok(BillRow {
            movement,
            number: number.to_owned(),
            amount: Amount::new(amount(minor, currency)?, currency),
            fee_minor: fee(value(self.fee))?,
            revoked,
            progress,
            transaction: value(self.transaction).to_owned(),
            line,
        })
    }
}

/// A refund stands in the bill from the moment that it was accepted; to a bank card the money may be on its way for days.
/// Only the one word says that it arrived.
fn progress(state: &str) -> Progress {
    match state {
        "SUCCESS" => Progress::Done,
        "FAIL" | "CLOSED" => Progress::Failed,
        _ => Progress::UnderWay,
    }
}

/// `5.50` is 550 fen. More digits than the currency has, a sign, or anything else is no amount.
fn amount(text: &str, currency: Currency) -> Result<i64, String> {
    let digits = currency.minor_digits() as usize;
    decimal(text, digits, false).ok_or_else(|| format!("{text:?} is not an amount in {currency}"))
}

/// Fees have five decimals and may be negative (they are given back with a refund); rounded to the nearest fen.
fn fee(text: &str) -> Result<i64, String> {
    let thousandths = decimal(text, 5, true).ok_or_else(|| format!("{text:?} is not a fee"))?;
    let rounded = (thousandths.saturating_abs().saturating_add(500) / 1000) * thousandths.signum();
    Ok(rounded)
}

/// What the lines come to, to be held against the last line.
#[derive(Default)]
struct Sums {
    lines: i64,
    paid: i64,
    refunded: i64,
}

impl Sums {
    fn add(&mut self, row: &BillRow) -> Option<()> {
        self.lines += 1;
        let takes_back = row.movement == Movement::Refund || row.revoked;
        let sum = if takes_back { &mut self.refunded } else { &mut self.paid };
        *sum = sum.checked_add(row.amount.minor)?;
        Some(())
    }

    fn check(&self, header: &str, footer: &str) -> Result<(), BillError> {
        let names: Vec<&str> = header.split(',').map(str::trim).collect();
        let values = values(footer);
        let of = |name: &'static str| {
            let column = names.iter().position(|c| *c == name).ok_or(BillError::NoColumn(name))?;
            values.get(column).copied().ok_or(BillError::CutOff)
        };
        let same = |what, lines: i64, sums: &str, decimals: usize| {
            let agrees = decimal(sums, 2, false).is_some_and(|minor| {
                if decimals == 0 { minor == lines.saturating_mul(100) } else { minor == lines }
            });
            let lines = if decimals == 0 { lines.to_string() } else { yuan(lines) };
            if agrees { Ok(()) } else { Err(BillError::Sums { what, lines, sums: sums.to_owned() }) }
        };
        same("number of lines", self.lines, of(LINES)?, 0)?;
        same("payments", self.paid, of(PAID_SUM)?, 2)?;
        same("refunds", self.refunded, of(REFUNDED_SUM)?, 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::bills;
    use proptest::prelude::*;

    const HEADER: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,\
        付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,\
        商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";
    const FOOTER: &str =
        "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";

    fn of(merchant: &str) -> Whose {
        Whose { merchant_id: merchant.to_owned(), shop: None }
    }

    fn line(state: &str, number: &str, refund: &str, paid: &str, refunded: &str, name: &str) -> String {
        format!(
            "`2026-11-20 10:00:00,`wx1,`1900000109,`0,`T0001,`42000,`{number},`o1,`MICROPAY,`{state},`OTHERS,`CNY,\
             `{paid},`0.00,`50000,`{refund},`{refunded},`0.00,`ORIGINAL,`SUCCESS,`{name},`,`0.03300,`0.60%,`{paid},\
             `{refunded},`"
        )
    }

    fn bill(lines: &[String], paid: &str, refunded: &str) -> String {
        let footer = format!("`{},`{paid},`{refunded},`0.00,`0.03300,`{paid},`{refunded}", lines.len());
        let all: Vec<&str> =
            [HEADER].into_iter().chain(lines.iter().map(String::as_str)).chain([FOOTER, &footer]).collect();
        format!("\u{feff}{}\r\n", all.join("\r\n"))
    }

    fn day() -> Vec<String> {
        vec![
            line("SUCCESS", "E1", "0", "5.50", "0.00", "tea, green,`s"),
            line("REFUND", "E1", "R1", "0.00", "2.00", "tea"),
            line("SUCCESS", "E2", "0", "8.00", "0.00", "bread"),
            line("REVOKED", "E2", "0", "0.00", "8.00", "bread"),
        ]
        .into_iter()
        .map(|line| line.replace(",`s", "; s"))
        .collect()
    }

    fn read(text: &str) -> Result<Vec<BillRow>, BillError> {
        parse(text.as_bytes(), &of("1900000109"))
    }

    #[test]
    fn payments_refunds_and_what_was_taken_back_each_have_their_number_and_amount() {
        let rows = read(&bill(&day(), "13.50", "10.00")).unwrap();
        let seen: Vec<_> =
            rows.iter().map(|r| (r.movement, r.number.as_str(), r.amount.minor, r.revoked, r.line)).collect();
        assert_eq!(
            seen,
            [
                (Movement::Payment, "E1", 550, false, 2),
                (Movement::Refund, "R1", 200, false, 3),
                (Movement::Payment, "E2", 800, false, 4),
                (Movement::Payment, "E2", 800, true, 5),
            ]
        );
        assert_eq!((rows[0].fee_minor, rows[0].transaction.as_str()), (3, "42000"));
    }

    #[test]
    fn a_refund_is_done_only_if_its_own_state_says_so() {
        let whole = bill(&day(), "13.50", "10.00");
        let refund = |state: &str| {
            let text = whole.replacen(
                "`2.00,`0.00,`ORIGINAL,`SUCCESS",
                &format!("`2.00,`0.00,`ORIGINAL,`{state}"),
                1,
            );
            let rows = read(&text).unwrap();
            assert_eq!((rows.len(), rows[1].movement, rows[1].amount.minor), (4, Movement::Refund, 200));
            rows[1].progress
        };
        assert_eq!(refund("SUCCESS"), Progress::Done);
        for open in ["PROCESSING", "CHANGE", "ABNORMAL", "NOTSURE", "", "success"] {
            assert_eq!(refund(open), Progress::UnderWay, "{open:?}");
        }
        assert_eq!([refund("FAIL"), refund("CLOSED")], [Progress::Failed; 2]);
        let without = whole.replace(",退款状态", ",别的");
        assert_eq!(read(&without), Err(BillError::NoColumn(REFUND_STATE)));
    }

    #[test]
    fn a_bill_that_is_cut_off_anywhere_is_refused_whole() {
        let whole = bill(&day(), "13.50", "10.00");
        for (at, _) in whole.char_indices() {
            let cut = &whole[..at];
            // The last sum is "10.00": without its decimals it still says the same.
            if cut.len() < whole.trim_end().len() - ".00".len() {
                assert!(read(cut).is_err(), "taken: {cut:?}");
            }
        }
    }

    #[test]
    fn a_line_that_is_missing_does_not_go_unnoticed() {
        let missing = bill(&day()[1..], "13.50", "10.00");
        assert!(matches!(read(&missing), Err(BillError::Sums { what: "payments", .. })));
        let altered = bill(&day(), "13.50", "10.00").replacen("`5.50,`0.00,`\r", "`5.51,`0.00,`\r", 1);
        assert!(matches!(read(&altered), Err(BillError::Sums { what: "payments", .. })));
        let same_sum = bill(&day(), "13.50", "10.00").replace("`4,`13.50", "`5,`13.50");
        assert!(matches!(read(&same_sum), Err(BillError::Sums { what: "number of lines", .. })));
    }

    #[test]
    fn a_service_providers_bill_is_one_shops() {
        let sold =
            line("SUCCESS", "E1", "0", "12.34", "0.00", "tea").replace(",`0,`T0001", ",`1900000209,`T0001");
        let whole = bill(&[sold], "12.34", "0.00");
        let shop = |id: &str| Whose { shop: Some(id.into()), ..of("1900000109") };
        assert_eq!(parse(whole.as_bytes(), &shop("1900000209")).unwrap().len(), 1);
        let Err(BillError::Line { line: 2, what }) = parse(whole.as_bytes(), &shop("1900000210")) else {
            panic!("another shop's")
        };
        assert!(what.contains("1900000209"), "{what}");
    }

    #[test]
    fn another_kind_of_bill_another_merchant_and_unknown_words_are_refused_with_the_reason() {
        let success = bill(&day(), "13.50", "10.00").replace(",申请退款金额", "");
        assert_eq!(read(&success), Err(BillError::NoColumn(REFUNDED)));
        let whole = bill(&day(), "13.50", "10.00");
        assert!(matches!(parse(whole.as_bytes(), &of("1900000110")), Err(BillError::Line { line: 2, .. })));
        assert!(matches!(read(&whole.replace("REFUND", "REFUNDED")), Err(BillError::Line { line: 3, .. })));
        assert!(matches!(read(&whole.replace("5.50,`0.00", "5.505,`0.00")), Err(BillError::Line { .. })));
        assert_eq!(read("<html>busy</html>"), Err(BillError::NoColumn(TRANSACTION)));
        assert_eq!(parse(&[0xff, 0xfe, 0][..], &of("1")), Err(BillError::NotText));
        assert_eq!(read(""), Err(BillError::NotText));
    }

    #[test]
    fn fees_are_rounded_to_the_fen_with_their_sign() {
        let fees = ["0.03300", "-0.01500", "0.00499", "1", "0"].map(|text| fee(text).unwrap());
        assert_eq!(fees, [3, -2, 0, 100, 0]);
        assert!(["", "-", "x", "0.0000001", "1.-2", "1."].iter().all(|text| fee(text).is_err()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&bytes[..], &of("1900000109"));
            let _ = parse(bills::gzip(&bytes), &of("1900000109"));
        }

        #[test]
        fn a_bill_with_an_altered_byte_is_taken_without_panic_and_has_no_more_lines(
            at in any::<proptest::sample::Index>(), byte in any::<u8>(),
        ) {
            let mut text = bill(&day(), "13.50", "10.00").into_bytes();
            let at = at.index(text.len());
            text[at] = byte;
            if let Ok(rows) = parse(&text[..], &of("1900000109")) {
                prop_assert_eq!(rows.len(), read(&bill(&day(), "13.50", "10.00")).unwrap().len());
            }
        }

        #[test]
        fn a_packed_bill_that_is_damaged_anywhere_is_refused_or_is_the_same_bill(
            at in any::<prop::sample::Index>(), other in 1_u8.., cut in any::<prop::sample::Index>(),
        ) {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut packer, bill(&day(), "13.50", "10.00").as_bytes()).unwrap();
            let whole = packer.finish().unwrap();
            let rows = parse(bills::gzip(&whole), &of("1900000109")).unwrap();
            let mut damaged = whole.clone();
            damaged[at.index(whole.len())] ^= other;
            for bytes in [&damaged[..], &whole[..cut.index(whole.len())], &damaged[..cut.index(whole.len())]] {
                if let Ok(read) = parse(bills::gzip(bytes), &of("1900000109")) {
                    prop_assert_eq!(&read, &rows);
                }
            }
        }
    }
}
