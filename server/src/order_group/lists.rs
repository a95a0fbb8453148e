//! What people and tills see of orders. Nothing here decides about money.

use super::{PaymentRecord, RefundRecord, Reply, StoryLine};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::cashier::Cashier;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{SaleKey, TerminalId};
use evertill_shared::money::Amount;
use evertill_shared::order::{OrderState, PaidBy, Sale};
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::refund::Refund;

/// Which orders to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderFilter {
    /// Of which business day.
    pub day: BusinessDay,
    /// Whose number contains these digits; anything but digits is passed over.
    pub number_part: Option<String>,
    /// Of which till.
    pub terminal: Option<TerminalId>,
    /// Of which total, in minor units.
    pub total_minor: Option<i64>,
    /// Drafts and expired drafts too: they are no sales.
    pub with_drafts: bool,
    /// The most orders to list; newest first.
    pub most: u32,
    /// Only those older than this one: the next part of a long list.
    pub before: Option<OrderNumber>,
    /// Only those that stand so.
    pub standing: Option<Standing>,
}

/// How an order stands, as people look for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Paid.
    Paid,
    /// Adopted and not paid.
    NotPaid,
    /// Some of it is refunded, or about to be.
    Refunded,
    /// It came from a blocked till and waits for a person.
    Quarantined,
    /// Given up before it was paid.
    Void,
}

impl Standing {
    /// As a condition on a row of orders, or of their copies.
    pub(crate) fn condition(self) -> &'static str {
        match self {
            Self::Paid => "state = 'paid'",
            Self::NotPaid => "state = 'adopted'",
            Self::Refunded => "held_minor > 0",
            Self::Quarantined => "quarantined = 1",
            Self::Void => "state = 'void'",
        }
    }
}

impl OrderFilter {
    /// All sales of a day, the newest 200.
    #[must_use]
    pub fn of_day(day: BusinessDay) -> Self {
        Self {
            day,
            number_part: None,
            terminal: None,
            total_minor: None,
            with_drafts: false,
            most: 200,
            before: None,
            standing: None,
        }
    }
}

/// Who served, as the till says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedBy {
    /// The person.
    pub cashier: Cashier,
    /// They were on the staff when the order was adopted. If not, the sale is a sale all the same, and a person should
    /// look at it.
    pub on_staff: bool,
}

/// An order in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderSummary {
    /// Its number.
    pub number: OrderNumber,
    /// K, the name of the sale.
    pub sale: SaleKey,
    /// Where it stands.
    pub state: OrderState,
    /// On which day it was sold.
    pub business_day: BusinessDay,
    /// What was to be paid.
    pub total: Amount,
    /// What was paid.
    pub paid: Amount,
    /// What refunds hold that are reserved, under way or done.
    pub held: Amount,
    /// How it was paid.
    pub paid_by: Option<PaidBy>,
    /// It came from a blocked till and waits for a person.
    pub quarantined: bool,
    /// When it was created, by the server's clock.
    pub created_at: Timestamp,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// Who served; nobody at a till where nobody logs in.
    pub served_by: Option<ServedBy>,
    /// Its refunds, oldest first.
    pub refunds: Vec<Refund>,
}

/// Orders of all groups that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderList {
    /// Newest first.
    pub orders: Vec<OrderSummary>,
    /// There are more than were asked for.
    pub more: bool,
    /// Groups that did not answer: their orders are missing here.
    pub unreachable: Vec<GroupTag>,
}

/// An order and all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderDetail {
    /// As in the list.
    pub summary: OrderSummary,
    /// What was sold.
    pub goods: Sale,
    /// All attempts to pay through a wallet, oldest first.
    pub payments: Vec<PaymentRecord>,
    /// All refunds, oldest first.
    pub refunds: Vec<RefundRecord>,
    /// All that happened, oldest first.
    pub story: Vec<StoryLine>,
}

/// Reading orders.
pub trait Lists: Send + Sync {
    /// One order.
    fn order(&self, number: OrderNumber) -> Reply<OrderDetail>;
    /// Orders of a day, newest first; at most one more than the filter asks for, so that it shows if there are
    /// more.
    fn orders(&self, filter: OrderFilter) -> Reply<Vec<OrderSummary>>;
}
