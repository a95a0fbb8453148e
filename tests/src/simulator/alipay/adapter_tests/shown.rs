//! Codes that tills show: what the adapter believes of them, and of what the wallet tells by itself.

use super::*;
use crate::simulator::wallet::{Scanned, TradeState, http};
use evertill_server::channel::{NotificationError, Notified, ShownOrder};
use evertill_shared::clock::Timestamp;
use evertill_shared::payment::ShownOutcome;
use std::sync::Mutex;

fn order(lives: Duration) -> ShownOrder {
    ShownOrder {
        number: number(1),
        amount: cny(1234),
        description: "Corner Store 店 / 1+1=2 & more".into(),
        device: "T0001".into(),
        until: SystemClock.now().plus(lives),
    }
}

const MINUTE: Duration = Duration::from_secs(60);

impl Rig {
    async fn create(&self) -> ShownOutcome {
        self.channel.shown().unwrap().create(&order(MINUTE)).await
    }

    async fn code(&self) -> String {
        match self.create().await {
            ShownOutcome::Code { content, .. } => content,
            other => panic!("{other:?}"),
        }
    }

    async fn close(&self) -> ReverseOutcome {
        self.channel.shown().unwrap().close(&number(1)).await
    }
}

#[tokio::test]
async fn a_code_is_made_and_until_it_is_scanned_there_is_no_such_order() {
    for mode in [Mode::Key, Mode::Certificates] {
        let rig = rig_with(mode, |_| ()).await;
        let code = rig.code().await;
        assert_eq!(rig.query().await, QueryOutcome::NoSuchOrder, "{mode:?}");
        assert_eq!(rig.wallet.scan(&code, Behaviour::Pays).unwrap(), Scanned::Paid);
        assert!(is_paid(&rig.query().await));
        let order = rig.wallet.order(number(1).as_str()).unwrap().unwrap();
        assert_eq!((order.net_minor(), order.device.as_str()), (1234, "T0001"));
        assert_eq!(order.description, "Corner Store 店  1+12  more");
        // Whoever asks again is told nothing that could be shown, and nobody pays twice.
        assert_eq!(rig.create().await, ShownOutcome::Unknown);
        assert_eq!(rig.wallet.scan(&code, Behaviour::Pays).unwrap(), Scanned::NoGood);
        assert_eq!(rig.net(), 1234);
    }
}

#[tokio::test]
async fn asking_twice_is_harmless_and_both_codes_pay_the_same_order_once() {
    let rig = rig().await;
    let (first, second) = (rig.code().await, rig.code().await);
    assert_eq!(rig.wallet.scan(&first, Behaviour::Pays).unwrap(), Scanned::Paid);
    assert_eq!(rig.wallet.scan(&second, Behaviour::Pays).unwrap(), Scanned::NoGood);
    assert_eq!(rig.net(), 1234);
}

#[tokio::test]
async fn known_or_unknown_whatever_is_wrong_with_the_answer_there_is_no_code() {
    for fault in [
        Fault::RequestLost,
        Fault::ReplyLost,
        Fault::Slow { ms: 3 * LIMIT_MS },
        Fault::SystemError,
        Fault::Unavailable,
        Fault::BadSignature,
        Fault::Unsigned,
        Fault::Altered,
        Fault::OtherNumber,
        Fault::Garbage,
        Fault::ServerError,
    ] {
        let rig = rig().await;
        rig.wallet.next(Endpoint::Create, fault.clone());
        assert_eq!(rig.create().await, ShownOutcome::Unknown, "{fault:?}");
        assert!(!rig.code().await.is_empty(), "asked again: {fault:?}");
    }
    let rig = rig().await;
    rig.wallet.next(Endpoint::Create, Fault::Refuse { err_code: "ACQ.ACCESS_FORBIDDEN".into() });
    assert_eq!(rig.create().await, ShownOutcome::Refused(DeclineReason::Configuration));
    let rig = rig_with(Mode::Key, |settings| settings.endpoints = vec!["http://127.0.0.1:1".into()]).await;
    assert_eq!(rig.create().await, ShownOutcome::Refused(DeclineReason::ChannelUnreachable));
}

#[tokio::test]
async fn closing_is_only_for_what_is_there_and_not_paid() {
    let rig = rig().await;
    let code = rig.code().await;
    assert_eq!(rig.close().await, ReverseOutcome::NoSuchOrder, "nobody has scanned it");
    assert_eq!(rig.wallet.scan(&code, Behaviour::PasswordNever).unwrap(), Scanned::Waiting);
    assert_eq!(rig.query().await, QueryOutcome::Waiting);
    assert_eq!(rig.close().await, ReverseOutcome::Reversed);
    assert_eq!(rig.query().await, QueryOutcome::Reversed);
    assert_eq!(rig.wallet.scan(&code, Behaviour::Pays).unwrap(), Scanned::NoGood);
    assert_eq!(rig.net(), 0);

    let rig = super::rig().await;
    let code = rig.code().await;
    rig.wallet.scan(&code, Behaviour::SuccessAfterLastQuery).unwrap();
    assert_eq!(rig.close().await, ReverseOutcome::Retry, "paid in that moment");
    assert!(is_paid(&rig.query().await));
    assert_eq!((rig.close().await, rig.net()), (ReverseOutcome::Retry, 1234), "closing gives nothing back");
}

#[tokio::test]
async fn the_wallet_itself_takes_no_payment_by_a_code_after_its_end() {
    let rig = rig().await;
    let code = rig.code().await;
    rig.wallet.scan(&code, Behaviour::PasswordThenPays { after_ms: 65_000 }).unwrap();
    rig.wallet.turn_clock(61_000).unwrap();
    assert_eq!(rig.query().await, QueryOutcome::Reversed);
    assert_eq!(rig.wallet.scan(&code, Behaviour::Pays).unwrap(), Scanned::NoGood);
    rig.wallet.turn_clock(10_000).unwrap();
    let order = rig.wallet.order(number(1).as_str()).unwrap().unwrap();
    assert_eq!((order.state, order.net_minor()), (TradeState::Revoked, 0));
}

/// Somebody who is told, and says what they are told to say.
struct Told {
    url: String,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
    answer: Arc<Mutex<&'static str>>,
}

async fn somebody() -> Told {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/told", listener.local_addr().unwrap());
    let (bodies, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new("fail")));
    let (heard, says) = (Arc::clone(&bodies), Arc::clone(&answer));
    tokio::spawn(http::listen(listener, move |stream| {
        let (heard, says) = (Arc::clone(&heard), Arc::clone(&says));
        async move {
            let told = |request: http::Request| {
                heard.lock().unwrap().push(request.body);
                std::future::ready(http::Response::ok("text/plain", *says.lock().unwrap()))
            };
            let _ = http::converse(stream, told).await;
        }
    }));
    Told { url, bodies, answer }
}

/// When the wallet tells next.
async fn next(rig: &Rig) -> Timestamp {
    for _ in 0..250 {
        if let Some(due) = rig.wallet.next_notification() {
            return due;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("told no more");
}

fn turn_to(rig: &Rig, at: Timestamp) {
    let now = rig.wallet.turn_clock(0).unwrap();
    rig.wallet.turn_clock(at.0 - now.0 + 1).unwrap();
}

impl Told {
    async fn times(&self, wanted: usize) -> Vec<Vec<u8>> {
        for _ in 0..250 {
            let bodies = self.bodies.lock().unwrap().clone();
            if bodies.len() >= wanted {
                return bodies;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("told {} times, not {wanted}", self.bodies.lock().unwrap().len());
    }
}

#[tokio::test]
async fn the_wallet_tells_until_it_is_thanked_by_the_real_ladder_and_the_adapter_reads_it() {
    for mode in [Mode::Key, Mode::Certificates] {
        let told = somebody().await;
        let url = told.url.clone();
        let rig = rig_with(mode, |settings| settings.notify_url = Some(url)).await;
        let code = rig.code().await;
        assert!(told.bodies.lock().unwrap().is_empty());
        rig.wallet.scan(&code, Behaviour::Pays).unwrap();
        let body = told.times(1).await.remove(0);
        let codes = rig.channel.shown().unwrap();
        let transaction = rig.wallet.order(number(1).as_str()).unwrap().unwrap().transaction;
        let wanted = Notified { number: number(1), amount: cny(1234), transaction };
        assert_eq!(codes.notification(&[], &body), Ok(wanted.clone()), "{mode:?}");
        // Minutes and hours, until somebody says the word.
        let mut before = None;
        for (told_already, wait) in (1..).zip([240, 600, 600, 3_600, 7_200]) {
            let due = next(&rig).await;
            assert!(before.is_none_or(|before| due.0 - before == wait * 1_000), "after {told_already}");
            before = Some(due.0);
            assert_eq!(told.bodies.lock().unwrap().len(), told_already, "told too early");
            turn_to(&rig, due);
            let bodies = told.times(told_already + 1).await;
            assert_eq!(codes.notification(&[], &bodies[told_already]), Ok(wanted.clone()));
        }
        *told.answer.lock().unwrap() = "success";
        turn_to(&rig, next(&rig).await);
        told.times(7).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(rig.wallet.next_notification(), None, "thanked, and told no more");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_notification_is_seen_and_duplicates_read_alike() {
    for (fault, seen) in [
        (Fault::BadSignature, NotificationError::NotAuthentic),
        (Fault::Unsigned, NotificationError::NotAuthentic),
        (Fault::Altered, NotificationError::NotAuthentic),
        (Fault::OtherMerchant, NotificationError::Mismatch("app_id")),
    ] {
        let told = somebody().await;
        let url = told.url.clone();
        let rig = rig_with(Mode::Key, |settings| settings.notify_url = Some(url)).await;
        rig.wallet.next(Endpoint::Notify, fault.clone());
        rig.wallet.switch(|switches| switches.notification_copies = 3);
        rig.wallet.scan(&rig.code().await, Behaviour::Pays).unwrap();
        let bodies = told.times(3).await;
        let codes = rig.channel.shown().unwrap();
        assert_eq!(codes.notification(&[], &bodies[0]), Err(seen), "{fault:?}");
        let copies = [codes.notification(&[], &bodies[1]), codes.notification(&[], &bodies[2])];
        assert!(copies[0].is_ok() && copies[0] == copies[1], "{fault:?}");
    }
}
