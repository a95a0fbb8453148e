//! What a group does with orders: adoption, cash, and tidying up.

use super::lists::ServedBy;
use super::{Guard, KeptEntry, Policies, Reply, SaleOfTill};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
use evertill_shared::money::Amount;
use evertill_shared::order_number::OrderNumber;

/// The till's choice of a number for a sale: all that is needed to have the order, even if this group lost or
/// never had the draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adoption {
    /// The number chosen.
    pub number: OrderNumber,
    /// The sale.
    pub sale: SaleOfTill,
    /// The entry that chooses.
    pub adopted: KeptEntry,
    /// The business day, if the order is new to this group.
    pub business_day: BusinessDay,
    /// The server's clock.
    pub at: Timestamp,
    /// The till is blocked: a person must accept what it sends.
    pub quarantine: bool,
    /// Who served, and whether they are on the staff.
    pub served_by: Option<ServedBy>,
}

/// Cash that was taken for a sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cash {
    /// The entry that says so.
    pub entry: KeptEntry,
    /// The entry that says that a part of it was taken before, if this one took the rest.
    pub part: Option<KeptEntry>,
    /// What the customer handed over.
    pub given: Amount,
    /// What went back.
    pub change: Amount,
}

/// Adopts a number; with cash, the order is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopt {
    /// The choice.
    pub adoption: Adoption,
    /// The cash, for a cash sale.
    pub cash: Option<Cash>,
    /// For an attempt that is still open when cash is taken: it is taken back.
    pub policies: Policies,
    /// Against replays.
    pub guard: Guard,
}

/// What is done in the background now and then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tidy {
    /// The server's clock.
    pub now: Timestamp,
    /// The store's business day at that time.
    pub today: BusinessDay,
    /// Drafts from before this moment expire.
    pub drafts_before: Timestamp,
    /// Refunds of earlier business days that were asked for before this moment, and that no till has taken,
    /// are withdrawn.
    pub refunds_before: Timestamp,
}

/// What tidying came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Drafts that expired.
    pub drafts: u64,
    /// Refunds that were withdrawn.
    pub refunds: u64,
    /// Request ids that were forgotten.
    pub requests: u64,
}

/// Orders of a group.
pub trait Orders: Send + Sync {
    /// Adopts the order. Repeating it changes nothing.
    fn adopt(&self, adopt: Adopt) -> Reply<()>;
    /// Expires drafts, withdraws refunds that nobody fetched, forgets old request ids; a part at a time.
    fn tidy(&self, tidy: Tidy) -> Reply<Tidied>;
}
