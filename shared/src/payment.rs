//! One attempt to pay through a channel: a pure state machine that owns the attempt until its end is surely
//! known (rules *known-or-unknown*, *intent-first*, *channel-number*).
//!
//! ```text
//!            pay answered            query answered
//!  Sent ──────────────┬─▶ Paid ◀───────────────┐
//!   │                 ├─▶ Declined             │
//!   │                 ├─▶ Waiting  ── query ───┤   (the customer types a password)
//!   └─ crash, no answer ▶ Unknown ── query ────┘
//!                          Waiting | Unknown ── deadline, give up, failed ──▶ Reversing ──▶ Reversed
//! ```
//!
//! `Paid`, `Declined` and `Reversed` are final. What a channel says later is a second fact, never a reopening; and
//! so that it is heard, an attempt that ended without money is asked about once more, some minutes later.
//! [`surplus`] tells which successes of a sale are not needed.
//!
//! A code that the till shows goes the same way: [`shown`] says what differs.

use crate::clock::Timestamp;
use crate::id::{AccountId, Attempt, ChannelNumber, Interface};
use crate::money::Amount;
use crate::wallet::Wallet;
use serde::{Deserialize, Serialize};
use std::time::Duration;

mod after;
mod found;
mod shown;
mod stuck;
mod surplus;

pub use found::{Found, Others, found_among};
pub use shown::{ShownCode, ShownOutcome};
pub use stuck::{Stuck, is_all_back};
pub use surplus::{Success, surplus};

/// Why a wallet surely did not pay, in words that a cashier can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineReason {
    /// The code is too old, used before, or unreadable: ask the customer to refresh it, and scan again.
    CodeExpired,
    /// Not enough money in the wallet.
    NotEnoughFunds,
    /// The card behind the wallet is not accepted.
    CardNotAccepted,
    /// The wallet suspects fraud or a limit is exceeded.
    LimitOrRisk,
    /// Our own settings at the wallet are wrong: no cashier can mend that.
    Configuration,
    /// The request never reached the wallet: no connection could be made, or the channel is switched off.
    ChannelUnreachable,
    /// None of the store's accounts at the wallet takes such a payment, by the store's own rules: take another tender.
    NoAccount,
    /// The store's accounts at the wallet take payments like this one, and not of such an amount: take another tender.
    OutsideLimits,
    /// The customer cancelled, or the wallet failed the payment. So a program reads a reason of a newer one, too.
    #[serde(other)]
    PaymentFailed,
}

/// What is said about an attempt after the pay call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayOutcome {
    /// The wallet's authentic word: paid. `transaction` is its own number.
    ConfirmedSuccess {
        /// The wallet's number of the transaction.
        transaction: String,
    },
    /// The wallet's authentic word: not paid, and never will be under this number.
    ConfirmedFailure(DeclineReason),
    /// The customer must act (a password).
    Waiting,
    /// No answer, an unreadable one, or "system error": it may have been charged.
    Unknown,
    /// Surely never reached the channel.
    Refused(DeclineReason),
}

/// What the channel says when asked about an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryOutcome {
    /// Paid.
    Paid {
        /// The wallet's number of the transaction.
        transaction: String,
    },
    /// The customer must still act.
    Waiting,
    /// Known there, not paid yet.
    NotPaid,
    /// The payment failed there; it is taken back all the same, so that it surely ends.
    Failed(DeclineReason),
    /// Closed or taken back for good.
    Reversed,
    /// "No such order": provisional, since the request may still be on its way.
    NoSuchOrder,
    /// No authentic, definite answer.
    Unknown,
}

/// What the channel says when asked to take an attempt back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReverseOutcome {
    /// Taken back: confirmed by asking once more.
    Reversed,
    /// Not now: ask again.
    Retry,
    /// Surely not, and never by this call: it is too long ago for the wallet. What it took goes back as a refund.
    TooLate,
    /// No authentic, definite answer: ask again.
    Unknown,
    /// The channel knows no such order.
    NoSuchOrder,
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// The intent is on disk; the channel is being asked.
    Sent,
    /// The customer is typing a password, or may scan the code that the till shows.
    Waiting,
    /// Being taken back.
    Reversing,
    /// The money is there.
    Paid,
    /// Surely not paid.
    Declined,
    /// Surely taken back.
    Reversed,
    /// It may have been charged, or not. So a program reads a state of a newer one, too.
    #[serde(other)]
    Unknown,
}

impl PaymentState {
    /// Every state there is.
    pub const ALL: [Self; 7] = [
        Self::Sent,
        Self::Waiting,
        Self::Unknown,
        Self::Reversing,
        Self::Paid,
        Self::Declined,
        Self::Reversed,
    ];

    /// Whether nothing more can happen to it.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Paid | Self::Declined | Self::Reversed)
    }

    /// Whether the customer has surely not been charged, so that a new attempt under a new number may start.
    #[must_use]
    pub fn surely_not_charged(self) -> bool {
        matches!(self, Self::Declined | Self::Reversed)
    }

    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Waiting => "waiting",
            Self::Unknown => "unknown",
            Self::Reversing => "reversing",
            Self::Paid => "paid",
            Self::Declined => "declined",
            Self::Reversed => "reversed",
        }
    }

    /// Reads the word in the database.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// When to ask and when to take back: settings of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// How long to wait before asking, and between questions. WeChat advises 5 to 10 s.
    pub query_every_ms: u64,
    /// After this long without an end the attempt is taken back. WeChat advises 30 to 45 s.
    pub give_up_after_ms: u64,
    /// WeChat refuses to reverse sooner than 15 s after the pay call.
    pub reverse_not_before_ms: u64,
    /// So long after the pay call the wallet takes a payment back: WeChat seven days, Alipay one. What turns out to
    /// be paid later than that goes back as a refund.
    pub reverse_within_ms: u64,
    /// The longest pause between two tries to reverse while somebody waits; in the background they grow from there on.
    pub reverse_retry_max_ms: u64,
    /// "No such order" is believed this long after the pay call: no request lives longer on its way, and no
    /// payment code does.
    pub no_order_after_ms: u64,
    /// So long a code that the till shows may be paid.
    pub show_for_ms: u64,
    /// "No such order" is believed of a shown code so long after its end: by so much at most our clock and the
    /// wallet's differ.
    pub shown_grace_ms: u64,
    /// So long after an attempt has ended without money the wallet is asked once more whether it stayed so. Later than
    /// the wallet itself closes what nobody paid (WeChat after 45 s, Alipay after three minutes), and by more than the
    /// clocks of two servers differ: the one that asks may not be the one that was told of the end.
    pub look_again_after_ms: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            query_every_ms: 5_000,
            give_up_after_ms: 45_000,
            reverse_not_before_ms: 15_000,
            reverse_within_ms: 7 * 24 * 60 * 60 * 1_000,
            reverse_retry_max_ms: 60_000,
            no_order_after_ms: 120_000,
            show_for_ms: 90_000,
            shown_grace_ms: 30_000,
            look_again_after_ms: 300_000,
        }
    }
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Which try for the sale.
    pub attempt: Attempt,
    /// Which wallet is asked.
    pub wallet: Wallet,
    /// The number that the wallet sees.
    pub channel_number: ChannelNumber,
    /// How much.
    pub amount: Amount,
    /// Where it stands.
    pub state: PaymentState,
    /// When the intent was written, by the server's clock.
    pub sent_at: Timestamp,
    /// When the state was entered.
    pub since: Timestamp,
    /// When to act next, while not final; and when to ask once more after an end without money.
    pub next_at: Timestamp,
    /// How often the reversal has been asked for, or asked about in vain.
    pub reversals: u32,
    /// A reversal, or the closing of a shown code, was answered or not: the next question must tell what came of it.
    pub reversal_accepted: bool,
    /// The wallet's number of the transaction, once known.
    pub transaction: Option<String>,
    /// Why it was declined or is being taken back.
    pub reason: Option<DeclineReason>,
    /// The code that the till shows; nothing if the customer's was scanned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<ShownCode>,
    /// After the end nothing more is asked: the channel has said once more, and definitely, how it stands, or there
    /// was nothing to ask about.
    #[serde(default)]
    pub looked_again: bool,
    /// The merchant's account that is asked for the money. It is chosen before the intent is written, and never changes:
    /// whatever is asked about this attempt, or goes back of it, is that account's. Only of an attempt whose record is not
    /// there it is [`AccountId::NOT_KNOWN`], until [`Payment::found_at`].
    #[serde(default)]
    pub account: AccountId,
    /// By which version of the wallet's interface it is made, where the wallet has several that do not know each other's
    /// calls. Chosen with the account, and never changes: it is taken back and refunded by the same.
    #[serde(default)]
    pub interface: Interface,
}

/// What to do with an attempt whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask the channel where the payment stands.
    Query,
    /// Ask the channel to take it back, or to close it if its code is shown.
    Reverse,
    /// Ask the channel for the code to show: nobody has it yet.
    Show,
    /// It is over: ask the channel whether it stayed so.
    LookAgain,
}

/// Something new is known about an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The pay call ended.
    Pay(PayOutcome),
    /// The channel was asked for a code to show.
    Shown(ShownOutcome),
    /// A question was answered.
    Query(QueryOutcome),
    /// A reversal was answered.
    Reverse(ReverseOutcome),
    /// The wallet says that the attempt is by a code that the till shows, and does not take such a one back; its closing was
    /// answered. So it is where the attempt's record was lost: what stands in its place does not know of the code.
    ShownAfterAll(ReverseOutcome),
    /// The wallet says that it is too late to take the attempt back; and what it says then, asked where it stands. So it may
    /// be of an attempt that was heard of long after it was paid: by our own clock it is young.
    TooLateToReverse(QueryOutcome),
    /// A question after the end was answered.
    LookedAgain(QueryOutcome),
    /// The cashier wants the payment taken back instead of waiting on.
    GiveUp,
}

/// What came of an event, beyond the new state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing that anyone need be told of.
    None,
    /// The state is another.
    State,
    /// The channel says "paid" of an attempt that was already taken back or declined: money to return, and a
    /// person to tell. The state stays.
    LateSuccess,
}

impl Payment {
    /// The intent: to be made durable before the channel is called.
    #[must_use]
    pub fn intent(
        attempt: Attempt,
        wallet: Wallet,
        channel_number: ChannelNumber,
        amount: Amount,
        now: Timestamp,
        policy: &Policy,
    ) -> Self {
        Self {
            attempt,
            wallet,
            channel_number,
            amount,
            state: PaymentState::Sent,
            sent_at: now,
            since: now,
            next_at: now.plus(Duration::from_millis(policy.query_every_ms)),
            reversals: 0,
            reversal_accepted: false,
            transaction: None,
            reason: None,
            shown: None,
            looked_again: false,
            account: AccountId::OF_THE_FILE,
            interface: Interface::NOT_KNOWN,
        }
    }

    /// When waiting ends and taking back begins.
    #[must_use]
    pub fn deadline(&self, policy: &Policy) -> Timestamp {
        if let Some(shown) = &self.shown {
            return shown.until;
        }
        let after = policy.give_up_after_ms.max(policy.reverse_not_before_ms);
        self.sent_at.plus(Duration::from_millis(after))
    }

    /// What is to be done now, if anything. `Sent` counts too: whoever asked the channel may have crashed.
    #[must_use]
    pub fn due(&self, now: Timestamp, policy: &Policy) -> Option<Action> {
        if now < self.next_at {
            return None;
        }
        if self.state.is_final() {
            return self.to_be_looked_at().then_some(Action::LookAgain);
        }
        if self.state != PaymentState::Reversing {
            return Some(self.to_ask(now));
        }
        let may = self.may_be_reversed(now, policy);
        Some(if may && !self.reversal_accepted { Action::Reverse } else { Action::Query })
    }

    /// Whether the wallet takes a payment back at that time: not too soon after it was sent, and not too late.
    #[must_use]
    pub fn may_be_reversed(&self, now: Timestamp, policy: &Policy) -> bool {
        now >= self.reverse_not_before(policy) && !self.too_late_to_reverse(now, policy)
    }

    /// Before this the wallet takes nothing back. Closing may be asked for at any time.
    #[must_use]
    pub fn reverse_not_before(&self, policy: &Policy) -> Timestamp {
        let wait = if self.shown.is_some() { 0 } else { policy.reverse_not_before_ms };
        self.sent_at.plus(Duration::from_millis(wait))
    }

    fn too_late_to_reverse(&self, now: Timestamp, policy: &Policy) -> bool {
        now > self.sent_at.plus(Duration::from_millis(policy.reverse_within_ms))
    }

    /// Whether it is found paid when the wallet takes nothing back any more, by our clock or by the wallet's own word.
    fn is_paid_too_late(&self, event: &Event, now: Timestamp, policy: &Policy) -> bool {
        let is_too_late = match event {
            Event::Query(QueryOutcome::Paid { .. }) => self.too_late_to_reverse(now, policy),
            Event::TooLateToReverse(QueryOutcome::Paid { .. }) => true,
            _ => return false,
        };
        is_too_late && self.state == PaymentState::Reversing && self.shown.is_none()
    }

    /// Takes in what is newly known.
    pub fn on(&mut self, event: Event, now: Timestamp, policy: &Policy) -> Change {
        self.since = self.since.min(now);
        if self.state.is_final() {
            return self.after_the_end(&event, now, policy);
        }
        // The clock was set back since: counted from now on, or the deadline would be as far away as the clock
        // was set. All limits grow longer by that, and none shorter.
        self.sent_at = self.sent_at.min(now);
        self.clip_shown(now, policy);
        let before = self.state;
        if self.is_paid_too_late(&event, now, policy) {
            // Found paid when the wallet takes nothing back any more: over as an attempt, and the money goes back as a
            // refund under a number of its own.
            self.enter(PaymentState::Reversed, now);
            self.looked_again = true;
            return self.late(&event);
        }
        // Surely never reached the channel: there is nothing to look at again.
        let never_arrived = matches!(event, Event::Pay(PayOutcome::Refused(_)));
        match event {
            Event::Pay(outcome) => self.pay_answered(outcome, now, policy),
            Event::Shown(outcome) => self.shown_answered(outcome, now, policy),
            Event::Query(outcome) | Event::LookedAgain(outcome) | Event::TooLateToReverse(outcome) => {
                self.query_answered(outcome, now, policy);
            }
            Event::Reverse(outcome) => self.reverse_answered(&outcome, now, policy),
            Event::ShownAfterAll(outcome) => {
                self.shown_after_all(now);
                self.reverse_answered(&outcome, now, policy);
            }
            Event::GiveUp => self.start_reversing(now, policy),
        }
        if self.state == before {
            return Change::None;
        }
        if self.state.is_final() {
            self.plan_second_look(never_arrived, now, policy);
        }
        Change::State
    }

    fn pay_answered(&mut self, outcome: PayOutcome, now: Timestamp, policy: &Policy) {
        if self.state == PaymentState::Reversing {
            // The answer came after the decision to take back. A definite "no" ends it; a success is undone
            // by the reversal that is under way, and anything else changes nothing.
            if let PayOutcome::ConfirmedFailure(reason) | PayOutcome::Refused(reason) = outcome {
                self.reason = Some(reason);
                self.enter(PaymentState::Declined, now);
            }
            return;
        }
        match outcome {
            PayOutcome::ConfirmedSuccess { transaction } => self.paid(transaction, now),
            PayOutcome::ConfirmedFailure(reason) | PayOutcome::Refused(reason) => {
                self.reason = Some(reason);
                self.enter(PaymentState::Declined, now);
            }
            PayOutcome::Waiting => self.wait(PaymentState::Waiting, now, policy),
            PayOutcome::Unknown => self.wait(PaymentState::Unknown, now, policy),
        }
    }

    fn query_answered(&mut self, outcome: QueryOutcome, now: Timestamp, policy: &Policy) {
        if self.state == PaymentState::Reversing {
            return self.queried_while_reversing(outcome, now, policy);
        }
        match outcome {
            QueryOutcome::Paid { transaction } => self.paid(transaction, now),
            QueryOutcome::Reversed => self.enter(PaymentState::Reversed, now),
            QueryOutcome::Failed(reason) => {
                self.reason = Some(reason);
                self.start_reversing(now, policy);
            }
            QueryOutcome::Waiting => self.wait(PaymentState::Waiting, now, policy),
            QueryOutcome::NotPaid | QueryOutcome::NoSuchOrder | QueryOutcome::Unknown => {
                let state = if self.state == PaymentState::Sent { PaymentState::Unknown } else { self.state };
                self.wait(state, now, policy);
            }
        }
    }

    fn queried_while_reversing(&mut self, outcome: QueryOutcome, now: Timestamp, policy: &Policy) {
        match outcome {
            // Closing takes no money back: the customer was quicker.
            QueryOutcome::Paid { transaction } if self.shown.is_some() => self.paid(transaction, now),
            QueryOutcome::Reversed => self.enter(PaymentState::Reversed, now),
            QueryOutcome::NoSuchOrder => self.no_such_order(now, policy),
            // "Yes, taken back", says the reversal, yet the payment stands as paid or open: the "yes" was
            // not one. Ask for the reversal again.
            QueryOutcome::Paid { .. }
            | QueryOutcome::NotPaid
            | QueryOutcome::Waiting
            | QueryOutcome::Failed(_) => {
                self.reversal_accepted = false;
                self.next_at = self.next_reversal(now, policy);
            }
            // Neither way may be the only one that is asked: the other may answer.
            QueryOutcome::Unknown => {
                self.reversal_accepted = false;
                if !self.may_be_reversed(now, policy) {
                    self.reversals = self.reversals.saturating_add(1);
                }
                let at_least = Duration::from_millis(policy.query_every_ms);
                self.next_at = now.plus(at_least.max(self.ever_more_rarely(policy)));
            }
        }
    }

    fn reverse_answered(&mut self, outcome: &ReverseOutcome, now: Timestamp, policy: &Policy) {
        if self.state != PaymentState::Reversing {
            return;
        }
        self.reversals = self.reversals.saturating_add(1);
        match outcome {
            ReverseOutcome::Reversed => {
                self.reversal_accepted = true;
                self.next_at = now;
            }
            ReverseOutcome::NoSuchOrder => self.no_such_order(now, policy),
            // Not taken back or not closed: perhaps because it is over long since, or because it is paid. Only a question tells.
            // It leads back to here, after a pause, if it says neither.
            ReverseOutcome::Retry | ReverseOutcome::TooLate | ReverseOutcome::Unknown => {
                self.reversal_accepted = true;
                self.next_at = now;
            }
        }
    }

    /// Nothing to take back, as far as the channel knows. Believed only once no request can be on its way.
    fn no_such_order(&mut self, now: Timestamp, policy: &Policy) {
        if now >= self.surely_gone_at(policy) {
            self.enter(PaymentState::Reversed, now);
        } else {
            self.reversal_accepted = false;
            self.next_at = now.plus(Duration::from_millis(policy.query_every_ms));
        }
    }

    fn paid(&mut self, transaction: String, now: Timestamp) {
        self.transaction = Some(transaction);
        self.reason = None;
        self.enter(PaymentState::Paid, now);
    }

    /// Waits on in `state`, or starts to take back if it has lasted too long.
    fn wait(&mut self, state: PaymentState, now: Timestamp, policy: &Policy) {
        if now >= self.deadline(policy) {
            return self.start_reversing(now, policy);
        }
        if state != self.state {
            self.enter(state, now);
        }
        let next = now.plus(Duration::from_millis(policy.query_every_ms));
        self.next_at = next.min(self.deadline(policy));
    }

    fn start_reversing(&mut self, now: Timestamp, policy: &Policy) {
        if self.state == PaymentState::Reversing {
            return;
        }
        self.enter(PaymentState::Reversing, now);
        self.next_at = now.max(self.reverse_not_before(policy));
    }

    fn next_reversal(&self, now: Timestamp, policy: &Policy) -> Timestamp {
        now.plus(self.ever_more_rarely(policy)).max(self.reverse_not_before(policy))
    }

    fn enter(&mut self, state: PaymentState, now: Timestamp) {
        self.state = state;
        self.since = now;
    }
}

#[cfg(test)]
mod tests;
