//! Answers that are truly the wallet's and about something else than was asked: swapped on the way, played again, or of another
//! merchant. The wallets' signatures do not bind an answer to its request, so this is a finding of its own, and loud. It is told
//! where people look: in a figure, in the order's story and in the console. No amount and no secret is in it.

use evertill_shared::clock::Timestamp;
use evertill_shared::id::ChannelNumber;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many wait at most to be told in their orders' stories. More come only of a wallet, or of somebody in between, that answers
/// nothing rightly: the figure counts them all.
const MOST: usize = 1_000;

/// One such answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The payment's number.
    pub payment: ChannelNumber,
    /// What was called, in the adapter's word.
    pub call: String,
    /// The field that was missing, or not what was asked about.
    pub field: &'static str,
    /// When it came.
    pub at: Timestamp,
}

impl Mismatch {
    /// The same field of an answer to the same call about the same payment: told once.
    fn is_like(&self, other: &Self) -> bool {
        (&self.payment, &self.call, self.field) == (&other.payment, &other.call, other.field)
    }
}

/// What was heard of an account since this server started.
#[derive(Debug, Default)]
pub struct Mismatches(Mutex<Heard>);

#[derive(Debug, Default)]
struct Heard {
    untold: VecDeque<Mismatch>,
    count: u64,
    last: Option<Mismatch>,
}

impl Mismatches {
    /// Takes note of one.
    pub fn note(&self, one: Mismatch) {
        let mut heard = self.heard();
        heard.count = heard.count.saturating_add(1);
        heard.last = Some(one.clone());
        heard.wait(one);
    }

    /// What no order's story tells yet; whoever asks tells it.
    pub fn untold(&self) -> Vec<Mismatch> {
        self.heard().untold.drain(..).collect()
    }

    /// It could not be told: another time.
    pub fn not_told(&self, one: Mismatch) {
        self.heard().wait(one);
    }

    /// How many there were, and the last of them.
    pub fn so_far(&self) -> (u64, Option<Mismatch>) {
        let heard = self.heard();
        (heard.count, heard.last.clone())
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    fn wait(&mut self, one: Mismatch) {
        if self.untold.len() < MOST && !self.untold.iter().any(|other| other.is_like(&one)) {
            self.untold.push_back(one);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::id::{SaleKey, StoreId, TerminalId};

    fn one(sequence: u64, field: &'static str) -> Mismatch {
        let sale = SaleKey { terminal: TerminalId::try_from(1).unwrap(), epoch: 1, sequence };
        let payment = ChannelNumber::new(StoreId::try_from(1).unwrap(), sale, 1);
        Mismatch { payment, call: "query".into(), field, at: Timestamp(7) }
    }

    #[test]
    fn each_is_counted_and_the_same_one_is_told_once() {
        let all = Mismatches::default();
        for field in ["total_fee", "total_fee", "out_trade_no"] {
            all.note(one(1, field));
        }
        assert_eq!(all.so_far(), (3, Some(one(1, "out_trade_no"))));
        let untold = all.untold();
        assert_eq!(untold, [one(1, "total_fee"), one(1, "out_trade_no")]);
        assert_eq!(all.untold(), []);
        all.not_told(one(1, "total_fee"));
        assert_eq!(all.untold(), [one(1, "total_fee")]);
        assert_eq!(all.so_far().0, 3);
    }

    #[test]
    fn a_wallet_that_answers_nothing_rightly_fills_no_memory() {
        let all = Mismatches::default();
        for sequence in 1..=2_000 {
            all.note(one(sequence, "total_fee"));
        }
        assert_eq!((all.untold().len(), all.so_far().0), (MOST, 2_000));
    }
}
