//! The server's adapter against this wallet, over real sockets.

use super::{Mode, Simulator, SimulatorConfig};
use crate::simulator::wallet::{Behaviour, Endpoint, Fault};
use evertill_server::channel::alipay::{AlipayChannel, AlipaySettings};
use evertill_server::channel::{Channel, ChannelRefund, ChannelRefundOutcome, Charge};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::id::{ChannelNumber, RefundId, SaleKey, StoreId, TerminalId};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::payment::{DeclineReason, PayOutcome, QueryOutcome, ReverseOutcome};
use evertill_shared::secret::AuthCode;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

mod bills;
mod connections;
mod line;
mod partner;
mod peer;
mod refunds;
mod shown;

const LIMIT_MS: u64 = 1_000;

struct Rig {
    wallet: Simulator,
    channel: AlipayChannel,
    folder: TempDir,
}

fn channel(settings: &AlipaySettings) -> AlipayChannel {
    AlipayChannel::new(settings, Arc::new(SystemClock)).unwrap()
}

fn settings(wallet: &Simulator, mode: Mode) -> AlipaySettings {
    let mut settings: AlipaySettings = serde_json::from_value(wallet.server_section(mode)).unwrap();
    (settings.pay_timeout_ms, settings.call_timeout_ms, settings.connect_timeout_ms) =
        (LIMIT_MS, LIMIT_MS, 400);
    settings
}

async fn rig() -> Rig {
    rig_with(Mode::Certificates, |_| ()).await
}

async fn rig_with(mode: Mode, change: impl FnOnce(&mut AlipaySettings)) -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let wallet = Simulator::start(folder.path(), SimulatorConfig::default()).await.unwrap();
    let mut settings = settings(&wallet, mode);
    change(&mut settings);
    Rig { channel: channel(&settings), wallet, folder }
}

fn number(sequence: u64) -> ChannelNumber {
    let sale = SaleKey { terminal: TerminalId::try_from(1).unwrap(), epoch: 1, sequence };
    ChannelNumber::new(StoreId::try_from(1).unwrap(), sale, 1)
}

fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

fn charge_with(code: String, sequence: u64) -> Charge {
    Charge {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        number: number(sequence),
        amount: cny(1234),
        auth_code: AuthCode::new(code),
        description: "Corner Store 店 / 1+1=2 & more".into(),
        device: "T0001".into(),
    }
}

impl Rig {
    fn charge(&self, behaviour: Behaviour) -> Charge {
        charge_with(self.wallet.issue_code(behaviour).unwrap(), 1)
    }

    async fn pay(&self, behaviour: Behaviour) -> PayOutcome {
        self.channel.pay(&self.charge(behaviour)).await
    }

    async fn query(&self) -> QueryOutcome {
        self.channel.query(&number(1), cny(1234)).await
    }

    async fn reverse(&self) -> ReverseOutcome {
        self.channel.reverse(&number(1)).await
    }

    /// What the customer is out of pocket for sale 1, as the wallet knows.
    fn net(&self) -> i64 {
        self.wallet.order(number(1).as_str()).unwrap().map_or(0, |order| order.net_minor())
    }
}

fn is_success(outcome: &PayOutcome) -> bool {
    matches!(outcome, PayOutcome::ConfirmedSuccess { .. })
}

fn is_paid(outcome: &QueryOutcome) -> bool {
    matches!(outcome, QueryOutcome::Paid { .. })
}

#[tokio::test]
async fn a_payment_succeeds_and_a_question_tells_the_same_transaction() {
    for mode in [Mode::Key, Mode::Certificates] {
        let rig = rig_with(mode, |_| ()).await;
        assert_eq!(rig.channel.check().await, Ok(()), "{mode:?}");
        let PayOutcome::ConfirmedSuccess { transaction } = rig.pay(Behaviour::Pays).await else {
            panic!("not paid with {mode:?}");
        };
        assert_eq!(rig.query().await, QueryOutcome::Paid { transaction });
        let order = rig.wallet.order(number(1).as_str()).unwrap().unwrap();
        assert_eq!((order.net_minor(), order.device.as_str()), (1234, "T0001"));
        assert_eq!(order.description, "Corner Store 店  1+12  more");
    }
}

#[tokio::test]
async fn each_decline_is_definite_and_tells_the_cashier_why() {
    use DeclineReason as R;
    for (behaviour, reason) in [
        (Behaviour::NoFunds, R::NotEnoughFunds),
        (Behaviour::CardNotSupported, R::CardNotAccepted),
        (Behaviour::Risk, R::LimitOrRisk),
    ] {
        let rig = rig().await;
        assert_eq!(rig.pay(behaviour).await, PayOutcome::ConfirmedFailure(reason));
        assert_eq!(rig.net(), 0);
        assert!(!is_paid(&rig.query().await));
    }
    let rig = rig().await;
    let poor = charge_with(rig.wallet.issue_code_with(Behaviour::Pays, 1233).unwrap(), 1);
    assert_eq!(rig.channel.pay(&poor).await, PayOutcome::ConfirmedFailure(R::NotEnoughFunds));
    let again = charge_with(poor.auth_code.expose().to_owned(), 2);
    let used = PayOutcome::ConfirmedFailure(R::CodeExpired);
    assert_eq!(rig.channel.pay(&again).await, used, "used up by the payment that failed");
}

#[tokio::test]
async fn used_expired_and_invented_codes_are_declined() {
    let rig = rig().await;
    let declined = PayOutcome::ConfirmedFailure(DeclineReason::CodeExpired);
    let first = rig.charge(Behaviour::Pays);
    assert!(is_success(&rig.channel.pay(&first).await));
    let again = charge_with(first.auth_code.expose().to_owned(), 2);
    assert_eq!(rig.channel.pay(&again).await, declined, "used before");
    assert_eq!(rig.channel.pay(&charge_with("280000000000000000".into(), 3)).await, declined, "invented");
    let old = charge_with(rig.wallet.issue_code(Behaviour::Pays).unwrap(), 4);
    rig.wallet.turn_clock(60_000).unwrap();
    assert_eq!(rig.channel.pay(&old).await, declined, "a minute old");
    assert_eq!(rig.wallet.orders().unwrap().len(), 1);
    let wechat = charge_with("130000000000000000".into(), 5);
    assert_eq!(rig.channel.pay(&wechat).await, PayOutcome::Refused(DeclineReason::CodeExpired));
    let dollars = Charge { amount: Amount::new(1, "USD".parse().unwrap()), ..rig.charge(Behaviour::Pays) };
    assert_eq!(rig.channel.pay(&dollars).await, PayOutcome::Refused(DeclineReason::Configuration));
}

#[tokio::test]
async fn a_customer_who_types_a_password_is_waited_for() {
    let rig = rig().await;
    assert_eq!(rig.pay(Behaviour::PasswordThenPays { after_ms: 50_000 }).await, PayOutcome::Waiting);
    assert_eq!(rig.query().await, QueryOutcome::Waiting);
    rig.wallet.turn_clock(50_000).unwrap();
    assert!(is_paid(&rig.query().await));
}

#[tokio::test]
async fn a_customer_who_leaves_the_password_has_not_paid() {
    let rig = rig().await;
    assert_eq!(rig.pay(Behaviour::PasswordThenCancels { after_ms: 5_000 }).await, PayOutcome::Waiting);
    rig.wallet.turn_clock(5_000).unwrap();
    assert_eq!(rig.query().await, QueryOutcome::Waiting, "the trade waits for another payment");
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed);
    assert_eq!((rig.query().await, rig.net()), (QueryOutcome::Reversed, 0));
}

#[tokio::test]
async fn the_wallet_itself_closes_after_three_minutes_what_nobody_pays() {
    for behaviour in [Behaviour::PasswordNever, Behaviour::PasswordThenCancels { after_ms: 1 }] {
        let rig = rig().await;
        assert_eq!(rig.pay(behaviour).await, PayOutcome::Waiting);
        rig.wallet.turn_clock(170_000).unwrap();
        assert_eq!(rig.query().await, QueryOutcome::Waiting);
        rig.wallet.turn_clock(10_000).unwrap();
        assert_eq!(rig.query().await, QueryOutcome::Reversed);
    }
}

#[tokio::test]
async fn a_charge_whose_reply_is_lost_is_unknown_and_a_question_finds_it() {
    let lossy = [Behaviour::ReplyLost, Behaviour::ServerError, Behaviour::Garbage, Behaviour::Unavailable];
    for behaviour in lossy {
        let rig = rig().await;
        assert_eq!(rig.pay(behaviour).await, PayOutcome::Unknown, "{behaviour:?}");
        assert!(is_paid(&rig.query().await), "{behaviour:?}");
        assert_eq!(rig.net(), 1234);
    }
}

#[tokio::test]
async fn a_request_that_is_lost_is_unknown_too_and_charges_nothing() {
    let rig = rig().await;
    assert_eq!(rig.pay(Behaviour::RequestLost).await, PayOutcome::Unknown);
    assert_eq!((rig.query().await, rig.net()), (QueryOutcome::NoSuchOrder, 0));
    // The wallet says yes to cancelling what it does not know; the question that must confirm it knows better.
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed);
    assert_eq!(rig.query().await, QueryOutcome::NoSuchOrder);
}

#[tokio::test]
async fn unsigned_forged_altered_and_misdirected_answers_are_unknown() {
    for behaviour in [
        Behaviour::BadSignature,
        Behaviour::Unsigned,
        Behaviour::WrongAmount,
        Behaviour::OtherNumber,
        Behaviour::OtherMerchant,
    ] {
        for mode in [Mode::Key, Mode::Certificates] {
            let rig = rig_with(mode, |_| ()).await;
            assert_eq!(rig.pay(behaviour).await, PayOutcome::Unknown, "{behaviour:?}");
            assert!(is_paid(&rig.query().await), "{behaviour:?}");
        }
    }
    let rig = rig().await;
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    for fault in [
        Fault::Altered,
        Fault::BadSignature,
        Fault::WrongAmount,
        Fault::OtherNumber,
        Fault::Unsigned,
        Fault::Garbage,
        Fault::SystemError,
        Fault::Unavailable,
    ] {
        rig.wallet.next(Endpoint::Query, fault.clone());
        assert_eq!(rig.query().await, QueryOutcome::Unknown, "{fault:?}");
        rig.wallet.next(Endpoint::Reverse, fault.clone());
        let outcome = rig.reverse().await;
        let known = matches!(fault, Fault::WrongAmount); // names no amount
        assert!(
            known || matches!(outcome, ReverseOutcome::Unknown | ReverseOutcome::Retry),
            "{fault:?}: {outcome:?}"
        );
        if fault == Fault::Altered {
            // The first of them has taken it back all the same.
            rig.wallet.next(Endpoint::Query, Fault::Altered);
            assert_eq!(rig.query().await, QueryOutcome::Unknown);
        }
    }
    assert_eq!((rig.query().await, rig.net()), (QueryOutcome::Reversed, 0));
}

#[tokio::test]
async fn a_system_error_is_unknown_until_the_wallet_has_made_up_its_mind() {
    let rig = rig().await;
    let paid_later = Behaviour::SystemErrorThenSuccess { after_ms: 3_000 };
    assert_eq!(rig.pay(paid_later).await, PayOutcome::Unknown);
    assert_eq!(rig.query().await, QueryOutcome::Waiting);
    rig.wallet.turn_clock(3_000).unwrap();
    assert!(is_paid(&rig.query().await));
}

#[tokio::test]
async fn a_slow_wallet_is_unknown_within_the_limit() {
    for slow in [Behaviour::Slow { ms: 5_000 }, Behaviour::ArrivesLate { ms: 5_000 }] {
        let rig = rig().await;
        let start = SystemClock.monotonic();
        assert_eq!(rig.pay(slow).await, PayOutcome::Unknown);
        let took = SystemClock.monotonic().saturating_sub(start);
        assert!(took < Duration::from_millis(LIMIT_MS * 4), "it waited for the wallet: {took:?}");
    }
}

#[tokio::test]
async fn a_request_that_was_under_way_still_charges_after_a_cancellation_of_nothing() {
    let rig = rig().await;
    assert_eq!(rig.pay(Behaviour::ArrivesLate { ms: LIMIT_MS + 500 }).await, PayOutcome::Unknown);
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed, "of what it does not know yet");
    assert_eq!(rig.query().await, QueryOutcome::NoSuchOrder, "provisional: it is on its way");
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    assert!(is_paid(&rig.query().await));
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed);
    assert_eq!((rig.query().await, rig.net()), (QueryOutcome::Reversed, 0));
}

#[tokio::test]
async fn a_payment_taken_back_is_confirmed_by_a_question() {
    let rig = rig().await;
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed);
    assert_eq!((rig.query().await, rig.net()), (QueryOutcome::Reversed, 0));
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed, "a second time changes nothing");
    assert_eq!(rig.net(), 0);
}

#[tokio::test]
async fn a_success_between_the_last_question_and_the_cancellation_is_given_back() {
    let rig = rig().await;
    assert_eq!(rig.pay(Behaviour::SuccessAfterLastQuery).await, PayOutcome::Waiting);
    assert_eq!(rig.query().await, QueryOutcome::Waiting);
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed);
    let order = rig.wallet.order(number(1).as_str()).unwrap().unwrap();
    assert_eq!((order.charged_minor, order.net_minor()), (1234, 0));
}

#[tokio::test]
async fn a_cancellation_that_must_be_repeated_is_not_taken_for_done() {
    let rig = rig().await;
    assert_eq!(rig.pay(Behaviour::PasswordNever).await, PayOutcome::Waiting);
    rig.wallet.switch(|switches| switches.reverse_refused_while_paying = true);
    assert_eq!(rig.reverse().await, ReverseOutcome::Retry);
    rig.wallet.switch(|switches| (switches.reverse_refused_while_paying, switches.recall_next) = (false, 1));
    assert_eq!(rig.reverse().await, ReverseOutcome::Retry);
    assert_eq!(rig.query().await, QueryOutcome::Waiting);
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed);
}

#[tokio::test]
async fn a_cancellation_whose_reply_is_lost_is_unknown_and_repeated() {
    let rig = rig().await;
    assert_eq!(rig.pay(Behaviour::ReverseReplyLost).await, PayOutcome::Waiting);
    assert_eq!(rig.reverse().await, ReverseOutcome::Unknown);
    assert_eq!(rig.query().await, QueryOutcome::Reversed);
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed);
}

#[tokio::test]
async fn after_a_day_nothing_is_taken_back() {
    let rig = rig().await;
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    rig.wallet.turn_clock(24 * 3_600_000 + 1).unwrap();
    assert_eq!(rig.reverse().await, ReverseOutcome::TooLate);
    assert_eq!(rig.net(), 1234);
}

#[tokio::test]
async fn with_a_wrong_key_on_either_side_nothing_is_ever_a_success() {
    let rig = rig().await;
    let mut wrong = settings(&rig.wallet, Mode::Key);
    let stranger = concat!(env!("CARGO_MANIFEST_DIR"), "/data/alipay/root.key.pem");
    wrong.app_private_key = stranger.into();
    let refused = PayOutcome::ConfirmedFailure(DeclineReason::Configuration);
    assert_eq!(channel(&wrong).pay(&rig.charge(Behaviour::Pays)).await, refused);
    assert_eq!(rig.wallet.orders().unwrap(), [], "the wallet took a wrong signature");
    let mut wrong = settings(&rig.wallet, Mode::Key);
    wrong.app_id = "2021000000000000".into();
    assert_eq!(
        channel(&wrong).pay(&rig.charge(Behaviour::Pays)).await,
        PayOutcome::Unknown,
        "unsigned words"
    );
    assert_eq!(rig.wallet.orders().unwrap(), []);
    // The other way round: the wallet's answers come with a key that is not ours.
    rig.wallet.switch(|switches| {
        for endpoint in [Endpoint::Pay, Endpoint::Query, Endpoint::Reverse] {
            switches.always.insert(endpoint, Fault::BadSignature);
        }
    });
    assert_eq!(rig.pay(Behaviour::Pays).await, PayOutcome::Unknown);
    assert_eq!(rig.query().await, QueryOutcome::Unknown);
    assert_eq!(rig.reverse().await, ReverseOutcome::Unknown);
}

#[tokio::test]
async fn a_second_pay_call_under_one_number_never_charges_again() {
    let rig = rig().await;
    let waiting = rig.charge(Behaviour::PasswordThenPays { after_ms: 5_000 });
    assert_eq!(rig.channel.pay(&waiting).await, PayOutcome::Waiting);
    assert_eq!(rig.channel.pay(&waiting).await, PayOutcome::Waiting, "it is told the true state");
    rig.wallet.turn_clock(5_000).unwrap();
    assert!(is_success(&rig.channel.pay(&waiting).await));
    assert_eq!(rig.channel.pay(&rig.charge(Behaviour::Pays)).await, PayOutcome::Unknown, "another code: ask");
    let dearer = Charge { amount: cny(9999), ..rig.charge(Behaviour::Pays) };
    assert_eq!(rig.channel.pay(&dearer).await, PayOutcome::Unknown, "another amount: ask");
    assert_eq!(rig.wallet.order(number(1).as_str()).unwrap().unwrap().charged_minor, 1234);
}

#[tokio::test]
async fn every_documented_refusal_comes_through_the_wire_and_none_is_a_success() {
    let rig = rig().await;
    for (word, definite) in [
        ("ACQ.SYSTEM_ERROR", false),
        ("ACQ.TRADE_HAS_SUCCESS", false),
        ("ACQ.CONTEXT_INCONSISTENT", false),
        ("ACQ.A_WORD_OF_TOMORROW", false),
        ("20000", false),
        ("50505", false),
        ("ACQ.ACCESS_FORBIDDEN", true),
        ("20001", true),
        ("40006", true),
    ] {
        rig.wallet.next(Endpoint::Pay, Fault::Refuse { err_code: word.into() });
        let wanted = match definite {
            true => PayOutcome::ConfirmedFailure(DeclineReason::Configuration),
            false => PayOutcome::Unknown,
        };
        assert_eq!(rig.pay(Behaviour::Pays).await, wanted, "{word}");
    }
    assert_eq!(rig.wallet.orders().unwrap(), []);
}
