//! The bill, as the channel's last word about what nobody knew the end of. It is taken in as every other word of the
//! channel is: by the same state machines, in the same transactions.

use super::OrderCentre;
use super::sweeper::refund_pause;
use crate::base_store::StoredSettled;
use crate::order_group::{GiveBackEvent, GiveBackNews, GroupError, PaymentNews, RefundNews};
use evertill_shared::id::{AccountId, RefundId};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{Event, Found, QueryOutcome};
use evertill_shared::reconciliation::Movement;
use evertill_shared::refund::RefundEvent;
use evertill_shared::wallet::Wallet;

impl OrderCentre {
    /// Takes in what a bill has settled. Doing so twice changes nothing that counts.
    ///
    /// A refund that is in no bill is not settled by that: only the wallet's own no frees what it holds, and it is asked
    /// about on.
    /// # Errors
    /// See [`GroupError`].
    pub async fn settled_by_bill(&self, wallet: Wallet, settled: &StoredSettled) -> Result<(), GroupError> {
        let Ok(number) = settled.order.parse::<OrderNumber>() else {
            tracing::error!(order = settled.order, "a bill settles a movement of an order that cannot be");
            return Ok(());
        };
        match (settled.movement, settled.moved) {
            (Movement::Payment, _) => self.payment_settled(number, wallet, settled).await,
            (Movement::Refund, true) => self.refund_settled(number, wallet, settled).await,
            (Movement::Refund, false) => Ok(()),
        }
    }

    async fn payment_settled(
        &self,
        number: OrderNumber,
        wallet: Wallet,
        settled: &StoredSettled,
    ) -> Result<(), GroupError> {
        let order = self.0.groups.order(number).await?;
        let mut attempts = order.payments.iter().map(|record| &record.payment);
        let Some(payment) = attempts.find(|payment| payment.channel_number.as_str() == settled.number) else {
            tracing::error!(%number, settled.number, "a bill settles an attempt that is not there");
            return Ok(());
        };
        let (outcome, found_at) = match (settled.moved, &settled.transaction) {
            // What is to go back needs its account, and only the accounts themselves know whose it is.
            (true, _) if payment.account == AccountId::NOT_KNOWN => match self.search_all(payment).await {
                Found { outcome, at: Some(at), .. } => (outcome, Some(at)),
                Found { too_many, .. } if !too_many.is_empty() => {
                    // The sweeper takes it back at all but one, and the bill is told again.
                    let text = format!("more accounts at {wallet} than one have {}", settled.number);
                    return Err(GroupError::Unknown(text));
                }
                Found { .. } => {
                    let text = format!("no account at {wallet} says that it has {}", settled.number);
                    return Err(GroupError::Unknown(text));
                }
            },
            (true, transaction) => {
                (QueryOutcome::Paid { transaction: transaction.clone().unwrap_or_default() }, None)
            }
            (false, _) => (QueryOutcome::Reversed, None),
        };
        tracing::info!(%number, attempt = payment.attempt, moved = settled.moved, "a bill settles a payment");
        let (event, at, policy) = (Event::Query(outcome), self.now(), *self.policy(wallet));
        let news = PaymentNews { number, attempt: payment.attempt, event, found_at, at, policy };
        self.0.groups.record_payment(news).await.map(drop)
    }

    async fn refund_settled(
        &self,
        number: OrderNumber,
        wallet: Wallet,
        settled: &StoredSettled,
    ) -> Result<(), GroupError> {
        let order = self.0.groups.order(number).await?;
        let (at, next_at) = (self.now(), self.now().plus(refund_pause(0)));
        let is_own = order.refunds.iter().any(|record| record.refund.id.0 == settled.number);
        if is_own {
            let (refund, event) = (RefundId(settled.number.clone()), RefundEvent::Confirmed);
            let news = RefundNews { number, refund, event, message: None, at, next_at };
            return self.0.groups.record_refund(news).await.map(drop);
        }
        let of_itself = |record: &&crate::order_group::PaymentRecord| {
            RefundId::of_itself(&record.payment.channel_number).0 == settled.number
        };
        let Some(record) = order.payments.iter().find(of_itself) else {
            tracing::error!(%number, %wallet, settled.number, "a bill settles a refund that is not there");
            return Ok(());
        };
        let (attempt, event) = (record.payment.attempt, GiveBackEvent::Done);
        self.0.groups.record_give_back(GiveBackNews { number, attempt, event, at, next_at }).await
    }
}
