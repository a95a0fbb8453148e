//! Orders that are paid in parts: some in cash, the rest by a wallet. On every engine.

use super::ledger::{balance, prove};
use super::*;
use evertill_server::order_group::day_books::DayBooks;
use evertill_shared::id::ChannelNumber;
use evertill_shared::journal::Body;
use evertill_shared::ledger::LedgerFault;
use evertill_shared::money::Amount;
use evertill_shared::order::WalletPart;
use evertill_shared::payment::Payment;
use evertill_shared::reconciliation::Movement;

const WALLET: Wallet = Wallet::WeChatPay;

fn part(home: &Home, sale: &SaleOfTill, minor: i64) -> KeptEntry {
    home.write(Body::CashPart { sale: sale.key.sequence, amount: cny(minor), cashier: None })
}

/// The wallet is asked for that much, after so much was taken in cash, as the till signs it.
fn rest_of(
    home: &Home,
    sale: &SaleOfTill,
    number: OrderNumber,
    attempt: u8,
    (asked, cash): (i64, i64),
) -> NewPayment {
    let channel_number = ChannelNumber::new(sale.sale.store, sale.key, attempt);
    let cash_part = Some(part(home, sale, cash));
    let requested = home.write(Body::RestRequested {
        sale: sale.key.sequence,
        number,
        attempt,
        wallet: WALLET,
        channel_number: channel_number.clone(),
        amount: cny(asked),
        cash: cny(cash),
    });
    let intent = Payment::intent(attempt, WALLET, channel_number, cny(asked), NOON, &Policy::default());
    NewPayment { requested, cash_part, intent, ..home.payment(sale, number, attempt) }
}

fn said(number: OrderNumber, attempt: u8, event: Event) -> PaymentNews {
    PaymentNews { attempt, ..news(number, event) }
}

fn success(transaction: &str) -> Event {
    Event::Pay(PayOutcome::ConfirmedSuccess { transaction: transaction.into() })
}

/// An order of 1000 of which 400 was taken in cash and 600 paid by the wallet, after a try that was declined.
pub(super) async fn split(home: &Home) -> OrderNumber {
    let sale = home.sale(1_000);
    let number = home.draft(&sale).await.number;
    home.group.start_payment(rest_of(home, &sale, number, 1, (600, 400))).await.unwrap();
    let no = Event::Pay(PayOutcome::ConfirmedFailure(DeclineReason::NotEnoughFunds));
    home.group.record_payment(said(number, 1, no)).await.unwrap();
    home.group.start_payment(rest_of(home, &sale, number, 2, (600, 400))).await.unwrap();
    for _ in 0..2 {
        home.group.record_payment(said(number, 2, success("T2"))).await.unwrap();
    }
    number
}

async fn carry_out(home: &Home, number: OrderNumber, record: &RefundRecord) -> CarriedOut {
    let (refund, amount) = (record.refund.id.clone(), record.refund.amount);
    let body = match record.paid_by {
        PaidBy::Cash { .. } => Body::CashRefund { refund: refund.clone(), number, amount, cashier: None },
        _ => Body::RefundCarriedOut { refund: refund.clone(), number, amount, cashier: None },
    };
    let asked = CarryOut {
        number,
        refund,
        amount,
        terminal: record.terminal,
        cashier: None,
        entry: home.write(body),
        lease: lease("server-1", 0),
        guard: guard(),
    };
    home.group.carry_out_refund(asked).await.unwrap()
}

#[tokio::test]
async fn never_over_a_wallet_is_asked_for_the_total_less_the_cash_and_for_nothing_else() {
    for home in homes().await {
        let sale = home.sale(1_000);
        let number = home.draft(&sale).await.number;
        let wrong = [(600, 401), (600, 399), (1_001, -1), (601, 400), (999, 0), (600, -400), (1, 998)];
        for parts in wrong {
            let attempt = home.group.start_payment(rest_of(&home, &sale, number, 1, parts)).await;
            assert_eq!(refused(attempt), Refusal::WrongAmount, "{} {parts:?}", home.engine);
        }
        // The entry that is kept says it, and not only whoever calls.
        let right = rest_of(&home, &sale, number, 1, (600, 400));
        let plain = home.payment(&sale, number, 1).requested;
        let unsigned = NewPayment { requested: plain, guard: guard(), ..right.clone() };
        assert_eq!(refused(home.group.start_payment(unsigned).await), Refusal::WrongAmount);
        for cash_part in not_the_part(&home, &sale, 400) {
            let refusal = home.group.start_payment(NewPayment { cash_part, guard: guard(), ..right.clone() });
            assert_eq!(refused(refusal.await), Refusal::WrongAmount, "{}", home.engine);
        }
        let whole = NewPayment { cash_part: right.cash_part.clone(), ..home.payment(&sale, number, 1) };
        assert_eq!(refused(home.group.start_payment(whole).await), Refusal::WrongAmount, "{}", home.engine);
        let started = home.group.start_payment(right.clone()).await.unwrap();
        assert_eq!((started.fresh, started.record.payment.amount), (true, cny(600)));
        is_kept(&home, right.cash_part.as_ref().unwrap()).await;
        let other = rest_of(&home, &sale, number, 1, (500, 500));
        let conflict = refused(home.group.start_payment(other).await);
        assert_eq!(conflict, Refusal::Conflict("the amount"), "the same attempt with another part");
        let next = rest_of(&home, &sale, number, 2, (500, 500));
        assert!(matches!(refused(home.group.start_payment(next).await), Refusal::AttemptOpen { .. }));
    }
}

#[tokio::test]
async fn books_match_an_order_paid_in_parts_stands_where_its_money_is() {
    for home in homes().await {
        let number = split(&home).await;
        let order = home.group.order(number).await.unwrap();
        let parts = vec![WalletPart { wallet: WALLET, transaction: "T2".into(), amount: cny(600) }];
        assert_eq!(order.summary.paid_by, Some(PaidBy::Split { cash: cny(400), wallets: parts }));
        assert_eq!((order.summary.state, order.summary.paid), (OrderState::Paid, cny(1_000)));
        assert_eq!(cash_and_asked(&order.story), ["1: 400 there", "1: 600", "2: 400 there", "2: 600"]);
        let proved = prove(&home).await;
        assert!(proved.faults.is_empty(), "{} {:?}", home.engine, proved.faults);
        assert_eq!(balance(&proved, "drawer"), (400, 0));
        assert_eq!(balance(&proved, "receivable:wechat_pay"), (600, 0));
        assert_eq!(balance(&proved, "sales"), (0, 1_000));
        let moved = home.group.movements(number).await.unwrap();
        let moved: Vec<_> = moved.iter().map(|row| (row.row.movement, row.row.amount)).collect();
        assert_eq!(
            moved,
            [(Movement::Payment, cny(600)); 2],
            "the bill has no cash: both tries by their amount"
        );
    }
}

/// What is not the entry by which that much of the sale was taken in cash before.
fn not_the_part(home: &Home, sale: &SaleOfTill, minor: i64) -> Vec<Option<KeptEntry>> {
    let back = Body::CashPartBack {
        sale: sale.key.sequence,
        amount: cny(minor),
        later: false,
        cashier: None,
        approved_by: None,
    };
    vec![
        None,
        Some(part(home, &home.sale(1_000), minor)),
        Some(part(home, sale, minor - 1)),
        Some(home.write(back)),
        // Taken after what rests on it.
        Some(part(home, sale, minor)),
    ]
}

/// A judge finds the part among the entries that the order rests on.
async fn is_kept(home: &Home, part: &KeptEntry) {
    let (sequence, hash) = (part.place.sequence, part.hash.to_string());
    let kept = home.database.read(move |sql| {
        let statement = "SELECT hash FROM journal_entries WHERE sequence = ?1";
        sql.value::<String>(statement, &evertill_server::params![sequence])
    });
    let kept: Result<_, evertill_server::database::DbError> = kept.await;
    assert_eq!(kept.unwrap(), Some(hash), "{}", home.engine);
}

/// What the story says that was in the drawer and was asked of a wallet, in its order.
fn cash_and_asked(story: &[StoryLine]) -> Vec<String> {
    let of = |line: &StoryLine| match &line.what {
        Fact::CashPart { attempt: Some(attempt), amount } => {
            Some(format!("{attempt}: {} there", amount.minor))
        }
        Fact::PaymentSent { attempt, amount, .. } => Some(format!("{attempt}: {}", amount.minor)),
        _ => None,
    };
    story.iter().filter_map(of).collect()
}

async fn declined(home: &Home, number: OrderNumber, attempt: u8) {
    let no = Event::Pay(PayOutcome::ConfirmedFailure(DeclineReason::NotEnoughFunds));
    home.group.record_payment(said(number, attempt, no)).await.unwrap();
}

#[tokio::test]
async fn the_story_says_what_was_in_the_drawer_at_each_attempt() {
    for home in homes().await {
        // It went back, and the wallet pays the whole.
        let sale = home.sale(500);
        let number = home.draft(&sale).await.number;
        home.group.start_payment(rest_of(&home, &sale, number, 1, (300, 200))).await.unwrap();
        declined(&home, number, 1).await;
        home.write(Body::CashPartBack {
            sale: sale.key.sequence,
            amount: cny(200),
            later: false,
            cashier: None,
            approved_by: None,
        });
        home.group.start_payment(home.payment(&sale, number, 2)).await.unwrap();
        home.group.record_payment(said(number, 2, success("T2"))).await.unwrap();
        let order = home.group.order(number).await.unwrap();
        assert_eq!(cash_and_asked(&order.story), ["1: 200 there", "1: 300", "2: 500"], "{}", home.engine);
        // It went back and came again.
        let sale = home.sale(500);
        let number = home.draft(&sale).await.number;
        home.group.start_payment(rest_of(&home, &sale, number, 1, (300, 200))).await.unwrap();
        declined(&home, number, 1).await;
        home.group.start_payment(home.payment(&sale, number, 2)).await.unwrap();
        declined(&home, number, 2).await;
        let third = rest_of(&home, &sale, number, 3, (300, 200));
        home.group.start_payment(third.clone()).await.unwrap();
        home.group.start_payment(NewPayment { guard: guard(), ..third }).await.unwrap();
        let order = home.group.order(number).await.unwrap();
        let told = ["1: 200 there", "1: 300", "2: 500", "3: 200 there", "3: 300"];
        assert_eq!(cash_and_asked(&order.story), told, "{}", home.engine);
    }
}

#[test]
fn a_story_from_before_it_named_the_attempt_is_read() {
    let line = r#"{"fact":"cash_part","amount":{"minor":200,"currency":"CNY"}}"#;
    let fact: Fact = serde_json::from_str(line).unwrap();
    assert_eq!(fact, Fact::CashPart { attempt: None, amount: cny(200) });
    assert_eq!(serde_json::to_string(&fact).unwrap(), line);
}

#[tokio::test]
async fn the_rest_in_cash_is_taken_with_the_entry_that_took_the_part_and_not_without() {
    for home in homes().await {
        let sale = home.sale(1_000);
        let number = home.draft(&sale).await.number;
        let taken = part(&home, &sale, 400);
        let (given, change) = (cny(700), cny(100));
        let body = Body::CashRest { sale: sale.key.sequence, given, change, part: cny(400) };
        let cash = Cash { entry: home.write(body), part: Some(taken.clone()), given: cny(1_100), change };
        let adopt = |cash: Cash| Adopt { cash: Some(cash), ..home.adopt(&sale, number, false) };
        for part in not_the_part(&home, &sale, 400) {
            let refusal = refused(home.group.adopt(adopt(Cash { part, ..cash.clone() })).await);
            assert_eq!(refusal, Refusal::WrongAmount, "{}", home.engine);
        }
        // Nor goes a part with cash that says nothing of one.
        let all = home.adopt(&sale, number, true).cash.unwrap();
        let refusal = refused(home.group.adopt(adopt(Cash { part: Some(taken.clone()), ..all })).await);
        assert_eq!(refusal, Refusal::WrongAmount, "{}", home.engine);
        for _ in 0..2 {
            home.group.adopt(adopt(cash.clone())).await.unwrap();
        }
        is_kept(&home, &taken).await;
        let order = home.group.order(number).await.unwrap().summary;
        assert_eq!(order.paid_by, Some(PaidBy::Cash { given: cny(1_100), change }));
    }
}

#[tokio::test]
async fn a_refund_is_carried_out_from_the_part_that_it_is_of() {
    for home in homes().await {
        let number = split(&home).await;
        let wallets = home.group.reserve_refund(refund(number, 800, "r-1")).await.unwrap();
        let cash = wallets.beside.clone().unwrap();
        let with = |record: &RefundRecord, in_cash: bool| {
            let (id, amount) = (record.refund.id.clone(), record.refund.amount);
            let body = match in_cash {
                true => Body::CashRefund { refund: id.clone(), number, amount, cashier: None },
                false => Body::RefundCarriedOut { refund: id.clone(), number, amount, cashier: None },
            };
            let entry = home.write(body);
            let (terminal, lease) = (record.terminal, lease("server-1", 0));
            CarryOut { number, refund: id, amount, terminal, cashier: None, entry, lease, guard: guard() }
        };
        for (record, in_cash) in [(&wallets, true), (&*cash, false)] {
            let refusal = refused(home.group.carry_out_refund(with(record, in_cash)).await);
            assert_eq!(refusal, Refusal::WrongPart, "{}", home.engine);
            let there = home.group.refund(number, record.refund.id.clone()).await.unwrap();
            assert_eq!(there.refund.state, RefundState::Reserved, "nothing was begun");
        }
        let no_refund = CarryOut { entry: part(&home, &home.sale(100), 1), ..with(&cash, true) };
        assert_eq!(refused(home.group.carry_out_refund(no_refund).await), Refusal::WrongPart);
        assert!(home.group.carry_out_refund(with(&wallets, false)).await.unwrap().fresh);
        let done = home.group.carry_out_refund(with(&cash, true)).await.unwrap();
        assert_eq!(done.record.refund.state, RefundState::Done);
        // Of what was paid in cash alone the sale says how it goes back: either word will do.
        for in_cash in [false, true] {
            let number = home.cash_order(500).await;
            let record = home.group.reserve_refund(refund(number, 500, "r-1")).await.unwrap();
            let asked = CarryOut { number, ..with(&record, in_cash) };
            let done = home.group.carry_out_refund(asked).await.unwrap();
            assert_eq!(done.record.refund.state, RefundState::Done, "{}", home.engine);
        }
    }
}

/// As a server from before orders were paid in parts wrote down what a newer one had begun.
#[tokio::test]
async fn books_match_an_order_that_claims_more_of_a_wallet_than_was_paid_is_found() {
    for home in homes().await {
        let number = split(&home).await;
        home.cash_order(300).await;
        assert!(prove(&home).await.faults.is_empty(), "{}", home.engine);
        let paid_by = r#"{"by":"wallet","wallet":"wechat_pay","transaction":"T2"}"#;
        for change in [
            format!("UPDATE orders SET paid_by = '{paid_by}' WHERE number = '{number}'"),
            format!("DELETE FROM ledger WHERE number = '{number}' AND entry = 'sale:cash'"),
            format!("UPDATE ledger SET debit_minor = 1000 WHERE number = '{number}' AND debit_minor = 600"),
            format!("UPDATE ledger SET credit_minor = 1000 WHERE number = '{number}' AND credit_minor = 600"),
        ] {
            home.execute(change).await;
        }
        let [(of, fault)] = &prove(&home).await.faults[..] else { panic!("{}", home.engine) };
        let (said, paid) = (cny(1_000), cny(600));
        let expected = LedgerFault::Transaction { transaction: "T2".into(), said, paid };
        assert_eq!((of, fault), (&number.to_string(), &expected));
        assert!(fault.to_string().contains("the order says ￥10.00, the payment ￥6.00"), "{fault}");
    }
}

#[tokio::test]
async fn a_late_success_gives_back_what_the_wallet_took_and_the_cash_is_no_part_of_it() {
    for home in homes().await {
        let sale = home.sale(1_000);
        let number = home.draft(&sale).await.number;
        home.group.start_payment(rest_of(&home, &sale, number, 1, (600, 400))).await.unwrap();
        home.group.record_payment(said(number, 1, Event::Query(QueryOutcome::Reversed))).await.unwrap();
        // The rest was paid in cash, too; then the wallet says that it took its part after all.
        home.group.adopt(home.adopt(&sale, number, true)).await.unwrap();
        let late = Event::Query(QueryOutcome::Paid { transaction: "T1".into() });
        home.group.record_payment(said(number, 1, late)).await.unwrap();
        let due = home.group.due_give_backs((WALLET, AccountId::OF_THE_FILE), NOON, 10).await.unwrap();
        assert_eq!((due.len(), due[0].amount), (1, cny(600)), "{}", home.engine);
        let proved = prove(&home).await;
        assert!(proved.faults.is_empty(), "{} {:?}", home.engine, proved.faults);
        assert_eq!((balance(&proved, "drawer"), balance(&proved, "over_short")), ((1_000, 0), (0, 600)));
    }
}

#[tokio::test]
async fn never_over_a_refund_of_parts_goes_to_the_wallet_first_and_the_rest_in_cash() {
    for home in homes().await {
        let number = split(&home).await;
        let ask = |minor, request: &'static str| home.group.reserve_refund(refund(number, minor, request));
        let first = ask(250, "r-1").await.unwrap();
        assert_eq!((first.refund.amount, first.paid, &first.beside), (cny(250), cny(600), &None));
        assert!(matches!(first.paid_by, PaidBy::Wallet { .. }), "{}", home.engine);
        let both = ask(500, "r-2").await.unwrap();
        let cash = both.beside.clone().unwrap();
        assert_eq!((both.refund.amount, cash.refund.amount), (cny(350), cny(150)));
        assert_eq!((&cash.paid_by, cash.paid), (&PaidBy::Cash { given: cny(400), change: cny(0) }, cny(400)));
        let again = ask(500, "r-2").await.unwrap();
        assert_eq!(
            (&again.refund.id, again.beside.as_ref().unwrap().refund.id.clone()),
            (&both.refund.id, cash.refund.id.clone())
        );
        assert_eq!(refused(ask(499, "r-2").await), Refusal::Conflict("the amount"));
        let last = ask(250, "r-3").await.unwrap();
        assert_eq!((last.refund.amount, last.beside.is_none()), (cny(250), true));
        assert!(matches!(last.paid_by, PaidBy::Cash { .. }));
        let over = refused(ask(1, "r-4").await);
        assert!(matches!(over, Refusal::Refund(RefundRefused::TooMuch { .. })), "{over:?}");
        // In cash it is done at once; the wallet's is asked for, of what the wallet was paid.
        assert!(!carry_out(&home, number, &cash).await.fresh);
        let sent = carry_out(&home, number, &both).await;
        assert!(sent.fresh && sent.record.paid == cny(600) && sent.record.channel_number.is_some());
        let account = (WALLET, AccountId::OF_THE_FILE);
        let later = NOON.plus(Duration::from_secs(60));
        let due = home.group.due_refunds(account, later, 10).await.unwrap();
        let due: Vec<_> = due.iter().map(|record| record.refund.amount).collect();
        assert_eq!(due, [cny(350)], "the wallet is asked for its own part alone");
        let proved = prove(&home).await;
        assert!(proved.faults.is_empty(), "{} {:?}", home.engine, proved.faults);
        assert_eq!(balance(&proved, "drawer"), (400, 150));
    }
}

/// What the wallet refused is free again, in its own part.
#[tokio::test]
async fn a_part_that_the_wallet_refused_is_refunded_from_the_wallet_again_and_not_from_the_drawer() {
    for home in homes().await {
        let number = split(&home).await;
        let both = home.group.reserve_refund(refund(number, 1_000, "r-1")).await.unwrap();
        carry_out(&home, number, &both).await;
        let news = RefundNews {
            number,
            refund: both.refund.id.clone(),
            event: evertill_shared::refund::RefundEvent::Refused,
            message: Some("no money".into()),
            at: NOON,
            next_at: NOON,
        };
        home.group.record_refund(news).await.unwrap();
        let again = home.group.reserve_refund(refund(number, 600, "r-2")).await.unwrap();
        assert!(matches!(again.paid_by, PaidBy::Wallet { .. }) && again.beside.is_none(), "{}", home.engine);
        assert!(home.group.reserve_refund(refund(number, 1, "r-3")).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn never_over_per_part_whoever_races() {
    for home in homes().await {
        let number = split(&home).await;
        let racers: Vec<_> = (0..64)
            .map(|n| tokio::spawn(home.group.reserve_refund(refund(number, 30 + n % 7, &format!("r-{n}")))))
            .collect();
        for racer in racers {
            match racer.await.unwrap() {
                Ok(_) | Err(GroupError::Refused(Refusal::Refund(RefundRefused::TooMuch { .. }))) => {}
                Err(error) => panic!("{}: {error:?}", home.engine),
            }
        }
        let records = home.group.order(number).await.unwrap().refunds;
        let sum = |is_cash: bool| -> i64 {
            let of = records.iter().filter(|r| matches!(r.paid_by, PaidBy::Cash { .. }) == is_cash);
            of.map(|r| r.refund.amount.minor).sum()
        };
        assert_eq!(sum(false), 600, "{}: the wallet's part first, to the last unit", home.engine);
        assert!(sum(true) <= 400 && sum(true) > 400 - 37, "{}", sum(true));
        let order = home.group.order(number).await.unwrap().summary;
        assert_eq!(order.held, Amount::new(sum(true) + sum(false), order.paid.currency));
    }
}
