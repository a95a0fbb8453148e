//! The bill, as the channel's last word about what nobody knew the end of. It is taken in as every other word of the
//! channel is: by the same state machines, in the same transactions.

use super::OrderCentre;
use super::sweeper::refund_pause;
use crate::base_store::StoredSettled;
use crate::order_group::{GiveBack, GiveBackEvent, GroupError, PaymentNews, PaymentRecord, RefundNews};
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
        let its_own = |record: &&PaymentRecord| record.payment.channel_number.as_str() == settled.number;
        let Some(record) = order.payments.iter().find(its_own) else {
            tracing::error!(%number, settled.number, "a bill settles an attempt that is not there");
            return Ok(());
        };
        let payment = &record.payment;
        let is_lost = payment.account == AccountId::NOT_KNOWN;
        if !is_lost && !self.may_be_in_bill(wallet, payment.account, settled.account) {
            tracing::warn!(%number, attempt = payment.attempt, account = %payment.account, bill_of = %settled.account,
                "a bill of another account than an attempt's own settles nothing of it: its own is asked on");
            return Ok(());
        }
        let said = match (settled.moved, &settled.transaction) {
            (true, _) if is_lost => self.whose_it_is(record).await?,
            (true, transaction) => {
                Some((QueryOutcome::Paid { transaction: transaction.clone().unwrap_or_default() }, None))
            }
            // One account's "taken back" is no word about the others: the sweeper goes on asking all of them.
            (false, _) if is_lost && !self.is_at_most_at(payment, settled.account) => None,
            (false, _) => Some((QueryOutcome::Reversed, None)),
        };
        let Some((outcome, found_at)) = said else { return Ok(()) };
        tracing::info!(%number, attempt = payment.attempt, moved = settled.moved, "a bill settles a payment");
        let (event, at, policy) = (Event::Query(outcome), self.now(), *self.policy(wallet));
        let news = PaymentNews { number, attempt: payment.attempt, event, found_at, at, policy };
        self.0.groups.record_payment(news).await.map(drop)
    }

    /// What has been paid of an attempt whose record was lost is to go back, and needs its account for that: only the accounts
    /// themselves know whose it is. Nothing if the line tells of what goes back as a refund already; the attempt itself is
    /// asked about on.
    async fn whose_it_is(
        &self,
        record: &PaymentRecord,
    ) -> Result<Option<(QueryOutcome, Option<AccountId>)>, GroupError> {
        let (payment, others) = (&record.payment, self.others(record).await?);
        let (wallet, number) = (payment.wallet, &payment.channel_number);
        let words = match self.search_all(payment, &others).await {
            Found { outcome, at: Some(at), .. } => return Ok(Some((outcome, Some(at)))),
            // The sweeper takes it back at all but one, and the bill is told again.
            Found { too_many, .. } if !too_many.is_empty() => {
                format!("more accounts at {wallet} than one have {number}")
            }
            Found { .. } if !others.given_back.is_empty() => return Ok(None),
            Found { .. } => format!("no account at {wallet} says that it has {number}"),
        };
        Err(GroupError::Unknown(words))
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
        let all = self.0.groups.give_backs_of(number).await?;
        let round_of = |one: &GiveBack| one.round_of(&settled.number).map(|round| (one.clone(), round));
        // A bill names no account: of several that send back under one number the wallets themselves tell.
        let mut of_itself = all.iter().filter_map(round_of);
        match (of_itself.next(), of_itself.next()) {
            (Some((one, round)), None) => {
                self.0.groups.record_give_back(one.news(round, GiveBackEvent::Done, at, next_at)).await
            }
            (Some(_), Some(_)) => Ok(()),
            (None, _) => {
                tracing::error!(%number, %wallet, settled.number, "a bill settles a refund that is not there");
                Ok(())
            }
        }
    }
}
