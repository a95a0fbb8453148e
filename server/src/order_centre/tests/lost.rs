//! An attempt whose record was lost, and what is said of it by others than the sweeper: notifications, bills, an account
//! that takes the place of the settings file's, and wallets for which it is too late.

use super::accounts::{Accounts, FILE, ONE, TWO, account};
use super::wallet::{Line, Standing};
use super::*;
use crate::base_store::StoredSettled;
use crate::channel::{
    Answer, ChannelRefund, ChannelRefundOutcome, Charge, NotificationError, Notified, ShownCodes, ShownOrder,
};
use crate::order_group::Fact;
use crate::order_group::testing::cny;
use evertill_shared::id::AccountId;
use evertill_shared::money::Amount;
use evertill_shared::order::OrderState;
use evertill_shared::payment::{PayOutcome, QueryOutcome, ReverseOutcome, ShownOutcome};
use evertill_shared::reconciliation::Movement;
use evertill_shared::routing::Table;

/// What it is that a wallet takes nothing back of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Codes that were shown: those are closed.
    Shown,
    /// What is too old for it.
    Old,
}

/// An account of which nothing can be taken back; its notifications name it.
struct Stubborn {
    inner: Arc<ScriptedWallet>,
    name: AccountId,
    kind: Kind,
}

impl Channel for Stubborn {
    fn wallet(&self) -> Wallet {
        self.inner.wallet()
    }
    fn pay<'a>(&'a self, charge: &'a Charge) -> Answer<'a, PayOutcome> {
        self.inner.pay(charge)
    }
    fn query<'a>(&'a self, number: &'a ChannelNumber, amount: Amount) -> Answer<'a, QueryOutcome> {
        self.inner.query(number, amount)
    }
    fn reverse<'a>(&'a self, _: &'a ChannelNumber) -> Answer<'a, ReverseOutcome> {
        self.inner.books().reverse_calls += 1;
        let answer = match self.kind {
            Kind::Old => ReverseOutcome::TooLate,
            Kind::Shown => ReverseOutcome::Retry,
        };
        Box::pin(async { answer })
    }
    fn refund<'a>(&'a self, refund: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome> {
        self.inner.refund(refund)
    }
    fn query_refund<'a>(&'a self, refund: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome> {
        self.inner.query_refund(refund)
    }
    fn shown(&self) -> Option<&dyn ShownCodes> {
        Some(self)
    }
}

impl ShownCodes for Stubborn {
    fn create<'a>(&'a self, _: &'a ShownOrder) -> Answer<'a, ShownOutcome> {
        Box::pin(async { ShownOutcome::Unknown })
    }
    fn close<'a>(&'a self, number: &'a ChannelNumber) -> Answer<'a, ReverseOutcome> {
        let known = self.inner.books().payments.contains_key(number.as_str());
        Box::pin(async move { if known { ReverseOutcome::Retry } else { ReverseOutcome::NoSuchOrder } })
    }
    fn was_shown<'a>(&'a self, number: &'a ChannelNumber, _: Amount) -> Answer<'a, Option<bool>> {
        let known = self.inner.books().payments.contains_key(number.as_str());
        let shown = self.kind == Kind::Shown;
        Box::pin(async move { known.then_some(shown) })
    }
    fn notification(&self, _: &[(String, String)], body: &[u8]) -> Result<Notified, NotificationError> {
        let text = std::str::from_utf8(body).map_err(|_| NotificationError::NotAuthentic)?;
        let own = text.strip_prefix(&format!("{}:", self.name)).ok_or(NotificationError::NotAuthentic)?;
        let (number, minor) = own.split_once(':').ok_or(NotificationError::NotAuthentic)?;
        let (amount, transaction) = (cny(minor.parse().unwrap()), format!("W{number}"));
        Ok(Notified { number: number.parse().unwrap(), amount, transaction })
    }
    fn thanks(&self) -> (u16, &'static str, Vec<u8>) {
        (200, "text/plain", b"success".to_vec())
    }
}

fn open(id: AccountId, channel: Arc<dyn Channel>, is_the_files: bool) -> OpenAccount {
    OpenAccount { id, version: 1, is_the_files, channel }
}

impl Accounts {
    /// Both accounts have the money of an attempt whose record was lost, and take nothing back.
    async fn both_paid(&self, kind: Kind) -> Sold {
        let stubborn = |name, inner: &Arc<ScriptedWallet>| {
            let channel: Arc<dyn Channel> = Arc::new(Stubborn { inner: Arc::clone(inner), name, kind });
            open(name, channel, false)
        };
        let accounts = vec![stubborn(ONE, &self.one), stubborn(TWO, &self.two)];
        let table = Table::new(vec![account(ONE), account(TWO)], vec![]).unwrap();
        self.shop.centre.serve(Serving { accounts, table, ..Serving::default() });
        let sold = self.shop.order(700).await;
        self.knows(&self.one, &sold);
        self.knows(&self.two, &sold);
        self.takes_back_unseen(&sold).await;
        sold
    }

    async fn notified_by(&self, account: AccountId, sold: &Sold) -> TakenIn {
        let body = format!("{account}:{}:700", own_number(sold));
        self.shop.centre.notified(Wallet::WeChatPay, &[], body.as_bytes()).await
    }

    async fn rows(&self) -> Vec<(AccountId, bool)> {
        let open = self.shop.rig.groups.unsettled(10).await.give_backs;
        open.into_iter().map(|one| (one.account, one.is_elsewhere)).collect()
    }

    async fn order_state(&self, sold: &Sold) -> OrderState {
        self.shop.rig.groups.order(sold.number).await.unwrap().summary.state
    }
}

fn own_number(sold: &Sold) -> String {
    ChannelNumber::new(store().id, sold.sale.key, 1).to_string()
}

fn sent_back(wallet: &ScriptedWallet) -> Vec<char> {
    wallet.books().refunds.keys().filter_map(|number| number.chars().next()).collect()
}

#[tokio::test]
async fn one_charge_a_notification_does_not_choose_alone_which_account_of_a_lost_attempt_is_kept() {
    let it = Accounts::new();
    let sold = it.both_paid(Kind::Shown).await;
    // Nothing is written down of the other yet.
    assert_eq!(it.notified_by(TWO, &sold).await, TakenIn::Later);
    assert_eq!(it.account(&sold, 1).await, AccountId::NOT_KNOWN);
    it.shop.rig.clock.advance(seconds(12)); // whoever was told keeps the attempt to itself for a while
    it.shop.pass(seconds(5)).await;
    let rows = it.shop.rig.groups.give_backs_of(sold.number).await.unwrap();
    assert!(rows.iter().any(|row| row.elsewhere() == Some(TWO)), "it is ended there: {rows:?}");
    it.one.books().query = Line::LosesAnswer;
    it.notified_by(TWO, &sold).await;
    assert_eq!(it.account(&sold, 1).await, AccountId::NOT_KNOWN, "its money goes back");
    it.one.books().query = Line::Good;
    it.minutes(200).await;
    assert_eq!((it.account(&sold, 1).await, it.shop.state(&sold, 1).await), (ONE, PaymentState::Paid));
    assert_eq!((it.order_state(&sold).await, it.nets()), (OrderState::Paid, [700, 0]));
}

#[tokio::test]
async fn a_notification_of_what_went_back_from_another_account_is_no_news_after_the_end() {
    let it = Accounts::new();
    let sold = it.both_paid(Kind::Shown).await;
    it.shop.pass(seconds(16)).await;
    it.one.books().payments.clear();
    it.minutes(10).await;
    let stands = (it.shop.state(&sold, 1).await, it.account(&sold, 1).await);
    assert_eq!(stands, (PaymentState::Reversed, AccountId::NOT_KNOWN));
    assert!(matches!(it.notified_by(TWO, &sold).await, TakenIn::Thanks(..)));
    assert_eq!(it.rows().await, [], "nothing is owed that can never go back");
    it.minutes(10).await;
    assert_eq!((it.nets(), sent_back(&it.two)), ([0, 0], vec!['D']));
}

#[tokio::test]
async fn one_charge_what_two_accounts_take_after_all_was_over_goes_back_from_both() {
    let it = Accounts::new();
    let sold = it.both_paid(Kind::Shown).await;
    for wallet in [&it.one, &it.two] {
        wallet.books().payments.clear();
    }
    it.minutes(30).await;
    let record = it.shop.rig.groups.payment(sold.number, 1).await.unwrap();
    assert!(record.payment.state == PaymentState::Reversed && record.payment.looked_again);
    it.knows(&it.one, &sold);
    it.knows(&it.two, &sold);
    for told in [TWO, ONE, TWO] {
        it.notified_by(told, &sold).await;
        it.minutes(5).await;
    }
    assert_eq!((it.nets(), it.shop.state(&sold, 1).await), ([0, 0], PaymentState::Reversed));
}

/// What a bill settles of an attempt.
fn settled(sold: &Sold, account: AccountId, moved: bool) -> StoredSettled {
    StoredSettled {
        account,
        order: sold.number.to_string(),
        movement: Movement::Payment,
        number: own_number(sold),
        moved,
        transaction: Some("another".into()),
        day: "2026-11-20".parse().unwrap(),
        place: 0,
        told: false,
    }
}

impl Accounts {
    /// The attempt was lost, and stands at the first account by now, which does not say any more whether it took it back.
    async fn found_at_one(&self) -> Sold {
        self.serve(vec![account(ONE), account(TWO)], vec![]);
        let sold = self.shop.order(700).await;
        self.knows(&self.one, &sold);
        self.takes_back_unseen(&sold).await;
        self.one.books().reverse = Line::LosesRequest;
        self.shop.pass(seconds(30)).await;
        assert_eq!(self.account(&sold, 1).await, ONE);
        sold
    }

    async fn bill_of(&self, sold: &Sold, account: AccountId, moved: bool) -> PaymentState {
        let settled = settled(sold, account, moved);
        self.shop.centre.settled_by_bill(Wallet::WeChatPay, &settled).await.unwrap();
        self.shop.state(sold, 1).await
    }
}

#[tokio::test]
async fn known_or_unknown_what_one_accounts_bill_settled_is_no_word_about_an_attempt_at_another() {
    for other in [TWO, FILE] {
        let it = Accounts::new();
        let sold = it.found_at_one().await;
        assert_eq!(it.bill_of(&sold, other, false).await, PaymentState::Reversing, "{other}");
        assert_eq!(it.one.books().net(), 700, "it is not over");
        assert_eq!(it.bill_of(&sold, ONE, false).await, PaymentState::Reversed, "its own counts");
        assert_eq!(it.bill_of(&sold, other, true).await, PaymentState::Reversed);
        assert_eq!(it.rows().await, [], "nothing of it goes back for what another had");
    }
}

#[tokio::test]
async fn what_was_settled_when_all_of_a_wallets_accounts_had_one_bill_still_counts() {
    let it = Accounts::new();
    let sold = it.found_at_one().await;
    let own = centre(it.shop.rig.groups.clone(), &[], &it.shop.rig);
    let accounts = vec![open(ONE, Arc::clone(&it.one) as Arc<dyn Channel>, false)];
    let table = Table::new(vec![account(ONE)], vec![]).unwrap();
    own.serve(Serving { accounts, table, ..Serving::default() });
    own.settled_by_bill(Wallet::WeChatPay, &settled(&sold, FILE, false)).await.unwrap();
    assert_eq!(it.shop.state(&sold, 1).await, PaymentState::Reversed);
}

#[tokio::test]
async fn known_or_unknown_that_one_account_took_it_back_is_no_word_about_the_others() {
    let it = Accounts::new();
    it.serve(vec![account(ONE), account(TWO)], vec![]);
    let sold = it.shop.order(700).await;
    it.knows(&it.one, &sold);
    it.one.books().query = Line::LosesAnswer;
    it.takes_back_unseen(&sold).await;
    it.shop.pass(seconds(30)).await;
    assert_eq!(it.bill_of(&sold, TWO, false).await, PaymentState::Reversing);
    it.one.books().query = Line::Good;
    it.minutes(60).await;
    assert_eq!((it.shop.state(&sold, 1).await, it.nets()), (PaymentState::Reversed, [0, 0]));
}

#[tokio::test]
async fn what_the_only_account_has_taken_back_by_its_bill_is_over() {
    let it = Accounts::new();
    it.serve(vec![account(ONE)], vec![]);
    it.one.books().query = Line::LosesAnswer;
    let sold = it.shop.order(700).await;
    it.takes_back_unseen(&sold).await;
    it.shop.pass(seconds(30)).await;
    assert_eq!(it.bill_of(&sold, TWO, false).await, PaymentState::Reversing, "a stranger's bill");
    assert_eq!(it.bill_of(&sold, ONE, false).await, PaymentState::Reversed);
    // An account that this server cannot reach may have it, too.
    let next = it.shop.order(700).await;
    it.takes_back_unseen(&next).await;
    let accounts = vec![open(ONE, Arc::clone(&it.one) as Arc<dyn Channel>, false)];
    let table = Table::new(vec![account(ONE), account(TWO)], vec![]).unwrap();
    it.shop.centre.serve(Serving { accounts, table, ..Serving::default() });
    assert_eq!(it.bill_of(&next, ONE, false).await, PaymentState::Reversing);
}

#[tokio::test]
async fn one_charge_what_was_told_of_the_settings_files_account_is_told_of_the_one_in_its_place() {
    let it = Accounts::new();
    it.serve(vec![account(ONE)], vec![]);
    let sold = it.shop.order(700).await;
    it.shop.wechat.books().payments.insert(own_number(&sold), (Standing::Open, 0));
    it.shop.wechat.books().reverse = Line::LosesRequest;
    it.knows(&it.one, &sold);
    it.takes_back_unseen(&sold).await;
    it.shop.pass(seconds(16)).await;
    let story = it.shop.rig.groups.order(sold.number).await.unwrap().story;
    let ended = Fact::KnownAtOthers { attempt: 1, accounts: vec![FILE] };
    assert!(story.iter().any(|line| line.what == ended), "{story:?}");
    // The customer pays there all the same; it becomes a row, and what was kept says nothing.
    it.shop.wechat.confirm(&own_number(&sold), 700);
    it.one.books().query = Line::LosesAnswer;
    let accounts = vec![
        open(ONE, Arc::clone(&it.one) as Arc<dyn Channel>, false),
        open(TWO, Arc::clone(&it.shop.wechat) as Arc<dyn Channel>, true),
    ];
    let table = Table::new(vec![account(ONE), account(TWO)], vec![]).unwrap();
    it.shop.centre.serve(Serving { accounts, table, ..Serving::default() });
    it.minutes(10).await;
    assert_eq!(it.account(&sold, 1).await, AccountId::NOT_KNOWN, "what the kept one has would be forgotten");
    it.shop.wechat.books().reverse = Line::Good;
    it.one.books().query = Line::Good;
    it.minutes(60).await;
    assert_eq!((it.account(&sold, 1).await, it.shop.state(&sold, 1).await), (ONE, PaymentState::Reversed));
    assert_eq!((it.one.books().net(), it.shop.wechat.books().net()), (0, 0));
}

#[tokio::test]
async fn one_charge_what_a_wallet_finds_too_old_goes_back_as_a_refund_however_late_it_was_heard_of() {
    let it = Accounts::new();
    let sold = it.both_paid(Kind::Old).await;
    it.minutes(60).await;
    assert_eq!((it.nets(), it.shop.state(&sold, 1).await), ([0, 0], PaymentState::Reversed));
    assert_eq!((sent_back(&it.one), sent_back(&it.two)), (vec!['B'], vec!['D']));
    assert_eq!(it.order_state(&sold).await, OrderState::Adopted, "the till may try again");
}
