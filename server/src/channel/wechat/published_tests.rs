//! What the wallet's own libraries are tried with, held against ours.

use super::bill::{self, Whose};
use super::fields::{self, Unreadable};
use evertill_shared::reconciliation::{Movement, Progress};

/// The first lines of the bill that the wallet's PHP library is tried with (`bill.ALL.csv`, of 2019), and sums written as
/// that bill writes them: the number of lines with a decimal, whole yuan with one, lines that end without a carriage return.
const BILL: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,\
货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,\
费率,订单金额,申请退款金额,费率备注
`2019-02-19 05:01:46,`wxab8acd895ab1638a,`1921000401,`0,`harryma007,`4200000263201902167700134212,\
`autotest_20190216081946_82335,`oHkLxtx0vUqe-18p_AXTZ1innxkCY,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,\
`50000709672019011908420787722,`REF4200000263201902167700963919,`0.01,`0.00,`ORIGINAL,`SUCCESS,\
`系统拨测-cheeryin-test_micropay_succ,`,`0.00000,`39.00%,`0.00,`0.01,`
`2019-02-19 01:52:32,`wxab8acd895ab1638a,`1921000401,`0,`,`4200000263201902167700134902,\
`autotest_20190219015232_89201,`wxab8acb865bb1637e,`NATIVE,`SUCCESS,`OTHERS,`CNY,`0.03,`0.00,`0,`0,`0.00,`0.00,`,`,\
`autotest,`,`0.01000,`39.00%,`0.03,`0.00,`
`2019-02-19 18:53:38,`wxab8acd895ab1638a,`1921000401,`0,`,`4200000263201902167700134987,\
`autotest_20190219185337_56967,`wxab8acrb865bb1637e,`NATIVE,`SUCCESS,`OTHERS,`CNY,`0.03,`0.01,`0,`0,`0.00,`0.00,`,`,\
`autotest,`,`0.01000,`39.00%,`0.03,`0.00,`
总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额
`3.0,`0.06,`0.01,`0.0,`0.02,`0.06,`0.01
";

#[test]
fn books_match_the_published_bill_of_wechatpay_php_is_read_as_it_stands() {
    let whose = Whose { merchant_id: "1921000401".into(), shop: None };
    let rows = bill::parse(BILL.as_bytes(), &whose).unwrap();
    let seen: Vec<_> = rows
        .iter()
        .map(|r| (r.movement, r.number.as_str(), r.amount.minor, r.fee_minor, r.progress))
        .collect();
    assert_eq!(
        seen,
        [
            (Movement::Refund, "REF4200000263201902167700963919", 1, 0, Progress::Done),
            (Movement::Payment, "autotest_20190219015232_89201", 3, 1, Progress::Done),
            // A voucher paid a part of it: what was sold, and not what the merchant gets of it, is what we know.
            (Movement::Payment, "autotest_20190219185337_56967", 3, 1, Progress::Done),
        ]
    );
    for (said, changed) in
        [("`3.0,", "`2.0,"), ("`0.06,`0.01\n", "`0.07,`0.01\n"), ("`0.06,`0.01\n", "`0.06,`0.0\n")]
    {
        let text = BILL.replace(said, changed);
        assert_ne!(text, BILL);
        assert!(bill::parse(text.as_bytes(), &whose).is_err(), "{changed}");
    }
}

#[test]
fn the_published_notification_of_a_payment_by_version_2_is_read_field_by_field() {
    let xml = "<xml>
  <appid><![CDATA[wx2421b1c4370ec43b]]></appid>
  <attach><![CDATA[支付测试]]></attach>
  <bank_type><![CDATA[CFT]]></bank_type>
  <out_trade_no><![CDATA[1409811653]]></out_trade_no>
  <sign><![CDATA[B552ED6B279343CB493C5DD0D78AB241]]></sign>
  <total_fee>1</total_fee>
  <coupon_fee><![CDATA[10]]></coupon_fee>
  <transaction_id><![CDATA[1004400740201409030005092168]]></transaction_id>
</xml>
";
    let fields = fields::parse(xml.as_bytes()).unwrap();
    assert_eq!(fields.len(), 8);
    assert_eq!((fields["attach"].as_str(), fields["total_fee"].as_str()), ("支付测试", "1"));
}

#[test]
fn the_published_xml_attacks_are_refused() {
    let outside = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!DOCTYPE foo [<!ENTITY xxe SYSTEM \"http://tst.qq.com/xxe_inject/463103c2ee4067e1c4f5318440dc245d\">]>
<foo><value>&xxe;</value></foo>
";
    assert_eq!(fields::parse(outside.as_bytes()), Err(Unreadable::Forbidden));
    let twice = "<batchjob>
    <payment>
    <account>5678-attacker</account>
    </payment>
    <payment>
    <account>1234-victim</account>
    </payment>
</batchjob>
";
    assert_eq!(fields::parse(twice.as_bytes()), Err(Unreadable::Shape));
    let in_our_list = twice.replace("batchjob", "xml");
    assert_eq!(fields::parse(in_our_list.as_bytes()), Err(Unreadable::Shape));
    let nested = "<?xml version=\"1.0\" standalone=\"yes\"?>
<movies>
 <movie>
  <titles>PHP: Behind the Parser</title>
 </movie>
</movies>
";
    assert_eq!(fields::parse(nested.as_bytes()), Err(Unreadable::Shape));
    assert_eq!(fields::parse(nested.replace("movies", "xml").as_bytes()), Err(Unreadable::Shape));
}
