//! Charging a code: the intent on disk, the channel's answer, the answer on disk.

use super::OrderCentre;
use super::lane::{Lane, Ready};
use crate::channel::Charge;
use crate::order_group::{Adoption, GroupError, Guard, KeptEntry, NewPayment, PaymentNews, PaymentRecord};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, Attempt, ChannelNumber};
use evertill_shared::money::Amount;
use evertill_shared::payment::{Change, DeclineReason, Event, PayOutcome, Payment, PaymentState};
use evertill_shared::protocol::orders::PaymentView;
use evertill_shared::routing::Kind;
use evertill_shared::secret::AuthCode;
use evertill_shared::wallet::Wallet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// A code to charge, and the signed entries that it rests on.
#[derive(Clone, Debug)]
pub struct NewCharge {
    /// The till's choice of the number.
    pub adoption: Adoption,
    /// The entry that requests the payment.
    pub requested: KeptEntry,
    /// The entry that says that a part was taken in cash before, if only the rest is requested.
    pub cash_part: Option<KeptEntry>,
    /// Which try.
    pub attempt: Attempt,
    /// Whose code it is.
    pub wallet: Wallet,
    /// The number that the wallet will see.
    pub channel_number: ChannelNumber,
    /// How much.
    pub amount: Amount,
    /// By whose code.
    pub means: Means,
    /// Against replays.
    pub guard: Guard,
}

/// By whose code an attempt is paid.
#[derive(Clone, Debug)]
pub enum Means {
    /// The customer's: it is charged.
    Scanned(AuthCode),
    /// The till's: it is shown, and the customer scans it.
    Shown,
}

/// What a wallet will be asked for, and the way there.
struct Asked {
    lane: Arc<Lane>,
    request: Charge,
}

impl Asked {
    fn ready(&self) -> Ready<'_> {
        self.lane.ready(&self.request)
    }
}

/// Pauses between tries to write an answer down.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl OrderCentre {
    /// The intent for such a payment, as of now.
    #[must_use]
    pub fn intent(&self, attempt: Attempt, wallet: Wallet, number: ChannelNumber, amount: Amount) -> Payment {
        Payment::intent(attempt, wallet, number, amount, self.now(), self.policy(wallet))
    }

    /// The same for an attempt that its group has not heard of. Whoever sends one writes it down before; but a group that
    /// was put back to an older state has lost what was written, so every account is asked, and not one alone believed.
    #[must_use]
    pub fn intent_never_seen(
        &self,
        attempt: Attempt,
        wallet: Wallet,
        number: ChannelNumber,
        amount: Amount,
    ) -> Payment {
        let account = AccountId::NOT_KNOWN;
        Payment { account, ..self.intent(attempt, wallet, number, amount) }
    }

    /// Makes the intent durable, charges the code, and waits a while for the answer. If that takes too long, or
    /// if nobody waits any more, it goes on all the same; the till then asks where the payment stands. An
    /// attempt that is known already is only looked at.
    /// # Errors
    /// See [`GroupError`]. After [`GroupError::Unknown`] the code may or may not be charged.
    pub async fn start(&self, charge: NewCharge) -> Result<PaymentView, GroupError> {
        let (written, on_disk) = oneshot::channel();
        let (settled, answer) = oneshot::channel();
        let (heard, word) = oneshot::channel();
        let centre = self.clone();
        self.spawn(async move {
            let since = centre.clocks();
            let intent = centre.intent_of(&charge);
            let asked = centre.asked_of(&charge, &intent);
            // The request is signed while the intent goes to the disk, and leaves when it is there.
            let (begun, ready) = tokio::join! {
                biased;
                centre.begin(&charge, intent),
                async { asked.as_ref().map(Asked::ready) },
            };
            let go_on =
                begun.as_ref().ok().filter(|(_, fresh)| *fresh).map(|(record, _)| record.payment.clone());
            let _ = written.send(begun.map(|(record, _)| record));
            if let Some(intent) = go_on {
                let answered = centre.ask(&charge, &intent, ready, since).await;
                let _ = heard.send(()); // nobody may be waiting any more
                // The code has been used: it is wiped as soon as it is not needed.
                drop(asked);
                let _ = settled.send(centre.take_down(charge, &intent, answered).await);
            }
        });
        let (limit, asked_at) = (self.0.groups.call_limit(), self.0.clock.monotonic());
        let on_disk = tokio::time::timeout(limit, on_disk).await;
        // Neither the time-out nor a task that vanished says what happened.
        let silent = || Err(GroupError::silent(limit));
        let record = on_disk.ok().and_then(Result::ok).unwrap_or_else(silent)?;
        let for_the_group = limit.saturating_sub(self.0.clock.monotonic().saturating_sub(asked_at));
        // Still under way, or there was nothing to charge.
        let payment = self.settled_in_time(word, answer, for_the_group).await.unwrap_or(record.payment);
        Ok(self.view(&payment))
    }

    /// Waits for the channel's word as long as a till may wait for it; and then for the group to take the word in. The
    /// group's two writes together are waited for no longer than any other call of it: a till whose group is slow or
    /// away is told so, and asks again.
    async fn settled_in_time(
        &self,
        word: oneshot::Receiver<()>,
        mut answer: oneshot::Receiver<Payment>,
        for_the_group: Duration,
    ) -> Option<Payment> {
        let heard = tokio::time::timeout(self.0.settings.answer_wait, word);
        tokio::select! {
            biased;
            settled = &mut answer => return settled.ok(),
            heard = heard => heard.ok()?.ok()?,
        }
        tokio::time::timeout(for_the_group, answer).await.ok()?.ok()
    }

    /// What is written down before anybody is asked: to whom it goes, or that it goes to nobody.
    fn intent_of(&self, charge: &NewCharge) -> Payment {
        let (wallet, number) = (charge.wallet, charge.channel_number.clone());
        let mut intent = self.intent(charge.attempt, wallet, number.clone(), charge.amount);
        if matches!(charge.means, Means::Shown) {
            intent = intent.to_be_shown(self.policy(wallet));
        }
        let kind = match charge.means {
            Means::Scanned(_) => Kind::Scanned,
            Means::Shown => Kind::Shown,
        };
        let chosen = match self.time_is_agreed() {
            true => self.choose(wallet, charge.amount, kind, &number),
            // Nobody could say when it was sent, and when it is over.
            false => Err(DeclineReason::ChannelUnreachable),
        };
        match chosen {
            Ok(account) => {
                intent.account = account;
                // Of a code that is shown the wallet says itself how it was made.
                if matches!(kind, Kind::Scanned)
                    && let Some(lane) = self.lane(wallet, account)
                {
                    intent.interface = lane.channel().interface();
                }
            }
            // Written down all the same: the attempt is surely over, and the till may go on to another wallet.
            Err(reason) => {
                let refused = Event::Pay(PayOutcome::Refused(reason));
                intent.on(refused, self.now(), self.policy(wallet));
            }
        }
        intent
    }

    async fn begin(&self, charge: &NewCharge, intent: Payment) -> Result<(PaymentRecord, bool), GroupError> {
        let started = self
            .0
            .groups
            .start_payment(NewPayment {
                adoption: charge.adoption.clone(),
                requested: charge.requested.clone(),
                cash_part: charge.cash_part.clone(),
                intent,
                lease: self.lease(),
                guard: charge.guard.clone(),
            })
            .await?;
        Ok((started.record, started.fresh))
    }

    /// Both clocks: the one counts no sleep of the machine, the other may be set.
    pub(super) fn clocks(&self) -> (Duration, Timestamp) {
        (self.0.clock.monotonic(), self.now())
    }

    /// What the wallet will be asked for, if a code is to be charged and there is a way to the wallet.
    fn asked_of(&self, charge: &NewCharge, intent: &Payment) -> Option<Asked> {
        let Means::Scanned(code) = &charge.means else { return None };
        if intent.state.is_final() {
            return None;
        }
        let lane = self.lane(charge.wallet, intent.account)?;
        let request = Charge {
            number: charge.channel_number.clone(),
            amount: charge.amount,
            interface: intent.interface,
            auth_code: code.clone(),
            description: self.0.groups.store().name.clone(),
            device: charge.adoption.sale.key.terminal.to_string(),
        };
        Some(Asked { lane, request })
    }

    /// Asks the channel, once.
    async fn ask(
        &self,
        charge: &NewCharge,
        intent: &Payment,
        ready: Option<Ready<'_>>,
        since: (Duration, Timestamp),
    ) -> Event {
        match &charge.means {
            Means::Scanned(_) => Event::Pay(self.ask_for_money(ready, since).await),
            Means::Shown => Event::Shown(self.ask_for_code(intent, charge.adoption.sale.key.terminal).await),
        }
    }

    async fn ask_for_money(&self, ready: Option<Ready<'_>>, since: (Duration, Timestamp)) -> PayOutcome {
        let unreachable = PayOutcome::Refused(DeclineReason::ChannelUnreachable);
        let Some(ready) = ready else { return unreachable };
        // A process that slept through its lease must not charge what others may have given up since. Only we
        // have the code, so it was surely not charged. Before a place is taken: it may be the one charge that tries whether
        // the wallet answers again.
        if self.is_over(self.0.settings.lease, since) {
            return unreachable;
        }
        let Some(_place) = ready.lane().charge_place() else { return unreachable };
        ready.send().await
    }

    /// Writes down what the channel answered.
    async fn take_down(&self, charge: NewCharge, intent: &Payment, event: Event) -> Payment {
        let (number, attempt, wallet) = (charge.adoption.number, charge.attempt, charge.wallet);
        drop(charge);
        let news = PaymentNews {
            number,
            attempt,
            event,
            found_at: None,
            at: self.now(),
            policy: *self.policy(wallet),
        };
        self.write_down(news, intent).await
    }

    /// Writes the channel's answer down until it is in. A refusal of the rules would mean that the intent is gone, as
    /// after a group was put back to an older state: that is told, and the bill will tell of it; nothing more can be done
    /// here.
    async fn write_down(&self, news: PaymentNews, intent: &Payment) -> Payment {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.0.groups.record_payment(news.clone()).await {
                Ok((record, change)) => {
                    count(&record, change);
                    return record.payment;
                }
                Err(error @ GroupError::Refused(_)) => {
                    tracing::error!(number = %news.number, attempt = news.attempt, %error, event = ?news.event,
                        "a channel answered about a payment that is not there");
                    return intent.clone();
                }
                Err(error) => {
                    tracing::warn!(number = %news.number, attempt = news.attempt, %error,
                        "a channel's answer could not be written down yet");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Writes down what a question in the background brought, trying no longer than the lease lasts: the
    /// question can be asked again.
    pub(super) async fn write_down_briefly(
        &self,
        news: PaymentNews,
    ) -> Result<(PaymentState, Change), GroupError> {
        let until = self.0.clock.monotonic() + self.0.settings.lease;
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.0.groups.record_payment(news.clone()).await {
                Ok((record, change)) => {
                    count(&record, change);
                    return Ok((record.payment.state, change));
                }
                Err(error) => error,
            };
            if matches!(error, GroupError::Refused(_)) || self.0.clock.monotonic() + pause > until {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
}

/// Counts what became of a payment, each state once.
fn count(record: &PaymentRecord, change: Change) {
    let outcome = match change {
        Change::None => return,
        Change::State => record.payment.state.as_str(),
        Change::LateSuccess => "late_success",
    };
    let wallet = record.payment.wallet.to_string();
    metrics::counter!("evertill_payments_total", "wallet" => wallet, "outcome" => outcome).increment(1);
}
