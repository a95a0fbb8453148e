//! Looking for an attempt at every account of a wallet: which of them it was sent to is not written down anywhere any more.

use super::OrderCentre;
use super::give_back::Since;
use super::lane::Lane;
use crate::order_group::{Fact, GiveBack, GroupError, PaymentRecord, is_whole, others_of};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, Interface};
use evertill_shared::payment::{Found, Others, Payment, QueryOutcome, ReverseOutcome, found_among};
use std::sync::Arc;
use tokio::task::JoinSet;

impl OrderCentre {
    /// Asks all accounts at once; gives what they say together, and which of them knows the number. That one knows nothing
    /// or does not answer counts only where it may have the attempt.
    pub(super) async fn search(&self, payment: &Payment, others: &Others) -> Found {
        let (needed, is_whole) = self.that_may_hold(payment.wallet, payment.sent_at);
        let needed: Vec<AccountId> = needed.iter().map(|lane| lane.account()).collect();
        search_at(&self.lanes_of(payment.wallet), (is_whole, &needed), payment, others).await
    }

    /// The same at all accounts that there are: somebody else says that one of them has it.
    pub(super) async fn search_all(&self, payment: &Payment, others: &Others) -> Found {
        search_at(&self.lanes_of(payment.wallet), (false, &[]), payment, others).await
    }

    /// Whether no other account than that one may have an attempt whose record was lost: then its word is that of all.
    pub(super) fn is_at_most_at(&self, payment: &Payment, account: AccountId) -> bool {
        let (needed, is_whole) = self.that_may_hold(payment.wallet, payment.sent_at);
        let account = self.stands_for(payment.wallet, account);
        is_whole && needed.iter().all(|lane| lane.account() == account)
    }

    /// What the order's story says of accounts at which an attempt is ended, because another is kept; and from which its
    /// money goes back.
    pub(super) async fn others(&self, record: &PaymentRecord) -> Result<Others, GroupError> {
        let own = record.payment.attempt;
        let give_backs = self.0.groups.give_backs_of(record.number).await?;
        let story = self.0.groups.order(record.number).await?.story;
        if !is_whole(&story) {
            let why = "a newer program wrote something of this order that only such a one can go on with";
            return Err(GroupError::Internal(why.into()));
        }
        let mut others = others_of(&story, own);
        let of_own = give_backs.iter().filter(|one| one.attempt == own);
        others.given_back.extend(of_own.filter_map(GiveBack::elsewhere));
        // Answers come under the name that an account has now.
        for id in others.told.iter_mut().chain(&mut others.given_back) {
            *id = self.stands_for(record.payment.wallet, *id);
        }
        Ok(others)
    }

    /// Ends an attempt at the accounts that have it beside the one that is kept; nobody can say by which of them the customer
    /// wanted to pay. Written down before it is asked for, and asked for when wallets take payments back. Whether it was
    /// done shows when they are asked again.
    pub(super) async fn end_elsewhere(
        &self,
        found: &Found,
        others: &Others,
        record: &PaymentRecord,
        (at, since): (Timestamp, Since),
    ) {
        let (payment, number) = (&record.payment, record.number);
        let mut accounts: Vec<AccountId> = found.too_many.iter().chain(&found.failed).copied().collect();
        accounts.sort_unstable();
        if accounts.is_empty() {
            return;
        }
        let (attempt, wallet) = (payment.attempt, payment.wallet);
        tracing::error!(%number, attempt, %wallet, ?accounts,
            "more accounts at a wallet than one know one number: at these it is ended");
        let policy = self.policy(wallet);
        if at < payment.reverse_not_before(policy) {
            return;
        }
        if !accounts.iter().all(|account| others.told.contains(account)) {
            let fact = Fact::KnownAtOthers { attempt, accounts: accounts.clone() };
            if !self.is_told(record, fact, at).await {
                return;
            }
        }
        for account in accounts {
            let Some(lane) = self.lane(wallet, account) else { continue };
            // Each is several calls: whoever comes later begins with what is left.
            if self.may_be_anothers(since) {
                return;
            }
            // Heard of late, it may be too old for the wallet though it is young by our own clock.
            let ended = match payment.may_be_reversed(at, policy) {
                true => end(&lane, payment).await,
                false => ReverseOutcome::TooLate,
            };
            if found.too_many.contains(&account) && ended != ReverseOutcome::Reversed {
                self.pay_back_at(&lane, record, ended != ReverseOutcome::TooLate).await;
            }
        }
    }

    /// What another account holds and does not take back any more, or never takes back, as it is with codes that were shown,
    /// goes back from there as a refund under a number of the attempt's own for that. It is written down, and done like all
    /// that goes back by itself: nobody waits for it.
    async fn pay_back_at(&self, lane: &Lane, record: &PaymentRecord, takes_back: bool) {
        let (payment, number) = (&record.payment, record.number);
        let (own, amount, attempt) = (&payment.channel_number, payment.amount, payment.attempt);
        if !matches!(lane.query(own, amount).await, QueryOutcome::Paid { .. }) {
            // Nobody has paid there yet: whoever still wants to finds it closed, where that can be.
            if !takes_back && lane.shown().is_some() {
                let _ = lane.close(own).await;
            }
            return;
        }
        if takes_back && lane.was_shown(own, amount).await != Some(true) {
            return;
        }
        if let Err(error) = self.0.groups.owe_elsewhere(number, attempt, lane.account()).await {
            tracing::warn!(%number, attempt, %error, "not written down: nothing goes back by it yet");
        }
    }

    /// Writes a fact into the order's story, once; whether it stands there.
    async fn is_told(&self, record: &PaymentRecord, fact: Fact, at: Timestamp) -> bool {
        match self.0.groups.tell_once(record.number, fact, at).await {
            Ok(()) => true,
            Err(error) => {
                let (number, attempt) = (record.number, record.payment.attempt);
                tracing::warn!(%number, attempt, %error, "not written down: nothing is taken back by it yet");
                false
            }
        }
    }
}

/// Takes an attempt back at an account, or closes it, if a code was shown: that was lost with the record.
async fn end(lane: &Lane, payment: &Payment) -> ReverseOutcome {
    let own = &payment.channel_number;
    let answered = lane.reverse(own, Interface::NOT_KNOWN).await;
    let is_closed = answered != ReverseOutcome::Reversed
        && lane.shown().is_some()
        && lane.close(own).await == ReverseOutcome::Reversed;
    if is_closed { ReverseOutcome::Reversed } else { answered }
}

async fn search_at(
    lanes: &[Arc<Lane>],
    (is_whole, needed): (bool, &[AccountId]),
    payment: &Payment,
    others: &Others,
) -> Found {
    let mut asked = JoinSet::new();
    for lane in lanes.iter().map(Arc::clone) {
        let (number, amount) = (payment.channel_number.clone(), payment.amount);
        asked.spawn(async move { (lane.account(), lane.query(&number, amount).await) });
    }
    let mut answers = asked.join_all().await;
    let all_asked = answers.len() == lanes.len();
    let says_nothing =
        |said: &QueryOutcome| matches!(said, QueryOutcome::NoSuchOrder | QueryOutcome::Unknown);
    answers.retain(|(account, said)| needed.contains(account) || !says_nothing(said));
    answers.sort_by_key(|(account, _)| *account);
    let found = found_among(&answers, is_whole && all_asked, others);
    if let Some(at) = found.at {
        let (number, wallet) = (&payment.channel_number, payment.wallet);
        tracing::warn!(%number, %wallet, account = %at,
            "the record of an attempt was lost, and an account at the wallet knows it");
    }
    found
}
