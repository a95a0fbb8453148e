//! What the wallet tells by itself.

use super::*;
use evertill_server::channel::{NotificationError, Notified};

fn taken(rig: &Rig, told: &Told) -> Result<Notified, NotificationError> {
    rig.shown().notification(&told.0, &told.1)
}

#[tokio::test]
async fn a_payment_is_told_sealed_and_signed_and_thanked_for() {
    for (how, signs_by) in [(PUBLIC, SignsBy::PublicKey), (CERTIFICATES, SignsBy::Certificate)] {
        let rig = rig(how).await;
        rig.wallet.switch(|switches| switches.signs_by = signs_by);
        rig.sold(1).await;
        let told = rig.ear.heard(1).await.remove(0);
        let order = rig.wallet.order(number(1).as_str()).unwrap().unwrap();
        let notified = Notified { number: number(1), amount: cny(1234), transaction: order.transaction };
        assert_eq!(taken(&rig, &told), Ok(notified));
        assert!(!String::from_utf8(told.1).unwrap().contains(number(1).as_str()), "it is sealed");
        assert_eq!(rig.shown().thanks(), (204, "application/json", Vec::new()));
        // Thanked: it is not told again.
        rig.turn(20_000);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(rig.ear.heard(1).await.len(), 1);
    }
}

#[tokio::test]
async fn a_customers_code_is_told_of_to_nobody() {
    let rig = rig(CODES).await;
    rig.channel.pay(&rig.charge(Behaviour::Pays, 1)).await;
    rig.sold(2).await;
    let told = rig.ear.heard(1).await;
    assert_eq!(told.len(), 1);
}

#[tokio::test]
async fn a_refund_that_is_told_of_is_no_payment() {
    let rig = rig(CERTIFICATES).await;
    rig.sold(1).await;
    rig.ear.heard(1).await;
    let back = ChannelRefund {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        refund: RefundId("R1".into()),
        number: number(1),
        paid: cny(1234),
        amount: cny(200),
        reason: "cold".into(),
    };
    assert_eq!(rig.channel.refund(&back).await, ChannelRefundOutcome::Done);
    // We do not ask to be told; were it set elsewhere, this would come.
    rig.wallet.tell_of_refund("R1", &rig.ear.url).unwrap();
    let told = rig.ear.heard(2).await.pop().unwrap();
    assert!(matches!(taken(&rig, &told), Err(NotificationError::Unreadable(_))), "{:?}", taken(&rig, &told));
}

#[tokio::test]
async fn copies_and_another_order_change_nothing() {
    let rig = rig(CERTIFICATES).await;
    rig.wallet.switch(|switches| {
        switches.notification_copies = 2;
        switches.notifications_last_first = true;
        switches.notification_delay_ms = 1_000;
    });
    rig.sold(1).await;
    rig.sold(2).await;
    rig.turn(1_000);
    let told = rig.ear.heard(4).await;
    let mut numbers: Vec<_> = told.iter().map(|told| taken(&rig, told).unwrap().number).collect();
    numbers.sort();
    assert_eq!(numbers, [number(1), number(1), number(2), number(2)]);
}

#[tokio::test]
async fn nothing_that_is_altered_old_or_a_probe_is_taken() {
    let rig = rig(CERTIFICATES).await;
    assert_eq!(rig.query(9).await, QueryOutcome::NoSuchOrder, "the certificates are known");
    for (fault, sequence) in [
        Fault::BadSignature,
        Fault::Unsigned,
        Fault::Altered,
        Fault::SignTest,
        Fault::OldTime,
        Fault::OtherSerial,
        Fault::MissingHeader,
        Fault::Garbage,
    ]
    .into_iter()
    .zip(1..)
    {
        rig.wallet.next(Endpoint::Notify, fault.clone());
        rig.sold(sequence).await;
        let told = rig.ear.heard(usize::try_from(sequence).unwrap()).await.pop().unwrap();
        assert_eq!(taken(&rig, &told), Err(NotificationError::NotAuthentic), "{fault:?}");
    }
    rig.wallet.next(Endpoint::Notify, Fault::OtherMerchant);
    rig.sold(20).await;
    let told = rig.ear.heard(9).await.pop().unwrap();
    assert_eq!(taken(&rig, &told), Err(NotificationError::Mismatch("/mchid")));
    rig.wallet.next(Endpoint::Notify, Fault::WrongAmount);
    rig.sold(21).await;
    let told = rig.ear.heard(10).await.pop().unwrap();
    assert_eq!(
        taken(&rig, &told).unwrap().amount,
        cny(1235),
        "told as it was signed: the order centre compares"
    );
    rig.sold(22).await;
    let told = rig.ear.heard(11).await.pop().unwrap();
    assert!(taken(&rig, &told).is_ok());
    rig.clock.0.fetch_add(301_000, Ordering::SeqCst);
    assert_eq!(taken(&rig, &told), Err(NotificationError::NotAuthentic), "an old copy");
}

#[tokio::test]
async fn who_does_not_thank_is_told_again_for_a_day_at_the_wallets_pace() {
    let rig = rig(CERTIFICATES).await;
    rig.ear.answers.store(500, Ordering::SeqCst);
    rig.sold(1).await;
    rig.ear.heard(1).await;
    let mut pauses = Vec::new();
    for count in 2..=16 {
        let next = loop {
            if let Some(next) = rig.wallet.next_notification() {
                break next;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let now = rig.clock.now();
        let pause = next.since(now);
        pauses.push((pause.as_secs() + 1) / 5 * 5);
        rig.turn(i64::try_from(pause.as_millis()).unwrap() + 1);
        let told = rig.ear.heard(count).await.pop().unwrap();
        assert!(taken(&rig, &told).is_ok(), "signed anew each time");
    }
    let ladder =
        [15, 15, 30, 180, 600, 1_200, 1_800, 1_800, 1_800, 3_600, 10_800, 10_800, 10_800, 21_600, 21_600];
    assert_eq!(pauses, ladder);
    rig.turn(24 * 60 * 60 * 1000);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(rig.ear.heard(16).await.len(), 16, "then no more");
}
