//! What an order group promises, told to every engine that may keep one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says what broke by panicking"
)]

#[path = "group_contract/accounts.rs"]
mod accounts;
#[path = "group_contract/facts.rs"]
mod facts;
#[path = "group_contract/home.rs"]
mod home;
#[path = "group_contract/ledger.rs"]
mod ledger;
#[path = "group_contract/moving.rs"]
mod moving;
#[allow(dead_code, reason = "other tests ask more of it")]
#[path = "postgres_engine/server.rs"]
mod server;
#[path = "group_contract/split.rs"]
mod split;

use evertill_server::order_group::ledger::Ledger;
use evertill_server::order_group::*;
use evertill_shared::id::AccountId;
use evertill_shared::order::{OrderState, PaidBy};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{
    Change, DeclineReason, Event, PayOutcome, PaymentState, Policy, QueryOutcome, ShownCode, ShownOutcome,
};
use evertill_shared::refund::{RefundRefused, RefundState};
use evertill_shared::wallet::Wallet;
use home::{Home, NOON, cny, day, guard, homes, lease, tag};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

fn refused<T: std::fmt::Debug>(result: Result<T, GroupError>) -> Refusal {
    match result {
        Err(GroupError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn refund(number: OrderNumber, minor: i64, request: &str) -> NewRefund {
    NewRefund {
        number,
        request: request.into(),
        amount: cny(minor),
        reason: "too cold".into(),
        by: "Mei".into(),
        login: "mei".into(),
        asked_at: None,
        at: NOON,
        today: day(),
    }
}

fn news(number: OrderNumber, event: Event) -> PaymentNews {
    PaymentNews { number, attempt: 1, event, found_at: None, at: NOON, policy: Policy::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chain_the_furthest_entry_that_an_order_rests_on_is_known_before_it_is_handed_in() {
    for home in homes().await {
        let terminal = home.sale(500).entry.place.terminal;
        assert_eq!(
            home.group.furthest_entry(terminal, 1).await.unwrap(),
            None,
            "a draft rests on nothing yet"
        );
        let number = home.cash_order(500).await;
        let last = home.group.furthest_entry(terminal, 1).await.unwrap().unwrap();
        let cash = home.number("SELECT MAX(sequence) FROM journal_entries").await;
        assert_eq!(i64::try_from(last.sequence), Ok(cash), "{number}");
        assert_eq!(
            home.group.furthest_entry(terminal, 2).await.unwrap(),
            None,
            "another key, another journal"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sale_has_one_draft_however_often_it_is_asked_for() {
    for home in homes().await {
        let sale = home.sale(500);
        let racers: Vec<_> =
            (0..16).map(|_| tokio::spawn(home.group.create_draft(home.draft_of(&sale)))).collect();
        let mut numbers = BTreeSet::new();
        for racer in racers {
            numbers.insert(racer.await.unwrap().unwrap().number);
        }
        assert_eq!(numbers.len(), 1, "{}", home.engine);
        home.put_back();
        let forked = home.sale(600);
        assert_eq!(forked.key, sale.key);
        let refusal = refused(home.group.create_draft(home.draft_of(&forked)).await);
        assert_eq!(refusal, Refusal::Conflict("the content of the sale"));
    }
}

#[tokio::test]
async fn a_number_that_is_taken_is_another_sales_and_the_next_one_is_given() {
    for home in homes().await {
        let first = home.draft_of(&home.sale(500));
        let mut second = home.draft_of(&home.sale(500));
        second.random[0] = first.random[0];
        let numbers = (
            home.group.create_draft(first).await.unwrap().number,
            home.group.create_draft(second).await.unwrap().number,
        );
        assert_ne!(numbers.0, numbers.1, "{}", home.engine);
    }
}

#[tokio::test]
async fn a_draft_is_one_row_that_says_who_gave_it_out_and_is_copied_nowhere() {
    for home in homes().await {
        let created = home.draft(&home.sale(500)).await;
        let besides = "SELECT (SELECT count(*) FROM story) + (SELECT count(*) FROM requests) \
             + (SELECT count(*) FROM journal_entries) + (SELECT count(*) FROM outbox)";
        assert_eq!(home.number(besides).await, 0, "{}", home.engine);
        let story = home.group.order(created.number).await.unwrap().story;
        let given_out = Fact::DraftCreated { server: "server-1".into() };
        assert_eq!(story, [StoryLine { at: NOON, what: given_out }]);
    }
}

#[tokio::test]
async fn a_job_that_changes_an_order_tells_it_once_and_one_that_changes_nothing_does_not() {
    for home in homes().await {
        let sale = home.sale(500);
        let number = home.draft(&sale).await.number;
        let adopt = home.adopt(&sale, number, true);
        home.group.adopt(adopt.clone()).await.unwrap();
        assert_eq!(home.told(number).await, (vec![2], 2), "adopted and paid in one job: {}", home.engine);
        home.group.adopt(Adopt { guard: guard(), ..adopt.clone() }).await.unwrap();
        assert_eq!(refused(home.group.adopt(adopt).await), Refusal::Replayed);
        home.group.reserve_refund(refund(number, 501, "too-much")).await.unwrap_err();
        assert_eq!(home.told(number).await, (vec![2], 2));
        home.group.reserve_refund(refund(number, 100, "r")).await.unwrap();
        home.group.reserve_refund(refund(number, 100, "r")).await.unwrap();
        assert_eq!(home.told(number).await, (vec![2, 3], 3));
        let order = home.group.order(number).await.unwrap();
        assert_eq!(order.story.iter().filter(|l| matches!(l.what, Fact::CashTaken { .. })).count(), 1);
        assert!(matches!(order.summary.paid_by, Some(PaidBy::Cash { .. })));
        assert_eq!((order.summary.paid.minor, order.summary.held.minor), (500, 100));
    }
}

#[tokio::test]
async fn adopting_brings_in_an_order_whose_draft_was_lost() {
    for home in homes().await {
        let sale = home.sale(500);
        let lost = OrderNumber::new(NOON, 77_777, tag(0)).unwrap();
        let later = home.draft(&sale).await.number;
        home.group.adopt(home.adopt(&sale, lost, false)).await.unwrap();
        assert_eq!(home.group.order(lost).await.unwrap().summary.state, OrderState::Adopted);
        assert_eq!(refused(home.group.order(later).await), Refusal::NotFound("order"));
        let second = home.adopt(&sale, later, false);
        assert!(matches!(refused(home.group.adopt(second).await), Refusal::Conflict(_)), "{}", home.engine);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_is_begun_and_leased_by_one_and_settled_once() {
    for home in homes().await {
        let sale = home.sale(700);
        let number = home.draft(&sale).await.number;
        let payment = home.payment(&sale, number, 1);
        let racers: Vec<_> = (0..8)
            .map(|_| tokio::spawn(home.group.start_payment(NewPayment { guard: guard(), ..payment.clone() })))
            .collect();
        let mut fresh = 0;
        for racer in racers {
            fresh += u8::from(racer.await.unwrap().unwrap().fresh);
        }
        assert_eq!(fresh, 1, "{}", home.engine);
        let second = home.payment(&sale, number, 2);
        assert!(matches!(refused(home.group.start_payment(second).await), Refusal::AttemptOpen { .. }));

        let record = home.group.payment(number, 1).await.unwrap();
        let told = home.told(number).await;
        let lease_of = |owner| home.group.lease_payment(number, 1, record.version, lease(owner, 20));
        let (one, two) = tokio::join!(tokio::spawn(lease_of("a")), tokio::spawn(lease_of("b")));
        let leased = [one.unwrap().unwrap(), two.unwrap().unwrap()];
        assert_eq!(leased.iter().flatten().count(), 1, "{}", home.engine);
        assert_eq!(home.told(number).await, told, "a lease alone is no change");

        let paid = || Event::Query(QueryOutcome::Paid { transaction: "42".into() });
        let (record, change) = home.group.record_payment(news(number, paid())).await.unwrap();
        assert_eq!((record.payment.state, change), (PaymentState::Paid, Change::State));
        home.group.record_payment(news(number, paid())).await.unwrap();
        let after = home.told(number).await;
        assert_eq!((after.0.len(), after.1), (told.0.len() + 1, told.1 + 1), "news told twice counts once");
        let order = home.group.order(number).await.unwrap().summary;
        let by_wallet = matches!(order.paid_by, Some(PaidBy::Wallet { wallet: Wallet::WeChatPay, .. }));
        assert!(by_wallet && order.paid.minor == 700, "{order:?}");
    }
}

#[tokio::test]
async fn a_shown_code_is_kept_as_the_wallet_said_it_and_found_by_the_wallets_number() {
    for home in homes().await {
        let sale = home.sale(700);
        let number = home.draft(&sale).await.number;
        let mut new = home.payment(&sale, number, 1);
        new.intent = new.intent.to_be_shown(&Policy::default());
        let (intent, channel_number) = (new.intent.clone(), new.intent.channel_number.clone());
        assert_eq!(home.group.payment_of(channel_number.clone()).await.unwrap(), None);
        let started = home.group.start_payment(new).await.unwrap();
        assert_eq!(started.record.payment, intent, "{}", home.engine);
        let until = NOON.plus(Duration::from_secs(60));
        let content = "https://qr.example/茶?a=1&b=''".to_owned();
        let code = ShownOutcome::Code { content: content.clone(), until };
        home.group.record_payment(news(number, Event::Shown(code))).await.unwrap();
        let record = home.group.payment_of(channel_number).await.unwrap().unwrap();
        assert_eq!((record.number, record.payment.attempt), (number, 1));
        assert_eq!(record.payment.shown, Some(ShownCode { content: Some(content), until }));
        assert_eq!(home.group.payment(number, 1).await.unwrap(), record);
    }
}

#[tokio::test]
async fn money_that_came_too_late_goes_back_once() {
    for home in homes().await {
        let sale = home.sale(700);
        let number = home.draft(&sale).await.number;
        home.group.start_payment(home.payment(&sale, number, 1)).await.unwrap();
        let declined = PayOutcome::ConfirmedFailure(DeclineReason::ChannelUnreachable);
        home.group.record_payment(news(number, Event::Pay(declined))).await.unwrap();
        let late = Event::Query(QueryOutcome::Paid { transaction: "42".into() });
        let change = home.group.record_payment(news(number, late.clone())).await.unwrap().1;
        assert_eq!(change, Change::LateSuccess, "{}", home.engine);
        assert_eq!(home.group.record_payment(news(number, late)).await.unwrap().1, Change::None);
        let due =
            home.group.due_give_backs((Wallet::WeChatPay, AccountId::OF_THE_FILE), NOON, 10).await.unwrap();
        assert_eq!(due.len(), 1);
        let version = home.told(number).await.1;
        let leased = home.group.lease_give_back(due[0].clone(), lease("a", 0)).await.unwrap();
        assert!(leased.is_some());
        assert_eq!(home.group.lease_give_back(due[0].clone(), lease("b", 0)).await.unwrap(), None);
        let done = GiveBackNews {
            number,
            attempt: 1,
            elsewhere: None,
            round: 0,
            event: GiveBackEvent::Done,
            at: NOON,
            next_at: NOON,
        };
        home.group.record_give_back(done.clone()).await.unwrap();
        home.group.record_give_back(done).await.unwrap();
        assert_eq!(home.told(number).await.1, version + 1);
        assert!(
            home.group
                .due_give_backs((Wallet::WeChatPay, AccountId::OF_THE_FILE), NOON, 10)
                .await
                .unwrap()
                .is_empty()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_managers_never_give_back_more_than_was_paid() {
    for home in homes().await {
        let number = home.cash_order(1_000).await;
        let racers: Vec<_> = (0..64)
            .map(|n| tokio::spawn(home.group.reserve_refund(refund(number, 30 + n % 7, &format!("r-{n}")))))
            .collect();
        let (mut held, mut refusals) = (0, 0);
        for racer in racers {
            match racer.await.unwrap() {
                Ok(record) => held += record.refund.amount.minor,
                Err(GroupError::Refused(Refusal::Refund(RefundRefused::TooMuch { .. }))) => refusals += 1,
                Err(error) => panic!("{}: {error:?}", home.engine),
            }
        }
        let order = home.group.order(number).await.unwrap().summary;
        assert_eq!(order.held, cny(held));
        assert!(held <= 1_000 && held > 1_000 - 37 && refusals > 30, "{held} {refusals}");
        let ids: BTreeSet<_> = order.refunds.iter().map(|r| r.id.clone()).collect();
        assert_eq!(ids.len(), order.refunds.len());
    }
}

#[tokio::test]
async fn tidying_expires_drafts_quietly_and_frees_what_nobody_fetched() {
    for home in homes().await {
        let draft = home.draft(&home.sale(500)).await.number;
        let number = home.cash_order(1_000).await;
        home.group.reserve_refund(refund(number, 400, "r")).await.unwrap();
        let version = home.told(number).await.1;
        let now = NOON.plus(Duration::from_secs(25 * 3600));
        let today = "2026-11-21".parse().unwrap();
        let tidy = Tidy { now, today, drafts_before: NOON.plus(Duration::from_secs(1)), refunds_before: now };
        let tidied = home.group.tidy(tidy.clone()).await.unwrap();
        assert_eq!((tidied.drafts, tidied.refunds, tidied.requests), (1, 1, 1), "{}", home.engine);
        assert_eq!(home.group.tidy(tidy).await.unwrap(), Tidied::default());
        assert_eq!(home.group.order(draft).await.unwrap().summary.state, OrderState::Expired);
        assert!(home.told(draft).await.0.is_empty(), "nobody copies drafts");
        let order = home.group.order(number).await.unwrap().summary;
        assert_eq!((order.held, order.refunds[0].state), (cny(0), RefundState::Refused));
        assert_eq!(home.told(number).await.1, version + 1);
    }
}

/// What a write, a new order and a question come to while the tag stands so.
async fn answers(home: &Home, state: &str) -> [Option<GroupError>; 3] {
    let sale = home.sale(500);
    home.execute("UPDATE tags SET state = 'active'".into()).await;
    let number = home.draft(&sale).await.number;
    home.execute(format!("UPDATE tags SET state = '{state}'")).await;
    let write = home.group.adopt(home.adopt(&sale, number, true)).await.err();
    let draft = home.group.create_draft(home.draft_of(&home.sale(500))).await.err();
    let probe = home.group.probe("server-1".into(), NOON).await.err();
    assert_eq!(probe, draft, "a probe says whether drafts are taken: {state}");
    [write, draft, home.group.order(number).await.err()]
}

#[tokio::test]
async fn what_is_written_for_a_tag_depends_on_how_it_stands_in_the_database_itself() {
    use GroupError::{Elsewhere, Moving, NotTaking};
    for home in homes().await {
        assert_eq!(answers(&home, "active").await, [None, None, None], "{}", home.engine);
        assert_eq!(answers(&home, "draining").await, [None, Some(NotTaking), None]);
        assert_eq!(answers(&home, "serving").await, [None, Some(NotTaking), None]);
        assert_eq!(answers(&home, "frozen").await, [Some(Moving), Some(NotTaking), None]);
        assert_eq!(answers(&home, "arriving").await, [Some(Moving), Some(NotTaking), Some(Moving)]);
        let elsewhere = [Some(Elsewhere), Some(NotTaking), Some(Elsewhere)];
        assert_eq!(answers(&home, "moved").await, elsewhere);
        assert_eq!(answers(&home, "retired").await, elsewhere);
        assert!(!NotTaking.is_failure() && !Moving.is_failure() && !Elsewhere.is_failure());
        assert!(NotTaking.lets_jump());
    }
}

#[tokio::test]
async fn two_groups_in_one_database_see_their_own_orders_and_no_tag_is_served_unasked() {
    for home in homes().await {
        let number = home.cash_order(500).await;
        let expected = Expected::default();
        let other = Arc::new(StoredGroup::on(tag(5), home.database.clone(), &expected).await.unwrap());
        assert_eq!(other.probe("s".into(), NOON).await, Err(GroupError::NotTaking), "{}", home.engine);
        assert_eq!(home.number("SELECT count(*) FROM tags").await, 1);
        home.execute("INSERT INTO tags (tag, state, epoch) VALUES (5, 'active', 2)".into()).await;
        let sale = home.sale(300);
        let theirs = other.create_draft(home.draft_of(&sale)).await.unwrap().number;
        other.adopt(home.adopt(&sale, theirs, true)).await.unwrap();
        for (group, own) in [(&home.group, number), (&other, theirs)] {
            assert_eq!(group.prove(String::new(), 9).await.unwrap().orders, 1, "{own}: {}", home.engine);
        }
    }
}

#[tokio::test]
async fn a_database_has_one_name_for_ever_and_one_base_store() {
    for home in homes().await {
        let name = home.group.identity().unwrap();
        let with =
            |base: &str, group: Option<&str>| Expected { base: base.into(), group: group.map(str::to_owned) };
        let on = async |expected: Expected| StoredGroup::on(tag(0), home.database.clone(), &expected).await;
        assert_eq!(on(with("", None)).await.unwrap().identity(), Some(name.clone()));
        assert_eq!(on(with("", Some(&name))).await.unwrap().identity(), Some(name));
        assert_eq!(on(with("", Some("other"))).await.err(), Some(GroupOpenError::NotTheOne(tag(0))));
        assert_eq!(on(with("new", None)).await.err(), Some(GroupOpenError::OtherBase(tag(0))));
    }
}
