use super::super::testing::*;
use super::*;
use evertill_shared::id::RefundId;
use evertill_shared::secret::AuthCode;
use proptest::prelude::*;
use serde_json::json;

fn charge() -> Charge {
    Charge {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        number: number(1),
        amount: cny(1234),
        auth_code: AuthCode::new("130000000000000001".into()),
        description: "Shop".into(),
        device: "T0001".into(),
    }
}

fn shown() -> ShownOrder {
    ShownOrder {
        number: number(1),
        amount: cny(1234),
        description: "Shop".into(),
        device: "T0001".into(),
        until: Timestamp(NOW.0 + 300_000),
    }
}

fn the_refund() -> ChannelRefund {
    ChannelRefund {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        refund: RefundId("R1".into()),
        number: number(1),
        paid: cny(1234),
        amount: cny(34),
        reason: "broken".into(),
    }
}

fn order(state: &str) -> Value {
    json!({
        "appid": US.app_id, "mchid": US.merchant_id, "out_trade_no": number(1).as_str(),
        "transaction_id": "4200001", "trade_type": "NATIVE", "trade_state": state, "new_field": [1],
        "amount": { "total": 1234, "payer_total": 1234, "currency": "CNY" },
    })
}

fn good(body: Value) -> Reply {
    reply(200, &body).unwrap()
}

fn error(word: &str) -> Reply {
    reply(400, &json!({ "code": word, "message": "…" })).unwrap()
}

fn refunded(status: &str) -> Value {
    json!({
        "out_trade_no": number(1).as_str(), "out_refund_no": "R1", "refund_id": "50300001", "status": status,
        "amount": { "total": 1234, "refund": 34, "payer_total": 1234, "payer_refund": 34, "currency": "CNY" },
    })
}

fn ask(reply: &Reply) -> Result<QueryOutcome, Unusable> {
    query(reply, &number(1), cny(1234), US)
}

/// What each word means for each call: P declined, W waiting, U unknown | N no such order, U | R not taken back, C
/// closed, N, U | F refused if a question confirms it, U | N no such refund, U.
const TABLE: &[(&str, &str)] = &[
    ("SYSTEM_ERROR", "UUUUU"),
    ("SYSTEMERROR", "UUUUU"),
    ("BANK_ERROR", "UUUUU"),
    ("BANKERROR", "UUUUU"),
    ("USERPAYING", "WURUU"),
    ("AUTHCODEEXPIRE", "PUUUU"),
    ("AUTH_CODE_ERROR", "PUUUU"),
    ("AUTH_CODE_INVALID", "PUUUU"),
    ("NOT_ENOUGH", "PUUFU"),
    ("NOTENOUGH", "PUUFU"),
    ("NOTSUPORTCARD", "PUUUU"),
    ("TRADE_ERROR", "PURUU"),
    ("RULE_LIMIT", "PUUFU"),
    ("ACCOUNT_ERROR", "PUUUU"),
    ("USER_ACCOUNT_ABNORMAL", "UUUFU"),
    ("ORDERPAID", "UURUU"),
    ("OUT_TRADE_NO_USED", "UUUUU"),
    ("ORDER_CLOSED", "UUCUU"),
    ("ORDERCLOSED", "UUCUU"),
    ("ORDERREVERSED", "UUUUU"),
    ("BUYER_MISMATCH", "UUUUU"),
    ("INVALID_REQUEST", "UURFU"),
    ("PARAM_ERROR", "PUUFU"),
    ("SIGN_ERROR", "PUUFU"),
    ("NO_AUTH", "PUUFU"),
    ("MCH_NOT_EXISTS", "PUUFU"),
    ("APPID_MCHID_NOT_MATCH", "PUUFU"),
    ("ORDER_NOT_EXIST", "UNNFU"),
    ("ORDERNOTEXIST", "UNNFU"),
    ("RESOURCE_NOT_EXISTS", "UNNFN"),
    ("REVERSE_EXPIRE", "UURUU"),
    ("TRADE_STATE_ERROR", "UURFU"),
    ("INVALID_TRANSACTIONID", "UURUU"),
    ("TRADE_OVERDUE", "UUUFU"),
    ("FREQUENCY_LIMITED", "UURUU"),
    ("RATELIMIT_EXCEEDED", "UURUU"),
    ("NO_STATEMENT_EXIST", "UUUUU"),
    ("STATEMENT_CREATING", "UUUUU"),
    ("A_WORD_OF_TOMORROW", "UUUUU"),
];

#[test]
fn every_documented_word_means_what_the_table_says() {
    for (word, _) in E::DOCUMENTED {
        assert!(TABLE.iter().any(|(listed, _)| listed == word), "{word} is not in the table");
    }
    for (word, meaning) in TABLE {
        let reply = error(word);
        let said: String = [
            match pay(&reply, &charge(), US).unwrap() {
                PayOutcome::ConfirmedFailure(_) => 'P',
                PayOutcome::Waiting => 'W',
                PayOutcome::Unknown => 'U',
                other => panic!("{word}: {other:?}"),
            },
            match ask(&reply).unwrap() {
                QueryOutcome::NoSuchOrder => 'N',
                QueryOutcome::Unknown => 'U',
                other => panic!("{word}: {other:?}"),
            },
            match close(&reply) {
                ReverseOutcome::Reversed => 'C',
                ReverseOutcome::Retry => 'R',
                ReverseOutcome::TooLate => 'T',
                ReverseOutcome::NoSuchOrder => 'N',
                ReverseOutcome::Unknown => 'U',
            },
            match refund(&reply, &the_refund()).unwrap() {
                Refunded::Refused(_) => 'F',
                Refunded::Unknown => 'U',
                other => panic!("{word}: {other:?}"),
            },
            match query_refund(&reply, &the_refund()).unwrap() {
                Refunded::NoSuchRefund => 'N',
                Refunded::Unknown => 'U',
                other => panic!("{word}: {other:?}"),
            },
        ]
        .into_iter()
        .collect();
        assert_eq!(said, *meaning, "{word}");
    }
}

#[test]
fn a_charge_is_paid_only_by_a_success_about_this_very_charge() {
    let paid = PayOutcome::ConfirmedSuccess { transaction: "4200001".into() };
    assert_eq!(pay(&good(order("SUCCESS")), &charge(), US), Ok(paid));
    assert_eq!(pay(&good(json!({ "trade_state": "USERPAYING" })), &charge(), US), Ok(PayOutcome::Waiting));
    for state in ["NOTPAY", "PAYERROR", "REVOKED", "CLOSED", "REFUND", "", "NEW"] {
        assert_eq!(pay(&good(order(state)), &charge(), US), Ok(PayOutcome::Unknown), "{state}");
    }
    for pointer in
        ["/appid", "/mchid", "/out_trade_no", "/transaction_id", "/amount/total", "/amount/currency"]
    {
        let mut other = order("SUCCESS");
        *other.pointer_mut(pointer).unwrap() = json!("other!");
        assert_eq!(pay(&good(other), &charge(), US), Err(Unusable::Mismatch(pointer)));
    }
    assert!(pay(&good(json!({ "trade_state": "SUCCESS" })), &charge(), US).is_err());
    let mut rounded = order("SUCCESS");
    rounded["amount"]["total"] = json!(1234.0);
    assert_eq!(pay(&good(rounded), &charge(), US), Err(Unusable::Mismatch("/amount/total")));
}

#[test]
fn a_question_is_answered_only_about_the_order_that_was_asked_about() {
    let paid = QueryOutcome::Paid { transaction: "4200001".into() };
    for (state, outcome) in [
        ("SUCCESS", paid.clone()),
        ("REFUND", paid),
        ("USERPAYING", QueryOutcome::Waiting),
        ("ACCEPT", QueryOutcome::Waiting),
        ("NOTPAY", QueryOutcome::NotPaid),
        ("CLOSED", QueryOutcome::Reversed),
        ("REVOKED", QueryOutcome::Reversed),
        ("PAYERROR", QueryOutcome::Failed(DeclineReason::PaymentFailed)),
        ("NEW", QueryOutcome::Unknown),
    ] {
        assert_eq!(ask(&good(order(state))), Ok(outcome), "{state}");
        for pointer in ["/appid", "/mchid", "/out_trade_no", "/amount/total", "/amount/currency"] {
            let mut other = order(state);
            *other.pointer_mut(pointer).unwrap() = json!("other");
            assert_eq!(ask(&good(other)), Err(Unusable::Mismatch(pointer)), "{state}");
        }
    }
    // An order that is not paid need not tell an amount; one that is paid must.
    for (state, good_without) in [("NOTPAY", true), ("CLOSED", true), ("SUCCESS", false), ("REFUND", false)] {
        let mut short = order(state);
        short.as_object_mut().unwrap().remove("amount");
        assert_eq!(ask(&good(short)).is_ok(), good_without, "{state}");
    }
    assert_eq!(ask(&Reply::Good(Value::Null)), Err(Unusable::Mismatch("/appid")));
}

#[test]
fn how_an_order_was_made_is_told_by_its_type() {
    let shown = |kind: &str| {
        let mut order = order("SUCCESS");
        order["trade_type"] = json!(kind);
        was_shown(&good(order), &number(1), cny(1234), US)
    };
    assert_eq!((shown("NATIVE"), shown("MICROPAY"), shown("")), (Ok(Some(true)), Ok(Some(false)), Ok(None)));
    assert_eq!(was_shown(&error("SYSTEM_ERROR"), &number(1), cny(1234), US), Ok(None));
    assert!(was_shown(&good(order("SUCCESS")), &number(2), cny(1234), US).is_err());
}

#[test]
fn a_code_is_one_of_the_wallets_and_ends_with_the_order_or_after_two_hours() {
    let url = "weixin://wxpay/bizpayurl?pr=p4lpSuKzz";
    let made = |url: &str, order: &ShownOrder| create(&good(json!({ "code_url": url })), order, NOW);
    let code = |until| Ok(ShownOutcome::Code { content: url.into(), until });
    assert_eq!(made(url, &shown()), code(shown().until));
    let long = ShownOrder { until: Timestamp(NOW.0 + 86_400_000), ..shown() };
    assert_eq!(made(url, &long), code(Timestamp(NOW.0 + 7_200_000)));
    let long = format!("weixin://{}", "x".repeat(600));
    for bad in ["", "https://evil.example/pay", "weixin://a b", long.as_str()] {
        assert_eq!(made(bad, &shown()), Err(Unusable::Mismatch("/code_url")), "{bad}");
    }
    assert!(create(&Reply::Good(Value::Null), &shown(), NOW).is_err());
    for (word, outcome) in [
        ("PARAM_ERROR", ShownOutcome::Refused(DeclineReason::Configuration)),
        ("NO_AUTH", ShownOutcome::Refused(DeclineReason::Configuration)),
        ("RULE_LIMIT", ShownOutcome::Refused(DeclineReason::LimitOrRisk)),
        ("OUT_TRADE_NO_USED", ShownOutcome::Unknown),
        ("INVALID_REQUEST", ShownOutcome::Unknown),
        ("SYSTEM_ERROR", ShownOutcome::Unknown),
        ("A_WORD_OF_TOMORROW", ShownOutcome::Unknown),
    ] {
        assert_eq!(create(&error(word), &shown(), NOW), Ok(outcome), "{word}");
    }
}

#[test]
fn only_an_empty_yes_closes_and_only_a_named_one_takes_back() {
    assert_eq!(close(&reply(204, &Value::Null).unwrap()), ReverseOutcome::Reversed);
    assert_eq!(close(&good(json!({}))), ReverseOutcome::Unknown);
    let named = json!({ "appid": US.app_id, "mchid": US.merchant_id, "out_trade_no": number(1).as_str() });
    assert_eq!(reverse(&good(named.clone()), &number(1), US), Ok(ReverseOutcome::Reversed));
    assert_eq!(reverse(&error("REVERSE_EXPIRE"), &number(1), US), Ok(ReverseOutcome::TooLate));
    assert_eq!(reverse(&error("TRADE_STATE_ERROR"), &number(1), US), Ok(ReverseOutcome::Retry));
    assert!(reverse(&good(named), &number(2), US).is_err());
    assert!(reverse(&Reply::Good(Value::Null), &number(1), US).is_err());
}

#[test]
fn a_refund_is_done_only_when_it_says_so_about_this_very_refund() {
    for (status, outcome) in [
        ("SUCCESS", Refunded::Done),
        ("PROCESSING", Refunded::Processing),
        ("ABNORMAL", Refunded::NeedsAPerson(crate::channel::words::REFUND_STUCK.into())),
        ("CLOSED", Refunded::Closed(crate::channel::words::REFUND_CLOSED.into())),
        ("NEW", Refunded::Unknown),
    ] {
        for judge in [refund, query_refund] {
            assert_eq!(judge(&good(refunded(status)), &the_refund()), Ok(outcome.clone()), "{status}");
            for pointer in
                ["/out_trade_no", "/out_refund_no", "/amount/total", "/amount/refund", "/amount/currency"]
            {
                let mut other = refunded(status);
                *other.pointer_mut(pointer).unwrap() = json!("other");
                assert_eq!(judge(&good(other), &the_refund()), Err(Unusable::Mismatch(pointer)), "{status}");
            }
        }
    }
}

#[test]
fn a_bill_is_fetched_by_its_path_and_no_foreign_host_is_ever_called() {
    let hash = "79bb0f45fc4c42234a918000b2668d689e2bde04";
    let answer = |url: &str| json!({ "hash_type": "SHA1", "hash_value": hash, "download_url": url });
    let url = "https://api.mch.weixin.qq.com/v3/billdownload/file?token=6XIv5TUPto&tartype=gzip";
    let at = bill(&good(answer(url))).unwrap();
    assert_eq!((at.target.as_str(), at.hash.as_str()), (&url[29..], hash));
    for bad in [
        "",
        "/v3/billdownload/file?token=x",
        "https://api.mch.weixin.qq.com",
        "https://api.mch.weixin.qq.com/v3/refund/domestic/refunds?token=x",
        "https://api.mch.weixin.qq.com/v3/billdownload/file?token=x\r\nhost: y",
        "https://evil.example?/v3/billdownload/file",
    ] {
        assert!(matches!(bill(&good(answer(bad))), Err(BillFailure::Bad(_))), "{bad}");
    }
    let mut other = answer(url);
    other["hash_type"] = json!("MD5");
    assert!(matches!(bill(&good(other)), Err(BillFailure::Bad(_))));
    let mut short = answer(url);
    short["hash_value"] = json!("79bb");
    assert!(matches!(bill(&good(short)), Err(BillFailure::Bad(_))));
    assert_eq!(bill(&error("STATEMENT_CREATING")), Err(BillFailure::NotReady));
    assert_eq!(bill(&error("NO_STATEMENT_EXIST")), Err(BillFailure::NotReady));
    assert!(matches!(bill(&error("SYSTEM_ERROR")), Err(BillFailure::NoAnswer(_))));
}

proptest! {
    /// Whatever an authentic answer holds: paid only with our names, our number and our amount in it.
    #[test]
    fn a_changed_answer_never_says_paid_of_something_else(at in 0_usize..400, byte in any::<u8>()) {
        let mut bytes = order("SUCCESS").to_string().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(said) = serde_json::from_slice::<Value>(&bytes) {
            let whole = said["appid"] == US.app_id && said["mchid"] == US.merchant_id
                && said["out_trade_no"] == number(1).as_str() && said["amount"]["total"] == 1234;
            let reply = Reply::Good(said);
            let paid = matches!(pay(&reply, &charge(), US), Ok(PayOutcome::ConfirmedSuccess { .. }))
                || matches!(ask(&reply), Ok(QueryOutcome::Paid { .. }));
            prop_assert!(whole || !paid);
            let _ = (close(&reply), bill(&reply).is_ok(), create(&reply, &shown(), NOW).is_ok());
            let _ = (refund(&reply, &the_refund()).is_ok(), reverse(&reply, &number(1), US).is_ok());
        }
    }
}
