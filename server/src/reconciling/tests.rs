mod accounts;
mod fees;
mod late;
mod rounds;

use super::*;
use crate::base_store::{RunState, StoredFinding};
use crate::channel::Channel;
use crate::channel::bills::{BillFailure, Bills};
use crate::channel::{Answer, ChannelRefund, ChannelRefundOutcome, Charge};
use crate::order_centre::CentreSettings;
use crate::order_group::testing::{NOON, Rig, base, cny, guard, open, store};
use crate::order_group::{CarryOut, Lease, NewPayment, NewRefund, PaymentNews, Policies, RefundNews};
use evertill_shared::id::{AccountId, ChannelNumber, RefundId};
use evertill_shared::money::Amount;
use evertill_shared::order::OrderState;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{
    DeclineReason, Event, PayOutcome, Payment, PaymentState, Policy, QueryOutcome, ReverseOutcome,
};
use evertill_shared::reconciliation::{
    BillRow, Category, Movement, Net, Progress, Reconciled, SettledByBill,
};
use evertill_shared::refund::{RefundEvent, RefundState};
use std::collections::BTreeMap;
use std::sync::Mutex;

type Bill = Result<Vec<BillRow>, BillFailure>;

/// A wallet of which only the bills are asked for.
#[derive(Default)]
struct Paper {
    bills: Mutex<BTreeMap<String, Bill>>,
    asked: Mutex<Vec<String>>,
}

impl Bills for Paper {
    fn bill<'a>(&'a self, day: BusinessDay) -> Answer<'a, Bill> {
        self.asked.lock().unwrap().push(day.to_string());
        let bill = self.bills.lock().unwrap().get(&day.to_string()).cloned();
        Box::pin(async move { bill.unwrap_or(Err(BillFailure::NotReady)) })
    }
}

impl Channel for Paper {
    fn wallet(&self) -> Wallet {
        Wallet::WeChatPay
    }
    fn pay<'a>(&'a self, _: &'a Charge) -> Answer<'a, PayOutcome> {
        Box::pin(async { PayOutcome::Unknown })
    }
    fn query<'a>(&'a self, _: &'a ChannelNumber, _: Amount) -> Answer<'a, QueryOutcome> {
        Box::pin(async { QueryOutcome::Unknown })
    }
    fn reverse<'a>(&'a self, _: &'a ChannelNumber) -> Answer<'a, ReverseOutcome> {
        Box::pin(async { ReverseOutcome::Unknown })
    }
    fn refund<'a>(&'a self, _: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome> {
        Box::pin(async { ChannelRefundOutcome::Unknown })
    }
    fn query_refund<'a>(&'a self, _: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome> {
        Box::pin(async { ChannelRefundOutcome::Unknown })
    }
    fn bills(&self) -> Option<&dyn Bills> {
        Some(self)
    }
}

/// A shop whose payments' ends are told by hand.
struct Shop {
    rig: Rig,
    paper: Arc<Paper>,
    reconciler: Reconciler,
}

/// An attempt to pay.
struct Attempt {
    order: OrderNumber,
    number: String,
}

/// The settings file's account.
const OF: BillsOf = BillsOf::new(Wallet::WeChatPay, AccountId::OF_THE_FILE);

const DAY: Duration = Duration::from_secs(24 * 3600);

fn day(text: &str) -> BusinessDay {
    text.parse().unwrap()
}

fn lease(at: Timestamp) -> Lease {
    Lease { owner: "till".into(), now: at, until: at.plus(Duration::from_secs(1)) }
}

async fn reconciler(rig: &Rig, groups: GroupSet, paper: &Arc<Paper>) -> Reconciler {
    let clock = Arc::clone(&rig.clock) as Arc<dyn Clock>;
    let channels: Vec<Arc<dyn Channel>> = vec![Arc::clone(paper) as Arc<dyn Channel>];
    let settings = CentreSettings::default();
    let policies = Policies::default();
    let centre = OrderCentre::new(groups.clone(), channels.clone(), policies, Arc::clone(&clock), settings);
    Reconciler::new((base(rig).await, groups, centre), clock, ReconcilingSettings::default())
}

impl Shop {
    async fn new() -> Self {
        let (rig, paper) = (Rig::new(2), Arc::new(Paper::default()));
        let reconciler = reconciler(&rig, rig.groups.clone(), &paper).await;
        Self { rig, paper, reconciler }
    }

    /// Another server of the same store.
    async fn another_server(&self) -> Reconciler {
        let groups = open(&self.rig.folder, 2, &self.rig.clock);
        reconciler(&self.rig, groups, &self.paper).await
    }

    async fn pay(&self, minor: i64, outcome: Option<PayOutcome>) -> Attempt {
        self.pay_to(AccountId::OF_THE_FILE, minor, outcome).await
    }

    async fn pay_to(&self, account: AccountId, minor: i64, outcome: Option<PayOutcome>) -> Attempt {
        self.pay_by(minor, outcome, |intent| Payment { account, ..intent }).await
    }

    async fn pay_by(
        &self,
        minor: i64,
        outcome: Option<PayOutcome>,
        means: impl FnOnce(Payment) -> Payment,
    ) -> Attempt {
        let (till, at) = (&self.rig.till, self.rig.clock.now());
        let sale = till.sale(minor);
        let order = self.rig.draft(&sale).await.number;
        let channel_number = ChannelNumber::new(store().id, sale.key, 1);
        let number = channel_number.to_string();
        let policy = Policy::default();
        let intent = Payment::intent(1, Wallet::WeChatPay, channel_number, cny(minor), at, &policy);
        let payment = NewPayment {
            adoption: till.adoption(&sale, order, at),
            requested: till.requested(&sale, order, 1),
            cash_part: None,
            intent: means(intent),
            lease: lease(at),
            guard: guard(),
        };
        self.rig.groups.start_payment(payment).await.unwrap();
        if let Some(outcome) = outcome {
            let news = PaymentNews {
                number: order,
                attempt: 1,
                event: Event::Pay(outcome),
                found_at: None,
                at,
                policy,
            };
            self.rig.groups.record_payment(news).await.unwrap();
        }
        Attempt { order, number }
    }

    async fn paid(&self, minor: i64) -> Attempt {
        self.pay(minor, Some(PayOutcome::ConfirmedSuccess { transaction: "T1".into() })).await
    }

    /// A refund that its till has sent.
    async fn refund(&self, of: &Attempt, minor: i64) -> RefundId {
        let (groups, at) = (&self.rig.groups, self.rig.clock.now());
        let asked = NewRefund {
            number: of.order,
            request: format!("asked-{minor}"),
            amount: cny(minor),
            reason: "cold".into(),
            by: "Mei".into(),
            login: "mei".into(),
            asked_at: None,
            at,
            today: groups.business_day(at),
        };
        let refund = groups.reserve_refund(asked).await.unwrap().refund.id;
        let carry_out = CarryOut {
            number: of.order,
            refund: refund.clone(),
            amount: cny(minor),
            terminal: self.rig.till.terminal,
            cashier: None,
            entry: self.rig.till.carries_out(&refund, of.order, cny(minor)),
            lease: lease(at),
            guard: guard(),
        };
        groups.carry_out_refund(carry_out).await.unwrap();
        refund
    }

    fn publish(&self, day: &str, bill: Bill) {
        self.paper.bills.lock().unwrap().insert(day.into(), bill);
    }

    /// Looks what is due of all accounts.
    async fn look(&self) {
        for of in self.reconciler.accounts() {
            self.reconciler.look(of).await;
        }
    }

    async fn morning(&self) {
        self.rig.clock.advance(DAY);
        self.look().await;
    }

    async fn run(&self, of: &str) -> Option<BillRun> {
        self.reconciler.base.bill_run(OF, day(of)).await.unwrap()
    }

    async fn findings(&self, of: &str) -> Vec<StoredFinding> {
        self.reconciler.base.bill_findings(OF, day(of), (0, 99)).await.unwrap()
    }

    async fn state(&self, of: &Attempt) -> PaymentState {
        self.rig.groups.payment(of.order, 1).await.unwrap().payment.state
    }
}

fn line(number: &str, minor: i64) -> BillRow {
    BillRow {
        movement: Movement::Payment,
        number: number.into(),
        amount: cny(minor),
        fee_minor: 0,
        revoked: false,
        progress: Progress::Done,
        transaction: "T1".into(),
        line: 2,
    }
}

#[tokio::test]
async fn what_agrees_agrees_and_what_nobody_knew_is_settled_by_the_bill() {
    let shop = Shop::new().await;
    let (paid, unknown) = (shop.paid(1_000).await, shop.pay(700, Some(PayOutcome::Unknown)).await);
    let taken_back = shop.pay(300, None).await;
    shop.pay(400, Some(PayOutcome::ConfirmedFailure(DeclineReason::NotEnoughFunds))).await;
    let refund = shop.refund(&paid, 200).await;
    let back = BillRow { movement: Movement::Refund, ..line(&refund.0, 200) };
    let revoked = BillRow { revoked: true, ..line(&taken_back.number, 300) };
    let bill =
        [line(&paid.number, 1_000), line(&unknown.number, 700), back, line(&taken_back.number, 300), revoked];
    shop.publish("2026-11-20", Ok(bill.into()));
    assert_eq!(shop.reconciler.due(OF).await.unwrap().map(|due| due.0), Some(day("2026-11-19")));
    shop.morning().await;
    let run = shop.run("2026-11-20").await.unwrap();
    assert_eq!((run.state, run.figures.bill_rows, run.figures.book_rows), (RunState::Done, 5, 5), "{run:?}");
    assert_eq!((run.figures.agreed, run.figures.findings, run.figures.settled), (2, 0, 3));
    assert_eq!(shop.state(&unknown).await, PaymentState::Paid);
    assert_eq!(shop.state(&taken_back).await, PaymentState::Reversed);
    let order = shop.rig.groups.order(unknown.order).await.unwrap();
    assert_eq!(order.summary.state, OrderState::Paid);
    let order = shop.rig.groups.order(paid.order).await.unwrap();
    assert_eq!(order.refunds[0].refund.state, RefundState::Done);
    let settled = shop.reconciler.base.bill_settled(OF, run.day, (0, 9)).await.unwrap();
    assert!(settled.iter().all(|one| one.told) && settled.len() == 3);
    let table = csv::of_day(&shop.reconciler.base, &[OF], run.day).await.unwrap();
    assert_eq!(table.lines().count(), 4);
    assert!(table.contains(&format!("settled_by_bill,payment,{},{}", unknown.number, unknown.order)));
}

#[tokio::test]
async fn what_does_not_agree_is_filed_by_side_with_the_field_that_differs() {
    let shop = Shop::new().await;
    shop.publish("2026-11-19", Ok(Vec::new()));
    let (more, gone, both) = (shop.paid(1_000).await, shop.paid(500).await, shop.paid(600).await);
    let twice = [line(&both.number, 600), line(&both.number, 600)];
    let mut bill = vec![line(&more.number, 1_001), line("E-nobody", 4_711)];
    bill.extend(twice);
    shop.publish("2026-11-20", Ok(bill));
    for quiet in ["2026-11-21", "2026-11-22", "2026-11-23"] {
        shop.publish(quiet, Ok(Vec::new()));
    }
    shop.morning().await;
    let found = shop.findings("2026-11-20").await;
    let seen: Vec<_> = found.iter().map(|f| (f.category, f.number.as_str())).collect();
    assert_eq!(seen, [(Category::AmountDiffers, more.number.as_str()), (Category::Duplicate, &both.number)]);
    assert_eq!(found[0].order, Some(more.order.to_string()));
    let field = &found[0].fields[0];
    let seen = (field.field.as_str(), field.ours.as_str(), field.theirs.as_str());
    assert_eq!(seen, ("amount_minor", "1000", "1001"));
    assert_eq!(found[0].difference, BTreeMap::from([("CNY".to_owned(), -1)]));
    assert_eq!(shop.run("2026-11-20").await.unwrap().figures.carried, 2);
    for _ in 0..3 {
        shop.morning().await;
    }
    let seen: Vec<_> =
        shop.findings("2026-11-23").await.into_iter().map(|f| (f.category, f.number)).collect();
    let expected = [(Category::MissingAtChannel, gone.number), (Category::MissingHere, "E-nobody".into())];
    assert_eq!(seen, expected, "carried for three days");
    let table = csv::of_day(&shop.reconciler.base, &[OF], day("2026-11-20")).await.unwrap();
    assert!(
        table.contains("amount_differs,payment,") && table.contains(",amount_minor,1000,1001,-1,CNY,2,0"),
        "{table}"
    );
}

#[tokio::test]
async fn a_bill_that_is_no_bill_is_refused_shown_and_asked_for_again_and_no_later_day_comes_first() {
    let shop = Shop::new().await;
    let paid = shop.paid(900).await;
    shop.publish("2026-11-19", Ok(Vec::new()));
    shop.publish("2026-11-20", Err(BillFailure::Bad("cut off".into())));
    shop.publish("2026-11-21", Ok(Vec::new()));
    shop.morning().await;
    let run = shop.run("2026-11-20").await.unwrap();
    assert_eq!((run.state, run.tries, run.problem.as_deref()), (RunState::Refused, 1, Some("cut off")));
    shop.look().await;
    assert_eq!(shop.run("2026-11-20").await.unwrap().tries, 1, "not at once");
    shop.morning().await;
    assert_eq!(shop.run("2026-11-20").await.unwrap().tries, 2);
    assert_eq!(shop.run("2026-11-21").await, None, "in their order");
    shop.publish("2026-11-20", Ok(vec![line(&paid.number, 900)]));
    shop.morning().await;
    let states = [shop.run("2026-11-20").await, shop.run("2026-11-21").await].map(|run| run.unwrap().state);
    assert_eq!(states, [RunState::Done, RunState::Done]);
    assert_eq!(shop.run("2026-11-20").await.unwrap().figures.agreed, 1);
}

#[tokio::test]
async fn a_bill_without_lines_is_refused_where_our_books_have_some_and_no_bill_is_no_trade_where_they_have_none()
 {
    let shop = Shop::new().await;
    shop.publish("2026-11-19", Ok(Vec::new()));
    shop.paid(900).await;
    shop.publish("2026-11-20", Ok(Vec::new()));
    shop.morning().await;
    let refused = shop.run("2026-11-20").await.unwrap();
    assert_eq!(refused.state, RunState::Refused);
    assert!(refused.problem.unwrap().contains("holds nothing"));

    let shop = Shop::new().await;
    shop.look().await;
    let run = shop.run("2026-11-19").await.unwrap();
    assert_eq!(
        (run.state, run.problem.as_deref()),
        (RunState::Waiting, Some("the wallet has no bill of that day yet"))
    );
    shop.rig.clock.advance(Duration::from_secs(3 * 3600));
    shop.look().await;
    assert_eq!(shop.run("2026-11-19").await.unwrap().state, RunState::Done, "nobody bought anything");
}

#[tokio::test]
async fn of_two_servers_one_compares_and_one_that_was_overtaken_writes_nothing() {
    let shop = Shop::new().await;
    let paid = shop.paid(900).await;
    shop.publish("2026-11-19", Ok(Vec::new()));
    shop.publish("2026-11-20", Ok(vec![line(&paid.number, 900)]));
    shop.rig.clock.advance(DAY);
    let other = shop.another_server().await;
    tokio::join!(shop.reconciler.look(OF), other.look(OF));
    shop.look().await;
    assert_eq!(shop.run("2026-11-20").await.unwrap().state, RunState::Done);
    let asked = shop.paper.asked.lock().unwrap().clone();
    assert_eq!(asked, ["2026-11-20"], "each bill is fetched once");

    let lease = other.base.take_bills(OF, "other".into()).await.unwrap().unwrap();
    assert_eq!(shop.reconciler.base.take_bills(OF, "this".into()).await.unwrap(), None);
    shop.rig.clock.advance(Duration::from_secs(200));
    assert!(shop.reconciler.base.take_bills(OF, "this".into()).await.unwrap().is_some());
    let run = shop.run("2026-11-20").await.unwrap();
    let late = BillRun { day: day("2026-11-21"), ..run };
    assert!(other.base.bill_done(lease, late.clone(), Default::default()).await.is_err());
    assert!(other.base.bill_not_done(lease, late).await.is_err());
    assert_eq!(shop.run("2026-11-21").await, None);
}

#[tokio::test]
async fn a_row_that_waits_for_its_line_is_compared_as_it_stands_by_then() {
    let shop = Shop::new().await;
    let unknown = shop.pay(700, Some(PayOutcome::Unknown)).await;
    let other = shop.paid(100).await;
    shop.publish("2026-11-19", Ok(Vec::new()));
    shop.publish("2026-11-20", Ok(vec![line(&other.number, 100)]));
    shop.morning().await;
    assert_eq!(shop.run("2026-11-20").await.unwrap().figures.carried, 1);
    let paid = QueryOutcome::Paid { transaction: "T1".into() };
    let at = shop.rig.clock.now();
    let news = PaymentNews {
        number: unknown.order,
        attempt: 1,
        event: Event::Query(paid),
        found_at: None,
        at,
        policy: Policy::default(),
    };
    shop.rig.groups.record_payment(news).await.unwrap();
    shop.publish("2026-11-21", Ok(vec![line(&unknown.number, 700)]));
    shop.morning().await;
    let run = shop.run("2026-11-21").await.unwrap();
    assert_eq!((run.figures.agreed, run.figures.settled, run.figures.carried), (1, 0, 0));
    assert_eq!(shop.reconciler.next_day(OF).await.unwrap().0, day("2026-11-22"));
    assert!(shop.rig.clock.now() > NOON);
}

#[tokio::test]
async fn what_was_paid_and_taken_back_after_midnight_is_known_from_the_evening_before() {
    let shop = Shop::new().await;
    shop.publish("2026-11-19", Ok(Vec::new()));
    // A quarter of an hour before China's midnight.
    let to_midnight =
        shop.reconciler.span(OF.channel, day("2026-11-20")).unwrap().1.since(shop.rig.clock.now());
    shop.rig.clock.advance(to_midnight - Duration::from_secs(900));
    let declined = || Some(PayOutcome::ConfirmedFailure(DeclineReason::NotEnoughFunds));
    let (taken_back, paid_there) = (shop.pay(700, declined()).await, shop.pay(300, declined()).await);
    shop.pay(100, declined()).await;
    shop.publish("2026-11-20", Ok(Vec::new()));
    let revoked = BillRow { revoked: true, ..line(&taken_back.number, 700) };
    let bill = vec![line(&taken_back.number, 700), revoked, line(&paid_there.number, 300)];
    shop.publish("2026-11-21", Ok(bill));
    shop.publish("2026-11-22", Ok(Vec::new()));
    for _ in 0..3 {
        shop.morning().await;
    }
    shop.rig.clock.advance(Duration::from_secs(12 * 3600));
    shop.look().await;
    let run = shop.run("2026-11-21").await.unwrap();
    assert_eq!(
        (run.state, run.figures.book_rows),
        (RunState::Done, 2),
        "one of the evening has no line: it is not looked at"
    );
    assert_eq!(
        (run.figures.agreed, run.figures.carried),
        (1, 2),
        "one agrees, one waits a day for being taken back"
    );
    let found: Vec<_> =
        shop.findings("2026-11-22").await.into_iter().map(|f| (f.category, f.number)).collect();
    assert_eq!(found, [(Category::PaidThereNotHere, paid_there.number)], "not: missing here");
    let owed = shop.rig.groups.give_backs_of(paid_there.order).await.unwrap();
    assert_eq!(owed.len(), 1, "nobody needs it: it goes back by itself");
}

/// The day's only sale, seconds before the wallet's midnight: the wallet counts it to the next day.
#[tokio::test]
async fn books_match_a_payment_just_before_midnight_holds_up_no_day_and_agrees_with_the_next_ones_bill() {
    for empty_bill in [false, true] {
        let shop = Shop::new().await;
        shop.publish("2026-11-19", Ok(Vec::new()));
        let midnight = shop.reconciler.span(OF.channel, day("2026-11-20")).unwrap().1;
        shop.rig.clock.advance(midnight.since(shop.rig.clock.now()) - Duration::from_secs(2));
        let paid = shop.paid(900).await;
        if empty_bill {
            shop.publish("2026-11-20", Ok(Vec::new()));
        }
        shop.publish("2026-11-21", Ok(vec![line(&paid.number, 900)]));
        for _ in 0..2 {
            shop.morning().await;
            shop.rig.clock.advance(Duration::from_secs(20 * 3600));
            shop.look().await;
        }
        let run = shop.run("2026-11-20").await.unwrap();
        assert_eq!(
            (run.state, run.figures.carried),
            (RunState::Done, 1),
            "a bill without lines: {empty_bill}"
        );
        let next = shop.run("2026-11-21").await.unwrap();
        assert_eq!((next.state, next.figures.agreed, next.figures.findings), (RunState::Done, 1, 0));
    }
}

#[tokio::test]
async fn a_refund_in_no_bill_holds_its_money_until_the_wallet_itself_says_no() {
    let shop = Shop::new().await;
    let paid = shop.paid(900).await;
    let refund = shop.refund(&paid, 300).await;
    let (at, number) = (shop.rig.clock.now(), paid.order);
    let news =
        RefundNews { number, refund, event: RefundEvent::NoAnswer, message: None, at, next_at: at.plus(DAY) };
    shop.rig.groups.record_refund(news).await.unwrap();
    shop.publish("2026-11-19", Ok(Vec::new()));
    shop.publish("2026-11-20", Ok(vec![line(&paid.number, 900)]));
    for quiet in ["2026-11-21", "2026-11-22", "2026-11-23"] {
        shop.publish(quiet, Ok(Vec::new()));
    }
    for _ in 0..4 {
        shop.morning().await;
    }
    let run = shop.run("2026-11-23").await.unwrap();
    assert_eq!((run.figures.settled, run.figures.findings), (0, 1));
    assert_eq!(shop.findings("2026-11-23").await[0].category, Category::UnknownHereNotThere);
    let order = shop.rig.groups.order(number).await.unwrap();
    assert_eq!((order.refunds[0].refund.state, order.summary.held), (RefundState::Unknown, cny(300)));
}

#[tokio::test]
async fn a_refund_that_the_bill_has_only_accepted_is_not_done_by_it() {
    let shop = Shop::new().await;
    let paid = shop.paid(900).await;
    let refund = shop.refund(&paid, 300).await;
    let accepted = |progress| BillRow { movement: Movement::Refund, progress, ..line(&refund.0, 300) };
    shop.publish("2026-11-19", Ok(Vec::new()));
    shop.publish("2026-11-20", Ok(vec![line(&paid.number, 900), accepted(Progress::UnderWay)]));
    shop.morning().await;
    let run = shop.run("2026-11-20").await.unwrap();
    assert_eq!((run.figures.agreed, run.figures.settled, run.figures.carried), (1, 0, 2));
    let state = async || shop.rig.groups.order(paid.order).await.unwrap().refunds[0].refund.state;
    assert_eq!(state().await, RefundState::Sent, "it is asked about on");
    let (at, number) = (shop.rig.clock.now(), paid.order);
    let event = RefundEvent::Confirmed;
    let news = RefundNews { number, refund: refund.clone(), event, message: None, at, next_at: at };
    shop.rig.groups.record_refund(news).await.unwrap();
    shop.publish("2026-11-21", Ok(Vec::new()));
    shop.morning().await;
    let run = shop.run("2026-11-21").await.unwrap();
    assert_eq!((run.figures.agreed, run.figures.findings, run.figures.carried), (1, 0, 0));
}

#[tokio::test]
async fn a_day_without_trade_is_believed_a_day_later_where_something_waits_for_its_line() {
    let shop = Shop::new().await;
    let (paid, open) = (shop.paid(900).await, shop.pay(700, Some(PayOutcome::Unknown)).await);
    let taken_back = shop.pay(500, Some(PayOutcome::Unknown)).await;
    shop.publish("2026-11-19", Ok(Vec::new()));
    shop.publish("2026-11-20", Ok(vec![line("E-theirs", 1)]));
    shop.morning().await;
    assert_eq!(shop.run("2026-11-20").await.unwrap().figures.carried, 4);
    let (at, policy) = (shop.rig.clock.now(), Policy::default());
    let event = Event::Query(QueryOutcome::Reversed);
    let news = PaymentNews { number: taken_back.order, attempt: 1, event, found_at: None, at, policy };
    shop.rig.groups.record_payment(news).await.unwrap();
    // There is no bill of the 21st: nobody bought anything. At noon of the 22nd and of the 23rd it is too early to say.
    shop.publish("2026-11-22", Ok(Vec::new()));
    shop.morning().await;
    shop.morning().await;
    let state = async |of: &str| shop.run(of).await.map(|run| run.state);
    assert_eq!((state("2026-11-21").await, state("2026-11-22").await), (Some(RunState::Waiting), None));
    shop.rig.clock.advance(Duration::from_secs(5 * 3600));
    shop.look().await;
    assert_eq!(state("2026-11-21").await, Some(RunState::Done));
    assert_eq!(state("2026-11-22").await, Some(RunState::Done), "it held up the next day no longer");
    assert_eq!(
        shop.run("2026-11-21").await.unwrap().figures.carried,
        3,
        "what did not move waits for nothing"
    );
    assert_eq!(
        shop.state(&open).await,
        PaymentState::Unknown,
        "and nothing is settled by a bill that is not there"
    );
    assert_eq!(shop.state(&paid).await, PaymentState::Paid);
}

#[tokio::test]
async fn a_day_whose_only_payment_nobody_knows_is_believed_to_be_without_trade_and_the_payment_stays_unknown()
{
    let shop = Shop::new().await;
    let open = shop.pay(700, Some(PayOutcome::Unknown)).await;
    shop.publish("2026-11-19", Ok(Vec::new()));
    shop.morning().await;
    assert_eq!(shop.run("2026-11-20").await.unwrap().state, RunState::Waiting);
    for _ in 0..6 {
        shop.morning().await;
    }
    let found = shop.findings("2026-11-23").await;
    assert_eq!(found[0].category, Category::UnknownHereNotThere);
    assert_eq!(shop.state(&open).await, PaymentState::Unknown);
}

#[tokio::test]
async fn a_group_that_cannot_be_told_holds_up_no_other_groups_settlements() {
    let shop = Shop::new().await;
    let open = shop.pay(700, Some(PayOutcome::Unknown)).await;
    let nowhere = OrderNumber::new(shop.rig.clock.now(), 1, crate::order_group::testing::tag(77)).unwrap();
    let settled = |order: OrderNumber, number: &str| SettledByBill {
        movement: Movement::Payment,
        number: number.into(),
        order: order.to_string(),
        moved: true,
        transaction: Some("T1".into()),
        difference: Net::default(),
    };
    let (base, wallet) = (&shop.reconciler.base, Wallet::WeChatPay);
    let lease = base.take_bills(OF, "this".into()).await.unwrap().unwrap();
    let run = BillRun { state: RunState::Done, ..shop.reconciler.fresh(OF, day("2026-11-20"), None) };
    let all = vec![settled(nowhere, "E-away"), settled(open.order, &open.number)];
    base.bill_done(lease, run, Reconciled { settled: all, ..Reconciled::default() }).await.unwrap();
    let error = shop.reconciler.tell(wallet).await.unwrap_err();
    assert!(error.starts_with(&nowhere.to_string()), "{error}");
    assert_eq!(shop.state(&open).await, PaymentState::Paid);
    let left = base.bill_untold(wallet, None, 9).await.unwrap();
    assert_eq!(
        left.iter().map(|one| one.number.as_str()).collect::<Vec<_>>(),
        ["E-away"],
        "told again later"
    );
}
