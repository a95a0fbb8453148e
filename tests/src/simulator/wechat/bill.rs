//! A day's bill as WeChat Pay writes it.

use crate::simulator::wallet::bill::{BillFault, BillLine, Moved, spoil_text, yuan};
use crate::simulator::wallet::china_time;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fmt::Write as _;
use std::io::Write as _;

const COLUMNS: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,\
    货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,\
    商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";
const SUMS: &str =
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";

/// The text of the bill of one merchant (app, number).
#[must_use]
pub(in crate::simulator) fn text(lines: &[BillLine], merchant: (&str, &str), faults: &[BillFault]) -> String {
    let mut text = format!("\u{feff}{COLUMNS}\r\n");
    let (mut paid, mut back, mut fees) = (0, 0, 0);
    for line in lines {
        let (is_paid, fee) = (line.moved == Moved::Paid, line.fee());
        let (came, went) = if is_paid { (line.amount_minor, 0) } else { (0, line.amount_minor) };
        (paid, back, fees) = (paid + came, back + went, fees + fee);
        let (state, kind, done) = match line.moved {
            Moved::Paid => ("SUCCESS", "", ""),
            Moved::Revoked => ("REVOKED", "ORIGINAL", "SUCCESS"),
            Moved::Refunded => ("REFUND", "ORIGINAL", "SUCCESS"),
        };
        let refund = line.refund.as_ref();
        let values = [
            china_time(line.at, "%Y-%m-%d %H:%M:%S"),
            merchant.0.into(),
            merchant.1.into(),
            "0".into(),
            line.device.clone(),
            line.transaction.clone(),
            line.number.clone(),
            "oSim".into(),
            "MICROPAY".into(),
            state.into(),
            "OTHERS".into(),
            "CNY".into(),
            yuan(came),
            "0.00".into(),
            refund.map_or_else(|| "0".into(), |refund| refund.refund_id.clone()),
            refund.map_or_else(|| "0".into(), |refund| refund.number.clone()),
            yuan(went),
            "0.00".into(),
            kind.into(),
            done.into(),
            line.description.clone(),
            String::new(),
            fine(fee),
            "0.60%".into(),
            yuan(came),
            yuan(went),
            String::new(),
        ];
        let _ = write!(text, "`{}\r\n", values.join(",`"));
    }
    let off = i64::from(faults.contains(&BillFault::OtherSums));
    let (came, went) = (yuan(paid + off), yuan(back));
    let (count, fees) = (lines.len(), fine(fees));
    let _ = write!(text, "{SUMS}\r\n`{count},`{came},`{went},`0.00,`{fees},`{came},`{went}\r\n");
    spoil_text(text, "商户退款单号", faults)
}

/// As it is sent with `tar_type=GZIP`.
pub(in crate::simulator) fn gzip(text: &str) -> std::io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(text.as_bytes())?;
    packer.finish()
}

/// Yuan with five decimals, from thousandths of a fen.
fn fine(thousandths: i64) -> String {
    let (sign, value) = (if thousandths < 0 { "-" } else { "" }, thousandths.unsigned_abs());
    format!("{sign}{}.{:05}", value / 100_000, value % 100_000)
}
