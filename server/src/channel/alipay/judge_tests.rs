use super::super::testing::reply;
use super::super::wire::Call;
use super::*;
use evertill_shared::id::{RefundId, SaleKey, StoreId, TerminalId};
use evertill_shared::money::Currency;
use evertill_shared::secret::AuthCode;
use proptest::prelude::*;
use serde_json::{Value, json};

fn number() -> ChannelNumber {
    let sale = SaleKey { terminal: TerminalId::try_from(1).unwrap(), epoch: 1, sequence: 1 };
    ChannelNumber::new(StoreId::try_from(1).unwrap(), sale, 1)
}

fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

fn charge() -> Charge {
    Charge {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        number: number(),
        amount: cny(12_088),
        auth_code: AuthCode::new("281234567890123456".into()),
        description: "Tea".into(),
        device: "T0001".into(),
    }
}

fn back() -> ChannelRefund {
    ChannelRefund {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        refund: RefundId("R1".into()),
        number: number(),
        paid: cny(12_088),
        amount: cny(88),
        reason: "broken".into(),
    }
}

/// The node with some fields put in or, with null, taken out.
fn changed(mut node: Value, changes: &[(&str, Value)]) -> Value {
    for (name, value) in changes {
        match value {
            Value::Null => node.as_object_mut().unwrap().remove(*name),
            value => node.as_object_mut().unwrap().insert((*name).to_owned(), value.clone()),
        };
    }
    node
}

fn paid_node() -> Value {
    json!({
        "code": "10000", "msg": "Success", "trade_no": "2013112011001004330000121536",
        "out_trade_no": number().as_str(), "buyer_logon_id": "159****5620", "total_amount": "120.88",
        "receipt_amount": "88.88", "gmt_payment": "2014-11-27 15:45:57",
        "fund_bill_list": [{ "fund_channel": "ALIPAYACCOUNT", "amount": "10" }],
    })
}

fn pay_says(node: &Value) -> Result<PayOutcome, Unusable> {
    pay(&reply(Call::Pay, node).unwrap(), &charge())
}

fn query_says(node: &Value) -> Result<QueryOutcome, Unusable> {
    query(&reply(Call::Query, node).unwrap(), &number(), cny(12_088))
}

fn cancel_says(node: &Value) -> ReverseOutcome {
    reverse(&reply(Call::Cancel, node).unwrap(), &number()).unwrap()
}

fn refund_says(node: &Value) -> Result<Refunded, Unusable> {
    refund(&reply(Call::Refund, node).unwrap(), &back())
}

fn refund_query_says(node: &Value) -> Result<Refunded, Unusable> {
    query_refund(&reply(Call::QueryRefund, node).unwrap(), &back())
}

fn business(sub_code: &str) -> Value {
    json!({ "code": "40004", "msg": "Business Failed", "sub_code": sub_code, "sub_msg": "…" })
}

#[test]
fn the_documented_answer_to_a_charge_is_a_success() {
    let transaction = "2013112011001004330000121536".to_owned();
    assert_eq!(pay_says(&paid_node()), Ok(PayOutcome::ConfirmedSuccess { transaction }));
}

#[test]
fn a_success_about_something_else_is_none() {
    for (field, value) in [
        ("out_trade_no", json!("E1")),
        ("out_trade_no", Value::Null),
        ("total_amount", json!("120.87")),
        ("total_amount", json!("12088")),
        ("total_amount", Value::Null),
        ("trans_currency", json!("USD")),
        ("trade_no", Value::Null),
        ("trade_no", json!("<script>")),
    ] {
        let node = changed(paid_node(), &[(field, value.clone())]);
        assert_eq!(pay_says(&node), Err(Unusable::Mismatch(field)), "{field}={value}");
    }
    let other = json!({ "code": "10003", "out_trade_no": "E1" });
    assert_eq!(pay_says(&other), Err(Unusable::Mismatch("out_trade_no")));
}

/// Every documented word of the gateway, and what it proves of a charge.
#[test]
fn each_code_of_the_gateway_means_one_thing_for_a_charge() {
    let configuration = PayOutcome::ConfirmedFailure(DeclineReason::Configuration);
    for (code, outcome) in [
        ("10003", PayOutcome::Waiting),
        ("20000", PayOutcome::Unknown),
        ("20001", configuration.clone()),
        ("40001", configuration.clone()),
        ("40002", configuration.clone()),
        ("40006", configuration),
        ("40004", PayOutcome::Unknown),
        ("50000", PayOutcome::Unknown),
        ("10001", PayOutcome::Unknown),
        ("", PayOutcome::Unknown),
    ] {
        assert_eq!(pay_says(&json!({ "code": code })), Ok(outcome), "{code}");
    }
    assert_eq!(pay_says(&json!({})), Ok(PayOutcome::Unknown));
    assert_eq!(C::DOCUMENTED.len(), 8, "a new word needs a line here");
}

#[test]
fn each_word_of_the_business_means_one_thing_for_a_charge() {
    use DeclineReason as R;
    let reasons = [
        ("ACQ.PAYMENT_AUTH_CODE_INVALID", R::CodeExpired),
        ("ACQ.BUYER_BALANCE_NOT_ENOUGH", R::NotEnoughFunds),
        ("ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH", R::NotEnoughFunds),
        ("ACQ.ERROR_BALANCE_PAYMENT_DISABLE", R::CardNotAccepted),
        ("ACQ.NO_PAYMENT_INSTRUMENTS_AVAILABLE", R::CardNotAccepted),
        ("ACQ.MOBILE_PAYMENT_SWITCH_OFF", R::CardNotAccepted),
        ("ACQ.USER_FACE_PAYMENT_SWITCH_OFF", R::CardNotAccepted),
        ("ACQ.BUYER_ENABLE_STATUS_FORBID", R::PaymentFailed),
        ("ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR", R::LimitOrRisk),
        ("ACQ.BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR", R::LimitOrRisk),
        ("ACQ.ERROR_BUYER_CERTIFY_LEVEL_LIMIT", R::LimitOrRisk),
        ("ACQ.BEYOND_PAY_RESTRICTION", R::Configuration),
        ("ACQ.BEYOND_PER_RECEIPT_RESTRICTION", R::Configuration),
        ("ACQ.SELLER_BEEN_BLOCKED", R::Configuration),
        ("ACQ.BUYER_SELLER_EQUAL", R::PaymentFailed),
        ("ACQ.PULL_MOBILE_CASHIER_FAIL", R::PaymentFailed),
        ("ACQ.PAYMENT_FAIL", R::PaymentFailed),
        ("ACQ.PAYMENT_REQUEST_HAS_RISK", R::LimitOrRisk),
        ("ACQ.TOTAL_FEE_EXCEED", R::LimitOrRisk),
        ("ACQ.EXIST_FORBIDDEN_WORD", R::Configuration),
        ("ACQ.ACCESS_FORBIDDEN", R::Configuration),
        ("ACQ.INVALID_PARAMETER", R::Configuration),
    ];
    for (word, reason) in reasons {
        assert_eq!(pay_says(&business(word)), Ok(PayOutcome::ConfirmedFailure(reason)), "{word}");
    }
    let others = S::DOCUMENTED.iter().filter(|(word, _)| reasons.iter().all(|(known, _)| known != word));
    let others: Vec<&str> = others.map(|(word, _)| *word).chain(["ACQ.OF_TOMORROW", ""]).collect();
    for word in &others {
        assert_eq!(pay_says(&business(word)), Ok(PayOutcome::Unknown), "{word}");
    }
    for known in
        ["ACQ.SYSTEM_ERROR", "ACQ.TRADE_HAS_SUCCESS", "ACQ.TRADE_HAS_CLOSE", "ACQ.CONTEXT_INCONSISTENT"]
    {
        assert!(others.contains(&known), "{known}");
    }
}

#[test]
fn only_the_word_about_the_code_says_that_it_was_used() {
    for (word, _) in S::DOCUMENTED {
        let used = says_code_was_used(&reply(Call::Pay, &business(word)).unwrap());
        assert_eq!(used, *word == "ACQ.PAYMENT_AUTH_CODE_INVALID", "{word}");
    }
}

#[test]
fn each_state_of_a_trade_means_one_thing() {
    let transaction = "2013112011001004330000121536".to_owned();
    let paid = QueryOutcome::Paid { transaction };
    for (state, outcome) in [
        ("TRADE_SUCCESS", paid.clone()),
        ("TRADE_FINISHED", paid),
        ("WAIT_BUYER_PAY", QueryOutcome::Waiting),
        ("TRADE_CLOSED", QueryOutcome::Reversed),
        ("TRADE_OF_TOMORROW", QueryOutcome::Unknown),
        ("", QueryOutcome::Unknown),
    ] {
        let node = changed(paid_node(), &[("trade_status", json!(state))]);
        assert_eq!(query_says(&node), Ok(outcome), "{state}");
    }
    assert_eq!(query_says(&paid_node()), Ok(QueryOutcome::Unknown), "without a state");
}

#[test]
fn a_state_of_another_trade_or_amount_is_none() {
    for state in ["TRADE_SUCCESS", "TRADE_FINISHED", "WAIT_BUYER_PAY", "TRADE_CLOSED"] {
        let node = changed(paid_node(), &[("trade_status", json!(state))]);
        let other = changed(node.clone(), &[("out_trade_no", json!("E1"))]);
        assert_eq!(query_says(&other), Err(Unusable::Mismatch("out_trade_no")), "{state}");
        let other = changed(node, &[("total_amount", json!("1.00"))]);
        assert_eq!(query_says(&other), Err(Unusable::Mismatch("total_amount")), "{state}");
    }
    let paid = changed(paid_node(), &[("trade_status", json!("TRADE_SUCCESS"))]);
    for field in ["total_amount", "trade_no", "out_trade_no"] {
        let without = changed(paid.clone(), &[(field, Value::Null)]);
        assert_eq!(query_says(&without), Err(Unusable::Mismatch(field)));
    }
}

#[test]
fn only_one_word_means_that_there_is_no_such_trade() {
    let nowhere = |word: &str| ["ACQ.TRADE_NOT_EXIST", "TRADE_NOT_EXIST"].contains(&word);
    assert_eq!(query_says(&business("ACQ.TRADE_NOT_EXIST")), Ok(QueryOutcome::NoSuchOrder));
    assert_eq!(query_says(&business("TRADE_NOT_EXIST")), Ok(QueryOutcome::NoSuchOrder), "misspelt");
    for (word, _) in S::DOCUMENTED.iter().filter(|(word, _)| !nowhere(word)) {
        assert_eq!(query_says(&business(word)), Ok(QueryOutcome::Unknown), "{word}");
    }
    for (code, _) in C::DOCUMENTED.iter().filter(|(code, _)| !["10000", "40004"].contains(code)) {
        let node = json!({ "code": code, "sub_code": "ACQ.TRADE_NOT_EXIST" });
        assert_eq!(query_says(&node), Ok(QueryOutcome::Unknown), "{code}");
    }
}

#[test]
fn a_cancellation_is_done_only_if_it_need_not_be_repeated() {
    let yes = |flag: &str, action: &str| json!({ "code": "10000", "out_trade_no": number().as_str(), "retry_flag": flag, "action": action });
    assert_eq!(cancel_says(&yes("N", "close")), ReverseOutcome::Reversed);
    assert_eq!(cancel_says(&yes("N", "refund")), ReverseOutcome::Reversed);
    assert_eq!(cancel_says(&yes("N", "")), ReverseOutcome::Reversed, "to be confirmed by a question");
    assert_eq!(cancel_says(&yes("Y", "close")), ReverseOutcome::Retry);
    assert_eq!(cancel_says(&yes("", "close")), ReverseOutcome::Unknown);
    let other = changed(yes("N", "close"), &[("out_trade_no", json!("E1"))]);
    assert!(reverse(&reply(Call::Cancel, &other).unwrap(), &number()).is_err());
}

#[test]
fn no_error_is_taken_for_a_cancellation() {
    let retried = [
        "ACQ.SELLER_BALANCE_NOT_ENOUGH",
        "ACQ.TRADE_HAS_FINISHED",
        "ACQ.TRADE_STATUS_ERROR",
        "ACQ.REASON_TRADE_BEEN_FREEZEN",
        "ACQ.TRADE_NOT_ALLOW_REFUND",
        "ACQ.CANCEL_NOT_ALLOWED",
        "ACQ.REASON_TRADE_REFUND_FEE_ERR",
    ];
    for (word, _) in S::DOCUMENTED {
        let wanted = match *word {
            "ACQ.TRADE_NOT_EXIST" | "TRADE_NOT_EXIST" => ReverseOutcome::NoSuchOrder,
            "ACQ.TRADE_CANCEL_TIME_OUT" => ReverseOutcome::TooLate,
            word if retried.contains(&word) => ReverseOutcome::Retry,
            _ => ReverseOutcome::Unknown,
        };
        assert_eq!(cancel_says(&business(word)), wanted, "{word}");
        let again = changed(business(word), &[("retry_flag", json!("Y"))]);
        assert_eq!(cancel_says(&again), ReverseOutcome::Retry, "{word}");
    }
    for (code, _) in C::DOCUMENTED.iter().filter(|(code, _)| *code != "10000") {
        let node = json!({ "code": code, "retry_flag": "N", "action": "close" });
        assert_eq!(cancel_says(&node), ReverseOutcome::Unknown, "{code}");
    }
}

#[test]
fn a_refund_is_taken_in_whether_or_not_money_moved_just_now() {
    for (change, all) in [("Y", "0.88"), ("N", "0.88"), ("Y", "100.88"), ("N", "120.88")] {
        let node = json!({ "code": "10000", "out_trade_no": number().as_str(), "fund_change": change, "refund_fee": all });
        assert_eq!(refund_says(&node), Ok(Refunded::Processing), "{change} {all}");
    }
    for all in ["0.87", "120.89", "", "1e2"] {
        let node = json!({ "code": "10000", "out_trade_no": number().as_str(), "fund_change": "Y", "refund_fee": all });
        assert_eq!(refund_says(&node), Err(Unusable::Mismatch("refund_fee")), "{all}");
    }
    let other = json!({ "code": "10000", "out_trade_no": "E1", "refund_fee": "0.88" });
    assert_eq!(refund_says(&other), Err(Unusable::Mismatch("out_trade_no")));
}

#[test]
fn a_refund_is_refused_only_by_words_that_prove_it() {
    let refused = [
        "ACQ.SELLER_BALANCE_NOT_ENOUGH",
        "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL",
        "ACQ.TRADE_NOT_EXIST",
        "TRADE_NOT_EXIST",
        "ACQ.REASON_TRADE_REFUND_FEE_ERR",
        "ACQ.TRADE_HAS_FINISHED",
        "ACQ.TRADE_STATUS_ERROR",
        "ACQ.TRADE_HAS_CLOSE",
        "ACQ.REASON_TRADE_BEEN_FREEZEN",
        "ACQ.TRADE_NOT_ALLOW_REFUND",
        "ACQ.INVALID_PARAMETER",
        "ACQ.ACCESS_FORBIDDEN",
        "ACQ.EXIST_FORBIDDEN_WORD",
    ];
    for (word, _) in S::DOCUMENTED {
        let said = refund_says(&business(word)).unwrap();
        match refused.contains(word) {
            true => {
                assert!(matches!(&said, Refunded::Refused(words) if words.contains(word)), "{word}: {said:?}")
            }
            false => assert_eq!(said, Refunded::Unknown, "{word}"),
        }
    }
    assert_eq!(refund_says(&json!({ "code": "20000" })), Ok(Refunded::Unknown));
    assert_eq!(refund_says(&json!({ "code": "77777" })), Ok(Refunded::Unknown));
    assert!(matches!(refund_says(&json!({ "code": "40002" })), Ok(Refunded::Refused(_))));
}

fn refunded_node() -> Value {
    json!({
        "code": "10000", "out_trade_no": number().as_str(), "out_request_no": "R1", "total_amount": "120.88",
        "refund_amount": "0.88", "refund_status": "REFUND_SUCCESS",
    })
}

#[test]
fn a_refund_is_done_when_a_question_about_it_says_so() {
    assert_eq!(refund_query_says(&refunded_node()), Ok(Refunded::Done));
    for (field, value) in [
        ("out_trade_no", json!("E1")),
        ("out_trade_no", Value::Null),
        ("out_request_no", json!("R2")),
        ("out_request_no", Value::Null),
        ("total_amount", json!("120.00")),
        ("total_amount", Value::Null),
        ("refund_amount", json!("0.89")),
        ("refund_amount", Value::Null),
    ] {
        let node = changed(refunded_node(), &[(field, value.clone())]);
        assert_eq!(refund_query_says(&node), Err(Unusable::Mismatch(field)), "{field}={value}");
    }
}

#[test]
fn an_answer_that_tells_of_no_refund_means_that_it_may_be_sent_again() {
    let none = json!({ "code": "10000", "out_trade_no": number().as_str(), "out_request_no": "R1" });
    assert_eq!(refund_query_says(&none), Ok(Refunded::NoSuchRefund));
    assert_eq!(refund_query_says(&json!({ "code": "10000" })), Ok(Refunded::NoSuchRefund));
    assert_eq!(refund_query_says(&business("ACQ.TRADE_NOT_EXIST")), Ok(Refunded::NoSuchRefund));
    assert_eq!(refund_query_says(&business("TRADE_NOT_EXIST")), Ok(Refunded::NoSuchRefund));
    let half = changed(refunded_node(), &[("refund_status", Value::Null)]);
    assert_eq!(refund_query_says(&half), Ok(Refunded::Unknown));
    let new = changed(refunded_node(), &[("refund_status", json!("REFUND_OF_TOMORROW"))]);
    assert_eq!(refund_query_says(&new), Ok(Refunded::Unknown));
    for (word, _) in S::DOCUMENTED.iter().filter(|(word, _)| !word.ends_with("TRADE_NOT_EXIST")) {
        assert_eq!(refund_query_says(&business(word)), Ok(Refunded::Unknown), "{word}");
    }
}

/// Values that a field may have, right and wrong ones.
fn some_of(values: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    proptest::option::of(proptest::sample::select(values).prop_map(str::to_owned))
}

proptest! {
    /// Whatever truly signed answer comes: money counts as moved only if each field says so.
    #[test]
    fn no_mixture_of_fields_is_taken_for_more_than_it_says(
        code in some_of(&["10000", "10003", "20000", "40004", "10000 ", ""]),
        sub_code in some_of(&["ACQ.TRADE_NOT_EXIST", "ACQ.SYSTEM_ERROR", "ACQ.TRADE_HAS_SUCCESS"]),
        ours in proptest::option::of(any::<bool>()),
        total in some_of(&["120.88", "120.880", "12088", "120.87", "0.88", ""]),
        status in some_of(&["TRADE_SUCCESS", "TRADE_FINISHED", "TRADE_CLOSED", "WAIT_BUYER_PAY"]),
        transaction in some_of(&["2013112011001004330000121536", "", "a b"]),
        request in some_of(&["R1", "R2", ""]),
        back in some_of(&["0.88", "0.89", "88"]),
        refund_status in some_of(&["REFUND_SUCCESS", "REFUND_PROCESSING"]),
        again in some_of(&["Y", "N"]),
    ) {
        let number_said = ours.map(|ours| if ours { number().as_str().to_owned() } else { "E1".to_owned() });
        let given = [
            ("code", &code), ("sub_code", &sub_code), ("out_trade_no", &number_said), ("total_amount", &total),
            ("trade_status", &status), ("trade_no", &transaction), ("out_request_no", &request),
            ("refund_amount", &back), ("refund_status", &refund_status), ("retry_flag", &again),
        ];
        let node: Value = given.into_iter().filter_map(|(name, v)| Some((name, v.clone()?))).collect();
        let is = |value: &Option<String>, wanted: &str| value.as_deref() == Some(wanted);
        let (yes, ours) = (is(&code, "10000"), ours == Some(true));
        let charged = ours && is(&total, "120.88") && transaction.as_ref().is_some_and(|t| t.len() > 10);

        let paid = matches!(pay_says(&node), Ok(PayOutcome::ConfirmedSuccess { .. }));
        prop_assert_eq!(paid, yes && charged);
        let succeeded = is(&status, "TRADE_SUCCESS") || is(&status, "TRADE_FINISHED");
        let paid = matches!(query_says(&node), Ok(QueryOutcome::Paid { .. }));
        prop_assert_eq!(paid, yes && charged && succeeded);
        if matches!(query_says(&node), Ok(QueryOutcome::Reversed)) {
            prop_assert!(yes && ours && is(&status, "TRADE_CLOSED"));
        }
        let cancelled = reverse(&reply(Call::Cancel, &node).unwrap(), &number());
        let cancelled = matches!(cancelled, Ok(ReverseOutcome::Reversed));
        prop_assert_eq!(cancelled, yes && is(&again, "N") && number_said.as_deref() != Some("E1"));
        let done = matches!(refund_query_says(&node), Ok(Refunded::Done));
        let of_this = ours && is(&request, "R1") && is(&back, "0.88") && is(&total, "120.88");
        prop_assert_eq!(done, yes && of_this && is(&refund_status, "REFUND_SUCCESS"));
    }
}
