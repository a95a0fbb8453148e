//! The ledger: written with each fact, and proved against all of them, on every engine.

use super::*;
use evertill_server::order_group::ledger::{Ledger, ProvedPart};
use evertill_shared::ledger::LedgerFault;

pub(super) async fn prove(home: &Home) -> ProvedPart {
    let (mut all, mut after) = (ProvedPart::default(), String::new());
    loop {
        // A small part at a time, so that there is more than one.
        let part = home.group.prove(after.clone(), 3).await.unwrap();
        all.orders += part.orders;
        all.faults.extend(part.faults);
        all.balances.add_all(&part.balances);
        match part.last {
            Some(last) => after = last,
            None => return all,
        }
    }
}

pub(super) fn balance(proved: &ProvedPart, of: &str) -> (i64, i64) {
    let account = proved.balances.accounts().find(|(_, account, ..)| *account == of);
    account.map_or((0, 0), |(_, _, debit, credit)| (debit, credit))
}

/// An order whose code was charged, with what became of it.
async fn charged(home: &Home, minor: i64, events: &[Event]) -> OrderNumber {
    let sale = home.sale(minor);
    let number = home.draft(&sale).await.number;
    home.group.start_payment(home.payment(&sale, number, 1)).await.unwrap();
    for event in events {
        // Twice: what is told again is the same fact.
        home.group.record_payment(news(number, event.clone())).await.unwrap();
        home.group.record_payment(news(number, event.clone())).await.unwrap();
    }
    number
}

fn success() -> Event {
    Event::Pay(PayOutcome::ConfirmedSuccess { transaction: "T1".into() })
}

async fn trade(home: &Home) -> OrderNumber {
    home.cash_order(1_000).await;
    let paid = charged(home, 700, &[success()]).await;
    charged(home, 300, &[Event::Pay(PayOutcome::ConfirmedFailure(DeclineReason::NotEnoughFunds))]).await;
    let late = Event::Query(QueryOutcome::Paid { transaction: "T2".into() });
    let took = charged(home, 500, &[Event::Query(QueryOutcome::Reversed), late.clone()]).await;
    let gone = charged(home, 600, &[Event::Query(QueryOutcome::Reversed), late]).await;
    charged(home, 800, &[Event::Pay(PayOutcome::Unknown)]).await;
    for (number, event) in [(took, GiveBackEvent::Done), (gone, GiveBackEvent::NothingTaken)] {
        let news =
            GiveBackNews { number, attempt: 1, elsewhere: None, round: 0, event, at: NOON, next_at: NOON };
        home.group.record_give_back(news.clone()).await.unwrap();
        home.group.record_give_back(news).await.unwrap();
    }
    let (another, event) = (AccountId(9), GiveBackEvent::Done);
    for _ in 0..2 {
        home.group.owe_elsewhere(took, 1, another, NOON).await.unwrap();
    }
    let back = GiveBackNews {
        number: took,
        attempt: 1,
        elsewhere: Some(another),
        round: 0,
        event,
        at: NOON,
        next_at: NOON,
    };
    home.group.record_give_back(back.clone()).await.unwrap();
    home.group.record_give_back(back).await.unwrap();
    paid
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn books_match_every_fact_about_money_stands_in_the_ledger_once() {
    for home in homes().await {
        trade(&home).await;
        let proved = prove(&home).await;
        assert_eq!(proved.faults, [], "{}", home.engine);
        assert_eq!(proved.orders, 6, "adopted or further");
        assert_eq!(balance(&proved, "drawer"), (1_000, 0));
        assert_eq!(balance(&proved, "receivable:wechat_pay"), (2_300, 1_600));
        assert_eq!(balance(&proved, "sales"), (0, 1_700));
        assert_eq!(balance(&proved, "over_short"), (1_600, 1_600));
        let totals = proved.balances.totals();
        assert!(totals.iter().all(|(_, debit, credit)| debit == credit), "{totals:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_was_changed_is_found_with_its_rows() {
    for home in homes().await {
        let paid = trade(&home).await;
        let change = |statement: &str| home.execute(statement.replace("PAID", paid.as_str()));
        change("UPDATE ledger SET credit_minor = 701 WHERE number = 'PAID' AND account = 'sales'").await;
        let faults = prove(&home).await.faults;
        let kinds: Vec<_> = faults.iter().map(|(number, fault)| (number == paid.as_str(), fault)).collect();
        assert!(
            matches!(
                kinds[..],
                [
                    (true, LedgerFault::Unbalanced { debit_minor: 700, credit_minor: 701, .. }),
                    (true, LedgerFault::Extra(_)),
                    (true, LedgerFault::Missing(_)),
                ]
            ),
            "{}: {faults:?}",
            home.engine
        );
        change("DELETE FROM ledger WHERE number = 'PAID'").await;
        assert_eq!(prove(&home).await.faults.len(), 2, "a debit and a credit are missing");
        change("INSERT INTO ledger VALUES ('9900', 'sale', 'sales', 'CNY', 0, 5, 1)").await;
        let faults = prove(&home).await.faults;
        assert!(faults.iter().any(|(number, _)| number == "9900"), "rests on no order at all: {faults:?}");
    }
}

/// Draws the same numbers at each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most as u64).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn debits_equal_credits_after_any_sequence_of_news() {
    let paid = |transaction: &str| QueryOutcome::Paid { transaction: transaction.into() };
    let events = [
        success(),
        Event::Pay(PayOutcome::Unknown),
        Event::Pay(PayOutcome::ConfirmedFailure(DeclineReason::PaymentFailed)),
        Event::Query(paid("T1")),
        Event::Query(paid("T2")),
        Event::Query(QueryOutcome::Reversed),
        Event::Query(QueryOutcome::Unknown),
        Event::GiveUp,
    ];
    let backs = [
        GiveBackEvent::Done,
        GiveBackEvent::NothingTaken,
        GiveBackEvent::NotYet(None),
        GiveBackEvent::Closed("closed".into()),
        GiveBackEvent::NeedsAPerson("the card is gone".into()),
    ];
    let home = Home::on_sqlite().await;
    let mut dice = Dice(0x5eed);
    for minor in 1..=80 {
        if dice.below(5) == 0 {
            home.cash_order(minor).await;
            continue;
        }
        let number = charged(&home, minor, &[]).await;
        for _ in 0..dice.below(6) {
            let event = events[dice.below(events.len())].clone();
            home.group.record_payment(news(number, event)).await.unwrap();
            if dice.below(3) == 0 {
                let event = backs[dice.below(backs.len())].clone();
                let news = GiveBackNews {
                    number,
                    attempt: 1,
                    elsewhere: None,
                    round: 0,
                    event,
                    at: NOON,
                    next_at: NOON,
                };
                home.group.record_give_back(news).await.unwrap();
            }
        }
        let summary = home.group.order(number).await.unwrap().summary;
        if summary.paid.minor > 0 && dice.below(2) == 0 {
            home.group.reserve_refund(refund(number, 1, "one")).await.unwrap();
        }
    }
    let proved = prove(&home).await;
    assert_eq!(proved.faults, []);
    assert!(
        balance(&proved, "over_short").0 > 0 && balance(&proved, "sales").1 > 0,
        "something of each happened"
    );
    assert!(proved.balances.totals().iter().all(|(_, debit, credit)| debit == credit));
}
