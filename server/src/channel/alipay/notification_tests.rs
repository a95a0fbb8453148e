use super::super::keys::{Trust, WalletKey};
use super::super::testing::{MERCHANT, WALLET, merchant, signed_by, with as with_trust};
use super::*;
use evertill_shared::money::{Amount, Currency};
use proptest::prelude::*;

const NUMBER: &str = "E000001000100001000000000002001";

fn fields() -> Form {
    let fields = [
        ("app_id", "2021000000000001"),
        ("charset", "utf-8"),
        ("notify_id", "ac05099524730693a8b330c5ecf72da9786"),
        ("notify_type", "trade_status_sync"),
        ("out_trade_no", NUMBER),
        ("seller_id", "2088000000000001"),
        ("subject", "Laden & 茶"),
        ("total_amount", "12.80"),
        ("trade_no", "2026112122001400000000000001"),
        ("trade_status", "TRADE_SUCCESS"),
        ("version", "1.0"),
    ];
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn written(form: &Form) -> String {
    let escaped = |text: &str| text.bytes().map(|b| format!("%{b:02x}")).collect::<String>();
    form.iter().map(|(n, v)| format!("{n}={}", escaped(v))).collect::<Vec<_>>().join("&")
}

/// As the wallet would post it, signed with that key.
fn posted(mut form: Form, pem: &str) -> String {
    let sign = signed_by(pem, &signed_text(&form));
    form.extend([("sign".to_owned(), sign), ("sign_type".to_owned(), "RSA2".to_owned())]);
    written(&form)
}

fn with(name: &str, value: &str) -> Form {
    let mut form = fields();
    form.insert(name.into(), value.into());
    form
}

#[test]
fn an_authentic_notification_names_the_attempt_the_amount_and_the_transaction() {
    let body = posted(fields(), WALLET);
    let notified = read(&merchant(), body.as_bytes()).unwrap();
    assert_eq!(notified.number.as_str(), NUMBER);
    assert_eq!(notified.amount, Amount::new(1280, Currency::CNY));
    assert_eq!(notified.transaction, "2026112122001400000000000001");
    // Fields that nobody knows yet are signed with the others.
    assert!(read(&merchant(), posted(with("new_field", "1"), WALLET).as_bytes()).is_ok());
}

#[test]
fn forged_altered_or_unsigned_notifications_are_not_authentic() {
    let good = posted(fields(), WALLET);
    let bad = [
        posted(fields(), MERCHANT),
        written(&fields()),
        good.replace("%31%32%2e%38%30", "%31%32%2e%38%31"),
        format!("{good}&extra=1"),
        good.replace("sign_type=%52%53%41%32", "sign_type=%52%53%41"),
    ];
    for body in bad {
        assert_eq!(read(&merchant(), body.as_bytes()), Err(Bad::NotAuthentic), "{body}");
    }
    assert_eq!(read(&merchant(), b"{\"a\":1}"), Err(Bad::Unreadable("it is not a form")));
    let twice = format!("{good}&total_amount=0.01");
    assert_eq!(
        read(&merchant(), twice.as_bytes()),
        Err(Bad::Unreadable("it has a field twice, or too many"))
    );
}

#[test]
fn what_is_for_somebody_else_or_says_too_little_is_not_taken() {
    for (name, value) in [
        ("app_id", "2021000000000009"),
        ("seller_id", "2088000000000009"),
        ("out_trade_no", ""),
        ("out_trade_no", "'; DROP TABLE"),
        ("total_amount", "12.801"),
        ("total_amount", "-1"),
        ("trade_no", ""),
        ("trade_no", "a b"),
    ] {
        let body = posted(with(name, value), WALLET);
        assert_eq!(read(&merchant(), body.as_bytes()), Err(Bad::Mismatch(name)), "{value}");
    }
}

/// A true notification of 2019 with the wallet's key of that day, as its own library for Node is tried with it.
#[test]
fn the_published_notification_of_alipay_sdk_is_the_wallets_and_not_altered() {
    const KEY: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqObrdC7hrgAVM98tK0nv3hSQRGGKT4lBsQjHiGjeYZjO\
        PIPHR5knm2jnnz/YGIXIofVHkA/tAlBAd5DrY7YpvI4tP5EONLtZKC2ghBMx7McI2wRD0xiqzxOQr1FuhZGJ8/AUokBzJrzY+aGX2xcOrxFY\
        RlFilvVLTXg4LWjR1tdPkO6+i7wQZAIVMClPkwVRZEbaERRHlKqTzv2gGv5rDU8gRoe1LeaN+6BlbTqHWkQcNCUNrA8C6l17XAXGKDsm/9TF\
        WwO8EPHHHCaQdjtV5/FdcWIt+L8SR1ss7EXTjYDFtxcKVv9rEoY1lX8T4mX+GbXfZHraG5NCF1+XioL5JwIDAQAB";
    const SIGN: &str = "QfTb8tqE1BMhS5qAnXtvsF3/jBkEvu9q9en0pdbBUDDjvKycZhQb7h8GDs4FKfi049PynaNuatxSgLb/nLWZpXyyh0L\
        EWdK2S6Ri7nPwrVgOs08zugLO20vOQz44y3ti2Ncm8/wZts1Fr2gZ7pShnVX3d1B50hbsXnObT1r/U8ONNQjWXd0HIul4TG+Q3fm3svmSvFE\
        y0WnzuhcyHPX5Gm4ELNctL6Qd5YniGJFNcc7kopHYtI/XD9YCKCH6Ct02rzUs9i11C9CsadtZn+WhxF26Dqt9sGEFajkJ8cxUTLi8+VCpLHsg\
        PE8P0y095uQcDdK0YjCh4x7wVSov+lrmOQ==";
    let form: Form = [
        ("gmt_create", "2019-08-15 15:56:22"),
        ("charset", "utf-8"),
        ("seller_email", "z97-yuquerevenue@service.aliyun.com"),
        ("subject", "语雀空间 500人规模"),
        ("buyer_id", "2088102534368455"),
        ("invoice_amount", "0.10"),
        ("notify_id", "2019081500222155624068450559358070"),
        ("fund_bill_list", "[{\"amount\":\"0.10\",\"fundChannel\":\"ALIPAYACCOUNT\"}]"),
        ("notify_type", "trade_status_sync"),
        ("trade_status", "TRADE_SUCCESS"),
        ("receipt_amount", "0.10"),
        ("buyer_pay_amount", "0.10"),
        ("app_id", "2019073166072302"),
        ("seller_id", "2088531891668739"),
        ("gmt_payment", "2019-08-15 15:56:24"),
        ("notify_time", "2019-08-15 15:56:25"),
        ("version", "1.0"),
        ("out_trade_no", "20190815155618536-564-57"),
        ("total_amount", "0.10"),
        ("trade_no", "2019081522001468450512505578"),
        ("auth_app_id", "2019073166072302"),
        ("buyer_logon_id", "xud***@126.com"),
        ("point_amount", "0.00"),
        ("sign", SIGN),
        ("sign_type", "RSA2"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let key = WalletKey::read(KEY.as_bytes()).unwrap();
    let theirs = Merchant {
        app_id: "2019073166072302".into(),
        seller_id: Some("2088531891668739".into()),
        ..with_trust(Trust::Key(key))
    };
    let said = |name: &str, value: &str| {
        let mut form = form.clone();
        form.insert(name.into(), value.into());
        read(&theirs, written(&form).as_bytes())
    };
    // All that is wrong with it is that the number is none of ours.
    assert_eq!(said("version", "1.0"), Err(Bad::Mismatch("out_trade_no")));
    for (name, value) in [("total_amount", "0.11"), ("out_trade_no", NUMBER), ("subject", ""), ("more", "1")]
    {
        assert_eq!(said(name, value), Err(Bad::NotAuthentic), "{name}");
    }
}

proptest! {
    #[test]
    fn no_altered_byte_is_taken(index in any::<prop::sample::Index>(), byte: u8) {
        let good = posted(fields(), WALLET).into_bytes();
        let mut body = good.clone();
        let index = index.index(body.len());
        body[index] = byte;
        if let Ok(notified) = read(&merchant(), &body) {
            prop_assert_eq!(notified, read(&merchant(), &good).unwrap(), "another spelling of the same");
        }
    }

    #[test]
    fn any_bytes_are_taken_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read(&merchant(), &bytes).is_err());
    }

    #[test]
    fn near_misses_are_taken_without_panic(
        text in "(sign|sign_type|RSA2|app_id|=|&|%|%3|%e4|\\+|a|1\\.0){0,24}",
    ) {
        prop_assert!(read(&merchant(), text.as_bytes()).is_err());
    }
}
