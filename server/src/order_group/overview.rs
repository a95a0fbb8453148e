//! What is not settled, for people and monitoring. Nothing here decides about money.

use super::{GiveBack, GroupSet, PaymentRecord, RefundRecord, Reply};
use evertill_shared::clock::Timestamp;
use evertill_shared::order_number::GroupTag;
use std::cmp::Reverse;

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

/// Why a wallet's money is nobody's payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surplus {
    /// It was taken after the attempt was over.
    Late,
    /// The order was paid otherwise as well.
    Double,
    /// Another of the merchant's accounts took it as well.
    Elsewhere,
}

/// How money that goes back by itself ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenBackEnd {
    /// It went back.
    Done,
    /// The wallet had taken nothing, or had taken it back itself.
    NothingTaken,
}

/// Money that went back by itself, or is to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenBack {
    /// What, under which number, and how far it is.
    pub what: GiveBack,
    /// Why.
    pub why: Surplus,
    /// How it ended; nothing while it is open.
    pub end: Option<GivenBackEnd>,
    /// When it ended, as the ledger says.
    pub ended_at: Option<Timestamp>,
}

impl GivenBack {
    /// What comes first in a list: the order in which it was found, the other way round.
    pub(super) fn newest_first(&self) -> impl Ord + use<> {
        let GiveBack { since, number, attempt, account, .. } = self.what;
        Reverse((since, number, attempt, account))
    }
}

/// What went back by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenBackList {
    /// Newest first.
    pub all: Vec<GivenBack>,
    /// Groups that did not answer.
    pub unreachable: Vec<GroupTag>,
}

/// Looking at a group as a whole.
pub trait Overview: Send + Sync {
    /// What is not settled in this group: so many of each kind at most.
    fn unsettled(&self, most: u32) -> Reply<Unsettled>;
    /// What went back by itself in this group or is to, settled or not: so many at most, newest first.
    fn given_back(&self, most: u32) -> Reply<Vec<GivenBack>>;
}

impl GroupSet {
    /// What is not settled in any group that answers, oldest first.
    pub async fn unsettled(&self, most: u32) -> Unsettled {
        let (parts, unreachable) = self.look_at_all(|g| g.unsettled(most)).await;
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

    /// What went back by itself in any group that answers, or is to; newest first.
    pub async fn given_back(&self, most: u32) -> GivenBackList {
        let (parts, unreachable) = self.look_at_all(|g| g.given_back(most)).await;
        let mut all: Vec<GivenBack> = parts.into_iter().flatten().collect();
        all.sort_by_key(GivenBack::newest_first);
        GivenBackList { all, unreachable }
    }
}
