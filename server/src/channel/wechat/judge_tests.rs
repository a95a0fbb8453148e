use super::super::error_code::ErrorCode;
use super::super::fields::{self, Fields};
use super::super::settings::SubMerchant;
use super::super::sign::{self, SignType};
use super::super::wire::{Merchant, Unusable};
use super::*;
use evertill_shared::id::{RefundId, SaleKey, StoreId, TerminalId};
use evertill_shared::money::Currency;
use evertill_shared::secret::{AuthCode, SecretText};
use proptest::prelude::*;

fn merchant() -> Merchant {
    Merchant {
        app_id: "wx0000000000000001".into(),
        merchant_id: "1900000001".into(),
        shop: None,
        api_key: SecretText::new("0123456789abcdef0123456789abcdef".into()),
        sign_type: SignType::HmacSha256,
        client_ip: "127.0.0.1".into(),
    }
}

fn number() -> ChannelNumber {
    let sale = SaleKey { terminal: TerminalId::try_from(1).unwrap(), epoch: 1, sequence: 42 };
    ChannelNumber::new(StoreId::try_from(1).unwrap(), sale, 1)
}

fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

fn charge() -> Charge {
    Charge {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        number: number(),
        amount: cny(1234),
        auth_code: AuthCode::new("134567890123456789".into()),
        description: "Corner Store".into(),
        device: "T0001".into(),
    }
}

fn refund_of(amount: i64) -> ChannelRefund {
    ChannelRefund {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        refund: RefundId("R1".into()),
        number: number(),
        paid: cny(1234),
        amount: cny(amount),
        reason: "broken".into(),
    }
}

/// The reply's fields, as the wallet would send them, before signing.
fn fields(own: &[(&str, &str)]) -> Fields {
    let number = number();
    let common = [
        ("return_code", "SUCCESS"),
        ("result_code", "SUCCESS"),
        ("appid", "wx0000000000000001"),
        ("mch_id", "1900000001"),
        ("nonce_str", "n"),
        ("out_trade_no", number.as_str()),
    ];
    common.iter().chain(own).map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn signed(mut fields: Fields) -> Vec<u8> {
    let merchant = merchant();
    fields.insert("sign".into(), sign::sign(&fields, merchant.sign_type, &merchant.api_key));
    fields::write(&fields).into_bytes()
}

const PAID: [(&str, &str); 3] = [("total_fee", "1234"), ("fee_type", "CNY"), ("transaction_id", "4200001")];

fn pay_reply(own: &[(&str, &str)]) -> Result<PayOutcome, Unusable> {
    pay(&merchant().open(&signed(fields(own)))?, &charge())
}

fn failed(word: &str) -> Fields {
    let mut all = fields(&[("result_code", "FAIL"), ("err_code", word)]);
    all.remove("out_trade_no");
    all
}

#[test]
fn an_authentic_success_about_our_number_and_amount_is_a_success() {
    let paid = Ok(PayOutcome::ConfirmedSuccess { transaction: "4200001".into() });
    assert_eq!(pay_reply(&PAID), paid);
    assert_eq!(pay_reply(&[PAID[0], PAID[2]]), paid, "the currency may be left out: then it is yuan");
    assert_eq!(pay_reply(&[PAID[0], PAID[1], PAID[2], ("a_new_field", "1")]), paid);
}

#[test]
fn a_success_about_something_else_proves_nothing() {
    for (name, value) in [
        ("out_trade_no", "E0000010001000010000000000043001"),
        ("mch_id", "1900000002"),
        ("appid", "wx0000000000000002"),
        ("total_fee", "1235"),
        ("total_fee", "01234"),
        ("total_fee", ""),
        ("fee_type", "USD"),
        ("transaction_id", ""),
        ("result_code", "MAYBE"),
    ] {
        let reply = pay_reply(&[PAID[0], PAID[1], PAID[2], (name, value)]);
        assert!(matches!(reply, Err(Unusable::Mismatch(_))), "{name}={value} gave {reply:?}");
    }
}

#[test]
fn a_service_providers_answer_counts_for_the_shop_that_was_named_and_no_other() {
    let shop = SubMerchant { merchant_id: "1900000209".into(), app_id: Some("wxshop".into()) };
    let provider = Merchant { shop: Some(shop), ..merchant() };
    let asked = provider.about(&number(), "n");
    assert!(asked.contains("1900000209") && asked.contains("wxshop"), "{asked}");
    assert!(!merchant().about(&number(), "n").contains("sub_"), "nobody else names one");
    let opened = |merchant: &Merchant, shop: &[(&str, &str)]| {
        let own: Vec<(&str, &str)> = PAID.iter().chain(shop).copied().collect();
        merchant.open(&signed(fields(&own))).map(drop)
    };
    let named = ("sub_mch_id", "1900000209");
    assert_eq!(opened(&provider, &[named, ("sub_appid", "wxshop")]), Ok(()));
    assert_eq!(opened(&provider, &[named]), Ok(()), "its app may be left out");
    assert_eq!(opened(&provider, &[]), Err(Unusable::Mismatch("sub_mch_id")));
    assert_eq!(opened(&provider, &[("sub_mch_id", "1900000210")]), Err(Unusable::Mismatch("sub_mch_id")));
    assert_eq!(opened(&provider, &[named, ("sub_appid", "wxother")]), Err(Unusable::Mismatch("sub_appid")));
    assert_eq!(
        opened(&merchant(), &[named]),
        Err(Unusable::Mismatch("sub_mch_id")),
        "money for a shop of another"
    );
}

#[test]
fn an_unsigned_forged_or_altered_success_proves_nothing() {
    let unsigned = fields::write(&fields(&PAID));
    assert_eq!(merchant().open(unsigned.as_bytes()).unwrap_err(), Unusable::Signature);
    let altered = String::from_utf8(signed(fields(&PAID))).unwrap().replace("1234", "1");
    assert_eq!(merchant().open(altered.as_bytes()).unwrap_err(), Unusable::Signature);
    let other = Merchant { api_key: SecretText::new("another".into()), ..merchant() };
    assert_eq!(other.open(&signed(fields(&PAID))).unwrap_err(), Unusable::Signature);
    let refused = b"<xml><return_code>FAIL</return_code><return_msg>no</return_msg></xml>";
    assert_eq!(merchant().open(refused).unwrap_err(), Unusable::NotTaken("no".into()));
}

#[test]
fn every_documented_error_of_a_pay_call_means_what_it_should() {
    use DeclineReason as R;
    for (word, code) in ErrorCode::DOCUMENTED {
        let outcome = pay(&merchant().open(&signed(failed(word))).unwrap(), &charge()).unwrap();
        let expected = match *word {
            "USERPAYING" => PayOutcome::Waiting,
            "AUTHCODEEXPIRE" | "AUTH_CODE_ERROR" | "AUTH_CODE_INVALID" => {
                PayOutcome::ConfirmedFailure(R::CodeExpired)
            }
            "NOTENOUGH" => PayOutcome::ConfirmedFailure(R::NotEnoughFunds),
            "NOTSUPORTCARD" => PayOutcome::ConfirmedFailure(R::CardNotAccepted),
            "TRADE_ERROR" => PayOutcome::ConfirmedFailure(R::LimitOrRisk),
            "SIGNERROR"
            | "LACK_PARAMS"
            | "PARAM_ERROR"
            | "NOT_UTF8"
            | "XML_FORMAT_ERROR"
            | "REQUIRE_POST_METHOD"
            | "POST_DATA_EMPTY"
            | "NOAUTH"
            | "APPID_NOT_EXIST"
            | "MCHID_NOT_EXIST"
            | "APPID_MCHID_NOT_MATCH" => PayOutcome::ConfirmedFailure(R::Configuration),
            _ => PayOutcome::Unknown,
        };
        assert_eq!(outcome, expected, "{word}");
        assert_eq!(ErrorCode::from_word(word), *code);
    }
}

#[test]
fn errors_that_leave_it_open_are_never_a_failure() {
    for word in
        ["SYSTEMERROR", "BANKERROR", "ORDERPAID", "OUT_TRADE_NO_USED", "INVALID_REQUEST", "NEW_WORD", ""]
    {
        let outcome = pay(&merchant().open(&signed(failed(word))).unwrap(), &charge());
        assert_eq!(outcome, Ok(PayOutcome::Unknown), "{word}");
    }
}

fn query_reply(own: &[(&str, &str)]) -> Result<QueryOutcome, Unusable> {
    query(&merchant().open(&signed(fields(own)))?, &number(), cny(1234))
}

#[test]
fn every_state_of_an_order_means_what_it_should() {
    let with = |state| query_reply(&[PAID[0], PAID[1], PAID[2], ("trade_state", state)]);
    let paid = Ok(QueryOutcome::Paid { transaction: "4200001".into() });
    assert_eq!(with("SUCCESS"), paid);
    assert_eq!(with("REFUND"), paid);
    assert_eq!(with("USERPAYING"), Ok(QueryOutcome::Waiting));
    assert_eq!(with("ACCEPT"), Ok(QueryOutcome::Waiting));
    assert_eq!(with("NOTPAY"), Ok(QueryOutcome::NotPaid));
    assert_eq!(with("CLOSED"), Ok(QueryOutcome::Reversed));
    assert_eq!(with("REVOKED"), Ok(QueryOutcome::Reversed));
    assert_eq!(with("PAYERROR"), Ok(QueryOutcome::Failed(DeclineReason::PaymentFailed)));
    assert_eq!(with("A_NEW_STATE"), Ok(QueryOutcome::Unknown));
    assert_eq!(query_reply(&[]), Ok(QueryOutcome::Unknown));
    assert_eq!(query_reply(&[("trade_state", "PAYERROR")]), with("PAYERROR"), "it has no transaction");
    assert!(query_reply(&[("trade_state", "SUCCESS"), PAID[2]]).is_err(), "paid, but how much?");
    assert!(query_reply(&[("trade_state", "REVOKED"), ("out_trade_no", "X")]).is_err());
    assert!(query_reply(&[("trade_state", "NOTPAY"), ("total_fee", "1")]).is_err());
}

#[test]
fn only_no_such_order_is_a_definite_error_of_a_question() {
    for (word, _) in ErrorCode::DOCUMENTED {
        let outcome = query(&merchant().open(&signed(failed(word))).unwrap(), &number(), cny(1234)).unwrap();
        let definite = *word == "ORDERNOTEXIST";
        assert_eq!(outcome == QueryOutcome::NoSuchOrder, definite, "{word}");
        assert!(definite || outcome == QueryOutcome::Unknown, "{word}");
    }
}

#[test]
fn a_reversal_counts_only_when_it_says_so_and_asks_for_nothing_more() {
    let of = |all: Fields| reverse(&merchant().open(&signed(all)).unwrap(), &number());
    let mut done = fields(&[("recall", "N")]);
    assert_eq!(of(done.clone()), Ok(ReverseOutcome::Reversed));
    done.insert("recall".into(), "Y".into());
    assert_eq!(of(done), Ok(ReverseOutcome::Retry));
    for (word, _) in ErrorCode::DOCUMENTED {
        assert_ne!(of(failed(word)), Ok(ReverseOutcome::Reversed), "{word}");
    }
    assert_eq!(of(failed("USERPAYING")), Ok(ReverseOutcome::Retry));
    assert_eq!(of(failed("SYSTEMERROR")), Ok(ReverseOutcome::Unknown));
    assert_eq!(of(failed("ORDERNOTEXIST")), Ok(ReverseOutcome::NoSuchOrder));
    let mut old = failed("REVERSE_EXPIRE");
    assert_eq!(of(old.clone()), Ok(ReverseOutcome::TooLate));
    old.insert("recall".into(), "Y".into());
    assert_eq!(of(old), Ok(ReverseOutcome::Retry));
    assert!(of(fields(&[("out_trade_no", "X")])).is_err());
}

#[test]
fn a_refund_is_done_only_when_a_question_about_it_says_so() {
    let accepted = [("out_refund_no", "R1"), ("refund_fee", "200"), ("total_fee", "1234")];
    let of = |own: &[(&str, &str)]| refund(&merchant().open(&signed(fields(own))).unwrap(), &refund_of(200));
    assert_eq!(of(&accepted), Ok(Refunded::Processing));
    assert!(of(&[accepted[0], accepted[2], ("refund_fee", "201")]).is_err());
    assert!(of(&[accepted[1], accepted[2], ("out_refund_no", "R2")]).is_err());
    let asked = |status| {
        let own = [("out_refund_no_0", "R1"), ("refund_fee_0", "200"), PAID[0], ("refund_status_0", status)];
        query_refund(&merchant().open(&signed(fields(&own))).unwrap(), &refund_of(200))
    };
    assert_eq!(asked("SUCCESS"), Ok(Refunded::Done));
    assert_eq!(asked("PROCESSING"), Ok(Refunded::Processing));
    assert!(matches!(asked("REFUNDCLOSE"), Ok(Refunded::Closed(_))));
    assert!(matches!(asked("CHANGE"), Ok(Refunded::NeedsAPerson(_))));
    assert_eq!(asked(""), Ok(Refunded::Unknown));
}

#[test]
fn known_or_unknown_a_refund_in_another_currency_is_not_ours() {
    let own = |more: &[(&str, &str)]| {
        let one = [
            ("total_fee", "1234"),
            ("refund_count", "1"),
            ("out_refund_no_0", "R1"),
            ("refund_fee_0", "200"),
            ("refund_status_0", "SUCCESS"),
        ];
        let all = fields(&[&one, more].concat());
        query_refund(&merchant().open(&signed(all)).unwrap(), &refund_of(200))
    };
    assert_eq!(own(&[]), Ok(Refunded::Done), "yuan, where nothing is said");
    assert_eq!(own(&[("fee_type", "CNY"), ("refund_fee_type_0", "CNY")]), Ok(Refunded::Done));
    assert_eq!(own(&[("fee_type", "HKD")]), Err(Unusable::Mismatch("fee_type")));
    for name in ["refund_fee_type", "refund_fee_type_0"] {
        assert_eq!(own(&[(name, "HKD")]), Err(Unusable::Mismatch("refund_fee_type")), "{name}");
    }
}

#[test]
fn known_or_unknown_what_went_back_is_the_sum_of_what_surely_did() {
    let of = |own: &[(&str, &str)]| {
        went_back(&merchant().open(&signed(fields(own))).unwrap(), &number(), cny(1234))
    };
    let two = [
        ("total_fee", "1234"),
        ("refund_count", "2"),
        ("refund_fee_0", "1000"),
        ("refund_status_0", "SUCCESS"),
        ("refund_fee_1", "234"),
    ];
    let with = |last| of(&[&two[..], &[("refund_status_1", last)]].concat());
    assert_eq!(with("SUCCESS"), Ok(Some(cny(1234))));
    for on_its_way in ["PROCESSING", "CHANGE", "REFUNDCLOSE", "NEW_WORD"] {
        assert_eq!(with(on_its_way), Ok(Some(cny(1000))), "{on_its_way}");
    }
    assert_eq!(of(&[("total_fee", "1235"), ("refund_count", "0")]), Err(Unusable::Mismatch("total_fee")));
    assert_eq!(of(&[("total_fee", "1234"), ("refund_count", "-1")]), Err(Unusable::Mismatch("refund_count")));
    let huge = [
        ("total_fee", "1234"),
        ("refund_count", "2"),
        ("refund_status_0", "SUCCESS"),
        ("refund_fee_0", "9223372036854775807"),
        ("refund_status_1", "SUCCESS"),
        ("refund_fee_1", "1"),
    ];
    assert_eq!(of(&huge), Err(Unusable::Mismatch("refund_fee")));
    let failing = |word| went_back(&merchant().open(&signed(failed(word))).unwrap(), &number(), cny(1234));
    assert_eq!(failing("REFUNDNOTEXIST"), Ok(Some(cny(0))));
    assert_eq!(failing("SYSTEMERROR"), Ok(None));
}

#[test]
fn a_refund_that_may_stand_is_never_called_refused() {
    let of = |word: &str| refund(&merchant().open(&signed(failed(word))).unwrap(), &refund_of(200)).unwrap();
    for word in ["SYSTEMERROR", "BIZERR_NEED_RETRY", "REFUND_FEE_MISMATCH", "FREQUENCY_LIMITED", "NEW_WORD"] {
        assert_eq!(of(word), Refunded::Unknown, "{word}");
    }
    assert!(matches!(of("NOTENOUGH"), Refunded::Refused(_)));
    let asked = |word| query_refund(&merchant().open(&signed(failed(word))).unwrap(), &refund_of(200));
    assert_eq!(asked("REFUNDNOTEXIST"), Ok(Refunded::NoSuchRefund));
    assert_eq!(asked("SYSTEMERROR"), Ok(Refunded::Unknown));
}

#[test]
fn requests_are_signed_and_carry_what_was_asked() {
    let mut charge = charge();
    charge.description = format!("Shop\u{7} ]]> {}", "店".repeat(60));
    let sent = fields::parse(merchant().pay(&charge, "nonce").as_bytes()).unwrap();
    assert!(sign::verify(&sent, SignType::HmacSha256, &merchant().api_key));
    assert_eq!(sent["total_fee"], "1234");
    assert_eq!(sent["out_trade_no"], number().as_str());
    assert!(sent["body"].len() <= 128 && sent["body"].starts_with("Shop ]]> 店"));
}

#[test]
fn debug_output_shows_no_secret() {
    let text = format!("{:?} {:?}", merchant(), charge());
    assert!(!text.contains("0123456789abcdef") && !text.contains("1345678"));
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_never_a_reply(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(merchant().open(&bytes).is_err());
    }

    #[test]
    fn a_changed_byte_never_changes_what_a_success_says(at in 0_usize..1000, value: u8) {
        let mut bytes = signed(fields(&PAID));
        let at = at % bytes.len();
        bytes[at] = value;
        let outcome = merchant().open(&bytes).and_then(|reply| pay(&reply, &charge()));
        if let Ok(PayOutcome::ConfirmedSuccess { .. }) = outcome {
            let original = fields::parse(&signed(fields(&PAID))).unwrap();
            prop_assert_eq!(fields::parse(&bytes), Ok(original), "only white space may differ");
        }
    }

    #[test]
    fn unsigned_fields_of_any_kind_are_never_a_reply(own in proptest::collection::btree_map("[a-z_]{1,12}", "[A-Z0-9]{0,8}", 0..6)) {
        let mut all = fields(&PAID);
        all.extend(own);
        prop_assert!(merchant().open(fields::write(&all).as_bytes()).is_err());
    }
}

/// Everything that is asked of an answer.
fn judge_all(reply: &Reply) -> [bool; 6] {
    let amount = cny(1234);
    [
        matches!(pay(reply, &charge()), Ok(PayOutcome::ConfirmedSuccess { .. })),
        matches!(query(reply, &number(), amount), Ok(QueryOutcome::Paid { .. })),
        matches!(reverse(reply, &number()), Ok(ReverseOutcome::Reversed)),
        matches!(refund(reply, &refund_of(34)), Ok(Refunded::Done)),
        matches!(query_refund(reply, &refund_of(34)), Ok(Refunded::Done)),
        says_code_was_used(reply),
    ]
}

proptest! {
    /// Truly signed, and one field of it holds anything at all: nothing panics, and what is not ours is no payment of ours.
    #[test]
    fn whatever_a_signed_answer_holds_is_taken_without_panic(
        at in any::<prop::sample::Index>(), value in any::<String>(), more in "[a-z_]{1,12}",
    ) {
        let mut all = fields(&PAID);
        all.extend([("trade_state", "SUCCESS"), ("recall", "N"), ("refund_count", "1")].map(|(a, b)| (a.into(), b.into())));
        let name = at.get(&all.keys().cloned().collect::<Vec<_>>()).clone();
        all.insert(name.clone(), value.clone());
        all.entry(more).or_insert(value);
        if let Ok(reply) = merchant().open(&signed(all)) {
            let said = judge_all(&reply);
            let ours = reply.get("out_trade_no") == Some(number().as_str()) && reply.get("total_fee") == Some("1234");
            prop_assert!(ours || !(said[0] || said[1]), "{name}");
        }
    }
}
