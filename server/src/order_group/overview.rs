//! What the console shows of a day as a whole, and of what is not settled. Nothing here decides about money.

use super::{GroupSet, PaymentRecord, RefundRecord, Reply};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::order_number::GroupTag;
use evertill_shared::wallet::Wallet;

/// What a day came to with one tender, in minor units of the store's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenderTotal {
    /// The wallet; `None` for cash.
    pub wallet: Option<Wallet>,
    /// Paid orders that count as sales.
    pub orders: u64,
    /// What was paid.
    pub paid_minor: i64,
    /// What surely went back.
    pub refunded_minor: i64,
    /// What refunds hold that are reserved, under way or done.
    pub held_minor: i64,
}

/// What a day came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayTotals {
    /// By tender; cash first. Tenders that nobody used are not there.
    pub tenders: Vec<TenderTotal>,
    /// Paid orders that came from blocked tills: not in the totals.
    pub quarantined: u64,
    /// Groups that did not answer: their orders are missing here.
    pub unreachable: Vec<GroupTag>,
}

/// What is not settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsettled {
    /// Attempts to pay whose end is not known, oldest first.
    pub payments: Vec<PaymentRecord>,
    /// Refunds that wait for their till or are under way, and money that goes back by itself; oldest first.
    pub refunds: Vec<RefundRecord>,
    /// Groups that did not answer.
    pub unreachable: Vec<GroupTag>,
}

/// Looking at a group as a whole.
pub trait Overview: Send + Sync {
    /// What a day came to in this group.
    fn day_totals(&self, day: BusinessDay) -> Reply<DayTotals>;
    /// What is not settled in this group: so many payments and so many refunds at most.
    fn unsettled(&self, most: u32) -> Reply<Unsettled>;
}

impl GroupSet {
    /// What a day came to in all groups that answer.
    pub async fn day_totals(&self, day: BusinessDay) -> DayTotals {
        let (parts, unreachable) = self.read_all(|g| g.day_totals(day)).await;
        let mut sum = DayTotals { unreachable, ..DayTotals::default() };
        for part in parts {
            sum.quarantined = sum.quarantined.saturating_add(part.quarantined);
            part.tenders.into_iter().for_each(|tender| sum.add(tender));
        }
        sum.tenders.sort_by_key(|tender| tender.wallet.map(Wallet::code));
        sum
    }

    /// What is not settled in any group that answers, oldest first.
    pub async fn unsettled(&self, most: u32) -> Unsettled {
        let (parts, unreachable) = self.read_all(|g| g.unsettled(most)).await;
        let mut all = Unsettled { unreachable, ..Unsettled::default() };
        for part in parts {
            all.payments.extend(part.payments);
            all.refunds.extend(part.refunds);
        }
        all.payments.sort_by_key(|record| (record.payment.sent_at, record.number));
        all.refunds.sort_by_key(|record| (record.refund.requested_at, record.refund.id.clone()));
        all
    }
}

impl DayTotals {
    fn add(&mut self, more: TenderTotal) {
        let Some(sum) = self.tenders.iter_mut().find(|sum| sum.wallet == more.wallet) else {
            return self.tenders.push(more);
        };
        sum.orders = sum.orders.saturating_add(more.orders);
        sum.paid_minor = sum.paid_minor.saturating_add(more.paid_minor);
        sum.refunded_minor = sum.refunded_minor.saturating_add(more.refunded_minor);
        sum.held_minor = sum.held_minor.saturating_add(more.held_minor);
    }
}
