//! Looking for an attempt at every account of a wallet: which of them it was sent to is not written down anywhere any more.

use super::OrderCentre;
use super::lane::Lane;
use crate::order_group::PaymentRecord;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::AccountId;
use evertill_shared::payment::{Found, Payment, QueryOutcome, ReverseOutcome, found_among};
use std::sync::Arc;
use tokio::task::JoinSet;

impl OrderCentre {
    /// Asks all accounts at once; gives what they say together, and which of them knows the number. That one knows nothing
    /// or does not answer counts only where it may have the attempt.
    pub(super) async fn search(&self, payment: &Payment) -> Found {
        let (needed, is_whole) = self.that_may_hold(payment.wallet, payment.sent_at);
        let needed: Vec<AccountId> = needed.iter().map(|lane| lane.account()).collect();
        search_at(&self.lanes_of(payment.wallet), is_whole, &needed, payment).await
    }

    /// The same at all accounts that there are: somebody else says that one of them has it.
    pub(super) async fn search_all(&self, payment: &Payment) -> Found {
        search_at(&self.lanes_of(payment.wallet), false, &[], payment).await
    }

    /// Takes an attempt back at these accounts, because another knows its number, too; nobody can say by which of them the
    /// customer wanted to pay. Written down before it is asked for, and asked for when wallets take payments back. Whether
    /// it was done shows when they are asked again.
    pub(super) async fn take_back_at(&self, accounts: &[AccountId], record: &PaymentRecord, at: Timestamp) {
        let (payment, number) = (&record.payment, record.number);
        let (own, wallet, attempt) = (&payment.channel_number, payment.wallet, payment.attempt);
        tracing::error!(%number, attempt, %wallet, ?accounts,
            "more accounts at a wallet than one know one number: at these it is taken back");
        if !payment.may_be_reversed(at, self.policy(wallet)) {
            return;
        }
        if let Err(error) = self.0.groups.known_at_others(number, attempt, accounts.to_vec(), at).await {
            return tracing::warn!(%number, attempt, %error, "not written down: nothing is taken back yet");
        }
        for account in accounts {
            let Some(lane) = self.lane(wallet, *account) else { continue };
            let is_reversed = lane.reverse(own).await == ReverseOutcome::Reversed;
            // It may be a code that was shown: that was lost with the record.
            if !is_reversed && lane.shown().is_some() {
                let _ = lane.close(own).await;
            }
        }
    }
}

async fn search_at(lanes: &[Arc<Lane>], is_whole: bool, needed: &[AccountId], payment: &Payment) -> Found {
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
    let found = found_among(&answers, is_whole && all_asked);
    if let Some(at) = found.at {
        let (number, wallet) = (&payment.channel_number, payment.wallet);
        tracing::warn!(%number, %wallet, account = %at,
            "the record of an attempt was lost, and an account at the wallet knows it");
    }
    found
}
