//! Order groups: the databases that hold orders, payments and refunds, any of which may fail without a customer
//! noticing. Above this module there is no SQL.
//!
//! [`OrderGroup`] is what one group can do; [`GroupSet`] is all of them: the table from tag to group, the
//! choice of a group for a new order, and the jump to another when one fails. Only creation jumps (rule
//! *only-creation-jumps*): everything else goes to the group that the order's number names, or fails.
//!
//! Whoever decides about money does so inside the group's own transaction, on what stands there, and never on
//! something read before.

mod avoidance;
pub mod day_books;
mod entries;
mod failure;
mod give_backs;
pub mod health;
mod journals;
mod jump;
pub mod ledger;
pub mod lists;
mod orders;
pub mod outbox;
pub mod overview;
mod payments;
mod probe;
mod quarantine;
mod refunds;
pub mod selector;
mod set;
mod stored;
mod story;
mod write_pace;

pub(crate) use entries::takes_part;
pub use entries::{Guard, KeptEntry, SaleOfTill};
pub use failure::{GroupError, Refusal};
pub use give_backs::{GiveBack, GiveBackEvent, GiveBackNews, GiveBacks, LONGEST_ROUND, Scanned};
pub use journals::{Journals, PlacedEntry};
pub use jump::{Created, Drafts, GroupHealth, NewDraft};
pub use lists::{Lists, OrderDetail, OrderSummary};
pub use orders::{Adopt, Adoption, Cash, Orders, Tidied, Tidy};
pub use payments::{Lease, NewPayment, PaymentNews, PaymentRecord, Payments, Policies, Started, TakenBack};
pub use quarantine::{Accept, Accepted, Quarantine};
pub use refunds::{
    CarriedOut, CarryOut, FinishedByHand, Foreseen, Inbox, NewRefund, RefundNews, RefundRecord, Refunds,
};
pub use set::{
    Expected, GroupPlace, GroupSet, GroupSetError, GroupSettings, KnownMap, Limits, MapSource, Place,
    TagHome, TagStanding, Told,
};
pub use stored::{EngineState, GroupOpenError, StoredGroup};
pub(crate) use stored::{served_by, served_by_values};
pub use story::{Fact, StoryLine};
pub(crate) use story::{is_whole, named, others_of};

use crate::database::Database;
use evertill_shared::order_number::GroupTag;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// An answer of a group that is on its way. Dropping it drops the answer, not the work: what was asked for may
/// still happen.
pub type Reply<T> = Pin<Box<dyn Future<Output = Result<T, GroupError>> + Send>>;

/// One order group, whatever database it is kept in.
///
/// Answers have no time limit of their own: [`GroupSet`] gives every call one, and calls what did not come in
/// time unknown.
pub trait OrderGroup:
    Drafts
    + Orders
    + Payments
    + Refunds
    + GiveBacks
    + Quarantine
    + Lists
    + Journals
    + overview::Overview
    + day_books::DayBooks
    + ledger::Ledger
    + outbox::Outbox
{
    /// The random name of this very database, once it is open.
    fn identity(&self) -> Option<String>;
    /// What the engine says of itself, without asking the database.
    fn engine(&self) -> EngineState;
    /// The orders of another tag in the same database.
    fn serving(&self, tag: GroupTag) -> Arc<dyn OrderGroup>;
    /// The database itself: for moving orders to another.
    /// # Errors
    /// It is not open at the moment.
    fn database(&self) -> Result<Database, GroupError>;
}

#[cfg(test)]
pub(crate) mod testing;
