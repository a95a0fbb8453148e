use super::*;
use encoding_rs::GBK;
use proptest::prelude::*;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

const HEADER: &str = "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,\
    订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,\
    商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注";

fn line(kind: &str, number: &str, name: &str, amount: &str, request: &str) -> String {
    format!(
        "2026112022001\t,{number}\t,{kind}\t,{name}\t,2026-11-20 10:00:00,2026-11-20 10:00:01,,,,T0001,*明(159****5620),\
         {amount},{amount},0.00,0.00,0.00,0.00,0.00,,0.00,0.00,{request}\t,-0.03,0.00,"
    )
}

fn day() -> Vec<String> {
    vec![
        line("交易", "E1", "茶, 绿,的", "5.50", ""),
        line("退款", "E1", "茶", "-2.00", "R1"),
        line("交易", "E2", "面包", "8.00", ""),
        line("退款", "E2", "面包", "-8.00", ""),
    ]
}

fn text(lines: &[String], paid: &str, refunded: &str) -> String {
    let list = "#-----------------------------------------业务明细列表";
    format!(
        "{TITLE}\r\n#账号：[20881234567890120156]\r\n#起始日期：[2026年11月20日 00:00:00]   终止日期：[2026年11月21日 00:00:00]\r\n\
         {list}----------------------------------------\r\n{HEADER}\r\n{}\r\n{list}结束------------------------------------\r\n\
         #交易合计：{paid}元，商家优惠共0.00元\r\n#退款合计：{refunded}元，商家优惠退款共0.00元\r\n\
         #导出时间：[2026年11月21日 09:30:29]\r\n",
        lines.join("\r\n")
    )
}

fn whole() -> String {
    text(&day(), "2笔，商家实收共13.50", "2笔，商家实收退款共-10.00")
}

fn pack(files: &[&str]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (n, file) in files.iter().enumerate() {
        archive.start_file(format!("{n}.csv"), SimpleFileOptions::default()).unwrap();
        archive.write_all(&GBK.encode(file).0).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

const SUMMARY: &str = "#支付宝业务汇总查询\r\n#账号：[20881234567890120156]\r\n";

fn read(text: &str) -> Result<Vec<BillRow>, BillError> {
    parse(&pack(&[SUMMARY, text]), None)
}

#[test]
fn another_sellers_bill_is_refused_whole() {
    let read = |text: &str, seller| parse(&pack(&[SUMMARY, text]), Some(seller));
    assert_eq!(read(&whole(), "2088123456789012").unwrap().len(), 4);
    let foreign = |whose: &str, own: &str| BillError::Foreign { whose: whose.into(), own: own.into() };
    let (account, own) = ("20881234567890120156", "2088999999999999");
    assert_eq!(read(&whole(), own).unwrap_err(), foreign(account, own));
    // Nor is one taken that does not say whose it is.
    let nobodys = whole().replace(&format!("#账号：[{account}]\r\n"), "");
    assert_eq!(read(&nobodys, own).unwrap_err(), foreign("", own));
}

#[test]
fn payments_refunds_and_what_was_cancelled_each_have_their_number_and_amount() {
    let rows = read(&whole()).unwrap();
    let seen: Vec<_> =
        rows.iter().map(|r| (r.movement, r.number.as_str(), r.amount.minor, r.revoked, r.line)).collect();
    assert_eq!(
        seen,
        [
            (Movement::Payment, "E1", 550, false, 6),
            (Movement::Refund, "R1", 200, false, 7),
            (Movement::Payment, "E2", 800, false, 8),
            (Movement::Payment, "E2", 800, true, 9),
        ]
    );
    assert_eq!((rows[0].fee_minor, rows[0].transaction.as_str()), (3, "2026112022001"));
}

#[test]
fn a_day_without_trade_is_a_bill_without_lines() {
    let empty = text(&[], "0笔，商家实收共0.00", "0笔，商家实收退款共0.00").replace("\r\n\r\n", "\r\n");
    assert_eq!(read(&empty), Ok(Vec::new()));
}

#[test]
fn a_bill_that_is_cut_off_anywhere_is_refused_whole() {
    let whole = whole();
    let end = whole.trim_end().len();
    for (at, _) in whole.char_indices().filter(|(at, _)| *at < end && *at > 0) {
        assert!(read(&whole[..at]).is_err(), "taken: {:?}", &whole[..at]);
    }
    let archive = pack(&[SUMMARY, &whole]);
    for at in 0..archive.len() {
        assert!(parse(&archive[..at], None).is_err(), "an archive of {at} bytes was taken");
    }
}

#[test]
fn what_is_altered_on_its_way_is_refused() {
    let archive = pack(&[&whole()]);
    let mut taken = Vec::new();
    for at in 0..archive.len() {
        let mut altered = archive.clone();
        altered[at] ^= 0x20;
        if let Ok(rows) = parse(&altered, None) {
            taken.push(rows);
        }
    }
    // Dates and flags in the archive's heads are no part of the bill.
    assert!(taken.iter().all(|rows| rows == &read(&whole()).unwrap()));
    assert!(taken.len() < archive.len() / 4, "{} of {}", taken.len(), archive.len());
}

#[test]
fn a_line_that_is_missing_does_not_go_unnoticed() {
    let missing = text(&day()[1..], "2笔，商家实收共13.50", "2笔，商家实收退款共-10.00");
    assert!(matches!(read(&missing), Err(BillError::Sums { what: "payments", .. })));
    let altered = whole().replacen("5.50,5.50", "5.50,5.51", 1);
    assert!(matches!(read(&altered), Err(BillError::Sums { what: "payments", .. })));
}

#[test]
fn other_columns_other_kinds_and_other_files_are_refused_with_the_reason() {
    assert_eq!(read(&whole().replace("订单金额（元）", "金额")), Err(BillError::NoColumn(AMOUNT)));
    assert!(matches!(read(&whole().replace("退款\t", "转账\t")), Err(BillError::Line { line: 7, .. })));
    assert!(matches!(read(&whole().replace("-2.00,", "2.00,")), Err(BillError::Line { line: 7, .. })));
    assert!(matches!(read(&whole().replace("5.50,", "5.505,")), Err(BillError::Line { line: 6, .. })));
    assert!(matches!(parse(&pack(&[SUMMARY]), None), Err(BillError::Packed(_))));
    assert!(matches!(parse(&pack(&[&whole(), &whole()]), None), Err(BillError::Packed(_))));
    assert!(matches!(parse(b"<html>busy</html>", None), Err(BillError::Packed(_))));
    assert!(matches!(parse(b"", None), Err(BillError::Packed(_))));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes, None);
        let _ = list(&bytes[..], None);
    }

    #[test]
    fn an_archive_that_is_damaged_anywhere_is_refused_or_is_the_same_bill(
        at in any::<prop::sample::Index>(), other in 1_u8.., cut in any::<prop::sample::Index>(),
    ) {
        let whole = pack(&[SUMMARY, &self::whole()]);
        let rows = parse(&whole, None).unwrap();
        let mut damaged = whole.clone();
        damaged[at.index(whole.len())] ^= other;
        for bytes in [&damaged[..], &whole[..cut.index(whole.len())], &damaged[..cut.index(whole.len())]] {
            if let Ok(read) = parse(bytes, None) {
                prop_assert_eq!(&read, &rows);
            }
        }
    }
}

proptest! {
    #[test]
    fn a_list_with_an_altered_byte_is_taken_without_panic_and_has_no_more_lines(
        at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = GBK.encode(&whole()).0.into_owned();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let archive = {
            let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
            archive.start_file("list.csv", SimpleFileOptions::default()).unwrap();
            archive.write_all(&bytes).unwrap();
            archive.finish().unwrap().into_inner()
        };
        if let Ok(rows) = parse(&archive, None) {
            prop_assert!(rows.len() <= day().len(), "{rows:?}");
        }
    }
}
