//! Which successes of a sale nobody needs: of all the times that money was taken for it, one at most is kept.

use super::PaymentState;
use crate::clock::Timestamp;
use crate::id::Attempt;
use crate::order::{OrderState, PaidBy};

/// An attempt at an order of which the channel has said "paid" at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Success {
    /// Which try.
    pub attempt: Attempt,
    /// Where the attempt stands: `Paid`, or over without money and paid later all the same.
    pub state: PaymentState,
    /// The wallet's number of the transaction.
    pub transaction: String,
    /// When the attempt came to its state.
    pub since: Timestamp,
}

/// The attempts whose money is to go back: all but the one that was fulfilled, else the earliest that counts as paid;
/// and all of them where cash was taken, or where the order can no more be paid. What was paid after its attempt had
/// ended is never kept: the till was told that it had not been paid, and the goods went another way.
#[must_use]
pub fn surplus(state: OrderState, paid_by: Option<&PaidBy>, successes: &[Success]) -> Vec<Attempt> {
    let counts = |success: &&Success| success.state == PaymentState::Paid;
    let fulfilled = |success: &&Success| match paid_by {
        Some(paid_by) => paid_by.transaction() == Some(success.transaction.as_str()),
        None => false,
    };
    let by_cash = matches!(paid_by, Some(PaidBy::Cash { .. }));
    let earliest = || match state {
        OrderState::Expired | OrderState::Void => None,
        _ if by_cash => None,
        OrderState::Draft | OrderState::Adopted | OrderState::Paid => {
            successes.iter().filter(counts).min_by_key(|success| success.since)
        }
    };
    let kept = successes.iter().filter(counts).find(fulfilled).or_else(earliest).map(|kept| kept.attempt);
    successes.iter().map(|success| success.attempt).filter(|attempt| Some(*attempt) != kept).collect()
}
