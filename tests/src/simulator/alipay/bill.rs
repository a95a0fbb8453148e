//! A day's bill as Alipay writes it, and the addresses, good for half a minute, that bills are fetched from.

use crate::simulator::wallet::bill::{BillFault, BillLine, Moved, spoil_text, yuan};
use crate::simulator::wallet::{china_time, random_hex};
use encoding_rs::GBK;
use evertill_shared::clock::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use zip::write::SimpleFileOptions;

/// How long an address is good.
const LIFE: Duration = Duration::from_secs(30);

const COLUMNS: &str = "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,\
    订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,\
    商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注";

/// The addresses that were given out.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<BTreeMap<String, (String, Timestamp)>>);

impl Tokens {
    /// A new one, for the bill of that day.
    pub fn give(&self, day: &str, now: Timestamp) -> Option<String> {
        let token = random_hex(16).ok()?;
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(token.clone(), (day.to_owned(), now.plus(LIFE)));
        Some(token)
    }

    /// The day whose bill it is for, while it is good.
    pub fn day(&self, token: &str, now: Timestamp) -> Option<String> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(token).filter(|(_, until)| now < *until).map(|(day, _)| day.clone())
    }
}

/// The archive of a day's bill of the shop `seller`: the list of movements and the file of sums.
pub(super) fn archive(
    seller: &str,
    lines: &[BillLine],
    day: &str,
    now: Timestamp,
    faults: &[BillFault],
) -> Result<Vec<u8>, zip::result::ZipError> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let head = |title: &str| {
        let day = day.replace('-', "");
        format!("#支付宝{title}\r\n#账号：[{seller}0156]\r\n#起始日期：[{day}]   终止日期：[{day}]\r\n")
    };
    let count = |moved: bool| lines.iter().filter(|line| (line.moved == Moved::Paid) == moved).count();
    let list = format!("{}{}", head("业务明细查询"), list(lines, now, faults));
    let sums = format!(
        "{}#-----------------------------------------业务汇总列表----------------------------------------\r\n\
         门店编号,门店名称,交易订单总笔数,退款订单总笔数\r\n合计\t,\t,{},{}\r\n",
        head("业务汇总查询"),
        count(true),
        count(false)
    );
    for (name, text) in [("detail.csv", spoil_text(list, "退款批次号/请求号", faults)), ("summary.csv", sums)]
    {
        archive.start_file(name, SimpleFileOptions::default().compression_level(Some(1)))?;
        archive.write_all(&GBK.encode(&text).0)?;
    }
    Ok(archive.finish()?.into_inner())
}

fn list(lines: &[BillLine], now: Timestamp, faults: &[BillFault]) -> String {
    let rule = "#-----------------------------------------业务明细列表";
    let mut text = format!("{rule}----------------------------------------\r\n{COLUMNS}\r\n");
    let (mut came, mut went) = ((0, 0), (0, 0));
    for line in lines {
        let is_paid = line.moved == Moved::Paid;
        let amount = if is_paid { line.amount_minor } else { -line.amount_minor };
        let (count, sum) = if is_paid { &mut came } else { &mut went };
        (*count, *sum) = (*count + 1, *sum + amount);
        let request = line.refund.as_ref().map_or("", |refund| &refund.number);
        let (kind, at) = (if is_paid { "交易" } else { "退款" }, china_time(line.at, "%Y-%m-%d %H:%M:%S"));
        let (money, fee) = (yuan(amount), yuan(-line.fee_minor()));
        let _ = write!(
            text,
            "{}\t,{}\t,{kind}\t,{}\t,{at},{at},,,,{},*明(159****5620)\t,{money},{money},0.00,0.00,0.00,0.00,0.00,,\
             0.00,0.00,{request}\t,{fee},0.00,\r\n",
            line.transaction, line.number, line.description, line.device
        );
    }
    let off = i64::from(faults.contains(&BillFault::OtherSums));
    let _ = write!(
        text,
        "{rule}结束------------------------------------\r\n\
         #交易合计：{}笔，商家实收共{}元，商家优惠共0.00元\r\n\
         #退款合计：{}笔，商家实收退款共{}元，商家优惠退款共0.00元\r\n#导出时间：[{}]\r\n",
        came.0,
        yuan(came.1 + off),
        went.0,
        yuan(went.1),
        china_time(now, "%Y年%m月%d日 %H:%M:%S")
    );
    text
}
