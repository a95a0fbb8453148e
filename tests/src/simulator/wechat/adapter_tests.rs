//! The server's adapter against this wallet, over real sockets.

use super::{Behaviour, Endpoint, Fault, Simulator, SimulatorConfig, TradeState};
use evertill_server::channel::wechat::{SignType, WechatChannel, WechatSettings};
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
mod line;
mod partner;
mod refunds;

const LIMIT_MS: u64 = 1_000;

struct Rig {
    wallet: Simulator,
    channel: WechatChannel,
    folder: TempDir,
}

fn channel(settings: &WechatSettings) -> WechatChannel {
    WechatChannel::new(settings, Arc::new(SystemClock)).unwrap()
}

fn settings(wallet: &Simulator) -> WechatSettings {
    let mut settings: WechatSettings = serde_json::from_value(wallet.server_section()).unwrap();
    (settings.pay_timeout_ms, settings.call_timeout_ms, settings.connect_timeout_ms) =
        (LIMIT_MS, LIMIT_MS, 400);
    settings
}

async fn rig() -> Rig {
    rig_with(|_| ()).await
}

async fn rig_with(change: impl FnOnce(&mut WechatSettings)) -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let wallet = Simulator::start(folder.path(), SimulatorConfig::default()).await.unwrap();
    let mut settings = settings(&wallet);
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
        description: "Corner Store 店".into(),
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
    for sign_type in [SignType::HmacSha256, SignType::Md5] {
        let rig = rig_with(|settings| settings.sign_type = sign_type).await;
        let PayOutcome::ConfirmedSuccess { transaction } = rig.pay(Behaviour::Pays).await else {
            panic!("not paid with {sign_type:?}");
        };
        assert_eq!(rig.query().await, QueryOutcome::Paid { transaction });
        assert_eq!(rig.net(), 1234);
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
}

#[tokio::test]
async fn used_expired_and_invented_codes_are_declined() {
    let rig = rig().await;
    let declined = PayOutcome::ConfirmedFailure(DeclineReason::CodeExpired);
    let first = rig.charge(Behaviour::Pays);
    assert!(is_success(&rig.channel.pay(&first).await));
    let again = charge_with(first.auth_code.expose().to_owned(), 2);
    assert_eq!(rig.channel.pay(&again).await, declined, "used before");
    assert_eq!(rig.channel.pay(&charge_with("130000000000000000".into(), 3)).await, declined, "invented");
    let old = charge_with(rig.wallet.issue_code(Behaviour::Pays).unwrap(), 4);
    rig.wallet.turn_clock(60_000).unwrap();
    assert_eq!(rig.channel.pay(&old).await, declined, "a minute old");
    assert_eq!(rig.wallet.orders().unwrap().len(), 1);
    let alipay = charge_with("281234567890123456".into(), 5);
    assert_eq!(rig.channel.pay(&alipay).await, PayOutcome::Refused(DeclineReason::CodeExpired));
}

#[tokio::test]
async fn a_customer_who_types_a_password_is_waited_for() {
    let rig = rig().await;
    assert_eq!(rig.pay(Behaviour::PasswordThenPays { after_ms: 5_000 }).await, PayOutcome::Waiting);
    assert_eq!(rig.query().await, QueryOutcome::Waiting);
    rig.wallet.turn_clock(5_000).unwrap();
    assert!(is_paid(&rig.query().await));
}

#[tokio::test]
async fn a_customer_who_leaves_the_password_has_not_paid() {
    let rig = rig().await;
    assert_eq!(rig.pay(Behaviour::PasswordThenCancels { after_ms: 5_000 }).await, PayOutcome::Waiting);
    rig.wallet.turn_clock(5_000).unwrap();
    assert_eq!(rig.query().await, QueryOutcome::Failed(DeclineReason::PaymentFailed));
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed);
    assert_eq!((rig.query().await, rig.net()), (QueryOutcome::Reversed, 0));
}

#[tokio::test]
async fn the_wallet_itself_ends_a_password_that_never_comes() {
    let rig = rig().await;
    assert_eq!(rig.pay(Behaviour::PasswordNever).await, PayOutcome::Waiting);
    rig.wallet.turn_clock(45_000).unwrap();
    assert_eq!(rig.query().await, QueryOutcome::Reversed);
}

#[tokio::test]
async fn a_charge_whose_reply_is_lost_is_unknown_and_a_question_finds_it() {
    let lossy =
        [Behaviour::ReplyLost, Behaviour::MicropayTimeout, Behaviour::ServerError, Behaviour::Garbage];
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
    assert_eq!(rig.reverse().await, ReverseOutcome::NoSuchOrder);
}

#[tokio::test]
async fn altered_and_misdirected_replies_are_unknown() {
    for behaviour in [
        Behaviour::BadSignature,
        Behaviour::Unsigned,
        Behaviour::WrongAmount,
        Behaviour::OtherNumber,
        Behaviour::OtherMerchant,
    ] {
        let rig = rig().await;
        assert_eq!(rig.pay(behaviour).await, PayOutcome::Unknown, "{behaviour:?}");
        assert!(is_paid(&rig.query().await), "{behaviour:?}");
    }
    let rig = rig().await;
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    for fault in
        [Fault::BadSignature, Fault::WrongAmount, Fault::OtherNumber, Fault::Unsigned, Fault::Garbage]
    {
        rig.wallet.next(Endpoint::Query, fault.clone());
        assert_eq!(rig.query().await, QueryOutcome::Unknown, "{fault:?}");
    }
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
        assert!(took < Duration::from_millis(LIMIT_MS + 700), "took {took:?}");
    }
}

#[tokio::test]
async fn a_request_that_was_under_way_still_charges_after_we_stopped_waiting() {
    let rig = rig().await;
    assert_eq!(rig.pay(Behaviour::ArrivesLate { ms: LIMIT_MS + 500 }).await, PayOutcome::Unknown);
    assert_eq!(rig.query().await, QueryOutcome::NoSuchOrder, "provisional: it is on its way");
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    assert!(is_paid(&rig.query().await));
}

#[tokio::test]
async fn a_payment_taken_back_is_confirmed_by_a_question() {
    let rig = rig().await;
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed);
    assert_eq!((rig.query().await, rig.net()), (QueryOutcome::Reversed, 0));
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed, "a second time changes nothing");
}

#[tokio::test]
async fn a_success_between_the_last_question_and_the_reversal_is_given_back() {
    let rig = rig().await;
    assert_eq!(rig.pay(Behaviour::SuccessAfterLastQuery).await, PayOutcome::Waiting);
    assert_eq!(rig.query().await, QueryOutcome::Waiting);
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed);
    let order = rig.wallet.order(number(1).as_str()).unwrap().unwrap();
    assert_eq!((order.charged_minor, order.net_minor()), (1234, 0));
}

#[tokio::test]
async fn a_reversal_that_must_be_called_again_or_is_refused_is_not_taken_for_done() {
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
async fn a_reversal_whose_reply_is_lost_is_unknown_and_repeated() {
    let rig = rig().await;
    assert_eq!(rig.pay(Behaviour::ReverseReplyLost).await, PayOutcome::Waiting);
    assert_eq!(rig.reverse().await, ReverseOutcome::Unknown);
    assert_eq!(rig.query().await, QueryOutcome::Reversed);
    assert_eq!(rig.reverse().await, ReverseOutcome::Reversed);
}

#[tokio::test]
async fn after_seven_days_nothing_is_taken_back() {
    let rig = rig().await;
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    rig.wallet.turn_clock(7 * 24 * 3_600_000 + 1).unwrap();
    assert_eq!(rig.reverse().await, ReverseOutcome::TooLate);
    assert_eq!(rig.net(), 1234);
}

#[tokio::test]
async fn with_a_wrong_api_key_nothing_is_ever_a_success() {
    let rig = rig().await;
    let mut wrong = settings(&rig.wallet);
    wrong.api_key_file = rig.folder.path().join("wrong.txt");
    std::fs::write(&wrong.api_key_file, "0".repeat(32)).unwrap();
    let stranger = channel(&wrong);
    assert_eq!(stranger.pay(&rig.charge(Behaviour::Pays)).await, PayOutcome::Unknown);
    assert_eq!(rig.wallet.orders().unwrap(), [], "the wallet took a wrong signature");
    // The other way round: the wallet's replies come with a wrong key.
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
    // The wallet calls the code used: by this very payment, which is alive.
    assert_eq!(rig.channel.pay(&waiting).await, PayOutcome::Waiting);
    rig.wallet.turn_clock(5_000).unwrap();
    assert_eq!(rig.channel.pay(&waiting).await, PayOutcome::Unknown, "paid already, it says: ask");
    assert_eq!(rig.channel.pay(&rig.charge(Behaviour::Pays)).await, PayOutcome::Unknown, "another code");
    assert_eq!(rig.wallet.order(number(1).as_str()).unwrap().unwrap().charged_minor, 1234);
}

#[tokio::test]
async fn every_documented_refusal_comes_through_the_wire_and_none_is_a_success() {
    let rig = rig().await;
    for word in ["BANKERROR", "OUT_TRADE_NO_USED", "NOAUTH", "LACK_PARAMS", "A_WORD_OF_TOMORROW"] {
        rig.wallet.next(Endpoint::Pay, Fault::Refuse { err_code: word.into() });
        let outcome = rig.pay(Behaviour::Pays).await;
        let expected = match word {
            "NOAUTH" | "LACK_PARAMS" => PayOutcome::ConfirmedFailure(DeclineReason::Configuration),
            _ => PayOutcome::Unknown,
        };
        assert_eq!(outcome, expected, "{word}");
    }
    assert_eq!(rig.wallet.orders().unwrap(), []);
}
