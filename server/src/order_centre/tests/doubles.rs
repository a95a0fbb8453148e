//! A number that more accounts than one know, because its record was lost: one is kept, the others are ended.

use super::accounts::{Accounts, FILE, ONE, TWO, account};
use super::wallet::{Line, Standing};
use super::*;
use crate::order_group::Fact;
use crate::order_group::testing::{ManualClock, Till, open};
use evertill_shared::id::AccountId;
use evertill_shared::payment::Policy;
use std::sync::Weak;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// After this no wallet takes a payment back.
fn too_late() -> Duration {
    Duration::from_millis(Policy::default().reverse_within_ms) + seconds(60)
}

fn facts(story: &[crate::order_group::StoryLine]) -> Vec<Fact> {
    let about_accounts = |fact: &Fact| {
        matches!(fact, Fact::KnownAtOthers { .. } | Fact::PaidAtAnother { .. } | Fact::GivenBackAt { .. })
    };
    story.iter().map(|line| line.what.clone()).filter(about_accounts).collect()
}

impl Accounts {
    pub(super) fn nets(&self) -> [i64; 2] {
        [self.one.books().net(), self.two.books().net()]
    }

    fn refund_calls(&self) -> [u32; 2] {
        [self.one.books().refund_calls, self.two.books().refund_calls]
    }

    async fn told(&self, sold: &Sold) -> Vec<Fact> {
        facts(&self.shop.rig.groups.order(sold.number).await.unwrap().story)
    }

    /// Lets minutes pass: long enough for every pause and lease in between.
    pub(super) async fn minutes(&self, minutes: u64) {
        for _ in 0..minutes {
            self.shop.rig.clock.advance(seconds(60));
            for tag in self.shop.rig.groups.tags() {
                self.shop.centre.sweep(tag).await.unwrap().finish().await;
            }
        }
    }

    /// Both accounts have the money of an attempt whose record was lost, and neither takes it back in time.
    async fn too_late_at_both(&self) -> Sold {
        self.serve(vec![account(ONE), account(TWO)], vec![]);
        let sold = self.shop.order(700).await;
        self.knows(&self.one, &sold);
        self.knows(&self.two, &sold);
        self.takes_back_unseen(&sold).await;
        for wallet in [&self.one, &self.two] {
            wallet.books().reverse = Line::LosesRequest;
        }
        self.shop.pass(seconds(30)).await;
        self.shop.rig.clock.advance(too_late());
        sold
    }
}

fn story_of_a_late_double(sold: &Sold) -> Vec<Fact> {
    let own = ChannelNumber::new(store().id, sold.sale.key, 1);
    let refund = evertill_shared::id::RefundId::at_another(&own);
    vec![
        Fact::KnownAtOthers { attempt: 1, accounts: vec![TWO] },
        Fact::PaidAtAnother { attempt: 1, account: TWO },
        Fact::GivenBackAt { attempt: 1, account: TWO, refund, amount: sold.sale.sale.total },
    ]
}

#[tokio::test]
async fn one_charge_a_double_that_is_found_too_late_to_be_taken_back_goes_back_as_a_refund() {
    let it = Accounts::new();
    let sold = it.too_late_at_both().await;
    // The wallet will not at first. Nobody waits for that: it goes back by itself, and the attempt comes to its end.
    it.two.books().refuses_refunds = true;
    it.minutes(60).await;
    assert_eq!((it.nets(), it.shop.state(&sold, 1).await), ([0, 700], PaymentState::Reversed));
    assert_eq!(it.account(&sold, 1).await, ONE, "the one that was kept; what it had went back, too");
    let open = it.shop.rig.groups.unsettled(10).await.give_backs;
    assert_eq!((open.len(), open[0].account, open[0].is_elsewhere), (1, TWO, true));
    assert!(
        it.shop.rig.groups.account_is_owed(TWO, Wallet::WeChatPay, it.shop.rig.clock.now()).await.unwrap()
    );
    let story = it.shop.rig.groups.order(sold.number).await.unwrap().story;
    let refused = story.iter().filter(|line| matches!(line.what, Fact::NotGivenBack { attempt: 1, .. }));
    assert_eq!(refused.count(), 1, "people are told, once");
    it.two.books().refuses_refunds = false;
    it.minutes(200).await;
    assert_eq!((it.nets(), it.refund_calls()[0]), ([0, 0], 1));
    assert_eq!(it.told(&sold).await, story_of_a_late_double(&sold));
    assert!(
        !it.shop.rig.groups.account_is_owed(TWO, Wallet::WeChatPay, it.shop.rig.clock.now()).await.unwrap()
    );
    let proved = it.shop.rig.groups.prove(tag(0), |_| ()).await.unwrap();
    assert_eq!(proved.faults, []);
    let over = proved.balances.accounts().find(|(_, account, ..)| *account == "over_short");
    assert_eq!(over.map(|(_, _, debit, credit)| (debit, credit)), Some((1_400, 1_400)));
    let rows = it.shop.rig.groups.movements(sold.number).await.unwrap();
    let own = ChannelNumber::new(store().id, sold.sale.key, 1);
    let at_two = evertill_shared::id::RefundId::at_another(&own).0;
    assert!(rows.iter().any(|row| row.row.number == at_two && row.account == TWO), "{rows:?}");
}

#[tokio::test]
async fn what_goes_back_from_another_account_is_not_taken_for_the_attempts_own_when_the_kept_one_forgets() {
    let it = Accounts::new();
    let sold = it.too_late_at_both().await;
    it.minutes(1).await;
    // What was kept knows nothing of it any more, and the other says "paid" for ever.
    it.one.books().payments.clear();
    it.minutes(400).await;
    let state = it.shop.state(&sold, 1).await;
    assert!(state.is_final(), "{state:?}");
    let sent = it.two.books().refunds.keys().cloned().collect::<Vec<_>>();
    let own = ChannelNumber::new(store().id, sold.sale.key, 1);
    assert_eq!(sent, [evertill_shared::id::RefundId::at_another(&own).0], "once, under one number");
    assert!(
        it.shop.rig.groups.unsettled(10).await.give_backs.is_empty(),
        "nothing is left that cannot go back"
    );
}

#[tokio::test]
async fn where_nobody_has_paid_yet_nothing_is_told_of_money_and_none_goes_back() {
    let it = Accounts::new();
    let sold = it.too_late_at_both().await;
    let number = ChannelNumber::new(store().id, sold.sale.key, 1).to_string();
    it.two.books().payments.insert(number.clone(), (Standing::Open, 0));
    it.minutes(5).await;
    assert_eq!((it.told(&sold).await.len(), it.refund_calls()), (1, [0, 0]));
    assert_eq!(it.shop.state(&sold, 1).await, PaymentState::Reversing);
    it.two.books().payments.insert(number, (Standing::Reversed, 0)); // the wallet's own end
    it.minutes(200).await;
    assert_eq!((it.nets(), it.refund_calls()), ([0, 0], [1, 0]));
    assert_eq!(it.shop.state(&sold, 1).await, PaymentState::Reversed);
}

#[tokio::test]
async fn the_double_is_not_taken_for_the_one_that_is_kept_while_that_says_nothing() {
    let it = Accounts::new();
    it.serve(vec![account(ONE), account(TWO)], vec![]);
    let sold = it.shop.order(700).await;
    it.knows(&it.one, &sold);
    it.knows(&it.two, &sold);
    it.takes_back_unseen(&sold).await;
    it.two.books().reverse = Line::LosesRequest;
    it.shop.pass(seconds(30)).await;
    assert_eq!(it.told(&sold).await.len(), 1);
    it.one.books().query = Line::LosesAnswer;
    it.shop.pass(seconds(120)).await;
    assert_eq!(it.account(&sold, 1).await, AccountId::NOT_KNOWN, "what the kept one has would be forgotten");
    it.two.books().reverse = Line::Good;
    it.minutes(10).await;
    assert_eq!((it.nets(), it.shop.state(&sold, 1).await), ([700, 0], PaymentState::Reversing));
    it.one.books().query = Line::Good;
    it.minutes(60).await;
    assert_eq!((it.nets(), it.shop.state(&sold, 1).await), ([0, 0], PaymentState::Reversed));
    assert_eq!(it.account(&sold, 1).await, ONE);
}

#[tokio::test]
async fn what_failed_beside_the_one_that_is_kept_is_taken_back_and_holds_nothing_up() {
    for line in [Line::Good, Line::LosesRequest] {
        let it = Accounts::new();
        it.serve(vec![account(ONE), account(TWO)], vec![]);
        let sold = it.shop.order(700).await;
        let number = ChannelNumber::new(store().id, sold.sale.key, 1).to_string();
        it.one.books().payments.insert(number.clone(), (Standing::Failed, 0));
        it.one.books().reverse = line;
        it.knows(&it.two, &sold);
        it.takes_back_unseen(&sold).await;
        it.shop.pass(seconds(60)).await;
        assert_eq!((it.nets(), it.shop.state(&sold, 1).await), ([0, 0], PaymentState::Reversed), "{line:?}");
        assert_eq!(it.account(&sold, 1).await, TWO);
        assert_eq!(it.told(&sold).await, [Fact::KnownAtOthers { attempt: 1, accounts: vec![ONE] }]);
        let (standing, _) = it.one.books().payments[&number];
        let ended = if line == Line::Good { Standing::Reversed } else { Standing::Failed };
        assert_eq!(standing, ended, "the wallet's own advice");
    }
}

#[tokio::test]
async fn an_account_that_only_knows_the_number_is_not_kept_while_another_may_have_the_money() {
    let it = Accounts::new();
    it.serve(vec![account(ONE), account(TWO)], vec![]);
    let sold = it.shop.order(700).await;
    let number = ChannelNumber::new(store().id, sold.sale.key, 1).to_string();
    it.one.books().payments.insert(number.clone(), (Standing::Open, 0));
    it.knows(&it.two, &sold);
    it.two.books().query = Line::LosesAnswer;
    it.takes_back_unseen(&sold).await;
    it.shop.pass(seconds(60)).await;
    assert_eq!((it.account(&sold, 1).await, it.nets()), (AccountId::NOT_KNOWN, [0, 700]));
    it.two.books().query = Line::Good;
    it.minutes(30).await;
    assert_eq!((it.nets(), it.shop.state(&sold, 1).await), ([0, 0], PaymentState::Reversed));
    assert_eq!(it.account(&sold, 1).await, TWO);
    assert_eq!(it.one.books().payments[&number].0, Standing::Reversed, "nor can it be paid any more");
}

/// What outlives a server process: its disk, its wallets, time.
struct World {
    folder: Arc<TempDir>,
    clock: Arc<ManualClock>,
    wallets: [Arc<ScriptedWallet>; 3],
}

/// A server process. Dropping it is a crash.
struct Process {
    runtime: Runtime,
    it: Accounts,
}

impl World {
    fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let wallets = [FILE, ONE, TWO].map(|_| ScriptedWallet::new(Wallet::WeChatPay));
        Self { folder, clock: ManualClock::new(), wallets }
    }

    fn start(&self) -> Process {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let groups = open(&self.folder, 1, &self.clock);
        let (folder, clock) = (Arc::clone(&self.folder), Arc::clone(&self.clock));
        let rig = Rig { folder, clock, groups, till: Till::new(1) };
        let [wechat, one, two] = self.wallets.clone();
        let centre = centre(rig.groups.clone(), &[&wechat], &rig);
        let it = Accounts { shop: Shop { rig, wechat, centre }, one, two };
        it.serve(vec![account(ONE), account(TWO)], vec![]);
        Process { runtime, it }
    }
}

impl Process {
    /// Sweeps each minute until that is so; whoever hangs is not waited for.
    fn sweep_until(&self, is_so: impl Fn(&Accounts) -> bool) {
        self.runtime.block_on(async {
            for _ in 0..1_000 {
                if is_so(&self.it) {
                    return;
                }
                self.it.shop.rig.clock.advance(seconds(60));
                drop(self.it.shop.centre.sweep(tag(0)).await.unwrap());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            panic!("it never came so far");
        });
    }

    fn crash(self) {
        self.runtime.shutdown_background();
    }
}

#[test]
fn a_crash_before_a_double_is_sent_back_and_one_before_that_is_known_end_in_one_refund() {
    for after_it_was_sent in [false, true] {
        let world = World::new();
        let first = world.start();
        let sold = first.runtime.block_on(first.it.too_late_at_both());
        if after_it_was_sent {
            first.it.two.books().refund = Line::Hangs; // done there, and the answer never comes
        } else {
            // Asked whether it went back already, the wallet says nothing any more.
            let two: Weak<ScriptedWallet> = Arc::downgrade(&first.it.two);
            first.it.two.look(move |_| {
                if let Some(two) = two.upgrade() {
                    two.books().query = Line::Hangs;
                }
            });
        }
        let came_so_far = |it: &Accounts| match after_it_was_sent {
            true => it.refund_calls() == [0, 1],
            false => it.two.books().query == Line::Hangs,
        };
        first.sweep_until(came_so_far);
        let told = first.runtime.block_on(first.it.told(&sold));
        assert_eq!(told, story_of_a_late_double(&sold)[..2], "the fact stands before the money moves");
        first.crash();
        world.wallets[2].look(|_| {});
        (world.wallets[2].books().query, world.wallets[2].books().refund) = (Line::Good, Line::Good);
        let second = world.start();
        second.sweep_until(|it| it.nets() == [0, 0]);
        assert_eq!(second.it.refund_calls(), [1, 1], "sent once at each");
        second.runtime.block_on(async {
            // What the wallet has done is written down a moment later.
            let all = story_of_a_late_double(&sold);
            for _ in 0..500 {
                if second.it.told(&sold).await.len() >= all.len() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert_eq!(second.it.told(&sold).await, all);
            assert_eq!(second.it.shop.state(&sold, 1).await, PaymentState::Reversed);
        });
    }
}
