//! Money that goes back by itself under a number of a later day than the one on which it was found.

use super::*;
use crate::order_group::{GiveBack, GiveBackEvent};

impl Shop {
    /// An attempt that ended without money, and of which the wallet says afterwards that it was paid.
    async fn paid_too_late(&self, minor: i64) -> Attempt {
        let reason = DeclineReason::NotEnoughFunds;
        let paid = self.pay(minor, Some(PayOutcome::ConfirmedFailure(reason))).await;
        let (at, policy) = (self.rig.clock.now(), Policy::default());
        let event = Event::LookedAgain(QueryOutcome::Paid { transaction: "T1".into() });
        let news = PaymentNews { number: paid.order, attempt: 1, event, found_at: None, at, policy };
        self.rig.groups.record_payment(news).await.unwrap();
        paid
    }

    async fn goes_back(&self, of: &Attempt, event: GiveBackEvent) -> GiveBack {
        let groups = &self.rig.groups;
        let [open] = &groups.give_backs_of(of.order).await.unwrap()[..] else { panic!("one") };
        let at = self.rig.clock.now();
        groups.record_give_back(open.news(open.round, event, at, at)).await.unwrap();
        groups.give_backs_of(of.order).await.unwrap().remove(0)
    }

    async fn closed(&self, of: &Attempt) {
        self.goes_back(of, GiveBackEvent::Closed("no money".into())).await;
    }
}

fn refund_line(refund: &str, minor: i64) -> BillRow {
    BillRow { movement: Movement::Refund, ..line(refund, minor) }
}

#[tokio::test]
async fn books_match_what_goes_back_under_another_number_on_a_later_day_meets_its_line() {
    for closed_by_the_first_evening in [0, 1] {
        let shop = Shop::new().await;
        let late = shop.paid_too_late(700).await;
        for _ in 0..closed_by_the_first_evening {
            shop.closed(&late).await;
        }
        shop.publish("2026-11-19", Ok(Vec::new()));
        shop.publish("2026-11-20", Ok(vec![line(&late.number, 700)]));
        shop.morning().await;
        assert_eq!(shop.run("2026-11-20").await.unwrap().figures.carried, 1);
        // Closed again, twice, and done on the second day.
        shop.closed(&late).await;
        shop.closed(&late).await;
        let done = shop.goes_back(&late, GiveBackEvent::Done).await.refund().0;
        shop.publish("2026-11-21", Ok(vec![refund_line(&done, 700)]));
        for quiet in ["2026-11-22", "2026-11-23", "2026-11-24"] {
            shop.publish(quiet, Ok(Vec::new()));
        }
        for _ in 0..4 {
            shop.morning().await;
        }
        let run = shop.run("2026-11-21").await.unwrap();
        assert_eq!((run.figures.agreed, run.figures.carried), (1, 0), "{done}");
        for on in ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24"] {
            assert_eq!(shop.findings(on).await, [], "{on}, {done}");
        }
    }
}

#[tokio::test]
async fn what_is_sent_back_round_after_round_waits_for_its_line_until_it_is_done() {
    let shop = Shop::new().await;
    let late = shop.paid_too_late(700).await;
    shop.publish("2026-11-19", Ok(Vec::new()));
    shop.publish("2026-11-20", Ok(vec![line(&late.number, 700)]));
    let days = ["2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26"];
    for on in days {
        shop.publish(on, Ok(Vec::new()));
        shop.morning().await;
        shop.closed(&late).await;
    }
    let done = shop.goes_back(&late, GiveBackEvent::Done).await.refund().0;
    assert!(done.ends_with('F'));
    shop.publish("2026-11-26", Ok(vec![refund_line(&done, 700)]));
    shop.morning().await;
    let run = shop.run("2026-11-26").await.unwrap();
    assert_eq!((run.figures.agreed, run.figures.carried, run.figures.findings), (1, 0, 0));
    for on in days {
        assert_eq!(shop.findings(on).await, [], "{on}");
    }
}
