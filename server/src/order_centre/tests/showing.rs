//! Codes that the till shows, at a wallet that makes the order only when its code is scanned.

use super::*;
use crate::channel::{
    Answer, ChannelRefund, ChannelRefundOutcome, Charge, NotificationError, Notified, ShownCodes, ShownOrder,
};
use crate::order_group::testing::cny;
use evertill_shared::money::Amount;
use evertill_shared::order::OrderState;
use evertill_shared::payment::{DeclineReason, QueryOutcome, ReverseOutcome, ShownOutcome};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    LosesRequest,
    LosesAnswer,
    Unreachable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Open,
    Paid,
    Closed,
}

#[derive(Default)]
struct Books {
    lines: VecDeque<Line>,
    created: u32,
    queries: u32,
    trades: BTreeMap<String, (Standing, i64)>,
    refunded: i64,
    /// The customer pays in the moment in which the closing arrives.
    pays_at_closing: bool,
    /// Nobody knows here that codes were shown: it is asked to take them back.
    record_is_lost: bool,
}

#[derive(Default)]
struct Showing(Mutex<Books>);

impl Showing {
    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.0.lock().unwrap()
    }

    fn pays(&self, sold: &Sold, attempt: Attempt, minor: i64) {
        self.books().trades.insert(number(sold, attempt), (Standing::Paid, minor));
    }

    fn net(&self) -> i64 {
        let books = self.books();
        books.trades.values().map(|(_, minor)| minor).sum::<i64>() - books.refunded
    }
}

fn number(sold: &Sold, attempt: Attempt) -> String {
    ChannelNumber::new(store().id, sold.sale.key, attempt).as_str().to_owned()
}

impl Channel for Showing {
    fn wallet(&self) -> Wallet {
        Wallet::WeChatPay
    }

    fn pay<'a>(&'a self, charge: &'a Charge) -> Answer<'a, PayOutcome> {
        Box::pin(async {
            let number = charge.number.as_str().to_owned();
            self.books().trades.insert(number, (Standing::Paid, charge.amount.minor));
            PayOutcome::ConfirmedSuccess { transaction: "W1".into() }
        })
    }

    fn query<'a>(&'a self, number: &'a ChannelNumber, amount: Amount) -> Answer<'a, QueryOutcome> {
        let mut books = self.books();
        books.queries += 1;
        let outcome = match books.trades.get(number.as_str()) {
            None => QueryOutcome::NoSuchOrder,
            Some((Standing::Open, _)) => QueryOutcome::Waiting,
            Some((Standing::Closed, _)) => QueryOutcome::Reversed,
            Some((Standing::Paid, minor)) if *minor == amount.minor => {
                QueryOutcome::Paid { transaction: format!("W{number}") }
            }
            Some(_) => QueryOutcome::Unknown,
        };
        Box::pin(async { outcome })
    }

    fn reverse<'a>(&'a self, _: &'a ChannelNumber) -> Answer<'a, ReverseOutcome> {
        assert!(self.books().record_is_lost, "a shown code is closed, never reversed");
        Box::pin(async { ReverseOutcome::Retry })
    }

    fn refund<'a>(&'a self, refund: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome> {
        self.books().refunded += refund.amount.minor;
        Box::pin(async { ChannelRefundOutcome::Done })
    }

    fn query_refund<'a>(&'a self, _: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome> {
        let none = self.books().refunded == 0;
        Box::pin(
            async move { if none { ChannelRefundOutcome::NoSuchRefund } else { ChannelRefundOutcome::Done } },
        )
    }

    fn shown(&self) -> Option<&dyn ShownCodes> {
        Some(self)
    }
}

impl ShownCodes for Showing {
    fn create<'a>(&'a self, order: &'a ShownOrder) -> Answer<'a, ShownOutcome> {
        let mut books = self.books();
        let line = books.lines.pop_front();
        let outcome = match line {
            Some(Line::Unreachable) => ShownOutcome::Refused(DeclineReason::ChannelUnreachable),
            Some(Line::LosesRequest) => ShownOutcome::Unknown,
            _ => {
                books.created += 1;
                let content = format!("qr:{}:{}", order.number, order.amount.minor);
                ShownOutcome::Code { content, until: order.until }
            }
        };
        Box::pin(async move { if line == Some(Line::LosesAnswer) { ShownOutcome::Unknown } else { outcome } })
    }

    fn close<'a>(&'a self, number: &'a ChannelNumber) -> Answer<'a, ReverseOutcome> {
        let mut books = self.books();
        if std::mem::take(&mut books.pays_at_closing) {
            books.trades.insert(number.as_str().to_owned(), (Standing::Paid, 500));
        }
        let outcome = match books.trades.get_mut(number.as_str()) {
            None => ReverseOutcome::NoSuchOrder,
            Some((Standing::Paid, _)) => ReverseOutcome::Retry,
            Some(trade) => {
                *trade = (Standing::Closed, 0);
                ReverseOutcome::Reversed
            }
        };
        Box::pin(async { outcome })
    }

    fn was_shown<'a>(&'a self, number: &'a ChannelNumber, _: Amount) -> Answer<'a, Option<bool>> {
        let paid = matches!(self.books().trades.get(number.as_str()), Some((Standing::Paid, _)));
        Box::pin(async move { paid.then_some(true) })
    }

    fn notification(&self, _: &[(String, String)], body: &[u8]) -> Result<Notified, NotificationError> {
        let text = std::str::from_utf8(body).map_err(|_| NotificationError::NotAuthentic)?;
        let (number, minor) = text
            .strip_prefix("signed:")
            .and_then(|t| t.split_once(':'))
            .ok_or(NotificationError::NotAuthentic)?;
        Ok(Notified {
            number: number.parse().unwrap(),
            amount: cny(minor.parse().unwrap()),
            transaction: format!("W{number}"),
        })
    }

    fn thanks(&self) -> (u16, &'static str, Vec<u8>) {
        (200, "text/plain", b"success".to_vec())
    }
}

struct Counter {
    shop: Shop,
    wallet: Arc<Showing>,
}

impl Counter {
    fn new() -> Self {
        let (mut shop, wallet) = (Shop::new(), Arc::new(Showing::default()));
        let clock = Arc::clone(&shop.rig.clock) as Arc<dyn Clock>;
        let channels = vec![Arc::clone(&wallet) as Arc<dyn Channel>];
        shop.centre =
            OrderCentre::new(shop.rig.groups.clone(), channels, Policies::default(), clock, settings());
        Self { shop, wallet }
    }

    async fn show(&self, sold: &Sold, attempt: Attempt) -> Result<PaymentView, GroupError> {
        let request = self.shop.request(sold, attempt, "");
        self.shop.centre.start(NewCharge { means: Means::Shown, ..request }).await
    }

    /// The till takes back an attempt of which its group has no record.
    async fn takes_back_unseen(&self, sold: &Sold) {
        self.wallet.books().record_is_lost = true;
        let request = self.shop.request(sold, 1, "");
        let NewCharge { adoption, requested, attempt, wallet, channel_number, amount, guard, .. } = request;
        let intent = self.shop.centre.intent_never_seen(attempt, wallet, channel_number, amount);
        let lease = self.shop.centre.lease();
        let missing = NewPayment { adoption, requested, cash_part: None, intent, lease, guard };
        self.shop.centre.take_back(sold.number, attempt, Some(missing), super::guard()).await.unwrap();
    }

    async fn told(&self, sold: &Sold, minor: i64) -> TakenIn {
        let body = format!("signed:{}:{minor}", number(sold, 1));
        self.shop.centre.notified(Wallet::WeChatPay, &[], body.as_bytes()).await
    }

    async fn state(&self, sold: &Sold, attempt: Attempt) -> PaymentState {
        self.shop.state(sold, attempt).await
    }
}

fn content(view: &PaymentView) -> Option<&str> {
    view.shown.as_ref()?.content.as_deref()
}

#[tokio::test]
async fn a_shown_code_is_paid_by_a_notification_as_soon_as_it_comes() {
    let counter = Counter::new();
    let sold = counter.shop.order(500).await;
    let view = counter.show(&sold, 1).await.unwrap();
    assert_eq!(view.state, PaymentState::Waiting);
    let wanted = format!("qr:{}:500", number(&sold, 1));
    assert_eq!(content(&view), Some(wanted.as_str()));
    counter.wallet.pays(&sold, 1, 500);
    assert_eq!(counter.told(&sold, 500).await, TakenIn::Thanks(200, "text/plain", b"success".to_vec()));
    assert_eq!(counter.state(&sold, 1).await, PaymentState::Paid);
    let order = counter.shop.rig.groups.order(sold.number).await.unwrap();
    assert_eq!(order.summary.state, OrderState::Paid);
    // Told again: nothing more happens, and the wallet is not even asked.
    let asked = counter.wallet.books().queries;
    assert!(matches!(counter.told(&sold, 500).await, TakenIn::Thanks(..)));
    assert_eq!(counter.wallet.books().queries, asked);
}

#[tokio::test]
async fn a_shown_code_is_paid_by_a_question_when_no_notification_comes() {
    let counter = Counter::new();
    let sold = counter.shop.order(500).await;
    counter.show(&sold, 1).await.unwrap();
    counter.wallet.pays(&sold, 1, 500);
    counter.shop.pass(seconds(6)).await;
    assert_eq!(counter.state(&sold, 1).await, PaymentState::Paid);
}

#[tokio::test]
async fn known_or_unknown_a_notification_is_only_a_reason_to_ask() {
    let counter = Counter::new();
    let sold = counter.shop.order(500).await;
    counter.show(&sold, 1).await.unwrap();
    // Authentic, yet the wallet itself does not say so: not paid, and to be told again.
    assert_eq!(counter.told(&sold, 500).await, TakenIn::Later);
    assert_eq!(counter.state(&sold, 1).await, PaymentState::Waiting);
    assert_eq!(counter.told(&sold, 501).await, TakenIn::Stranger, "another amount");
    let forged = format!("forged:{}:500", number(&sold, 1));
    let taken = counter.shop.centre.notified(Wallet::WeChatPay, &[], forged.as_bytes()).await;
    assert_eq!(taken, TakenIn::Refused(NotificationError::NotAuthentic));
    let other = counter.shop.order(500).await;
    assert_eq!(counter.told(&other, 500).await, TakenIn::Stranger, "never asked for");
    assert_eq!(counter.state(&sold, 1).await, PaymentState::Waiting);
}

#[tokio::test]
async fn a_lost_reply_to_the_request_for_a_code_is_asked_for_again_under_the_same_number() {
    for line in [Line::LosesAnswer, Line::LosesRequest] {
        let counter = Counter::new();
        let sold = counter.shop.order(500).await;
        counter.wallet.books().lines.push_back(line);
        let view = counter.show(&sold, 1).await.unwrap();
        assert_eq!((view.state, content(&view)), (PaymentState::Unknown, None));
        counter.shop.pass(seconds(3)).await;
        let record = counter.shop.rig.groups.payment(sold.number, 1).await.unwrap();
        let view = counter.shop.centre.view(&record.payment);
        assert_eq!(view.state, PaymentState::Waiting, "{line:?}");
        assert!(content(&view).is_some());
    }
}

#[tokio::test]
async fn a_wallet_that_cannot_be_reached_declines_and_another_attempt_may_start() {
    let counter = Counter::new();
    let sold = counter.shop.order(500).await;
    counter.wallet.books().lines.push_back(Line::Unreachable);
    let view = counter.show(&sold, 1).await.unwrap();
    assert_eq!((view.state, view.reason), (PaymentState::Declined, Some(DeclineReason::ChannelUnreachable)));
    assert_eq!(counter.show(&sold, 2).await.unwrap().state, PaymentState::Waiting);
}

#[tokio::test]
async fn one_charge_no_other_attempt_starts_before_the_closing_is_confirmed() {
    let counter = Counter::new();
    let sold = counter.shop.order(500).await;
    counter.show(&sold, 1).await.unwrap();
    let refused = counter.show(&sold, 2).await.unwrap_err();
    assert!(matches!(refused, GroupError::Refused(_)));
    let taken = counter.shop.centre.take_back(sold.number, 1, None, guard()).await.unwrap();
    assert_eq!(taken.record.payment.state, PaymentState::Reversing);
    assert_eq!(content(&counter.shop.centre.view(&taken.record.payment)), None, "shown no more");
    // Nobody has scanned it, so the wallet knows no order yet: it may be scanned until its end.
    counter.shop.pass(seconds(60)).await;
    assert_eq!(counter.state(&sold, 1).await, PaymentState::Reversing);
    assert!(counter.show(&sold, 2).await.is_err());
    counter.shop.pass(seconds(70)).await;
    assert_eq!(counter.state(&sold, 1).await, PaymentState::Reversed);
    assert_eq!(counter.show(&sold, 2).await.unwrap().state, PaymentState::Waiting);
}

#[tokio::test]
async fn a_code_that_was_scanned_and_not_paid_is_closed_at_once() {
    let counter = Counter::new();
    let sold = counter.shop.order(500).await;
    counter.show(&sold, 1).await.unwrap();
    counter.wallet.books().trades.insert(number(&sold, 1), (Standing::Open, 0));
    counter.shop.centre.take_back(sold.number, 1, None, guard()).await.unwrap();
    counter.shop.pass(seconds(3)).await;
    assert_eq!(counter.state(&sold, 1).await, PaymentState::Reversed);
}

#[tokio::test]
async fn one_charge_a_customer_who_pays_while_it_is_being_closed_has_paid_once() {
    let counter = Counter::new();
    let sold = counter.shop.order(500).await;
    counter.show(&sold, 1).await.unwrap();
    counter.wallet.books().pays_at_closing = true;
    counter.shop.centre.take_back(sold.number, 1, None, guard()).await.unwrap();
    counter.shop.pass(seconds(5)).await;
    assert_eq!(counter.state(&sold, 1).await, PaymentState::Paid);
    assert_eq!(counter.wallet.net(), 500);
}

#[tokio::test]
async fn one_charge_a_payment_after_the_end_is_noticed_and_goes_back_by_itself() {
    let counter = Counter::new();
    let sold = counter.shop.order(500).await;
    counter.show(&sold, 1).await.unwrap();
    counter.wallet.books().trades.insert(number(&sold, 1), (Standing::Closed, 0));
    counter.shop.pass(seconds(6)).await;
    assert_eq!(counter.state(&sold, 1).await, PaymentState::Reversed);
    // The wallet breaks its word and takes a payment by the closed code.
    counter.wallet.pays(&sold, 1, 500);
    assert!(matches!(counter.told(&sold, 500).await, TakenIn::Thanks(..)));
    assert_eq!(counter.state(&sold, 1).await, PaymentState::Reversed, "never reopened");
    counter.shop.pass(seconds(10)).await;
    assert_eq!(counter.wallet.net(), 0, "gone back");
    assert!(matches!(counter.told(&sold, 500).await, TakenIn::Thanks(..)));
    counter.shop.pass(seconds(10)).await;
    assert_eq!(counter.wallet.net(), 0, "once");
}

#[tokio::test]
async fn a_shown_code_whose_record_was_lost_is_closed_and_not_only_reversed() {
    let counter = Counter::new();
    // Scanned, and not paid yet.
    let sold = counter.shop.order(500).await;
    counter.wallet.books().trades.insert(number(&sold, 1), (Standing::Open, 0));
    counter.takes_back_unseen(&sold).await;
    counter.shop.pass(seconds(30)).await;
    assert_eq!(counter.state(&sold, 1).await, PaymentState::Reversed);
    assert_eq!(counter.wallet.books().trades[&number(&sold, 1)].0, Standing::Closed);
    // Nobody has scanned it: it may be, until its end, which comes before the silence is believed.
    let sold = counter.shop.order(500).await;
    counter.takes_back_unseen(&sold).await;
    counter.shop.pass(seconds(110)).await;
    assert_eq!(counter.state(&sold, 1).await, PaymentState::Reversing);
    counter.shop.pass(seconds(60)).await;
    assert_eq!(counter.state(&sold, 1).await, PaymentState::Reversed);
}

#[tokio::test]
async fn one_charge_a_paid_code_whose_record_was_lost_pays_the_sale_and_is_not_held_up_for_days() {
    let counter = Counter::new();
    let sold = counter.shop.order(500).await;
    counter.wallet.pays(&sold, 1, 500);
    counter.takes_back_unseen(&sold).await;
    counter.shop.pass(seconds(30)).await;
    assert_eq!(counter.state(&sold, 1).await, PaymentState::Paid, "closing takes no money back");
    let order = counter.shop.rig.groups.order(sold.number).await.unwrap();
    assert_eq!((order.summary.state, counter.wallet.net()), (OrderState::Paid, 500));
    // The customer pays in the very moment of the closing.
    let sold = counter.shop.order(500).await;
    counter.wallet.books().trades.insert(number(&sold, 1), (Standing::Open, 0));
    counter.wallet.books().pays_at_closing = true;
    counter.takes_back_unseen(&sold).await;
    counter.shop.pass(seconds(60)).await;
    assert_eq!(counter.state(&sold, 1).await, PaymentState::Paid);
    assert_eq!(counter.wallet.net(), 1_000);
}
