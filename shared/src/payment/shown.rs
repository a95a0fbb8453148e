//! A payment by a code that the till shows and the customer scans. It is an attempt like any other; what differs:
//!
//! - The code is asked for under the attempt's number, and asked for again while nobody has it: without the code
//!   nobody can pay, so nothing can be charged by asking twice.
//! - It may be paid from the moment the code exists until the code's end, which the channel itself keeps. "No such
//!   order" therefore says nothing before that end: some wallets make the order only when the code is scanned.
//! - It ends by closing, which takes no money back. What is found paid while it is being closed *is* paid: the customer
//!   was quicker.

use super::{Action, DeclineReason, Payment, PaymentState, Policy};
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long to wait before a code is asked for again: the customer stands there.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// The code of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownCode {
    /// What the QR code holds, once the channel has said it.
    pub content: Option<String>,
    /// Nobody can pay by it after this.
    pub until: Timestamp,
}

/// What the channel says when asked for a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownOutcome {
    /// There is a code.
    Code {
        /// What the QR code must hold.
        content: String,
        /// Nobody can pay by it after this, as the channel itself sees to.
        until: Timestamp,
    },
    /// There is no code, and nobody was charged.
    Refused(DeclineReason),
    /// No authentic, definite answer: there may be a code, but nobody has seen it.
    Unknown,
}

impl Payment {
    /// The same intent, to be paid by a code that the till shows.
    #[must_use]
    pub fn to_be_shown(mut self, policy: &Policy) -> Self {
        let until = self.sent_at.plus(Duration::from_millis(policy.show_for_ms));
        self.shown = Some(ShownCode { content: None, until });
        self
    }

    /// It is by a shown code, as only the wallet knows. Nobody shows that code any more.
    pub(super) fn shown_after_all(&mut self, now: Timestamp) {
        let over = || ShownCode { content: None, until: now };
        if self.state == PaymentState::Reversing {
            self.shown.get_or_insert_with(over);
        }
    }

    /// The code to show now: while it may be paid, and nobody has given it up.
    #[must_use]
    pub fn code_to_show(&self) -> Option<(&str, Timestamp)> {
        let shown = self.shown.as_ref().filter(|_| self.state == PaymentState::Waiting)?;
        Some((shown.content.as_deref()?, shown.until))
    }

    /// What to ask of an attempt that is not being ended.
    pub(super) fn to_ask(&self, now: Timestamp) -> Action {
        match &self.shown {
            Some(ShownCode { content: None, until }) if now < *until => Action::Show,
            Some(_) | None => Action::Query,
        }
    }

    /// When "no such order" is the truth: no request can be on its way any more, and no code be paid.
    #[must_use]
    pub fn surely_gone_at(&self, policy: &Policy) -> Timestamp {
        match &self.shown {
            Some(shown) => shown.until.plus(Duration::from_millis(policy.shown_grace_ms)),
            None => self.sent_at.plus(Duration::from_millis(policy.no_order_after_ms)),
        }
    }

    /// The clock was set back: a code lives no longer than codes do.
    pub(super) fn clip_shown(&mut self, now: Timestamp, policy: &Policy) {
        if let Some(shown) = &mut self.shown {
            shown.until = shown.until.min(now.plus(Duration::from_millis(policy.show_for_ms)));
        }
    }

    pub(super) fn shown_answered(&mut self, outcome: ShownOutcome, now: Timestamp, policy: &Policy) {
        // Once it is being closed, a code that comes late is shown to nobody.
        let Some(shown) = self.shown.as_mut().filter(|_| self.state != PaymentState::Reversing) else {
            return;
        };
        match outcome {
            ShownOutcome::Code { content, until } => {
                *shown = ShownCode { content: Some(content), until: shown.until.min(until) };
                self.wait(PaymentState::Waiting, now, policy);
            }
            // Another request for it brought a code, and that one counts.
            ShownOutcome::Refused(_) | ShownOutcome::Unknown if shown.content.is_some() => {}
            // The first word about it: there is no code that anybody could have seen.
            ShownOutcome::Refused(reason) if self.state == PaymentState::Sent => {
                self.reason = Some(reason);
                self.enter(PaymentState::Declined, now);
            }
            ShownOutcome::Refused(_) | ShownOutcome::Unknown => {
                self.wait(PaymentState::Unknown, now, policy);
                self.next_at = self.next_at.min(now.plus(ASK_AGAIN));
            }
        }
    }
}
