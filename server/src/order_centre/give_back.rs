//! Giving money back through a channel: one refund number, asked for and asked about until it is settled.

use super::OrderCentre;
use super::lane::Lane;
use super::sweeper::refund_pause;
use crate::channel::{ChannelRefund, ChannelRefundOutcome as Outcome, words};
use crate::order_group::{
    CarryOut, GiveBack, GiveBackEvent, GroupError, LONGEST_ROUND, RefundNews, RefundRecord,
};
use evertill_shared::clock::Timestamp;
use evertill_shared::payment::{QueryOutcome, is_all_back};
use evertill_shared::refund::{Refund, RefundEvent, refusal_is_final};
use evertill_shared::wallet::Wallet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// When a task began, by both clocks.
pub(super) type Since = (Duration, Timestamp);

impl OrderCentre {
    /// Carries a refund out and waits a while for the wallet's answer. A cash refund is done at once. Repeating
    /// it only looks.
    /// # Errors
    /// See [`GroupError`].
    pub async fn carry_out(&self, carry_out: CarryOut) -> Result<Refund, GroupError> {
        let (written, on_disk) = oneshot::channel();
        let (settled, answer) = oneshot::channel();
        let centre = self.clone();
        self.spawn(async move {
            let since = centre.clocks();
            let sent = centre.0.groups.carry_out_refund(carry_out).await;
            let ask = sent.as_ref().ok().filter(|sent| sent.fresh).map(|sent| sent.record.clone());
            let _ = written.send(sent.map(|sent| sent.record));
            if let Some(record) = ask {
                let _ = settled.send(centre.send_refund(record, since).await);
            }
        });
        let on_disk = tokio::time::timeout(self.0.groups.call_limit(), on_disk).await;
        let record = on_disk
            .ok()
            .and_then(Result::ok)
            .unwrap_or_else(|| Err(GroupError::silent(self.0.groups.call_limit())))?;
        let refund = match tokio::time::timeout(self.0.settings.answer_wait, answer).await {
            Ok(Ok(Some(settled))) => settled.refund,
            // Still under way, or nothing had to be asked.
            _ => record.refund,
        };
        Ok(refund)
    }

    async fn send_refund(&self, record: RefundRecord, since: Since) -> Option<RefundRecord> {
        let (lane, asked) = self.refund_call(&record)?;
        let outcome = {
            // Without a free place the sweeper sends it: a refund can wait. The place is the wallet's: it is not
            // kept while the answer waits for its group.
            let _place = lane.refund_place()?;
            if self.may_be_anothers(since) {
                return None;
            }
            lane.refund(&asked).await
        };
        let at = self.now();
        self.write_refund(&record, outcome, at.plus(refund_pause(record.tries))).await
    }

    /// Asks about a refund that is under way, and sends it again under its own number if the channel has never
    /// heard of it. What it was sent before, at that time at the latest, may be on its way still: the refusal of another
    /// request under its number says nothing about that one.
    pub(super) async fn ask_about_refund(
        &self,
        record: RefundRecord,
        asked_at: Option<Timestamp>,
        since: Since,
    ) -> Option<RefundRecord> {
        let (lane, asked) = self.refund_call(&record)?;
        let mut outcome = lane.query_refund(&asked).await;
        let mut next_at = self.now().plus(refund_pause(record.tries));
        // What a person was told to finish they may have finished: nothing is sent for it any more.
        if outcome == Outcome::NoSuchRefund && !record.by_hand {
            if self.may_be_anothers(since) {
                return None;
            }
            outcome = lane.refund(&asked).await;
            let (now, alive) = (self.now(), self.alive(lane.channel().wallet()));
            let refused = matches!(outcome, Outcome::Refused(_) | Outcome::Closed(_));
            if refused && !refusal_is_final(asked_at, now, alive) {
                tracing::warn!(refund = %record.refund.id, "a refund was refused that may be on its way: asked again");
                (outcome, next_at) = (Outcome::Unknown, now.plus(alive));
            }
        }
        self.write_refund(&record, outcome, next_at).await
    }

    /// So long a request may be on its way to a wallet.
    fn alive(&self, wallet: Wallet) -> Duration {
        Duration::from_millis(self.policy(wallet).no_order_after_ms)
    }

    /// A process that slept, or waited long for an answer, must not send what another may be sending by now: what is left
    /// of its lease would not last for the calls that follow.
    pub(super) fn may_be_anothers(&self, since: Since) -> bool {
        self.is_over(self.0.settings.refund_lease / 3, since)
    }

    fn refund_call(&self, record: &RefundRecord) -> Option<(Arc<Lane>, ChannelRefund)> {
        let wallet = record.paid_by.wallet()?;
        let Some(number) = record.channel_number.clone() else {
            tracing::error!(refund = %record.refund.id, "a refund of a payment that is not there");
            return None;
        };
        let asked = ChannelRefund {
            refund: record.refund.id.clone(),
            number,
            paid: record.paid,
            amount: record.refund.amount,
            interface: record.interface,
            reason: record.refund.reason.clone(),
        };
        Some((self.lane(wallet, record.account)?, asked))
    }

    /// Whether a refund that comes to nothing can be asked for once more: on the day of its sale only. After that the customer
    /// would be left without the money that they were promised, and nobody would be told.
    fn can_be_asked_for_again(&self, record: &RefundRecord) -> bool {
        let day = |at| self.0.groups.business_day(at);
        day(self.now()) <= day(record.refund.requested_at)
    }

    /// Writes the channel's answer down until it is in. Only a definite refusal frees the money.
    async fn write_refund(
        &self,
        record: &RefundRecord,
        outcome: Outcome,
        next_at: Timestamp,
    ) -> Option<RefundRecord> {
        let (event, message) = match outcome {
            Outcome::Done => (RefundEvent::Confirmed, None),
            Outcome::Closed(_) if !self.can_be_asked_for_again(record) => {
                (RefundEvent::UnderWay, Some(words::REFUND_CLOSED_LATE.to_owned()))
            }
            Outcome::Refused(message) if !self.can_be_asked_for_again(record) => {
                (RefundEvent::UnderWay, Some(message))
            }
            Outcome::Refused(message) | Outcome::Closed(message) => (RefundEvent::Refused, Some(message)),
            Outcome::Processing => (RefundEvent::UnderWay, None),
            Outcome::NeedsAPerson(message) => (RefundEvent::UnderWay, Some(message)),
            Outcome::NoSuchRefund | Outcome::Unknown => (RefundEvent::NoAnswer, None),
        };
        let at = self.now();
        let news = RefundNews {
            number: record.refund.order,
            refund: record.refund.id.clone(),
            event,
            message,
            at,
            next_at,
        };
        let mut pause = Duration::from_millis(100);
        loop {
            match self.0.groups.record_refund(news.clone()).await {
                Ok(record) => return Some(record),
                Err(error) => {
                    tracing::warn!(refund = %news.refund, %error, "a refund's answer is not written down yet");
                    // What is unknown is asked again anyway; a definite word must not be lost.
                    if event == RefundEvent::NoAnswer || matches!(error, GroupError::Refused(_)) {
                        return None;
                    }
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    /// Gives back by itself what an attempt took though nobody needed it: asks first whether it went back already
    /// under its number, and whether the wallet holds it at all.
    pub(super) async fn give_back(&self, due: GiveBack) {
        let Some(lane) = self.lane(due.wallet, due.account) else { return };
        let since = self.clocks();
        let due = match self.0.groups.lease_give_back(due, self.refund_lease()).await {
            Ok(Some(due)) => due,
            Ok(None) => return,
            Err(error) => return tracing::debug!(%error, "no lease on money that goes back"),
        };
        let Some((round, event)) = self.send_back(&lane, &due, since).await else { return };
        count(&due, &event);
        let at = self.now();
        // Before it is sent under another number, nothing that was sent under this one can be on its way any more.
        let pause = match &event {
            // Each round waits twice as long as the one before: an empty account is not filled in minutes.
            GiveBackEvent::Closed(_) => {
                let longer = self.alive(due.wallet).saturating_mul(1 << due.round.min(16));
                longer.min(LONGEST_ROUND).max(refund_pause(due.tries))
            }
            _ => refund_pause(due.tries),
        };
        let news = due.news(round, event, at, at.plus(pause));
        if let Err(error) = self.0.groups.record_give_back(news).await {
            tracing::warn!(number = %due.number, %error, "what came of giving back is asked for again later");
        }
    }

    /// Sends money back under its number: asks first whether it went back already, and whether the wallet holds it at all.
    /// A round after the first begins only if every number before it is as dead as it was when its round ended. Gives the
    /// round that is spoken of; nothing if the lease may be over.
    async fn send_back(&self, lane: &Arc<Lane>, due: &GiveBack, since: Since) -> Option<(u8, GiveBackEvent)> {
        let mut earlier = JoinSet::new();
        for round in 0..due.round {
            let (lane, refund) = (Arc::clone(lane), asked_in(due, round));
            earlier.spawn(async move { (round, lane.query_refund(&refund).await) });
        }
        let earlier = earlier.join_all().await;
        if let Some((round, _)) = earlier.iter().find(|(_, said)| *said == Outcome::Done) {
            return Some((*round, GiveBackEvent::Done));
        }
        for (round, said) in earlier {
            match said {
                Outcome::Closed(_) | Outcome::NoSuchRefund => {}
                Outcome::NeedsAPerson(words) => return Some((round, GiveBackEvent::NotYet(Some(words)))),
                _ => return Some((round, GiveBackEvent::NotYet(None))),
            }
        }
        let asked = asked_in(due, due.round);
        let event = match lane.query_refund(&asked).await {
            Outcome::NoSuchRefund | Outcome::Refused(_) => {
                match lane.query(&asked.number, asked.paid).await {
                    QueryOutcome::Paid { .. } => {
                        // Somebody may have given it back at the wallet itself, which says "paid" all the same.
                        let went_back = lane.went_back(&asked.number, asked.paid).await;
                        if is_all_back(went_back, asked.paid) {
                            return Some((due.round, GiveBackEvent::WentBack));
                        }
                        if self.may_be_anothers(since) {
                            return None;
                        }
                        given_back(lane.refund(&asked).await)
                    }
                    QueryOutcome::Reversed => GiveBackEvent::NothingTaken,
                    _ => GiveBackEvent::NotYet(None),
                }
            }
            outcome => given_back(outcome),
        };
        Some((due.round, event))
    }
}

fn asked_in(due: &GiveBack, round: u8) -> ChannelRefund {
    ChannelRefund {
        refund: due.refund_in(round),
        number: due.channel_number.clone(),
        paid: due.amount,
        amount: due.amount,
        interface: due.interface,
        reason: "paid twice".into(),
    }
}

fn count(due: &GiveBack, event: &GiveBackEvent) {
    let outcome = match event {
        GiveBackEvent::Done => "done",
        GiveBackEvent::WentBack => "went_back",
        GiveBackEvent::NothingTaken => "nothing_taken",
        GiveBackEvent::Closed(_) => "closed",
        GiveBackEvent::UnderWay | GiveBackEvent::NeedsAPerson(_) | GiveBackEvent::NotYet(_) => "not_yet",
    };
    let wallet = due.wallet.to_string();
    metrics::counter!("evertill_give_backs_total", "wallet" => wallet, "outcome" => outcome).increment(1);
}

fn given_back(outcome: Outcome) -> GiveBackEvent {
    match outcome {
        Outcome::Done => GiveBackEvent::Done,
        Outcome::Closed(words) => GiveBackEvent::Closed(words),
        Outcome::NeedsAPerson(words) => GiveBackEvent::NeedsAPerson(words),
        Outcome::Refused(words) => GiveBackEvent::NotYet(Some(words)),
        Outcome::Processing => GiveBackEvent::UnderWay,
        Outcome::NoSuchRefund | Outcome::Unknown => GiveBackEvent::NotYet(None),
    }
}
