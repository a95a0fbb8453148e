//! Codes that tills show: asking for one, and what wallets tell by themselves. A notification is a reason to ask the
//! wallet at once, and no more: there is one way for a payment to become paid.

use super::OrderCentre;
use super::lane::{Errand, Lane};
use crate::channel::{NotificationError, Notified, ShownOrder};
use crate::order_group::{PaymentNews, PaymentRecord};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, TerminalId};
use evertill_shared::payment::{DeclineReason, Event, Payment, PaymentState, QueryOutcome, ShownOutcome};
use evertill_shared::wallet::Wallet;
use std::time::Duration;
use tokio::sync::oneshot;

/// How often somebody else who asks about the same attempt is waited for, and how long.
const OTHERS: (u32, Duration) = (4, Duration::from_millis(250));

/// What became of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenIn {
    /// What it speaks of is settled and written down: status, content type and body of the answer to it.
    Thanks(u16, &'static str, Vec<u8>),
    /// It counts for nothing.
    Refused(NotificationError),
    /// Authentic, and yet not about any attempt of ours as we know it.
    Stranger,
    /// It could not be settled now: the wallet should tell again.
    Later,
}

impl TakenIn {
    /// Its word in logs and metrics.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Thanks(..) => "taken",
            Self::Refused(_) => "refused",
            Self::Stranger => "stranger",
            Self::Later => "later",
        }
    }
}

impl OrderCentre {
    /// Asks for the code of an attempt whose intent is on disk, for a customer who waits.
    pub(super) async fn ask_for_code(&self, intent: &Payment, terminal: TerminalId) -> ShownOutcome {
        let unreachable = ShownOutcome::Refused(DeclineReason::ChannelUnreachable);
        let Some(lane) = self.lane(intent.wallet, intent.account) else { return unreachable };
        let Some(_place) = lane.charge_place() else { return unreachable };
        self.code_from(&lane, intent, terminal).await
    }

    pub(super) async fn code_from(
        &self,
        lane: &Lane,
        payment: &Payment,
        terminal: TerminalId,
    ) -> ShownOutcome {
        let Some(shown) = &payment.shown else { return ShownOutcome::Unknown };
        let order = ShownOrder {
            number: payment.channel_number.clone(),
            amount: payment.amount,
            description: self.0.groups.store().name.clone(),
            device: terminal.to_string(),
            until: shown.until,
        };
        lane.create(&order).await
    }

    /// Takes in what somebody says is a notification of that wallet's. What is asked because of it is asked where payments
    /// are made: a connection belongs to the threads that opened it.
    pub async fn notified(&self, wallet: Wallet, headers: &[(String, String)], body: &[u8]) -> TakenIn {
        let (sent, taken) = oneshot::channel();
        let (centre, headers, body) = (self.clone(), headers.to_vec(), body.to_vec());
        self.spawn(async move {
            let _ = sent.send(centre.take_in(wallet, &headers, &body).await); // nobody may be waiting any more
        });
        let taken = taken.await.unwrap_or(TakenIn::Later);
        let labels = [("wallet", wallet.to_string()), ("outcome", taken.word().to_owned())];
        metrics::counter!("evertill_notifications_total", &labels).increment(1);
        taken
    }

    async fn take_in(&self, wallet: Wallet, headers: &[(String, String)], body: &[u8]) -> TakenIn {
        // One address serves all accounts: whose it is shows in what it is signed and sealed for.
        let mut refused = NotificationError::Unreadable("this store has no such wallet");
        let mut authentic = None;
        for lane in self.lanes_of(wallet) {
            match lane.shown().map(|codes| codes.notification(headers, body)) {
                Some(Ok(notified)) => {
                    authentic = Some((lane, notified));
                    break;
                }
                // Of several refusals the one that came furthest says most.
                Some(Err(error)) if !matches!(refused, NotificationError::Mismatch(_)) => refused = error,
                Some(Err(_)) | None => {}
            }
        }
        let Some((lane, notified)) = authentic else {
            tracing::warn!(%wallet, error = %refused, "a notification was refused; nothing changes by it");
            return TakenIn::Refused(refused);
        };
        let Some(codes) = lane.shown() else { return TakenIn::Later };
        let settled = self.settle_notified(&lane, wallet, &notified).await;
        match settled {
            Ok(()) => {
                let (status, kind, body) = codes.thanks();
                TakenIn::Thanks(status, kind, body)
            }
            Err(taken) => {
                let (number, said) = (&notified.number, taken.word());
                tracing::warn!(%wallet, %number, said, "a notification could not be settled");
                taken
            }
        }
    }

    async fn settle_notified(&self, lane: &Lane, wallet: Wallet, notified: &Notified) -> Result<(), TakenIn> {
        let (mut tries, pause) = OTHERS;
        loop {
            let found = self.0.groups.payment_of(&notified.number).await;
            let record = found.map_err(|_| TakenIn::Later)?.ok_or(TakenIn::Stranger)?;
            let payment = &record.payment;
            let is_its_own = payment.account == AccountId::NOT_KNOWN
                || self.lane(wallet, payment.account).is_some_and(|own| own.is_same(lane));
            if payment.wallet != wallet || payment.amount != notified.amount || !is_its_own {
                tracing::error!(%wallet, number = %notified.number, amount = notified.amount.minor,
                    asked = payment.amount.minor, "an authentic notification speaks of another payment than ours");
                return Err(TakenIn::Stranger);
            }
            let known = payment.state == PaymentState::Paid
                || payment.transaction.as_deref() == Some(notified.transaction.as_str());
            if known {
                return Ok(());
            }
            if let Some(end) = self.ask_at_once(lane, record).await {
                return end;
            }
            if tries == 0 {
                return Err(TakenIn::Later);
            }
            tries -= 1;
            tokio::time::sleep(pause).await;
        }
    }

    /// Asks where an attempt stands, due or not; `None` if somebody else is at it.
    async fn ask_at_once(&self, lane: &Lane, record: PaymentRecord) -> Option<Result<(), TakenIn>> {
        let (number, attempt, wallet) = (record.number, record.payment.attempt, record.payment.wallet);
        let later = Some(Err(TakenIn::Later));
        let Some(_place) = lane.errand_place(number.tag(), Errand::Payments) else { return later };
        // What is over already is nobody's any more; the answer may still be a second fact about it.
        if !record.payment.state.is_final() {
            match self.0.groups.lease_payment(&record, self.lease()).await {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(_) => return later,
            }
        }
        let at = self.now();
        let (outcome, found_at) = match record.payment.account {
            AccountId::NOT_KNOWN => match self.ask_all_at_once(&record, at).await {
                Some(found) => found,
                None => return later,
            },
            _ => (lane.query(&record.payment.channel_number, record.payment.amount).await, None),
        };
        let event = Event::Query(outcome);
        let news = PaymentNews { number, attempt, event, found_at, at, policy: *self.policy(wallet) };
        match self.write_down_briefly(news).await {
            Ok((state, _)) if state.is_final() => Some(Ok(())),
            Ok(_) | Err(_) => later,
        }
    }

    /// The same of an attempt whose record was lost: that one account has the money does not make it the one that is kept.
    /// Nothing if they do not say together how it stands; the sweeper looks on.
    async fn ask_all_at_once(
        &self,
        record: &PaymentRecord,
        at: Timestamp,
    ) -> Option<(QueryOutcome, Option<AccountId>)> {
        let since = self.clocks();
        let others = self.others(record).await.ok()?;
        let found = self.search(&record.payment, &others).await;
        // What is over may have been looked at for the last time already. Nobody else chooses another to be kept any more:
        // none is, and what it took goes back from each.
        if record.payment.state.is_final() {
            self.end_elsewhere(&found, &others, record, (at, since)).await;
        }
        let is_said = !matches!(found.outcome, QueryOutcome::NoSuchOrder | QueryOutcome::Unknown);
        is_said.then_some((found.outcome, found.at))
    }
}
