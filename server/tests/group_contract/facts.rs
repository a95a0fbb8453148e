//! Programs of two versions at one group: what a newer one has written into an order's story.

use super::home::{Home, NOON, guard, homes};
use super::{news, refund};
use evertill_server::database::Schema;
use evertill_server::order_group::*;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::AccountId;
use evertill_shared::order::OrderState;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{Event, PayOutcome, PaymentState, QueryOutcome};

/// A newer program tells of something that is not known here, and has a field that a known one has, too.
async fn newer_fact(home: &Home, number: OrderNumber) {
    let what = r#"{"fact":"weighed_again","attempt":1,"amount":{"minor":5,"currency":"CNY"},"by":["scale"]}"#;
    let statement = format!("INSERT INTO story (number, at, what) VALUES ('{number}', 7, '{what}')");
    home.database.write(move |sql| sql.execute(&statement, &[])).await.unwrap();
}

fn paid() -> Event {
    Event::Pay(PayOutcome::ConfirmedSuccess { transaction: "42".into() })
}

#[tokio::test]
async fn a_fact_of_a_newer_program_hides_no_order_and_is_read_as_no_other() {
    for home in homes().await {
        let sale = home.sale(700);
        let number = home.draft(&sale).await.number;
        home.group.start_payment(home.payment(&sale, number, 1)).await.unwrap();
        let before = home.group.order(number).await.unwrap();
        newer_fact(&home, number).await;
        let order = home.group.order(number).await.unwrap();
        assert_eq!(order.summary, before.summary, "{}", home.engine);
        assert_eq!((&order.payments, &order.goods), (&before.payments, &before.goods));
        let (newer, known) = order.story.split_last().unwrap();
        assert_eq!(known, before.story, "nothing of it is lost");
        assert_eq!((newer.at, &newer.what), (Timestamp(7), &Fact::NotKnownHere));

        // And the order goes on: paid, refunded, and each of it told once.
        home.group.record_payment(news(number, paid())).await.unwrap();
        home.group.reserve_refund(refund(number, 300, "r-1")).await.unwrap();
        for _ in 0..2 {
            let fact = Fact::OtherThanAsked { attempt: 1, call: "query".into(), field: "total_fee".into() };
            home.group.tell_once(number, fact, NOON).await.unwrap();
        }
        let order = home.group.order(number).await.unwrap();
        assert_eq!((order.summary.state, order.refunds.len()), (OrderState::Paid, 1), "{}", home.engine);
        let told = order.story.iter().filter(|line| matches!(line.what, Fact::OtherThanAsked { .. })).count();
        assert_eq!(told, 1, "{}", home.engine);
        assert_eq!(order.story.iter().filter(|line| line.what == Fact::NotKnownHere).count(), 1);
    }
}

#[tokio::test]
async fn what_is_decided_by_the_story_alone_is_left_to_a_program_that_knows_all_of_it() {
    for home in homes().await {
        let sale = home.sale(700);
        let number = home.draft(&sale).await.number;
        let mut new = home.payment(&sale, number, 1);
        new.intent.account = AccountId::NOT_KNOWN;
        home.group.start_payment(NewPayment { guard: guard(), ..new }).await.unwrap();
        newer_fact(&home, number).await;
        // It might say that this very account is where the attempt was ended.
        let said = Event::Query(QueryOutcome::Paid { transaction: "42".into() });
        let found = PaymentNews { found_at: Some(AccountId(3)), ..news(number, said) };
        let refused = home.group.record_payment(found).await;
        assert!(
            matches!(refused, Err(GroupError::Refused(Refusal::Conflict(_)))),
            "{}: {refused:?}",
            home.engine
        );
        let record = home.group.payment(number, 1).await.unwrap();
        let stands = (record.payment.state, record.payment.account);
        assert_eq!(
            stands,
            (PaymentState::Sent, AccountId::NOT_KNOWN),
            "neither paid nor over: {}",
            home.engine
        );
    }
}

#[tokio::test]
async fn a_program_from_before_these_facts_does_not_open_the_group() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("group.db");
    let schema = StoredGroup::schema(super::tag(0));
    let step = schema.migrations.iter().position(|step| step.name == "newer_facts").unwrap();
    drop(evertill_server::database::Database::sqlite(&file, &schema).unwrap());
    let before: &'static Schema =
        Box::leak(Box::new(Schema { migrations: &schema.migrations[..step], ..schema }));
    let opened = evertill_server::database::Database::sqlite(&file, before).map(drop);
    let known = u32::try_from(step).unwrap();
    assert!(
        matches!(&opened, Err(evertill_server::database::OpenError::Newer { known: k, .. }) if *k == known),
        "{opened:?}"
    );
}
