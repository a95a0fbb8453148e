//! A day's bill as WeChat Pay writes it: of what was traded, or of one of the merchant's accounts.

use crate::simulator::wallet::bill::{BillFault, BillLine, Moved, spoil_text, yuan};
use crate::simulator::wallet::china_time;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fmt::Write as _;
use std::io::Write as _;

/// What a bill of trade holds. Each kind leaves out columns of this row, and the order stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Trade {
    /// Everything.
    All,
    /// What came.
    Success,
    /// What went back.
    Refund,
}

/// A column, and which kinds have it: all, those with refunds, refunds alone.
const COLUMNS: [(&str, &[Trade]); 29] = {
    use Trade::{All, Refund, Success};
    const EACH: &[Trade] = &[All, Success, Refund];
    const BACK: &[Trade] = &[All, Refund];
    [
        ("交易时间", EACH),
        ("公众账号ID", EACH),
        ("商户号", EACH),
        ("特约商户号", EACH),
        ("设备号", EACH),
        ("微信订单号", EACH),
        ("商户订单号", EACH),
        ("用户标识", EACH),
        ("交易类型", EACH),
        ("交易状态", EACH),
        ("付款银行", EACH),
        ("货币种类", EACH),
        ("应结订单金额", EACH),
        ("代金券金额", EACH),
        ("退款申请时间", &[Refund]),
        ("退款成功时间", &[Refund]),
        ("微信退款单号", BACK),
        ("商户退款单号", BACK),
        ("退款金额", BACK),
        ("充值券退款金额", BACK),
        ("退款类型", BACK),
        ("退款状态", BACK),
        ("商品名称", EACH),
        ("商户数据包", EACH),
        ("手续费", EACH),
        ("费率", EACH),
        ("订单金额", EACH),
        ("申请退款金额", BACK),
        ("费率备注", EACH),
    ]
};
const SUMS: &str =
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";
const ACCOUNT: &str = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),\
    资金变更提交申请人,备注,业务凭证号";
const ACCOUNT_SUMS: &str = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额";

/// The text of the bill of one merchant (app, number, and the shop that it acts for, or `0`).
#[must_use]
pub(in crate::simulator) fn text(
    kind: Trade,
    lines: &[BillLine],
    merchant: (&str, &str, &str),
    faults: &[BillFault],
) -> String {
    let is_there: Vec<bool> = COLUMNS.iter().map(|(_, kinds)| kinds.contains(&kind)).collect();
    let names: Vec<&str> =
        COLUMNS.iter().filter(|(_, kinds)| kinds.contains(&kind)).map(|(name, _)| *name).collect();
    let mut text = format!("\u{feff}{}\r\n", names.join(","));
    let (mut count, mut paid, mut back, mut fees) = (0, 0, 0, 0);
    for line in lines.iter().filter(|line| is_of(kind, line)) {
        let (came, went) =
            if line.moved == Moved::Paid { (line.amount_minor, 0) } else { (0, line.amount_minor) };
        (count, paid, back, fees) = (count + 1, paid + came, back + went, fees + line.fee());
        let values = values(line, merchant).into_iter().zip(&is_there);
        let values: Vec<String> = values.filter(|(_, there)| **there).map(|(value, _)| value).collect();
        let _ = write!(text, "`{}\r\n", values.join(",`"));
    }
    let off = i64::from(faults.contains(&BillFault::OtherSums));
    let (came, went) = (yuan(paid + off), yuan(back));
    let fees = fine(fees);
    let _ = write!(text, "{SUMS}\r\n`{count},`{came},`{went},`0.00,`{fees},`{came},`{went}\r\n");
    let column = if kind == Trade::Success { "商户订单号" } else { "商户退款单号" };
    spoil_text(text, column, faults)
}

/// Whether a line stands in a bill of that kind.
pub(in crate::simulator) fn is_of(kind: Trade, line: &BillLine) -> bool {
    match kind {
        Trade::All => true,
        Trade::Success => line.moved == Moved::Paid,
        Trade::Refund => line.moved != Moved::Paid,
    }
}

/// A line's value for each column that there is.
fn values(line: &BillLine, merchant: (&str, &str, &str)) -> [String; 29] {
    let at = |at| china_time(at, "%Y-%m-%d %H:%M:%S");
    let (came, went) =
        if line.moved == Moved::Paid { (line.amount_minor, 0) } else { (0, line.amount_minor) };
    let (state, kind, done) = match line.moved {
        Moved::Paid => ("SUCCESS", "", ""),
        Moved::Revoked => ("REVOKED", "ORIGINAL", "SUCCESS"),
        Moved::Refunded if line.done => ("REFUND", "ORIGINAL", "SUCCESS"),
        Moved::Refunded => ("REFUND", "ORIGINAL", "PROCESSING"),
    };
    let refund = line.refund.as_ref();
    [
        at(line.at),
        merchant.0.into(),
        merchant.1.into(),
        merchant.2.into(),
        line.device.clone(),
        line.transaction.clone(),
        line.number.clone(),
        "oSim".into(),
        "MICROPAY".into(),
        state.into(),
        "OTHERS".into(),
        line.currency.into(),
        yuan(came),
        "0.00".into(),
        at(line.at),
        at(refund.map_or(line.at, |refund| refund.arrives_at)),
        refund.map_or_else(|| "0".into(), |refund| refund.refund_id.clone()),
        refund.map_or_else(|| "0".into(), |refund| refund.number.clone()),
        yuan(went),
        "0.00".into(),
        kind.into(),
        done.into(),
        line.description.clone(),
        String::new(),
        fine(line.fee()),
        "0.60%".into(),
        yuan(came),
        yuan(went),
        String::new(),
    ]
}

/// What moved on the merchant's account, which held `balance` fen when the day began: what came, its fee, and what went
/// back, less the fee that came back with it.
#[must_use]
pub(in crate::simulator) fn account(
    lines: &[BillLine],
    merchant: &str,
    mut balance: i64,
    faults: &[BillFault],
) -> String {
    let mut text = format!("\u{feff}{ACCOUNT}\r\n");
    let (mut came, mut went) = ((0, 0), (0, 0));
    for line in lines {
        let fee = line.fee_minor();
        let moves = match line.moved {
            Moved::Paid => vec![("交易", "交易", line.amount_minor), ("交易", "扣除交易手续费", -fee)],
            Moved::Revoked | Moved::Refunded => vec![("退款", "退款", line.on_account())],
        };
        for (nth, (business, kind, amount)) in
            moves.into_iter().filter(|(.., amount)| *amount != 0).enumerate()
        {
            balance += amount;
            let (way, (count, sum)) = if amount > 0 { ("收入", &mut came) } else { ("支出", &mut went) };
            (*count, *sum) = (*count + 1, *sum + amount.abs());
            let (own, by, note) = match &line.refund {
                _ if line.moved == Moved::Paid => (line.transaction.clone(), "system".into(), String::new()),
                refund => {
                    let id = refund.as_ref().map_or(&line.transaction, |refund| &refund.refund_id);
                    let note = format!("退款总金额{}元;含手续费{}元", yuan(line.amount_minor), yuan(-fee));
                    (id.clone(), format!("{merchant}API"), note)
                }
            };
            let _ = write!(
                text,
                "`{},`{own},`{own}{nth:02},`{business},`{kind},`{way},`{},`{},`{by},`{note},`{}\r\n",
                china_time(line.at, "%Y-%m-%d %H:%M:%S"),
                yuan(amount.abs()),
                yuan(balance),
                line.own_number()
            );
        }
    }
    let off = i64::from(faults.contains(&BillFault::OtherSums));
    let (all, came_sum, went_sum) = (came.0 + went.0, yuan(came.1 + off), yuan(went.1));
    let _ = write!(text, "{ACCOUNT_SUMS}\r\n`{all},`{},`{came_sum},`{},`{went_sum}\r\n", came.0, went.0);
    spoil_text(text, "业务凭证号", faults)
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
