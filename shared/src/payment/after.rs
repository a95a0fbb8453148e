//! What comes after the minute in which a till waits: questions ever more rarely, and one more after the end.

use super::{Change, Event, PayOutcome, Payment, PaymentState, Policy, QueryOutcome};
use crate::clock::Timestamp;
use std::time::Duration;

/// The longest pause in the background. Order groups take times an hour ahead for a clock that was set back.
const LONGEST_PAUSE_MS: u64 = 30 * 60 * 1_000;
/// After so many more tries no pause is shorter than the longest one.
const MANY: u32 = 64;

impl Payment {
    /// The pause before it is tried again to end an attempt that is being taken back: doubling from a second up to the
    /// policy's longest, while somebody waits; then a tenth longer each time, so that a pause is a tenth of the time
    /// that all took, and half an hour at most. So a wallet that is away for an hour is asked every few minutes, one
    /// that is away for days twice an hour, and none is given up. Counted in tries: a clock that leaps ages nobody.
    pub(super) fn ever_more_rarely(&self, policy: &Policy) -> Duration {
        let longest_at_first = policy.reverse_retry_max_ms.max(1);
        let (mut pause, mut tries) = (1_000_u64.min(longest_at_first), self.reversals.min(MANY));
        while tries > 0 && pause < longest_at_first {
            pause = (2 * pause).min(longest_at_first);
            tries -= 1;
        }
        for _ in 0..tries {
            pause = (pause + pause / 10).min(LONGEST_PAUSE_MS.max(longest_at_first));
        }
        Duration::from_millis(pause)
    }

    /// Whether it ended without money and the channel is still to be asked whether it stayed so.
    #[must_use]
    pub fn to_be_looked_at(&self) -> bool {
        self.state.surely_not_charged() && !self.looked_again
    }

    /// It is over now: when to look again, if at all.
    pub(super) fn plan_second_look(&mut self, never_arrived: bool, now: Timestamp, policy: &Policy) {
        self.looked_again = never_arrived || self.state == PaymentState::Paid;
        if !self.looked_again {
            self.next_at = now.plus(Duration::from_millis(policy.look_again_after_ms));
        }
    }

    /// Takes in what is said of an attempt that is over.
    pub(super) fn after_the_end(&mut self, event: &Event, now: Timestamp, policy: &Policy) -> Change {
        if let Event::LookedAgain(outcome) = event
            && self.to_be_looked_at()
        {
            match outcome {
                QueryOutcome::Paid { .. }
                | QueryOutcome::Reversed
                | QueryOutcome::Failed(_)
                | QueryOutcome::NoSuchOrder => self.looked_again = true,
                // It could still be paid: looked at until it cannot, or until it was.
                QueryOutcome::Waiting | QueryOutcome::NotPaid | QueryOutcome::Unknown => {
                    self.reversals = self.reversals.saturating_add(1);
                    let at_least = Duration::from_millis(policy.reverse_retry_max_ms);
                    self.next_at = now.plus(at_least.max(self.ever_more_rarely(policy)));
                }
            }
        }
        self.late(event)
    }

    /// A success after the end is a second fact, told once.
    pub(super) fn late(&mut self, event: &Event) -> Change {
        let transaction = match event {
            Event::Pay(PayOutcome::ConfirmedSuccess { transaction })
            | Event::Query(QueryOutcome::Paid { transaction })
            | Event::TooLateToReverse(QueryOutcome::Paid { transaction })
            | Event::LookedAgain(QueryOutcome::Paid { transaction }) => transaction,
            _ => return Change::None,
        };
        if self.state == PaymentState::Paid || self.transaction.as_ref() == Some(transaction) {
            return Change::None;
        }
        self.transaction = Some(transaction.clone());
        Change::LateSuccess
    }
}
