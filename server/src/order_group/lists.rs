//! What people and tills see of orders. Nothing here decides about money.

use super::{PaymentRecord, RefundRecord, Reply, StoryLine};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::cashier::Cashier;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::SaleKey;
use evertill_shared::money::Amount;
use evertill_shared::order::{OrderState, PaidBy, Sale};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::refund::Refund;

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
}
