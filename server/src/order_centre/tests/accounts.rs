//! Several accounts at one wallet: who is asked is chosen once, and stays.

use super::refunding::carry_out;
use super::wallet::{Customer, Line};
use super::*;
use crate::base_store::StoredSettled;
use crate::order_group::Fact;
use crate::order_group::testing::NOON;
use evertill_shared::id::AccountId;
use evertill_shared::money::Currency;
use evertill_shared::payment::DeclineReason;
use evertill_shared::reconciliation::Movement;
use evertill_shared::refund::RefundState;
use evertill_shared::routing::{Account, Rule, Span, Table};

pub(super) const FILE: AccountId = AccountId::OF_THE_FILE;
pub(super) const ONE: AccountId = AccountId(1);
pub(super) const TWO: AccountId = AccountId(2);

/// A shop with the settings file's account and two more, in the order of their numbers.
pub(super) struct Accounts {
    pub shop: Shop,
    pub one: Arc<ScriptedWallet>,
    pub two: Arc<ScriptedWallet>,
}

pub(super) fn account(id: AccountId) -> Account {
    Account {
        id,
        wallet: Wallet::WeChatPay,
        store: None,
        enabled: true,
        since: NOON,
        scanned: true,
        shown: true,
        currency: Currency::CNY,
        amounts: Span::default(),
    }
}

fn off(id: AccountId) -> Account {
    Account { enabled: false, ..account(id) }
}

fn rule(priority: u32, lowest: i64, accounts: &[AccountId]) -> Rule {
    Rule {
        priority,
        wallet: Wallet::WeChatPay,
        store: None,
        currency: None,
        amounts: Span { lowest: Some(lowest), highest: None },
        accounts: accounts.to_vec(),
    }
}

impl Accounts {
    pub(super) fn new() -> Self {
        let [one, two] = [(); 2].map(|()| ScriptedWallet::new(Wallet::WeChatPay));
        Self { shop: Shop::new(), one, two }
    }

    pub(super) fn serve(&self, accounts: Vec<Account>, rules: Vec<Rule>) {
        self.serve_as(accounts, rules, None);
    }

    /// The same, where one of them is the settings file's.
    fn serve_as(&self, accounts: Vec<Account>, rules: Vec<Rule>, the_files: Option<AccountId>) {
        let channel = |id: AccountId| Arc::clone(if id == ONE { &self.one } else { &self.two });
        let open = |account: &Account| OpenAccount {
            id: account.id,
            version: 1,
            is_the_files: the_files == Some(account.id),
            channel: channel(account.id),
        };
        let opened = accounts.iter().map(open).collect();
        let table = Table::new(accounts, rules).unwrap();
        self.shop.centre.serve(Serving { accounts: opened, table, ..Serving::default() });
    }

    /// The till takes back an attempt of which its group has no record.
    pub(super) async fn takes_back_unseen(&self, sold: &Sold) {
        let NewCharge { adoption, requested, attempt, wallet, channel_number, amount, guard, .. } =
            self.shop.request(sold, 1, "none");
        let intent = self.shop.centre.intent_never_seen(attempt, wallet, channel_number, amount);
        let lease = self.shop.centre.lease();
        let missing = NewPayment { adoption, requested, cash_part: None, intent, lease, guard };
        let guard = super::guard();
        self.shop.centre.take_back(sold.number, attempt, Some(missing), guard).await.unwrap();
    }

    /// What the wallet has of an attempt that the group has lost the record of.
    pub(super) fn knows(&self, wallet: &ScriptedWallet, sold: &Sold) {
        let number = ChannelNumber::new(store().id, sold.sale.key, 1);
        wallet.confirm(number.as_str(), sold.sale.sale.total.minor);
    }

    pub(super) async fn account(&self, sold: &Sold, attempt: Attempt) -> AccountId {
        self.shop.rig.groups.payment(sold.number, attempt).await.unwrap().payment.account
    }

    /// How often each was asked for money: the settings file's, the first, the second.
    fn charges(&self) -> [usize; 3] {
        [&self.shop.wechat, &self.one, &self.two].map(|wallet| wallet.books().pay_calls.len())
    }
}

#[tokio::test]
async fn the_settings_files_account_serves_until_there_are_others_and_its_payments_after() {
    let it = Accounts::new();
    let old = it.shop.order(500).await;
    it.shop.wechat.books().pay = Line::LosesAnswer;
    it.shop.pay(&old, 1, "code-1").await.unwrap();
    assert_eq!(it.account(&old, 1).await, FILE);
    it.serve(vec![account(ONE)], vec![]);
    let new = it.shop.order(500).await;
    it.shop.pay(&new, 1, "code-2").await.unwrap();
    assert_eq!((it.account(&new, 1).await, it.charges()), (ONE, [1, 1, 0]));
    it.shop.pass(seconds(12)).await;
    assert_eq!(it.shop.state(&old, 1).await, PaymentState::Paid);
    assert_eq!(
        (it.shop.wechat.books().net(), it.one.books().queries),
        (500, 0),
        "asked of its own account only"
    );
}

#[tokio::test]
async fn what_was_imported_answers_for_the_settings_files_payments() {
    let it = Accounts::new();
    let old = it.shop.order(500).await;
    it.shop.wechat.books().pay = Line::LosesRequest;
    it.shop.pay(&old, 1, "code-1").await.unwrap();
    it.one.confirm(ChannelNumber::new(store().id, old.sale.key, 1).as_str(), 500);
    it.serve_as(vec![account(ONE)], vec![], Some(ONE));
    it.shop.pass(seconds(12)).await;
    assert_eq!(it.shop.state(&old, 1).await, PaymentState::Paid);
    assert_eq!(it.shop.wechat.books().queries, 0);
    assert_eq!(it.shop.centre.accounts_at(Wallet::WeChatPay).len(), 1, "one bill, not the same twice");
    let asked = it.shop.asked(&old, 200, "request-1").await;
    assert_eq!(carry_out(&it.shop, &asked).await.unwrap().state, RefundState::Done);
    assert_eq!(it.one.books().net(), 300);
}

#[tokio::test]
async fn a_sale_goes_where_the_first_rule_says_and_without_one_nothing_is_sent() {
    let it = Accounts::new();
    it.serve(vec![account(ONE), account(TWO)], vec![rule(2, 100, &[ONE]), rule(1, 10_000, &[TWO])]);
    let (large, small, tiny) =
        (it.shop.order(10_000).await, it.shop.order(9_999).await, it.shop.order(99).await);
    it.shop.pay(&large, 1, "code-1").await.unwrap();
    it.shop.pay(&small, 1, "code-2").await.unwrap();
    assert_eq!((it.account(&large, 1).await, it.account(&small, 1).await), (TWO, ONE));
    let view = it.shop.pay(&tiny, 1, "code-3").await.unwrap();
    assert_eq!((view.state, view.reason), (PaymentState::Declined, Some(DeclineReason::OutsideLimits)));
    assert_eq!(it.charges(), [0, 1, 1]);
    // Nothing half done: the till may go on with another attempt as soon as the rules allow it.
    it.serve(vec![account(ONE)], vec![]);
    assert_eq!(it.shop.pay(&tiny, 2, "code-3").await.unwrap().state, PaymentState::Paid);
}

#[tokio::test]
async fn an_attempt_stays_with_its_account_whatever_the_table_says_later() {
    let it = Accounts::new();
    it.serve(vec![account(ONE), off(TWO)], vec![]);
    let sold = it.shop.order(700).await;
    it.one.books().pay = Line::LosesAnswer;
    it.shop.pay(&sold, 1, "code-1").await.unwrap();
    it.serve(vec![off(ONE), account(TWO)], vec![]);
    // The till asks again, with the very same attempt: it is looked at, not sent elsewhere.
    it.shop.pay(&sold, 1, "code-1").await.unwrap();
    assert_eq!((it.account(&sold, 1).await, it.charges()), (ONE, [0, 1, 0]));
    it.shop.pass(seconds(12)).await;
    assert_eq!(it.shop.state(&sold, 1).await, PaymentState::Paid, "a disabled account is asked all the same");
    let asked = it.shop.asked(&sold, 300, "request-1").await;
    assert_eq!(carry_out(&it.shop, &asked).await.unwrap().state, RefundState::Done);
    assert_eq!(it.one.books().net(), 400);
    let asked = {
        let other = it.two.books();
        (other.queries, other.refund_calls)
    };
    assert_eq!(asked, (0, 0), "the other was asked nothing");
    let next = it.shop.order(100).await;
    it.shop.pay(&next, 1, "code-2").await.unwrap();
    assert_eq!(it.account(&next, 1).await, TWO, "a disabled account takes nothing new");
}

#[tokio::test]
async fn what_is_taken_back_is_taken_back_at_its_own_account() {
    let it = Accounts::new();
    it.serve(vec![account(ONE), off(TWO)], vec![]);
    let sold = it.shop.order(700).await;
    it.one.books().customer = Customer::MustTypeAPassword;
    it.shop.pay(&sold, 1, "code-1").await.unwrap();
    it.serve(vec![off(ONE), account(TWO)], vec![]);
    it.shop.centre.take_back(sold.number, 1, None, guard()).await.unwrap();
    it.shop.pass(seconds(90)).await;
    assert_eq!(it.shop.state(&sold, 1).await, PaymentState::Reversed);
    assert_eq!((it.charges(), it.two.books().queries), ([0, 1, 0], 0));
}

#[tokio::test]
async fn an_account_that_no_server_can_reach_declines_before_anything_is_sent() {
    let it = Accounts::new();
    let table = Table::new(vec![account(ONE)], vec![]).unwrap();
    it.shop.centre.serve(Serving { table, ..Serving::default() });
    let sold = it.shop.order(700).await;
    let view = it.shop.pay(&sold, 1, "code-1").await.unwrap();
    assert_eq!((view.state, view.reason), (PaymentState::Declined, Some(DeclineReason::ChannelUnreachable)));
    assert_eq!(it.charges(), [0, 0, 0]);
    assert!(it.shop.centre.wallets().is_empty());
}

#[tokio::test]
async fn one_account_that_falls_silent_costs_few_customers_and_the_other_serves_on() {
    let it = Accounts::new();
    it.serve(vec![account(ONE), account(TWO)], vec![]);
    it.one.books().pay = Line::LosesRequest;
    let mut paid = 0;
    for n in 0..60 {
        let sold = it.shop.order(100 + n).await;
        let view = it.shop.pay(&sold, 1, &format!("code-{n}")).await.unwrap();
        paid += usize::from(view.state == PaymentState::Paid);
        let record = it.shop.rig.groups.payment(sold.number, 1).await.unwrap();
        let sent = if record.payment.account == ONE { &it.one } else { &it.two };
        let number = record.payment.channel_number.as_str().to_owned();
        let refused = view.reason == Some(DeclineReason::ChannelUnreachable);
        assert!(
            refused || sent.books().pay_calls.contains(&number),
            "it went where it is written that it went"
        );
    }
    let [_, silent, well] = it.charges();
    assert!(
        paid >= 40 && silent < 20 && well >= 40,
        "{paid} paid, {silent} to the silent one, {well} to the other"
    );
    // Each number was seen by one account only.
    let ones: std::collections::BTreeSet<String> = it.one.books().pay_calls.iter().cloned().collect();
    assert!(it.two.books().pay_calls.iter().all(|number| !ones.contains(number)));
}

#[tokio::test]
async fn new_settings_of_an_account_keep_what_is_under_way_in_mind() {
    let it = Accounts::new();
    it.serve(vec![account(ONE)], vec![]);
    let sold = it.shop.order(700).await;
    it.one.books().pay = Line::OnItsWay;
    let (centre, request) = (it.shop.centre.clone(), it.shop.request(&sold, 1, "code-1"));
    let charging = tokio::spawn(async move { centre.start(request).await });
    while it.one.books().pay_calls.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let channel: Arc<dyn Channel> = Arc::clone(&it.one) as Arc<dyn Channel>;
    let accounts = vec![OpenAccount { id: ONE, version: 2, is_the_files: false, channel }];
    let table = Table::new(vec![account(ONE)], vec![]).unwrap();
    it.shop.centre.serve(Serving { accounts, table, ..Serving::default() });
    // A clock that leaps: "no such order" would be believed, were it not known that the charge is on its way.
    it.shop.pass(seconds(200)).await;
    assert_ne!(it.shop.state(&sold, 1).await, PaymentState::Reversed);
    it.one.through.notify_one();
    charging.await.unwrap().unwrap();
    it.shop.pass(seconds(120)).await;
    let state = it.shop.state(&sold, 1).await;
    assert!(matches!(state, PaymentState::Paid | PaymentState::Reversed), "{state:?}");
    assert_eq!(it.one.books().net(), if state == PaymentState::Paid { 700 } else { 0 });
}

#[tokio::test]
async fn one_channel_one_number_one_account_however_often_an_attempt_is_begun() {
    let rig = Rig::new(2);
    let [one, two] = [(); 2].map(|()| ScriptedWallet::new(Wallet::WeChatPay));
    let served = || {
        let wallets = [(ONE, &one), (TWO, &two)];
        let open = |(id, wallet): (AccountId, &Arc<ScriptedWallet>)| OpenAccount {
            id,
            version: 1,
            is_the_files: false,
            channel: Arc::clone(wallet) as Arc<dyn Channel>,
        };
        let table = Table::new(vec![account(ONE), account(TWO)], vec![]).unwrap();
        Serving { accounts: wallets.map(open).to_vec(), table, ..Serving::default() }
    };
    // Two servers, and a till that adopts both drafts of each of its sales: the worst that can be.
    let servers = [(); 2].map(|()| centre(rig.groups.clone(), &[], &rig));
    servers.iter().for_each(|server| server.serve(served()));
    for sale in 0..24 {
        let sale_of_till = rig.till.sale(100);
        let mut drafts = std::collections::BTreeMap::new();
        while drafts.len() < 2 {
            let number = rig.draft(&sale_of_till).await.number;
            drafts.insert(number.tag(), number);
        }
        for (at, number) in drafts.into_values().enumerate() {
            let adoption = rig.till.adoption(&sale_of_till, number, rig.clock.now());
            let requested = rig.till.requested(&sale_of_till, number, 1);
            let sold = Sold { sale: sale_of_till.clone(), number, adoption };
            let request = charge(&sold, requested, 1, &format!("code {sale} {at}"));
            servers[at].start(request).await.unwrap();
        }
    }
    assert_eq!(one.books().net() + two.books().net(), 24 * 100, "each customer is charged once");
    let shared = [one.books().pay_calls.len(), two.books().pay_calls.len()];
    assert!(shared.iter().all(|calls| *calls >= 8), "both have their share: {shared:?}");
}

#[tokio::test]
async fn an_attempt_whose_record_was_lost_is_taken_back_at_the_account_that_has_it() {
    for disabled in [ONE, TWO] {
        let it = Accounts::new();
        let is = |id| if id == disabled { off(id) } else { account(id) };
        it.serve(vec![is(ONE), is(TWO)], vec![]);
        let sold = it.shop.order(700).await;
        it.knows(&it.two, &sold);
        it.takes_back_unseen(&sold).await;
        it.shop.pass(seconds(60)).await;
        assert_eq!(it.shop.state(&sold, 1).await, PaymentState::Reversed);
        assert_eq!((it.account(&sold, 1).await, it.two.books().net()), (TWO, 0), "the customer has it back");
    }
}

#[tokio::test]
async fn of_an_attempt_whose_record_was_lost_no_such_order_is_believed_only_of_all_accounts() {
    let it = Accounts::new();
    it.serve(vec![account(ONE), account(TWO)], vec![]);
    let sold = it.shop.order(700).await;
    it.two.books().query = Line::LosesAnswer;
    it.takes_back_unseen(&sold).await;
    it.shop.pass(seconds(300)).await;
    assert_eq!(it.shop.state(&sold, 1).await, PaymentState::Reversing, "one account says nothing");
    it.two.books().query = Line::Good;
    it.shop.pass(seconds(600)).await;
    assert_eq!(it.shop.state(&sold, 1).await, PaymentState::Reversed);
    assert_eq!(it.account(&sold, 1).await, AccountId::NOT_KNOWN);

    // An account that this server cannot reach may have it, too.
    let next = it.shop.order(700).await;
    let table = Table::new(vec![account(ONE), account(TWO), account(AccountId(3))], vec![]).unwrap();
    let open = |(id, wallet): (AccountId, &Arc<ScriptedWallet>)| OpenAccount {
        id,
        version: 1,
        is_the_files: false,
        channel: Arc::clone(wallet) as Arc<dyn Channel>,
    };
    let accounts = [(ONE, &it.one), (TWO, &it.two)].map(open).to_vec();
    it.shop.centre.serve(Serving { accounts, table, ..Serving::default() });
    it.takes_back_unseen(&next).await;
    it.shop.pass(seconds(300)).await;
    assert_eq!(it.shop.state(&next, 1).await, PaymentState::Reversing);
}

/// Disabled more than a week ago; its contract may have ended.
fn off_for_long(id: AccountId) -> Account {
    Account { since: NOON.minus(seconds(7 * 24 * 3600 + 1)), ..off(id) }
}

#[tokio::test]
async fn an_account_that_ended_long_ago_keeps_no_customer_waiting() {
    let it = Accounts::new();
    it.two.books().query = Line::LosesAnswer;
    // Disabled a week ago it may have what is heard of only now; disabled before that it surely does not.
    for (ended, is_over) in [(off(TWO), false), (off_for_long(TWO), true)] {
        it.serve(vec![account(ONE), ended.clone()], vec![]);
        let sold = it.shop.order(700).await;
        it.takes_back_unseen(&sold).await;
        it.shop.pass(seconds(300)).await;
        assert_eq!(it.shop.state(&sold, 1).await == PaymentState::Reversed, is_over);
        // The same if this server cannot even open it.
        let channel = Arc::clone(&it.one) as Arc<dyn Channel>;
        let accounts = vec![OpenAccount { id: ONE, version: 1, is_the_files: false, channel }];
        let table = Table::new(vec![account(ONE), ended], vec![]).unwrap();
        it.shop.centre.serve(Serving { accounts, table, ..Serving::default() });
        let next = it.shop.order(700).await;
        it.takes_back_unseen(&next).await;
        it.shop.pass(seconds(300)).await;
        assert_eq!(it.shop.state(&next, 1).await == PaymentState::Reversed, is_over);
    }
}

#[tokio::test]
async fn where_no_account_has_taken_payments_for_long_a_lost_attempt_is_over() {
    let it = Accounts::new();
    it.serve(vec![off_for_long(ONE), off_for_long(TWO)], vec![]);
    let sold = it.shop.order(700).await;
    it.takes_back_unseen(&sold).await;
    it.shop.pass(seconds(300)).await;
    assert_eq!(it.shop.state(&sold, 1).await, PaymentState::Reversed);
    // They are asked all the same, and one that has the money is believed.
    let late = it.shop.order(700).await;
    it.knows(&it.one, &late);
    assert_eq!(it.one.books().net(), 700);
    it.takes_back_unseen(&late).await;
    it.shop.pass(seconds(300)).await;
    assert_eq!(it.one.books().net(), 0);
    assert_eq!(it.shop.state(&late, 1).await, PaymentState::Reversed);
}

#[tokio::test]
async fn a_number_that_two_accounts_know_is_taken_back_at_both() {
    let it = Accounts::new();
    it.serve(vec![account(ONE), account(TWO)], vec![]);
    let sold = it.shop.order(700).await;
    it.knows(&it.one, &sold);
    it.knows(&it.two, &sold);
    it.takes_back_unseen(&sold).await;
    let nets = || [it.one.books().net(), it.two.books().net()];
    let is_told = async || {
        let story = it.shop.rig.groups.order(sold.number).await.unwrap().story;
        let facts = story.into_iter().filter(|line| matches!(line.what, Fact::KnownAtOthers { .. }));
        facts.map(|line| line.what).collect::<Vec<_>>()
    };
    // The bill may speak of it at any time: nothing is taken back by whoever has no lease.
    let channel_number = ChannelNumber::new(store().id, sold.sale.key, 1);
    let settled = StoredSettled {
        account: AccountId::OF_THE_FILE,
        order: sold.number.to_string(),
        movement: Movement::Payment,
        number: channel_number.to_string(),
        moved: true,
        transaction: Some("42".into()),
        day: "2026-11-20".parse().unwrap(),
        place: 0,
        told: false,
    };
    it.shop.centre.settled_by_bill(Wallet::WeChatPay, &settled).await.unwrap_err();
    it.shop.pass(seconds(14)).await;
    assert_eq!((nets(), is_told().await), ([700, 700], vec![]), "wallets take nothing back as soon as that");
    it.two.books().reverse = Line::LosesRequest;
    it.shop.pass(seconds(30)).await;
    let fact = Fact::KnownAtOthers { attempt: 1, accounts: vec![TWO] };
    assert_eq!((nets(), is_told().await), ([700, 700], vec![fact]), "written down, and asked for in vain");
    it.two.books().reverse = Line::Good;
    it.shop.pass(seconds(120)).await;
    assert_eq!(it.shop.state(&sold, 1).await, PaymentState::Reversed);
    assert_eq!((nets(), is_told().await.len()), ([0, 0], 1));
}

#[tokio::test]
async fn a_payment_that_shows_after_all_accounts_denied_it_goes_back_where_it_was_taken() {
    let it = Accounts::new();
    it.serve(vec![account(ONE), account(TWO)], vec![]);
    let sold = it.shop.order(700).await;
    it.takes_back_unseen(&sold).await;
    it.shop.pass(seconds(200)).await;
    assert_eq!(it.shop.state(&sold, 1).await, PaymentState::Reversed);
    it.knows(&it.two, &sold);
    it.shop.pass(seconds(400)).await;
    assert_eq!((it.account(&sold, 1).await, it.two.books().net()), (TWO, 0));
}

#[tokio::test]
async fn an_account_that_refuses_at_once_is_left_out_while_another_takes_charges() {
    let it = Accounts::new();
    it.serve(vec![account(ONE), off(TWO)], vec![]);
    it.one.books().pay = Line::LosesRequest;
    for n in 0..6 {
        let sold = it.shop.order(100).await;
        it.shop.pay(&sold, 1, &format!("silent-{n}")).await.unwrap();
    }
    it.serve(vec![account(ONE), account(TWO)], vec![]);
    for n in 0..40 {
        let sold = it.shop.order(100).await;
        let view = it.shop.pay(&sold, 1, &format!("code-{n}")).await.unwrap();
        assert_eq!(view.state, PaymentState::Paid, "sale {n}");
    }
}

#[tokio::test]
async fn what_takes_the_place_of_the_settings_files_account_knows_what_is_under_way_there() {
    let it = Accounts::new();
    let sold = it.shop.order(700).await;
    it.shop.wechat.books().pay = Line::OnItsWay;
    let (centre, request) = (it.shop.centre.clone(), it.shop.request(&sold, 1, "code-1"));
    let charging = tokio::spawn(async move { centre.start(request).await });
    while it.shop.wechat.books().pay_calls.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    it.serve_as(vec![account(ONE)], vec![], Some(ONE));
    it.shop.pass(seconds(200)).await;
    assert_ne!(it.shop.state(&sold, 1).await, PaymentState::Reversed, "the charge is on its way still");
    // And the other way, when the row goes and the settings file's serves again.
    it.serve(vec![], vec![]);
    it.shop.pass(seconds(200)).await;
    assert_ne!(it.shop.state(&sold, 1).await, PaymentState::Reversed);
    it.shop.wechat.through.notify_one();
    charging.await.unwrap().unwrap();
}

#[tokio::test]
async fn while_the_settings_files_account_cannot_be_asked_a_lost_attempt_is_not_over() {
    let it = Accounts::new();
    let own = centre(it.shop.rig.groups.clone(), &[], &it.shop.rig);
    let channel = Arc::clone(&it.one) as Arc<dyn Channel>;
    let accounts = vec![OpenAccount { id: ONE, version: 1, is_the_files: false, channel }];
    let table = Table::new(vec![account(ONE)], vec![]).unwrap();
    let serving = |of_the_file: &[Wallet]| Serving {
        accounts: accounts.clone(),
        table: table.clone(),
        of_the_file: of_the_file.iter().copied().collect(),
    };
    own.serve(serving(&[Wallet::WeChatPay]));
    let it = Accounts { shop: Shop { centre: own.clone(), ..it.shop }, ..it };
    let sold = it.shop.order(700).await;
    it.takes_back_unseen(&sold).await;
    it.shop.pass(seconds(300)).await;
    assert_eq!(it.shop.state(&sold, 1).await, PaymentState::Reversing);
    own.serve(serving(&[]));
    it.shop.pass(seconds(600)).await;
    assert_eq!(it.shop.state(&sold, 1).await, PaymentState::Reversed);
}
