//! What is not settled, for people and monitoring. Nothing here decides about money.

use super::{GiveBack, GroupSet, PaymentRecord, RefundRecord, Reply};
use evertill_shared::order_number::GroupTag;

/// What is not settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsettled {
    /// Attempts to pay whose end is not known, oldest first.
    pub payments: Vec<PaymentRecord>,
    /// Refunds that wait for their till or are under way, oldest first.
    pub refunds: Vec<RefundRecord>,
    /// Money that goes back by itself, oldest first.
    pub give_backs: Vec<GiveBack>,
    /// Groups that did not answer.
    pub unreachable: Vec<GroupTag>,
}

/// Looking at a group as a whole.
pub trait Overview: Send + Sync {
    /// What is not settled in this group: so many of each kind at most.
    fn unsettled(&self, most: u32) -> Reply<Unsettled>;
}

impl GroupSet {
    /// What is not settled in any group that answers, oldest first.
    pub async fn unsettled(&self, most: u32) -> Unsettled {
        let (parts, unreachable) = self.read_all(|g| g.unsettled(most)).await;
        let mut all = Unsettled { unreachable, ..Unsettled::default() };
        for part in parts {
            all.payments.extend(part.payments);
            all.refunds.extend(part.refunds);
            all.give_backs.extend(part.give_backs);
        }
        all.payments.sort_by_key(|record| (record.payment.sent_at, record.number));
        all.refunds.sort_by_key(|record| (record.refund.requested_at, record.refund.id.clone()));
        all.give_backs.sort_by_key(|open| (open.since, open.number, open.attempt));
        all
    }
}
