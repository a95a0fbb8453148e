//! Looking for an attempt at every account of a wallet: which of them it was sent to is not written down anywhere any more.

use super::OrderCentre;
use super::lane::Lane;
use evertill_shared::id::AccountId;
use evertill_shared::payment::{Payment, QueryOutcome, found_among};
use std::sync::Arc;
use tokio::task::JoinSet;

impl OrderCentre {
    /// Asks all accounts that may have it at once; gives what they say together, and which of them knows the number.
    pub(super) async fn search(&self, payment: &Payment) -> (QueryOutcome, Option<AccountId>) {
        let (lanes, is_whole) = self.that_may_hold(payment.wallet, payment.sent_at);
        self.search_at(lanes, is_whole, payment).await
    }

    /// The same at all accounts that there are: somebody else says that one of them has it.
    pub(super) async fn search_all(&self, payment: &Payment) -> (QueryOutcome, Option<AccountId>) {
        self.search_at(self.lanes_of(payment.wallet), false, payment).await
    }

    async fn search_at(
        &self,
        lanes: Vec<Arc<Lane>>,
        is_whole: bool,
        payment: &Payment,
    ) -> (QueryOutcome, Option<AccountId>) {
        let mut asked = JoinSet::new();
        for lane in lanes.iter().map(Arc::clone) {
            let (number, amount) = (payment.channel_number.clone(), payment.amount);
            asked.spawn(async move { (lane.account(), lane.query(&number, amount).await) });
        }
        let mut answers = asked.join_all().await;
        answers.sort_by_key(|(account, _)| *account);
        let found = found_among(&answers, is_whole && answers.len() == lanes.len());
        let (number, wallet) = (&payment.channel_number, payment.wallet);
        if let Some(at) = found.at {
            tracing::warn!(%number, %wallet, account = %at,
                "the record of an attempt was lost, and an account at the wallet knows it");
        }
        for account in &found.too_many {
            tracing::error!(%number, %wallet, %account, "two accounts at a wallet know one number: one is taken back");
            let lane: Option<&Arc<Lane>> = lanes.iter().find(|lane| lane.account() == *account);
            if let Some(lane) = lane {
                // Whether it was done shows when it is asked again.
                let _ = lane.reverse(number).await;
            }
        }
        (found.outcome, found.at)
    }
}
