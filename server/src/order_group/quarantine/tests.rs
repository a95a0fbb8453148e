use super::super::testing::{Rig, cny, guard};
use super::super::*;
use super::Accept;
use evertill_shared::clock::Clock;
use evertill_shared::order::OrderState;
use evertill_shared::order_number::OrderNumber;

/// A cash sale that a blocked till handed in, and the request that did.
async fn handed_in(rig: &Rig, minor: i64) -> (OrderNumber, Adopt) {
    let sale = rig.till.sale(minor);
    let number = rig.draft(&sale).await.number;
    let adoption = Adoption { quarantine: true, ..rig.till.adoption(&sale, number, rig.clock.now()) };
    let cash = Some(rig.till.cash(&sale));
    let adopt = Adopt { adoption, cash, policies: Policies::default(), guard: guard() };
    rig.groups.adopt(adopt.clone()).await.unwrap();
    (number, adopt)
}

fn accept(rig: &Rig, number: OrderNumber, by: &str) -> Accept {
    let reason = format!("{by} counted the drawer");
    Accept { number, by: by.into(), login: by.to_lowercase(), reason, at: rig.clock.now() }
}

fn refund(rig: &Rig, number: OrderNumber) -> NewRefund {
    let at = rig.clock.now();
    NewRefund {
        number,
        request: "request-1".into(),
        amount: cny(200),
        reason: "sour".into(),
        by: "Li Na".into(),
        login: "li".into(),
        asked_at: None,
        at,
        today: rig.groups.business_day(at),
    }
}

async fn acceptances(rig: &Rig, number: OrderNumber) -> Vec<StoryLine> {
    let story = rig.groups.order(number).await.unwrap().story;
    story.into_iter().filter(|line| matches!(line.what, Fact::AcceptedFromQuarantine { .. })).collect()
}

#[tokio::test]
async fn what_a_person_accepts_counts_and_may_be_refunded_and_not_before() {
    let rig = Rig::new(1);
    let (number, _) = handed_in(&rig, 500).await;
    let stands = async || rig.groups.order(number).await.unwrap().summary;
    assert_eq!((stands().await.state, stands().await.quarantined), (OrderState::Paid, true));
    let refused = rig.groups.reserve_refund(refund(&rig, number)).await;
    assert_eq!(refused.unwrap_err(), GroupError::Refused(Refusal::Quarantined));

    rig.groups.accept(accept(&rig, number, "Li")).await.unwrap();
    assert_eq!((stands().await.paid.minor, stands().await.quarantined), (500, false));
    rig.groups.reserve_refund(refund(&rig, number)).await.unwrap();
    let told = acceptances(&rig, number).await;
    let why = "Li counted the drawer".to_owned();
    let expected = Fact::AcceptedFromQuarantine { who: "Li".into(), login: "li".into(), why };
    assert_eq!(told.into_iter().map(|line| line.what).collect::<Vec<_>>(), [expected]);
}

#[tokio::test]
async fn of_two_who_accept_at_the_same_time_one_does_and_both_are_told_who() {
    let rig = Rig::new(1);
    let (number, _) = handed_in(&rig, 500).await;
    let version = || {
        let connection = rusqlite::Connection::open(rig.file(0)).unwrap();
        let sql = "SELECT version FROM orders WHERE number = ?1";
        connection.query_row(sql, [number.as_str()], |row| row.get::<_, i64>(0)).unwrap()
    };
    let before = version();
    let (li, wang) = tokio::join!(
        rig.groups.accept(accept(&rig, number, "Li")),
        rig.groups.accept(accept(&rig, number, "Wang"))
    );
    assert_eq!(li.unwrap(), wang.unwrap());
    rig.groups.accept(accept(&rig, number, "Wang")).await.unwrap();
    assert_eq!(acceptances(&rig, number).await.len(), 1);
    assert_eq!(version(), before + 1);
}

#[tokio::test]
async fn the_till_may_send_it_again_and_the_journal_still_says_how_it_came() {
    let rig = Rig::new(1);
    let (number, adopt) = handed_in(&rig, 500).await;
    rig.groups.accept(accept(&rig, number, "Li")).await.unwrap();
    rig.groups.adopt(Adopt { guard: guard(), ..adopt }).await.unwrap();
    assert!(!rig.groups.order(number).await.unwrap().summary.quarantined);
    let connection = rusqlite::Connection::open(rig.file(0)).unwrap();
    let sql = "SELECT count(*) FROM journal_entries WHERE quarantined = 1";
    // A draft keeps no entry: the sale's, the choice's and the cash's came together, after the block.
    assert_eq!(connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 3);
}

#[tokio::test]
async fn what_was_never_in_quarantine_or_is_not_there_cannot_be_accepted() {
    let rig = Rig::new(1);
    let honest = rig.cash_order(300).await;
    let refused = rig.groups.accept(accept(&rig, honest, "Li")).await.unwrap_err();
    assert_eq!(refused, GroupError::Refused(Refusal::NotQuarantined));
    assert!(acceptances(&rig, honest).await.is_empty());
    let missing = OrderNumber::new(rig.clock.now(), 99_999, honest.tag()).unwrap();
    let refused = rig.groups.accept(accept(&rig, missing, "Li")).await.unwrap_err();
    assert!(matches!(refused, GroupError::Refused(Refusal::NotFound(_))), "{refused:?}");
}
