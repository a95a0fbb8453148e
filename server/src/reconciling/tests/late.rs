//! Money that only a bill shows: paid after its attempt had ended, or while it was being taken back.

use super::*;
use crate::order_group::{Fact, GiveBack, OrderDetail};

fn declined() -> Option<PayOutcome> {
    Some(PayOutcome::ConfirmedFailure(DeclineReason::NotEnoughFunds))
}

impl Shop {
    async fn owed(&self, of: &Attempt) -> Vec<GiveBack> {
        self.rig.groups.give_backs_of(of.order).await.unwrap()
    }

    async fn hears(&self, of: &Attempt, event: Event) {
        let (at, policy) = (self.rig.clock.now(), Policy::default());
        let news = PaymentNews { number: of.order, attempt: 1, event, found_at: None, at, policy };
        self.rig.groups.record_payment(news).await.unwrap();
    }

    /// Bills of these days, one after the other, and a morning after each.
    async fn bills(&self, first: &str, bills: Vec<Vec<BillRow>>) {
        let mut on = day(first);
        for bill in bills {
            self.publish(&on.to_string(), Ok(bill));
            self.morning().await;
            on = on.next();
        }
    }
}

async fn opened() -> Shop {
    let shop = Shop::new().await;
    shop.publish("2026-11-19", Ok(Vec::new()));
    shop
}

#[tokio::test]
async fn a_success_that_only_the_bill_shows_is_told_and_goes_back_by_itself_once() {
    let shop = opened().await;
    let late = shop.pay(700, declined()).await;
    shop.bills("2026-11-20", vec![vec![line(&late.number, 700)]]).await;
    assert!(shop.owed(&late).await.is_empty(), "the next bill may take it back");
    shop.bills("2026-11-21", vec![vec![]]).await;
    let found = shop.findings("2026-11-21").await;
    assert_eq!((found.len(), found[0].category), (1, Category::PaidThereNotHere));
    let owed = shop.owed(&late).await;
    assert_eq!((owed.len(), owed[0].amount, owed[0].is_open), (1, cny(700), true));
    assert_eq!(shop.state(&late).await, PaymentState::Declined, "what is over stays over");
    let late_success = |order: &OrderDetail| {
        order.story.iter().filter(|line| matches!(line.what, Fact::LateSuccess { .. })).count()
    };
    assert_eq!(late_success(&shop.rig.groups.order(late.order).await.unwrap()), 1);
    // The server fell over before it could note that it had told: it tells again.
    let settled = shop.reconciler.base.bill_settled(OF, day("2026-11-21"), (0, 9)).await.unwrap();
    assert!(settled.len() == 1 && settled[0].told);
    shop.reconciler.centre.settled_by_bill(OF.channel, &settled[0]).await.unwrap();
    assert_eq!(shop.owed(&late).await.len(), 1);
    assert_eq!(late_success(&shop.rig.groups.order(late.order).await.unwrap()), 1);
}

#[tokio::test]
async fn what_is_paid_days_after_its_attempt_was_over_finds_its_order_and_goes_back() {
    let shop = opened().await;
    let late = shop.pay(700, declined()).await;
    shop.bills("2026-11-20", vec![vec![], vec![], vec![line(&late.number, 700)], vec![]]).await;
    let found = shop.findings("2026-11-23").await;
    let seen: Vec<_> = found.iter().map(|one| (one.category, one.order.clone())).collect();
    assert_eq!(seen, [(Category::PaidThereNotHere, Some(late.order.to_string()))], "not: missing here");
    assert_eq!(shop.owed(&late).await.len(), 1);
    shop.bills("2026-11-24", vec![vec![], vec![], vec![]]).await;
    assert!(shop.findings("2026-11-26").await.is_empty());
}

#[tokio::test]
async fn what_is_paid_and_taken_back_days_after_its_attempt_was_over_agrees() {
    let shop = opened().await;
    let late = shop.pay(700, declined()).await;
    let both = vec![line(&late.number, 700), BillRow { revoked: true, ..line(&late.number, 700) }];
    shop.bills("2026-11-20", vec![vec![], vec![], both, vec![], vec![], vec![]]).await;
    let run = shop.run("2026-11-23").await.unwrap();
    assert_eq!((run.figures.agreed, run.figures.findings, run.figures.carried), (1, 0, 0));
    assert!(shop.owed(&late).await.is_empty());
}

#[tokio::test]
async fn known_or_unknown_a_line_after_the_days_that_count_settles_what_nobody_knows_all_the_same() {
    let shop = opened().await;
    let open = shop.pay(700, Some(PayOutcome::Unknown)).await;
    shop.bills("2026-11-20", vec![vec![], vec![], vec![], vec![]]).await;
    assert_eq!(shop.findings("2026-11-23").await[0].category, Category::UnknownHereNotThere);
    shop.bills("2026-11-24", vec![vec![line(&open.number, 700)], vec![]]).await;
    assert_eq!(shop.state(&open).await, PaymentState::Paid);
    assert!(shop.findings("2026-11-25").await.is_empty());
}

#[tokio::test]
async fn what_a_bill_has_as_paid_while_it_is_taken_back_agrees_with_the_line_that_takes_it_back() {
    let shop = opened().await;
    let back = shop.pay(700, Some(PayOutcome::Unknown)).await;
    shop.hears(&back, Event::GiveUp).await;
    assert_eq!(shop.state(&back).await, PaymentState::Reversing);
    shop.bills("2026-11-20", vec![vec![line(&back.number, 700)]]).await;
    let run = shop.run("2026-11-20").await.unwrap();
    assert_eq!((run.figures.settled, run.figures.findings, run.figures.carried), (0, 0, 2));
    shop.hears(&back, Event::Query(QueryOutcome::Reversed)).await;
    let revoked = BillRow { revoked: true, ..line(&back.number, 700) };
    shop.bills("2026-11-21", vec![vec![revoked], vec![], vec![], vec![]]).await;
    let run = shop.run("2026-11-21").await.unwrap();
    assert_eq!((run.figures.agreed, run.figures.findings, run.figures.carried), (1, 0, 0));
    for on in ["2026-11-22", "2026-11-23", "2026-11-24"] {
        assert!(shop.findings(on).await.is_empty(), "{on}");
    }
    assert!(shop.owed(&back).await.is_empty());
}

/// Closing takes nothing back: who paid in the race with it has paid, and the bill may say so.
#[tokio::test]
async fn a_shown_code_that_is_being_closed_is_settled_by_the_bill_at_once() {
    let shop = opened().await;
    let shown = shop.pay_by(700, None, |intent| intent.to_be_shown(&Policy::default())).await;
    shop.hears(&shown, Event::GiveUp).await;
    shop.bills("2026-11-20", vec![vec![line(&shown.number, 700)]]).await;
    assert_eq!(shop.run("2026-11-20").await.unwrap().figures.settled, 1);
    assert_eq!(shop.state(&shown).await, PaymentState::Paid);
}
